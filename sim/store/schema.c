/* schema.c — the store's tables and statements, made from the tables of settings, results and points. */
#include "sim/store/store_private.h"

static const char *const result_types[] = {
    [CH_RESULT_TEXT] = "TEXT", [CH_RESULT_COUNT] = "INTEGER", [CH_RESULT_REAL] = "REAL"};

static const ch_store_column last_columns[] = {
    {"version", "TEXT", 0}, {"results_version", "INTEGER", 0}, {"data_digest", "TEXT", CH_SCHEMA_NETWORKS}};
enum { NUM_LAST = sizeof last_columns / sizeof *last_columns };

size_t ch_store_num_columns(void)
{
    return 1 + CH_SETTINGS_STORED + ch_results_count + NUM_LAST;
}

int ch_store_column_results(void)
{
    return CH_STORE_COLUMN_SETTINGS + CH_SETTINGS_STORED;
}

int ch_store_column_version(void)
{
    return ch_store_column_results() + (int)ch_results_count;
}

ch_store_column ch_store_column_at(size_t index)
{
    static const char *const setting_types[] = {
        [CH_TYPE_REAL] = "REAL", [CH_TYPE_COUNT] = "INTEGER", [CH_TYPE_CHOICE] = "TEXT", [CH_TYPE_TEXT] = "TEXT"};
    if (index == CH_STORE_COLUMN_ID) {
        return (ch_store_column){"id", "TEXT NOT NULL PRIMARY KEY", 0};
    }
    index -= CH_STORE_COLUMN_SETTINGS;
    if (index < CH_SETTINGS_STORED) {
        const ch_setting *row = &ch_settings_table[index];
        return (ch_store_column){row->name, setting_types[row->type], row->since};
    }
    index -= CH_SETTINGS_STORED;
    if (index < ch_results_count) {
        const ch_result *row = &ch_results_table[index];
        return (ch_store_column){row->name, result_types[row->type], row->since};
    }
    return last_columns[index - ch_results_count];
}

/* "a", "b", … */
static void append_names(sqlite3_str *sql, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        sqlite3_str_appendf(sql, "%s\"%w\"", i == first ? "" : ", ", ch_store_column_at(i).name);
    }
}

static const char *const LAYERS_TABLE = "CREATE TABLE layers (\n"
                                        "  run TEXT NOT NULL REFERENCES runs (id),\n"
                                        "  step INTEGER NOT NULL,\n"
                                        "  layer INTEGER NOT NULL,\n"
                                        "  weight_change REAL,\n"
                                        "  PRIMARY KEY (run, step, layer)\n"
                                        ") WITHOUT ROWID;\n";

/* Columns in the order of the versions that brought them, so that a store that was migrated has the order of a new one.
 */
char *ch_store_schema_sql(void)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "CREATE TABLE runs (");
    for (int since = 0; since <= CH_STORE_SCHEMA_VERSION; since++) {
        for (size_t i = 0; i < ch_store_num_columns(); i++) {
            const ch_store_column column = ch_store_column_at(i);
            if (column.since == since) {
                sqlite3_str_appendf(sql, "%s\n  \"%w\" %s", i == CH_STORE_COLUMN_ID ? "" : ",", column.name,
                                    column.type);
            }
        }
    }
    sqlite3_str_appendall(sql, "\n);\nCREATE TABLE points (\n  run TEXT NOT NULL REFERENCES runs (id),\n");
    for (size_t i = 0; i < ch_points_count; i++) {
        const ch_result *row = &ch_points_table[i];
        sqlite3_str_appendf(sql, "  \"%w\" %s%s,\n", row->name, result_types[row->type], i == 0 ? " NOT NULL" : "");
    }
    sqlite3_str_appendall(sql, "  PRIMARY KEY (run, step)\n) WITHOUT ROWID;\n");
    sqlite3_str_appendall(sql, LAYERS_TABLE);
    sqlite3_str_appendf(sql, "PRAGMA application_id = %d;\nPRAGMA user_version = %d;\n", CH_STORE_APPLICATION_ID,
                        CH_STORE_SCHEMA_VERSION);
    return sqlite3_str_finish(sql);
}

