/* totals.h — what all runs of a store hold together: counts, and the distinct values of every setting. Private to
 * sim/store/.
 *
 * Counting reads every cell of table `runs`, and checks it, which takes microseconds a run. A store therefore keeps the
 * totals of its first runs in the tables `summary` and `tallies`. Runs are only ever appended; what deletes or changes
 * any, in any program, empties `summary` by a trigger. So the kept totals, and those of the runs that came after, are
 * those of all. */
#ifndef CH_TOTALS_H
#define CH_TOTALS_H

#include "sim/store/store_private.h"
#include "sim/store/tally.h"

/** Ids of runs. Start with zeroes. */
typedef struct {
    char **ids; /* [count], owned, as is each of them */
    size_t count, capacity;
} ch_id_list;

/** Idempotent. */
void ch_id_list_free(ch_id_list *self);

/** Start with zeroes. */
typedef struct {
    uint64_t runs, points; /* runs, and rows of table `points` */
    double seconds;        /* of all runs together */
    uint64_t status[CH_NUM_STATUSES];
    ch_tally version, results_version, machine;
    ch_tally digests; /* texts: the word of `data`, '\n' and the digest, of runs that have one */
    ch_tally settings[CH_SETTINGS_STORED];
    ch_id_list damaged; /* runs that were left out; those whose id is no text are not in it */
} ch_totals;

/** Idempotent. */
void ch_totals_free(ch_totals *self);

/** Counts the runs of a store, of which those that are damaged are left out where the store skips them. It takes what
 *  the store keeps where that may be relied upon, and no damaged run is to be looked for; `points` are then complete
 *  too, and otherwise 0 and to be counted by the caller. The caller has begun a transaction.
 *  @param has_points  out: whether `points` is set
 *  @return CH_OK; CH_ERROR_IO, also for a damaged run that is not skipped; CH_ERROR_MEMORY */
ch_code ch_totals_init(ch_totals *self, ch_store *store, bool *has_points, ch_error *err) CH_MUST_CHECK;

/** Keeps the totals in a store that is open for writing, where more runs than `least`, and than one in sixteen, are not
 *  in those that it keeps. Whoever has put many runs into a store calls it.
 *  @return CH_OK; CH_ERROR_IO, also for a damaged run; CH_ERROR_MEMORY. After a failure the store is as it was */
ch_code ch_totals_keep(ch_store *store, uint64_t least, ch_error *err) CH_MUST_CHECK;

/** Runs beyond the kept totals that are counted in a fraction of a second: a `least` for ch_totals_keep. */
enum { CH_TOTALS_FEW = 10000 };

#endif
