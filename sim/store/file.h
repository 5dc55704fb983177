/* file.h — the file of a store, before anything in it is read. Private to sim/store/. */
#ifndef CH_STORE_FILE_H
#define CH_STORE_FILE_H

#include "sim/store/store_private.h"

/** Refuses names that SQLite would accept, or would refuse in words that help less: SQLite takes "" for a temporary
 *  database, root may write to a file that is marked read-only, and opening a pipe waits for its other end.
 *  @param missing  out: there is no file of this name
 *  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_store_file_check(const char *path, ch_store_mode mode, bool *missing, ch_error *err) CH_MUST_CHECK;

/** A name that SQLite cannot take for ":memory:" or a URI.  @return release with sqlite3_free; NULL: no memory */
char *ch_store_file_name(const char *path);

/** The URI that reads the file as it stands, without locks or log.  @return as ch_store_file_name */
char *ch_store_file_name_as_it_is(const char *path);

/** Opens the file. Nothing is read or written yet, except that SQLITE_OPEN_CREATE makes a file that is missing.
 *  @param name   for SQLite, which is released; NULL is taken for a lack of memory
 *  @param flags  of sqlite3_open_v2
 *  @return as ch_store_fail */
ch_code ch_store_file_open(ch_store *self, char *name, int flags, ch_error *err) CH_MUST_CHECK;

/** Whether commits lie in a log beside the file. */
bool ch_store_file_has_log(const ch_store *self);

/** Finds what an open file is, and the version of its schema.
 *  @param empty  out: the file is an empty database, as an empty file is
 *  @return CH_OK for that or a store; CH_ERROR_INPUT for anything else; CH_ERROR_IO for a store that is cut short */
ch_code ch_store_file_identify(ch_store *self, bool *empty, ch_error *err) CH_MUST_CHECK;

#endif
