/* store_private.h — what the files of the store share: failures, statements, a walk over runs, and cells. */
#ifndef CH_STORE_PRIVATE_H
#define CH_STORE_PRIVATE_H

#include "sim/store/guard.h"
#include "sim/store/results.h"
#include "sim/store/schema.h"
#include "sim/store/store.h"

enum { CH_STORE_TIMEOUT_MS = 60000 }; /* how long to wait for the lock of another process */
enum { CH_STORE_MOST_COLUMNS = 128 }; /* of a table */

/* ---- failures and statements (statements.c) ---- */

/** Says in words what a result code of SQLite (an extended one) means for the user.
 *  @param err  out: the sentence
 *  @return CH_ERROR_INPUT, CH_ERROR_IO or CH_ERROR_MEMORY, never CH_OK */
ch_code ch_store_fail(const ch_store *self, int rc, ch_error *err) CH_MUST_CHECK;

/** Prepares a statement.
 *  @param sql        NULL is taken for a lack of memory
 *  @param statement  out: release with sqlite3_finalize; NULL after a failure
 *  @return as ch_store_fail */
ch_code ch_store_prepare(const ch_store *self, const char *sql, sqlite3_stmt **statement, ch_error *err) CH_MUST_CHECK;

/** Goes on to the next row of a statement.
 *  @param row  out: false at the end
 *  @return as ch_store_fail */
ch_code ch_store_step(const ch_store *self, sqlite3_stmt *statement, bool *row, ch_error *err) CH_MUST_CHECK;

/** The value of a query that gives one count.  @return CH_OK; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_store_count(const ch_store *self, const char *sql, uint64_t *value, ch_error *err) CH_MUST_CHECK;

/** Executes statements that give no rows.
 *  @param sql  NULL is taken for a lack of memory
 *  @return as ch_store_fail */
ch_code ch_store_execute(const ch_store *self, const char *sql, ch_error *err) CH_MUST_CHECK;

/* ---- opening and closing (store.c) ---- */

/** Removes a store without runs that this process made, and that nobody else has open; otherwise leaves it. */
void ch_store_discard(const char *path);

/** Opens an empty store that is nowhere but in memory and, where it grows over some megabytes, in a file without a name
 *  in SQLite's folder of temporary files. Closing it removes it.
 *  @param shown  what messages name it by; not kept
 *  @return CH_OK; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_store_open_temporary(ch_store *self, const char *shown, ch_error *err) CH_MUST_CHECK;

/** Makes a temporary store one that is only read.  @return as ch_store_fail */
ch_code ch_store_end_writing(ch_store *self, ch_error *err) CH_MUST_CHECK;

/* ---- writing (write.c) ---- */

/** Binds the settings of a run to consecutive parameters, in the order of their table.
 *  @param first  number of the first parameter  @return a result code of SQLite */
int ch_store_bind_settings(sqlite3_stmt *statement, int first, const ch_settings *settings);

/** Executes a statement that gives no rows, and resets it.  @return a result code of SQLite */
int ch_store_run_once(sqlite3_stmt *statement);

/* ---- a walk over runs (query.c), and how it reads them (read.c, read_rows.c); select.c makes a table of them ---- */

/** A walk over the runs that fulfil a condition. */
typedef struct {
    ch_store *store;   /* borrowed */
    const char *where; /* borrowed; NULL for all */
    sqlite3_stmt *row; /* all columns of the current run, in the schema's order; owned */
    bool is_damaged;   /* whether the last failure is that the current run is damaged: others may still be read */
    /* The cells of the current row, by column: the database is open without mutexes (SQLITE_OPEN_NOMUTEX), where such
     * values may be read. It takes one call a cell; SQLite's functions of columns take one at every look. */
    sqlite3_value *cells[CH_STORE_MOST_COLUMNS];
    uint64_t nulls; /* of the run that was read last: bit i says that the column of setting i is NULL */
    /* what the next run is read from faster: the defaults of all settings, and the choice that each had last */
    ch_settings defaults;
    uint64_t choices[CH_SETTINGS_STORED];
} ch_store_query;

/** Rows of table `runs` by their numbers in the file, both ends included. */
typedef struct {
    sqlite3_int64 first, last;
} ch_store_rows;

/** @param where    one SQL expression over the columns; NULL for all
 *  @param rows     the runs among which those are, in a store of this program's schema; NULL for all
 *  @param ordered  whether the runs come in the order of their settings, else they come as they lie in the file
 *  @return CH_OK; CH_ERROR_INPUT for any other condition; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_store_query_init(ch_store_query *self, ch_store *store, const char *where, const ch_store_rows *rows,
                            bool ordered, ch_error *err) CH_MUST_CHECK;
/** Idempotent. */
void ch_store_query_free(ch_store_query *self);

