/* sheet.h — the page under construction: the places of its parts, and the height that they use. Private to plots/.
 *
 * Places are in units of a usual page, which has two columns and three rows of panels: (0, 0) is its lower left corner,
 * (1, 1) its upper right one. A sheet of one column ends at x = 0.5. A sheet with more rows goes below y = 0, and one
 * with fewer ends above. In the script, the functions page_x and page_y make gnuplot's screen coordinates of places,
 * and head_y does for the title and the keys under it, which move up where they have many rows.
 */
#ifndef CH_SHEET_H
#define CH_SHEET_H

#include "plots/plots.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/** A rectangle of the page. */
typedef struct {
    double left, right, bottom, top;
} ch_place;

/** A page under construction. */
typedef struct {
    const ch_plot_style *style; /* borrowed */
    FILE *out;                  /* the script of all that is shown; borrowed */
    FILE *hidden;               /* where panels go that are not shown; borrowed */
    FILE *rows;                 /* takes the numbers that panels show; borrowed; NULL where they are not wanted */
    size_t columns;             /* of panels: 1 or 2 */
    bool has_letters;           /* panels are lettered */
    size_t num_shown;           /* panels that were started and are shown */
    double top, bottom;         /* the sheet reaches from the one to the other: what was used so far */
} ch_sheet;

/** An empty sheet. */
ch_sheet ch_sheet_new(const ch_plot_style *style, FILE *out, FILE *hidden);

/** Where the axes of panel `index` stand, counted row by row from the upper left. */
ch_place ch_sheet_place(const ch_sheet *self, size_t index);

/** The same for maps, which are square, with a colour box beside them. */
ch_place ch_sheet_place_of_map(const ch_sheet *self, size_t index);

/** Whether panel `index` is shown: all are, or the one that the style names. */
bool ch_sheet_shows(const ch_sheet *self, size_t index);

/** Extends the used part of the page down to y. */
void ch_sheet_use(ch_sheet *self, double y);

/** Where row `row` of the keys under the title stands. The first two have room under the title; more of them move it
 *  up. */
double ch_sheet_head_row(ch_sheet *self, size_t row);

/** Writes what a script begins with: the terminal with the size that the finished sheet has, and the functions of the
 *  coordinates. */
void ch_sheet_begin(const ch_sheet *self, FILE *out);

#endif
