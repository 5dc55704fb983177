/* error_panel.h — the panel of the test error against T. Private to plots/. */
#ifndef CH_ERROR_PANEL_H
#define CH_ERROR_PANEL_H

#include "plots/panel.h"
#include "plots/series.h"

/** The mean test error of a group's cells.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_error_series_init(ch_series *self, const ch_fit_group *group, ch_error *err) CH_MUST_CHECK;

/** The curve of one P at T, by straight lines in the logarithms between its cells; NaN outside of them. */
double ch_error_series_at(const ch_series *self, uint64_t train, double temp);

/** Marks a point without error in `num_test` test samples, at half an error. */
void ch_error_zero_draw(double x, uint64_t num_test, ch_panel *panel);

/** Marks the cells whose runs have no error in their N test samples, which a logarithmic axis cannot show: at half an
 *  error, 1/(2N), as fits count them.
 *  @param train  the P whose cells are drawn against T, with `temp` NaN; or 0, with the T whose cells are drawn against
 *  P
 *  @return whether there is one */
bool ch_error_zeros_draw(const ch_fit_group *group, const ch_series *series, uint64_t train, double temp,
                         ch_panel *panel);

/** Adds the entry of these marks to the key. */
void ch_error_zeros_key(ch_panel *panel);

/** Draws the test error against T into a panel that was started, and finishes it: the mean over data sets, a curve for
 *  every P, and T_c by error where it has an error.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_error_panel_draw(const ch_fit_group *group, ch_panel *panel, ch_error *err) CH_MUST_CHECK;

#endif
