/* error_panel.h — the panel of the test error against T. Private to plots/. */
#ifndef CH_ERROR_PANEL_H
#define CH_ERROR_PANEL_H

#include "plots/panel.h"
#include "plots/series.h"

/** The mean test error of a group's cells.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_error_series_init(ch_series *self, const ch_fit_group *group, ch_error *err) CH_MUST_CHECK;

/** The curve of one P at T, by straight lines in the logarithms between its cells; NaN outside of them. */
double ch_error_series_at(const ch_series *self, uint64_t train, double temp);

/** Draws the test error against T into a panel that was started, and finishes it: the mean over data sets, a curve for
 *  every P, and T_c by error where it has an error.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_error_panel_draw(const ch_fit_group *group, ch_panel *panel, ch_error *err) CH_MUST_CHECK;

#endif
