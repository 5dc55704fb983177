/* admit.h — whether a run may begin: whether it can end, and whether it fits this machine's memory. */
#ifndef CH_ADMIT_H
#define CH_ADMIT_H

#include "sim/settings/settings.h"

/** Refuses a run that cannot end, or whose samples, weights or tangent kernel this machine's memory cannot hold.
 *
 *  A run with train = inf, and one whose loss does not push every sample to the margin, needs a budget. Memory is
 *  compared with all that the machine has, whatever else is in use: a sweep shares out what is free by itself.
 *
 *  @return CH_OK; CH_ERROR_INPUT with the setting's name, its value and what is accepted; CH_ERROR_MEMORY where there
 * is no memory to ask */
ch_code ch_admit(const ch_resolved *resolved, ch_error *err) CH_MUST_CHECK;

#endif
