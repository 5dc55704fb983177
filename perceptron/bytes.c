/* bytes.c — the memory that a perceptron's engines take. */
#include "perceptron/bytes.h"

#include "core/draw.h"
#include "core/epoch.h"
#include "core/waiting.h"
#include "data/data.h"
#include "perceptron/close.h"

#include <stdint.h>

/* The lists of the fast engine take 48 bytes a sample. Late in training it keeps bounds on the margins of all samples
 * that can be unfitted. These take rows of the samples' Gram matrix with their index, rows for a part of the samples,
 * and copies of up to a quarter of the samples. */
static size_t fast_bytes(size_t num_samples, size_t dim)
{
    enum { LIST_BYTES = 48, MOST_GRAM_BYTES = 22 << 20, LEAST_FULL = 1 << 11, COPIED_SHARE = 4 };
    const size_t gram = num_samples < LEAST_FULL ? 9 * num_samples * num_samples : MOST_GRAM_BYTES;
    return LIST_BYTES * num_samples + (gram < MOST_GRAM_BYTES ? gram : MOST_GRAM_BYTES) +
           ch_sample_set_bytes(num_samples / COPIED_SHARE, dim);
}

/* Bytes of the close set (perceptron/close.h), which runs with large batches have. */
static size_t close_bytes(const ch_perceptron_size *size)
{
    const bool applies = size->is_fast && !size->by_epoch && size->batch >= CH_WAITING_LARGE_BATCH;
    return applies ? ch_close_set_bytes(size->num_train, size->dim) : 0;
}

/* The fast engine by epochs has the places that it knows, the place of every sample in the screening index, and a bit
 * for each sample. */
static size_t epoch_bytes(const ch_perceptron_size *size)
{
    enum { SAMPLE_BYTES = 5 };
    return size->is_fast && size->by_epoch
               ? (size_t)ch_epoch_bytes(size->num_train, size->batch) + SAMPLE_BYTES * size->num_train
               : 0;
}

size_t ch_perceptron_bytes(const ch_perceptron_size *size)
{
    /* A vector of weights is in double precision, and takes as much as two rows in single precision. Only batches over
     * CH_SCANNED_BATCH are drawn from a permutation of all samples. */
    enum { VECTORS = 6, ROWS_A_VECTOR = 2 };
    const size_t fresh = size->num_train == 0 ? size->batch : 0;
    const size_t rows = ch_sample_set_bytes(fresh + size->num_test + VECTORS * ROWS_A_VECTOR, size->dim);
    const size_t permuted = size->batch > CH_SCANNED_BATCH || size->by_epoch ? size->num_train : 0;
    const size_t indices = sizeof(uint32_t) * (size->batch + permuted) + epoch_bytes(size) + close_bytes(size);
    const size_t tests = 2 * sizeof(double) * size->num_test; /* |F|, and the smallest of them */
    return rows + indices + tests + (size->is_fast ? fast_bytes(size->num_train, size->dim) : 0);
}

size_t ch_perceptron_screen_bytes(size_t num_samples, size_t dim)
{
    /* Sorting takes 8 bytes a sample, but ends before the samples in 8 bits are made, which take at least 16. */
    enum { ORDER_BYTES = 8, ALONG_BYTES = 4 };
    const size_t bytes = ch_sample_set_bytes(num_samples, dim) / sizeof(float); /* one an entry, not four */
    return (ORDER_BYTES + ALONG_BYTES) * num_samples + bytes;
}
