/* test_network_learner.c — training of networks: compares every loss and dynamics with loops that follow the
 * definitions. */
#include "models/learner/state.h"

#include "core/draw.h"
#include "core/memory.h"
#include "perceptron/perceptron.h"
#include "tests/learner_support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <string.h>

static const ch_loss_kind losses[] = {CH_LOSS_HINGE, CH_LOSS_SOFTHINGE, CH_LOSS_QUADHINGE, CH_LOSS_MSE};
enum { NUM_LOSSES = 4 };

/* ---- the definitions, sample by sample, by passes in double ---- */

typedef struct {
    const ch_network_learner_setup *setup;
    ch_network_f64 net; /* computes one sample at a time */
    double *start;      /* f(w0, x) [P] */
    double *margins;    /* [P] */
    double *weights;
} truth;

static double true_output(truth *self, size_t mu)
{
    const uint32_t index = (uint32_t)mu;
    double output;
    ch_network_f64_forward(&self->net, self->setup->train->inputs, &index, 1, &output);
    return output;
}

static truth begin_truth(const ch_network_learner_setup *setup)
{
    truth self = {.setup = setup};
    assert_int_equal(ch_network_f64_init(&self.net, setup->architecture, 1, NULL), CH_OK);
    self.start = ch_alloc(setup->num_samples, sizeof *self.start);
    self.margins = ch_alloc(setup->num_samples, sizeof *self.margins);
    self.weights = ch_alloc(setup->architecture->num_weights, sizeof *self.weights);
    ch_architecture_draw(setup->architecture, setup->seed_init, self.weights);
    ch_network_f64_set_weights(&self.net, self.weights);
    for (size_t mu = 0; mu < setup->num_samples; mu++) {
        self.start[mu] = true_output(&self, mu);
    }
    return self;
}

static void free_truth(truth *self)
{
    ch_network_f64_free(&self->net);
    free(self->start);
    free(self->margins);
    free(self->weights);
}

static size_t truly_unfitted(truth *self)
{
    size_t count = 0;
    for (size_t mu = 0; mu < self->setup->num_samples; mu++) {
        self->margins[mu] = self->setup->train->labels[mu] * (true_output(self, mu) - self->start[mu]);
        count += !(self->margins[mu] >= self->setup->kappa);
    }
    return count;
}

/* w += sum of factors[i] g_mu over mu = samples[i], with all gradients at the same w.
 * @return the number of samples with a gradient */
static size_t truly_move(truth *self, const uint32_t *samples, size_t count, const double *factors)
{
    size_t active = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t mu = samples[i];
        const double y = self->setup->train->labels[mu];
        const double margin = y * (true_output(self, mu) - self->start[mu]);
        const double c = factors[i] * y * ch_loss_of(self->setup->loss)->slope(margin, self->setup->kappa);
        ch_network_f64_gradient(&self->net, &c, self->weights);
        active += c != 0;
    }
    ch_network_f64_set_weights(&self->net, self->weights);
    return active;
}

static void assert_same_weights(const ch_network_learner *model, const double *expected, double tolerance)
{
    const size_t num = model->state->num_weights;
    const double *weights = ch_network_learner_weights(model);
    double apart = 0, change = 0;
    for (size_t i = 0; i < num; i++) {
        apart += (weights[i] - expected[i]) * (weights[i] - expected[i]);
        change += (expected[i] - (double)model->state->start[i]) * (expected[i] - (double)model->state->start[i]);
    }
    assert_true(change > 0);
    assert_in(sqrt(apart / change), 0, tolerance);
}

/* ---- gradient descent ---- */

