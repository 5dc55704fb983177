/* own.c — samples and labels from files of the user's own. */
#include "data/own.h"

#include "core/available.h"
#include "core/memory.h"
#include "core/text.h"

#include <inttypes.h>
#include <math.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *ch_normalise_name(uint64_t normalise)
{
    static const char *const names[] = {
        [CH_NORMALISE_NONE] = "none", [CH_NORMALISE_FEATURE] = "feature", [CH_NORMALISE_POOL] = "pool"};
    return normalise < sizeof names / sizeof *names ? names[normalise] : NULL;
}

/* ---- shapes ---- */

/* Whether an array [n][a][b][c] seems to have its channels last, which this library has first. */
static bool has_channels_last(const ch_array *numbers)
{
    const size_t first = numbers->sizes[1], last = numbers->sizes[3];
    return (last == 1 || last == 3 || last == 4) && !(first == 1 || first == 3 || first == 4);
}

static ch_code find_shape(ch_own_pool *self, const char *file, ch_error *err)
{
    const size_t *sizes = self->numbers.sizes;
    self->count = sizes[0];
    switch (self->numbers.num_sizes) {
    case 1:
        self->shape = (ch_shape){1, 1, 1};
        break;
    case 2:
        self->shape = (ch_shape){sizes[1], 1, 1};
        break;
    case 3:
        self->shape = (ch_shape){1, sizes[1], sizes[2]};
        break;
    default:
        if (has_channels_last(&self->numbers)) {
            return ch_error_set(
                err, CH_ERROR_INPUT,
                "%s has the shape %zu x %zu x %zu x %zu, which would be images of %zu channels; accepted is "
                "[n][channels][rows][columns], as numpy.moveaxis(x, 3, 1) makes it; images that have %zu columns are "
                "accepted with rows and columns exchanged, numpy.swapaxes(x, 2, 3)",
                file, sizes[0], sizes[1], sizes[2], sizes[3], sizes[1], sizes[3]);
        }
        self->shape = (ch_shape){sizes[1], sizes[2], sizes[3]};
    }
    self->dim = self->shape.channels * self->shape.rows * self->shape.columns;
    if (self->count > UINT32_MAX) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s holds %zu samples; accepted is up to %u", file, self->count,
                            UINT32_MAX);
    }
    return CH_OK;
}

/* ---- labels ---- */

static ch_code take_labels(ch_own_pool *self, const ch_array *labels, const char *name, const char *file, ch_error *err)
{
    if (labels->count != self->count) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s has %zu labels, but %s has %zu samples; accepted is one label a sample", name,
                            labels->count, file, self->count);
    }
    if (labels->sizes[0] != self->count) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s has labels of shape %zu x …; accepted are %zu labels in one column, [n] or [n][1]",
                            name, labels->sizes[0], self->count);
    }
    self->labels = ch_alloc(self->count, sizeof *self->labels);
    if (self->labels == NULL) {
        return ch_error_memory(err, "the labels of a file");
    }
    for (size_t mu = 0; mu < self->count; mu++) {
        if (!ch_array_integer(labels, mu, &self->labels[mu])) {
            return ch_error_set(err, CH_ERROR_INPUT,
                                "%s: label number %zu is %.17g; accepted are integers from -2^63 to 2^63 - 1", name, mu,
                                ch_array_real(labels, mu));
        }
    }
    return CH_OK;
}

/* Whether two arrays have the same sizes. */
static bool has_same_sizes(const ch_array *a, const ch_array *b)
{
    return a->num_sizes == b->num_sizes && memcmp(a->sizes, b->sizes, a->num_sizes * sizeof *a->sizes) == 0;
}

/* Reads labels that are in a file of their own, or another array of the same file. */
static ch_code read_labels(ch_own_pool *self, const char *file, const char *labels, ch_error *err)
{
    ch_array array = {0}, none = {0};
    bool is_table = false;
    const char *name = labels != NULL ? labels : file;
    ch_code code = ch_array_read(&array, name, 1, &is_table, err);
    if (code == CH_OK && is_table) {
        code = ch_array_read_csv(&array, &none, name, "", err);
    }
    if (code != CH_OK) {
        goto out;
    }
    if (labels == NULL && has_same_sizes(&array, &self->numbers)) { /* the samples themselves, read once more */
        code = ch_error_set(err, CH_ERROR_INPUT,
                            "data_labels is not set, and %s names the samples alone; accepted is a file of labels, or "
                            "FILE:NAME for an array in one",
                            file);
        goto out;
    }
    code = take_labels(self, &array, name, file, err);
out:
    ch_array_free(&array);
    return code;
}

/* ---- reading ---- */

/* Reads a table, in which the labels may be a column. */
static ch_code read_table(ch_own_pool *self, const char *file, const char *labels, ch_error *err)
{
    ch_array column = {0};
    const bool is_apart = labels != NULL && access(labels, F_OK) == 0;
    ch_code code = ch_array_read_csv(&self->numbers, &column, file, is_apart ? "" : labels, err);
    if (code != CH_OK) {
        goto out;
    }
    code = find_shape(self, file, err);
    if (code != CH_OK) {
        goto out;
    }
    code = is_apart ? read_labels(self, file, labels, err) : take_labels(self, &column, file, file, err);
out:
    ch_array_free(&column);
    return code;
}

/* Whether a file keeps several arrays, so that labels may be among them. */
static ch_code read_arrays(ch_own_pool *self, const char *file, const char *labels, ch_error *err)
{
    const ch_code code = find_shape(self, file, err);
    return code == CH_OK ? read_labels(self, file, labels, err) : code;
}

