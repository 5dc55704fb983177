/* kernels.h — the inner loops: single-precision rows against double-precision weights.
 *
 * Every sum runs over a fixed number of partial sums in a fixed order, so that its bits do not depend on the compiler's
 * choice of vectors. Rows and weights are padded with zeros to `stride`, a multiple of CH_ROW_LANES.
 */
#ifndef CH_KERNELS_H
#define CH_KERNELS_H

#include "data/data.h"

#include <math.h>
#include <stddef.h>

static inline double ch_sum_lanes(const double lanes[CH_ROW_LANES])
{
    double half[CH_ROW_LANES / 2];
    for (size_t l = 0; l < CH_ROW_LANES / 2; l++) {
        half[l] = lanes[l] + lanes[l + CH_ROW_LANES / 2];
    }
    for (size_t width = CH_ROW_LANES / 4; width > 0; width /= 2) {
        for (size_t l = 0; l < width; l++) {
            half[l] += half[l + width];
        }
    }
    return half[0];
}

/** z . w */
static inline double ch_dot(const float *restrict z, const double *restrict w, size_t stride)
{
    double lanes[CH_ROW_LANES] = {0};
    for (size_t i = 0; i < stride; i += CH_ROW_LANES) {
        for (size_t l = 0; l < CH_ROW_LANES; l++) {
            lanes[l] = fma((double)z[i + l], w[i + l], lanes[l]);
        }
    }
    return ch_sum_lanes(lanes);
}

/** z . z', both in single precision: off by (stride / 16 + 4) 2^-24 |z| |z'| at most */
static inline float ch_dot_single(const float *restrict z, const float *restrict other, size_t stride)
{
    float lanes[CH_ROW_LANES] = {0};
    for (size_t i = 0; i < stride; i += CH_ROW_LANES) {
        for (size_t l = 0; l < CH_ROW_LANES; l++) {
            lanes[l] = fmaf(z[i + l], other[i + l], lanes[l]);
        }
    }
    float half[CH_ROW_LANES / 2];
    for (size_t l = 0; l < CH_ROW_LANES / 2; l++) {
        half[l] = lanes[l] + lanes[l + CH_ROW_LANES / 2];
    }
    for (size_t width = CH_ROW_LANES / 4; width > 0; width /= 2) {
        for (size_t l = 0; l < width; l++) {
            half[l] += half[l + width];
        }
    }
    return half[0];
}

/* Four doubles wherever they lie, of gcc and clang: for sums that the compiler would else take apart. */
typedef double ch_four __attribute__((vector_size(32), aligned(8), may_alias));
enum { CH_EIGHT = 8 };

/** w . e, both in double */
static inline double ch_dot_wide(const double *w, const double *e, size_t stride)
{
    ch_four one = {0}, other = {0};
    for (size_t i = 0; i < stride; i += CH_EIGHT) {
        const ch_four *x = (const ch_four *)(w + i), *y = (const ch_four *)(e + i);
        one += x[0] * y[0];
        other += x[1] * y[1];
    }
    one += other;
    return (one[0] + one[2]) + (one[1] + one[3]);
}

/** |w - s e|^2 */
static inline double ch_norm2_across(const double *w, double s, const double *e, size_t stride)
{
    ch_four one = {0}, other = {0};
    for (size_t i = 0; i < stride; i += CH_EIGHT) {
        const ch_four *x = (const ch_four *)(w + i), *y = (const ch_four *)(e + i);
        const ch_four a = x[0] - s * y[0], b = x[1] - s * y[1];
        one += a * a;
        other += b * b;
    }
    one += other;
    return (one[0] + one[2]) + (one[1] + one[3]);
}

/** |w - u|^2 */
static inline double ch_distance2(const double *w, const double *u, size_t stride)
{
    return ch_norm2_across(w, 1, u, stride);
}

/** |w|^2 */
static inline double ch_norm2(const double *w, size_t stride)
{
    return ch_dot_wide(w, w, stride);
}

/** Threads, of those there are, that so many margins are worth. */
static inline int ch_threads_worth(int threads, size_t margins, size_t stride)
{
    static const double LEAST_OPERATIONS = 1 << 20;
    return threads > 1 && (double)margins * (double)stride > LEAST_OPERATIONS ? threads : 1;
}

/** w <- w + step z */
static inline void ch_axpy(double *restrict w, double step, const float *restrict z, size_t stride)
{
    for (size_t i = 0; i < stride; i++) {
        w[i] += step * (double)z[i];
    }
}

#endif
