/* export.c — the runs of a store written as CSV or JSON. */
#include "sim/store/export.h"

#include "core/text.h"
#include "sim/store/json.h"
#include "sim/store/store_private.h"

/* ---- CSV ---- */

static void write_names(sqlite3_stmt *row, FILE *out)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        fputs(i == 0 ? "" : ",", out);
        ch_csv_write(sqlite3_column_name(row, i), out);
    }
    fputc('\n', out);
}

/* @return a result code of SQLite, SQLITE_NOMEM where the text of the field could not be had */
static int write_field(sqlite3_stmt *row, int column, FILE *out)
{
    char number[32];
    const char *text = NULL;
    switch (sqlite3_column_type(row, column)) {
    case SQLITE_NULL:
        return SQLITE_OK;
    case SQLITE_INTEGER:
        fprintf(out, "%lld", sqlite3_column_int64(row, column));
        return SQLITE_OK;
    case SQLITE_FLOAT:
        ch_number_format(sqlite3_column_double(row, column), number, sizeof number);
        fputs(number, out);
        return SQLITE_OK;
    default:
        text = (const char *)sqlite3_column_text(row, column);
        if (text == NULL) {
            return SQLITE_NOMEM;
        }
        ch_csv_write(text, out);
        return SQLITE_OK;
    }
}

static ch_code write_row(const ch_store *self, sqlite3_stmt *row, FILE *out, ch_error *err)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        fputs(i == 0 ? "" : ",", out);
        const int rc = write_field(row, i, out);
        if (rc != SQLITE_OK) {
            return ch_store_fail(self, rc, err);
        }
    }
    fputc('\n', out);
    return CH_OK;
}

/* Writes the settings and results of the current run. */
static ch_code write_line(ch_store_query *query, FILE *out, ch_error *err)
{
    ch_run run;
    const ch_code code = ch_store_query_run(query, false, &run, err);
    ch_run_free(&run);
    return code == CH_OK ? write_row(query->store, query->row, out, err) : code;
}

/* Writes the trajectory of the current run, all of which is read and checked first. */
static ch_code write_points(ch_store_query *query, FILE *out, ch_error *err)
{
    sqlite3_stmt *points = query->store->select_points;
    ch_run run;
    bool row = false;
    ch_code code = ch_store_query_run(query, true, &run, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_query_points(query, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_step(query->store, points, &row, err)) == CH_OK && row) {
        code = write_row(query->store, points, out, err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    sqlite3_reset(points);
    ch_run_free(&run);
    return code;
}

/* Writes a line of names, and then each run that fulfils a condition.
 * @param names  the statement whose columns the names are; NULL: the query's */
static ch_code export_each(ch_store *self, const char *where, sqlite3_stmt *names,
                           ch_code (*write)(ch_store_query *query, FILE *out, ch_error *err), FILE *out, ch_error *err)
{
    ch_store_query query = {0};
    bool row = false;
    ch_code code = ch_store_query_init(&query, self, where, NULL, true, err);
    if (code != CH_OK) {
        goto out;
    }
    /* The first row is asked for before anything is written: a condition may fail only when it is evaluated. */
    code = ch_store_query_next(&query, &row, err);
    if (code != CH_OK) {
        goto out;
    }
    write_names(names != NULL ? names : query.row, out);
    while (row) {
        code = write(&query, out, err);
        if (code != CH_OK && !ch_store_query_leaves_out(&query, err)) {
            goto out;
        }
        code = ch_store_query_next(&query, &row, err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    ch_store_query_free(&query);
    return code;
}

ch_code ch_store_export_csv(ch_store *self, const char *where, FILE *out, ch_error *err)
{
    return export_each(self, where, NULL, write_line, out, err);
}

ch_code ch_store_export_points(ch_store *self, const char *where, FILE *out, ch_error *err)
{
    return export_each(self, where, self->select_points, write_points, out, err);
}

/* ---- JSON ---- */

/* Adds to the object of a run who made it: its id and both versions, of the program and of the results.
 * @return 0, or -1 when memory is short */
static int set_origin(json_t *object, const ch_store_query *query)
{
    const int version = ch_store_column_version();
    const char *id = (const char *)sqlite3_column_text(query->row, CH_STORE_COLUMN_ID);
    const char *made_by = (const char *)sqlite3_column_text(query->row, version);
    const sqlite3_int64 results_version = sqlite3_column_int64(query->row, version + 1);
    if (json_object_set_new(object, "id", ch_json_text(id)) != 0 ||
        json_object_set_new(object, "version", ch_json_text(made_by)) != 0) {
        return -1;
    }
    return json_object_set_new(object, "results_version", json_integer(results_version));
}

/* Writes `before` and then the current run. A damaged run is noticed before anything is written. */
static ch_code write_run(ch_store_query *query, const char *before, FILE *out, ch_error *err)
{
    ch_run run;
    json_t *object = NULL;
    ch_code code = ch_store_query_run(query, true, &run, err);
    if (code != CH_OK) {
        goto out;
    }
    object = ch_json_run(&run);
    if (object == NULL || set_origin(object, query) != 0) {
        code = ch_error_memory(err, "the JSON of a run");
        goto out;
    }
    fputs(before, out);
    code = ch_json_write(object, JSON_COMPACT, out, err);
out:
    json_decref(object);
    ch_run_free(&run);
    return code;
}

ch_code ch_store_export_json(ch_store *self, const char *where, FILE *out, ch_error *err)
{
    ch_store_query query = {0};
    const char *before = "[\n";
    bool row = false;
    ch_code code = ch_store_query_init(&query, self, where, NULL, true, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_query_next(&query, &row, err)) == CH_OK && row) {
        code = write_run(&query, before, out, err);
        if (code == CH_OK) {
            before = ",\n";
        } else if (!ch_store_query_leaves_out(&query, err)) {
            goto out;
        }
    }
    if (code == CH_OK) {
        fputs(*before == '[' ? "[]\n" : "\n]\n", out);
    }
out:
    ch_store_query_free(&query);
    return code;
}
