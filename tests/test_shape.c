/* test_shape.c — shapes of a curve over P: planted shapes are found. */
#include "tests/alloc_fail.h"
#include "tests/shape_plant.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <stdlib.h>

/* With noise of 1e-9 only, what was planted is found as exactly as the grid of omega and of breaks allows. */
static void finds_what_is_there(void **state)
{
    (void)state;
    const planted power = {.exponent = 0.7, .noise = 1e-9, .nu = 1, .num_points = 8, .num_sets = 4};
    const planted corrected = {
        .exponent = 0.7, .q = 0.4, .omega = 0.6, .noise = 1e-9, .nu = 1, .num_points = 8, .num_sets = 4};
    const planted broken = {
        .exponent = 0.7, .below = 0.2, .at = M_LN2 * 14, .noise = 1e-9, .nu = 1, .num_points = 9, .num_sets = 4};
    ch_shapes shapes;
    fit(&power, 1, &shapes);
    assert_int_equal(shapes.best, CH_SHAPE_POWER);
    assert_close(shapes.fits[CH_SHAPE_POWER].exponent, 0.7, 1e-8);
    assert_int_equal(shapes.num_local, 7);
    for (size_t i = 0; i < shapes.num_local; i++) {
        assert_close(shapes.local[i].slope, 0.7, 1e-7);
        assert_close(shapes.local[i].train_lo, ldexp(1, 10 + (int)i), 1e-12);
    }
    ch_shapes_free(&shapes);
    fit(&corrected, 1, &shapes);
    assert_int_equal(shapes.best, CH_SHAPE_CORRECTED);
    assert_close(shapes.fits[CH_SHAPE_CORRECTED].exponent, 0.7, 2e-3);
    assert_close(shapes.fits[CH_SHAPE_CORRECTED].extra, 0.6, 0.03);
    assert_close(shapes.fits[CH_SHAPE_CORRECTED].other, 0.4, 0.03);
    assert_true(shapes.fits[CH_SHAPE_POWER].misfit < 1e-10);
    assert_true(shapes.fits[CH_SHAPE_CORRECTED].against_power < 1e-10);
    ch_shapes_free(&shapes);
    fit(&broken, 1, &shapes);
    assert_int_equal(shapes.best, CH_SHAPE_BROKEN);
    assert_close(shapes.fits[CH_SHAPE_BROKEN].exponent, 0.7, 1e-2);
    assert_close(shapes.fits[CH_SHAPE_BROKEN].other, 0.2, 2e-2);
    assert_in(shapes.fits[CH_SHAPE_BROKEN].extra, M_LN2 * 13.9, M_LN2 * 14.1);
    ch_shapes_free(&shapes);
}

/* Four numbers of one data set, computed by hand. Without a spread between data sets the line is that of least squares.
 * For 0, 0.4, 1.2, 1.5 it has slope 0.53 over ln P in units of ln 2. One data set has no errors. */
static void agrees_with_hand(void **state)
{
    (void)state;
    static const double numbers[] = {0, 0.4, 1.2, 1.5};
    ch_trend curve;
    ch_shapes shapes;
    ch_error err = {0};
    plant(&(planted){.num_points = 4, .num_sets = 1}, 1, &curve);
    for (size_t p = 0; p < 4; p++) {
        curve.values[p] = numbers[p];
        curve.log_train[p] = (double)p;
    }
    assert_int_equal(ch_shapes_fit(&shapes, &curve, &err), CH_OK);
    const ch_shape_fit *fit = &shapes.fits[CH_SHAPE_POWER];
    assert_true(fit->found && !shapes.fits[CH_SHAPE_BROKEN].found && !shapes.fits[CH_SHAPE_CORRECTED].found);
    /* the correlation (P / P')^20 = e^-20 is negligible; the sum of squares is 0.043 */
    assert_close(fit->exponent, 0.53, 1e-6);
    assert_close(fit->squares, 0.043, 1e-6);
    assert_true(isnan(fit->stderr_) && isnan(fit->lo) && isnan(fit->hi) && isnan(fit->extra_lo));
    assert_true(isnan(fit->chi2) && isnan(fit->misfit));
    ch_trend_free(&curve);
    ch_shapes_free(&shapes);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    const planted power = {.exponent = 0.7, .noise = 0.1, .nu = 1, .num_points = 7, .num_sets = 3};
    ch_trend curve;
    ch_error err = {0};
    plant(&power, 1, &curve);
    ch_shapes shapes;
    long failed;
    assert_failures_are_told(failed, ch_shapes_fit(&shapes, &curve, &err), err, ch_shapes_free(&shapes));
    assert_in((double)failed, 3, 98);
    ch_shapes_free(&shapes);
    ch_trend_free(&curve);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_there),
        cmocka_unit_test(agrees_with_hand),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
