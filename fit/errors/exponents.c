/* exponents.c — what the fits of a table are reported as: exponents and T_c with errors, beside theory. */
#include "fit/internal.h"

#include "perceptron/perceptron.h"

#include <gsl/gsl_fit.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A number is reported with an error when at least this part of the replicas could have it. */
static const double enough_replicas = 0.9;
/* A P enters the fit of a when T_c lies inside the sampled temperatures in at least this part of the replicas. */
static const double enough_inside = 0.95;

/* ---- errors ---- */

ch_code ch_fit_estimate_number(ch_fit_group *group, const ch_bootstrap *bootstrap, size_t number, double value,
                               const char *what, ch_estimate *estimate, ch_error *err)
{
    *estimate = (ch_estimate){value, NAN, NAN, NAN};
    if (group->num_data_sets < 2) {
        return CH_OK;
    }
    double deviation = NAN;
    const size_t replicas = bootstrap->options->replicas;
    const size_t count = ch_bootstrap_spread(bootstrap, number, &deviation);
    if ((double)count >= enough_replicas * (double)replicas) {
        *estimate = ch_estimate_make(value, deviation, group->num_data_sets);
    }
    if (count == replicas) {
        return CH_OK;
    }
    return ch_fit_note(group, err, "%s: %zu of %zu replicas of the data sets do not have it%s", what, replicas - count,
                       replicas, isnan(estimate->stderr_) ? "; no error is given" : " and are left out of its error");
}

void ch_fit_hold_estimate(ch_estimate *estimate, ch_range range, ch_held held)
{
    if (held == CH_HELD_FIXED) {
        *estimate = (ch_estimate){estimate->value, 0, estimate->value, estimate->value};
    } else if (held == CH_HELD_BOUND) {
        *estimate = (ch_estimate){estimate->value, NAN, NAN, NAN};
    } else if (isfinite(estimate->lo)) {
        estimate->lo = fmax(estimate->lo, range.lo);
        estimate->hi = fmin(estimate->hi, range.hi);
    }
}

ch_exponent *ch_fit_add_exponent(ch_fit_group *group, const char *name, double theory)
{
    ch_exponent *exponent = &group->exponents[group->num_exponents++];
    *exponent = (ch_exponent){.name = name, .theory = theory};
    return exponent;
}

/* The theory is for batches that are a vanishing part of the data; NaN elsewhere. */
static ch_code find_theory(ch_perceptron_theory *theory, const ch_fit_group *group, ch_error *err)
{
    const ch_settings *key = &group->key;
    if (key->model == CH_MODEL_PERCEPTRON && key->dynamics == CH_DYNAMICS_SGD && key->batch != 0) {
        return ch_perceptron_theory_init(theory, key->chi, err);
    }
    *theory = (ch_perceptron_theory){.delta = NAN, .gamma = NAN, .time_delta = NAN, .b = NAN, .a = NAN};
    return CH_OK;
}

/* The largest P of the window at which the first step makes over half of ||Dw||, 0 for none. At w = 0 every sample is
 * unfitted, so that the first step alone gives s = eta E|x_par| / sqrt(d). Where that is most of ||Dw||, B is not small
 * beside B* ~ P^gamma, and ||Dw|| ~ eta depends little on P. */
static uint64_t first_step_train(const ch_fit_group *group, const ch_perceptron_theory *theory)
{
    uint64_t train = 0;
    for (size_t c = 0; c < group->num_cells; c++) {
        const ch_fit_cell *cell = &group->cells[c];
        const double temp = group->temps[cell->temp];
        const double rate = temp * (double)group->key.batch;
        const double step = rate * theory->mean_abs / sqrt((double)group->key.dim);
        if (cell->complete && temp >= group->window_lo && temp <= group->window_hi &&
            step > 0.5 * exp(cell->log_weight_change)) {
            train = group->trains[cell->train]; /* cells are in ascending order of P */
        }
    }
    return train;
}

/* Batches near P, or near B* ~ P^gamma, leave the regime that the theory is for. */
static ch_code note_batch(ch_fit_group *group, const ch_perceptron_theory *theory, ch_error *err)
{
    if (isnan(theory->gamma)) {
        return CH_OK;
    }
    const uint64_t train = first_step_train(group, theory);
    if (train > 0) {
        return ch_fit_note(group, err,
                           "batch = %llu is not small: up to P = %llu the first step alone makes over half of ||Dw||; "
                           "the theory shown is for small batches",
                           (unsigned long long)group->key.batch, (unsigned long long)train);
    }
    if (group->key.batch <= group->trains[0] / 10) {
        return CH_OK;
    }
    return ch_fit_note(group, err, "batch = %llu is no small part of P = %llu: the theory shown is for small batches",
                       (unsigned long long)group->key.batch, (unsigned long long)group->trains[0]);
}

/* Far above the onset kappa is nothing beside ||Dw||, and ||Dw|| and t* scale with T exactly; where also the rounding
 * does, as for T in powers of two, runs of the same seeds are copies of each other. */
