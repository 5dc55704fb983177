/* selftest.c — plants tables with known exponents and fits them. */
#include "fit/selftest.h"
#include "core/memory.h"
#include "core/statistics.h"
#include "fit/numbers.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NUM_SETS = 10, NUM_TRAINS = 6, FIRST_TRAIN = 9, NUM_TEMPS = 13, FIRST_TEMP = -20, TEMP_STEP = 2, DIM = 64 };
enum { RUNS_PER_SET = NUM_TRAINS * NUM_TEMPS, REPLICAS = 200 };
enum { MOST_SETS = 16 * NUM_SETS }; /* of a table to which data sets are added */
static const double GAMMA = 0.5, B = 2, SHARPNESS = 1.2, ONSET = 0x1p-14, NU = 1;
static const double SET_NOISE = 0.15, RUN_NOISE = 0.05, TIME_FACTOR = 2, END = 0.7;
/* A run that a budget ends at t has reached (t / t*)^(1/(chi+3)) of its ||Dw|| at t*. */
static const double GROWTH = 0.25;

/* ln of the test error rises with ln T from its plateau at low T to that at high T, by ERROR_SLOPE a step of T on the
 * mean, from T = ERROR_START (P / 2^FIRST_TRAIN)^-ERROR_A on, until it is ERROR_HEIGHT higher. */
static const double ERROR_A = 0.1, ERROR_START = 0x1p-14, ERROR_SLOPE = 0.07, ERROR_HEIGHT = 0.4;
static const double ERROR_PLATEAU = 0.01, RESPONSE_NOISE = 0.4;

/* ---- one table ---- */

static double log_weight_change(double log_train, double log_temp)
{
    const double below = SHARPNESS * (log(ONSET) - log_temp);
    return GAMMA * log_train + log_temp + log1p(exp(below)) / SHARPNESS; /* y^m = T^m + T_c^m */
}

/* How far ln of the test error has risen on the mean over data sets. */
static double error_rise(double log_train, double log_temp)
{
    const double start = log(ERROR_START) - ERROR_A * (log_train - FIRST_TRAIN * M_LN2);
    return fmin(fmax(0, ERROR_SLOPE * (log_temp - start) / (TEMP_STEP * M_LN2)), ERROR_HEIGHT);
}

/* ln T at which it has risen by `rise` at P. */
static double error_critical(double log_train, double rise)
{
    return log(ERROR_START) - ERROR_A * (log_train - FIRST_TRAIN * M_LN2) + rise / ERROR_SLOPE * TEMP_STEP * M_LN2;
}

static ch_run make_run(size_t set, size_t train, size_t temp, double weight_error, double time_error, double test_error)
{
    const double p = ldexp(1, FIRST_TRAIN + (int)train), t = ldexp(1, FIRST_TEMP + TEMP_STEP * (int)temp);
    const double longest = log(ldexp(1, FIRST_TEMP + TEMP_STEP * (NUM_TEMPS - 1))) +
                           B * log(ldexp(1, FIRST_TRAIN + NUM_TRAINS - 1)) + log(END);
    double log_weight = log_weight_change(log(p), log(t)) + weight_error;
    double log_time = log(t) + B * log(p) + time_error;
    ch_run run = {.status = CH_FITTED};
    if (log_time > longest) {
        run.status = CH_BUDGET;
        log_weight += GROWTH * (longest - log_time);
        log_time = longest;
    }
    ch_settings_default(&run.settings);
    run.settings.model = CH_ARCH_PERCEPTRON;
    run.settings.chi = 1;
    run.settings.dim = DIM;
    run.settings.train = (uint64_t)p;
    run.settings.temp = t;
    run.settings.rate = t * (double)run.settings.batch;
    run.settings.seed = run.settings.seed_data = run.settings.seed_init = run.settings.seed_batch = set;
    run.time = exp(log_time);
    run.final.weight_change = exp(log_weight);
    run.final.weight_change_rel = exp(log_weight) / sqrt(DIM);
    run.final.test_error = exp(test_error);
    return run;
}

/* Plants the first data sets of a table: those of a smaller number are the same.
 * @param runs  out: [num_sets * RUNS_PER_SET] */
