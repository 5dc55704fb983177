/* test_error.c — the test error against T, a panel of the main page, and against P, a page a group. */
#include "plots/panel.h"

#include <math.h>
#include <string.h>

static const ch_mark critical_mark = {0x000000, 13}; /* the shape is that of the panel of T_c */

/* The curve of one P at T, by a straight line in the logarithms between its cells; NaN outside of them. */
static double curve_at(const ch_series *series, uint64_t train, double temp)
{
    const ch_cell *before = NULL;
    for (size_t i = 0; i < series->count; i++) {
        const ch_cell *cell = &series->cells[i];
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

/* Those that too few replicas have, and so no error, are left to the report. */
static void draw_critical(const ch_fit_group *group, const ch_series *series, ch_panel *panel)
{
    bool any = false;
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        if (tc->definition == CH_TC_ERROR && tc->place == CH_TC_INSIDE && isfinite(tc->estimate.stderr_)) {
            ch_panel_point(panel, tc->estimate.value, curve_at(series, tc->train, tc->estimate.value), NAN, NAN,
                           critical_mark);
            any = true;
        }
    }
    if (any) {
        ch_panel_key(panel, NULL, &critical_mark, "T_{c} by error");
    }
}

static ch_code make_series(ch_series *series, const ch_fit_group *group, ch_error *err)
{
    return ch_series_init_plain(series, group, offsetof(ch_run, final.test_error), err);
}

ch_code ch_test_error_draw(const ch_page *page, ch_panel *panel, ch_error *err)
{
    const ch_fit_group *group = page->group;
    ch_series series;
    ch_code code = make_series(&series, group, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = 0; i < group->num_trains; i++) {
        ch_panel_curve(panel, &series, group->trains[i], NAN, 1, ch_mark_of(CH_RAMP_TRAIN, i, group->num_trains, true),
                       NULL);
    }
    draw_critical(group, &series, panel);
    ch_series_free(&series);
    return ch_panel_finish(panel, "temperature T", "mean test error", false, "no data: no test error was measured",
                           err);
}

/* ---- the page ---- */

/* Theory's P^-1, set off from the largest T: the last sample is fitted when n P = O(1), and the test error is n. */
static void draw_theory(const ch_fit_group *group, const ch_series *series, double temp, ch_panel *panel)
{
    const double from = (double)group->trains[0], to = (double)group->trains[group->num_trains - 1];
    for (size_t i = 0; i < group->num_exponents; i++) {
        if (strcmp(group->exponents[i].name, "gamma") == 0 && isfinite(group->exponents[i].theory)) {
            ch_panel_power(panel, from, to, ch_panel_lift(panel) * curve_at(series, group->trains[0], temp), -1,
                           "linewidth 1.3 dashtype (6,4) linecolor rgb '#505050'", "theory P^{−1}");
        }
    }
}

static ch_code draw_over_train(const ch_fit_group *group, ch_panel *panel, ch_error *err)
{
    enum { MAX_TEMPS = 4 };
    const size_t count = group->num_temps < MAX_TEMPS ? group->num_temps : MAX_TEMPS;
    ch_series series;
    ch_code code = make_series(&series, group, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = 0; i < count; i++) { /* evenly over the T, both ends among them */
        const double temp = group->temps[count > 1 ? i * (group->num_temps - 1) / (count - 1) : 0];
        char number[64], text[80];
        ch_number_text(temp, number, sizeof number);
        snprintf(text, sizeof text, "%s%s", i == 0 ? "T = " : "", number);
        ch_panel_curve(panel, &series, 0, temp, 1, ch_mark_of(CH_RAMP_TEMP, i, count, true), text);
    }
    if (group->num_trains > 1) {
        draw_theory(group, &series, group->temps[group->num_temps - 1], panel);
    }
    ch_series_free(&series);
    return ch_panel_finish(panel, "training samples P", "mean test error", true, "no data", err);
}

static ch_code write_page(const ch_fit *fit, const ch_fit_group *group, const void *content, FILE *out, ch_error *err)
{
    static const char *const sentences[] = {"Points: mean over data sets ± one s.e.; open triangles: a budget ended "
                                            "runs; diverged runs are not drawn."};
    const ch_page page = {.options = &fit->options, .group = group};
    double left, right, bottom, top;
    ch_code code = CH_OK;
    (void)content;
    for (size_t i = 0; i < 2 && code == CH_OK; i++) {
        ch_panel panel;
        code = ch_panel_init(&panel, out, i, CH_PART_WHOLE, err);
        if (code == CH_OK) {
            code = i == 0 ? ch_test_error_draw(&page, &panel, err) : draw_over_train(group, &panel, err);
        }
        ch_panel_free(&panel);
    }
    ch_panel_place(2, &left, &right, &bottom, &top);
    return code == CH_OK ? ch_summary_caption(group, sentences, 1, left, top, out, err) : code;
}

/* Whether there is a curve to draw. */
static bool is_measured(const ch_fit_group *group)
{
    bool any = false;
    for (size_t i = 0; i < group->num_runs; i++) {
        any = any || (group->runs[i]->status != CH_DIVERGED && group->runs[i]->final.test_error > 0);
    }
    return any && group->num_trains * group->num_temps > 1;
}

ch_code ch_plot_test_error(const ch_fit *fit, const char *directory, ch_plot_format format, FILE *names, ch_error *err)
{
    ch_code code = CH_OK;
    for (size_t g = 0; g < fit->num_groups && code == CH_OK; g++) {
        if (is_measured(&fit->groups[g])) {
            code = ch_page_draw(fit, g, "-error", write_page, NULL, directory, format, names, err);
        }
    }
    return code;
}
