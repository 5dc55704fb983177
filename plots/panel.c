/* panel.c — one panel of a page: curves and guides are collected, then one plot command is written. */
#include "plots/panel.h"

#include "core/memstream.h"
#include "core/text.h"
#include "plots/gnuplot.h"
#include "plots/panel_rows.h"

#include <math.h>
#include <stdlib.h>

enum { WINDOW_COLOUR = 0xe9edf2 };

/* The heights of a strip and of the gap above it, in units of the panel's height. */
static const double strip_height = 0.28, strip_gap = 0.03;
enum { X_LABELS = 7, STRIP_LABELS = 4 }; /* of an x axis, of the y axis of a strip */

static const double share_span = 1.25; /* the least span of an axis of shares */

/* The height of a part, in units of the panel's. */
static double part_height(ch_part part)
{
    return part == CH_PART_WHOLE ? 1 : part == CH_PART_UPPER ? 1 - strip_height - strip_gap : strip_height;
}

ch_code ch_panel_init(ch_panel *self, ch_sheet *sheet, size_t index, ch_part part, ch_error *err)
{
    const bool is_shown = ch_sheet_shows(sheet, index);
    FILE *out = is_shown ? sheet->out : sheet->hidden;
    *self = (ch_panel){.out = out, .part = part, .x = CH_AXIS_EMPTY, .y = CH_AXIS_EMPTY};
    self->rows = is_shown ? sheet->rows : NULL;
    self->has_runs = is_shown && sheet->style->has_runs;
    if (sheet->has_letters) {
        snprintf(self->name, sizeof self->name, "%c%s", "abcdef"[index], part == CH_PART_STRIP ? "-strip" : "");
    }
    self->items = ch_memstream_open(&self->text, &self->length);
    if (self->items == NULL) {
        return ch_error_memory(err, "a panel");
    }
    const ch_place place = ch_sheet_place(sheet, index);
    if (is_shown) {
        ch_sheet_use(sheet, place.bottom);
        sheet->num_shown++;
    }
    const double height = part_height(part) * (place.top - place.bottom);
    const double bottom = part == CH_PART_UPPER ? place.top - height : place.bottom;
    const double top = bottom + height;
    fprintf(out,
            "reset\nset lmargin at screen page_x(%.17g)\nset rmargin at screen page_x(%.17g)\n"
            "set bmargin at screen page_y(%.17g)\nset tmargin at screen page_y(%.17g)\n"
            "set tics scale 0.7, 0.35\nset border linewidth 0.7\nunset key\n",
            place.left, place.right, bottom, top);
    if (part != CH_PART_STRIP && sheet->has_letters) {
        fprintf(out, "set label '(%c)' at graph -0.2, graph %.17g left\n", "abcdef"[index],
                1 + 0.08 / part_height(part));
    }
    return CH_OK;
}

void ch_panel_free(ch_panel *self)
{
    if (self->items != NULL) {
        fclose(self->items);
    }
    free(self->text);
    *self = (ch_panel){0};
}

FILE *ch_panel_item(ch_panel *self)
{
    fputs(self->num_items++ == 0 ? "plot " : ", ", self->items);
    return self->items;
}

size_t ch_panel_block(ch_panel *self)
{
    fprintf(self->out, "$block%zu << EOD\n", self->num_blocks);
    return self->num_blocks++;
}

/* Draws the points of a block of x, y, lo, hi. The bars are drawn as vectors: error bars would cut the lines that they
 * stand on. */
static void draw_points(ch_panel *self, size_t block, ch_mark mark)
{
    fprintf(ch_panel_item(self), "$block%zu using 1:3:(0):($4-$3) with vectors nohead linecolor rgb '#%06x'", block,
            mark.colour);
    fprintf(ch_panel_item(self), "$block%zu using 1:2 with points linecolor rgb '#%06x' pointtype %d pointsize point",
            block, mark.colour, mark.point);
}

void ch_panel_point(ch_panel *self, double x, double y, double lo, double hi, ch_mark mark)
{
    if (!isfinite(x) || !isfinite(y) || !(y > 0)) {
        return;
    }
    const double low = lo > 0 && lo <= y ? lo : y, high = isfinite(hi) && hi >= y ? hi : y;
    ch_axis_include(&self->x, x);
    ch_axis_include(&self->y, low);
    ch_axis_include(&self->y, high);
    const size_t block = ch_panel_block(self);
    ch_panel_row(self, x, y, low, high);
    fputs("EOD\n", self->out);
    draw_points(self, block, mark);
}

/* Writes the cells of one P or one T into a block.
 * @param bound  NULL: all cells; else those that are bounds, or those that are not
 * @param count  out: the number of points
 * @return the block's number */
