/* outliers.h — compares runs with the power laws: which runs are outliers, and which are left out, and why. Private to
 * fit/. */
#ifndef CH_FIT_OUTLIERS_H
#define CH_FIT_OUTLIERS_H

#include "fit/table/cells.h"

/** Tests the runs of a power law for outliers (results.h says how).
 *  @param group  with window and power laws
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_residuals_init(ch_residuals *self, const ch_fit_group *group, ch_fit_log which, ch_error *err) CH_MUST_CHECK;
void ch_residuals_free(ch_residuals *self);

/** Why a run of a cell is in no power law. @param group  with its window */
ch_exclusion ch_fit_exclusion_of(const ch_fit_group *group, const ch_fit_cell *cell, const ch_run *run);

/** Adds the runs of the group to its counts by reason. @param group  with its window */
void ch_fit_count_excluded(ch_fit_group *group);

#endif
