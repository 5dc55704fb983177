/* fit.c — fits a table of runs: groups, window, power laws, critical temperatures, and the errors of all. */
#include "fit/fit.h"
#include "core/memory.h"
#include "fit/errors/exponents.h"
#include "fit/errors/full_batch.h"
#include "fit/laws/bounded.h"
#include "fit/laws/constraints.h"
#include "fit/laws/critical.h"
#include "fit/laws/expected.h"
#include "fit/laws/joint.h"
#include "fit/laws/outliers.h"
#include "fit/laws/regression.h"
#include "fit/laws/shape.h"
#include "fit/laws/window.h"
#include "fit/numbers.h"
#include "fit/table/groups.h"
#include "fit/table/notes.h"
#include "sim/settings/reals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static bool is_fixed(const ch_fit_options *options, ch_fit_number number)
{
    return ch_range_is_fixed(options->constraints[number].range);
}

/* Adds a note that names the exponents of a variable that cannot be fitted, because the window has only one value of
 * that variable. Exponents that the user fixed are not named. */
static ch_code note_single(ch_fit_group *group, const ch_fit_options *options, ch_fit_number first,
                           ch_fit_number second, const char *variable, ch_error *err)
{
    const char *one = ch_fit_numbers[first].name, *two = ch_fit_numbers[second].name;
    if (is_fixed(options, first) && is_fixed(options, second)) {
        return CH_OK;
    }
    if (is_fixed(options, first) || is_fixed(options, second)) {
        return ch_fit_note(group, err, "no %s: it needs two values of %s in the window, and there is only one",
                           is_fixed(options, first) ? two : one, variable);
    }
    return ch_fit_note(group, err, "no %s, no %s: they need two values of %s in the window, and there is only one", one,
                       two, variable);
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
        if (code != CH_OK) {
            return code;
        }
    }
    if (regression->num_trains < 2) {
        code = note_single(group, options, CH_FIT_GAMMA, CH_FIT_B, "P", err);
        if (code != CH_OK) {
            return code;
        }
    }
    if (fitted) {
        return CH_OK;
    }
    return ch_fit_note(group, err,
                       "no exponents: T and P vary together in the window, so that their effects cannot be told apart");
}

/* Adds a note where runs that a budget ended leave an exponent of t* undetermined: the runs that ended in time are at
 * one T, or one P, and the bounds of the others only say that t* is longer there. */
