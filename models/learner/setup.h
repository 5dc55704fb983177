/* setup.h — what a network's training run is made of, and the network under training itself. */
#ifndef CH_LEARNER_SETUP_H
#define CH_LEARNER_SETUP_H

#include "core/core.h"
#include "data/examples.h"
#include "models/architecture.h"
#include "models/dynamics.h"
#include "models/loss.h"

#include <stdbool.h>

/** What a training run of a network is made of. What is pointed to is borrowed and must outlive the learner. */
typedef struct {
    const ch_architecture *architecture;
    const ch_examples *train; /* its first `num_samples` are the training set */
    size_t num_samples;       /* P, 1 <= P <= train->num_samples, P < 2^32 */
    const ch_examples *test;  /* NULL: no test error is measured */
    ch_loss_kind loss;
    ch_dynamics dynamics;
    double kappa; /* margin 1/alpha > 0, in units of the output f */
    double rate;  /* eta > 0; under flow, the length in time of what counts as one step */
    size_t batch; /* B, 1 <= B <= P; gd and flow make no use of it */
    /* of sgd and gd: mu, 0 <= mu < 1, and the factor lambda >= 0 of ||w - w0||^2 / 2 in the loss */
    double momentum, weight_decay;
    bool by_epoch;         /* sgd: an epoch takes every sample once, in batches of B and a last one of those left */
    const double *start;   /* w0 [num_weights], rounded to single precision; NULL: it is drawn */
    uint64_t seed_init;    /* of the initial weights w0 */
    uint64_t seed_batch;   /* of the batches and of the sde's noise */
    bool fast;             /* sgd without its idle steps, equal in law; has no effect under a loss without idle steps */
    bool wide;             /* passes are in double precision, else in single; the flow always takes double */
    const double *teacher; /* unit vector e [dim], for signal and noise; NULL: neither is measured */
    double chi; /* of the data law, for the exact test error of the linear network; NaN: it is not computed */
    const struct ch_density *density; /* its tabulated density, in place of chi; NULL: it has none; borrowed */
    const double *deviations; /* [dim] of the data law's inputs along the axes; NULL where they are 1; borrowed */
    size_t kernel_samples;    /* n <= P: the tangent kernel of the first n training samples is measured; 0: none is */
    bool curvature;           /* the curvature of the loss can be measured: ch_learner.with_curvature */
    int threads;              /* below 1 means 1; no bit of the result depends on it */
    const ch_watch *watch;    /* NULL, or a stop flag that ends advance, observe and init; the run is then of no use */
} ch_network_learner_setup;

struct ch_network_state;
struct ch_lookahead;
struct ch_flow;
struct ch_kernel_meter;
struct ch_curvature_meter;

/** A network under training. F(w, x) = f(w, x) - f(w0, x), m = y F, L = (1 / P) sum l(m_mu), g_mu = grad l(m_mu).
 *
 *  A step, all gradients at the same w:
 *   - sgd: w <- w - (eta / B) sum of g over B distinct samples, drawn anew as the perceptron draws them; by epochs over
 *     the next batch of the epoch, whose samples weigh eta / B each in the last, smaller one, too
 *   - gd: w <- w - eta grad L
 *   - sgd and gd with momentum and weight decay: v <- mu v + (the step's gradient) + lambda (w - w0), w <- w - eta v
 *   - unfitted: as sgd, of min(B, U) of the U unfitted samples
 *   - sde: w <- w - eta grad L + eta sqrt[(P - B) / (B (P - 1) P)] sum_mu xi_mu (g_mu - grad L), xi ~ N(0, 1)
 *   - flow: dw/dt = -grad L over a time eta, by an adaptive Runge-Kutta pair
 *
 *  An update is a step with at least one sample whose gradient is not 0. With momentum or weight decay the weights move
 *  at the other steps, too. Under every loss the run is fitted when no training sample is unfitted, !(m >= kappa). gd,
 *  sde and unfitted find that before they take a step. The flow finds it within a step, which is its last update. sgd
 *  looks at all samples after P / B idle steps in a row; under mse, which has no idle steps, every P / B steps.
 *  Derivations: docs/theory.md, "Losses and dynamics of networks".
 *
 *  A run diverges when a number is not finite, or when the weights no longer move though updates are made because every
 *  unit is off at every sample, or because the weights have grown so large that adding an update does not change them.
 *  It is stuck when they no longer move because updates are too small, or when the gradients of all unfitted samples
 *  have underflowed to 0.
 *
 *  The weights are in double. In single precision f is off by some 1e-7 of |f(w, x)|: small margins kappa call for
 *  `wide`.
 */
typedef struct {
    ch_learner learner;                   /* first: this struct is a ch_learner */
    struct ch_network_state *state;       /* the network and what every dynamics shares (state.h); owned */
    struct ch_lookahead *lookahead;       /* the fast engine's (lookahead.h); NULL where it does not train; owned */
    struct ch_flow *flow;                 /* the flow's integrator (flow.h); NULL under other dynamics; owned */
    struct ch_kernel_meter *meter;        /* the measured tangent kernel (kernel_meter.h); NULL for none; owned */
    struct ch_curvature_meter *curvature; /* of the loss (curvature_meter.h); NULL: it is not measured; owned */
} ch_network_learner;

#endif
