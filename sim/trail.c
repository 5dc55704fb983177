/* trail.c — the weights along a run. */
#include "sim/trail.h"

#include "core/memory.h"
#include "core/text.h"
#include "data/array.h"
#include "data/npy_write.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static double *row_at(const ch_trail *self, size_t row)
{
    return self->rows + row * (1 + self->num_weights);
}

void ch_trail_init(ch_trail *self, size_t num_weights)
{
    *self = (ch_trail){.num_weights = num_weights};
}

void ch_trail_free(ch_trail *self)
{
    free(self->rows);
    *self = (ch_trail){0};
}

double *ch_trail_add(ch_trail *self, uint64_t step)
{
    void *rows = self->rows;
    if (ch_grow(&rows, &self->capacity, self->num_rows + 1, (1 + self->num_weights) * sizeof *self->rows) != 0) {
        return NULL;
    }
    self->rows = rows;
    double *row = row_at(self, self->num_rows++);
    row[0] = (double)step;
    return row + 1;
}

uint64_t ch_trail_step(const ch_trail *self, size_t row)
{
    return (uint64_t)*row_at(self, row);
}

size_t ch_trail_find(const ch_trail *self, uint64_t step)
{
    size_t row = 0;
    while (row < self->num_rows && ch_trail_step(self, row) != step) {
        row++;
    }
    return row;
}

double ch_trail_distance(const ch_trail *self, size_t row, const ch_trail *other, size_t other_row)
{
    if (row >= self->num_rows || other_row >= other->num_rows) {
        return NAN;
    }
    const double *a = row_at(self, row) + 1, *b = row_at(other, other_row) + 1;
    double sum = 0;
    for (size_t i = 0; i < self->num_weights; i++) {
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return sqrt(sum);
}

/* ---- files ---- */

ch_code ch_trail_write(const ch_trail *self, const char *path, ch_error *err)
{
    const size_t sizes[] = {self->num_rows, 1 + self->num_weights};
    return ch_npy_write(path, CH_ELEMENT_F64, sizes, 2, self->rows, err);
}

static ch_code refuse(const char *path, const char *why, ch_error *err)
{
    return ch_error_set(err, CH_ERROR_INPUT, "distance-to is %s, which %s; accepted is a file of save-trajectory",
                        ch_show(path).text, why);
}

/* Whether a double is a number of steps. */
static bool is_step(double number)
{
    return number >= 0 && number < 0x1p63 && number == floor(number);
}

/* Copies the rows of an array, which is one of float64 of two sizes. */
static ch_code take_rows(ch_trail *self, const ch_array *array, const char *path, ch_error *err)
{
    const double *numbers = array->numbers;
    const size_t length = array->sizes[1];
    for (size_t i = 0; i < array->count; i++) {
        if (!isfinite(numbers[i])) {
            return refuse(path, "has a number that is infinite or NaN", err);
        }
    }
    for (size_t row = 0; row < array->sizes[0]; row++) {
        const double step = numbers[row * length], before = row > 0 ? numbers[(row - 1) * length] : -1;
        if (!is_step(step) || step <= before || (row == 0 && step != 0)) {
            return refuse(path, "has steps in its first column that do not ascend from 0", err);
        }
        double *weights = ch_trail_add(self, (uint64_t)step);
        if (weights == NULL) {
            return ch_error_memory(err, "the weights of distance-to");
        }
        memcpy(weights, numbers + row * length + 1, self->num_weights * sizeof *weights);
    }
    return CH_OK;
}

ch_code ch_trail_read(ch_trail *self, const char *path, size_t num_weights, ch_error *err)
{
    ch_array array;
    ch_error inner = {0};
    bool is_table = false;
    ch_trail_init(self, num_weights);
    ch_code code = ch_array_read(&array, path, 2, &is_table, &inner);
    if (code != CH_OK) {
        return ch_error_set(err, code, "distance-to: %s", inner.message);
    }
    if (is_table) {
        return refuse(path, "is a text", err);
    }
    if (array.element != CH_ELEMENT_F64 || array.num_sizes != 2) {
        code = refuse(path, "is no array of float64 with two dimensions", err);
        goto out;
    }
    if (array.sizes[1] != 1 + num_weights) {
        code = ch_error_set(err, CH_ERROR_INPUT,
                            "distance-to is %s, which has the weights of a model with %zu of them; accepted is a file "
                            "of save-trajectory with the %zu of this one",
                            ch_show(path).text, array.sizes[1] - 1, num_weights);
        goto out;
    }
    code = take_rows(self, &array, path, err);
out:
    ch_array_free(&array);
    if (code != CH_OK) {
        ch_trail_free(self);
    }
    return code;
}
