/* twin.h — the linearised twin of a network: its lazy limit, trained on the tangent kernel alone.
 *
 * F_lin(x) = grad f(w0, x) . Dw. Under the hinge Dw = sum_nu a_nu y_nu grad f(w0, x_nu) with a_nu >= 0, so that with
 * the kernel K_mu,nu = y_mu y_nu grad f(w0, x_mu) . grad f(w0, x_nu)
 *   margins m_mu = sum_nu K_mu,nu a_nu,   ||Dw||^2 = sum_mu a_mu m_mu,
 * and a step adds eta / B to a of the unfitted samples of its batch.
 */
#ifndef CH_TWIN_H
#define CH_TWIN_H

#include "core/epoch.h"
#include "core/waiting.h"
#include "models/twin/kernel.h"
#include "models/twin/margins.h"

/** What a training run of the twin is made of. The kernel is borrowed and must outlive the learner. */
typedef struct {
    const ch_kernel *kernel; /* finite; its first `num_samples` rows and columns are those of the training set */
    size_t num_samples;      /* P, 1 <= P <= kernel->num_train, P < 2^32 */
    double kappa;            /* margin 1/alpha > 0 */
    double rate;             /* eta > 0; the temperature of a network of width h is eta / (B h) */
    size_t batch;            /* B, 1 <= B <= P; P is gradient descent */
    bool from_unfitted;      /* batches are min(B, U) of the U unfitted samples; a step still adds eta / B */
    double momentum;         /* mu, 0 <= mu < 1: the share of the last move that a step repeats */
    double weight_decay;     /* factor lambda >= 0 of ||Dw||^2 / 2 in the loss */
    bool by_epoch;           /* an epoch takes every sample once, in batches of B and a last one of those left */
    uint64_t seed_batch;     /* of the batches */
    double norm_init;        /* ||w0|| > 0, for the relative change of the weights */
    const float *along; /* [num_samples] |x . e| of the samples, e being the data's teacher; NULL: they have none */
} ch_twin_setup;

/** The twin as a learner.
 *
 *  With momentum or weight decay it moves at every step, and no step is skipped: models/twin/moving.h has the step.
 *
 *  Otherwise all margins are brought up to date at each update (models/twin/margins.h). So the unfitted samples are
 *  always known, and steps without one are skipped exactly: the wait for a batch with an unfitted sample is geometric,
 *  the number of them in it hypergeometric given at least one (core/waiting.h), and which they are is uniform. By
 *  epochs the places of the unfitted samples in the epoch's order are drawn, each when the sample is first unfitted
 *  (core/epoch.h), and the next update is at the first step with a sample that is unfitted still. At B = P every
 *  unfitted sample is in the batch; then the sum of their rows is stored, and changed by the rows of the samples that
 *  became fitted or unfitted. Stopping rule: a run is fitted when no sample is unfitted.
 *
 *  Cost of an update: P additions for every unfitted sample of its batch; at B = P, for every sample that changed.
 */
typedef struct {
    ch_learner learner; /* first: this struct is a ch_learner */
    ch_twin_setup setup;
    double temperature; /* T = eta / B, which an update adds to a */
    ch_margins margins; /* in units of T; owned */
    double *sizes;      /* [kernel->num_test] |F| of the test samples, for observations; owned */
    double *smallest;   /* [ch_near_boundary_room] the smallest of them; owned */
    double *uses;       /* [64 num_blocks] a in units of T: the number of updates that a sample was in; owned */
    ch_waiting *laws; /* [256] laws[u]: of batches that hold one of u unfitted samples; marked is 0 until made; owned */
    double *sum;      /* [64 num_blocks] of the rows of the samples in `summed`; of length 0 unless B = P; owned */
    uint64_t *summed; /* [num_blocks] bits as of margins.unfitted; of length 0 unless B = P; owned */
    ch_random random; /* the stream of batches */
    ch_epoch epoch;   /* by epochs, the places of samples in the present one; owned */
    /* with momentum or weight decay, of length 0 otherwise; owned */
    double *velocity, *use_velocity; /* [64 num_blocks] of the margins and of a, in units of T */
    uint32_t *order, place;          /* [P] a permutation of the samples, and the number of them drawn in this epoch */
    uint64_t next_look;              /* step from which on the run is fitted where no sample is unfitted */
    uint64_t *placed; /* [num_blocks] bits as of margins.unfitted: samples placed in it; of length 0 otherwise; owned */
    /* the next update, once it is known; stopping before it changes nothing */
    bool is_known;
    bool is_finite;  /* whether the margins of its samples are */
    uint64_t step;   /* at which it comes */
    uint32_t *drawn; /* [P] its unfitted samples, the first `count`; owned */
    uint32_t count;
} ch_twin;

/** @return CH_OK, CH_ERROR_INPUT for a setup outside its ranges, CH_ERROR_MEMORY */
ch_code ch_twin_init(ch_twin *self, const ch_twin_setup *setup, ch_error *err) CH_MUST_CHECK;
void ch_twin_free(ch_twin *self);

/** Bytes that a twin takes beside its kernel, about: 20.1 a sample, 28.3 at B = P, announced as 30 for every batch, and
 *  up to 13 more by epochs, or 20 more where it moves at every step. */
size_t ch_twin_bytes(size_t num_samples, bool by_epoch, bool moves);

#endif
