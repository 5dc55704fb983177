/* test_network_fast.c — compares the fast engine of networks with the plain one. */
#include "models/learner/lookahead.h"

#include "core/memory.h"
#include "tests/learner_support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>
#include <string.h>

/* Until it first computes all margins, the fast engine takes the steps of the plain one to the last bit, in both
 * precisions, and for batches that fit the workspace once, many times, or not at all. */
static void fast_takes_the_same_steps(void **state)
{
    (void)state;
    skip_under_valgrind();
    static const size_t batches[] = {1, 2, 5, 100, 600, 1500};
    ch_examples train = draw_examples(6, 2000, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 16, 2, train.shape);
    for (size_t k = 0; k < 12; k += is_sanitized() ? 5 : 1) {
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.batch = batches[k / 2];
        setup.wide = k % 2;
        const uint64_t most = is_sanitized() && setup.batch > 5 ? 150 : 500;
        setup.rate = 0.004 * (double)setup.batch;
        ch_network_learner plain = start(&setup);
        setup.fast = true;
        ch_network_learner fast = start(&setup);
        const size_t bytes = network.num_weights * sizeof(double);
        size_t most_ahead = 1, compared = 0;
        for (uint64_t steps = 50; fast.lookahead->num_active == UINT32_MAX && steps <= most; steps += 50) {
            advance_to(&plain.learner, steps, UINT64_MAX);
            advance_to(&fast.learner, steps, UINT64_MAX);
            if (fast.lookahead->num_active < UINT32_MAX) {
                break;
            }
            const ch_progress *seen = &fast.learner.progress, *expected = &plain.learner.progress;
            assert_true(seen->steps == expected->steps && seen->updates == expected->updates);
            assert_true(seen->last_update == expected->last_update && seen->status == expected->status);
            assert_memory_equal(ch_network_learner_weights(&fast), ch_network_learner_weights(&plain), bytes);
            compared++;
            most_ahead = fast.lookahead->next_round > most_ahead ? fast.lookahead->next_round : most_ahead;
        }
        assert_true(fast.learner.progress.updates >= 20 && fast.learner.progress.steps >= 50);
        assert_true(most_ahead > 1 || setup.batch > 5);
        assert_true(compared > 0);
        ch_network_learner_free(&plain);
        ch_network_learner_free(&fast);
    }
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

/* A run of the fast engine ends when every sample is fitted. It computes all margins only a few times, and its last
 * update is reported as such. */
static void fast_ends_fitted(void **state)
{
    (void)state;
    skip_under_valgrind();
    const size_t count = is_sanitized() ? 100 : 300;
    ch_examples train = draw_examples(6, count, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 16, 1, train.shape);
    for (size_t batch = 1; batch <= count; batch += is_sanitized() ? count - 1 : 23) {
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

/* Requires that two learners are at the same point. */
static void assert_same_state(const ch_network_learner *model, const ch_network_learner *expected)
{
    const size_t bytes = model->state->num_weights * sizeof(double);
    assert_int_equal(model->learner.progress.status, expected->learner.progress.status);
    assert_int_equal(model->learner.progress.updates, expected->learner.progress.updates);
    assert_int_equal(model->learner.progress.last_update, expected->learner.progress.last_update);
    assert_memory_equal(ch_network_learner_weights(model), ch_network_learner_weights(expected), bytes);
}

/* By epochs the fast engine takes the steps of the plain one to the last bit until the run is over, for batches that
 * divide P or not, and for batches for which there is no round. */
static void epochs_are_those_of_the_plain_engine(void **state)
{
    (void)state;
    skip_under_valgrind();
    const size_t count = is_sanitized() ? 100 : 200; /* samples; under sanitizers two of ten cases */
    const size_t batches[] = {1, 7, count / 5 + 4, count / 4, count - 1};
    uint64_t looks = 0;
    ch_examples train = draw_examples(6, count, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 16, 2, train.shape);
    for (size_t k = is_sanitized() ? 3 : 0; k < 10; k += is_sanitized() ? 6 : 1) {
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.batch = batches[k / 2];
        setup.by_epoch = true;
        setup.wide = k % 2;
        setup.rate = 0.004 * (double)setup.batch;
        ch_network_learner plain = start(&setup);
        setup.fast = true;
        ch_network_learner fast = start(&setup);
        for (uint64_t steps = 30; plain.learner.progress.status == CH_RUNNING; steps += 1 + steps / 2) {
            advance_to(&fast.learner, steps, UINT64_MAX);
            if (fast.learner.progress.status == CH_RUNNING) {
                advance_to(&plain.learner, steps, UINT64_MAX);
                assert_int_equal(fast.learner.progress.steps, plain.learner.progress.steps);
            } else {
                advance_to(&plain.learner, UINT64_MAX, UINT64_MAX);
            }
            assert_same_state(&fast, &plain);
        }
        assert_int_equal(plain.learner.progress.status, CH_FITTED);
        assert_true(fast.lookahead->looks >= 1 && fast.learner.progress.updates >= 5);
        looks += fast.lookahead->looks;
        ch_network_learner_free(&plain);
        ch_network_learner_free(&fast);
    }
    assert_true(looks >= 3 * (is_sanitized() ? 2 : 10)); /* three a run, on average */
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

/* An epoch takes every sample once: with a rate so small that all samples stay unfitted, the weights of a linear
 * network after an epoch are those after one step of gradient descent of P / B times the rate, whatever P mod B is. */
static void an_epoch_sums_every_sample_once(void **state)
{
    (void)state;
    static const size_t batches[] = {1, 4, 7, 29};
    ch_examples train = draw_examples(5, 30, 8);
    ch_architecture network = make_network(CH_ARCH_PERCEPTRON, 0, 0, train.shape);
    for (size_t k = 0; k < 4; k++) {
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.wide = setup.by_epoch = true;
        setup.kappa = 1e3;
        setup.batch = batches[k];
        setup.rate = 0.01 * (double)setup.batch;
        ch_network_learner model = start(&setup);
        advance_to(&model.learner, 2 * ((30 + setup.batch - 1) / setup.batch), UINT64_MAX);
        setup.by_epoch = false;
        setup.dynamics = CH_DYNAMICS_GD;
        setup.rate = 0.01 * 30;
        ch_network_learner whole = start(&setup);
        advance_to(&whole.learner, 2, UINT64_MAX);
        for (size_t i = 0; i < network.num_weights; i++) {
            assert_close(ch_network_learner_weights(&model)[i], ch_network_learner_weights(&whole)[i], 1e-12);
        }
        ch_network_learner_free(&model);
        ch_network_learner_free(&whole);
    }
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

/* Lookahead sums are used where a round has two batches or more. Threads, limits and observations change no bit. */
static void lookahead_sums_change_no_bit(void **state)
{
    (void)state;
    skip_under_valgrind();
    static const size_t batches[] = {4, 32, 64, 100, 300};
    ch_examples train = draw_examples(80, 400, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 40, 2, train.shape);
    for (size_t k = is_sanitized() ? 1 : 0; k < 5; k += is_sanitized() ? 5 : 1) {
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.batch = batches[k];
        setup.rate = 0.02 * (double)setup.batch;
        setup.fast = true;
        ch_network_learner at_once = start(&setup), by_steps = start(&setup);
        advance_to(&at_once.learner, UINT64_MAX, UINT64_MAX);
        assert_int_equal(at_once.learner.progress.status, CH_FITTED);
        assert_true(at_once.lookahead->sums.is_possible == (setup.batch <= 64));
        assert_true(at_once.lookahead->sums.is_on == (setup.batch <= 64));
        for (uint64_t steps = 1; by_steps.learner.progress.status == CH_RUNNING; steps++) {
            advance_to(&by_steps.learner, steps, UINT64_MAX);
            if (steps % 16 == 0) {
                (void)observe(&by_steps.learner);
            }
        }
        assert_same_state(&by_steps, &at_once);
        for (setup.threads = 2; setup.threads <= (is_sanitized() ? 2 : 5); setup.threads += 3) {
            ch_network_learner threaded = start(&setup);
            advance_to(&threaded.learner, UINT64_MAX, UINT64_MAX);
            assert_same_state(&threaded, &at_once);
            ch_network_learner_free(&threaded);
        }
        ch_network_learner_free(&at_once);
        ch_network_learner_free(&by_steps);
    }
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

/* While lookahead sums are used, the margins from them agree with those computed from the weights, also for samples
 * whose sums lack the terms of the last updates. */
static void lookahead_sums_have_the_terms(void **state)
{
    (void)state;
    enum { P = 400 };
    ch_examples train = draw_examples(80, P, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 40, 2, train.shape);
    ch_network_learner_setup setup = setup_of(&network, &train);
    setup.batch = 4;
    setup.rate = 0.08;
    setup.fast = true;
    ch_network_learner model = start(&setup);
    const ch_lookahead_sums *sums = &model.lookahead->sums;
    const ch_sample_list all = {.index = sums->all, .count = P};
    float *found = ch_alloc(P * network.layers[0].out.channels, sizeof *found);
    double expected[P];
    size_t with_terms = 0;
    for (uint64_t updates = 10; model.learner.progress.status == CH_RUNNING; updates += 10) {
        advance_to(&model.learner, UINT64_MAX, updates);
        if (model.learner.progress.status != CH_RUNNING || !sums->is_on) {
            continue;
        }
        assert_true(ch_state_margins(model.state, &all));
        memcpy(expected, model.state->margins, sizeof expected);
        assert_true(ch_state_margins_by_sums(model.state, &all, &sums->layer, found));
        for (uint32_t mu = 0; mu < P; mu++) {
            assert_in(model.state->margins[mu] - expected[mu], -1e-5, 1e-5);
            with_terms += !ch_first_layer_is_stale(&sums->layer, mu) && ch_first_layer_lacks(&sums->layer, mu) > 0;
        }
    }
    assert_true(with_terms > 100);
    free(found);
    ch_network_learner_free(&model);
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_takes_the_same_steps),
        cmocka_unit_test(fast_ends_fitted),
        cmocka_unit_test(epochs_are_those_of_the_plain_engine),
        cmocka_unit_test(an_epoch_sums_every_sample_once),
        cmocka_unit_test(lookahead_sums_change_no_bit),
        cmocka_unit_test(lookahead_sums_have_the_terms),
    };
    return cmocka_run_group_tests_name("network fast engine", tests, NULL, NULL);
}
