/* schema.c — the tables of a store, made from the tables of settings and results, and the SQL on them. */
#include "sim/store/schema.h"

#include "sim/store/results.h"

#include <sqlite3.h>
#include <string.h>

/* ---- table runs ---- */

static const char *const result_types[] = {
    [CH_RESULT_STATUS] = "TEXT", [CH_RESULT_CAUSE] = "TEXT", [CH_RESULT_COUNT] = "INTEGER", [CH_RESULT_REAL] = "REAL"};

/* Who made the run, and of which images. */
static const ch_store_column last_columns[] = {{"version", "TEXT", 0, NULL},
                                               {"results_version", "INTEGER", 0, NULL},
                                               {"data_digest", "TEXT", CH_SCHEMA_NETWORKS, NULL},
                                               {"data_pool", "INTEGER", CH_SCHEMA_POOLS, NULL},
                                               {"machine", "INTEGER", CH_SCHEMA_MACHINES, NULL}};
enum { NUM_LAST = sizeof last_columns / sizeof *last_columns };

static size_t num_run_columns(void)
{
    return 1 + CH_SETTINGS_STORED + ch_results_count() + NUM_LAST;
}

int ch_store_column_results(void)
{
    return CH_STORE_COLUMN_SETTINGS + CH_SETTINGS_STORED;
}

int ch_store_column_version(void)
{
    return ch_store_column_results() + (int)ch_results_count();
}

static ch_store_column run_column(size_t index)
{
    static const char *const setting_types[] = {
        [CH_TYPE_REAL] = "REAL", [CH_TYPE_COUNT] = "INTEGER", [CH_TYPE_CHOICE] = "TEXT",
        [CH_TYPE_TEXT] = "TEXT", [CH_TYPE_RULE] = "TEXT",     [CH_TYPE_CONTENT] = "TEXT"};
    if (index == CH_STORE_COLUMN_ID) {
        return (ch_store_column){"id", "TEXT NOT NULL PRIMARY KEY", 0, NULL};
    }
    index -= CH_STORE_COLUMN_SETTINGS;
    if (index < CH_SETTINGS_STORED) {
        const ch_setting *row = &ch_settings_table[index];
        /* a word is stored as NULL, which older rows have anyway */
        const bool is_word =
            row->word != NULL && row->default_text != NULL && strcmp(row->word, row->default_text) == 0;
        return (ch_store_column){row->name, setting_types[row->type], row->since,
                                 row->is_implied && !is_word ? row->default_text : NULL};
    }
    index -= CH_SETTINGS_STORED;
    if (index < ch_results_count()) {
        const ch_result row = ch_result_at(index);
        return (ch_store_column){row.name, result_types[row.type], row.since, NULL};
    }
    return last_columns[index - ch_results_count()];
}

/* ---- tables points and layers ---- */

static ch_store_column point_column(size_t index)
{
    const ch_result row = ch_point_result_at(index);
    return (ch_store_column){row.name, index == 0 ? "INTEGER NOT NULL" : result_types[row.type], row.since, NULL};
}

static size_t no_columns(void)
{
    return 0;
}

static const ch_store_column point_first[] = {{"run", "TEXT NOT NULL REFERENCES runs (id)", 0, NULL}};
static const ch_store_column layer_first[] = {
    {"run", "TEXT NOT NULL REFERENCES runs (id)", 0, NULL},
    {"step", "INTEGER NOT NULL", 0, NULL},
    {"layer", "INTEGER NOT NULL", 0, NULL},
    {"weight_change", "REAL", 0, NULL},
};

/* ---- table fluctuations: principal directions of the weights (sim/fluctuations.h) ---- */

static const ch_store_column fluctuation_first[] = {{"run", "TEXT NOT NULL REFERENCES runs (id)", 0, NULL}};

static ch_store_column fluctuation_column(size_t index)
{
    const ch_result row = ch_fluctuation_result_at(index);
    return (ch_store_column){row.name, row.type == CH_RESULT_COUNT ? "INTEGER NOT NULL" : "REAL", row.since, NULL};
}

/* ---- table store: one row, by which an open file is told from any other ---- */

static const ch_store_column name_first[] = {{"name", "TEXT NOT NULL", 0, NULL}};

