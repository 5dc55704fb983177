/* failures.c — the runs of sweeps that failed, in a store. */
#include "sim/store/failures.h"

#include "sim/store/store_private.h"

/* The parameters are the columns of the table in their order. */
static int bind_failure(sqlite3_stmt *insert, const ch_resolved *resolved, const char *id, const char *reason)
{
    const int last = 2 + CH_SETTINGS_STORED;
    const int codes[] = {
        sqlite3_bind_text(insert, 1, id, -1, SQLITE_STATIC),
        ch_store_bind_settings(insert, 2, &resolved->settings),
        sqlite3_bind_text(insert, last, reason, -1, SQLITE_STATIC),
        sqlite3_bind_text(insert, last + 1, CH_VERSION, -1, SQLITE_STATIC),
        sqlite3_bind_int(insert, last + 2, ch_results_version(&resolved->settings)),
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i] != SQLITE_OK) {
            return codes[i];
        }
    }
    return SQLITE_OK;
}

/* Inserts a failure unless the run is there, within a transaction that the caller has begun. */
static ch_code insert_failure(ch_store *self, sqlite3_stmt *insert, const ch_resolved *resolved, const char *reason,
                              ch_error *err)
{
    char id[CH_ID_SIZE];
    bool is_there = false;
    ch_settings_id(resolved, id);
    const ch_code code = ch_store_has(self, id, &is_there, err);
    if (code != CH_OK || is_there) {
        return code;
    }
    int rc = bind_failure(insert, resolved, id, reason);
    rc = rc == SQLITE_OK ? ch_store_run_once(insert) : rc;
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(self, rc, err);
}

ch_code ch_store_put_failure(ch_store *self, const ch_resolved *resolved, const char *reason, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    sqlite3_stmt *insert = NULL;
    ch_code code = ch_store_check_file(self, err);
    if (code != CH_OK) {
        return code;
    }
    ch_store_guard_shorten_log(self->guard);
    char *sql = ch_store_insert_sql(&schema.tables[CH_STORE_FAILURES],
                                    " ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, version = "
                                    "excluded.version, results_version = excluded.results_version");
    code = ch_store_prepare(self, sql, &insert, err);
    sqlite3_free(sql);
    if (code != CH_OK) {
        return code;
    }
    int rc = sqlite3_exec(self->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        code = ch_store_fail(self, rc, err);
        goto out;
    }
    code = insert_failure(self, insert, resolved, reason, err);
    if (code != CH_OK) {
        goto out;
    }
    rc = sqlite3_exec(self->db, "COMMIT", NULL, NULL, NULL);
    code = rc == SQLITE_OK ? CH_OK : ch_store_fail(self, rc, err);
out:
    sqlite3_finalize(insert);
    if (!sqlite3_get_autocommit(self->db)) {
        sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return code;
}

ch_code ch_store_has_failed(ch_store *self, const char *id, bool *failed, ch_error *err)
{
    *failed = false;
    int rc = sqlite3_bind_text(self->find_failure, 1, id, -1, SQLITE_STATIC);
    if (rc != SQLITE_OK) {
        return ch_store_fail(self, rc, err);
    }
    const ch_code code = ch_store_step(self, self->find_failure, failed, err);
    sqlite3_reset(self->find_failure);
    return code;
}

ch_code ch_store_has_failures(ch_store *self, bool *has, ch_error *err)
{
    uint64_t found = 0;
    const ch_code code = ch_store_count(self, "SELECT EXISTS (SELECT 1 FROM failures)", &found, err);
    *has = found > 0;
    return code;
}
