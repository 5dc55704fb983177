/* test_train.c — one run from settings to result: trajectories, budgets, ends, and what must not change a bit. */
#include "sim/train_private.h"
#include "sim/train_set.h"
#include "tests/alloc_fail.h"
#include "tests/support.h"
#include "tests/train_support.h"
#include "tests/valgrind_support.h"

#include "chiton.h"

#include <gsl/gsl_errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

/* ---- runs to train ---- */

/* The settings of a perceptron, changed by NAME=VALUE pairs. */
static ch_settings perceptron_of(const char *pairs)
{
    char all[512];
    snprintf(all, sizeof all, "model=perceptron %s", pairs);
    return settings_of(all);
}

static ch_run train_settings(const ch_settings *settings)
{
    ch_run run;
    ch_error err = {0};
    if (train_by_settings(&run, settings, 1, NULL, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return run;
}

/* Trains with the settings that the formatted text gives, as perceptron_of reads it. */
static ch_run train(const char *format, ...) __attribute__((format(printf, 1, 2)));
static ch_run train(const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const ch_settings settings = perceptron_of(text);
    return train_settings(&settings);
}

/* A run that is fitted after some 4,000 steps. */
#define SMALL "dim=8 train=256 temp=1 seed=3"
/* A run that needs more than hours, because t* ~ P^21. */
#define ENDLESS "dim=64 chi=-0.9 train=4096 temp=1"

static void assert_observations_equal(const ch_observation *a, const ch_observation *b)
{
    assert_memory_equal(a, b, sizeof *a); /* nine members of 64 bits, without padding between them */
}

/* Requires that two runs are equal in everything but settings, points and seconds. */
static void assert_results_equal(const ch_run *a, const ch_run *b)
{
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->steps, b->steps);
    assert_int_equal(a->updates, b->updates);
    assert_memory_equal(&a->time, &b->time, sizeof a->time);
    assert_observations_equal(&a->final, &b->final);
}

static void assert_same_result(const char *one, const char *other)
{
    ch_run a = train("%s", one);
    ch_run b = train("%s", other);
    assert_results_equal(&a, &b);
    ch_run_free(&a);
    ch_run_free(&b);
}

/* ---- the result ---- */

static void test_a_fitted_run_is_fitted(void **state)
{
    (void)state;
    ch_run run = train(SMALL);
    assert_int_equal(run.status, CH_FITTED);
    assert_true(run.updates > 0 && run.updates <= run.steps);
    assert_true(run.time == 2 * (double)run.steps); /* eta = T B */
    assert_int_equal(run.final.unfitted, 0);
    assert_true(run.final.train_loss == 0 && run.final.train_error == 0);
    assert_true(run.final.min_margin >= 1);
    assert_close(hypot(run.final.signal, run.final.noise), run.final.weight_change, 1e-14);
    /* At chi = 0 the exact test error is arctan(1 / lambda) / pi. */
    assert_close(run.final.test_error, atan(run.final.noise / run.final.signal) / M_PI, 1e-9);
    assert_true(run.seconds > 0 && run.num_points == 0 && run.points == NULL);
    ch_run_free(&run);
    ch_run_free(&run);
}

static void test_gd_is_sgd_with_the_full_batch(void **state)
{
    (void)state;
    assert_same_result("dim=8 train=100 dynamics=gd rate=0.5", "dim=8 train=100 batch=full rate=0.5");
    assert_same_result("dim=8 train=10 dynamics=gd rate=0.5", "dim=8 train=10 batch=10 rate=0.5");
}

static void test_temp_and_rate_say_the_same(void **state)
{
    (void)state;
    assert_same_result("dim=8 train=200 batch=4 temp=0.25", "dim=8 train=200 batch=4 rate=1");
    /* The rate is T B rounded to a double, whichever of T and the rate was given. */
    ch_settings temp = perceptron_of("dim=8 train=200 batch=3 temp=0.3");
    ch_settings rate = perceptron_of("dim=8 train=200 batch=3");
    ch_settings_set(&rate, CH_SETTING_RATE, (ch_value){.real = 0.3 * 3});
    ch_run a = train_settings(&temp), b = train_settings(&rate);
    assert_results_equal(&a, &b);
    ch_run_free(&a);
    ch_run_free(&b);
}

static void test_engine_auto_follows_train(void **state)
{
    (void)state;
    char automatic[CH_ID_SIZE], plain[CH_ID_SIZE];
    assert_same_result(SMALL " engine=auto", SMALL " engine=plain");
    ch_run a = train(SMALL), b = train(SMALL " engine=plain");
    ch_settings_id(&a.resolved, automatic);
    ch_settings_id(&b.resolved, plain);
    assert_string_equal(automatic, plain);
    ch_run_free(&a);
    ch_run_free(&b);
    const ch_settings large = perceptron_of(SMALL " train=2048");
    assert_int_equal(resolve_settings(&large).settings.engine, CH_ENGINE_FAST);
}

/* 20,000 test samples: within five standard deviations, false alarm 6e-7; the seed is fixed. */
static void test_test_samples_measure_the_exact_error(void **state)
{
    (void)state;
    const double count = 20000;
    ch_run exact = train(SMALL), measured = train(SMALL " test=20000");
    const double p = exact.final.test_error, errors = measured.final.test_error * count;
    assert_in(measured.final.test_error, p - 5 * sqrt(p * (1 - p) / count), p + 5 * sqrt(p * (1 - p) / count));
    assert_true(fabs(errors - round(errors)) < 1e-6);
    assert_in(measured.final.density_chi / measured.final.density_error, -4, 4); /* of Gaussian outputs, chi = 0 */
    /* everything else must be the same */
    measured.final.test_error = exact.final.test_error;
    measured.final.density_chi = exact.final.density_chi;
    measured.final.density_error = exact.final.density_error;
    measured.final.density_edge = exact.final.density_edge;
    measured.final.density_drift = exact.final.density_drift;
    assert_results_equal(&exact, &measured);
    ch_run_free(&exact);
    ch_run_free(&measured);
}

static void test_a_larger_set_gives_the_same_bits(void **state)
{
    (void)state;
    static const char *const texts[] = {SMALL " record=3", SMALL " data=random_sign", SMALL " chi=2 batch=full"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const ch_settings settings = perceptron_of(texts[i]);
        const ch_resolved resolved = resolve_settings(&settings);
        ch_train_set set;
        ch_run run;
        assert_int_equal(ch_train_set_init(&set, &resolved, NULL, 1000, 2, NULL, NULL), CH_OK);
        assert_int_equal(ch_train(&run, &resolved, &set, 1, NULL, NULL), CH_OK);
        ch_run own = train_settings(&settings);
        assert_results_equal(&run, &own);
        assert_int_equal(run.num_points, own.num_points);
        ch_run_free(&run);
        ch_run_free(&own);
        ch_train_set_free(&set);
    }
}

static void test_threads_change_no_bit(void **state)
{
    (void)state;
    skip_under_valgrind();
    static const char *const texts[] = {SMALL " record=3 test=1000", SMALL " engine=fast test=999",
                                        "data=random_sign train=5000 temp=0.01 record=2", SMALL " chi=2 batch=full",
                                        "train=inf batch=40 temp=1 max_steps=200 record=2 test=100 teacher=random"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const ch_settings settings = perceptron_of(texts[i]);
        ch_run one = train_settings(&settings);
        for (int threads = 2; threads <= 3; threads++) {
            ch_run many;
            assert_int_equal(train_by_settings(&many, &settings, threads, NULL, NULL), CH_OK);
            assert_results_equal(&one, &many);
            assert_int_equal(one.num_points, many.num_points);
            ch_run_free(&many);
        }
        ch_run_free(&one);
    }
}

/* Each seed that is given alone changes what it is the seed of, and nothing else. */
static void test_every_seed_has_its_stream(void **state)
{
    (void)state;
    static const char *const seeds[] = {"seed_data=4", "seed_init=4", "seed_batch=4"};
    ch_run run = train(SMALL);
    char id[CH_ID_SIZE];
    ch_settings_id(&run.resolved, id);
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        ch_run other = train(SMALL " %s", seeds[i]);
        char other_id[CH_ID_SIZE];
        ch_settings_id(&other.resolved, other_id);
        assert_string_not_equal(id, other_id);
        const bool same_start = other.final.weight_change / other.final.weight_change_rel ==
                                run.final.weight_change / run.final.weight_change_rel;
        assert_true(i == 1 ? !same_start : other.steps != run.steps);
        ch_run_free(&other);
    }
    ch_run_free(&run);
}

