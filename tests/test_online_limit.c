/* test_online_limit.c — compares simulations of the online limit with its ODE: they differ by O(1/d) and sampling error
 * only.
 *
 * Three descriptions of one process are compared: the student in all d dimensions; a simulation of s and r alone, which
 * is exact in law and no part of the library; and the ODE. The two simulations are compared by Kolmogorov–Smirnov tests
 * with a false-alarm rate of 1e-5 each. Each simulation is compared with the ODE by the means of s and r^2 over runs.
 * These may differ from the ODE by 1.5 (1 + chi) / d and 4 (1 + chi) / d relative, and by five standard errors beyond
 * that, which gives a false-alarm rate under 1e-5 each at the numbers of runs taken. There are at most 12 + 6
 * comparisons for each of 48 (chi, d, T): together under 1 %. The seeds are fixed. */
#include "data/rows.h"
#include "perceptron/online.h"
#include "tests/support.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <stdbool.h>
#include <stdio.h>

enum { NUM_MARKS = 3, MOST_RUNS = 16384 };
static const double FALSE_ALARM = 1e-5;

/* The sizes of the test. `make check-long` takes more runs and temperatures, and continues for ten times as long. */
typedef struct {
    const char *name;
    double rate, kappa;
    size_t batch;
    double first; /* the first time of comparison, in units of d */
} regime;

static const regime regimes[] = {
    {"T >> kappa, B = 2", 2, 0x1p-15, 2, 1},
    {"T << kappa, B = 8", 0.01, 0.1, 8, 0.015},
    {"T >> kappa, B = 1", 1, 0x1p-15, 1, 1}, /* from here on only under `make check-long` */
    {"T = kappa, B = 1", 0.1, 0.1, 1, 0.1},
};

/* One point of the table. */
typedef struct {
    const regime *at;
    double chi;
    size_t dim;
    size_t num_marks;
    uint64_t marks[NUM_MARKS]; /* times of comparison, in steps */
} point;

typedef double sample[MOST_RUNS];
typedef struct {
    size_t num_runs, num_marks;
    sample signal[NUM_MARKS], noise2[NUM_MARKS];
} samples;

/* ---- the student in d dimensions ---- */

static void simulate_student(const point *self, size_t run, samples *into)
{
    const ch_online_student_setup setup = {.chi = self->chi,
                                           .dim = self->dim,
                                           .kappa = self->at->kappa,
                                           .rate = self->at->rate,
                                           .batch = self->at->batch,
                                           .seed_data = 1000 + run};
    ch_online_student model;
    assert_int_equal(ch_online_student_init(&model, &setup, NULL), CH_OK);
    for (size_t m = 0; m < into->num_marks; m++) {
        model.learner.advance(&model.learner, &(ch_limit){.steps = self->marks[m], .updates = UINT64_MAX});
        const double signal = model.weights[0];
        into->signal[m][run] = signal;
        into->noise2[m][run] = ch_norm2_across(model.weights, signal, model.batch.teacher, model.batch.stride);
    }
    ch_online_student_free(&model);
}

/* ---- the same process in s and r^2 alone ---- */

/* A sample is described by v, by its component g along w_perp, and by d - 2 normal numbers that do not decide whether
 * it is unfitted. With k unfitted samples in the batch, s <- s + T sum v / sqrt(d) and r^2 <- (r + T sum g / sqrt(d))^2
 * + T^2 k chi^2_{d-2} / d. */
static void reduced_step(const point *self, gsl_rng *random, double *signal, double *noise2)
{
    const double noise = sqrt(*noise2), root = sqrt((double)self->dim);
    const double temp = self->at->rate / (double)self->at->batch;
    double sum_v = 0, sum_g = 0, count = 0;
    for (size_t i = 0; i < self->at->batch; i++) {
        const double v = sqrt(2 * gsl_ran_gamma(random, (self->chi + 1) / 2, 1));
        const double g = gsl_ran_gaussian_ziggurat(random, 1);
        if (*signal * v + noise * g < self->at->kappa * root) {
            sum_v += v;
            sum_g += g;
            count++;
        }
    }
    if (count > 0) {
        const double across = count * gsl_ran_chisq(random, (double)self->dim - 2);
        *signal += temp * sum_v / root;
        *noise2 = pow(noise + temp * sum_g / root, 2) + temp * temp * across / (double)self->dim;
    }
}

static void simulate_reduced(const point *self, size_t run, samples *into)
{
    ch_random random;
    ch_random_init(&random, 9000000 + run, CH_STREAM_ONLINE_SAMPLES, 0);
    gsl_rng gsl = ch_random_gsl(&random);
    double signal = 0, noise2 = 0;
    uint64_t step = 0;
    for (size_t m = 0; m < into->num_marks; m++) {
        for (; step < self->marks[m]; step++) {
            reduced_step(self, &gsl, &signal, &noise2);
        }
        into->signal[m][run] = signal;
        into->noise2[m][run] = noise2;
    }
}

/* ---- comparing ---- */

static size_t failures;

/* The relative difference of the mean over runs from the ODE, and its standard error. */
typedef struct {
    double value, error;
} deviation;

static deviation deviation_of(const double *values, size_t count, double expected)
{
    double sum = 0, square = 0;
    for (size_t i = 0; i < count; i++) {
        const double x = values[i] / expected - 1;
        sum += x;
        square += x * x;
    }
    const double mean = sum / (double)count;
    return (deviation){mean, sqrt((square / (double)count - mean * mean) / (double)(count - 1))};
}

