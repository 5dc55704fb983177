/* test_twin_moving.c — momentum and weight decay of the linearised twin: against the perceptron whose twin it is,
 * against explicit weights of a tiny network that is linearised by finite differences, and against closed forms. */
#include "core/memory.h"
#include "models/learner/learner.h"
#include "models/network/precision.h"

#include "fast_support.h"
#include "twin_support.h"

#include <gsl/gsl_errno.h>
#include <string.h>

typedef struct {
    double momentum, weight_decay;
    size_t batch;
    bool by_epoch;
} rule;

/* Batches that are scanned, shuffled, of epochs with a smaller last one, and full. */
static const rule rules[] = {{0.9, 0, 2, false},  {0.9, 0, 7, true},   {0, 0.3, 1, false},     {0.5, 0.2, 3, true},
                             {0.8, 0, 20, false}, {0.9, 0, 90, false}, {0.99, 0.01, 30, true}, {0.3, 0.05, 90, true}};
enum { NUM_RULES = sizeof rules / sizeof *rules, DIM = 12, NUM = 90 };

static ch_twin_setup twin_setup_for(const ch_kernel *kernel, const rule *with)
{
    return (ch_twin_setup){
        .kernel = kernel,
        .num_samples = kernel->num_train,
        .kappa = 0.125,
        .rate = 0.05 * (double)with->batch,
        .batch = with->batch,
        .momentum = with->momentum,
        .weight_decay = with->weight_decay,
        .by_epoch = with->by_epoch,
        .seed_batch = 4,
        .norm_init = 2,
    };
}

/* With the kernel of a perceptron's samples the twin is that perceptron: it draws the same batches, and has the same
 * margins, but for the rounding of the kernel to single precision. */
static void perceptrons_are_their_twins(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, DIM, false, 3, NUM);
    ch_kernel kernel = gram_of(&set, NULL);
    for (size_t r = 0; r < NUM_RULES; r++) {
        const ch_twin_setup twin_setup = twin_setup_for(&kernel, &rules[r]);
        ch_perceptron_setup setup = setup_of(&set, rules[r].batch, 0.05);
        setup.kappa = twin_setup.kappa;
        setup.momentum = rules[r].momentum;
        setup.weight_decay = rules[r].weight_decay;
        setup.by_epoch = rules[r].by_epoch;
        setup.seed_batch = twin_setup.seed_batch;
        ch_perceptron perceptron;
        ch_twin twin;
        assert_int_equal(ch_perceptron_init(&perceptron, &setup, NULL), CH_OK);
        start_twin(&twin, &twin_setup);
        for (uint64_t steps = 1; steps < 60; steps++) {
            const ch_limit limit = {.steps = steps, .updates = UINT64_MAX};
            ch_observation one, other;
            perceptron.learner.advance(&perceptron.learner, &limit);
            twin.learner.advance(&twin.learner, &limit);
            assert_int_equal(twin.learner.progress.steps, perceptron.learner.progress.steps);
            assert_int_equal(twin.learner.progress.updates, perceptron.learner.progress.updates);
            assert_int_equal(twin.learner.progress.last_update, perceptron.learner.progress.last_update);
            assert_int_equal(twin.learner.progress.status, perceptron.learner.progress.status);
            assert_int_equal(perceptron.learner.observe(&perceptron.learner, &one, NULL), CH_OK);
            assert_int_equal(twin.learner.observe(&twin.learner, &other, NULL), CH_OK);
            const double size = 1e-5 * one.weight_change;
            assert_in(other.weight_change - one.weight_change, -size, size);
            for (size_t mu = 0; mu < NUM; mu++) {
                const double margin = ch_dot(ch_sample_set_row(&set, mu), perceptron.weights, set.stride);
                assert_in(twin.temperature * twin.margins.values[mu] - margin, -4 * size, 4 * size);
            }
            if (perceptron.learner.progress.status != CH_RUNNING) {
                break;
            }
        }
        ch_perceptron_free(&perceptron);
        ch_twin_free(&twin);
    }
    ch_kernel_free(&kernel);
    ch_sample_set_free(&set);
}

/* Runs end fitted, after P/B steps without an update; perceptron and twin after the same number of steps or nearly, as
 * a sample at the margin may be fitted in one and not in the other. */
static void twins_end_fitted(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, DIM, false, 3, NUM);
    ch_kernel kernel = gram_of(&set, NULL);
    for (size_t r = 0; r < NUM_RULES; r++) {
        ch_twin_setup setup = twin_setup_for(&kernel, &rules[r]);
        ch_twin twin;
        ch_observation seen;
        setup.weight_decay = 0;
        setup.momentum = setup.momentum > 0 ? setup.momentum : 0.7;
        start_twin(&twin, &setup);
        twin.learner.advance(&twin.learner, &no_limit);
        const ch_progress *progress = &twin.learner.progress;
        assert_int_equal(progress->status, CH_FITTED);
        assert_true(progress->steps >= progress->last_update + (NUM + setup.batch - 1) / setup.batch);
        assert_int_equal(twin.learner.observe(&twin.learner, &seen, NULL), CH_OK);
        assert_true(seen.unfitted == 0 && seen.min_margin >= 1);
        ch_twin_free(&twin);
    }
    ch_kernel_free(&kernel);
    ch_sample_set_free(&set);
}

