/* part.h — a file on its way to its final name. Private to data/. */
#ifndef CH_PART_H
#define CH_PART_H

#include "data/fetch.h"

/** Tells how many bytes of a file have come. @param total  0: not known */
void ch_part_tell_progress(const ch_watch *watch, const char *name, uint64_t done, uint64_t total);

/** A file under the name NAME.part, locked against other processes. */
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

/** Opens a part where it ended.  @return CH_OK, CH_ERROR_INPUT, CH_ERROR_IO */
ch_code ch_part_open(ch_part *self, const char *folder, const ch_fetch_file *file, ch_error *err) CH_MUST_CHECK;

/** Bytes that are there. */
uint64_t ch_part_size(const ch_part *self);

/** Forgets all bytes.  @return CH_OK, CH_ERROR_IO */
ch_code ch_part_restart(ch_part *self, ch_error *err) CH_MUST_CHECK;

/** Appends; on failure sets `reason`.  @return whether all was written */
bool ch_part_write(ch_part *self, const void *bytes, size_t size);

/** The failure of ch_part_write. */
ch_code ch_part_failure(const ch_part *self, ch_error *err);

/** Whether the MD5 is right; gives the file its name if so, once it is on the disk.
 *  @param md5  out: of what is there
 *  @return CH_OK, CH_ERROR_IO */
ch_code ch_part_finish(ch_part *self, bool *right, char md5[CH_MD5_SIZE], ch_error *err) CH_MUST_CHECK;

/** Removes the part. */
void ch_part_discard(ch_part *self);

/** Closes; a part without bytes is removed, else it is kept. */
void ch_part_close(ch_part *self);

#endif
