/* crew_sets.c — the data sets of a crew: made when a run needs them, kept for the runs that share them. */
#include "sim/sweep/crew.h"

#include "core/memory.h"

#include <stdlib.h>

size_t ch_crew_set_bytes(const ch_crew *self, const ch_sweep_job *job)
{
    const ch_sweep_group *group = &self->groups[job->group];
    return group->reserved ? 0 : group->set_bytes;
}

/* The number of threads that make a data set. All threads of the crew make a kernel, because none of its runs can begin
 * before it is complete. */
static int threads_for_set(const ch_crew *self, const ch_sweep_group *group, int threads)
{
    return group->is_kernel ? self->threads : threads;
}

void ch_crew_free_set(ch_train_set *set)
{
    if (set != NULL) {
        ch_train_set_free(set);
    }
    free(set);
}

ch_train_set *ch_crew_release(ch_crew *self, ch_sweep_group *group)
{
    ch_train_set *set = NULL;
    if (--group->runs_left == 0) {
        set = group->set;
        group->set = NULL;
        if (group->reserved) {
            ch_memory_account_end_set(self->memory, group->set_bytes);
        }
        group->reserved = false;
    }
    return set;
}

void ch_crew_leave_group(ch_crew *self, ch_sweep_group *group)
{
    omp_set_lock(&self->lock);
    ch_train_set *set = ch_crew_release(self, group);
    omp_unset_lock(&self->lock);
    ch_crew_free_set(set);
}

/* Puts a set that was made into its group, unless nobody needs it any more. Gives back the memory that was reserved for
 * making a kernel and is not needed to keep it. */
static void keep_set(ch_crew *self, ch_sweep_group *group, ch_train_set *set)
{
    omp_set_lock(&self->lock);
    if (group->runs_left > 0) {
        group->set = set;
        set = NULL;
    }
    if (group->set != NULL && group->is_kernel) {
        const size_t kept = ch_kernel_bytes(group->set->kernel.num_train, group->set->kernel.num_test);
        if (kept < group->set_bytes) {
            ch_memory_account_end_set(self->memory, group->set_bytes - kept);
            group->set_bytes = kept;
        }
    }
    omp_unset_lock(&self->lock);
    ch_crew_free_set(set);
}

static bool lacks_set(ch_crew *self, const ch_sweep_group *group)
{
    omp_set_lock(&self->lock);
    const bool lacks = group->runs_left > 0 && group->num_samples > 0 && group->set == NULL;
    omp_unset_lock(&self->lock);
    return lacks;
}

/* Makes the data set of a group if it is needed and not there yet. Runs with train = inf need none. The caller holds
 * the group's lock `making`. */
static ch_code make_set(ch_crew *self, ch_sweep_group *group, const ch_resolved *resolved, int threads, ch_error *err)
{
    if (!lacks_set(self, group)) {
        return CH_OK;
    }
    ch_resolved all = *resolved;
    all.settings.engine = group->engine;
    const ch_watch quiet = {.stop = self->stop};
    ch_train_set *set = ch_alloc(1, sizeof *set);
    if (set == NULL) {
        return ch_error_memory(err, "a data set");
    }
    const ch_code code = ch_train_set_init(set, &all, self->sources, group->num_samples, threads, &quiet, err);
    if (code != CH_OK) {
        free(set);
        return code;
    }
    keep_set(self, group, set);
    return CH_OK;
}

/* Reserves the memory of a data set that is to be made ahead of its runs, if enough is left for one run on every
 * thread. */
static bool reserve_ahead(ch_crew *self, ch_sweep_group *group)
{
    omp_set_lock(&self->lock);
    if (group->runs_left > 0 && !group->reserved) {
        group->reserved =
            ch_memory_account_begin_set(self->memory, group->set_bytes, self->workers * self->most_run_bytes);
    }
    const bool reserved = group->reserved;
    omp_unset_lock(&self->lock);
    return reserved;
}

/* Makes the data set of the group that follows the job's group, unless another thread is making it or memory is short.
 * A failure is not reported here: it comes again when a run of that group needs the set. */
static void make_following_set(ch_crew *self, const ch_sweep_job *job)
{
    uint32_t number = 0;
    ch_resolved resolved;
    if (!self->source.following(self->source.context, job, &number, &resolved)) {
        return;
    }
    ch_sweep_group *group = &self->groups[number];
    if (!omp_test_lock(&group->making)) {
        return;
    }
    if (reserve_ahead(self, group)) {
        (void)!make_set(self, group, &resolved, 1, NULL);
    }
    omp_unset_lock(&group->making);
}

ch_code ch_crew_find_set(ch_crew *self, const ch_sweep_job *job, const ch_resolved *resolved, int threads,
                         const ch_train_set **set, ch_error *err)
{
    ch_sweep_group *group = &self->groups[job->group];
    if (!omp_test_lock(&group->making)) {
        make_following_set(self, job);
        omp_set_lock(&group->making);
    }
    const ch_code code = make_set(self, group, resolved, threads_for_set(self, group, threads), err);
    omp_unset_lock(&group->making);
    omp_set_lock(&self->lock);
    *set = group->set;
    omp_unset_lock(&self->lock);
    return code;
}
