/* linear.c — weighted linear least squares in room that is made beforehand. */
#include "fit/laws/linear.h"

#include "core/memory.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>

ch_code ch_linear_init(ch_linear *self, size_t most_rows, ch_error *err)
{
    *self = (ch_linear){0};
    self->u = ch_alloc(most_rows, CH_LINEAR_COLUMNS * sizeof *self->u);
    self->roots = ch_alloc(most_rows, sizeof *self->roots);
    self->left = ch_alloc(most_rows, sizeof *self->left);
    return self->u != NULL && self->roots != NULL && self->left != NULL ? CH_OK : ch_error_memory(err, "a regression");
}

void ch_linear_free(ch_linear *self)
{
    free(self->u);
    free(self->roots);
    free(self->left);
    *self = (ch_linear){0};
}

/* Copies the design with its rows weighted. */
static void copy_weighted(ch_linear *self, const gsl_matrix *design, const gsl_vector *weights)
{
    self->num_rows = design->size1;
    self->num_columns = design->size2;
    for (size_t i = 0; i < self->num_rows; i++) {
        self->roots[i] = sqrt(gsl_vector_get(weights, i));
        for (size_t k = 0; k < self->num_columns; k++) {
            self->u[i * self->num_columns + k] = self->roots[i] * gsl_matrix_get(design, i, k);
        }
    }
}

/* The number of singular values over a part of the largest, which is the first. */
static size_t count_large(const ch_linear *self, double tolerance)
{
    size_t rank = 0;
    while (rank < self->num_columns && self->singular[rank] > tolerance * self->singular[0]) {
        rank++;
    }
    return rank;
}

bool ch_linear_decompose(ch_linear *self, const gsl_matrix *design, const gsl_vector *weights, double tolerance)
{
    self->rank = 0;
    if (design->size1 < design->size2 || design->size2 > CH_LINEAR_COLUMNS) {
        return false;
    }
    copy_weighted(self, design, weights);
    gsl_matrix_view u = gsl_matrix_view_array(self->u, self->num_rows, self->num_columns);
    gsl_matrix_view v = gsl_matrix_view_array(self->v, self->num_columns, self->num_columns);
    gsl_vector_view singular = gsl_vector_view_array(self->singular, self->num_columns);
    gsl_vector_view scale = gsl_vector_view_array(self->scale, self->num_columns);
    if (gsl_linalg_balance_columns(&u.matrix, &scale.vector) != GSL_SUCCESS ||
        gsl_linalg_SV_decomp_jacobi(&u.matrix, &v.matrix, &singular.vector) != GSL_SUCCESS) {
        return false;
    }
    self->rank = count_large(self, tolerance);
    return true;
}

double ch_linear_solve(ch_linear *self, const gsl_vector *y, gsl_vector *factors)
{
    const size_t p = self->num_columns;
    double squares = 0;
    for (size_t i = 0; i < self->num_rows; i++) {
        self->left[i] = self->roots[i] * gsl_vector_get(y, i);
    }
    gsl_vector_set_zero(factors);
    for (size_t j = 0; j < self->rank; j++) {
        double along = 0; /* y along the j-th column of U */
        for (size_t i = 0; i < self->num_rows; i++) {
            along += self->u[i * p + j] * self->left[i];
        }
        for (size_t i = 0; i < self->num_rows; i++) {
            self->left[i] -= along * self->u[i * p + j];
        }
        for (size_t k = 0; k < p; k++) {
            const double factor = along * self->v[k * p + j] / (self->singular[j] * self->scale[k]);
            gsl_vector_set(factors, k, gsl_vector_get(factors, k) + factor);
        }
    }
    for (size_t i = 0; i < self->num_rows; i++) {
        squares += self->left[i] * self->left[i];
    }
    return squares;
}

double ch_linear_variance(const ch_linear *self, size_t column)
{
    double sum = 0;
    for (size_t j = 0; j < self->rank; j++) {
        const double part = self->v[column * self->num_columns + j] / (self->singular[j] * self->scale[column]);
        sum += part * part;
    }
    return sum;
}
