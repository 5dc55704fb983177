/* test_census.c — combinations of a plan that can be run, counted without looking at each. */
#include "tests/sweep_support.h"

#include "sim/sweep/census.h"

#include <gsl/gsl_errno.h>

/* Compares a census with a look at every combination. */
static void assert_census(const char *const *lines, uint64_t expected)
{
    ch_plan plan = make_plan(lines);
    ch_census census;
    ch_error err = {0};
    uint64_t accepted = 0, reasons = 0;
    for (uint64_t i = 0; i < plan.num_runs; i++) {
        ch_resolved resolved;
        bool own = false;
        accepted += ch_census_admit(&plan, NULL, i, &resolved, &own, NULL) == CH_OK;
    }
    assert_int_equal(ch_census_init(&census, &plan, NULL, false, &err), CH_OK);
    assert_int_equal(census.accepted, accepted);
    assert_int_equal(census.accepted, expected);
    assert_int_equal(census.accepted + census.refused, plan.num_runs);
    for (size_t i = 0; i < census.num_reasons; i++) {
        reasons += census.reasons[i].count;
    }
    assert_int_equal(reasons, census.refused);
    ch_census_free(&census);
    ch_census_free(&census);
    ch_plan_free(&plan);
}

static void test_counts_are_those_of_a_look_at_each(void **state)
{
    (void)state;
    static const char *const all[] = {"model perceptron", "chi 0,1,-0.5", "train 4..40",
                                      "temp 2^-4..2^4",   "seed 0..2",    NULL};
    assert_census(all, 3 * 37 * 9 * 3);
    static const char *const batches[] = {"model perceptron", "temp 1,2", "batch 40,1,7..20,full",
                                          "train 1..30",      "seed 0,1", NULL};
    /* 1 and full fit every P, b of 7 to 20 those from b to 30 */
    assert_census(batches, 2 * 2 * (30 + 30 + (24 + 11) * 14 / 2));
    static const char *const words[] = {"model perceptron,mlp,mnas",
                                        "data depleted,stripe",
                                        "train inf,8,32",
                                        "batch 2,full,16",
                                        "max_steps none,100",
                                        "dynamics sgd,gd",
                                        "temp 1",
                                        "kernel 0",
                                        NULL};
    /* mlp alone has a kernel and takes vectors; under sgd it has 2 batches of 8 and 3 of 32, under gd one of each */
    assert_census(words, (2 + 3 + 1 + 1) * 2 * 2);
    static const char *const laws[] = {"model perceptron", "data depleted,sign", "chi -0.5,0,0.5,3", "temp 1", NULL};
    assert_census(laws, 4 + 1);
    /* the rate overflows at large T, and underflows at small */
    static const char *const rates[] = {"model perceptron", "batch 1,2,8", "train 8", "temp 1e-320..1e308 x 200", NULL};
    ch_plan plan = make_plan(rates);
    uint64_t accepted = 0;
    for (uint64_t i = 0; i < plan.num_runs; i++) {
        ch_resolved resolved;
        bool own = false;
        accepted += ch_census_admit(&plan, NULL, i, &resolved, &own, NULL) == CH_OK;
    }
    ch_plan_free(&plan);
    assert_census(rates, accepted);
    static const char *const zipped[] = {"model perceptron", "temp 1", "batch 2,4,8; train 4,2,8", "seed 0..9", NULL};
    assert_census(zipped, 20);
}

/* Kernels of networks: more samples than there are. */
static void test_counts_of_networks(void **state)
{
    (void)state;
    static const char *const lines[] = {"model mlp,mlp_bias", "dim 4",     "width 3..6", "kernel 0,1,4,20",
                                        "train 2..8",         "batch 1,4", "temp 1",     NULL};
    /* kernel <= train: 7, 7, 5, 0 values of train; batch 4 <= train of these: 5, 5, 5, 0 */
    assert_census(lines, 2 * 4 * (7 + 7 + 5 + 5 + 5 + 5));
}

static void test_reasons(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron",     "train 4,8", "batch 4,8,16",
                                        "data depleted,stripe", "temp 1",    NULL};
    ch_plan plan = make_plan(lines);
    ch_census census;
    assert_int_equal(ch_census_init(&census, &plan, NULL, false, NULL), CH_OK);
    assert_int_equal(census.accepted, 3);
    assert_int_equal(census.num_reasons, 2);
    for (size_t i = 0; i < 2; i++) {
        const bool of_batch = strncmp(census.reasons[i].sentence, "batch is ", 9) == 0;
        assert_true(of_batch || strncmp(census.reasons[i].sentence, "data is stripe", 14) == 0);
        assert_int_equal(census.reasons[i].count, of_batch ? 3 : 6);
    }
    ch_census_free(&census);
    ch_plan_free(&plan);
}

/* A look at each of 10^7 combinations takes about a minute. */
static void test_many_combinations_take_little(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron", "train 1..1000", "batch 1..1000",
                                        "temp 1..5",        "seed 0,1",      NULL};
    ch_plan plan = make_plan(lines);
    ch_sweep sweep;
    plan.skip_invalid = true;
    const double started = processor_seconds();
    assert_int_equal(plan.num_runs, 10000000);
    assert_int_equal(ch_sweep_init_sample(&sweep, &plan, NULL, NULL), CH_OK);
    assert_true(processor_seconds() - started < 30); /* about 0.3 s where no sanitizer slows it */
    assert_int_equal(sweep.counts.total, 5005000);
    assert_int_equal(sweep.counts.left_out, 4995000);
    assert_true(sweep.num_jobs > 9000 && sweep.num_jobs < 11000); /* a sample, spread evenly */
    assert_true(fabs(sweep.weight * (double)sweep.num_jobs - 5005000) < 1);
    ch_sweep_free(&sweep);
    ch_plan_free(&plan);
}

/* What is left out is neither done nor counted, and the rest is. */
static void test_sweep_leaves_out(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron", "train 4,8", "batch 2,8", "dim 4", "temp 1", NULL};
    ch_plan plan = make_plan(lines);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    ch_error err = {0};
    ch_sweep refused;
    assert_int_equal(ch_sweep_check(&plan, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "batch is 8, more than train = 4"));
    assert_int_equal(ch_sweep_init(&refused, &plan, &store, &err), CH_ERROR_INPUT);
    plan.skip_invalid = true;
    assert_int_equal(ch_sweep_check(&plan, &err), CH_OK);
    const outcome result = sweep_into(&store, &plan, 1, NULL);
    assert_int_equal(result.code, CH_OK);
    assert_int_equal(result.counts.total, 3);
    assert_int_equal(result.counts.left_out, 1);
    ch_store_close(&store);
    assert_int_equal(count_runs(path_of("s.db")), 3);
    ch_plan_free(&plan);

    static const char *const none[] = {"model perceptron", "train 4", "batch 8,16", "temp 1", NULL};
    plan = make_plan(none);
    plan.skip_invalid = true;
    assert_int_equal(ch_sweep_init(&refused, &plan, NULL, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "all 2 combinations are left out, the first because batch is"));
    ch_plan_free(&plan);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_are_those_of_a_look_at_each),
        cmocka_unit_test(test_counts_of_networks),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_many_combinations_take_little),
        STORE_TEST(test_sweep_leaves_out),
    };
    return cmocka_run_group_tests_name("census", tests, NULL, NULL);
}
