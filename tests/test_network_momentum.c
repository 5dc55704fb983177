/* test_network_momentum.c — momentum and weight decay of networks: against closed forms, against a loop of this file's
 * own, in double precision, that takes PyTorch's update v <- mu v + g + lambda (w - w0), w <- w - eta v, and against
 * golden vectors that PyTorch made (tests/golden/sgd/make.py). */
#include "models/learner/learner.h"
#include "models/learner/state.h"

#include "core/draw.h"
#include "core/memory.h"
#include "tests/golden_support.h"
#include "tests/learner_support.h"

#include <gsl/gsl_errno.h>
#include <string.h>

static ch_network_learner_setup momentum_setup(const ch_architecture *architecture, const ch_examples *train)
{
    ch_network_learner_setup setup = setup_of(architecture, train);
    setup.kappa = 0.05;
    setup.rate = 0.3;
    setup.batch = 3;
    setup.momentum = 0.8;
    return setup;
}

/* Takes `steps` steps by the definition, with gradients of a network in double precision.
 * @param weights  [num_weights] w0, then w */
static void train_network_by_hand(const ch_network_learner_setup *setup, size_t steps, double *weights)
{
    const size_t num = setup->architecture->num_weights, num_samples = setup->num_samples;
    ch_passes passes;
    ch_random random;
    uint32_t drawn = 0, *order = ch_alloc(num_samples, sizeof *order), *batch = ch_alloc(num_samples, sizeof *batch);
    double *start = ch_alloc(num, sizeof *start), *velocity = ch_alloc(num, sizeof *velocity);
    double *gradient = ch_alloc(num, sizeof *gradient), *first = ch_alloc(num_samples, sizeof *first);
    double *outputs = ch_alloc(num_samples, sizeof *outputs);
    assert_int_equal(ch_passes_init(&passes, setup->architecture, true, num_samples, NULL), CH_OK);
    memcpy(start, weights, num * sizeof *start);
    ch_passes_set_weights(&passes, weights);
    ch_passes_forward(&passes, setup->train->inputs, NULL, num_samples, first);
    ch_random_init(&random, setup->seed_batch, CH_STREAM_BATCHES, 0);
    for (uint32_t mu = 0; mu < num_samples; mu++) {
        order[mu] = mu;
    }
    for (size_t step = 0; step < steps; step++) {
        const bool is_full = setup->dynamics == CH_DYNAMICS_GD;
        uint32_t count = is_full ? (uint32_t)num_samples : (uint32_t)setup->batch;
        if (is_full) {
            memcpy(batch, order, count * sizeof *batch);
        } else if (setup->by_epoch) {
            count = ch_draw_of_epoch(&random, order, &drawn, count, (uint32_t)num_samples);
            memcpy(batch, order + drawn - count, count * sizeof *batch);
        } else if (count <= CH_SCANNED_BATCH) {
            ch_draw_scanned(&random, batch, count, (uint32_t)num_samples);
        } else {
            ch_draw_shuffled(&random, order, count, (uint32_t)num_samples);
            memcpy(batch, order, count * sizeof *batch);
        }
        const double share = 1 / (double)(is_full ? num_samples : setup->batch);
        ch_passes_set_weights(&passes, weights);
        ch_passes_forward(&passes, setup->train->inputs, batch, count, outputs);
        for (uint32_t i = 0; i < count; i++) {
            const double label = setup->train->labels[batch[i]];
            outputs[i] =
                share * label * ch_loss_of(setup->loss)->slope(label * (outputs[i] - first[batch[i]]), setup->kappa);
        }
        for (size_t k = 0; k < num; k++) {
            gradient[k] = setup->weight_decay * (weights[k] - start[k]);
        }
        ch_passes_gradient(&passes, outputs, gradient);
        for (size_t k = 0; k < num; k++) {
            velocity[k] = setup->momentum * velocity[k] + gradient[k];
            weights[k] -= setup->rate * velocity[k];
        }
    }
    free(order);
    free(batch);
    free(start);
    free(velocity);
    free(gradient);
    free(first);
    free(outputs);
    ch_passes_free(&passes);
}

