/* test_network_flow.c — compares gradient flow with closed forms, with its own tolerance, and with gradient descent of
 * small steps. */
#include "models/learner/flow.h"

#include "tests/learner_support.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>
#include <string.h>

enum { DIM = 6, NUM = 25 };

/* Under mse a linear network follows dDw/dt = -(alpha A Dw - b) with A = sum x x^T / (P d) and b = sum y x / (P
 * sqrt(d)). Along each eigenvector of A, with eigenvalue a, this gives Dw = b (1 - exp(-alpha a t)) / (alpha a). */
static void closed_form(const ch_examples *train, double kappa, double time, double change[DIM])
{
    gsl_matrix *covariance = gsl_matrix_calloc(DIM, DIM), *vectors = gsl_matrix_alloc(DIM, DIM);
    gsl_vector *values = gsl_vector_alloc(DIM);
    gsl_eigen_symmv_workspace *space = gsl_eigen_symmv_alloc(DIM);
    double b[DIM] = {0};
    for (size_t mu = 0; mu < NUM; mu++) {
        const float *x = ch_examples_input(train, mu);
        for (size_t i = 0; i < DIM; i++) {
            b[i] += train->labels[mu] * (double)x[i] / (NUM * sqrt(DIM));
            for (size_t j = 0; j < DIM; j++) {
                *gsl_matrix_ptr(covariance, i, j) += (double)x[i] * (double)x[j] / (NUM * DIM);
            }
        }
    }
    assert_int_equal(gsl_eigen_symmv(covariance, values, vectors, space), 0);
    memset(change, 0, DIM * sizeof *change);
    for (size_t k = 0; k < DIM; k++) {
        const double a = gsl_vector_get(values, k) / kappa;
        double along = 0;
        for (size_t i = 0; i < DIM; i++) {
            along += b[i] * gsl_matrix_get(vectors, i, k);
        }
        for (size_t i = 0; i < DIM; i++) {
            change[i] += along * -expm1(-a * time) / a * gsl_matrix_get(vectors, i, k);
        }
    }
    gsl_eigen_symmv_free(space);
    gsl_vector_free(values);
    gsl_matrix_free(vectors);
    gsl_matrix_free(covariance);
}

/* The largest difference of an output from the closed form, in units of kappa. */
static double apart(const ch_network_learner *model, const double change[DIM])
{
    const ch_network_learner_setup *setup = &model->state->setup;
    double most = 0;
    for (size_t mu = 0; mu < NUM; mu++) {
        const float *x = ch_examples_input(setup->train, mu);
        double sum = 0;
        for (size_t i = 0; i < DIM; i++) {
            const double here = ch_network_learner_weights(model)[i] - (double)model->state->start[i];
            sum += (here - change[i]) * (double)x[i] / sqrt(DIM);
        }
        most = larger_or_nan(most, fabs(sum) / setup->kappa);
    }
    return most;
}

/* The error of the flow under mse at a time, for a tolerance and a number of stretches. */
static double flow_error(double tolerance, double time, uint64_t stretches)
{
    ch_examples train = draw_examples(DIM, NUM, 8);
    ch_architecture network = make_network(CH_ARCH_PERCEPTRON, 0, 0, train.shape);
    ch_network_learner_setup setup = setup_of(&network, &train);
    double expected[DIM];
    setup.dynamics = CH_DYNAMICS_FLOW;
    setup.loss = CH_LOSS_MSE;
    setup.rate = time / (double)stretches;
    ch_network_learner model = start(&setup);
    model.flow->tolerance = tolerance;
    advance_to(&model.learner, stretches, UINT64_MAX);
    assert_true(model.learner.progress.status == CH_RUNNING && model.learner.progress.steps == stretches);
    closed_form(&train, setup.kappa, time, expected);
    const double error = apart(&model, expected);
    ch_network_learner_free(&model);
    ch_architecture_free(&network);
    ch_examples_free(&train);
    return error;
}

/* With kappa = 0.01 and eigenvalues of some 0.3, outputs relax within a time of 0.03. */
static void flow_follows_the_closed_form(void **state)
{
    (void)state;
    static const double times[] = {1e-3, 0.01, 0.03, 0.1, 1};
    for (size_t k = 0; k < 5; k++) {
        assert_in(flow_error(1e-3, times[k], 1), 0, 3e-3);
        assert_in(flow_error(1e-3, times[k], 7), 0, 3e-3); /* for any stretches */
        assert_in(flow_error(1e-3, times[k], 200), 0, 3e-3);
        assert_in(flow_error(1e-8, times[k], 3), 0, 1e-7);
    }
}

