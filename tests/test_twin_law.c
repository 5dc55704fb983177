/* test_twin_law.c — compares the twin on a perceptron's kernel with that perceptron, by two-sample Kolmogorov–Smirnov
 * tests.
 *
 * The twin is compared with the plain engine at nine points, three of them by epochs, with batches of unfitted samples
 * drawn in the plain way at three, and with the independent simulation of tests/test_reference.c at its six points of P
 * <= 2048. Every seed has its own data set, and the two sides have different seeds.
 *
 * `make check-long` takes 256 data sets at each point. `make check` takes 48 of either kind at the first twelve points,
 * and the smallest difference of two distribution functions that is detected is then 0.45 and not 0.20. Against all 256
 * of the reference it takes 48, or 32 at chi < 0, or 16 at the full batch, which detects 0.35, 0.42 and 0.57. The
 * false-alarm rate is 1e-4 for each of 54 tests, whatever the number of seeds, which is 0.5 % in all. The seeds are
 * fixed, so that the program either always fails or never does. */
#include "core/draw.h"
#include "core/memory.h"
#include "tests/fast_support.h"
#include "tests/twin_support.h"

#include <glob.h>
#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <string.h>

enum { MOST_SEEDS = 256, MOST_SAMPLES = 2048 };
static const double FALSE_ALARM = 1e-4;

enum { TIME, UPDATES, CHANGE, NUM_QUANTITIES };
static const char *const quantity_names[] = {"ln t*", "ln updates", "ln ||Dw||"};
typedef double sample_table[NUM_QUANTITIES][MOST_SEEDS];

/* The number of data sets that are trained at a point where a run does not take long. */
static size_t usual_seeds(void)
{
    return is_long() ? MOST_SEEDS : 48;
}

typedef struct {
    double chi;
    size_t dim, num_samples, batch;
    double rate, kappa;
    bool from_unfitted, by_epoch;
} law_point;

static void note_end(sample_table table, size_t seed, double rate, const ch_progress *progress, double change)
{
    table[TIME][seed] = log(rate * (double)progress->last_update);
    table[UPDATES][seed] = log((double)progress->updates);
    table[CHANGE][seed] = log(change);
}

static ch_sample_set draw_at(const law_point *at, uint64_t seed)
{
    return draw(at->chi, at->dim, false, seed, at->num_samples);
}

/* Trains the twins of a point.
 * @return the number of runs that did not end fitted */
static size_t run_twins(const law_point *at, size_t num_seeds, uint64_t first_seed, sample_table table)
{
    size_t failures = 0;
#pragma omp parallel for schedule(dynamic, 1) reduction(+ : failures)
    for (size_t i = 0; i < num_seeds; i++) {
        ch_sample_set set = draw_at(at, first_seed + i);
        ch_kernel kernel = gram_of(&set, NULL);
        const ch_twin_setup setup = {
            .kernel = &kernel,
            .num_samples = at->num_samples,
            .kappa = at->kappa,
            .rate = at->rate,
            .batch = at->batch,
            .from_unfitted = at->from_unfitted,
            .by_epoch = at->by_epoch,
            .seed_batch = first_seed + i,
            .norm_init = 1,
        };
        ch_twin model;
        ch_observation seen;
        start_twin(&model, &setup);
        model.learner.advance(&model.learner, &no_limit);
        failures +=
            model.learner.progress.status != CH_FITTED || model.learner.observe(&model.learner, &seen, NULL) != CH_OK;
        note_end(table, i, at->rate, &model.learner.progress, seen.weight_change);
        ch_twin_free(&model);
        ch_kernel_free(&kernel);
        ch_sample_set_free(&set);
    }
    return failures;
}

static void assert_agree(sample_table ours, size_t num_ours, sample_table theirs, size_t num_theirs)
{
    size_t rejected = 0;
    for (size_t q = 0; q < NUM_QUANTITIES; q++) {
        const double statistic = ks_statistic(ours[q], num_ours, theirs[q], num_theirs);
        printf("  %-10s KS %.3f (rejects over %.3f), median %.4g\n", quantity_names[q], statistic,
               ks_critical(FALSE_ALARM), theirs[q][num_theirs / 2]);
        rejected += !(statistic <= ks_critical(FALSE_ALARM));
    }
    assert_int_equal(rejected, 0);
}

/* ---- the plain engine ---- */

static void run_perceptrons(const law_point *at, size_t num_seeds, uint64_t first_seed, sample_table table)
{
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t i = 0; i < num_seeds; i++) {
        ch_sample_set set = draw_at(at, first_seed + i);
        ch_perceptron_setup setup = setup_of(&set, at->batch, at->rate / (double)at->batch);
        setup.kappa = at->kappa;
        setup.by_epoch = at->by_epoch;
        setup.seed_batch = first_seed + i;
        ch_perceptron model;
        assert_int_equal(ch_perceptron_init(&model, &setup, NULL), CH_OK);
        model.learner.advance(&model.learner, &no_limit);
        note_end(table, i, at->rate, &model.learner.progress, sqrt(ch_norm2(model.weights, model.stride)));
        ch_perceptron_free(&model);
        ch_sample_set_free(&set);
    }
}

