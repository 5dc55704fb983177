/* weights_file.c — initial weights from a file of NumPy's format. */
#include "sim/weights_file.h"

#include "core/memory.h"
#include "core/text.h"
#include "data/array.h"

#include <errno.h>
#include <math.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ch_code refuse(const char *path, const char *why, ch_error *err)
{
    return ch_error_set(err, CH_ERROR_INPUT,
                        "init is %s, which %s; accepted is an array of float32 or float64 as numpy.save writes it",
                        ch_show(path).text, why);
}

/* Copies the numbers of an array, which must be real and finite. */
static ch_code take_numbers(const ch_array *array, const char *path, double **numbers, ch_error *err)
{
    if (array->element != CH_ELEMENT_F32 && array->element != CH_ELEMENT_F64) {
        return refuse(path, "holds numbers of another type", err);
    }
    *numbers = ch_alloc_unset(array->count, sizeof **numbers);
    if (*numbers == NULL) {
        return ch_error_memory(err, "the weights of init");
    }
    for (size_t i = 0; i < array->count; i++) {
        (*numbers)[i] = ch_array_real(array, i);
        if (!isfinite((*numbers)[i])) {
            return refuse(path, "has a number that is infinite or NaN", err);
        }
    }
    return CH_OK;
}

/* The SHA-256 of a file. */
static ch_code find_digest(const char *path, char digest[CH_WEIGHTS_DIGEST_SIZE], ch_error *err)
{
    struct sha256_ctx hash;
    uint8_t bytes[1 << 14], sum[SHA256_DIGEST_SIZE];
    size_t length = 0;
    FILE *file = fopen(path, "rb");
    sha256_init(&hash);
    while (file != NULL && (length = fread(bytes, 1, sizeof bytes, file)) > 0) {
        sha256_update(&hash, length, bytes);
    }
    const bool is_read = file != NULL && ferror(file) == 0;
    const int reason = errno;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (!is_read) {
        return ch_error_set(err, CH_ERROR_IO, "%s cannot be read: %s", ch_show(path).text, strerror(reason));
    }
    sha256_digest(&hash, sizeof sum, sum);
    ch_hex(sum, sizeof sum, digest);
    return CH_OK;
}

ch_code ch_weights_read(const char *path, double **numbers, size_t *count, char digest[CH_WEIGHTS_DIGEST_SIZE],
                        ch_error *err)
{
    ch_array array;
    ch_error inner = {0};
    bool is_table = false;
    *numbers = NULL;
    ch_code code = ch_array_read(&array, path, 1, &is_table, &inner);
    if (code != CH_OK) {
        return ch_error_set(err, code, "init: %s", inner.message);
    }
    if (is_table) {
        return refuse(path, "is a text", err);
    }
    *count = array.count;
    code = take_numbers(&array, path, numbers, err);
    if (code != CH_OK) {
        goto out;
    }
    code = find_digest(path, digest, err);
out:
    ch_array_free(&array);
    if (code != CH_OK) {
        free(*numbers);
        *numbers = NULL;
    }
    return code;
}

/* Refuses weights that training, which rounds them to single precision, would start as infinite. */
static ch_code check_size(const ch_start *self, ch_error *err)
{
    for (size_t i = 0; i < self->count; i++) {
        if (!isfinite((float)self->numbers[i])) {
            return refuse(self->path, "has a number that single precision does not hold", err);
        }
    }
    return CH_OK;
}

ch_code ch_start_init(ch_start *self, const char *path, ch_error *err)
{
    *self = (ch_start){.path = strdup(path)};
    ch_code code = self->path != NULL ? ch_weights_read(path, &self->numbers, &self->count, self->digest, err)
                                      : ch_error_memory(err, "the weights of init");
    if (code != CH_OK) {
        goto out;
    }
    code = check_size(self, err);
out:
    if (code != CH_OK) {
        ch_start_free(self);
    }
    return code;
}

void ch_start_free(ch_start *self)
{
    free(self->path);
    free(self->numbers);
    *self = (ch_start){0};
}

ch_code ch_start_check(size_t count, const ch_architecture *architecture, ch_error *err)
{
    if (count == architecture->num_weights) {
        return CH_OK;
    }
    return ch_error_set(
        err, CH_ERROR_INPUT,
        "init has %zu numbers; accepted are the %zu weights and biases of this network, layer after layer", count,
        architecture->num_weights);
}
