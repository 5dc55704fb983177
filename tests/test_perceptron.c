/* test_perceptron.c — the plain engine and the theory of the perceptron. */
#include "perceptron/plain.c" /* its static parts are tested too */

#include "alloc_fail.h"
#include "core/memory.h"
#include "data/linear_error.h"
#include "perceptron/screening.h"
#include "support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>

static ch_sample_set draw(double chi, size_t dim, uint64_t seed, size_t num_samples)
{
    const ch_data_law law = {.chi = chi, .dim = dim, .seed = seed};
    ch_sample_set set;
    assert_int_equal(ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, num_samples, 1, NULL, NULL), CH_OK);
    return set;
}

static ch_perceptron_setup setup_of(const ch_sample_set *set, size_t batch, double rate)
{
    return (ch_perceptron_setup){
        .train = set,
        .num_samples = set->num_samples,
        .chi = 0,
        .kappa = 0x1p-15,
        .rate = rate,
        .batch = batch,
        .seed_batch = 4,
    };
}

static const ch_limit no_limit = {.steps = UINT64_MAX, .updates = UINT64_MAX};

/* ---- batches ---- */

/* Every pair of 6 samples is equally likely in batches of any size, in both ways of drawing: chi-square on the number
 * of times that each pair is drawn together, false alarm 1e-6 each. For B > 2 the pairs of a batch are correlated,
 * which only makes the statistic smaller. */
static void batches_are_uniform(void **state)
{
    (void)state;
    skip_under_valgrind();
    enum { P = 6, DRAWS = 60000 };
    for (uint32_t size = 1; size <= P; size++) {
        for (int shuffled = 0; shuffled < 2; shuffled++) {
            ch_random random;
            ch_random_init(&random, 17 + size, CH_STREAM_BATCHES, 0);
            uint32_t batch[P] = {0, 1, 2, 3, 4, 5};
            double together[P][P] = {{0}};
            for (int draw_index = 0; draw_index < DRAWS; draw_index++) {
                if (shuffled) {
                    ch_draw_shuffled(&random, batch, size, P);
                } else {
                    ch_draw_scanned(&random, batch, size, P);
                }
                for (uint32_t i = 0; i < size; i++) {
                    assert_true(batch[i] < P);
                    for (uint32_t j = 0; j < i; j++) {
                        assert_int_not_equal(batch[i], batch[j]);
                    }
                    for (uint32_t j = 0; j < size; j++) {
                        together[batch[i]][batch[j]]++;
                    }
                }
            }
            double chi2_one = 0, chi2_pair = 0;
            const double one = (double)DRAWS * size / P, pair = one * (size - 1) / (P - 1);
            for (int i = 0; i < P; i++) {
                chi2_one += (together[i][i] - one) * (together[i][i] - one) / one;
                for (int j = 0; j < i && size > 1; j++) {
                    chi2_pair += (together[i][j] - pair) * (together[i][j] - pair) / pair;
                }
            }
            assert_true(gsl_cdf_chisq_Q(chi2_one, P - 1) > 1e-6);
            assert_true(gsl_cdf_chisq_Q(chi2_pair, P * (P - 1) / 2 - 1) > 1e-6);
        }
    }
}

/* ---- the engine ---- */

/* One sample under full batch has the margin m = k eta |z|^2 after k steps, so that t* is the first time with m >=
 * kappa. */
static void one_sample_in_closed_form(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 3, 1, 1);
    double square = 0;
    for (size_t i = 0; i < 3; i++) {
        square += (double)set.rows[i] * (double)set.rows[i];
    }
    ch_perceptron_setup setup = setup_of(&set, 1, 0x1p-15 / square / 10.5);
    ch_perceptron model;
    ch_observation seen;
    assert_int_equal(ch_perceptron_init(&model, &setup, NULL), CH_OK);
    model.learner.advance(&model.learner, &no_limit);
    assert_int_equal(model.learner.progress.status, CH_FITTED);
    assert_int_equal(model.learner.progress.last_update, 11);
    assert_int_equal(model.learner.progress.updates, 11);
    assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
    assert_close(seen.min_margin, 11 / 10.5, 1e-12);
    assert_close(seen.weight_change, 11 * setup.rate * sqrt(square), 1e-12);
    ch_perceptron_free(&model);
    ch_sample_set_free(&set);
}

