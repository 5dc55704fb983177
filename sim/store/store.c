/* store.c — opening, making and closing a run store. */
#include "sim/store/file.h"

#include "core/obstacle.h"
#include "sim/store/machine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Executes statements and releases their text. */
static ch_code execute_made(const ch_store *self, char *sql, ch_error *err)
{
    const ch_code code = ch_store_execute(self, sql, err);
    sqlite3_free(sql);
    return code;
}

/* Makes a store of an empty database, and brings one of an older schema up to date, in one transaction. Looks again
 * first: another process may have been faster. */
static ch_code bring_up_to_date(ch_store *self, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    bool empty = false;
    ch_code code = ch_store_execute(self, "BEGIN IMMEDIATE", err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_store_file_identify(self, &empty, err);
    if (code != CH_OK) {
        goto out;
    }
    if (empty) {
        code = execute_made(self, ch_store_create_sql(&schema), err);
    } else if (self->schema < schema.version) {
        code = execute_made(self, ch_store_migrate_sql(&schema, self->schema), err);
    }
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_execute(self, "COMMIT", err);
    self->schema = schema.version;
out:
    if (!sqlite3_get_autocommit(self->db)) {
        (void)!ch_store_execute(self, "ROLLBACK", NULL); /* the first failure is the one to report */
    }
    return code;
}

/* Lets commits go to a log, which is fast and keeps no reader waiting. File systems without shared memory keep the
 * rollback journal, which is only slower. SQLite itself would not wait for other processes here, because it would hold
 * a lock while it waits; this function does. */
static ch_code use_log(const ch_store *self, ch_error *err)
{
    enum { PAUSE_MS = 10 };
    int rc = SQLITE_OK;
    for (int waited = 0; waited < CH_STORE_TIMEOUT_MS; waited += PAUSE_MS) {
        rc = sqlite3_exec(self->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
        if ((rc & 0xff) != SQLITE_BUSY) {
            break;
        }
        sqlite3_sleep(PAUSE_MS);
    }
    return rc == SQLITE_OK ? ch_store_execute(self, "PRAGMA synchronous = NORMAL", err) : ch_store_fail(self, rc, err);
}

/* Prepares a statement and releases its text. */
static ch_code prepare_made(const ch_store *self, char *sql, sqlite3_stmt **statement, ch_error *err)
{
    const ch_code code = ch_store_prepare(self, sql, statement, err);
    sqlite3_free(sql);
    return code;
}

static ch_code prepare_reading(ch_store *self, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    ch_code code = ch_store_cells_init(self, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_store_prepare(self, "SELECT 1 FROM runs WHERE id = ?", &self->find, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_store_prepare(self, "SELECT status = ?2 FROM runs WHERE id = ?1 AND results_version IN (?3, ?4)",
                            &self->find_ending, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_store_prepare(self, "SELECT 1 FROM failures WHERE id = ?", &self->find_failure, err);
    if (code != CH_OK) {
        return code;
    }
    code = prepare_made(self, ch_store_select_sql(&schema.tables[CH_STORE_POINTS], "WHERE run = ? ORDER BY step"),
                        &self->select_points, err);
    if (code != CH_OK) {
        return code;
    }
    code =
        prepare_made(self, ch_store_select_sql(&schema.tables[CH_STORE_LAYERS], "WHERE run = ? ORDER BY step, layer"),
                     &self->select_layers, err);
    if (code != CH_OK) {
        return code;
    }
    return prepare_made(
        self, ch_store_select_sql(&schema.tables[CH_STORE_FLUCTUATIONS], "WHERE run = ? ORDER BY layer, rank"),
        &self->select_fluctuations, err);
}

static ch_code prepare_writing(ch_store *self, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    ch_code code =
        prepare_made(self, ch_store_insert_sql(&schema.tables[CH_STORE_POINTS], ""), &self->insert_point, err);
    if (code != CH_OK) {
        return code;
    }
    code = prepare_made(self, ch_store_insert_sql(&schema.tables[CH_STORE_LAYERS], ""), &self->insert_layer, err);
    if (code != CH_OK) {
        return code;
    }
    code = prepare_made(self, ch_store_insert_sql(&schema.tables[CH_STORE_MACHINES], CH_MACHINE_CONFLICT),
                        &self->insert_machine, err);
    if (code != CH_OK) {
        return code;
    }
    const int rc = ch_machine_bind(self->insert_machine, &self->machine);
    code = rc == SQLITE_OK ? CH_OK : ch_store_fail(self, rc, err);
    if (code != CH_OK) {
        return code;
    }
    code = prepare_made(self, ch_store_insert_sql(&schema.tables[CH_STORE_FLUCTUATIONS], ""), &self->insert_fluctuation,
                        err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_store_prepare(self, "DELETE FROM fluctuations WHERE run = ?", &self->delete_fluctuations, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_store_prepare(self, "DELETE FROM points WHERE run = ?", &self->delete_points, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_store_prepare(self, "DELETE FROM layers WHERE run = ?", &self->delete_layers, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_store_prepare(self, "DELETE FROM checkpoints WHERE run = ?", &self->delete_checkpoint, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_store_prepare(self, "DELETE FROM failures WHERE id = ?", &self->delete_failure, err);
    if (code != CH_OK) {
        return code;
    }
    return prepare_made(self, ch_store_insert_sql(&schema.tables[CH_STORE_RUNS], " ON CONFLICT (id) DO NOTHING"),
                        &self->insert, err);
}

static ch_code open_to_write(ch_store *self, ch_error *err)
{
    bool empty = false;
    ch_code code =
        ch_store_file_open(self, ch_store_file_name(self->path), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    if (code != CH_OK) {
        return code;
    }
    if (sqlite3_db_readonly(self->db, "main") != 0) {
        return ch_store_fail(self, SQLITE_READONLY, err);
    }
    code = ch_store_file_identify(self, &empty, err);
    if (code != CH_OK) {
        return code;
    }
    if (empty || self->schema < ch_store_schema_now().version) {
        code = bring_up_to_date(self, err);
        if (code != CH_OK) {
            return code;
        }
    }
    code = use_log(self, err);
    if (code != CH_OK) {
        return code;
    }
    code = prepare_reading(self, err);
    if (code != CH_OK) {
        return code;
    }
    code = prepare_writing(self, err);
    if (code != CH_OK) {
        return code;
    }
    ch_store_guard_init(&self->guard, self->db, self->path);
    return self->guard != NULL ? CH_OK : ch_error_memory(err, "the run store");
}

/* Opens the file by a name for SQLite, which is released, and identifies it. */
static ch_code open_and_identify(ch_store *self, char *name, int flags, bool *empty, ch_error *err)
{
    const ch_code code = ch_store_file_open(self, name, flags, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_store_file_identify(self, empty, err);
}

/* Explains why a log beside the file cannot be read where SQLite may not make the file that ends in -shm. */
static ch_code refuse_log(const ch_store *self, ch_error *err)
{
    const ch_obstacle obstacle = ch_find_obstacle(self->path);
    return ch_error_set(err, CH_ERROR_INPUT,
                        "store %s cannot be read: runs are in its log %s-wal, which needs a file %s-shm beside it%s%s; "
                        "copy the store and its log to a folder that may be written, and read it there",
                        self->path, self->path, self->path, obstacle.text[0] != '\0' ? ", but " : "", obstacle.text);
}

/* Opens the file and identifies it. A store whose writer could not leave log mode needs files beside it; where SQLite
 * cannot make them and there is no log, the file is read as it stands. */
static ch_code open_as_it_can_be_read(ch_store *self, bool *empty, ch_error *err)
{
    const ch_code code = open_and_identify(self, ch_store_file_name(self->path), SQLITE_OPEN_READWRITE, empty, err);
    const int rc = sqlite3_extended_errcode(self->db);
    const bool no_room = (rc & 0xff) == SQLITE_CANTOPEN || rc == SQLITE_READONLY_DIRECTORY;
    if (code == CH_OK || !no_room) {
        return code;
    }
    if (ch_store_file_has_log(self)) {
        return refuse_log(self, err);
    }
    sqlite3_close(self->db);
    self->db = NULL;
    return open_and_identify(self, ch_store_file_name_as_it_is(self->path), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
                             empty, err);
}

/* Opens for reading. The file is opened to be written where it may be, so that what a killed writer left is put in
 * order; PRAGMA query_only keeps everything else out. */
static ch_code open_to_read(ch_store *self, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    bool empty = false;
    ch_code code = open_as_it_can_be_read(self, &empty, err);
    if (code != CH_OK) {
        return code;
    }
    if (empty) {
        return ch_store_fail(self, SQLITE_NOTADB, err);
    }
    if (self->schema < schema.version) {
        code = execute_made(self, ch_store_view_sql(&schema, self->schema), err);
        if (code != CH_OK) {
            return code;
        }
    }
    code = ch_store_execute(self, "PRAGMA query_only = ON", err);
    if (code != CH_OK) {
        return code;
    }
    return prepare_reading(self, err);
}

/* Whether the file has no runs that removing it would lose. Nobody else uses the database meanwhile. */
static bool has_no_runs(sqlite3 *db, const char *path)
{
    struct stat status;
    sqlite3_stmt *statement = NULL;
    if (stat(path, &status) == 0 && status.st_size == 0) {
        return true;
    }
    const bool none = sqlite3_prepare_v2(db, "SELECT 1 FROM runs", -1, &statement, NULL) == SQLITE_OK &&
                      sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_finalize(statement);
    return none;
}

/* Leaving log mode fails while another process has the store open, and the exclusive lock keeps others out; a process
 * that comes later finds the file gone and says so. With its journal in memory, SQLite needs no space on a full disk
 * for this. */
void ch_store_discard(const char *path)
{
    sqlite3 *db = NULL;
    char *name = ch_store_file_name(path);
    const bool opened = name != NULL && sqlite3_open_v2(name, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK;
    if (opened && sqlite3_exec(db, "PRAGMA journal_mode = MEMORY", NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL) == SQLITE_OK && has_no_runs(db, path)) {
        unlink(path);
    }
    sqlite3_close(db);
    sqlite3_free(name);
}

ch_code ch_store_open(ch_store *self, const char *path, ch_store_mode mode, ch_error *err)
{
    bool missing = false;
    memset(self, 0, sizeof *self);
    self->mode = mode;
    ch_code code = ch_store_file_check(path, mode, &missing, err);
    if (code != CH_OK) {
        goto out;
    }
    self->path = strdup(path);
    if (self->path == NULL) {
        code = ch_error_memory(err, "the run store");
        goto out;
    }
    code = mode == CH_STORE_WRITE ? open_to_write(self, err) : open_to_read(self, err);
out:
    if (code != CH_OK) {
        ch_store_close(self);
    }
    if (code != CH_OK && missing && mode == CH_STORE_WRITE) {
        ch_store_discard(path);
    }
    return code;
}

ch_code ch_store_open_temporary(ch_store *self, const char *shown, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    memset(self, 0, sizeof *self);
    self->mode = CH_STORE_WRITE;
    self->schema = schema.version;
    ch_code code = CH_OK;
    self->path = strdup(shown);
    if (self->path == NULL) {
        code = ch_error_memory(err, "the run store");
        goto out;
    }
    /* the empty name is SQLite's for a database that begins in memory */
    code = ch_store_file_open(self, sqlite3_mprintf(""), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    if (code != CH_OK) {
        goto out;
    }
    code = execute_made(self, ch_store_create_sql(&schema), err);
    if (code != CH_OK) {
        goto out;
    }
    code = prepare_reading(self, err);
    if (code != CH_OK) {
        goto out;
    }
    code = prepare_writing(self, err);
out:
    if (code != CH_OK) {
        ch_store_close(self);
    }
    return code;
}

static void finalize_writing(ch_store *self)
{
    sqlite3_stmt **const statements[] = {&self->insert,
                                         &self->insert_point,
                                         &self->insert_layer,
                                         &self->insert_fluctuation,
                                         &self->delete_points,
                                         &self->delete_layers,
                                         &self->delete_checkpoint,
                                         &self->delete_failure,
                                         &self->delete_fluctuations,
                                         &self->insert_machine};
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        sqlite3_finalize(*statements[i]);
        *statements[i] = NULL;
    }
}

ch_code ch_store_end_writing(ch_store *self, ch_error *err)
{
    finalize_writing(self);
    self->mode = CH_STORE_READ;
    return ch_store_execute(self, "PRAGMA query_only = ON", err);
}

void ch_store_close(ch_store *self)
{
    const bool written = self->insert != NULL;
    const bool abandoned = self->guard != NULL && ch_store_guard_look(self->guard) != CH_FILE_INTACT;
    sqlite3_finalize(self->find);
    sqlite3_finalize(self->find_ending);
    sqlite3_finalize(self->find_failure);
    sqlite3_finalize(self->select_points);
    sqlite3_finalize(self->select_layers);
    sqlite3_finalize(self->select_fluctuations);
    finalize_writing(self);
    if (abandoned) {
        ch_store_guard_abandon(self->guard);
    } else if (written) {
        /* This leaves one plain file. SQLite refuses it while another process has the store open, and that process will
         * do it when it closes the store. */
        (void)!ch_store_execute(self, "PRAGMA journal_mode = DELETE", NULL);
    }
    sqlite3_close(self->db);
    if (abandoned) {
        ch_store_guard_clear(self->guard);
    }
    ch_store_guard_free(&self->guard);
    free(self->cells);
    free(self->path);
    memset(self, 0, sizeof *self);
}
