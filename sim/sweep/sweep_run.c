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
    ch_watch
        watch; /* the caller's; the stop flag is the sweep's own where the caller gave none, as a failure raises it */

    omp_lock_t lock; /* guards what follows, and the sweep's account */
    size_t next;     /* job to begin */
    size_t workers;  /* runs at once, at most */
    int threads;     /* of the sweep */
    int share, idle; /* threads of one run, and threads that no run has */
    size_t most_run_bytes;
    bool told; /* whether the user was told that a thread waits for memory */

    /* guarded by the critical section ch_sweep_filing */
    size_t done;      /* runs done so far, which are in the store */
    double cost_done; /* expected cost of these runs, in units of the sweep's cost */
    ch_code code;     /* the first failure, as `err` */
    ch_error *err;
} sweep_state;

/* ---- jobs ---- */

/* How long a thread sleeps before it looks again whether its run now fits the memory: nothing beside a run that takes
 * a good part of it. */
static const double WAIT_SECONDS = 0.01;

static const ch_sweep_job *next_job(const sweep_state *state)
{
    return state->next < state->sweep->num_jobs ? &state->sweep->jobs[state->next] : NULL;
}

static size_t set_bytes_to_reserve(const sweep_state *state, const ch_sweep_job *job)
{
    const ch_sweep_group *group = &state->sweep->groups[job->group];
    return group->reserved ? 0 : group->set_bytes;
}

/* The number of threads for the run that has just begun: an equal share, or all idle threads when memory lets no other
 * run begin. */
static int threads_to_give(const sweep_state *state)
{
    const ch_sweep_job *next = next_job(state);
    const bool others = next != NULL && ch_memory_account_fits(&state->sweep->memory,
                                                               set_bytes_to_reserve(state, next) + next->run_bytes);
    const int threads = others && state->share < state->idle ? state->share : state->idle;
    return threads > 1 ? threads : 1;
}

/* Begins the next job if memory allows it.  @return the job, or NULL */
static const ch_sweep_job *begin_job(sweep_state *state, int *threads)
{
    const ch_sweep_job *job = next_job(state);
    if (job == NULL ||
        !ch_memory_account_begin_run(&state->sweep->memory, set_bytes_to_reserve(state, job), job->run_bytes)) {
        return NULL;
    }
    state->sweep->groups[job->group].reserved = true;
    state->next++;
    *threads = threads_to_give(state);
    state->idle -= *threads;
    if (state->sweep->counts.most_threads < *threads) {
        state->sweep->counts.most_threads = *threads;
    }
    return job;
}

/* Says why the next job has to wait. */
static void describe_wait(const sweep_state *state, char *text, size_t size)
{
    const ch_memory_account *memory = &state->sweep->memory;
    const ch_sweep_job *job = next_job(state);
    snprintf(text, size,
             "memory: %zu run%s and %s data take %s of %s there are; the next (train = %s, dim = %zu) takes %s more "
             "and waits: fewer than %zu runs go at once",
             memory->num_runs, memory->num_runs == 1 ? "" : "s", memory->num_runs == 1 ? "its" : "their",
             ch_show_bytes(memory->sets + memory->runs).text, ch_show_bytes(memory->budget).text,
             ch_sweep_show_train(job->num_samples).text, job->dim,
             ch_show_bytes(set_bytes_to_reserve(state, job) + job->run_bytes).text, state->workers);
}

/* Waits until there is memory for the next job, and begins it.  @return NULL when none is left, or the sweep is to stop
 */
static const ch_sweep_job *take_job(sweep_state *state, int *threads)
{
    while (!*state->watch.stop) {
        char sentence[512];
        omp_set_lock(&state->lock);
        const ch_sweep_job *job = begin_job(state, threads);
        const bool waits = job == NULL && next_job(state) != NULL;
        const bool tells = waits && !state->told;
        if (tells) {
            describe_wait(state, sentence, sizeof sentence);
            state->told = true;
        }
        omp_unset_lock(&state->lock);
        if (!waits) {
            return job;
        }
        if (tells) {
#pragma omp critical(ch_sweep_filing)
            ch_watch_say(&state->watch, sentence);
        }
        ch_clock_sleep(WAIT_SECONDS);
    }
    return NULL;
}

static void end_job(sweep_state *state, const ch_sweep_job *job, int threads)
{
    omp_set_lock(&state->lock);
    ch_memory_account_end_run(&state->sweep->memory, job->run_bytes);
    state->idle += threads;
    omp_unset_lock(&state->lock);
}

