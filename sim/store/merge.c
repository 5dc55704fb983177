/* merge.c — puts the runs of other stores into a store. */
#include "sim/store/merge.h"

#include "core/text.h"
#include "sim/store/machines.h"
#include "sim/store/store_private.h"
#include "sim/store/totals.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOWN_CONFLICTS = 3 };

/* A merge under way. */
typedef struct {
    ch_store *into;          /* borrowed, as are the next two */
    ch_merge_counts *counts; /* what was done so far */
    const ch_watch *watch;   /* NULL: nobody watches */
    uint64_t total;          /* runs of all stores that are read */
    sqlite3_stmt *run;       /* takes an id, gives all columns of that run of `into`; owned */
    uint64_t num_conflicts;  /* runs of one id that differ */
    char conflicts[700];     /* the first of them, in words */
} merger;

/* ---- comparing ---- */

/* Where two copies of a run differ. */
typedef struct {
    const char *column;       /* NULL: nowhere; borrowed from the schema. A table where `rows` is set */
    const char *rows;         /* whether the run that is read has "more" or "fewer" rows there; NULL: a cell differs */
    char read[64], there[64]; /* what the column has in the run that is read, and in the store */
} difference;

static bool is_number(int type)
{
    return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

/* Whether two cells hold the same. A column of reals may have an integer where an older store is read. */
static bool are_equal(sqlite3_stmt *a, sqlite3_stmt *b, int column)
{
    const int one = sqlite3_column_type(a, column), other = sqlite3_column_type(b, column);
    if (one == SQLITE_INTEGER && other == SQLITE_INTEGER) {
        return sqlite3_column_int64(a, column) == sqlite3_column_int64(b, column);
    }
    if (is_number(one) && is_number(other)) {
        return sqlite3_column_double(a, column) == sqlite3_column_double(b, column);
    }
    if (one != other || one == SQLITE_NULL) {
        return one == other;
    }
    const void *text = sqlite3_column_blob(a, column), *another = sqlite3_column_blob(b, column);
    const int size = sqlite3_column_bytes(a, column);
    return size == sqlite3_column_bytes(b, column) && (size == 0 || memcmp(text, another, (size_t)size) == 0);
}

/* Whether two copies of a run may differ in a column. */
static bool may_differ(const ch_store_column *column, int type, int other)
{
    const bool is_circumstance = strcmp(column->name, "seconds") == 0 || strcmp(column->name, "version") == 0 ||
                                 strcmp(column->name, "machine") == 0;
    const bool is_from_before = column->since > 0 && (type == SQLITE_NULL || other == SQLITE_NULL);
    return is_circumstance || is_from_before;
}

/* Compares the current rows of two statements, whose columns are those of a table in the schema's order. */
static void compare_rows(int table, sqlite3_stmt *read, sqlite3_stmt *there, difference *found)
{
    const ch_store_schema schema = ch_store_schema_now();
    for (int i = 0; i < sqlite3_column_count(read); i++) {
        if (are_equal(read, there, i)) {
            continue;
        }
        const ch_store_column column = ch_store_column_at(&schema.tables[table], (size_t)i);
        if (!may_differ(&column, sqlite3_column_type(read, i), sqlite3_column_type(there, i))) {
            found->column = column.name;
            ch_store_show_cell(read, i, found->read, sizeof found->read);
            ch_store_show_cell(there, i, found->there, sizeof found->there);
            return;
        }
    }
}

/* Compares the rows that belong to a run in another table.
 * @param read, there  the stores' statements for that table */
static ch_code compare_parts(const merger *self, const ch_store_query *query, int table, sqlite3_stmt *read,
                             sqlite3_stmt *there, difference *found, ch_error *err)
{
    bool more = true, more_there = true;
    ch_code code = CH_OK;
    const sqlite3_value *id = sqlite3_column_value(query->row, CH_STORE_COLUMN_ID);
    if (sqlite3_bind_value(read, 1, id) != SQLITE_OK || sqlite3_bind_value(there, 1, id) != SQLITE_OK) {
        code = ch_error_memory(err, "the run store");
        goto out;
    }
    while (more && found->column == NULL) {
        code = ch_store_step(query->store, read, &more, err);
        if (code != CH_OK) {
            goto out;
        }
        code = ch_store_step(self->into, there, &more_there, err);
        if (code != CH_OK) {
            goto out;
        }
        if (more != more_there) {
            *found = (difference){.column = ch_store_schema_now().tables[table].name, .rows = more ? "more" : "fewer"};
        } else if (more) {
            compare_rows(table, read, there, found);
        }
    }
out:
    sqlite3_reset(read);
    sqlite3_reset(there);
    return code;
}

/* Whether a clock ended one of two copies of a run: then no two of them are the same.
 * @param run  the one that is read; the other is the current row of self->run */
static bool is_ended_by_clock(const merger *self, const ch_run *run)
{
    const char *there = (const char *)sqlite3_column_text(self->run, ch_store_column_results());
    return run->settings.max_seconds > 0 &&
           (run->status == CH_BUDGET || (there != NULL && strcmp(there, ch_status_name(CH_BUDGET)) == 0));
}

/* Notes that a run is there with another content. */
static void note_conflict(merger *self, const ch_store_query *query, const difference *found)
{
    const size_t length = strlen(self->conflicts);
    if (self->num_conflicts++ >= SHOWN_CONFLICTS) {
        return;
    }
    const char *id = (const char *)sqlite3_column_text(query->row, CH_STORE_COLUMN_ID);
    const char *between = length > 0 ? "; " : "";
    char *end = self->conflicts + length;
    const size_t room = sizeof self->conflicts - length;
    if (found->rows != NULL) {
        snprintf(end, room, "%srun %s has %s rows of table %s in %s than in a store before it", between,
                 ch_show(id).text, found->rows, found->column, ch_show(query->store->path).text);
    } else {
        snprintf(end, room, "%srun %s has %s = %s in %s and %s in a store before it", between, ch_show(id).text,
                 found->column, found->read, ch_show(query->store->path).text, found->there);
    }
}

/* Compares the current run with the copy that is there, whose columns are in self->run. */
static ch_code compare_run(merger *self, const ch_store_query *query, const ch_run *run, ch_error *err)
{
    difference found = {0};
    if (is_ended_by_clock(self, run)) {
        return CH_OK;
    }
    compare_rows(CH_STORE_RUNS, query->row, self->run, &found);
    ch_code code = compare_parts(self, query, CH_STORE_POINTS, query->store->select_points, self->into->select_points,
                                 &found, err);
    if (code != CH_OK) {
        return code;
    }
    code = compare_parts(self, query, CH_STORE_LAYERS, query->store->select_layers, self->into->select_layers, &found,
                         err);
    if (code != CH_OK) {
        return code;
    }
    code = compare_parts(self, query, CH_STORE_FLUCTUATIONS, query->store->select_fluctuations,
                         self->into->select_fluctuations, &found, err);
    if (code != CH_OK) {
        return code;
    }
    if (found.column != NULL) {
        note_conflict(self, query, &found);
    }
    return CH_OK;
}

/* ---- copying ---- */

/* Inserts the current row of a statement that has the same columns. */
static ch_code copy_row(const merger *self, sqlite3_stmt *row, sqlite3_stmt *insert, ch_error *err)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        const int rc = sqlite3_bind_value(insert, i + 1, sqlite3_column_value(row, i));
        if (rc != SQLITE_OK) {
            return ch_store_fail(self->into, rc, err);
        }
    }
    const int rc = ch_store_run_once(insert);
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(self->into, rc, err);
}

