/* machines.c — the machines of a store: copied into another, listed and put into words. */
#include "sim/store/machines.h"

#include "sim/store/json.h"
#include "sim/store/machine.h"
#include "sim/store/schema.h"
#include "sim/store/store_private.h"
#include "sim/store/summary.h"

#include <stdio.h>

/* What the row of a machine that is there gets: the most threads that any sweep used. */
#define CH_MACHINE_CONFLICT                                                                                            \
    " ON CONFLICT (machine) DO UPDATE SET threads = excluded.threads WHERE excluded.threads > threads"

static ch_code prepare_insert(const ch_store *store, sqlite3_stmt **insert, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    char *sql = ch_store_insert_sql(&schema.tables[CH_STORE_MACHINES], CH_MACHINE_CONFLICT);
    const ch_code code = ch_store_prepare(store, sql, insert, err);
    sqlite3_free(sql);
    return code;
}

/* Whether the cells of a row are those of a machine. */
static bool is_machine(sqlite3_stmt *row)
{
    static const int types[] = {SQLITE_INTEGER, SQLITE_TEXT, SQLITE_INTEGER, SQLITE_INTEGER,
                                SQLITE_INTEGER, SQLITE_TEXT, SQLITE_TEXT,    SQLITE_TEXT};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (sqlite3_column_type(row, (int)i) != types[i]) {
            return false;
        }
    }
    return true;
}

ch_code ch_machines_copy(ch_store *into, const ch_store *from, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    sqlite3_stmt *select = NULL, *insert = NULL;
    bool row = false;
    char *sql = ch_store_select_sql(&schema.tables[CH_STORE_MACHINES], "");
    ch_code code = ch_store_prepare(from, sql, &select, err);
    if (code != CH_OK) {
        goto out;
    }
    code = prepare_insert(into, &insert, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_step(from, select, &row, err)) == CH_OK && row) {
        int rc = SQLITE_OK;
        if (!is_machine(select)) {
            continue;
        }
        for (int i = 0; i < sqlite3_column_count(select) && rc == SQLITE_OK; i++) {
            rc = sqlite3_bind_value(insert, i + 1, sqlite3_column_value(select, i));
        }
        rc = rc == SQLITE_OK ? ch_store_run_once(insert) : rc;
        if (rc != SQLITE_OK) {
            code = ch_store_fail(into, rc, err);
            goto out;
        }
    }
out:
    sqlite3_finalize(select);
    sqlite3_finalize(insert);
    sqlite3_free(sql);
    return code;
}

/* ---- what is told of them ---- */

static json_t *cell_json(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_INTEGER ? json_integer(sqlite3_column_int64(row, column))
           : sqlite3_column_type(row, column) == SQLITE_TEXT
               ? ch_json_text((const char *)sqlite3_column_text(row, column))
               : json_null();
}

ch_code ch_machines_list(const ch_store *store, const char *counts, json_t **list, ch_error *err)
{
    sqlite3_stmt *select = NULL;
    bool row = false;
    *list = json_array();
    char *sql =
        sqlite3_mprintf("SELECT processor, cores, threads, memory, system, compiler, gsl, sum(count) AS runs"
                        " FROM %s LEFT JOIN machines ON machine = number GROUP BY machine ORDER BY runs DESC, machine",
                        counts);
    ch_code code = ch_store_prepare(store, sql, &select, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_step(store, select, &row, err)) == CH_OK && row) {
        json_t *one = json_object();
        int failed = one == NULL;
        for (int i = 0; i < sqlite3_column_count(select); i++) {
            failed |= json_object_set_new(one, sqlite3_column_name(select, i), cell_json(select, i));
        }
        if (json_array_append_new(*list, one) != 0 || failed != 0) {
            code = ch_error_memory(err, "the machines of a store");
            goto out;
        }
    }
out:
    sqlite3_finalize(select);
    sqlite3_free(sql);
    if (code != CH_OK) {
        json_decref(*list);
        *list = NULL;
    }
    return code;
}

/* What a member is in words; "unknown" where it is none. */
static const char *words_of(const json_t *machine, const char *member)
{
    const char *text = json_string_value(json_object_get(machine, member));
    return text != NULL ? text : "unknown";
}

void ch_machine_describe(const json_t *machine, char *text, size_t size)
{
    const json_int_t cores = json_integer_value(json_object_get(machine, "cores")),
                     threads = json_integer_value(json_object_get(machine, "threads")),
                     memory = json_integer_value(json_object_get(machine, "memory"));
    if (json_is_null(json_object_get(machine, "processor"))) {
        snprintf(text, size, "not recorded");
        return;
    }
    snprintf(text, size,
             "%s, %" JSON_INTEGER_FORMAT " core%s, %.3g GiB, %s; %s, GSL %s; up to %" JSON_INTEGER_FORMAT " thread%s",
             words_of(machine, "processor"), cores, cores == 1 ? "" : "s", (double)memory / 1073741824,
             words_of(machine, "system"), words_of(machine, "compiler"), words_of(machine, "gsl"), threads,
             threads == 1 ? "" : "s");
}
