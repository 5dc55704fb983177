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

/** Bytes that a file of images may hold, compressed and not. It is thirty times what the largest original has, and
 *  bounds the memory that a damaged or malicious file takes. */
#define CH_MOST_IMAGE_BYTES ((size_t)1 << 30)

/** Fills `err` for a file that holds, or says that it holds, more than CH_MOST_IMAGE_BYTES.  @return CH_ERROR_INPUT */
ch_code ch_gz_refuse_size(const char *path, ch_error *err);

/** Whether a file that begins with these bytes is a web page, which servers send in place of files that have moved: its
 *  first bytes that are no blanks begin an HTML tag. */
bool ch_is_web_page(const uint8_t *bytes, size_t size);

/** Fills `err` for a web page in place of a file.  @return CH_ERROR_INPUT */
ch_code ch_gz_refuse_page(const ch_gz *self, ch_error *err);

/** @return CH_OK; CH_ERROR_INPUT when the file is larger than CH_MOST_IMAGE_BYTES; CH_ERROR_IO when it cannot be opened
 *          or is no file; CH_ERROR_MEMORY */
ch_code ch_gz_open(ch_gz *self, const char *path, ch_error *err) CH_MUST_CHECK;
void ch_gz_close(ch_gz *self);

/** Turns zlib's last error into one of this library. To be called when fewer bytes came than were asked for.
 *  @param path  for messages
 *  @return CH_OK where the file has simply ended; CH_ERROR_INPUT when its gzip stream is damaged or truncated;
 *          CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_gz_failure(gzFile file, const char *path, ch_error *err) CH_MUST_CHECK;

/** Reads `size` bytes, or fewer where the file ends.
 *  @param got  out: the number of bytes read
 *  @return CH_OK; CH_ERROR_INPUT when the gzip stream is damaged or truncated; CH_ERROR_IO */
ch_code ch_gz_read(ch_gz *self, uint8_t *bytes, size_t size, size_t *got, ch_error *err) CH_MUST_CHECK;

/** Appends `size` bytes, or fewer where the file ends. Memory is taken piece by piece as the bytes come, because a
 *  damaged header may announce far more bytes than the file has.  @return as ch_gz_read; CH_ERROR_MEMORY */
ch_code ch_gz_append(ch_gz *self, ch_bytes *bytes, size_t size, size_t *got, ch_error *err) CH_MUST_CHECK;

#endif
