/* loss.h — losses as functions of the margin m = y F, and their slopes.
 *
 *  hinge            max(0, kappa - m)
 *  soft hinge       kappa s(z), z = 1 - m / kappa, s(z) = z exp(-1 / (2 z)) for z > 0, else 0
 *  quadratic hinge  kappa max(0, z)^2
 *  mse              kappa z^2 / 2 = (kappa / 2) (F / kappa - y)^2
 *
 * A NaN margin has a NaN loss and slope.
 */
#ifndef CH_LOSS_H
#define CH_LOSS_H

typedef enum { CH_LOSS_HINGE, CH_LOSS_SOFTHINGE, CH_LOSS_QUADHINGE, CH_LOSS_MSE } ch_loss;

/** l(m), kappa > 0 */
double ch_loss_value(ch_loss loss, double margin, double kappa);

/** dl/dm: not 0 for every m < kappa, but for the soft hinge, whose slope is under the least double from
 *  m > 0.9993 kappa on. */
double ch_loss_slope(ch_loss loss, double margin, double kappa);

#endif
