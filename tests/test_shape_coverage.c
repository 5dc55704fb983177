/* test_shape_coverage.c — how often intervals of a shape have the truth in them, misfits are found, and shapes are
 * preferred. */
#include "tests/shape_plant.h"

#include <gsl/gsl_errno.h>

/* Counts in `num` tables: how often an interval has the truth in it, a misfit has p < 0.05, and a shape is preferred;
 * and the mean of nu. */
typedef struct {
    size_t covered, misfits, best;
    double nu;
} tally;

static tally count(const planted *self, ch_trend_shape shape, size_t num)
{
    tally all = {0};
    for (uint64_t seed = 1; seed <= num; seed++) {
        ch_shapes shapes;
        fit(self, seed, &shapes);
        const ch_shape_fit *fit = &shapes.fits[shape];
        all.covered += fit->lo <= self->exponent && self->exponent <= fit->hi;
        all.misfits += fit->misfit < 0.05;
        all.best += shapes.best == shape;
        all.nu += shapes.nu / (double)num;
        ch_shapes_free(&shapes);
    }
    return all;
}

/* Counts of 1,000 tables are within four standard deviations of the binomial law, 3e-5 each. nu is fitted, which makes
 * intervals of few data sets a little too short. */
static void tests_noise(void **state)
{
    (void)state;
    const planted power = {.exponent = 0.7, .noise = 0.1, .nu = 1, .num_points = 7, .num_sets = 32};
    planted few = power, corrected = power;
    few.num_sets = 5;
    corrected.q = 0.5;
    corrected.omega = 0.5;
    corrected.noise = 0.02;
    enum { NUM = 1000 };
    const tally of_power = count(&power, CH_SHAPE_POWER, NUM), of_few = count(&few, CH_SHAPE_POWER, NUM),
                of_corrected = count(&corrected, CH_SHAPE_CORRECTED, NUM);
    print_message("    power, 32 sets: covered %zu, misfits %zu, preferred %zu, nu %.2f\n", of_power.covered,
                  of_power.misfits, of_power.best, of_power.nu);
    print_message("    power, 5 sets: covered %zu, misfits %zu, preferred %zu, nu %.2f\n", of_few.covered,
                  of_few.misfits, of_few.best, of_few.nu);
    print_message("    corrected, 32 sets: covered %zu, misfits %zu, preferred %zu\n", of_corrected.covered,
                  of_corrected.misfits, of_corrected.best);
    assert_in((double)of_power.covered, 922, 978);
    assert_in((double)of_power.misfits, 22, 78);
    assert_true(of_power.best > 850);
    assert_in(of_power.nu, 0.95, 1.05);
    assert_in((double)of_few.covered, 890, 978);
    assert_in((double)of_few.misfits, 22, 110);
    assert_in((double)of_corrected.covered, 922, 1000);
    assert_true(of_corrected.best > 900);
}

int main(void)
{
    /* suites: statistical */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tests_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
