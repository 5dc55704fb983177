/* sweep_bisect.h — a sweep that adds temperatures near the border of divergence until it is known in every group of its
 * runs (sim/sweep/border.h). */
#ifndef CH_SWEEP_BISECT_H
#define CH_SWEEP_BISECT_H

#include "cli/cli.h"

/** What such a sweep needs to know. */
typedef struct {
    double factor;     /* the widest step of T that a border may lie in, as a ratio */
    long limit;        /* the most T that are added to a group; LONG_MIN: 16 */
    const char *store; /* NULL for a dry run without one; borrowed */
    bool is_dry;
    /** Makes what the store lacks of a plan's runs, as a sweep without bisection does.
     *  @param counts  out: the sweep's, also after a failure */
    ch_code (*sweep)(const void *context, const ch_plan *plan, ch_sweep_counts *counts, ch_error *err);
    const void *context; /* what `sweep` gets; borrowed */
} ch_sweep_bisect;

/** Reads what is to be found: "diverged", or with the factor, which is 1.2 otherwise, "diverged=1.1".
 *  @return CH_OK; CH_ERROR_INPUT with what was written and what is accepted */
ch_code ch_sweep_bisect_parse(ch_sweep_bisect *self, const char *text, ch_error *err) CH_MUST_CHECK;

/** Checks that temperatures can be added to a plan, and sets the limit where it is not given.
 *  @return CH_OK, CH_ERROR_INPUT, CH_ERROR_MEMORY */
ch_code ch_sweep_bisect_admit(ch_sweep_bisect *self, const ch_plan *plan, ch_error *err) CH_MUST_CHECK;

/** Makes the plan's runs, and then in rounds those at the T that are added. Says after each on standard error how many
 *  borders are found.
 *
 *  What a round does follows from the runs of the rounds before alone: repeated on the same store, the command goes the
 *  same way again and on from there.
 *
 *  @return CH_OK where all borders are found, and after a dry run; CH_ERROR_NUMERIC where some are not; what the sweep
 *          fails by */
ch_code ch_sweep_bisect_run(const ch_sweep_bisect *self, const ch_plan *plan, ch_error *err) CH_MUST_CHECK;

#endif
