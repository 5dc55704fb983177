/* max_margin.h — the direction that divides labelled samples with the largest margin: the teacher of real data.
 *
 * Objective: w* minimises |w|^2 / 2 + C sum_mu max(0, 1 - w . z_mu), where z_mu = y_mu x_mu / sqrt(d); the direction
 * is e = w* / |w*|. With C = infinity no sample may have a margin under 1, and e is the direction of the largest margin
 * min_mu e . z_mu. That is also the direction to which gradient descent on the hinge loss with a shrinking margin, or
 * on the logistic loss, goes in the end (Soudry et al., J. Mach. Learn. Res. 19, 70 (2018)). It exists where a plane
 * through the origin divides the samples. Where none does, C = 1 / mean |z|^2: a sample that is on the wrong side then
 * weighs at most as much as it takes to fit one typical sample by itself, and for many more samples than dimensions e
 * is close to the direction of the least hinge loss.
 *
 * Update: w = sum_mu a_mu z_mu with 0 <= a_mu <= C, and one a after the other, in random order, is set to the value
 * that maximises the dual objective D(a) = sum_mu a_mu - |w|^2 / 2:
 *   a_mu <- min(max(a_mu + (1 - w . z_mu) / |z_mu|^2, 0), C).
 * Source: Hsieh, Chang, Lin, Keerthi and Sundararajan, "A dual coordinate descent method for large-scale linear SVM",
 * ICML 2008. A round goes over all samples, then several times over those with a > 0, and then looks at all margins.
 *
 * Stopping rule at C = infinity: for any a >= 0, |w| / sum_mu a_mu is an upper bound on the largest margin. A round is
 * the last when min_mu w . z_mu / |w| has come to within a part of 10^-6 of the bound. The cosine of the angle between
 * w and e is then at least 1 - 10^-6, because e . w / |w| >= (min_mu w . z_mu / |w|) / (largest margin). Samples count
 * as not divided by any plane once the bound is under 3 10^-4 of the root of mean |z|^2. Either comes about in the end.
 * Stopping rule at C < infinity: the objective is at most 10^-4 |w|^2 / 2 above D(a), so that |w - w*| <= 10^-2 |w|.
 */
#ifndef CH_MAX_MARGIN_H
#define CH_MAX_MARGIN_H

#include "core/core.h"
#include "data/sample_set.h"

#include <stdbool.h>

/** The quality of the direction that was found. */
typedef struct {
    bool is_separable; /* a plane through the origin divides all samples */
    double margin;     /* min_mu e . z_mu, > 0 exactly where it does */
    double error;      /* share of the samples with e . z <= 0 */
    size_t rounds;     /* of both stages */
} ch_max_margin;

/** Finds the direction for all samples of a set. Cost of a round: some passes over the set. It takes 20 bytes a sample.
 *  @param direction  out: [stride] unit vector, 0 beyond d
 *  @param watch      its stop flag ends the work; may be NULL
 *  @return CH_OK; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED; CH_ERROR_INPUT where all samples are 0 or cancel, so that
 *  there is no direction */
ch_code ch_max_margin_find(ch_max_margin *self, const ch_sample_set *set, double *direction, const ch_watch *watch,
                           ch_error *err) CH_MUST_CHECK;

#endif