/* Copies the rows that belong to a run in another table, in the place of rows that a run left there which was deleted
 * without them.
 * @param select   of the store that is read
 * @param deletes, insert  of the store that is written
 * @param count    is raised by the number of rows */
static ch_code copy_parts(const merger *self, const ch_store_query *query, sqlite3_stmt *select, sqlite3_stmt *deletes,
                          sqlite3_stmt *insert, uint64_t *count, ch_error *err)
{
    bool row = false;
    const sqlite3_value *id = sqlite3_column_value(query->row, CH_STORE_COLUMN_ID);
    ch_code code = CH_OK;
    int rc = sqlite3_bind_value(deletes, 1, id);
    if (rc == SQLITE_OK) {
        rc = ch_store_run_once(deletes);
    }
    if (rc != SQLITE_OK) {
        code = ch_store_fail(self->into, rc, err);
        goto out;
    }
    rc = sqlite3_bind_value(select, 1, id);
    if (rc != SQLITE_OK) {
        code = ch_store_fail(query->store, rc, err);
        goto out;
    }
    while ((code = ch_store_step(query->store, select, &row, err)) == CH_OK && row) {
        code = copy_row(self, select, insert, err);
        if (code != CH_OK) {
            goto out;
        }
        ++*count;
    }
out:
    sqlite3_reset(select);
    return code;
}

