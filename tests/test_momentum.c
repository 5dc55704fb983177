/* test_momentum.c — momentum and weight decay of perceptrons and networks: against closed forms, and against loops of
 * this file's own, in double precision, that take PyTorch's update v <- mu v + g + lambda (w - w0), w <- w - eta v. */
#include "models/learner/learner.h"
#include "models/learner/state.h"

#include "core/draw.h"
#include "core/memory.h"
#include "perceptron/perceptron.h"
#include "tests/fast_support.h"

#include <gsl/gsl_errno.h>
#include <string.h>

/* ---- perceptrons ---- */

typedef struct {
    double momentum, weight_decay;
    size_t batch;
    bool by_epoch;
} rule;

static const rule rules[] = {{0.9, 0, 2, false},      {0.9, 0, 7, true},     {0, 0.3, 1, false},   {0.5, 0.2, 3, true},
                             {0.99, 0.01, 20, false}, {0.7, 0.1, 90, false}, {0.3, 0.05, 90, true}};
enum { NUM_RULES = sizeof rules / sizeof *rules, DIM = 12, NUM = 90 };

/* Where `steps` steps lead, by the definition. */
static void train_by_hand(const ch_perceptron_setup *setup, size_t steps, double *weights, uint64_t *updates)
{
    double velocity[DIM] = {0};
    uint32_t order[NUM], batch[NUM], drawn = 0;
    ch_random random;
    ch_random_init(&random, setup->seed_batch, CH_STREAM_BATCHES, 0);
    for (uint32_t mu = 0; mu < NUM; mu++) {
        order[mu] = mu;
    }
    *updates = 0;
    for (size_t step = 0; step < steps; step++) {
        uint32_t count = (uint32_t)setup->batch;
        double gradient[DIM];
        if (setup->by_epoch) {
            count = ch_draw_of_epoch(&random, order, &drawn, count, NUM);
            memcpy(batch, order + drawn - count, count * sizeof *batch);
        } else if (count <= CH_SCANNED_BATCH) {
            ch_draw_scanned(&random, batch, count, NUM);
        } else {
            if (count < NUM) {
                ch_draw_shuffled(&random, order, count, NUM);
            }
            memcpy(batch, order, count * sizeof *batch);
        }
        for (size_t k = 0; k < DIM; k++) {
            gradient[k] = setup->weight_decay * weights[k];
        }
        bool has_gradient = false;
        for (uint32_t i = 0; i < count; i++) {
            const float *z = ch_sample_set_row(setup->train, batch[i]);
            double margin = 0;
            for (size_t k = 0; k < DIM; k++) {
                margin += (double)z[k] * weights[k];
            }
            for (size_t k = 0; k < DIM && margin < setup->kappa; k++) {
                gradient[k] -= (double)z[k] / (double)setup->batch;
                has_gradient = true;
            }
        }
        for (size_t k = 0; k < DIM; k++) {
            velocity[k] = setup->momentum * velocity[k] + gradient[k];
            weights[k] -= setup->rate * velocity[k];
        }
        *updates += has_gradient;
    }
}

static ch_perceptron_setup setup_for(const ch_sample_set *set, const rule *with)
{
    return (ch_perceptron_setup){
        .train = set,
        .num_samples = NUM,
        .kappa = 0.1,
        .rate = 0.05 * (double)with->batch,
        .batch = with->batch,
        .by_epoch = with->by_epoch,
        .momentum = with->momentum,
        .weight_decay = with->weight_decay,
        .seed_batch = 5,
    };
}

static void perceptron_moves_as_by_hand(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, DIM, false, 3, NUM);
    for (size_t r = 0; r < NUM_RULES; r++) {
        const ch_perceptron_setup setup = setup_for(&set, &rules[r]);
        static const size_t ends[] = {1, 2, 17, 400};
        ch_perceptron model;
        assert_int_equal(ch_perceptron_init(&model, &setup, NULL), CH_OK);
        for (size_t e = 0; e < 4; e++) {
            double weights[DIM] = {0};
            uint64_t updates = 0;
            const ch_limit limit = {.steps = ends[e], .updates = UINT64_MAX};
            model.learner.advance(&model.learner, &limit);
            if (model.learner.progress.status != CH_RUNNING) {
                break; /* it was fitted before */
            }
            train_by_hand(&setup, ends[e], weights, &updates);
            assert_int_equal(model.learner.progress.updates, updates);
            for (size_t k = 0; k < DIM; k++) {
                assert_in(model.weights[k] - weights[k], -1e-11, 1e-11);
            }
        }
        assert_true(model.learner.progress.updates > 10);
        ch_perceptron_free(&model);
    }
    ch_sample_set_free(&set);
}

