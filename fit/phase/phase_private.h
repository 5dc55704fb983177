/* phase_private.h — the values of each data set in each cell of a phase diagram. Private to fit/phase. */
#ifndef CH_PHASE_PRIVATE_H
#define CH_PHASE_PRIVATE_H

#include "fit/errors/bootstrap.h"
#include "fit/errors/estimate.h"
#include "fit/phase/phase.h"

/** What a data set has in a cell: the quantities of a diagram, and whether its runs diverged. */
enum { CH_PHASE_DIVERGED = CH_NUM_PHASE, CH_NUM_PHASE_SETS };

/** For each cell and data set the mean over the runs there: of the test error, of ln of the relative variations, and of
 *  1 for a run that diverged and 0 for another. */
typedef struct {
    size_t num_cells, num_sets;
    double *values; /* [num_cells][CH_NUM_PHASE_SETS][num_sets], NaN where no run has it; owned */
} ch_phase_sets;

/** The place of one value. */
double *ch_phase_sets_at(const ch_phase_sets *self, size_t cell, size_t quantity, size_t set);

/** The mean of a cell's values over the data sets that have one; NaN where none has.
 *  @param copies  [num_sets] how often each data set was drawn; NULL where each counts once */
double ch_phase_sets_mean(const ch_phase_sets *self, size_t cell, size_t quantity, const double *copies);

/** What T_opt of an alpha sits at. Where it is not sure to lie inside the sampled T, it also sits at the border of
 *  divergence if the T after the next diverges: then it is at the border in other replicas.
 *  @param self  with T_opt, which says whether it is sure */
ch_phase_limit ch_phase_find_limit(const ch_phase *self, size_t alpha);

/** A replica has four numbers for each alpha: ln of its four temperatures, NaN for one that does not lie inside the
 *  sampled T. Powers are found from them afterwards. */
enum {
    CH_PHASE_TEMP_BEST,
    CH_PHASE_TEMP_MAX,
    CH_PHASE_TEMP_WEIGHT_BORDER,
    CH_PHASE_TEMP_KERNEL_BORDER,
    CH_PHASE_NUM_TEMPS
};

/** The share of diverged data sets at T_max. */
#define CH_PHASE_HALF 0.5

/** The step of the grid in which T_max lies: ln of the ratio of the T at which half of the data sets diverge to the
 *  sampled T before it. 0 where T_max lies at the first T. */
double ch_phase_step_of_max(const ch_phase *self, size_t alpha);

/** Adds an independent error to an estimate that has one.
 *  @param deviation  its standard deviation
 *  @param half       half the width of its 95 % interval */
void ch_phase_widen(ch_estimate *estimate, double deviation, double half);

/** Fits k and s at both ends of the alpha, with errors.
 *  @param self      with its temperatures and their limits
 *  @param numbers   [num_alphas][CH_PHASE_NUM_TEMPS] ln of each temperature of the table, or of its bound
 *  @param replicas  the same of each replica; none where there is one data set
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_phase_fit_powers(ch_phase *self, const double *numbers, const ch_replicas *replicas,
                            ch_error *err) CH_MUST_CHECK;

/** Finds T_opt, T_max and the borders at each alpha, k and s, with errors, for a diagram whose cells are filled.
 *  @param progress  counts the replicas; its watch can end the work
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_phase_fit(ch_phase *self, const ch_phase_sets *sets, const ch_fit_options *options,
                     ch_bootstrap_progress *progress, ch_error *err) CH_MUST_CHECK;

#endif
