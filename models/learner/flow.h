/* flow.h — gradient flow dw/dt = -grad L, by the Runge-Kutta pair of Bogacki and Shampine.
 *
 *   k1 = v(w), k2 = v(w + h k1 / 2), k3 = v(w + 3 h k2 / 4), v = -grad L
 *   w' = w + h (2 k1 + 3 k2 + 4 k3) / 9                  of order 3, the result; k4 = v(w') is the next step's k1
 *   w" = w + h (7 k1 / 24 + k2 / 4 + k3 / 3 + k4 / 8)    of order 2, for the error alone
 *
 * A trial of length h counts where max_mu |F(w', x_mu) - F(w", x_mu)| <= tolerance kappa over the training samples,
 * else it is tried again shorter. The next one is 0.9 (tolerance kappa / error)^{1/3} times as long, within 1/5 and 5
 * times. Where a sample's slope jumps, as under the hinge at kappa, the error falls with h alone, and trials become as
 * short as that takes.
 *
 * A stretch is a time of eta, which counts as one step and one update. The run is fitted after the first trial that
 * counts and leaves no sample unfitted; that trial ends the last stretch. It has diverged where trials of any length
 * give numbers that are not finite.
 *
 * Cost of a trial: three gradients over all samples, and a forward pass for the error. Source: Bogacki and Shampine, "A
 * 3(2) pair of Runge-Kutta formulas", Applied Mathematics Letters 2 (1989). */
#ifndef CH_LEARNER_FLOW_H
#define CH_LEARNER_FLOW_H

#include "models/learner/steps.h"

typedef struct ch_flow {
    double tolerance;  /* largest difference of an output within the pair, in units of kappa, for a trial to count */
    double *slopes[4]; /* [num_weights] each: k1 to k4; owned */
    double *weights;   /* [num_weights] where the trial begins; owned */
    double *margins;   /* [P] at w'; owned */
    double time;       /* since the stretch began, 0 <= time < eta */
    double step;       /* length of the next trial, in time */
    bool is_begun;     /* whether slopes[0] belongs to `weights` */
} ch_flow;

/** @param self  zeroed; to be freed after an error, too
 *  @return CH_OK; CH_ERROR_MEMORY */
ch_code ch_flow_init(ch_flow *self, const ch_network_state *state, ch_error *err) CH_MUST_CHECK;
void ch_flow_free(ch_flow *self);

/** Writes the stretch under way into a snapshot, or reads it. */
void ch_flow_exchange(ch_flow *self, const ch_network_state *state, struct ch_snapshot *snapshot);

/** Bytes of what ch_flow_init allocates.
 *  @param state  its sizes are set */
double ch_flow_bytes(const ch_network_state *state);

/** As ch_learner.advance, of a learner that has a flow. Comes back after some hundredths of a second. */
void ch_learner_advance_flow(ch_learner *learner, const ch_limit *limit);

#endif
