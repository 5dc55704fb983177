/* chart_curves.h — the curves of a chart: one for every value of a setting. Private to plots/. */
#ifndef CH_CHART_CURVES_H
#define CH_CHART_CURVES_H

#include "plots/panel.h"
#include "plots/plots.h"

#include <stddef.h>

/** The curves of a chart. */
typedef struct {
    size_t by;                                /* row of the settings' table; CH_SETTINGS_STORED: one curve */
    const ch_run *runs[CH_CHART_MOST_CURVES]; /* [count] a run of each curve; borrowed */
    size_t count;
} ch_chart_curves;

/** The curve of a run; `count` if no curve has its value of the setting. */
size_t ch_chart_curves_find(const ch_chart_curves *self, const ch_run *run);

/** Begins a curve with a run whose value of the setting is new.
 *  @return CH_OK; CH_ERROR_INPUT where there would be more than CH_CHART_MOST_CURVES */
ch_code ch_chart_curves_take(ch_chart_curves *self, const ch_run *run, ch_error *err) CH_MUST_CHECK;

/** Puts the curves into the order of their values. Words keep the order in which they came. */
void ch_chart_curves_sort(ch_chart_curves *self);

/** Refuses two runs of one mean that differ in more than their seeds.
 *  @param x     row of the settings' table that may differ; CH_SETTINGS_STORED: none
 *  @param whom  what the two have in common, as the message begins: "runs with the same temp"
 *  @return CH_OK; CH_ERROR_INPUT, with the setting's name */
ch_code ch_chart_curves_check(const ch_chart_curves *self, size_t x, const char *whom, const ch_run *first,
                              const ch_run *other, ch_error *err) CH_MUST_CHECK;

/** Sets the kind and the curve of the rows that follow (ch_panel_describe): the curve by its value of the setting. */
void ch_chart_curves_describe(const ch_chart_curves *self, const char *shows, size_t curve, ch_panel *panel);

/** Writes the key of the curves above the first panel (plots/chart_key.h).
 *  @param has_points  whether curves have points, and not only lines
 *  @param room  height that the panel's own key takes */
void ch_chart_curves_key(const ch_chart_curves *self, ch_sheet *sheet, bool has_points, double room);

#endif
