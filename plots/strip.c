/* strip.c — the strips under panels that show a joint law: the ratio of cells and outliers to the law. */
#include "plots/overview.h"

#include "core/memory.h"

#include <math.h>

/* Panels (b), ||Dw|| over T, and (c), t* over P. */
enum { WEIGHT_PANEL = 1, TIME_PANEL = 2 };
static const ch_mark outlier_mark = {0xd00000, 2};

static const ch_residuals *residuals_of(const ch_fit_group *group, size_t index)
{
    return index == TIME_PANEL ? &group->time_residuals : &group->weight_residuals;
}

bool ch_strip_is_under(const ch_overview *self, size_t index)
{
    const ch_fit_group *group = self->group;
    const bool is_shown =
        (index == WEIGHT_PANEL && isfinite(group->weight_change.train_exponent)) || index == TIME_PANEL;
    return is_shown && group->num_trains > 1 && residuals_of(group, index)->num_runs > 0;
}

/* A cell with its y divided by the law's. */
static ch_cell over_law(const ch_cell *cell, const ch_power_law *law)
{
    const double scale = exp(-ch_power_law_log(law, cell->temp, (double)cell->train));
    return (ch_cell){.train = cell->train,
                     .temp = cell->temp,
                     .mean = scale * cell->mean,
                     .lo = scale * cell->lo,
                     .hi = scale * cell->hi};
}

/* Takes the cells from which the law was fitted: the complete ones of the window. Both lists are in the order of
 * (train, temp). */
static void take_cells(ch_series *series, const ch_fit_group *group, const ch_series *all, const ch_power_law *law)
{
    size_t i = 0;
    for (size_t c = 0; c < group->num_cells; c++) {
        const ch_fit_cell *cell = &group->cells[c];
        const uint64_t train = group->trains[cell->train];
        const double temp = group->temps[cell->temp];
        while (i < all->count &&
               (all->cells[i].train < train || (all->cells[i].train == train && all->cells[i].temp < temp))) {
            i++;
        }
        if (cell->complete && temp >= group->window_lo && temp <= group->window_hi && i < all->count &&
            all->cells[i].train == train && all->cells[i].temp == temp) {
            series->cells[series->count++] = over_law(&all->cells[i], law);
        }
    }
}

static void draw_cells(const ch_overview *self, size_t index, const ch_series *series, ch_panel *panel)
{
    const ch_fit_group *group = self->group;
    if (index == WEIGHT_PANEL) {
        for (size_t p = 0; p < group->num_trains; p++) {
            ch_panel_curve(panel, series, group->trains[p], NAN, 1,
                           ch_mark_of(CH_RAMP_TRAIN, p, group->num_trains, true), NULL);
        }
        return;
    }
    for (size_t t = 0; t < group->num_temps; t++) {
        ch_panel_curve(panel, series, 0, group->temps[t], 1, ch_mark_of(CH_RAMP_TEMP, t, group->num_temps, true), NULL);
    }
}

static ch_code draw_outliers(const ch_residuals *residuals, bool over_train, ch_panel *panel, ch_error *err)
{
    ch_series series = {.cells = ch_alloc(residuals->num_outliers + 1, sizeof *series.cells)};
    if (series.cells == NULL) {
        return ch_error_memory(err, "the points of a figure");
    }
    for (; series.count < residuals->num_outliers; series.count++) {
        const ch_residual *one = &residuals->runs[series.count];
        series.cells[series.count] =
            (ch_cell){.train = one->run->settings.train, .temp = one->run->settings.temp, .mean = exp(one->residual)};
    }
    ch_panel_points(panel, &series, over_train, outlier_mark);
    ch_series_free(&series);
    return CH_OK;
}

ch_code ch_strip_draw(const ch_overview *self, size_t index, ch_panel *panel, ch_error *err)
{
    const ch_fit_group *group = self->group;
    const bool is_time = index == TIME_PANEL;
    const ch_residuals *residuals = residuals_of(group, index);
    const double sigma = residuals->spread;
    const double x0 = is_time ? (double)group->trains[0] : group->window_lo;
    const double x1 = is_time ? (double)group->trains[group->num_trains - 1] : group->window_hi;
    ch_series series = {.cells = ch_alloc(group->num_cells, sizeof *series.cells)};
    if (series.cells == NULL) {
        return ch_error_memory(err, "the points of a figure");
    }
    take_cells(&series, group, is_time ? &self->time : &self->weight_change,
               is_time ? &group->time : &group->weight_change);
    ch_panel_band(panel, x0, x1, exp(-sigma), exp(sigma));
    ch_panel_power(panel, panel->x.lo, panel->x.hi, 1, 0, "linewidth 0.7 linecolor rgb '#000000'", NULL);
    draw_cells(self, index, &series, panel);
    ch_code code = draw_outliers(residuals, is_time, panel, err);
    if (code != CH_OK) {
        goto out;
    }
    panel->is_ratio = true;
    ch_axis_include(&panel->y, 1 / panel->y.lo); /* the axis spans the same factor above the law as below it */
    ch_axis_include(&panel->y, 1 / panel->y.hi);
    code = ch_panel_finish(panel, is_time ? "training samples P" : "temperature T", is_time ? "t* / fit" : "‖Δw‖ / fit",
                           is_time, "", err);
out:
    ch_series_free(&series);
    return code;
}
