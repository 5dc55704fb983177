/* summary.c — what is in a store, as one JSON object. */
#include "sim/store/summary.h"

#include "core/memory.h"
#include "sim/settings/reals.h"
#include "sim/store/machines.h"
#include "sim/store/totals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static ch_code out_of_memory(ch_error *err)
{
    return ch_error_memory(err, "the summary of a store");
}

/* ---- points of runs that are not damaged ---- */

/* The function of SQL by which points of damaged runs are left out. */
#define LEFT_OUT "left_out"

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* left_out(id): whether the run with this id is damaged. A run whose id is no text always is. */
static void tell_left_out(sqlite3_context *context, int count, sqlite3_value **values)
{
    const ch_id_list *damaged = sqlite3_user_data(context);
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
    /* the list is empty where only runs are damaged whose ids are no texts */
    const bool is_listed =
        damaged->count > 0 && bsearch(&id, damaged->ids, damaged->count, sizeof *damaged->ids, compare_ids) != NULL;
    sqlite3_result_int(context, is_listed);
}

/* Counts the points of all runs but the damaged ones. */
static ch_code count_points(ch_totals *totals, const ch_store *store, ch_error *err)
{
    ch_id_list *damaged = &totals->damaged;
    if (store->num_damaged == 0) {
        return ch_store_count(store, "SELECT count(*) FROM points", &totals->points, err);
    }
    if (damaged->count > 1) {
        qsort(damaged->ids, damaged->count, sizeof *damaged->ids, compare_ids);
    }
    const int rc = sqlite3_create_function_v2(store->db, LEFT_OUT, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, damaged,
                                              tell_left_out, NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        return ch_store_fail(store, rc, err);
    }
    const ch_code code =
        ch_store_count(store, "SELECT count(*) FROM points WHERE NOT " LEFT_OUT "(run)", &totals->points, err);
    sqlite3_create_function_v2(store->db, LEFT_OUT, 1, SQLITE_UTF8, NULL, NULL, NULL, NULL, NULL); /* it is forgotten */
    return code;
}

/* ---- the summary ---- */

/* @return a new reference; NULL when memory is short */
static json_t *value_json(const ch_tally_value *value)
{
    switch (value->type) {
    case SQLITE_INTEGER:
        return json_integer(value->integer);
    case SQLITE_FLOAT:
        return isfinite(value->real) ? json_real(value->real) : json_null();
    case SQLITE_NULL:
        return json_null();
    default:
        return json_string(value->text);
    }
}

/* object[key] = value, of which a reference is taken over; NULL is taken for a lack of memory. */
static ch_code add(json_t *object, const char *key, json_t *value, ch_error *err)
{
    return json_object_set_new(object, key, value) == 0 ? CH_OK : out_of_memory(err);
}

/* object[key] = the distinct values of a column, ascending */
static ch_code add_values(json_t *object, const char *key, ch_tally *tally, ch_error *err)
{
    json_t *values = json_array();
    const ch_code code = add(object, key, values, err);
    if (code != CH_OK) {
        return code;
    }
    ch_tally_sort(tally);
    for (size_t i = 0; i < tally->count; i++) {
        if (json_array_append_new(values, value_json(&tally->values[i])) != 0) {
            return out_of_memory(err);
        }
    }
    return CH_OK;
}

