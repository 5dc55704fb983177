/* exponents.c — makes the numbers that a report shows: exponents and T_c with their errors, and what theory gives for
 * them. */
#include "fit/errors/exponents.h"
#include "core/memory.h"
#include "core/text.h"
#include "fit/errors/effective_chi.h"
#include "fit/errors/joint_errors.h"
#include "fit/errors/replica.h"
#include "fit/laws/bounded.h"
#include "fit/laws/constraints.h"
#include "fit/laws/critical.h"
#include "fit/laws/expected.h"
#include "fit/numbers.h"
#include "fit/table/cells.h"
#include "fit/table/data_sets.h"
#include "fit/table/notes.h"
#include "models/dynamics.h"
#include "perceptron/perceptron.h"

#include <gsl/gsl_fit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A P enters the fit of a when T_c lies inside the sampled temperatures in at least this share of the replicas. */
static const double enough_inside = 0.95;

/* ---- theory ---- */

/* Finds the exponents of theory. Theory holds for batches that are a vanishing part of the data; for other batches all
 * exponents are NaN. */
static ch_code find_theory(ch_perceptron_theory *theory, const ch_fit_group *group, ch_error *err)
{
    const ch_settings *key = &group->key;
    if (key->model == CH_ARCH_PERCEPTRON && ch_settings_has_theory(key) && key->dynamics == CH_DYNAMICS_SGD &&
        key->batch != 0) {
        return ch_perceptron_theory_init(theory, key->chi, err);
    }
    *theory = (ch_perceptron_theory){.delta = NAN, .gamma = NAN, .time_delta = NAN, .b = NAN, .a = NAN};
    return CH_OK;
}

/* Adds a note where a plane labels a perceptron's data and theory is not about them all the same. */
static ch_code note_no_theory(ch_fit_group *group, ch_error *err)
{
    const ch_settings *key = &group->key;
    const ch_law *law = ch_law_of(key->data);
    if (key->model != CH_ARCH_PERCEPTRON || !law->has_teacher || ch_settings_has_theory(key)) {
        return CH_OK;
    }
    if (law->has_density) {
        return ch_fit_note(group, err,
                           "no theory stands beside the exponents: it is in terms of chi, the exponent of the density "
                           "at the boundary, which a table of the density does not say");
    }
    if (key->spectrum > 0) {
        return ch_fit_note(group, err,
                           "no theory stands beside the exponents: it is about inputs of equal variance, and spectrum "
                           "is %g",
                           key->spectrum);
    }
    if (key->weight_decay > 0) {
        return ch_fit_note(group, err,
                           "no theory stands beside the exponents: it is about weights that nothing pulls back, and "
                           "weight_decay is %g",
                           key->weight_decay);
    }
    return ch_fit_note(group, err,
                       "no theory stands beside the exponents: it is about right labels, and label_noise is %g",
                       key->label_noise);
}

/* The largest P of the window at which the first step makes over half of ||Dw||; 0 for none. At w = 0 every sample is
 * unfitted, so that the first step moves the weights by s = eta E|x_par| / sqrt(d). Where that is most of ||Dw||, B is
 * not small beside B* ~ P^gamma, and ||Dw|| ~ eta depends little on P. */
static uint64_t first_step_train(const ch_fit_group *group, const ch_perceptron_theory *theory)
{
    uint64_t train = 0;
    for (size_t c = 0; c < group->num_cells; c++) {
        const ch_fit_cell *cell = &group->cells[c];
        const double temp = group->temps[cell->temp];
        const double rate = temp * (double)group->key.batch;
        const double step = rate * theory->mean_abs / sqrt((double)group->key.dim);
        if (cell->complete && ch_fit_is_in_window(group, cell) && step > 0.5 * exp(cell->log_weight_change)) {
            train = group->trains[cell->train]; /* cells are in ascending order of P */
        }
    }
    return train;
}

/* Adds a note where the batch is too large for the theory, because it is near P or near B* ~ P^gamma. */
static ch_code note_batch(ch_fit_group *group, const ch_perceptron_theory *theory, ch_error *err)
{
    if (isnan(theory->gamma)) {
        return CH_OK;
    }
    const uint64_t train = first_step_train(group, theory);
    if (train > 0) {
        return ch_fit_note(group, err,
                           "batch = %s is not small: up to P = %s the first step alone makes over half of ‖Δw‖; "
                           "the theory shown is for small batches",
                           ch_show_count(group->key.batch).text, ch_show_count(train).text);
    }
    if (group->key.batch <= group->trains[0] / 10) {
        return CH_OK;
    }
    return ch_fit_note(group, err, "batch = %s is no small part of P = %s: the theory shown is for small batches",
                       ch_show_count(group->key.batch).text, ch_show_count(group->trains[0]).text);
}

/* ---- exponents of ||Dw|| and t* ---- */

/* Adds a note where delta is the same in all replicas. Far above the onset the margin kappa is negligible against
 * ||Dw||, so that ||Dw|| and t* are proportional to T. For T in powers of two even the rounding errors are. Runs of
 * the same seeds at several such T are then copies of one run. */