/* Training by its definition, in long double: after every update all margins are computed. */
typedef struct {
    uint64_t last_update, updates;
    long double weights[64];
} plain_truth;

static long double true_margin(const ch_sample_set *set, size_t mu, const long double *weights)
{
    long double sum = 0;
    for (size_t i = 0; i < set->dim; i++) {
        sum += (long double)ch_sample_set_row(set, mu)[i] * weights[i];
    }
    return sum;
}

static bool truly_fitted(const ch_sample_set *set, const ch_perceptron_setup *setup, const long double *weights)
{
    for (size_t mu = 0; mu < setup->num_samples; mu++) {
        if (true_margin(set, mu, weights) < (long double)setup->kappa) {
            return false;
        }
    }
    return true;
}

static plain_truth train_truly(const ch_sample_set *set, const ch_perceptron_setup *setup)
{
    plain_truth truth = {0};
    ch_random random;
    ch_random_init(&random, setup->seed_batch, CH_STREAM_BATCHES, 0);
    const uint32_t size = (uint32_t)setup->batch, num_samples = (uint32_t)setup->num_samples;
    uint32_t *batch = ch_alloc(num_samples, sizeof *batch);
    for (uint32_t mu = 0; mu < num_samples; mu++) {
        batch[mu] = mu;
    }
    bool active[2048];
    for (uint64_t step = 1; truth.updates == 0 || !truly_fitted(set, setup, truth.weights);) {
        bool updated = false;
        while (!updated) { /* no weight changes until then */
            if (size <= CH_SCANNED_BATCH) {
                ch_draw_scanned(&random, batch, size, num_samples);
            } else if (size < num_samples) {
                ch_draw_shuffled(&random, batch, size, num_samples);
            }
            for (uint32_t i = 0; i < size; i++) {
                active[i] = true_margin(set, batch[i], truth.weights) < (long double)setup->kappa;
                updated |= active[i];
            }
            for (uint32_t i = 0; i < size; i++) {
                for (size_t k = 0; active[i] && k < set->dim; k++) {
                    truth.weights[k] +=
                        (long double)setup->rate / size * (long double)ch_sample_set_row(set, batch[i])[k];
                }
            }
            truth.last_update = updated ? step : truth.last_update;
            step++;
        }
        truth.updates++;
    }
    free(batch);
    return truth;
}

static void agrees_with_the_definition(void **state)
{
    (void)state;
    static const struct {
        size_t dim, num_samples, batch;
        double chi, rate;
    } points[] = {
        {2, 5, 1, 0, 1},        {5, 64, 2, 0, 0.5},      {17, 100, 3, 1, 1e-3},      {33, 200, 16, 0.5, 1},
        {16, 300, 17, -0.5, 1}, {8, 64, 64, 1, 0x1p-16}, {20, 128, 100, 3, 0x1p-12},
    };
    const size_t count = is_under_valgrind() || is_sanitized() ? 3 : sizeof points / sizeof *points;
    for (size_t k = 0; k < count; k++) {
        ch_sample_set set = draw(points[k].chi, points[k].dim, 2 + k, points[k].num_samples);
        const ch_perceptron_setup setup = setup_of(&set, points[k].batch, points[k].rate);
        const plain_truth truth = train_truly(&set, &setup);
        ch_perceptron model;
        assert_int_equal(ch_perceptron_init(&model, &setup, NULL), CH_OK);
        model.learner.advance(&model.learner, &no_limit);
        assert_int_equal(model.learner.progress.status, CH_FITTED);
        assert_true(model.learner.progress.last_update == truth.last_update);
        assert_true(model.learner.progress.updates == truth.updates);
        const double tolerance = 1e-12 * sqrt(ch_norm2(model.weights, model.stride));
        for (size_t i = 0; i < set.dim; i++) {
            assert_in(model.weights[i] - (double)truth.weights[i], -tolerance, tolerance);
        }
        ch_perceptron_free(&model);
        ch_sample_set_free(&set);
    }
}

