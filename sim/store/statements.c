/* statements.c — what a failure of SQLite means for the user, and statements that fail in these words. */
#include "sim/store/store_private.h"

#include "core/obstacle.h"

#include <string.h>
#include <unistd.h>

/* Why a file failed, in the system's words; SQLite keeps them for some failures only, and else has its own. */
static const char *reason(const ch_store *self)
{
    const int error = sqlite3_system_errno(self->db);
    return error != 0 ? strerror(error) : sqlite3_errmsg(self->db);
}

/* Says why a store may not be written: the file is read-only, or its folder is, in which SQLite makes other files while
 * it writes. */
static ch_code refuse_writing(const ch_store *self, ch_error *err)
{
    const ch_obstacle obstacle = ch_find_obstacle(self->path);
    if (self->mode != CH_STORE_WRITE || obstacle.text[0] == '\0' || access(self->path, W_OK) != 0) {
        return ch_error_set(err, CH_ERROR_INPUT, "store %s is read-only", self->path);
    }
    return ch_error_set(err, CH_ERROR_INPUT, "store %s cannot be written: %s, and a store needs other files beside it",
                        self->path, obstacle.text);
}

/* Whether the store is a temporary one, which has no file of a name. */
static bool is_temporary(const ch_store *self)
{
    const char *name = sqlite3_db_filename(self->db, "main");
    return name == NULL || name[0] == '\0';
}

static ch_code report_full_disk(const ch_store *self, ch_error *err)
{
    if (!is_temporary(self)) {
        return ch_error_set(err, CH_ERROR_IO, "the disk is full: store %s cannot grow; the runs in it are kept",
                            self->path);
    }
    return ch_error_set(err, CH_ERROR_IO,
                        "the disk is full: stores %s cannot be read as one, which takes a temporary file; the "
                        "environment variable SQLITE_TMPDIR names another folder for it",
                        self->path);
}

ch_code ch_store_fail(const ch_store *self, int rc, ch_error *err)
{
    switch (rc == SQLITE_IOERR_NOMEM ? SQLITE_NOMEM : rc & 0xff) {
    case SQLITE_NOMEM:
        return ch_error_memory(err, "the run store");
    case SQLITE_NOTADB:
        return ch_error_set(err, CH_ERROR_INPUT, "%s is no chiton store", self->path);
    case SQLITE_CORRUPT:
        return ch_error_set(err, CH_ERROR_IO, "store %s is damaged: %s", self->path, sqlite3_errmsg(self->db));
    case SQLITE_FULL:
        return report_full_disk(self, err);
    case SQLITE_BUSY:
        return ch_error_set(err, CH_ERROR_IO, "store %s has been locked by another program for over a minute",
                            self->path);
    case SQLITE_CANTOPEN:
        return ch_error_set(err, CH_ERROR_INPUT, "store %s cannot be opened: %s", self->path, reason(self));
    case SQLITE_IOERR:
        return ch_error_set(err, CH_ERROR_IO, "store %s cannot be read or written: %s; the runs in it are kept",
                            self->path, reason(self));
    case SQLITE_READONLY:
        if (rc == SQLITE_READONLY_DBMOVED) {
            return ch_error_set(err, CH_ERROR_IO, "store %s was moved or removed while it was open", self->path);
        }
        if (rc == SQLITE_READONLY_ROLLBACK || rc == SQLITE_READONLY_RECOVERY) {
            return ch_error_set(err, CH_ERROR_INPUT,
                                "store %s was left by a killed program: read it once where it can be written",
                                self->path);
        }
        return refuse_writing(self, err);
    default:
        return ch_error_set(err, CH_ERROR_IO, "store %s failed: %s", self->path, sqlite3_errmsg(self->db));
    }
}

ch_code ch_store_prepare(const ch_store *self, const char *sql, sqlite3_stmt **statement, ch_error *err)
{
    const int rc = sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(self->db, sql, -1, statement, NULL);
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(self, rc, err);
}

ch_code ch_store_step(const ch_store *self, sqlite3_stmt *statement, bool *row, ch_error *err)
{
    const int rc = sqlite3_step(statement);
    *row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? CH_OK : ch_store_fail(self, rc, err);
}

ch_code ch_store_count(const ch_store *self, const char *sql, uint64_t *value, ch_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    ch_code code = ch_store_prepare(self, sql, &statement, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_step(self, statement, &row, err);
    if (code != CH_OK) {
        goto out;
    }
    *value = (uint64_t)sqlite3_column_int64(statement, 0);
out:
    sqlite3_finalize(statement);
    return code;
}

ch_code ch_store_execute(const ch_store *self, const char *sql, ch_error *err)
{
    const int rc = sql == NULL ? SQLITE_NOMEM : sqlite3_exec(self->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(self, rc, err);
}