/* ---- against explicit weights ---- */

enum { SAMPLES = 20, TESTS = 30, INPUTS = 4 };

/* The gradient of f at w0 of some samples, by central differences of passes in double precision.
 * @param gradients  [count][num_weights] */
static void differentiate(const ch_architecture *architecture, const double *start, const ch_examples *examples,
                          double *gradients)
{
    static const double STEP = 1e-5;
    const size_t num = architecture->num_weights, count = examples->num_samples;
    ch_passes passes;
    double *weights = ch_alloc(num, sizeof *weights), plus[TESTS], minus[TESTS];
    assert_int_equal(ch_passes_init(&passes, architecture, true, count, NULL), CH_OK);
    memcpy(weights, start, num * sizeof *weights);
    for (size_t k = 0; k < num; k++) {
        weights[k] = start[k] + STEP;
        ch_passes_set_weights(&passes, weights);
        ch_passes_forward(&passes, examples->inputs, NULL, count, plus);
        weights[k] = start[k] - STEP;
        ch_passes_set_weights(&passes, weights);
        ch_passes_forward(&passes, examples->inputs, NULL, count, minus);
        weights[k] = start[k];
        for (size_t mu = 0; mu < count; mu++) {
            gradients[mu * num + k] = (plus[mu] - minus[mu]) / (2 * STEP);
        }
    }
    ch_passes_free(&passes);
    free(weights);
}

static double dot(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++) {
        sum += a[k] * b[k];
    }
    return sum;
}

/* Gradient descent of F(x) = grad f(w0, x) . dw with v <- mu v + g + lambda dw, dw <- dw - eta v, on the weights
 * themselves, beside the twin on its kernel: margins of training samples, ||dw|| and the test error at every step. */
static void linearised_networks_are_their_twins(void **state)
{
    (void)state;
    static const ch_network_spec specs[] = {{CH_ARCH_MLP, 6, 2, CH_ACTIVATION_GELU, {INPUTS, 1, 1}},
                                            {CH_ARCH_MLP_BIAS, 5, 2, CH_ACTIVATION_SILU, {INPUTS, 1, 1}}};
    static const double given[][2] = {{0.9, 0}, {0.6, 0.05}, {0, 0.1}};
    const ch_data_law law = {.dim = INPUTS, .seed = 8};
    ch_examples train, test;
    assert_int_equal(ch_examples_init_law(&train, &law, CH_STREAM_TRAIN_SAMPLES, SAMPLES, 1, NULL, NULL), CH_OK);
    assert_int_equal(ch_examples_init_law(&test, &law, CH_STREAM_TEST_SAMPLES, TESTS, 1, NULL, NULL), CH_OK);
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++) {
        ch_architecture architecture;
        assert_int_equal(ch_architecture_init(&architecture, &specs[s], NULL), CH_OK);
        const size_t num = architecture.num_weights;
        double *start = ch_alloc(num, sizeof *start), *change = ch_alloc(num, sizeof *change);
        double *velocity = ch_alloc(num, sizeof *velocity), *gradient = ch_alloc(num, sizeof *gradient);
        double *gradients = ch_alloc(SAMPLES * num, sizeof *gradients), *tests = ch_alloc(TESTS * num, sizeof *tests);
        ch_architecture_draw(&architecture, 3, start);
        differentiate(&architecture, start, &train, gradients);
        differentiate(&architecture, start, &test, tests);
        const ch_kernel_setup kernel_setup = {&architecture, start, &train, &test, SIZE_MAX, 1, NULL};
        ch_kernel kernel;
        assert_int_equal(ch_kernel_init(&kernel, &kernel_setup, NULL), CH_OK);
        for (size_t g = 0; g < sizeof given / sizeof *given; g++) {
            const rule with = {given[g][0], given[g][1], SAMPLES, false};
            ch_twin_setup setup = twin_setup_for(&kernel, &with);
            size_t num_fitted = 0;
            setup.rate = 0.5;
            setup.kappa = 0.05;
            ch_twin twin;
            start_twin(&twin, &setup);
            memset(change, 0, num * sizeof *change);
            memset(velocity, 0, num * sizeof *velocity);
            for (uint64_t step = 1; step <= 40 && twin.learner.progress.status == CH_RUNNING; step++) {
                for (size_t k = 0; k < num; k++) {
                    gradient[k] = with.weight_decay * change[k];
                }
                for (size_t mu = 0; mu < SAMPLES; mu++) {
                    const double label = train.labels[mu], *own = gradients + mu * num;
                    const bool is_unfitted = label * dot(own, change, num) < setup.kappa;
                    num_fitted += !is_unfitted;
                    for (size_t k = 0; is_unfitted && k < num; k++) {
                        gradient[k] -= label * own[k] / SAMPLES;
                    }
                }
                for (size_t k = 0; k < num; k++) {
                    velocity[k] = with.momentum * velocity[k] + gradient[k];
                    change[k] -= setup.rate * velocity[k];
                }
                ch_observation seen;
                size_t errors = 0;
                twin.learner.advance(&twin.learner, &(ch_limit){.steps = step, .updates = UINT64_MAX});
                assert_int_equal(twin.learner.observe(&twin.learner, &seen, NULL), CH_OK);
                assert_close(seen.weight_change, sqrt(dot(change, change, num)), 1e-5);
                for (size_t mu = 0; mu < SAMPLES; mu++) {
                    const double margin = train.labels[mu] * dot(gradients + mu * num, change, num);
                    assert_in(twin.temperature * twin.margins.values[mu] - margin, -1e-6, 1e-6);
                }
                for (size_t i = 0; i < TESTS; i++) {
                    errors += !(test.labels[i] * dot(tests + i * num, change, num) > 0);
                }
                assert_close(seen.test_error, (double)errors / TESTS, 1e-15);
            }
            assert_true(num_fitted > SAMPLES); /* the samples that have a gradient changed on the way */
            ch_twin_free(&twin);
        }
        ch_kernel_free(&kernel);
        ch_architecture_free(&architecture);
        free(start);
        free(change);
        free(velocity);
        free(gradient);
        free(gradients);
        free(tests);
    }
    ch_examples_free(&train);
    ch_examples_free(&test);
}

