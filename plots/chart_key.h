/* chart_key.h — the key of a chart's curves, over the panel. Private to plots/. */
#ifndef CH_CHART_KEY_H
#define CH_CHART_KEY_H

#include "plots/layout.h"
#include "plots/sheet.h"
#include "sim/settings/settings.h"

/** The mark of curve `curve` of `count`. */
ch_mark ch_chart_mark(size_t curve, size_t count);

/** Writes the key between the page's upper edge and the panel: the setting's name, and behind it a mark with the value
 *  of each curve, in as many rows as it takes.
 *  @param curves  [count] settings of each curve
 *  @param has_points  whether the marks have points, or are lines alone
 *  @param room    what is left free between it and the panel, in units of the page */
void ch_chart_write_key(ch_sheet *sheet, size_t by, const ch_settings *const *curves, size_t count, bool has_points,
                        double room);

#endif
