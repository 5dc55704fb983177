/* panel.h — one panel of a page: curves and guides collected, then one plot command. Private to plots/. */
#ifndef CH_PANEL_H
#define CH_PANEL_H

#include "core/core.h"
#include "plots/axis.h"
#include "plots/layout.h"
#include "plots/series.h"
#include "plots/sheet.h"

#include <stdbool.h>
#include <stdio.h>

/** What part of its place a panel fills: all of it, or the upper part, or the strip below that. Both have one x axis,
 *  which the strip shows. */
typedef enum { CH_PART_WHOLE, CH_PART_UPPER, CH_PART_STRIP } ch_part;

/** A panel under construction. Its data go into the script at once. Its plot command waits until all data are there, as
 *  the ranges of the axes are written before it. */
typedef struct {
    FILE *out;   /* the script; borrowed */
    FILE *items; /* memory stream of the plot command; owned */
    char *text;  /* [length], what `items` holds; owned */
    size_t length;
    size_t num_items, num_blocks, num_keys;
    ch_part part;
    ch_axis x, y;            /* a strip gets the x of the finished upper part */
    bool is_ratio;           /* y is a ratio near 1, so that its axis may be narrow */
    ch_axis_scale y_scale;   /* CH_SCALE_PERCENT also lets the axis be narrow */
    bool is_tight;           /* the axes end where the data end */
    bool has_runs;           /* points name their runs */
    FILE *rows;              /* takes the numbers that are drawn; borrowed; NULL where they are not wanted */
    char name[8];            /* the panel's letter, "b-strip" for the strip under (b); empty where panels have none */
    const char *shows;       /* the kind of the present rows, e.g. "mean"; borrowed */
    const char *shows_cells; /* the kind of a series' cells, e.g. "noise"; borrowed; NULL: "mean" */
    char curve[96];          /* the name of the curve that the present rows belong to */
} ch_panel;

/** Starts panel `index`, 0 to 5, at its place on the sheet. Panels but strips get their letter, (a) to (f). A
 *  panel that the sheet does not show is not drawn.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_panel_init(ch_panel *self, ch_sheet *sheet, size_t index, ch_part part, ch_error *err) CH_MUST_CHECK;
void ch_panel_free(ch_panel *self);

/** Starts an item of the plot command. The caller writes the item to the stream: it follows "plot " or a comma there.
 */
FILE *ch_panel_item(ch_panel *self);

/** Starts the data block $blockN in the script. The caller writes its lines and then "EOD\n".  @return N */
size_t ch_panel_block(ch_panel *self);

/** Draws a point at (x, y) with a bar from `lo` to `hi`, in the units of the axes. A point that is not positive and
 *  finite is left out. */
void ch_panel_point(ch_panel *self, double x, double y, double lo, double hi, ch_mark mark);

/** Ends a block of invisible points that name their runs: its lines have x, y and such a name in quotes. */
void ch_panel_end_runs(ch_panel *self, size_t block);

/** Draws the cells of one P against T, or of one T against P, as points with bars. Lower bounds are open triangles.
 *  @param train  P, with `temp` NaN; or 0, with `temp` T
 *  @param scale  the values are multiplied by this */
void ch_panel_cells(ch_panel *self, const ch_series *series, uint64_t train, double temp, double scale, ch_mark mark);

/** Draws the same cells, joined by a line.
 *  @param text   the entry in the key, enhanced; NULL for none */
void ch_panel_curve(ch_panel *self, const ch_series *series, uint64_t train, double temp, double scale, ch_mark mark,
                    const char *text);

/** Draws the cells of a series as points without bars, against T, or against P where `over_train`. */
void ch_panel_points(ch_panel *self, const ch_series *series, bool over_train, ch_mark mark);

/** Shades the band of y from `lo` to `hi` between x0 and x1. Does nothing unless all four are positive and finite. */
void ch_panel_band(ch_panel *self, double x0, double x1, double lo, double hi);

/** Draws y = y0 (x / x0)^slope from x0 to x1, a straight line in logarithms. Does nothing when an end is not positive
 *  and finite.
 *  @param style  gnuplot's line style, e.g. "dashtype 2 linecolor rgb '#505050'"
 *  @param text   as of ch_panel_curve */
void ch_panel_power(ch_panel *self, double x0, double x1, double y0, double slope, const char *style, const char *text);

/** The factor by which a guide line is to be moved up, so that it does not lie on the data drawn so far. */
double ch_panel_lift(const ch_panel *self);

/** Shades the range of x from `lo` to `hi` and names it in the key. Does nothing unless 0 < lo < hi. */
void ch_panel_shade(ch_panel *self, double lo, double hi, const char *text);

/** Draws a dotted vertical line at x and names it in the key. Does nothing unless x is positive and finite. */
void ch_panel_vertical(ch_panel *self, double x, const char *text);

/** Adds an entry to the key above the panel, with a sample of a line, of a point, or of both.
 *  @param line  gnuplot's line style; NULL for none
 *  @param mark  NULL for none
 *  @param text  enhanced */
void ch_panel_key(ch_panel *self, const char *line, const ch_mark *mark, const char *text);

/** Writes the axes and the plot command; where there are no data, an empty panel with the words `nothing`.
 *  @param x_label, y_label  enhanced text
 *  @param x_scale           what stands at the x axis
 *  @param nothing           plain text for a panel without data
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_panel_finish(ch_panel *self, const char *x_label, const char *y_label, ch_axis_scale x_scale,
                        const char *nothing, ch_error *err) CH_MUST_CHECK;

#endif
