/* colour_box.h — a square map on a page, and the box that says what its colours are. Private to plots/. */
#ifndef CH_COLOUR_BOX_H
#define CH_COLOUR_BOX_H

#include "plots/axis.h"
#include "plots/sheet.h"

#include <stdio.h>

/** Puts the panel at hand where a map stands, with its axes before its colours. */
void ch_map_place_write(ch_place place, FILE *out);

/** Writes the colours of a map with their box at its right, and its title.
 *  @param title  what the colours stand for; plain text */
void ch_map_colours_write(const ch_axis *range, const char *title, ch_axis_scale scale, ch_place place, FILE *out);

#endif
