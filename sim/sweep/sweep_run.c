/* sweep_run.c — many runs on all cores, into a store: doing it. */
#include "sim/sweep/sweep_private.h"

#include "core/text.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>

/* What the threads of a sweep share. */
typedef struct {
    ch_sweep *sweep;
    ch_store *store;
    ch_watch watch; /* the caller's, with a flag of the sweep's own where that has none: a failure raises it too */

    omp_lock_t lock; /* guards what follows, and the sweep's account */
    size_t next;     /* job to begin */
    size_t workers;  /* runs at once, at most */
    int threads;     /* of the sweep */
    int share, idle; /* threads: of a run, and those that no run has */
    size_t most_run_bytes;
    bool told; /* that a thread has to wait for memory */

    /* guarded by the critical section ch_sweep_filing */
    size_t done;      /* runs in the store */
    double cost_done; /* theirs, of the sweep's cost */
    ch_code code;     /* the first failure, as `err` */
    ch_error *err;
} workshop;

/* ---- its jobs, in their order ---- */

/* How long a thread sleeps before it looks again whether its run now fits the memory: nothing beside a run that takes
 * a good part of it. */
static const double WAIT_SECONDS = 0.01;

static const ch_sweep_job *next_job(const workshop *shop)
{
    return shop->next < shop->sweep->num_jobs ? &shop->sweep->jobs[shop->next] : NULL;
}

static size_t set_bytes_to_reserve(const workshop *shop, const ch_sweep_job *job)
{
    const ch_sweep_group *group = &shop->sweep->groups[job->group];
    return group->reserved ? 0 : group->set_bytes;
}

/* Threads for the run that has just begun: a share, or all that are idle when no other can begin beside it. */
static int threads_to_give(const workshop *shop)
{
    const ch_sweep_job *next = next_job(shop);
    const bool others = next != NULL && ch_memory_account_fits(&shop->sweep->memory,
                                                               set_bytes_to_reserve(shop, next) + next->run_bytes);
    const int threads = others && shop->share < shop->idle ? shop->share : shop->idle;
    return threads > 1 ? threads : 1;
}

/* Begins the next job where memory allows it; else NULL. */
static const ch_sweep_job *begin_job(workshop *shop, int *threads)
{
    const ch_sweep_job *job = next_job(shop);
    if (job == NULL ||
        !ch_memory_account_begin_run(&shop->sweep->memory, set_bytes_to_reserve(shop, job), job->run_bytes)) {
        return NULL;
    }
    shop->sweep->groups[job->group].reserved = true;
    shop->next++;
    *threads = threads_to_give(shop);
    shop->idle -= *threads;
    if (shop->sweep->counts.most_threads < *threads) {
        shop->sweep->counts.most_threads = *threads;
    }
    return job;
}

/* Why the next job has to wait. */
static void describe_wait(const workshop *shop, char *text, size_t size)
{
    const ch_memory_account *memory = &shop->sweep->memory;
    const ch_sweep_job *job = next_job(shop);
    snprintf(text, size,
             "memory: %zu run%s and %s data take %s of %s there are; the next (train = %s, dim = %zu) takes %s more "
             "and waits: fewer than %zu runs go at once",
             memory->num_runs, memory->num_runs == 1 ? "" : "s", memory->num_runs == 1 ? "its" : "their",
             ch_show_bytes(memory->sets + memory->runs).text, ch_show_bytes(memory->budget).text,
             ch_sweep_show_train(job->num_samples).text, job->dim,
             ch_show_bytes(set_bytes_to_reserve(shop, job) + job->run_bytes).text, shop->workers);
}

/* The next job, once there is memory for it; NULL when none is left or the sweep is to stop. */
static const ch_sweep_job *take_job(workshop *shop, int *threads)
{
    while (!*shop->watch.stop) {
        char sentence[512];
        omp_set_lock(&shop->lock);
        const ch_sweep_job *job = begin_job(shop, threads);
        const bool waits = job == NULL && next_job(shop) != NULL;
        const bool tells = waits && !shop->told;
        if (tells) {
            describe_wait(shop, sentence, sizeof sentence);
            shop->told = true;
        }
        omp_unset_lock(&shop->lock);
        if (!waits) {
            return job;
        }
        if (tells) {
#pragma omp critical(ch_sweep_filing)
            ch_watch_say(&shop->watch, sentence);
        }
        ch_clock_sleep(WAIT_SECONDS);
    }
    return NULL;
}

