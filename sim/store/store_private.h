/* store_private.h — what the files of the store share: columns, statements, failures. */
#ifndef CH_STORE_PRIVATE_H
#define CH_STORE_PRIVATE_H

#include "sim/store/store.h"

enum {
    CH_STORE_APPLICATION_ID = 0x6368746e, /* "chtn": marks a SQLite file as a chiton store */
    CH_STORE_SCHEMA_VERSION = CH_SCHEMA_NEWEST,
    CH_STORE_TIMEOUT_MS = 60000, /* how long to wait for another process's lock */
};

/** A column of table `runs`: id, the settings, the results, version, results_version, data_digest. */
typedef struct {
    const char *name;
    const char *type; /* of SQLite */
    int since;        /* schema version that first has it; 0 for the first */
} ch_store_column;

size_t ch_store_num_columns(void);
ch_store_column ch_store_column_at(size_t index);

/** Places of columns in a row of a query. */
enum { CH_STORE_COLUMN_ID = 0, CH_STORE_COLUMN_SETTINGS = 1 };
int ch_store_column_results(void); /* of the first result */
int ch_store_column_version(void); /* results_version and data_digest follow */

/** The statements that make an empty database a store; NULL when memory is short. Release with sqlite3_free, as those
 *  below. */
char *ch_store_schema_sql(void);
/** The statements that bring a store of schema `from` to this one. */
char *ch_store_migrate_sql(int from);
/** Inserts a run unless its id is there. Parameters in the order of the columns. */
char *ch_store_insert_sql(void);
/** Inserts a point: run, then ch_points_table. */
char *ch_store_insert_point_sql(void);
/** Views over a store of an older schema, in whose place they are read: what it has not yet is NULL. */
char *ch_store_view_sql(int schema);
/** Reads all columns of the runs that fulfil a condition (NULL for all), in the order of their settings. */
char *ch_store_select_sql(const char *where);
/** Reads a run's points: run, then ch_points_table. */
char *ch_store_select_points_sql(void);

/** Fills `err` with a sentence for a result code of SQLite (extended codes). */
ch_code ch_store_fail(const ch_store *self, int rc, ch_error *err);

/** Prepares a statement. @param sql  NULL is taken for a lack of memory */
ch_code ch_store_prepare(const ch_store *self, const char *sql, sqlite3_stmt **statement, ch_error *err) CH_MUST_CHECK;

/** Goes on to a statement's next row. @param row  out: false at the end */
ch_code ch_store_step(const ch_store *self, sqlite3_stmt *statement, bool *row, ch_error *err) CH_MUST_CHECK;

/** A walk over the runs that fulfil a condition, in the order of their settings. */
typedef struct {
    ch_store *store;   /* borrowed */
    const char *where; /* borrowed; NULL for all */
    sqlite3_stmt *row; /* all columns of the current run; owned */
} ch_store_query;

/** @param where  one SQL expression over the columns; NULL for all
 *  @return CH_OK, CH_ERROR_INPUT for any other condition, CH_ERROR_IO, CH_ERROR_MEMORY */
ch_code ch_store_query_init(ch_store_query *self, ch_store *store, const char *where, ch_error *err) CH_MUST_CHECK;
void ch_store_query_free(ch_store_query *self);

/** Goes on to the next run. @param row  out: false at the end
 *  @return as ch_store_query_init */
ch_code ch_store_query_next(ch_store_query *self, bool *row, ch_error *err) CH_MUST_CHECK;

/** Binds the store's `select_points` to the current run: its columns are those of table `points`. Step it with
 *  ch_store_step to its end and reset it. */
ch_code ch_store_query_points(const ch_store_query *self, ch_error *err) CH_MUST_CHECK;

/** The current run.
 *  @param points  read its trajectory too
 *  @param run     out: free with ch_run_free, also after a failure
 *  @return CH_OK, CH_ERROR_IO, CH_ERROR_MEMORY */
ch_code ch_store_query_run(const ch_store_query *self, bool points, ch_run *run, ch_error *err) CH_MUST_CHECK;

#endif
