/* principal.h — principal component analysis of a series of snapshots. Private to sim/. */
#ifndef CH_PRINCIPAL_H
#define CH_PRINCIPAL_H

#include "core/core.h"

#include <stddef.h>

/** A part of the weights: the numbers from … from + count - 1 of a snapshot. */
typedef struct {
    size_t from, count;
} ch_weight_part;

/** Snapshots whose mean was subtracted from each. Borrowed. */
typedef struct {
    const double *rows; /* [num_rows][row_size] */
    size_t num_rows, row_size;
} ch_centred_rows;

/** The principal directions of a part, by falling variance.
 *
 *  With n snapshots of D numbers, the eigenvectors of the smaller one of two symmetric matrices are found: of the D x D
 *  covariance, or of the n x n Gram matrix X X^T, whose eigenvector u stands for the direction X^T u. Both have the
 *  same eigenvalues but for zeros. The eigenvalues are found to the rounding of the largest one. */
typedef struct {
    double *variances; /* [size] eigenvalues over n - 1; owned */
    double *vectors;   /* [size][size] a row for every eigenvector; owned */
    size_t size;       /* min(n, D) */
} ch_principal;

/** @param threads  no bit of the result depends on it
 *  @return CH_OK; CH_ERROR_MEMORY; CH_ERROR_NUMERIC where the eigenvalues do not converge */
ch_code ch_principal_init(ch_principal *self, const ch_centred_rows *series, ch_weight_part part, int threads,
                          ch_error *err) CH_MUST_CHECK;
/** Idempotent. */
void ch_principal_free(ch_principal *self);

/** Writes a direction as a unit vector.
 *  @param index      counted from 0, with a variance above 0
 *  @param direction  [row_size] out: 0 outside the part */
void ch_principal_direction(const ch_principal *self, const ch_centred_rows *series, ch_weight_part part, size_t index,
                            double *direction);

/** x . y, by eight sums that are added in a fixed order. */
double ch_inner_product(const double *x, const double *y, size_t count);

#endif
