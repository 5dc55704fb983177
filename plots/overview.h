/* overview.h — the page of a group's fit: panels (a) to (e), strips under two of them, and the summary (f). Private to
 * plots/. */
#ifndef CH_OVERVIEW_H
#define CH_OVERVIEW_H

#include "plots/head.h"
#include "plots/panel.h"
#include "plots/series.h"

/** What the panels of the page are drawn from. */
typedef struct {
    const ch_fit_options *options;                /* borrowed */
    const ch_fit_group *group;                    /* borrowed */
    ch_series weight_change, time, signal, noise; /* of the group; owned */
} ch_overview;

/** Panels (a) to (e); (f) is the summary. */
enum { CH_OVERVIEW_PANELS = 5 };

/** Draws panel `index`, 0 to 4, into a panel that was started, and finishes it.
 *  @return CH_OK, CH_ERROR_MEMORY; of the predictions also CH_ERROR_NUMERIC */
ch_code ch_overview_draw_panel(const ch_overview *self, size_t index, ch_panel *panel, ch_error *err) CH_MUST_CHECK;

/** Whether panel `index` has a strip under it. It has one where it shows a joint law with which runs were compared. */
bool ch_strip_is_under(const ch_overview *self, size_t index);

/** Draws that strip: the ratio of the cells to the law, the spread between data sets, and the outliers.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_strip_draw(const ch_overview *self, size_t index, ch_panel *panel, ch_error *err) CH_MUST_CHECK;

/** Draws panel (f): the settings held fixed, the table of exponents, and the notes of the fit.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_summary_draw(const ch_overview *self, const ch_page_head *head, ch_sheet *sheet,
                        ch_error *err) CH_MUST_CHECK;

#endif
