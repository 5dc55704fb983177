/* colour_box.h — a square map on a page, and the box beside it with the scale of its colours. Private to plots/. */
#ifndef CH_COLOUR_BOX_H
#define CH_COLOUR_BOX_H

#include "plots/axis.h"
#include "plots/panel.h"
#include "plots/sheet.h"

#include <stdio.h>

/** Begins the panel of a map, where the map stands on the page, with its axes before its colours.
 *  @param panel  out: free with ch_panel_free, also after a failure
 *  @param place  out: of the map on the page
 *  @return as ch_panel_init */
ch_code ch_map_panel_init(ch_panel *panel, ch_sheet *sheet, size_t index, ch_place *place, ch_error *err) CH_MUST_CHECK;

/** Writes the colours of a map with their box at its right, and its title.
 *  @param title  what the colours stand for; plain text */
void ch_map_colours_write(const ch_axis *range, const char *title, ch_axis_scale scale, ch_place place, FILE *out);

#endif