/* A run's training set is drawn by its own law, for all laws. */
static void test_a_set_follows_its_law(void **state)
{
    (void)state;
    for (ch_law_kind kind = 0; kind < CH_NUM_LAWS; kind++) {
        char text[96];
        if ((ch_law_of(kind)->draw_sample == NULL && ch_law_of(kind)->draw_example == NULL) ||
            ch_law_of(kind)->has_density) { /* tests/test_laws.c has those of a density */
            continue;
        }
        snprintf(text, sizeof text, "model=mlp width=4 dim=7 train=20 temp=1 data=%s", ch_law_name(kind));
        const ch_settings settings = perceptron_of(text);
        const ch_resolved resolved = resolve_settings(&settings);
        const ch_data_law law = {.kind = kind, .dim = 7, .random_teacher = kind == CH_LAW_RANDOM_SIGN};
        ch_train_set set;
        ch_examples wanted;
        assert_int_equal(ch_train_set_init(&set, &resolved, NULL, 20, 1, NULL, NULL), CH_OK);
        assert_int_equal(ch_examples_init_law(&wanted, &law, CH_STREAM_TRAIN_SAMPLES, 20, 1, NULL, NULL), CH_OK);
        assert_memory_equal(set.train.labels, wanted.labels, 20);
        assert_memory_equal(set.train.inputs, wanted.inputs, 20 * 7 * sizeof(float));
        ch_examples_free(&wanted);
        ch_train_set_free(&set);
    }
}

