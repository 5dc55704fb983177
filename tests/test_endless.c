/* test_endless.c — runs that would not end: they are refused beforehand, or end as stuck; and numbers of any size. */
#include "models/learner/state.h"
#include "sim/admit.h"
#include "sim/contradiction.h"
#include "sim/reach.h"
#include "sim/stagnation.h"
#include "sim/train_private.h"
#include "tests/learner_support.h"
#include "tests/train_support.h"

#include <gsl/gsl_errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ch_run train(const char *format, ...) __attribute__((format(printf, 1, 2)));
static ch_run train(const char *format, ...)
{
    char text[256];
    ch_run run;
    ch_error err = {0};
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const ch_settings settings = settings_of(text);
    if (train_by_settings(&run, &settings, 1, NULL, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return run;
}

/* ---- numbers of any size ---- */

/* At a fixed T alpha all that has a unit is proportional to T, bit by bit, and all else is the same, from T = 2^-992
 * to 2^948: every engine, with a trajectory and test samples. */
static void test_results_are_proportional(void **state)
{
    (void)state;
    static const char *const models[] = {
        "model=perceptron dim=16 chi=1 train=512 batch=2 engine=plain record=3 seed=1",
        "model=perceptron dim=16 chi=1 train=1024 batch=2 engine=fast test=100 seed=2",
        "model=perceptron dim=8 train=64 batch=full engine=plain seed=3",
        "model=perceptron dim=16 train=inf batch=2 max_steps=3000 seed=4",
        "model=mlp linear=yes dim=8 width=32 depth=2 train=32 test=20 batch=2 seed=5",
    };
    static const int exponents[] = {-990, -700, -540, -515, -130, -66, 60, 64, 130, 515, 700, 950};
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        ch_run one = train("%s temp=0.25 alpha=64", models[m]);
        assert_true(one.final.weight_change > 0 && one.final.train_loss >= 0);
        assert_int_equal(one.status, m == 3 ? CH_BUDGET : CH_FITTED);
        for (size_t i = 0; i < sizeof exponents / sizeof *exponents; i++) {
            const int k = exponents[i];
            ch_run run = train("%s temp=2^%d alpha=2^%d", models[m], k - 2, 6 - k);
            assert_int_equal(run.status, one.status);
            assert_int_equal(run.steps, one.steps);
            assert_int_equal(run.updates, one.updates);
            assert_int_equal(run.num_points, one.num_points);
            assert_true(run.final.weight_change == ldexp(one.final.weight_change, k));
            assert_true(run.final.train_loss == ldexp(one.final.train_loss, k));
            assert_true(run.final.weight_change_rel == ldexp(one.final.weight_change_rel, k));
            assert_true(m == 4 || run.final.signal == ldexp(one.final.signal, k));
            assert_true(m == 4 || run.final.noise == ldexp(one.final.noise, k));
            assert_true(run.time == ldexp(one.time, k));
            assert_true(m == 3 || run.final.min_margin == one.final.min_margin);
            assert_true(run.final.test_error == one.final.test_error);
            for (size_t p = 0; p < one.num_points; p++) {
                assert_true(run.points[p].observed.noise == ldexp(one.points[p].observed.noise, k));
                assert_int_equal(run.points[p].observed.unfitted, one.points[p].observed.unfitted);
            }
            ch_run_free(&run);
        }
        ch_run_free(&one);
    }
}

/* ---- what is refused ---- */

static void assert_refused(const char *text, const char *says)
{
    const ch_settings settings = settings_of(text);
    const ch_resolved resolved = resolve_settings(&settings);
    ch_error err = {0};
    if (ch_admit(&resolved, &err) != CH_ERROR_INPUT || strstr(err.message, says) == NULL) {
        fail_msg("%s: '%s' lacks '%s'", text, err.message, says);
    }
}

static void assert_admitted(const char *text)
{
    const ch_settings settings = settings_of(text);
    const ch_resolved resolved = resolve_settings(&settings);
    ch_error err = {0};
    if (ch_admit(&resolved, &err) != CH_OK) {
        fail_msg("%s: %s", text, err.message);
    }
}

static void test_what_takes_too_many_steps_is_refused(void **state)
{
    (void)state;
    /* kappa / eta = 2^-15 / (2 10^-30) */
    assert_refused("model=perceptron temp=1e-30", "takes about 1.5e+25 steps, and the most is 1e+12");
    assert_refused("model=perceptron temp=1e-30 engine=plain", "temp is 1e-30");
    assert_refused("model=perceptron rate=1e-30 batch=full", "rate is 1e-30");
    assert_refused("model=mlp linear=yes temp=1e-30", "steps, and the most is 1e+12; accepted is temp from about");
    assert_refused("model=mlp temp=1e-17 batch=1", "steps, and the most is 1e+10");
    assert_admitted("model=perceptron temp=1e-30 max_steps=10");
    assert_admitted("model=perceptron temp=1e-30 max_updates=10");
    assert_admitted("model=perceptron temp=1e-30 max_seconds=10");
    assert_admitted("model=perceptron temp=1e-30 alpha=1e30");
    assert_admitted("model=perceptron temp=1e-12");
    assert_admitted("model=mlp temp=2^-28");
    assert_admitted("model=mlp linear=yes temp=2^-28");
}

/* Under every dynamics, with a budget too, since no weight would move. */
static void test_updates_under_the_spacing_are_refused(void **state)
{
    (void)state;
    static const char *const dynamics[] = {"sgd", "gd", "flow", "unfitted", "sde"};
    for (size_t i = 0; i < 5; i++) {
        char text[128];
        snprintf(text, sizeof text, "model=mlp temp=1e-30 max_steps=10 dynamics=%s", dynamics[i]);
        assert_refused(text, "so that weights never move");
        if (i > 1) { /* the others have engines of their own, whose weights start at 0 */
            snprintf(text, sizeof text, "model=perceptron temp=1e-30 max_steps=10 dynamics=%s", dynamics[i]);
            assert_refused(text, "so that weights never move");
        }
    }
    assert_refused("model=perceptron temp=1e-30 max_steps=10 loss=mse", "so that weights never move");
}

static void test_ranges_are_refused_by_name(void **state)
{
    (void)state;
    assert_refused("model=perceptron temp=2^1000",
                   "temp is 1.07151e+301, which makes rate 2.14302e+301; accepted is temp from 2^-1001 to 2^959");
    assert_refused("model=perceptron rate=2^-1010 alpha=2^1000", "rate is");
    assert_refused("model=perceptron temp=2^-1010 batch=full train=64 alpha=2^1000",
                   "temp is 9.1139e-305, which makes rate 5.8329e-303; accepted is temp from 2^-1006 to 2^954");
    assert_admitted("model=perceptron temp=2^959 alpha=2^-900");
    assert_refused("model=perceptron rate=1 alpha=2^1010", "alpha is");
    assert_refused("model=perceptron rate=2^900 alpha=2^900", "rate x alpha is");
    assert_refused("model=mlp temp=1 alpha=2^25", "alpha is 3.35544e+07; accepted is 2^-60 to 2^24");
    assert_refused("model=mlp temp=1 alpha=2^-61", "accepted is 2^-60 to 2^24");
    assert_refused("model=perceptron temp=1 dynamics=flow alpha=2^41", "accepted is 2^-200 to 2^40");
    assert_admitted("model=mlp temp=1 alpha=2^24");
    assert_admitted("model=mlp temp=1 alpha=2^25 linear=yes");
    assert_admitted("model=perceptron temp=1 alpha=1e300");
}

/* ---- memory ---- */

/* What does not fit is refused with the largest value that fits, which then fits, and one more does not. */
static void test_what_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t setting;
    } cases[] = {
        {"model=perceptron temp=1 dim=2147483648 train=1 batch=1", CH_SETTING_DIM},
        {"model=perceptron temp=1 train=4294967295", CH_SETTING_TRAIN},
        {"model=perceptron temp=1 dim=2 train=4294967295", CH_SETTING_TRAIN},
        {"model=perceptron temp=1 train=inf batch=4294967295 dim=2 max_steps=1", CH_SETTING_BATCH},
        {"model=mlp temp=1 width=1024 depth=1000", CH_SETTING_WIDTH},
        {"model=mlp temp=1 width=1048576 depth=2", CH_SETTING_WIDTH},
        {"model=perceptron temp=1 dim=4 train=1024 test=4294967295", CH_SETTING_TEST}, /* dim is 2 or more */
        {"model=mlp temp=1 data=mnist_parity width=4 depth=2 train=60000 test=10000 linear=yes", CH_SETTING_TRAIN},
    };
    const size_t limit = (size_t)1 << 30;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_settings settings = settings_of(cases[i].text);
        settings.data_dir = "none";
        ch_resolved resolved = resolve_settings(&settings);
        ch_error err = {0};
        char name[32];
        assert_int_equal(ch_admit_memory(&resolved, limit, &err), CH_ERROR_INPUT);
        assert_non_null(strstr(err.message, "at most 1.07 GB can be had"));
        snprintf(name, sizeof name, "accepted is %s up to ", ch_settings_table[cases[i].setting].name);
        const char *says = strstr(err.message, name);
        if (says == NULL) {
            fail_msg("%s: %s", cases[i].text, err.message);
        }
        const uint64_t fits = strtoull(says + strlen(name), NULL, 10);
        for (uint64_t more = 0; more < 2; more++) {
            ch_settings_set(&resolved.settings, cases[i].setting, (ch_value){.count = fits + more});
            assert_int_equal(ch_admit_memory(&resolved, limit, NULL), more == 0 ? CH_OK : CH_ERROR_INPUT);
        }
    }
    /* train is at least batch, with which the run does not fit either */
    ch_settings settings = settings_of("model=perceptron temp=1 dim=2 train=400000000 batch=300000000");
    const ch_resolved resolved = resolve_settings(&settings);
    ch_error err = {0};
    assert_int_equal(ch_admit_memory(&resolved, limit, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "accepted is a run in which more than one of them is smaller"));
}

