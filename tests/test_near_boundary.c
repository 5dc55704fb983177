/* test_near_boundary.c — the exponent of a density near 0: its estimator on known densities, and what learners observe.
 */
#include "chiton.h"
#include "core/memory.h"
#include "core/near_boundary.h"
#include "perceptron/online.h"
#include "sim/train_private.h"

#include "tests/fast_support.h"
#include "tests/settings_support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_randist.h>
#include <string.h>

enum { MOST = 4096 };

/* Exponents from repeated draws of n sizes. */
typedef struct {
    double mean, deviation, covered, drift2; /* of the exponent; share of 95 % intervals; mean square of the drift */
} repeated;

/* @param is_law  sizes |x| of density |x|^chi exp(-x^2/2), else of x^chi on (0, 1) */
static repeated repeat(double chi, size_t n, size_t times, bool is_law, uint64_t seed)
{
    double sizes[MOST], smallest[MOST];
    double sum = 0, square = 0;
    repeated all = {0};
    ch_random random;
    ch_random_init(&random, seed, CH_STREAM_TEST_SAMPLES, 0);
    gsl_rng gsl = ch_random_gsl(&random);
    for (size_t k = 0; k < times; k++) {
        for (size_t i = 0; i < n; i++) {
            sizes[i] = is_law ? sqrt(2 * gsl_ran_gamma(&gsl, (chi + 1) / 2, 1))
                              : pow(gsl_rng_uniform_pos(&gsl), 1 / (chi + 1));
        }
        const ch_near_boundary found = ch_near_boundary_find(sizes, n, smallest);
        sum += found.chi;
        square += (found.chi - chi) * (found.chi - chi);
        all.covered += fabs(found.chi - chi) < 1.96 * found.error;
        all.drift2 += found.drift * found.drift;
    }
    const double count = (double)times;
    all.mean = sum / count;
    all.deviation = sqrt(square / count - (all.mean - chi) * (all.mean - chi));
    all.covered /= count;
    all.drift2 /= count;
    return all;
}

/* On a power law the estimate is exact: rate x Gamma. With k = n^(2/3) = 100 numbers its deviation is the error. False
 * alarm of each mean and deviation 6e-5 (4 standard errors), of each share of covered intervals under 1e-4. */
static void test_power_laws(void **state)
{
    (void)state;
    skip_under_valgrind();
    static const double exponents[] = {-0.5, 0, 1, 3};
    for (size_t k = 0; k < 4; k++) {
        enum { TIMES = 2000, WINDOW = 100 };
        const double chi = exponents[k], error = (chi + 1) / sqrt(WINDOW - 2);
        const repeated all = repeat(chi, 1000, TIMES, false, 3 + k);
        assert_in(all.mean - chi, -4 * error / sqrt(TIMES), 4 * error / sqrt(TIMES));
        assert_in(all.deviation / error, 1 - 4 / sqrt(2.0 * TIMES), 1 + 4 / sqrt(2.0 * TIMES));
        assert_in(all.covered, 0.93, 0.97);
        assert_in(all.drift2, 0.8, 1.3);
    }
}

/* The law that theory has, at the exponents that the perceptron is studied at. The Gaussian factor lowers the exponent:
 * by under 0.05 errors at chi = -0.5 and 0, by about a quarter at chi = 1. */
static void test_laws(void **state)
{
    (void)state;
    skip_under_valgrind();
    static const double exponents[] = {-0.5, 0, 1}, most_bias[] = {0.05, 0.05, 0.4};
    for (size_t k = 0; k < 3; k++) {
        enum { TIMES = 500, N = 4096, WINDOW = 256 };
        const double chi = exponents[k], error = (chi + 1) / sqrt(WINDOW - 2), noise = 4 / sqrt(TIMES);
        const repeated all = repeat(chi, N, TIMES, true, 11 + k);
        assert_in((all.mean - chi) / error, -most_bias[k] - noise, noise);
        assert_in(all.covered, 0.90, 0.99);
        assert_in(all.drift2, 0.65, 1.5);
    }
}

