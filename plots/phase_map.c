/* phase_map.c — one map of a phase diagram: cells in colours, and what lies over them. */
#include "plots/phase_map.h"
#include "core/text.h"
#include "plots/cell_map.h"
#include "plots/colour_box.h"
#include "plots/gnuplot.h"
#include "plots/panel_rows.h"
#include "plots/phase_region.h"

#include <math.h>
#include <stdlib.h>

/* A line over the map is drawn on a wider white one, so that it can be seen on every colour. */
#define CASING        "linewidth 3.4 linecolor rgb '#ffffff'"
#define CONTOUR_STYLE "linewidth 0.5 linecolor rgb '#ffffff'"

static const char *const titles[CH_NUM_PHASE] = {
    [CH_PHASE_TEST_ERROR] = "test error, %",
    [CH_PHASE_WEIGHT_CHANGE] = "weight variation ‖Δw‖ / ‖w₀‖",
    [CH_PHASE_KERNEL_CHANGE] = "kernel change ‖K − K₀‖ / ‖K₀‖",
    [CH_PHASE_TRAIN_LOSS] = "training loss αL",
};

/* The title of a map. That of the training loss says when it was taken: "training loss αL after 4096 updates". */
static void write_title(const ch_phase *phase, ch_phase_quantity quantity, char *text, size_t size)
{
    const int used = snprintf(text, size, "%s", titles[quantity]);
    if (quantity == CH_PHASE_TRAIN_LOSS) {
        const bool by_updates = phase->updates > 0;
        snprintf(text + used, size - (size_t)used, " after %llu %s",
                 (unsigned long long)(by_updates ? phase->updates : phase->steps), by_updates ? "updates" : "steps");
    }
}

static ch_axis_scale scale_of(ch_phase_quantity quantity)
{
    return quantity == CH_PHASE_TEST_ERROR ? CH_SCALE_PERCENT : CH_SCALE_POWERS;
}

/* Draws the cells that count as rectangles in colours. A test error of 0 gets the colour of the least positive one.
 * @return the range of the values */
static ch_axis draw_cells(const ch_phase *phase, ch_phase_quantity quantity, ch_panel *panel)
{
    const ch_cell_grid grid = {phase->alphas, phase->temps, phase->num_alphas, phase->num_temps};
    ch_axis range = CH_AXIS_EMPTY;
    const size_t num_cells = phase->num_alphas * phase->num_temps;
    for (size_t c = 0; c < num_cells; c++) {
        if (phase->cells[c].counts) {
            ch_axis_include(&range, phase->cells[c].values[quantity]);
        }
    }
    const size_t block = ch_panel_block(panel);
    ch_panel_describe(panel, "cell", "%s", "");
    for (size_t c = 0; c < num_cells; c++) {
        const size_t a = c / phase->num_temps, t = c % phase->num_temps;
        const size_t nearest = ch_region_nearest(phase, a, t);
        const ch_phase_cell *cell = nearest < phase->num_temps ? ch_phase_at(phase, a, nearest) : NULL;
        const double value = cell != NULL && cell->counts ? cell->values[quantity] : NAN;
        if (isfinite(value)) {
            const ch_row row = ch_cell_row(&grid, a, t, value);
            ch_cell_write(panel, &row, range.lo);
            if (nearest == t) {
                ch_panel_tell(panel, &row);
            }
        }
    }
    ch_cells_finish(panel, &grid, block);
    return range;
}

/* Draws white, wider points under the points of a block. Their shape is the filled one, whose number follows that of
 * the open one. */
static void draw_halo(size_t block, int point, double size, ch_panel *panel)
{
    const bool is_open = point == CH_POINT_LOWER_BOUND || point == CH_POINT_UPPER_BOUND;
    fprintf(ch_panel_item(panel),
            "$block%zu using 1:2 with points pointtype %d pointsize %g*point linecolor rgb '#ffffff'", block,
            point + is_open, size);
}

