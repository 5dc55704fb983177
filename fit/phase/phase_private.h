/* phase_private.h — the values of each data set in each cell of a phase diagram. Private to fit/phase. */
#ifndef CH_PHASE_PRIVATE_H
#define CH_PHASE_PRIVATE_H

#include "fit/errors/bootstrap.h"
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

/** Finds T_opt, T_max and the borders at each alpha, k and s, with errors, for a diagram whose cells are filled.
 *  @param progress  counts the replicas; its watch can end the work
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_phase_fit(ch_phase *self, const ch_phase_sets *sets, const ch_fit_options *options,
                     ch_bootstrap_progress *progress, ch_error *err) CH_MUST_CHECK;

#endif