/* ---- trajectories ---- */

/* Requires points at the steps round(10^(i / record)) before the last step, each once, and then a point at the end. */
static void assert_schedule(const ch_run *run)
{
    size_t count = 0;
    uint64_t last = 0;
    for (int i = 0;; i++) {
        const uint64_t step = (uint64_t)llround(pow(10, (double)i / (double)run->settings.record));
        if (step >= run->steps) {
            break;
        }
        if (step != last) {
            assert_true(count < run->num_points);
            assert_int_equal(run->points[count++].step, step);
            last = step;
        }
    }
    assert_int_equal(run->num_points, count + 1);
    assert_int_equal(run->points[count].step, run->steps);
    assert_observations_equal(&run->points[count].observed, &run->final);
    for (size_t i = 0; i < run->num_points; i++) {
        assert_true(run->points[i].time == run->settings.rate * (double)run->points[i].step);
    }
}

static void test_points_lie_where_they_should(void **state)
{
    (void)state;
    static const char *const texts[] = {SMALL,
                                        SMALL " max_steps=1000",
                                        SMALL " max_steps=999",
                                        SMALL " max_steps=1",
                                        SMALL " max_updates=50",
                                        "dim=2 train=1 batch=1 temp=1",
                                        SMALL " temp=1e-4"};
    static const int records[] = {1, 2, 3, 10, 100};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (size_t k = 0; k < sizeof records / sizeof *records; k++) {
            ch_run run = train("%s record=%d", texts[i], records[k]);
            assert_schedule(&run);
            ch_run_free(&run);
        }
    }
}

static void test_recording_changes_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {SMALL,
                                        SMALL " max_steps=1000",
                                        SMALL " max_updates=50",
                                        SMALL " test=100",
                                        SMALL " batch=100",
                                        SMALL " batch=full temp=1e-5",
                                        "dim=8 train=256 rate=1e280",
                                        "dim=8 train=256 loss=quadhinge max_steps=100 rate=1e30"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i += is_under_valgrind() ? 3 : 1) {
        char recorded[256];
        snprintf(recorded, sizeof recorded, "%s record=100", texts[i]);
        assert_same_result(texts[i], recorded);
    }
}

/* A point has the numbers of a run that ends there. */
static void test_points_are_ends_of_shorter_runs(void **state)
{
    (void)state;
    ch_run run = train(SMALL " record=2");
    assert_true(run.num_points > 6);
    for (size_t i = 0; i + 1 < run.num_points; i++) {
        ch_run shorter = train(SMALL " max_steps=%llu", (unsigned long long)run.points[i].step);
        assert_int_equal(shorter.status, CH_BUDGET);
        assert_observations_equal(&shorter.final, &run.points[i].observed);
        ch_run_free(&shorter);
    }
    ch_run_free(&run);
}

/* ---- budgets ---- */

