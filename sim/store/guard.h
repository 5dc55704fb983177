/* guard.h — whether the file of an open store is still under its name, and still the file that was opened. Private to
 * sim/store/.
 *
 * A program cannot keep others from removing its file, from putting another in its place, or from copying another over
 * it. SQLite notices none of these while it writes a log: it goes on with a file that nobody can find, or mixes its own
 * pages into the other. So the store looks before every commit, and the log is taken into the file by the store itself
 * after such a look and never by SQLite on its own. */
#ifndef CH_STORE_GUARD_H
#define CH_STORE_GUARD_H

#include "core/core.h"

#include <sqlite3.h>

/** The state of the file. */
typedef enum {
    CH_FILE_INTACT,
    CH_FILE_GONE,        /* no file has the name any more */
    CH_FILE_REPLACED,    /* another file has the name */
    CH_FILE_OVERWRITTEN, /* the file is the same, but its content is another's, or none */
    CH_FILE_CUT,         /* the file is shorter than it was */
} ch_file_fate;

typedef struct ch_store_guard ch_store_guard;

/** Notes the identity of the file of an open database: its device and inode, its size, and the name that table `store`
 *  holds. Reads the log of the database, which must be open for writing.
 *  @param path   of the file; borrowed
 *  @param guard  out: free with ch_store_guard_free; NULL when memory is short */
void ch_store_guard_init(ch_store_guard **guard, sqlite3 *db, const char *path);
/** Idempotent. */
void ch_store_guard_free(ch_store_guard **guard);

/** Looks at the file. Once it is not intact, the answer stays the same. */
ch_file_fate ch_store_guard_look(ch_store_guard *self);

/** Takes a long log into the file. The caller has just looked at it. A failure does no harm: the log stays as it is. */
void ch_store_guard_shorten_log(ch_store_guard *self);

/** Prepares a database to be closed whose file is not intact, so that closing writes to nobody else's file and removes
 *  none. Where the file that was opened still exists under another name, the log is taken into it. */
void ch_store_guard_abandon(ch_store_guard *self);

/** Removes what an abandoned database left beside the name, so that SQLite does not take the log for one of the file
 *  that has the name now. Call it when the database is closed. */
void ch_store_guard_clear(const ch_store_guard *self);

#endif
