/* tc_line.h — the straight line ln T_c = ln c - a ln P through T_c that were found one by one, by least squares: where
 * fits of a joint law T_c = c P^-a begin. Private to fit/. */
#ifndef CH_FIT_TC_LINE_H
#define CH_FIT_TC_LINE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Sums over the points so far, x = ln P and y = ln T_c; all 0 before the first. */
typedef struct {
    size_t count;
    double x, y, xx, xy;
} ch_tc_line;

/** Adds the T_c of a P. */
static inline void ch_tc_line_add(ch_tc_line *self, uint64_t train, double log_temp)
{
    const double log_train = log((double)train);
    self->count++;
    self->x += log_train;
    self->y += log_temp;
    self->xx += log_train * log_train;
    self->xy += log_train * log_temp;
}

/** Finds the line through points of at least two P.
 *  @param log_prefactor, a  out: ln c and a; not set with fewer than two points
 *  @return whether there are two */
static inline bool ch_tc_line_fit(const ch_tc_line *self, double *log_prefactor, double *a)
{
    const double count = (double)self->count;
    if (self->count < 2) {
        return false;
    }
    *a = -(count * self->xy - self->x * self->y) / (count * self->xx - self->x * self->x);
    *log_prefactor = (self->y + *a * self->x) / count;
    return true;
}

#endif