static void test_budgets_are_exact_and_a_fit_on_the_last_step_counts(void **state)
{
    (void)state;
    ch_run whole = train(SMALL);
    const unsigned long long steps = whole.steps, updates = whole.updates;

    ch_run run = train(SMALL " max_steps=%llu", steps - 1);
    assert_int_equal(run.status, CH_BUDGET);
    assert_int_equal(run.steps, steps - 1);
    assert_true(run.time == run.settings.rate * (double)(steps - 1)); /* a lower bound on t* */
    assert_true(run.time < whole.time && run.final.unfitted > 0);
    ch_run_free(&run);

    run = train(SMALL " max_updates=%llu", updates - 1);
    assert_int_equal(run.status, CH_BUDGET);
    assert_int_equal(run.updates, updates - 1);
    assert_true(run.steps < steps && run.final.unfitted > 0);
    ch_run_free(&run);

    const unsigned long long max_steps[] = {steps, steps + 1, UINT64_C(1) << 62};
    for (size_t i = 0; i < sizeof max_steps / sizeof *max_steps; i++) {
        run = train(SMALL " max_steps=%llu", max_steps[i]);
        assert_results_equal(&run, &whole);
        ch_run_free(&run);
    }
    run = train(SMALL " max_updates=%llu", updates);
    assert_results_equal(&run, &whole);
    ch_run_free(&run);
    ch_run_free(&whole);
}

/* The seconds of a run are those on the clock, of which a busy machine may take any number, but little work is done. */
static void test_seconds_end_a_run_promptly(void **state)
{
    (void)state;
    skip_under_valgrind();
    const double started = processor_seconds();
    ch_run run = train(ENDLESS " max_seconds=0.05");
    assert_int_equal(run.status, CH_BUDGET);
    assert_true(run.seconds >= 0.05 && isfinite(run.seconds));
    assert_true(processor_seconds() - started < 10);
    assert_true(run.steps > 0 && run.final.unfitted > 0);
    assert_true(run.time == run.settings.rate * (double)run.steps);
    ch_run_free(&run);
}

/* ---- other endings ---- */

static void test_what_is_not_finite_has_diverged(void **state)
{
    (void)state;
    static const char *const texts[] = {"dim=8 train=256 loss=quadhinge max_steps=1000 rate=1e30",
                                        "dim=8 train=256 loss=quadhinge max_steps=1000 rate=1e30 record=5",
                                        "dim=8 train=256 loss=quadhinge max_steps=1000 rate=1e30 batch=full",
                                        "dim=8 train=256 loss=quadhinge max_steps=1000 rate=1e30 test=10",
                                        "dim=8 train=256 loss=mse max_steps=1000 rate=1e280"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ch_run run = train("%s", texts[i]);
        assert_int_equal(run.status, CH_DIVERGED);
        assert_true(run.steps >= 1 && !isfinite(run.final.weight_change));
        assert_true(isnan(run.final.test_error));
        ch_run_free(&run);
    }
}

static ch_stop flag;

static void raise_flag(int number)
{
    (void)number;
    flag = 1;
}

static void test_a_raised_flag_interrupts(void **state)
{
    (void)state;
    ch_run run;
    ch_error err = {0};
    const ch_settings settings = perceptron_of(ENDLESS " record=10");
    const ch_watch watch = {.stop = &flag};
    flag = 1;
    assert_int_equal(train_by_settings(&run, &settings, 1, &watch, &err), CH_ERROR_INTERRUPTED);
    assert_int_equal(err.code, CH_ERROR_INTERRUPTED);
    ch_run_free(&run);

    flag = 0;
    signal(SIGALRM, raise_flag);
    const struct itimerval soon = {.it_value = {.tv_usec = 50000}};
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    assert_int_equal(train_by_settings(&run, &settings, 1, &watch, &err), CH_ERROR_INTERRUPTED);
    assert_int_equal(flag, 1);
    assert_non_null(strstr(err.message, "stopped "));
    signal(SIGALRM, SIG_DFL);
    ch_run_free(&run);
}

/* ---- what is refused ---- */

static void assert_refused(const ch_settings *settings, const char *name)
{
    ch_run run;
    ch_error err = {0};
    assert_int_equal(train_by_settings(&run, settings, 1, NULL, &err), CH_ERROR_INPUT);
    assert_int_equal(err.code, CH_ERROR_INPUT);
    if (strstr(err.message, name) == NULL) {
        fail_msg("'%s' does not name %s", err.message, name);
    }
    ch_run_free(&run);
    ch_run_free(&run);
}

