/* store.h — the run store, one SQLite file. A run is put into it whole or not at all. Its schema: docs/store.md. */
#ifndef CH_STORE_H
#define CH_STORE_H

#include "sim/train.h"

#include <sqlite3.h>
#include <stdbool.h>

/** What a store is opened for. */
typedef enum {
    CH_STORE_READ,  /* the file must exist */
    CH_STORE_WRITE, /* the file is made when it is missing */
} ch_store_mode;

/** An open store. Two threads must not use it at once; several processes may hold the same file. */
typedef struct {
    sqlite3 *db; /* owned, as are the statements */
    int schema;  /* version of the file's schema, in which it is read */
    /* each takes the id of a run */
    sqlite3_stmt *find, *find_ending, *find_failure, *select_points, *select_layers, *select_fluctuations;
    /* NULL when the store is open for reading */
    sqlite3_stmt *insert, *insert_point, *insert_layer, *insert_fluctuation;
    /* each takes the id of a run; NULL as those above */
    sqlite3_stmt *delete_points, *delete_layers, *delete_fluctuations, *delete_checkpoint, *delete_failure;
    sqlite3_stmt *insert_machine; /* puts the machine of this process into the store; NULL as those above */
    int64_t machine;              /* its number there */
    struct ch_store_guard *guard; /* identity of the file, by which a replaced one is noticed; NULL as those above;
                                     owned */
    struct ch_store_cells *cells; /* what the cells of its tables may hold; owned */
    char *path;                   /* owned */
    ch_store_mode mode;
    /* A run is damaged where a cell of its rows is not what its column may hold. */
    bool skips_damaged;   /* damaged runs are left out instead of refused; false until the caller sets it */
    uint64_t num_damaged; /* runs that were left out */
    ch_error damage;      /* what is wrong with the first of them */
} ch_store;

/** Opens a store.
 *
 *  Opened to be written, an empty file becomes a store, and a store of an older schema is brought to this one. Opened
 *  to be read, a store of an older schema stays as it is, and what it lacks reads as NULL. A file that this call made
 *  is removed when opening fails.
 *
 *  @param self  out: close it with ch_store_close, which is legal after a failure too
 *  @param path  not kept
 *  @return CH_OK; CH_ERROR_INPUT when the file is missing (READ), is no chiton store, was made by a newer version or
 *          cannot be written (WRITE); CH_ERROR_IO when it is damaged or locked, or the disk is full; CH_ERROR_MEMORY
 */
ch_code ch_store_open(ch_store *self, const char *path, ch_store_mode mode, ch_error *err) CH_MUST_CHECK;
/** Idempotent. */
void ch_store_close(ch_store *self);

/** Keeps up to 64 MiB of the file's pages in memory while many calls of ch_store_has are made, or ends that. Ids are in
 *  no order, so that each call would otherwise read pages of a large store anew. */
void ch_store_keep_pages(ch_store *self, bool keeps);

/** Asks whether a run is in the store.
 *  @param id     of the run, as ch_settings_id writes it
 *  @param found  out
 *  @return CH_OK; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_store_has(ch_store *self, const char *id, bool *found, ch_error *err) CH_MUST_CHECK;

/** Asks whether a run with the results version of this program is in the store, and whether it diverged.
 *  @param diverged  out: false where there is no such run
 *  @return as ch_store_has */
ch_code ch_store_find_ending(ch_store *self, const char *id, bool *found, bool *diverged, ch_error *err) CH_MUST_CHECK;

/** Asks whether a store has no run at all.  @return as ch_store_has */
ch_code ch_store_is_empty(ch_store *self, bool *empty, ch_error *err) CH_MUST_CHECK;

/** Adds a finished run, its trajectory and its layers' weight changes, in one transaction. A run that is already there
 *  stays as it is.
 *  @return CH_OK; CH_ERROR_IO (disk full, store damaged or locked for over a minute, or as ch_store_check_file);
 *          CH_ERROR_INPUT for a count over 2^63 - 1, which SQLite cannot hold; CH_ERROR_MEMORY */
ch_code ch_store_put(ch_store *self, const ch_run *run, ch_error *err) CH_MUST_CHECK;

/** Adds finished runs as ch_store_put does, all of them in one transaction, which takes much less time than one each.
 *  @param runs    [count] borrowed
 *  @param is_new  [count] out: whether the run was not there before; undefined after a failure
 *  @return as ch_store_put; after a failure none of the runs was added */
ch_code ch_store_put_all(ch_store *self, const ch_run *const *runs, size_t count, bool *is_new,
                         ch_error *err) CH_MUST_CHECK;

/** Notes the number of threads that make the runs, in a store that is open for writing. The store keeps the largest
 *  number of any sweep with its description of the machine.
 *  @return CH_OK, CH_ERROR_IO, CH_ERROR_MEMORY */
ch_code ch_store_set_threads(ch_store *self, int threads, ch_error *err) CH_MUST_CHECK;

/** Asks whether the file of a store that is open for writing is still under its name, and still what was opened.
 *
 *  ch_store_put asks this before every run. A store that fails the test is not written to any more, and closing it
 *  leaves alone whatever file has its name by then.
 *
 *  @return CH_OK; CH_ERROR_IO when the file was removed, moved, replaced, overwritten or cut short */
ch_code ch_store_check_file(ch_store *self, ch_error *err) CH_MUST_CHECK;

/** What ch_store_delete found. */
typedef struct {
    uint64_t runs;           /* runs that fulfil the condition */
    uint64_t points, layers; /* rows of their trajectories and of their layers */
    uint64_t total;          /* runs of the whole store before any is deleted */
    uint64_t failures;       /* runs that failed, and fulfil a condition that names settings alone */
} ch_store_doomed;

/** Deletes all runs that fulfil an SQL condition, with their trajectories and layers, in one transaction. In a store
 *  that is open for reading they are only counted. A condition that names nothing but columns of table `failures` (id,
 *  settings, reason, version) deletes the failures that fulfil it, too.
 *
 *  The file keeps its size; later runs use the room that becomes free.
 *
 *  @param where   one expression, as for ch_store_select
 *  @param doomed  out: what was deleted, or would be
 *  @return CH_OK; CH_ERROR_INPUT for a condition that SQLite does not accept; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_store_delete(ch_store *self, const char *where, ch_store_doomed *doomed, ch_error *err) CH_MUST_CHECK;

/** Runs read from a store, ordered by their settings in the order of the settings' table, words by the alphabet. */
typedef struct {
    ch_run *runs; /* [count], owned with all that they own */
    size_t count, capacity;
} ch_run_table;

/** Reads all runs that fulfil an SQL condition over the columns of table `runs`.
 *
 *  Their settings are as resolved, with `given` 0. A point has only what docs/store.md lists, the rest is NaN. Runs
 *  have their fluctuations, with or without points.
 *
 *  @param where   one expression, e.g. "chi = 1 and train >= 2048"; NULL for all
 *  @param points  whether to read trajectories and layers too
 *  @param table   out: release with ch_run_table_free; empty after a failure
 *  @return CH_OK; CH_ERROR_INPUT for a condition that SQLite does not accept; CH_ERROR_IO, also for a damaged run,
 *  whose table, id and column are named, unless such runs are left out; CH_ERROR_MEMORY
 */
ch_code ch_store_select(ch_store *self, const char *where, bool points, ch_run_table *table,
                        ch_error *err) CH_MUST_CHECK;
/** Idempotent. */
void ch_run_table_free(ch_run_table *table);

#endif
