/* npy.c — NumPy's format: a magic number, a header that is a Python dictionary, then the numbers.
 *
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html: "\x93NUMPY", two bytes of version, the length
 * of the header as a little-endian integer of 2 bytes (version 1) or 4 bytes (2 and 3), and the header,
 *   {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 28, 28), }
 */
#include "data/array_private.h"

#include "core/memory.h"
#include "core/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the dictionary ---- */

typedef struct {
    const char *at;   /* what is still to be read */
    const char *name; /* the file's */
    ch_error *err;
} reader;

static ch_code damaged(const reader *self)
{
    return ch_error_set(self->err, CH_ERROR_INPUT,
                        "%s is damaged: its NPY header does not give descr, fortran_order and "
                        "shape as NumPy writes them",
                        self->name);
}

static void skip_spaces(reader *self)
{
    self->at += strspn(self->at, " \t\r\n");
}

/* Takes a character, which spaces may come before. @return whether it is there */
static bool take(reader *self, char c)
{
    skip_spaces(self);
    if (*self->at != c) {
        return false;
    }
    self->at++;
    return true;
}

/* Takes a word in single or double quotes. @return whether there is one that fits */
static bool take_string(reader *self, char *word, size_t size)
{
    skip_spaces(self);
    const char quote = *self->at;
    if (quote != '\'' && quote != '"') {
        return false;
    }
    const char *end = strchr(self->at + 1, quote);
    if (end == NULL || (size_t)(end - self->at) > size) {
        return false;
    }
    const size_t length = (size_t)(end - self->at) - 1;
    memcpy(word, self->at + 1, length);
    word[length] = '\0';
    self->at = end + 1;
    return true;
}

static bool take_word(reader *self, const char *word)
{
    skip_spaces(self);
    if (strncmp(self->at, word, strlen(word)) != 0) {
        return false;
    }
    self->at += strlen(word);
    return true;
}

/* ---- its entries ---- */

static ch_code take_descr(reader *self, ch_array *array, bool *swaps)
{
    static const struct {
        const char *code;
        ch_element element;
    } known[] = {{"b1", CH_ELEMENT_U8},  {"u1", CH_ELEMENT_U8},  {"i1", CH_ELEMENT_I8},  {"u2", CH_ELEMENT_U16},
                 {"i2", CH_ELEMENT_I16}, {"u4", CH_ELEMENT_U32}, {"i4", CH_ELEMENT_I32}, {"u8", CH_ELEMENT_U64},
                 {"i8", CH_ELEMENT_I64}, {"f4", CH_ELEMENT_F32}, {"f8", CH_ELEMENT_F64}};
    const bool is_little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    char descr[32];
    if (!take_string(self, descr, sizeof descr)) {
        skip_spaces(self);
        return *self->at != '['
                   ? damaged(self)
                   : ch_error_set(self->err, CH_ERROR_INPUT,
                                  "%s holds records of several fields; accepted are arrays of numbers", self->name);
    }
    const char *code = descr + strspn(descr, "<>|=");
    *swaps = descr[0] == (is_little ? '>' : '<');
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(code, known[i].code) == 0) {
            array->element = known[i].element;
            return CH_OK;
        }
    }
    return ch_error_set(self->err, CH_ERROR_INPUT,
                        "%s holds numbers of NumPy's type '%s'; accepted are integers of 8 to 64 bits, logical values, "
                        "float32 and float64",
                        self->name, ch_show(descr).text);
}

static ch_code take_shape(reader *self, ch_array *array)
{
    if (!take(self, '(')) {
        return damaged(self);
    }
    while (!take(self, ')')) {
        char *end = NULL;
        if (!isdigit((unsigned char)*self->at)) {
            return damaged(self);
        }
        errno = 0;
        const unsigned long long size = strtoull(self->at, &end, 10);
        if (errno != 0) {
            return damaged(self);
        }
        if (array->num_sizes == CH_MOST_SIZES) {
            return ch_error_set(self->err, CH_ERROR_INPUT, "%s has more than %d dimensions; accepted are up to that",
                                self->name, CH_MOST_SIZES);
        }
        array->sizes[array->num_sizes++] = size;
        self->at = end + (*end == 'L'); /* as Python 2 wrote long integers */
        (void)take(self, ',');
    }
    return CH_OK;
}

