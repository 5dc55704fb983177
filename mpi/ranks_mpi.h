/* ranks_mpi.h — what the module that knows MPI offers the program.
 *
 * The module is a shared object of its own, which the program loads when it was started by a launcher of MPI. So the
 * program starts without MPI's libraries, and runs where there are none. */
#ifndef CH_RANKS_MPI_H
#define CH_RANKS_MPI_H

#include "sim/sweep/link.h"

/** The processes that were started together. */
typedef struct ch_mpi {
    ch_link link;             /* without `total_threads` */
    int node_rank, node_size; /* number of this process among those on its machine, and how many they are */
    char library[128];        /* name and version of the MPI */
    /** Gives every process the bytes of all of them, or of those on its machine. All of them must call it.
     *  @param bytes  [size] of this process  @param all  [number of processes][size] out
     *  @return CH_OK, CH_ERROR_IO */
    ch_code (*gather)(void *context, const void *bytes, size_t size, void *all, ch_error *err);
    ch_code (*gather_node)(void *context, const void *bytes, size_t size, void *all, ch_error *err);
    /** Waits until what was sent has gone, and takes leave of the other processes, which must do so too. */
    void (*close)(void *context);
} ch_mpi;

/** The type of ch_mpi_open. */
typedef ch_code ch_mpi_open_function(ch_mpi *self, ch_error *err);

/** Joins the processes that were started together. A process calls it once.
 *  @param self  out: end with `close`, unless it fails
 *  @return CH_OK; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_mpi_open_function ch_mpi_open;

#endif
