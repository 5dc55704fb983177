/* cmd_export.c — `chiton export`: every run of a store a row of CSV, or an object of JSON. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "core/text.h"
#include "sim/store/store_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int csv, json, points;
    char *where; /* popt's copy: owned */
} export_options;

/* ---- CSV as in RFC 4180, with lines ended by a newline; NULL is an empty field ---- */

static void print_text(const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (const char *c = text; *c != '\0'; c++) {
        fputs(*c == '"' ? "\"\"" : (const char[]){*c, '\0'}, stdout);
    }
    putchar('"');
}

static void print_names(sqlite3_stmt *row)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        fputs(i == 0 ? "" : ",", stdout);
        print_text(sqlite3_column_name(row, i));
    }
    putchar('\n');
}

static void print_field(sqlite3_stmt *row, int column)
{
    char number[32];
    switch (sqlite3_column_type(row, column)) {
    case SQLITE_NULL:
        break;
    case SQLITE_INTEGER:
        printf("%lld", sqlite3_column_int64(row, column));
        break;
    case SQLITE_FLOAT:
        ch_number_format(sqlite3_column_double(row, column), number, sizeof number);
        fputs(number, stdout);
        break;
    default:
        print_text((const char *)sqlite3_column_text(row, column));
    }
}

static void print_row(sqlite3_stmt *row)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        fputs(i == 0 ? "" : ",", stdout);
        print_field(row, i);
    }
    putchar('\n');
}

static ch_code export_csv(ch_store_query *query, ch_error *err)
{
    bool row = false;
    /* the first row before anything is printed: a condition may fail only when it is evaluated */
    ch_code code = ch_store_query_next(query, &row, err);
    if (code == CH_OK) {
        print_names(query->row);
    }
    while (code == CH_OK && row) {
        print_row(query->row);
        code = ch_store_query_next(query, &row, err);
    }
    return code;
}

/* ---- CSV of trajectories: a row a point, runs in the order of their settings ---- */

static ch_code print_points(const ch_store_query *query, ch_error *err)
{
    bool row = false;
    ch_code code = ch_store_query_points(query, err);
    sqlite3_stmt *points = query->store->select_points;
    while (code == CH_OK && (code = ch_store_step(query->store, points, &row, err)) == CH_OK && row) {
        print_row(points);
    }
    sqlite3_reset(points);
    return code;
}

static ch_code export_points(ch_store_query *query, ch_error *err)
{
    bool row = false;
    ch_code code = ch_store_query_next(query, &row, err);
    if (code == CH_OK) {
        print_names(query->store->select_points);
    }
    while (code == CH_OK && row) {
        code = print_points(query, err);
        if (code == CH_OK) {
            code = ch_store_query_next(query, &row, err);
        }
    }
    return code;
}

/* ---- JSON ---- */

/* The current run as `chiton run --json` prints it, but with its id, and the versions that made it. */
static json_t *run_json(const ch_store_query *query, const ch_run *run)
{
    const int version = ch_store_column_version();
    const char *id = (const char *)sqlite3_column_text(query->row, CH_STORE_COLUMN_ID);
    const char *made_by = (const char *)sqlite3_column_text(query->row, version);
    json_t *object = ch_json_run(run);
    if (json_object_set_new(object, "id", json_string(id)) != 0 ||
        json_object_set_new(object, "version", json_string(made_by)) != 0 ||
        json_object_set_new(object, "results_version", json_integer(sqlite3_column_int64(query->row, version + 1))) !=
            0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static ch_code print_run(const ch_store_query *query, const char *before, ch_error *err)
{
    ch_run run;
    json_t *object = NULL;
    ch_code code = ch_store_query_run(query, true, &run, err);
    if (code == CH_OK) {
        object = run_json(query, &run);
        code = object == NULL ? ch_error_memory(err, "the JSON of a run") : CH_OK;
    }
    if (code == CH_OK) {
        fputs(before, stdout);
        /* a failure to write shows when the output is flushed */
        (void)json_dumpf(object, stdout, JSON_COMPACT);
    }
    json_decref(object);
    ch_run_free(&run);
    return code;
}

static ch_code export_json(ch_store_query *query, ch_error *err)
{
    const char *before = "[\n";
    bool row = false;
    ch_code code = CH_OK;
    while (code == CH_OK && (code = ch_store_query_next(query, &row, err)) == CH_OK && row) {
        code = print_run(query, before, err);
        before = ",\n";
    }
    if (code == CH_OK) {
        puts(*before == '[' ? "[]" : "\n]");
    }
    return code;
}

/* ---- the command ---- */

static ch_code export_store(const char *path, const export_options *options, ch_error *err)
{
    ch_store store;
    ch_store_query query = {0};
    ch_code code = ch_store_open(&store, path, CH_STORE_READ, err);
    if (code == CH_OK) {
        code = ch_store_query_init(&query, &store, options->where, err);
    }
    if (code == CH_OK) {
        code = options->json     ? export_json(&query, err)
               : options->points ? export_points(&query, err)
                                 : export_csv(&query, err);
    }
    ch_store_query_free(&query);
    ch_store_close(&store);
    return code == CH_OK ? ch_cli_flush(err) : code;
}

static ch_code check(const ch_cli *cli, const export_options *options, ch_error *err)
{
    if (cli->num_arguments != 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "export takes one store, but %zu are given", cli->num_arguments);
    }
    if (options->json && (options->csv || options->points)) {
        return ch_error_set(err, CH_ERROR_INPUT, "--json is given with %s; accepted is one of them%s",
                            options->csv ? "--csv" : "--points",
                            options->csv ? "" : ", since JSON has the trajectories");
    }
    return CH_OK;
}

int ch_cmd_export(int argc, const char **argv)
{
    export_options chosen = {0};
    const struct poptOption options[] = {
        {"csv", '\0', POPT_ARG_NONE, &chosen.csv, 0, "a row a run (the default)", NULL},
        {"json", '\0', POPT_ARG_NONE, &chosen.json, 0, "one array, an object a run, as `chiton run --json`", NULL},
        {"points", '\0', POPT_ARG_NONE, &chosen.points, 0, "the trajectories as CSV, a row a point", NULL},
        {"where", '\0', POPT_ARG_STRING, &chosen.where, 0, "only runs that fulfil an SQL condition over the columns",
         "EXPR"},
        POPT_TABLEEND};
    ch_error err = {0};
    ch_cli cli;
    ch_code code =
        ch_cli_init(&cli, argc, argv, options, false, "export STORE [--csv|--json|--points] [--where EXPR]", &err);
    if (code == CH_OK && !cli.help) {
        code = check(&cli, &chosen, &err);
    }
    if (code == CH_OK && !cli.help) {
        code = export_store(cli.arguments[0], &chosen, &err);
    }
    ch_cli_free(&cli);
    free(chosen.where);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
