/* examples.c — labelled examples of the synthetic laws. */
#include "data/examples.h"

#include "core/memory.h"
#include "data/law_private.h"

#include <stdlib.h>
#include <string.h>

size_t ch_examples_bytes(size_t num_samples, size_t dim)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(dim, sizeof(float), &bytes) || __builtin_add_overflow(bytes, sizeof(int8_t), &bytes) ||
        __builtin_mul_overflow(bytes, num_samples, &bytes)) {
        return SIZE_MAX;
    }
    return bytes;
}

ch_code ch_examples_init(ch_examples *self, size_t num_samples, ch_shape shape, ch_error *err)
{
    size_t dim = 0;
    memset(self, 0, sizeof *self);
    if (num_samples < 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "the number of samples is 0; it must be at least 1");
    }
    if (shape.channels < 1 || shape.rows < 1 || shape.columns < 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "an input is %zu x %zu x %zu; each side must be at least 1",
                            shape.channels, shape.rows, shape.columns);
    }
    const bool overflows = __builtin_mul_overflow(shape.channels, shape.rows, &dim) ||
                           __builtin_mul_overflow(dim, shape.columns, &dim) ||
                           ch_examples_bytes(num_samples, dim) == SIZE_MAX;
    if (!overflows) {
        self->inputs = ch_alloc_rows(num_samples * dim * sizeof *self->inputs);
        self->labels = ch_alloc(num_samples, sizeof *self->labels);
    }
    if (self->inputs == NULL || self->labels == NULL) {
        ch_examples_free(self);
        return ch_error_memory(err, "the examples: lower train, test or dim");
    }
    self->num_samples = num_samples;
    self->shape = shape;
    self->dim = dim;
    return CH_OK;
}

void ch_examples_free(ch_examples *self)
{
    free(self->inputs);
    free(self->labels);
    memset(self, 0, sizeof *self);
}

/* ---- synthetic laws ---- */

/* The sample's stream first gives the row that the perceptron has under the same law, and then a fair label. The row is
 * turned over where the label is -1. */
static int8_t draw_by_plane(float *x, const ch_data_law *law, const ch_law_frame *frame, ch_random *random)
{
    ch_law_draw(x, law, frame, 1, random);
    if (ch_random_below(random, 2) == 0) {
        return 1;
    }
    for (size_t i = 0; i < law->dim; i++) {
        x[i] = -x[i];
    }
    return -1;
}

static int8_t draw(float *x, const ch_data_law *law, const ch_law_frame *frame, ch_random *random)
{
    const ch_law *row = ch_law_of(law->kind);
    return row->draw_sample != NULL ? draw_by_plane(x, law, frame, random) : row->draw_example(x, law, random);
}

ch_code ch_examples_init_law(ch_examples *self, const ch_data_law *law, ch_stream purpose, size_t num_samples,
                             int threads, const ch_watch *watch, ch_error *err)
{
    ch_law_frame frame = {0};
    memset(self, 0, sizeof *self);
    ch_code code = ch_law_check(law, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_examples_init(self, num_samples, (ch_shape){law->dim, 1, 1}, err);
    if (code != CH_OK) {
        return code;
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
        ch_random random;
        ch_random_init(&random, law->seed, purpose, mu);
        self->labels[mu] = draw(self->inputs + mu * self->dim, law, &frame, &random);
    }
    if (ch_watch_is_stopped(watch)) {
        code = ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped while the examples were drawn");
    }
out:
    ch_law_frame_free(&frame);
    if (code != CH_OK) {
        ch_examples_free(self);
    }
    return code;
}
