/* query.c — a walk over the runs of a store that fulfil a condition. */
#include "sim/store/store_private.h"

#include "core/names.h"
#include "sim/settings/where.h"
#include "sim/settings/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How SQLite begins to say that a name is no column. */
static const char NO_COLUMN[] = "no such column: ";

/* Whether a name is one of the words that a setting or the status of a run can have. */
static bool is_value(const char *name)
{
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const ch_setting *row = &ch_settings_table[i];
        for (uint64_t k = 0; row->type == CH_TYPE_CHOICE && row->choice(k) != NULL; k++) {
            if (strcmp(row->choice(k), name) == 0) {
                return true;
            }
        }
    }
    for (int status = CH_FITTED; status <= CH_STUCK; status++) {
        if (strcmp(ch_status_name((ch_status)status), name) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a name is that of a setting which is no column: the name of a file or folder. */
static bool is_unstored(const char *name)
{
    for (size_t i = CH_SETTINGS_STORED; i < ch_settings_count; i++) {
        if (strcmp(ch_settings_table[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Refuses a condition in which a name is no column, and names the column that is meant: by a word that is used
 * elsewhere, or the one whose name is nearest. */
static ch_code refuse_column(const ch_store_query *self, const char *name, ch_error *err)
{
    if (is_unstored(name)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "condition \"%s\" is not accepted: no such column: %s; a store has the digest of files in "
                            "place of their names, in data_digest",
                            self->where, name);
    }
    if (is_value(name)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "condition \"%s\" is not accepted: no such column: %s; words are in quotes, '%s'",
                            self->where, name, name);
    }
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

/* Adds to a condition that only some rows are read.
 * @param where  as SQLite reads it; NULL for none
 * @return to be released with sqlite3_free; NULL when memory is short */
static char *condition_within(const char *where, const ch_store_rows *rows)
{
    /* the newline ends a comment that the condition may close with */
    return sqlite3_mprintf("(%s\n) AND rowid BETWEEN %lld AND %lld", where == NULL ? "1" : where,
                           (long long)rows->first, (long long)rows->last);
}

ch_code ch_store_query_init(ch_store_query *self, ch_store *store, const char *where, const ch_store_rows *rows,
                            bool ordered, ch_error *err)
{
    char *translated = NULL, *within = NULL, *sql = NULL;
    ch_code code = CH_OK;
    *self = (ch_store_query){.store = store, .where = where};
    ch_settings_default(&self->defaults);
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
    within = rows != NULL ? condition_within(translated, rows) : NULL;
    if (rows != NULL && within == NULL) {
        code = ch_error_memory(err, "the run store");
        goto out;
    }
    sql = ch_store_select_runs_sql(within != NULL ? within : translated, ordered);
    const int rc = sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(store->db, sql, -1, &self->row, NULL);
    code = rc == SQLITE_OK ? CH_OK : query_fail(self, rc, err);
out:
    free(translated);
    sqlite3_free(within);
    sqlite3_free(sql);
    return code;
}

ch_code ch_store_query_all(ch_store_query *self, ch_store *store, sqlite3_int64 after, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    char rest[64] = "";
    if (after > 0) {
        snprintf(rest, sizeof rest, "WHERE rowid > %lld", (long long)after);
    }
    char *sql = ch_store_select_sql(&schema.tables[CH_STORE_RUNS], rest);
    *self = (ch_store_query){.store = store};
    ch_settings_default(&self->defaults);
    const ch_code code = ch_store_prepare(store, sql, &self->row, err);
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

const char *ch_store_query_id(const ch_store_query *self)
{
    const bool is_text = sqlite3_column_type(self->row, CH_STORE_COLUMN_ID) == SQLITE_TEXT;
    return is_text ? (const char *)sqlite3_column_text(self->row, CH_STORE_COLUMN_ID) : NULL;
}

bool ch_store_query_leaves_out(ch_store_query *self, const ch_error *err)
{
    ch_store *store = self->store;
    if (!self->is_damaged || !store->skips_damaged) {
        return false;
    }
    self->is_damaged = false;
    if (store->num_damaged++ == 0 && err != NULL) {
        store->damage = *err;
    }
    return true;
}