static void plant(ch_run *runs, size_t num_sets, uint64_t seed, uint64_t table)
{
    ch_random stream;
    ch_random_init(&stream, seed, CH_STREAM_BOOTSTRAP, table);
    gsl_rng random = ch_random_gsl(&stream);
    const double rho = exp(-NU * M_LN2);
    for (size_t s = 0; s < num_sets; s++) {
        const double response = 1 + gsl_ran_gaussian(&random, RESPONSE_NOISE);
        double of_set = gsl_ran_gaussian(&random, SET_NOISE);
        for (size_t p = 0; p < NUM_TRAINS; p++) {
            for (size_t t = 0; t < NUM_TEMPS; t++) {
                const double weight_error = of_set + gsl_ran_gaussian(&random, RUN_NOISE);
                const double time_error = TIME_FACTOR * (of_set + gsl_ran_gaussian(&random, RUN_NOISE));
                const double rise = response * error_rise((FIRST_TRAIN + (double)p) * M_LN2,
                                                          (FIRST_TEMP + TEMP_STEP * (double)t) * M_LN2);
                const double test_error = log(ERROR_PLATEAU) + of_set + rise + gsl_ran_gaussian(&random, RUN_NOISE);
                *runs++ = make_run(s, p, t, weight_error, time_error, test_error);
            }
            of_set = rho * of_set + gsl_ran_gaussian(&random, sqrt(1 - rho * rho) * SET_NOISE);
        }
    }
}

/* ---- what is found in it ---- */

typedef struct {
    double value, lo, hi;
} finding;

static finding of_estimate(const ch_estimate *estimate, bool as_log)
{
    const finding plain = {estimate->value, estimate->lo, estimate->hi};
    return as_log ? (finding){log(plain.value), log(plain.lo), log(plain.hi)} : plain;
}

/* Takes an exponent from a fit. Where there is no `a` by the slope, the one of the joint law is taken.
 * @param definition  for an `a`: the definition of its T_c; CH_NUM_TC for other exponents */
static finding of_exponent(const ch_fit_group *group, ch_fit_number number, ch_tc_definition definition)
{
    const ch_exponent *exponent = ch_fit_find_exponent(group, number, definition);
    if (exponent == NULL && number == CH_FIT_A_SLOPE) {
        exponent = ch_fit_find_exponent(group, CH_FIT_A, definition);
    }
    return exponent != NULL ? of_estimate(&exponent->estimate, false) : (finding){NAN, NAN, NAN};
}

static finding of_joint(const ch_fit_group *group, ch_tc_definition definition)
{
    return of_estimate(&group->joint[definition].exponent, false);
}

/* ln T_c at one P. */
static finding of_critical(const ch_fit_group *group, ch_tc_definition definition, size_t train)
{
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        if (tc->definition == definition && tc->train == group->trains[train] && tc->place == CH_TC_INSIDE) {
            return of_estimate(&tc->estimate, true);
        }
    }
    return (finding){NAN, NAN, NAN};
}

static finding of_shape(const ch_shapes *shapes, ch_trend_shape shape)
{
    const ch_shape_fit *fit = &shapes->fits[shape];
    return fit->found ? (finding){fit->exponent, fit->lo, fit->hi} : (finding){NAN, NAN, NAN};
}

/* Index of the P at which T_c is compared: one in the middle. */
enum { MIDDLE = 3 };

/* The size of error_shift. */
static const double SHIFT = 0.1;

static void collect(const ch_fit_group *group, finding *findings)
{
    const finding all[CH_SELFTEST_NUMBERS] = {
        of_exponent(group, CH_FIT_DELTA, CH_NUM_TC),
        of_exponent(group, CH_FIT_GAMMA, CH_NUM_TC),
        of_exponent(group, CH_FIT_TIME_DELTA, CH_NUM_TC),
        of_exponent(group, CH_FIT_B, CH_NUM_TC),
        of_exponent(group, CH_FIT_A_SLOPE, CH_TC_ESCAPE),
        of_exponent(group, CH_FIT_A_SLOPE, CH_TC_ONSET),
        of_joint(group, CH_TC_ESCAPE),
        of_joint(group, CH_TC_ONSET),
        of_critical(group, CH_TC_ESCAPE, MIDDLE),
        of_critical(group, CH_TC_ONSET, MIDDLE),
        of_exponent(group, CH_FIT_A_SLOPE, CH_TC_ERROR_SHIFT),
        of_exponent(group, CH_FIT_A_SLOPE, CH_TC_ERROR_HALF),
        of_joint(group, CH_TC_ERROR_SHIFT),
        of_joint(group, CH_TC_ERROR_HALF),
        of_critical(group, CH_TC_ERROR_SHIFT, MIDDLE),
        of_critical(group, CH_TC_ERROR_HALF, MIDDLE),
        of_shape(&group->weight_shapes, CH_SHAPE_POWER),
        of_shape(&group->weight_shapes, CH_SHAPE_CORRECTED),
        of_shape(&group->time_shapes, CH_SHAPE_POWER),
    };
    memcpy(findings, all, sizeof all);
}