static ch_code copy_run(merger *self, const ch_store_query *query, ch_error *err)
{
    const ch_store *from = query->store, *into = self->into;
    ch_code code = copy_row(self, query->row, into->insert, err);
    if (code != CH_OK) {
        return code;
    }
    code = copy_parts(self, query, from->select_points, into->delete_points, into->insert_point, &self->counts->points,
                      err);
    if (code != CH_OK) {
        return code;
    }
    code = copy_parts(self, query, from->select_layers, into->delete_layers, into->insert_layer, &self->counts->layers,
                      err);
    if (code != CH_OK) {
        return code;
    }
    code = copy_parts(self, query, from->select_fluctuations, into->delete_fluctuations, into->insert_fluctuation,
                      &self->counts->fluctuations, err);
    if (code != CH_OK) {
        return code;
    }
    self->counts->added++;
    return CH_OK;
}

/* Takes the current run, all of which is read and checked first. */
static ch_code take_run(merger *self, ch_store_query *query, ch_error *err)
{
    ch_run run;
    bool is_there = false;
    ch_code code = ch_store_query_run(query, true, &run, err);
    if (code != CH_OK) {
        code = ch_store_query_leaves_out(query, err) ? CH_OK : code;
        goto out;
    }
    self->counts->read++;
    const int rc = sqlite3_bind_value(self->run, 1, sqlite3_column_value(query->row, CH_STORE_COLUMN_ID));
    if (rc != SQLITE_OK) {
        code = ch_store_fail(self->into, rc, err);
        goto out;
    }
    code = ch_store_step(self->into, self->run, &is_there, err);
    if (code != CH_OK) {
        goto out;
    }
    code = is_there ? compare_run(self, query, &run, err) : copy_run(self, query, err);
out:
    sqlite3_reset(self->run);
    ch_run_free(&run);
    return code;
}

/* ---- stores ---- */

static ch_code execute(const ch_store *store, const char *sql, ch_error *err)
{
    const int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(store, rc, err);
}

static ch_code take_runs(merger *self, ch_store *from, ch_error *err)
{
    ch_store_query query = {0};
    bool row = false;
    ch_code code = ch_store_query_all(&query, from, 0, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_query_next(&query, &row, err)) == CH_OK && row) {
        code = take_run(self, &query, err);
        if (code != CH_OK) {
            goto out;
        }
        if (ch_watch_is_stopped(self->watch)) {
            code = ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped; no store was changed");
            goto out;
        }
        const uint64_t done = self->counts->read;
        const double share = self->total > 0 ? (double)done / (double)self->total : 1;
        ch_watch_progress(self->watch,
                          &(ch_watch_report){.unit = "runs", .done = done, .total = self->total, .share = share});
    }
out:
    ch_store_query_free(&query);
    return code;
}

/* Copies the failures that the target does not have. Nothing is computed from their cells, so that these are taken as
 * they are; one without an id is left out. */
