/* spectrum.h — the largest eigenvalue and the trace of a symmetric linear map that is known by its products alone. */
#ifndef CH_SPECTRUM_H
#define CH_SPECTRUM_H

#include "core/core.h"

#include <stdbool.h>
#include <stddef.h>

/** A symmetric linear map A of vectors of `dim` numbers. */
typedef struct {
    void *context; /* borrowed */
    size_t dim;
    /** product = A v; both [dim].  @return false when stopped, or where the product is not finite */
    bool (*apply)(void *context, const double *v, double *product);
} ch_symmetric_map;

/** When the search of the largest eigenvalue ends, and how exact the products are. */
typedef struct {
    double tolerance;  /* largest estimated error of the eigenvalue, in units of it, without that of rounding; > 0 */
    size_t most_steps; /* most products, 1 to CH_MOST_LANCZOS */
    double rounding;   /* how far a product may be off by rounding, in units of the norm of A; >= 0 */
} ch_lanczos_rule;

enum { CH_MOST_LANCZOS = 256 };

/** A number and what is known of its error: of an eigenvalue the estimated error, of a mean its standard error. */
typedef struct {
    double value, error;
} ch_spectrum_estimate;

/** a . b of [dim] numbers, in eight sums. */
static inline double ch_spectrum_dot(const double *a, const double *b, size_t dim)
{
    double sums[8] = {0}, sum = 0;
    size_t i = 0;
    for (; i + 8 <= dim; i += 8) {
        for (size_t k = 0; k < 8; k++) {
            sums[k] += a[i + k] * b[i + k];
        }
    }
    for (; i < dim; i++) {
        sum += a[i] * b[i];
    }
    for (size_t k = 0; k < 8; k++) {
        sum += sums[k];
    }
    return sum;
}

/** The largest eigenvalue of A, the most positive one, by Lanczos' method.
 *
 *  It is that of A within the span of start, A start, A^2 start …, and approaches the one of A from below; `start` must
 *  not be orthogonal to its eigenvector. Let v be the eigenvector within the span and theta its eigenvalue, r the norm
 *  of A v - theta v, and g the distance from theta to the next eigenvalue within the span. The error is at most r, and
 *  at most r^2 / g where A has no larger eigenvalue than the one found; the smaller of the two is the estimate. The
 *  search ends when that is at most tolerance |theta|, after most_steps products, or where the span grows no more.
 *  `rounding` times the norm of A within the span is added to the error in the end. Vectors are not orthogonalised
 *  again: rounding then repeats eigenvalues, but moves none. The eigenvector costs the memory of most_steps vectors in
 *  single precision.
 *
 *  Source: Golub and Van Loan, "Matrix Computations", 4th edition, sections 10.1 and 10.3. Cost: a product a step, and
 *  three vectors of memory.
 *
 *  @param start   [dim], of a norm that is not 0
 *  @param vector  out [dim]: the eigenvector, of norm 1 within single precision; NULL: it is not wanted
 *  @param largest out: NaN and NaN where `apply` fails
 *  @param steps   out: the number of products
 *  @return CH_OK; CH_ERROR_MEMORY */
ch_code ch_spectrum_largest(const ch_symmetric_map *map, const double *start, const ch_lanczos_rule *rule,
                            double *vector, ch_spectrum_estimate *largest, size_t *steps, ch_error *err) CH_MUST_CHECK;

/** The trace of A by Hutchinson's method: the mean of z . A z over `num_probes` >= 2 vectors z of random signs, and its
 *  standard error. The mean is unbiased, and the variance of one term is 2 sum over i != j of A_ij^2.
 *
 *  Source: Hutchinson, "A stochastic estimator of the trace of the influence matrix", Communications in Statistics 19
 *  (1990).
 *
 *  @param random  where the signs come from
 *  @param trace   out: NaN and NaN where `apply` fails
 *  @return CH_OK; CH_ERROR_MEMORY */
ch_code ch_spectrum_trace(const ch_symmetric_map *map, size_t num_probes, ch_random *random,
                          ch_spectrum_estimate *trace, ch_error *err) CH_MUST_CHECK;

/** Adds a term to a running mean and to the sum of squared distances from it (Welford's method).
 *  @param number  the number of terms, this one included */
static inline void ch_running_add(double term, size_t number, double *mean, double *squares)
{
    const double before = term - *mean;
    *mean += before / (double)number;
    *squares += before * (term - *mean);
}

#endif