static void test_bad_settings_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t setting;
        ch_value value;
        const char *name;
    } cases[] = {
        {CH_SETTING_CHI, {.real = -1}, "chi"},
        {CH_SETTING_CHI, {.real = NAN}, "chi"},
        {CH_SETTING_DIM, {.count = 1}, "dim"},
        {CH_SETTING_TRAIN, {.count = 0}, "train"},
        {CH_SETTING_TRAIN, {.count = UINT64_MAX}, "train"},
        {CH_SETTING_TRAIN, {.count = 1}, "batch"},
        {CH_SETTING_BATCH, {.count = 257}, "batch"},
        {CH_SETTING_TEST, {.count = UINT32_MAX}, "test"}, /* with the dim below they take 2^65 bytes */
        {CH_SETTING_ALPHA, {.real = 0}, "alpha"},
        {CH_SETTING_ALPHA, {.real = INFINITY}, "alpha"},
        {CH_SETTING_TEMP, {.real = -1}, "temp"},
        {CH_SETTING_TEMP, {.real = NAN}, "temp"},
        {CH_SETTING_RATE, {.real = 1}, "rate"}, /* temp is given too */
        {CH_SETTING_MODEL, {.count = 99}, "model"},
        {CH_SETTING_MAX_SECONDS, {.real = NAN}, "max_seconds"},
        {CH_SETTING_RECORD, {.count = 1001}, "record"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_settings settings = perceptron_of("train=256 temp=1");
        ch_settings_set(&settings, cases[i].setting, cases[i].value);
        if (cases[i].setting == CH_SETTING_TEST) {
            ch_settings_set(&settings, CH_SETTING_DIM, (ch_value){.count = UINT64_C(1) << 31});
        }
        assert_refused(&settings, cases[i].name);
    }
    ch_settings neither = perceptron_of("train=256");
    assert_refused(&neither, "temp");
    ch_settings none;
    ch_settings_default(&none);
    assert_refused(&none, "model");
}

static void test_a_set_that_is_too_small_is_refused(void **state)
{
    (void)state;
    const ch_settings settings = perceptron_of(SMALL);
    const ch_resolved resolved = resolve_settings(&settings);
    ch_train_set set;
    ch_run run;
    ch_error err = {0};
    assert_int_equal(ch_train_set_init(&set, &resolved, NULL, 255, 1, NULL, NULL), CH_OK);
    assert_int_equal(ch_train(&run, &resolved, &set, 1, NULL, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "train is 256"));
    ch_run_free(&run);
    ch_train_set_free(&set);
}

static void test_every_failing_allocation_is_survived(void **state)
{
    (void)state;
    const ch_settings settings = perceptron_of(SMALL " test=10 batch=100 record=30");
    const ch_run whole = train_settings(&settings);
    ch_run run;
    ch_error err = {0};
    long failed;
    assert_failures_are_told(failed, train_by_settings(&run, &settings, 1, NULL, &err), err, ch_run_free(&run));
    assert_in((double)failed, 6, 1000); /* two sets, weights, batches, and the list of points as it grows */
    assert_results_equal(&run, &whole);
    ch_run_free(&run);
    ch_run whole_too = whole;
    ch_run_free(&whole_too);
}

/* ---- expected cost ---- */

static void test_expected_cost_is_finite_and_grows_with_the_samples(void **state)
{
    (void)state;
    static const double chis[] = {-0.9999, -0.9, -0.5, 0, 1, 3, 1000};
    static const double temps[] = {1e-300, 1e-6, 1, 1e300};
    static const double alphas[] = {1e-300, 1, 32768, 1e300};
    const ch_settings small = perceptron_of("batch=1 temp=1");
    ch_resolved resolved = resolve_settings(&small);
    ch_settings *settings = &resolved.settings;
    for (size_t i = 0; i < 2 * 7 * 4 * 4; i++) {
        double last = 0;
        settings->engine = i < 7 * 4 * 4 ? CH_ENGINE_PLAIN : CH_ENGINE_FAST;
        settings->chi = chis[i / 16 % 7];
        settings->temp = settings->rate = temps[i / 4 % 4];
        settings->alpha = alphas[i % 4];
        for (settings->train = 1; settings->train <= UINT32_MAX; settings->train *= 4) {
            const double cost = ch_train_cost(&resolved);
            assert_true(isfinite(cost) && cost > 0 && cost >= last);
            last = cost;
        }
    }
    settings->dim = UINT64_C(1) << 31;
    settings->batch = settings->train = UINT32_MAX;
    assert_true(isfinite(ch_train_cost(&resolved)));
    settings->max_steps = 1;
    settings->dim = 16;
    settings->batch = 1;
    settings->train = 100;
    assert_true(ch_train_cost(&resolved) < 1e4);
}

