/* sweep_private.h — what the files of a sweep share. */
#ifndef CH_SWEEP_PRIVATE_H
#define CH_SWEEP_PRIVATE_H

#include "core/text.h"
#include "sim/sweep/census.h"
#include "sim/sweep/memory_account.h"
#include "sim/sweep/sweep.h"
#include "sim/train_private.h"

#include <omp.h>

/* One run that is to be done. There may be 10^7 of them, so that a job is small. */
struct ch_sweep_job {
    uint64_t index;       /* number of the run in the plan */
    uint64_t digest;      /* of the key that runs have in common which can share a data set */
    uint64_t id;          /* the first 64 bits of the run's id */
    uint64_t group_first; /* the lowest index of a run of its group */
    double group_longest; /* cost of the longest run of its group */
    double cost;
    size_t run_bytes;     /* expected bytes of the run beside its data set */
    uint32_t num_samples; /* P, the number of training samples */
    uint32_t dim;         /* number of components of a sample */
    uint32_t group;       /* number of its group, in the order of the list */
    uint8_t engine;       /* the engine after resolving: CH_ENGINE_PLAIN or CH_ENGINE_FAST */
    /* who makes it, as sim/sweep/share.h numbers it; set by who holds what guards the store, and read by anybody */
    _Atomic uint8_t share;
    bool is_taken;     /* the run has begun; guarded by the crew's lock */
    bool is_postponed; /* it lacked memory beside others, and is to be tried again alone */
};

/* Bytes that a run takes in the list of jobs, with what is needed to sort it. */
enum { CH_SWEEP_JOB_BYTES = sizeof(struct ch_sweep_job) + 2 * sizeof(void *) };

/* Runs that share a data set. The set is made when the first of them starts or shortly before, and freed when the last
 * of them ends. The crew's lock guards the members from `num_untaken` to `is_elsewhere`, and all from `set_bytes` on.
 */
struct ch_sweep_group {
    size_t begin, end;    /* the group's jobs are those from `begin` to before `end` of the list */
    size_t num_untaken;   /* jobs that no process has begun */
    double cost_untaken;  /* their expected operations */
    bool is_elsewhere;    /* whether another program is making its runs, so that other groups go first */
    uint64_t num_samples; /* the largest P among its runs; runs with a smaller P use the first samples */
    uint8_t engine;       /* CH_ENGINE_FAST where one of its runs needs the samples' order */
    bool is_kernel;       /* whether the set is the tangent kernel of twins, which all threads make together */
    omp_lock_t making;    /* held while the set is made. A thread may take the crew's lock while it holds this one, but
                             not the other way */
    size_t set_bytes;
    bool reserved;     /* whether set_bytes are reserved */
    size_t runs_left;  /* runs of this process that have not ended, and those that no process has begun */
    ch_train_set *set; /* NULL while there is none; owned */
};

/* Resolves the settings of run `index` of the sweep's plan, and completes them from the files that were read.
 * @return as ch_settings_resolve and ch_sources_find */
ch_code ch_sweep_resolve(const ch_sweep *self, uint64_t index, ch_resolved *resolved, ch_error *err) CH_MUST_CHECK;

/* Writes a number of training samples as the setting `train` is written, "inf" for infinitely many. */
ch_shown ch_sweep_show_train(uint64_t num_samples);

/* The most runs that can be under way at once: the number of threads, or of runs where that is smaller. */
size_t ch_sweep_num_workers(const ch_sweep *self, int threads);

#endif