/* How many runs have ended in each way. */
static ch_code add_statuses(const ch_totals *totals, json_t *summary, ch_error *err)
{
    json_t *counts = json_object();
    ch_code code = add(summary, "status", counts, err);
    for (ch_status status = CH_FITTED; code == CH_OK && status < CH_NUM_STATUSES; status++) {
        code = add(counts, ch_status_name(status), json_integer((json_int_t)totals->status[status]), err);
    }
    return code;
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
static ch_code add_digests(ch_totals *totals, json_t *summary, ch_error *err)
{
    json_t *all = json_object();
    ch_code code = add(summary, "data_digest", all, err);
    ch_tally_sort(&totals->digests);
    for (size_t i = 0; code == CH_OK && i < totals->digests.count; i++) {
        const ch_tally_value *value = &totals->digests.values[i];
        char data[64];
        const char *end = strchr(value->text, '\n'); /* the name of the data is before it, the digest behind it */
        snprintf(data, sizeof data, "%.*s", end != NULL ? (int)(end - value->text) : 0, value->text);
        json_t *digests = json_object_get(all, data);
        if (digests == NULL) {
            digests = json_object();
            code = add(all, data, digests, err);
        }
        if (code == CH_OK) {
            code = add(digests, end != NULL ? end + 1 : value->text, json_integer((json_int_t)value->count), err);
        }
    }
    return code;
}

/* A table of SQL that has the numbers of machines and how many runs each has. @return NULL when memory is short */
static char *machines_sql(const ch_tally *machines)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    if (machines->count == 0) {
        sqlite3_str_appendall(sql, "(SELECT NULL AS number, 0 AS count WHERE 0)");
        return sqlite3_str_finish(sql);
    }
    sqlite3_str_appendall(sql, "(SELECT column1 AS number, column2 AS count FROM (VALUES ");
    for (size_t i = 0; i < machines->count; i++) {
        const ch_tally_value *value = &machines->values[i];
        sqlite3_str_appendall(sql, i == 0 ? "(" : ", (");
        if (value->type == SQLITE_INTEGER) {
            sqlite3_str_appendf(sql, "%lld", (long long)value->integer);
        } else {
            sqlite3_str_appendall(sql, "NULL");
        }
        sqlite3_str_appendf(sql, ", %lld)", (long long)value->count);
    }
    sqlite3_str_appendall(sql, "))");
    return sqlite3_str_finish(sql);
}

static ch_code add_machines(const ch_store *store, const ch_totals *totals, json_t *summary, ch_error *err)
{
    json_t *machines = NULL;
    char *sql = machines_sql(&totals->machine);
    const ch_code code = sql != NULL ? ch_machines_list(store, sql, &machines, err) : out_of_memory(err);
    sqlite3_free(sql);
    return code == CH_OK ? add(summary, "machines", machines, err) : code;
}

static ch_code add_settings(ch_totals *totals, json_t *summary, ch_error *err)
{
    json_t *settings = json_object();
    ch_code code = add(summary, "settings", settings, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const char *name = ch_settings_table[i].name;
        code = add_values(settings, name, &totals->settings[i], err);
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
static ch_code fill(const ch_store *store, ch_totals *totals, json_t *summary, ch_error *err)
{
    uint64_t failed = 0;
    ch_code code = ch_store_count(store, "SELECT count(*) FROM failures", &failed, err);
    if (code != CH_OK) {
        return code;
    }
    code = add(summary, "runs", json_integer((json_int_t)totals->runs), err);
    if (code != CH_OK) {
        return code;
    }
    code = add_statuses(totals, summary, err);
    if (code != CH_OK) {
        return code;
    }
    code = add(summary, "failed", json_integer((json_int_t)failed), err);
    if (code != CH_OK) {
        return code;
    }
    /* a sum of seconds may be infinite */
    code = add(summary, "seconds", isfinite(totals->seconds) ? json_real(totals->seconds) : json_null(), err);
    if (code != CH_OK) {
        return code;
    }
    code = add(summary, "points", json_integer((json_int_t)totals->points), err);
    if (code != CH_OK) {
        return code;
    }
    code = add_values(summary, "version", &totals->version, err);
    if (code != CH_OK) {
        return code;
    }
    code = add_values(summary, "results_version", &totals->results_version, err);
    if (code != CH_OK) {
        return code;
    }
    code = add_machines(store, totals, summary, err);
    if (code != CH_OK) {
        return code;
    }
    code = add_digests(totals, summary, err);
    if (code != CH_OK) {
        return code;
    }
    return add_settings(totals, summary, err);
}

ch_code ch_store_summarise(ch_store *self, json_t **summary, ch_error *err)
{
    ch_totals totals = {0};
    bool has_points = false;
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
    code = ch_totals_init(&totals, self, &has_points, err);
    if (code != CH_OK) {
        goto out;
    }
    code = has_points ? CH_OK : count_points(&totals, self, err);
    if (code != CH_OK) {
        goto out;
    }
    code = fill(self, &totals, *summary, err);
out:
    ch_totals_free(&totals);
    if (code != CH_OK) {
        json_decref(*summary);
        *summary = NULL;
    }
    return code;
}

ch_code ch_store_keep_summary(ch_store *self, ch_error *err)
{
    return ch_totals_keep(self, CH_TOTALS_FEW, err);
}
