/* principal.c — principal component analysis of a series of snapshots. */
#include "sim/principal.h"

#include "core/memory.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SUMS = 8 };

double ch_inner_product(const double *x, const double *y, size_t count)
{
    double sums[SUMS] = {0};
    size_t i = 0;
    for (; i + SUMS <= count; i += SUMS) {
        for (size_t k = 0; k < SUMS; k++) {
            sums[k] += x[i + k] * y[i + k];
        }
    }
    for (; i < count; i++) {
        sums[0] += x[i] * y[i];
    }
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/* The products of all pairs of the rows of a matrix. The columns are taken in blocks, so that a block of all rows stays
 * in the processor's cache; every entry is the sum over the blocks in their order.
 * @param gram  [count][count] out */
static void find_products(const double *rows, size_t count, size_t stride, size_t length, int threads, double *gram)
{
    enum { BLOCK = 256 };
    memset(gram, 0, count * count * sizeof *gram);
    for (size_t from = 0; from < length; from += BLOCK) {
        const size_t size = length - from < BLOCK ? length - from : BLOCK;
#pragma omp parallel for schedule(dynamic, 8) num_threads(threads) if (threads > 1 && count > 64)
        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j <= i; j++) {
                gram[i * count + j] += ch_inner_product(rows + i * stride + from, rows + j * stride + from, size);
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            gram[j * count + i] = gram[i * count + j];
        }
    }
}

/* The covariance of a part that has fewer numbers than there are snapshots, times their number. */
static ch_code find_covariance(const ch_centred_rows *series, ch_weight_part part, int threads, double *matrix,
                               ch_error *err)
{
    double *columns = ch_alloc_unset(part.count, series->num_rows * sizeof *columns);
    if (columns == NULL) {
        return ch_error_memory(err, "the covariance of the weights");
    }
    for (size_t i = 0; i < part.count; i++) {
        for (size_t t = 0; t < series->num_rows; t++) {
            columns[i * series->num_rows + t] = series->rows[t * series->row_size + part.from + i];
        }
    }
    find_products(columns, part.count, series->num_rows, series->num_rows, threads, matrix);
    free(columns);
    return CH_OK;
}

/* Finds eigenvalues and eigenvectors. @param matrix  [size][size], which is used up */
static ch_code find_eigenvectors(ch_principal *self, double *matrix, ch_error *err)
{
    const size_t n = self->size;
    gsl_eigen_symmv_workspace *workspace = gsl_eigen_symmv_alloc(n);
    gsl_matrix *vectors = gsl_matrix_alloc(n, n);
    ch_code code = CH_OK;
    if (workspace == NULL || vectors == NULL) {
        code = ch_error_memory(err, "the principal directions of the weights");
        goto out;
    }
    gsl_matrix_view view = gsl_matrix_view_array(matrix, n, n);
    gsl_vector_view values = gsl_vector_view_array(self->variances, n);
    if (gsl_eigen_symmv(&view.matrix, &values.vector, vectors, workspace) != GSL_SUCCESS ||
        gsl_eigen_symmv_sort(&values.vector, vectors, GSL_EIGEN_SORT_VAL_DESC) != GSL_SUCCESS) {
        code = ch_error_set(err, CH_ERROR_NUMERIC, "the principal directions of %zu snapshots did not converge", n);
        goto out;
    }
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < n; i++) {
            self->vectors[k * n + i] = gsl_matrix_get(vectors, i, k);
        }
    }
out:
    if (workspace != NULL) {
        gsl_eigen_symmv_free(workspace);
    }
    gsl_matrix_free(vectors);
    return code;
}

ch_code ch_principal_init(ch_principal *self, const ch_centred_rows *series, ch_weight_part part, int threads,
                          ch_error *err)
{
    const size_t n = series->num_rows, size = part.count < n ? part.count : n;
    double *matrix = ch_alloc_unset(size, size * sizeof *matrix);
    *self = (ch_principal){.size = size};
    self->variances = ch_alloc_unset(size, sizeof *self->variances);
    self->vectors = ch_alloc_unset(size, size * sizeof *self->vectors);
    ch_code code = CH_OK;
    if (matrix == NULL || self->variances == NULL || self->vectors == NULL) {
        code = ch_error_memory(err, "the principal directions of the weights");
        goto out;
    }
    if (part.count < n) {
        code = find_covariance(series, part, threads, matrix, err);
    } else {
        find_products(series->rows + part.from, n, series->row_size, part.count, threads, matrix);
    }
    if (code != CH_OK) {
        goto out;
    }
    code = find_eigenvectors(self, matrix, err);
    for (size_t k = 0; code == CH_OK && k < size; k++) {
        self->variances[k] /= (double)(n - 1);
    }
out:
    free(matrix);
    if (code != CH_OK) {
        ch_principal_free(self);
    }
    return code;
}

void ch_principal_free(ch_principal *self)
{
    free(self->variances);
    free(self->vectors);
    *self = (ch_principal){.size = 0};
}

void ch_principal_direction(const ch_principal *self, const ch_centred_rows *series, ch_weight_part part, size_t index,
                            double *direction)
{
    const double *vector = self->vectors + index * self->size;
    double *own = direction + part.from;
    memset(direction, 0, series->row_size * sizeof *direction);
    if (part.count < series->num_rows) {
        memcpy(own, vector, part.count * sizeof *own);
        return;
    }
    for (size_t t = 0; t < series->num_rows; t++) {
        const double *row = series->rows + t * series->row_size + part.from;
        for (size_t i = 0; i < part.count; i++) {
            own[i] += vector[t] * row[i];
        }
    }
    const double norm = sqrt(ch_inner_product(own, own, part.count));
    for (size_t i = 0; i < part.count; i++) {
        own[i] /= norm;
    }
}
