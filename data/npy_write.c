/* npy_write.c — writing arrays in NumPy's format. */
#include "data/npy_write.h"

#include "core/obstacle.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const codes[] = {
    [CH_ELEMENT_U8] = "u1",  [CH_ELEMENT_I8] = "i1",  [CH_ELEMENT_U16] = "u2", [CH_ELEMENT_I16] = "i2",
    [CH_ELEMENT_U32] = "u4", [CH_ELEMENT_I32] = "i4", [CH_ELEMENT_U64] = "u8", [CH_ELEMENT_I64] = "i8",
    [CH_ELEMENT_F32] = "f4", [CH_ELEMENT_F64] = "f8"};

/* Writes the header, which ends with a newline so that the numbers begin at a multiple of 64 bytes.
 * @return the number of the numbers */
static size_t write_header(FILE *file, ch_element element, const size_t *sizes, size_t num_sizes)
{
    enum { MAGIC = 10, UNIT = 64 };
    char text[256];
    size_t count = 1;
    const char order = ch_element_size(element) == 1 ? '|' : __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>';
    int used =
        snprintf(text, sizeof text, "{'descr': '%c%s', 'fortran_order': False, 'shape': (", order, codes[element]);
    for (size_t i = 0; i < num_sizes; i++) {
        used += snprintf(text + used, sizeof text - (size_t)used, "%zu,%s", sizes[i], i + 1 < num_sizes ? " " : "");
        count *= sizes[i];
    }
    used += snprintf(text + used, sizeof text - (size_t)used, "), }");
    const int length = (MAGIC + used + 1 + UNIT - 1) / UNIT * UNIT - MAGIC;
    fwrite("\x93NUMPY\x01", 1, 8, file);
    fputc(length & 0xff, file);
    fputc(length >> 8, file);
    fprintf(file, "%-*s\n", length - 1, text);
    return count;
}

ch_code ch_npy_write(const char *path, ch_element element, const size_t *sizes, size_t num_sizes, const void *numbers,
                     ch_error *err)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part) {
        return ch_error_set(err, CH_ERROR_INPUT, "the name of a file, '%.100s…', is too long", path);
    }
    FILE *file = fopen(part, "wb");
    if (file == NULL) {
        const int reason = errno;
        const ch_obstacle obstacle = ch_find_obstacle(path);
        return ch_error_set(err, CH_ERROR_INPUT, "%s cannot be made: %s", path,
                            obstacle.text[0] != '\0' ? obstacle.text : strerror(reason));
    }
    const size_t count = write_header(file, element, sizes, num_sizes);
    errno = 0;
    bool is_whole = fwrite(numbers, ch_element_size(element), count, file) == count && fflush(file) == 0 &&
                    fsync(fileno(file)) == 0;
    int reason = errno;
    if (fclose(file) != 0 && is_whole) {
        is_whole = false;
        reason = errno;
    }
    if (is_whole && rename(part, path) == 0) {
        return CH_OK;
    }
    reason = is_whole ? errno : reason;
    unlink(part);
    return ch_error_set(err, CH_ERROR_IO, "%s cannot be written: %s", path, strerror(reason));
}
