/* run_store.h — the store that `chiton run` puts its run into, and that has the run's state meanwhile. */
#ifndef CH_RUN_STORE_H
#define CH_RUN_STORE_H

#include "sim/store/states.h"

typedef struct {
    char *path, *checkpoint; /* of the options -o and --checkpoint; allocated by popt, or NULL; owned */
    double interval;         /* seconds of --checkpoint; 0: it is not given */
    ch_store store;          /* open where `path` is given; owned */
    ch_state_place place;
    ch_run_states states;
} ch_run_store;

/** Reads the options. A state has no place without a store.  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_run_store_check(ch_run_store *self, ch_error *err) CH_MUST_CHECK;

/** Opens the store where one is named, and looks for the run.
 *  @param run    out: as the store has it, to be freed
 *  @param found  out: whether it has it
 *  @return as ch_store_open and ch_store_select */
ch_code ch_run_store_open(ch_run_store *self, const ch_resolved *resolved, ch_run *run, bool *found,
                          ch_error *err) CH_MUST_CHECK;

/** Where the run's state is kept.
 *  @param watch  gets a sentence where it cannot be kept; borrowed
 *  @return NULL where no store is named; borrowed from `self` */
const ch_run_states *ch_run_store_states(ch_run_store *self, const ch_watch *watch);

/** Puts the run into the store, where one is named.  @return as ch_store_put */
ch_code ch_run_store_put(ch_run_store *self, const ch_run *run, ch_error *err) CH_MUST_CHECK;

/** Idempotent. */
void ch_run_store_free(ch_run_store *self);

#endif
