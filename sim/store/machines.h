/* machines.h — on what machines, and by what compiler's program, the runs of a store were made. Private to sim/store/.
 *
 * Nothing here says whose machine it is: neither the host's name nor a user's is kept. */
#ifndef CH_STORE_MACHINES_H
#define CH_STORE_MACHINES_H

#include "sim/store/store.h"

#include <jansson.h>

enum { CH_MACHINE_TEXT_SIZE = 128, CH_MACHINE_THREADS = 4 /* the column of `threads`, counted from 1 */ };

/** A machine, and what the program on it was made with. */
typedef struct {
    char processor[CH_MACHINE_TEXT_SIZE]; /* its name as it gives it, e.g. "AMD EPYC 7B13" */
    int64_t cores;                        /* that the system has, also those that this process may not use */
    int64_t memory;                       /* of the system in bytes, to the next 2^28 */
    char system[CH_MACHINE_TEXT_SIZE];    /* e.g. "Linux 6.1.0 x86_64" */
    char compiler[CH_MACHINE_TEXT_SIZE];  /* e.g. "gcc 12.2.0" */
    char gsl[CH_MACHINE_TEXT_SIZE];       /* version of the library in use */
    int64_t number; /* the first 48 bits of the SHA-256 of all of the above: a double holds it too */
} ch_machine;

/** Describes the machine that this process runs on. What the system does not tell is "unknown", or 0. */
void ch_machine_find(ch_machine *self);

/** Prepares the statement that puts this machine into table `machines`, unless it is there.
 *  @param insert  out: its parameters are bound; to be finalised by the caller
 *  @param number  out: what runs have in column `machine`
 *  @return as ch_store_put */
ch_code ch_machine_prepare(ch_store *store, sqlite3_stmt **insert, int64_t *number, ch_error *err) CH_MUST_CHECK;

/** Copies the machines of another store, within a transaction that the caller has begun. Rows with other cells than a
 *  machine has are left out.
 *  @return as ch_store_put */
ch_code ch_machines_copy(ch_store *into, const ch_store *from, ch_error *err) CH_MUST_CHECK;

/** Lists the machines of runs: an array of objects {processor, cores, threads, memory, system, compiler, gsl, runs}, by
 *  falling number of runs. Runs of which none is recorded are in one object whose other members are null.
 *  @param runs  the runs, as they follow FROM
 *  @param list  out: a new reference; NULL after a failure
 *  @return CH_OK, CH_ERROR_IO, CH_ERROR_MEMORY */
ch_code ch_machines_list(const ch_store *store, const char *runs, json_t **list, ch_error *err) CH_MUST_CHECK;

#endif
