/* array_file.c — reading arrays: how a file's format is found out. */
#include "data/array_private.h"

#include "core/text.h"
#include "data/gz.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

/* ---- files ---- */

/* A file that may be gzipped. */
typedef struct {
    gzFile file;
    const char *path; /* borrowed */
} gz_stream;

static size_t read_gz(void *from, void *bytes, size_t size, ch_error *err)
{
    const gz_stream *self = from;
    size_t have = 0;
    while (have < size) {
        const size_t piece = size - have < (1U << 24) ? size - have : 1U << 24;
        const int got = gzread(self->file, (char *)bytes + have, (unsigned)piece);
        have += got > 0 ? (size_t)got : 0;
        if (got < (int)piece) {
            return ch_gz_failure(self->file, self->path, err) == CH_OK ? have : SIZE_MAX;
        }
    }
    return have;
}

static size_t read_plain(void *from, void *bytes, size_t size, ch_error *err)
{
    FILE *file = from;
    const size_t got = fread(bytes, 1, size, file);
    if (got < size && ferror(file)) {
        (void)!ch_error_set(err, CH_ERROR_IO, "a file cannot be read: %s", strerror(errno));
        return SIZE_MAX;
    }
    return got;
}

/* Splits "FILE:NAME". A file that has the whole name is taken as it is. */
static ch_code split_name(ch_array_name *self, const char *name, ch_error *err)
{
    struct stat status;
    const char *colon = strrchr(name, ':');
    *self = (ch_array_name){.whole = name};
    if (strlen(name) >= sizeof self->file) {
        return ch_error_set(err, CH_ERROR_INPUT, "the name of a file, '%.100s…', is too long", name);
    }
    strcpy(self->file, name);
    if (colon != NULL && colon > name && stat(name, &status) != 0) {
        self->file[colon - name] = '\0';
        self->member = colon + 1;
    }
    if (stat(self->file, &status) != 0) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s cannot be read: %s", self->file, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s is not a file", self->file);
    }
    return CH_OK;
}

/* What a file's first bytes say that it is. */
typedef enum { IS_NPY, IS_ZIP, IS_HDF5, IS_IDX, IS_TEXT, IS_BINARY } format;

static format format_of(const uint8_t *head, size_t size)
{
    if (size >= 6 && memcmp(head, "\x93NUMPY", 6) == 0) {
        return IS_NPY;
    }
    if (size >= 4 && memcmp(head, "PK\3\4", 4) == 0) {
        return IS_ZIP;
    }
    if (size >= 8 && memcmp(head, "\x89HDF\r\n\x1a\n", 8) == 0) {
        return IS_HDF5;
    }
    if (size >= 4 && head[0] == 0 && head[1] == 0 && head[2] >= 8 && head[2] <= 14 && head[3] >= 1) {
        return IS_IDX;
    }
    return size > 0 && memchr(head, 0, size) == NULL ? IS_TEXT : IS_BINARY;
}

/* Reads a file whose numbers come one after the other. */
static ch_code read_stream(ch_array *self, const ch_array_name *name, format what, ch_byte_source *source,
                           ch_error *err)
{
    if (name->member != NULL) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s has one array and none named '%s'; accepted is the file's name alone", name->file,
                            ch_show(name->member).text);
    }
    const ch_code code = what == IS_NPY ? ch_npy_read(self, source, err) : ch_idx_read_array(self, source, err);
    if (code != CH_OK) {
        ch_array_free(self);
    }
    return code;
}

static ch_code open_and_read(ch_array *self, const ch_array_name *name, size_t dimensions, bool *is_table,
                             ch_error *err)
{
    struct stat status;
    uint8_t head[512];
    FILE *plain = NULL;
    ch_code code = CH_OK;
    errno = 0;
    gzFile zipped = gzopen(name->file, "rb");
    if (zipped == NULL) {
        return errno != 0 ? ch_error_set(err, CH_ERROR_INPUT, "%s cannot be read: %s", name->file, strerror(errno))
                          : ch_error_memory(err, "reading a file");
    }
    gzbuffer(zipped, 1 << 17);
    gz_stream stream = {zipped, name->file};
    const size_t got = read_gz(&stream, head, sizeof head, err);
    if (got == SIZE_MAX) {
        code = err != NULL ? err->code : CH_ERROR_IO;
        goto out;
    }
    const format what = format_of(head, got);
    const bool is_plain = gzdirect(zipped) != 0;
    ch_byte_source source = {.read = read_gz, .from = &stream, .name = name->file, .size = UINT64_MAX};
    switch (what) {
    case IS_NPY:
    case IS_IDX:
        gzrewind(zipped);
        if (is_plain && stat(name->file, &status) == 0 && (plain = fopen(name->file, "rb")) != NULL) {
            source = (ch_byte_source){read_plain, plain, name->file, (uint64_t)status.st_size};
        }
        code = read_stream(self, name, what, &source, err);
        break;
    case IS_ZIP:
        code = ch_npz_read(self, name, dimensions, err);
        break;
    case IS_HDF5:
        code = ch_hdf5_read(self, name, dimensions, err);
        break;
    case IS_TEXT:
        *is_table = true;
        break;
    case IS_BINARY:
        code = ch_error_set(err, CH_ERROR_INPUT, "%s is %s; accepted is NPY, NPZ, IDX, HDF5 or CSV, plain or gzipped",
                            name->file, got == 0 ? "empty" : "of no known kind");
        break;
    }
out:
    gzclose(zipped);
    if (plain != NULL) {
        fclose(plain);
    }
    return code;
}

ch_code ch_array_read(ch_array *self, const char *name, size_t dimensions, bool *is_table, ch_error *err)
{
    ch_array_name split;
    memset(self, 0, sizeof *self);
    *is_table = false;
    const ch_code code = split_name(&split, name, err);
    if (code != CH_OK) {
        return code;
    }
    return open_and_read(self, &split, dimensions, is_table, err);
}
