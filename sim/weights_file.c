/* weights_file.c — weights as files of NumPy's format.
 *
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html: "\x93NUMPY", two bytes of version, the length
 * of the header in two bytes (version 1) or four, the header, and the numbers. */
#include "sim/weights_file.h"

#include "core/memory.h"
#include "core/text.h"

#include <errno.h>
#include <math.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written as they lie in memory");

static const char MAGIC[6] = "\x93NUMPY";
enum { PREFIX = 10, ALIGNED = 64, MOST_HEADER = 1 << 16, MOST_PATH = 4096 };

/* ---- writing ---- */

/* Writes the header of an array of `count` float64, padded so that the numbers are aligned.
 * @return whether it was written */
static bool put_header(FILE *file, size_t count)
{
    char text[2 * ALIGNED];
    const int length =
        snprintf(text, sizeof text, "{'descr': '<f8', 'fortran_order': False, 'shape': (%zu,), }", count);
    const size_t whole = ((size_t)length + PREFIX + 1 + ALIGNED - 1) / ALIGNED * ALIGNED - PREFIX;
    memset(text + length, ' ', whole - (size_t)length - 1);
    text[whole - 1] = '\n';
    const unsigned char version[4] = {1, 0, (unsigned char)(whole & 0xff), (unsigned char)(whole >> 8)};
    return fwrite(MAGIC, 1, sizeof MAGIC, file) == sizeof MAGIC && fwrite(version, 1, 4, file) == 4 &&
           fwrite(text, 1, whole, file) == whole;
}

static ch_code cannot_write(const char *path, ch_error *err)
{
    return ch_error_set(err, CH_ERROR_IO, "%s cannot be written: %s", ch_show(path).text, strerror(errno));
}

ch_code ch_weights_write(const char *path, const double *numbers, size_t count, ch_error *err)
{
    char part[MOST_PATH];
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part) {
        return ch_error_set(err, CH_ERROR_INPUT, "the name %s is too long for a file", ch_show(path).text);
    }
    FILE *file = fopen(part, "wb");
    if (file == NULL) {
        return cannot_write(part, err);
    }
    const bool is_written = put_header(file, count) && fwrite(numbers, sizeof *numbers, count, file) == count &&
                            fflush(file) == 0 && fsync(fileno(file)) == 0;
    const int reason = errno;
    const bool is_closed = fclose(file) == 0;
    errno = is_written ? errno : reason;
    if (!is_written || !is_closed || rename(part, path) != 0) {
        const ch_code code = cannot_write(path, err);
        (void)remove(part);
        return code;
    }
    return CH_OK;
}

/* ---- reading ---- */

/* What the header says. */
typedef struct {
    size_t size; /* bytes of a number: 4 or 8 */
    size_t count;
} array_header;

static ch_code refuse(const char *path, const char *why, ch_error *err)
{
    return ch_error_set(err, CH_ERROR_INPUT,
                        "init is %s, which %s; accepted is an array of float32 or float64 as numpy.save writes it",
                        ch_show(path).text, why);
}

/* The product of the sizes in "(a, b, …)"; SIZE_MAX for anything else. */
static size_t read_shape(const char *text)
{
    size_t count = 1;
    if (*text++ != '(') {
        return SIZE_MAX;
    }
    while (*text != ')') {
        char *end = NULL;
        errno = 0;
        const unsigned long long size = strtoull(text, &end, 10);
        if (end == text || errno != 0 || __builtin_mul_overflow(count, (size_t)size, &count)) {
            return SIZE_MAX;
        }
        text = end + strspn(end, ", ");
    }
    return count;
}

/* What follows a key of the header's dictionary; an empty text where it has no such key. */
static const char *find_key(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at == NULL ? "" : at + strlen(key) + strspn(at + strlen(key), ": ");
}

