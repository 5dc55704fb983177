/* read.c — reading runs from a store. */
#include "sim/store/store_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What SQLite finds wrong in a condition (SQLITE_ERROR) is the user's; all else is the store's. */
static ch_code query_fail(const ch_store_query *self, int rc, ch_error *err)
{
    if (self->where == NULL || (rc & 0xff) != SQLITE_ERROR) {
        return ch_store_fail(self->store, rc, err);
    }
    return ch_error_set(err, CH_ERROR_INPUT, "condition \"%s\" is not accepted: %s", self->where,
                        sqlite3_errmsg(self->store->db));
}

/* The query itself has the condition in parentheses, so that it cannot go on to ORDER BY, LIMIT or a further statement.
 * Here it stands without them, which refuses what closes a parenthesis it did not open: "1) OR (1". */
static ch_code check_condition(const ch_store_query *self, ch_error *err)
{
    sqlite3_stmt *statement = NULL;
    char *sql = sqlite3_mprintf("SELECT 1 FROM runs WHERE %s\n", self->where);
    const int rc = sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(self->store->db, sql, -1, &statement, NULL);
    ch_code code = rc == SQLITE_OK ? CH_OK : query_fail(self, rc, err);
    if (code == CH_OK && sqlite3_bind_parameter_count(statement) > 0) {
        code = ch_error_set(err, CH_ERROR_INPUT, "condition \"%s\" is not accepted: it has a parameter (?, :, @ or $)",
                            self->where);
    }
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return code;
}

ch_code ch_store_query_init(ch_store_query *self, ch_store *store, const char *where, ch_error *err)
{
    *self = (ch_store_query){.store = store, .where = where};
    ch_code code = where == NULL ? CH_OK : check_condition(self, err);
    if (code != CH_OK) {
        return code;
    }
    char *sql = ch_store_select_sql(where);
    const int rc = sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(store->db, sql, -1, &self->row, NULL);
    sqlite3_free(sql);
    return rc == SQLITE_OK ? CH_OK : query_fail(self, rc, err);
}

void ch_store_query_free(ch_store_query *self)
{
    sqlite3_finalize(self->row);
    self->row = NULL;
}

ch_code ch_store_query_next(ch_store_query *self, bool *row, ch_error *err)
{
    const int rc = sqlite3_step(self->row);
    *row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? CH_OK : query_fail(self, rc, err);
}

static double column_real(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL ? NAN : sqlite3_column_double(row, column);
}

static uint64_t column_count(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL ? CH_UNCOUNTED : (uint64_t)sqlite3_column_int64(row, column);
}

/* Text that is none of the words it may be. */
static ch_code refuse_text(const ch_store *self, const char *name, const unsigned char *text, ch_error *err)
{
    if (sqlite3_errcode(self->db) == SQLITE_NOMEM) {
        return ch_error_memory(err, "the run store");
    }
    return ch_error_set(err, CH_ERROR_IO, "store %s is damaged: a run has %s = \"%s\"", self->path, name,
                        text == NULL ? "NULL" : (const char *)text);
}

static ch_code read_setting(const ch_store_query *self, size_t index, ch_settings *settings, ch_error *err)
{
    const ch_setting *row = &ch_settings_table[index];
    const int column = CH_STORE_COLUMN_SETTINGS + (int)index;
    ch_value value = {.count = 0};
    if (!ch_setting_applies(settings, index)) { /* by those before it in the table */
        return CH_OK;
    }
    switch (row->type) {
    case CH_TYPE_REAL:
        value.real = sqlite3_column_double(self->row, column); /* NULL, for a word, gives 0 */
        break;
    case CH_TYPE_COUNT:
        value.count = (uint64_t)sqlite3_column_int64(self->row, column); /* likewise */
        break;
    case CH_TYPE_CHOICE: {
        const unsigned char *text = sqlite3_column_text(self->row, column);
        while (row->choice(value.count) != NULL &&
               (text == NULL || strcmp((const char *)text, row->choice(value.count)) != 0)) {
            value.count++;
        }
        if (row->choice(value.count) == NULL) {
            return refuse_text(self->store, row->name, text, err);
        }
        break;
    }
    case CH_TYPE_TEXT: /* none is stored */
        break;
    }
    ch_settings_set(settings, index, value);
    return CH_OK;
}

static ch_code read_status(const ch_store_query *self, const char *name, int column, ch_status *status, ch_error *err)
{
    static const ch_status known[] = {CH_FITTED, CH_BUDGET, CH_DIVERGED};
    const unsigned char *text = sqlite3_column_text(self->row, column);
    for (size_t i = 0; text != NULL && i < sizeof known / sizeof *known; i++) {
        if (strcmp((const char *)text, ch_status_name(known[i])) == 0) {
            *status = known[i];
            return CH_OK;
        }
    }
    return refuse_text(self->store, name, text, err);
}

/* A result of a run or of a point: `object` is the struct that the row's offset is of. */
static void read_number(sqlite3_stmt *statement, int column, const ch_result *row, void *object)
{
    void *member = (char *)object + row->offset;
    if (row->type == CH_RESULT_COUNT) {
        *(uint64_t *)member = column_count(statement, column);
    } else {
        *(double *)member = column_real(statement, column);
    }
}

