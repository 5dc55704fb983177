/* sweep.h — many runs on all cores, into a store. */
#ifndef CH_SWEEP_H
#define CH_SWEEP_H

#include "sim/store/store.h"
#include "sim/sweep/memory_account.h"
#include "sim/sweep/plan.h"
#include "sim/train.h"

/** Counts of a sweep, by what became of its runs. */
typedef struct {
    size_t total;                    /* runs of the plan */
    size_t present;                  /* were in the store already */
    size_t fitted, budget, diverged; /* done now, by status */
    double seconds;                  /* wall clock */
    int most_threads;                /* that one run was given */
} ch_sweep_counts;

/** The runs of a plan that a store lacks, in the order in which to do them. */
typedef struct ch_sweep_job ch_sweep_job;
typedef struct ch_sweep_group ch_sweep_group;
typedef struct {
    const ch_plan *plan; /* borrowed */
    ch_sweep_job *jobs;  /* [num_jobs]; owned */
    size_t num_jobs, jobs_capacity;
    ch_sweep_group *groups; /* [num_groups] runs that share a data set; owned */
    size_t num_groups;
    ch_sources sources; /* images read for the plan's settings; a folder of kernels that is set before ch_sweep_run */
    double cost;        /* expected, of all jobs */
    ch_memory_account memory; /* of runs under way; a budget that is set before ch_sweep_run holds, 0 is found out */
    ch_sweep_counts counts;
} ch_sweep;

/** Checks every run of a plan.
 *  @return CH_OK, or CH_ERROR_INPUT for the first combination that makes no sense */
ch_code ch_sweep_check(const ch_plan *plan, ch_error *err) CH_MUST_CHECK;

/** Finds what is to be done. Runs that share a data set form a group; groups are ordered by their longest run, runs
 *  in a group longest first, so that few data sets are held at once and no long run is left for the end.
 *
 *  @param store  NULL: nothing is there yet
 */
ch_code ch_sweep_init(ch_sweep *self, const ch_plan *plan, ch_store *store, ch_error *err) CH_MUST_CHECK;
void ch_sweep_free(ch_sweep *self);

/** Writes a sentence on memory: what the run that takes most takes, with its data set, and how many runs from that one
 *  on go at once. The budget is self->memory's, or what it would be now. Needs a job to do; 512 bytes are enough. */
void ch_sweep_foresee_memory(const ch_sweep *self, int threads, char *text, size_t size);

/** Does it, one run a thread at a time, putting each into the store as it ends.
 *
 *  A run begins once it and its data set fit the memory beside those under way, or when none is; one sentence says so
 *  when a thread first has to wait. Runs begin in their order. Where there are fewer runs than threads, or memory for
 *  fewer, each may use several: a parallel region inside another, which OpenMP allows a program that has called
 *  omp_set_max_active_levels(2).
 *
 *  @param threads  >= 1
 *  @param watch  who is told of every run that has ended; its stop flag gives up the runs under way, what is done
 *                stays, and a failure raises it too. NULL: nobody
 *  @return CH_OK; CH_ERROR_INTERRUPTED; the first failure of a run or of the store, which ends the sweep
 */
ch_code ch_sweep_run(ch_sweep *self, ch_store *store, int threads, const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

#endif
