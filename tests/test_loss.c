/* test_loss.c — losses and their slopes. */
#include "models/loss.h"

#include "tests/support.h"

static const ch_loss_kind losses[] = {CH_LOSS_HINGE, CH_LOSS_SOFTHINGE, CH_LOSS_QUADHINGE, CH_LOSS_MSE,
                                      CH_LOSS_LOGISTIC};
static const double kappas[] = {1, 0x1p-15, 1.0 / 3, 1e-7, 40};
enum { NUM_LOSSES = 5, NUM_KAPPAS = 5 };

/* The losses by their definitions, in long double and in terms of F and y. */
static long double defined(ch_loss_kind loss, long double m, long double kappa)
{
    const long double z = 1 - m / kappa;
    switch (loss) {
    case CH_LOSS_HINGE:
        return fmaxl(0, kappa - m);
    case CH_LOSS_SOFTHINGE:
        return z > 0 ? kappa * z * expl(-1 / (2 * z)) : 0;
    case CH_LOSS_QUADHINGE:
        return kappa * powl(fmaxl(0, z), 2);
    case CH_LOSS_LOGISTIC:
        return kappa * (z < 1 ? log1pl(expl(z - 1)) : z - 1 + log1pl(expl(1 - z))); /* m / kappa = 1 - z */
    default:
        return kappa / 2 * powl(-m / kappa - -1, 2); /* here y = -1 and F = -m */
    }
}

/* Margins in units of kappa, without the edge of the hinge. */
static const double points[] = {-1e6, -30, -2, -1, -0.3, 0, 0.2, 0.5, 0.9, 0.99, 1.01, 1.5, 3, 1e3};
enum { NUM_POINTS = sizeof points / sizeof *points };

static void values_are_as_defined(void **state)
{
    (void)state;
    for (size_t l = 0; l < NUM_LOSSES; l++) {
        for (size_t k = 0; k < NUM_KAPPAS; k++) {
            for (size_t i = 0; i < NUM_POINTS; i++) {
                const double kappa = kappas[k], m = points[i] * kappa;
                const double expected = (double)defined(losses[l], m, kappa);
                assert_close(ch_loss_of(losses[l])->value(m, kappa), expected, 1e-12);
            }
        }
    }
}

/* Slopes agree with central differences of the definition. The step is short compared with z^2, over which exp(-1 / (2
 * z)) changes. The differences are off by some 1e-9; where long double is no more precise than double, they are off by
 * rounding. */
static void slopes_are_derivatives(void **state)
{
    (void)state;
    for (size_t l = 0; l < NUM_LOSSES; l++) {
        for (size_t k = 0; k < NUM_KAPPAS; k++) {
            for (size_t i = 1; i < NUM_POINTS; i++) {
                const double z = 1 - points[i];
                const long double kappa = kappas[k], m = points[i] * kappas[k], h = 1e-4L * kappa * fmin(1, z * z);
                const double expected =
                    (double)((defined(losses[l], m + h, kappa) - defined(losses[l], m - h, kappa)) / (2 * h));
                const double slope = ch_loss_of(losses[l])->slope((double)m, (double)kappa);
                assert_in(slope - expected, -5e-8 * fabs(expected), 5e-8 * fabs(expected));
            }
        }
    }
}

/* The same of second derivatives against differences of slopes. */
static void bends_are_derivatives_of_slopes(void **state)
{
    (void)state;
    for (size_t l = 0; l < NUM_LOSSES; l++) {
        const ch_loss *loss = ch_loss_of(losses[l]);
        for (size_t k = 0; k < NUM_KAPPAS; k++) {
            for (size_t i = 1; i < NUM_POINTS; i++) {
                const double z = 1 - points[i], kappa = kappas[k], m = points[i] * kappa;
                const double h = 1e-4 * kappa * fmin(1, z * z);
                const double expected = (loss->slope(m + h, kappa) - loss->slope(m - h, kappa)) / (2 * h);
                const double rounding = 1e-15 / h;
                assert_in(loss->bend(m, kappa) - expected, -1e-6 * fabs(expected) - rounding,
                          1e-6 * fabs(expected) + rounding);
            }
        }
    }
}

/* The slope is 0 exactly where a sample is fitted, to the last bit. The slope of the soft hinge becomes 0 a little
 * before that by underflow. */
