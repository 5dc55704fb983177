/* test_change.c — T_c by the test error, on planted tables. */
#include "fit/fit.h"
#include "fit/laws/change.h"
#include "tests/change_plant.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>

/* A rise that is far over the noise is found where it begins, although the data sets differ in their test errors by ten
 * times as much. */
static void finds_where_it_leaves(void **state)
{
    (void)state;
    const plant planted = grid();
    const error_plant errors = {.scale = 1, .a = 0.5, .rise = 0.5, .set_noise = 0.1, .run_noise = 0.01};
    for (uint64_t seed = 1; seed <= 20; seed++) {
        ch_run_table table;
        ch_fit fit;
        fit_errors(&fit, &table, &planted, &errors, seed);
        const ch_fit_group *group = &fit.groups[0];
        assert_int_equal(group->num_tc, 4);
        for (size_t i = 0; i < 4; i++) {
            /* T_c is found between the planted one and the T at which the rise, 0.5 ln(T / T_c), exceeds some ten times
             * its own error. */
            assert_int_equal(group->tc[i].place, CH_TC_INSIDE);
            assert_int_equal(group->tc[i].definition, CH_TC_ERROR);
            const double begin = pow((double)group->tc[i].train, -0.5);
            assert_in(group->tc[i].estimate.value, 0.45 * begin, 2 * begin);
            assert_in(group->tc[i].estimate.stderr_, 1e-6 * begin, 0.5 * begin);
        }
        assert_in(exponent_value(group, "a", "error"), 0.5 - 0.2, 0.5 + 0.2);
        assert_true(isnan(find_exponent(group, "a", "error")->theory));
        ch_fit_free(&fit);
        free(table.runs);
    }
}

/* Five data sets, computed by hand: the shifts -0.01, 0.01, 0.02, 0.03, 0.05 have mean 0.02, standard deviation
 * 0.0223607 and standard error 0.01. Two sigmas have the probability of 2.8693 in Student's t with four degrees of
 * freedom (from a table of R). */
static void agrees_with_hand(void **state)
{
    (void)state;
    static const double shifts[] = {-0.01, 0.01, 0.02, 0.03, 0.05};
    plant planted = plant_default();
    planted.num_trains = 1;
    planted.num_temps = 5;
    ch_run_table table;
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < table.count; i++) {
        ch_run *run = &table.runs[i];
        const double own = 0.1 + 0.1 * (double)run->settings.seed_data;
        const double times = run->settings.temp < 0.9 ? 0 : run->settings.temp < 1.5 ? 1 : 2;
        run->final.test_error = own + times * shifts[run->settings.seed_data] + (times > 0 ? 0.03 * times : 0);
    }
    ch_fit_options options;
    ch_fit fit;
    ch_error err = {0};
    ch_change change;
    ch_fit_options_default(&options);
    options.replicas = 2;
    assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_OK);
    assert_int_equal(ch_change_init(&change, &fit.groups[0], 0, 2, &err), CH_OK);
    assert_int_equal(change.num_temps, 2);
    const double t = gsl_cdf_tdist_Qinv(gsl_cdf_ugaussian_Q(2), 4);
    assert_close(t, 2.8693, 1e-4);
    assert_close(change.limits[0], 0.01 * t, 1e-9);
    assert_close(change.limits[1], 0.02 * t, 1e-9);
    /* The mean shifts 0.05 and 0.1 exceed 0.0287 and 0.0574, so that the test error has left its value already at the
     * first. */
    double log_temp = NAN;
    assert_int_equal(ch_tc_error(&change, NULL, &log_temp), CH_TC_BELOW);
    assert_close(exp(log_temp), 1, 1e-12);
    ch_change_free(&change);
    ch_fit_free(&fit);
    free(table.runs);
}

static void says_what_it_needs(void **state)
{
    (void)state;
    plant planted = grid();
    error_plant errors = {.scale = 1, .a = 0.5, .rise = 0.5, .set_noise = 0.1, .run_noise = 0.01};
    ch_run_table table;
    ch_fit fit;
    planted.num_sets = 1;
    fit_errors(&fit, &table, &planted, &errors, 1);
    assert_int_equal(fit.groups[0].tc[0].place, CH_TC_NONE);
    ch_fit_free(&fit);
    free(table.runs);
    planted.num_sets = 5;
    errors.rise = NAN; /* no test error */
    fit_errors(&fit, &table, &planted, &errors, 1);
    assert_int_equal(fit.groups[0].tc[0].place, CH_TC_NONE);
    bool said = false;
    for (size_t i = 0; i < fit.groups[0].num_notes; i++) {
        said = said || strstr(fit.groups[0].notes[i], "T_c by error could not be found at 4 of 4 P") != NULL;
    }
    assert_true(said);
    ch_fit_free(&fit);
    free(table.runs);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_where_it_leaves),
        cmocka_unit_test(agrees_with_hand),
        cmocka_unit_test(says_what_it_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
