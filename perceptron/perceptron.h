/* perceptron.h — the model that can be measured exactly: a linear student under hinge loss.
 *
 * F(w, x) = Dw . x / sqrt(d) with Dw = w - w0, teacher e, label y = sign(x . e), loss max(0, kappa - y F).
 * Signal s = Dw . e, noise r = ||Dw - s e||, lambda = s / r. w0 ~ N(0, I_d) enters only through ||w0||.
 */
#ifndef CH_PERCEPTRON_H
#define CH_PERCEPTRON_H

#include "core/core.h"
#include "data/data.h"

#include <stdbool.h>
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
    int threads;                /* threads the fast engine may use where many margins are computed at once; 0 is 1 */
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
    uint32_t *active;    /* [B] the samples of a batch that are unfitted; owned */
    ch_random random;    /* batches */
    uint64_t next_check; /* step at which to look at all margins if nothing moves before */
    uint64_t uses;       /* unfitted samples that updates have added */
    uint64_t distinct;   /* different ones among them, counted where `used` is lent */
    bool *used;          /* [P] those counted; borrowed, may be NULL */
} ch_perceptron;

/** @return CH_OK, CH_ERROR_INPUT for a setup outside its ranges, CH_ERROR_MEMORY */
ch_code ch_perceptron_init(ch_perceptron *self, const ch_perceptron_setup *setup, ch_error *err) CH_MUST_CHECK;
void ch_perceptron_free(ch_perceptron *self);

/** s = w . e and r = |w - s e| */
void ch_perceptron_signal_and_noise(const ch_perceptron *self, double *signal, double *noise);

/** Samples by how far the noise reaches them.
 *
 *  With z = v e + z_perp, Cauchy and Schwarz bound the margin, w . z >= s v - r |z_perp|: a sample can be unfitted only
 * if v / |z_perp| < r / s + kappa / (s |z_perp|). Sorted by the key v / |z_perp|, the samples that can be unfitted at
 * given s and r are the first few.
 */
typedef struct {
    size_t num_samples;
    bool borrows;        /* the arrays are another's */
    uint32_t *order;     /* [num_samples] sample of k-th least key; owned */
    float *keys;         /* [num_samples] ascending; owned */
    double least_across; /* min |z_perp| */
    double most_norm;    /* max |z| */
} ch_reach;

/** Sorts the samples of a set. Several runs may share the result. 8 bytes a sample stay, 8 more while it works.
 *  @return CH_OK, CH_ERROR_INPUT for 2^32 samples or more, CH_ERROR_MEMORY */
ch_code ch_reach_init(ch_reach *self, const ch_sample_set *set, ch_error *err) CH_MUST_CHECK;

/** As ch_reach_init of the first `num_samples` of the set that `whole` has sorted, without sorting. Borrows the arrays
 *  of `whole` where they are the same. */
ch_code ch_reach_init_first(ch_reach *self, const ch_reach *whole, const ch_sample_set *set, size_t num_samples,
                            ch_error *err) CH_MUST_CHECK;
void ch_reach_free(ch_reach *self);

/** Keys from here on belong to samples with margin of at least kappa; infinite unless signal > 0. */
double ch_reach_bound(const ch_reach *self, double signal, double noise, double kappa);

/** Number of samples with key under `bound`: the length of the prefix of `order`. */
size_t ch_reach_count(const ch_reach *self, double bound);

/** The fast engine: equal in law to the plain one, without its idle steps.
 *
 *  It knows which samples can be unfitted at all, the candidates (perceptron/candidates.h), and goes through three
 *  stages, each begun when the last stretch of updates would have cost less that way:
 *  - plain steps, while nearly all samples are candidates;
 *  - drawing: only batches that hold a candidate are drawn, and of those only the candidates. The wait for one is
 *    geometric, the number of candidates in it hypergeometric given at least one (core/waiting.h). After many
 *    draws in vain, all candidates are looked at instead;
 *  - following: the margins of all samples within reach are kept up to date by rows of their Gram matrix
 *    (perceptron/active.h), so that the unfitted samples are known, and the same law gives the next batch with one.
 *  Memory beside the set: 8 bytes a sample for its order, shared; lists of at most 25 bytes a sample, copies of at most
 *  a quarter of the samples and 16 MiB of rows, of which only what is within reach of the noise is touched.
 */
typedef struct {
    ch_perceptron student;       /* first: this struct is a ch_learner. Takes the plain steps. */
    struct ch_fast_state *state; /* owned; NULL under 128 samples, which are left to the plain engine */
} ch_fast_perceptron;

/** What a run has taken. */
typedef struct {
    uint64_t drawn;     /* margins of samples drawn, up to the last look at which stage is cheapest */
    uint64_t looked;    /* margins computed one after the other, and entries of rows of the Gram matrix */
    uint64_t followed;  /* margins brought up to date by an entry of a row */
    uint64_t drawing;   /* updates while drawing */
    uint64_t near;      /* of those, with candidates by distance from a reference */
    uint64_t following; /* updates while following */
} ch_fast_work;

ch_fast_work ch_fast_perceptron_work(const ch_fast_perceptron *self);

/** @param reach  order of the samples of setup->train, borrowed; NULL to sort here
 *  @return as ch_perceptron_init */
ch_code ch_fast_perceptron_init(ch_fast_perceptron *self, const ch_perceptron_setup *setup, const ch_reach *reach,
                                ch_error *err) CH_MUST_CHECK;
void ch_fast_perceptron_free(ch_fast_perceptron *self);

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
