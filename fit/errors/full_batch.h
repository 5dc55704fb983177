/* full_batch.h — the full batch beside other batches: no exponents over P. Private to fit/.
 *
 * The runs of the full batch have B = P, so that at one T they have another rate at each P. Where a store has other
 * batches too, a plane of batch and temperature is meant (fit/regimes/regimes.h). B = P is then its edge, which lies in
 * the regime of the first step at one P and in another regime at the next, and ||Dw|| ~ T P there only says that B = P.
 */
#ifndef CH_FIT_FULL_BATCH_H
#define CH_FIT_FULL_BATCH_H

#include "fit/results.h"

/** Drops what is an exponent over P of group `index`, where it is the full batch of several P and two other groups or
 *  more differ from it in the batch alone; a note says so.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_fit_drop_full_batch(const ch_fit *self, size_t index, ch_error *err) CH_MUST_CHECK;

#endif
