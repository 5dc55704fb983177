/* store_schema.c — the store's tables and statements, made from the tables of settings and results. */
#include "sim/store_private.h"

size_t ch_store_num_columns(void)
{
    return 1 + ch_settings_count + ch_results_count + 2;
}

int ch_store_column_results(void)
{
    return (int)(CH_STORE_COLUMN_SETTINGS + ch_settings_count);
}

int ch_store_column_version(void)
{
    return ch_store_column_results() + (int)ch_results_count;
}

ch_store_column ch_store_column_at(size_t index)
{
    static const char *const setting_types[] = {
        [CH_TYPE_REAL] = "REAL", [CH_TYPE_COUNT] = "INTEGER", [CH_TYPE_CHOICE] = "TEXT"};
    static const char *const result_types[] = {
        [CH_RESULT_TEXT] = "TEXT", [CH_RESULT_COUNT] = "INTEGER", [CH_RESULT_REAL] = "REAL"};
    if (index == CH_STORE_COLUMN_ID) {
        return (ch_store_column){"id", "TEXT NOT NULL PRIMARY KEY"};
    }
    index -= CH_STORE_COLUMN_SETTINGS;
    if (index < ch_settings_count) {
        return (ch_store_column){ch_settings_table[index].name, setting_types[ch_settings_table[index].type]};
    }
    index -= ch_settings_count;
    if (index < ch_results_count) {
        return (ch_store_column){ch_results_table[index].name, result_types[ch_results_table[index].type]};
    }
    index -= ch_results_count;
    return index == 0 ? (ch_store_column){"version", "TEXT"} : (ch_store_column){"results_version", "INTEGER"};
}

/* "a", "b", … */
static void append_names(sqlite3_str *sql, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        sqlite3_str_appendf(sql, "%s\"%w\"", i == first ? "" : ", ", ch_store_column_at(i).name);
    }
}

char *ch_store_schema_sql(void)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "CREATE TABLE runs (");
    for (size_t i = 0; i < ch_store_num_columns(); i++) {
        const ch_store_column column = ch_store_column_at(i);
        sqlite3_str_appendf(sql, "%s\n  \"%w\" %s", i == 0 ? "" : ",", column.name, column.type);
    }
    sqlite3_str_appendall(sql, "\n);\n"
                               "CREATE TABLE points (\n"
                               "  run TEXT NOT NULL REFERENCES runs (id),\n"
                               "  step INTEGER NOT NULL,\n"
                               "  time REAL,\n"
                               "  loss REAL,\n"
                               "  unfitted INTEGER,\n"
                               "  signal REAL,\n"
                               "  noise REAL,\n"
                               "  test_error REAL,\n"
                               "  PRIMARY KEY (run, step)\n"
                               ") WITHOUT ROWID;\n");
    sqlite3_str_appendf(sql, "PRAGMA application_id = %d;\nPRAGMA user_version = %d;\n", CH_STORE_APPLICATION_ID,
                        CH_STORE_SCHEMA_VERSION);
    return sqlite3_str_finish(sql);
}

char *ch_store_insert_sql(void)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "INSERT INTO runs (");
    append_names(sql, 0, ch_store_num_columns());
    sqlite3_str_appendall(sql, ") VALUES (?");
    for (size_t i = 1; i < ch_store_num_columns(); i++) {
        sqlite3_str_appendall(sql, ", ?");
    }
    sqlite3_str_appendall(sql, ") ON CONFLICT (id) DO NOTHING");
    return sqlite3_str_finish(sql);
}

char *ch_store_select_sql(const char *where)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "SELECT ");
    append_names(sql, 0, ch_store_num_columns());
    /* the newline ends a comment that the condition may close with */
    sqlite3_str_appendf(sql, " FROM runs WHERE (%s\n) ORDER BY ", where == NULL ? "1" : where);
    append_names(sql, CH_STORE_COLUMN_SETTINGS, ch_settings_count);
    /* runs of different results versions may have all settings in common */
    sqlite3_str_appendall(sql, ", id");
    return sqlite3_str_finish(sql);
}
