/* perceptron.h — the model that can be measured exactly: a linear student under hinge loss.
 *
 * The student is F(w, x) = Dw . x / sqrt(d) with Dw = w - w0; w0 ~ N(0, I_d) matters only through its norm ||w0||.
 * The teacher is a unit vector e, the label y = sign(x . e). The objective is the mean over P samples of the hinge loss
 *   max(0, kappa - m),   m = y F = Dw . z the margin, with z = y x / sqrt(d).
 * A sample is unfitted while m < kappa. Signal s = Dw . e, noise r = ||Dw - s e||, lambda = s / r; below, w is Dw.
 * Source: Sclocchi, Geiger and Wyart, "Dissecting the effects of SGD noise in distinct regimes of deep learning", ICML
 * 2023.
 */
#ifndef CH_PERCEPTRON_H
#define CH_PERCEPTRON_H

#include "core/core.h"
#include "data/data.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- the plain engine ---- */

/** What a training run of the perceptron is made of. The sets are borrowed and must outlive the learner. */
typedef struct {
    const ch_sample_set *train;       /* the first `num_samples` of its rows are the training set */
    size_t num_samples;               /* P, 1 <= P <= train->num_samples, P < 2^32 */
    const ch_sample_set *test;        /* the test error is measured on these; NULL: it is the exact one */
    double chi;                       /* density exponent of the data law, for the exact test error; NaN: it has none */
    const struct ch_density *density; /* the data law's tabulated density, in place of chi; NULL: it has none */
    bool has_teacher;                 /* samples have a teacher direction although neither chi nor density is known */
    double kappa;                     /* margin 1/alpha > 0 */
    double rate;                      /* eta > 0 */
    size_t batch;                     /* B, 1 <= B <= P */
    bool by_epoch;         /* an epoch takes every sample once, in batches of B and a last one of those left */
    double momentum;       /* mu, 0 <= mu < 1; of the plain engine */
    double weight_decay;   /* factor lambda >= 0 of ||w - w0||^2 / 2 in the loss; of the plain engine */
    uint64_t seed_init;    /* of w0 */
    uint64_t seed_batch;   /* of the batches */
    const ch_watch *watch; /* its stop flag ends a long look at all samples, and a step that takes long, which is then
                              not taken; borrowed; NULL: nothing does */
    int threads;           /* threads the fast engine may use where many margins are computed at once; 0 is 1 */
} ch_perceptron_setup;

/** The plain engine: the margin of every sample drawn is computed.
 *
 *  Update: each step draws B distinct indices, uniformly and independently of earlier steps, takes all gradients at the
 *  same w, and in double sets
 *    w <- w + (eta / B) sum over drawn mu with w . z_mu < kappa of z_mu.
 *  By epochs, the batches of P / B steps, rounded up, are parts of one random order of all samples. The last of them
 *  has the P mod B samples left, where that is not 0, and each still weighs eta / B.
 *  With momentum and weight decay, at every step
 *    v <- mu v + (eta / B) sum of z_mu - eta lambda w,  w <- w + v.
 *
 *  Stopping rule: after P / B idle steps in a row (an update restarts the count) all P margins are computed; the run is
 *  fitted when none is under kappa. Cost: B d multiply-adds a step.
 */
typedef struct {
    ch_learner learner; /* first: this struct is a ch_learner */
    ch_perceptron_setup setup;
    size_t stride;    /* that of the training samples */
    double *weights;  /* w = Delta w [stride], 0 beyond d; owned */
    double *velocity; /* v [stride], or NULL without momentum and weight decay; owned */
    double norm_init; /* ||w0|| */
    /* [P] a permutation of the samples: its first B are the batch, or, by epochs, its first `drawn` those of this
     * epoch; of length 0 for small B, which are drawn without it (ch_draw_scanned); owned */
    uint32_t *batch;
    uint32_t drawn;      /* samples drawn in this epoch */
    uint32_t pending;    /* size of a batch that is drawn, and whose step a stop has put off; 0: none is */
    uint32_t *active;    /* [B] the unfitted samples of a batch; owned */
    double *sizes;       /* [number of test samples] their |F|, for observations; owned */
    double *smallest;    /* [ch_near_boundary_room] the smallest of them; owned */
    ch_random random;    /* stream of the batches */
    uint64_t next_check; /* step after which all margins are computed, unless an update comes before */
    uint64_t uses;       /* unfitted samples that updates have added, a sample counted each time */
    uint64_t distinct;   /* number of different samples among them since `used` was cleared; 0 where `used` is NULL */
    bool *used;          /* [P] whether a sample is counted in `distinct` already; borrowed; may be NULL */
} ch_perceptron;

