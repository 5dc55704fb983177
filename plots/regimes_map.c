/* regimes_map.c — one map over batch and rate: cells in colours, the borders of the regimes, and their names. */
#include "plots/regimes_map.h"

#include "core/compare.h"
#include "core/memory.h"
#include "plots/cell_map.h"
#include "plots/colour_box.h"
#include "plots/panel_rows.h"

#include <math.h>
#include <stdlib.h>

static const char *const titles[CH_NUM_REGIME_MAPS] = {
    [CH_MAP_OF_CHANGE] = "weight change ‖Δw‖",
    [CH_MAP_OF_TIME] = "training time t*",
    [CH_MAP_OF_ERROR] = "test error, %",
};

static ch_axis_scale scale_of(ch_regime_map map)
{
    return map == CH_MAP_OF_ERROR ? CH_SCALE_PERCENT : CH_SCALE_POWERS;
}

static double rate_of(const ch_regime_plane *plane, const ch_regime_cell *cell)
{
    return plane->runs[cell->begin]->settings.rate;
}

/* The mean of a cell; NaN where it does not count, or was not measured. */
static double value_of(const ch_regime_plane *plane, const ch_regime_cell *cell, ch_regime_map map)
{
    double sum = 0;
    for (size_t i = cell->begin; i < cell->end; i++) {
        const ch_run *run = plane->runs[i];
        sum += map == CH_MAP_OF_CHANGE ? log(run->final.weight_change)
               : map == CH_MAP_OF_TIME ? log(run->time)
                                       : run->final.test_error;
    }
    const double mean = sum / (double)(cell->end - cell->begin);
    return !cell->counts ? NAN : map == CH_MAP_OF_ERROR ? mean : exp(mean);
}

bool ch_regime_map_exists(const ch_regime_plane *plane, ch_regime_map map)
{
    for (size_t c = 0; c < plane->num_cells; c++) {
        if (value_of(plane, &plane->cells[c], map) > 0) {
            return true;
        }
    }
    return false;
}

/* ---- the grid ---- */

/* The B and rates of a plane. */
typedef struct {
    double *batches, *rates; /* [num_batches], [num_rates] ascending; owned */
    size_t num_batches, num_rates;
} grid;

/* Sorts numbers and drops repeats.  @return how many are left */
static size_t sort_distinct(double *values, size_t count)
{
    size_t distinct = 0;
    qsort(values, count, sizeof *values, ch_compare_reals);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || values[i] > values[distinct - 1] * (1 + 1e-9)) {
            values[distinct++] = values[i];
        }
    }
    return distinct;
}

static ch_code grid_init(grid *self, const ch_regime_plane *plane, ch_error *err)
{
    *self = (grid){.batches = ch_alloc(plane->num_cells, sizeof *self->batches),
                   .rates = ch_alloc(plane->num_cells, sizeof *self->rates)};
    if (self->batches == NULL || self->rates == NULL) {
        return ch_error_memory(err, "a map of regimes");
    }
    for (size_t c = 0; c < plane->num_cells; c++) {
        self->batches[c] = (double)plane->cells[c].batch;
        self->rates[c] = rate_of(plane, &plane->cells[c]);
    }
    self->num_batches = sort_distinct(self->batches, plane->num_cells);
    self->num_rates = sort_distinct(self->rates, plane->num_cells);
    return CH_OK;
}

static void grid_free(grid *self)
{
    free(self->batches);
    free(self->rates);
}

/* The index of the largest value that is not above x, to rounding. */
static size_t index_of(const double *values, size_t count, double x)
{
    size_t i = count - 1;
    while (i > 0 && values[i] > x * (1 + 1e-9)) {
        i--;
    }
    return i;
}

/* ---- what is drawn ---- */

/* Draws the cells that have a value as rectangles in colours.  @return the range of the values */
static ch_axis draw_cells(const ch_regime_plane *plane, ch_regime_map map, const grid *at, ch_panel *panel)
{
    const ch_cell_grid on = {at->batches, at->rates, at->num_batches, at->num_rates};
    ch_axis range = CH_AXIS_EMPTY;
    const size_t block = ch_panel_block(panel);
    for (size_t c = 0; c < plane->num_cells; c++) {
        ch_axis_include(&range, value_of(plane, &plane->cells[c], map));
    }
    ch_panel_describe(panel, "cell", "%s", "");
    for (size_t c = 0; c < plane->num_cells; c++) {
        const ch_regime_cell *cell = &plane->cells[c];
        const size_t b = index_of(at->batches, at->num_batches, (double)cell->batch);
        const size_t r = index_of(at->rates, at->num_rates, rate_of(plane, cell));
        const ch_row row = ch_cell_row(&on, b, r, value_of(plane, cell, map));
        if (isfinite(row.value)) {
            ch_cell_write(panel, &row, range.lo);
            ch_panel_tell(panel, &row);
        }
    }
    ch_cells_finish(panel, &on, block);
    return range;
}

