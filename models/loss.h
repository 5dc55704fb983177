/* loss.h — losses as functions of the margin m = y F: one row each, with all that learners ask about a loss.
 *
 *  hinge            max(0, kappa - m)
 *  soft hinge       kappa s(z), z = 1 - m / kappa, s(z) = z exp(-1 / (2 z)) for z > 0, else 0
 *  quadratic hinge  kappa max(0, z)^2
 *  mse              kappa z^2 / 2 = (kappa / 2) (F / kappa - y)^2
 *  logistic         kappa ln(1 + exp(-m / kappa)), the cross-entropy of the logit F / kappa
 */
#ifndef CH_LOSS_H
#define CH_LOSS_H

#include <stdbool.h>
#include <stdint.h>

/** The values of the setting `loss`, in its order. */
typedef enum {
    CH_LOSS_HINGE,
    CH_LOSS_SOFTHINGE,
    CH_LOSS_QUADHINGE,
    CH_LOSS_MSE,
    CH_LOSS_LOGISTIC,
    CH_NUM_LOSSES
} ch_loss_kind;

/** One row of the table of losses. A NaN margin has a NaN loss and slope. Of quadhinge, whose slope has a
 *  kink at the margin, the second derivative there is that of the fitted side, 0. */
typedef struct {
    const char *name;                             /* the value of the setting `loss` */
    double (*value)(double margin, double kappa); /* l(m), in units of the margin; kappa > 0 */
    double (*slope)(double margin, double kappa); /* dl/dm */
    double (*bend)(double margin, double kappa);  /* d^2 l / dm^2; at the kink of the hinge 0, as beside it */
    /** A sample at or above the margin kappa has slope 0, so that a batch of such samples changes no weight and the
     *  step is idle. */
    bool has_idle_steps;
    /** The slope does not vanish on the way to the margin, so that every sample reaches it in a finite time. Of a loss
     *  without this, a run hardly ever ends by itself. */
    bool reaches_margin;
    /** The slope is -1 for every unfitted sample: what the perceptron's engines and the twin are written for. */
    bool has_unit_slope;
    /** The slope is at most 1 in size at any margin; otherwise it grows with the distance from the margin. */
    bool has_bounded_slope;
} ch_loss;

/** The row of a loss, kind < CH_NUM_LOSSES. */
const ch_loss *ch_loss_of(ch_loss_kind kind);

/** Names for the setting `loss`; NULL from the end of the list on. */
const char *ch_loss_name(uint64_t kind);

#endif
