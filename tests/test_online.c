/* test_online.c — averages over a fresh sample, the online ODE, predictions, and the student whose batches are fresh.
 */
#include "perceptron/online.c" /* its static parts are tested too */

#include "data/linear_error.h"
#include "data/rows.h"
#include "tests/alloc_fail.h"
#include "tests/support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_sf_hyperg.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const double chis[] = {-0.9, -0.5, 0, 0.3, 1, 2, 3, 10};

static gsl_integration_workspace *space;

static int make_space(void **state)
{
    (void)state;
    space = gsl_integration_workspace_alloc(CH_ONLINE_INTERVALS);
    return space == NULL ? -1 : 0;
}

static int free_space(void **state)
{
    (void)state;
    gsl_integration_workspace_free(space);
    return 0;
}

static ch_online_averages at(double chi, double margin, double lambda)
{
    ch_online_averages averages;
    ch_error err;
    if (ch_online_averages_quadrature(&averages, chi, margin, lambda, space, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return averages;
}

/* ---- averages ---- */

static void closed_forms_agree_with_quadrature(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNT(chis); c++) {
        for (double lambda = 1e-6; lambda < 1e7; lambda *= 9.7) {
            const ch_online_averages quadrature = at(chis[c], 0, lambda);
            ch_online_averages closed;
            assert_int_equal(ch_online_averages_closed(&closed, chis[c], lambda, NULL), CH_OK);
            assert_close(quadrature.unfitted, closed.unfitted, 1e-10);
            assert_close(quadrature.drift, closed.drift, 1e-10);
            assert_close(quadrature.contraction, closed.contraction, 1e-10);
            assert_close(quadrature.first, closed.first, 1e-10);
            assert_close(quadrature.second, closed.second, 1e-10);
        }
    }
}

/* E v^k phi(a - lambda v): completing the square leaves int_0^inf u^m e^{-u^2/2 + z u} du, m = chi + k,
 * z = a lambda / sqrt(1 + lambda^2), which is
 *   2^{(m-1)/2} [Gamma((m+1)/2) 1F1((m+1)/2, 1/2, z^2/2) + sqrt(2) z Gamma((m+2)/2) 1F1((m+2)/2, 3/2, z^2/2)]. */
static double density_moment(double chi, double k, double a, double lambda)
{
    const double m = chi + k, width = 1 / sqrt(1 + lambda * lambda), z = a * lambda * width;
    const double integral = pow(2, (m - 1) / 2) *
                            (gsl_sf_gamma((m + 1) / 2) * gsl_sf_hyperg_1F1((m + 1) / 2, 0.5, z * z / 2) +
                             M_SQRT2 * z * gsl_sf_gamma((m + 2) / 2) * gsl_sf_hyperg_1F1((m + 2) / 2, 1.5, z * z / 2));
    const double norm = pow(2, (chi + 1) / 2) * gsl_sf_gamma((chi + 1) / 2);
    return 2 / norm * exp(-a * a / 2) / sqrt(2 * M_PI) * pow(width, m + 1) * integral;
}

/* (2 / Z_1) int v e^{-v^2/2} Phi(a - lambda v) dv by parts:
 *   Phi(a) - lambda / sqrt(1 + lambda^2) e^{-a^2 / (2 (1 + lambda^2))} Phi(a lambda / sqrt(1 + lambda^2)). */
static double unfitted_at_chi_1(double a, double lambda)
{
    const double across = 1 + lambda * lambda;
    return normal_below(a) -
           lambda / sqrt(across) * exp(-a * a / (2 * across)) * normal_below(a * lambda / sqrt(across));
}

static void quadrature_agrees_with_closed_forms_at_a_margin(void **state)
{
    (void)state;
    static const double margins[] = {1e-4, 0.1, 1, 4}, lambdas[] = {1e-3, 0.3, 1, 7, 300};
    for (size_t i = 0; i < COUNT(margins); i++) {
        for (size_t k = 0; k < COUNT(lambdas); k++) {
            const double a = margins[i], lambda = lambdas[k];
            for (size_t c = 0; c < COUNT(chis); c++) {
                const ch_online_averages averages = at(chis[c], a, lambda);
                assert_close(averages.contraction, density_moment(chis[c], 0, a, lambda), 1e-10);
                assert_close(averages.first, density_moment(chis[c], 1, a, lambda), 1e-10);
                assert_close(averages.second, density_moment(chis[c], 2, a, lambda), 1e-10);
            }
            if (lambda <= 7) { /* for larger lambda the closed form is a difference of nearly equal numbers */
                assert_close(at(1, a, lambda).unfitted, unfitted_at_chi_1(a, lambda), 1e-10);
                assert_close(at(0, a, lambda).drift, sqrt(2 / M_PI) * unfitted_at_chi_1(a, lambda), 1e-10);
            }
        }
    }
}

/* Far under the margin every sample is unfitted. At a sharp step only v < a / lambda is, which has the probability (2 /
 * Z) v^{chi+1} / (chi + 1). */
static void averages_at_large_margins(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNT(chis); c++) {
        const double chi = chis[c], norm = pow(2, (chi + 1) / 2) * gsl_sf_gamma((chi + 1) / 2);
        const ch_online_averages all = at(chi, 1e8, 0.1), step = at(chi, 1e6, 1e9);
        assert_close(all.unfitted, 1, 1e-10);
        assert_close(all.drift, ch_linear_mean_distance(chi), 1e-10);
        assert_true(all.contraction == 0);
        assert_close(step.unfitted, 2 / norm * pow(1e-3, chi + 1) / (chi + 1), 1e-5);
        assert_close(step.contraction, 2 / norm * pow(1e-3, chi) / 1e9, 1e-5);
    }
}