/* chi = -1 - 1 / <ln(x / x_0)>, without its bias, of 125 sizes whose window is the 25 smallest. */
static void test_formula(void **state)
{
    (void)state;
    double sizes[125], smallest[26], sum = 0;
    assert_int_equal(ch_near_boundary_room(125), 26);
    for (size_t i = 0; i < 125; i++) {
        sizes[(i * 57) % 125] = pow(1 + (double)i, 1.7);
    }
    for (size_t i = 0; i < 25; i++) {
        sum += 1.7 * log((1 + (double)i) / 26);
    }
    const ch_near_boundary found = ch_near_boundary_find(sizes, 125, smallest);
    const double chi = -1 - (1 - 1.0 / 25) / (sum / 25);
    assert_close(found.chi, chi, 1e-13);
    assert_close(found.error, (1 + chi) / sqrt(23), 1e-13);
    assert_close(found.edge, pow(26, 1.7), 1e-13);
}

static void test_what_has_no_exponent(void **state)
{
    (void)state;
    double sizes[200], smallest[64];
    for (size_t i = 0; i < 200; i++) {
        sizes[i] = 1 + (double)i;
    }
    assert_true(isfinite(ch_near_boundary_find(sizes, CH_NEAR_BOUNDARY_LEAST, smallest).chi));
    assert_true(isnan(ch_near_boundary_find(sizes, CH_NEAR_BOUNDARY_LEAST - 1, smallest).chi));
    assert_true(isnan(ch_near_boundary_find(sizes, 0, smallest).edge));
    sizes[150] = NAN;
    assert_true(isnan(ch_near_boundary_find(sizes, 200, smallest).chi));
    sizes[150] = INFINITY;
    assert_true(isnan(ch_near_boundary_find(sizes, 200, smallest).chi));
    sizes[150] = 0;
    assert_true(isnan(ch_near_boundary_find(sizes, 200, smallest).chi));
    for (size_t i = 0; i < 200; i++) {
        sizes[i] = 2;
    }
    assert_true(isnan(ch_near_boundary_find(sizes, 200, smallest).chi));
}

/* ---- what a run observes ---- */

/* From the weights at the end, the samples and the definitions: the density of |F| over test samples, and the mean
 * |x . e| of unfitted samples. Gaussian data have chi = 0 for every student, within 4 errors for all but one seed in
 * 16,000. */
