/* fit.c — a table of runs in, exponents with errors out. */
#include "fit/internal.h"

#include "perceptron/perceptron.h"

#include <gsl/gsl_fit.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>

/* A number is reported with an error when at least this part of the replicas could have it. */
static const double enough_replicas = 0.9;
/* A P enters the fit of a when T_c lies inside the sampled temperatures in at least this part of the replicas. */
static const double enough_inside = 0.95;

void ch_fit_options_default(ch_fit_options *self)
{
    *self = (ch_fit_options){
        .onset = true, .escape = true, .threshold = 1, .replicas = 1000, .threads = omp_get_max_threads()};
}

ch_code ch_fit_options_check(const ch_fit_options *options, ch_error *err)
{
    if (!(options->threshold > 0 && isfinite(options->threshold))) {
        return ch_error_set(err, CH_ERROR_INPUT, "threshold = %g is not accepted: a positive number is",
                            options->threshold);
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
    for (size_t i = 0; i < table->count; i++) {
        const ch_settings *settings = &table->runs[i].settings;
        if (settings->train == 0 || !(settings->temp > 0 && isfinite(settings->temp))) {
            return ch_error_set(err, CH_ERROR_INPUT,
                                "run %zu has train = %llu, temp = %g: a fit needs both positive (settings resolved)",
                                i + 1, (unsigned long long)settings->train, settings->temp);
        }
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

static ch_code fit_power_laws(ch_fit_group *group, const ch_cell_mean *means, ch_error *err)
{
    ch_regression regression = {0};
    ch_regression_space space = {0};
    ch_code code = ch_regression_init(&regression, group, err);
    if (code == CH_OK) {
        code = ch_regression_space_init(&space, &regression, err);
    }
    if (code == CH_OK) {
        bool fitted = ch_regression_fit(&regression, &space, means, CH_LOG_WEIGHT_CHANGE, &group->weight_change);
        fitted = ch_regression_fit(&regression, &space, means, CH_LOG_TIME, &group->time) && fitted;
        code = note_missing(group, &regression, fitted, err);
    }
    ch_regression_space_free(&space);
    ch_regression_free(&regression);
    return code;
}

/* ---- critical temperatures of the table ---- */

static ch_code find_onset(ch_fit_group *group, size_t train, const ch_cell_mean *means, ch_tc *tc, double *log_temp,
                          ch_error *err)
{
    const bool tied = ch_onset_is_tied(group);
    size_t count = 0;
    for (size_t c = ch_fit_first_cell(group, train); c < ch_fit_first_cell(group, train + 1); c++) {
        count += group->cells[c].complete;
    }
    if (count < ch_onset_least(tied)) {
        return CH_OK;
    }
    ch_onset_space space;
    ch_crossover crossover = {0};
    const ch_code code = ch_onset_space_init(&space, count, tied, err);
    if (code == CH_OK) {
        space.delta = group->weight_change.temp_exponent;
        ch_onset_load(&space, group, train, means);
        tc->place = ch_tc_onset(&space, &crossover, log_temp);
        if (tc->place == CH_TC_INSIDE) {
            tc->crossover = crossover;
        }
    }
    ch_onset_space_free(&space);
    return code;
}

static ch_code note_undecided(ch_fit_group *group, ch_tc_definition definition, size_t count, ch_error *err)
{
    if (count == 0) {
        return CH_OK;
    }
    return ch_fit_note(group, err, "T_c by %s cannot be told at %zu of %zu P: too few T at which every run fitted",
                       ch_tc_definition_name(definition), count, group->num_trains);
}

static ch_code find_critical(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means,
                             ch_error *err)
{
    const bool wanted[] = {[CH_TC_ONSET] = options->onset, [CH_TC_ESCAPE] = options->escape};
    ch_code code = CH_OK;
    group->tc = ch_alloc(2 * group->num_trains, sizeof *group->tc);
    if (group->tc == NULL) {
        return ch_error_memory(err, "the critical temperatures");
    }
    for (int d = CH_TC_ONSET; d <= CH_TC_ESCAPE; d++) {
        size_t undecided = 0;
        for (size_t p = 0; wanted[d] && p < group->num_trains && code == CH_OK; p++) {
            double log_temp = NAN;
            ch_tc *tc = &group->tc[group->num_tc++];
            *tc = (ch_tc){.train = group->trains[p],
                          .definition = (ch_tc_definition)d,
                          .place = CH_TC_NONE,
                          .crossover = {NAN, NAN, NAN, NAN}};
            if (d == CH_TC_ONSET) {
                code = find_onset(group, p, means, tc, &log_temp, err);
            } else {
                tc->place = ch_tc_escape(group, p, means, log(options->threshold), &log_temp);
            }
            tc->estimate = (ch_estimate){exp(log_temp), NAN, NAN, NAN};
            undecided += tc->place == CH_TC_NONE;
        }
        if (code == CH_OK) {
            code = note_undecided(group, (ch_tc_definition)d, undecided, err);
        }
    }
    return code;
}

/* ---- errors ---- */

/* Error of a number of the bootstrap, or none with a note when too many replicas could not have it. */
static ch_code estimate_number(ch_fit_group *group, const ch_bootstrap *bootstrap, size_t number, double value,
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

static ch_code add_exponent(ch_fit_group *group, const ch_bootstrap *bootstrap, const char *name, size_t number,
                            double value, double theory, ch_error *err)
{
    if (!isfinite(value)) {
        return CH_OK;
    }
    ch_exponent *exponent = &group->exponents[group->num_exponents++];
    *exponent = (ch_exponent){.name = name, .theory = theory};
    return estimate_number(group, bootstrap, number, value, name, &exponent->estimate, err);
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

/* Batches near P, or near B* ~ P^gamma, leave the regime that the theory is for; the first is plain to see. */
static ch_code note_batch(ch_fit_group *group, const ch_perceptron_theory *theory, ch_error *err)
{
    if (isnan(theory->gamma) || group->key.batch <= group->trains[0] / 10) {
        return CH_OK;
    }
    return ch_fit_note(group, err, "batch = %llu is no small part of P = %llu: the theory shown is for small batches",
                       (unsigned long long)group->key.batch, (unsigned long long)group->trains[0]);
}

static ch_code estimate_exponents(ch_fit_group *group, const ch_bootstrap *bootstrap,
                                  const ch_perceptron_theory *theory, ch_error *err)
{
    const struct {
        const char *name;
        size_t number;
        double value, theory;
    } rows[] = {
        {"delta", CH_NUMBER_DELTA, group->weight_change.temp_exponent, theory->delta},
        {"gamma", CH_NUMBER_GAMMA, group->weight_change.train_exponent, theory->gamma},
        {"time_delta", CH_NUMBER_TIME_DELTA, group->time.temp_exponent, theory->time_delta},
        {"b", CH_NUMBER_B, group->time.train_exponent, theory->b},
    };
    ch_code code = CH_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && code == CH_OK; i++) {
        code = add_exponent(group, bootstrap, rows[i].name, rows[i].number, rows[i].value, rows[i].theory, err);
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
        const ch_code code = estimate_number(group, bootstrap, number, log(tc->estimate.value), what, &logs, err);
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
    const size_t place = group->num_exponents;
    const ch_code code = add_exponent(group, bootstrap, "a", CH_NUMBER_A, value, theory, err);
    group->exponents[place].definition = ch_tc_definition_name(definition);
    return code;
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
    } else {
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

static ch_code estimate_all(ch_fit_group *group, const ch_fit_options *options, ch_error *err)
{
    ch_perceptron_theory theory;
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
        code = estimate_critical(group, &bootstrap, used, err);
    }
    if (code == CH_OK && options->escape) {
        code = fit_line(group, &bootstrap, used, CH_TC_ESCAPE, theory.a, err);
    }
    if (code == CH_OK && options->onset) {
        /* the onset is where T reaches the margin kappa, whatever P: a = 0 where there is a theory */
        code = fit_line(group, &bootstrap, used, CH_TC_ONSET, isnan(theory.a) ? NAN : 0, err);
    }
    ch_bootstrap_free(&bootstrap);
    free(used);
    return code;
}

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
        code = find_critical(group, options, means, err);
    }
    if (code == CH_OK) {
        code = estimate_all(group, options, err);
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