/* ---- contradictions ---- */

/* Six examples; the sixth has the input of the third. */
static ch_examples twice(int8_t third, int8_t sixth)
{
    ch_examples examples = draw_examples(4, 6, 1);
    memcpy(examples.inputs + 5 * 4, examples.inputs + 2 * 4, 4 * sizeof *examples.inputs);
    examples.labels[2] = third;
    examples.labels[5] = sixth;
    return examples;
}

static ch_kernel kernel_of(const ch_examples *examples)
{
    ch_kernel kernel;
    ch_architecture network = make_network(CH_ARCH_MLP, 8, 2, examples->shape);
    double weights[512];
    assert_true(network.num_weights <= 512);
    ch_architecture_draw(&network, 1, weights);
    const ch_kernel_setup setup = {.architecture = &network,
                                   .weights = weights,
                                   .train = examples,
                                   .bytes = ch_kernel_best_work(&network, examples->num_samples, 0),
                                   .threads = 1};
    assert_int_equal(ch_kernel_init(&kernel, &setup, NULL), CH_OK);
    ch_architecture_free(&network);
    return kernel;
}

static void test_both_labels_are_found(void **state)
{
    (void)state;
    for (int equal = 0; equal < 2; equal++) {
        ch_contradiction found;
        ch_examples examples = twice(1, equal ? 1 : -1);
        assert_int_equal(ch_contradiction_of_examples(&examples, &found, NULL), CH_OK);
        assert_true(equal ? found.first == SIZE_MAX : found.first == 5);
        assert_int_equal(found.cause, equal ? CH_CAUSE_NONE : CH_CAUSE_BOTH_LABELS);
        ch_kernel kernel = kernel_of(&examples);
        assert_int_equal(ch_contradiction_of_kernel(&kernel, &found, NULL), CH_OK);
        assert_true(equal ? found.first == SIZE_MAX : found.first == 5);
        assert_int_equal(found.cause, equal ? CH_CAUSE_NONE : CH_CAUSE_BOTH_LABELS);
        ch_kernel_free(&kernel);
        ch_examples_free(&examples);
    }
}