static ch_code draw_contour(const ch_phase *phase, ch_phase_quantity quantity, double level, bool cased,
                            const char *style, ch_panel *panel, ch_error *err)
{
    ch_phase_segment *segments = NULL;
    size_t count = 0;
    const ch_code code = ch_phase_contour(phase, quantity, level, &segments, &count, err);
    if (code != CH_OK || count == 0) {
        goto out;
    }
    const size_t block = ch_panel_block(panel);
    char number[32];
    ch_number_format(level, number, sizeof number);
    ch_panel_describe(panel, cased ? "end of lazy" : "contour", "%s", number);
    for (size_t i = 0; i < count; i++) {
        ch_panel_row(panel, segments[i].alpha[0], segments[i].temp[0], NAN, NAN);
        ch_panel_row(panel, segments[i].alpha[1], segments[i].temp[1], NAN, NAN);
        fputc('\n', panel->out);
    }
    fputs("EOD\n", panel->out);
    if (cased) {
        fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines " CASING, block);
    }
    fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines %s", block, style);
out:
    free(segments);
    return code;
}

/* Draws a contour and writes its level at the piece in the middle of it. */
static ch_code draw_level(const ch_phase *phase, ch_phase_quantity quantity, double level, ch_panel *panel,
                          ch_error *err)
{
    ch_phase_segment *segments = NULL;
    size_t count = 0;
    const ch_code code = ch_phase_contour(phase, quantity, level, &segments, &count, err);
    if (code == CH_OK && count > 0) {
        const ch_phase_segment *middle = &segments[count / 2];
        char text[64];
        ch_axis_label_text(scale_of(quantity), level, text, sizeof text);
        fputs("set label ", panel->out);
        ch_gnuplot_quote(panel->out, text);
        fprintf(panel->out, " at first %.17g, first %.17g center front font ',5' textcolor rgb '#ffffff'\n",
                sqrt(middle->alpha[0] * middle->alpha[1]), sqrt(middle->temp[0] * middle->temp[1]));
    }
    free(segments);
    return code == CH_OK ? draw_contour(phase, quantity, level, false, CONTOUR_STYLE, panel, err) : code;
}

/* A straight line through (alpha0, temp0), in the logarithms.
 * @param name  what it is in the figure's numbers; NULL: it is not in them */
static void draw_line(double from, double to, double alpha0, double temp0, double slope, const char *style,
                      const char *name, ch_panel *panel)
{
    const size_t block = ch_panel_block(panel);
    const double ends[] = {from, to};
    for (size_t i = 0; i < 2; i++) {
        ch_row row = CH_ROW_NONE;
        row.x = ends[i];
        row.y = temp0 * pow(ends[i] / alpha0, slope);
        fprintf(panel->out, "%.17g %.17g\n", row.x, row.y);
        if (name != NULL) {
            ch_panel_describe(panel, name, "%s", "");
            ch_panel_tell(panel, &row);
        }
    }
    fputs("EOD\n", panel->out);
    fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines %s", block, style);
}

const ch_phase_power *ch_map_power(const ch_phase *phase, ch_phase_end end)
{
    const ch_phase_power *best = &phase->best_powers[end], *max = &phase->max_powers[end];
    return best->num_alphas == 0 || (isnan(best->estimate.value) && isfinite(max->estimate.value)) ? max : best;
}

/* The centre, in logarithms, of the points from which a power is fitted: (alpha, T_opt) or (alpha, T_max). */
static void centre(const ch_phase *phase, const ch_phase_power *power, double *alpha, double *temp)
{
    double x = 0, y = 0;
    for (size_t a = 0; a < phase->num_alphas; a++) {
        const ch_phase_temp *point = ch_phase_power_point(phase, power, a);
        if (point != NULL) {
            x += log(phase->alphas[a]);
            y += log(point->estimate.value);
        }
    }
    *alpha = exp(x / (double)power->num_alphas);
    *temp = exp(y / (double)power->num_alphas);
}

/* Draws the fitted power and theory's at one end of the alpha, up to alpha = 1. Theory's dashes lie over the fit, so
 * that both can be seen where they agree. */
