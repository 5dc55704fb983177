/* support.h — what several test programs use. */
#ifndef CH_TESTS_SUPPORT_H
#define CH_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

/* Whether the statistical tests run at their full sizes, as `make check-long` has them; `make check` takes fewer seeds.
 */
static inline bool is_long(void)
{
    const char *text = getenv("CHITON_LONG");
    return text != NULL && text[0] != '\0';
}

/* Whether `make check-address` or `make check-thread` runs the test, in which code is several times slower and a
 * process ends more slowly. What repeats one way through the code many times may then repeat it less often; the native
 * build has the full number. */
static inline bool is_sanitized(void)
{
    return getenv("CHITON_SANITIZER") != NULL;
}

/* Processor time of this process in seconds. Unlike time on the clock it grows little while other programs have the
 * cores, so that a test may require that it stays small. */
static inline double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* |a - b| <= tolerance |b|, false for NaN. */
#define assert_close(a, b, tolerance)                                                                                  \
    do {                                                                                                               \
        const double close_a = (a), close_b = (b);                                                                     \
        if (!(fabs(close_a - close_b) <= (tolerance)*fabs(close_b))) {                                                 \
            fail_msg("%s = %.17g is not %s = %.17g within %g relative", #a, close_a, #b, close_b,                      \
                     (double)(tolerance));                                                                             \
        }                                                                                                              \
    } while (0)

#define assert_in(a, lo, hi)                                                                                           \
    do {                                                                                                               \
        const double in_a = (a), in_lo = (lo), in_hi = (hi);                                                           \
        if (!(in_a >= in_lo && in_a <= in_hi)) {                                                                       \
            fail_msg("%s = %.17g is not in [%.17g, %.17g]", #a, in_a, in_lo, in_hi);                                   \
        }                                                                                                              \
    } while (0)

/* The larger of two, NaN where either is: fmax would pass over it. */
static inline double larger_or_nan(double a, double b)
{
    return a > b || isnan(a) ? a : b;
}

/* Largest |value|, NaN where any is. */
static inline double largest(const double *values, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        most = larger_or_nan(most, fabs(values[i]));
    }
    return most;
}

static inline int order_of_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Two-sample Kolmogorov–Smirnov: sup |F_a - F_b| / sqrt((n + m) / (n m)); NaN where a number of either is,
 * as two samples of NaN would else be of one law. Sorts both. */
static inline double ks_statistic(double *a, size_t n, double *b, size_t m)
{
    qsort(a, n, sizeof *a, order_of_doubles);
    qsort(b, m, sizeof *b, order_of_doubles);
    double sup = 0;
    for (size_t i = 0, j = 0; i < n && j < m;) {
        const double at = a[i] < b[j] ? a[i] : b[j];
        while (i < n && !(a[i] > at)) {
            i++;
        }
        while (j < m && !(b[j] > at)) {
            j++;
        }
        sup = fmax(sup, fabs((double)i / (double)n - (double)j / (double)m));
    }
    return isnan(largest(a, n)) || isnan(largest(b, m)) ? NAN : sup / sqrt((double)(n + m) / ((double)n * (double)m));
}

/* The value that ks_statistic passes with probability alpha when both samples have one law (asymptotic, and
 * conservative for few samples): sqrt(-ln(alpha / 2) / 2). */
static inline double ks_critical(double alpha)
{
    return sqrt(-log(alpha / 2) / 2);
}

#endif
