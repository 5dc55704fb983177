/* expected.c — what theory expects at the P, d, B and T of a group. */
#include "fit/laws/expected.h"
#include "core/memory.h"
#include "fit/fit.h"
#include "fit/laws/critical.h"
#include "fit/laws/joint.h"
#include "fit/laws/regression.h"
#include "fit/table/notes.h"
#include "models/dynamics.h"
#include "models/loss.h"
#include "perceptron/finite/family.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const ch_power_law no_law = {.log_amplitude = NAN, .temp_exponent = NAN, .train_exponent = NAN};
static const ch_finite_value no_value = {NAN, NAN};

/* Whether the theory of finite training sets is about such runs. */
static bool has_theory(const ch_fit_group *group)
{
    const ch_settings *key = &group->key;
    const bool is_flat = key->data == CH_LAW_DEPLETED || key->data == CH_LAW_SIGN || key->data == CH_LAW_RANDOM_SIGN;
    return key->model == CH_ARCH_PERCEPTRON && ch_settings_has_theory(key) && key->dynamics == CH_DYNAMICS_SGD &&
           key->loss == CH_LOSS_HINGE && ch_settings_has_usual_rule(key) && is_flat && key->batch > 0;
}

/* ---- the ends of training ---- */

static bool is_known(const ch_finite_end *end)
{
    return isfinite(end->time.value);
}

static bool is_refusal(ch_code code)
{
    return code == CH_ERROR_INPUT || code == CH_ERROR_NUMERIC || code == CH_ERROR_MEMORY;
}

ch_online_setup ch_fit_online_setup(const ch_settings *key, double temp)
{
    return (ch_online_setup){.chi = key->data == CH_LAW_DEPLETED ? key->chi : 0,
                             .dim = (size_t)key->dim,
                             .kappa = 1 / key->alpha,
                             .temp = temp,
                             .rate = temp * (double)key->batch};
}

/* The end of training at one P and T. Where nothing is expected it is NaN.
 * @param why  in, out: the first reason for that */
static ch_code expect_end(const ch_settings *key, ch_family *family, uint64_t train, double temp, ch_finite_end *end,
                          ch_error *why, ch_error *err)
{
    const ch_online_setup setup = ch_fit_online_setup(key, temp);
    ch_error reason = {0};
    const ch_code code = ch_family_predict(family, end, &setup, (double)train, &reason);
    if (code == CH_OK) {
        return CH_OK;
    }
    if (!is_refusal(code)) {
        return ch_error_set(err, code, "%s", reason.message);
    }
    *end = (ch_finite_end){no_value, no_value, no_value, no_value, no_value, no_value};
    if (why->code == CH_OK) {
        *why = reason;
    }
    return CH_OK;
}

/* The T of the group and PARTS - 1 more between each two neighbours. */
static ch_code list_temps(ch_expected_curves *self, const ch_fit_group *group, ch_error *err)
{
    enum { PARTS = 4 };
    self->num_temps = (group->num_temps - 1) * PARTS + 1;
    self->temps = ch_alloc(self->num_temps, sizeof *self->temps);
    self->ends = ch_alloc(group->num_trains * self->num_temps, sizeof *self->ends);
    if (self->temps == NULL || self->ends == NULL) {
        return ch_error_memory(err, "the expected curves of a group");
    }
    for (size_t k = 0; k < self->num_temps; k++) {
        const size_t i = k / PARTS, part = k % PARTS;
        self->temps[k] = group->temps[i];
        if (part > 0) {
            self->temps[k] *= pow(group->temps[i + 1] / group->temps[i], (double)part / PARTS);
        }
    }
    return CH_OK;
}

/* Lets the threads compute the ends at all P and T side by side. */
static ch_code prepare_ends(const ch_fit_group *group, ch_family *family, ch_error *err)
{
    const ch_expected_curves *curves = &group->expected;
    ch_online_setup *setups = ch_alloc(curves->num_temps, sizeof *setups);
    double *trains = ch_alloc(group->num_trains, sizeof *trains);
    ch_code code = CH_OK;
    if (setups == NULL || trains == NULL) {
        code = ch_error_memory(err, "the expected curves of a group");
        goto out;
    }
    for (size_t k = 0; k < curves->num_temps; k++) {
        setups[k] = ch_fit_online_setup(&group->key, curves->temps[k]);
    }
    for (size_t p = 0; p < group->num_trains; p++) {
        trains[p] = (double)group->trains[p];
    }
    code = ch_family_prepare(family, setups, curves->num_temps, trains, group->num_trains, err);
out:
    free(trains);
    free(setups);
    return code;
}

static ch_code find_curves(ch_fit_group *group, ch_family *family, ch_error *why, ch_error *err)
{
    ch_expected_curves *curves = &group->expected;
    ch_code code = list_temps(curves, group, err);
    if (code != CH_OK) {
        return code;
    }
    code = prepare_ends(group, family, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t k = 0; k < curves->num_temps; k++) { /* all P share the way of the online ODE at a T */
        for (size_t p = 0; p < group->num_trains; p++) {
            code = expect_end(&group->key, family, group->trains[p], curves->temps[k],
                              &curves->ends[p * curves->num_temps + k], why, err);
            if (code != CH_OK) {
                return code;
            }
        }
    }
    return CH_OK;
}