static void name_numbers(ch_selftest *self)
{
    const double middle = log(ldexp(1, FIRST_TRAIN + MIDDLE));
    const ch_selftest_number all[CH_SELFTEST_NUMBERS] = {
        {.name = "delta", .planted = 1},
        {.name = "gamma", .planted = GAMMA},
        {.name = "time_delta", .planted = 1},
        {.name = "b", .planted = B},
        {.name = "a by escape", .planted = GAMMA},
        {.name = "a by onset", .planted = 0},
        {.name = "a by escape, joint", .planted = GAMMA},
        {.name = "a by onset, joint", .planted = 0},
        {.name = "ln T_c by escape", .planted = log(sqrt(DIM)) - GAMMA * middle},
        {.name = "ln T_c by onset", .planted = log(ONSET)},
        {.name = "a by error_shift", .planted = ERROR_A},
        {.name = "a by error_half", .planted = ERROR_A},
        {.name = "a by error_shift, joint", .planted = ERROR_A},
        {.name = "a by error_half, joint", .planted = ERROR_A},
        {.name = "ln T_c by error_shift", .planted = error_critical(middle, SHIFT)},
        {.name = "ln T_c by error_half", .planted = error_critical(middle, ERROR_HEIGHT / 2)},
        {.name = "gamma, power over P", .planted = GAMMA},
        {.name = "gamma, corrected", .planted = GAMMA},
        {.name = "b, power over P", .planted = B},
    };
    memcpy(self->numbers, all, sizeof all);
}

/* The number of runs that a budget ended. */
static size_t count_ended(const ch_run *runs, size_t num_runs)
{
    size_t count = 0;
    for (size_t i = 0; i < num_runs; i++) {
        count += runs[i].status == CH_BUDGET;
    }
    return count;
}

/* What is done with every table. */
typedef struct {
    const ch_target_list *targets; /* NULL: ten data sets are fitted */
    uint64_t seed;
} method;

/* What was found in one table. */
typedef struct {
    finding findings[CH_SELFTEST_NUMBERS];
    size_t num_sets, num_ended;
    bool is_reached;
} outcome;

/* Fits so many data sets of a table, and decides on the next ones.
 * @param verdict  out: CH_TARGET_REACHED also where there are no targets */
static ch_code fit_sets(const method *how, uint64_t table, ch_run *runs, ch_target_course *course,
                        ch_target_verdict *verdict, outcome *found, ch_error *err)
{
    ch_fit fit = {0};
    ch_target_states states = {0};
    ch_fit_options options;
    const size_t num_runs = course->num_sets * RUNS_PER_SET;
    const ch_run_table planted = {.runs = runs, .count = num_runs};
    ch_fit_options_default(&options);
    options.replicas = REPLICAS;
    options.threads = 1;
    options.shift = SHIFT;
    plant(runs, course->num_sets, how->seed, table);
    ch_code code = ch_fit_init(&fit, &planted, &options, err);
    if (code != CH_OK) {
        goto out;
    }
    collect(&fit.groups[0], found->findings);
    found->num_sets = course->num_sets;
    found->num_ended = count_ended(runs, num_runs);
    *verdict = CH_TARGET_REACHED;
    if (how->targets == NULL) {
        goto out;
    }
    code = ch_target_look(&states, how->targets, &fit, err);
    if (code != CH_OK) {
        goto out;
    }
    *verdict = ch_target_decide(course, &states);
out:
    ch_target_states_free(&states);
    ch_fit_free(&fit);
    return code;
}

/* Fits a table, with more and more data sets where there are targets.
 * @param runs  room for as many runs as a table may have */
