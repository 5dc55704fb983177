/* constraints.h — what the numbers of a fit are held to. Private to fit/. */
#ifndef CH_FIT_CONSTRAINTS_H
#define CH_FIT_CONSTRAINTS_H

#include "fit/results.h"

/** Whether the user holds the number. */
bool ch_fit_is_held(const ch_fit_constraint *self);

/** The range of a number. The range of a tied number is the single value that it must have.
 *  @param weight_change  the law of ||Dw|| that ties refer to; read for ties only */
ch_range ch_fit_range(const ch_fit_options *options, ch_fit_number number, const ch_power_law *weight_change);

/** How a number got this value: by the fit, by the user, by a tie, or by a bound. */
ch_held ch_fit_held(const ch_fit_options *options, ch_fit_number number, double value);

#endif