static void draw_powers(const ch_phase *phase, ch_phase_end end, ch_panel *panel)
{
    const ch_phase_power *power = ch_map_power(phase, end);
    const double lo = end == CH_PHASE_SMALL ? panel->x.lo : fmax(1, panel->x.lo);
    const double hi = end == CH_PHASE_SMALL ? fmin(1, panel->x.hi) : panel->x.hi;
    const struct {
        double exponent;
        const char *style, *name;
    } lines[] = {{power->estimate.value, CASING, NULL},
                 {power->theory, CASING, NULL},
                 {power->estimate.value, CH_MAP_FIT, "fit"},
                 {power->theory, CH_MAP_THEORY, "theory"}};
    double alpha, temp;
    if (power->num_alphas == 0) {
        return;
    }
    centre(phase, power, &alpha, &temp);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (isfinite(lines[i].exponent)) {
            draw_line(lo, hi, alpha, temp, lines[i].exponent, lines[i].style, lines[i].name, panel);
        }
    }
}

/* Draws T_max as a line from alpha to alpha where it lies inside the sampled T, with its interval at each alpha. */
static void draw_max(const ch_phase *phase, ch_panel *panel)
{
    const size_t line = ch_panel_block(panel);
    ch_panel_describe(panel, "T_max", "%s", "");
    for (size_t a = 0; a < phase->num_alphas; a++) {
        const ch_phase_temp *max = &phase->rows[a].max;
        if (max->place == CH_TC_INSIDE) {
            ch_panel_row(panel, phase->alphas[a], max->estimate.value, max->estimate.lo, max->estimate.hi);
        } else {
            fputc('\n', panel->out);
        }
    }
    fputs("NaN NaN\nEOD\n", panel->out);
    fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines " CASING, line);
    const size_t bars = ch_panel_block(panel);
    for (size_t a = 0; a < phase->num_alphas; a++) {
        const ch_estimate *max = &phase->rows[a].max.estimate;
        if (isfinite(max->lo)) {
            fprintf(panel->out, "%.17g %.17g\n%.17g %.17g\n\n", phase->alphas[a], fmax(max->lo, panel->y.lo),
                    phase->alphas[a], fmin(max->hi, panel->y.hi));
        }
    }
    fputs("NaN NaN\nEOD\n", panel->out);
    fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines " CASING, bars);
    fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines " CH_MAP_MAX, bars);
    fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines " CH_MAP_MAX, line);
}

/* Draws T_opt with its interval. Bounds are open triangles. */
static void draw_best(const ch_phase *phase, ch_panel *panel)
{
    for (size_t a = 0; a < phase->num_alphas; a++) {
        const ch_phase_temp *best = &phase->rows[a].best;
        const double value = best->estimate.value;
        if (best->place == CH_TC_NONE) {
            continue;
        }
        const bool inside = best->place == CH_TC_INSIDE, has_interval = isfinite(best->estimate.lo);
        const int point = inside                       ? CH_MAP_BEST.point
                          : best->place == CH_TC_ABOVE ? CH_POINT_LOWER_BOUND
                                                       : CH_POINT_UPPER_BOUND;
        const size_t block = ch_panel_block(panel);
        ch_panel_describe(panel, "T_opt", "%s", inside ? "" : best->place == CH_TC_ABOVE ? "above" : "below");
        ch_panel_row(panel, phase->alphas[a], value, has_interval ? fmax(best->estimate.lo, panel->y.lo) : value,
                     has_interval ? fmin(best->estimate.hi, panel->y.hi) : value);
        fputs("EOD\n", panel->out);
        fprintf(ch_panel_item(panel), "$block%zu using 1:3:(0):($4-$3) with vectors nohead " CASING, block);
        draw_halo(block, point, inside ? 1.7 : 2.2, panel);
        fprintf(ch_panel_item(panel), "$block%zu using 1:3:(0):($4-$3) with vectors nohead " CH_MAP_FIT, block);
        fprintf(ch_panel_item(panel),
                "$block%zu using 1:2 with points pointtype %d pointsize 1.2*point linecolor rgb '#%06x'", block, point,
                CH_MAP_BEST.colour);
    }
}

/* Powers of two are labelled as such. */
static ch_axis_scale scale_of_values(const double *values, size_t count)
{
    bool is_binary = true;
    for (size_t i = 0; i < count; i++) {
        int exponent;
        is_binary = is_binary && frexp(values[i], &exponent) == 0.5;
    }
    return is_binary ? CH_SCALE_BINARY : CH_SCALE_POWERS;
}