/* Limits are exact, and stopping on the way changes nothing. */
static void limits_are_exact(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 8, 6, 100);
    const ch_perceptron_setup setup = setup_of(&set, 2, 1);
    ch_perceptron whole, parts;
    assert_int_equal(ch_perceptron_init(&whole, &setup, NULL), CH_OK);
    assert_int_equal(ch_perceptron_init(&parts, &setup, NULL), CH_OK);
    whole.learner.advance(&whole.learner, &no_limit);
    parts.learner.advance(&parts.learner, &(ch_limit){.steps = UINT64_MAX, .updates = 5});
    assert_int_equal(parts.learner.progress.updates, 5);
    assert_int_equal(parts.learner.progress.steps, parts.learner.progress.last_update);
    for (uint64_t steps = 100; parts.learner.progress.status == CH_RUNNING; steps += 7) {
        ch_observation seen;
        parts.learner.advance(&parts.learner, &(ch_limit){.steps = steps, .updates = UINT64_MAX});
        assert_true(parts.learner.progress.steps == steps || parts.learner.progress.status == CH_FITTED);
        assert_int_equal(parts.learner.observe(&parts.learner, &seen, NULL), CH_OK);
        assert_int_equal(seen.unfitted == 0, parts.learner.progress.status == CH_FITTED);
    }
    assert_true(parts.learner.progress.last_update == whole.learner.progress.last_update);
    assert_true(parts.learner.progress.updates == whole.learner.progress.updates);
    assert_memory_equal(parts.weights, whole.weights, whole.stride * sizeof *whole.weights);
    ch_perceptron_free(&whole);
    ch_perceptron_free(&parts);
    ch_sample_set_free(&set);
}

static void observes_what_is_defined(void **state)
{
    (void)state;
    const ch_data_law law = {.chi = 1, .dim = 10, .random_teacher = true, .seed = 3};
    ch_sample_set set, test;
    assert_int_equal(ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, 200, 1, NULL, NULL), CH_OK);
    assert_int_equal(ch_sample_set_init(&test, &law, CH_STREAM_TEST_SAMPLES, 100000, 1, NULL, NULL), CH_OK);
    ch_perceptron_setup setup = setup_of(&set, 4, 0.25);
    setup.chi = 1;
    setup.num_samples = 150;
    setup.test = &test;
    ch_perceptron model;
    ch_observation start, seen, measured;
    assert_int_equal(ch_perceptron_init(&model, &setup, NULL), CH_OK);
    model.setup.test = NULL; /* the exact test error first */
    assert_int_equal(model.learner.observe(&model.learner, &start, NULL), CH_OK);
    assert_true(start.unfitted == 150 && start.train_error == 1 && start.signal == 0 && start.noise == 0);
    assert_true(start.min_margin == 0 && start.weight_change == 0 && start.test_error == 0.5);
    assert_close(start.train_loss, 0x1p-15, 1e-12);
    model.learner.advance(&model.learner, &(ch_limit){.steps = 30, .updates = UINT64_MAX});
    assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
    long double weights[64], norm = 0, signal = 0, loss = 0, least = INFINITY;
    uint64_t unfitted = 0, errors = 0;
    for (size_t i = 0; i < set.stride; i++) {
        weights[i] = (long double)model.weights[i];
        norm += weights[i] * weights[i];
        signal += weights[i] * (long double)set.teacher[i];
    }
    for (size_t mu = 0; mu < 150; mu++) {
        const long double margin = true_margin(&set, mu, weights);
        unfitted += margin < 0x1p-15L;
        errors += margin <= 0;
        loss += fmaxl(0, 0x1p-15L - margin);
        least = fminl(least, margin);
    }
    assert_true(seen.unfitted == unfitted && unfitted > 0);
    assert_close(seen.train_error, (double)errors / 150, 1e-15);
    assert_close(seen.train_loss, (double)(loss / 150), 1e-10);
    assert_close(seen.min_margin, (double)(least * 0x1p15L), 1e-10);
    assert_close(seen.weight_change, (double)sqrtl(norm), 1e-12);
    assert_close(seen.signal, (double)signal, 1e-12);
    assert_close(seen.noise, (double)sqrtl(norm - signal * signal), 1e-10);
    /* The exact test error agrees with that on 10^5 samples within five standard errors: false alarm 1e-6. */
    model.setup.test = &test;
    assert_int_equal(model.learner.observe(&model.learner, &measured, NULL), CH_OK);
    const double error = sqrt(seen.test_error * (1 - seen.test_error) / 1e5);
    assert_in(measured.test_error, seen.test_error - 5 * error, seen.test_error + 5 * error);
    ch_perceptron_free(&model);
    ch_sample_set_free(&set);
    ch_sample_set_free(&test);
}