static ch_code read_all(ch_own_pool *self, const char *file, const char *labels, ch_error *err)
{
    bool is_table = false;
    const ch_code code = ch_array_read(&self->numbers, file, 2, &is_table, err);
    if (code != CH_OK) {
        return code;
    }
    return is_table ? read_table(self, file, labels, err) : read_arrays(self, file, labels, err);
}

/* ---- the digest ---- */

enum { PIECE = 1 << 14 }; /* numbers that are converted and looked at together */

/* Bytes of little-endian order, in which digests are made. */
static void to_little_endian(void *numbers, size_t count, size_t size)
{
    uint8_t *bytes = numbers;
    for (size_t i = 0; i < count && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__; i++) {
        for (size_t k = 0; k < size / 2; k++) {
            const uint8_t byte = bytes[i * size + k];
            bytes[i * size + k] = bytes[i * size + size - 1 - k];
            bytes[i * size + size - 1 - k] = byte;
        }
    }
}

/* The numbers first … first + count in single precision. The loops over each type are the compiler's to make vectors
 * of.
 */
static void convert(const ch_array *from, size_t first, size_t count, float *to)
{
    switch (from->element) {
    case CH_ELEMENT_U8:
        for (size_t i = 0; i < count; i++) {
            to[i] = ((const uint8_t *)from->numbers)[first + i];
        }
        break;
    case CH_ELEMENT_F32:
        memcpy(to, (const float *)from->numbers + first, count * sizeof *to);
        break;
    default:
        for (size_t i = 0; i < count; i++) {
            to[i] = (float)ch_array_real(from, first + i);
        }
    }
}

static ch_code refuse_number(const ch_own_pool *self, size_t place, const char *file, ch_error *err)
{
    const double number = ch_array_real(&self->numbers, place);
    return ch_error_set(err, CH_ERROR_INPUT, "%s: number %zu of sample %zu is %g%s; accepted are finite numbers", file,
                        place % self->dim, place / self->dim, number,
                        isfinite(number) ? ", which single precision does not hold" : "");
}

/* Looks at all numbers.
 * @param is_single  out: whether single precision holds each of them as it is */
static ch_code look_at_numbers(const ch_own_pool *self, const char *file, bool *is_single, ch_error *err)
{
    const ch_array *numbers = &self->numbers;
    const bool is_short = ch_element_size(numbers->element) < sizeof(float) || numbers->element == CH_ELEMENT_F32;
    float piece[PIECE];
    *is_single = true;
    for (size_t first = 0; first < numbers->count; first += PIECE) {
        const size_t rest = numbers->count - first, count = rest < PIECE ? rest : PIECE;
        convert(numbers, first, count, piece);
        float sum = 0; /* 0 times a number is 0 unless the number is not finite */
        for (size_t i = 0; i < count; i++) {
            sum += 0 * piece[i];
        }
        for (size_t i = 0; i < count && !isfinite(sum); i++) {
            if (!isfinite(piece[i])) {
                return refuse_number(self, first + i, file, err);
            }
        }
        for (size_t i = 0; i < count && !is_short && *is_single; i++) {
            *is_single = (double)piece[i] == ch_array_real(numbers, first + i);
        }
    }
    return CH_OK;
}

/* Numbers that single precision does not hold are those of other data, since they are normalised as they are. */
static void make_digest(ch_own_pool *self, bool is_single)
{
    char head[128];
    union {
        float narrow[PIECE];
        double wide[PIECE];
    } piece;
    uint8_t bytes[SHA256_DIGEST_SIZE];
    struct sha256_ctx sha;
    const size_t size = is_single ? sizeof piece.narrow[0] : sizeof piece.wide[0];
    const int length = snprintf(head, sizeof head, "file %zu %zu %zu %zu\n", self->shape.channels, self->shape.rows,
                                self->shape.columns, self->count);
    sha256_init(&sha);
    sha256_update(&sha, (size_t)length, (const uint8_t *)head);
    for (size_t first = 0; first < self->numbers.count; first += PIECE) {
        const size_t rest = self->numbers.count - first, count = rest < PIECE ? rest : PIECE;
        if (is_single) {
            convert(&self->numbers, first, count, piece.narrow);
        } else {
            ch_array_reals(&self->numbers, first, count, piece.wide);
        }
        to_little_endian(&piece, count, size);
        sha256_update(&sha, count * size, (const uint8_t *)&piece);
    }
    for (size_t mu = 0; mu < self->count; mu++) {
        int64_t label = self->labels[mu];
        to_little_endian(&label, 1, sizeof label);
        sha256_update(&sha, sizeof label, (const uint8_t *)&label);
    }
    sha256_digest(&sha, sizeof bytes, bytes);
    ch_hex(bytes, sizeof bytes, self->digest);
}

/* ---- life ---- */

ch_code ch_own_pool_init(ch_own_pool *self, const char *file, const char *labels, ch_error *err)
{
    bool is_single = true;
    memset(self, 0, sizeof *self);
    ch_code code = read_all(self, file, labels, err);
    if (code != CH_OK) {
        goto out;
    }
    self->counts = ch_alloc(1, sizeof *self->counts);
    if (self->counts == NULL) {
        code = ch_error_memory(err, "the labels of a file");
        goto out;
    }
    code = ch_label_counts_init(self->counts, self->labels, self->count, err);
    if (code != CH_OK) {
        goto out;
    }
    code = look_at_numbers(self, file, &is_single, err);
    if (code == CH_OK) {
        make_digest(self, is_single);
    }
out:
    if (code != CH_OK) {
        ch_own_pool_free(self);
    }
    return code;
}

void ch_own_pool_free(ch_own_pool *self)
{
    ch_array_free(&self->numbers);
    free(self->labels);
    free(self->counts);
    memset(self, 0, sizeof *self);
}
