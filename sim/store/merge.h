/* merge.h — the runs of several stores as those of one: merged into a file, or read together. */
#ifndef CH_MERGE_H
#define CH_MERGE_H

#include "sim/store/store.h"

/* The same run, by its id, may be in several stores and is kept once: as the first store has it. The copies must have
 * the same content: status, results, trajectory and layers. They may differ
 *
 *   - in `seconds`, `version` and `machine`, which say how the run was made, not what came out;
 *   - in a column that came with a later version of the schema, where one of them has NULL: it was made before;
 *   - in everything where `max_seconds` is set and one of them has status `budget`: a clock ended it.
 *
 * Copies that differ elsewhere are a conflict. */

/** What a merge has read and added. */
typedef struct {
    uint64_t present;        /* runs that the store had before */
    uint64_t read;           /* runs that were read from the other stores, without those left out */
    uint64_t added;          /* runs among them that it did not have */
    uint64_t points, layers; /* rows of their trajectories and of their layers */
    uint64_t fluctuations;   /* rows of their fluctuations */
    uint64_t num_damaged;    /* runs that were left out */
    ch_error damage;         /* what is wrong with the first of them */
} ch_merge_counts;

/** Puts the runs of stores, with trajectories and layers, into a store, in one transaction: all of them, or after a
 *  failure none. A run that the store has stays as it is.
 *
 *  The other stores are read as ch_store_open reads them, in any version of the schema, and every cell is checked; none
 *  is written to. Any number of them may be named, since one at a time is open. It takes memory for one run and 64 MB.
 *
 *  @param into          made when it is missing, and then removed again after a failure; one of an older schema is
 *                       brought up to date
 *  @param from          [num_from] names of files; not kept
 *  @param skip_damaged  whether damaged runs are left out; otherwise they are refused
 *  @param watch         gets the number of runs read so far, and its stop flag ends the merge; may be NULL
 *  @param counts        out
 *  @return CH_OK; CH_ERROR_INPUT as ch_store_open, and for a store of `from` that is `into`; CH_ERROR_IO for a conflict
 *          (the first few are named, with their number), a damaged run, a full disk, and as ch_store_put;
 *          CH_ERROR_INTERRUPTED; CH_ERROR_MEMORY */
ch_code ch_store_merge(const char *into, const char *const *from, size_t num_from, bool skip_damaged,
                       const ch_watch *watch, ch_merge_counts *counts, ch_error *err) CH_MUST_CHECK;

/** Opens several stores to be read as one. A single one is opened by ch_store_open; the runs of several are merged into
 *  a temporary store, which closing removes.
 *
 *  @param self          out: close it with ch_store_close, also after a failure. It has `skips_damaged` and, of the
 *                       damaged runs that were left out so far, `num_damaged` and `damage`
 *  @param paths         [num_paths] names of files, at least one; not kept
 *  @param skip_damaged, watch  as for ch_store_merge
 *  @return as ch_store_merge */
ch_code ch_store_open_joined(ch_store *self, const char *const *paths, size_t num_paths, bool skip_damaged,
                             const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

#endif