static size_t write_cells(ch_panel *self, const ch_series *series, uint64_t train, double temp, double scale,
                          const bool *bound, size_t *count)
{
    const size_t block = ch_panel_block(self);
    *count = 0;
    for (size_t i = 0; i < series->count; i++) {
        const ch_cell *cell = &series->cells[i];
        const bool here = train != 0 ? cell->train == train : cell->temp == temp;
        if (!here || (bound != NULL && cell->bound != *bound)) {
            continue;
        }
        const double x = train != 0 ? cell->temp : (double)cell->train;
        const ch_row row = {x, scale * cell->mean, scale * cell->lo, scale * cell->hi, NAN, NAN, NAN, 0, cell->bound};
        fprintf(self->out, "%.17g %.17g %.17g %.17g\n", row.x, row.y, row.lo, row.hi);
        if (bound != NULL) { /* the block of all cells repeats these */
            ch_panel_tell(self, &row);
        }
        ch_axis_include(&self->x, x);
        ch_axis_include(&self->y, scale * cell->lo);
        ch_axis_include(&self->y, scale * cell->hi);
        ++*count;
    }
    fputs("EOD\n", self->out);
    return block;
}

void ch_panel_end_runs(ch_panel *self, size_t block)
{
    fputs("EOD\n", self->out);
    fprintf(ch_panel_item(self), "$block%zu using 1:2:3 with labels hypertext point pointtype 7 pointsize 1.5*point",
            block);
}

/* Lays unseen points over the cells of one P or one T that say of which runs they are. */
static void lay_runs(ch_panel *self, const ch_series *series, uint64_t train, double temp, double scale)
{
    const size_t block = ch_panel_block(self);
    for (size_t i = 0; i < series->count; i++) {
        const ch_cell *cell = &series->cells[i];
        char number[32];
        if (train != 0 ? cell->train == train : cell->temp == temp) {
            ch_number_format(cell->temp, number, sizeof number);
            fprintf(self->out, "%.17g %.17g \"train=%llu temp=%s\"\n", train != 0 ? cell->temp : (double)cell->train,
                    scale * cell->mean, (unsigned long long)cell->train, number);
        }
    }
    ch_panel_end_runs(self, block);
}

void ch_panel_cells(ch_panel *self, const ch_series *series, uint64_t train, double temp, double scale, ch_mark mark)
{
    static const bool kinds[] = {false, true};
    size_t count;
    bool is_drawn = false;
    ch_panel_describe_at(self, self->shows_cells, train, temp);
    for (size_t i = 0; i < 2; i++) {
        const size_t block = write_cells(self, series, train, temp, scale, &kinds[i], &count);
        if (count > 0) {
            draw_points(self, block, kinds[i] ? (ch_mark){mark.colour, CH_POINT_LOWER_BOUND} : mark);
            is_drawn = true;
        }
    }
    if (self->has_runs && is_drawn) {
        lay_runs(self, series, train, temp, scale);
    }
}

void ch_panel_curve(ch_panel *self, const ch_series *series, uint64_t train, double temp, double scale, ch_mark mark,
                    const char *text)
{
    size_t count;
    const size_t line = write_cells(self, series, train, temp, scale, NULL, &count);
    if (count == 0) {
        return;
    }
    fprintf(ch_panel_item(self), "$block%zu using 1:2 with lines linewidth 0.7 linecolor rgb '#%06x'", line,
            mark.colour);
    ch_panel_cells(self, series, train, temp, scale, mark);
    if (text != NULL) {
        char style[64];
        snprintf(style, sizeof style, "linewidth 0.7 linecolor rgb '#%06x'", mark.colour);
        ch_panel_key(self, style, &mark, text);
    }
}

void ch_panel_power(ch_panel *self, double x0, double x1, double y0, double slope, const char *style, const char *text)
{
    const double y1 = y0 * pow(x1 / x0, slope);
    if (!(x0 > 0 && x1 > 0 && y0 > 0 && y1 > 0 && isfinite(y1))) {
        return;
    }
    ch_axis_include(&self->x, x0);
    ch_axis_include(&self->x, x1);
    ch_axis_include(&self->y, y0);
    ch_axis_include(&self->y, y1);
    const size_t block = ch_panel_block(self);
    ch_panel_describe(self, "line", "%s", text != NULL ? text : "");
    ch_panel_row(self, x0, y0, NAN, NAN);
    ch_panel_row(self, x1, y1, NAN, NAN);
    fputs("EOD\n", self->out);
    fprintf(ch_panel_item(self), "$block%zu using 1:2 with lines %s", block, style);
    if (text != NULL) {
        ch_panel_key(self, style, NULL, text);
    }
}

void ch_panel_points(ch_panel *self, const ch_series *series, bool over_train, ch_mark mark)
{
    if (series->count == 0) {
        return;
    }
    const size_t block = ch_panel_block(self);
    for (size_t i = 0; i < series->count; i++) {
        const ch_cell *cell = &series->cells[i];
        const double x = over_train ? (double)cell->train : cell->temp;
        ch_panel_describe_at(self, "outlier", over_train ? 0 : cell->train, cell->temp);
        ch_panel_row(self, x, cell->mean, NAN, NAN);
        ch_axis_include(&self->x, x);
        ch_axis_include(&self->y, cell->mean);
    }
    fprintf(ch_panel_item(self),
            "$block%zu using 1:2 with points linecolor rgb '#%06x' linewidth 1.5 pointtype %d pointsize 1.6 * point",
            block, mark.colour, mark.point);
    fputs("EOD\n", self->out);
}