/* ---- tables workers and claims: sweeps under way, and the runs that they make ---- */

static const ch_store_column worker_first[] = {
    {"name", "TEXT NOT NULL PRIMARY KEY", 0, NULL}, /* random */
    {"host", "TEXT", 0, NULL},                      /* for people */
    {"boot", "TEXT", 0, NULL},                      /* start of the system, and its space of process numbers */
    {"pid", "INTEGER", 0, NULL},
    {"started", "INTEGER", 0, NULL}, /* when the process began, in the system's ticks since its own start */
    {"beats", "INTEGER NOT NULL", 0, NULL},
};
static const ch_store_column claim_first[] = {
    {"run", "TEXT NOT NULL", 0, NULL}, /* the first 16 digits of its id */
    {"worker", "TEXT NOT NULL", 0, NULL},
};

/* ---- table checkpoints: the states of runs under way, by sim/store/states.c ---- */

static const ch_store_column checkpoint_first[] = {
    {"run", "TEXT NOT NULL PRIMARY KEY", 0, NULL}, {"kin", "TEXT NOT NULL", 0, NULL},
    {"format", "INTEGER NOT NULL", 0, NULL},       {"results_version", "INTEGER NOT NULL", 0, NULL},
    {"step", "INTEGER NOT NULL", 0, NULL},         {"updates", "INTEGER NOT NULL", 0, NULL},
    {"seconds", "REAL NOT NULL", 0, NULL},         {"watched", "INTEGER NOT NULL", 0, NULL},
    {"state", "BLOB NOT NULL", 0, NULL},           {"checksum", "TEXT NOT NULL", 0, NULL},
};
enum { NUM_CHECKPOINT = sizeof checkpoint_first / sizeof *checkpoint_first };

/* ---- table failures: runs that could not be made, by their settings, and why ---- */

static const ch_store_column failure_first[] = {{"id", "TEXT NOT NULL", 0, NULL}};
static const ch_store_column failure_last[] = {
    {"reason", "TEXT NOT NULL", 0, NULL}, {"version", "TEXT", 0, NULL}, {"results_version", "INTEGER", 0, NULL}};
enum { NUM_FAILURE_LAST = sizeof failure_last / sizeof *failure_last };

static size_t num_failure_columns(void)
{
    return CH_SETTINGS_STORED + NUM_FAILURE_LAST;
}

static ch_store_column failure_column(size_t index)
{
    return index < CH_SETTINGS_STORED ? run_column(CH_STORE_COLUMN_SETTINGS + index)
                                      : failure_last[index - CH_SETTINGS_STORED];
}

/* ---- table machines: on what runs were made, by sim/store/machines.c ---- */

static const ch_store_column machine_first[] = {
    {"machine", "INTEGER NOT NULL PRIMARY KEY", 0, NULL}, /* what runs have in the column of this name */
    {"processor", "TEXT", 0, NULL},
    {"cores", "INTEGER", 0, NULL},
    {"threads", "INTEGER NOT NULL", 0, NULL}, /* the most that any sweep used */
    {"memory", "INTEGER", 0, NULL},           /* bytes */
    {"system", "TEXT", 0, NULL},
    {"compiler", "TEXT", 0, NULL},
    {"gsl", "TEXT", 0, NULL},
};
enum { NUM_MACHINE = sizeof machine_first / sizeof *machine_first };

/* ---- tables summary and tallies: what the first runs hold together, by sim/store/totals.c ---- */

static const ch_store_column summary_first[] = {
    {"schema", "INTEGER NOT NULL", 0, NULL}, {"last_row", "INTEGER NOT NULL", 0, NULL},
    {"last_id", "TEXT NOT NULL", 0, NULL},   {"runs", "INTEGER NOT NULL", 0, NULL},
    {"points", "INTEGER NOT NULL", 0, NULL}, {"seconds", "REAL NOT NULL", 0, NULL},
};
enum { NUM_SUMMARY = sizeof summary_first / sizeof *summary_first };
static const ch_store_column tally_first[] = {
    {"name", "TEXT NOT NULL", 0, NULL},
    {"value", "BLOB", 0, NULL}, /* of any type, which a BLOB's column leaves as it is */
    {"until", "INTEGER", 0, NULL},
    {"count", "INTEGER NOT NULL", 0, NULL},
};

