/* exponents.h — makes the numbers that a report shows: exponents and T_c with their errors, and what theory gives for
 * them. Private to fit/. */
#ifndef CH_FIT_EXPONENTS_H
#define CH_FIT_EXPONENTS_H

#include "fit/errors/bootstrap.h"

/** Fills the group's exponents and gives them and its T_c their errors.
 *  @param group     with power laws, T_c and joint laws found
 *  @param progress  counts the replicas
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_fit_estimate(ch_fit_group *group, const ch_fit_options *options, ch_bootstrap_progress *progress,
                        ch_error *err) CH_MUST_CHECK;

#endif
