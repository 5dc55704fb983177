/* examples.h — labelled examples, as networks take them. */
#ifndef CH_EXAMPLES_H
#define CH_EXAMPLES_H

#include "core/core.h"
#include "data/law.h"

#include <stddef.h>
#include <stdint.h>

/** Shape of one input: an image, or a vector of d as {d, 1, 1}. */
typedef struct {
    size_t channels, rows, columns;
} ch_shape;

/** P labelled examples. */
typedef struct {
    size_t num_samples; /* P */
    ch_shape shape;
    size_t dim;     /* channels x rows x columns */
    float *inputs;  /* [P][dim], row-major, each input as (channel, row, column); owned */
    int8_t *labels; /* [P] +1 or -1; owned */
} ch_examples;

/** Makes room for P examples of a shape. Inputs are not set yet, and labels are 0.
 *
 *  @return CH_OK; CH_ERROR_INPUT when there are no samples or a side of the shape is 0; CH_ERROR_MEMORY, also when the
 *          size overflows
 */
ch_code ch_examples_init(ch_examples *self, size_t num_samples, ch_shape shape, ch_error *err) CH_MUST_CHECK;
void ch_examples_free(ch_examples *self);

/** Draws P examples of a synthetic law: inputs x of shape {d, 1, 1}, and labels y.
 *
 *  Where a plane labels, the examples are those of ch_sample_set_init, z = y x / sqrt(d), each with a fair label y: x =
 *  y z sqrt(d), in single precision. The other laws label x after it was rounded to single precision.
 *
 *  @param purpose   CH_STREAM_TRAIN_SAMPLES, CH_STREAM_TEST_SAMPLES or CH_STREAM_ONLINE_SAMPLES
 *  @param threads   threads to use, >= 1; does not change a bit of the result
 *  @param watch     NULL, or who may end the drawing
 *  @return CH_OK; CH_ERROR_INTERRUPTED when stopped; CH_ERROR_INPUT for chi, dim or num_samples outside their range;
 *          CH_ERROR_MEMORY
 */
ch_code ch_examples_init_law(ch_examples *self, const ch_data_law *law, ch_stream purpose, size_t num_samples,
                             int threads, const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

/** Bytes that P examples of `dim` numbers take; SIZE_MAX when that overflows. */
size_t ch_examples_bytes(size_t num_samples, size_t dim);

static inline const float *ch_examples_input(const ch_examples *self, size_t mu)
{
    return self->inputs + mu * self->dim;
}

#endif