/* ---- all of them ---- */

static const ch_store_table tables[CH_STORE_NUM_TABLES] = {
    [CH_STORE_RUNS] = {"runs", 0, NULL, 0, num_run_columns, run_column, NULL},
    [CH_STORE_POINTS] = {"points", 0, point_first, 1, ch_points_count, point_column, "(run, step)"},
    [CH_STORE_LAYERS] = {"layers", CH_SCHEMA_NETWORKS, layer_first, 4, no_columns, NULL, "(run, step, layer)"},
    [CH_STORE_NAMES] = {"store", CH_SCHEMA_DELETION, name_first, 1, no_columns, NULL, NULL},
    [CH_STORE_WORKERS] = {"workers", CH_SCHEMA_CLAIMS, worker_first, 6, no_columns, NULL, NULL},
    [CH_STORE_CLAIMS] = {"claims", CH_SCHEMA_CLAIMS, claim_first, 2, no_columns, NULL, "(run)"},
    [CH_STORE_CHECKPOINTS] = {"checkpoints", CH_SCHEMA_STATES, checkpoint_first, NUM_CHECKPOINT, no_columns, NULL,
                              NULL},
    [CH_STORE_FAILURES] = {"failures", CH_SCHEMA_FAILURES, failure_first, 1, num_failure_columns, failure_column,
                           "(id)"},
    [CH_STORE_MACHINES] = {"machines", CH_SCHEMA_MACHINES, machine_first, NUM_MACHINE, no_columns, NULL, NULL},
    [CH_STORE_FLUCTUATIONS] = {"fluctuations", CH_SCHEMA_WEIGHTS, fluctuation_first, 1, ch_fluctuations_count,
                               fluctuation_column, "(run, layer, rank)"},
    [CH_STORE_SUMMARY] = {"summary", CH_SCHEMA_TOTALS, summary_first, NUM_SUMMARY, no_columns, NULL, NULL},
    [CH_STORE_TALLIES] = {"tallies", CH_SCHEMA_TOTALS, tally_first, 4, no_columns, NULL, NULL},
};

/* Points and layers of a run that is no longer there would hinder the same run from being put in again. The trigger
 * serves a DELETE in SQLite's shell; the program itself lets no trigger run, and deletes them explicitly. */
static const ch_store_statement statements[] = {
    {"INSERT INTO store VALUES (lower(hex(randomblob(16))))", CH_SCHEMA_DELETION},
    {"DELETE FROM points WHERE run NOT IN (SELECT id FROM runs)", CH_SCHEMA_DELETION},
    {"DELETE FROM layers WHERE run NOT IN (SELECT id FROM runs)", CH_SCHEMA_DELETION},
    {"CREATE TRIGGER delete_run AFTER DELETE ON runs BEGIN\n"
     "  DELETE FROM points WHERE run = OLD.id;\n"
     "  DELETE FROM layers WHERE run = OLD.id;\n"
     "END",
     CH_SCHEMA_DELETION},
    {"CREATE INDEX checkpoints_kin ON checkpoints (kin)", CH_SCHEMA_STATES},
    {"CREATE TRIGGER delete_checkpoint AFTER DELETE ON runs BEGIN\n"
     "  DELETE FROM checkpoints WHERE run = OLD.id;\n"
     "END",
     CH_SCHEMA_STATES},
    {"CREATE TRIGGER delete_fluctuations AFTER DELETE ON runs BEGIN\n"
     "  DELETE FROM fluctuations WHERE run = OLD.id;\n"
     "END",
     CH_SCHEMA_WEIGHTS},
    /* what other programs change is counted anew */
    {"CREATE TRIGGER forget_deleted_run AFTER DELETE ON runs BEGIN DELETE FROM summary; END", CH_SCHEMA_TOTALS},
    {"CREATE TRIGGER forget_changed_run AFTER UPDATE ON runs BEGIN DELETE FROM summary; END", CH_SCHEMA_TOTALS},
    {"CREATE TRIGGER forget_new_point AFTER INSERT ON points BEGIN DELETE FROM summary; END", CH_SCHEMA_TOTALS},
    {"CREATE TRIGGER forget_deleted_point AFTER DELETE ON points BEGIN DELETE FROM summary; END", CH_SCHEMA_TOTALS},
    {"CREATE TRIGGER forget_changed_point AFTER UPDATE ON points BEGIN DELETE FROM summary; END", CH_SCHEMA_TOTALS},
};
enum { NUM_STATEMENTS = sizeof statements / sizeof *statements };

