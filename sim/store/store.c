/* store.c — opening, making and closing a run store. */
#include "sim/store/store_private.h"

#include "core/obstacle.h"
#include "sim/store/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

static ch_code execute(const ch_store *self, const char *sql, ch_error *err)
{
    const int rc = sql == NULL ? SQLITE_NOMEM : sqlite3_exec(self->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(self, rc, err);
}

/* Refuses a name under which no new file can be made.
 * @param failure  why no file was found by that name, as errno */
static ch_code check_new_path(const char *path, int failure, ch_error *err)
{
    const ch_obstacle obstacle = ch_find_obstacle(path);
    if (obstacle.text[0] != '\0') {
        return ch_error_set(err, CH_ERROR_INPUT, "store %s cannot be made: %s", path, obstacle.text);
    }
    if (failure != ENOENT) {
        return ch_error_set(err, CH_ERROR_INPUT, "store %s cannot be opened: %s", path, strerror(failure));
    }
    if (path[strlen(path) - 1] == '/') {
        return ch_error_set(err, CH_ERROR_INPUT, "store %s has the name of a folder; a file name is needed", path);
    }
    return CH_OK;
}

/* Refuses names that SQLite would accept, or would refuse in words that help less: SQLite takes "" for a temporary
 * database, root may write to a file that is marked read-only, and opening a pipe waits for its other end. */
static ch_code check_path(const char *path, ch_store_mode mode, bool *missing, ch_error *err)
{
    struct stat status;
    *missing = false;
    if (path[0] == '\0') {
        return ch_error_set(err, CH_ERROR_INPUT, "the store's name is empty; a file name is needed");
    }
    if (stat(path, &status) != 0) {
        const int failure = errno;
        *missing = failure == ENOENT;
        return mode == CH_STORE_WRITE
                   ? check_new_path(path, failure, err)
                   : ch_error_set(err, CH_ERROR_INPUT, "store %s cannot be opened: %s", path, strerror(failure));
    }
    if (status.st_size == 1) { /* SQLite takes a file of one byte for an empty one */
        return ch_error_set(err, CH_ERROR_INPUT, "%s is no chiton store", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return ch_error_set(err, CH_ERROR_INPUT, "store %s is %s; a regular file is needed", path,
                            S_ISDIR(status.st_mode) ? "a directory" : "a device or pipe");
    }
    if (mode == CH_STORE_WRITE && (status.st_mode & 0222) == 0) {
        return ch_error_set(err, CH_ERROR_INPUT, "store %s is read-only", path);
    }
    return CH_OK;
}

/* A name that SQLite cannot take for ":memory:" or a URI. */
static char *plain_name(const char *path)
{
    return sqlite3_mprintf("%s%s", path[0] == '/' ? "" : "./", path);
}

/* The URI that reads the file as it stands, without locks or log. */
static char *immutable_name(const char *path)
{
    sqlite3_str *uri = sqlite3_str_new(NULL);
    sqlite3_str_appendall(uri, path[0] == '/' ? "file://" : "file:./");
    for (const char *c = path; *c != '\0'; c++) {
        if (strchr("%?#", *c) != NULL) {
            sqlite3_str_appendf(uri, "%%%02X", (unsigned)*c);
        } else {
            sqlite3_str_appendchar(uri, 1, *c);
        }
    }
    sqlite3_str_appendall(uri, "?immutable=1");
    return sqlite3_str_finish(uri);
}

/* Lets nothing run that a file brings along: a store may come from anybody, and SQLite would run its triggers when a
 * run is put in, and its views when they have the name of a table. Views of this program's own are temporary, and
 * SQLite forbids these too before version 3.35. */
static void distrust_schema(sqlite3 *db)
{
    enum { TEMPORARY_VIEWS_STAY = 3035000 };
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, (int *)NULL);
    if (sqlite3_libversion_number() >= TEMPORARY_VIEWS_STAY) {
        sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, (int *)NULL);
    }
}

/* Opens the file. Nothing is read or written yet, except that SQLITE_OPEN_CREATE makes a file that is missing. Releases
 * `name`; NULL is taken for a lack of memory. */
static ch_code open_database(ch_store *self, char *name, int flags, ch_error *err)
{
    int rc = SQLITE_NOMEM;
    if (name != NULL) {
        rc = sqlite3_open_v2(name, &self->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    }
    sqlite3_free(name);
    if (rc != SQLITE_OK) {
        return ch_store_fail(self, rc, err);
    }
    sqlite3_extended_result_codes(self->db, 1);
    sqlite3_busy_timeout(self->db, CH_STORE_TIMEOUT_MS);
    /* otherwise a misspelt column in double quotes would pass for a string */
    sqlite3_db_config(self->db, SQLITE_DBCONFIG_DQS_DML, 0, (int *)NULL);
    distrust_schema(self->db);
    return execute(self, "PRAGMA cell_size_check = ON", err);
}

/* Whether commits lie in a log beside the file. */
static bool has_log(const ch_store *self)
{
    struct stat status;
    char *name = sqlite3_mprintf("%s-wal", self->path);
    const bool found = name == NULL || (stat(name, &status) == 0 && status.st_size > 0);
    sqlite3_free(name);
    return found;
}

/* Refuses a file whose last page was cut, which SQLite does not notice. A log beside the file may complete it, so that
 * such a file is accepted. */
static ch_code check_whole(const ch_store *self, int page_size, ch_error *err)
{
    struct stat status;
    if (has_log(self) || stat(self->path, &status) != 0 || status.st_size % page_size == 0) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_IO, "store %s is damaged: its end is missing", self->path);
}

