/* bytes.c — the memory that a perceptron's engines take. */
#include "perceptron/bytes.h"

#include "data/data.h"

#include <stdint.h>

/* Lists take 40 bytes a sample. Once all margins in reach are followed, rows of the samples' Gram matrix and their
 * index come to it, and copies of up to a quarter of the samples. */
static size_t fast_bytes(size_t num_samples, size_t dim)
{
    enum { LIST_BYTES = 40, MOST_GRAM_BYTES = 17 << 20, LEAST_FULL = 1 << 11, COPIED_SHARE = 4 };
    const size_t gram = num_samples < LEAST_FULL ? 5 * num_samples * num_samples : MOST_GRAM_BYTES;
    return LIST_BYTES * num_samples + (gram < MOST_GRAM_BYTES ? gram : MOST_GRAM_BYTES) +
           ch_sample_set_bytes(num_samples / COPIED_SHARE, dim);
}

size_t ch_perceptron_bytes(const ch_perceptron_size *size)
{
    /* vectors of weights are in double, so that each takes two rows of single precision; a small batch is drawn without
     * a permutation of all samples */
    enum { VECTORS = 4, ROWS_A_VECTOR = 2, UNSHUFFLED_BATCH = 16 };
    const size_t fresh = size->num_train == 0 ? size->batch : 0;
    const size_t rows = ch_sample_set_bytes(fresh + size->num_test + VECTORS * ROWS_A_VECTOR, size->dim);
    const size_t permuted = size->batch > UNSHUFFLED_BATCH ? size->num_train : 0;
    const size_t indices = sizeof(uint32_t) * (size->batch + permuted);
    return rows + indices + (size->is_fast ? fast_bytes(size->num_train, size->dim) : 0);
}

size_t ch_perceptron_order_bytes(size_t num_samples)
{
    enum { ORDER_BYTES = 8, SORTING_BYTES = 8 };
    return (ORDER_BYTES + SORTING_BYTES) * num_samples;
}
