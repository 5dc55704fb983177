/* guard.c — tells whether the file of an open store is still under its name, and still what was opened. */
#define _GNU_SOURCE 1 /* memmem */
#include "sim/store/guard.h"

#include "core/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONG_LOG = 1000 }; /* pages of the log that are worth taking into the file */
enum { NAME_SIZE = 64 };  /* bytes of the store's own name and a terminating zero; it has 32 hexadecimal digits */

/* What tells one file from another. */
typedef struct {
    bool known;
    dev_t device;
    ino_t inode;
} file_number;

struct ch_store_guard {
    sqlite3 *db;                   /* borrowed */
    const char *path;              /* borrowed */
    file_number file, log, shared; /* of the store, and of the files that end in -wal and -shm */
    sqlite3_int64 size;            /* largest size that the file was seen to have, in bytes */
    int log_pages;                 /* pages in the log after the last commit */
    char name[NAME_SIZE];          /* the store's own name; empty where it has none */
    sqlite3_int64 place;           /* where the page with the name begins in the file */
    int page_size;
    bool seen; /* whether the name was found in the file; before the first time it may be in the log alone */
    ch_file_fate fate;
};

static file_number number_of(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return (file_number){0};
    }
    return (file_number){.known = true, .device = status.st_dev, .inode = status.st_ino};
}

static bool is_same(file_number a, file_number b)
{
    return a.known && b.known && a.device == b.device && a.inode == b.inode;
}

/* The number of the file whose name is the store's and `ending`. */
static file_number number_beside(const char *path, const char *ending)
{
    char *name = sqlite3_mprintf("%s%s", path, ending);
    const file_number number = name != NULL ? number_of(name) : (file_number){0};
    sqlite3_free(name);
    return number;
}

static void remove_beside(const char *path, const char *ending, file_number mine)
{
    char *name = sqlite3_mprintf("%s%s", path, ending);
    if (name != NULL && is_same(number_of(name), mine)) {
        unlink(name);
    }
    sqlite3_free(name);
}

/* ---- the store's own name ---- */

/* Reads the store's name and the page that it is on. A VACUUM by another program may have moved that page. */
static void find_name(ch_store_guard *self)
{
    static const char sql[] = "SELECT name, page_size * (rootpage - 1), page_size FROM store, pragma_page_size,"
                              " (SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = 'store')";
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(self->db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        const unsigned char *name = sqlite3_column_text(statement, 0);
        snprintf(self->name, sizeof self->name, "%s", name != NULL ? (const char *)name : "");
        self->place = sqlite3_column_int64(statement, 1);
        self->page_size = sqlite3_column_int(statement, 2);
    }
    sqlite3_finalize(statement);
}

/* SQLite's handle of the file. Opening the file again instead would be wrong: closing it would give up the locks that
 * this process has on it. */
static sqlite3_file *handle_of(const ch_store_guard *self)
{
    sqlite3_file *handle = NULL;
    const int rc = sqlite3_file_control(self->db, "main", SQLITE_FCNTL_FILE_POINTER, (void *)&handle);
    return rc == SQLITE_OK && handle != NULL && handle->pMethods != NULL ? handle : NULL;
}

/* Whether the page at `place` has the store's name on it. The page is read in pieces, which overlap by a name. */
static bool page_has_name(const ch_store_guard *self, sqlite3_file *handle)
{
    enum { PIECE = 4096, STEP = PIECE - NAME_SIZE };
    char piece[PIECE];
    for (int begin = 0; begin < self->page_size; begin += STEP) {
        const int left = self->page_size - begin, length = left < PIECE ? left : PIECE;
        if (handle->pMethods->xRead(handle, piece, length, self->place + begin) != SQLITE_OK) {
            return false;
        }
        if (memmem(piece, (size_t)length, self->name, strlen(self->name)) != NULL) {
            return true;
        }
    }
    return false;
}

/* Whether the file itself, without the log, is a database that has the store's name where it belongs. */
static bool file_has_name(const ch_store_guard *self, sqlite3_file *handle)
{
    static const char MARK[] = "SQLite format 3";
    char mark[sizeof MARK];
    return handle->pMethods->xRead(handle, mark, sizeof mark, 0) == SQLITE_OK && memcmp(mark, MARK, sizeof MARK) == 0 &&
           page_has_name(self, handle);
}

