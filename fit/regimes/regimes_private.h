/* regimes_private.h — fits the planes once they are listed, and what theory predicts of them. Private to fit/regimes.
 */
#ifndef CH_REGIMES_PRIVATE_H
#define CH_REGIMES_PRIVATE_H

#include "fit/errors/bootstrap.h"
#include "fit/regimes/regimes.h"

/** Fills what is fitted: laws, B* and its exponent, and their errors.
 *  @param self      with its planes, whose cells and runs are listed
 *  @param progress  counts the replicas; its watch can end the work
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_regimes_fit(ch_regimes *self, const ch_fit_options *options, ch_bootstrap_progress *progress,
                       ch_error *err) CH_MUST_CHECK;

/** Measures how flat ||Dw|| is in B below B*, once the plane's law is fitted.
 *  @param means  [cells that count][num_sets] mean ln ||Dw|| of a data set's runs; NaN where it has none
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_regime_plane_measure(ch_regime_plane *self, const double *means, size_t num_sets,
                                ch_error *err) CH_MUST_CHECK;

/** Sets the law that theory predicts.
 *  @param groups  [count] that differ in the batch alone, ascending in it: A is that of the least batch of which
 *                 something is expected, and G that of the least that has T low enough */
void ch_regime_plane_predict(ch_regime_plane *self, const ch_fit_group *const *groups, size_t count);

#endif