/** A walk over all runs in the order in which they lie in the file, which needs no sorting.
 *  @param after  begins behind the row with this number, in a store of this program's schema; 0: begins with the first
 *  @return as ch_store_fail */
ch_code ch_store_query_all(ch_store_query *self, ch_store *store, sqlite3_int64 after, ch_error *err) CH_MUST_CHECK;

/** Goes on to the next run.
 *  @param row  out: false at the end
 *  @return as ch_store_query_init: SQLite may find a condition wrong only when it evaluates it */
ch_code ch_store_query_next(ch_store_query *self, bool *row, ch_error *err) CH_MUST_CHECK;

/** The id of the current run, for messages; NULL where it is none. */
const char *ch_store_query_id(const ch_store_query *self);

/** Binds the store's `select_points` to the current run; its columns are those of table `points`. Step it to its end
 *  with ch_store_step, then reset it.
 *  @return as ch_store_fail */
ch_code ch_store_query_points(const ch_store_query *self, ch_error *err) CH_MUST_CHECK;

/** Reads the current run. Every cell is checked before it is used: its type, that a count is not negative, the range of
 *  a setting, and the length of a text.
 *  @param points  whether to read its trajectory and its layers too
 *  @param run     out: free with ch_run_free, also after a failure
 *  @return CH_OK; CH_ERROR_IO, and `is_damaged` set, where a cell is not what its column may hold; CH_ERROR_IO for
 *  other failures of the file; CH_ERROR_MEMORY */
ch_code ch_store_query_run(ch_store_query *self, bool points, ch_run *run, ch_error *err) CH_MUST_CHECK;

/** Asks whether a failure concerns the current run alone, in a store that leaves damaged runs out. The run is then
 *  counted as left out, and the caller goes on to the next one.
 *  @param err  the failure; NULL where it was not wanted */
bool ch_store_query_leaves_out(ch_store_query *self, const ch_error *err);

/** Reads what the current run has in tables of its own: its trajectory; the weight changes of its layers, at the points
 *  that were read before; and its fluctuations, if it asked for them.
 *  @param run  with its settings and results
 *  @return as ch_store_query_run */
ch_code ch_store_read_points(ch_store_query *self, ch_run *run, ch_error *err) CH_MUST_CHECK;
ch_code ch_store_read_layers(ch_store_query *self, ch_run *run, ch_error *err) CH_MUST_CHECK;
ch_code ch_store_read_fluctuations(ch_store_query *self, ch_run *run, ch_error *err) CH_MUST_CHECK;

/** Reads a count or a real.  @param object  the ch_run or ch_point whose member it is */
void ch_store_read_number(sqlite3_value *cell, const ch_result *row, void *object);

/* ---- cells (cells.c) ---- */

/** What the cells of every table may hold, by the types that their columns declare. */
struct ch_store_cells {
    unsigned char kinds[CH_STORE_NUM_TABLES][CH_STORE_MOST_COLUMNS];
};

/** Finds what the cells of the store may hold.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_store_cells_init(ch_store *self, ch_error *err) CH_MUST_CHECK;

/** Says that a cell of a store is not what its column may hold.
 *  @param table   its number, as CH_STORE_RUNS
 *  @param run     id of the run; NULL where it has none
 *  @param wrong   what the cell is and what it may be, e.g. "-5 is no count"
 *  @return CH_ERROR_IO */
ch_code ch_store_damage(const ch_store *self, int table, const char *run, const char *column, const char *wrong,
                        ch_error *err) CH_MUST_CHECK;

/** Writes the value of a cell for a message; 64 bytes are enough. */
void ch_store_show_cell(sqlite3_stmt *statement, int column, char *text, size_t size);

/** Checks that every cell of a statement's current row, whose columns are those of a table in the schema's order, has
 *  the type that its column declares: that an INTEGER is not negative, and that a TEXT is UTF-8 of at most 255 bytes.
 *  NULL is accepted unless the column is NOT NULL.
 *  @param first  first column to check
 *  @param run    id of the run, for the message
 *  @param cells  out: the cells from the first on, by column, valid until the statement goes on; may be NULL
 *  @return CH_OK; CH_ERROR_IO for a cell that is not so; CH_ERROR_MEMORY */
ch_code ch_store_check_row(const ch_store *self, int table, sqlite3_stmt *statement, int first, const char *run,
                           sqlite3_value **cells, ch_error *err) CH_MUST_CHECK;

#endif
