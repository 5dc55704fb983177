/* dynamics.h — how the weights move. */
#ifndef CH_DYNAMICS_H
#define CH_DYNAMICS_H

#include <stdbool.h>
#include <stdint.h>

/** The values of the setting `dynamics`, in its order. */
typedef enum {
    CH_DYNAMICS_SGD,      /* a step takes a batch of B distinct samples, drawn afresh */
    CH_DYNAMICS_GD,       /* a step takes all samples */
    CH_DYNAMICS_FLOW,     /* gradient flow: dw/dt = -grad L */
    CH_DYNAMICS_UNFITTED, /* a step takes a batch that is drawn from the unfitted samples only */
    CH_DYNAMICS_SDE,      /* a step takes the full gradient and Gaussian noise of SGD's covariance */
} ch_dynamics;

/** Names for the setting `dynamics`; NULL from the end of the list on. */
const char *ch_dynamics_name(uint64_t dynamics);

/** Whether a step takes all samples and has no noise, so that the batch size is P. (The noise of the sde is that of its
 *  batch size.) */
bool ch_dynamics_takes_all(uint64_t dynamics);

#endif