/* A sample whose margin equals kappa to the last bit is fitted: it is not counted as unfitted, no update adds it, and a
 * run may end with it. A sample whose margin is the next smaller double is unfitted. */
static void margin_of_kappa_is_fitted(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 8, 6, 60);
    ch_perceptron_setup setup = setup_of(&set, 60, 0.5);
    ch_perceptron model;
    ch_observation seen;
    assert_int_equal(ch_perceptron_init(&model, &setup, NULL), CH_OK);
    model.learner.advance(&model.learner, &(ch_limit){.steps = UINT64_MAX, .updates = 12});
    assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
    uint32_t all[60];
    for (uint32_t mu = 0; mu < 60; mu++) {
        all[mu] = mu;
    }
    for (uint32_t mu = 0; mu < 60; mu++) {
        const double margin = ch_student_margin(&model, mu);
        uint64_t under = 0; /* number of margins that are smaller than this one */
        for (uint32_t nu = 0; nu < 60; nu++) {
            under += ch_student_margin(&model, nu) < margin;
        }
        for (uint32_t is_unfitted = 0; is_unfitted < 2 && margin > 0; is_unfitted++) {
            double sum = 0;
            model.setup.kappa = is_unfitted ? nextafter(margin, INFINITY) : margin;
            assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
            assert_true(seen.unfitted == under + is_unfitted);
            assert_true(ch_student_find_active(&model, &mu, 1, &sum) == is_unfitted);
            assert_true(ch_student_find_active(&model, all, 60, &sum) == under + is_unfitted);
            model.learner.progress.status = CH_RUNNING;
        }
    }
    double least = INFINITY; /* the least of all margins; with this kappa the run ends without a further update */
    model.weights[0] += 100;
    for (uint32_t mu = 0; mu < 60; mu++) {
        least = fmin(least, ch_student_margin(&model, mu));
    }
    assert_true(least > 0);
    const uint64_t updates = model.learner.progress.updates;
    model.setup.kappa = least;
    model.next_check = model.learner.progress.steps + 2;
    model.learner.progress.status = CH_RUNNING;
    model.learner.advance(&model.learner, &no_limit);
    assert_true(model.learner.progress.status == CH_FITTED && model.learner.progress.updates == updates);
    ch_perceptron_free(&model);
    ch_sample_set_free(&set);
}