/* A sample whose gradient is 0 has a row of zeros. */
static void test_no_gradient_is_found(void **state)
{
    (void)state;
    ch_contradiction found;
    ch_examples examples = draw_examples(4, 6, 1);
    ch_kernel kernel = kernel_of(&examples);
    kernel.train[4 * kernel.stride + 4] = 0;
    assert_int_equal(ch_contradiction_of_kernel(&kernel, &found, NULL), CH_OK);
    assert_int_equal(found.first, 4);
    assert_int_equal(found.cause, CH_CAUSE_FIXED_SAMPLE);
    ch_kernel_free(&kernel);
    ch_examples_free(&examples);
}

/* A run on such a set is stuck before its first step; on the samples before it, or under a budget, it trains. */
static void test_contradictions_end_runs(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        ch_status status;
    } cases[] = {
        {"model=mlp dim=4 width=8 depth=2 train=6 temp=0.01", CH_STUCK},
        {"model=mlp dim=4 width=8 depth=2 train=6 temp=0.01 engine=plain", CH_STUCK},
        {"model=mlp dim=4 width=8 depth=2 train=6 temp=0.01 dynamics=gd", CH_STUCK},
        {"model=mlp dim=4 width=8 depth=2 train=6 temp=0.01 dynamics=flow", CH_STUCK},
        {"model=mlp dim=4 width=8 depth=2 train=6 temp=0.01 dynamics=unfitted", CH_STUCK},
        {"model=mlp dim=4 width=8 depth=2 train=6 temp=0.01 dynamics=sde", CH_STUCK},
        {"model=mlp dim=4 width=8 depth=2 train=5 temp=0.01", CH_FITTED},
        {"model=mlp dim=4 width=8 depth=2 train=6 temp=0.01 max_steps=200", CH_BUDGET},
        {"model=mlp dim=4 width=8 depth=2 train=6 temp=0.01 linear=yes", CH_STUCK},
        {"model=mlp dim=4 width=8 depth=2 train=5 temp=0.01 linear=yes", CH_FITTED},
        {"model=mlp dim=4 width=8 depth=2 train=6 temp=0.01 linear=yes max_steps=200", CH_BUDGET},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ch_settings settings = settings_of(cases[i].text);
        const ch_resolved resolved = resolve_settings(&settings);
        ch_train_set set = {.key = ch_train_key_of(&resolved), .num_samples = 6, .norm_init = 1};
        ch_run run;
        ch_error err = {0};
        set.train = twice(1, -1);
        set.kernel = kernel_of(&set.train);
        assert_int_equal(ch_contradiction_of_examples(&set.train, &set.contradiction, NULL), CH_OK);
        if (ch_train(&run, &resolved, &set, 1, NULL, &err) != CH_OK) {
            fail_msg("%s: %s", cases[i].text, err.message);
        }
        assert_int_equal(run.status, cases[i].status);
        assert_int_equal(run.reason, run.status == CH_STUCK ? CH_CAUSE_BOTH_LABELS : CH_CAUSE_NONE);
        assert_int_equal(run.steps == 0, run.status == CH_STUCK);
        ch_run_free(&run);
        ch_train_set_free(&set);
    }
}