/* P is smaller or larger than the workspace, so that gradients come in one chunk or in several. */
static void gd_is_gradient_descent(void **state)
{
    (void)state;
    static const struct {
        size_t num_samples, steps;
    } sizes[] = {{37, 30}, {1500, 4}};
    for (size_t k = 0; k < (is_under_valgrind() ? 1 : 2) * NUM_LOSSES; k++) {
        const size_t num_samples = sizes[k / NUM_LOSSES].num_samples, steps = sizes[k / NUM_LOSSES].steps;
        ch_examples train = draw_examples(7, num_samples, 5);
        ch_architecture network = make_network(CH_ARCH_MLP_BIAS, 11, 2, train.shape);
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.loss = losses[k % NUM_LOSSES];
        setup.dynamics = CH_DYNAMICS_GD;
        setup.wide = true;
        setup.rate = 0.05;
        truth expected = begin_truth(&setup);
        ch_network_learner model = start(&setup);
        uint32_t all[1500];
        double factors[1500];
        for (size_t mu = 0; mu < num_samples; mu++) {
            all[mu] = (uint32_t)mu;
            factors[mu] = -setup.rate / (double)num_samples;
        }
        for (size_t step = 0; step < steps; step++) {
            assert_true(truly_unfitted(&expected) > 0);
            truly_move(&expected, all, num_samples, factors);
        }
        advance_to(&model.learner, steps, UINT64_MAX);
        assert_int_equal(model.learner.progress.steps, steps);
        assert_int_equal(model.learner.progress.updates, steps);
        assert_int_equal(model.learner.progress.last_update, steps);
        assert_int_equal(model.learner.progress.status, CH_RUNNING);
        assert_same_weights(&model, expected.weights, 1e-10);
        ch_network_learner_free(&model);
        free_truth(&expected);
        ch_architecture_free(&network);
        ch_examples_free(&train);
    }
}

/* A run ends at its last update, and is fitted exactly when no sample is unfitted. */
static void gd_ends_at_its_last_update(void **state)
{
    (void)state;
    ch_examples train = draw_examples(6, 20, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 16, 1, train.shape);
    ch_network_learner_setup setup = setup_of(&network, &train);
    setup.dynamics = CH_DYNAMICS_GD;
    setup.wide = true;
    setup.rate = 0.02;
    truth expected = begin_truth(&setup);
    ch_network_learner model = start(&setup);
    uint32_t all[20];
    double factors[20];
    uint64_t steps = 0;
    for (uint32_t mu = 0; mu < 20; mu++) {
        all[mu] = mu;
        factors[mu] = -setup.rate / 20;
    }
    for (; truly_unfitted(&expected) > 0; steps++) {
        truly_move(&expected, all, 20, factors);
    }
    assert_true(steps > 20);
    advance_to(&model.learner, UINT64_MAX, UINT64_MAX);
    assert_int_equal(model.learner.progress.status, CH_FITTED);
    assert_int_equal(model.learner.progress.last_update, steps);
    assert_int_equal(model.learner.progress.steps, steps);
    const ch_observation seen = observe(&model.learner);
    assert_true(seen.unfitted == 0 && seen.train_error == 0 && seen.train_loss == 0 && seen.min_margin >= 1);
    ch_network_learner_free(&model);
    free_truth(&expected);
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

/* ---- sgd ---- */

/* sgd uses the perceptron's batches, both where batches are scanned for repeats and where samples are shuffled. Under
 * the hinge it runs until it is fitted. */
static void sgd_is_sgd(void **state)
{
    (void)state;
    static const size_t batches[] = {1, 3, 17, 40};
    /* under valgrind every loss and every batch once */
    for (size_t k = 0; k < 4 * NUM_LOSSES; k += is_under_valgrind() ? NUM_LOSSES + 1 : 1) {
        ch_examples train = draw_examples(6, 40, 8);
        ch_architecture network = make_network(CH_ARCH_MLP, 16, 1, train.shape);
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.loss = losses[k % NUM_LOSSES];
        setup.batch = batches[k / NUM_LOSSES];
        setup.wide = true;
        setup.rate = 0.02 * (double)setup.batch;
        const uint64_t most_steps = setup.loss == CH_LOSS_HINGE ? UINT64_MAX : 60;
        truth expected = begin_truth(&setup);
        ch_network_learner model = start(&setup);
        ch_random random;
        ch_random_init(&random, setup.seed_batch, CH_STREAM_BATCHES, 0);
        uint32_t order[40];
        double factors[40];
        uint64_t steps = 0, last_update = 0, updates = 0;
        for (uint32_t mu = 0; mu < 40; mu++) {
            order[mu] = mu;
            factors[mu] = -setup.rate / (double)setup.batch;
        }
        while (truly_unfitted(&expected) > 0 && steps < most_steps) {
            if (setup.batch <= CH_SCANNED_BATCH) {
                ch_draw_scanned(&random, order, (uint32_t)setup.batch, 40);
            } else if (setup.batch < 40) {
                ch_draw_shuffled(&random, order, (uint32_t)setup.batch, 40);
            }
            steps++;
            if (truly_move(&expected, order, setup.batch, factors) > 0) {
                last_update = steps;
                updates++;
            }
        }
        advance_to(&model.learner, most_steps, UINT64_MAX);
        assert_int_equal(model.learner.progress.status, setup.loss == CH_LOSS_HINGE ? CH_FITTED : CH_RUNNING);
        assert_int_equal(model.learner.progress.updates, updates);
        assert_int_equal(model.learner.progress.last_update, last_update);
        assert_same_weights(&model, expected.weights, 1e-9);
        ch_network_learner_free(&model);
        free_truth(&expected);
        ch_architecture_free(&network);
        ch_examples_free(&train);
    }
}

/* ---- the perceptron as a linear network ---- */

/* x = y z sqrt(d) is exact where d is a power of 4, so that both learners have the same samples. */
static void linear_network_is_the_perceptron(void **state)
{
    (void)state;
    const ch_data_law law = {.chi = 0.5, .dim = 16, .seed = 8};
    ch_sample_set set;
    ch_examples train;
    assert_int_equal(ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, 60, 1, NULL, NULL), CH_OK);
    assert_int_equal(ch_examples_init_law(&train, &law, CH_STREAM_TRAIN_SAMPLES, 60, 1, NULL, NULL), CH_OK);
    ch_architecture network = make_network(CH_ARCH_PERCEPTRON, 0, 0, train.shape);
    assert_int_equal(network.num_weights, 16);
    static const size_t batches[] = {60, 1, 20};
    for (size_t k = 0; k < 3; k++) {
        const ch_perceptron_setup reference = {.train = &set,
                                               .num_samples = 60,
                                               .chi = 0.5,
                                               .kappa = 1e-3,
                                               .rate = 0.01,
                                               .batch = batches[k],
                                               .seed_batch = 4};
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.dynamics = batches[k] == 60 ? CH_DYNAMICS_GD : CH_DYNAMICS_SGD;
        setup.kappa = reference.kappa;
        setup.rate = reference.rate;
        setup.batch = reference.batch;
        setup.teacher = set.teacher;
        setup.chi = 0.5;
        setup.wide = true;
        ch_perceptron expected;
        assert_int_equal(ch_perceptron_init(&expected, &reference, NULL), CH_OK);
        ch_network_learner model = start(&setup);
        advance_to(&expected.learner, UINT64_MAX, UINT64_MAX);
        advance_to(&model.learner, UINT64_MAX, UINT64_MAX);
        assert_int_equal(expected.learner.progress.status, CH_FITTED);
        assert_int_equal(model.learner.progress.status, CH_FITTED);
        assert_int_equal(model.learner.progress.last_update, expected.learner.progress.last_update);
        assert_int_equal(model.learner.progress.updates, expected.learner.progress.updates);
        const ch_observation seen = observe(&model.learner), there = observe(&expected.learner);
        assert_close(seen.signal, there.signal, 1e-9);
        assert_close(seen.noise, there.noise, 1e-9);
        assert_close(seen.weight_change, there.weight_change, 1e-9);
        assert_close(seen.min_margin, there.min_margin, 1e-9);
        assert_close(seen.test_error, there.test_error, 1e-9);
        ch_perceptron_free(&expected);
        ch_network_learner_free(&model);
    }
    ch_architecture_free(&network);
    ch_examples_free(&train);
    ch_sample_set_free(&set);
}

