/* export.h — the runs of a store written as CSV or JSON, in the order of their settings. */
#ifndef CH_EXPORT_H
#define CH_EXPORT_H

#include "sim/store/store.h"

#include <stdio.h>

/* CSV is that of RFC 4180, but a line ends with a newline alone. The first line has the names of the columns, those of
 * the store's tables; NULL is an empty field.
 *
 * All functions: `where` is one SQL expression over the columns of table `runs`, NULL for all runs. A condition that is
 * found wrong when it is first evaluated leaves `out` as it was. A failure to write is not returned: the owner of `out`
 * finds it when it flushes the stream.
 * They return CH_OK; CH_ERROR_INPUT for a condition that SQLite does not accept; CH_ERROR_IO; CH_ERROR_MEMORY. After a
 * failure `out` may have a part of the runs. */

/** Writes every run as a row of CSV. */
ch_code ch_store_export_csv(ch_store *self, const char *where, FILE *out, ch_error *err) CH_MUST_CHECK;

/** Writes every point of the runs' trajectories as a row of CSV. */
ch_code ch_store_export_points(ch_store *self, const char *where, FILE *out, ch_error *err) CH_MUST_CHECK;

/** Writes one JSON array that has every run as an object: as ch_json_run makes it, with the run's `id`,
 *  `results_version` and `version`, that of the program that made the run. */
ch_code ch_store_export_json(ch_store *self, const char *where, FILE *out, ch_error *err) CH_MUST_CHECK;

#endif