static void end_job(workshop *shop, const ch_sweep_job *job, int threads)
{
    omp_set_lock(&shop->lock);
    ch_memory_account_end_run(&shop->sweep->memory, job->run_bytes);
    shop->idle += threads;
    omp_unset_lock(&shop->lock);
}

/* ---- their data sets ---- */

/* A kernel takes all threads: none of its runs can begin before it is there. */
static int threads_for_set(const workshop *shop, const ch_sweep_group *group, int threads)
{
    return group->is_kernel ? shop->threads : threads;
}

/* What a kernel has been made from is not held any longer. */
static void give_back_work(workshop *shop, ch_sweep_group *group)
{
    const size_t kept = ch_kernel_bytes(group->set.kernel.num_train, group->set.kernel.num_test);
    omp_set_lock(&shop->lock);
    if (kept < group->set_bytes) {
        ch_memory_account_end_set(&shop->sweep->memory, group->set_bytes - kept);
        group->set_bytes = kept;
    }
    omp_unset_lock(&shop->lock);
}

/* Makes a group's set if one is wanted, which runs with train = inf do not, and it is not there; the caller holds the
 * group's lock. */
static ch_code make_set(workshop *shop, ch_sweep_group *group, const ch_resolved *resolved, int threads, ch_error *err)
{
    if (group->runs_left == 0 || group->num_samples == 0 || group->set.num_samples > 0) {
        return CH_OK;
    }
    ch_resolved all = *resolved;
    all.settings.engine = group->engine;
    const ch_watch quiet = {.stop = shop->watch.stop};
    const ch_code code =
        ch_train_set_init(&group->set, &all, &shop->sweep->sources, group->num_samples, threads, &quiet, err);
    if (code == CH_OK && group->is_kernel) {
        give_back_work(shop, group);
    }
    return code;
}

/* Reserves a set that is made ahead, where it leaves room for a run on every thread. The caller holds the group's
 * lock. */
static bool reserve_ahead(workshop *shop, ch_sweep_group *group)
{
    omp_set_lock(&shop->lock);
    if (group->runs_left > 0 && !group->reserved) {
        group->reserved =
            ch_memory_account_begin_set(&shop->sweep->memory, group->set_bytes, shop->workers * shop->most_run_bytes);
    }
    const bool reserved = group->reserved;
    omp_unset_lock(&shop->lock);
    return reserved;
}

/* Makes the set that the jobs after this group's will want, unless somebody is at it or memory is short. A failure
 * shows when it is wanted. */
static void make_next_set(workshop *shop, const ch_sweep_job *job)
{
    const ch_sweep_job *next = job, *end = shop->sweep->jobs + shop->sweep->num_jobs;
    while (next < end && next->group == job->group) {
        next++;
    }
    if (next == end || !omp_test_lock(&shop->sweep->groups[next->group].lock)) {
        return;
    }
    ch_resolved resolved;
    if (reserve_ahead(shop, &shop->sweep->groups[next->group]) &&
        ch_sweep_resolve(shop->sweep->plan, next->index, &resolved, NULL) == CH_OK) {
        (void)!make_set(shop, &shop->sweep->groups[next->group], &resolved, 1, NULL);
    }
    omp_unset_lock(&shop->sweep->groups[next->group].lock);
}

/* While another thread makes the set, this one makes the next instead of waiting. */
static ch_code borrow_set(workshop *shop, const ch_sweep_job *job, const ch_resolved *resolved, int threads,
                          ch_error *err)
{
    ch_sweep_group *group = &shop->sweep->groups[job->group];
    if (!omp_test_lock(&group->lock)) {
        make_next_set(shop, job);
        omp_set_lock(&group->lock);
    }
    const ch_code code = make_set(shop, group, resolved, threads_for_set(shop, group, threads), err);
    omp_unset_lock(&group->lock);
    return code;
}

static void return_set(workshop *shop, ch_sweep_group *group)
{
    omp_set_lock(&group->lock);
    if (--group->runs_left == 0) {
        ch_train_set_free(&group->set);
        omp_set_lock(&shop->lock);
        ch_memory_account_end_set(&shop->sweep->memory, group->set_bytes);
        group->reserved = false;
        omp_unset_lock(&shop->lock);
    }
    omp_unset_lock(&group->lock);
}

/* ---- one after the other ---- */

