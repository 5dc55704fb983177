/* gz.h — reading files that may be gzipped. Private to data/. */
#ifndef CH_GZ_H
#define CH_GZ_H

#include "data/images_private.h"

#include <zlib.h>

/** An open file, plain or gzipped. Reading gives the uncompressed bytes in both cases. */
typedef struct {
    gzFile file;
    const char *path; /* borrowed */
} ch_gz;

/** @return CH_OK; CH_ERROR_IO when the file cannot be opened or is no file; CH_ERROR_MEMORY */
ch_code ch_gz_open(ch_gz *self, const char *path, ch_error *err) CH_MUST_CHECK;
void ch_gz_close(ch_gz *self);

/** Reads `size` bytes, or fewer where the file ends.
 *  @param got  out: the number of bytes read
 *  @return CH_OK; CH_ERROR_INPUT when the gzip stream is damaged or truncated; CH_ERROR_IO */
ch_code ch_gz_read(ch_gz *self, uint8_t *bytes, size_t size, size_t *got, ch_error *err) CH_MUST_CHECK;

/** Appends `size` bytes, or fewer where the file ends. Memory is taken piece by piece as the bytes come, because a
 * damaged header may announce far more bytes than the file has.  @return as ch_gz_read; CH_ERROR_MEMORY */
ch_code ch_gz_append(ch_gz *self, ch_bytes *bytes, size_t size, size_t *got, ch_error *err) CH_MUST_CHECK;

#endif
