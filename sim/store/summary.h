/* summary.h — what is in a store, as one JSON object. */
#ifndef CH_SUMMARY_H
#define CH_SUMMARY_H

#include "sim/store/store.h"

#include <jansson.h>

/** Sums a store up:
 *
 *  {"runs": n, "status": {"fitted": n, "budget": n, "diverged": n}, "failed": n, "seconds": of all runs together,
 *   "points": n, "version": [...], "results_version": [...], "machines": [{"processor": …, "runs": n}, ...],
 *   "data_digest": {DATA: {DIGEST: n, ...}, ...}, "settings": {NAME: [...], ...}}
 *
 *  Machines are those on which runs were made, by falling number of runs, each an object with `processor`, `cores`,
 *  `threads` (the most that a sweep used), `memory` (bytes), `system`, `compiler`, `gsl` and `runs`; one whose other
 *  members are null has the runs whose machine is not recorded.
 *
 *  Runs that failed are counted as `failed` alone. Lists have the distinct values of a column, ascending; reals that
 *  are one value (sim/settings/reals.h) are listed once. The digests are those of images, with the number of their
 *  runs. In lists null is first, and stands for a word such as "none" or for a setting without a meaning. One
 *  transaction reads it all, so that a sweep under way does not change the store between two queries; it ends when the
 *  store is closed.
 *
 *  @param summary  out: a new reference; NULL after a failure
 *  @return CH_OK; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_store_summarise(ch_store *self, json_t **summary, ch_error *err) CH_MUST_CHECK;

/** Writes a machine of a summary in words: "AMD EPYC 7B13, 8 cores, 32 GiB, Linux 6.1.0 x86_64; gcc 12.2.0, GSL 2.7.1;
 *  up to 4 threads", or "not recorded".  @param text  CH_MACHINE_WORDS bytes are enough */
void ch_machine_describe(const json_t *machine, char *text, size_t size);

enum { CH_MACHINE_WORDS = 640 };

/** Keeps in a store that is open for writing what a summary takes longest to count, where more than ten thousand runs,
 *  and more than one in sixteen, are new since the last time. A summary then reads the later runs alone.
 *  @return CH_OK; CH_ERROR_IO, also where a run is damaged; CH_ERROR_MEMORY. After a failure the store is as it was */
ch_code ch_store_keep_summary(ch_store *self, ch_error *err) CH_MUST_CHECK;

#endif