/* |w0|^2 of w0 ~ N(0, I_d) has mean d and variance 2 d: five standard errors over 4000 seeds. */
static void initial_norm_is_gaussian(void **state)
{
    (void)state;
    double sum = 0;
    for (uint64_t seed = 0; seed < 4000; seed++) {
        sum += pow(ch_student_draw_norm_init(32, seed), 2);
    }
    assert_in(sum / 4000, 32 - 5 * sqrt(64.0 / 4000), 32 + 5 * sqrt(64.0 / 4000));
}

static void divergence_is_no_fit(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 8, 6, 100);
    static const double rates[] = {1e308, 1e200};
    for (size_t i = 0; i < 2; i++) {
        const ch_perceptron_setup setup = setup_of(&set, 2, rates[i]);
        ch_perceptron model;
        ch_observation seen;
        assert_int_equal(ch_perceptron_init(&model, &setup, NULL), CH_OK);
        model.learner.advance(&model.learner, &no_limit);
        assert_int_equal(model.learner.progress.status, CH_DIVERGED);
        assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
        assert_int_equal(model.learner.progress.status, CH_DIVERGED);
        assert_false(seen.test_error == 0);
        ch_perceptron_free(&model);
    }
    /* A sample whose margin is NaN counts as unfitted and as an error. */
    const ch_perceptron_setup setup = setup_of(&set, 2, 1);
    ch_perceptron model;
    ch_observation seen;
    assert_int_equal(ch_perceptron_init(&model, &setup, NULL), CH_OK);
    model.weights[3] = NAN;
    assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
    assert_true(seen.unfitted == 100 && seen.train_error == 1 && isnan(seen.min_margin));
    assert_int_equal(model.learner.progress.status, CH_DIVERGED);
    ch_perceptron_free(&model);
    ch_sample_set_free(&set);
}

static void refuses_setups(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 8, 6, 100);
    ch_perceptron_setup bad[8];
    for (size_t i = 0; i < 8; i++) {
        bad[i] = setup_of(&set, 2, 1);
    }
    bad[0].num_samples = 0;
    bad[1].num_samples = 101;
    bad[2].batch = 0;
    bad[3].batch = 101;
    bad[4].kappa = 0;
    bad[5].kappa = NAN;
    bad[6].rate = INFINITY;
    bad[7].rate = -1;
    for (size_t i = 0; i < 8; i++) {
        ch_perceptron model;
        ch_error err = {0};
        assert_int_equal(ch_perceptron_init(&model, &bad[i], &err), CH_ERROR_INPUT);
        assert_true(err.message[0] != '\0');
        ch_perceptron_free(&model);
    }
    ch_sample_set_free(&set);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 8, 6, 100);
    const ch_perceptron_setup setup = setup_of(&set, 2, 1);
    ch_perceptron model;
    ch_error err;
    long failed;
    assert_failures_are_told(failed, ch_perceptron_init(&model, &setup, &err), err, ch_perceptron_free(&model));
    assert_int_equal(failed, 5);
    ch_perceptron_free(&model);
    ch_sample_set_free(&set);
}

/* ---- theory ---- */

typedef struct {
    double chi, lambda;
} integrand_parameters;

/* The substitution u = v^{chi+1} removes the singularity at 0: dv v^chi = du / (chi + 1). */
static double error_integrand(double u, void *pointer)
{
    const integrand_parameters *p = pointer;
    const double v = pow(u, 1 / (p->chi + 1));
    return exp(-v * v / 2) * gsl_cdf_ugaussian_Q(p->lambda * v) / (p->chi + 1);
}

static double error_by_quadrature(double chi, double lambda)
{
    integrand_parameters parameters = {chi, lambda};
    gsl_function function = {error_integrand, &parameters};
    gsl_integration_workspace *workspace = gsl_integration_workspace_alloc(2000);
    double result = 0, error = 0;
    /* The integrand vanishes beyond v = 40 / max(1, lambda). */
    const double end = pow(40 / fmax(1, lambda), chi + 1);
    gsl_integration_qag(&function, 0, end, 0, 1e-12, 2000, GSL_INTEG_GAUSS61, workspace, &result, &error);
    gsl_integration_workspace_free(workspace);
    ch_perceptron_theory theory;
    assert_int_equal(ch_perceptron_theory_init(&theory, chi, NULL), CH_OK);
    return 2 / theory.z * result;
}