/** A student before its first step, Dw = 0.
 *  @return CH_OK, CH_ERROR_INPUT for a setup outside its ranges, CH_ERROR_MEMORY */
ch_code ch_perceptron_init(ch_perceptron *self, const ch_perceptron_setup *setup, ch_error *err) CH_MUST_CHECK;
void ch_perceptron_free(ch_perceptron *self);

/** s = w . e and r = |w - s e| */
void ch_perceptron_signal_and_noise(const ch_perceptron *self, double *signal, double *noise);

/* ---- the fast engine ---- */

/** The fast engine: equal in law to the plain one, with the same objective, update and stopping rule, but without its
 *  idle steps (docs/fast-engine.md).
 *
 *  A run passes through three stages, or four where batches are large. From time to time, each time after 1.5 times as
 *  many updates as the last time, the engine compares the cost of the updates since the last comparison with their cost
 *  in a later stage. Where that is smaller, it moves on.
 *  - Plain steps are taken while nearly all samples can be unfitted.
 *  - Drawing: a candidate is a sample that can be unfitted (perceptron/candidates.h). Only batches that hold a
 *  candidate are drawn, and of these only the candidates. The number of steps until the next such batch is geometric,
 *  and the number of candidates in it is hypergeometric given at least one (core/waiting.h). When many candidates in a
 *  row were fitted, the margins of all candidates are computed instead, so that the unfitted samples are known.
 *  - Bounding: the margins of all samples that the screening index does not rule out are kept within known bounds by
 *  rows of their Gram matrix (perceptron/active.h). So the unfitted samples are known, and the same laws give the next
 *  batch that holds one.
 *  - Large batches, of at least CH_WAITING_LARGE_BATCH independent samples, have in place of bounding, or before and
 *  after it, a stage that keeps the margins of the samples close to kappa alone (perceptron/close.h), where that is
 *  cheaper.
 *
 *  Memory of all stages, beside the set: the index, of 12 bytes a sample and one byte for each of its padded entries,
 *  which runs may share; lists of at most 48 bytes a sample; copies of at most a quarter of the samples; and 16 MiB of
 *  rows and 4 MiB more, 5 with large batches. Only the part that belongs to samples which are not ruled out is used. */
typedef struct {
    ch_perceptron student;       /* first: this struct is a ch_learner. It takes the plain steps. */
    struct ch_fast_state *state; /* owned; NULL for P < 128, which the plain engine does alone */
} ch_fast_perceptron;

/** Counts of the work that a run has done. */
typedef struct {
    uint64_t drawn;    /* candidates drawn, and samples drawn in plain steps up to the last comparison of stages */
    uint64_t looked;   /* margins computed for all candidates or all bounded samples, and entries of Gram rows made */
    uint64_t bounded;  /* margins brought up to date by an entry of a Gram row */
    uint64_t drawing;  /* updates in the stage of drawing */
    uint64_t narrowed; /* those of them whose candidates were listed by distance from a reference */
    uint64_t bounding; /* updates in the stage of bounding */
    uint64_t close;    /* updates in the stage of large batches */
} ch_fast_work;

struct ch_screen;

/** The work of a run so far. */
ch_fast_work ch_fast_perceptron_work(const ch_fast_perceptron *self);

/** A student before its first step, Dw = 0. The rate must be at least 2^-300, so that squares of weights do not
 *  underflow. Other scales are had by one factor for rate and kappa, to which all results are proportional.
 *  @param screen  screening index of setup->train (perceptron/screening.h), which several runs may share; borrowed, so
 *                 that it must outlive the learner. NULL: it is made here
 *  @return as ch_perceptron_init */
ch_code ch_fast_perceptron_init(ch_fast_perceptron *self, const ch_perceptron_setup *setup,
                                const struct ch_screen *screen, ch_error *err) CH_MUST_CHECK;
void ch_fast_perceptron_free(ch_fast_perceptron *self);

/* ---- theory: the noise-dominated regime at density exponent chi ---- */

/** Exponents and constants of the theory at one chi. The exponents are those of Sclocchi, Geiger and Wyart, ICML 2023;
 *  the constants are derived in docs/theory.md. */
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

/** Computes the exponents and constants at one chi.  @return CH_OK; CH_ERROR_INPUT unless -1 < chi <= 1000 */
ch_code ch_perceptron_theory_init(ch_perceptron_theory *self, double chi, ch_error *err) CH_MUST_CHECK;

#endif