static ch_code fit_table(const method *how, uint64_t table, ch_run *runs, outcome *found, ch_error *err)
{
    ch_target_course course = {.first = NUM_SETS, .limit = MOST_SETS, .num_sets = NUM_SETS};
    ch_target_verdict verdict = CH_TARGET_GOES_ON;
    while (verdict == CH_TARGET_GOES_ON) {
        const ch_code code = fit_sets(how, table, runs, &course, &verdict, found, err);
        if (code != CH_OK) {
            return code;
        }
    }
    found->is_reached = verdict == CH_TARGET_REACHED;
    return CH_OK;
}

/* ---- over all tables ---- */

static void sum_up(ch_selftest *self, const outcome *outcomes)
{
    for (size_t k = 0; k < CH_SELFTEST_NUMBERS; k++) {
        ch_selftest_number *number = &self->numbers[k];
        ch_moments moments = {0};
        for (size_t t = 0; t < self->num_tables; t++) {
            const finding *one = &outcomes[t].findings[k];
            if (isfinite(one->value) && !isnan(one->lo) && !isnan(one->hi)) {
                ch_moments_add(&moments, one->value);
                number->found++;
                number->covered += one->lo <= number->planted && number->planted <= one->hi;
            }
        }
        const double found = moments.count;
        number->mean = moments.mean;
        number->error = found > 1 ? sqrt(moments.squares / (found - 1) / found) : NAN;
    }
    for (size_t t = 0; t < self->num_tables; t++) {
        self->num_sets += outcomes[t].num_sets;
        self->ended += outcomes[t].num_ended;
        self->num_reached += outcomes[t].is_reached;
    }
    self->num_runs = self->num_sets * RUNS_PER_SET;
}

static ch_code fit_tables(ch_selftest *self, const method *how, int threads, const ch_watch *watch, outcome *outcomes,
                          ch_error *err)
{
    ch_code all = CH_OK;
    size_t done = 0;
    const size_t num_tables = self->num_tables, most_sets = how->targets != NULL ? MOST_SETS : NUM_SETS;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (size_t t = 0; t < num_tables; t++) {
        if (ch_watch_is_stopped(watch)) {
            continue;
        }
        ch_error mine = {0};
        ch_run *runs = ch_alloc_unset(most_sets * RUNS_PER_SET, sizeof *runs);
        const ch_code code =
            runs == NULL ? ch_error_memory(&mine, "a table of runs") : fit_table(how, t, runs, &outcomes[t], &mine);
        free(runs);
#pragma omp critical
        {
            if (code != CH_OK && all == CH_OK) {
                all = ch_error_set(err, code, "%s", mine.message);
            }
            done++;
            const ch_watch_report report = {
                .unit = "tables", .done = done, .total = num_tables, .share = (double)done / (double)num_tables};
            ch_watch_progress(watch, &report);
        }
    }
    if (all == CH_OK && done < num_tables) {
        all = ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped with %zu of %zu tables to do", num_tables - done,
                           num_tables);
    }
    return all;
}

ch_code ch_selftest_run(ch_selftest *self, size_t num_tables, uint64_t seed, const ch_target_list *targets, int threads,
                        const ch_watch *watch, ch_error *err)
{
    *self = (ch_selftest){.num_tables = num_tables};
    if (num_tables < 1 || num_tables > 100000) {
        return ch_error_set(err, CH_ERROR_INPUT, "tables = %zu is not accepted: an integer from 1 to 100000 is",
                            num_tables);
    }
    const method how = {.targets = targets, .seed = seed};
    outcome *outcomes = ch_alloc(num_tables, sizeof *outcomes);
    if (outcomes == NULL) {
        return ch_error_memory(err, "the tables' numbers");
    }
    name_numbers(self);
    const ch_code code = fit_tables(self, &how, threads, watch, outcomes, err);
    if (code == CH_OK) {
        sum_up(self, outcomes);
    }
    free(outcomes);
    return code;
}

double ch_selftest_coverage(const ch_selftest_number *number)
{
    return number->found > 0 ? (double)number->covered / (double)number->found : NAN;
}

bool ch_selftest_holds(const ch_selftest_number *number)
{
    const double least = 0.93, most = 0.97;
    const double sampling = 2 * sqrt(0.95 * 0.05 / (double)number->found);
    const double coverage = ch_selftest_coverage(number);
    return coverage >= least - sampling && coverage <= most + sampling;
}