/* While all samples are unfitted the gradient of the full batch is a constant g. With momentum
 *   w_n = eta g sum_{k=1}^n (1 - mu^k) / (1 - mu), which grows at the rate eta / (1 - mu);
 * with weight decay w_n = (g / lambda) (1 - (1 - eta lambda)^n). */
static void constant_gradients_have_closed_forms(void **state)
{
    (void)state;
    enum { STEPS = 60 };
    ch_sample_set set = draw(0, DIM, false, 3, NUM);
    double g[DIM] = {0};
    for (size_t mu = 0; mu < NUM; mu++) {
        for (size_t k = 0; k < DIM; k++) {
            g[k] += (double)ch_sample_set_row(&set, mu)[k] / NUM;
        }
    }
    for (size_t which = 0; which < 2; which++) {
        const rule with = {which == 0 ? 0.9 : 0, which == 0 ? 0 : 0.4, NUM, false};
        ch_perceptron_setup setup = setup_for(&set, &with);
        setup.kappa = 1e6;
        setup.rate = 0.1;
        ch_perceptron model;
        assert_int_equal(ch_perceptron_init(&model, &setup, NULL), CH_OK);
        model.learner.advance(&model.learner, &(ch_limit){.steps = STEPS, .updates = UINT64_MAX});
        double factor = 0;
        for (size_t k = 1; k <= STEPS; k++) {
            factor += setup.rate * (1 - pow(0.9, (double)k)) / (1 - 0.9);
        }
        factor = which == 0 ? factor : (1 - pow(1 - setup.rate * 0.4, STEPS)) / 0.4;
        for (size_t k = 0; k < DIM; k++) {
            assert_in(model.weights[k] - factor * g[k], -1e-12, 1e-12);
        }
        ch_perceptron_free(&model);
    }
    ch_sample_set_free(&set);
}

/* Runs with momentum end fitted, with all margins at kappa or over it where they end, and a run that starts fitted by
 * its coasting alone is not missed. */
static void perceptrons_end_fitted(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, DIM, false, 3, NUM);
    for (size_t r = 0; r < NUM_RULES; r++) {
        ch_perceptron_setup setup = setup_for(&set, &rules[r]);
        setup.weight_decay = 0;
        setup.momentum = setup.momentum > 0 ? setup.momentum : 0.8;
        ch_perceptron model;
        ch_observation seen;
        assert_int_equal(ch_perceptron_init(&model, &setup, NULL), CH_OK);
        model.learner.advance(&model.learner, &no_limit);
        assert_int_equal(model.learner.progress.status, CH_FITTED);
        assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
        assert_true(seen.unfitted == 0 && seen.min_margin >= 1);
        assert_true(model.learner.progress.last_update < model.learner.progress.steps);
        ch_perceptron_free(&model);
    }
    ch_sample_set_free(&set);
}

static void fast_engine_refuses(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, DIM, false, 3, NUM);
    for (size_t r = 0; r < NUM_RULES; r++) {
        const ch_perceptron_setup setup = setup_for(&set, &rules[r]);
        ch_fast_perceptron model;
        ch_error err = {0};
        assert_int_equal(ch_fast_perceptron_init(&model, &setup, NULL, &err), CH_ERROR_INPUT);
        assert_non_null(strstr(err.message, "must be 0 for the fast engine"));
    }
    ch_sample_set_free(&set);
}

/* ---- networks ---- */

static ch_network_learner_setup network_setup(const ch_architecture *architecture, const ch_examples *train)
{
    return (ch_network_learner_setup){
        .architecture = architecture,
        .train = train,
        .num_samples = train->num_samples,
        .kappa = 0.05,
        .rate = 0.3,
        .batch = 3,
        .momentum = 0.8,
        .seed_init = 3,
        .seed_batch = 4,
        .chi = NAN,
    };
}

