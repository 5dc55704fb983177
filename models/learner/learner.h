/* learner.h — a network under training: every loss and every dynamics, behind the learner's interface. */
#ifndef CH_NETWORK_LEARNER_H
#define CH_NETWORK_LEARNER_H

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
    const ch_examples *test;  /* NULL: none */
    ch_loss_kind loss;
    ch_dynamics dynamics;
    double kappa;          /* margin 1/alpha > 0 */
    double rate;           /* eta > 0; of the flow, the stretch of time of a step */
    size_t batch;          /* B, 1 <= B <= P; gd and flow make no use of it */
    uint64_t seed_init;    /* of w0 */
    uint64_t seed_batch;   /* of the batches and of the sde's noise */
    bool fast;             /* sgd without its idle steps, equal in law; not looked at under mse, which has none */
    bool wide;             /* passes in double, else in single precision; the flow always takes double */
    const double *teacher; /* [dim] unit vector e, for signal and noise; NULL: neither */
    double chi;            /* of the data law, for the exact test error of the linear network; NaN: none */
    size_t kernel_samples; /* the first n training samples' tangent kernel is measured; 0: none */
    int threads;           /* 0 is 1; does not change a bit of the result */
    const ch_watch *watch; /* NULL, or a flag that ends advance, observe and init, the run then being of no use */
} ch_network_learner_setup;

/** A network under training. F(w, x) = f(w, x) - f(w0, x), m = y F, L = (1 / P) sum l(m_mu), g_mu = grad l(m_mu).
 *
 *  A step, all gradients at the same w:
 *   - sgd: w <- w - (eta / B) sum of g over B distinct samples, drawn anew as the perceptron draws them
 *   - gd: w <- w - eta grad L
 *   - unfitted: as sgd, of min(B, U) of the U unfitted samples
 *   - sde: w <- w - eta grad L + eta sqrt[(P - B) / (B (P - 1) P)] sum_mu xi_mu (g_mu - grad L), xi ~ N(0, 1)
 *   - flow: dw/dt = -grad L over a time eta, by an adaptive Runge-Kutta pair
 *
 *  An update is a step that has a sample with a gradient. The run is fitted when no training sample is unfitted,
 *  !(m >= kappa), under every loss. gd, sde and unfitted see that before they take a step; the flow sees it within one,
 *  its last update; sgd looks after P / B idle steps in a row, or every P / B steps under mse, which has no idle ones.
 *  Derivations: docs/theory.md, "Losses and dynamics of networks".
 *
 *  A run diverges when a number is not finite, or when its weights no longer move though updates are made: units that
 *  are off at every sample, or weights beside which an update is nothing.
 *
 *  The weights are in double. f in single precision is off by some 1e-7 of |f(w, x)|: sharp margins kappa call for
 *  `wide`.
 */
typedef struct {
    ch_learner learner; /* first: this struct is a ch_learner */
    struct ch_network_state *state;
} ch_network_learner;

/** Also makes the passes over all samples at w0.
 *  @return CH_OK; CH_ERROR_INPUT for a setup outside its ranges; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED */
ch_code ch_network_learner_init(ch_network_learner *self, const ch_network_learner_setup *setup,
                                ch_error *err) CH_MUST_CHECK;
void ch_network_learner_free(ch_network_learner *self);

/** Bytes that a learner takes beside what its setup points to, at most; SIZE_MAX when that overflows. Looks at no
 *  samples: train may be NULL, and of test only its number of samples is read. */
size_t ch_network_learner_bytes(const ch_network_learner_setup *setup);

/** w, in the architecture's order. @return [num_weights], the learner's, valid until it advances */
const double *ch_network_learner_weights(const ch_network_learner *self);

#endif