/* The local error is of the third order in the step h, and the global error h^3 falls in proportion to the tolerance.
 */
static void error_follows_the_tolerance(void **state)
{
    (void)state;
    const double coarse = flow_error(1e-4, 0.03, 1), fine = flow_error(1e-7, 0.03, 1);
    assert_in(fine / coarse, 2e-4, 5e-3);
}

/* Richardson's argument: where nothing has a kink, gradient descent of step eta is off by O(eta), so that halving eta
 * halves the distance to the flow. */
static void flow_is_the_limit_of_gd(void **state)
{
    (void)state;
    static const ch_loss_kind losses[] = {CH_LOSS_MSE, CH_LOSS_QUADHINGE, CH_LOSS_SOFTHINGE};
    ch_examples train = draw_examples(DIM, NUM, 8);
    const ch_network_spec spec = {CH_ARCH_MLP, .width = 12, 2, CH_ACTIVATION_GELU, train.shape};
    ch_architecture network;
    assert_int_equal(ch_architecture_init(&network, &spec, NULL), CH_OK);
    for (size_t k = 0; k < 3; k++) {
        ch_network_learner_setup setup = setup_of(&network, &train);
        double distances[3];
        setup.loss = losses[k];
        setup.kappa = 0.1;
        setup.wide = true;
        setup.dynamics = CH_DYNAMICS_FLOW;
        setup.rate = 0.2;
        ch_network_learner flow = start(&setup);
        flow.flow->tolerance = 1e-8;
        advance_to(&flow.learner, 3, UINT64_MAX);
        assert_int_equal(flow.learner.progress.status, CH_RUNNING);
        for (uint64_t halving = 0; halving < 3; halving++) {
            const uint64_t steps = UINT64_C(300) << halving;
            setup.dynamics = CH_DYNAMICS_GD;
            setup.rate = 0.6 / (double)steps;
            ch_network_learner gd = start(&setup);
            advance_to(&gd.learner, steps, UINT64_MAX);
            double square = 0;
            for (size_t i = 0; i < network.num_weights; i++) {
                const double off = ch_network_learner_weights(&gd)[i] - ch_network_learner_weights(&flow)[i];
                square += off * off;
            }
            distances[halving] = sqrt(square);
            ch_network_learner_free(&gd);
        }
        assert_in(distances[1] / distances[0], 0.48, 0.52);
        assert_in(distances[2] / distances[1], 0.48, 0.52);
        ch_network_learner_free(&flow);
    }
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

/* Under the hinge the slopes jump. The flow still ends, fitted, where gradient descent of small steps ends:
 * of 190,000 steps, which agrees in time to 2e-6 and in ||Dw|| to 6e-5. */
static void flow_fits_under_the_hinge(void **state)
{
    (void)state;
    if (is_sanitized()) {
        skip(); /* takes 190,000 steps; the cases above make the same passes */
    }
    ch_examples train = draw_examples(DIM, NUM, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 12, 2, train.shape);
    ch_network_learner_setup setup = setup_of(&network, &train);
    setup.wide = true;
    setup.dynamics = CH_DYNAMICS_FLOW;
    setup.rate = 1e-3;
    ch_network_learner flow = start(&setup);
    advance_to(&flow.learner, UINT64_MAX, UINT64_MAX);
    assert_int_equal(flow.learner.progress.status, CH_FITTED);
    setup.dynamics = CH_DYNAMICS_GD;
    setup.rate = 1e-4;
    ch_network_learner gd = start(&setup);
    advance_to(&gd.learner, UINT64_MAX, UINT64_MAX);
    assert_int_equal(gd.learner.progress.status, CH_FITTED);
    const double time = 1e-3 * (double)flow.learner.progress.last_update;
    assert_close(time, 1e-4 * (double)gd.learner.progress.last_update, 1e-3);
    assert_close(observe(&flow.learner).weight_change, observe(&gd.learner).weight_change, 1e-3);
    assert_true(observe(&flow.learner).min_margin >= 1 && observe(&flow.learner).min_margin < 1.01);
    ch_network_learner_free(&flow);
    ch_network_learner_free(&gd);
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flow_follows_the_closed_form),
        cmocka_unit_test(error_follows_the_tolerance),
        cmocka_unit_test(flow_is_the_limit_of_gd),
        cmocka_unit_test(flow_fits_under_the_hinge),
    };
    return cmocka_run_group_tests_name("network flow", tests, NULL, NULL);
}
