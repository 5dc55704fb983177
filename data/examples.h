/* examples.h — labelled examples as networks take them. */
#ifndef CH_EXAMPLES_H
#define CH_EXAMPLES_H

#include <stddef.h>
#include <stdint.h>

/** Shape of one input: an image, or a vector of d as {d, 1, 1}. */
typedef struct {
    size_t channels, rows, columns;
} ch_shape;

/** P labelled examples as networks take them. */
typedef struct {
    size_t num_samples;
    ch_shape shape;
    size_t dim;     /* channels x rows x columns */
    float *inputs;  /* [P][dim], row-major, each (channel, row, column); owned */
    int8_t *labels; /* [P] +1 or -1; owned */
} ch_examples;

#endif