size_t ch_store_num_columns(const ch_store_table *table)
{
    return table->num_first + table->num_more();
}

ch_store_column ch_store_column_at(const ch_store_table *table, size_t index)
{
    return index < table->num_first ? table->first[index] : table->more(index - table->num_first);
}

/* The version of a table or of one of its columns that is newest. */
static int newest_of(const ch_store_table *table)
{
    int newest = table->since;
    for (size_t i = 0; i < ch_store_num_columns(table); i++) {
        const int since = ch_store_column_at(table, i).since;
        newest = since > newest ? since : newest;
    }
    return newest;
}

ch_store_schema ch_store_schema_now(void)
{
    ch_store_schema schema = {
        .tables = tables,
        .num_tables = CH_STORE_NUM_TABLES,
        .statements = statements,
        .num_statements = NUM_STATEMENTS,
        .version = 1,
    };
    for (size_t t = 0; t < CH_STORE_NUM_TABLES; t++) {
        const int newest = newest_of(&tables[t]);
        schema.version = newest > schema.version ? newest : schema.version;
    }
    for (size_t i = 0; i < NUM_STATEMENTS; i++) {
        schema.version = statements[i].since > schema.version ? statements[i].since : schema.version;
    }
    return schema;
}

/* ---- making ---- */

/* What rows of an older store have in a column that it lacks. */
static void append_older(sqlite3_str *sql, const ch_store_column *column)
{
    if (column->older == NULL) {
        sqlite3_str_appendall(sql, "NULL");
    } else if (column->older[0] >= '0' && column->older[0] <= '9') {
        sqlite3_str_appendall(sql, column->older);
    } else {
        sqlite3_str_appendf(sql, "%Q", column->older);
    }
}

/* The default of a column, which rows of an older store get when the column is added to it. */
static void append_default(sqlite3_str *sql, const ch_store_column *column)
{
    if (column->older != NULL) {
        sqlite3_str_appendall(sql, " DEFAULT ");
        append_older(sql, column);
    }
}

/* One table whole. Its columns stand in the order of the versions that brought them, so that a store that was migrated
 * has the order of a new one. */
static void append_create(sqlite3_str *sql, const ch_store_table *table, int version)
{
    const char *between = "";
    sqlite3_str_appendf(sql, "CREATE TABLE %s (", table->name);
    for (size_t i = 0; i < table->num_first; i++) {
        sqlite3_str_appendf(sql, "%s\n  %s %s", between, table->first[i].name, table->first[i].type);
        between = ",";
    }
    for (int since = 0; since <= version; since++) {
        for (size_t i = 0; i < table->num_more(); i++) {
            const ch_store_column column = table->more(i);
            if (column.since == since) {
                sqlite3_str_appendf(sql, "%s\n  \"%w\" %s", between, column.name, column.type);
                append_default(sql, &column);
                between = ",";
            }
        }
    }
    if (table->key != NULL) {
        sqlite3_str_appendf(sql, ",\n  PRIMARY KEY %s\n) WITHOUT ROWID;\n", table->key);
    } else {
        sqlite3_str_appendall(sql, "\n);\n");
    }
}

/* The statements of the versions after `from`. */
static void append_statements(sqlite3_str *sql, const ch_store_schema *schema, int from)
{
    for (size_t i = 0; i < schema->num_statements; i++) {
        if (schema->statements[i].since > from) {
            sqlite3_str_appendf(sql, "%s;\n", schema->statements[i].sql);
        }
    }
}

char *ch_store_create_sql(const ch_store_schema *self)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    for (size_t t = 0; t < self->num_tables; t++) {
        append_create(sql, &self->tables[t], self->version);
    }
    append_statements(sql, self, 0);
    sqlite3_str_appendf(sql, "PRAGMA application_id = %d;\nPRAGMA user_version = %d;\n", CH_STORE_APPLICATION_ID,
                        self->version);
    return sqlite3_str_finish(sql);
}

