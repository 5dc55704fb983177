/* rows.h — vectors padded to whole cache lines: the layout of samples, and the sums over it that inner loops take.
 *
 * A row of d floats, or a vector of d doubles, takes `stride` entries: d rounded up to a multiple of CH_ROW_LANES. The
 * entries beyond d are 0, so that loops run over whole vectors without a tail. Rows are single precision (float), the
 * vectors they are multiplied with double.
 *
 * The order of every sum is fixed here, so that its bits do not depend on how wide the processor's vectors are.
 */
#ifndef CH_ROWS_H
#define CH_ROWS_H

#include <math.h>
#include <stddef.h>
#ifdef __AVX__
#include <immintrin.h>
#endif

/** Floats in a cache line, and partial sums of every dot product over a row. */
enum { CH_ROW_LANES = 16 };

/** The stride of rows of `dim` entries: `dim` rounded up to a multiple of CH_ROW_LANES. dim <= SIZE_MAX - CH_ROW_LANES.
 */
static inline size_t ch_row_stride(size_t dim)
{
    return (dim + CH_ROW_LANES - 1) / CH_ROW_LANES * CH_ROW_LANES;
}

/** Sum of CH_ROW_LANES partial sums, by halves: lane l takes up lane l + 8, then l + 4, l + 2, l + 1. */
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

#if defined CH_SANITIZED && defined __FMA__
#define CH_DOT_BY_FOURS
/** Adds z[l] w[l] to lane l of four, each product fused with its addition. */
static inline void ch_add_products(__m256d *lanes, const float *z, const double *w)
{
    *lanes = _mm256_fmadd_pd(_mm256_cvtps_pd(_mm_loadu_ps(z)), _mm256_loadu_pd(w), *lanes);
}
#endif

/** z . w of a row z [stride] and a vector w [stride], in double. Lane l sums the products l, l + 16, l + 32, … in turn,
 *  each fused with its addition. The result is off by at most (stride / 16 + 4) 2^-53 |z| |w|.
 *
 *  Sanitizers check each entry that the loop takes, and compilers make no vectors of it then. Builds with
 *  sanitizers take the same sums four entries at a time, which is faster. */
static inline double ch_dot(const float *restrict z, const double *restrict w, size_t stride)
{
#ifdef CH_DOT_BY_FOURS
    __m256d a = {0}, b = {0}, c = {0}, d = {0};
    for (size_t i = 0; i < stride; i += CH_ROW_LANES) {
        ch_add_products(&a, z + i, w + i);
        ch_add_products(&b, z + i + 4, w + i + 4);
        ch_add_products(&c, z + i + 8, w + i + 8);
        ch_add_products(&d, z + i + 12, w + i + 12);
    }
    const __m256d sum = (a + c) + (b + d);
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
#else
    double lanes[CH_ROW_LANES] = {0};
    for (size_t i = 0; i < stride; i += CH_ROW_LANES) {
        for (size_t l = 0; l < CH_ROW_LANES; l++) {
            lanes[l] = fma((double)z[i + l], w[i + l], lanes[l]);
        }
    }
    return ch_sum_lanes(lanes);
#endif
}

/** |z|^2 of a row z [stride], in double and in the order of ch_dot. It neither overflows nor underflows for any floats,
 *  and is off by at most (stride / 16 + 4) 2^-53 of itself. */
static inline double ch_norm2_row(const float *z, size_t stride)
{
    double lanes[CH_ROW_LANES] = {0};
    for (size_t i = 0; i < stride; i += CH_ROW_LANES) {
        for (size_t l = 0; l < CH_ROW_LANES; l++) {
            lanes[l] = fma((double)z[i + l], (double)z[i + l], lanes[l]);
        }
    }
    return ch_sum_lanes(lanes);
}

/* A vector of four doubles at any multiple of 8 bytes, as gcc and clang have it. The sums below are written with it
 * because the compilers would not make vectors of the plain loops by themselves. */
typedef double ch_four __attribute__((vector_size(32), aligned(8), may_alias));
enum { CH_EIGHT = 8 };

/** Widens four entries of a row to double. */
static inline void ch_widen(const float *z, ch_four *wide)
{
#ifdef __AVX__ /* the compilers would take two instructions of two entries each, and put them together */
    *wide = (ch_four)_mm256_cvtps_pd(_mm_loadu_ps(z));
#else
    *wide = (ch_four){(double)z[0], (double)z[1], (double)z[2], (double)z[3]};
#endif
}

/** w . e of two vectors [stride] of doubles. Lane l of eight sums the products l, l + 8, l + 16, … in turn. */
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

/** |w - s e|^2 of vectors w, e [stride] of doubles; s = w . e and |e| = 1 give the square of w's part across e. */
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

/** |w - u|^2 of vectors [stride] of doubles. */
static inline double ch_distance2(const double *w, const double *u, size_t stride)
{
    return ch_norm2_across(w, 1, u, stride);
}

/** |w|^2 of a vector [stride] of doubles. */
static inline double ch_norm2(const double *w, size_t stride)
{
    return ch_dot_wide(w, w, stride);
}

/** w <- w + step z of a vector w [stride] of doubles and a row z [stride]. */
static inline void ch_axpy(double *restrict w, double step, const float *restrict z, size_t stride)
{
    for (size_t i = 0; i < stride; i++) {
        w[i] += step * (double)z[i];
    }
}

/** Does as ch_axpy does, to the bit, and measures the new w at the same time.
 *  @param e       [stride]
 *  @param along   out: w . e
 *  @param square  out: |w|^2 */
static inline void ch_axpy_measured(double *restrict w, double step, const float *restrict z, const double *restrict e,
                                    size_t stride, double *along, double *square)
{
    ch_four dot[2] = {{0}}, norm[2] = {{0}};
    for (size_t i = 0; i < stride; i += CH_EIGHT) {
        ch_four *x = (ch_four *)(w + i);
        const ch_four *y = (const ch_four *)(e + i);
        for (size_t h = 0; h < 2; h++) {
            ch_four kick;
            ch_widen(z + i + 4 * h, &kick);
            const ch_four now = x[h] + step * kick;
            x[h] = now;
            dot[h] += now * y[h];
            norm[h] += now * now;
        }
    }
    dot[0] += dot[1];
    norm[0] += norm[1];
    *along = (dot[0][0] + dot[0][2]) + (dot[0][1] + dot[0][3]);
    *square = (norm[0][0] + norm[0][2]) + (norm[0][1] + norm[0][3]);
}

/** How many rows are summed over between two looks at a stop flag: those of 2^24 entries, which take some hundredths of
 *  a second, and at least one. */
static inline size_t ch_rows_per_look(size_t stride)
{
    enum { ENTRIES = 1 << 24 };
    return 1 + ENTRIES / (stride > 0 ? stride : 1);
}

/** Threads to compute `count` dot products with, of the `threads` there may be: one where they are under 2^20
 *  multiply-adds in all, which take less time than it takes to wake threads. */
static inline int ch_threads_worth(int threads, size_t count, size_t stride)
{
    static const double LEAST_OPERATIONS = 1 << 20;
    return threads > 1 && (double)count * (double)stride > LEAST_OPERATIONS ? threads : 1;
}

#endif
