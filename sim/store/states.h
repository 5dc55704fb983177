/* states.h — the states of runs under way, in table `checkpoints` of a store. Private to sim/ and to the program. */
#ifndef CH_STORE_STATES_H
#define CH_STORE_STATES_H

#include "sim/run_state.h"
#include "sim/store/store.h"

/** Keeps a state in place of the one that the store has of the same run, in one transaction: until it is committed, the
 *  other stays. It goes with ch_store_put of its run, unless a budget ended that.
 *  @return as ch_store_put */
ch_code ch_store_put_state(ch_store *self, const ch_run_state *state, ch_error *err) CH_MUST_CHECK;

/** Finds a state from which a run can go on to the same bits as without: of the same kin, within the run's budgets, and
 *  where the run has none, before anybody would have looked for stagnation, unless it was looked for. States are ranked
 *  by their steps, the most first.
 *  @param state  out: where one is found, to be freed. `problem` says why its bytes cannot be used: they are damaged,
 *  or of another version
 *  @return CH_OK; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_store_find_state(ch_store *self, const ch_resolved *resolved, size_t rank, ch_run_state *state, bool *found,
                            ch_error *err) CH_MUST_CHECK;

/** Asks whether the store has any states.  @return as ch_store_has */
ch_code ch_store_has_states(ch_store *self, bool *has, ch_error *err) CH_MUST_CHECK;

/** Begins or ends a read transaction that many queries share, so that not each of them locks the file and reads its
 *  first page anew. Nothing may be written meanwhile. A failure is not reported, since the queries fail for the same
 *  reason.
 *  @param store  NULL: nothing is done */
void ch_store_hold(ch_store *store, bool holds);

/** A store as a place of states. */
typedef struct {
    ch_store *store;                         /* borrowed, as the members below */
    const ch_watch *watch;                   /* gets a sentence, once, where states cannot be kept or read */
    void (*lock)(void *context, bool locks); /* guards the store and the watch; NULL: only one thread uses them */
    void *context;                           /* what it gets */
    bool is_told;
    bool is_empty;      /* no state was there at the beginning, so that none is looked for */
    uint64_t resumed;   /* runs that were given a state */
    uint64_t continued; /* those of them whose state was that of a run with other budgets */
} ch_state_place;

/** @param interval  seconds from one state that is kept to the next; 0: none is kept
 *  @return what a training is given; it borrows `self` */
ch_run_states ch_state_place_states(ch_state_place *self, double interval);

#endif
