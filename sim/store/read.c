/* read.c — reading runs from a store. */
#include "sim/store/store_private.h"

#include "core/memory.h"
#include "core/names.h"
#include "sim/settings/where.h"
#include "sim/settings/words.h"
#include "sim/store/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How SQLite begins to say that a name is no column. */
static const char NO_COLUMN[] = "no such column: ";

/* Refuses a condition in which a name is no column, and names the column that is meant: by a word that is used
 * elsewhere, or the one whose name is nearest. */
static ch_code refuse_column(const ch_store_query *self, const char *name, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    const ch_store_table *runs = &schema.tables[CH_STORE_RUNS];
    const char *names[128];
    const size_t all = ch_store_num_columns(runs), room = sizeof names / sizeof *names, count = all < room ? all : room;
    for (size_t i = 0; i < count; i++) {
        names[i] = ch_store_column_at(runs, i).name;
    }
    const ch_word word = ch_words_find(name);
    const char *meant = word.known ? ch_settings_table[word.setting].name : ch_names_nearest(name, names, count);
    return ch_error_set(err, CH_ERROR_INPUT, "condition \"%s\" is not accepted: no such column: %s%s%s%s", self->where,
                        name, meant != NULL ? "; did you mean '" : "", meant != NULL ? meant : "",
                        meant != NULL ? "'?" : "");
}

/* A failure of a query. SQLITE_ERROR says that SQLite found something wrong in the condition, which is the user's to
 * mend; every other code is about the store. */
static ch_code query_fail(const ch_store_query *self, int rc, ch_error *err)
{
    if (self->where == NULL || (rc & 0xff) != SQLITE_ERROR) {
        return ch_store_fail(self->store, rc, err);
    }
    const char *why = sqlite3_errmsg(self->store->db);
    if (strncmp(why, NO_COLUMN, strlen(NO_COLUMN)) == 0) {
        return refuse_column(self, why + strlen(NO_COLUMN), err);
    }
    return ch_error_set(err, CH_ERROR_INPUT, "condition \"%s\" is not accepted: %s", self->where, why);
}

/* Refuses what is not one expression. The query itself has the condition in parentheses, so that it cannot go on to
 * ORDER BY, LIMIT or a further statement. Here it stands without them, which refuses a condition that closes a
 * parenthesis it did not open, such as "1) OR (1".
 * @param where  the condition as SQLite reads it */
static ch_code check_condition(const ch_store_query *self, const char *where, ch_error *err)
{
    sqlite3_stmt *statement = NULL;
    char *sql = sqlite3_mprintf("SELECT 1 FROM runs WHERE %s\n", where);
    const int rc = sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(self->store->db, sql, -1, &statement, NULL);
    ch_code code = CH_OK;
    if (rc != SQLITE_OK) {
        code = query_fail(self, rc, err);
        goto out;
    }
    if (sqlite3_bind_parameter_count(statement) > 0) {
        code = ch_error_set(err, CH_ERROR_INPUT, "condition \"%s\" is not accepted: it has a parameter (?, :, @ or $)",
                            self->where);
    }
out:
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return code;
}