/* ---- migrating ---- */

/* What version `since` brought to a table that an older store has. */
static void append_new_columns(sqlite3_str *sql, const ch_store_table *table, int since)
{
    for (size_t i = 0; i < table->num_more(); i++) {
        const ch_store_column column = table->more(i);
        if (column.since == since) {
            sqlite3_str_appendf(sql, "ALTER TABLE %s ADD COLUMN \"%w\" %s", table->name, column.name, column.type);
            append_default(sql, &column);
            sqlite3_str_appendall(sql, ";\n");
        }
    }
}

char *ch_store_migrate_sql(const ch_store_schema *self, int from)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    for (size_t t = 0; t < self->num_tables; t++) {
        const ch_store_table *table = &self->tables[t];
        if (table->since > from) {
            append_create(sql, table, self->version);
            continue;
        }
        for (int since = from + 1; since <= self->version; since++) {
            append_new_columns(sql, table, since);
        }
    }
    append_statements(sql, self, from);
    sqlite3_str_appendf(sql, "PRAGMA user_version = %d;\n", self->version);
    return sqlite3_str_finish(sql);
}

/* ---- reading an older store ---- */

char *ch_store_view_sql(const ch_store_schema *self, int from)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    for (size_t t = 0; t < self->num_tables; t++) {
        const ch_store_table *table = &self->tables[t];
        const bool is_there = table->since <= from;
        const char *between = is_there ? ", " : "";
        sqlite3_str_appendf(sql, "CREATE TEMP VIEW %s AS SELECT %s", table->name, is_there ? "*" : "");
        for (size_t i = 0; i < ch_store_num_columns(table); i++) {
            const ch_store_column column = ch_store_column_at(table, i);
            if (!is_there || column.since > from) {
                sqlite3_str_appendall(sql, between);
                append_older(sql, &column);
                sqlite3_str_appendf(sql, " AS \"%w\"", column.name);
                between = ", ";
            }
        }
        if (is_there) {
            sqlite3_str_appendf(sql, " FROM main.%s;\n", table->name);
        } else {
            sqlite3_str_appendall(sql, " WHERE 0;\n");
        }
    }
    return sqlite3_str_finish(sql);
}

/* ---- statements ---- */

/* "a", "b", … */
static void append_names(sqlite3_str *sql, const ch_store_table *table, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        sqlite3_str_appendf(sql, "%s\"%w\"", i == first ? "" : ", ", ch_store_column_at(table, i).name);
    }
}

char *ch_store_insert_sql(const ch_store_table *table, const char *conflict)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    const size_t count = ch_store_num_columns(table);
    sqlite3_str_appendf(sql, "INSERT INTO %s (", table->name);
    append_names(sql, table, 0, count);
    sqlite3_str_appendall(sql, ") VALUES (?");
    for (size_t i = 1; i < count; i++) {
        sqlite3_str_appendall(sql, ", ?");
    }
    sqlite3_str_appendf(sql, ")%s", conflict);
    return sqlite3_str_finish(sql);
}

static void append_select(sqlite3_str *sql, const ch_store_table *table)
{
    sqlite3_str_appendall(sql, "SELECT ");
    append_names(sql, table, 0, ch_store_num_columns(table));
    sqlite3_str_appendf(sql, " FROM %s ", table->name);
}

char *ch_store_select_sql(const ch_store_table *table, const char *rest)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    append_select(sql, table);
    sqlite3_str_appendall(sql, rest);
    return sqlite3_str_finish(sql);
}

char *ch_store_select_runs_sql(const char *where, bool ordered)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    append_select(sql, &tables[CH_STORE_RUNS]);
    /* the newline ends a comment that the condition may close with */
    sqlite3_str_appendf(sql, "WHERE (%s\n)", where == NULL ? "1" : where);
    if (!ordered) {
        return sqlite3_str_finish(sql);
    }
    sqlite3_str_appendall(sql, " ORDER BY ");
    append_names(sql, &tables[CH_STORE_RUNS], CH_STORE_COLUMN_SETTINGS, CH_SETTINGS_STORED);
    /* runs of different results versions may have all settings in common */
    sqlite3_str_appendall(sql, ", id");
    return sqlite3_str_finish(sql);
}