static void assert_moves_as_by_hand(const ch_network_learner_setup *setup, size_t steps, double tolerance)
{
    const size_t num = setup->architecture->num_weights;
    ch_network_learner model = start(setup);
    double *weights = ch_alloc(num, sizeof *weights), change = 0, apart = 0;
    memcpy(weights, ch_network_learner_weights(&model), num * sizeof *weights);
    for (size_t k = 0; k < num; k++) {
        change += weights[k] * weights[k];
    }
    advance_to(&model.learner, steps, UINT64_MAX);
    assert_int_equal(model.learner.progress.steps, steps);
    const double *found = ch_network_learner_weights(&model);
    train_network_by_hand(setup, steps, weights);
    change = 0;
    for (size_t k = 0; k < num; k++) {
        change += pow(weights[k] - (double)model.state->start[k], 2);
        apart += pow(weights[k] - found[k], 2);
    }
    assert_true(change > 0);
    assert_in(sqrt(apart / change), 0, tolerance);
    free(weights);
    ch_network_learner_free(&model);
}

/* In double precision to rounding, in single precision to its own. Losses with and without idle steps, batches that are
 * one chunk and several, epochs, and the full batch. */
static void networks_move_as_by_hand(void **state)
{
    (void)state;
    ch_examples train = draw_examples(10, 700, 8);
    static const ch_network_spec specs[] = {{CH_ARCH_MLP, 20, 2, CH_ACTIVATION_RELU, {10, 1, 1}},
                                            {CH_ARCH_MLP_BIAS, 17, 2, CH_ACTIVATION_GELU, {10, 1, 1}},
                                            {CH_ARCH_MLP, 9, 3, CH_ACTIVATION_LINEAR, {10, 1, 1}}};
    static const ch_loss_kind losses[] = {CH_LOSS_HINGE, CH_LOSS_LOGISTIC, CH_LOSS_MSE};
    for (size_t s = 0; s < 3; s++) {
        ch_architecture architecture;
        assert_int_equal(ch_architecture_init(&architecture, &specs[s], NULL), CH_OK);
        ch_network_learner_setup setup = momentum_setup(&architecture, &train);
        setup.loss = losses[s];
        for (size_t k = 0; k < 8; k++) {
            setup.wide = k % 2 == 0;
            setup.weight_decay = k / 2 % 2 == 0 ? 0 : 0.2;
            setup.momentum = k == 3 ? 0 : 0.8;
            setup.by_epoch = k / 4 == 1;
            setup.batch = k == 4 ? 300 : 3;
            setup.dynamics = CH_DYNAMICS_SGD;
            assert_moves_as_by_hand(&setup, 25, setup.wide ? 1e-10 : 2e-4);
        }
        setup.dynamics = CH_DYNAMICS_GD;
        setup.by_epoch = false;
        setup.batch = 700;
        assert_moves_as_by_hand(&setup, 10, 2e-4);
        ch_architecture_free(&architecture);
    }
    ch_examples_free(&train);
}

/* Weights of image layers and biases move by their velocities as well. The inputs are vectors of the law, read as
 * images. */
static void image_layers_move_as_by_hand(void **state)
{
    (void)state;
    ch_examples train = draw_examples(40, 30, 8);
    static const ch_network_spec specs[] = {{CH_ARCH_SIMPLE_CNN, 2, 0, CH_ACTIVATION_SILU, {2, 5, 4}},
                                            {CH_ARCH_MNAS, 2, 0, CH_ACTIVATION_GELU, {2, 5, 4}}};
    for (size_t s = 0; s < 2; s++) {
        ch_architecture architecture;
        assert_int_equal(ch_architecture_init(&architecture, &specs[s], NULL), CH_OK);
        ch_network_learner_setup setup = momentum_setup(&architecture, &train);
        setup.rate = 0.05;
        setup.kappa = 0.5;
        for (size_t k = 0; k < 2; k++) {
            setup.wide = k == 0;
            setup.weight_decay = 0.1;
            assert_moves_as_by_hand(&setup, 12, setup.wide ? 1e-10 : 2e-3);
        }
        ch_architecture_free(&architecture);
    }
    ch_examples_free(&train);
}

/* Steps without a gradient: with one sample in the hinge's slope at first and none later the weights coast on by
 * v mu^k, and come to rest at w + v mu / (1 - mu). */
static void weights_coast(void **state)
{
    (void)state;
    ch_examples train = draw_examples(10, 1, 8);
    ch_architecture architecture = make_network(CH_ARCH_PERCEPTRON, 0, 0, train.shape);
    ch_network_learner_setup setup = momentum_setup(&architecture, &train);
    setup.wide = true;
    setup.batch = 1;
    setup.rate = 1; /* one step fits the sample */
    setup.momentum = 0.5;
    ch_network_learner model = start(&setup);
    double first[10], start_weights[10];
    memcpy(start_weights, ch_network_learner_weights(&model), sizeof first);
    advance_to(&model.learner, 1, UINT64_MAX);
    memcpy(first, ch_network_learner_weights(&model), sizeof first);
    advance_to(&model.learner, 2, UINT64_MAX); /* the step after which all samples are looked at */
    assert_int_equal(model.learner.progress.status, CH_FITTED);
    assert_int_equal(model.learner.progress.last_update, 1);
    for (size_t k = 0; k < 10; k++) {
        const double now = ch_network_learner_weights(&model)[k], v = first[k] - start_weights[k];
        assert_true(v != 0);
        assert_in(now - (first[k] + 0.5 * v), -1e-14, 1e-14);
    }
    ch_network_learner_free(&model);
    ch_architecture_free(&architecture);
    ch_examples_free(&train);
}

