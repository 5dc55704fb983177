/* store.h — the run store: one SQLite file; a run lands whole or not at all. Schema: docs/store.md. */
#ifndef CH_STORE_H
#define CH_STORE_H

#include "sim/train.h"

#include <sqlite3.h>
#include <stdbool.h>

typedef enum {
    CH_STORE_READ,  /* must exist */
    CH_STORE_WRITE, /* created when missing */
} ch_store_mode;

/** One open store. Not for use by two threads at once; several processes may hold the same file. */
typedef struct {
    sqlite3 *db;
    int schema; /* version that the file has: an older one is read as it is */
    sqlite3_stmt *find, *select_points, *select_layers;
    sqlite3_stmt *insert, *insert_point, *insert_layer; /* NULL when reading */
    char *path;
    ch_store_mode mode;
} ch_store;

/** Opens a store. An empty file given to be written becomes one; a file made here is removed when opening fails. A
 * store of an older schema is brought to this one when it is opened to be written.
 *
 *  @return CH_OK; CH_ERROR_INPUT when the file is missing (READ), is no chiton store, was made by a newer version or
 *          cannot be written (WRITE); CH_ERROR_IO; CH_ERROR_MEMORY
 */
ch_code ch_store_open(ch_store *self, const char *path, ch_store_mode mode, ch_error *err) CH_MUST_CHECK;
void ch_store_close(ch_store *self);

/** Whether a run is there. */
ch_code ch_store_has(ch_store *self, const char *id, bool *found, ch_error *err) CH_MUST_CHECK;

/** Adds a finished run with its trajectory, in one committed transaction. A run already there stays as it is.
 *  @return CH_OK; CH_ERROR_IO (disk full, store damaged or locked for over a minute); CH_ERROR_INPUT for a count over
 *          2^63 - 1, which SQLite cannot hold; CH_ERROR_MEMORY */
ch_code ch_store_put(ch_store *self, const ch_run *run, ch_error *err) CH_MUST_CHECK;

/** Runs read from a store, ordered by their settings in the table's order. */
typedef struct {
    ch_run *runs; /* [count], owned with their points */
    size_t count, capacity;
} ch_run_table;

/** Reads all runs that fulfil an SQL condition over the columns.
 *
 *  Settings are as resolved, with `given` 0; a point has only what docs/store.md lists, the rest is NaN.
 *
 *  @param where   e.g. "chi = 1 and train >= 2048"; NULL for all. Must be one expression.
 *  @param points  read trajectories too
 *  @return CH_OK; CH_ERROR_INPUT for a condition that SQLite does not accept; CH_ERROR_IO; CH_ERROR_MEMORY
 */
ch_code ch_store_select(ch_store *self, const char *where, bool points, ch_run_table *table,
                        ch_error *err) CH_MUST_CHECK;
/** Idempotent. */
void ch_run_table_free(ch_run_table *table);

/* ---- what a run prints as: the same names in JSON, CSV and the store ---- */

/** Result columns after the settings. */
typedef enum { CH_RESULT_TEXT, CH_RESULT_COUNT, CH_RESULT_REAL } ch_result_type;
typedef struct {
    const char *name;
    ch_result_type type;
    size_t offset; /* of the member in ch_run, or in ch_point */
    const char *help;
    int since; /* schema version of the store that first has it; 0 for the first */
} ch_result;

/** status, steps, updates, time, weight_change and so on (status is kept as ch_status, printed by name). */
extern const ch_result ch_results_table[];
extern const size_t ch_results_count;

/** Of a point of a trajectory: step, time, loss, unfitted and so on. */
extern const ch_result ch_points_table[];
extern const size_t ch_points_count;

#endif
