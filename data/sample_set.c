/* sample_set.c — samples of the laws whose label a plane gives. */
#include "data/sample_set.h"

#include "core/memory.h"
#include "data/law_private.h"
#include "data/rows.h"
#include "data/sample_set_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A normal number takes as long as so many multiply-adds. */
enum { OPERATIONS_TO_DRAW = 16 };

size_t ch_sample_set_bytes(size_t num_samples, size_t dim)
{
    size_t bytes = 0;
    if (dim > SIZE_MAX - CH_ROW_LANES || __builtin_mul_overflow(num_samples, ch_row_stride(dim), &bytes) ||
        __builtin_mul_overflow(bytes, sizeof(float), &bytes)) {
        return SIZE_MAX;
    }
    return bytes;
}

/* One sample, z = y x / sqrt(d). */
static void draw_sample(float *row, size_t stride, const ch_data_law *law, const ch_law_frame *frame, ch_stream purpose,
                        uint64_t mu)
{
    ch_random random;
    ch_random_init(&random, law->seed, purpose, mu);
    ch_law_draw(row, law, frame, 1 / sqrt((double)law->dim), &random);
    for (size_t i = law->dim; i < stride; i++) {
        row[i] = 0;
    }
}

static ch_code check(const ch_data_law *law, size_t num_samples, ch_error *err)
{
    const ch_law *row = ch_law_of(law->kind);
    if (row->name != NULL && row->draw_sample == NULL) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "the law is %s, which no linear teacher labels; accepted is a law with a teacher",
                            row->name);
    }
    return ch_law_check(law, num_samples, err);
}

ch_code ch_sample_set_allocate(ch_sample_set *self, size_t num_samples, size_t dim, ch_error *err)
{
    memset(self, 0, sizeof *self);
    self->num_samples = num_samples;
    self->dim = dim;
    self->stride = ch_row_stride(dim);
    const size_t bytes = ch_sample_set_bytes(num_samples, dim);
    self->rows = bytes < SIZE_MAX ? ch_alloc_rows(bytes) : NULL;
    self->teacher = ch_alloc(self->stride, sizeof *self->teacher);
    if (self->rows == NULL || self->teacher == NULL) {
        ch_sample_set_free(self);
        return ch_error_memory(err, "the samples: lower train or dim");
    }
    return CH_OK;
}

/* Finds the teacher and the deviations of a set. */
static ch_code describe(ch_sample_set *self, const ch_data_law *law, ch_error *err)
{
    ch_data_law_teacher(law, self->teacher);
    if (!ch_data_law_is_stretched(law)) {
        return CH_OK;
    }
    self->deviations = ch_alloc(law->dim, sizeof *self->deviations);
    if (self->deviations == NULL) {
        return ch_error_memory(err, "the samples: lower train or dim");
    }
    ch_data_law_deviations(law, self->deviations);
    return CH_OK;
}

ch_code ch_sample_set_init_undrawn(ch_sample_set *self, const ch_data_law *law, size_t num_samples, ch_error *err)
{
    memset(self, 0, sizeof *self);
    ch_code code = check(law, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_sample_set_allocate(self, num_samples, law->dim, err);
    if (code != CH_OK) {
        return code;
    }
    code = describe(self, law, err);
    if (code != CH_OK) {
        ch_sample_set_free(self);
    }
    return code;
}

ch_code ch_sample_set_init(ch_sample_set *self, const ch_data_law *law, ch_stream purpose, size_t num_samples,
                           int threads, const ch_watch *watch, ch_error *err)
{
    ch_law_frame frame = {0};
    ch_code code = ch_sample_set_init_undrawn(self, law, num_samples, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_law_frame_init(&frame, law, err);
    if (code != CH_OK) {
        goto out;
    }
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t mu = 0; mu < num_samples; mu++) {
        if (ch_watch_is_stopped(watch)) {
            continue;
        }
        draw_sample(self->rows + mu * self->stride, self->stride, law, &frame, purpose, mu);
    }
    if (ch_watch_is_stopped(watch)) {
        code = ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped while the samples were drawn");
    }
out:
    ch_law_frame_free(&frame);
    if (code != CH_OK) {
        ch_sample_set_free(self);
    }
    return code;
}

bool ch_sample_set_redraw(ch_sample_set *self, const ch_data_law *law, ch_stream purpose, uint64_t first,
                          const ch_watch *watch)
{
    static const ch_law_frame first_axis = {NULL, 0, NULL};
    const size_t look = 1 + ch_rows_per_look(self->stride) / OPERATIONS_TO_DRAW;
    for (size_t i = 0; i < self->num_samples; i++) {
        if (i % look == look - 1 && ch_watch_is_stopped(watch)) {
            return false;
        }
        draw_sample(self->rows + i * self->stride, self->stride, law, &first_axis, purpose, first + i);
    }
    return true;
}

void ch_sample_set_free(ch_sample_set *self)
{
    free(self->rows);
    free(self->teacher);
    free(self->deviations);
    memset(self, 0, sizeof *self);
}
