/* cifar.c — CIFAR-10's binary format: records of a class and the pixels in planes red, green, blue. */
#include "data/gz.h"

#include "core/memory.h"

#include <string.h>

enum { CLASS = 1, PIXELS = 3 * 32 * 32, RECORD = CLASS + PIXELS };

static ch_code append(ch_bytes *bytes, const uint8_t *from, size_t size, ch_error *err)
{
    void *grown = bytes->bytes;
    if (ch_grow(&grown, &bytes->capacity, bytes->size + size, 1) != 0) {
        return ch_error_memory(err, "the images");
    }
    bytes->bytes = grown;
    memcpy(bytes->bytes + bytes->size, from, size);
    bytes->size += size;
    return CH_OK;
}

static ch_code check_record(const ch_gz *file, const uint8_t *record, size_t got, size_t index, ch_error *err)
{
    if (index == 0 && (got < RECORD || record[0] >= CH_NUM_CLASSES) && ch_is_web_page(record, got)) {
        return ch_gz_refuse_page(file, err);
    }
    if (got < RECORD) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s is truncated or has trailing bytes: after %zu records of %d bytes there are %zu bytes",
                            file->path, index, RECORD, got);
    }
    if (record[0] >= CH_NUM_CLASSES) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s: label %zu is %d; accepted is 0 to 9", file->path, index,
                            record[0]);
    }
    return CH_OK;
}

/* Appends the class and the pixels of record `index`, of which `got` bytes were read. */
static ch_code append_record(const ch_gz *file, const uint8_t *record, size_t got, size_t index, ch_bytes *pixels,
                             ch_bytes *classes, ch_error *err)
{
    ch_code code = check_record(file, record, got, index, err);
    if (code != CH_OK) {
        return code;
    }
    code = append(classes, record, CLASS, err);
    if (code != CH_OK) {
        return code;
    }
    return append(pixels, record + CLASS, PIXELS, err);
}

ch_code ch_cifar_read(const char *path, ch_bytes *pixels, ch_bytes *classes, size_t *count, ch_error *err)
{
    ch_gz file;
    uint8_t record[RECORD];
    size_t got = 0;
    *count = 0;
    ch_code code = ch_gz_open(&file, path, err);
    if (code != CH_OK) {
        goto out;
    }
    for (;;) {
        code = ch_gz_read(&file, record, RECORD, &got, err);
        if (code != CH_OK) {
            goto out;
        }
        if (got == 0) {
            break;
        }
        if (*count >= CH_MOST_IMAGE_BYTES / RECORD) {
            code = ch_gz_refuse_size(path, err);
            goto out;
        }
        code = append_record(&file, record, got, *count, pixels, classes, err);
        ++*count;
        if (code != CH_OK) {
            goto out;
        }
    }
    if (*count == 0) {
        code = ch_error_set(err, CH_ERROR_INPUT, "%s is empty", path);
    }
out:
    ch_gz_close(&file);
    return code;
}