static void compare_run(const char *text)
{
    const ch_resolved resolved = resolved_of(text);
    const ch_settings *settings = &resolved.settings;
    const ch_data_law law = ch_train_law(&resolved, NULL);
    double sizes[3000], smallest[300], sum = 0, unfitted = 0;
    ch_run_weights weights = {0};
    ch_sample_set train, test;
    ch_error err = {0};
    ch_run run;
    if (ch_train_weights(&run, &weights, &resolved, 1, NULL, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(ch_sample_set_init(&train, &law, CH_STREAM_TRAIN_SAMPLES, settings->train, 1, NULL, NULL), CH_OK);
    assert_int_equal(ch_sample_set_init(&test, &law, CH_STREAM_TEST_SAMPLES, settings->test, 1, NULL, NULL), CH_OK);
    for (size_t mu = 0; mu < settings->test; mu++) {
        double margin = 0;
        for (size_t i = 0; i < test.dim; i++) {
            margin += weights.end[i] * (double)ch_sample_set_row(&test, mu)[i];
        }
        sizes[mu] = fabs(margin) / run.final.weight_change;
    }
    const ch_near_boundary found = ch_near_boundary_find(sizes, settings->test, smallest);
    assert_close(run.final.density_chi, found.chi, 1e-9);
    assert_close(run.final.density_error, found.error, 1e-9);
    assert_close(run.final.density_edge, found.edge, 1e-9);
    assert_close(run.final.density_drift, found.drift, 1e-6);
    assert_in(run.final.density_chi / run.final.density_error, -4, 4);
    for (size_t mu = 0; mu < settings->train; mu++) {
        double margin = 0, along = 0;
        for (size_t i = 0; i < train.dim; i++) {
            margin += weights.end[i] * (double)ch_sample_set_row(&train, mu)[i];
            along += train.teacher[i] * (double)ch_sample_set_row(&train, mu)[i];
        }
        sum += margin < 1 / settings->alpha ? fabs(along) * sqrt((double)train.dim) : 0;
        unfitted += margin < 1 / settings->alpha;
    }
    assert_true(run.final.unfitted > 0 && (double)run.final.unfitted == unfitted);
    assert_close(run.final.unfitted_distance, sum / unfitted, 1e-9);
    assert_close(run.points[run.num_points - 1].observed.unfitted_distance, run.final.unfitted_distance, 0);
    free(weights.end);
    ch_sample_set_free(&train);
    ch_sample_set_free(&test);
    ch_run_free(&run);
}

static void test_runs_of_perceptrons(void **state)
{
    (void)state;
    compare_run("model=perceptron temp=1 dim=12 train=600 test=3000 max_updates=300 record=2 engine=plain");
    compare_run("model=perceptron temp=1 dim=12 train=2000 test=3000 max_updates=900 record=2 engine=fast seed=2");
    compare_run("model=perceptron temp=1 dim=12 train=600 test=3000 max_updates=300 record=2 teacher=random seed=3");
}

/* Nothing is unfitted at the end, so that there is no mean; fresh batches have the mean over the law. */
static void test_ends(void **state)
{
    (void)state;
    ch_resolved resolved = resolved_of("model=perceptron temp=1 dim=12 train=200 record=3 chi=1");
    ch_run run;
    ch_error err = {0};
    assert_int_equal(ch_train_alone(&run, &resolved, NULL, 1, NULL, &err), CH_OK);
    assert_true(run.status == CH_FITTED && isnan(run.final.unfitted_distance) && isnan(run.final.density_chi));
    assert_true(run.points[0].observed.unfitted_distance > 0);
    ch_run_free(&run);
    /* over fresh samples <v> = A / n, which for kappa -> 0 goes to c / lambda: at chi = 0 A = 1 / sqrt(2 pi) x
     * (1 - lambda / sqrt(1 + lambda^2)), n = arctan(1 / lambda) / pi */
    resolved = resolved_of("model=perceptron temp=1 dim=12 train=inf max_steps=2000 batch=4");
    assert_int_equal(ch_train_alone(&run, &resolved, NULL, 1, NULL, &err), CH_OK);
    const double lambda = run.final.signal / run.final.noise;
    const double drift = (1 - lambda / sqrt(1 + lambda * lambda)) / sqrt(2 * M_PI);
    assert_close(run.final.unfitted_distance, drift / (atan(1 / lambda) / M_PI), 1e-3);
    ch_run_free(&run);
}

/* Early in training the samples are as good as fresh: their mean |x . e| is A / n at the run's own signal and noise,
 * within five standard errors, which one seed in a million misses at each point. */
static void test_density_argument(void **state)
{
    (void)state;
    skip_under_valgrind();
    const ch_resolved resolved = resolved_of("model=perceptron temp=1 dim=32 chi=1 train=30000 max_steps=200 record=2");
    gsl_integration_workspace *space = gsl_integration_workspace_alloc(CH_ONLINE_INTERVALS);
    ch_run run;
    ch_error err = {0};
    assert_int_equal(ch_train_alone(&run, &resolved, NULL, 1, NULL, &err), CH_OK);
    for (size_t i = 0; i < run.num_points; i++) {
        const ch_observation *at = &run.points[i].observed;
        ch_online_averages mean;
        const double margin = sqrt(32) / resolved.settings.alpha / at->noise;
        assert_int_equal(ch_online_averages_quadrature(&mean, 1, margin, at->signal / at->noise, space, &err), CH_OK);
        const double v = mean.drift / mean.unfitted, error = v / sqrt((double)at->unfitted); /* the spread is under v */
        assert_true(at->unfitted > 500);
        assert_in(at->unfitted_distance, v - 5 * error, v + 5 * error);
    }
    assert_true(run.num_points > 4);
    gsl_integration_workspace_free(space);
    ch_run_free(&run);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_laws),
        cmocka_unit_test(test_laws),
        cmocka_unit_test(test_formula),
        cmocka_unit_test(test_what_has_no_exponent),
        cmocka_unit_test(test_runs_of_perceptrons),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_density_argument),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
