/* cmd_list.c — `chiton list`: what is in a store. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "core/text.h"
#include "sim/store/store_private.h"

#include <stdio.h>
#include <string.h>

/* ---- gathering: one JSON object, which is printed as it is or as a table ---- */

/* Numbers of a store are finite here: settings, counts, sums of seconds. */
static json_t *column_json(sqlite3_stmt *row, int column)
{
    switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
        return json_integer(sqlite3_column_int64(row, column));
    case SQLITE_FLOAT:
        return json_real(sqlite3_column_double(row, column));
    case SQLITE_NULL:
        return json_null();
    default:
        return json_string((const char *)sqlite3_column_text(row, column));
    }
}

/* Appends the first column of every row of a query to an array; takes `sql`. */
static ch_code append_rows(const ch_store *store, char *sql, json_t *array, ch_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    ch_code code = ch_store_prepare(store, sql, &statement, err);
    while (code == CH_OK && (code = ch_store_step(store, statement, &row, err)) == CH_OK && row) {
        if (json_array_append_new(array, column_json(statement, 0)) != 0) {
            code = ch_error_memory(err, "the summary of a store");
        }
    }
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return code;
}

/* summary[key] = the distinct values of a column, ascending */
static ch_code add_values(const ch_store *store, json_t *summary, const char *key, const char *column, ch_error *err)
{
    json_t *values = json_array();
    if (json_object_set_new(summary, key, values) != 0) {
        return ch_error_memory(err, "the summary of a store");
    }
    return append_rows(store, sqlite3_mprintf("SELECT DISTINCT \"%w\" FROM runs ORDER BY 1", column), values, err);
}

/* summary[key] = the one value of a query; takes `sql` */
static ch_code add_value(const ch_store *store, json_t *summary, const char *key, char *sql, ch_error *err)
{
    json_t *values = json_array();
    ch_code code = append_rows(store, sql, values, err);
    if (code == CH_OK && json_object_set(summary, key, json_array_get(values, 0)) != 0) {
        code = ch_error_memory(err, "the summary of a store");
    }
    json_decref(values);
    return code;
}

static ch_code add_statuses(const ch_store *store, json_t *summary, ch_error *err)
{
    static const ch_status statuses[] = {CH_FITTED, CH_BUDGET, CH_DIVERGED};
    ch_code code = CH_OK;
    json_t *counts = json_object();
    if (json_object_set_new(summary, "status", counts) != 0) {
        return ch_error_memory(err, "the summary of a store");
    }
    for (size_t i = 0; code == CH_OK && i < sizeof statuses / sizeof *statuses; i++) {
        const char *name = ch_status_name(statuses[i]);
        code =
            add_value(store, counts, name, sqlite3_mprintf("SELECT count(*) FROM runs WHERE status = %Q", name), err);
    }
    return code;
}

static ch_code add_settings(const ch_store *store, json_t *summary, ch_error *err)
{
    ch_code code = CH_OK;
    json_t *settings = json_object();
    if (json_object_set_new(summary, "settings", settings) != 0) {
        return ch_error_memory(err, "the summary of a store");
    }
    for (size_t i = 0; code == CH_OK && i < CH_SETTINGS_STORED; i++) {
        code = add_values(store, settings, ch_settings_table[i].name, ch_settings_table[i].name, err);
    }
    return code;
}

/* {"runs": n, "status": {name: n, …}, "seconds": sum, "points": n, "version": […], "results_version": […],
 *  "settings": {name: [distinct values], …}} */
static ch_code summarise(const ch_store *store, json_t *summary, ch_error *err)
{
    ch_code code = add_value(store, summary, "runs", sqlite3_mprintf("SELECT count(*) FROM runs"), err);
    if (code == CH_OK) {
        code = add_statuses(store, summary, err);
    }
    if (code == CH_OK) {
        code = add_value(store, summary, "seconds", sqlite3_mprintf("SELECT total(seconds) FROM runs"), err);
    }
    if (code == CH_OK) {
        code = add_value(store, summary, "points", sqlite3_mprintf("SELECT count(*) FROM points"), err);
    }
    if (code == CH_OK) {
        code = add_values(store, summary, "version", "version", err);
    }
    if (code == CH_OK) {
        code = add_values(store, summary, "results_version", "results_version", err);
    }
    return code == CH_OK ? add_settings(store, summary, err) : code;
}

/* ---- the table ---- */

