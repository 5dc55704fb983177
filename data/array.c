/* array.c — arrays of numbers. */
#include "data/array_private.h"

#include "core/available.h"
#include "core/memory.h"
#include "core/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

size_t ch_element_size(ch_element element)
{
    static const size_t sizes[] = {
        [CH_ELEMENT_U8] = 1,  [CH_ELEMENT_I8] = 1,  [CH_ELEMENT_U16] = 2, [CH_ELEMENT_I16] = 2, [CH_ELEMENT_U32] = 4,
        [CH_ELEMENT_I32] = 4, [CH_ELEMENT_U64] = 8, [CH_ELEMENT_I64] = 8, [CH_ELEMENT_F32] = 4, [CH_ELEMENT_F64] = 8};
    return sizes[element];
}

double ch_array_real(const ch_array *self, size_t i)
{
    switch (self->element) {
    case CH_ELEMENT_U8:
        return ((const uint8_t *)self->numbers)[i];
    case CH_ELEMENT_I8:
        return ((const int8_t *)self->numbers)[i];
    case CH_ELEMENT_U16:
        return ((const uint16_t *)self->numbers)[i];
    case CH_ELEMENT_I16:
        return ((const int16_t *)self->numbers)[i];
    case CH_ELEMENT_U32:
        return ((const uint32_t *)self->numbers)[i];
    case CH_ELEMENT_I32:
        return ((const int32_t *)self->numbers)[i];
    case CH_ELEMENT_U64:
        return (double)((const uint64_t *)self->numbers)[i];
    case CH_ELEMENT_I64:
        return (double)((const int64_t *)self->numbers)[i];
    case CH_ELEMENT_F32:
        return (double)((const float *)self->numbers)[i];
    case CH_ELEMENT_F64:
        break;
    }
    return ((const double *)self->numbers)[i];
}

#define COPY_REALS(kind, type)                                                                                         \
    case kind: {                                                                                                       \
        const type *from = (const type *)self->numbers + first;                                                        \
        for (size_t i = 0; i < num; i++) {                                                                             \
            reals[i] = (double)from[i];                                                                                \
        }                                                                                                              \
        break;                                                                                                         \
    }

void ch_array_reals(const ch_array *self, size_t first, size_t num, double *reals)
{
    switch (self->element) {
        COPY_REALS(CH_ELEMENT_U8, uint8_t)
        COPY_REALS(CH_ELEMENT_I8, int8_t)
        COPY_REALS(CH_ELEMENT_U16, uint16_t)
        COPY_REALS(CH_ELEMENT_I16, int16_t)
        COPY_REALS(CH_ELEMENT_U32, uint32_t)
        COPY_REALS(CH_ELEMENT_I32, int32_t)
        COPY_REALS(CH_ELEMENT_U64, uint64_t)
        COPY_REALS(CH_ELEMENT_I64, int64_t)
        COPY_REALS(CH_ELEMENT_F32, float)
        COPY_REALS(CH_ELEMENT_F64, double)
    }
}

bool ch_array_integer(const ch_array *self, size_t i, int64_t *integer)
{
    if (self->element == CH_ELEMENT_I64) {
        *integer = ((const int64_t *)self->numbers)[i];
        return true;
    }
    if (self->element == CH_ELEMENT_U64) {
        const uint64_t number = ((const uint64_t *)self->numbers)[i];
        *integer = number <= INT64_MAX ? (int64_t)number : 0;
        return number <= INT64_MAX;
    }
    const double real = ch_array_real(self, i);
    const bool is_integer = fabs(real) <= 0x1p53 && real == floor(real);
    *integer = is_integer ? (int64_t)real : 0;
    return is_integer;
}

/* ---- life ---- */

void ch_array_free(ch_array *self)
{
    free(self->numbers);
    memset(self, 0, sizeof *self);
}

/* Bytes that the numbers of one file may take: what a sweep may use, too. */
static size_t memory_for_a_file(void)
{
    return ch_memory_available() / 10 * 9;
}

