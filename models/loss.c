/* loss.c — losses as functions of the margin. */
#include "models/loss.h"

#include <math.h>

/* Above it exp(-u) is 0, and u may be infinite. */
static const double MOST_EXPONENT = 750;

/* s(z) = z exp(-1 / (2 z)) for z > 0 */
static double soft(double z)
{
    return z <= 0 ? 0 : z * exp(-0.5 / z);
}

/* s'(z) = (1 + u) exp(-u), u = 1 / (2 z) */
static double soft_slope(double z)
{
    const double u = 0.5 / z;
    return z <= 0 || u > MOST_EXPONENT ? 0 : (1 + u) * exp(-u);
}

/* The quotient m / kappa is under 1 in floating point exactly where m < kappa, which m times 1 / kappa is not. */
double ch_loss_value(ch_loss loss, double margin, double kappa)
{
    const double z = 1 - margin / kappa;
    switch (loss) {
    case CH_LOSS_HINGE:
        return margin >= kappa ? 0 : kappa - margin;
    case CH_LOSS_SOFTHINGE:
        return kappa * soft(z);
    case CH_LOSS_QUADHINGE:
        return z <= 0 ? 0 : kappa * z * z;
    case CH_LOSS_MSE:
        break;
    }
    return kappa * z * z / 2;
}

double ch_loss_slope(ch_loss loss, double margin, double kappa)
{
    const double z = 1 - margin / kappa;
    switch (loss) {
    case CH_LOSS_HINGE:
        return isnan(margin) ? margin : margin >= kappa ? 0 : -1;
    case CH_LOSS_SOFTHINGE:
        return -soft_slope(z);
    case CH_LOSS_QUADHINGE:
        return z <= 0 ? 0 : -2 * z;
    case CH_LOSS_MSE:
        break;
    }
    return -z;
}
