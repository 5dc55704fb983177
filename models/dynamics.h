/* dynamics.h — how the weights move. */
#ifndef CH_DYNAMICS_H
#define CH_DYNAMICS_H

typedef enum {
    CH_DYNAMICS_SGD,      /* batches of B distinct samples, drawn afresh at every step */
    CH_DYNAMICS_GD,       /* all samples at every step */
    CH_DYNAMICS_FLOW,     /* gradient flow: dw/dt = -grad L */
    CH_DYNAMICS_UNFITTED, /* batches drawn from the unfitted samples only */
    CH_DYNAMICS_SDE,      /* full gradient and Gaussian noise of SGD's covariance */
} ch_dynamics;

#endif
