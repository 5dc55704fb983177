/* perceptron.h — the model that can be measured exactly: a linear student under hinge loss.
 *
 * F(w, x) = Dw . x / sqrt(d) with Dw = w - w0, teacher e, label y = sign(x . e), loss max(0, kappa - y F).
 * Signal s = Dw . e, noise r = ||Dw - s e||, lambda = s / r. w0 ~ N(0, I_d) enters only through ||w0||.
 */
#ifndef CH_PERCEPTRON_H
#define CH_PERCEPTRON_H

#include "core/core.h"
#include "data/data.h"

#include <stddef.h>
#include <stdint.h>

/** What a training run of the perceptron is made of. The sets are borrowed and must outlive the learner. */
typedef struct {
    const ch_sample_set *train; /* the first `num_samples` of its rows are the training set */
    size_t num_samples;         /* P, 1 <= P <= train->num_samples, P < 2^32 */
    const ch_sample_set *test;  /* measured test error over these; NULL for the exact one */
    double chi;                 /* of the data law, for the exact test error */
    double kappa;               /* margin 1/alpha > 0 */
    double rate;                /* eta > 0 */
    size_t batch;               /* B, 1 <= B <= P */
    uint64_t seed_init;         /* of w0 */
    uint64_t seed_batch;        /* of the batches */
} ch_perceptron_setup;

/** The plain engine: every drawn margin is computed.
 *
 *  Each step draws B distinct indices, uniform and independent of earlier steps, takes all gradients at the same w,
 *    w <- w + (eta / B) sum over drawn mu with w . z_mu < kappa of z_mu,
 *  in double. After P / B idle steps in a row (an update restarts the count) all P margins are looked at; the run is
 *  fitted when none is under kappa. Cost: B d multiply-adds a step.
 */
typedef struct {
    ch_learner learner; /* first: this struct is a ch_learner */
    ch_perceptron_setup setup;
    size_t stride;
    double *weights;     /* Delta w [stride]; owned */
    double norm_init;    /* ||w0|| */
    uint32_t *batch;     /* [P] permutation whose head is the batch, where B is too large to scan; owned */
    uint32_t *active;    /* [B] those of them that are unfitted; owned */
    ch_random random;    /* batches */
    uint64_t next_check; /* step at which to look at all margins if nothing moves before */
} ch_perceptron;

/** @return CH_OK, CH_ERROR_INPUT for a setup outside its ranges, CH_ERROR_MEMORY */
ch_code ch_perceptron_init(ch_perceptron *self, const ch_perceptron_setup *setup, ch_error *err) CH_MUST_CHECK;
void ch_perceptron_free(ch_perceptron *self);

/* ---- theory: physics of the noise-dominated regime at density exponent chi ---- */

/** Exact test error of a linear student with signal s and noise r,
 *    eps(lambda) = int_0^inf (2 / Z_chi) v^chi exp(-v^2 / 2) Phi(-lambda v) dv,  lambda = s / r,
 *  in closed form, an incomplete beta function (arctan(1 / lambda) / pi at chi = 0), to 1e-10 relative.
 *  s = 0 gives 1/2 (nothing is predicted), r = 0 < s gives 0. Like every caller of GSL here, wants GSL's aborting
 *  error handler switched off (gsl_set_error_handler_off).
 *
 *  @param error  out: the error
 *  @return CH_OK; CH_ERROR_INPUT unless -1 < chi <= 1000, r >= 0 and both are finite; CH_ERROR_NUMERIC
 */
ch_code ch_perceptron_test_error(double chi, double signal, double noise, double *error, ch_error *err) CH_MUST_CHECK;

/** Exponents and constants of the theory at one chi. Sources: Sclocchi, Geiger and Wyart, ICML 2023, for the
 *  exponents; the constants are derived in docs/theory.md. */
typedef struct {
    double chi;
    double delta;      /* ||Dw|| ~ T^delta P^gamma */
    double gamma;      /* 1 / (1 + chi) */
    double time_delta; /* t* ~ T^time_delta P^b */
    double b;          /* 1 + 2 / (1 + chi) */
    double a;          /* escape: T_c ~ P^-a, a = gamma / delta */
    double batch;      /* B* ~ P^gamma */
    double z;          /* Z_chi = 2^{(chi+1)/2} Gamma((chi+1)/2), the density's norm */
    double unfitted;   /* n_chi: fraction unfitted, and test error, are n_chi lambda^-(chi+1) as lambda -> inf */
    double drift;      /* a_chi: ds/dt = A / sqrt(d), A = a_chi lambda^-(chi+2) */
    double noise;      /* r* / (T sqrt(d)) = n_chi sqrt(pi/2) */
    double growth;     /* s^{chi+3} = growth r*^{chi+2} t / sqrt(d), (chi+3) a_chi */
    double mean_abs; /* E|x_par| = sqrt(2) Gamma((chi+2)/2) / Gamma((chi+1)/2): first step s = eta E|x_par| / sqrt(d) */
} ch_perceptron_theory;

/** @return CH_OK; CH_ERROR_INPUT unless -1 < chi <= 1000 */
ch_code ch_perceptron_theory_init(ch_perceptron_theory *self, double chi, ch_error *err) CH_MUST_CHECK;

#endif