double ch_panel_lift(const ch_panel *self)
{
    return ch_axis_is_empty(&self->y) ? 1 : fmax(1.3, pow(self->y.hi / self->y.lo, 0.08));
}

/* Draws a grey rectangle; `system` has gnuplot's coordinates of x, y is in units of the panel's height. */
static void write_shade(FILE *out, const char *system, double left, double bottom, double right, double top)
{
    fprintf(out,
            "set object rectangle from %s %.17g, graph %.17g to %s %.17g, graph %.17g behind "
            "fillcolor rgb '#%06x' fillstyle solid noborder noclip\n",
            system, left, bottom, system, right, top, WINDOW_COLOUR);
}

void ch_panel_band(ch_panel *self, double x0, double x1, double lo, double hi)
{
    if (x0 > 0 && x1 > x0 && isfinite(x1) && lo > 0 && hi > lo && isfinite(hi)) {
        ch_axis_include(&self->y, lo);
        ch_axis_include(&self->y, hi);
        fprintf(self->out,
                "set object rectangle from first %.17g, first %.17g to first %.17g, first %.17g behind "
                "fillcolor rgb '#%06x' fillstyle solid noborder\n",
                x0, lo, x1, hi, WINDOW_COLOUR);
    }
}

/* Where the next entry of the key goes: there are two rows above the frame, which fill column by column. */
static void key_place(const ch_panel *self, double *x, double *y)
{
    *x = 0.02 + 0.32 * (double)(self->num_keys / 2);
    *y = 1 + (self->num_keys % 2 == 0 ? 0.12 : 0.04) / part_height(self->part);
}

static const double key_sample = 0.065;

void ch_panel_shade(ch_panel *self, double lo, double hi, const char *text)
{
    double x, y;
    if (lo > 0 && hi > lo) {
        key_place(self, &x, &y);
        write_shade(self->out, "first", lo, 0, hi, 1);
        const double half = 0.025 / part_height(self->part);
        write_shade(self->out, "graph", x, y - half, x + key_sample, y + half);
        ch_panel_key(self, NULL, NULL, text);
    }
}

void ch_panel_vertical(ch_panel *self, double x, const char *text)
{
    static const char style[] = "linewidth 1.2 dashtype '.' linecolor rgb '#0072b2'";
    if (x > 0 && isfinite(x)) {
        fprintf(self->out, "set arrow from first %.17g, graph 0 to first %.17g, graph 1 nohead %s\n", x, x, style);
        ch_panel_key(self, style, NULL, text);
    }
}

void ch_panel_key(ch_panel *self, const char *line, const ch_mark *mark, const char *text)
{
    double x, y;
    key_place(self, &x, &y);
    ch_key_write(self->out, CH_KEY_OF_PANEL, x, y, key_sample, line, mark, text);
    self->num_keys++;
}

static void write_nothing(FILE *out, const char *nothing)
{
    fputs("unset tics\nset xrange [0:1]\nset yrange [0:1]\nset label ", out);
    ch_gnuplot_quote(out, nothing);
    fputs(" at graph 0.5, graph 0.5 center font ',6.5' noenhanced textcolor rgb '#505050'\nplot NaN\n", out);
}

ch_code ch_panel_finish(ch_panel *self, const char *x_label, const char *y_label, ch_axis_scale x_scale,
                        const char *nothing, ch_error *err)
{
    if (fflush(self->items) != 0 || ferror(self->items) != 0 || self->text == NULL) {
        return ch_error_memory(err, "a panel");
    }
    if (ch_axis_is_empty(&self->y)) {
        write_nothing(self->out, nothing);
        return CH_OK;
    }
    if (!self->is_tight) {
        if (self->part != CH_PART_STRIP) {
            ch_axis_finish(&self->x, CH_AXIS_SPAN);
        }
        ch_axis_finish(&self->y, self->is_ratio ? 1 : self->y_scale == CH_SCALE_PERCENT ? share_span : CH_AXIS_SPAN);
    }
    ch_axis_write(&self->x, self->out, "x", x_scale, self->part == CH_PART_UPPER ? 0 : X_LABELS);
    ch_axis_write(&self->y, self->out, "y", self->y_scale, self->part == CH_PART_STRIP ? STRIP_LABELS : CH_AXIS_LABELS);
    fputs("set xlabel ", self->out);
    ch_gnuplot_quote(self->out, self->part == CH_PART_UPPER ? "" : x_label);
    fputs(" offset 0, 0.5\nset ylabel ", self->out);
    ch_gnuplot_quote(self->out, y_label);
    fprintf(self->out, " offset y_label_shift, 0\n%s\n", self->text);
    return CH_OK;
}
