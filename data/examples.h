/* examples.h — labelled examples, the data that networks are trained on. */
#ifndef CH_EXAMPLES_H
#define CH_EXAMPLES_H

#include "core/core.h"
#include "data/law.h"

#include <stddef.h>
#include <stdint.h>

/** The shape of one input. An image has channels, rows and columns; a vector of d entries is {d, 1, 1}. */
typedef struct {
    size_t channels, rows, columns;
} ch_shape;

/** P labelled examples. */
typedef struct {
    size_t num_samples; /* P */
    ch_shape shape;
    size_t dim;     /* channels x rows x columns */
    float *inputs;  /* [P][channels][rows][columns], the order NCHW; owned */
    int8_t *labels; /* [P] +1 or -1; owned */
} ch_examples;

/** Allocates P examples of a shape. The inputs are not initialised, and the labels are 0.
 *
 *  @return CH_OK; CH_ERROR_INPUT when num_samples or a side of the shape is 0; CH_ERROR_MEMORY, also when the size
 *          overflows
 */
ch_code ch_examples_init(ch_examples *self, size_t num_samples, ch_shape shape, ch_error *err) CH_MUST_CHECK;
void ch_examples_free(ch_examples *self);

/** Draws P examples of a synthetic law, with inputs x of shape {d, 1, 1} and labels y.
 *
 *  Under a law whose labels are separated by a plane, ch_sample_set_init draws z = y x / sqrt(d). Here each such z gets
 *  a label y that is +1 or -1 with equal chances, and the input is x = y z sqrt(d) in single precision. Under the other
 *  laws x is rounded to single precision before its label is computed.
 *
 *  @param purpose   CH_STREAM_TRAIN_SAMPLES, CH_STREAM_TEST_SAMPLES or CH_STREAM_ONLINE_SAMPLES
 *  @param threads   threads to use, >= 1; does not change a bit of the result
 *  @param watch     may end the drawing; may be NULL
 *  @return CH_OK; CH_ERROR_INTERRUPTED when stopped; CH_ERROR_INPUT for chi, dim or num_samples outside their range;
 *          CH_ERROR_MEMORY
 */
ch_code ch_examples_init_law(ch_examples *self, const ch_data_law *law, ch_stream purpose, size_t num_samples,
                             int threads, const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

/** The bytes that P examples of `dim` numbers take.  @return SIZE_MAX where that overflows */
size_t ch_examples_bytes(size_t num_samples, size_t dim);

/** The input of example mu < P: [dim], borrowed. */
static inline const float *ch_examples_input(const ch_examples *self, size_t mu)
{
    return self->inputs + mu * self->dim;
}

#endif
