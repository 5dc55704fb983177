/* regimes_slice.c — one panel of ||Dw|| against B at fixed T, or at a fixed rate. */
#include "plots/regimes_slice.h"

#include "core/compare.h"
#include "core/memory.h"
#include "plots/panel_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CURVES = 6, LEAST_POINTS = 3, LINE_POINTS = 60 };

/* A panel under construction. */
typedef struct {
    const ch_regime_plane *plane;
    ch_regime_slice slice;
    double rate_of_temp; /* rate / (T B): 1, or the width of a network */
    double *values;      /* [num_values] T or rates that are drawn, ascending; owned */
    size_t num_values;
} slices;

static double rate_of(const ch_regime_plane *plane, const ch_regime_cell *cell)
{
    return plane->runs[cell->begin]->settings.rate;
}

static double value_of(const slices *self, const ch_regime_cell *cell)
{
    return self->slice == CH_SLICE_TEMP ? cell->temp : rate_of(self->plane, cell);
}

static bool is_same(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fabs(b);
}

/* Keeps, of sorted values, each that stands there LEAST_POINTS times or more, once.  @return how many are left */
static size_t keep_frequent(double *values, size_t count)
{
    size_t kept = 0;
    for (size_t begin = 0, end = 0; begin < count; begin = end) {
        for (end = begin + 1; end < count && is_same(values[end], values[begin]); end++) {
        }
        if (end - begin >= LEAST_POINTS) {
            values[kept++] = values[begin];
        }
    }
    return kept;
}

/* Chooses the values that are drawn: at most MOST_CURVES, at equal distances in the list of all. */
static ch_code slices_init(slices *self, const ch_regime_plane *plane, ch_regime_slice slice, ch_error *err)
{
    const ch_regime_cell *first = &plane->cells[0];
    size_t count = 0;
    *self = (slices){.plane = plane, .slice = slice, .values = ch_alloc(plane->num_cells, sizeof *self->values)};
    self->rate_of_temp = rate_of(plane, first) / (first->temp * (double)first->batch);
    if (self->values == NULL) {
        return ch_error_memory(err, "the curves of a figure");
    }
    for (size_t c = 0; c < plane->num_cells; c++) {
        if (plane->cells[c].counts) {
            self->values[count++] = value_of(self, &plane->cells[c]);
        }
    }
    qsort(self->values, count, sizeof *self->values, ch_compare_reals);
    count = keep_frequent(self->values, count);
    self->num_values = count < MOST_CURVES ? count : MOST_CURVES;
    for (size_t i = 0; i < self->num_values && count > MOST_CURVES; i++) {
        self->values[i] = self->values[(i * (count - 1)) / (MOST_CURVES - 1)];
    }
    return CH_OK;
}

/* The standard error of ln ||Dw|| in a cell; 0 for one run. */
static double error_of(const ch_regime_plane *plane, const ch_regime_cell *cell)
{
    const double count = (double)(cell->end - cell->begin);
    double squares = 0;
    for (size_t i = cell->begin; i < cell->end; i++) {
        const double distance = log(plane->runs[i]->final.weight_change) - cell->log_weight_change;
        squares += distance * distance;
    }
    return count > 1 ? sqrt(squares / (count * (count - 1))) : 0;
}

static void draw_points(const slices *self, double value, ch_mark mark, ch_panel *panel)
{
    for (size_t c = 0; c < self->plane->num_cells; c++) {
        const ch_regime_cell *cell = &self->plane->cells[c];
        if (cell->counts && is_same(value_of(self, cell), value)) {
            const double error = error_of(self->plane, cell), mean = cell->log_weight_change;
            ch_panel_point(panel, (double)cell->batch, exp(mean), exp(mean - error), exp(mean + error), mark);
        }
    }
}

/* Draws a law along a curve, over the B that the axis has. */
static void draw_law(const slices *self, const ch_regime_law *law, double value, const char *style, ch_panel *panel)
{
    if (isnan(law->log_noise)) {
        return;
    }
    const double lo = panel->x.lo, hi = panel->x.hi;
    const size_t block = ch_panel_block(panel);
    for (size_t i = 0; i <= LINE_POINTS; i++) {
        const double batch = lo * pow(hi / lo, (double)i / LINE_POINTS);
        const double temp = self->slice == CH_SLICE_TEMP ? value : value / (batch * self->rate_of_temp);
        ch_panel_row(panel, batch, exp(ch_regime_law_log(law, batch, temp, NULL)), NAN, NAN);
    }
    fputs("EOD\n", panel->out);
    fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines %s", block, style);
}

static void draw_curves(const slices *self, ch_panel *panel)
{
    const char *name = self->slice == CH_SLICE_TEMP ? "temp" : "rate";
    for (size_t i = 0; i < self->num_values; i++) {
        const ch_mark mark = ch_mark_of(CH_RAMP_TEMP, i, self->num_values, true);
        char number[64], text[80];
        ch_number_text(self->values[i], number, sizeof number);
        snprintf(text, sizeof text, "%s = %s", self->slice == CH_SLICE_TEMP ? "T" : "η", number);
        ch_panel_describe(panel, "mean", "%s=%g", name, self->values[i]);
        draw_points(self, self->values[i], mark, panel);
        ch_panel_key(panel, NULL, &mark, text);
    }
    for (size_t i = 0; i < self->num_values; i++) {
        const ch_mark mark = ch_mark_of(CH_RAMP_TEMP, i, self->num_values, true);
        char style[80];
        snprintf(style, sizeof style, "linewidth 1.2 linecolor rgb '#%06x'", mark.colour);
        ch_panel_describe(panel, "law", "%s=%g", name, self->values[i]);
        draw_law(self, &self->plane->law, self->values[i], style, panel);
        ch_panel_describe(panel, "theory", "%s=%g", name, self->values[i]);
        draw_law(self, &self->plane->predicted, self->values[i], CH_SLICE_THEORY, panel);
    }
}

ch_code ch_regime_slice_write(const ch_regime_plane *plane, ch_regime_slice slice, size_t index, ch_sheet *sheet,
                              ch_error *err)
{
    ch_panel panel = {0};
    slices self = {0};
    ch_code code = slices_init(&self, plane, slice, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_panel_init(&panel, sheet, index, CH_PART_WHOLE, err);
    if (code != CH_OK) {
        goto out;
    }
    draw_curves(&self, &panel);
    code = ch_panel_finish(&panel, "batch size B", "weight change ‖Δw‖", CH_SCALE_BINARY,
                           "no data: no three B have one value in common", err);
out:
    free(self.values);
    ch_panel_free(&panel);
    return code;
}
