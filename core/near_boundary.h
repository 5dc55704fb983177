/* near_boundary.h — the exponent of a density near 0: of the distances of test samples from the boundary that was
 * learnt.
 *
 * x = |F| / ||Dw|| is how far a sample lies from the student's boundary F = 0, in units of its input. Where the density
 * of x near 0 is ~ x^chi, chi is what theory calls the density exponent of the data, here measured directly.
 *
 * Estimator: of n sizes the window has the k = n^(2/3) smallest, and x_0 is the next larger one. Given x_0, the k
 * numbers -ln(x / x_0) are independent and exponential with rate 1 + chi, and with their sum S the most likely rate is
 * k / S (Hill, Ann. Stat. 3, 1163 (1975)), which is chi = -1 - 1 / <ln(x / x_0)>. It is too large by k / (k - 1) in the
 * mean, so that the rate is taken to be (k - 1) / S, whose standard error is (1 + chi) / sqrt(k - 2).
 *
 * Window: its share of the samples, n^(-1/3), shrinks with n as slowly as the statistical error, k^(-1/2) = n^(-1/3). A
 * density x^chi exp(-x^2 / 2), which theory has, lowers the estimate by about a quarter of its error for chi = 1, by
 * less for smaller chi and by 1.5 errors for chi = 3. Whether a power law holds in the window is seen by a second
 * estimate from its k / 4 smallest numbers: `drift` is by how many of its standard errors that differs. It is a normal
 * number where the power law holds.
 */
#ifndef CH_NEAR_BOUNDARY_H
#define CH_NEAR_BOUNDARY_H

#include "core/observation.h"

#include <stddef.h>

/** What is found of a density. All are NaN for fewer than CH_NEAR_BOUNDARY_LEAST sizes, where a size in the window is 0
 *  or one is not a number, or where all sizes in the window are equal. */
typedef struct {
    double chi, error; /* exponent and its standard error */
    double edge;       /* x_0, the end of the window */
    double drift;      /* (chi of the inner window - chi) / its standard error */
} ch_near_boundary;

/** With fewer sizes there are too few in the window. */
enum { CH_NEAR_BOUNDARY_LEAST = 100 };

/** Numbers that ch_near_boundary_find works in, for so many sizes. */
size_t ch_near_boundary_room(size_t count);

/** Finds the exponent of the density of some sizes near 0.
 *  @param sizes     [count] >= 0
 *  @param smallest  [ch_near_boundary_room(count)] to work in */
ch_near_boundary ch_near_boundary_find(const double *sizes, size_t count, double *smallest);

/** Puts the exponent for the test samples of a student into an observation that has ||Dw|| already.
 *  @param sizes     [count] |F| of the test samples
 *  @param smallest  [ch_near_boundary_room(count)] to work in */
void ch_near_boundary_observe(ch_observation *out, const double *sizes, size_t count, double *smallest);

#endif
