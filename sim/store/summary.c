/* summary.c — what is in a store, as one JSON object. */
#include "sim/store/summary.h"

#include "core/memory.h"
#include "sim/settings/reals.h"
#include "sim/store/machines.h"
#include "sim/store/store_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static ch_code out_of_memory(ch_error *err)
{
    return ch_error_memory(err, "the summary of a store");
}

/* ---- damaged runs ---- */

/* The function of SQL by which a summary leaves damaged runs out. */
#define LEFT_OUT "left_out"

/* The ids of damaged runs. */
typedef struct {
    char **ids; /* [count], ascending; owned, as is each of them */
    size_t count, capacity;
} damaged_runs;

/* SQLite calls this when it forgets the function. */
static void free_damaged(void *list)
{
    damaged_runs *self = list;
    for (size_t i = 0; i < self->count; i++) {
        free(self->ids[i]);
    }
    free(self->ids);
    free(self);
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* left_out(id): whether the run with this id is damaged. A run whose id is no text always is. */
static void tell_left_out(sqlite3_context *context, int count, sqlite3_value **values)
{
    const damaged_runs *self = sqlite3_user_data(context);
    (void)count;
    if (sqlite3_value_type(values[0]) != SQLITE_TEXT) {
        sqlite3_result_int(context, 1);
        return;
    }
    const char *id = (const char *)sqlite3_value_text(values[0]);
    if (id == NULL) {
        sqlite3_result_error_nomem(context);
        return;
    }
    /* the list is empty where damage was found elsewhere, or in runs whose ids are no texts */
    const bool is_listed =
        self->count > 0 && bsearch(&id, self->ids, self->count, sizeof *self->ids, compare_ids) != NULL;
    sqlite3_result_int(context, is_listed);
}

static ch_code add_damaged(damaged_runs *self, const char *id, ch_error *err)
{
    void *ids = self->ids;
    if (id == NULL || ch_grow(&ids, &self->capacity, self->count + 1, sizeof *self->ids) != 0) {
        return out_of_memory(err);
    }
    self->ids = ids;
    self->ids[self->count] = strdup(id);
    if (self->ids[self->count] == NULL) {
        return out_of_memory(err);
    }
    self->count++;
    return CH_OK;
}

/* Reads all runs, and lists those that are damaged where the store leaves them out. */
static ch_code find_damaged(damaged_runs *self, ch_store *store, ch_error *err)
{
    ch_store_query query;
    bool row = false;
    ch_code code = ch_store_query_all(&query, store, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_query_next(&query, &row, err)) == CH_OK && row) {
        ch_run run;
        code = ch_store_query_run(&query, false, &run, err);
        ch_run_free(&run);
        if (code == CH_OK) {
            continue;
        }
        if (!ch_store_query_leaves_out(&query, err)) {
            goto out;
        }
        if (sqlite3_column_type(query.row, CH_STORE_COLUMN_ID) != SQLITE_TEXT) {
            continue;
        }
        code = add_damaged(self, (const char *)sqlite3_column_text(query.row, CH_STORE_COLUMN_ID), err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    ch_store_query_free(&query);
    return code;
}

/* Checks every run, and makes left_out(id) tell which are damaged. */
static ch_code look_for_damage(ch_store *store, ch_error *err)
{
    damaged_runs *list = ch_alloc(1, sizeof *list);
    if (list == NULL) {
        return out_of_memory(err);
    }
    const ch_code code = find_damaged(list, store, err);
    if (code != CH_OK) {
        free_damaged(list);
        return code;
    }
    if (list->count > 1) {
        qsort(list->ids, list->count, sizeof *list->ids, compare_ids);
    }
    const int rc = sqlite3_create_function_v2(store->db, LEFT_OUT, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, list,
                                              tell_left_out, NULL, NULL, free_damaged);
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(store, rc, err);
}

/* The runs that are summed up, as they follow FROM. */
static const char *whole_runs(const ch_store *store)
{
    return store->num_damaged == 0 ? "runs" : "(SELECT * FROM runs WHERE NOT " LEFT_OUT "(id))";
}

/* ---- the summary ---- */

/* A column of a row.
 * @return a new reference; NULL when memory is short */
static json_t *column_json(sqlite3_stmt *row, int column)
{
    switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
        return json_integer(sqlite3_column_int64(row, column));
    case SQLITE_FLOAT: { /* a sum of seconds may be infinite */
        const double value = sqlite3_column_double(row, column);
        return isfinite(value) ? json_real(value) : json_null();
    }
    case SQLITE_NULL:
        return json_null();
    default:
        return json_string((const char *)sqlite3_column_text(row, column));
    }
}

/* Appends the first column of every row of a query to an array. Releases `sql`. */
static ch_code append_rows(const ch_store *store, char *sql, json_t *array, ch_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    ch_code code = ch_store_prepare(store, sql, &statement, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_step(store, statement, &row, err)) == CH_OK && row) {
        if (json_array_append_new(array, column_json(statement, 0)) != 0) {
            code = out_of_memory(err);
            goto out;
        }
    }
out:
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return code;
}