ch_code ch_store_query_init(ch_store_query *self, ch_store *store, const char *where, ch_error *err)
{
    char *translated = NULL, *sql = NULL;
    ch_code code = CH_OK;
    *self = (ch_store_query){.store = store, .where = where};
    if (where != NULL) {
        code = ch_where_translate(where, &translated, err);
        if (code != CH_OK) {
            goto out;
        }
        code = check_condition(self, translated, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    sql = ch_store_select_runs_sql(translated);
    const int rc = sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(store->db, sql, -1, &self->row, NULL);
    code = rc == SQLITE_OK ? CH_OK : query_fail(self, rc, err);
out:
    free(translated);
    sqlite3_free(sql);
    return code;
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

/* Refuses a text that is none of the words it may be. It is NULL where memory was too short to read it. */
static ch_code refuse_text(const ch_store *self, const char *name, const unsigned char *text, ch_error *err)
{
    if (sqlite3_errcode(self->db) == SQLITE_NOMEM) {
        return ch_error_memory(err, "the run store");
    }
    return ch_error_set(err, CH_ERROR_IO, "store %s is damaged: a run has %s = \"%s\"", self->path, name,
                        text == NULL ? "NULL" : (const char *)text);
}

/* The index of a word among a row's choices; the number of choices when it is none of them. */
static uint64_t find_choice(const ch_setting *row, const char *text)
{
    uint64_t index = 0;
    while (row->choice(index) != NULL && (text == NULL || strcmp(text, row->choice(index)) != 0)) {
        index++;
    }
    return index;
}

/* Reads a setting if it has a meaning for the run, which the settings before it in the table decide. A value that is
 * NULL stands for a word such as "none", whose number is 0, and SQLite reads NULL as 0. */
static ch_code read_setting(const ch_store_query *self, size_t index, ch_settings *settings, ch_error *err)
{
    const ch_setting *row = &ch_settings_table[index];
    const int column = CH_STORE_COLUMN_SETTINGS + (int)index;
    ch_value value = {.count = 0};
    if (!ch_setting_applies(settings, index)) {
        return CH_OK;
    }
    switch (row->type) {
    case CH_TYPE_REAL:
        value.real = sqlite3_column_double(self->row, column);
        break;
    case CH_TYPE_COUNT:
        value.count = (uint64_t)sqlite3_column_int64(self->row, column);
        break;
    case CH_TYPE_CHOICE: {
        const unsigned char *text = sqlite3_column_text(self->row, column);
        value.count = find_choice(row, (const char *)text);
        if (row->choice(value.count) == NULL) {
            return refuse_text(self->store, row->name, text, err);
        }
        break;
    }
    case CH_TYPE_TEXT: /* no setting of this type is stored */
        break;
    }
    ch_settings_set(settings, index, value);
    return CH_OK;
}

static ch_code read_status(const ch_store_query *self, const char *name, int column, ch_status *status, ch_error *err)
{
    const unsigned char *text = sqlite3_column_text(self->row, column);
    for (*status = CH_FITTED; text != NULL && *status < CH_NUM_STATUSES; ++*status) {
        if (strcmp((const char *)text, ch_status_name(*status)) == 0) {
            return CH_OK;
        }
    }
    return refuse_text(self->store, name, text, err);
}

/* Reads a count or a real. @param object  the ch_run or ch_point whose member it is */
static void read_number(sqlite3_stmt *statement, int column, const ch_result *row, void *object)
{
    if (row->type == CH_RESULT_COUNT) {
        ch_result_set_number(row, object, column_count(statement, column));
    } else {
        ch_result_set_real(row, object, column_real(statement, column));
    }
}

static ch_code read_result(const ch_store_query *self, size_t index, ch_run *run, ch_error *err)
{
    const ch_result row = ch_result_at(index);
    const int column = ch_store_column_results() + (int)index;
    if (row.type == CH_RESULT_STATUS) {
        return read_status(self, row.name, column, &run->status, err);
    }
    if (row.type == CH_RESULT_CAUSE) {
        run->reason = ch_cause_find((const char *)sqlite3_column_text(self->row, column));
        return CH_OK;
    }
    read_number(self->row, column, &row, run);
    return CH_OK;
}

ch_code ch_store_query_points(const ch_store_query *self, ch_error *err)
{
    const sqlite3_value *id = sqlite3_column_value(self->row, CH_STORE_COLUMN_ID);
    const int rc = sqlite3_bind_value(self->store->select_points, 1, id);
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(self->store, rc, err);
}

/* The column of each result of a point follows that of the run's id. */
static ch_point read_point(sqlite3_stmt *statement)
{
    ch_point point = {.observed = ch_observation_none()};
    for (size_t i = 0; i < ch_points_count(); i++) {
        const ch_result row = ch_point_result_at(i);
        read_number(statement, 1 + (int)i, &row, &point);
    }
    return point;
}

static ch_code append_point(ch_run *run, size_t *capacity, sqlite3_stmt *row, ch_error *err)
{
    void *items = run->points;
    if (ch_grow(&items, capacity, run->num_points + 1, sizeof *run->points) != 0) {
        return ch_error_memory(err, "a trajectory");
    }
    run->points = items;
    run->points[run->num_points++] = read_point(row);
    return CH_OK;
}

static ch_code read_points(const ch_store_query *self, ch_run *run, ch_error *err)
{
    sqlite3_stmt *points = self->store->select_points;
    size_t capacity = 0;
    bool row = false;
    ch_code code = ch_store_query_points(self, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_step(self->store, points, &row, err)) == CH_OK && row) {
        code = append_point(run, &capacity, points, err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    sqlite3_reset(points);
    return code;
}

/* Appends one row of table `layers`, whose columns are run, step, layer and weight_change. */
static ch_code append_layer(ch_run *run, size_t *count, size_t *capacity, sqlite3_stmt *row, ch_error *err)
{
    void *items = run->layer_changes;
    if (ch_grow(&items, capacity, *count + 1, sizeof *run->layer_changes) != 0) {
        return ch_error_memory(err, "a trajectory");
    }
    const size_t layer = (size_t)sqlite3_column_int64(row, 2);
    run->layer_changes = items;
    run->layer_changes[(*count)++] = column_real(row, 3);
    run->num_layers = layer >= run->num_layers ? layer + 1 : run->num_layers;
    return CH_OK;
}

/* Reads the weight changes of the layers, which come point by point and, within a point, layer by layer. Refuses a run
 * that has not as many at every point. */
static ch_code read_layers(const ch_store_query *self, ch_run *run, ch_error *err)
{
    sqlite3_stmt *layers = self->store->select_layers;
    size_t capacity = 0, count = 0;
    bool row = false;
    ch_code code = CH_OK;
    const int rc = sqlite3_bind_value(layers, 1, sqlite3_column_value(self->row, CH_STORE_COLUMN_ID));
    if (rc != SQLITE_OK) {
        code = ch_store_fail(self->store, rc, err);
        goto out;
    }
    while ((code = ch_store_step(self->store, layers, &row, err)) == CH_OK && row) {
        code = append_layer(run, &count, &capacity, layers, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    if (code != CH_OK) {
        goto out;
    }
    if (run->num_layers > 0 && count != run->num_layers * ch_run_num_looks(run)) {
        code = ch_error_set(err, CH_ERROR_IO, "store %s is damaged: a run has %zu weight changes of %zu layers",
                            self->store->path, count, run->num_layers);
    }
out:
    sqlite3_reset(layers);
    return code;
}

ch_code ch_store_query_run(const ch_store_query *self, bool points, ch_run *run, ch_error *err)
{
    memset(run, 0, sizeof *run);
    run->final = ch_observation_none();
    ch_settings_default(&run->settings);
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const ch_code code = read_setting(self, i, &run->settings, err);
        if (code != CH_OK) {
            return code;
        }
    }
    run->settings.given = 0;
    for (size_t i = 0; i < ch_results_count(); i++) {
        const ch_code code = read_result(self, i, run, err);
        if (code != CH_OK) {
            return code;
        }
    }
    run->results_version = sqlite3_column_int(self->row, ch_store_column_version() + 1);
    const unsigned char *digest = sqlite3_column_text(self->row, ch_store_column_version() + 2);
    snprintf(run->settings.data_digest, CH_SHA256_SIZE, "%s", digest != NULL ? (const char *)digest : "");
    for (char *c = run->settings.data_digest; *c != '\0'; c++) {
        *c =
            *c > ' ' && *c < 0x7F ? *c : '?'; /* it is printed in tables and figures; a digest has letters and digits */
    }
    /* NULL, of data that are no images and in stores that are older than the column, reads as 0 */
    run->settings.data_pool = (uint64_t)sqlite3_column_int64(self->row, ch_store_column_version() + 3);
    if (!points) {
        return CH_OK;
    }
    const ch_code code = read_points(self, run, err);
    if (code != CH_OK) {
        return code;
    }
    return read_layers(self, run, err);
}

/* Appends the current run to the table. */
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
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_query_next(&query, &row, err)) == CH_OK && row) {
        code = append_run(&query, points, table, err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
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
