/* sweep_target.h — a sweep that adds data sets until the intervals of its fit are narrow enough (fit/target.h). */
#ifndef CH_SWEEP_TARGET_H
#define CH_SWEEP_TARGET_H

#include "cli/cli.h"

/** What such a sweep needs to know. */
typedef struct {
    ch_target_list targets;
    long limit;        /* the most data sets; LONG_MIN: sixteen times the first ones */
    const char *store; /* NULL for a dry run without one; borrowed */
    int threads;
    bool is_dry;
    /** Makes what the store lacks of a plan's runs, as a sweep without targets does.
     *  @param counts  out: the sweep's, also after a failure */
    ch_code (*sweep)(const void *context, const ch_plan *plan, ch_sweep_counts *counts, ch_error *err);
    const void *context; /* what `sweep` gets; borrowed */
} ch_sweep_target;

/** Checks that data sets can be added to a plan, up to the limit, and sets the limit where it is not given. Gives the
 *  plan its first data sets: its own, and further ones where they are fewer than CH_TARGET_LEAST_SETS.
 *  @param most_runs  the largest sweep that is accepted
 *  @return CH_OK, CH_ERROR_INPUT, CH_ERROR_MEMORY */
ch_code ch_sweep_target_admit(ch_sweep_target *self, ch_plan *plan, uint64_t most_runs, ch_error *err) CH_MUST_CHECK;

/** Sweeps and fits in rounds, and says after each on standard error what was reached and what is expected.
 *
 *  The fit is one of the plan's runs alone, by the defaults of `chiton fit`. What a round does follows from the runs of
 *  the rounds before alone: repeated on the same store, the command goes the same way again and on from there.
 *
 *  @param plan  as ch_sweep_target_admit leaves it; it gets the data sets of every round
 *  @return CH_OK where the targets are reached, and after a dry run; CH_ERROR_NUMERIC where they are not; what the
 *  sweep or the fit fails by */
ch_code ch_sweep_target_run(const ch_sweep_target *self, ch_plan *plan, ch_error *err) CH_MUST_CHECK;

#endif
