/* kernel.c — the tangent kernel that a linearised twin is trained on. */
#include "models/twin/kernel.h"

#include "core/memory.h"
#include "models/tangent/layerwise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

static size_t stride_of(size_t num_train)
{
    return (num_train + CH_KERNEL_LANES - 1) / CH_KERNEL_LANES * CH_KERNEL_LANES;
}

size_t ch_kernel_bytes(size_t num_train, size_t num_test)
{
    size_t rows = 0, bytes = 0;
    if (num_train > SIZE_MAX - CH_KERNEL_LANES || __builtin_add_overflow(num_train, num_test, &rows) ||
        __builtin_mul_overflow(rows, stride_of(num_train), &bytes) ||
        __builtin_mul_overflow(bytes, sizeof(float), &bytes)) {
        return SIZE_MAX;
    }
    return bytes;
}

/* The bytes that work on `num` rows and `num` columns takes. */
static size_t work_of(const ch_architecture *architecture, size_t num)
{
    const size_t bytes = ch_layerwise_bytes(architecture, num);
    return bytes <= SIZE_MAX / 2 ? 2 * bytes : SIZE_MAX;
}

size_t ch_kernel_best_work(const ch_architecture *architecture, size_t num_train, size_t num_test)
{
    return work_of(architecture, num_train > num_test ? num_train : num_test);
}

size_t ch_kernel_least_work(const ch_architecture *architecture)
{
    return work_of(architecture, 1);
}

/* Sets the entries beyond P of each row to 0. */
static void clear_padding(float *rows, size_t num_rows, size_t num_train, size_t stride)
{
    for (size_t i = 0; i < num_rows; i++) {
        memset(rows + i * stride + num_train, 0, (stride - num_train) * sizeof *rows);
    }
}

ch_code ch_kernel_init_unset(ch_kernel *self, size_t num_train, size_t num_test, ch_error *err)
{
    memset(self, 0, sizeof *self);
    if (num_train < 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "train is 0; a tangent kernel needs at least 1 sample");
    }
    const size_t row = ch_kernel_bytes(num_train, num_test) != SIZE_MAX ? stride_of(num_train) * sizeof(float) : 0;
    self->train = row > 0 ? ch_alloc_rows(num_train * row) : NULL;
    self->test = row > 0 ? ch_alloc_rows(num_test * row) : NULL;
    if (self->train == NULL || self->test == NULL) {
        ch_kernel_free(self);
        return ch_error_memory(err, "the tangent kernel: lower train");
    }
    self->num_train = num_train;
    self->num_test = num_test;
    self->stride = stride_of(num_train);
    clear_padding(self->train, num_train, num_train, self->stride);
    clear_padding(self->test, num_test, num_train, self->stride);
    return CH_OK;
}

void ch_kernel_free(ch_kernel *self)
{
    free(self->train);
    free(self->test);
    memset(self, 0, sizeof *self);
}

/* ---- entries ---- */

/* Computes the rows of some samples, without labels. */
static ch_code compute(const ch_kernel *self, const ch_kernel_setup *setup, const ch_examples *rows, float *kernel,
                       ch_error *err)
{
    const ch_kernel_task task = {
        .architecture = setup->architecture,
        .weights = setup->weights,
        .rows = rows->inputs,
        .columns = setup->train->inputs,
        .num_rows = rows->num_samples,
        .num_columns = self->num_train,
        .bytes = setup->bytes,
        .threads = setup->threads,
        .watch = setup->watch,
    };
    return ch_layerwise_kernel(&task, self->stride, kernel, err);
}

/* Multiplies entry (i, j) by the labels of samples i and j.  @return whether all entries are finite */
static bool fold_labels(float *kernel, const ch_examples *rows, const ch_examples *columns, size_t stride, int threads)
{
    bool finite = true;
#pragma omp parallel for schedule(static) num_threads(threads) reduction(&& : finite) if (threads > 1)
    for (size_t i = 0; i < rows->num_samples; i++) {
        float *row = kernel + i * stride;
        int all = 1;
        for (size_t j = 0; j < columns->num_samples; j++) {
            row[j] *= (float)(rows->labels[i] * columns->labels[j]);
            all &= fabsf(row[j]) < INFINITY;
        }
        finite = finite && all;
    }
    return finite;
}

static ch_code check_inputs(const ch_kernel_setup *setup, const ch_examples *examples, const char *what, ch_error *err)
{
    if (examples->dim == setup->architecture->dim) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT, "the %s samples have %zu numbers each; the network takes %zu", what,
                        examples->dim, setup->architecture->dim);
}

static ch_code fill(ch_kernel *self, const ch_kernel_setup *setup, ch_error *err)
{
    ch_code code = compute(self, setup, setup->train, self->train, err);
    if (code != CH_OK) {
        return code;
    }
    code = self->num_test > 0 ? compute(self, setup, setup->test, self->test, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    bool finite = fold_labels(self->train, setup->train, setup->train, self->stride, setup->threads);
    if (self->num_test > 0) {
        finite = fold_labels(self->test, setup->test, setup->train, self->stride, setup->threads) && finite;
    }
    if (!finite) {
        return ch_error_set(err, CH_ERROR_NUMERIC,
                            "the tangent kernel has entries that are not finite: inputs must be finite, and their "
                            "gradients within single precision");
    }
    return CH_OK;
}

ch_code ch_kernel_init(ch_kernel *self, const ch_kernel_setup *setup, ch_error *err)
{
    memset(self, 0, sizeof *self);
    ch_code code = check_inputs(setup, setup->train, "training", err);
    if (code != CH_OK) {
        goto out;
    }
    code = setup->test != NULL ? check_inputs(setup, setup->test, "test", err) : CH_OK;
    if (code != CH_OK) {
        goto out;
    }
    code =
        ch_kernel_init_unset(self, setup->train->num_samples, setup->test != NULL ? setup->test->num_samples : 0, err);
    if (code != CH_OK) {
        goto out;
    }
    code = fill(self, setup, err);
out:
    if (code != CH_OK) {
        ch_kernel_free(self);
    }
    return code;
}