/* ---- closed forms ---- */

/* One sample with the kernel K that stays unfitted: m_n = T K sum_{k <= n} (1 - mu^k) / (1 - mu), and with decay alone
 * m_n = K [1 - (1 - eta lambda)^n] / lambda. */
static void one_sample_in_closed_form(void **state)
{
    (void)state;
    float entries[CH_KERNEL_LANES] = {0.25F};
    const ch_kernel kernel = {.num_train = 1, .stride = CH_KERNEL_LANES, .train = entries};
    for (size_t which = 0; which < 2; which++) {
        const rule with = {which == 0 ? 0.9 : 0, which == 0 ? 0 : 0.4, 1, false};
        ch_twin_setup setup = twin_setup_for(&kernel, &with);
        ch_twin twin;
        ch_observation seen;
        double factor = 0;
        setup.kappa = 1e6;
        setup.rate = 0.1;
        start_twin(&twin, &setup);
        for (uint64_t n = 1; n <= 50; n++) {
            factor += setup.rate * (1 - pow(0.9, (double)n)) / (1 - 0.9);
            const double sum = which == 0 ? factor : (1 - pow(1 - setup.rate * 0.4, (double)n)) / 0.4;
            twin.learner.advance(&twin.learner, &(ch_limit){.steps = n, .updates = UINT64_MAX});
            assert_int_equal(twin.learner.observe(&twin.learner, &seen, NULL), CH_OK);
            assert_close(seen.min_margin * setup.kappa, 0.25 * sum, 1e-12);
            assert_close(seen.weight_change, 0.5 * sum, 1e-12);
        }
        ch_twin_free(&twin);
    }
}

static void setups_outside_their_ranges_are_refused(void **state)
{
    (void)state;
    static const rule bad[] = {{1, 0, 2, false},  {-0.1, 0, 2, false}, {NAN, 0, 2, false},
                               {0, -1, 2, false}, {0, NAN, 2, false},  {0, INFINITY, 2, false}};
    ch_sample_set set = draw(0, DIM, false, 3, NUM);
    ch_kernel kernel = gram_of(&set, NULL);
    ch_twin twin;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const ch_twin_setup setup = twin_setup_for(&kernel, &bad[i]);
        assert_int_equal(ch_twin_init(&twin, &setup, NULL), CH_ERROR_INPUT);
    }
    ch_twin_setup setup = twin_setup_for(&kernel, &rules[0]);
    setup.from_unfitted = true;
    assert_int_equal(ch_twin_init(&twin, &setup, NULL), CH_ERROR_INPUT);
    ch_kernel_free(&kernel);
    ch_sample_set_free(&set);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(perceptrons_are_their_twins),
        cmocka_unit_test(twins_end_fitted),
        cmocka_unit_test(linearised_networks_are_their_twins),
        cmocka_unit_test(one_sample_in_closed_form),
        cmocka_unit_test(setups_outside_their_ranges_are_refused),
    };
    return cmocka_run_group_tests_name("moving twins", tests, NULL, NULL);
}
