/* bootstrap.h — the one bootstrap over data sets: of exponents, of collapses and of phase diagrams. Private to fit/.
 *
 * A replica draws n of n data sets with replacement and evaluates the fit on them. The random numbers of replica r
 * depend on the seed and on r alone: no bit depends on the number of threads, and the replicas of exponents, collapses
 * and phase diagrams draw the same data sets.
 */
#ifndef CH_FIT_BOOTSTRAP_H
#define CH_FIT_BOOTSTRAP_H

#include "fit/results.h"

/** How many replicas are done, of how many in the whole computation, and the watch to which this is reported. */
typedef struct {
    const ch_watch *watch; /* may be NULL; borrowed */
    size_t done, total;
} ch_bootstrap_progress;

/** What is evaluated on the drawn data sets. */
typedef struct {
    const void *context;   /* what the functions below get; borrowed */
    size_t num_data_sets;  /* at least 1 */
    size_t num_numbers;    /* numbers of a replica */
    size_t workspace_size; /* bytes that one thread works in */
    /** Prepares a workspace, which is zeroed.  @return CH_OK, CH_ERROR_MEMORY */
    ch_code (*init)(const void *context, void *workspace, ch_error *err);
    /** Releases what a workspace owns; also called for one that is still zeroed, or whose init failed. */
    void (*free)(const void *context, void *workspace);
    /** @param copies   [num_data_sets] times that each data set was drawn
     *  @param numbers  out: [num_numbers]; NaN for numbers that the replica does not have */
    void (*evaluate)(const void *context, void *workspace, const double *copies, double *numbers);
} ch_bootstrap_problem;

/** Makes all replicas, on several threads.
 *
 *  @param options   replicas, seed, threads
 *  @param progress  counts the replicas; its watch can end the work
 *  @param numbers   out: [replicas][num_numbers]
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_bootstrap_run(const ch_bootstrap_problem *problem, const ch_fit_options *options,
                         ch_bootstrap_progress *progress, double *numbers, ch_error *err) CH_MUST_CHECK;

/** @return CH_OK, or CH_ERROR_INTERRUPTED once the watch's flag is raised */
ch_code ch_fit_check_stop(const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

#endif