char *ch_store_migrate_sql(int from)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    for (int since = from + 1; since <= CH_STORE_SCHEMA_VERSION; since++) {
        for (size_t i = 0; i < ch_store_num_columns(); i++) {
            const ch_store_column column = ch_store_column_at(i);
            if (column.since == since) {
                sqlite3_str_appendf(sql, "ALTER TABLE runs ADD COLUMN \"%w\" %s;\n", column.name, column.type);
            }
        }
        for (size_t i = 0; i < ch_points_count; i++) {
            const ch_result *row = &ch_points_table[i];
            if (row->since == since) {
                sqlite3_str_appendf(sql, "ALTER TABLE points ADD COLUMN \"%w\" %s;\n", row->name,
                                    result_types[row->type]);
            }
        }
    }
    sqlite3_str_appendall(sql, LAYERS_TABLE);
    sqlite3_str_appendf(sql, "PRAGMA user_version = %d;\n", CH_STORE_SCHEMA_VERSION);
    return sqlite3_str_finish(sql);
}

static void append_parameters(sqlite3_str *sql, size_t count)
{
    sqlite3_str_appendall(sql, ") VALUES (?");
    for (size_t i = 1; i < count; i++) {
        sqlite3_str_appendall(sql, ", ?");
    }
    sqlite3_str_appendall(sql, ")");
}

char *ch_store_insert_sql(void)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "INSERT INTO runs (");
    append_names(sql, 0, ch_store_num_columns());
    append_parameters(sql, ch_store_num_columns());
    sqlite3_str_appendall(sql, " ON CONFLICT (id) DO NOTHING");
    return sqlite3_str_finish(sql);
}

char *ch_store_insert_point_sql(void)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "INSERT INTO points (run");
    for (size_t i = 0; i < ch_points_count; i++) {
        sqlite3_str_appendf(sql, ", \"%w\"", ch_points_table[i].name);
    }
    append_parameters(sql, 1 + ch_points_count);
    return sqlite3_str_finish(sql);
}

char *ch_store_view_sql(int schema)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "CREATE TEMP VIEW runs AS SELECT *");
    for (size_t i = 0; i < ch_store_num_columns(); i++) {
        const ch_store_column column = ch_store_column_at(i);
        if (column.since > schema) {
            sqlite3_str_appendf(sql, ", NULL AS \"%w\"", column.name);
        }
    }
    sqlite3_str_appendall(sql, " FROM main.runs;\nCREATE TEMP VIEW points AS SELECT *");
    for (size_t i = 0; i < ch_points_count; i++) {
        if (ch_points_table[i].since > schema) {
            sqlite3_str_appendf(sql, ", NULL AS \"%w\"", ch_points_table[i].name);
        }
    }
    sqlite3_str_appendall(sql, " FROM main.points;\nCREATE TEMP VIEW layers AS "
                               "SELECT NULL AS run, NULL AS step, NULL AS layer, NULL AS weight_change WHERE 0;\n");
    return sqlite3_str_finish(sql);
}

char *ch_store_select_sql(const char *where)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "SELECT ");
    append_names(sql, 0, ch_store_num_columns());
    /* the newline ends a comment that the condition may close with */
    sqlite3_str_appendf(sql, " FROM runs WHERE (%s\n) ORDER BY ", where == NULL ? "1" : where);
    append_names(sql, CH_STORE_COLUMN_SETTINGS, CH_SETTINGS_STORED);
    /* runs of different results versions may have all settings in common */
    sqlite3_str_appendall(sql, ", id");
    return sqlite3_str_finish(sql);
}

char *ch_store_select_points_sql(void)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "SELECT run");
    for (size_t i = 0; i < ch_points_count; i++) {
        sqlite3_str_appendf(sql, ", \"%w\"", ch_points_table[i].name);
    }
    sqlite3_str_appendall(sql, " FROM points WHERE run = ? ORDER BY step");
    return sqlite3_str_finish(sql);
}
