/* statistics.h — mean and spread of numbers that come one by one. */
#ifndef CH_STATISTICS_H
#define CH_STATISTICS_H

#include <math.h>

/** Running moments of n numbers x_1 … x_n, all zero before the first.
 *
 *  Updates are those of B. P. Welford, Technometrics 4, 419 (1962): they lose no digits where the spread is small
 *  beside the mean. The numbers' order decides the last bits. */
typedef struct {
    double count;   /* n */
    double mean;    /* of the numbers; 0 for n = 0 */
    double squares; /* sum_i (x_i - mean)^2 */
} ch_moments;

/** Takes one more number. */
static inline void ch_moments_add(ch_moments *self, double number)
{
    const double difference = number - self->mean;
    self->count++;
    self->mean += difference / self->count;
    self->squares += difference * (number - self->mean);
}

/** Unbiased variance of the numbers; NaN for fewer than two. */
static inline double ch_moments_variance(const ch_moments *self)
{
    return self->count >= 2 ? self->squares / (self->count - 1) : NAN;
}

/** Standard deviation of the numbers, the square root of that variance; NaN for fewer than two. */
static inline double ch_moments_deviation(const ch_moments *self)
{
    return sqrt(ch_moments_variance(self));
}

/** Standard error of the mean, sqrt(squares / (n (n - 1))); NaN for fewer than two. */
static inline double ch_moments_error(const ch_moments *self)
{
    return self->count >= 2 ? sqrt(self->squares / self->count / (self->count - 1)) : NAN;
}

#endif
