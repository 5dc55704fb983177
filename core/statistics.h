/* statistics.h — mean and standard deviation of numbers that come one by one. */
#ifndef CH_STATISTICS_H
#define CH_STATISTICS_H

#include <math.h>

/** Moments of the numbers so far; all zero to begin with. */
typedef struct {
    double count, mean;
    double squares; /* sum of (x - mean)^2 */
} ch_moments;

/** Adds a number by Welford's update, Technometrics 4, 419 (1962). */
static inline void ch_moments_add(ch_moments *self, double value)
{
    const double difference = value - self->mean;
    self->count++;
    self->mean += difference / self->count;
    self->squares += difference * (value - self->mean);
}

/** The standard deviation, with n - 1 degrees of freedom; NaN for fewer than two numbers. */
static inline double ch_moments_deviation(const ch_moments *self)
{
    return self->count >= 2 ? sqrt(self->squares / (self->count - 1)) : NAN;
}

#endif
