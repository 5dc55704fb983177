/* error_panel.c — the panel of the test error against T. */
#include "plots/error_panel.h"

#include "plots/panel_rows.h"

#include <math.h>
#include <stddef.h>

static const ch_mark critical_mark = {0x000000, 13}; /* the same shape as in the panel of T_c */
static const ch_mark zero_mark = {0x505050, CH_POINT_UPPER_BOUND};

double ch_error_series_at(const ch_series *self, uint64_t train, double temp)
{
    const ch_cell *before = NULL;
    for (size_t i = 0; i < self->count; i++) {
        const ch_cell *cell = &self->cells[i];
        if (cell->train != train || !(cell->mean > 0)) {
            continue;
        }
        if (before != NULL && before->temp <= temp && temp <= cell->temp) {
            const double part = log(temp / before->temp) / log(cell->temp / before->temp);
            return before->mean * pow(cell->mean / before->mean, part);
        }
        before = cell;
    }
    return NAN;
}

/* Draws T_c by error_shift on the curves. A T_c that too few replicas have has no error. It is not drawn, and stands in
 * the report alone. */
static void draw_critical(const ch_fit_group *group, const ch_series *series, ch_panel *panel)
{
    bool any = false;
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        if (tc->definition == CH_TC_ERROR_SHIFT && tc->place == CH_TC_INSIDE && isfinite(tc->estimate.stderr_)) {
            ch_panel_describe_at(panel, "tc_error_shift", tc->train, NAN);
            ch_panel_point(panel, tc->estimate.value, ch_error_series_at(series, tc->train, tc->estimate.value), NAN,
                           NAN, critical_mark);
            any = true;
        }
    }
    if (any) {
        ch_panel_key(panel, NULL, &critical_mark, "T_{c} by error\\_shift");
    }
}

void ch_error_zero_draw(double x, uint64_t num_test, ch_panel *panel)
{
    ch_panel_point(panel, x, 0.5 / (double)num_test, NAN, NAN, zero_mark);
}

bool ch_error_zeros_draw(const ch_fit_group *group, const ch_series *series, uint64_t train, double temp,
                         ch_panel *panel)
{
    bool any = false;
    for (size_t i = 0; i < series->count && group->key.test > 0; i++) {
        const ch_cell *cell = &series->cells[i];
        if (cell->mean == 0 && (train > 0 ? cell->train == train : cell->temp == temp)) {
            ch_panel_describe_at(panel, "no error", train, temp);
            ch_error_zero_draw(train > 0 ? cell->temp : (double)cell->train, group->key.test, panel);
            any = true;
        }
    }
    return any;
}

void ch_error_zeros_key(ch_panel *panel)
{
    ch_panel_key(panel, NULL, &zero_mark, "no error");
}

ch_code ch_error_series_init(ch_series *self, const ch_fit_group *group, ch_error *err)
{
    return ch_series_init_plain(self, group, offsetof(ch_run, final.test_error), err);
}

ch_code ch_error_panel_draw(const ch_fit_group *group, ch_panel *panel, ch_error *err)
{
    ch_series series;
    ch_code code = ch_error_series_init(&series, group, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = 0; i < group->num_trains; i++) {
        ch_panel_curve(panel, &series, group->trains[i], NAN, 1, ch_mark_of(CH_RAMP_TRAIN, i, group->num_trains, true),
                       NULL);
    }
    draw_critical(group, &series, panel);
    bool has_zeros = false;
    for (size_t i = 0; i < group->num_trains; i++) {
        has_zeros = ch_error_zeros_draw(group, &series, group->trains[i], NAN, panel) || has_zeros;
    }
    if (has_zeros) {
        ch_error_zeros_key(panel);
    }
    ch_series_free(&series);
    panel->y_scale = CH_SCALE_PERCENT;
    return ch_panel_finish(panel, "temperature T", "mean test error, %", CH_SCALE_POWERS,
                           "no data: no test error was measured", err);
}