static void slope_is_zero_where_fitted(void **state)
{
    (void)state;
    for (size_t k = 0; k < NUM_KAPPAS; k++) {
        const double kappa = kappas[k], below = nextafter(kappa, 0);
        assert_true(ch_loss_of(CH_LOSS_HINGE)->slope(below, kappa) == -1);
        assert_true(ch_loss_of(CH_LOSS_QUADHINGE)->slope(below, kappa) < 0);
        assert_true(ch_loss_of(CH_LOSS_SOFTHINGE)->slope(0.999 * kappa, kappa) < 0);
        for (size_t l = 0; l < NUM_LOSSES && losses[l] != CH_LOSS_LOGISTIC; l++) {
            assert_true(ch_loss_of(losses[l])->slope(kappa, kappa) == 0);
            assert_true(ch_loss_of(losses[l])->value(kappa, kappa) == 0);
            if (losses[l] != CH_LOSS_MSE) {
                assert_true(ch_loss_of(losses[l])->slope(2 * kappa, kappa) == 0);
                assert_true(ch_loss_of(losses[l])->value(2 * kappa, kappa) == 0);
            }
        }
    }
}

static void soft_hinge_has_no_overflow(void **state)
{
    (void)state;
    double slope_before = -1;
    for (double z = 1; z > 0; z /= 2) { /* 1 - z is 1 from 2^-54 on; before that the slope falls to 0 */
        const double value = ch_loss_of(CH_LOSS_SOFTHINGE)->value(1 - z, 1),
                     slope = ch_loss_of(CH_LOSS_SOFTHINGE)->slope(1 - z, 1);
        assert_true(value >= 0 && value <= z);
        assert_true(slope <= 0 && slope >= slope_before);
        slope_before = slope;
    }
    assert_true(slope_before == 0);
    /* Far from the margin the soft hinge is the hinge shifted by kappa / 2. */
    assert_close(ch_loss_of(CH_LOSS_SOFTHINGE)->value(-1e12, 1), 1e12 + 0.5, 1e-15);
    assert_close(ch_loss_of(CH_LOSS_SOFTHINGE)->slope(-1e12, 1), -1, 1e-15);
    assert_true(ch_loss_of(CH_LOSS_SOFTHINGE)->slope(-INFINITY, 1) == -1);
}

/* The logistic loss falls from a line to an exponential, without overflow and without losing the digits of either. */
static void logistic_has_no_overflow(void **state)
{
    (void)state;
    const ch_loss *loss = ch_loss_of(CH_LOSS_LOGISTIC);
    assert_true(loss->value(-1e6, 2) == 1e6 && loss->slope(-1e6, 2) == -1);
    assert_true(loss->value(-INFINITY, 1) == INFINITY && loss->slope(-INFINITY, 1) == -1);
    assert_true(loss->value(1e6, 2) == 0 && loss->slope(1e6, 2) == 0);
    assert_true(loss->value(INFINITY, 1) == 0 && loss->slope(INFINITY, 1) == 0);
    assert_close(loss->value(200, 1), exp(-200), 1e-14);
    assert_close(loss->slope(200, 1), -exp(-200), 1e-14);
    assert_close(loss->value(0, 3), 3 * M_LN2, 1e-15);
    assert_true(loss->slope(0, 3) == -0.5);
}

/* The properties that a row states of its loss hold for its slope. */
static void properties_are_those_of_the_slope(void **state)
{
    (void)state;
    for (ch_loss_kind kind = 0; kind < CH_NUM_LOSSES; kind++) {
        const ch_loss *loss = ch_loss_of(kind);
        const double far = loss->slope(-3, 1), near = loss->slope(1 - 1e-9, 1), beyond = loss->slope(2, 1);
        assert_true(loss->has_idle_steps == (beyond == 0));
        assert_true(loss->reaches_margin == (near < -0.1));
        assert_true(loss->has_unit_slope == (far == -1 && near == -1 && beyond == 0));
        assert_true(loss->has_bounded_slope == (fabs(far) <= 1));
        assert_string_equal(ch_loss_name(kind), loss->name);
    }
    assert_null(ch_loss_name(CH_NUM_LOSSES));
}

static void nan_stays_nan(void **state)
{
    (void)state;
    for (size_t l = 0; l < NUM_LOSSES; l++) {
        assert_true(isnan(ch_loss_of(losses[l])->value(NAN, 1)));
        assert_true(isnan(ch_loss_of(losses[l])->slope(NAN, 1)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_as_defined),
        cmocka_unit_test(slopes_are_derivatives),
        cmocka_unit_test(bends_are_derivatives_of_slopes),
        cmocka_unit_test(slope_is_zero_where_fitted),
        cmocka_unit_test(soft_hinge_has_no_overflow),
        cmocka_unit_test(logistic_has_no_overflow),
        cmocka_unit_test(properties_are_those_of_the_slope),
        cmocka_unit_test(nan_stays_nan),
    };
    return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