static ch_code note_undetermined(ch_fit_group *group, const ch_regression *regression, const ch_power_law *law,
                                 ch_error *err)
{
    const bool lacks[] = {regression->num_temps > 1 && isnan(law->temp_exponent),
                          regression->num_trains > 1 && isnan(law->train_exponent)};
    const ch_fit_number numbers[] = {CH_FIT_TIME_DELTA, CH_FIT_B};
    const char *const variables[] = {"T", "P"};
    for (size_t k = 0; k < 2 && regression->num_limited > 0 && isfinite(law->log_amplitude); k++) {
        const ch_code code =
            !lacks[k] ? CH_OK
                      : ch_fit_note(group, err,
                                    "no %s: it needs two values of %s at which runs ended in time, and a budget ended "
                                    "the runs at all others: that their t* is longer does not say how much",
                                    ch_fit_numbers[numbers[k]].name, variables[k]);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
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
    if (code != CH_OK) {
        goto out;
    }
    code = ch_regression_space_init(&space, &regression, err);
    if (code != CH_OK) {
        goto out;
    }
    const bool fitted = ch_regression_fit(&regression, &space, means, NULL, ranges, law);
    if (!is_time) {
        code = note_missing(group, options, &regression, fitted, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    if (isnan(ranges[0].lo) || isnan(ranges[1].lo)) {
        code = ch_fit_note(group, err, "no time_delta, no b: the exponents that they are tied to could not be fitted");
        goto out;
    }
    code = note_undetermined(group, &regression, law, err);
out:
    ch_regression_space_free(&space);
    ch_regression_free(&regression);
    return code;
}

/* Adds a note where a variable spans less than a decade. Over so short a range almost any curve is straight in
 * logarithms, so that the exponents are local slopes. */
static ch_code note_decade(ch_fit_group *group, const char *what, const char *variable, double ratio, ch_error *err)
{
    if (!(ratio > 1 && ratio < 10)) {
        return CH_OK;
    }
    return ch_fit_note(group, err,
                       ratio < 1.1
                           ? "%s come from a factor of %.6g in %s, which is under a decade: they are local slopes"
                           : "%s come from a factor of %.3g in %s, which is under a decade: they are local slopes",
                       what, ratio, variable);
}

static ch_code note_decades(ch_fit_group *group, ch_error *err)
{
    uint64_t first = 0, last = 0;
    for (size_t c = 0; c < group->num_cells; c++) { /* in ascending order of P */
        const ch_fit_cell *cell = &group->cells[c];
        if (cell->complete && ch_fit_is_in_window(group, cell)) {
            last = group->trains[cell->train];
            first = first == 0 ? last : first;
        }
    }
    if (isfinite(group->weight_change.temp_exponent)) {
        const ch_code code = note_decade(group, "delta and time_delta", "T", group->window_hi / group->window_lo, err);
        if (code != CH_OK) {
            return code;
        }
    }
    if (!isfinite(group->weight_change.train_exponent)) {
        return CH_OK;
    }
    return note_decade(group, "gamma and b", "P", (double)last / (double)first, err);
}

static ch_code find_shapes(const ch_fit_group *group, ch_fit_log which, ch_shapes *shapes, ch_error *err)
{
    ch_trend curve;
    ch_code code = ch_trend_init(&curve, group, which, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_shapes_fit(shapes, &curve, err);
out:
    ch_trend_free(&curve);
    return code;
}

/* Finds the outliers of both laws, those of ||Dw|| and those of t* on a thread each. */
static ch_code find_outliers(ch_fit_group *group, int threads, ch_error *err)
{
    ch_code codes[2] = {CH_OK, CH_OK};
    ch_error errors[2] = {{0}, {0}};
#pragma omp parallel for num_threads(threads > 1 ? 2 : 1)
    for (int i = 0; i < 2; i++) {
        codes[i] = i == 0 ? ch_residuals_init(&group->weight_residuals, group, CH_LOG_WEIGHT_CHANGE, &errors[i])
                          : ch_residuals_init(&group->time_residuals, group, CH_LOG_TIME, &errors[i]);
    }
    const int first = codes[0] != CH_OK ? 0 : 1;
    return codes[first] == CH_OK ? CH_OK : ch_error_set(err, codes[first], "%s", errors[first].message);
}

/* ---- all of a group ---- */

/* Finds the window and the power laws, the outliers of each law, and the shapes over P. */
static ch_code find_laws(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means, ch_error *err)
{
    static const ch_fit_log both[] = {CH_LOG_WEIGHT_CHANGE, CH_LOG_TIME};
    ch_power_law *laws[] = {&group->weight_change, &group->time};
    ch_shapes *shapes[] = {&group->weight_shapes, &group->time_shapes};
    ch_code code = ch_fit_choose_window(group, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = 0; i < 2; i++) {
        code = fit_power_law(group, options, means, both[i], laws[i], err);
        if (code != CH_OK) {
            return code;
        }
    }
    ch_fit_count_excluded(group);
    code = find_outliers(group, options->threads, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = 0; i < 2; i++) {
        if (!isfinite(laws[i]->log_amplitude)) {
            continue; /* without the law's T dependence, a change of y with P may be one with T */
        }
        code = find_shapes(group, both[i], shapes[i], err);
        if (code != CH_OK) {
            return code;
        }
    }
    return note_decades(group, err);
}

/* Finds T_c at each P, and the joint laws of T_c. */
static ch_code find_critical(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means,
                             ch_error *err)
{
    ch_code code = ch_fit_find_critical(group, options, means, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_fit_find_joint(group, options, means, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_fit_tie_onsets(group, options, means, err);
}

static ch_code fit_group(ch_fit_group *group, const ch_fit_options *options, ch_bootstrap_progress *progress,
                         ch_error *err)
{
    ch_code code = CH_OK;
    ch_cell_mean *means = ch_alloc(group->num_cells, sizeof *means);
    if (means == NULL) {
        code = ch_error_memory(err, "the cells of a group");
        goto out;
    }
    ch_fit_cell_means(group, means);
    code = find_laws(group, options, means, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_fit_check_stop(options->watch, err);
    if (code != CH_OK) {
        goto out;
    }
    code = find_critical(group, options, means, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_fit_expect(group, options, means, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_fit_estimate(group, options, progress, err);
out:
    free(means);
    return code;
}

/* ---- all of a table ---- */

/* Copies the runs, and gives the same bits to reals that are one value.
 * @param settings  [count] out: those of the copies */
static ch_code copy_runs(ch_fit *self, ch_settings **settings, ch_error *err)
{
    const size_t count = self->table->count;
    self->copies = ch_alloc_unset(count, sizeof *self->copies);
    if (self->copies == NULL) {
        return ch_error_memory(err, "the runs of a fit");
    }
    memcpy(self->copies, self->table->runs, count * sizeof *self->copies);
    for (size_t i = 0; i < count; i++) {
        settings[i] = &self->copies[i].settings;
    }
    self->runs = self->copies;
    return ch_settings_unite_reals(settings, count, err);
}

/* Takes the runs of the table as they are, where reals that are one value have the same bits, or else copies of them.
 */
static ch_code take_runs(ch_fit *self, ch_error *err)
{
    const size_t count = self->table->count;
    bool differ = false;
    ch_settings **settings = ch_alloc(count, sizeof *settings);
    if (settings == NULL) {
        return ch_error_memory(err, "the runs of a fit");
    }
    for (size_t i = 0; i < count; i++) {
        settings[i] = &self->table->runs[i].settings;
    }
    self->runs = self->table->runs;
    ch_code code = ch_settings_reals_differ((const ch_settings *const *)settings, count, &differ, err);
    if (code != CH_OK || !differ) {
        goto out;
    }
    code = copy_runs(self, settings, err);
out:
    free(settings);
    return code;
}

const ch_run *ch_fit_stored_run(const ch_fit *self, const ch_run *run)
{
    return &self->table->runs[run - self->runs];
}

ch_code ch_fit_init(ch_fit *self, const ch_run_table *table, const ch_fit_options *options, ch_error *err)
{
    *self = (ch_fit){.options = *options, .table = table};
    ch_code code = ch_fit_options_check(options, err);
    if (code != CH_OK) {
        return code;
    }
    code = check_runs(table, err);
    if (code != CH_OK) {
        return code;
    }
    code = take_runs(self, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_fit_make_groups(self, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_fit_check_stop(options->watch, err);
    if (code != CH_OK) {
        return code;
    }
    ch_bootstrap_progress progress = {.watch = options->watch};
    for (size_t g = 0; g < self->num_groups; g++) {
        progress.total += self->groups[g].num_data_sets < 2 ? 0 : options->replicas;
    }
    for (size_t g = 0; g < self->num_groups; g++) {
        code = fit_group(&self->groups[g], options, &progress, err);
        if (code != CH_OK) {
            return code;
        }
        code = ch_fit_drop_full_batch(self, g, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

static void group_free(ch_fit_group *group)
{
    free(group->runs);
    free(group->data_set);
    free(group->trains);
    free(group->temps);
    free(group->cells);
    free(group->exponents);
    free(group->tc);
    free(group->correlations);
    free(group->expected.temps);
    free(group->expected.ends);
    free(group->expected.why_not);
    ch_residuals_free(&group->weight_residuals);
    ch_residuals_free(&group->time_residuals);
    ch_shapes_free(&group->weight_shapes);
    ch_shapes_free(&group->time_shapes);
    ch_fit_notes_free(group);
}

void ch_fit_free(ch_fit *self)
{
    for (size_t g = 0; g < self->num_groups; g++) {
        group_free(&self->groups[g]);
    }
    free(self->groups);
    free(self->copies);
    *self = (ch_fit){0};
}
