/* find.c — whether a store has a run, and how it ended. */
#include "sim/store/store_private.h"

#include "sim/store/results.h"

void ch_store_keep_pages(ch_store *self, bool keeps)
{
    (void)sqlite3_exec(self->db, keeps ? "PRAGMA cache_size = -65536" : "PRAGMA cache_size = -2000", NULL, NULL, NULL);
}

ch_code ch_store_has(ch_store *self, const char *id, bool *found, ch_error *err)
{
    *found = false;
    int rc = sqlite3_bind_text(self->find, 1, id, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(self->find);
    }
    *found = rc == SQLITE_ROW;
    const ch_code code = rc == SQLITE_ROW || rc == SQLITE_DONE ? CH_OK : ch_store_fail(self, rc, err);
    sqlite3_reset(self->find);
    return code;
}

ch_code ch_store_find_ending(ch_store *self, const char *id, bool *found, bool *diverged, ch_error *err)
{
    sqlite3_stmt *find = self->find_ending;
    const int codes[] = {sqlite3_bind_text(find, 1, id, -1, SQLITE_STATIC),
                         sqlite3_bind_text(find, 2, ch_status_name(CH_DIVERGED), -1, SQLITE_STATIC),
                         sqlite3_bind_int(find, 3, CH_RESULTS_VERSION),
                         sqlite3_bind_int(find, 4, CH_RESULTS_VERSION_RAISED)};
    *found = *diverged = false;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i] != SQLITE_OK) {
            return ch_store_fail(self, codes[i], err);
        }
    }
    const ch_code code = ch_store_step(self, find, found, err);
    *diverged = *found && sqlite3_column_int(find, 0) != 0;
    sqlite3_reset(find);
    return code;
}

ch_code ch_store_is_empty(ch_store *self, bool *empty, ch_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    ch_code code = ch_store_prepare(self, "SELECT 1 FROM runs LIMIT 1", &statement, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_step(self, statement, &row, err);
    *empty = !row;
out:
    sqlite3_finalize(statement);
    return code;
}
