/* window.h — the temperatures at which the power laws hold. Private to fit/. */
#ifndef CH_FIT_WINDOW_H
#define CH_FIT_WINDOW_H

#include "fit/results.h"

/** Chooses window_lo and window_hi as fit.h says, and notes what stands in the way.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_fit_choose_window(ch_fit_group *group, ch_error *err) CH_MUST_CHECK;

#endif