/* ---- weights that do not move ---- */

/* Updates under half the spacing of the weights end a run as stuck, under every engine and dynamics. */
static void test_weights_that_cannot_move(void **state)
{
    (void)state;
    ch_examples train_set = draw_examples(6, 20, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 16, 2, train_set.shape);
    for (int k = 0; k < 6; k++) {
        ch_network_learner_setup setup = setup_of(&network, &train_set);
        setup.dynamics = (ch_dynamics)(k % 5);
        setup.fast = k == 5;
        setup.rate = 1e-25;
        ch_network_learner model = start(&setup);
        advance_to(&model.learner, 100000, UINT64_MAX);
        assert_int_equal(model.learner.progress.status, CH_STUCK);
        assert_int_equal(model.learner.progress.cause, CH_CAUSE_TOO_SMALL);
        assert_true(observe(&model.learner).weight_change == 0);
        ch_network_learner_free(&model);
    }
    ch_architecture_free(&network);
    ch_examples_free(&train_set);
}

/* Weights that have grown until updates do not change them have diverged, as ever. */
static void test_weights_that_blew_up_have_diverged(void **state)
{
    (void)state;
    ch_examples train_set = draw_examples(6, 20, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 16, 2, train_set.shape);
    ch_network_learner_setup setup = setup_of(&network, &train_set);
    setup.dynamics = CH_DYNAMICS_GD;
    setup.rate = 1e4; /* every unit is off at every sample after some steps */
    ch_network_learner model = start(&setup);
    advance_to(&model.learner, 100000, UINT64_MAX);
    assert_int_equal(model.learner.progress.status, CH_DIVERGED);
    ch_network_learner_free(&model);
    ch_architecture_free(&network);
    ch_examples_free(&train_set);
}

