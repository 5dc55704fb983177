/* fluctuations.h — the fluctuations of a run's weights: their variance along the principal directions, and how flat the
 * loss is there. Private to sim/.
 *
 * The snapshots of a series (sim/weight_series.h) have a mean w_m and principal directions v_k: of every layer with its
 * bias, and of all weights together where there is more than one layer. Along v_k, with a_k(t) = (w(t) - w_m) . v_k:
 *
 *   variance        sigma_k^2 = sum_t a_k(t)^2 / (n - 1)
 *   variance_error  its standard error, by block averages: the snapshots are cut into 64, 32, 16 and 8 blocks of
 *                   consecutive ones, and the largest of the standard errors of their means of a_k^2 is taken, since
 *                   blocks that are shorter than the correlation time give too small an error (Flyvbjerg and Petersen,
 *                   J. Chem. Phys. 91, 461 (1989))
 *   flatness        F_k = theta_r - theta_l, where L(w_m + theta v_k) = e L(w_m) at the closest theta_l < 0 < theta_r
 *                   (Feng and Tu, PNAS 118, e2015617118 (2021))
 *   curvature       [L(w_m + d v_k) + L(w_m - d v_k) - 2 L(w_m)] / d^2 at d = F_k / 16
 *   drift           |mean of a_k over the second half - mean over the first half| / sigma_k: small where the series is
 *                   stationary and long; 2 where the halves are apart and do not fluctuate
 *   cosine          (2 / n) [sum_t cos(pi k (t + 1/2) / n) a_k(t)]^2 / sum_t a_k(t)^2, from 0 to 1. Principal
 *                   components of a random walk are such cosines of k half periods, so that a value near 1 says that
 *                   sigma_k grows with the length of the series instead of being stationary (Hess, Phys. Rev. E 62,
 *                   8438 (2000))
 *
 * L is the mean loss over the training samples, without a weight decay's term. The directions k = 1 … 16 are taken, and
 * from there on about four in an octave, up to a quarter of the number of snapshots. Directions whose variance is under
 * 10^-10 of the largest one of their layer, or whose deviation is under 2^-48 of the norm of its mean weights, are left
 * out, because rounding hides them. */
#ifndef CH_FLUCTUATIONS_H
#define CH_FLUCTUATIONS_H

#include "sim/principal.h"
#include "sim/train.h"
#include "sim/weight_series.h"

/** Finds the loss at some weights.
 *  @param weights  [row_size of the series]
 *  @return CH_OK, or the failure that ends the analysis */
typedef struct {
    void *context;
    ch_code (*find)(void *context, const double *weights, double *loss, ch_error *err);
} ch_loss_at;

/** Finds the fluctuations of all parts.
 *  @param series     with CH_LEAST_SNAPSHOTS or more; their mean is subtracted from them
 *  @param parts      [num_parts] the layers, input to output
 *  @param found      out: by part and direction, `layer` counted from 0; that of all weights together is num_parts. To
 *                    be released with free(); NULL after a failure
 *  @return CH_OK; CH_ERROR_MEMORY; CH_ERROR_NUMERIC; and what finding the loss returns */
ch_code ch_fluctuations_find(ch_weight_series *series, const ch_weight_part *parts, size_t num_parts,
                             const ch_loss_at *loss, int threads, ch_fluctuation **found, size_t *num_found,
                             ch_error *err) CH_MUST_CHECK;

/** The standard error of the mean of correlated numbers by block averages, as above. @param count  8 or more */
double ch_block_error(const double *numbers, size_t count);

#endif
