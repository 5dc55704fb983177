/* test_forecast.c — the expected time of a sweep, from trial runs. */
#include "tests/sweep_support.h"

#include <gsl/gsl_errno.h>

static ch_sweep_time foresee(const char *const *lines, ch_sweep *sweep, ch_plan *plan)
{
    ch_sweep_time time;
    ch_error err = {0};
    *plan = make_plan(lines);
    assert_int_equal(ch_sweep_init_sample(sweep, plan, NULL, &err), CH_OK);
    if (ch_sweep_foresee_time(sweep, 2, NULL, &time, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return time;
}

/* Whether the sweep took what is expected within a factor of 50. A wrong unit, or a wrong number of runs, is further
 * off. As trials are short and a busy machine may stop them for any time, one of a few forecasts need be right. */
static bool is_foreseen(const ch_sweep *sweep, double seconds)
{
    enum { ATTEMPTS = 5 };
    bool right = false;
    for (int i = 0; i < ATTEMPTS && !right; i++) {
        ch_sweep_time time;
        assert_int_equal(ch_sweep_foresee_time(sweep, 2, NULL, &time, NULL), CH_OK);
        right = time.seconds > seconds / 50 && time.seconds < seconds * 50;
    }
    return right;
}

/* The sweep is done after it was foreseen. */
static void test_time_is_that_of_the_sweep(void **state)
{
    (void)state;
    const int num_seeds = is_sanitized() ? 1 : 4;
    const char *const lines[] = {"model perceptron",
                                 "chi 0,1",
                                 "dim 32",
                                 "train 2^8..2^12",
                                 "temp 2^-8..2^1",
                                 num_seeds == 1 ? "seed 0" : "seed 0..3",
                                 NULL};
    ch_plan plan;
    ch_sweep swept;
    const ch_sweep_time time = foresee(lines, &swept, &plan);
    assert_int_equal(time.trials, 12); /* six of the plain engine and six of the fast one */
    /* a trial has a fifth of a second, which some of them do not end in where a checker slows them down */
    assert_true(time.unfinished <= time.trials / 2);
    assert_true(time.factor >= 1.5 && time.factor < 100);
    assert_true(time.spent > 0 && isfinite(time.spent));

    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    const outcome result = sweep_into(&store, &plan, 2, NULL);
    assert_int_equal(result.code, CH_OK);
    assert_int_equal(num_done(&result.counts), 100 * num_seeds);
    assert_true(is_foreseen(&swept, result.counts.seconds));
    ch_sweep_free(&swept);
    ch_store_close(&store);
    ch_plan_free(&plan);
}

/* Of networks too, whose trials look at fewer test samples and no kernel, and of which some end long before the cost
 * model expects it: they diverge. */
static void test_time_of_networks(void **state)
{
    (void)state;
    static const char *const lines[] = {"model mlp", "width 24",  "depth 2",  "dim 16",       "train 64",
                                        "test 4000", "kernel 32", "batch 16", "alpha 0.01,1", "temp 2^-12,2^-8,2^-2",
                                        "seed 0",    NULL};
    ch_plan plan;
    ch_sweep swept;
    const ch_sweep_time time = foresee(lines, &swept, &plan);
    assert_int_equal(time.trials, 6);
    assert_true(time.factor >= 1.5 && time.factor < 1000);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    const outcome result = sweep_into(&store, &plan, 2, NULL);
    assert_int_equal(result.code, CH_OK);
    assert_int_equal(num_done(&result.counts), 6);
    assert_true(is_foreseen(&swept, result.counts.seconds));
    ch_sweep_free(&swept);
    ch_store_close(&store);
    ch_plan_free(&plan);
}

/* A trial that cannot end is ended, and the factor says how little is known. */
static void test_unfinished_trials(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron", "dim 16",   "train inf", "max_steps 1000000000000000",
                                        "temp 1",           "seed 0,1", NULL};
    ch_plan plan;
    ch_sweep swept;
    const double started = processor_seconds();
    const ch_sweep_time time = foresee(lines, &swept, &plan);
    assert_true(processor_seconds() - started < 60); /* it takes half a second, more under checkers */
    assert_int_equal(time.trials, 2);
    assert_int_equal(time.unfinished, 2);
    assert_true(time.factor >= 3);
    assert_true(time.seconds > 1e5);
    ch_sweep_free(&swept);
    ch_plan_free(&plan);
}

/* Networks and twins too, each of which is tried as its own kind, with fewer samples where the run is long. */
static void test_kinds(void **state)
{
    (void)state;
    static const char *const lines[] = {"model mlp",  "linear no,yes", "dim 8",  "width 16", "depth 2",
                                        "train 2048", "temp 2^-8",     "seed 0", NULL};
    ch_plan plan;
    ch_sweep swept;
    const ch_sweep_time time = foresee(lines, &swept, &plan);
    assert_int_equal(time.trials, 2);
    assert_true(time.factor >= 2);
    assert_true(time.seconds > 0 && isfinite(time.seconds));
    ch_sweep_free(&swept);
    ch_plan_free(&plan);
}

static void test_stop_and_no_jobs(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron", "train 64", "dim 8", "temp 1", NULL};
    ch_plan plan;
    ch_sweep swept;
    ch_sweep_time time = foresee(lines, &swept, &plan);
    ch_error err = {0};
    ch_stop stop = 1;
    const ch_watch watch = {.stop = &stop};
    const ch_code code = ch_sweep_foresee_time(&swept, 1, &watch, &time, &err);
    assert_true(code == CH_ERROR_INTERRUPTED || code == CH_OK); /* the run may end before it looks at the flag */
    swept.num_jobs = 0;
    assert_int_equal(ch_sweep_foresee_time(&swept, 1, NULL, &time, &err), CH_OK);
    assert_int_equal(time.trials, 0);
    ch_sweep_free(&swept);
    ch_plan_free(&plan);
}

int main(void)
{
    /* suites: thread */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_time_is_that_of_the_sweep), STORE_TEST(test_time_of_networks),
        cmocka_unit_test(test_unfinished_trials),   cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_stop_and_no_jobs),
    };
    return cmocka_run_group_tests_name("forecast", tests, NULL, NULL);
}
