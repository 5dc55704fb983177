/* phase_private.h — how the parts of a phase diagram meet: what each data set has in each cell. Private to fit/. */
#ifndef CH_PHASE_PRIVATE_H
#define CH_PHASE_PRIVATE_H

#include "fit/errors/bootstrap.h"
#include "fit/phase/phase.h"

/** Means over the runs of each data set in each cell: of the test error, and of ln of the relative variations. */
typedef struct {
    size_t num_cells, num_sets;
    double *values; /* [num_cells][CH_NUM_PHASE][num_sets], NaN where there is none; owned */
} ch_phase_sets;

double *ch_phase_sets_at(const ch_phase_sets *self, size_t cell, size_t quantity, size_t set);

/** Mean over the data sets that have a value; NaN where none has.
 *  @param copies  [num_sets] times a data set was drawn; NULL: each once */
double ch_phase_sets_mean(const ch_phase_sets *self, size_t cell, size_t quantity, const double *copies);

/** Fills rows and slope of a diagram that has its cells.
 *  @param progress  counts the replicas
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_phase_fit(ch_phase *self, const ch_phase_sets *sets, const ch_fit_options *options,
                     ch_bootstrap_progress *progress, ch_error *err) CH_MUST_CHECK;

#endif