/* ---- train = inf ---- */

static double cost_of(const char *text)
{
    ch_settings settings = perceptron_of(text);
    ch_settings_set(&settings, CH_SETTING_DATA_DIR, (ch_value){.text = "x"});
    const ch_resolved resolved = resolve_settings(&settings);
    const double cost = ch_train_cost(&resolved);
    assert_true(isfinite(cost) && cost > 0);
    return cost;
}

/* A pass costs what the architecture says. Below the onset the number of updates is proportional to 1 / T. */
static void test_expected_cost_of_networks(void **state)
{
    (void)state;
#define IMAGES " data=cifar_animal batch=16 train=1024 "
    const double mlp = cost_of("model=mlp width=32 temp=0.01" IMAGES);
    /* from the multiply-adds of the first layer */
    assert_in(cost_of("model=mlp width=64 temp=0.01" IMAGES) / mlp, 1.9, 2.5);
    assert_in(cost_of("model=mlp width=32 temp=0.02" IMAGES) / mlp, 0.999, 1.001);
    assert_in(cost_of("model=mlp width=32 temp=1e-12" IMAGES) / cost_of("model=mlp width=32 temp=2e-12" IMAGES), 1.99,
              2.01);
    assert_true(cost_of("model=mnas width=8 temp=0.01" IMAGES) > 10 * mlp);
    assert_true(cost_of("model=mlp linear=yes width=32 temp=0.01" IMAGES) < 0.1 * mlp);
    assert_true(cost_of("model=mlp width=32 temp=0.01 max_updates=9" IMAGES) < 0.1 * mlp);
    assert_true(cost_of("model=mlp width=32 temp=1e-12 max_seconds=0.5" IMAGES) <= 5.1e8);
    assert_true(cost_of("model=mlp width=32 temp=1e-300 alpha=1e-300" IMAGES) > mlp);
    assert_true(cost_of("model=mlp width=32 temp=0.01 dynamics=sde" IMAGES) > mlp);
    assert_true(cost_of("model=mlp width=32 temp=0.01 dynamics=unfitted" IMAGES) > mlp);
    assert_true(cost_of("model=mlp width=32 temp=0.01 record=10 kernel=64" IMAGES) > mlp);
}

static void test_a_fresh_batch_is_never_fitted(void **state)
{
    (void)state;
    ch_run steps = train("train=inf dim=16 chi=1 temp=1 max_steps=3000 record=2 seed=3");
    ch_run updates = train("train=inf dim=16 chi=1 temp=1 max_updates=100 seed=3");
    assert_int_equal(steps.status, CH_BUDGET);
    assert_int_equal(updates.status, CH_BUDGET);
    assert_true(steps.steps == 3000 && steps.time == 6000 && steps.num_points == 8);
    assert_true(updates.updates == 100 && updates.steps > 100);
    assert_true(steps.final.unfitted == CH_UNCOUNTED && isnan(steps.final.min_margin));
    assert_true(steps.final.train_loss > 0 && steps.final.train_error == steps.final.test_error);
    ch_run other = train("train=inf dim=16 chi=1 temp=1 max_steps=3000 seed=3 seed_data=4");
    assert_true(other.final.signal != steps.final.signal); /* seed_data is the seed of fresh batches */
    assert_close(other.final.weight_change / other.final.weight_change_rel,
                 steps.final.weight_change / steps.final.weight_change_rel, 1e-12); /* |w0| has a seed of its own */
    ch_run_free(&steps);
    ch_run_free(&updates);
    ch_run_free(&other);
}