/* ---- data sets ---- */

/* All threads make a kernel, since none of its runs can begin before it is there. */
static int threads_for_set(const sweep_state *state, const ch_sweep_group *group, int threads)
{
    return group->is_kernel ? state->threads : threads;
}

/* Releases the memory that was reserved for making a kernel. */
static void give_back_work(sweep_state *state, ch_sweep_group *group)
{
    const size_t kept = ch_kernel_bytes(group->set.kernel.num_train, group->set.kernel.num_test);
    omp_set_lock(&state->lock);
    if (kept < group->set_bytes) {
        ch_memory_account_end_set(&state->sweep->memory, group->set_bytes - kept);
        group->set_bytes = kept;
    }
    omp_unset_lock(&state->lock);
}

/* Makes a group's set if one is wanted, which runs with train = inf do not, and it is not there; the caller holds the
 * group's lock. */
static ch_code make_set(sweep_state *state, ch_sweep_group *group, const ch_resolved *resolved, int threads,
                        ch_error *err)
{
    if (group->runs_left == 0 || group->num_samples == 0 || group->set.num_samples > 0) {
        return CH_OK;
    }
    ch_resolved all = *resolved;
    all.settings.engine = group->engine;
    const ch_watch quiet = {.stop = state->watch.stop};
    const ch_code code =
        ch_train_set_init(&group->set, &all, &state->sweep->sources, group->num_samples, threads, &quiet, err);
    if (code != CH_OK) {
        return code;
    }
    if (group->is_kernel) {
        give_back_work(state, group);
    }
    return CH_OK;
}

/* Reserves a set that is made ahead, where it leaves room for a run on every thread. The caller holds the group's
 * lock. */
static bool reserve_ahead(sweep_state *state, ch_sweep_group *group)
{
    omp_set_lock(&state->lock);
    if (group->runs_left > 0 && !group->reserved) {
        group->reserved = ch_memory_account_begin_set(&state->sweep->memory, group->set_bytes,
                                                      state->workers * state->most_run_bytes);
    }
    const bool reserved = group->reserved;
    omp_unset_lock(&state->lock);
    return reserved;
}

/* Makes the set that the jobs after this group's will want, unless somebody is at it or memory is short. A failure
 * shows when it is wanted. */
static void make_next_set(sweep_state *state, const ch_sweep_job *job)
{
    const ch_sweep_job *next = job, *end = state->sweep->jobs + state->sweep->num_jobs;
    while (next < end && next->group == job->group) {
        next++;
    }
    if (next == end || !omp_test_lock(&state->sweep->groups[next->group].lock)) {
        return;
    }
    ch_resolved resolved;
    if (reserve_ahead(state, &state->sweep->groups[next->group]) &&
        ch_sweep_resolve(state->sweep->plan, next->index, &resolved, NULL) == CH_OK) {
        (void)!make_set(state, &state->sweep->groups[next->group], &resolved, 1, NULL);
    }
    omp_unset_lock(&state->sweep->groups[next->group].lock);
}

/* Makes the job's set if it is not there. While another thread makes it, this thread makes the next set. */
static ch_code borrow_set(sweep_state *state, const ch_sweep_job *job, const ch_resolved *resolved, int threads,
                          ch_error *err)
{
    ch_sweep_group *group = &state->sweep->groups[job->group];
    if (!omp_test_lock(&group->lock)) {
        make_next_set(state, job);
        omp_set_lock(&group->lock);
    }
    const ch_code code = make_set(state, group, resolved, threads_for_set(state, group, threads), err);
    omp_unset_lock(&group->lock);
    return code;
}

static void return_set(sweep_state *state, ch_sweep_group *group)
{
    omp_set_lock(&group->lock);
    if (--group->runs_left == 0) {
        ch_train_set_free(&group->set);
        omp_set_lock(&state->lock);
        ch_memory_account_end_set(&state->sweep->memory, group->set_bytes);
        group->reserved = false;
        omp_unset_lock(&state->lock);
    }
    omp_unset_lock(&group->lock);
}

/* ---- the work of one thread ---- */

