/* delete.c — deleting runs of a store, with all rows that belong to them. */
#include "sim/store/store_private.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* The ids of the runs that fulfil a condition. They are listed before anything is deleted, because a query whose rows
 * disappear under it need not give them all. */
typedef struct {
    char **ids; /* [count]; owned, as is each of them */
    size_t count, capacity;
} id_list;

static void id_list_free(id_list *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->ids[i]);
    }
    free(self->ids);
    memset(self, 0, sizeof *self);
}

static ch_code id_list_add(id_list *self, const unsigned char *id, ch_error *err)
{
    void *ids = self->ids;
    if (id == NULL || ch_grow(&ids, &self->capacity, self->count + 1, sizeof *self->ids) != 0) {
        return ch_error_memory(err, "the runs to delete");
    }
    self->ids = ids;
    self->ids[self->count] = strdup((const char *)id);
    if (self->ids[self->count] == NULL) {
        return ch_error_memory(err, "the runs to delete");
    }
    self->count++;
    return CH_OK;
}

static ch_code list_ids(id_list *self, ch_store *store, const char *where, ch_error *err)
{
    ch_store_query query = {0};
    bool row = false;
    ch_code code = ch_store_query_init(&query, store, where, NULL, false, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_query_next(&query, &row, err)) == CH_OK && row) {
        code = id_list_add(self, sqlite3_column_text(query.row, CH_STORE_COLUMN_ID), err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    ch_store_query_free(&query);
    return code;
}

/* Executes a statement for one id, and adds what its one row holds, or the number of rows that it deletes. */
static ch_code add_for_id(const ch_store *store, sqlite3_stmt *statement, const char *id, uint64_t *sum, ch_error *err)
{
    bool row = false;
    ch_code code = CH_OK;
    const int rc = sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
    if (rc != SQLITE_OK) {
        code = ch_store_fail(store, rc, err);
        goto out;
    }
    code = ch_store_step(store, statement, &row, err);
    if (code != CH_OK) {
        goto out;
    }
    *sum += row ? (uint64_t)sqlite3_column_int64(statement, 0) : (uint64_t)sqlite3_changes(store->db);
out:
    sqlite3_reset(statement);
    return code;
}

static ch_code add_for_each_id(const ch_store *store, const id_list *list, const char *sql, uint64_t *sum,
                               ch_error *err)
{
    sqlite3_stmt *statement = NULL;
    ch_code code = ch_store_prepare(store, sql, &statement, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t i = 0; i < list->count; i++) {
        code = add_for_id(store, statement, list->ids[i], sum, err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    sqlite3_finalize(statement);
    return code;
}

/* Counts or deletes the failures that fulfil a condition. One that names a column which they do not have, such as
 * `status`, fits none of them. */
static ch_code find_failures(ch_store *self, const char *where, uint64_t *count, ch_error *err)
{
    const bool deletes = self->mode == CH_STORE_WRITE;
    sqlite3_stmt *statement = NULL;
    bool row = false;
    ch_code code = CH_OK;
    /* the newline ends a comment that the condition may close with */
    char *sql = sqlite3_mprintf("%s FROM failures WHERE (%s\n)", deletes ? "DELETE" : "SELECT count(*)", where);
    const int rc = sql != NULL ? sqlite3_prepare_v2(self->db, sql, -1, &statement, NULL) : SQLITE_NOMEM;
    if (rc != SQLITE_OK) {
        code = (rc & 0xff) == SQLITE_ERROR ? CH_OK : ch_store_fail(self, rc, err);
        goto out;
    }
    code = ch_store_step(self, statement, &row, err);
    if (code != CH_OK) {
        goto out;
    }
    *count = row ? (uint64_t)sqlite3_column_int64(statement, 0) : (uint64_t)sqlite3_changes(self->db);
out:
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return code;
}

/* Counts or deletes within a transaction that the caller has begun. */
static ch_code find_doomed(ch_store *self, const char *where, ch_store_doomed *doomed, ch_error *err)
{
    const bool deletes = self->mode == CH_STORE_WRITE;
    id_list list = {0};
    uint64_t deleted = 0;
    ch_code code = ch_store_count(self, "SELECT count(*) FROM runs", &doomed->total, err);
    if (code != CH_OK) {
        goto out;
    }
    code = list_ids(&list, self, where, err);
    if (code != CH_OK) {
        goto out;
    }
    doomed->runs = list.count;
    code = find_failures(self, where, &doomed->failures, err); /* the list has shown that it is one expression */
    if (code != CH_OK) {
        goto out;
    }
    code = add_for_each_id(self, &list,
                           deletes ? "DELETE FROM points WHERE run = ?" : "SELECT count(*) FROM points WHERE run = ?",
                           &doomed->points, err);
    if (code != CH_OK) {
        goto out;
    }
    code = add_for_each_id(self, &list,
                           deletes ? "DELETE FROM layers WHERE run = ?" : "SELECT count(*) FROM layers WHERE run = ?",
                           &doomed->layers, err);
    if (code != CH_OK || !deletes) {
        goto out;
    }
    code = add_for_each_id(self, &list, "DELETE FROM fluctuations WHERE run = ?", &deleted, err);
    if (code != CH_OK) {
        goto out;
    }
    code = add_for_each_id(self, &list, "DELETE FROM checkpoints WHERE run = ?", &deleted, err);
    if (code != CH_OK) {
        goto out;
    }
    code = add_for_each_id(self, &list, "DELETE FROM runs WHERE id = ?", &deleted, err);
    if (code != CH_OK || list.count == 0) {
        goto out;
    }
    const int rc = sqlite3_exec(self->db, "DELETE FROM summary", NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        code = ch_store_fail(self, rc, err);
    }
out:
    id_list_free(&list);
    return code;
}

ch_code ch_store_delete(ch_store *self, const char *where, ch_store_doomed *doomed, ch_error *err)
{
    *doomed = (ch_store_doomed){0};
    ch_code code = ch_store_check_file(self, err);
    if (code != CH_OK) {
        return code;
    }
    int rc = sqlite3_exec(self->db, self->mode == CH_STORE_WRITE ? "BEGIN IMMEDIATE" : "BEGIN", NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        return ch_store_fail(self, rc, err);
    }
    code = find_doomed(self, where, doomed, err);
    if (code != CH_OK) {
        goto out;
    }
    rc = sqlite3_exec(self->db, "COMMIT", NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        code = ch_store_fail(self, rc, err);
    }
out:
    if (!sqlite3_get_autocommit(self->db)) {
        sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return code;
}
