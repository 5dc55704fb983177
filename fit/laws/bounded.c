/* bounded.c — minima of two variables within ranges. */
#include "fit/laws/bounded.h"

#include <math.h>
#include <string.h>

bool ch_range_is_fixed(ch_range range)
{
    return range.lo == range.hi;
}

bool ch_range_contains(ch_range range, double value)
{
    return value >= range.lo && value <= range.hi;
}

static double clamp(double value, ch_range range)
{
    return value < range.lo ? range.lo : value > range.hi ? range.hi : value;
}

/* The minimum on the edge where variable k is held at values[k]. */
static bool minimise_on_edge(ch_held_minimum minimum, void *problem, const ch_range ranges[2], size_t k, bool held[2],
                             double values[2], double *squares)
{
    const size_t other = 1 - k;
    if (!minimum(problem, held, values, squares)) {
        return false;
    }
    const double within = clamp(values[other], ranges[other]);
    if (within == values[other]) {
        return true;
    }
    held[other] = true;
    values[other] = within;
    return minimum(problem, held, values, squares);
}

bool ch_minimise_within(ch_held_minimum minimum, void *problem, const ch_range ranges[2], double values[2])
{
    const bool fixed[2] = {ch_range_is_fixed(ranges[0]), ch_range_is_fixed(ranges[1])};
    double squares = NAN, least = INFINITY;
    bool best[2] = {fixed[0], fixed[1]};
    values[0] = ranges[0].lo;
    values[1] = ranges[1].lo;
    if (!minimum(problem, fixed, values, &squares) || isnan(values[0]) || isnan(values[1])) {
        return false;
    }
    const double free_ones[2] = {values[0], values[1]};
    if (ch_range_contains(ranges[0], values[0]) && ch_range_contains(ranges[1], values[1])) {
        return true;
    }
    for (size_t k = 0; k < 2; k++) {
        bool held[2] = {fixed[0], fixed[1]};
        double at[2] = {free_ones[0], free_ones[1]};
        if (ch_range_contains(ranges[k], at[k])) {
            continue;
        }
        held[k] = true;
        at[k] = clamp(at[k], ranges[k]);
        if (minimise_on_edge(minimum, problem, ranges, k, held, at, &squares) && squares < least) {
            least = squares;
            memcpy(best, held, sizeof best);
            memcpy(values, at, sizeof at);
        }
    }
    return isfinite(least) && minimum(problem, best, values, &squares);
}
