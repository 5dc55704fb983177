/* seal.h — whether the totals that a store keeps are those that this program wrote, and still those of its runs. */
#ifndef CH_STORE_SEAL_H
#define CH_STORE_SEAL_H

#include "sim/store/store.h"

/** The name of the row of table `tallies` that has the checksum, as its `count`. */
#define CH_STORE_SEAL "checksum"

/** Computes the checksum of tables `summary` and `tallies`: FNV-1a of all cells but the checksum's own, without the
 *  sign.
 *  @return CH_OK, CH_ERROR_IO, CH_ERROR_MEMORY */
ch_code ch_store_seal(const ch_store *self, sqlite3_int64 *sum, ch_error *err) CH_MUST_CHECK;

/** Asks whether the kept totals may be relied upon: the checksum is right, and the triggers that empty `summary` are
 *  there as this program makes them. A table that was dropped and made anew has lost them.
 *  @return CH_OK, CH_ERROR_IO, CH_ERROR_MEMORY */
ch_code ch_store_seal_holds(const ch_store *self, bool *holds, ch_error *err) CH_MUST_CHECK;

/** Asks whether all triggers that empty `summary` are there as this program makes them.
 *  @return CH_OK, CH_ERROR_IO, CH_ERROR_MEMORY */
ch_code ch_store_forgets(const ch_store *self, bool *forgets, ch_error *err) CH_MUST_CHECK;

#endif