static void test_error_is_exact(void **state)
{
    (void)state;
    static const double chis[] = {-0.9, -0.5, 0, 0.5, 1, 2, 3, 10};
    for (double lambda = 1e-3; lambda < 1e5; lambda *= 3.7) {
        double error = 0, mirrored = 0;
        assert_int_equal(ch_linear_test_error(0, lambda * 5, 5, &error, NULL), CH_OK);
        assert_close(error, atan(1 / lambda) / M_PI, 1e-13);
        for (size_t c = 0; c < sizeof chis / sizeof *chis; c++) {
            assert_int_equal(ch_linear_test_error(chis[c], lambda, 1, &error, NULL), CH_OK);
            assert_int_equal(ch_linear_test_error(chis[c], -lambda, 1, &mirrored, NULL), CH_OK);
            assert_close(error, error_by_quadrature(chis[c], lambda), 1e-10);
            assert_close(mirrored, 1 - error, 1e-15);
        }
    }
}

static void test_error_at_the_edges(void **state)
{
    (void)state;
    double error = 0;
    assert_true(ch_linear_test_error(1, 0, 0, &error, NULL) == CH_OK && error == 0.5);
    assert_true(ch_linear_test_error(1, 1, 0, &error, NULL) == CH_OK && error == 0);
    assert_true(ch_linear_test_error(1, -1, 0, &error, NULL) == CH_OK && error == 1);
    assert_true(ch_linear_test_error(3, 1e300, 1e-300, &error, NULL) == CH_OK && error == 0);
    assert_true(ch_linear_test_error(3, 1e-300, 1e300, &error, NULL) == CH_OK);
    assert_close(error, 0.5, 1e-12);
    assert_int_equal(ch_linear_test_error(-1, 1, 1, &error, NULL), CH_ERROR_INPUT);
    assert_true(isnan(error));
    assert_int_equal(ch_linear_test_error(0, NAN, 1, &error, NULL), CH_ERROR_INPUT);
    assert_int_equal(ch_linear_test_error(0, 1, -1, &error, NULL), CH_ERROR_INPUT);
    assert_int_equal(ch_linear_test_error(0, 1, INFINITY, &error, NULL), CH_ERROR_INPUT);
}

static void theory_has_the_published_values(void **state)
{
    (void)state;
    ch_perceptron_theory theory;
    assert_int_equal(ch_perceptron_theory_init(&theory, 0, NULL), CH_OK);
    assert_close(theory.gamma, 1, 1e-15);
    assert_close(theory.b, 3, 1e-15);
    assert_close(theory.z, sqrt(2 * M_PI), 1e-14);
    assert_close(theory.unfitted, 1 / M_PI, 1e-14);
    assert_close(theory.mean_abs, sqrt(2 / M_PI), 1e-14);
    assert_int_equal(ch_perceptron_theory_init(&theory, 1, NULL), CH_OK);
    assert_true(theory.gamma == 0.5 && theory.b == 2 && theory.a == 0.5);
    assert_close(theory.unfitted, 0.25, 1e-14);                      /* Gamma(3/2) / (2 sqrt(pi)) */
    assert_close(theory.drift, 1.0 / 3 / sqrt(2 * M_PI) * 2, 1e-14); /* 2 M_3 / 3 / Z, M_3 = 2 / sqrt(2 pi), Z = 2 */
    assert_close(2 * sqrt(128) * theory.noise, 7.1, 0.01);           /* measured 7.2 to 8.2 at d = 128, T = 2 */
    for (double chi = -0.5; chi < 5; chi += 0.7) {                   /* eps -> n_chi lambda^-(chi+1) */
        double error = 0;
        assert_int_equal(ch_perceptron_theory_init(&theory, chi, NULL), CH_OK);
        assert_int_equal(ch_linear_test_error(chi, 1e5, 1, &error, NULL), CH_OK);
        assert_close(error, theory.unfitted * pow(1e5, -chi - 1), 1e-8);
    }
    assert_int_equal(ch_perceptron_theory_init(&theory, -1, NULL), CH_ERROR_INPUT);
    assert_int_equal(ch_perceptron_theory_init(&theory, NAN, NULL), CH_ERROR_INPUT);
}