/* One sample under the mean squared error: z = 1 - m / kappa obeys z_{n+1} = (1 + mu - a) z_n - mu z_{n-1} with
 * a = eta K / kappa, K = |grad F|^2. Where its roots are complex,
 *   z_n = mu^{n/2} (cos n t + b sin n t), cos t = (1 + mu - a) / (2 sqrt mu), and b follows from z_1 = 1 - a. */
static void heavy_ball_oscillates(void **state)
{
    (void)state;
    ch_examples train = draw_examples(10, 1, 8);
    ch_architecture architecture = make_network(CH_ARCH_PERCEPTRON, 0, 0, train.shape);
    ch_network_learner_setup setup = momentum_setup(&architecture, &train);
    double kernel = 0;
    for (size_t k = 0; k < 10; k++) {
        kernel += pow((double)ch_examples_input(&train, 0)[k], 2) / 10;
    }
    const double mu = 0.8, a = 0.3;
    setup.wide = true;
    setup.loss = CH_LOSS_MSE;
    setup.dynamics = CH_DYNAMICS_GD;
    setup.batch = 1;
    setup.momentum = mu;
    setup.rate = a * setup.kappa / kernel;
    ch_network_learner model = start(&setup);
    const double turn = acos((1 + mu - a) / (2 * sqrt(mu)));
    const double b = ((1 - a) / sqrt(mu) - cos(turn)) / sin(turn);
    for (uint64_t n = 1; n <= 5; n++) { /* then the margin swings over kappa, and the run is fitted */
        ch_observation seen;
        advance_to(&model.learner, n, UINT64_MAX);
        assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
        const double angle = turn * (double)n, z = pow(mu, (double)n / 2) * (cos(angle) + b * sin(angle));
        assert_in(1 - seen.min_margin - z, -1e-12, 1e-12);
        if (z <= 0) {
            assert_true(n > 2);
            break;
        }
    }
    ch_network_learner_free(&model);
    ch_architecture_free(&architecture);
    ch_examples_free(&train);
}

/* Runs of networks with momentum end fitted. */
static void networks_end_fitted(void **state)
{
    (void)state;
    ch_examples train = draw_examples(10, 100, 8);
    const ch_network_spec spec = {CH_ARCH_MLP, 20, 2, CH_ACTIVATION_RELU, {10, 1, 1}};
    ch_architecture architecture;
    assert_int_equal(ch_architecture_init(&architecture, &spec, NULL), CH_OK);
    for (size_t k = 0; k < 4; k++) {
        ch_network_learner_setup setup = momentum_setup(&architecture, &train);
        ch_observation seen;
        setup.loss = k / 2 == 0 ? CH_LOSS_HINGE : CH_LOSS_LOGISTIC;
        setup.by_epoch = k % 2 == 1;
        setup.rate = 0.02;
        setup.fast = true; /* has no effect where weights have a velocity */
        ch_network_learner model = start(&setup);
        advance_to(&model.learner, 1000000, UINT64_MAX);
        assert_int_equal(model.learner.progress.status, CH_FITTED);
        assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
        assert_true(seen.unfitted == 0 && seen.min_margin >= 1);
        ch_network_learner_free(&model);
    }
    ch_architecture_free(&architecture);
    ch_examples_free(&train);
}

/* Takes the steps of a golden file on its batches, by the functions that a step of sgd consists of, and compares the
 * change of every weight and the outputs with PyTorch's.
 * @param tolerance  relative to the norm of the change, and to the largest output */