/* ---- the group with expected ends in place of measured ones ---- */

typedef struct {
    ch_fit_group group;                        /* borrows trains and temps of the group that it stands for */
    ch_run *runs;                              /* [num_cells] one for each cell; owned */
    ch_cell_mean *means;                       /* [num_cells]; owned */
    size_t num_unknown, num_unknown_in_window; /* complete cells of the data without an expected end */
} planted;

/* The end at a cell. The temperatures of a group are among those of its curves. */
static const ch_finite_end *end_at(const ch_fit_group *group, const ch_fit_cell *cell)
{
    const ch_expected_curves *curves = &group->expected;
    size_t k = 0;
    while (curves->temps[k] != group->temps[cell->temp]) {
        k++;
    }
    return &curves->ends[cell->train * curves->num_temps + k];
}

/* Plants the run, and the mean, of a complete cell. Weights at the start are those of the data. */
static void plant_cell(planted *self, const ch_fit_group *group, size_t c, const ch_cell_mean *mean)
{
    const ch_fit_cell *from = &group->cells[c];
    const ch_finite_end *end = end_at(group, from);
    const double log_start = from->log_weight_change - from->log_relative;
    ch_fit_cell *cell = &self->group.cells[c];
    ch_run *run = &self->runs[c];
    *run = *group->runs[from->begin];
    *cell = (ch_fit_cell){.train = from->train, .temp = from->temp, .begin = c, .end = c + 1};
    self->group.runs[c] = run;
    run->settings.seed_data = 0;
    cell->complete = from->complete && is_known(end);
    if (!cell->complete) {
        self->num_unknown += from->complete;
        self->num_unknown_in_window += from->complete && ch_fit_is_in_window(group, from);
        return;
    }
    run->status = CH_FITTED;
    run->time = end->time.value;
    run->final.weight_change = end->weight_change.value;
    run->final.weight_change_rel = end->weight_change.value * exp(-log_start);
    run->final.test_error = end->test_error.value;
    ch_fit_logs_of(run, self->means[c].log);
    cell->log_weight_change = self->means[c].log[CH_LOG_WEIGHT_CHANGE];
    cell->log_time = self->means[c].log[CH_LOG_TIME];
    cell->log_relative = self->means[c].log[CH_LOG_RELATIVE];
    self->means[c].weight = mean->weight;
    for (size_t k = 0; k < CH_NUM_LOGS; k++) {
        self->means[c].square[k] = self->means[c].log[k] * self->means[c].log[k];
    }
}

static ch_code plant(planted *self, const ch_fit_group *group, const ch_cell_mean *means, ch_error *err)
{
    const size_t count = group->num_cells;
    *self = (planted){.group = {.key = group->key,
                                .num_runs = count,
                                .num_data_sets = 1,
                                .trains = group->trains,
                                .num_trains = group->num_trains,
                                .temps = group->temps,
                                .num_temps = group->num_temps,
                                .num_cells = count,
                                .window_lo = group->window_lo,
                                .window_hi = group->window_hi,
                                .window_temps = group->window_temps}};
    self->runs = ch_alloc(count, sizeof *self->runs);
    self->means = ch_alloc(count, sizeof *self->means);
    self->group.runs = ch_alloc(count, sizeof *self->group.runs);
    self->group.data_set = ch_alloc(count, sizeof *self->group.data_set); /* one, whose number is 0 */
    self->group.cells = ch_alloc(count, sizeof *self->group.cells);
    if (self->runs == NULL || self->means == NULL || self->group.runs == NULL || self->group.data_set == NULL ||
        self->group.cells == NULL) {
        return ch_error_memory(err, "the expected cells of a group");
    }
    for (size_t c = 0; c < count; c++) {
        plant_cell(self, group, c, &means[c]);
    }
    return CH_OK;
}

static void uproot(planted *self)
{
    ch_fit_notes_free(&self->group);
    free(self->group.tc);
    free(self->group.cells);
    free(self->group.data_set);
    free(self->group.runs);
    free(self->means);
    free(self->runs);
}

/* ---- what is found there ---- */