static ch_code note_copies(ch_fit_group *group, const ch_fit_options *options, const ch_replicas *replicas,
                           ch_error *err)
{
    const double rounding = 1e-9;
    double deviation = NAN;
    if (!isfinite(group->weight_change.temp_exponent) || group->num_data_sets < 2 ||
        ch_range_is_fixed(options->constraints[CH_FIT_DELTA].range)) {
        return CH_OK;
    }
    const size_t count = ch_replicas_spread(replicas, ch_fit_number_slot(CH_FIT_DELTA, CH_NUM_TC), &deviation);
    if (count == 0 || !(deviation < rounding)) {
        return CH_OK;
    }
    return ch_fit_note(group, err,
                       "delta has no spread: it is the same in all replicas, because in the window the runs of a data "
                       "set are one run scaled by T; more T there would add nothing");
}

/* How the number that a tied number follows got its value. */
static ch_held held_of(const ch_fit_group *group, ch_fit_number number)
{
    const ch_exponent *exponent = ch_fit_find_exponent(group, number, CH_NUM_TC);
    return exponent != NULL ? exponent->held : CH_HELD_NOT;
}

static ch_code estimate_exponent(ch_fit_group *group, const ch_fit_options *options, const ch_replicas *replicas,
                                 ch_fit_number number, double value, double theory, double expected, ch_error *err)
{
    if (!isfinite(value)) {
        return CH_OK;
    }
    const char *name = ch_fit_numbers[number].name;
    const ch_fit_constraint *constraint = &options->constraints[number];
    ch_exponent exponent = {.number = number, .definition = CH_NUM_TC, .theory = theory, .expected = expected};
    ch_code code = ch_fit_estimate_number(group, replicas, ch_fit_number_slot(number, CH_NUM_TC), value, name,
                                          &exponent.estimate, err);
    if (code != CH_OK) {
        return code;
    }
    exponent.held = ch_fit_held(options, number, value);
    const ch_held held = exponent.held == CH_HELD_TIED ? held_of(group, constraint->other) : exponent.held;
    ch_fit_hold_estimate(&exponent.estimate, constraint->range, held);
    code = ch_fit_add_exponent(group, &exponent, err);
    if (code != CH_OK || exponent.held != CH_HELD_BOUND) {
        return code;
    }
    return ch_fit_note(group, err, "%s lies at its bound %g, beyond which a free fit would go: it has no error", name,
                       value);
}