/* ---- looking ---- */

/* Whether a file that became smaller is whole, which it is after a VACUUM by another program. A second connection reads
 * all of it, since the first one has pages of it in memory. */
static bool is_whole(const ch_store_guard *self)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    char *name = sqlite3_mprintf("%s%s", self->path[0] == '/' ? "" : "./", self->path);
    const bool whole = name != NULL && sqlite3_open_v2(name, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
                       sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL) == SQLITE_OK &&
                       sqlite3_step(statement) == SQLITE_ROW &&
                       strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
    sqlite3_finalize(statement);
    sqlite3_close(db);
    sqlite3_free(name);
    return whole;
}

static ch_file_fate look_at_content(ch_store_guard *self)
{
    sqlite3_int64 size = 0;
    sqlite3_file *handle = handle_of(self);
    if (handle == NULL || handle->pMethods->xFileSize(handle, &size) != SQLITE_OK) {
        return CH_FILE_INTACT; /* SQLite says itself what is wrong when it reads */
    }
    if (size == 0) {
        return CH_FILE_OVERWRITTEN;
    }
    bool has_name = self->name[0] == '\0' || file_has_name(self, handle);
    if (!has_name && self->seen) {
        find_name(self);
        has_name = file_has_name(self, handle);
    }
    if (!has_name && self->seen) {
        return CH_FILE_OVERWRITTEN;
    }
    self->seen = has_name && self->name[0] != '\0';
    if (size < self->size && !is_whole(self)) {
        return CH_FILE_CUT;
    }
    self->size = size;
    return CH_FILE_INTACT;
}

ch_file_fate ch_store_guard_look(ch_store_guard *self)
{
    if (self->fate != CH_FILE_INTACT) {
        return self->fate;
    }
    const file_number now = number_of(self->path);
    if (!now.known) {
        self->fate = errno == ENOENT || errno == ENOTDIR ? CH_FILE_GONE : CH_FILE_INTACT;
    } else {
        self->fate = is_same(now, self->file) ? look_at_content(self) : CH_FILE_REPLACED;
    }
    return self->fate;
}

/* ---- beginning and ending ---- */

static int note_log(void *context, sqlite3 *db, const char *schema, int pages)
{
    ch_store_guard *self = context;
    (void)db, (void)schema;
    self->log_pages = pages;
    return SQLITE_OK;
}

void ch_store_guard_init(ch_store_guard **guard, sqlite3 *db, const char *path)
{
    ch_store_guard *self = ch_alloc(1, sizeof *self);
    *guard = self;
    if (self == NULL) {
        return;
    }
    *self = (ch_store_guard){.db = db, .path = path};
    sqlite3_wal_hook(db, note_log, self); /* in the place of SQLite's own, which takes the log into the file unasked */
    find_name(self);                      /* which opens the log */
    self->file = number_of(path);
    self->log = number_beside(path, "-wal");
    self->shared = number_beside(path, "-shm");
    if (!self->file.known) {
        self->fate = CH_FILE_GONE;
    }
}

void ch_store_guard_free(ch_store_guard **guard)
{
    free(*guard);
    *guard = NULL;
}

void ch_store_guard_shorten_log(ch_store_guard *self)
{
    if (self->log_pages >= LONG_LOG) {
        self->log_pages = 0;
        sqlite3_wal_checkpoint_v2(self->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
}

void ch_store_guard_abandon(ch_store_guard *self)
{
    int keep = 1;
    sqlite3_file *handle = handle_of(self);
    const bool elsewhere = self->fate == CH_FILE_GONE || self->fate == CH_FILE_REPLACED;
    if (elsewhere && handle != NULL && self->seen && file_has_name(self, handle)) {
        sqlite3_wal_checkpoint_v2(self->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    sqlite3_file_control(self->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
    sqlite3_db_config(self->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
}

void ch_store_guard_clear(const ch_store_guard *self)
{
    if (self->fate != CH_FILE_CUT) { /* the log of a file that was cut short may be all that is left of some runs */
        remove_beside(self->path, "-wal", self->log);
        remove_beside(self->path, "-shm", self->shared);
    }
}