static void compare_with_ode(const point *self, const char *who, const samples *runs)
{
    static const double ERRORS = 5;
    const double chi1 = 1 + self->chi, d = (double)self->dim;
    const ch_online_setup setup = {.chi = self->chi,
                                   .dim = self->dim,
                                   .kappa = self->at->kappa,
                                   .temp = self->at->rate / (double)self->at->batch,
                                   .rate = self->at->rate};
    ch_online_ode ode;
    assert_int_equal(ch_online_ode_init(&ode, &setup, NULL), CH_OK);
    for (size_t m = 0; m < runs->num_marks; m++) {
        ch_online_point expected;
        assert_int_equal(ch_online_ode_advance(&ode, self->at->rate * (double)self->marks[m], NULL), CH_OK);
        assert_int_equal(ch_online_ode_observe(&ode, &expected, NULL), CH_OK);
        const deviation s = deviation_of(runs->signal[m], runs->num_runs, expected.signal);
        const deviation r2 = deviation_of(runs->noise2[m], runs->num_runs, pow(expected.noise, 2));
        const bool good =
            fabs(s.value) <= 1.5 * chi1 / d + ERRORS * s.error && fabs(r2.value) <= 4 * chi1 / d + ERRORS * r2.error;
        printf("  %-18s chi %4g d %4zu %-8s %5zu runs, t = %8g, lambda = %5.2f: s %+7.3f ± %.3f %%, r^2 %+7.3f ± %.3f "
               "%%%s\n",
               self->at->name, self->chi, self->dim, who, runs->num_runs, expected.time, expected.lambda, 100 * s.value,
               100 * s.error, 100 * r2.value, 100 * r2.error, good ? "" : "  FAILED");
        failures += !good;
    }
    ch_online_ode_free(&ode);
}

static void compare_simulations(samples *one, samples *other)
{
    for (size_t m = 0; m < one->num_marks && m < other->num_marks; m++) {
        const double s = ks_statistic(one->signal[m], one->num_runs, other->signal[m], other->num_runs);
        const double r2 = ks_statistic(one->noise2[m], one->num_runs, other->noise2[m], other->num_runs);
        const bool good = s <= ks_critical(FALSE_ALARM) && r2 <= ks_critical(FALSE_ALARM);
        if (!good) {
            printf("  two simulations differ at mark %zu: KS %.3f and %.3f  FAILED\n", m, s, r2);
        }
        failures += !good;
    }
}

/* Plans how many runs are made, and up to which time of comparison. The work allowed is `entries` normal numbers. There
 * are at least LEAST_RUNS runs; they go on to the latest time that the work allows.
 * @param entries_a_sample  normal numbers that one sample takes */
static void plan_runs(const point *self, double entries, double entries_a_sample, samples *runs)
{
    enum { LEAST_RUNS = 32 };
    runs->num_runs = 0;
    for (runs->num_marks = self->num_marks; runs->num_marks > 0; runs->num_marks--) {
        const double samples_a_run = (double)self->marks[runs->num_marks - 1] * (double)self->at->batch;
        const double count = entries / (samples_a_run * entries_a_sample);
        if (count >= LEAST_RUNS) {
            runs->num_runs = count < MOST_RUNS ? (size_t)count : MOST_RUNS;
            return;
        }
    }
}

static void compare_at(const point *self, samples *student, samples *reduced)
{
    enum { REDUCED_COST = 8 }; /* the cost of a sample, in entries */
    plan_runs(self, is_long() ? 4.2e8 : 1e7, (double)self->dim, student);
    plan_runs(self, is_long() ? 1e8 : 5e6, REDUCED_COST, reduced);
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t run = 0; run < student->num_runs; run++) {
        simulate_student(self, run, student);
    }
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t run = 0; run < reduced->num_runs; run++) {
        simulate_reduced(self, run, reduced);
    }
    compare_with_ode(self, "student", student);
    compare_with_ode(self, "reduced", reduced);
    compare_simulations(student, reduced); /* sorts the samples as well */
}

static void simulation_follows_the_ode(void **state)
{
    (void)state;
    static const double chis[] = {-0.5, 0, 1, 3};
    static const size_t dims[] = {64, 256, 1024};
    static samples student, reduced;
    const size_t num_regimes = is_long() ? sizeof regimes / sizeof *regimes : 2;
    for (size_t k = 0; k < num_regimes; k++) {
        for (size_t c = 0; c < sizeof chis / sizeof *chis; c++) {
            for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
                point self = {
                    .at = &regimes[k], .chi = chis[c], .dim = dims[i], .num_marks = is_long() ? NUM_MARKS : 2};
                for (size_t m = 0; m < self.num_marks; m++) {
                    const double time = regimes[k].first * pow(10, (double)m) * (double)dims[i];
                    self.marks[m] = (uint64_t)round(time / regimes[k].rate);
                }
                compare_at(&self, &student, &reduced);
            }
        }
    }
    assert_int_equal(failures, 0);
}

int main(void)
{
    /* suites: statistical */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {cmocka_unit_test(simulation_follows_the_ode)};
    return cmocka_run_group_tests_name("online limit", tests, NULL, NULL);
}
