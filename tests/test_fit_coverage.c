/* test_fit_coverage.c — 95 % intervals have the planted value in them in 95 % of planted tables. With exact intervals,
 * one of the 12 assertions fails falsely for 2.4e-3 of seeds, and for 2.4e-4 under `make check-long`. */
#include "tests/coverage_support.h"
#include "tests/fit_plant.h"

#include <gsl/gsl_errno.h>

static const char *const names[] = {"delta", "gamma", "time_delta", "b"};
enum { NUM_NAMES = 4 };

static bool holds(const ch_estimate *estimate, double truth)
{
    return estimate->lo <= truth && truth <= estimate->hi;
}

/* Power laws in which data sets differ in their amplitude, data sets differ at each P, and runs differ. */
static void check_power_laws(int num_sets)
{
    const double truth[NUM_NAMES] = {1, 0.5, 1, 2};
    unsigned held[NUM_NAMES] = {0};
    plant planted = plant_default();
    planted.num_sets = num_sets;
    planted.set_noise = 0.3;
    planted.set_train_noise = 0.1;
    planted.run_noise = 0.05;
    ch_fit_options options;
    ch_fit_options_default(&options);
    memset(options.wanted, 0, sizeof options.wanted);
    options.replicas = 200;
    for (uint64_t i = 0; i < num_tables(); i++) {
        ch_run_table table;
        ch_fit fit;
        ch_error err;
        plant_table(&planted, i, &table);
        assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_OK);
        for (size_t k = 0; k < NUM_NAMES; k++) {
            const ch_exponent *exponent = find_exponent(&fit.groups[0], names[k], NULL);
            assert_non_null(exponent);
            held[k] += holds(&exponent->estimate, truth[k]);
        }
        ch_fit_free(&fit);
        free(table.runs);
    }
    for (size_t k = 0; k < NUM_NAMES; k++) {
        assert_coverage(held[k], names[k]);
    }
}

static void test_five_data_sets(void **state)
{
    (void)state;
    check_power_laws(5);
}

static void test_many_data_sets(void **state)
{
    (void)state;
    check_power_laws(32);
}

/* T_c at one P and the exponent a, by both definitions. By escape, ||Dw|| / sqrt(dim) = 1 at ln T = ln(sqrt(dim)) -
 * gamma ln P. Between the sampled T the laws are straight lines, so that interpolation adds no bias. */
static void test_critical(void **state)
{
    (void)state;
    unsigned held[4] = {0};
    plant planted = plant_default();
    planted.first_temp = -14;
    planted.num_temps = 17;
    planted.num_trains = 3;
    planted.tc = ldexp(1, -10);
    planted.sharpness = 1.5;
    planted.set_noise = 0.2;
    planted.set_train_noise = 0.05;
    planted.run_noise = 0.05;
    ch_fit_options options;
    ch_fit_options_default(&options);
    options.replicas = 100;
    const double escape = sqrt(PLANT_DIM) / pow(1024, 0.5);
    for (uint64_t i = 0; i < num_tables(); i++) {
        ch_run_table table;
        ch_fit fit;
        ch_error err;
        plant_table(&planted, i, &table);
        assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_OK);
        const ch_fit_group *group = &fit.groups[0];
        const ch_exponent *onset_a = find_exponent(group, "a", "onset");
        const ch_exponent *escape_a = find_exponent(group, "a", "escape");
        assert_non_null(onset_a);
        assert_non_null(escape_a);
        held[0] += holds(&group->tc[0].estimate, planted.tc);
        held[1] += holds(&group->tc[3].estimate, escape);
        held[2] += holds(&onset_a->estimate, 0);
        held[3] += holds(&escape_a->estimate, 0.5);
        ch_fit_free(&fit);
        free(table.runs);
    }
    assert_coverage(held[0], "T_c by onset");
    assert_coverage(held[1], "T_c by escape");
    assert_coverage(held[2], "a by onset");
    assert_coverage(held[3], "a by escape");
}

int main(void)
{
    /* suites: statistical */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_five_data_sets),
        cmocka_unit_test(test_many_data_sets),
        cmocka_unit_test(test_critical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