/* Judges the header of an open file: what it has in application_id and user_version, its page size, how many tables
 * and other objects it has, and how many of the tables runs and points.
 * @param empty  out: the file is an empty database, as an empty file is
 * @return CH_OK for that or a store; CH_ERROR_INPUT for anything else; CH_ERROR_IO for a store that is cut short */
static ch_code judge_header(ch_store *self, sqlite3_stmt *header, bool *empty, ch_error *err)
{
    const int known = ch_store_schema_now().version;
    const int application = sqlite3_column_int(header, 0), version = sqlite3_column_int(header, 1);
    const int page_size = sqlite3_column_int(header, 2), num_objects = sqlite3_column_int(header, 3);
    const int num_tables = sqlite3_column_int(header, 4);
    *empty = application == 0 && version == 0 && num_objects == 0;
    self->schema = *empty ? known : version;
    if (*empty) {
        return CH_OK;
    }
    if (application != CH_STORE_APPLICATION_ID || version < 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s is no chiton store", self->path);
    }
    if (version > known) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "store %s was made by a newer version of chiton: its schema is %d, known is %d", self->path,
                            version, known);
    }
    if (num_tables < 2) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s is no chiton store: it has no tables runs and points", self->path);
    }
    return check_whole(self, page_size, err);
}

/* Finds what the file is, and the version of its schema; as judge_header. */
static ch_code identify(ch_store *self, bool *empty, ch_error *err)
{
    sqlite3_stmt *header = NULL;
    bool row = false;
    ch_code code =
        ch_store_prepare(self,
                         "SELECT application_id, user_version, page_size, (SELECT count(*) FROM sqlite_master),"
                         " (SELECT count(*) FROM sqlite_master"
                         "  WHERE type = 'table' AND rootpage > 0 AND name IN ('runs', 'points'))"
                         " FROM pragma_application_id, pragma_user_version, pragma_page_size",
                         &header, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_step(self, header, &row, err);
    if (code != CH_OK) {
        goto out;
    }
    code = judge_header(self, header, empty, err);
out:
    sqlite3_finalize(header);
    return code;
}

/* Executes statements and releases their text. */
static ch_code execute_made(const ch_store *self, char *sql, ch_error *err)
{
    const ch_code code = execute(self, sql, err);
    sqlite3_free(sql);
    return code;
}

/* Makes a store of an empty database, and brings one of an older schema up to date, in one transaction. Looks again
 * first: another process may have been faster. */
static ch_code bring_up_to_date(ch_store *self, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    bool empty = false;
    ch_code code = execute(self, "BEGIN IMMEDIATE", err);
    if (code != CH_OK) {
        return code;
    }
    code = identify(self, &empty, err);
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
    code = execute(self, "COMMIT", err);
    self->schema = schema.version;
out:
    if (!sqlite3_get_autocommit(self->db)) {
        (void)execute(self, "ROLLBACK", NULL); /* the first failure is the one to report */
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
    return rc == SQLITE_OK ? execute(self, "PRAGMA synchronous = NORMAL", err) : ch_store_fail(self, rc, err);
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
    ch_code code = open_database(self, plain_name(self->path), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    if (code != CH_OK) {
        return code;
    }
    if (sqlite3_db_readonly(self->db, "main") != 0) {
        return ch_store_fail(self, SQLITE_READONLY, err);
    }
    code = identify(self, &empty, err);
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
    const ch_code code = open_database(self, name, flags, err);
    if (code != CH_OK) {
        return code;
    }
    return identify(self, empty, err);
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
    const ch_code code = open_and_identify(self, plain_name(self->path), SQLITE_OPEN_READWRITE, empty, err);
    const int rc = sqlite3_extended_errcode(self->db);
    const bool no_room = (rc & 0xff) == SQLITE_CANTOPEN || rc == SQLITE_READONLY_DIRECTORY;
    if (code == CH_OK || !no_room) {
        return code;
    }
    if (has_log(self)) {
        return refuse_log(self, err);
    }
    sqlite3_close(self->db);
    self->db = NULL;
    return open_and_identify(self, immutable_name(self->path), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, empty, err);
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
    code = execute(self, "PRAGMA query_only = ON", err);
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
    char *name = plain_name(path);
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
    ch_code code = check_path(path, mode, &missing, err);
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
    code = open_database(self, sqlite3_mprintf(""), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
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
    return execute(self, "PRAGMA query_only = ON", err);
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
        (void)execute(self, "PRAGMA journal_mode = DELETE", NULL);
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