/* One sample just under the margin, where the soft hinge's slope is 0 in double precision: no step moves a weight. */
static void test_gradients_that_vanish(void **state)
{
    (void)state;
    ch_examples train_set = draw_examples(6, 1, 8);
    ch_architecture network = make_network(CH_ARCH_PERCEPTRON, 0, 0, train_set.shape);
    for (int k = 0; k < 6; k++) {
        ch_network_learner_setup setup = setup_of(&network, &train_set);
        setup.dynamics = (ch_dynamics)(k % 5);
        setup.fast = k == 5;
        setup.wide = true;
        setup.batch = 1;
        setup.loss = CH_LOSS_SOFTHINGE;
        ch_network_learner model = start(&setup);
        double weights[6], square = 0;
        for (size_t i = 0; i < 6; i++) {
            square += (double)train_set.inputs[i] * (double)train_set.inputs[i];
        }
        for (size_t i = 0; i < 6; i++) { /* m = y dw . x / sqrt(d) = 0.9999 kappa */
            weights[i] = ch_network_learner_weights(&model)[i] +
                         0.9999 * setup.kappa * sqrt(6) * train_set.labels[0] * (double)train_set.inputs[i] / square;
        }
        ch_state_set_weights(model.state, weights);
        model.state->next_look = 1; /* as after an update */
        advance_to(&model.learner, 1000, UINT64_MAX);
        assert_int_equal(model.learner.progress.status, CH_STUCK);
        assert_int_equal(model.learner.progress.cause, CH_CAUSE_NO_GRADIENT);
        const ch_observation seen = observe(&model.learner);
        assert_true(seen.unfitted == 1 && seen.min_margin > 0.9998);
        ch_network_learner_free(&model);
    }
    ch_architecture_free(&network);
    ch_examples_free(&train_set);
}

/* ---- stagnation ---- */

/* A planted trajectory: ||Dw|| ~ U^growth, loss ~ U^-fall, share of updates ~ U^-decay.
 * @return log2 of U / 2^18 when it stagnates; -1 where it does not before 2^40 updates */
static double stagnates_after(double growth, double decay, double fall, bool has_loss)
{
    ch_stagnation self = ch_stagnation_start(1000, 10, has_loss, INFINITY);
    ch_progress progress = {0};
    while (self.next < UINT64_C(1) << 40) {
        const double u = (double)self.next / 0x1p18;
        const double more = (double)(self.next - progress.updates);
        const ch_observation seen = {.weight_change = 3 * pow(u, growth), .train_loss = 0.1 * pow(u, -fall)};
        progress.updates = self.next;
        progress.steps += (uint64_t)(more / (0.5 * pow(u, -decay)));
        if (ch_stagnation_look(&self, &progress, &seen)) {
            return log2(u);
        }
    }
    return -1;
}