static void replay(const golden *wanted, const char *name, bool is_wide, double tolerance)
{
    const size_t num = wanted->f0.count, dim = wanted->x.dims[1], size = wanted->batches.dims[1];
    ch_architecture architecture;
    assert_int_equal(ch_architecture_init(&architecture, &wanted->spec, NULL), CH_OK);
    assert_int_equal(architecture.num_weights, wanted->num_weights);
    ch_examples train;
    assert_int_equal(ch_examples_init(&train, num, wanted->spec.input, NULL), CH_OK);
    for (size_t i = 0; i < num * dim; i++) {
        train.inputs[i] = (float)wanted->x.values[i];
    }
    for (size_t mu = 0; mu < num; mu++) {
        train.labels[mu] = wanted->y.values[mu] > 0 ? 1 : -1;
    }
    double *own = ch_alloc(wanted->num_weights, sizeof *own), *change = ch_alloc(wanted->num_weights, sizeof *change);
    double *outputs = ch_alloc(num, sizeof *outputs), apart = 0;
    ch_architecture_from_nchw(&architecture, wanted->weights, own);
    ch_network_learner_setup setup = momentum_setup(&architecture, &train);
    setup.loss = wanted->loss;
    setup.kappa = 1 / wanted->alpha;
    setup.rate = wanted->eta;
    setup.momentum = wanted->momentum;
    setup.weight_decay = wanted->weight_decay;
    setup.batch = size;
    setup.start = own;
    setup.wide = is_wide;
    ch_network_learner model = start(&setup);
    for (size_t k = 0; k < wanted->batches.dims[0]; k++) {
        uint32_t index[16];
        ch_pass_summary seen;
        for (size_t i = 0; i < size; i++) {
            index[i] = (uint32_t)wanted->batches.values[k * size + i];
        }
        const ch_sample_list batch = {.index = index, .count = size};
        assert_true(ch_state_prepare(model.state, &batch, -setup.rate / (double)size, NULL, &seen));
        ch_state_move(model.state, &batch);
    }
    for (size_t i = 0; i < wanted->num_weights; i++) {
        own[i] = ch_network_learner_weights(&model)[i] - (double)model.state->start[i];
    }
    ch_architecture_to_nchw(&architecture, own, change);
    for (size_t i = 0; i < wanted->num_weights; i++) {
        apart += pow(change[i] - wanted->dw.values[i], 2);
    }
    if (!(sqrt(apart) <= tolerance * wanted->dw_norm.values[0])) {
        fail_msg("%s: dw is %g from PyTorch's, whose norm is %g", name, sqrt(apart), wanted->dw_norm.values[0]);
    }
    const ch_sample_list all = {.count = num};
    assert_true(ch_state_outputs(model.state, &train, &all, outputs));
    for (size_t mu = 0; mu < num; mu++) {
        assert_in(outputs[mu] - wanted->f_after.values[mu], -tolerance * largest(wanted->f_after.values, num),
                  tolerance * largest(wanted->f_after.values, num));
    }
    free(own);
    free(change);
    free(outputs);
    ch_network_learner_free(&model);
    ch_examples_free(&train);
    ch_architecture_free(&architecture);
}

/* In double precision and in single. PyTorch's decay is here that of w - w0, as docs/theory.md says. */
static void networks_move_as_pytorchs(void **state)
{
    (void)state;
    static const char *const names[] = {"mlp_hinge_momentum", "mlp_hinge_both", "mlp_bias_logistic_both",
                                        "mlp_mse_decay"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        golden wanted;
        (void)snprintf(path, sizeof path, "tests/golden/sgd/%s.txt", names[i]);
        golden_read(&wanted, path);
        assert_true(wanted.momentum > 0 || wanted.weight_decay > 0);
        assert_int_equal(wanted.dw.count, wanted.num_weights);
        replay(&wanted, names[i], true, 1e-10);
        replay(&wanted, names[i], false, 1e-6);
        golden_free(&wanted);
    }
}

static void setups_outside_their_ranges_are_refused(void **state)
{
    (void)state;
    static const double bad[][2] = {{1, 0}, {-0.1, 0}, {NAN, 0}, {0, -1}, {0, NAN}, {0, INFINITY}};
    ch_examples train = draw_examples(10, 10, 8);
    ch_architecture architecture = make_network(CH_ARCH_MLP, 2, 1, train.shape);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ch_network_learner_setup setup = momentum_setup(&architecture, &train);
        ch_network_learner network;
        setup.momentum = bad[i][0];
        setup.weight_decay = bad[i][1];
        assert_int_equal(ch_network_learner_init(&network, &setup, NULL), CH_ERROR_INPUT);
    }
    ch_architecture_free(&architecture);
    ch_examples_free(&train);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_move_as_by_hand),
        cmocka_unit_test(image_layers_move_as_by_hand),
        cmocka_unit_test(weights_coast),
        cmocka_unit_test(heavy_ball_oscillates),
        cmocka_unit_test(networks_end_fitted),
        cmocka_unit_test(networks_move_as_pytorchs),
        cmocka_unit_test(setups_outside_their_ranges_are_refused),
    };
    return cmocka_run_group_tests_name("momentum of networks", tests, NULL, NULL);
}