/* Lays an unseen point over the middle of every cell that says of which runs it is. */
static void lay_runs(const ch_phase *phase, ch_panel *panel)
{
    const size_t block = ch_panel_block(panel);
    for (size_t a = 0; a < phase->num_alphas; a++) {
        for (size_t t = 0; t < phase->num_temps; t++) {
            char alpha[32], temp[32];
            ch_number_format(phase->alphas[a], alpha, sizeof alpha);
            ch_number_format(phase->temps[t], temp, sizeof temp);
            fprintf(panel->out, "%.17g %.17g \"alpha=%s temp=%s\"\n", phase->alphas[a], phase->temps[t], alpha, temp);
        }
    }
    ch_panel_end_runs(panel, block);
}

static ch_code draw_map(const ch_phase *phase, ch_phase_quantity quantity, ch_place place, ch_panel *panel,
                        ch_error *err)
{
    double levels[CH_AXIS_MOST_LABELS];
    char title[96];
    ch_axis range = draw_cells(phase, quantity, panel);
    ch_region_fill(phase, CH_REGION_BUDGET, panel);
    ch_region_fill(phase, CH_REGION_DIVERGED, panel);
    ch_axis_finish(&range, 1.2);
    write_title(phase, quantity, title, sizeof title);
    ch_map_colours_write(&range, title, scale_of(quantity), place, panel->out);
    const size_t count = ch_axis_labels(&range, scale_of(quantity), CH_AXIS_LABELS, levels);
    for (size_t i = 0; i < count; i++) {
        const ch_code code = draw_level(phase, quantity, levels[i], panel, err);
        if (code != CH_OK) {
            return code;
        }
    }
    /* the map of the kernel has the kernel's border of the lazy regime, the others that of the weights */
    const bool is_kernel = quantity == CH_PHASE_KERNEL_CHANGE;
    const ch_phase_quantity border = is_kernel ? CH_PHASE_KERNEL_CHANGE : CH_PHASE_WEIGHT_CHANGE;
    const ch_code code = draw_contour(phase, border, phase->threshold, true, CH_MAP_BORDER, panel, err);
    if (code != CH_OK) {
        return code;
    }
    draw_powers(phase, CH_PHASE_SMALL, panel);
    draw_powers(phase, CH_PHASE_LARGE, panel);
    ch_region_outline(phase, CH_REGION_BUDGET, panel);
    ch_region_outline(phase, CH_REGION_DIVERGED, panel);
    draw_max(phase, panel);
    draw_best(phase, panel);
    if (panel->has_runs) {
        lay_runs(phase, panel);
    }
    return CH_OK;
}

/* A logarithmic scale cannot show a test error that is 0 everywhere. */
static bool has_positive(const ch_phase *phase, ch_phase_quantity quantity)
{
    for (size_t c = 0; c < phase->num_alphas * phase->num_temps; c++) {
        if (phase->cells[c].counts && phase->cells[c].values[quantity] > 0) {
            return true;
        }
    }
    return false;
}

static bool has_counted(const ch_phase *phase)
{
    for (size_t c = 0; c < phase->num_alphas * phase->num_temps; c++) {
        if (phase->cells[c].counts) {
            return true;
        }
    }
    return false;
}

ch_code ch_map_write(const ch_phase *phase, ch_phase_quantity quantity, size_t index, ch_sheet *sheet, ch_error *err)
{
    ch_place place;
    ch_panel panel;
    ch_code code = ch_map_panel_init(&panel, sheet, index, &place, err);
    if (code != CH_OK) {
        goto out;
    }
    if (has_positive(phase, quantity)) {
        code = draw_map(phase, quantity, place, &panel, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    panel.y_scale = scale_of_values(phase->temps, phase->num_temps);
    code = ch_panel_finish(
        &panel, "α = 1/κ", "temperature T", scale_of_values(phase->alphas, phase->num_alphas),
        has_counted(phase) ? "no data: every test error is 0" : "no data: runs ended early at every T", err);
out:
    ch_panel_free(&panel);
    return code;
}
