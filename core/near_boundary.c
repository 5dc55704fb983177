/* near_boundary.c — the exponent of a density near 0. */
#include "core/near_boundary.h"

#include <gsl/gsl_sort.h>
#include <math.h>

/* k of n sizes. */
static size_t window_of(size_t count)
{
    const double root = cbrt((double)count);
    return (size_t)(root * root + 0.5);
}

size_t ch_near_boundary_room(size_t count)
{
    return window_of(count) + 1;
}

/* 1 + chi from the k smallest of some sizes in ascending order, which are more than k. */
static double rate_of(const double *smallest, size_t k)
{
    double sum = 0;
    for (size_t i = 0; i < k; i++) {
        sum -= log(smallest[i] / smallest[k]);
    }
    return (double)(k - 1) / sum;
}

ch_near_boundary ch_near_boundary_find(const double *sizes, size_t count, double *smallest)
{
    const ch_near_boundary none = {NAN, NAN, NAN, NAN};
    const size_t k = window_of(count), inner = k / 4;
    if (count < CH_NEAR_BOUNDARY_LEAST) {
        return none;
    }
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(sizes[i])) {
            return none;
        }
    }
    gsl_sort_smallest(smallest, k + 1, sizes, 1, count);
    if (!(smallest[0] > 0) || !(smallest[inner] > smallest[0])) {
        return none;
    }
    const double rate = rate_of(smallest, k), inner_rate = rate_of(smallest, inner);
    /* the inner estimate has the variance rate^2 / inner, and its covariance with the other is that one's variance */
    const double spread = rate * sqrt(1 / (double)inner - 1 / (double)k);
    return (ch_near_boundary){rate - 1, rate / sqrt((double)(k - 2)), smallest[k], (inner_rate - rate) / spread};
}

void ch_near_boundary_observe(ch_observation *out, const double *sizes, size_t count, double *smallest)
{
    const ch_near_boundary found = ch_near_boundary_find(sizes, count, smallest);
    out->density_chi = found.chi;
    out->density_error = found.error;
    out->density_edge = found.edge / out->weight_change;
    out->density_drift = found.drift;
}
