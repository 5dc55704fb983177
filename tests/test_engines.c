/* test_engines.c — compares the fast engine with the plain one by two-sample Kolmogorov–Smirnov tests at fourteen
 * points, four of them with batches that are parts of epochs.
 *
 * Each engine makes 2000 runs at a point under `make check-long` and 256 under `make check`. The two engines have
 * different seeds. The smallest difference of the distribution functions that is detected is 0.070 with 2000 runs and
 * 0.197 with 256. At half of the points all runs share one data set, so that only the batches make runs differ.
 * At the other points each run has its own data set. The false-alarm rate is 1e-4 for each of 84 tests, whatever the
 * number of runs, which is 0.8 % in all. The seeds are fixed, so that the program either always fails or never does. */
#include "chiton.h"

#include "sim/train_set.h"
#include "tests/support.h"
#include "tests/train_support.h"

#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <string.h>

enum { MOST_SEEDS = 2000, NUM_WORK_SEEDS = 50 };
static const double FALSE_ALARM = 1e-4;

enum { TIME, UPDATES, SIGNAL, NOISE, UNFITTED_THEN, SIGNAL_THEN, NUM_QUANTITIES };
static const char *const quantity_names[] = {"ln t*", "ln updates", "ln signal", "ln noise", "unfitted", "signal"};
typedef double sample_table[NUM_QUANTITIES][MOST_SEEDS];

static size_t num_seeds(void)
{
    return is_long() ? MOST_SEEDS : 256;
}

typedef struct {
    const char *name;
    double chi;
    uint64_t dim, train, batch;
    double temp, kappa;
    bool random_teacher;
    bool one_data_set;
    uint64_t step;                  /* the step at which runs are compared on their way: round(10^(i / 2)) */
    double drawing, near, bounding; /* least number of updates that a run of the fast engine takes in each stage */
    bool by_epoch;
    double close; /* as `drawing`, of the stage of large batches */
} point;

static point points[] = {
    {"chi 0, B 1", 0, 16, 512, 1, 0.25, 0x1p-15, false, true, 31623, 50, 0, 500, false, 0},
    {"chi 0, B 3", 0, 8, 512, 3, 0.25, 0x1p-15, true, false, 10000, 50, 0, 500, false, 0},
    {"chi -0.5, B 1", -0.5, 16, 128, 1, 1, 0x1p-15, false, true, 3162, 50, 0, 100, false, 0},
    {"chi -0.5, B 16", -0.5, 16, 128, 16, 1, 0x1p-15, false, false, 316, 10, 0, 300, false, 0},
    {"chi 1, B 1", 1, 8, 4096, 1, 1, 0x1p-15, false, true, 31623, 0, 0, 20, false, 0},
    {"chi 1, B 3", 1, 8, 256, 3, 1e-3, 0x1p-5, false, true, 10000, 0, 1000, 0, false, 0},
    {"chi 3, B 16", 3, 8, 512, 16, 1e-5, 1e-3, true, false, 3162, 0, 500, 0, false, 0},
    {"chi 3, B P", 3, 16, 512, 512, 1e-6, 3e-4, false, false, 316, 0, 0, 0, false, 300},
    {"chi 3, B 256", 3, 16, 1024, 256, 0x1p-14, 0x1p-6, false, true, 316, 0, 0, 0, false, 100},
    {"chi 3, B 400", 3, 16, 700, 400, 0x1p-14, 0x1p-6, false, true, 316, 0, 0, 0, false, 100},
    {"epochs, chi 0, B 3", 0, 16, 512, 3, 0.25, 0x1p-15, false, true, 10000, 20, 0, 500, true, 0},
    {"epochs, chi -0.5, B 16", -0.5, 16, 128, 16, 1, 0x1p-15, false, false, 316, 0, 0, 300, true, 0},
    {"epochs, chi 1, B 1", 1, 8, 4096, 1, 1, 0x1p-15, false, true, 31623, 0, 0, 20, true, 0},
    {"epochs, chi 1, B 3", 1, 8, 256, 3, 1e-3, 0x1p-5, false, true, 10000, 0, 1000, 0, true, 0},
};

static void set_real(ch_settings *settings, size_t index, double value)
{
    ch_settings_set(settings, index, (ch_value){.real = value});
}

static void set_count(ch_settings *settings, size_t index, uint64_t value)
{
    ch_settings_set(settings, index, (ch_value){.count = value});
}

static ch_settings settings_at(const point *at, uint64_t engine, uint64_t seed)
{
    ch_settings settings;
    ch_settings_default(&settings);
    set_count(&settings, CH_SETTING_MODEL, CH_ARCH_PERCEPTRON);
    set_real(&settings, CH_SETTING_CHI, at->chi);
    set_count(&settings, CH_SETTING_DIM, at->dim);
    set_count(&settings, CH_SETTING_TRAIN, at->train);
    set_count(&settings, CH_SETTING_BATCH, at->batch);
    set_real(&settings, CH_SETTING_TEMP, at->temp);
    set_real(&settings, CH_SETTING_ALPHA, 1 / at->kappa);
    set_count(&settings, CH_SETTING_TEACHER, at->random_teacher ? CH_TEACHER_RANDOM : CH_TEACHER_AXIS);
    set_count(&settings, CH_SETTING_RECORD, 2);
    set_count(&settings, CH_SETTING_ENGINE, engine);
    set_count(&settings, CH_SETTING_SEED, seed);
    set_count(&settings, CH_SETTING_SAMPLING, at->by_epoch ? CH_SAMPLING_EPOCH : CH_SAMPLING_INDEPENDENT);
    if (at->one_data_set) {
        set_count(&settings, CH_SETTING_SEED_DATA, 7);
    }
    return settings;
}

