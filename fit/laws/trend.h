/* trend.h — ln y of each data set against P, after the T dependence of the power law was subtracted. Private to fit/.
 */
#ifndef CH_FIT_TREND_H
#define CH_FIT_TREND_H

#include "fit/table/cells.h"

/** ln y of each data set against P: its mean over the T of the window, after the T dependence of the power law was
 *  subtracted. */
typedef struct {
    size_t num_points; /* number of P with complete cells in the window */
    size_t num_sets;   /* number of data sets that have runs at all of them */
    double *log_train; /* [num_points] ascending; owned */
    double *values;    /* [num_sets][num_points]; owned */
} ch_trend;

/** @param group  with window and power laws
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_trend_init(ch_trend *self, const ch_fit_group *group, ch_fit_log which, ch_error *err) CH_MUST_CHECK;
void ch_trend_free(ch_trend *self);

#endif
