/* test_error.c — the logarithm of a run's test error. */
#include "fit/table/test_error.h"

#include <math.h>

bool ch_is_zero_test_error(const ch_run *run)
{
    return run->final.test_error == 0 && run->settings.test > 0;
}

double ch_log_test_error(const ch_run *run)
{
    const double error = run->final.test_error;
    if (ch_is_zero_test_error(run)) {
        return -log(2 * (double)run->settings.test);
    }
    return error > 0 && isfinite(error) ? log(error) : NAN;
}
