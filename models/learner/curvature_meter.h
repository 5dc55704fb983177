/* curvature_meter.h — how curved the training loss is at the present weights: the largest eigenvalue of its Hessian,
 * its trace, and the curvature that a batch has along its own gradient.
 *
 * L = (1 / P) sum l(m_mu), as training has it, without weight decay. With U samples that have a slope or a second
 * derivative, the others add nothing to the Hessian.
 *
 * lambda_max: Lanczos' method for the Hessian of L itself, to 1e-7 of itself where U <= 512, beginning with the
 * gradient and a random vector, and to 1e-4 where U <= 2048, beginning with the eigenvector of 256 samples. The error
 * includes that of rounding: 16 times the spacing of numbers at 1 in the precision of the network, times the norm of
 * the Hessian. Where U > 2048, 2048 of them are drawn, anew every time. The largest eigenvalue of one half, found to
 * 1e-3, is too large on average, and v . H v of the other half, v being its vector, is too small on average. lambda_max
 * is the middle between both. Its error is the root of the sum of two squares: half their difference, and the standard
 * error that follows from the differences of 32 blocks of samples.
 *
 * hessian_trace: Hutchinson's method with 16 directions. Where U > 512 each takes 32 samples of its own, so that the
 * standard error includes that from the choice of samples.
 *
 * batch_sharpness: the mean over batches of g . H g / |g|^2, g and H the gradient and the Hessian of the batch's mean
 * loss, over batches with g != 0, drawn as training draws them: B of all samples, of the unfitted ones under
 * `unfitted`, all samples at once under gd and flow. Batches are drawn until the standard error is 10 % of the mean, 16
 * batches at least; or until they have 2048 samples, four batches at least.
 *
 * Random numbers are of a stream of their own, a part of it for each number of updates: no bit of training depends on
 * whether and when curvature is measured, and no bit of it on what was measured before. */
#ifndef CH_LEARNER_CURVATURE_METER_H
#define CH_LEARNER_CURVATURE_METER_H

#include "models/curvature/loss_hessian.h"
#include "models/learner/state.h"

typedef struct ch_curvature_meter {
    ch_loss_hessian hessian;
    uint32_t *curved;                   /* [P] the samples with a slope or a second derivative; owned */
    uint32_t *order;                    /* [P] from which batches are drawn; owned */
    uint32_t *index;                    /* [room] samples at work; owned */
    double *slopes, *bends;             /* [room] their factors; owned */
    double *gradient, *product, *start; /* [num_weights] owned */
    size_t room;                        /* the most samples of a Hessian or a batch */
} ch_curvature_meter;

/** @param self   zeroed; to be freed after an error, too
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_curvature_meter_init(ch_curvature_meter *self, const ch_network_state *state, ch_error *err) CH_MUST_CHECK;
void ch_curvature_meter_free(ch_curvature_meter *self);

/** Bytes that it takes.  @param state  its sizes are set */
double ch_curvature_meter_bytes(const ch_network_state *state);

/** Measures the curvature. Numbers that are not known are NaN: of a batch where none has a gradient, and all where a
 *  number is not finite.
 *  @param state    its margins are those of all samples
 *  @param updates  the number of updates so far, which says the part of the random stream
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_curvature_meter_observe(ch_curvature_meter *self, const ch_network_state *state, uint64_t updates,
                                   ch_observation *out, ch_error *err) CH_MUST_CHECK;

/** The expected cost of measuring once, in forward passes of one sample, for the expected time of a run.
 *  @param num_samples, batch  P and B */
double ch_curvature_meter_passes(double num_samples, double batch);

#endif
