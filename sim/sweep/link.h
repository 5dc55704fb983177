/* link.h — how the processes that share a sweep reach each other: messages of bytes between numbered processes.
 *
 * Whoever has such processes implements these functions; mpi/ does it by MPI. One thread at a time uses a link. */
#ifndef CH_LINK_H
#define CH_LINK_H

#include "core/error.h"

#include <stddef.h>

typedef struct ch_link {
    int rank, size;    /* number of this process, from 0, and of processes. Process 0 has the store */
    int total_threads; /* of all processes together */
    void *context;     /* first argument of the functions; borrowed */
    /** Sends a message without waiting until it is received. Messages between two processes keep their order.
     *  @param bytes  [size] copied, size > 0
     *  @return CH_OK; CH_ERROR_IO; CH_ERROR_MEMORY */
    ch_code (*send)(void *context, int to, const void *bytes, size_t size, ch_error *err);
    /** Takes a message that has arrived, without waiting for one.
     *  @param from   out: who sent it
     *  @param bytes  out: [size] the message, to be released with free(); NULL where none has arrived
     *  @return as send */
    ch_code (*receive)(void *context, int *from, void **bytes, size_t *size, ch_error *err);
} ch_link;

#endif