static ch_code read_header(array_header *header, FILE *file, const char *path, ch_error *err)
{
    unsigned char head[PREFIX + 2];
    char text[MOST_HEADER + 1];
    if (fread(head, 1, PREFIX, file) != PREFIX || memcmp(head, MAGIC, sizeof MAGIC) != 0 || head[6] < 1 ||
        head[6] > 3) {
        return refuse(path, "is no file of NumPy's format", err);
    }
    size_t length = (size_t)head[8] | (size_t)head[9] << 8;
    if (head[6] > 1) {
        if (fread(head + PREFIX, 1, 2, file) != 2) {
            return refuse(path, "ends within its header", err);
        }
        length |= (size_t)head[10] << 16 | (size_t)head[11] << 24;
    }
    if (length > MOST_HEADER || fread(text, 1, length, file) != length) {
        return refuse(path, "ends within its header", err);
    }
    text[length] = '\0';
    const char *type = find_key(text, "'descr'");
    header->size = strncmp(type, "'<f8'", 5) == 0 ? 8 : strncmp(type, "'<f4'", 5) == 0 ? 4 : 0;
    header->count = read_shape(find_key(text, "'shape'"));
    if (header->size == 0) {
        return refuse(path, "holds numbers of another type", err);
    }
    if (strncmp(find_key(text, "'fortran_order'"), "False", 5) != 0) {
        return refuse(path, "is in Fortran's order", err);
    }
    return header->count > 0 && header->count < SIZE_MAX / 8 ? CH_OK : refuse(path, "has no numbers", err);
}

/* Reads the numbers, all that is left of the file. float32 are widened from the end of the array to its beginning. */
static ch_code read_numbers(double *numbers, const array_header *header, FILE *file, const char *path, ch_error *err)
{
    char *bytes = (char *)numbers;
    if (fread(bytes, header->size, header->count, file) != header->count) {
        return ferror(file) != 0
                   ? ch_error_set(err, CH_ERROR_IO, "%s cannot be read: %s", ch_show(path).text, strerror(errno))
                   : refuse(path, "ends before its last number", err);
    }
    if (fgetc(file) != EOF) {
        return refuse(path, "goes on after its last number", err);
    }
    for (size_t i = header->count; header->size == 4 && i-- > 0;) {
        float single;
        memcpy(&single, bytes + 4 * i, sizeof single);
        numbers[i] = (double)single;
    }
    for (size_t i = 0; i < header->count; i++) {
        if (!isfinite(numbers[i])) {
            return refuse(path, "has a number that is infinite or NaN", err);
        }
    }
    return CH_OK;
}

/* The SHA-256 of a file from its beginning. */
static ch_code find_digest(FILE *file, char digest[CH_WEIGHTS_DIGEST_SIZE])
{
    struct sha256_ctx hash;
    uint8_t bytes[1 << 14], sum[SHA256_DIGEST_SIZE];
    size_t length = 0;
    sha256_init(&hash);
    rewind(file);
    while ((length = fread(bytes, 1, sizeof bytes, file)) > 0) {
        sha256_update(&hash, length, bytes);
    }
    sha256_digest(&hash, sizeof sum, sum);
    ch_hex(sum, sizeof sum, digest);
    return ferror(file) != 0 ? CH_ERROR_IO : CH_OK;
}

ch_code ch_weights_read(const char *path, double **numbers, size_t *count, char digest[CH_WEIGHTS_DIGEST_SIZE],
                        ch_error *err)
{
    array_header header = {0};
    *numbers = NULL;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return ch_error_set(err, CH_ERROR_INPUT, "init is %s, which cannot be read: %s; accepted is a file",
                            ch_show(path).text, strerror(errno));
    }
    ch_code code = read_header(&header, file, path, err);
    if (code != CH_OK) {
        goto out;
    }
    *count = header.count;
    *numbers = ch_alloc_unset(header.count, sizeof **numbers);
    if (*numbers == NULL) {
        code = ch_error_memory(err, "the weights of init");
        goto out;
    }
    code = read_numbers(*numbers, &header, file, path, err);
    if (code != CH_OK) {
        goto out;
    }
    code = find_digest(file, digest);
    if (code != CH_OK) {
        (void)ch_error_set(err, code, "%s cannot be read: %s", ch_show(path).text, strerror(errno));
    }
out:
    if (code != CH_OK) {
        free(*numbers);
        *numbers = NULL;
    }
    (void)fclose(file);
    return code;
}