static ch_code do_run(workshop *shop, const ch_sweep_job *job, int threads, ch_run *run, ch_error *err)
{
    const ch_watch quiet = {.stop = shop->watch.stop};
    ch_sweep_group *group = &shop->sweep->groups[job->group];
    ch_resolved resolved;
    ch_code code = ch_sweep_resolve(shop->sweep->plan, job->index, &resolved, err);
    if (code == CH_OK) {
        code = ch_sources_find_images(&shop->sweep->sources, &resolved,
                                      err); /* they have been read: only the digest is set */
    }
    if (code == CH_OK) {
        code = borrow_set(shop, job, &resolved, threads, err);
    }
    if (code == CH_OK) {
        code = ch_train(run, &resolved, &group->set, threads, &quiet, err);
    }
    return_set(shop, group);
    return code;
}

static void tell_progress(const workshop *shop)
{
    const ch_sweep *sweep = shop->sweep;
    const ch_watch_report report = {
        .unit = "runs",
        .done = shop->done,
        .total = sweep->num_jobs,
        .share = sweep->cost > 0 ? fmin(shop->cost_done / sweep->cost, 1) : 1,
    };
    ch_watch_progress(&shop->watch, &report);
}

/* Files a run that has ended; called by one thread at a time. */
static void file_run(workshop *shop, const ch_sweep_job *job, const ch_run *run, ch_code code, const ch_error *err)
{
    ch_error failure = *err;
    if (code == CH_OK) {
        code = ch_store_put(shop->store, run, &failure);
    }
    if (code != CH_OK) {
        if (shop->code == CH_OK) {
            shop->code = code;
            ch_error_set(shop->err, code, "%s", failure.message);
        }
        *shop->watch.stop = 1;
        return;
    }
    ch_sweep_counts *counts = &shop->sweep->counts;
    counts->fitted += run->status == CH_FITTED;
    counts->budget += run->status == CH_BUDGET;
    counts->diverged += run->status == CH_DIVERGED;
    shop->done++;
    shop->cost_done += job->cost;
    tell_progress(shop);
}

/* What each thread does. */
static void work(workshop *shop)
{
    const ch_sweep_job *job = NULL;
    int threads = 1;
    while ((job = take_job(shop, &threads)) != NULL) {
        ch_run run = {0};
        ch_error failure = {0};
        const ch_code code = do_run(shop, job, threads, &run, &failure);
        end_job(shop, job, threads);
#pragma omp critical(ch_sweep_filing)
        file_run(shop, job, &run, code, &failure);
        ch_run_free(&run);
    }
}

static workshop open_shop(ch_sweep *self, ch_store *store, int threads, ch_watch watch, ch_error *err)
{
    workshop shop = {.sweep = self, .store = store, .watch = watch, .err = err};
    shop.workers = ch_sweep_num_workers(self, threads);
    shop.workers = shop.workers > 1 ? shop.workers : 1;
    shop.threads = shop.idle = threads;
    shop.share = threads / (int)shop.workers;
    for (size_t i = 0; i < self->num_jobs; i++) {
        const size_t bytes = self->jobs[i].run_bytes;
        shop.most_run_bytes = bytes > shop.most_run_bytes ? bytes : shop.most_run_bytes;
    }
    if (self->memory.budget == 0) {
        self->memory.budget = ch_memory_account_find_budget();
    }
    return shop;
}

ch_code ch_sweep_run(ch_sweep *self, ch_store *store, int threads, const ch_watch *watch, ch_error *err)
{
    const double started = ch_clock_now();
    ch_stop own = 0;
    ch_watch shared = watch != NULL ? *watch : (ch_watch){0};
    shared.stop = shared.stop != NULL ? shared.stop : &own;
    workshop shop = open_shop(self, store, threads, shared, err);
    omp_init_lock(&shop.lock);
    if (shop.workers == 1) {
        work(&shop); /* in no parallel region: that of the run is then the outermost, whose threads OpenMP keeps */
    } else {
#pragma omp parallel num_threads((int)shop.workers)
        work(&shop);
    }
    omp_destroy_lock(&shop.lock);
    self->counts.seconds = ch_clock_now() - started;
    if (shop.code == CH_OK && shop.done < self->num_jobs) {
        shop.code = CH_ERROR_INTERRUPTED;
    }
    if (shop.code == CH_ERROR_INTERRUPTED) {
        ch_error_set(err, shop.code, "stopped with %zu of %zu runs to do; repeat the command to go on",
                     self->num_jobs - shop.done, self->num_jobs);
    }
    return shop.code;
}
