/* linear.h — weighted linear least squares in memory that is allocated beforehand. GSL's gsl_multifit_wlinear allocates
 * within each call and does not check for failure; here only ch_linear_init allocates. */
#ifndef CH_FIT_LINEAR_H
#define CH_FIT_LINEAR_H

#include "core/core.h"

#include <gsl/gsl_matrix.h>

/** The most columns that a design may have. */
enum { CH_LINEAR_COLUMNS = 3 };

/** The memory of one thread, and the design X that was decomposed last. With each column scaled by a power of two to a
 *  sum of absolute values near 1, and each row multiplied by the root of its weight, X is U S V^T. */
typedef struct {
    double *u;                                       /* [num_rows][num_columns]; owned */
    double *roots;                                   /* [num_rows] of the weights; owned */
    double *left;                                    /* [num_rows] residuals of y; owned */
    double v[CH_LINEAR_COLUMNS * CH_LINEAR_COLUMNS]; /* [num_columns][num_columns] */
    double singular[CH_LINEAR_COLUMNS], scale[CH_LINEAR_COLUMNS];
    size_t num_rows, num_columns;
    size_t rank; /* number of singular values above the tolerance */
} ch_linear;

/** @param most_rows  of any design to be decomposed
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_linear_init(ch_linear *self, size_t most_rows, ch_error *err) CH_MUST_CHECK;
/** Idempotent. */
void ch_linear_free(ch_linear *self);

/** Decomposes a design by one-sided Jacobi rotations (gsl_linalg_SV_decomp_jacobi).
 *  @param design     [num_rows][num_columns], at least as many rows as columns
 *  @param weights    [num_rows], 0 or more
 *  @param tolerance  singular values up to this part of the largest count as 0
 *  @return whether it could */
bool ch_linear_decompose(ch_linear *self, const gsl_matrix *design, const gsl_vector *weights, double tolerance);

/** Minimises the sum of weight_i (y_i - sum_j X_ij factor_j)^2 for the design that was decomposed last. Of several
 *  minima it is the one with the least scaled factors.
 *  @param y        [num_rows]
 *  @param factors  out: [num_columns]
 *  @return the sum at the minimum */
double ch_linear_solve(ch_linear *self, const gsl_vector *y, gsl_vector *factors);

/** Variance of a factor where y_i has the variance 1/weight_i. */
double ch_linear_variance(const ch_linear *self, size_t column);

#endif
