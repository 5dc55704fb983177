/* panel.h — one panel of a page: curves and guides collected, then one plot command. Private to plots/. */
#ifndef CH_PANEL_H
#define CH_PANEL_H

#include "plots/axis.h"
#include "plots/plots.h"
#include "plots/series.h"

/** What all panels of a page are drawn from. */
typedef struct {
    const ch_fit_options *options;
    const ch_fit_group *group;
    ch_series weight_change, time, signal, noise;
} ch_page;

/** What of its place a panel fills: all; or the upper part, above a strip that has the x axis of both. */
typedef enum { CH_PART_WHOLE, CH_PART_UPPER, CH_PART_STRIP } ch_part;

/** A panel under construction. Data blocks go into the script at once, plot items wait for the axes to be known. */
typedef struct {
    FILE *out;   /* the script; borrowed */
    FILE *items; /* memory stream of the plot command; owned */
    char *text;  /* [length], what `items` holds; owned */
    size_t length;
    size_t num_items, num_blocks, num_keys;
    ch_part part;
    ch_axis x, y;  /* x of a strip is set from the upper part's, once that is finished */
    bool is_ratio; /* y is near 1: its axis may be narrow */
    bool is_tight; /* the axes end where the data do */
} ch_panel;

/** Perceptually uniform ramps, dark to mid tone, that colour-blind readers can order. */
typedef enum { CH_RAMP_TRAIN, CH_RAMP_TEMP } ch_ramp;

/** How points are drawn. */
typedef struct {
    unsigned colour; /* 0xRRGGBB */
    int point;       /* gnuplot's point type */
} ch_mark;

/** gnuplot's point types with a meaning of their own here. */
enum { CH_POINT_LOWER_BOUND = 8, CH_POINT_UPPER_BOUND = 10 };

/** The mark of entry `i` of `count`: a colour of the ramp, and a filled (or the same, open) shape. */
ch_mark ch_mark_of(ch_ramp ramp, size_t i, size_t count, bool filled);

/** A number as enhanced text, a power of two or ten as such; 64 bytes are enough. */
void ch_number_text(double value, char *text, size_t size);

/** Starts panel `index` (0 … 5), lettered (a) … (f) but for strips, at its place on the page. */
ch_code ch_panel_init(ch_panel *self, FILE *out, size_t index, ch_part part, ch_error *err) CH_MUST_CHECK;
void ch_panel_free(ch_panel *self);

/** Starts an item of the plot command: what is written to it follows "plot " or a comma. */
FILE *ch_panel_item(ch_panel *self);

/** Starts the data block $blockN in the script, to be ended by "EOD\n"; returns N. */
size_t ch_panel_block(ch_panel *self);

/** Draws `y` with its bar from `lo` to `hi`; all in the axes' units. */
void ch_panel_point(ch_panel *self, double x, double y, double lo, double hi, ch_mark mark);

/** Draws the cells of one P (`temp` NaN) against T, or of one T (`train` 0) against P, as points with bars; lower
 * bounds as open triangles.
 *  @param scale  factor on the values */
void ch_panel_cells(ch_panel *self, const ch_series *series, uint64_t train, double temp, double scale, ch_mark mark);

/** The same, joined by a line.
 *  @param text   for the key, enhanced; NULL for none */
void ch_panel_curve(ch_panel *self, const ch_series *series, uint64_t train, double temp, double scale, ch_mark mark,
                    const char *text);

/** Draws the cells of a series as points alone, against T, or against P where `over_train`; nothing when there is none.
 */
void ch_panel_points(ch_panel *self, const ch_series *series, bool over_train, ch_mark mark);

/** Shades a band of y, from x0 to x1; nothing unless all are positive and finite. */
void ch_panel_band(ch_panel *self, double x0, double x1, double lo, double hi);

/** Draws a straight line in the logarithmic plane, y = y0 (x / x0)^slope from x0 to x1; nothing when a number is not
 *  finite and positive.
 *  @param style  gnuplot's, e.g. "dashtype 2 linecolor rgb '#505050'"
 *  @param text   as ch_panel_curve */
