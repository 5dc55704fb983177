/* reuse.h — runs that a store has under other budgets, or with a trajectory that is not asked for. Private to sim/. */
#ifndef CH_STORE_REUSE_H
#define CH_STORE_REUSE_H

#include "sim/store/store.h"

/** The budgets and the `record` that runs of a store have. There are few of them, so that the runs that may be the same
 *  as a new one are looked up by their ids. */
typedef struct {
    uint64_t max_steps, max_updates;
    double max_seconds;
    uint64_t record;
} ch_kin_variant;

enum { CH_MOST_VARIANTS = 64 };

typedef struct {
    ch_kin_variant variants[CH_MOST_VARIANTS];
    size_t count; /* of a store with more of them only so many are looked for */
} ch_kin_variants;

/** Lists what the runs of a store have by now.  @return CH_OK; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_kin_variants_find(ch_kin_variants *self, ch_store *store, ch_error *err) CH_MUST_CHECK;

/** Whether a run would have ended just as one of its kin did, under its own budgets and without its trajectory.
 *
 *  The other run must have ended by itself, within the budgets of this one. Where it was fitted and its weights no
 *  longer move, that is so even if its budget ended it. Where it had other budgets, the run was ended neither by its
 *  own nor for stagnation, which is looked for only without a budget. */
bool ch_run_ends_as(const ch_settings *settings, const ch_run *other);

/** Whether the store may have a run that differs from one in budgets and `record` alone. It does not look into the
 *  store.
 */
bool ch_kin_variants_differ(const ch_kin_variants *self, const ch_settings *settings);

/** Puts a run into the store that has the same end as one that is there: it is copied under the new id.
 *  @param reused  out: whether there was one
 *  @return as ch_store_put and ch_store_select */
ch_code ch_store_reuse(ch_store *self, const ch_kin_variants *variants, const ch_resolved *resolved, bool *reused,
                       ch_error *err) CH_MUST_CHECK;

#endif