/* Fits both laws to the cells that are complete, to which those of the law of ||Dw|| belong. */
static ch_code fit_laws(planted *self, ch_error *err)
{
    static const ch_range free_ranges[] = {{-INFINITY, INFINITY}, {-INFINITY, INFINITY}};
    ch_regression regression = {0};
    ch_regression_space space = {0};
    ch_code code = ch_regression_init(&regression, &self->group, CH_LOG_WEIGHT_CHANGE, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_regression_space_init(&space, &regression, err);
    if (code != CH_OK) {
        goto out;
    }
    ch_regression_fit(&regression, &space, self->means, NULL, free_ranges, &self->group.weight_change);
    regression.which = CH_LOG_TIME;
    ch_regression_fit(&regression, &space, self->means, NULL, free_ranges, &self->group.time);
out:
    ch_regression_space_free(&space);
    ch_regression_free(&regression);
    return code;
}

static ch_code find_all(planted *self, const ch_fit_options *options, ch_error *err)
{
    ch_code code = fit_laws(self, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_fit_find_critical(&self->group, options, self->means, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_fit_find_joint(&self->group, options, self->means, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_fit_tie_onsets(&self->group, options, self->means, err);
}

/* Whether every complete cell of a P has an expected end. */
static bool is_known_at(const ch_fit_group *group, const planted *self, uint64_t train)
{
    for (size_t c = 0; c < group->num_cells; c++) {
        if (group->trains[group->cells[c].train] == train && group->cells[c].complete &&
            !self->group.cells[c].complete) {
            return false;
        }
    }
    return true;
}

/* Copies what was found. The T_c of both groups are in the same order. */
static void take(ch_fit_group *group, const planted *self)
{
    if (self->num_unknown_in_window == 0) {
        group->expected_weight_change = self->group.weight_change;
        group->expected_time = self->group.time;
    }
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &self->group.tc[i];
        if (tc->place == CH_TC_INSIDE && is_known_at(group, self, tc->train)) {
            group->tc[i].expected = tc->estimate.value;
        }
    }
    for (size_t d = 0; d < CH_NUM_TC && self->num_unknown == 0; d++) {
        const ch_critical_law *law = &self->group.joint[d];
        if (law->found) {
            group->joint[d].expected_prefactor = law->prefactor.value;
            group->joint[d].expected_exponent = law->exponent.value;
        }
    }
}

/* ---- all ---- */

static void expect_nothing(ch_fit_group *group)
{
    group->expected_weight_change = group->expected_time = no_law;
    for (size_t i = 0; i < group->num_tc; i++) {
        group->tc[i].expected = NAN;
    }
    for (size_t d = 0; d < CH_NUM_TC; d++) {
        group->joint[d].expected_prefactor = group->joint[d].expected_exponent = NAN;
    }
}

static ch_code keep_reason(ch_fit_group *group, const char *reason, ch_error *err)
{
    group->expected.why_not = strdup(reason);
    return group->expected.why_not != NULL ? CH_OK : ch_error_memory(err, "what is expected of a group");
}

static ch_code note_reason(ch_fit_group *group, const planted *self, const ch_error *why, ch_error *err)
{
    const ch_code code = keep_reason(group, why->message, err);
    if (code != CH_OK || self->num_unknown == 0) {
        return code;
    }
    if (self->num_unknown_in_window > 0) {
        return ch_fit_note(group, err, "no exponents are expected at these P and T: %s", why->message);
    }
    return ch_fit_note(group, err, "nothing is expected at %zu of %zu points (P, T): %s", self->num_unknown,
                       group->num_cells, why->message);
}

/* Notes in which respects what is expected is less accurate at some of the cells. */
static ch_code note_cautions(ch_fit_group *group, const planted *self, ch_error *err)
{
    const char *noted[CH_FINITE_MOST_CAUTIONS], *cautions[CH_FINITE_MOST_CAUTIONS];
    size_t num_noted = 0;
    for (size_t c = 0; c < group->num_cells; c++) {
        const ch_online_setup setup = ch_fit_online_setup(&group->key, group->temps[group->cells[c].temp]);
        const size_t count = self->group.cells[c].complete ? ch_finite_cautions(&setup, cautions) : 0;
        for (size_t i = 0; i < count; i++) {
            size_t k = 0;
            while (k < num_noted && noted[k] != cautions[i]) {
                k++;
            }
            if (k < num_noted) {
                continue;
            }
            noted[num_noted++] = cautions[i];
            const ch_code code = ch_fit_note(group, err, "what theory expects is less accurate here: %s", cautions[i]);
            if (code != CH_OK) {
                return code;
            }
        }
    }
    return CH_OK;
}

static ch_code expect(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means, ch_family *family,
                      ch_error *err)
{
    planted own = {0};
    ch_error why = {0};
    ch_code code = find_curves(group, family, &why, err);
    if (code != CH_OK) {
        goto out;
    }
    code = plant(&own, group, means, err);
    if (code != CH_OK) {
        goto out;
    }
    code = find_all(&own, options, err);
    if (code != CH_OK) {
        goto out;
    }
    take(group, &own);
    if (why.code != CH_OK) {
        code = note_reason(group, &own, &why, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = note_cautions(group, &own, err);
out:
    uproot(&own);
    return code;
}

ch_code ch_fit_expect(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means, ch_error *err)
{
    expect_nothing(group);
    if (!options->expects) {
        return CH_OK;
    }
    if (!has_theory(group)) {
        return keep_reason(
            group,
            "theory at finite P and d is that of a perceptron with the hinge, under sgd with a fixed "
            "batch, on data with a flat boundary, a density exponent chi, inputs of equal variance and right "
            "labels",
            err);
    }
    ch_family family;
    const double chi = group->key.data == CH_LAW_DEPLETED ? group->key.chi : 0;
    ch_family_init(&family, chi, (size_t)group->key.dim, options->box_folder, options->threads, options->watch);
    const ch_code code = expect(group, options, means, &family, err);
    ch_family_free(&family);
    return code;
}