/* Sets the sizes and their product. */
static ch_code set_sizes(ch_array *self, ch_element element, const size_t *sizes, size_t num_sizes, const char *name,
                         ch_error *err)
{
    size_t bytes = ch_element_size(element);
    memset(self, 0, sizeof *self);
    self->element = element;
    self->num_sizes = num_sizes;
    self->count = 1;
    bool overflows = false;
    for (size_t i = 0; i < num_sizes; i++) {
        if (sizes[i] == 0) {
            return ch_error_set(err, CH_ERROR_INPUT, "%s is empty: its size number %zu is 0", name, i + 1);
        }
        self->sizes[i] = sizes[i];
        overflows = overflows || __builtin_mul_overflow(bytes, sizes[i], &bytes);
        self->count *= sizes[i];
    }
    const size_t limit = memory_for_a_file();
    if (overflows || bytes > limit) {
        return ch_error_set(
            err, CH_ERROR_INPUT,
            "%s holds %s of numbers, but at most %s of memory can be had for them here (nine tenths of what is free, "
            "and the limits of this process); accepted is a smaller file",
            name, overflows ? "over 10^19 bytes" : ch_show_bytes(bytes).text, ch_show_bytes(limit).text);
    }
    return CH_OK;
}

ch_code ch_array_init(ch_array *self, ch_element element, const size_t *sizes, size_t num_sizes, const char *name,
                      ch_error *err)
{
    const ch_code code = set_sizes(self, element, sizes, num_sizes, name, err);
    if (code != CH_OK) {
        return code;
    }
    self->numbers = ch_alloc_unset(self->count, ch_element_size(element));
    return self->numbers != NULL ? CH_OK : ch_error_memory(err, "the numbers of a file");
}

/* ---- reading numbers ---- */

static ch_code refuse_length(const ch_array *self, const ch_byte_source *source, uint64_t there, bool is_longer,
                             ch_error *err)
{
    return ch_error_set(err, CH_ERROR_INPUT,
                        "%s is %s: it announces %zu numbers of %zu bytes, but %s%" PRIu64 " bytes are there",
                        source->name, is_longer ? "damaged" : "truncated", self->count, ch_element_size(self->element),
                        is_longer ? "more than " : "", there);
}

ch_code ch_array_read_numbers(ch_array *self, const ch_byte_source *source, ch_error *err)
{
    enum { PIECE = 1 << 16 };
    size_t sizes[CH_MOST_SIZES], capacity = 0, have = 0;
    memcpy(sizes, self->sizes, sizeof sizes);
    const ch_code code = set_sizes(self, self->element, sizes, self->num_sizes, source->name, err);
    if (code != CH_OK) {
        return code;
    }
    const size_t wanted = self->count * ch_element_size(self->element);
    if (source->size >= wanted &&
        source->size != UINT64_MAX) { /* no more than that: growing takes up to twice as much */
        self->numbers = ch_alloc_unset(wanted, 1);
        capacity = wanted;
        if (self->numbers == NULL) {
            return ch_error_memory(err, "the numbers of a file");
        }
    }
    while (have < wanted) {
        /* memory doubles as the bytes come, because a damaged header may announce far more than the file has */
        const size_t least = wanted - have < PIECE ? wanted - have : PIECE;
        if (ch_grow(&self->numbers, &capacity, have + least, 1) != 0) {
            return ch_error_memory(err, "the numbers of a file");
        }
        const size_t room = capacity - have;
        const size_t piece = wanted - have < room ? wanted - have : room;
        const size_t got = source->read(source->from, (char *)self->numbers + have, piece, err);
        if (got == SIZE_MAX) {
            return err != NULL ? err->code : CH_ERROR_IO;
        }
        have += got;
        if (got < piece) {
            return refuse_length(self, source, have, false, err);
        }
    }
    char more = 0;
    const size_t got = source->read(source->from, &more, 1, err);
    if (got == SIZE_MAX) {
        return err != NULL ? err->code : CH_ERROR_IO;
    }
    return got == 0 ? CH_OK : refuse_length(self, source, wanted, true, err);
}

