/* gz.h — reading files that may be gzipped. Private to data/. */
#ifndef CH_GZ_H
#define CH_GZ_H

#include "data/images_private.h"

#include <zlib.h>

/** A file under reading, plain or gzipped. */
typedef struct {
    gzFile file;
    const char *path; /* borrowed */
} ch_gz;

/** @return CH_OK; CH_ERROR_IO when the file cannot be opened or is no file; CH_ERROR_MEMORY */
ch_code ch_gz_open(ch_gz *self, const char *path, ch_error *err) CH_MUST_CHECK;
void ch_gz_close(ch_gz *self);

/** Reads `size` bytes, or less where the file ends.
 *  @return CH_OK; CH_ERROR_INPUT when the gzip stream is damaged or truncated; CH_ERROR_IO */
ch_code ch_gz_read(ch_gz *self, uint8_t *bytes, size_t size, size_t *got, ch_error *err) CH_MUST_CHECK;

/** Appends `size` bytes, or less where the file ends, taking memory only as they come: a damaged header may announce
 *  more than there is.  @return as ch_gz_read; CH_ERROR_MEMORY */
ch_code ch_gz_append(ch_gz *self, ch_bytes *bytes, size_t size, size_t *got, ch_error *err) CH_MUST_CHECK;

#endif
