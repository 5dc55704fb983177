/* layout.h — colours, marks, and how numbers and keys are written on a page. Private to plots/. */
#ifndef CH_LAYOUT_H
#define CH_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

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

/** Writes a number as gnuplot's enhanced text; powers of two and ten from the second on are written as such. 64
 *  bytes are enough. */
void ch_number_text(double value, char *text, size_t size);

/** Writes a symbol to a power as enhanced text, e.g. "T^{1}" or "P^{−0.93}". 64 bytes are enough. */
void ch_power_text(const char *symbol, double power, char *text, size_t size);

/** Writes a name as enhanced text, in which a plain underscore would begin a subscript: "error\_shift". */
void ch_name_text(const char *name, char *text, size_t size);

/** Whose key an entry belongs to: that of a panel, in units of the panel ("graph"); or that under the page's title, in
 *  units of the page (plots/sheet.h). */
typedef enum { CH_KEY_OF_PANEL, CH_KEY_OF_PAGE } ch_key_kind;

/** Writes an entry of a key: a sample of a line, of a point, or of both, and then a text. gnuplot's own keys guess the
 *  width of letters and overlap.
 *  @param x, y    the left end of the sample, which is `width` wide
 *  @param line    gnuplot's line style; NULL for none
 *  @param mark    NULL for none
 *  @param text    enhanced */
void ch_key_write(FILE *out, ch_key_kind kind, double x, double y, double width, const char *line, const ch_mark *mark,
                  const char *text);

/** Ends what is written outside of panels: gnuplot draws the labels so far, and neither axes nor data. */
void ch_layout_flush(FILE *out);

#endif