static ch_code note_copies(ch_fit_group *group, const ch_bootstrap *bootstrap, ch_error *err)
{
    const double rounding = 1e-9;
    double deviation = NAN;
    if (!isfinite(group->weight_change.temp_exponent) || group->num_data_sets < 2 ||
        ch_range_is_fixed(bootstrap->options->constraints[CH_FIT_DELTA].range) ||
        ch_bootstrap_spread(bootstrap, CH_NUMBER_DELTA, &deviation) == 0 || !(deviation < rounding)) {
        return CH_OK;
    }
    return ch_fit_note(group, err,
                       "delta has no spread: in the window the runs of a data set are one run scaled by T, so that "
                       "more T there add nothing");
}

/* How a number came by its value that another one is tied to. */
static ch_held held_of(const ch_fit_group *group, ch_fit_parameter parameter)
{
    for (size_t i = 0; i < group->num_exponents; i++) {
        if (strcmp(group->exponents[i].name, ch_fit_parameter_name(parameter)) == 0) {
            return group->exponents[i].held;
        }
    }
    return CH_HELD_NOT;
}

static ch_code estimate_exponent(ch_fit_group *group, const ch_bootstrap *bootstrap, ch_fit_parameter parameter,
                                 size_t number, double value, double theory, ch_error *err)
{
    if (!isfinite(value)) {
        return CH_OK;
    }
    const char *name = ch_fit_parameter_name(parameter);
    const ch_fit_constraint *constraint = &bootstrap->options->constraints[parameter];
    ch_exponent *exponent = ch_fit_add_exponent(group, name, theory);
    ch_code code = ch_fit_estimate_number(group, bootstrap, number, value, name, &exponent->estimate, err);
    exponent->held = ch_fit_held(bootstrap->options, parameter, value);
    const bool is_tied = exponent->held == CH_HELD_TIED;
    ch_fit_hold_estimate(&exponent->estimate, constraint->range,
                         is_tied ? held_of(group, constraint->other) : exponent->held);
    if (code == CH_OK && exponent->held == CH_HELD_BOUND) {
        code = ch_fit_note(group, err, "%s lies at its bound %g: the data would have it beyond", name, value);
    }
    return code;
}

static ch_code estimate_exponents(ch_fit_group *group, const ch_bootstrap *bootstrap,
                                  const ch_perceptron_theory *theory, ch_error *err)
{
    const struct {
        ch_fit_parameter parameter;
        size_t number;
        double value, theory;
    } rows[] = {
        {CH_FIT_DELTA, CH_NUMBER_DELTA, group->weight_change.temp_exponent, theory->delta},
        {CH_FIT_GAMMA, CH_NUMBER_GAMMA, group->weight_change.train_exponent, theory->gamma},
        {CH_FIT_TIME_DELTA, CH_NUMBER_TIME_DELTA, group->time.temp_exponent, theory->time_delta},
        {CH_FIT_B, CH_NUMBER_B, group->time.train_exponent, theory->b},
    };
    ch_code code = CH_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && code == CH_OK; i++) {
        code =
            estimate_exponent(group, bootstrap, rows[i].parameter, rows[i].number, rows[i].value, rows[i].theory, err);
    }
    return code;
}

/* The T_c of a definition: their bounds of error in T, made on ln T_c; and which of them a is fitted to. */
static ch_code estimate_critical(ch_fit_group *group, const ch_bootstrap *bootstrap, bool *used, ch_error *err)
{
    for (size_t i = 0; i < group->num_tc; i++) {
        ch_tc *tc = &group->tc[i];
        used[i] = tc->place == CH_TC_INSIDE;
        if (!used[i] || group->num_data_sets < 2) {
            continue;
        }
        char what[96];
        const size_t number = CH_NUMBER_TC + i;
        double deviation = NAN;
        ch_estimate logs;
        snprintf(what, sizeof what, "T_c by %s at P = %llu", ch_tc_definition_name(tc->definition),
                 (unsigned long long)tc->train);
        const ch_code code =
            ch_fit_estimate_number(group, bootstrap, number, log(tc->estimate.value), what, &logs, err);
        if (code != CH_OK) {
            return code;
        }
        tc->estimate = (ch_estimate){tc->estimate.value, tc->estimate.value * logs.stderr_, exp(logs.lo), exp(logs.hi)};
        used[i] = (double)ch_bootstrap_spread(bootstrap, number, &deviation) >=
                  enough_inside * (double)bootstrap->options->replicas;
    }
    return CH_OK;
}

/* ---- T_c = c P^-a ---- */

/* Points of one definition. */
typedef struct {
    size_t *index; /* [count] entries of group->tc */
    double *log_train, *log_temp;
    size_t count;
} tc_line;

/* a = -slope of ln T_c on ln P; NaN when a T_c is missing. */
static double slope_of(const tc_line *line)
{
    double intercept = 0, slope = 0, ignored = 0;
    for (size_t i = 0; i < line->count; i++) {
        if (!isfinite(line->log_temp[i])) {
            return NAN;
        }
    }
    gsl_fit_linear(line->log_train, 1, line->log_temp, 1, line->count, &intercept, &slope, &ignored, &ignored, &ignored,
                   &ignored);
    return -slope;
}

