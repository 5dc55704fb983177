/* admit.h — whether a run may begin: whether it can end, and whether it fits this machine's memory. */
#ifndef CH_ADMIT_H
#define CH_ADMIT_H

#include "sim/settings/settings.h"

/** Refuses a run that cannot end, that double precision or any patience does not reach (sim/reach.h), or that does not
 *  fit the memory.
 *
 *  A run with train = inf, and one whose loss does not push every sample to the margin, needs a budget. The bytes that
 *  the run and its training set take are compared with ch_memory_limit, and not with what is free now: a sweep itself
 *  divides that among its runs.
 *
 *  @return CH_OK; CH_ERROR_INPUT with the setting's name, its value and what is accepted; CH_ERROR_MEMORY */
ch_code ch_admit(const ch_resolved *resolved, ch_error *err) CH_MUST_CHECK;

/** As ch_admit, whatever memory this machine has. */
ch_code ch_admit_anywhere(const ch_resolved *resolved, ch_error *err) CH_MUST_CHECK;

/** Refuses a run that takes more than `limit` bytes with its training set.
 *  @return CH_OK; CH_ERROR_INPUT with the need, the limit, and the largest value of one setting that fits */
ch_code ch_admit_memory(const ch_resolved *resolved, size_t limit, ch_error *err) CH_MUST_CHECK;

#endif