/* ---- unfitted ---- */

/* Each step moves along min(B, U) different unfitted samples. For the linear network with d >= P, Dw is a combination
 * of the x_mu, and its coefficients show which samples were used. */
static void unfitted_draws_from_the_unfitted(void **state)
{
    (void)state;
    enum { P = 24, DIM = 64, B = 5 };
    ch_examples train = draw_examples(DIM, P, 8);
    ch_architecture network = make_network(CH_ARCH_PERCEPTRON, 0, 0, train.shape);
    memset(train.inputs, 0, P * DIM * sizeof *train.inputs);
    for (size_t mu = 0; mu < P; mu++) {
        /* |x|^2 / d = 1 + mu, and x points along axis mu */
        train.inputs[mu * DIM + mu] = (float)(8 * sqrt(1 + (double)mu));
    }
    ch_network_learner_setup setup = setup_of(&network, &train);
    setup.dynamics = CH_DYNAMICS_UNFITTED;
    setup.wide = true;
    setup.batch = B;
    setup.rate = B * setup.kappa / 3.5; /* sample mu is fitted after ceil(3.5 / (1 + mu)) of its updates */
    ch_network_learner model = start(&setup);
    double before[DIM];
    size_t uses[P] = {0};
    uint64_t steps = 0;
    while (model.learner.progress.status == CH_RUNNING) {
        size_t unfitted = 0, moved = 0;
        for (size_t mu = 0; mu < P; mu++) {
            unfitted += (double)uses[mu] * (1 + (double)mu) < 3.5;
        }
        memcpy(before, ch_network_learner_weights(&model), sizeof before);
        advance_to(&model.learner, ++steps, UINT64_MAX);
        for (size_t mu = 0; mu < P; mu++) {
            const double moves = fabs(ch_network_learner_weights(&model)[mu] - before[mu]);
            if (moves > 0) {
                assert_close(moves, setup.rate / B * (double)train.inputs[mu * DIM + mu] / 8, 1e-9);
                assert_true((double)uses[mu] * (1 + (double)mu) < 3.5);
                uses[mu]++;
                moved++;
            }
        }
        assert_int_equal(moved, unfitted < B ? unfitted : B);
    }
    assert_int_equal(model.learner.progress.status, CH_FITTED);
    for (size_t mu = 0; mu < P; mu++) {
        assert_int_equal(uses[mu], mu == 0 ? 4 : mu < 3 ? 2 : 1);
    }
    ch_network_learner_free(&model);
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

/* ---- the stochastic differential equation ---- */

/* The sde follows its formula term by term, with the noise of its stream. */
static void sde_is_its_formula(void **state)
{
    (void)state;
    for (size_t k = 0; k < NUM_LOSSES; k++) {
        ch_examples train = draw_examples(6, 30, 8);
        ch_architecture network = make_network(CH_ARCH_MLP_BIAS, 9, 2, train.shape);
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.dynamics = CH_DYNAMICS_SDE;
        setup.loss = losses[k];
        setup.batch = 4;
        setup.wide = true;
        truth expected = begin_truth(&setup);
        ch_network_learner model = start(&setup);
        ch_random random;
        ch_random_init(&random, setup.seed_batch, CH_STREAM_NOISE, 0);
        const gsl_rng gsl = ch_random_gsl(&random);
        for (size_t step = 0; step < 10; step++) {
            /* sum_mu xi_mu (g_mu - mean g) has the factor xi_mu for g_mu, and - sum_nu xi_nu / P for every g_mu. */
            double xi[30], factors[30], sum = 0;
            uint32_t all[30];
            for (uint32_t mu = 0; mu < 30; mu++) {
                xi[mu] = gsl_ran_gaussian_ziggurat(&gsl, 1.0);
                sum += xi[mu];
                all[mu] = mu;
            }
            for (size_t mu = 0; mu < 30; mu++) {
                factors[mu] = -setup.rate / 30 +
                              setup.rate * sqrt(1.0 / 4 * (30 - 4) / (30 - 1)) / sqrt(30) * (xi[mu] - sum / 30);
            }
            truly_move(&expected, all, 30, factors);
        }
        advance_to(&model.learner, 10, UINT64_MAX);
        assert_same_weights(&model, expected.weights, 1e-9);
        ch_network_learner_free(&model);
        free_truth(&expected);
        ch_architecture_free(&network);
        ch_examples_free(&train);
    }
}

/* With B = P there is no noise. */
static void sde_of_full_batches_is_gd(void **state)
{
    (void)state;
    ch_examples train = draw_examples(6, 30, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 9, 2, train.shape);
    /* includes P = 1, where the formula has 0 / 0 */
    for (size_t num_samples = 1; num_samples <= 30; num_samples += 29) {
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.num_samples = setup.batch = num_samples;
        setup.dynamics = CH_DYNAMICS_SDE;
        ch_network_learner sde = start(&setup);
        setup.dynamics = CH_DYNAMICS_GD;
        ch_network_learner gd = start(&setup);
        advance_to(&sde.learner, 5, UINT64_MAX);
        advance_to(&gd.learner, 5, UINT64_MAX);
        assert_memory_equal(ch_network_learner_weights(&sde), ch_network_learner_weights(&gd),
                            network.num_weights * sizeof(double));
        ch_network_learner_free(&sde);
        ch_network_learner_free(&gd);
    }
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gd_is_gradient_descent),
        cmocka_unit_test(gd_ends_at_its_last_update),
        cmocka_unit_test(sgd_is_sgd),
        cmocka_unit_test(linear_network_is_the_perceptron),
        cmocka_unit_test(unfitted_draws_from_the_unfitted),
        cmocka_unit_test(sde_is_its_formula),
        cmocka_unit_test(sde_of_full_batches_is_gd),
    };
    return cmocka_run_group_tests_name("network learner", tests, NULL, NULL);
}
