/* effective_chi.h — the density exponent of the data that a group of runs shows. Private to fit/. */
#ifndef CH_FIT_EFFECTIVE_CHI_H
#define CH_FIT_EFFECTIVE_CHI_H

#include "fit/errors/estimate.h"

/** Fills group->chi.
 *
 *  chi = 1/gamma - 1 and chi = 2/(b - 1) - 1 turn theory's exponents around. Their errors are those of gamma and b
 *  times the derivative, and the ends of their intervals are made from the ends of those of gamma and b. The error of b
 *  - 1 - 2 gamma comes from the replicas, in which gamma and b vary together.
 *
 *  The density's exponent is that of the runs that fitted at the largest P at which some have one; of those whose T
 *  lies in the window where there are such. It is averaged over the runs of a data set and then over data sets, whose
 *  spread makes its error; with one data set it is the mean error of a run.
 *  @param group  with its exponents
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_fit_find_effective_chi(ch_fit_group *group, const ch_replicas *replicas, ch_error *err) CH_MUST_CHECK;

#endif
