/* layout.h — where things stand on a page, and how numbers and keys are written there. Private to plots/.
 *
 * Places are in units of the page: (0, 0) is its lower left corner, (1, 1) its upper right one.
 */
#ifndef CH_LAYOUT_H
#define CH_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/** A rectangle of the page. */
typedef struct {
    double left, right, bottom, top;
} ch_place;

/** Where the axes of panel `index` stand: two panels in a row, three rows, from the upper left. */
ch_place ch_place_of_panel(size_t index);

/** Perceptually uniform colour ramps from dark to mid tone, which colour-blind readers can order. */
typedef enum { CH_RAMP_TRAIN, CH_RAMP_TEMP } ch_ramp;

/** How points are drawn. */
typedef struct {
    unsigned colour; /* 0xRRGGBB */
    int point;       /* gnuplot's point type */
} ch_mark;

/** Those of gnuplot's point types that mean something here. */
enum { CH_POINT_LOWER_BOUND = 8, CH_POINT_UPPER_BOUND = 10 };

/** The mark of entry `i` of `count`: a colour of the ramp, and a filled shape, or the same shape open. */
ch_mark ch_mark_of(ch_ramp ramp, size_t i, size_t count, bool filled);

/** Writes a number as gnuplot's enhanced text; powers of two and ten are written as such. 64 bytes are enough. */
void ch_number_text(double value, char *text, size_t size);

/** Writes a symbol to a power as enhanced text, e.g. "T^{1}" or "P^{−0.93}". 64 bytes are enough. */
void ch_power_text(const char *symbol, double power, char *text, size_t size);

/** Writes a name as enhanced text, in which a plain underscore would begin a subscript: "error\_shift". */
void ch_name_text(const char *name, char *text, size_t size);

/** Writes an entry of a key: a sample of a line, of a point, or of both, and then a text. gnuplot's own keys guess the
 *  width of letters and overlap.
 *  @param system  the coordinates, "graph" or "screen"
 *  @param x, y    the left end of the sample, which is `width` wide
 *  @param line    gnuplot's line style; NULL for none
 *  @param mark    NULL for none
 *  @param text    enhanced */
void ch_key_write(FILE *out, const char *system, double x, double y, double width, const char *line,
                  const ch_mark *mark, const char *text);

/** Ends what is written outside of panels: gnuplot draws the labels so far, and neither axes nor data. */
void ch_layout_flush(FILE *out);

#endif
