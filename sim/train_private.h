/* train_private.h — training on a set that several runs may share, and what a run is expected to take. A sweep uses it.
 */
#ifndef CH_TRAIN_PRIVATE_H
#define CH_TRAIN_PRIVATE_H

#include "sim/run_state.h"
#include "sim/train.h"
#include "sim/train_set.h"

/** Trains once on a training set that is there. It does not ask whether the run may begin: ch_admit does.
 *
 *  @param run       out: free with ch_run_free, also after a failure
 *  @param resolved  with the digest of its images
 *  @param set       of the same key with num_samples >= the run's P; with train = inf not looked at
 *  @param threads   threads to use, >= 1, for test samples and where the engine can; does not change a bit of the
 *  result
 *  @param watch     gets the progress, and its stop flag ends the run within a fraction of a second; may be NULL
 *  @return CH_OK, CH_ERROR_INPUT, CH_ERROR_MEMORY, CH_ERROR_NUMERIC, or CH_ERROR_INTERRUPTED when stopped
 */
ch_code ch_train(ch_run *run, const ch_resolved *resolved, const ch_train_set *set, int threads, const ch_watch *watch,
                 ch_error *err) CH_MUST_CHECK;

/** As ch_train, with a place where the states of runs are kept. A run of which one is kept goes on from it, to the same
 *  bits as without. Its seconds are those of all its parts.
 *  @param states  NULL: none are kept or looked for */
ch_code ch_train_on(ch_run *run, const ch_resolved *resolved, const ch_train_set *set, const ch_run_states *states,
                    int threads, const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

/** Makes the training set of one run and trains on it, as ch_train_alone does.
 *  @param weights  as ch_train_weights; NULL: they are not kept
 *  @param found    as ch_sources_find completed them
 *  @param sources  what it found; its samples are freed as soon as the training set has copies of them
 *  @param states   as ch_train_on */
ch_code ch_train_from(ch_run *run, ch_run_weights *weights, const ch_resolved *found, ch_sources *sources,
                      const ch_run_states *states, int threads, const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

/** The number of operations that a run is expected to take, from the scaling laws. It is for ordering runs, for the
 *  time left, and for the parts of a sweep; no result depends on it.
 *  @return at least 1000; 1 where there is no memory to find it */
double ch_train_cost(const ch_resolved *resolved);

/** The share of the expected work of a run without a budget that is done, by the same laws: of plain steps the steps,
 *  otherwise the updates.
 *  @return 0 to 1; 0 where nothing can be told: with train = inf, and where more is done than the laws expected */
double ch_train_share(const ch_resolved *resolved, const ch_progress *progress);

/** The most bytes that a run takes beside its training set, without the trajectory: test samples, weights and batches;
 *  under the fast engine also lists of samples, some 40 bytes a sample, copies of a quarter of the samples, and up to
 *  16 MiB of rows of their Gram matrix. Many runs leave much of that unused. Settings that ch_admit accepts overflow
 *  nothing. */
size_t ch_train_run_bytes(const ch_resolved *resolved);

#endif
