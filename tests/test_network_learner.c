/* test_network_learner.c — training of networks: every loss and dynamics against loops that follow the definitions. */
#include "models/network_learner_private.h"

#include "perceptron/draw.h"
#include "perceptron/perceptron.h"
#include "tests/alloc_fail.h"
#include "tests/learner_support.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <string.h>

static const ch_loss losses[] = {CH_LOSS_HINGE, CH_LOSS_SOFTHINGE, CH_LOSS_QUADHINGE, CH_LOSS_MSE};
enum { NUM_LOSSES = 4 };

/* ---- the definitions, sample by sample, by passes in double ---- */

typedef struct {
    const ch_network_learner_setup *setup;
    ch_network_f64 net; /* one sample at a time */
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

/* w += sum of factors[i] g_mu over mu = samples[i], the gradients all at the same w; returns samples with a gradient */
static size_t truly_move(truth *self, const uint32_t *samples, size_t count, const double *factors)
{
    size_t active = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t mu = samples[i];
        const double y = self->setup->train->labels[mu];
        const double margin = y * (true_output(self, mu) - self->start[mu]);
        const double c = factors[i] * y * ch_loss_slope(self->setup->loss, margin, self->setup->kappa);
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

/* P over and under the workspace, so that gradients come in one chunk or in several. */
static void gd_is_gradient_descent(void **state)
{
    (void)state;
    static const struct {
        size_t num_samples, steps;
    } sizes[] = {{37, 30}, {1500, 4}};
    for (size_t k = 0; k < 2 * NUM_LOSSES; k++) {
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

/* The end: fitted exactly when no sample is unfitted, at the last update. */
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

/* By the perceptron's batches, for batches scanned for repeats and shuffled; until fitted under the hinge. */
static void sgd_is_sgd(void **state)
{
    (void)state;
    static const size_t batches[] = {1, 3, 17, 40};
    for (size_t k = 0; k < 4 * NUM_LOSSES; k++) {
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

/* Limits are exact in steps and updates, and stopping on the way changes no bit: both engines, every dynamics. */
static void limits_are_exact(void **state)
{
    (void)state;
    ch_examples train = draw_examples(6, 40, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 16, 1, train.shape);
    static const struct {
        ch_dynamics dynamics;
        bool fast;
        double rate;
        uint64_t steps;
    } cases[] = {{CH_DYNAMICS_SGD, false, 0.02, 2000},    {CH_DYNAMICS_SGD, true, 0.02, 2000},
                 {CH_DYNAMICS_GD, false, 0.02, 50},       {CH_DYNAMICS_SDE, false, 0.02, 50},
                 {CH_DYNAMICS_UNFITTED, false, 0.02, 50}, {CH_DYNAMICS_FLOW, false, 0.05, 20}};
    for (size_t k = 0; k < 6; k++) {
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.dynamics = cases[k].dynamics;
        setup.fast = cases[k].fast;
        setup.rate = cases[k].rate;
        ch_network_learner at_once = start(&setup), by_steps = start(&setup), by_updates = start(&setup);
        advance_to(&at_once.learner, cases[k].steps, UINT64_MAX);
        const ch_progress *end = &at_once.learner.progress;
        assert_true(!setup.fast || at_once.state->ahead.looks > 2);
        assert_true(end->updates > 10 && (end->status == CH_FITTED || end->steps == cases[k].steps));
        for (uint64_t steps = 1; by_steps.learner.progress.status == CH_RUNNING && steps <= cases[k].steps; steps++) {
            advance_to(&by_steps.learner, steps, UINT64_MAX);
            assert_true(by_steps.learner.progress.steps == steps || by_steps.learner.progress.status == CH_FITTED);
            if (steps % 7 == 0) {
                (void)observe(&by_steps.learner);
                by_steps.learner.progress.status = CH_RUNNING;
            }
        }
        for (uint64_t updates = 1; updates <= end->updates; updates++) {
            advance_to(&by_updates.learner, cases[k].steps, updates);
            assert_int_equal(by_updates.learner.progress.updates, updates);
        }
        assert_int_equal(by_steps.learner.progress.last_update, end->last_update);
        assert_int_equal(by_updates.learner.progress.last_update, end->last_update);
        const size_t bytes = network.num_weights * sizeof(double);
        const double *expected = ch_network_learner_weights(&at_once);
        assert_memory_equal(ch_network_learner_weights(&by_steps), expected, bytes);
        assert_memory_equal(ch_network_learner_weights(&by_updates), expected, bytes);
        ch_network_learner_free(&at_once);
        ch_network_learner_free(&by_steps);
        ch_network_learner_free(&by_updates);
    }
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

/* Before its first look at all samples the fast engine takes the plain one's steps to the bit, in either precision, and
 * for batches that fit the workspace once, often, or not at all. */
static void fast_takes_the_same_steps(void **state)
{
    (void)state;
    static const size_t batches[] = {1, 2, 5, 100, 600, 1500};
    ch_examples train = draw_examples(6, 2000, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 16, 2, train.shape);
    for (size_t k = 0; k < 12; k++) {
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.batch = batches[k / 2];
        setup.wide = k % 2;
        setup.rate = 0.004 * (double)setup.batch;
        ch_network_learner plain = start(&setup);
        setup.fast = true;
        ch_network_learner fast = start(&setup);
        const size_t bytes = network.num_weights * sizeof(double);
        size_t most_ahead = 1;
        for (uint64_t steps = 50; fast.state->ahead.num_active == UINT32_MAX && steps <= 500; steps += 50) {
            advance_to(&plain.learner, steps, UINT64_MAX);
            advance_to(&fast.learner, steps, UINT64_MAX);
            if (fast.state->ahead.num_active < UINT32_MAX) {
                break;
            }
            const ch_progress *seen = &fast.learner.progress, *expected = &plain.learner.progress;
            assert_true(seen->steps == expected->steps && seen->updates == expected->updates);
            assert_true(seen->last_update == expected->last_update && seen->status == expected->status);
            assert_memory_equal(ch_network_learner_weights(&fast), ch_network_learner_weights(&plain), bytes);
            most_ahead = fast.state->ahead.ahead > most_ahead ? fast.state->ahead.ahead : most_ahead;
        }
        assert_true(fast.learner.progress.updates >= 20 && fast.learner.progress.steps >= 50);
        assert_true(most_ahead > 1 || setup.batch > 5);
        ch_network_learner_free(&plain);
        ch_network_learner_free(&fast);
    }
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

/* The end of the fast engine is one: every sample fitted, in few looks, the last update what it says. */
static void fast_ends_fitted(void **state)
{
    (void)state;
    ch_examples train = draw_examples(6, 300, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 16, 1, train.shape);
    for (size_t batch = 1; batch <= 300; batch += 23) {
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.batch = batch;
        setup.rate = 0.005 * (double)batch;
        setup.fast = true;
        ch_network_learner model = start(&setup);
        advance_to(&model.learner, UINT64_MAX, UINT64_MAX);
        const ch_progress *progress = &model.learner.progress;
        assert_int_equal(progress->status, CH_FITTED);
        assert_true(progress->last_update <= progress->steps && progress->updates <= progress->last_update);
        assert_true(progress->updates > 20);
        assert_true(observe(&model.learner).unfitted == 0);
        ch_network_learner_free(&model);
    }
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

/* ---- the perceptron as a linear network ---- */

/* x = y z sqrt(d) is exact for d a power of 4, so that both see the same samples. */
static void linear_network_is_the_perceptron(void **state)
{
    (void)state;
    const ch_data_law law = {.chi = 0.5, .dim = 16, .seed = 8};
    ch_sample_set set;
    ch_examples train;
    assert_int_equal(ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, 60, 1, NULL, NULL), CH_OK);
    assert_int_equal(ch_examples_init_law(&train, &law, CH_STREAM_TRAIN_SAMPLES, 60, 1, NULL, NULL), CH_OK);
    ch_architecture network = make_network(CH_ARCH_LINEAR, 0, 0, train.shape);
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

/* Each step moves along min(B, U) different unfitted samples: of the linear network with d >= P, Dw is a combination of
 * the x_mu whose coefficients tell the samples. */
static void unfitted_draws_from_the_unfitted(void **state)
{
    (void)state;
    enum { P = 24, DIM = 64, B = 5 };
    ch_examples train = draw_examples(DIM, P, 8);
    ch_architecture network = make_network(CH_ARCH_LINEAR, 0, 0, train.shape);
    memset(train.inputs, 0, P * DIM * sizeof *train.inputs);
    for (size_t mu = 0; mu < P; mu++) {
        train.inputs[mu * DIM + mu] = (float)(8 * sqrt(1 + (double)mu)); /* |x|^2 / d = 1 + mu, along axis mu */
    }
    ch_network_learner_setup setup = setup_of(&network, &train);
    setup.dynamics = CH_DYNAMICS_UNFITTED;
    setup.wide = true;
    setup.batch = B;
    setup.rate = B * setup.kappa / 3.5; /* sample mu is fitted by its ceil(3.5 / (1 + mu))-th update */
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

/* Its formula, term by term, with the noise of its stream. */
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
            /* sum_mu xi_mu (g_mu - mean g): xi_mu of g_mu, and - sum_nu xi_nu / P of every g_mu */
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
    for (size_t num_samples = 1; num_samples <= 30; num_samples += 29) { /* also P = 1, where the formula has 0 / 0 */
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

/* ---- what ends badly ---- */

static void divergence_is_noticed(void **state)
{
    (void)state;
    ch_examples train = draw_examples(6, 30, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 16, 2, train.shape);
    static const ch_dynamics all[] = {CH_DYNAMICS_SGD, CH_DYNAMICS_SGD, CH_DYNAMICS_GD, CH_DYNAMICS_SDE,
                                      CH_DYNAMICS_UNFITTED};
    for (size_t k = 0; k < 20; k++) {
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.dynamics = all[k % 5];
        setup.fast = k % 5 == 1;
        setup.wide = k >= 10;
        setup.loss = k / 5 % 2 == 0 ? CH_LOSS_MSE : CH_LOSS_QUADHINGE;
        setup.rate = 1e30;
        ch_network_learner model = start(&setup);
        advance_to(&model.learner, 3000, UINT64_MAX);
        assert_int_equal(model.learner.progress.status, CH_DIVERGED);
        const ch_observation seen = observe(&model.learner);
        assert_int_equal(model.learner.progress.status, CH_DIVERGED);
        assert_true(seen.unfitted > 0 && !(seen.train_error <= 0));
        ch_network_learner_free(&model);
    }
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

/* A NaN anywhere in the inputs, also where relu might swallow it: never fitted, never an error of 0. */
static void nan_inputs_diverge(void **state)
{
    (void)state;
    ch_examples train = draw_examples(6, 20, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 16, 1, train.shape);
    train.inputs[13 * 6 + 2] = NAN;
    static const ch_dynamics all[] = {CH_DYNAMICS_SGD, CH_DYNAMICS_SGD,      CH_DYNAMICS_GD,
                                      CH_DYNAMICS_SDE, CH_DYNAMICS_UNFITTED, CH_DYNAMICS_FLOW};
    for (size_t k = 0; k < 6; k++) {
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.dynamics = all[k];
        setup.fast = k == 1;
        setup.kernel_samples = 5;
        setup.test = &train;
        ch_network_learner model = start(&setup);
        const ch_observation seen = observe(&model.learner);
        assert_int_equal(model.learner.progress.status, CH_DIVERGED);
        assert_true(isnan(seen.train_loss) && isnan(seen.min_margin) && seen.unfitted == 20 && seen.train_error == 1);
        model.learner.progress.status = CH_RUNNING;
        advance_to(&model.learner, 2000, UINT64_MAX);
        assert_int_equal(model.learner.progress.status, CH_DIVERGED);
        ch_network_learner_free(&model);
    }
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

static void bad_setups_are_refused(void **state)
{
    (void)state;
    ch_examples train = draw_examples(6, 20, 8), other = draw_examples(7, 20, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 16, 1, train.shape);
    const ch_network_learner_setup good = setup_of(&network, &train);
    ch_network_learner_setup bad[14];
    const char *const names[] = {"train", "train", "batch", "batch", "kappa",  "kappa",    "kappa",
                                 "kappa", "rate",  "rate",  "rate",  "kernel", "training", "test"};
    for (size_t i = 0; i < 14; i++) {
        bad[i] = good;
    }
    bad[0].num_samples = 0;
    bad[1].num_samples = 21;
    bad[2].batch = 0;
    bad[3].batch = 21;
    bad[4].kappa = 0;
    bad[5].kappa = -1;
    bad[6].kappa = NAN;
    bad[7].kappa = INFINITY;
    bad[8].rate = 0;
    bad[9].rate = NAN;
    bad[10].rate = INFINITY;
    bad[11].kernel_samples = 21;
    bad[12].train = &other;
    bad[13].test = &other;
    for (size_t i = 0; i < 14; i++) {
        ch_network_learner model;
        ch_error err = {0};
        assert_int_equal(ch_network_learner_init(&model, &bad[i], &err), CH_ERROR_INPUT);
        assert_non_null(strstr(err.message, names[i]));
        ch_network_learner_free(&model);
    }
    ch_architecture_free(&network);
    ch_examples_free(&train);
    ch_examples_free(&other);
}

/* A raised flag ends everything at once, without a step. */
static void stop_is_obeyed(void **state)
{
    (void)state;
    ch_examples train = draw_examples(6, 20, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 16, 1, train.shape);
    for (size_t k = 0; k < 6; k++) {
        ch_stop stop = 0;
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.dynamics = (ch_dynamics)(k % 5);
        setup.fast = k == 5;
        setup.stop = &stop;
        ch_network_learner model = start(&setup), late;
        ch_observation seen;
        stop = 1;
        model.learner.advance(&model.learner, &no_limit);
        assert_true(model.learner.progress.steps == 0 && model.learner.progress.status == CH_RUNNING);
        assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_ERROR_INTERRUPTED);
        assert_int_equal(ch_network_learner_init(&late, &setup, NULL), CH_ERROR_INTERRUPTED);
        ch_network_learner_free(&late);
        ch_network_learner_free(&model);
    }
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

/* Every allocation failing in its turn; and the memory is what was announced. */
static void memory_is_accounted_for(void **state)
{
    (void)state;
    ch_examples train = draw_examples(36, 600, 8);
    train.shape = (ch_shape){1, 6, 6};
    ch_architecture networks[] = {make_network(CH_ARCH_MLP_BIAS, 40, 2, train.shape),
                                  make_network(CH_ARCH_SIMPLE_CNN, 2, 0, train.shape)};
    for (size_t k = 0; k < 12; k++) {
        ch_network_learner_setup setup = setup_of(&networks[k / 6], &train);
        setup.dynamics = (ch_dynamics)(k % 6 % 5);
        setup.fast = k % 6 == 5;
        setup.kernel_samples = k % 2 ? 7 : 0;
        setup.test = k % 2 ? &train : NULL;
        setup.threads = k % 3 == 0 ? 2 : 0;
        ch_network_learner model;
        alloc_fail_at(-1);
        model = start(&setup);
        const long count = alloc_count();
        const size_t bytes = alloc_bytes();
        ch_network_learner_free(&model);
        ch_network_learner_free(&model);
        assert_true(bytes <= ch_network_learner_bytes(&setup) && ch_network_learner_bytes(&setup) < 3 * bytes);
        for (long failing = 0; failing < count; failing++) {
            alloc_fail_at(failing);
            assert_int_equal(ch_network_learner_init(&model, &setup, NULL), CH_ERROR_MEMORY);
            alloc_fail_at(-1);
            ch_network_learner_free(&model);
        }
    }
    ch_architecture_free(&networks[0]);
    ch_architecture_free(&networks[1]);
    ch_examples_free(&train);
}

/* No architecture takes more than announced. */
static void announced_memory_is_enough(void **state)
{
    (void)state;
    ch_examples train = draw_examples(3 * 64, 40, 8);
    train.shape = (ch_shape){3, 8, 8};
    for (ch_arch arch = CH_ARCH_MLP; arch <= CH_ARCH_LINEAR; arch++) {
        for (size_t width = 1; width <= 9; width += 8) {
            ch_architecture network = make_network(arch, width, 3, train.shape);
            ch_network_learner_setup setup = setup_of(&network, &train);
            for (setup.threads = 1; setup.threads <= 3; setup.threads++) {
                setup.wide = setup.threads == 2;
                alloc_fail_at(-1);
                ch_network_learner model = start(&setup);
                const size_t bytes = alloc_bytes();
                assert_true(bytes <= ch_network_learner_bytes(&setup) && ch_network_learner_bytes(&setup) < 4 * bytes);
                ch_network_learner_free(&model);
            }
            ch_architecture_free(&network);
        }
    }
    ch_examples_free(&train);
}

static void observation_survives_failing_allocations(void **state)
{
    (void)state;
    ch_examples train = draw_examples(6, 20, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 16, 1, train.shape);
    ch_network_learner_setup setup = setup_of(&network, &train);
    setup.kernel_samples = 5;
    ch_network_learner model = start(&setup);
    ch_observation seen;
    alloc_fail_at(-1);
    seen = observe(&model.learner);
    const long count = alloc_count();
    const double change = seen.kernel_change;
    assert_true(count > 0);
    for (long failing = 0; failing < count; failing++) {
        alloc_fail_at(failing);
        assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_ERROR_MEMORY);
    }
    alloc_fail_at(-1);
    assert_true(observe(&model.learner).kernel_change == change);
    ch_network_learner_free(&model);
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gd_is_gradient_descent),
        cmocka_unit_test(gd_ends_at_its_last_update),
        cmocka_unit_test(sgd_is_sgd),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(fast_takes_the_same_steps),
        cmocka_unit_test(fast_ends_fitted),
        cmocka_unit_test(linear_network_is_the_perceptron),
        cmocka_unit_test(unfitted_draws_from_the_unfitted),
        cmocka_unit_test(sde_is_its_formula),
        cmocka_unit_test(sde_of_full_batches_is_gd),
        cmocka_unit_test(divergence_is_noticed),
        cmocka_unit_test(nan_inputs_diverge),
        cmocka_unit_test(bad_setups_are_refused),
        cmocka_unit_test(stop_is_obeyed),
        cmocka_unit_test(memory_is_accounted_for),
        cmocka_unit_test(announced_memory_is_enough),
        cmocka_unit_test(observation_survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("network learner", tests, NULL, NULL);
}
