/* bootstrap.c — how a fit tells that it goes on, and is told to end. */
#include "fit/internal.h"

bool ch_fit_goes_on(const ch_fit_options *options)
{
    return options->stop == NULL || *options->stop == 0;
}

ch_code ch_fit_check_stop(const ch_fit_options *options, ch_error *err)
{
    return ch_fit_goes_on(options) ? CH_OK : ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped before the fit was done");
}

void ch_fit_replica_done(const ch_fit_options *options, size_t replica)
{
    enum { PACE = 8 }; /* replicas a call: threads with short ones would wait for each other */
    if (options->tick != NULL && (replica % PACE == PACE - 1 || replica == options->replicas - 1)) {
#pragma omp critical(ch_fit_ticking)
        options->tick(options->tick_data, replica % PACE + 1);
    }
}
