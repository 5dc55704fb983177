/* test_window.c — the temperatures at which the power laws hold: every number of the rule is tested from both sides.
 *
 * All tables are exact, so that the tests are deterministic. For each number of the rule there are two cases on its two
 * sides. A change of the number by a factor of two moves an end of a window in one of them. */
#include "tests/fit_support.h"

#include <gsl/gsl_errno.h>

/* T goes from 2^-20 upwards, with T_c = 2^-14.62, m = 1.2 and delta = 1. The correction (1/m) (T/T_c)^-m falls below
 * 0.1 % at 2^-6.54, below 1 % at 2^-9.30 and below 5 % at 2^-11.24. Doubling or halving a limit moves these by 0.83 in
 * log2 T, past a T of the table in either direction. */
static void check_stage(int top_temp, double tolerance, int lowest, size_t num_temps)
{
    plant planted = plant_crossover();
    planted.num_temps = top_temp - planted.first_temp + 1;
    ch_run_table table;
    ch_fit fit;
    fit_plant(&fit, &table, &planted);
    const ch_fit_group *group = &fit.groups[0];
    assert_int_equal(group->window_temps, num_temps);
    assert_close(group->window_lo, ldexp(1, lowest), 1e-15);
    assert_close(group->window_hi, ldexp(1, top_temp), 1e-15);
    assert_close(group->window_tolerance, tolerance, 1e-15);
    release(&fit, &table);
}

static void test_three_limits(void **state)
{
    (void)state;
    check_stage(-4, 0.001, -6, 3); /* three T are enough for the strictest limit */
    check_stage(-5, 0.01, -9, 5);  /* but two are not */
    check_stage(-8, 0.01, -9, 2);  /* two T are enough for the second limit */
    check_stage(-9, 0.05, -11, 3); /* but one is not */
    check_stage(-11, 0.05, -11, 1);
}

static void test_no_temperature_is_left(void **state)
{
    (void)state;
    plant planted = plant_crossover();
    planted.num_temps = 9; /* up to 2^-12 */
    ch_run_table table;
    ch_fit fit;
    fit_plant(&fit, &table, &planted);
    assert_int_equal(fit.groups[0].window_temps, 0);
    assert_true(isnan(fit.groups[0].window_lo));
    assert_note(&fit.groups[0], "no exponents: no T lies far enough above the onset");
    release(&fit, &table);
}

enum { MOST_SLOPES = 8 };

/* Fits a table in which the local slope of ||Dw|| from temperature k to the next one is slopes[k], at every P. */
static void fit_slopes(ch_fit *fit, ch_run_table *table, const double *slopes, size_t num_slopes)
{
    plant planted = plant_default();
    double log_y[MOST_SLOPES + 1] = {0};
    planted.num_temps = (int)num_slopes + 1;
    for (size_t k = 0; k < num_slopes; k++) {
        log_y[k + 1] = log_y[k] + slopes[k] * M_LN2;
    }
    plant_table(&planted, 1, table);
    for (size_t i = 0; i < table->count; i++) {
        const ch_settings *settings = &table->runs[i].settings;
        const int k = (int)lround(log2(settings->temp)) - planted.first_temp;
        table->runs[i].final.weight_change = sqrt((double)settings->train) * exp(log_y[k]);
    }
    fit_table(fit, table, 2);
}

/* Requires that the window ends at temperature number `last`, counted from 0 at the lowest. */
static void check_end(const double *slopes, size_t num_slopes, int last)
{
    ch_run_table table;
    ch_fit fit;
    fit_slopes(&fit, &table, slopes, num_slopes);
    const ch_fit_group *group = &fit.groups[0];
    assert_close(group->window_lo, ldexp(1, plant_default().first_temp), 1e-15);
    assert_close(group->window_hi, ldexp(1, plant_default().first_temp + last), 1e-15);
    assert_int_equal(group->window_temps, last + 1);
    assert_int_equal(has_note(group, "the slope of ln ‖Δw‖ over ln T departs"), last < (int)num_slopes);
    release(&fit, &table);
}

/* The window ends where the slope differs from the mean slope by more than half of it. */
static void test_departure_by_half(void **state)
{
    (void)state;
    check_end((const double[]){1, 1, 1, 0.6, 0.6}, 5, 5);
    check_end((const double[]){1, 1, 1, 0.4, 0.4}, 5, 3);
}

/* The window ends where the slope differs by more than four standard deviations of the slopes below, which are 0.2
 * here. */
static void test_departure_by_four_deviations(void **state)
{
    (void)state;
    check_end((const double[]){1, 1.2, 0.8, 0.3}, 4, 4);
    check_end((const double[]){1, 1.2, 0.8, 0.1}, 4, 3);
}

/* The slope is compared from the fourth interval on, with the three intervals before it. */
static void test_departure_from_the_fourth_interval(void **state)
{
    (void)state;
    check_end((const double[]){1, 1, 0.4, 1}, 4, 4);
    check_end((const double[]){1, 1, 1, 0.4}, 4, 3);
}

/* A P that has too few T for a crossover is a plateau where the slope from its lowest to its highest T is under 0.1. */
static void test_flat_is_a_plateau(void **state)
{
    (void)state;
    ch_run_table table;
    ch_fit fit;
    fit_slopes(&fit, &table, (const double[]){0.15, 0.15, 0.15}, 3);
    assert_int_equal(fit.groups[0].window_temps, 4);
    assert_note(&fit.groups[0], "no onset was found, as it takes 5 T or more");
    release(&fit, &table);
    fit_slopes(&fit, &table, (const double[]){0.06, 0.06, 0.06}, 3);
    assert_int_equal(fit.groups[0].window_temps, 0);
    assert_note(&fit.groups[0], "no exponents: no T lies far enough above the onset");
    release(&fit, &table);
}

int main(void)
{
    /* suites: thread valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_limits),
        cmocka_unit_test(test_no_temperature_is_left),
        cmocka_unit_test(test_departure_by_half),
        cmocka_unit_test(test_departure_by_four_deviations),
        cmocka_unit_test(test_departure_from_the_fourth_interval),
        cmocka_unit_test(test_flat_is_a_plateau),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
