/* seal.c — whether the totals that a store keeps are those that this program wrote, and still those of its runs. */
#include "sim/store/seal.h"

#include "sim/store/schema.h"
#include "sim/store/store_private.h"

#include <string.h>

static void add_bytes(uint64_t *sum, const void *bytes, size_t size)
{
    static const uint64_t FNV_PRIME = UINT64_C(1099511628211);
    for (size_t i = 0; i < size; i++) {
        *sum = (*sum ^ ((const unsigned char *)bytes)[i]) * FNV_PRIME;
    }
}

/* Adds every cell of a query's rows: its type, its length and its text. */
static ch_code add_rows(const ch_store *self, const char *sql, uint64_t *sum, ch_error *err)
{
    sqlite3_stmt *rows = NULL;
    bool row = false;
    ch_code code = ch_store_prepare(self, sql, &rows, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_step(self, rows, &row, err)) == CH_OK && row) {
        for (int i = 0; i < sqlite3_column_count(rows); i++) {
            const int type = sqlite3_column_type(rows, i);
            const void *bytes = sqlite3_column_blob(rows, i);
            const int size = sqlite3_column_bytes(rows, i);
            if (bytes == NULL && sqlite3_errcode(self->db) == SQLITE_NOMEM) {
                code = ch_store_fail(self, SQLITE_NOMEM, err);
                goto out;
            }
            add_bytes(sum, &type, sizeof type);
            add_bytes(sum, &size, sizeof size);
            add_bytes(sum, bytes, bytes != NULL ? (size_t)size : 0);
        }
    }
out:
    sqlite3_finalize(rows);
    return code;
}

ch_code ch_store_seal(const ch_store *self, sqlite3_int64 *sum, ch_error *err)
{
    static const uint64_t FNV_OFFSET = UINT64_C(14695981039346656037);
    uint64_t hash = FNV_OFFSET;
    ch_code code = add_rows(self, "SELECT schema, last_row, last_id, runs, points, seconds FROM summary", &hash, err);
    if (code != CH_OK) {
        return code;
    }
    code =
        add_rows(self, "SELECT name, value, until, count FROM tallies WHERE name <> '" CH_STORE_SEAL "' ORDER BY rowid",
                 &hash, err);
    *sum = (sqlite3_int64)(hash >> 1);
    return code;
}

/* Asks whether a trigger is in the file, letter by letter. */
static ch_code has_trigger(const ch_store *self, const char *sql, bool *has, ch_error *err)
{
    sqlite3_stmt *find = NULL;
    ch_code code = ch_store_prepare(self, "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND sql = ?", &find, err);
    if (code != CH_OK) {
        goto out;
    }
    const int rc = sqlite3_bind_text(find, 1, sql, -1, SQLITE_STATIC);
    code = rc == SQLITE_OK ? ch_store_step(self, find, has, err) : ch_store_fail(self, rc, err);
out:
    sqlite3_finalize(find);
    return code;
}

ch_code ch_store_forgets(const ch_store *self, bool *forgets, ch_error *err)
{
    static const char FORGET[] = "CREATE TRIGGER forget_";
    const ch_store_schema schema = ch_store_schema_now();
    *forgets = true;
    for (size_t i = 0; i < schema.num_statements && *forgets; i++) {
        const char *sql = schema.statements[i].sql;
        if (strncmp(sql, FORGET, sizeof FORGET - 1) != 0) {
            continue;
        }
        const ch_code code = has_trigger(self, sql, forgets, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

ch_code ch_store_seal_holds(const ch_store *self, bool *holds, ch_error *err)
{
    sqlite3_stmt *find = NULL;
    sqlite3_int64 sum = 0;
    ch_code code = ch_store_forgets(self, holds, err);
    if (code != CH_OK || !*holds) {
        return code;
    }
    code = ch_store_seal(self, &sum, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_store_prepare(self, "SELECT 1 FROM tallies WHERE name = '" CH_STORE_SEAL "' AND count = ?", &find, err);
    if (code != CH_OK) {
        goto out;
    }
    const int rc = sqlite3_bind_int64(find, 1, sum);
    code = rc == SQLITE_OK ? ch_store_step(self, find, holds, err) : ch_store_fail(self, rc, err);
out:
    sqlite3_finalize(find);
    return code;
}
