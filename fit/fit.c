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
    for (int k = 0; k < CH_NUM_FIT_PARAMETERS; k++) {
        self->constraints[k] = (ch_fit_constraint){.range = {-INFINITY, INFINITY}};
    }
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
    if (!options->wanted[CH_TC_ONSET] &&
        (ch_fit_is_held(&options->constraints[CH_FIT_A]) || ch_fit_is_held(&options->constraints[CH_FIT_SHARPNESS]))) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "a and sharpness are held, which are those of T_c by onset, but it is not to be found; "
                            "accepted is --tc onset, or all (the default)");
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

static bool is_fixed(const ch_fit_options *options, ch_fit_parameter parameter)
{
    return ch_range_is_fixed(options->constraints[parameter].range);
}

/* Exponents that one T, or one P, says nothing of; unless they are fixed. */
static ch_code note_single(ch_fit_group *group, const ch_fit_options *options, ch_fit_parameter first,
                           ch_fit_parameter second, const char *variable, ch_error *err)
{
    const char *one = ch_fit_parameter_name(first), *two = ch_fit_parameter_name(second);
    if (is_fixed(options, first) && is_fixed(options, second)) {
        return CH_OK;
    }
    if (is_fixed(options, first) || is_fixed(options, second)) {
        return ch_fit_note(group, err, "no %s: it needs two %s in the window, there is one",
                           is_fixed(options, first) ? two : one, variable);
    }
    return ch_fit_note(group, err, "no %s, no %s: they need two %s in the window, there is one", one, two, variable);
}

static ch_code note_missing(ch_fit_group *group, const ch_fit_options *options, const ch_regression *regression,
                            bool fitted, ch_error *err)
{
    ch_code code = CH_OK;
    if (regression->num_cells == 0) {
        return CH_OK; /* the window's note says why */
    }
    if (regression->num_temps < 2) {
        code = note_single(group, options, CH_FIT_DELTA, CH_FIT_TIME_DELTA, "T", err);
    }
    if (code == CH_OK && regression->num_trains < 2) {
        code = note_single(group, options, CH_FIT_GAMMA, CH_FIT_B, "P", err);
    }
    if (code == CH_OK && !fitted) {
        code = ch_fit_note(group, err,
                           "no exponents: T and P vary together in the window, their effects cannot be told "
                           "apart");
    }
    return code;
}

static ch_code fit_power_law(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means,
                             ch_fit_log which, ch_power_law *law, ch_error *err)
{
    const bool is_time = which == CH_LOG_TIME;
    const ch_range ranges[] = {
        ch_fit_range(options, is_time ? CH_FIT_TIME_DELTA : CH_FIT_DELTA, &group->weight_change),
        ch_fit_range(options, is_time ? CH_FIT_B : CH_FIT_GAMMA, &group->weight_change),
    };
    ch_regression regression = {0};
    ch_regression_space space = {0};
    ch_code code = ch_regression_init(&regression, group, which, err);
    if (code == CH_OK) {
        code = ch_regression_space_init(&space, &regression, err);
    }
    if (code == CH_OK) {
        const bool fitted = ch_regression_fit(&regression, &space, means, NULL, ranges, law);
        code = is_time ? CH_OK : note_missing(group, options, &regression, fitted, err);
    }
    if (code == CH_OK && (isnan(ranges[0].lo) || isnan(ranges[1].lo))) {
        code = ch_fit_note(group, err, "no time_delta, no b: what they are tied to could not be had");
    }
    ch_regression_space_free(&space);
    ch_regression_free(&regression);
    return code;
}

static ch_code fit_power_laws(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means,
                              ch_error *err)
{
    const ch_code code = fit_power_law(group, options, means, CH_LOG_WEIGHT_CHANGE, &group->weight_change, err);
    return code == CH_OK ? fit_power_law(group, options, means, CH_LOG_TIME, &group->time, err) : code;
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
        code = fit_power_laws(group, options, means, err);
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
        code = ch_fit_find_joint(group, options, means, err);
    }
    if (code == CH_OK) {
        code = ch_fit_tie_onsets(group, options, means, err);
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