static ch_code estimate_exponents(ch_fit_group *group, const ch_fit_options *options, const ch_replicas *replicas,
                                  const ch_perceptron_theory *theory, ch_error *err)
{
    const struct {
        ch_fit_number number;
        double value, theory, expected;
    } rows[] = {
        {CH_FIT_DELTA, group->weight_change.temp_exponent, theory->delta, group->expected_weight_change.temp_exponent},
        {CH_FIT_GAMMA, group->weight_change.train_exponent, theory->gamma,
         group->expected_weight_change.train_exponent},
        {CH_FIT_TIME_DELTA, group->time.temp_exponent, theory->time_delta, group->expected_time.temp_exponent},
        {CH_FIT_B, group->time.train_exponent, theory->b, group->expected_time.train_exponent},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const ch_code code = estimate_exponent(group, options, replicas, rows[i].number, rows[i].value, rows[i].theory,
                                               rows[i].expected, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return note_copies(group, options, replicas, err);
}

/* ---- T_c at each P ---- */

/* Gives the T_c their errors, which are made on ln T_c.
 * @param used  out: [num_tc] whether the T_c enters the fit of a */
static ch_code estimate_critical(ch_fit_group *group, const ch_replicas *replicas, bool *used, ch_error *err)
{
    for (size_t i = 0; i < group->num_tc; i++) {
        ch_tc *tc = &group->tc[i];
        used[i] = tc->place == CH_TC_INSIDE;
        if (!used[i] || group->num_data_sets < 2) {
            continue;
        }
        char what[96];
        double deviation = NAN;
        ch_estimate logs;
        snprintf(what, sizeof what, "T_c by %s at P = %s", ch_tc_definition_name(tc->definition),
                 ch_show_count(tc->train).text);
        const ch_code code =
            ch_fit_estimate_number(group, replicas, ch_fit_tc_slot(i), log(tc->estimate.value), what, &logs, err);
        if (code != CH_OK) {
            return code;
        }
        tc->estimate = ch_estimate_from_log(tc->estimate.value, &logs);
        const size_t count = ch_replicas_spread(replicas, ch_fit_tc_slot(i), &deviation);
        used[i] = (double)count >= enough_inside * (double)replicas->count;
    }
    return CH_OK;
}

/* ---- a by the slope through ln T_c ---- */

/* The points of one definition. */
typedef struct {
    size_t *index; /* [count] their entries of group->tc */
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

/* Fits a to the table and to every replica. The T_c of one replica are found from the same data sets. So the error of
 * a allows for the changes that a data set makes to the T_c of all P alike. */
static ch_code estimate_line(ch_fit_group *group, ch_replicas *replicas, tc_line *line, ch_tc_definition definition,
                             double theory, ch_error *err)
{
    const size_t slot = ch_fit_number_slot(CH_FIT_A_SLOPE, definition);
    ch_exponent exponent = {.number = CH_FIT_A_SLOPE, .definition = definition, .theory = theory};
    char what[64];
    for (size_t i = 0; i < line->count; i++) {
        line->log_temp[i] = log(group->tc[line->index[i]].estimate.value);
    }
    const double value = slope_of(line);
    for (size_t i = 0; i < line->count; i++) {
        line->log_temp[i] = log(group->tc[line->index[i]].expected);
    }
    exponent.expected = slope_of(line); /* over the same P */
    for (size_t r = 0; r < replicas->count; r++) {
        double *numbers = replicas->numbers + r * replicas->num_numbers;
        for (size_t i = 0; i < line->count; i++) {
            line->log_temp[i] = numbers[ch_fit_tc_slot(line->index[i])];
        }
        numbers[slot] = slope_of(line);
    }
    if (!isfinite(value)) {
        return CH_OK;
    }
    snprintf(what, sizeof what, "a by %s", ch_tc_definition_name(definition));
    const ch_code code = ch_fit_estimate_number(group, replicas, slot, value, what, &exponent.estimate, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_fit_add_exponent(group, &exponent, err);
}

static ch_code fit_line(ch_fit_group *group, ch_replicas *replicas, const bool *used, ch_tc_definition definition,
                        double theory, ch_error *err)
{
    const bool is_optional = ch_tc_rule_of(definition)->is_optional;
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
        code = estimate_line(group, replicas, &line, definition, theory, err);
    } else if (group->num_trains > 1 && (!is_optional || ch_fit_has_critical(group, definition))) {
        code = ch_fit_note_detail(
            group, err,
            "no a by %s: it needs a T_c inside the sampled T, also in %g %% of the replicas, at two P or "
            "more; %zu P have one",
            ch_tc_definition_name(definition), 100 * enough_inside, line.count);
    }
out:
    free(line.index);
    free(line.log_train);
    free(line.log_temp);
    return code;
}

/* The definition whose `a` has this place among the exponents. */
static ch_tc_definition by_rank(size_t rank)
{
    int definition = 0;
    while (ch_tc_rule_of((ch_tc_definition)definition)->rank != rank) {
        definition++;
    }
    return (ch_tc_definition)definition;
}

/* Estimates the a of T_c ~ P^-a: by the slope for each definition, and then by each joint law. */
static ch_code estimate_a(ch_fit_group *group, const ch_fit_options *options, ch_replicas *replicas, const bool *used,
                          const ch_perceptron_theory *theory, ch_error *err)
{
    for (size_t rank = 0; rank < CH_NUM_TC; rank++) {
        const ch_tc_definition definition = by_rank(rank);
        if (!options->wanted[definition]) {
            continue;
        }
        const double a = ch_tc_rule_of(definition)->theory(theory);
        const ch_code code = fit_line(group, replicas, used, definition, a, err);
        if (code != CH_OK) {
            return code;
        }
    }
    for (size_t rank = 0; rank < CH_NUM_TC; rank++) {
        const ch_tc_definition definition = by_rank(rank);
        const double a = ch_tc_rule_of(definition)->theory(theory);
        ch_code code = ch_fit_estimate_joint(group, options, replicas, definition, a, err);
        if (code != CH_OK) {
            return code;
        }
        code = ch_fit_note_disagreement(group, replicas, definition, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* ---- all of a group ---- */

ch_code ch_fit_estimate(ch_fit_group *group, const ch_fit_options *options, ch_bootstrap_progress *progress,
                        ch_error *err)
{
    ch_perceptron_theory theory = {0};
    ch_replicas replicas = {0};
    ch_code code = CH_OK;
    bool *used = ch_alloc(group->num_tc, sizeof *used);
    if (used == NULL) {
        code = ch_error_memory(err, "the errors of a fit");
        goto out;
    }
    code = find_theory(&theory, group, err);
    if (code != CH_OK) {
        goto out;
    }
    if (group->num_data_sets < 2 && !ch_data_sets_are_united(group->runs, group->num_runs)) {
        code = ch_fit_note(
            group, err,
            "there are no errors: they come from the differences between data sets, and there is only one data set");
        if (code != CH_OK) {
            goto out;
        }
    }
    code = note_no_theory(group, err);
    if (code != CH_OK) {
        goto out;
    }
    code = note_batch(group, &theory, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_fit_make_replicas(group, options, progress, &replicas, err);
    if (code != CH_OK) {
        goto out;
    }
    code = estimate_exponents(group, options, &replicas, &theory, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_fit_find_effective_chi(group, &replicas, err);
    if (code != CH_OK) {
        goto out;
    }
    code = estimate_critical(group, &replicas, used, err);
    if (code != CH_OK) {
        goto out;
    }
    code = estimate_a(group, options, &replicas, used, &theory, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_fit_correlate(group, &replicas, err);
out:
    ch_replicas_free(&replicas);
    free(used);
    return code;
}
