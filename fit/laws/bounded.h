/* bounded.h — minima of two variables within ranges. Private to fit/. */
#ifndef CH_FIT_BOUNDED_H
#define CH_FIT_BOUNDED_H

#include "fit/results.h"

/** Whether a range is a single number. */
bool ch_range_is_fixed(ch_range range);

/** Whether lo <= value <= hi; false for NaN. */
bool ch_range_contains(ch_range range, double value);

/** Minimises with variable k held at values[k] where held[k].
 *  @param values   in: values of the held variables; out: of both
 *  @param squares  out: the minimum
 *  @return whether there is one minimum and no more */
typedef bool (*ch_held_minimum)(void *problem, const bool held[2], double values[2], double *squares);

/** Minimises over ranges of two variables. Where the free minimum lies outside, the minimum within has one of the
 *  variables at a bound that the free minimum violates. Each such variable is held at its bound; the other one is
 *  fitted and, where it then lies outside, held as well; the least of these minima is taken. Exact for convex problems.
 *
 *  @param values  out: where the minimum is; the last call of `minimum` was there
 *  @return whether there is a minimum */
bool ch_minimise_within(ch_held_minimum minimum, void *problem, const ch_range ranges[2], double values[2]);

#endif
