/* test_change.c — the test of significance of a change of the test error, on planted tables. */
#include "fit/fit.h"
#include "fit/laws/change.h"
#include "tests/change_plant.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>

/* Where the test sees a change at a P; the T is NaN where it sees none. */
static ch_tc_place change_at(const ch_fit *fit, size_t train, double *temp)
{
    ch_change change;
    ch_error err = {0};
    assert_int_equal(ch_change_init(&change, &fit->groups[0], train, fit->options.sigmas, &err), CH_OK);
    const ch_tc_place place = ch_change_find(&change, NULL, temp);
    *temp = exp(*temp);
    ch_change_free(&change);
    return place;
}

static bool has_note(const ch_fit *fit, const char *part)
{
    bool said = false;
    for (size_t i = 0; i < fit->groups[0].num_notes; i++) {
        said = said || strstr(fit->groups[0].notes[i], part) != NULL;
    }
    return said;
}

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
        for (size_t i = 0; i < 4; i++) {
            /* It is found between the planted T and the T at which the rise, 0.5 ln(T / T_c), exceeds some ten times
             * its own error. */
            double temp = NAN;
            assert_int_equal(change_at(&fit, i, &temp), CH_TC_INSIDE);
            const double begin = pow((double)fit.groups[0].trains[i], -0.5);
            assert_in(temp, 0.45 * begin, 2 * begin);
        }
        assert_true(has_note(&fit, "changes with T by more than 3 sigma at 4 of 4 P: 2^10, 2^11, 2^12, 2^13"));
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
    assert_int_equal(ch_change_find(&change, NULL, &log_temp), CH_TC_BELOW);
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
    double temp = NAN;
    assert_int_equal(change_at(&fit, 0, &temp), CH_TC_NONE);
    assert_false(has_note(&fit, "sigma"));
    ch_fit_free(&fit);
    free(table.runs);
    planted.num_sets = 5;
    errors.rise = NAN; /* no test error */
    fit_errors(&fit, &table, &planted, &errors, 1);
    assert_int_equal(fit.groups[0].tc[0].place, CH_TC_NONE);
    assert_true(has_note(&fit, "T_c by error_shift could not be found at 4 of 4 P"));
    assert_false(has_note(&fit, "error_half"));
    assert_false(has_note(&fit, "sigma"));
    ch_fit_free(&fit);
    free(table.runs);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_where_it_leaves),
        cmocka_unit_test(agrees_with_hand),
        cmocka_unit_test(says_what_it_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