void ch_panel_power(ch_panel *self, double x0, double x1, double y0, double slope, const char *style, const char *text);

/** A factor that sets a guide visibly off the data drawn so far. */
double ch_panel_lift(const ch_panel *self);

/** Shades a range of x, and says what it is; nothing unless 0 < lo < hi. */
void ch_panel_shade(ch_panel *self, double lo, double hi, const char *text);

/** Draws a dotted line across the panel at x, if that is positive and finite. */
void ch_panel_vertical(ch_panel *self, double x, const char *text);

/** Adds an entry to the key above the panel: a sample of a line, of a point, or of both.
 *  @param line  gnuplot's line style; NULL for none
 *  @param mark  NULL for none
 *  @param text  enhanced */
void ch_panel_key(ch_panel *self, const char *line, const ch_mark *mark, const char *text);

/** A key's entry anywhere: gnuplot's own keys guess the width of letters and overlap.
 *  @param system  coordinates, "graph" or "screen"
 *  @param x, y    left end of the sample, `width` wide */
void ch_key_write(FILE *out, const char *system, double x, double y, double width, const char *line,
                  const ch_mark *mark, const char *text);

/** Writes the plot command; without data a panel that says so.
 *  @param x_label, y_label  enhanced text
 *  @param x_binary          ticks of x at powers of two
 *  @param nothing           plain text for a panel without data
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_panel_finish(ch_panel *self, const char *x_label, const char *y_label, bool x_binary, const char *nothing,
                        ch_error *err) CH_MUST_CHECK;

/** The panel of the test error: its mean over data sets against T, a curve for every P, and T_c by error. */
ch_code ch_test_error_draw(const ch_page *page, ch_panel *panel, ch_error *err) CH_MUST_CHECK;

/** Panels (a) … (e), in order: functions of the page alone. */
typedef ch_code (*ch_panel_draw)(const ch_page *page, ch_panel *panel, ch_error *err);
extern const ch_panel_draw ch_panels[];
extern const size_t ch_panels_count;

/** Whether panel `index` has a strip of residuals under it: where it shows a joint law that runs were compared with. */
bool ch_strip_is_under(const ch_page *page, size_t index);

/** Draws that strip: the cells over the law, the spread between data sets, and the runs that stand out. */
ch_code ch_strip_draw(const ch_page *page, size_t index, ch_panel *panel, ch_error *err) CH_MUST_CHECK;

/** Panel (f): the settings held fixed, the table of exponents, and what the fit had to say.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_summary_draw(const ch_page *page, FILE *out, ch_error *err) CH_MUST_CHECK;

/** A caption of a page without a fit: the settings held fixed, then sentences, a line or more each.
 *  @param left, top  where it starts, in units of the page
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_summary_caption(const ch_fit_group *group, const char *const *sentences, size_t count, double left,
                           double top, FILE *out, ch_error *err) CH_MUST_CHECK;

/** Writes the panels of a page into its script.
 *  @param content  what ch_page_draw was given
 *  @return CH_OK, CH_ERROR_MEMORY */
typedef ch_code (*ch_page_write)(const ch_fit *fit, const ch_fit_group *group, const void *content, FILE *out,
                                 ch_error *err);

/** Draws a page of group `index`: its title, the key of P where the group lists any, and what `write` has.
 *  @param kind  what its file's name has after the group's label, e.g. "-collapse"
 *  The rest, and what is returned, is as for ch_plot_fit. */
ch_code ch_page_draw(const ch_fit *fit, size_t index, const char *kind, ch_page_write write, const void *content,
                     const char *directory, ch_plot_format format, FILE *names, ch_error *err) CH_MUST_CHECK;

/** Where panel `index` is: the corners of its axes in units of the page. */
void ch_panel_place(size_t index, double *left, double *right, double *bottom, double *top);

#endif