static ch_network_learner start_network(const ch_network_learner_setup *setup)
{
    ch_network_learner model;
    assert_int_equal(ch_network_learner_init(&model, setup, NULL), CH_OK);
    return model;
}

static void advance(ch_learner *learner, uint64_t steps)
{
    while (learner->progress.status == CH_RUNNING && learner->progress.steps < steps) {
        learner->advance(learner, &(ch_limit){.steps = steps, .updates = UINT64_MAX});
    }
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
    ch_network_learner model = start_network(setup);
    double *weights = ch_alloc(num, sizeof *weights), change = 0, apart = 0;
    memcpy(weights, ch_network_learner_weights(&model), num * sizeof *weights);
    for (size_t k = 0; k < num; k++) {
        change += weights[k] * weights[k];
    }
    advance(&model.learner, steps);
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
    ch_examples train;
    const ch_data_law law = {.chi = 0, .dim = 10, .seed = 8};
    assert_int_equal(ch_examples_init_law(&train, &law, CH_STREAM_TRAIN_SAMPLES, 700, 1, NULL, NULL), CH_OK);
    static const ch_network_spec specs[] = {{CH_ARCH_MLP, 20, 2, CH_ACTIVATION_RELU, {10, 1, 1}},
                                            {CH_ARCH_MLP_BIAS, 17, 2, CH_ACTIVATION_GELU, {10, 1, 1}},
                                            {CH_ARCH_MLP, 9, 3, CH_ACTIVATION_LINEAR, {10, 1, 1}}};
    static const ch_loss_kind losses[] = {CH_LOSS_HINGE, CH_LOSS_LOGISTIC, CH_LOSS_MSE};
    for (size_t s = 0; s < 3; s++) {
        ch_architecture architecture;
        assert_int_equal(ch_architecture_init(&architecture, &specs[s], NULL), CH_OK);
        ch_network_learner_setup setup = network_setup(&architecture, &train);
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
    ch_examples train;
    const ch_data_law law = {.chi = 0, .dim = 40, .seed = 8};
    assert_int_equal(ch_examples_init_law(&train, &law, CH_STREAM_TRAIN_SAMPLES, 30, 1, NULL, NULL), CH_OK);
    static const ch_network_spec specs[] = {{CH_ARCH_SIMPLE_CNN, 2, 0, CH_ACTIVATION_SILU, {2, 5, 4}},
                                            {CH_ARCH_MNAS, 2, 0, CH_ACTIVATION_GELU, {2, 5, 4}}};
    for (size_t s = 0; s < 2; s++) {
        ch_architecture architecture;
        assert_int_equal(ch_architecture_init(&architecture, &specs[s], NULL), CH_OK);
        ch_network_learner_setup setup = network_setup(&architecture, &train);
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
    ch_examples train;
    const ch_data_law law = {.chi = 0, .dim = 10, .seed = 8};
    assert_int_equal(ch_examples_init_law(&train, &law, CH_STREAM_TRAIN_SAMPLES, 1, 1, NULL, NULL), CH_OK);
    const ch_network_spec spec = {CH_ARCH_PERCEPTRON, 0, 0, CH_ACTIVATION_RELU, {10, 1, 1}};
    ch_architecture architecture;
    assert_int_equal(ch_architecture_init(&architecture, &spec, NULL), CH_OK);
    ch_network_learner_setup setup = network_setup(&architecture, &train);
    setup.wide = true;
    setup.batch = 1;
    setup.rate = 1; /* one step fits the sample */
    setup.momentum = 0.5;
    ch_network_learner model = start_network(&setup);
    double first[10], start_weights[10];
    memcpy(start_weights, ch_network_learner_weights(&model), sizeof first);
    advance(&model.learner, 1);
    memcpy(first, ch_network_learner_weights(&model), sizeof first);
    advance(&model.learner, 2); /* the step after which all samples are looked at */
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
    ch_examples train;
    const ch_data_law law = {.chi = 0, .dim = 10, .seed = 8};
    assert_int_equal(ch_examples_init_law(&train, &law, CH_STREAM_TRAIN_SAMPLES, 1, 1, NULL, NULL), CH_OK);
    const ch_network_spec spec = {CH_ARCH_PERCEPTRON, 0, 0, CH_ACTIVATION_RELU, {10, 1, 1}};
    ch_architecture architecture;
    assert_int_equal(ch_architecture_init(&architecture, &spec, NULL), CH_OK);
    ch_network_learner_setup setup = network_setup(&architecture, &train);
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
    ch_network_learner model = start_network(&setup);
    const double turn = acos((1 + mu - a) / (2 * sqrt(mu)));
    const double b = ((1 - a) / sqrt(mu) - cos(turn)) / sin(turn);
    for (uint64_t n = 1; n <= 5; n++) { /* then the margin swings over kappa, and the run is fitted */
        ch_observation seen;
        advance(&model.learner, n);
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
    ch_examples train;
    const ch_data_law law = {.chi = 0, .dim = 10, .seed = 8};
    assert_int_equal(ch_examples_init_law(&train, &law, CH_STREAM_TRAIN_SAMPLES, 100, 1, NULL, NULL), CH_OK);
    const ch_network_spec spec = {CH_ARCH_MLP, 20, 2, CH_ACTIVATION_RELU, {10, 1, 1}};
    ch_architecture architecture;
    assert_int_equal(ch_architecture_init(&architecture, &spec, NULL), CH_OK);
    for (size_t k = 0; k < 4; k++) {
        ch_network_learner_setup setup = network_setup(&architecture, &train);
        ch_observation seen;
        setup.loss = k / 2 == 0 ? CH_LOSS_HINGE : CH_LOSS_LOGISTIC;
        setup.by_epoch = k % 2 == 1;
        setup.rate = 0.02;
        setup.fast = true; /* has no effect where weights have a velocity */
        ch_network_learner model = start_network(&setup);
        advance(&model.learner, 1000000);
        assert_int_equal(model.learner.progress.status, CH_FITTED);
        assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
        assert_true(seen.unfitted == 0 && seen.min_margin >= 1);
        ch_network_learner_free(&model);
    }
    ch_architecture_free(&architecture);
    ch_examples_free(&train);
}

static void setups_outside_their_ranges_are_refused(void **state)
{
    (void)state;
    static const rule bad[] = {{1, 0, 2, false},  {-0.1, 0, 2, false}, {NAN, 0, 2, false},
                               {0, -1, 2, false}, {0, NAN, 2, false},  {0, INFINITY, 2, false}};
    ch_sample_set set = draw(0, DIM, false, 3, NUM);
    ch_examples train;
    const ch_data_law law = {.chi = 0, .dim = 10, .seed = 8};
    assert_int_equal(ch_examples_init_law(&train, &law, CH_STREAM_TRAIN_SAMPLES, 10, 1, NULL, NULL), CH_OK);
    const ch_network_spec spec = {CH_ARCH_MLP, 2, 1, CH_ACTIVATION_RELU, {10, 1, 1}};
    ch_architecture architecture;
    assert_int_equal(ch_architecture_init(&architecture, &spec, NULL), CH_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const ch_perceptron_setup setup = setup_for(&set, &bad[i]);
        ch_network_learner_setup other = network_setup(&architecture, &train);
        ch_perceptron model;
        ch_network_learner network;
        other.momentum = bad[i].momentum;
        other.weight_decay = bad[i].weight_decay;
        assert_int_equal(ch_perceptron_init(&model, &setup, NULL), CH_ERROR_INPUT);
        assert_int_equal(ch_network_learner_init(&network, &other, NULL), CH_ERROR_INPUT);
    }
    ch_architecture_free(&architecture);
    ch_examples_free(&train);
    ch_sample_set_free(&set);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(perceptron_moves_as_by_hand),
        cmocka_unit_test(constant_gradients_have_closed_forms),
        cmocka_unit_test(perceptrons_end_fitted),
        cmocka_unit_test(fast_engine_refuses),
        cmocka_unit_test(networks_move_as_by_hand),
        cmocka_unit_test(image_layers_move_as_by_hand),
        cmocka_unit_test(weights_coast),
        cmocka_unit_test(heavy_ball_oscillates),
        cmocka_unit_test(networks_end_fitted),
        cmocka_unit_test(setups_outside_their_ranges_are_refused),
    };
    return cmocka_run_group_tests_name("momentum", tests, NULL, NULL);
}
