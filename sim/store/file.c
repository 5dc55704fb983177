/* file.c — the file of a store: whether its name will do, how SQLite opens it, and what it is. */
#include "sim/store/file.h"

#include "core/obstacle.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

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

ch_code ch_store_file_check(const char *path, ch_store_mode mode, bool *missing, ch_error *err)
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

char *ch_store_file_name(const char *path)
{
    return sqlite3_mprintf("%s%s", path[0] == '/' ? "" : "./", path);
}

char *ch_store_file_name_as_it_is(const char *path)
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

ch_code ch_store_file_open(ch_store *self, char *name, int flags, ch_error *err)
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
    return ch_store_execute(self, "PRAGMA cell_size_check = ON", err);
}

bool ch_store_file_has_log(const ch_store *self)
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
    if (ch_store_file_has_log(self) || stat(self->path, &status) != 0 || status.st_size % page_size == 0) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_IO, "store %s is damaged: its end is missing", self->path);
}

/* Judges the header of an open file: what it has in application_id and user_version, its page size, how many tables
 * and other objects it has, and how many of the tables runs and points. As ch_store_file_identify. */
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

ch_code ch_store_file_identify(ch_store *self, bool *empty, ch_error *err)
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
