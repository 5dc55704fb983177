/* test_reference.c — compares both engines with an independent simulation at seven points of 256 data sets each.
 *
 * The files are tests/reference/perceptron/chi<chi>_d<d>_P<P>_B<B>_eta<eta>.txt, with kappa = 2^-15 and a line for each
 * data set:
 *   fitted  t*  steps  updates  signal  noise  seconds
 * The full batch takes a minute on the plain engine and is compared with that engine alone; test_engines.c compares the
 * two engines. The reference used another random generator, so that the laws are compared, by two-sample
 * Kolmogorov–Smirnov tests.
 *
 * `make check-long` trains 256 data sets at each point. `make check` trains 32, or 16 at the full batch, whose runs are
 * the longest. All 256 of the reference are used in either case. The smallest difference of two distribution functions
 * that a test detects is proportional to sqrt(1/n + 1/256): it is 0.20 with 256 data sets, 0.42 with 32 and 0.57 with
 * 16. The false-alarm rate is 1e-4 for each of 52 tests, whatever the number of
 * data sets, which is 0.5 % in all. The seeds are fixed, so that the program either always fails or never does. */
#include "chiton.h"

#include "core/clock.h"
#include "tests/support.h"
#include "tests/train_support.h"

#include <glob.h>
#include <gsl/gsl_errno.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

enum { MOST_SEEDS = 256 };
static const double FALSE_ALARM = 1e-4;

enum { TIME, UPDATES, SIGNAL, NOISE, NUM_QUANTITIES };
static const char *const quantity_names[] = {"ln t*", "ln updates", "ln signal", "ln noise"};
typedef double sample_table[NUM_QUANTITIES][MOST_SEEDS];

static void read_reference(const char *path, sample_table table)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (size_t i = 0; i < MOST_SEEDS; i++) {
        int fitted = 0;
        double values[6];
        assert_int_equal(fscanf(file, "%d %lf %lf %lf %lf %lf %lf", &fitted, &values[0], &values[1], &values[2],
                                &values[3], &values[4], &values[5]),
                         7);
        assert_int_equal(fitted, 1);
        table[TIME][i] = log(values[0]);
        table[UPDATES][i] = log(values[2]);
        table[SIGNAL][i] = log(values[3]);
        table[NOISE][i] = log(values[4]);
    }
    fclose(file);
}

static void set_real(ch_settings *settings, size_t index, double value)
{
    ch_settings_set(settings, index, (ch_value){.real = value});
}

static void set_count(ch_settings *settings, size_t index, uint64_t value)
{
    ch_settings_set(settings, index, (ch_value){.count = value});
}

/* The settings of the point that a file's name states. */
static ch_settings settings_in_name(const char *path)
{
    double chi = 0, rate = 0;
    unsigned long dim = 0, train = 0, batch = 0;
    const char *name = strrchr(path, '/') + 1;
    assert_int_equal(sscanf(name, "chi%lf_d%lu_P%lu_B%lu_eta%lf", &chi, &dim, &train, &batch, &rate), 5);
    ch_settings settings;
    ch_settings_default(&settings);
    set_count(&settings, CH_SETTING_MODEL, CH_ARCH_PERCEPTRON);
    set_real(&settings, CH_SETTING_CHI, chi);
    set_count(&settings, CH_SETTING_DIM, dim);
    set_count(&settings, CH_SETTING_TRAIN, train);
    set_count(&settings, CH_SETTING_BATCH, batch);
    set_real(&settings, CH_SETTING_RATE, rate);
    return settings;
}

/* The number of data sets that are trained at a point. It is smaller where a run takes long. */
static size_t num_seeds_at(const ch_settings *point)
{
    if (is_long()) {
        return MOST_SEEDS;
    }
    return point->batch == point->train ? 16 : 32;
}

/* Trains one run for each seed.
 * @return the number of runs that did not end fitted */
static size_t simulate(const ch_settings *point, uint64_t engine, size_t num_seeds, sample_table table)
{
    size_t failures = 0;
#pragma omp parallel for schedule(dynamic, 1) reduction(+ : failures)
    for (size_t i = 0; i < num_seeds; i++) {
        ch_settings settings = *point;
        ch_run run;
        set_count(&settings, CH_SETTING_ENGINE, engine);
        set_count(&settings, CH_SETTING_SEED, 1000 + i);
        if (train_by_settings(&run, &settings, 1, NULL, NULL) != CH_OK || run.status != CH_FITTED) {
            failures++;
        }
        table[TIME][i] = log(run.time);
        table[UPDATES][i] = log((double)run.updates);
        table[SIGNAL][i] = log(run.final.signal);
        table[NOISE][i] = log(run.final.noise);
        ch_run_free(&run);
    }
    return failures;
}

static void assert_agrees(const char *path, uint64_t engine)
{
    static sample_table theirs, ours;
    const ch_settings point = settings_in_name(path);
    const size_t num_seeds = num_seeds_at(&point);
    read_reference(path, theirs);
    const double started = ch_clock_now();
    assert_int_equal(simulate(&point, engine, num_seeds, ours), 0);
    printf("  %s engine, %zu data sets: %.1f s\n", engine == CH_ENGINE_FAST ? "fast" : "plain", num_seeds,
           ch_clock_now() - started);
    size_t rejected = 0;
    for (size_t q = 0; q < NUM_QUANTITIES; q++) {
        const double statistic = ks_statistic(ours[q], num_seeds, theirs[q], MOST_SEEDS);
        printf("  %-10s KS %.3f (rejects over %.3f)\n", quantity_names[q], statistic, ks_critical(FALSE_ALARM));
        rejected += !(statistic <= ks_critical(FALSE_ALARM));
    }
    assert_int_equal(rejected, 0);
}

static void plain_agrees(void **state)
{
    assert_agrees(*state, CH_ENGINE_PLAIN);
}

static void fast_agrees(void **state)
{
    assert_agrees(*state, CH_ENGINE_FAST);
}

int main(void)
{
    /* suites: statistical */
    gsl_set_error_handler_off();
    glob_t files;
    if (glob("tests/reference/perceptron/*.txt", 0, NULL, &files) != 0) {
        fputs("tests/reference/perceptron is missing: run from the root of the source tree\n", stderr);
        return 1;
    }
    enum { MOST_FILES = 16 };
    struct CMUnitTest tests[2 * MOST_FILES];
    memset(tests, 0, sizeof tests);
    size_t count = 0;
    for (size_t i = 0; i < files.gl_pathc && i < MOST_FILES; i++) {
        char *path = files.gl_pathv[i];
        const char *name = strrchr(path, '/') + 1;
        const ch_settings point = settings_in_name(path);
        tests[count++] = (struct CMUnitTest){name, plain_agrees, NULL, NULL, path};
        if (point.batch < point.train) {
            tests[count++] = (struct CMUnitTest){name, fast_agrees, NULL, NULL, path};
        }
    }
    const int failed = _cmocka_run_group_tests("reference", tests, count, NULL, NULL);
    globfree(&files);
    return failed;
}
