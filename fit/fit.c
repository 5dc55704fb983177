/* fit.c — a table of runs in, exponents with errors out. */
#include "fit/internal.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

void ch_fit_options_default(ch_fit_options *self)
{
    *self = (ch_fit_options){
        .wanted = {[CH_TC_ONSET] = true, [CH_TC_ESCAPE] = true, [CH_TC_ERROR] = true},
        .threshold = 1,
        .sigmas = 3,
        .replicas = 1000,
        .threads = omp_get_max_threads(),
    };
}

ch_code ch_fit_options_check(const ch_fit_options *options, ch_error *err)
{
    if (!(options->threshold > 0 && isfinite(options->threshold))) {
        return ch_error_set(err, CH_ERROR_INPUT, "threshold = %g is not accepted: a positive number is",
                            options->threshold);
    }
    if (!(options->sigmas >= 1 && options->sigmas <= 30)) {
        return ch_error_set(err, CH_ERROR_INPUT, "sigmas = %g is not accepted: a number from 1 to 30 is",
                            options->sigmas);
    }
    if (options->replicas < 2 || options->replicas > 1000000) {
        return ch_error_set(err, CH_ERROR_INPUT, "replicas = %zu is not accepted: an integer from 2 to 1000000 is",
                            options->replicas);
    }
    if (options->threads < 1 || options->threads > 4096) {
        return ch_error_set(err, CH_ERROR_INPUT, "threads = %d is not accepted: an integer from 1 to 4096 is",
                            options->threads);
    }
    return CH_OK;
}

static ch_code check_runs(const ch_run_table *table, ch_error *err)
{
    if (table->count == 0) {
        return ch_error_set(err, CH_ERROR_INPUT, "there is no run to fit");
    }
    size_t finite = 0;
    for (size_t i = 0; i < table->count; i++) {
        const ch_settings *settings = &table->runs[i].settings;
        finite += settings->train > 0;
        if (!(settings->temp > 0 && isfinite(settings->temp))) {
            return ch_error_set(err, CH_ERROR_INPUT,
                                "run %zu has temp = %g: a fit needs it positive (settings resolved)", i + 1,
                                settings->temp);
        }
    }
    if (finite == 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "train is inf in every run, and such runs are never fitted: a fit takes runs with a number "
                            "for train");
    }
    return CH_OK;
}

/* ---- power laws of the table ---- */

static ch_code note_missing(ch_fit_group *group, const ch_regression *regression, bool fitted, ch_error *err)
{
    ch_code code = CH_OK;
    if (regression->num_cells == 0) {
        return CH_OK; /* the window's note says why */
    }
    if (regression->num_temps < 2) {
        code = ch_fit_note(group, err, "no delta, no time_delta: they need two T in the window, there is one");
    }
    if (code == CH_OK && regression->num_trains < 2) {
        code = ch_fit_note(group, err, "no gamma, no b: they need two P in the window, there is one");
    }
    if (code == CH_OK && !fitted) {
        code = ch_fit_note(group, err,
                           "no exponents: T and P vary together in the window, their effects cannot be told "
                           "apart");
    }
    return code;
}

static ch_code fit_power_law(ch_fit_group *group, const ch_cell_mean *means, ch_fit_log which, ch_power_law *law,
                             ch_error *err)
{
    ch_regression regression = {0};
    ch_regression_space space = {0};
    ch_code code = ch_regression_init(&regression, group, which, err);
    if (code == CH_OK) {
        code = ch_regression_space_init(&space, &regression, err);
    }
    if (code == CH_OK) {
        const bool fitted = ch_regression_fit(&regression, &space, means, NULL, law);
        code = which == CH_LOG_WEIGHT_CHANGE ? note_missing(group, &regression, fitted, err) : CH_OK;
    }
    ch_regression_space_free(&space);
    ch_regression_free(&regression);
    return code;
}

