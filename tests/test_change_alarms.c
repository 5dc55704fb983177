/* test_change_alarms.c — how often a test error that T does not change is found to have left its value. */
#include "tests/change_plant.h"

#include <gsl/gsl_errno.h>

/* The number of P with a false alarm, among `num` P whose test errors do not depend on T. */
static size_t count_alarms(int num_sets, double sigmas, size_t num)
{
    plant planted = grid();
    const error_plant errors = {.scale = 1, .a = 0, .rise = 0, .set_noise = 0.1, .run_noise = 0.01};
    planted.num_sets = num_sets;
    size_t alarms = 0, tested = 0;
    ch_fit_options options;
    ch_fit_options_default(&options);
    options.wanted[CH_TC_ONSET] = options.wanted[CH_TC_ESCAPE] = false;
    options.replicas = 2;
    options.sigmas = sigmas;
    for (uint64_t seed = 1; tested < num; seed++) {
        ch_run_table table;
        ch_fit fit;
        ch_error err = {0};
        plant_table(&planted, seed, &table);
        plant_errors(&errors, seed, &table);
        assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_OK);
        for (size_t p = 0; p < fit.groups[0].num_trains; p++, tested++) {
            ch_change change;
            double log_temp = NAN;
            assert_int_equal(ch_change_init(&change, &fit.groups[0], p, sigmas, &err), CH_OK);
            alarms += ch_change_find(&change, NULL, &log_temp) != CH_TC_ABOVE;
            ch_change_free(&change);
        }
        ch_fit_free(&fit);
        free(table.runs);
    }
    return alarms;
}

/* A test error that does not depend on T is found to change as often as is stated. The number of alarms may exceed the
 * stated one by 4 sigma (3e-5 each), that is by 4 times the square root of the number stated at 1,000 P, or at 2,000 P
 * under `make check-long`. It must be at least half of the stated one, because several T in a row beyond the
 * limit count as one alarm. */
static void false_alarms_are_as_stated(void **state)
{
    (void)state;
    static const struct {
        int num_sets;
        double sigmas;
    } cases[] = {{5, 2}, {20, 2}, {20, 1.5}};
    const size_t num = is_long() ? 2000 : 1000;
    for (size_t i = 0; i < 3; i++) {
        const double stated = (double)num * ch_change_false_alarms(cases[i].sigmas, (size_t)grid().num_temps);
        const size_t alarms = count_alarms(cases[i].num_sets, cases[i].sigmas, num);
        print_message("    %d data sets, %g sigmas: %zu alarms at %zu P, %.0f stated\n", cases[i].num_sets,
                      cases[i].sigmas, alarms, num, stated);
        assert_in((double)alarms, stated / 2 - 4 * sqrt(stated / 2), stated + 4 * sqrt(stated));
    }
}

int main(void)
{
    /* suites: statistical */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(false_alarms_are_as_stated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