static ch_code read_result(const ch_store_query *self, size_t index, ch_run *run, ch_error *err)
{
    const ch_result *row = &ch_results_table[index];
    const int column = ch_store_column_results() + (int)index;
    if (row->type == CH_RESULT_TEXT) {
        return read_status(self, row->name, column, &run->status, err);
    }
    read_number(self->row, column, row, run);
    return CH_OK;
}

ch_code ch_store_query_points(const ch_store_query *self, ch_error *err)
{
    const sqlite3_value *id = sqlite3_column_value(self->row, CH_STORE_COLUMN_ID);
    const int rc = sqlite3_bind_value(self->store->select_points, 1, id);
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(self->store, rc, err);
}

static ch_point read_point(sqlite3_stmt *row)
{
    ch_point point = {.observed = ch_observation_none()};
    for (size_t i = 0; i < ch_points_count; i++) {
        read_number(row, 1 + (int)i, &ch_points_table[i], &point);
    }
    return point;
}

static ch_code read_points(const ch_store_query *self, ch_run *run, ch_error *err)
{
    sqlite3_stmt *points = self->store->select_points;
    size_t capacity = 0;
    bool row = false;
    ch_code code = ch_store_query_points(self, err);
    while (code == CH_OK && (code = ch_store_step(self->store, points, &row, err)) == CH_OK && row) {
        void *items = run->points;
        if (ch_grow(&items, &capacity, run->num_points + 1, sizeof *run->points) != 0) {
            code = ch_error_memory(err, "a trajectory");
        } else {
            run->points = items;
            run->points[run->num_points++] = read_point(points);
        }
    }
    sqlite3_reset(points);
    return code;
}

/* Rows by look and layer: as many layers as the first look has. */
static ch_code read_layers(const ch_store_query *self, ch_run *run, ch_error *err)
{
    sqlite3_stmt *layers = self->store->select_layers;
    size_t capacity = 0, count = 0;
    bool row = false;
    const int rc = sqlite3_bind_value(layers, 1, sqlite3_column_value(self->row, CH_STORE_COLUMN_ID));
    ch_code code = rc == SQLITE_OK ? CH_OK : ch_store_fail(self->store, rc, err);
    while (code == CH_OK && (code = ch_store_step(self->store, layers, &row, err)) == CH_OK && row) {
        void *items = run->layer_changes;
        if (ch_grow(&items, &capacity, count + 1, sizeof *run->layer_changes) != 0) {
            code = ch_error_memory(err, "a trajectory");
        } else {
            run->layer_changes = items;
            run->layer_changes[count++] = column_real(layers, 3);
            const size_t layer = (size_t)sqlite3_column_int64(layers, 2);
            run->num_layers = layer >= run->num_layers ? layer + 1 : run->num_layers;
        }
    }
    sqlite3_reset(layers);
    if (code == CH_OK && count != run->num_layers * (run->num_layers > 0 ? ch_run_num_looks(run) : 0)) {
        code = ch_error_set(err, CH_ERROR_IO, "store %s is damaged: a run has %zu weight changes of %zu layers",
                            self->store->path, count, run->num_layers);
    }
    return code;
}

ch_code ch_store_query_run(const ch_store_query *self, bool points, ch_run *run, ch_error *err)
{
    ch_code code = CH_OK;
    memset(run, 0, sizeof *run);
    run->final = ch_observation_none();
    ch_settings_default(&run->settings);
    for (size_t i = 0; code == CH_OK && i < CH_SETTINGS_STORED; i++) {
        code = read_setting(self, i, &run->settings, err);
    }
    run->settings.given = 0;
    for (size_t i = 0; code == CH_OK && i < ch_results_count; i++) {
        code = read_result(self, i, run, err);
    }
    run->results_version = sqlite3_column_int(self->row, ch_store_column_version() + 1);
    const unsigned char *digest = sqlite3_column_text(self->row, ch_store_column_version() + 2);
    snprintf(run->settings.data_digest, CH_SHA256_SIZE, "%s", digest != NULL ? (const char *)digest : "");
    if (code == CH_OK && points) {
        code = read_points(self, run, err);
    }
    return code == CH_OK && points ? read_layers(self, run, err) : code;
}

/* The current run as the table's last. */
static ch_code append_run(const ch_store_query *query, bool points, ch_run_table *table, ch_error *err)
{
    void *items = table->runs;
    if (ch_grow(&items, &table->capacity, table->count + 1, sizeof *table->runs) != 0) {
        return ch_error_memory(err, "the runs of a store");
    }
    table->runs = items;
    return ch_store_query_run(query, points, &table->runs[table->count++], err);
}

ch_code ch_store_select(ch_store *self, const char *where, bool points, ch_run_table *table, ch_error *err)
{
    ch_store_query query = {0};
    bool row = false;
    memset(table, 0, sizeof *table);
    ch_code code = ch_store_query_init(&query, self, where, err);
    while (code == CH_OK && (code = ch_store_query_next(&query, &row, err)) == CH_OK && row) {
        code = append_run(&query, points, table, err);
    }
    ch_store_query_free(&query);
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