static ch_code take_failures(const merger *self, const ch_store *from, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    const ch_store_table *table = &schema.tables[CH_STORE_FAILURES];
    sqlite3_stmt *select = NULL, *insert = NULL;
    bool row = false;
    char *selecting = ch_store_select_sql(table, ""),
         *inserting = ch_store_insert_sql(table, " ON CONFLICT DO NOTHING");
    ch_code code = ch_store_prepare(from, selecting, &select, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_prepare(self->into, inserting, &insert, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_step(from, select, &row, err)) == CH_OK && row) {
        const bool is_whole = sqlite3_column_type(select, 0) == SQLITE_TEXT &&
                              sqlite3_column_type(select, sqlite3_column_count(select) - 3) == SQLITE_TEXT;
        code = is_whole ? copy_row(self, select, insert, err) : CH_OK;
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    sqlite3_finalize(select);
    sqlite3_finalize(insert);
    sqlite3_free(selecting);
    sqlite3_free(inserting);
    return code;
}

/* Adds what was left out of one store to what was left out before. */
static void add_damage(ch_merge_counts *counts, const ch_store *from)
{
    if (counts->num_damaged == 0) {
        counts->damage = from->damage;
    }
    counts->num_damaged += from->num_damaged;
}

/* Takes the runs of a store as they are at one moment. */
static ch_code take_store(merger *self, const char *path, bool skip_damaged, ch_error *err)
{
    ch_store from;
    ch_code code = ch_store_open(&from, path, CH_STORE_READ, err);
    from.skips_damaged = skip_damaged;
    if (code != CH_OK) {
        goto out;
    }
    code = execute(&from, "BEGIN", err);
    if (code != CH_OK) {
        goto out;
    }
    code = take_runs(self, &from, err);
    add_damage(self->counts, &from);
    if (code != CH_OK) {
        goto out;
    }
    code = take_failures(self, &from, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_machines_copy(self->into, &from, err);
out:
    ch_store_close(&from);
    return code;
}

/* Takes all stores, within a transaction that the caller has begun. */
static ch_code take_stores(merger *self, const char *const *from, size_t num_from, bool skip_damaged, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    char *sql = ch_store_select_sql(&schema.tables[CH_STORE_RUNS], "WHERE id = ?");
    ch_code code = ch_store_prepare(self->into, sql, &self->run, err);
    sqlite3_free(sql);
    if (code != CH_OK) {
        return code;
    }
    code = ch_store_count(self->into, "SELECT count(*) FROM runs", &self->counts->present, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = 0; i < num_from; i++) {
        code = take_store(self, from[i], skip_damaged, err);
        if (code != CH_OK) {
            return code;
        }
    }
    if (self->num_conflicts == 0) { /* a run that one store has, and that failed in another, is no failure */
        return execute(self->into, "DELETE FROM failures WHERE EXISTS (SELECT 1 FROM runs WHERE id = failures.id)",
                       err);
    }
    return ch_error_set(err, CH_ERROR_IO,
                        "%" PRIu64 " run%s of one id differ%s between the stores: %s%s; no store was "
                        "changed",
                        self->num_conflicts, self->num_conflicts == 1 ? "" : "s", self->num_conflicts == 1 ? "s" : "",
                        self->conflicts, self->num_conflicts > SHOWN_CONFLICTS ? "; and so on" : "");
}

/* Merges in one transaction. The store must be open to be written. */
static ch_code merge(merger *self, const char *const *from, size_t num_from, bool skip_damaged, ch_error *err)
{
    ch_store *into = self->into;
    ch_code code = ch_store_check_file(into, err);
    if (code != CH_OK) {
        return code;
    }
    /* The index of ids is written all over: pages that leave the memory are written to the disk more than once. */
    code = execute(into, "PRAGMA cache_size = -65536; BEGIN IMMEDIATE", err);
    if (code != CH_OK) {
        return code;
    }
    code = take_stores(self, from, num_from, skip_damaged, err);
    sqlite3_finalize(self->run);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_check_file(into, err);
    if (code != CH_OK) {
        goto out;
    }
    code = execute(into, "COMMIT", err);
out:
    if (!sqlite3_get_autocommit(into->db)) {
        (void)execute(into, "ROLLBACK", NULL); /* the first failure is the one to report */
    }
    return code;
}

/* Refuses a store to be read that is the one to be written. */
static ch_code check_other(const char *into, const char *from, ch_error *err)
{
    struct stat one, other;
    if (stat(into, &one) != 0 || stat(from, &other) != 0 || one.st_dev != other.st_dev || one.st_ino != other.st_ino) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "store %s is the store %s that the runs are to be put into; accepted are other stores", from,
                        into);
}

/* Checks that a store can be read, and counts its runs. */
static ch_code count_runs(const char *path, uint64_t *num_runs, ch_error *err)
{
    ch_store store;
    ch_code code = ch_store_open(&store, path, CH_STORE_READ, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_count(&store, "SELECT count(*) FROM runs", num_runs, err);
out:
    ch_store_close(&store);
    return code;
}

/* Checks that every store can be read, before anything is made, and counts the runs of all.
 * @param into  the store to be written; NULL where it is no file */
static ch_code admit(merger *self, const char *into, const char *const *from, size_t num_from, ch_error *err)
{
    for (size_t i = 0; i < num_from; i++) {
        uint64_t num_runs = 0;
        ch_code code = into != NULL ? check_other(into, from[i], err) : CH_OK;
        if (code != CH_OK) {
            return code;
        }
        code = count_runs(from[i], &num_runs, err);
        if (code != CH_OK) {
            return code;
        }
        self->total += num_runs;
    }
    return CH_OK;
}

ch_code ch_store_merge(const char *into, const char *const *from, size_t num_from, bool skip_damaged,
                       const ch_watch *watch, ch_merge_counts *counts, ch_error *err)
{
    ch_store store = {0};
    merger self = {.into = &store, .counts = counts, .watch = watch};
    *counts = (ch_merge_counts){0};
    ch_code code = admit(&self, into, from, num_from, err);
    if (code != CH_OK) {
        return code;
    }
    const bool is_new = access(into, F_OK) != 0 && errno == ENOENT;
    code = ch_store_open(&store, into, CH_STORE_WRITE, err);
    if (code != CH_OK) {
        return code;
    }
    code = merge(&self, from, num_from, skip_damaged, err);
    if (code == CH_OK) {
        ch_error ignored;
        (void)!ch_totals_keep(&store, CH_TOTALS_FEW, &ignored); /* without them a summary reads all runs */
    }
    ch_store_close(&store);
    if (code != CH_OK && is_new) {
        ch_store_discard(into);
    }
    return code;
}

ch_code ch_store_open_joined(ch_store *self, const char *const *paths, size_t num_paths, bool skip_damaged,
                             const ch_watch *watch, ch_error *err)
{
    ch_merge_counts counts = {0};
    merger joined = {.into = self, .counts = &counts, .watch = watch};
    char shown[128];
    if (num_paths == 1) {
        const ch_code code = ch_store_open(self, paths[0], CH_STORE_READ, err);
        self->skips_damaged = skip_damaged;
        return code;
    }
    memset(self, 0, sizeof *self);
    ch_code code = admit(&joined, NULL, paths, num_paths, err);
    if (code != CH_OK) {
        return code;
    }
    snprintf(shown, sizeof shown, "%s and %zu more", ch_show(paths[0]).text, num_paths - 1);
    code = ch_store_open_temporary(self, shown, err);
    if (code != CH_OK) {
        return code;
    }
    code = merge(&joined, paths, num_paths, skip_damaged, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_end_writing(self, err);
    self->skips_damaged = skip_damaged;
    self->num_damaged = counts.num_damaged;
    self->damage = counts.damage;
out:
    if (code != CH_OK) {
        ch_store_close(self);
    }
    return code;
}