/* ---- order ---- */

void ch_array_swap_bytes(ch_array *self)
{
    const size_t size = ch_element_size(self->element);
    uint8_t *bytes = self->numbers;
    for (size_t i = 0; i < self->count && size > 1; i++) {
        for (size_t k = 0; k < size / 2; k++) {
            const uint8_t byte = bytes[i * size + k];
            bytes[i * size + k] = bytes[i * size + size - 1 - k];
            bytes[i * size + size - 1 - k] = byte;
        }
    }
}

/* Copies a block of a matrix. @param from  [columns][rows]; @param to  [rows][columns] */
static void transpose_matrix(char *to, const char *from, size_t rows, size_t columns, size_t size)
{
    enum { BLOCK = 64 }; /* so that both sides of a block stay in the first cache */
    for (size_t i = 0; i < rows; i += BLOCK) {
        for (size_t j = 0; j < columns; j += BLOCK) {
            for (size_t r = i; r < rows && r < i + BLOCK; r++) {
                for (size_t c = j; c < columns && c < j + BLOCK; c++) {
                    memcpy(to + (r * columns + c) * size, from + (c * rows + r) * size, size);
                }
            }
        }
    }
}

/* The place in Fortran's order of the index that has place `at` in C's order. */
static size_t fortran_place(const ch_array *self, size_t at)
{
    size_t index[CH_MOST_SIZES], place = 0;
    for (size_t i = self->num_sizes; i-- > 0;) {
        index[i] = at % self->sizes[i];
        at /= self->sizes[i];
    }
    for (size_t i = self->num_sizes; i-- > 0;) {
        place = place * self->sizes[i] + index[i];
    }
    return place;
}

ch_code ch_array_transpose(ch_array *self, const char *name, ch_error *err)
{
    const size_t size = ch_element_size(self->element), limit = memory_for_a_file();
    if (self->num_sizes < 2) {
        return CH_OK;
    }
    if (self->count > limit / size) {
        return ch_error_set(
            err, CH_ERROR_INPUT,
            "%s holds %s of numbers in Fortran's order, which take as much again while they are brought "
            "into C's order, but at most %s more of memory can be had here; accepted is a smaller file, "
            "or numpy.ascontiguousarray(x)",
            name, ch_show_bytes(self->count * size).text, ch_show_bytes(limit).text);
    }
    char *to = ch_alloc_unset(self->count, size);
    const char *from = self->numbers;
    if (to == NULL) {
        return ch_error_memory(err, "the numbers of a file in Fortran's order");
    }
    if (self->num_sizes == 2) {
        transpose_matrix(to, from, self->sizes[0], self->sizes[1], size);
    } else {
        for (size_t i = 0; i < self->count; i++) {
            memcpy(to + i * size, from + fortran_place(self, i) * size, size);
        }
    }
    free(self->numbers);
    self->numbers = to;
    return CH_OK;
}

/* ---- members of a file ---- */

void ch_array_list_add(ch_array_list *self, const char *name)
{
    const size_t used = strlen(self->text);
    snprintf(self->text + used, sizeof self->text - used, "%s%s", self->count > 0 ? ", " : "", name);
    self->count++;
}

ch_code ch_array_refuse_member(const ch_array_name *name, const ch_array_list *found, ch_error *err)
{
    if (found->count == 0) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s has no array of numbers", name->file);
    }
    if (name->member != NULL) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s has no array '%s' of numbers; there are %s", name->file,
                            ch_show(name->member).text, found->text);
    }
    return ch_error_set(
        err, CH_ERROR_INPUT,
        "%s has several arrays or none that fits, and none is named; accepted is FILE:NAME with one of %s", name->file,
        found->text);
}
