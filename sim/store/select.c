/* select.c — reads the runs that fulfil a condition into a table. Of a large store several threads read a part each. */
#include "sim/store/store_private.h"

#include "core/memory.h"
#include "sim/store/order.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* A part has at least so many rows, since another connection to the file takes half a millisecond, as long as a hundred
 * runs. */
enum { LEAST_ROWS = 1 << 11, MOST_PARTS = 8 };
/* A store is read in parts where at least one in so many numbers of rows is that of a row: each part has room for a run
 * of each of its numbers. */
enum { FULL_SHARE = 2 };

/* What one thread reads. */
typedef struct {
    ch_store own;       /* its connection, but for the first part, which has the caller's; owned */
    ch_store_rows rows; /* those it reads; not set where there is only one part, which reads all */
    ch_run_table table; /* where there are several parts, its memory is a piece of the first one's, of a run a row */
    ch_run_order order; /* owned */
    ch_code code;
    ch_error err;
} part;

/* All parts, in the order of rows. */
typedef struct {
    ch_store *store; /* borrowed */
    part parts[MOST_PARTS];
    size_t count;
} division;

/* ---- parts ---- */

/* Whether other connections see the same rows: the store is a file, nothing is written by this connection, and rows
 * have numbers, as they have not in the views by which an older schema is read. */
static bool can_be_shared(const ch_store *store)
{
    const char *file = sqlite3_db_filename(store->db, "main");
    return file != NULL && *file != '\0' && store->mode == CH_STORE_READ &&
           store->schema == ch_store_schema_now().version;
}

/* Finds the first and the last row of a store, and whether it is read in parts: it is large, and most of its numbers of
 * rows are in use. */