static void agrees_with_the_plain_engine(void **state)
{
    (void)state;
    static const law_point law_points[] = {
        {0, 16, 130, 1, 0.25, 0x1p-15, false, false}, {0, 8, 200, 3, 1, 0x1p-15, false, false},
        {1, 16, 500, 2, 1e-3, 0x1p-5, false, false},  {1, 8, 256, 16, 8, 0x1p-15, false, false},
        {-0.5, 16, 64, 40, 10, 0.1, false, false},    {3, 32, 300, 200, 0.5, 0x1p-4, false, false},
        {0, 16, 130, 1, 0.25, 0x1p-15, false, true},  {0, 8, 200, 3, 1, 0x1p-15, false, true},
        {-0.5, 16, 64, 40, 10, 0.1, false, true},
    };
    static sample_table ours, theirs;
    const size_t num_seeds = usual_seeds();
    for (size_t k = 0; k < sizeof law_points / sizeof *law_points; k++) {
        printf("  chi %g, d %zu, P %zu, B %zu\n", law_points[k].chi, law_points[k].dim, law_points[k].num_samples,
               law_points[k].batch);
        assert_int_equal(run_twins(&law_points[k], num_seeds, 1000, ours), 0);
        run_perceptrons(&law_points[k], num_seeds, 2000, theirs);
        assert_agree(ours, num_seeds, theirs, num_seeds);
    }
}

/* ---- batches of unfitted samples ---- */

/* Trains by the definition: every step takes min(B, U) of the U unfitted samples, and adds eta / B to the coefficient
 * of each. */
static void train_from_unfitted(const law_point *at, const ch_sample_set *set, uint64_t seed, double *weights,
                                ch_progress *progress)
{
    uint32_t unfitted[MOST_SAMPLES], count = 1;
    ch_random random;
    ch_random_init(&random, seed, CH_STREAM_BATCHES, 0);
    while (count > 0) {
        count = 0;
        for (uint32_t mu = 0; mu < at->num_samples; mu++) {
            unfitted[count] = mu;
            count += ch_dot(ch_sample_set_row(set, mu), weights, set->stride) < at->kappa;
        }
        const uint32_t size = count < at->batch ? count : (uint32_t)at->batch;
        ch_draw_shuffled(&random, unfitted, size, count);
        for (uint32_t i = 0; i < size; i++) {
            ch_axpy(weights, at->rate / (double)at->batch, ch_sample_set_row(set, unfitted[i]), set->stride);
        }
        progress->last_update = progress->updates += count > 0;
    }
}

static void agrees_on_batches_of_the_unfitted(void **state)
{
    (void)state;
    static const law_point law_points[] = {
        {0, 8, 130, 1, 0.25, 0x1p-15, true, false},
        {1, 16, 500, 5, 1, 0x1p-4, true, false},
        {1, 8, 256, 20, 10, 0x1p-15, true, false},
    };
    static sample_table ours, theirs;
    const size_t num_seeds = usual_seeds();
    for (size_t k = 0; k < sizeof law_points / sizeof *law_points; k++) {
        printf("  chi %g, d %zu, P %zu, B %zu\n", law_points[k].chi, law_points[k].dim, law_points[k].num_samples,
               law_points[k].batch);
        assert_int_equal(run_twins(&law_points[k], num_seeds, 3000, ours), 0);
#pragma omp parallel for schedule(dynamic, 1)
        for (size_t i = 0; i < num_seeds; i++) {
            ch_sample_set set = draw_at(&law_points[k], 4000 + i);
            double *weights = ch_alloc(set.stride, sizeof *weights);
            ch_progress progress = {0};
            train_from_unfitted(&law_points[k], &set, 4000 + i, weights, &progress);
            note_end(theirs, i, law_points[k].rate, &progress, sqrt(ch_norm2(weights, set.stride)));
            free(weights);
            ch_sample_set_free(&set);
        }
        assert_agree(ours, num_seeds, theirs, num_seeds);
    }
}

/* ---- the independent simulation ---- */

static void read_reference(const char *path, sample_table table)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (size_t i = 0; i < MOST_SEEDS; i++) {
        int fitted = 0;
        double time = 0, steps = 0, updates = 0, signal = 0, noise = 0, seconds = 0;
        assert_int_equal(
            fscanf(file, "%d %lf %lf %lf %lf %lf %lf", &fitted, &time, &steps, &updates, &signal, &noise, &seconds), 7);
        assert_int_equal(fitted, 1);
        table[TIME][i] = log(time);
        table[UPDATES][i] = log(updates);
        table[CHANGE][i] = log(hypot(signal, noise));
    }
    fclose(file);
}

/* The number of data sets at a point, which is smaller where runs take long. */
static size_t seeds_at(const law_point *at)
{
    if (!is_long() && at->batch == at->num_samples) {
        return 16;
    }
    return !is_long() && at->chi < 0 ? 32 : usual_seeds();
}

static void agrees_with_the_reference(void **state)
{
    (void)state;
    static sample_table ours, theirs;
    glob_t files;
    size_t compared = 0;
    assert_int_equal(glob("tests/reference/perceptron/*.txt", 0, NULL, &files), 0);
    for (size_t k = 0; k < files.gl_pathc; k++) {
        law_point at = {.kappa = 0x1p-15};
        assert_int_equal(sscanf(strrchr(files.gl_pathv[k], '/') + 1, "chi%lf_d%zu_P%zu_B%zu_eta%lf", &at.chi, &at.dim,
                                &at.num_samples, &at.batch, &at.rate),
                         5);
        if (at.num_samples > MOST_SAMPLES) {
            continue;
        }
        const size_t num_seeds = seeds_at(&at);
        printf("  %s: %zu data sets\n", files.gl_pathv[k], num_seeds);
        read_reference(files.gl_pathv[k], theirs);
        assert_int_equal(run_twins(&at, num_seeds, 5000, ours), 0);
        assert_agree(ours, num_seeds, theirs, MOST_SEEDS);
        compared++;
    }
    assert_int_equal(compared, 6);
    globfree(&files);
}

int main(void)
{
    /* suites: statistical */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_plain_engine),
        cmocka_unit_test(agrees_on_batches_of_the_unfitted),
        cmocka_unit_test(agrees_with_the_reference),
    };
    return cmocka_run_group_tests_name("twin law", tests, NULL, NULL);
}