enum { SHOWN_VALUES = 6 }; /* longer lists are abbreviated to their ends */

static void print_value(const json_t *value, const ch_setting *row)
{
    char text[32];
    if (json_is_string(value)) {
        fputs(json_string_value(value), stdout);
    } else if (json_is_null(value)) {
        fputs(row != NULL && row->word != NULL ? row->word : "none", stdout);
    } else if (json_is_integer(value)) {
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else {
        ch_number_format(json_real_value(value), text, sizeof text);
        fputs(text, stdout);
    }
}

/* One line: `name  value, value`, or `name  first … last (18 values)`. */
static void print_values(const char *name, const json_t *values, const ch_setting *row)
{
    const size_t count = json_array_size(values);
    printf("%-16s", name);
    if (count <= SHOWN_VALUES) {
        for (size_t i = 0; i < count; i++) {
            fputs(i == 0 ? "" : ", ", stdout);
            print_value(json_array_get(values, i), row);
        }
        putchar('\n');
        return;
    }
    print_value(json_array_get(values, 0), row);
    fputs(" … ", stdout);
    print_value(json_array_get(values, count - 1), row);
    printf(" (%zu values)\n", count);
}

static void print_count(const char *name, const json_t *count)
{
    printf("%-16s%" JSON_INTEGER_FORMAT "\n", name, json_integer_value(count));
}

static void print_summary(json_t *summary)
{
    const char *status = NULL;
    json_t *count = NULL;
    print_count("runs", json_object_get(summary, "runs"));
    json_object_foreach(json_object_get(summary, "status"), status, count)
    {
        print_count(status, count);
    }
    printf("%-16s%.3g\n", "seconds", json_real_value(json_object_get(summary, "seconds")));
    print_count("points", json_object_get(summary, "points"));
    if (json_integer_value(json_object_get(summary, "runs")) == 0) {
        return;
    }
    print_values("version", json_object_get(summary, "version"), NULL);
    print_values("results_version", json_object_get(summary, "results_version"), NULL);
    putchar('\n');
    const json_t *settings = json_object_get(summary, "settings");
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const ch_setting *row = &ch_settings_table[i];
        const json_t *values = json_object_get(settings, row->name);
        const bool applies = json_array_size(values) > 1 || !json_is_null(json_array_get(values, 0)) ||
                             row->word != NULL; /* a word is stored as NULL, and so is what has no meaning */
        if (applies) {
            print_values(row->name, values, row);
        }
    }
}

/* ---- the command ---- */

/* One read transaction, so that a sweep under way does not change the store between queries. */
static ch_code summarise_at_once(const char *path, json_t *summary, ch_error *err)
{
    ch_store store;
    ch_code code = ch_store_open(&store, path, CH_STORE_READ, err);
    if (code == CH_OK) {
        const int rc = sqlite3_exec(store.db, "BEGIN", NULL, NULL, NULL);
        code = rc == SQLITE_OK ? summarise(&store, summary, err) : ch_store_fail(&store, rc, err);
    }
    ch_store_close(&store);
    return code;
}

static ch_code list(const char *path, bool json, ch_error *err)
{
    json_t *summary = json_object();
    ch_code code = summary == NULL ? ch_error_memory(err, "the summary of a store") : CH_OK;
    if (code == CH_OK) {
        code = summarise_at_once(path, summary, err);
    }
    if (code == CH_OK && json) {
        code = ch_cli_print_json(summary, err);
    } else if (code == CH_OK) {
        print_summary(summary);
        code = ch_cli_flush(err);
    }
    json_decref(summary);
    return code;
}

int ch_cmd_list(int argc, const char **argv)
{
    int json = 0;
    const struct poptOption options[] = {
        {"json", '\0', POPT_ARG_NONE, &json, 0, "one JSON object, with all values of every setting", NULL},
        POPT_TABLEEND};
    ch_error err = {0};
    ch_cli cli;
    ch_code code = ch_cli_init(&cli, argc, argv, options, false, "list STORE [--json]", &err);
    if (code == CH_OK && !cli.help && cli.num_arguments != 1) {
        code = ch_error_set(&err, CH_ERROR_INPUT, "list takes one store, but %zu are given", cli.num_arguments);
    }
    if (code == CH_OK && !cli.help) {
        code = list(cli.arguments[0], json != 0, &err);
    }
    ch_cli_free(&cli);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