static void test_stagnation_is_noticed(void **state)
{
    (void)state;
    assert_true(fabs(stagnates_after(0, 0, 0, true) - 4) <
                0.1); /* the first of four windows has none to compare with */
    assert_true(fabs(stagnates_after(0.1, 0.05, 0, false) - 4) < 0.1);
    assert_true(stagnates_after(0.2, 0, 0, false) < 0);
    assert_true(stagnates_after(0, 0.1, 0, false) < 0);
    assert_true(stagnates_after(0, 0, 0.05, true) < 0);
    assert_true(stagnates_after(0, 0, 0.05, false) > 0);
    const ch_stagnation small = ch_stagnation_start(100, 100, false, 1e10),
                        large = ch_stagnation_start(100000, 1, false, 1e10);
    assert_int_equal(small.next, 1 << 18);
    assert_true(large.next == UINT64_C(1024) * 100001);
}

/* A planted trajectory of a run that diffuses: ||Dw|| ~ U^growth, loss ~ U^-fall, and n U^-slope samples are unfitted
 * from U = 2^18 on, every second step being an update. It may need 1e11 steps.
 * @return log2 of U / 2^18 when it is too slow; -1 where it is not before 2^40 updates or all samples are fitted */
static double too_slow_after(double growth, double fall, double unfitted, double slope)
{
    ch_stagnation self = ch_stagnation_start(1000, 10, false, 1e11);
    ch_progress progress = {0};
    while (self.next < UINT64_C(1) << 40) {
        const double u = (double)self.next / 0x1p18;
        const ch_observation seen = {.weight_change = 3 * pow(u, growth),
                                     .train_loss = 0.1 * pow(u, -fall),
                                     .unfitted = (uint64_t)llround(unfitted * pow(u, -slope))};
        progress.updates = self.next;
        progress.steps = 2 * self.next;
        const ch_cause cause = ch_stagnation_look(&self, &progress, &seen);
        if (cause != CH_CAUSE_NONE || seen.unfitted == 0) {
            return cause == CH_CAUSE_TOO_SLOW ? log2(u) : -1;
        }
    }
    return -1;
}

static void test_runs_that_are_too_slow_are_noticed(void **state)
{
    (void)state;
    assert_true(fabs(too_slow_after(0.5, 0, 200, 0) - 4) < 0.1);        /* as many unfitted as ever */
    assert_true(fabs(too_slow_after(0.5, 0.05, 10000, 0.1) - 4) < 0.1); /* 10^40 times as many steps are needed */
    assert_true(too_slow_after(0.5, 0.05, 10000, 1) < 0);               /* 10^4 times as many as 5 10^5 */
    assert_true(too_slow_after(0.5, 0.05, 10000, 0.8) < 0);             /* 10^5 times */
    assert_true(too_slow_after(0.5, 0.05, 1000, 0.4) > 0);              /* 3 10^7 times */
    assert_true(too_slow_after(1, 0, 200, 0) < 0);                      /* all on their way to the margin */
    assert_true(too_slow_after(0.5, 0.3, 200, 0) < 0);                  /* a loss that falls */
    assert_true(too_slow_after(0.5, 0, 12, 0) < 0);                     /* few, which may end by fluctuating */
}

/* Four units cannot fit which of 128 points in four dimensions lie in a ball, and their weights diffuse. The run ends,
 * and so would it at other seeds. A sweep goes on after it. */
