/* constraints.c — what the numbers of a fit are held to. */
#include "fit/laws/constraints.h"
#include "fit/laws/bounded.h"

#include <math.h>

bool ch_fit_is_held(const ch_fit_constraint *self)
{
    return self->is_tied || isfinite(self->range.lo) || isfinite(self->range.hi);
}

ch_range ch_fit_range(const ch_fit_options *options, ch_fit_number number, const ch_power_law *weight_change)
{
    const ch_fit_constraint *constraint = &options->constraints[number];
    if (!constraint->is_tied) {
        return constraint->range;
    }
    const double other =
        constraint->other == CH_FIT_DELTA ? weight_change->temp_exponent : weight_change->train_exponent;
    const double value = constraint->offset + constraint->factor * other;
    return (ch_range){value, value};
}

ch_held ch_fit_held(const ch_fit_options *options, ch_fit_number number, double value)
{
    const ch_fit_constraint *constraint = &options->constraints[number];
    if (constraint->is_tied) {
        return CH_HELD_TIED;
    }
    if (ch_range_is_fixed(constraint->range)) {
        return CH_HELD_FIXED;
    }
    const bool is_inside = value > constraint->range.lo && value < constraint->range.hi;
    return is_inside ? CH_HELD_NOT : CH_HELD_BOUND;
}