/* Fits a to the table and to every replica: the T_c of one replica share their data sets, so that what they have in
 * common over P enters the error as it should. */
static ch_code estimate_line(ch_fit_group *group, ch_bootstrap *bootstrap, tc_line *line, ch_tc_definition definition,
                             double theory, ch_error *err)
{
    for (size_t i = 0; i < line->count; i++) {
        line->log_temp[i] = log(group->tc[line->index[i]].estimate.value);
    }
    const double value = slope_of(line);
    for (size_t r = 0; r < bootstrap->options->replicas && group->num_data_sets >= 2; r++) {
        double *numbers = bootstrap->replicas + r * bootstrap->num_numbers;
        for (size_t i = 0; i < line->count; i++) {
            line->log_temp[i] = numbers[CH_NUMBER_TC + line->index[i]];
        }
        numbers[CH_NUMBER_A] = slope_of(line);
    }
    if (!isfinite(value)) {
        return CH_OK;
    }
    char what[64];
    snprintf(what, sizeof what, "a by %s", ch_tc_definition_name(definition));
    ch_exponent *exponent = ch_fit_add_exponent(group, "a", theory);
    exponent->definition = ch_tc_definition_name(definition);
    exponent->method = "slope";
    return ch_fit_estimate_number(group, bootstrap, CH_NUMBER_A, value, what, &exponent->estimate, err);
}

static ch_code fit_line(ch_fit_group *group, ch_bootstrap *bootstrap, const bool *used, ch_tc_definition definition,
                        double theory, ch_error *err)
{
    ch_code code = CH_OK;
    tc_line line = {.index = ch_alloc(group->num_tc, sizeof *line.index),
                    .log_train = ch_alloc(group->num_tc, sizeof *line.log_train),
                    .log_temp = ch_alloc(group->num_tc, sizeof *line.log_temp)};
    if (line.index == NULL || line.log_train == NULL || line.log_temp == NULL) {
        code = ch_error_memory(err, "the fit of a");
        goto out;
    }
    for (size_t i = 0; i < group->num_tc; i++) {
        if (used[i] && group->tc[i].definition == definition) {
            line.log_train[line.count] = log((double)group->tc[i].train);
            line.index[line.count++] = i;
        }
    }
    if (line.count >= 2) {
        code = estimate_line(group, bootstrap, &line, definition, theory, err);
    } else if (group->num_trains > 1 && (definition != CH_TC_ERROR || ch_fit_has_critical(group, definition))) {
        code = ch_fit_note(group, err,
                           "no a by %s: it needs T_c inside the sampled T (in %g %% of the replicas) at two "
                           "P or more, it is at %zu",
                           ch_tc_definition_name(definition), 100 * enough_inside, line.count);
    }
out:
    free(line.index);
    free(line.log_train);
    free(line.log_temp);
    return code;
}

/* ---- all of a group ---- */

ch_code ch_fit_estimate(ch_fit_group *group, const ch_fit_options *options, ch_error *err)
{
    ch_perceptron_theory theory = {0};
    ch_bootstrap bootstrap = {0};
    bool *used = ch_alloc(group->num_tc, sizeof *used);
    ch_code code = used == NULL ? ch_error_memory(err, "the errors of a fit") : find_theory(&theory, group, err);
    if (code == CH_OK && group->num_data_sets < 2) {
        code = ch_fit_note(group, err, "one data set: no errors, as it is data sets that differ");
    }
    if (code == CH_OK) {
        code = note_batch(group, &theory, err);
    }
    if (code == CH_OK) {
        code = ch_bootstrap_init(&bootstrap, group, options, err);
    }
    if (code == CH_OK && group->num_data_sets >= 2) {
        code = ch_bootstrap_run(&bootstrap, err);
    }
    if (code == CH_OK) {
        code = estimate_exponents(group, &bootstrap, &theory, err);
    }
    if (code == CH_OK) {
        code = note_copies(group, &bootstrap, err);
    }
    if (code == CH_OK) {
        code = estimate_critical(group, &bootstrap, used, err);
    }
    /* the onset is where T reaches the margin kappa, whatever P: a = 0 where there is a theory */
    const double a[] = {[CH_TC_ESCAPE] = theory.a, [CH_TC_ONSET] = isnan(theory.a) ? NAN : 0, [CH_TC_ERROR] = NAN};
    const ch_tc_definition order[] = {CH_TC_ESCAPE, CH_TC_ONSET, CH_TC_ERROR};
    for (size_t i = 0; i < CH_NUM_TC && code == CH_OK; i++) {
        if (options->wanted[order[i]]) {
            code = fit_line(group, &bootstrap, used, order[i], a[order[i]], err);
        }
    }
    for (size_t i = 0; i < CH_NUM_TC && code == CH_OK; i++) {
        code = ch_fit_estimate_joint(group, &bootstrap, order[i], a[order[i]], err);
    }
    if (code == CH_OK) {
        ch_fit_correlate(group, &bootstrap);
    }
    ch_bootstrap_free(&bootstrap);
    free(used);
    return code;
}