static ch_code take_entries(reader *self, ch_array *array, bool *is_fortran, bool *swaps)
{
    unsigned seen = 0;
    if (!take(self, '{')) {
        return damaged(self);
    }
    while (!take(self, '}')) {
        char key[32];
        if (!take_string(self, key, sizeof key) || !take(self, ':')) {
            return damaged(self);
        }
        ch_code code = CH_OK;
        if (strcmp(key, "descr") == 0) {
            code = take_descr(self, array, swaps);
            seen |= 1;
        } else if (strcmp(key, "shape") == 0) {
            array->num_sizes = 0;
            code = take_shape(self, array);
            seen |= 2;
        } else if (strcmp(key, "fortran_order") == 0) {
            *is_fortran = take_word(self, "True");
            code = *is_fortran || take_word(self, "False") ? CH_OK : damaged(self);
            seen |= 4;
        } else {
            code = damaged(self);
        }
        if (code != CH_OK) {
            return code;
        }
        (void)take(self, ',');
    }
    return seen == 7 ? CH_OK : damaged(self);
}

/* ---- the file ---- */

/* Reads exactly `size` bytes. */
static ch_code read_exactly(const ch_byte_source *source, void *bytes, size_t size, ch_error *err)
{
    const size_t got = source->read(source->from, bytes, size, err);
    if (got == SIZE_MAX) {
        return err != NULL ? err->code : CH_ERROR_IO;
    }
    return got == size
               ? CH_OK
               : ch_error_set(err, CH_ERROR_INPUT, "%s is truncated: it ends within its NPY header", source->name);
}

ch_code ch_npy_read_header(ch_array *self, const ch_byte_source *source, bool *is_fortran, bool *swaps, ch_error *err)
{
    enum { MAGIC = 8, MOST_HEADER = 1 << 16 };
    uint8_t head[MAGIC + 4];
    char *text = NULL;
    memset(self, 0, sizeof *self);
    *is_fortran = *swaps = false;
    ch_code code = read_exactly(source, head, MAGIC + 2, err);
    if (code != CH_OK) {
        return code;
    }
    if (memcmp(head, "\x93NUMPY", 6) != 0 || head[6] < 1 || head[6] > 3) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s is no NPY array of version 1 to 3", source->name);
    }
    size_t length = (size_t)head[MAGIC] | (size_t)head[MAGIC + 1] << 8;
    if (head[6] > 1) {
        code = read_exactly(source, head + MAGIC + 2, 2, err);
        if (code != CH_OK) {
            return code;
        }
        length |= (size_t)head[MAGIC + 2] << 16 | (size_t)head[MAGIC + 3] << 24;
    }
    if (length > MOST_HEADER) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s is damaged: its NPY header has %zu bytes", source->name, length);
    }
    text = ch_alloc(length + 1, 1);
    if (text == NULL) {
        return ch_error_memory(err, "the header of a file");
    }
    code = read_exactly(source, text, length, err);
    if (code != CH_OK) {
        goto out;
    }
    reader header = {text, source->name, err};
    code = take_entries(&header, self, is_fortran, swaps);
out:
    free(text);
    return code;
}

ch_code ch_npy_read(ch_array *self, const ch_byte_source *source, ch_error *err)
{
    bool is_fortran = false, swaps = false;
    ch_code code = ch_npy_read_header(self, source, &is_fortran, &swaps, err);
    if (code != CH_OK) {
        return code;
    }
    if (self->num_sizes == 0) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s holds one number; accepted are arrays", source->name);
    }
    code = ch_array_read_numbers(self, source, err);
    if (code != CH_OK) {
        return code;
    }
    if (swaps) {
        ch_array_swap_bytes(self);
    }
    return is_fortran ? ch_array_transpose(self, source->name, err) : CH_OK;
}
