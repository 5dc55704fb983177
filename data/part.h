/* part.h — a file under download: NAME.part until its MD5 is right, then NAME. Private to data/. */
#ifndef CH_PART_H
#define CH_PART_H

#include "data/fetch.h"
#include "data/fetch_private.h"

/** Reports to the watch how many bytes of a file have come. @param total  0: not known */
void ch_part_tell_progress(const ch_watch *watch, const char *name, uint64_t done, uint64_t total);

/** A file named NAME.part, locked so that no other process writes it. */
typedef struct {
    char path[PATH_MAX]; /* folder/NAME */
    char part[PATH_MAX]; /* folder/NAME.part */
    const char *folder;
    const ch_fetch_file *file;
    int descriptor; /* -1 when closed */
    int reason;     /* errno of the first write that failed, or 0 */
} ch_part;

/** Whether folder/NAME is there with its MD5.
 *  @return CH_OK; CH_ERROR_IO when it is there with another MD5 or cannot be read */
ch_code ch_part_is_done(const char *folder, const ch_fetch_file *file, bool *done, ch_error *err) CH_MUST_CHECK;

/** Opens a part for writing after the bytes that it has.  @return CH_OK, CH_ERROR_INPUT, CH_ERROR_IO */
ch_code ch_part_open(ch_part *self, const char *folder, const ch_fetch_file *file, ch_error *err) CH_MUST_CHECK;

/** The number of bytes that the part holds.  @return 0 where the system cannot say */
uint64_t ch_part_size(const ch_part *self);

/** Whether the part is a web page, which servers send in place of a file. The page may be gzipped. */
bool ch_part_is_page(const ch_part *self);

/** Empties the part.  @return CH_OK, CH_ERROR_IO */
ch_code ch_part_restart(ch_part *self, ch_error *err) CH_MUST_CHECK;

/** Appends [size] bytes; on failure sets `reason`.  @return whether all were written */
bool ch_part_write(ch_part *self, const void *bytes, size_t size);

/** Fills `err` after a ch_part_write that failed; the message names the cause from `reason`.  @return CH_ERROR_IO */
ch_code ch_part_failure(const ch_part *self, ch_error *err);

/** Checks the MD5. Where it is right, the bytes are written to the disk, and the file is renamed to NAME and closed.
 *  @param right  out: whether the MD5 is right
 *  @param md5    out: the MD5 of the part
 *  @return CH_OK, CH_ERROR_IO */
ch_code ch_part_finish(ch_part *self, bool *right, char md5[CH_MD5_SIZE], ch_error *err) CH_MUST_CHECK;

/** Removes the part. */
void ch_part_discard(ch_part *self);

/** Closes the part, and removes it if it is empty. */
void ch_part_close(ch_part *self);

#endif