static ch_code fit_power_laws(ch_fit_group *group, const ch_cell_mean *means, ch_error *err)
{
    const ch_code code = fit_power_law(group, means, CH_LOG_WEIGHT_CHANGE, &group->weight_change, err);
    return code == CH_OK ? fit_power_law(group, means, CH_LOG_TIME, &group->time, err) : code;
}

/* Under a decade a straight line fits anything. */
static ch_code note_decade(ch_fit_group *group, const char *what, const char *variable, double ratio, ch_error *err)
{
    if (!(ratio > 1 && ratio < 10)) {
        return CH_OK;
    }
    return ch_fit_note(group, err, "%s rest on a factor of %.3g in %s, under a decade: they are local slopes", what,
                       ratio, variable);
}

static ch_code note_decades(ch_fit_group *group, ch_error *err)
{
    const ch_local_slope *local = group->weight_shapes.local;
    const size_t num = group->weight_shapes.num_local;
    ch_code code = note_decade(group, "delta and time_delta", "T", group->window_hi / group->window_lo, err);
    if (code == CH_OK && num > 0) {
        code = note_decade(group, "gamma and b", "P", local[num - 1].train_hi / local[0].train_lo, err);
    }
    return code;
}

static ch_code find_shapes(const ch_fit_group *group, ch_fit_log which, ch_shapes *shapes, ch_error *err)
{
    ch_trend curve;
    ch_code code = ch_trend_init(&curve, group, which, err);
    if (code == CH_OK) {
        code = ch_shapes_fit(shapes, &curve, err);
    }
    ch_trend_free(&curve);
    return code;
}

static ch_code find_residuals(ch_fit_group *group, ch_error *err)
{
    ch_fit_count_excluded(group);
    const ch_code code = ch_residuals_init(&group->weight_residuals, group, CH_LOG_WEIGHT_CHANGE, err);
    return code == CH_OK ? ch_residuals_init(&group->time_residuals, group, CH_LOG_TIME, err) : code;
}

/* ---- all ---- */

static ch_code fit_group(ch_fit_group *group, const ch_fit_options *options, ch_error *err)
{
    ch_code code = CH_OK;
    ch_cell_mean *means = ch_alloc(group->num_cells, sizeof *means);
    if (means == NULL) {
        code = ch_error_memory(err, "the cells of a group");
        goto out;
    }
    ch_fit_cell_means(group, means);
    code = ch_fit_choose_window(group, err);
    if (code == CH_OK) {
        code = fit_power_laws(group, means, err);
    }
    if (code == CH_OK) {
        code = find_residuals(group, err);
    }
    if (code == CH_OK) {
        code = find_shapes(group, CH_LOG_WEIGHT_CHANGE, &group->weight_shapes, err);
    }
    if (code == CH_OK) {
        code = find_shapes(group, CH_LOG_TIME, &group->time_shapes, err);
    }
    if (code == CH_OK) {
        code = note_decades(group, err);
    }
    if (code == CH_OK) {
        code = ch_fit_check_stop(options, err);
    }
    if (code == CH_OK) {
        code = ch_fit_find_critical(group, options, means, err);
    }
    if (code == CH_OK) {
        code = ch_fit_estimate(group, options, err);
    }
out:
    free(means);
    return code;
}

ch_code ch_fit_init(ch_fit *self, const ch_run_table *table, const ch_fit_options *options, ch_error *err)
{
    *self = (ch_fit){.options = *options};
    ch_code code = ch_fit_options_check(options, err);
    if (code == CH_OK) {
        code = check_runs(table, err);
    }
    if (code == CH_OK) {
        code = ch_fit_make_groups(self, table, err);
    }
    if (code == CH_OK) {
        code = ch_fit_check_stop(options, err);
    }
    for (size_t g = 0; g < self->num_groups && code == CH_OK; g++) {
        code = fit_group(&self->groups[g], options, err);
    }
    return code;
}

void ch_fit_free(ch_fit *self)
{
    ch_fit_free_groups(self);
    *self = (ch_fit){0};
}