/* Far above the onset T sets only the scale, for fresh batches too. */
static void test_a_fresh_run_scales_with_temp(void **state)
{
    (void)state;
    ch_run one = train("train=inf dim=16 temp=1 alpha=1e300 max_steps=2000");
    ch_run other = train("train=inf dim=16 temp=4 alpha=1e300 max_steps=2000");
    assert_int_equal(one.updates, other.updates);
    assert_true(other.final.signal == 4 * one.final.signal);
    ch_run_free(&one);
    ch_run_free(&other);
}

/* ---- expected memory ---- */

/* While a set is made, all memory that it asks for is in use at once; of the memory that a run asks for, nearly all is.
 */
static void test_expected_memory_is_what_is_asked_for(void **state)
{
    (void)state;
    skip_under_valgrind();
    static const char *const texts[] = {"train=3000 engine=plain max_steps=100",
                                        "train=2500 dim=32 engine=fast",
                                        "train=40000 dim=20 teacher=random chi=2",
                                        "train=300 engine=fast test=70000",
                                        "train=9000 batch=full max_steps=10",
                                        "train=20000 batch=17 engine=plain max_steps=100",
                                        "train=2 dim=100000 engine=fast",
                                        "train=2 dim=100000 teacher=random spectrum=1 engine=fast",
                                        "train=inf dim=100 batch=3000 test=50000 max_steps=1"};
    /* Allocations are rounded up, and small structures are not counted. Rows are rounded up to a huge page, whose rest
     * is unused. */
    const double overhead = 4096, page = 1 << 21;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ch_settings settings = perceptron_of(texts[i]);
        ch_train_set set;
        ch_run run;
        ch_settings_set(&settings, CH_SETTING_TEMP, (ch_value){.real = 1});
        const ch_resolved resolved = resolve_settings(&settings);
        alloc_fail_at(-1);
        /* with train = inf the set is not used */
        const size_t held = settings.train > 0 ? (size_t)settings.train : 1;
        assert_int_equal(ch_train_set_init(&set, &resolved, NULL, held, 2, NULL, NULL), CH_OK);
        const double set_bytes = (double)ch_train_set_bytes(&resolved, held, resolved.settings.engine);
        assert_in((double)alloc_bytes(), 0.9 * set_bytes - overhead, set_bytes + overhead + page);
        alloc_fail_at(-1);
        assert_int_equal(ch_train(&run, &resolved, &set, 2, NULL, NULL), CH_OK);
        assert_in((double)alloc_bytes(), 0, (double)ch_train_run_bytes(&resolved) + overhead + page);
        ch_run_free(&run);
        ch_train_set_free(&set);
    }
    const ch_settings settings = perceptron_of(SMALL);
    const ch_resolved resolved = resolve_settings(&settings);
    assert_true(ch_train_set_bytes(&resolved, SIZE_MAX / 8, CH_ENGINE_FAST) == SIZE_MAX);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fitted_run_is_fitted),
        cmocka_unit_test(test_gd_is_sgd_with_the_full_batch),
        cmocka_unit_test(test_temp_and_rate_say_the_same),
        cmocka_unit_test(test_engine_auto_follows_train),
        cmocka_unit_test(test_test_samples_measure_the_exact_error),
        cmocka_unit_test(test_a_larger_set_gives_the_same_bits),
        cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_every_seed_has_its_stream),
        cmocka_unit_test(test_a_set_follows_its_law),
        cmocka_unit_test(test_points_lie_where_they_should),
        cmocka_unit_test(test_recording_changes_nothing),
        cmocka_unit_test(test_points_are_ends_of_shorter_runs),
        cmocka_unit_test(test_budgets_are_exact_and_a_fit_on_the_last_step_counts),
        cmocka_unit_test(test_seconds_end_a_run_promptly),
        cmocka_unit_test(test_what_is_not_finite_has_diverged),
        cmocka_unit_test(test_a_raised_flag_interrupts),
        cmocka_unit_test(test_bad_settings_are_refused),
        cmocka_unit_test(test_a_set_that_is_too_small_is_refused),
        cmocka_unit_test(test_every_failing_allocation_is_survived),
        cmocka_unit_test(test_expected_cost_is_finite_and_grows_with_the_samples),
        cmocka_unit_test(test_expected_cost_of_networks),
        cmocka_unit_test(test_a_fresh_batch_is_never_fitted),
        cmocka_unit_test(test_a_fresh_run_scales_with_temp),
        cmocka_unit_test(test_expected_memory_is_what_is_asked_for),
    };
    return cmocka_run_group_tests_name("train", tests, NULL, NULL);
}
