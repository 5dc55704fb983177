/* ranks.h — what a program does in which several processes share a sweep: process 0 calls ch_sweep_run with the sweep's
 * `link`, all others ch_ranks_follow. */
#ifndef CH_RANKS_H
#define CH_RANKS_H

#include "sim/sweep/link.h"
#include "sim/sweep/sweep.h"

/** What a process may use. */
typedef struct {
    int threads;               /* >= 1 */
    size_t memory_budget;      /* bytes that runs at once may take; 0: nine tenths of what is available then */
    const char *kernel_folder; /* where kernels of twins are read and kept; NULL: nowhere. Borrowed */
} ch_ranks_resources;

/** Does jobs for process 0, sweep after sweep, until it says that no further one comes.
 *  @param watch  its stop flag ends the runs under way and is passed on to process 0, which ends the sweep
 *  @return CH_OK, also where runs failed, which process 0 reports; CH_ERROR_MEMORY; CH_ERROR_IO where process 0 cannot
 *          be reached, or where its message cannot be read */
ch_code ch_ranks_follow(const ch_link *link, const ch_ranks_resources *resources, const ch_watch *watch,
                        ch_error *err) CH_MUST_CHECK;

/** Tells the other processes that no further sweep comes. Process 0 calls it, whatever has failed.
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_IO */
ch_code ch_ranks_dismiss(const ch_link *link, ch_error *err) CH_MUST_CHECK;

#endif
