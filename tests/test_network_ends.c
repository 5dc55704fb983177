/* test_network_ends.c — training of networks at its limits: steps, stops, divergence, refused setups, memory. */
#include "models/learner/lookahead.h"

#include "tests/alloc_fail.h"
#include "tests/learner_support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>
#include <string.h>

/* Limits of steps and updates are exact, and stopping on the way changes no bit, for both engines and every dynamics.
 */
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
        assert_true(!setup.fast || at_once.lookahead->looks > 2);
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

/* A NaN anywhere in the inputs, also where relu may drop it, leads neither to a fitted run nor to an error of 0. */
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

/* A raised stop flag ends the training at once, without a step. */
static void stop_is_obeyed(void **state)
{
    (void)state;
    ch_examples train = draw_examples(6, 20, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 16, 1, train.shape);
    for (size_t k = 0; k < 6; k++) {
        ch_stop stop = 0;
        const ch_watch watch = {.stop = &stop};
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.dynamics = (ch_dynamics)(k % 5);
        setup.fast = k == 5;
        setup.watch = &watch;
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

/* Each allocation fails in turn. The memory that is used is the memory that was announced. */
static void memory_is_accounted_for(void **state)
{
    (void)state;
    skip_under_valgrind();
    ch_examples train = draw_examples(36, is_sanitized() ? 100 : 600, 8);
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
        const size_t bytes = alloc_bytes();
        ch_network_learner_free(&model);
        ch_network_learner_free(&model);
        assert_true(bytes <= ch_network_learner_bytes(&setup) && ch_network_learner_bytes(&setup) < 3 * bytes);
        long failed;
        ch_error err;
        assert_failures_are_told(failed, ch_network_learner_init(&model, &setup, &err), err,
                                 ch_network_learner_free(&model));
        ch_network_learner_free(&model);
        assert_true(failed > 5);
    }
    ch_architecture_free(&networks[0]);
    ch_architecture_free(&networks[1]);
    ch_examples_free(&train);
}

/* No architecture uses more memory than announced. */
static void announced_memory_is_enough(void **state)
{
    (void)state;
    ch_examples train = draw_examples(3 * 64, 40, 8);
    train.shape = (ch_shape){3, 8, 8};
    for (ch_arch arch = 0; arch < CH_NUM_ARCHS; arch++) {
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
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(divergence_is_noticed),
        cmocka_unit_test(nan_inputs_diverge),
        cmocka_unit_test(bad_setups_are_refused),
        cmocka_unit_test(stop_is_obeyed),
        cmocka_unit_test(memory_is_accounted_for),
        cmocka_unit_test(announced_memory_is_enough),
        cmocka_unit_test(observation_survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("network ends", tests, NULL, NULL);
}
