/* test_error.h — the logarithm of a run's test error. Private to fit/. */
#ifndef CH_FIT_TEST_ERROR_H
#define CH_FIT_TEST_ERROR_H

#include "sim/store/store.h"

/** ln of the test error of a run. A test error of 0 over N test samples has no logarithm. It is taken as half an error,
 *  1/(2N): the run says that the test error is under 1/N, and no more.
 *  @return NaN where the run has no test error, or one of 0 without test samples (the exact one is never 0) */
double ch_log_test_error(const ch_run *run);

/** Whether the run has a test error of 0 that ch_log_test_error takes as half an error. */
bool ch_is_zero_test_error(const ch_run *run);

#endif