static ch_code do_run(sweep_state *state, const ch_sweep_job *job, int threads, ch_run *run, ch_error *err)
{
    const ch_watch quiet = {.stop = state->watch.stop};
    ch_sweep_group *group = &state->sweep->groups[job->group];
    ch_resolved resolved;
    ch_code code = ch_sweep_resolve(state->sweep->plan, job->index, &resolved, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_sources_find_images(&state->sweep->sources, &resolved, err); /* they are read already: sets the digest */
    if (code != CH_OK) {
        goto out;
    }
    code = borrow_set(state, job, &resolved, threads, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_train(run, &resolved, &group->set, threads, &quiet, err);
out:
    return_set(state, group);
    return code;
}

static void tell_progress(const sweep_state *state)
{
    const ch_sweep *sweep = state->sweep;
    const ch_watch_report report = {
        .unit = "runs",
        .done = state->done,
        .total = sweep->num_jobs,
        .share = sweep->cost > 0 ? fmin(state->cost_done / sweep->cost, 1) : 1,
    };
    ch_watch_progress(&state->watch, &report);
}

/* Ends the sweep because of a failure. The sweep reports the first failure; runs that are under way may add others. */
static void end_sweep(sweep_state *state, ch_code code, const ch_error *failure)
{
    if (state->code == CH_OK) {
        state->code = code;
        ch_error_set(state->err, code, "%s", failure->message);
    }
    *state->watch.stop = 1;
}

/* Stores a run that has ended with `code`, or ends the sweep if the run or its storing failed. Called by one thread at
 * a time. */
static void file_run(sweep_state *state, const ch_sweep_job *job, const ch_run *run, ch_code code, const ch_error *err)
{
    if (code != CH_OK) {
        end_sweep(state, code, err);
        return;
    }
    ch_error failure = {0};
    code = ch_store_put(state->store, run, &failure);
    if (code != CH_OK) {
        end_sweep(state, code, &failure);
        return;
    }
    ch_sweep_counts *counts = &state->sweep->counts;
    counts->fitted += run->status == CH_FITTED;
    counts->budget += run->status == CH_BUDGET;
    counts->diverged += run->status == CH_DIVERGED;
    state->done++;
    state->cost_done += job->cost;
    tell_progress(state);
}

/* Takes one job after the other until none is left. */
static void work(sweep_state *state)
{
    const ch_sweep_job *job = NULL;
    int threads = 1;
    while ((job = take_job(state, &threads)) != NULL) {
        ch_run run = {0};
        ch_error failure = {0};
        const ch_code code = do_run(state, job, threads, &run, &failure);
        end_job(state, job, threads);
#pragma omp critical(ch_sweep_filing)
        file_run(state, job, &run, code, &failure);
        ch_run_free(&run);
    }
}

static sweep_state begin_state(ch_sweep *self, ch_store *store, int threads, ch_watch watch, ch_error *err)
{
    sweep_state state = {.sweep = self, .store = store, .watch = watch, .err = err};
    state.workers = ch_sweep_num_workers(self, threads);
    state.workers = state.workers > 1 ? state.workers : 1;
    state.threads = state.idle = threads;
    state.share = threads / (int)state.workers;
    for (size_t i = 0; i < self->num_jobs; i++) {
        const size_t bytes = self->jobs[i].run_bytes;
        state.most_run_bytes = bytes > state.most_run_bytes ? bytes : state.most_run_bytes;
    }
    if (self->memory.budget == 0) {
        self->memory.budget = ch_memory_account_find_budget();
    }
    return state;
}

ch_code ch_sweep_run(ch_sweep *self, ch_store *store, int threads, const ch_watch *watch, ch_error *err)
{
    const double started = ch_clock_now();
    ch_stop own = 0;
    ch_watch shared = watch != NULL ? *watch : (ch_watch){0};
    shared.stop = shared.stop != NULL ? shared.stop : &own;
    sweep_state state = begin_state(self, store, threads, shared, err);
    omp_init_lock(&state.lock);
    if (state.workers == 1) {
        work(&state); /* in no parallel region: that of the run is then the outermost, whose threads OpenMP keeps */
    } else {
#pragma omp parallel num_threads((int)state.workers)
        work(&state);
    }
    omp_destroy_lock(&state.lock);
    self->counts.seconds = ch_clock_now() - started;
    if (state.code == CH_OK && state.done < self->num_jobs) {
        state.code = CH_ERROR_INTERRUPTED;
    }
    if (state.code == CH_ERROR_INTERRUPTED) {
        ch_error_set(err, state.code, "stopped with %zu of %zu runs to do; repeat the command to go on",
                     self->num_jobs - state.done, self->num_jobs);
    }
    return state.code;
}