/* object[key] = the distinct values of a column, ascending */
static ch_code add_values(const ch_store *store, json_t *object, const char *key, const char *column, ch_error *err)
{
    json_t *values = json_array();
    if (json_object_set_new(object, key, values) != 0) {
        return out_of_memory(err);
    }
    return append_rows(store, sqlite3_mprintf("SELECT DISTINCT \"%w\" FROM %s ORDER BY 1", column, whole_runs(store)),
                       values, err);
}

/* object[key] = the one value that a query gives. Releases `sql`. */
static ch_code add_value(const ch_store *store, json_t *object, const char *key, char *sql, ch_error *err)
{
    json_t *values = json_array();
    ch_code code = append_rows(store, sql, values, err);
    if (code != CH_OK) {
        goto out;
    }
    if (json_object_set(object, key, json_array_get(values, 0)) != 0) {
        code = out_of_memory(err);
    }
out:
    json_decref(values);
    return code;
}

/* How many runs have ended in each way. */
static ch_code add_statuses(const ch_store *store, json_t *summary, ch_error *err)
{
    json_t *counts = json_object();
    if (json_object_set_new(summary, "status", counts) != 0) {
        return out_of_memory(err);
    }
    for (ch_status status = CH_FITTED; status < CH_NUM_STATUSES; status++) {
        const char *name = ch_status_name(status);
        char *sql = sqlite3_mprintf("SELECT count(*) FROM %s WHERE status = %Q", whole_runs(store), name);
        const ch_code code = add_value(store, counts, name, sql, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* Makes one of reals that are one value. The nulls stay as they are.
 * @param values  the distinct values of a column, ascending, null first */
static ch_code unite(json_t *values, ch_error *err)
{
    const size_t count = json_array_size(values);
    ch_code code = CH_OK;
    double *numbers = ch_alloc(count, sizeof *numbers), **reals = ch_alloc(count, sizeof *reals);
    if (numbers == NULL || reals == NULL) {
        code = out_of_memory(err);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(values, i);
        numbers[i] = json_is_number(value) ? json_number_value(value) : NAN;
        reals[i] = &numbers[i];
    }
    ch_reals_unite(reals, count);
    for (size_t i = count; i-- > 0;) { /* ascending still; NaN, for null, is equal to nothing */
        const bool is_repeat = i > 0 && numbers[i] == numbers[i - 1];
        if (is_repeat && json_array_remove(values, i) != 0) {
            code = out_of_memory(err);
            goto out;
        }
        if (!is_repeat && isfinite(numbers[i]) && json_array_set_new(values, i, json_real(numbers[i])) != 0) {
            code = out_of_memory(err);
            goto out;
        }
    }
out:
    free(numbers);
    free(reals);
    return code;
}

/* summary["data_digest"] = {NAME OF THE DATA: {DIGEST: number of runs, ...}, ...} for data that are images. */
static ch_code add_digests(const ch_store *store, json_t *summary, ch_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    json_t *all = json_object();
    if (json_object_set_new(summary, "data_digest", all) != 0) {
        return out_of_memory(err);
    }
    char *sql = sqlite3_mprintf("SELECT data, data_digest, count(*) FROM %s WHERE data_digest IS NOT NULL"
                                " GROUP BY 1, 2 ORDER BY 1, 2",
                                whole_runs(store));
    ch_code code = ch_store_prepare(store, sql, &statement, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_step(store, statement, &row, err)) == CH_OK && row) {
        const char *data = (const char *)sqlite3_column_text(statement, 0);
        const char *digest = (const char *)sqlite3_column_text(statement, 1);
        json_t *digests = data == NULL ? NULL : json_object_get(all, data);
        if (data != NULL && digests == NULL) {
            digests = json_object();
            if (json_object_set_new(all, data, digests) != 0) {
                code = out_of_memory(err);
                goto out;
            }
        }
        if (digest == NULL || json_object_set_new(digests, digest, column_json(statement, 2)) != 0) {
            code = out_of_memory(err);
            goto out;
        }
    }
out:
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return code;
}

static ch_code add_settings(const ch_store *store, json_t *summary, ch_error *err)
{
    json_t *settings = json_object();
    if (json_object_set_new(summary, "settings", settings) != 0) {
        return out_of_memory(err);
    }
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const char *name = ch_settings_table[i].name;
        ch_code code = add_values(store, settings, name, name, err);
        if (code != CH_OK) {
            return code;
        }
        if (ch_settings_table[i].type == CH_TYPE_REAL) {
            code = unite(json_object_get(settings, name), err);
            if (code != CH_OK) {
                return code;
            }
        }
    }
    return CH_OK;
}

/* Fills the object in the order of its keys. */
static ch_code fill(const ch_store *store, json_t *summary, ch_error *err)
{
    const char *runs = whole_runs(store);
    json_t *machines = NULL;
    const char *whose = store->num_damaged > 0 ? " WHERE NOT " LEFT_OUT "(run)" : "";
    ch_code code = add_value(store, summary, "runs", sqlite3_mprintf("SELECT count(*) FROM %s", runs), err);
    if (code != CH_OK) {
        return code;
    }
    code = add_statuses(store, summary, err);
    if (code != CH_OK) {
        return code;
    }
    code = add_value(store, summary, "failed", sqlite3_mprintf("SELECT count(*) FROM failures"), err);
    if (code != CH_OK) {
        return code;
    }
    code = add_value(store, summary, "seconds", sqlite3_mprintf("SELECT total(seconds) FROM %s", runs), err);
    if (code != CH_OK) {
        return code;
    }
    code = add_value(store, summary, "points", sqlite3_mprintf("SELECT count(*) FROM points%s", whose), err);
    if (code != CH_OK) {
        return code;
    }
    code = add_values(store, summary, "version", "version", err);
    if (code != CH_OK) {
        return code;
    }
    code = add_values(store, summary, "results_version", "results_version", err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_machines_list(store, runs, &machines, err);
    if (code != CH_OK) {
        return code;
    }
    if (json_object_set_new(summary, "machines", machines) != 0) {
        return out_of_memory(err);
    }
    code = add_digests(store, summary, err);
    if (code != CH_OK) {
        return code;
    }
    return add_settings(store, summary, err);
}

ch_code ch_store_summarise(ch_store *self, json_t **summary, ch_error *err)
{
    ch_code code = CH_OK;
    *summary = json_object();
    if (*summary == NULL) {
        return out_of_memory(err);
    }
    const int rc = sqlite3_exec(self->db, "BEGIN", NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        code = ch_store_fail(self, rc, err);
        goto out;
    }
    code = look_for_damage(self, err);
    if (code != CH_OK) {
        goto out;
    }
    code = fill(self, *summary, err);
out:
    if (code != CH_OK) {
        json_decref(*summary);
        *summary = NULL;
    }
    return code;
}
