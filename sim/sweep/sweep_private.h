/* sweep_private.h — what a sweep's files share. */
#ifndef CH_SWEEP_PRIVATE_H
#define CH_SWEEP_PRIVATE_H

#include "core/text.h"
#include "sim/sweep/sweep.h"

#include <omp.h>

/* One run to do. */
struct ch_sweep_job {
    uint64_t index;       /* in the plan */
    ch_train_key key;     /* of its data */
    uint64_t num_samples; /* P */
    uint64_t engine;      /* resolved */
    size_t dim;           /* of its samples */
    size_t run_bytes;     /* it takes beside its data set */
    double cost;
    size_t group;
    double group_longest; /* cost of its group's longest run */
};

/* Runs that share a data set. It is made when the first of them starts, or shortly before, and freed by the last to
 * end. */
struct ch_sweep_group {
    uint64_t num_samples; /* largest P among its runs; smaller ones use its first rows */
    uint64_t engine;      /* fast where one of its runs wants the samples' order */
    bool is_kernel;       /* of twins: what all threads make together */
    size_t set_bytes;
    bool reserved; /* set_bytes are; guarded by the sweep's lock */
    size_t runs_left;
    ch_train_set set;
    omp_lock_t lock; /* guards set and runs_left; may be held when the sweep's lock is set, not the other way */
};

/* What the settings of run `index` of a plan mean.  @return as ch_settings_resolve */
ch_code ch_sweep_resolve(const ch_plan *plan, uint64_t index, ch_resolved *resolved, ch_error *err) CH_MUST_CHECK;

/* A number of training samples in words. */
ch_shown ch_sweep_show_train(uint64_t num_samples);

/* Runs that go at once, at most: as many as there are threads, or runs. */
size_t ch_sweep_num_workers(const ch_sweep *self, int threads);

#endif