/* What was observed at a step, or at the end where the run had ended before that step. */
static const ch_observation *seen_at(const ch_run *run, uint64_t step)
{
    for (size_t i = 0; i < run->num_points; i++) {
        if (run->points[i].step == step) {
            return &run->points[i].observed;
        }
    }
    return run->steps <= step ? &run->final : NULL;
}

/* Makes the runs of one engine.
 * @return the number of runs that did not end fitted */
static size_t simulate(const point *at, uint64_t engine, uint64_t first_seed, sample_table table)
{
    const size_t count = num_seeds();
    size_t failures = 0;
#pragma omp parallel for schedule(dynamic, 1) reduction(+ : failures)
    for (size_t i = 0; i < count; i++) {
        const ch_settings settings = settings_at(at, engine, first_seed + i);
        ch_run run;
        const ch_observation *then = NULL;
        if (train_by_settings(&run, &settings, 1, NULL, NULL) != CH_OK || run.status != CH_FITTED ||
            (then = seen_at(&run, at->step)) == NULL) {
            failures++;
        } else {
            table[TIME][i] = log(run.time);
            table[UPDATES][i] = log((double)run.updates);
            table[SIGNAL][i] = log(run.final.signal);
            table[NOISE][i] = log(run.final.noise);
            table[UNFITTED_THEN][i] = (double)then->unfitted;
            table[SIGNAL_THEN][i] = then->signal;
        }
        ch_run_free(&run);
    }
    return failures;
}

/* The number of updates that some runs of the fast engine take in each of its stages, which shows that all stages are
 * compared. */
static ch_fast_work work_of(const point *at)
{
    ch_fast_work sum = {0};
    for (uint64_t seed = 0; seed < NUM_WORK_SEEDS; seed++) {
        const ch_settings settings = settings_at(at, CH_ENGINE_FAST, seed);
        const ch_resolved resolved = resolve_settings(&settings);
        ch_train_set set;
        ch_fast_perceptron model;
        assert_int_equal(ch_train_set_init(&set, &resolved, NULL, at->train, 1, NULL, NULL), CH_OK);
        const ch_perceptron_setup setup = {
            .train = &set.samples,
            .num_samples = at->train,
            .chi = at->chi,
            .kappa = at->kappa,
            .rate = resolved.settings.rate,
            .batch = at->batch,
            .by_epoch = at->by_epoch,
            .seed_batch = resolved.settings.seed_batch,
        };
        assert_int_equal(ch_fast_perceptron_init(&model, &setup, &set.screen, NULL), CH_OK);
        ch_learner *learner = &model.student.learner;
        learner->advance(learner, &(ch_limit){.steps = UINT64_MAX, .updates = UINT64_MAX});
        const ch_fast_work work = ch_fast_perceptron_work(&model);
        sum.drawing += work.drawing - work.narrowed;
        sum.narrowed += work.narrowed;
        sum.bounding += work.bounding;
        sum.close += work.close;
        learner->free(learner);
        ch_train_set_free(&set);
    }
    return sum;
}

static double per_run(uint64_t updates)
{
    return (double)updates / NUM_WORK_SEEDS;
}

static void engines_agree(void **state)
{
    const point *at = *state;
    static sample_table plain, fast;
    const ch_fast_work work = work_of(at);
    assert_int_equal(simulate(at, CH_ENGINE_PLAIN, 1000000, plain), 0);
    assert_int_equal(simulate(at, CH_ENGINE_FAST, 2000000, fast), 0);
    printf("  updates a run: %.0f drawing, %.0f near a reference, %.0f bounding, %.0f of large batches\n",
           per_run(work.drawing), per_run(work.narrowed), per_run(work.bounding), per_run(work.close));
    const size_t count = num_seeds();
    size_t rejected = 0;
    for (size_t q = 0; q < NUM_QUANTITIES; q++) {
        const double statistic = ks_statistic(plain[q], count, fast[q], count);
        printf("  %-10s KS %.3f (rejects over %.3f), median %.4g\n", quantity_names[q], statistic,
               ks_critical(FALSE_ALARM), plain[q][count / 2]);
        rejected += !(statistic <= ks_critical(FALSE_ALARM));
    }
    assert_int_equal(rejected, 0);
    assert_true(per_run(work.drawing) >= at->drawing && per_run(work.narrowed) >= at->near);
    assert_true(per_run(work.bounding) >= at->bounding && per_run(work.close) >= at->close);
}

int main(void)
{
    /* suites: statistical */
    gsl_set_error_handler_off();
    enum { NUM_POINTS = sizeof points / sizeof *points };
    struct CMUnitTest tests[NUM_POINTS];
    memset(tests, 0, sizeof tests);
    for (size_t i = 0; i < NUM_POINTS; i++) {
        tests[i] = (struct CMUnitTest){points[i].name, engines_agree, NULL, NULL, &points[i]};
    }
    return _cmocka_run_group_tests("engines", tests, NUM_POINTS, NULL, NULL);
}
