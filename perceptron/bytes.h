/* bytes.h — the memory that a perceptron's engines take. */
#ifndef CH_PERCEPTRON_BYTES_H
#define CH_PERCEPTRON_BYTES_H

#include <stdbool.h>
#include <stddef.h>

/** What the memory of a run depends on. */
typedef struct {
    size_t num_train; /* P; 0 where every batch is fresh */
    size_t num_test;  /* test samples; 0: none */
    size_t batch;     /* B */
    size_t dim;       /* d */
    bool is_fast;     /* whether the run uses the fast engine */
    bool by_epoch;    /* whether batches are parts of epochs */
} ch_perceptron_size;

/** The most bytes that a run takes in addition to its training samples: test samples, fresh batches, weights, indices
 *  of batches, and the lists of the fast engine. */
size_t ch_perceptron_bytes(const ch_perceptron_size *size);

/** Bytes that are needed to make the screening index of P samples which the fast engine borrows, the samples in 8 bits
 *  included. */
size_t ch_perceptron_screen_bytes(size_t num_samples, size_t dim);

#endif
