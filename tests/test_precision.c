/* test_precision.c — late updates of a large training set: compares the fast engine with the plain one, both in double.
 *
 * At chi = 0, d = 16, P = 2^17 the last updates move the signal by less than half of its last digit in single
 * precision. A signal that is stored in single precision would stop, and training would take several times too long. A
 * whole run of the plain engine takes 5 10^10 steps. So both engines start from the same late student, and what they do
 * in a number of steps is compared by two-sample Kolmogorov–Smirnov tests. False alarm: 1e-4 for each of four tests;
 * the seeds are fixed. */
#include "perceptron/student.h"
#include "tests/fast_support.h"

#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <string.h>

enum { DIM = 16, NUM_SAMPLES = 1 << 17, LATE = 10000000, MOST_RUNS = 256 };
static const double FALSE_ALARM = 1e-4;

enum { GAIN, UPDATES, NOISE, UNFITTED, NUM_QUANTITIES };
static const char *const quantity_names[] = {"signal gained", "updates", "noise", "unfitted"};
typedef double sample_table[NUM_QUANTITIES][MOST_RUNS];

/* The training set of both engines. `make check-long` compares more stretches of steps, and longer ones. */
static ch_sample_set set;
static ch_screen screen;
static double late[DIM]; /* weights of the student from which both engines start */

static void train_until_late(const ch_perceptron_setup *setup)
{
    ch_fast_perceptron model;
    start(&model, setup, &screen);
    model.student.learner.advance(&model.student.learner, &(ch_limit){.steps = UINT64_MAX, .updates = LATE});
    assert_int_equal(model.student.learner.progress.status, CH_RUNNING);
    memcpy(late, model.student.weights, sizeof late);
    ch_fast_perceptron_free(&model);
}

/* Trains for `steps` steps from that student, and frees the learner. */
static void go_on(ch_learner *learner, ch_perceptron *student, uint64_t steps, size_t i, sample_table table)
{
    ch_observation seen;
    memcpy(student->weights, late, sizeof late);
    learner->advance(learner, &(ch_limit){.steps = steps, .updates = UINT64_MAX});
    assert_int_equal(learner->progress.status, CH_RUNNING);
    assert_int_equal(learner->observe(learner, &seen, NULL), CH_OK);
    table[GAIN][i] = seen.signal - late[0];
    table[UPDATES][i] = (double)learner->progress.updates;
    table[NOISE][i] = seen.noise;
    table[UNFITTED][i] = (double)seen.unfitted;
    learner->free(learner);
}

static void simulate(const ch_perceptron_setup *setup, bool fast, uint64_t steps, size_t num_runs, sample_table table)
{
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t i = 0; i < num_runs; i++) {
        ch_perceptron_setup own = *setup;
        own.seed_batch = (fast ? 2000 : 1000) + i;
        if (fast) {
            ch_fast_perceptron model;
            start(&model, &own, &screen);
            go_on(&model.student.learner, &model.student, steps, i, table);
        } else {
            ch_perceptron model;
            assert_int_equal(ch_perceptron_init(&model, &own, NULL), CH_OK);
            go_on(&model.learner, &model, steps, i, table);
        }
    }
}

/* The fraction of the unfitted samples whose update would be lost in single precision, where T z . e is under half of
 * the last digit of s. */
static double fraction_lost(double temp)
{
    const float signal = (float)late[0];
    const double half_ulp = ((double)nextafterf(signal, INFINITY) - (double)signal) / 2;
    size_t lost = 0, unfitted = 0;
    for (size_t mu = 0; mu < NUM_SAMPLES; mu++) {
        const float *row = ch_sample_set_row(&set, mu);
        if (!(ch_dot(row, late, DIM) >= 0x1p-15)) {
            unfitted++;
            lost += temp * (double)row[0] < half_ulp;
        }
    }
    assert_true(unfitted > 0);
    return (double)lost / (double)unfitted;
}

static void late_updates_agree(void **state)
{
    (void)state;
    static sample_table plain, fast;
    const size_t num_plain = is_long() ? 48 : 16, num_fast = is_long() ? MOST_RUNS : 64;
    const uint64_t steps = is_long() ? 100000000 : 4000000;
    set = draw(0, DIM, false, 7, NUM_SAMPLES);
    assert_int_equal(ch_screen_init(&screen, &set, NULL, NULL), CH_OK);
    const ch_perceptron_setup setup = setup_of(&set, 2, 0.5);
    train_until_late(&setup);
    const double lost = fraction_lost(0.5);
    printf("  signal %.0f: single precision would lose %.0f %% of the updates\n", late[0], 100 * lost);
    assert_true(lost > 0.2);
    simulate(&setup, false, steps, num_plain, plain);
    simulate(&setup, true, steps, num_fast, fast);
    size_t rejected = 0;
    for (size_t q = 0; q < NUM_QUANTITIES; q++) {
        const double statistic = ks_statistic(plain[q], num_plain, fast[q], num_fast);
        printf("  %-13s KS %.3f (rejects over %.3f), medians %.5g and %.5g\n", quantity_names[q], statistic,
               ks_critical(FALSE_ALARM), plain[q][num_plain / 2], fast[q][num_fast / 2]);
        rejected += !(statistic <= ks_critical(FALSE_ALARM));
    }
    ch_screen_free(&screen);
    ch_sample_set_free(&set);
    assert_int_equal(rejected, 0);
}

int main(void)
{
    /* suites: statistical */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {cmocka_unit_test(late_updates_agree)};
    return cmocka_run_group_tests_name("precision", tests, NULL, NULL);
}