/* How the borders of a law are drawn. */
typedef struct {
    const char *shows; /* in the figure's numbers */
    const char *style;
    bool is_cased; /* on a wider white line */
} border_style;

static const border_style measured = {"border", CH_REGIME_BORDER, true};
static const border_style predicted = {"theory", CH_REGIME_PREDICTED, false};

/* Draws a border as a straight line in logarithms. @param name  of the border in the figure's numbers */
static void draw_border(const double x[2], const double y[2], const char *name, const border_style *as, ch_panel *panel)
{
    const size_t block = ch_panel_block(panel);
    ch_panel_describe(panel, as->shows, "%s", name);
    for (size_t i = 0; i < 2; i++) {
        ch_panel_row(panel, x[i], y[i], NAN, NAN);
    }
    fputs("EOD\n", panel->out);
    if (as->is_cased) {
        fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines linewidth 3.2 linecolor rgb '#ffffff'", block);
    }
    fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines %s", block, as->style);
}

/* The three borders meet where all terms of the law are equal: at B* and T_0 = (G/A)^(1/delta). Noise and first step
 * part along A T^delta = C T B, noise and descent along T = T_0, first step and descent along C T B = G. */
static void draw_borders(const ch_regime_plane *plane, const ch_regime_law *law, const border_style *as,
                         ch_panel *panel)
{
    const double eta = rate_of(plane, &plane->cells[0]) / (plane->cells[0].temp * (double)plane->cells[0].batch);
    const double left = panel->x.lo, right = panel->x.hi, top = panel->y.hi;
    if (isnan(law->log_noise)) {
        return;
    }
    const bool has_descent = isfinite(law->log_descent);
    const double temp = has_descent ? exp((law->log_descent - law->log_noise) / law->delta) : 0;
    /* B at which noise and first step are equal, at the T of the junction and at the top of the map */
    const double ratio = exp(law->log_noise - law->log_step);
    const double meets = has_descent ? ratio * pow(temp, law->delta - 1) : NAN;
    const double bottom = has_descent ? eta * temp * meets : panel->y.lo;
    /* rate = eta T B and B = ratio T^(delta-1) give B^delta = ratio (rate/eta)^(delta-1) */
    const double at_top = pow(ratio * pow(top / eta, law->delta - 1), 1 / law->delta);
    const double at_bottom = pow(ratio * pow(bottom / eta, law->delta - 1), 1 / law->delta);
    draw_border((const double[]){at_bottom, at_top}, (const double[]){bottom, top}, "noise, first step", as, panel);
    if (has_descent) {
        draw_border((const double[]){left, meets}, (const double[]){eta * temp * left, bottom},
                    "noise, gradient descent", as, panel);
        draw_border((const double[]){meets, right}, (const double[]){bottom, bottom}, "first step, gradient descent",
                    as, panel);
    }
}

/* Writes the name of each regime at the middle, in logarithms, of its cells. */
static void write_names(const ch_regime_plane *plane, FILE *out)
{
    for (ch_regime regime = CH_REGIME_NOISE; regime < CH_NUM_REGIMES; regime++) {
        double x = 0, y = 0, count = 0;
        for (size_t c = 0; c < plane->num_cells; c++) {
            if (plane->cells[c].counts && plane->cells[c].regime == regime) {
                x += log((double)plane->cells[c].batch);
                y += log(rate_of(plane, &plane->cells[c]));
                count++;
            }
        }
        if (count > 0) {
            fprintf(out,
                    "set style textbox opaque fillcolor rgb '#ffffff' noborder margins 0.4, 0.4\n"
                    "set label '%s' at first %.17g, first %.17g center front boxed font ',6'\n",
                    ch_regime_name(regime), exp(x / count), exp(y / count));
        }
    }
}

ch_code ch_regime_map_write(const ch_regime_plane *plane, ch_regime_map map, size_t index, ch_sheet *sheet,
                            ch_error *err)
{
    ch_place place;
    ch_panel panel = {0};
    grid at = {0};
    ch_code code = grid_init(&at, plane, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_map_panel_init(&panel, sheet, index, &place, err);
    if (code != CH_OK) {
        goto out;
    }
    ch_axis range = draw_cells(plane, map, &at, &panel);
    ch_axis_finish(&range, 1.2);
    ch_map_colours_write(&range, titles[map], scale_of(map), place, panel.out);
    draw_borders(plane, &plane->law, &measured, &panel);
    draw_borders(plane, &plane->predicted, &predicted, &panel);
    write_names(plane, panel.out);
    panel.y_scale = CH_SCALE_BINARY;
    code = ch_panel_finish(&panel, "batch size B", "learning rate η", CH_SCALE_BINARY, "no data", err);
out:
    grid_free(&at);
    ch_panel_free(&panel);
    return code;
}