static void averages_refuse(void **state)
{
    (void)state;
    static const double bad[][3] = {{-1, 0, 1},       {NAN, 0, 1}, {1001, 0, 1}, {1, -1, 1},
                                    {1, INFINITY, 1}, {1, 0, -1},  {1, 0, NAN}};
    ch_online_averages averages;
    for (size_t i = 0; i < COUNT(bad); i++) {
        ch_error err = {0};
        assert_int_equal(ch_online_averages_quadrature(&averages, bad[i][0], bad[i][1], bad[i][2], space, &err),
                         CH_ERROR_INPUT);
        assert_true(err.message[0] != '\0');
    }
    assert_int_equal(ch_online_averages_closed(&averages, -1, 1, NULL), CH_ERROR_INPUT);
    assert_int_equal(ch_online_averages_closed(&averages, 1, INFINITY, NULL), CH_ERROR_INPUT);
}

/* ---- the ODE ---- */

static ch_online_setup setup_of(double chi, size_t dim, double kappa, double temp, double rate)
{
    return (ch_online_setup){.chi = chi, .dim = dim, .kappa = kappa, .temp = temp, .rate = rate};
}

static ch_online_point point_at(const ch_online_setup *setup, double time)
{
    ch_online_ode ode;
    ch_online_point point = {0};
    ch_error err;
    if (ch_online_ode_init(&ode, setup, &err) != CH_OK || ch_online_ode_advance(&ode, time, &err) != CH_OK ||
        ch_online_ode_observe(&ode, &point, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    ch_online_ode_free(&ode);
    return point;
}

/* The equations in their plain form, in t, s and r^2. */
static int plain_rates(double time, const double state[], double derivative[], void *pointer)
{
    (void)time;
    const ch_online_setup *setup = pointer;
    const double d = (double)setup->dim, r = sqrt(state[1]);
    const ch_online_averages mean = at(setup->chi, setup->kappa * sqrt(d) / r, state[0] / r);
    derivative[0] = mean.drift / sqrt(d);
    derivative[1] = -2 * r * mean.contraction / sqrt(d) + setup->temp * mean.unfitted * (d - 1) / d +
                    (setup->rate - setup->temp) * mean.contraction * mean.contraction / d;
    return GSL_SUCCESS;
}

/* Compares with an explicit method of order 8 in the plain variables. */
static void ode_agrees_with_another_integrator(void **state)
{
    (void)state;
    skip_under_valgrind();
    const struct {
        ch_online_setup setup;
        double time;
    } cases[] = {
        {setup_of(1, 128, 0x1p-15, 1, 2), 2000},   {setup_of(-0.5, 64, 0x1p-15, 1, 1), 1000},
        {setup_of(3, 256, 0x1p-15, 0.5, 4), 3000}, {setup_of(0, 1024, 0.1, 0.00125, 0.01), 300},
        {setup_of(0, 64, 0, 1, 1), 1000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ch_online_setup setup = cases[i].setup;
        const double d = (double)setup.dim;
        double time = setup.rate;
        double plain[] = {setup.rate * ch_linear_mean_distance(setup.chi) / sqrt(d),
                          setup.rate * setup.temp * (d - 1) / d};
        gsl_odeiv2_system system = {plain_rates, NULL, 2, &setup};
        gsl_odeiv2_driver *driver =
            gsl_odeiv2_driver_alloc_y_new(&system, gsl_odeiv2_step_rk8pd, setup.rate / 100, 1e-12, 1e-9);
        assert_int_equal(gsl_odeiv2_driver_apply(driver, &time, cases[i].time, plain), GSL_SUCCESS);
        gsl_odeiv2_driver_free(driver);
        const ch_online_point point = point_at(&setup, cases[i].time);
        assert_close(point.signal, plain[0], 1e-6);
        assert_close(point.noise, sqrt(plain[1]), 1e-6);
    }
}

static void jacobian_is_the_derivative(void **state)
{
    (void)state;
    static const double states[][2] = {{-1, 0.5}, {2, 2.6}, {4, 2.5}};
    const double log_time = 3, step = 1e-4;
    const ch_online_setup setup = setup_of(0.7, 64, 0.05, 1, 3);
    ch_online_ode ode;
    assert_int_equal(ch_online_ode_init(&ode, &setup, NULL), CH_OK);
    for (size_t i = 0; i < COUNT(states); i++) {
        double matrix[4], explicit_time[2], above[2] = {0}, below[2] = {0};
        assert_int_equal(jacobian(log_time, states[i], matrix, explicit_time, &ode), GSL_SUCCESS);
        for (size_t k = 0; k < 3; k++) { /* derivatives by ln s, ln r^2 and ln t */
            double up[] = {states[i][0], states[i][1], log_time}, down[] = {states[i][0], states[i][1], log_time};
            up[k] += step;
            down[k] -= step;
            assert_int_equal(rates(up[2], up, above, &ode), GSL_SUCCESS);
            assert_int_equal(rates(down[2], down, below, &ode), GSL_SUCCESS);
            for (size_t j = 0; j < 2; j++) {
                const double exact = k < 2 ? matrix[2 * j + k] : explicit_time[j];
                assert_close((above[j] - below[j]) / (2 * step), exact, 1e-6);
            }
        }
    }
    ch_online_ode_free(&ode);
}

static void ode_starts_with_the_first_step(void **state)
{
    (void)state;
    const ch_online_setup setup = setup_of(0, 100, 0.5, 0.25, 2);
    const ch_online_point point = point_at(&setup, 2);
    assert_close(point.time, 2, 1e-15);
    assert_close(point.signal, 2 * sqrt(2 / M_PI) / 10, 1e-12);
    assert_close(point.noise, sqrt(2 * 0.25 * 0.99), 1e-12);
    assert_close(point.lambda, point.signal / point.noise, 1e-15);
}

/* As t -> inf: r = r* up to 1/d and lambda^-2, s^{chi+3} = growth r^{chi+2} t / sqrt(d), n = n_chi lambda^-(chi+1). */
static void ode_has_the_asymptotic_laws(void **state)
{
    (void)state;
    for (size_t c = 1; c < 7; c++) {
        ch_perceptron_theory theory;
        assert_int_equal(ch_perceptron_theory_init(&theory, chis[c], NULL), CH_OK);
        const ch_online_setup setup = setup_of(chis[c], 10000, 0, 1, 1);
        const double time = 1e18;
        const ch_online_point point = point_at(&setup, time);
        assert_true(point.lambda > 100);
        assert_close(point.noise, 100 * theory.noise, 1e-3);
        assert_close(pow(point.signal, chis[c] + 3), theory.growth * pow(point.noise, chis[c] + 2) * time / 100, 1e-2);
        assert_close(point.unfitted, theory.unfitted * pow(point.lambda, -chis[c] - 1), 1e-3);
        assert_close(point.test_error, point.unfitted, 1e-9);
    }
}

/* For T << kappa the noise stays where 2 r C / sqrt(d) = T n at a sharp step, which is at r^2 = T kappa d / (2 (chi +
 * 1)). */
static void ode_has_the_noise_of_a_wide_margin(void **state)
{
    (void)state;
    skip_under_valgrind();
    for (size_t c = 1; c < 7; c += 3) {
        const ch_online_setup setup = setup_of(chis[c], 10000, 1, 1e-6, 1e-6);
        const ch_online_point point = point_at(&setup, 1e7);
        assert_close(point.noise, sqrt(1e-6 * 10000 / (2 * (chis[c] + 1))), 5e-3);
        assert_true(point.unfitted > 2 * point.test_error);
    }
}

/* The loss is E max(0, kappa - m), summed over v and N on a grid. */
static void loss_is_the_mean(void **state)
{
    (void)state;
    skip_under_valgrind(); /* which would watch this sum and little else */
    const double s = 2, r = 1.5, kappa = 0.2, root = sqrt(50), h = 0.01;
    double sum = 0;
    for (double v = h / 2; v < 9; v += h) {
        for (double n = -9 + h / 2; n < 9; n += h) {
            sum += v * exp(-v * v / 2) * normal_density(n) * fmax(0, kappa - (s * v + r * n) / root) * h * h;
        }
    }
    const ch_online_averages mean = at(1, kappa * root / r, s / r);
    assert_close(ch_online_loss(&mean, kappa, s, r, 50), sum, 1e-4);
}

static void ode_refuses(void **state)
{
    (void)state;
    const ch_online_setup bad[] = {setup_of(-1, 8, 0, 1, 1), setup_of(NAN, 8, 0, 1, 1),      setup_of(0, 1, 0, 1, 1),
                                   setup_of(0, 8, -1, 1, 1), setup_of(0, 8, NAN, 1, 1),      setup_of(0, 8, 0, 0, 1),
                                   setup_of(0, 8, 0, 2, 1),  setup_of(0, 8, 0, 1, INFINITY), setup_of(0, 8, 0, NAN, 1)};
    for (size_t i = 0; i < COUNT(bad); i++) {
        ch_online_ode ode;
        ch_online_prediction prediction;
        ch_error err = {0};
        assert_int_equal(ch_online_ode_init(&ode, &bad[i], &err), CH_ERROR_INPUT);
        assert_true(err.message[0] != '\0');
        ch_online_ode_free(&ode);
        assert_int_equal(ch_online_predict(&prediction, &bad[i], 100, &err), CH_ERROR_INPUT);
    }
    static const double times[] = {0, 0.5, -1, NAN, INFINITY};
    const ch_online_setup setup = setup_of(0, 8, 0, 1, 1);
    ch_online_ode ode;
    assert_int_equal(ch_online_ode_init(&ode, &setup, NULL), CH_OK);
    for (size_t i = 0; i < COUNT(times); i++) {
        assert_int_equal(ch_online_ode_advance(&ode, times[i], NULL), CH_ERROR_INPUT);
    }
    ch_online_ode_free(&ode);
    ch_online_ode_free(&ode);
}

/* ---- predictions ---- */

static void predictions_are_consistent(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNT(chis); c++) {
        const double P = 1e8, d = 64, T = 0.5;
        ch_online_setup setup = setup_of(chis[c], 64, 0x1p-15, T, 2 * T);
        ch_perceptron_theory theory;
        ch_online_prediction prediction;
        assert_int_equal(ch_perceptron_theory_init(&theory, chis[c], NULL), CH_OK);
        assert_int_equal(ch_online_predict(&prediction, &setup, P, NULL), CH_OK);
        assert_close(theory.unfitted * pow(prediction.lambda, -chis[c] - 1) * P, d / 2, 1e-9);
        assert_close(prediction.noise, T * 8 * theory.unfitted * sqrt(M_PI / 2), 1e-12);
        assert_close(prediction.signal, prediction.lambda * prediction.noise, 1e-12);
        assert_close(prediction.temp_onset, 0x1p-15, 1e-15);
        /* At B* the first step is s*, and at T_c the weight change is sqrt(d). */
        const double end = prediction.signal, escape = prediction.temp_escape;
        setup.rate = T * prediction.batch;
        assert_int_equal(ch_online_predict(&prediction, &setup, P, NULL), CH_OK);
        assert_close(prediction.first_step, end, 1e-10);
        setup.temp = escape;
        setup.rate = escape;
        assert_int_equal(ch_online_predict(&prediction, &setup, P, NULL), CH_OK);
        assert_close(prediction.weight_change, 8, 1e-10);
    }
    /* Compares t* of the law with the ODE deep in the asymptotic regime. */
    const ch_online_setup setup = setup_of(1, 10000, 0, 1, 1);
    ch_online_prediction prediction;
    assert_int_equal(ch_online_predict(&prediction, &setup, 1e12, NULL), CH_OK);
    assert_close(point_at(&setup, prediction.time).lambda, prediction.lambda, 1e-3);
    assert_int_equal(ch_online_predict(&prediction, &setup, INFINITY, NULL), CH_OK);
    assert_true(isinf(prediction.time) && isinf(prediction.lambda) && prediction.temp_escape == 0);
    assert_int_equal(ch_online_predict(&prediction, &setup, 0, NULL), CH_ERROR_INPUT);
    assert_int_equal(ch_online_predict(&prediction, &setup, NAN, NULL), CH_ERROR_INPUT);
}

/* ---- the student ---- */

static ch_online_student_setup student_setup(size_t dim, size_t batch, double rate)
{
    return (ch_online_student_setup){
        .chi = 1, .dim = dim, .kappa = 0x1p-15, .rate = rate, .batch = batch, .seed_data = 3, .seed_init = 5};
}

/* The student does what its definition says: it takes the samples in their order, all at the same w. */
static void student_does_what_is_defined(void **state)
{
    (void)state;
    enum { STEPS = 200, BATCH = 3, DIM = 21 };
    const ch_online_student_setup setup = student_setup(DIM, BATCH, 0.7);
    const ch_data_law law = {.chi = 1, .dim = DIM, .seed = 3};
    ch_sample_set set;
    assert_int_equal(ch_sample_set_init(&set, &law, CH_STREAM_ONLINE_SAMPLES, STEPS * BATCH, 1, NULL, NULL), CH_OK);
    long double weights[DIM] = {0};
    uint64_t updates = 0;
    for (size_t step = 0; step < STEPS; step++) {
        bool active[BATCH], updated = false;
        for (size_t i = 0; i < BATCH; i++) {
            long double margin = 0;
            for (size_t k = 0; k < DIM; k++) {
                margin += (long double)ch_sample_set_row(&set, step * BATCH + i)[k] * weights[k];
            }
            active[i] = margin < 0x1p-15L;
            updated |= active[i];
        }
        for (size_t i = 0; i < BATCH; i++) {
            for (size_t k = 0; active[i] && k < DIM; k++) {
                weights[k] += 0.7L / BATCH * (long double)ch_sample_set_row(&set, step * BATCH + i)[k];
            }
        }
        updates += updated;
    }
    ch_online_student model;
    assert_int_equal(ch_online_student_init(&model, &setup, NULL), CH_OK);
    for (uint64_t steps = 1; steps <= STEPS; steps += 1 + steps / 3) { /* advances in pieces */
        model.learner.advance(&model.learner, &(ch_limit){.steps = steps, .updates = UINT64_MAX});
        assert_int_equal(model.learner.progress.steps, steps);
    }
    model.learner.advance(&model.learner, &(ch_limit){.steps = STEPS, .updates = UINT64_MAX});
    assert_int_equal(model.learner.progress.steps, STEPS);
    assert_int_equal(model.learner.progress.updates, updates);
    assert_int_equal(model.learner.progress.status, CH_RUNNING);
    for (size_t k = 0; k < DIM; k++) {
        assert_in(model.weights[k], (double)weights[k] - 1e-12, (double)weights[k] + 1e-12);
    }
    ch_online_student_free(&model);
    ch_sample_set_free(&set);
}

static void student_observes(void **state)
{
    (void)state;
    const ch_online_student_setup setup = student_setup(16, 2, 1);
    ch_online_student model;
    ch_observation seen;
    double error = 0;
    assert_int_equal(ch_online_student_init(&model, &setup, NULL), CH_OK);
    assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
    assert_true(seen.signal == 0 && seen.noise == 0 && seen.train_loss == 0x1p-15 && seen.test_error == 0.5);
    model.learner.advance(&model.learner, &(ch_limit){.steps = UINT64_MAX, .updates = 50});
    assert_int_equal(model.learner.progress.updates, 50);
    assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
    assert_close(hypot(seen.signal, seen.noise), seen.weight_change, 1e-12);
    assert_int_equal(ch_linear_test_error(1, seen.signal, seen.noise, &error, NULL), CH_OK);
    assert_true(seen.test_error == error && seen.train_error == error && seen.train_loss > 0);
    assert_true(seen.unfitted == CH_UNCOUNTED && isnan(seen.min_margin));
    assert_int_equal(model.learner.progress.status, CH_RUNNING);
    model.weights[3] = NAN;
    assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
    assert_int_equal(model.learner.progress.status, CH_DIVERGED);
    ch_online_student_free(&model);
}

/* A fresh sample whose margin equals kappa to the last bit is fitted, and does not move w. A sample whose margin is the
 * next smaller double moves it. */
static void student_takes_a_margin_of_kappa_as_fitted(void **state)
{
    (void)state;
    ch_online_student_setup setup = student_setup(16, 1, 1);
    const ch_data_law law = {.chi = setup.chi, .dim = setup.dim, .seed = setup.seed_data};
    ch_sample_set set;
    assert_int_equal(ch_sample_set_init(&set, &law, CH_STREAM_ONLINE_SAMPLES, 100, 1, NULL, NULL), CH_OK);
    size_t tried = 0;
    for (size_t mu = 0; mu < 100; mu++) {
        ch_online_student model;
        assert_int_equal(ch_online_student_init(&model, &setup, NULL), CH_OK);
        model.learner.advance(&model.learner, &(ch_limit){.steps = mu, .updates = UINT64_MAX});
        const double margin = ch_dot(ch_sample_set_row(&set, mu), model.weights, set.stride);
        const uint64_t updates = model.learner.progress.updates;
        for (uint64_t is_unfitted = 0; is_unfitted < 2 && margin > 0; is_unfitted++) {
            model.setup.kappa = is_unfitted ? nextafter(margin, INFINITY) : margin;
            model.learner.progress.steps = mu;
            model.learner.advance(&model.learner, &(ch_limit){.steps = mu + 1, .updates = UINT64_MAX});
            assert_true(model.learner.progress.updates == updates + is_unfitted);
            tried++;
        }
        ch_online_student_free(&model);
    }
    assert_true(tried > 50);
    ch_sample_set_free(&set);
}

static void student_diverges(void **state)
{
    (void)state;
    const ch_online_student_setup setup = student_setup(16, 2, 1e308);
    ch_online_student model;
    ch_observation seen;
    assert_int_equal(ch_online_student_init(&model, &setup, NULL), CH_OK);
    model.learner.advance(&model.learner, &(ch_limit){.steps = 1000, .updates = UINT64_MAX});
    assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
    assert_int_equal(model.learner.progress.status, CH_DIVERGED);
    assert_false(seen.test_error == 0);
    ch_online_student_free(&model);
}

static void student_refuses(void **state)
{
    (void)state;
    ch_online_student_setup bad[7];
    for (size_t i = 0; i < COUNT(bad); i++) {
        bad[i] = student_setup(16, 2, 1);
    }
    bad[0].batch = 0;
    bad[1].kappa = 0;
    bad[2].kappa = NAN;
    bad[3].rate = INFINITY;
    bad[4].rate = 0;
    bad[5].dim = 1;
    bad[6].chi = -1;
    for (size_t i = 0; i < COUNT(bad); i++) {
        ch_online_student model;
        ch_error err = {0};
        assert_int_equal(ch_online_student_init(&model, &bad[i], &err), CH_ERROR_INPUT);
        assert_true(err.message[0] != '\0');
        ch_online_student_free(&model);
    }
}

static void student_survives_failing_allocations(void **state)
{
    (void)state;
    const ch_online_student_setup setup = student_setup(16, 2, 1);
    ch_online_student model;
    ch_error err;
    long failed;
    assert_failures_are_told(failed, ch_online_student_init(&model, &setup, &err), err, ch_online_student_free(&model));
    assert_int_equal(failed, 6);
    ch_online_student_free(&model);
}

/* A step whose batch takes long to draw ends when the flag is raised, and is not taken. */
static void stops_within_a_step(void **state)
{
    (void)state;
    skip_under_valgrind();
    ch_stop stop = 1;
    const ch_watch watch = {.stop = &stop};
    const ch_limit limit = {1, 1};
    ch_online_student model, other;
    ch_online_student_setup setup = {
        .chi = 0, .dim = 1 << 16, .kappa = 1, .rate = 1, .batch = 40, .seed_data = 1, .watch = &watch};
    assert_int_equal(ch_online_student_init(&model, &setup, NULL), CH_OK);
    setup.watch = NULL;
    assert_int_equal(ch_online_student_init(&other, &setup, NULL), CH_OK);
    model.learner.advance(&model.learner, &limit);
    assert_int_equal(model.learner.progress.steps, 0);
    stop = 0;
    model.learner.advance(&model.learner, &limit);
    other.learner.advance(&other.learner, &limit);
    assert_int_equal(model.learner.progress.steps, 1);
    assert_memory_equal(model.weights, other.weights, setup.dim * sizeof *model.weights);
    ch_online_student_free(&model);
    ch_online_student_free(&other);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_forms_agree_with_quadrature),
        cmocka_unit_test(quadrature_agrees_with_closed_forms_at_a_margin),
        cmocka_unit_test(averages_at_large_margins),
        cmocka_unit_test(averages_refuse),
        cmocka_unit_test(ode_agrees_with_another_integrator),
        cmocka_unit_test(jacobian_is_the_derivative),
        cmocka_unit_test(ode_starts_with_the_first_step),
        cmocka_unit_test(ode_has_the_asymptotic_laws),
        cmocka_unit_test(ode_has_the_noise_of_a_wide_margin),
        cmocka_unit_test(loss_is_the_mean),
        cmocka_unit_test(ode_refuses),
        cmocka_unit_test(predictions_are_consistent),
        cmocka_unit_test(student_does_what_is_defined),
        cmocka_unit_test(student_observes),
        cmocka_unit_test(student_takes_a_margin_of_kappa_as_fitted),
        cmocka_unit_test(student_diverges),
        cmocka_unit_test(student_refuses),
        cmocka_unit_test(stops_within_a_step),
        cmocka_unit_test(student_survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("online", tests, make_space, free_space);
}
