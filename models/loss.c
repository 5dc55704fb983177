/* loss.c — the table of losses. */
#include "models/loss.h"

#include <math.h>
#include <stddef.h>

/* z = 1 - m / kappa. In floating point the quotient is under 1 exactly where m < kappa; the product of m and 1 / kappa
 * is not. */
static double below(double margin, double kappa)
{
    return 1 - margin / kappa;
}

/* ---- the hinge ---- */

static double hinge(double margin, double kappa)
{
    return margin >= kappa ? 0 : kappa - margin;
}

static double hinge_slope(double margin, double kappa)
{
    return isnan(margin) ? margin : margin >= kappa ? 0 : -1;
}

static double hinge_bend(double margin, double kappa)
{
    (void)margin;
    (void)kappa;
    return 0;
}

/* ---- the soft hinge: kappa s(z), s(z) = z exp(-1 / (2 z)) for z > 0 ---- */

static double softhinge(double margin, double kappa)
{
    const double z = below(margin, kappa);
    return kappa * (z <= 0 ? 0 : z * exp(-0.5 / z));
}

static const double MOST_EXPONENT = 750; /* beyond it exp(-u) is 0, and u may be infinite */

/* s'(z) = (1 + u) exp(-u), u = 1 / (2 z). The slope is less than the least double, so 0, from m > 0.9993 kappa on. */
static double softhinge_slope(double margin, double kappa)
{
    const double z = below(margin, kappa), u = 0.5 / z;
    return -(z <= 0 || u > MOST_EXPONENT ? 0 : (1 + u) * exp(-u));
}

/* s''(z) = 2 u^3 exp(-u) */
static double softhinge_bend(double margin, double kappa)
{
    const double z = below(margin, kappa), u = 0.5 / z;
    return (z <= 0 || u > MOST_EXPONENT ? 0 : 2 * u * u * u * exp(-u)) / kappa;
}

/* ---- the quadratic hinge ---- */

static double quadhinge(double margin, double kappa)
{
    const double z = below(margin, kappa);
    return z <= 0 ? 0 : kappa * z * z;
}

static double quadhinge_slope(double margin, double kappa)
{
    const double z = below(margin, kappa);
    return z <= 0 ? 0 : -2 * z;
}

static double quadhinge_bend(double margin, double kappa)
{
    return below(margin, kappa) <= 0 ? 0 : 2 / kappa;
}

/* ---- the mean squared error ---- */

static double mse(double margin, double kappa)
{
    const double z = below(margin, kappa);
    return kappa * z * z / 2;
}

static double mse_slope(double margin, double kappa)
{
    return -below(margin, kappa);
}

static double mse_bend(double margin, double kappa)
{
    (void)margin;
    return 1 / kappa;
}

/* ---- the logistic loss ---- */

/* ln(1 + exp(-x)) = max(0, -x) + ln(1 + exp(-|x|)): no exponential overflows, and log1p keeps the digits of a small
 * one.
 */
static double logistic(double margin, double kappa)
{
    const double x = margin / kappa;
    return isnan(margin) ? margin : kappa * ((x < 0 ? -x : 0) + log1p(exp(-fabs(x))));
}

/* -1 / (1 + exp(x)), by the exponential of -|x|. */
static double logistic_slope(double margin, double kappa)
{
    const double x = margin / kappa, small = exp(-fabs(x));
    return isnan(margin) ? margin : -(x < 0 ? 1 : small) / (1 + small);
}

/* exp(x) / (1 + exp(x))^2, which is even, by the exponential of -|x|. */
static double logistic_bend(double margin, double kappa)
{
    const double small = exp(-fabs(margin / kappa));
    return small / ((1 + small) * (1 + small)) / kappa;
}

/* ---- the table ---- */

static const ch_loss losses[] = {
    [CH_LOSS_HINGE] = {"hinge", hinge, hinge_slope, hinge_bend, .has_idle_steps = true, .reaches_margin = true,
                       .has_unit_slope = true, .has_bounded_slope = true},
    [CH_LOSS_SOFTHINGE] = {"softhinge", softhinge, softhinge_slope, softhinge_bend, .has_idle_steps = true,
                           .has_bounded_slope = true},
    [CH_LOSS_QUADHINGE] = {"quadhinge", quadhinge, quadhinge_slope, quadhinge_bend, .has_idle_steps = true},
    [CH_LOSS_MSE] = {"mse", .value = mse, .slope = mse_slope, .bend = mse_bend},
    [CH_LOSS_LOGISTIC] = {"logistic", .value = logistic, .slope = logistic_slope, .bend = logistic_bend,
                          .reaches_margin = true, .has_bounded_slope = true},
};
_Static_assert(sizeof losses / sizeof *losses == CH_NUM_LOSSES, "every loss has a row");

const ch_loss *ch_loss_of(ch_loss_kind kind)
{
    return &losses[kind];
}

const char *ch_loss_name(uint64_t kind)
{
    return kind < CH_NUM_LOSSES ? losses[kind].name : NULL;
}
