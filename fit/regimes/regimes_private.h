/* regimes_private.h — fits the planes once they are listed. Private to fit/regimes. */
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

#endif