/* ---- stopping ---- */

/* Samples of more entries than are summed over between two looks at the flag. */
enum { WIDE = 1 << 18, SEVERAL = 80 };

/* A step, and a look at all samples, that would take long end when the flag is raised or the time has come. */
static void stops_within_a_step(void **state)
{
    (void)state;
    skip_under_valgrind();
    ch_stop stop = 0;
    ch_watch watch = {.stop = &stop};
    ch_perceptron model;
    ch_sample_set train;
    ch_observation seen;
    ch_error err = {0};
    const ch_data_law law = {.dim = WIDE};
    const ch_limit limit = {1, 1};
    assert_int_equal(ch_sample_set_init_undrawn(&train, &law, SEVERAL, NULL), CH_OK);
    for (size_t mu = 0; mu < SEVERAL; mu++) { /* fitted by no weights, as the margin is 0 */
        memset(train.rows + mu * train.stride, 0, train.stride * sizeof *train.rows);
        train.rows[mu * train.stride] = 1;
    }
    const ch_perceptron_setup setup = {.train = &train,
                                       .num_samples = SEVERAL,
                                       .test = &train,
                                       .kappa = 0.5,
                                       .rate = 1,
                                       .batch = SEVERAL,
                                       .watch = &watch};
    assert_int_equal(ch_perceptron_init(&model, &setup, NULL), CH_OK);
    for (int by_time = 0; by_time < 2; by_time++) {
        stop = !by_time;
        watch.until = by_time ? 1e-9 : 0; /* long ago */
        model.learner.advance(&model.learner, &limit);
        assert_int_equal(model.learner.progress.steps, 0);
        assert_true(model.weights[0] == 0);
        assert_int_equal(model.learner.observe(&model.learner, &seen, &err), CH_ERROR_INTERRUPTED);
    }
    watch.until = 0;
    model.learner.advance(&model.learner, &limit);
    assert_int_equal(model.learner.progress.steps, 1);
    assert_close(model.weights[0], 1, 1e-12);
    assert_int_equal(model.learner.observe(&model.learner, &seen, &err), CH_OK);
    assert_int_equal(seen.unfitted, 0);
    stop = 1;
    ch_screen screen;
    assert_int_equal(ch_screen_init(&screen, &train, &watch, &err), CH_ERROR_INTERRUPTED);
    ch_perceptron_free(&model);
    ch_sample_set_free(&train);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_uniform),
        cmocka_unit_test(one_sample_in_closed_form),
        cmocka_unit_test(agrees_with_the_definition),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(observes_what_is_defined),
        cmocka_unit_test(margin_of_kappa_is_fitted),
        cmocka_unit_test(initial_norm_is_gaussian),
        cmocka_unit_test(divergence_is_no_fit),
        cmocka_unit_test(refuses_setups),
        cmocka_unit_test(survives_failing_allocations),
        cmocka_unit_test(test_error_is_exact),
        cmocka_unit_test(test_error_at_the_edges),
        cmocka_unit_test(stops_within_a_step),
        cmocka_unit_test(theory_has_the_published_values),
    };
    return cmocka_run_group_tests_name("perceptron", tests, NULL, NULL);
}
