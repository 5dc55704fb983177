/* summary.h — what is in a store, as one JSON object. */
#ifndef CH_SUMMARY_H
#define CH_SUMMARY_H

#include "sim/store/store.h"

#include <jansson.h>

/** Sums a store up:
 *
 *  {"runs": n, "status": {"fitted": n, "budget": n, "diverged": n}, "failed": n, "seconds": of all runs together,
 *   "points": n, "version": [...], "results_version": [...], "data_digest": {DATA: {DIGEST: n, ...}, ...},
 *   "settings": {NAME: [...], ...}}
 *
 *  Runs that failed are counted as `failed` alone. Lists have the distinct values of a column, ascending; reals that
 * are one value (sim/settings/reals.h) are listed once. The digests are those of images, with the number of their runs.
 * In lists null is first, and stands for a word such as "none" or for a setting without a meaning. One transaction
 * reads it all, so that a sweep under way does not change the store between two queries; it ends when the store is
 * closed.
 *
 *  @param summary  out: a new reference; NULL after a failure
 *  @return CH_OK; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_store_summarise(ch_store *self, json_t **summary, ch_error *err) CH_MUST_CHECK;

#endif
