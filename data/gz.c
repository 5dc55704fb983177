/* gz.c — reading files that may be gzipped. */
#include "data/gz.h"

#include "core/memory.h"
#include "core/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { BUFFER = 1 << 17, PIECE = 1 << 16 };

bool ch_is_web_page(const uint8_t *bytes, size_t size)
{
    static const uint8_t byte_order_mark[] = {0xef, 0xbb, 0xbf};
    size_t i = 0;
    if (size >= sizeof byte_order_mark && memcmp(bytes, byte_order_mark, sizeof byte_order_mark) == 0) {
        i = sizeof byte_order_mark;
    }
    while (i < size && isspace(bytes[i])) {
        i++;
    }
    return i + 1 < size && bytes[i] == '<' && (isalpha(bytes[i + 1]) || bytes[i + 1] == '!' || bytes[i + 1] == '?');
}

ch_code ch_gz_refuse_page(const ch_gz *self, ch_error *err)
{
    return ch_error_set(err, CH_ERROR_INPUT, "%s is a web page (HTML) in place of the file; fetch it again",
                        self->path);
}

ch_code ch_gz_refuse_size(const char *path, ch_error *err)
{
    return ch_error_set(err, CH_ERROR_INPUT, "%s holds more than %s; accepted is a file of up to that, uncompressed",
                        path, ch_show_bytes(CH_MOST_IMAGE_BYTES).text);
}

ch_code ch_gz_open(ch_gz *self, const char *path, ch_error *err)
{
    struct stat status;
    *self = (ch_gz){.path = path};
    if (stat(path, &status) != 0) {
        return ch_error_set(err, CH_ERROR_IO, "%s cannot be read: %s", path, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return ch_error_set(err, CH_ERROR_IO, "%s cannot be read: it is not a file", path);
    }
    if (status.st_size > 0 && (uint64_t)status.st_size > CH_MOST_IMAGE_BYTES) {
        return ch_gz_refuse_size(path, err);
    }
    errno = 0;
    self->file = gzopen(path, "rb");
    if (self->file == NULL && errno != 0 && errno != ENOMEM) {
        return ch_error_set(err, CH_ERROR_IO, "%s cannot be read: %s", path, strerror(errno));
    }
    if (self->file == NULL || gzbuffer(self->file, BUFFER) != 0) {
        return ch_error_memory(err, "reading image files");
    }
    return CH_OK;
}

void ch_gz_close(ch_gz *self)
{
    if (self->file != NULL) {
        gzclose(self->file);
    }
    *self = (ch_gz){0};
}

ch_code ch_gz_failure(gzFile file, const char *path, ch_error *err)
{
    int status = Z_OK;
    const int reason = errno;
    gzerror(file, &status);
    switch (status) {
    case Z_OK:
    case Z_STREAM_END:
        return CH_OK;
    case Z_BUF_ERROR:
        return ch_error_set(err, CH_ERROR_INPUT, "%s is truncated: its gzip stream has no end", path);
    case Z_MEM_ERROR:
        return ch_error_memory(err, "reading a file");
    case Z_ERRNO:
        return ch_error_set(err, CH_ERROR_IO, "%s cannot be read: %s", path, strerror(reason));
    default:
        return ch_error_set(err, CH_ERROR_INPUT, "%s is damaged: its gzip stream is not valid", path);
    }
}

ch_code ch_gz_read(ch_gz *self, uint8_t *bytes, size_t size, size_t *got, ch_error *err)
{
    *got = 0;
    while (*got < size) {
        const size_t piece = size - *got < PIECE ? size - *got : PIECE;
        const int count = gzread(self->file, bytes + *got, (unsigned)piece);
        *got += count > 0 ? (size_t)count : 0;
        if (count < (int)piece) {
            return ch_gz_failure(self->file, self->path, err);
        }
    }
    return CH_OK;
}

ch_code ch_gz_append(ch_gz *self, ch_bytes *bytes, size_t size, size_t *got, ch_error *err)
{
    *got = 0;
    while (*got < size) {
        const size_t piece = size - *got < PIECE ? size - *got : PIECE;
        void *grown = bytes->bytes;
        size_t count = 0;
        if (ch_grow(&grown, &bytes->capacity, bytes->size + piece, 1) != 0) {
            return ch_error_memory(err, "the images");
        }
        bytes->bytes = grown;
        const ch_code code = ch_gz_read(self, bytes->bytes + bytes->size, piece, &count, err);
        bytes->size += count;
        *got += count;
        if (code != CH_OK || count < piece) {
            return code;
        }
    }
    return CH_OK;
}