static ch_code find_rows(const ch_store *store, ch_store_rows *rows, bool *is_divided, ch_error *err)
{
    uint64_t first = 0, last = 0, count = 0;
    *is_divided = false;
    ch_code code = ch_store_count(store, "SELECT min(rowid) FROM runs", &first, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_store_count(store, "SELECT max(rowid) FROM runs", &last, err);
    if (code != CH_OK || first < 1 || last > INT64_MAX || last - first + 1 < 2 * LEAST_ROWS) {
        return code;
    }
    code = ch_store_count(store, "SELECT count(*) FROM runs", &count, err);
    *rows = (ch_store_rows){(sqlite3_int64)first, (sqlite3_int64)last};
    *is_divided = code == CH_OK && count >= (last - first + 1) / FULL_SHARE;
    return code;
}

/* Opens the store again for each part but the first.
 * @return as ch_store_open */
static ch_code open_parts(division *self, ch_error *err)
{
    for (size_t k = 1; k < self->count; k++) {
        const ch_code code = ch_store_open(&self->parts[k].own, self->store->path, CH_STORE_READ, err);
        if (code != CH_OK) {
            return code;
        }
        self->parts[k].own.skips_damaged = self->store->skips_damaged;
    }
    return CH_OK;
}

/* Divides rows into parts of the same size. Where there is no memory for a run of each row, there is one part.
 * @return as ch_store_open */
static ch_code divide_rows(division *self, const ch_store_rows *rows, ch_error *err)
{
    const size_t num_rows = (size_t)(rows->last - rows->first) + 1, threads = (size_t)omp_get_max_threads();
    const size_t wanted = threads < MOST_PARTS ? threads : MOST_PARTS, most = num_rows / LEAST_ROWS;
    const size_t count = most < wanted ? most : wanted, size = (num_rows + count - 1) / count;
    ch_run *runs = count > 1 ? ch_alloc_unset(num_rows, sizeof *runs) : NULL;
    if (runs == NULL) {
        return CH_OK;
    }
    self->count = count;
    for (size_t k = 0; k < count; k++) {
        const size_t begin = k * size, end = k + 1 < count ? begin + size : num_rows;
        part *one = &self->parts[k];
        one->rows = (ch_store_rows){rows->first + (sqlite3_int64)begin, rows->first + (sqlite3_int64)end - 1};
        one->table = (ch_run_table){.runs = runs + begin, .capacity = end - begin};
    }
    return open_parts(self, err);
}

static ch_code division_init(division *self, ch_store *store, ch_error *err)
{
    ch_store_rows rows = {0};
    bool is_divided = false;
    self->store = store;
    self->count = 1;
    ch_code code = CH_OK;
    if (omp_get_max_threads() > 1 && can_be_shared(store)) {
        code = find_rows(store, &rows, &is_divided, err);
    }
    return code == CH_OK && is_divided ? divide_rows(self, &rows, err) : code;
}

/* Frees all but the tables of runs. */
static void division_free(division *self)
{
    for (size_t k = 0; k < self->count; k++) {
        ch_run_order_free(&self->parts[k].order);
        ch_store_close(&self->parts[k].own);
    }
}

/* ---- reading ---- */

/* Appends the current run to the table, unless it is one that is left out. */
static ch_code append_run(ch_store_query *query, bool points, ch_run_table *table, ch_run_order *order, ch_error *err)
{
    void *items = table->runs;
    if (ch_grow(&items, &table->capacity, table->count + 1, sizeof *table->runs) != 0) {
        return ch_error_memory(err, "the runs of a store");
    }
    table->runs = items;
    ch_run *run = &table->runs[table->count++];
    const ch_code code = ch_store_query_run(query, points, run, err);
    if (code == CH_OK) {
        return ch_run_order_add(order, &table->runs[0], run, query->nulls, ch_store_query_id(query), err);
    }
    if (!ch_store_query_leaves_out(query, err)) {
        return code;
    }
    ch_run_free(&table->runs[--table->count]);
    return CH_OK;
}

/* Reads the runs of a part. */
static ch_code read_part(part *self, ch_store *store, bool is_all, const char *where, bool points, ch_error *err)
{
    ch_store_query query = {0};
    bool row = false;
    ch_code code = ch_store_query_init(&query, store, where, is_all ? NULL : &self->rows, false, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_query_next(&query, &row, err)) == CH_OK && row) {
        code = append_run(&query, points, &self->table, &self->order, err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    ch_store_query_free(&query);
    return code;
}

/* Says of the caller's store what was left out in a part. */
static void add_damage(ch_store *self, const ch_store *of_part)
{
    if (self->num_damaged == 0) {
        self->damage = of_part->damage;
    }
    self->num_damaged += of_part->num_damaged;
}

/* Puts a part's runs, which its table then lacks, behind those of the table.  @return CH_OK; CH_ERROR_MEMORY */
static ch_code join_part(ch_run_table *table, ch_run_order *order, part *next, ch_error *err)
{
    const ch_code code = ch_run_order_join(order, table->runs, &next->order, next->table.runs, err);
    if (next->table.count > 0) {
        memmove(table->runs + table->count, next->table.runs, next->table.count * sizeof *table->runs);
    }
    table->count += next->table.count;
    next->table.count = 0;
    return code;
}

/* Reads all parts side by side, and joins them in the order of rows.
 * @param table  out: the runs, also after a failure
 * @param order  out
 * @return the failure of the first part that has one */
static ch_code read_parts(division *self, const char *where, bool points, ch_run_table *table, ch_run_order *order,
                          ch_error *err)
{
    part *parts = self->parts;
#pragma omp parallel for num_threads((int)self->count) schedule(static, 1) if (self->count > 1)
    for (size_t k = 0; k < self->count; k++) {
        ch_store *store = k == 0 ? self->store : &parts[k].own;
        parts[k].code = read_part(&parts[k], store, self->count == 1, where, points, &parts[k].err);
    }
    *table = parts[0].table;
    *order = parts[0].order;
    parts[0].order = (ch_run_order){0};
    ch_code code = parts[0].code;
    ch_error why = parts[0].err;
    for (size_t k = 1; k < self->count; k++) {
        if (code == CH_OK) {
            add_damage(self->store, &parts[k].own);
            code = parts[k].code;
            why = parts[k].err;
        }
        const ch_code joined = join_part(table, order, &parts[k], code == CH_OK ? &why : NULL);
        code = code == CH_OK ? joined : code;
        table->capacity += parts[k].table.capacity;
    }
    if (code != CH_OK && err != NULL) {
        *err = why;
    }
    return code;
}

ch_code ch_store_select(ch_store *self, const char *where, bool points, ch_run_table *table, ch_error *err)
{
    division whole = {0};
    ch_run_order order = {0};
    memset(table, 0, sizeof *table);
    ch_code code = division_init(&whole, self, err);
    if (code != CH_OK) {
        *table = whole.parts[0].table;
        goto out;
    }
    code = read_parts(&whole, where, points, table, &order, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_run_order_sort(&order, table->runs, err);
out:
    ch_run_order_free(&order);
    division_free(&whole);
    if (code != CH_OK) {
        ch_run_table_free(table);
    }
    return code;
}

void ch_run_table_free(ch_run_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        ch_run_free(&table->runs[i]);
    }
    free(table->runs);
    memset(table, 0, sizeof *table);
}