static void test_a_network_that_is_too_small_ends(void **state)
{
    (void)state;
    if (is_sanitized()) {
        skip(); /* it takes ten million updates */
    }
    ch_run run = train("model=mlp width=4 depth=1 data=sphere dim=4 train=128 batch=2 temp=0.01 alpha=1024 seed=1");
    assert_int_equal(run.status, CH_STUCK);
    assert_true(run.reason == CH_CAUSE_TOO_SLOW || run.reason == CH_CAUSE_NO_PROGRESS);
    assert_true(run.final.unfitted >= 16 && run.updates < UINT64_C(1) << 24);
    ch_run_free(&run);
}

/* Three inputs of one label in three directions, which no plane through the origin has on one side. */
static void test_what_no_plane_divides_is_stuck(void **state)
{
    (void)state;
    static const float inputs[3][2] = {{1, 0}, {-0.5F, 0.75F}, {-0.5F, -0.75F}};
    static const double weights[2] = {1, 0};
    const ch_settings settings = settings_of("model=perceptron linear=yes dim=2 train=3 batch=2 temp=1");
    const ch_resolved resolved = resolve_settings(&settings);
    ch_train_set set = {.key = ch_train_key_of(&resolved), .num_samples = 3, .norm_init = 1};
    ch_architecture network = make_network(CH_ARCH_PERCEPTRON, 0, 0, (ch_shape){2, 1, 1});
    ch_run run;
    set.train = draw_examples(2, 3, 1);
    memcpy(set.train.inputs, inputs, sizeof inputs);
    memset(set.train.labels, 1, 3);
    const ch_kernel_setup setup = {.architecture = &network,
                                   .weights = weights,
                                   .train = &set.train,
                                   .bytes = ch_kernel_best_work(&network, 3, 0),
                                   .threads = 1};
    assert_int_equal(ch_kernel_init(&set.kernel, &setup, NULL), CH_OK);
    assert_int_equal(ch_contradiction_of_kernel(&set.kernel, &set.contradiction, NULL), CH_OK);
    assert_true(set.contradiction.first == SIZE_MAX);
    assert_int_equal(ch_train(&run, &resolved, &set, 1, NULL, NULL), CH_OK);
    assert_int_equal(run.status, CH_STUCK);
    assert_int_equal(run.reason, CH_CAUSE_NO_PROGRESS);
    assert_true(run.updates >> 22 == 1 && run.final.unfitted > 0);
    ch_run_free(&run);
    ch_train_set_free(&set);
    ch_architecture_free(&network);
}

static void test_causes_have_words(void **state)
{
    (void)state;
    assert_null(ch_cause_text(CH_CAUSE_NONE));
    assert_int_equal(ch_cause_find(NULL), CH_CAUSE_NONE);
    assert_int_equal(ch_cause_find("of another program"), CH_CAUSE_NONE);
    for (ch_cause cause = CH_CAUSE_NONE + 1; cause < CH_NUM_CAUSES; cause++) {
        assert_int_equal(ch_cause_find(ch_cause_text(cause)), cause);
    }
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_are_proportional),
        cmocka_unit_test(test_what_takes_too_many_steps_is_refused),
        cmocka_unit_test(test_updates_under_the_spacing_are_refused),
        cmocka_unit_test(test_ranges_are_refused_by_name),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
        cmocka_unit_test(test_both_labels_are_found),
        cmocka_unit_test(test_no_gradient_is_found),
        cmocka_unit_test(test_contradictions_end_runs),
        cmocka_unit_test(test_weights_that_cannot_move),
        cmocka_unit_test(test_weights_that_blew_up_have_diverged),
        cmocka_unit_test(test_gradients_that_vanish),
        cmocka_unit_test(test_stagnation_is_noticed),
        cmocka_unit_test(test_runs_that_are_too_slow_are_noticed),
        cmocka_unit_test(test_a_network_that_is_too_small_ends),
        cmocka_unit_test(test_what_no_plane_divides_is_stuck),
        cmocka_unit_test(test_causes_have_words),
    };
    return cmocka_run_group_tests_name("endless", tests, NULL, NULL);
}
