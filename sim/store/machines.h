/* machines.h — the machines on which the runs of a store were made. Private to sim/store/. */
#ifndef CH_STORE_MACHINES_H
#define CH_STORE_MACHINES_H

#include "sim/store/store.h"

#include <jansson.h>

/** Copies the machines of another store, within a transaction that the caller has begun. Rows with other cells than a
 *  machine has are left out.
 *  @return as ch_store_put */
ch_code ch_machines_copy(ch_store *into, const ch_store *from, ch_error *err) CH_MUST_CHECK;

/** Lists the machines of runs: an array of objects {processor, cores, threads, memory, system, compiler, gsl, runs}, by
 *  falling number of runs. Runs of which none is recorded are in one object whose other members are null.
 *  @param counts  a table of SQL, as it follows FROM: the `number` of each machine, and the `count` of its runs
 *  @param list    out: a new reference; NULL after a failure
 *  @return CH_OK, CH_ERROR_IO, CH_ERROR_MEMORY */
ch_code ch_machines_list(const ch_store *store, const char *counts, json_t **list, ch_error *err) CH_MUST_CHECK;

#endif
