/* idx.c — MNIST's format: a magic number, a count for each dimension, then the bytes; numbers are big-endian. */
#include "core/text.h"
#include "data/gz.h"

#include <inttypes.h>

enum { MAGIC_LABELS = 0x801, MAGIC_IMAGES = 0x803 }; /* unsigned bytes (8) in 1 and in 3 dimensions */

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Reads the magic number and the dimensions [num_sizes]. */
static ch_code read_header(ch_gz *file, uint32_t magic, uint32_t *sizes, size_t num_sizes, ch_error *err)
{
    uint8_t bytes[16];
    const size_t wanted = 4 * (num_sizes + 1);
    size_t got = 0;
    const ch_code code = ch_gz_read(file, bytes, wanted, &got, err);
    if (code != CH_OK) {
        return code;
    }
    if (ch_is_web_page(bytes, got)) {
        return ch_gz_refuse_page(file, err);
    }
    if (got >= 4 && big_endian(bytes) != magic) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s starts with 0x%08" PRIx32 "; an IDX file of %s with 0x%08" PRIx32,
                            file->path, big_endian(bytes), magic == MAGIC_IMAGES ? "images" : "labels", magic);
    }
    if (got < wanted) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s is truncated: %zu bytes of its header's %zu are there", file->path,
                            got, wanted);
    }
    for (size_t i = 0; i < num_sizes; i++) {
        sizes[i] = big_endian(bytes + 4 * (i + 1));
    }
    return CH_OK;
}

/* Appends `count` records of `size` bytes, after which the file must end. */
static ch_code read_records(ch_gz *file, size_t count, size_t size, ch_bytes *records, ch_error *err)
{
    size_t wanted = 0, got = 0, more = 0;
    uint8_t byte = 0;
    if (count < 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s is empty: it announces 0 records", file->path);
    }
    if (__builtin_mul_overflow(count, size, &wanted) || wanted > CH_MOST_IMAGE_BYTES) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s announces %zu records of %zu bytes; accepted is a file of up to %s, uncompressed",
                            file->path, count, size, ch_show_bytes(CH_MOST_IMAGE_BYTES).text);
    }
    ch_code code = ch_gz_append(file, records, wanted, &got, err);
    if (code != CH_OK) {
        return code;
    }
    if (got < wanted) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s is truncated: it announces %zu records of %zu bytes, but %zu bytes "
                            "are there",
                            file->path, count, size, got);
    }
    code = ch_gz_read(file, &byte, 1, &more, err);
    if (code != CH_OK) {
        return code;
    }
    if (more > 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s has trailing bytes: it announces %zu records of %zu bytes, and "
                            "more are there",
                            file->path, count, size);
    }
    return CH_OK;
}

ch_code ch_idx_read_images(const char *path, ch_shape shape, ch_bytes *pixels, size_t *count, ch_error *err)
{
    ch_gz file;
    uint32_t sizes[3] = {0};
    ch_code code = ch_gz_open(&file, path, err);
    if (code != CH_OK) {
        goto out;
    }
    code = read_header(&file, MAGIC_IMAGES, sizes, 3, err);
    if (code != CH_OK) {
        goto out;
    }
    if (sizes[1] != shape.rows || sizes[2] != shape.columns) {
        code = ch_error_set(err, CH_ERROR_INPUT, "%s has images of %" PRIu32 " x %" PRIu32 "; accepted is %zu x %zu",
                            path, sizes[1], sizes[2], shape.rows, shape.columns);
        goto out;
    }
    code = read_records(&file, sizes[0], shape.rows * shape.columns, pixels, err);
out:
    ch_gz_close(&file);
    *count = sizes[0];
    return code;
}

ch_code ch_idx_read_labels(const char *path, ch_bytes *classes, size_t *count, ch_error *err)
{
    ch_gz file;
    uint32_t size = 0;
    const size_t before = classes->size;
    ch_code code = ch_gz_open(&file, path, err);
    if (code != CH_OK) {
        goto out;
    }
    code = read_header(&file, MAGIC_LABELS, &size, 1, err);
    if (code != CH_OK) {
        goto out;
    }
    code = read_records(&file, size, 1, classes, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t i = 0; i < size; i++) {
        const int class_ = classes->bytes[before + i];
        if (class_ >= CH_NUM_CLASSES) {
            code = ch_error_set(err, CH_ERROR_INPUT, "%s: label %zu is %d; accepted is 0 to 9", path, i, class_);
            goto out;
        }
    }
out:
    ch_gz_close(&file);
    *count = size;
    return code;
}
