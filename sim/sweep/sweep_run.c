/* sweep_run.c — does the runs of a sweep on several threads and puts them into the store. */
#include "sim/sweep/sweep_private.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/text.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The state of a sweep under way, which its threads share. */
typedef struct {
    ch_sweep *sweep;
    ch_store *store;
    ch_watch
        /* The caller's watch. Where the caller gave no stop flag, this is one of the sweep's own, because a failure
         * raises it. */
        watch;

    omp_lock_t lock; /* guards the members below up to `told`, and the sweep's memory account */
    size_t next;     /* index of the job that begins next, while there is one */
    size_t taken;    /* number of jobs that have begun */
    uint64_t turns;  /* how often the sweep went on elsewhere */
    int tries;       /* how often it may still do so until it finds a run that is not there yet */
    size_t workers;  /* most runs that are under way at once */
    int threads;     /* threads of the whole sweep */
    int share, idle; /* equal share of threads for one run, and threads that no run uses now */
    size_t most_run_bytes;
    bool told; /* whether the watch was told that a thread waits for memory */

    /* The members below are guarded by the critical section ch_sweep_filing. */
    size_t done;      /* runs that have ended and are in the store */
    double cost_done; /* expected operations of these runs */
    ch_error lack;    /* why the first run that lacked memory alone could not be done */
    ch_code code;     /* the first failure, whose sentence is in `err` */
    ch_error *err;
} sweep_state;

/* ---- jobs ---- */

/* Seconds that a thread sleeps before it looks again whether its run fits the memory. A run that takes a good part of
 * the memory takes much longer than this. */
static const double WAIT_SECONDS = 0.01;

static size_t set_bytes_to_reserve(const sweep_state *state, const ch_sweep_job *job)
{
    const ch_sweep_group *group = &state->sweep->groups[job->group];
    return group->reserved ? 0 : group->set_bytes;
}

static ch_sweep_job *next_job(const sweep_state *state)
{
    return state->taken < state->sweep->num_jobs ? &state->sweep->jobs[state->next] : NULL;
}

/* Makes `next` the first job from `index` on, around the end of the list, that has not begun, if there is one. */
static void go_on_from(sweep_state *state, size_t index)
{
    const ch_sweep *sweep = state->sweep;
    for (state->next = index; state->taken < sweep->num_jobs && sweep->jobs[state->next].is_taken;) {
        state->next = state->next + 1 < sweep->num_jobs ? state->next + 1 : 0;
    }
}

/* Goes on at another data set of the list, which another program would hardly choose too, if memory has room for it. */
static void turn_aside(sweep_state *state)
{
    ch_sweep *sweep = state->sweep;
    ch_random random;
    omp_set_lock(&state->lock);
    const size_t before = state->next;
    ch_random_init(&random, (uint64_t)getpid(), CH_STREAM_INIT, state->turns++);
    if (state->taken < sweep->num_jobs) {
        go_on_from(state, (size_t)(ch_random_u32(&random) % sweep->num_jobs));
        const ch_sweep_job *next = next_job(state);
        if (!ch_memory_account_fits(sweep->memory, set_bytes_to_reserve(state, next) + next->run_bytes)) {
            state->next = before;
        }
    }
    omp_unset_lock(&state->lock);
}

/* The number of threads for the run that has just begun. It is an equal share of the threads, or all idle threads when
 * memory lets no other run begin. */
static int threads_to_give(const sweep_state *state)
{
    const ch_sweep_job *next = next_job(state);
    const bool others = next != NULL && ch_memory_account_fits(state->sweep->memory,
                                                               set_bytes_to_reserve(state, next) + next->run_bytes);
    const int threads = others && state->share < state->idle ? state->share : state->idle;
    return threads > 1 ? threads : 1;
}

/* Begins the next job if memory allows it.
 * @param threads  out: the number of threads for the run
 * @return the job; NULL when there is none or it has to wait */
static ch_sweep_job *begin_job(sweep_state *state, int *threads)
{
    ch_sweep_job *job = next_job(state);
    if (job == NULL ||
        !ch_memory_account_begin_run(state->sweep->memory, set_bytes_to_reserve(state, job), job->run_bytes)) {
        return NULL;
    }
    state->sweep->groups[job->group].reserved = true;
    job->is_taken = true;
    state->taken++;
    go_on_from(state, state->next);
    *threads = threads_to_give(state);
    state->idle -= *threads;
    if (state->sweep->counts.most_threads < *threads) {
        state->sweep->counts.most_threads = *threads;
    }
    return job;
}

/* Writes a sentence that says why the next job has to wait. */
static void describe_wait(const sweep_state *state, char *text, size_t size)
{
    const ch_memory_account *memory = state->sweep->memory;
    const ch_sweep_job *job = next_job(state);
    snprintf(text, size,
             "memory: %zu run%s and %s data take %s of %s there are; the next (train = %s, dim = %zu) takes %s more "
             "and waits: fewer than %zu runs go at once",
             memory->num_runs, memory->num_runs == 1 ? "" : "s", memory->num_runs == 1 ? "its" : "their",
             ch_show_bytes(memory->sets + memory->runs).text, ch_show_bytes(memory->budget).text,
             ch_sweep_show_train(job->num_samples).text, (size_t)job->dim,
             ch_show_bytes(set_bytes_to_reserve(state, job) + job->run_bytes).text, state->workers);
}

/* Waits until memory allows the next job, and begins it.
 * @return NULL when no job is left or the sweep is to stop */
static ch_sweep_job *take_job(sweep_state *state, int *threads)
{
    while (!*state->watch.stop) {
        char sentence[512];
        omp_set_lock(&state->lock);
        ch_sweep_job *job = begin_job(state, threads);
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
    ch_memory_account_end_run(state->sweep->memory, job->run_bytes);
    state->idle += threads;
    omp_unset_lock(&state->lock);
}

/* ---- data sets ---- */

/* The number of threads that make a data set. All threads of the sweep make a kernel, because none of its runs can
 * begin before it is complete. */
static int threads_for_set(const sweep_state *state, const ch_sweep_group *group, int threads)
{
    return group->is_kernel ? state->threads : threads;
}

/* Gives back the memory that was reserved for making a kernel and is not needed to keep it. */
static void give_back_work(sweep_state *state, ch_sweep_group *group)
{
    const size_t kept = ch_kernel_bytes(group->set->kernel.num_train, group->set->kernel.num_test);
    omp_set_lock(&state->lock);
    if (kept < group->set_bytes) {
        ch_memory_account_end_set(state->sweep->memory, group->set_bytes - kept);
        group->set_bytes = kept;
    }
    omp_unset_lock(&state->lock);
}

/* Makes the data set of a group if it is needed and not there yet. Runs with train = inf need none. The caller holds
 * the group's lock. */
static ch_code make_set(sweep_state *state, ch_sweep_group *group, const ch_resolved *resolved, int threads,
                        ch_error *err)
{
    if (group->runs_left == 0 || group->num_samples == 0 || group->set != NULL) {
        return CH_OK;
    }
    ch_resolved all = *resolved;
    all.settings.engine = group->engine;
    const ch_watch quiet = {.stop = state->watch.stop};
    ch_train_set *set = ch_alloc(1, sizeof *set);
    if (set == NULL) {
        return ch_error_memory(err, "a data set");
    }
    const ch_code code = ch_train_set_init(set, &all, state->sweep->sources, group->num_samples, threads, &quiet, err);
    if (code != CH_OK) {
        free(set);
        return code;
    }
    group->set = set;
    if (group->is_kernel) {
        give_back_work(state, group);
    }
    return CH_OK;
}

/* Reserves the memory of a data set that is to be made ahead of its runs, if enough is left for one run on every
 * thread. The caller holds the group's lock. */
static bool reserve_ahead(sweep_state *state, ch_sweep_group *group)
{
    omp_set_lock(&state->lock);
    if (group->runs_left > 0 && !group->reserved) {
        group->reserved =
            ch_memory_account_begin_set(state->sweep->memory, group->set_bytes, state->workers * state->most_run_bytes);
    }
    const bool reserved = group->reserved;
    omp_unset_lock(&state->lock);
    return reserved;
}

/* Makes the data set of the group that follows the job's group, unless another thread is making it or memory is short.
 * A failure is not reported here: it comes again when a run of that group needs the set. */
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
        ch_sweep_resolve(state->sweep, next->index, &resolved, NULL) == CH_OK) {
        (void)!make_set(state, &state->sweep->groups[next->group], &resolved, 1, NULL);
    }
    omp_unset_lock(&state->sweep->groups[next->group].lock);
}

/* Makes the job's data set if it is not there yet. If another thread is making it, this thread meanwhile makes the set
 * of the following group. */
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
        if (group->set != NULL) {
            ch_train_set_free(group->set);
        }
        free(group->set);
        group->set = NULL;
        omp_set_lock(&state->lock);
        ch_memory_account_end_set(state->sweep->memory, group->set_bytes);
        group->reserved = false;
        omp_unset_lock(&state->lock);
    }
    omp_unset_lock(&group->lock);
}

/* ---- the work of one thread ---- */

/* Asks whether the store has a run by now: another program may have put it in. */
static ch_code look_up(sweep_state *state, const ch_resolved *resolved, bool *is_there, ch_error *err)
{
    char id[CH_ID_SIZE];
    ch_code code = CH_OK;
    ch_settings_id(resolved, id);
#pragma omp critical(ch_sweep_filing)
    code = ch_store_has(state->store, id, is_there, err);
    return code;
}

/* Does a run unless the store has it by now.  @param is_there  out: the store has it */
static ch_code do_run(sweep_state *state, const ch_sweep_job *job, int threads, ch_run *run, bool *is_there,
                      ch_error *err)
{
    const ch_watch quiet = {.stop = state->watch.stop};
    ch_sweep_group *group = &state->sweep->groups[job->group];
    const ch_train_set none = {0}; /* of a run with train = inf */
    ch_resolved resolved;
    ch_code code = ch_sweep_resolve(state->sweep, job->index, &resolved, err);
    if (code != CH_OK) {
        goto out;
    }
    code = look_up(state, &resolved, is_there, err);
    if (code != CH_OK || *is_there) {
        goto out;
    }
    code = borrow_set(state, job, &resolved, threads, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_train(run, &resolved, group->set != NULL ? group->set : &none, threads, &quiet, err);
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

/* Ends the sweep because of a failure. The sweep reports the first failure; runs that are under way may fail later. */
static void end_sweep(sweep_state *state, ch_code code, const ch_error *failure)
{
    if (state->code == CH_OK) {
        state->code = code;
        ch_error_set(state->err, code, "%s", failure->message);
    }
    *state->watch.stop = 1;
}

/* Puts a run that has ended into the store and counts it.
 * @param twice  out: the store has it already, from another program */
static ch_code put_run(sweep_state *state, const ch_run *run, bool *twice, ch_error *err)
{
    ch_sweep_counts *counts = &state->sweep->counts;
    const int rows = sqlite3_total_changes(state->store->db);
    const ch_code code = ch_store_put(state->store, run, err);
    if (code != CH_OK) {
        return code;
    }
    *twice = sqlite3_total_changes(state->store->db) == rows; /* a run that is there stays as it is */
    if (*twice) {
        counts->present++;
        counts->twice++;
        return CH_OK;
    }
    counts->fitted += run->status == CH_FITTED;
    counts->budget += run->status == CH_BUDGET;
    counts->diverged += run->status == CH_DIVERGED;
    counts->stuck += run->status == CH_STUCK;
    return CH_OK;
}

/* What came of a job. */
typedef struct {
    ch_code code; /* failure of the run */
    ch_error err;
    bool is_there; /* the store had the run before it began */
    bool twice;    /* and this, when it ended */
} job_end;

/* Files what came of a job: puts a run that has ended into the store; postpones one that lacked memory. Any other
 * failure ends the sweep. One thread at a time calls it. */
static void file_run(sweep_state *state, ch_sweep_job *job, const ch_run *run, job_end *end)
{
    ch_error failure = {0};
    if (end->code == CH_ERROR_MEMORY && !job->is_postponed) {
        job->is_postponed = true;
        return;
    }
    if (end->code == CH_ERROR_MEMORY) {
        if (state->sweep->counts.lacked_memory++ == 0) {
            state->lack = end->err;
        }
        return;
    }
    if (end->code != CH_OK) {
        end_sweep(state, end->code, &end->err);
        return;
    }
    state->sweep->counts.present += end->is_there;
    const ch_code code = end->is_there ? CH_OK : put_run(state, run, &end->twice, &failure);
    if (code != CH_OK) {
        end_sweep(state, code, &failure);
        return;
    }
    job->is_postponed = false;
    state->done++;
    state->cost_done += job->cost;
    tell_progress(state);
}

/* Goes on elsewhere where another program did the same run at the same time, and once more where it has been there,
 * too: what lies between there and its present run is done. Near the end little else is left. */
static void note_end(sweep_state *state, bool is_there, bool twice)
{
    enum { MOST_TRIES = 16 };
    omp_set_lock(&state->lock);
    state->tries = twice ? MOST_TRIES : is_there && state->tries > 0 ? state->tries - 1 : 0;
    const bool turns = state->tries > 0;
    omp_unset_lock(&state->lock);
    if (turns) {
        turn_aside(state);
    }
}

/* Does a job and files what came of it. */
static void do_job(sweep_state *state, ch_sweep_job *job, int threads)
{
    ch_run run = {0};
    job_end end = {.code = CH_OK};
    end.code = do_run(state, job, threads, &run, &end.is_there, &end.err);
    end_job(state, job, threads);
#pragma omp critical(ch_sweep_filing)
    file_run(state, job, &run, &end);
    note_end(state, end.is_there, end.twice);
    ch_run_free(&run);
}

/* Takes one job after the other until none is left. Each thread of the sweep does this. */
static void work(sweep_state *state)
{
    ch_sweep_job *job = NULL;
    int threads = 1;
    while ((job = take_job(state, &threads)) != NULL) {
        do_job(state, job, threads);
    }
}

/* Makes a group the data set of one of its runs alone, which may take less than that of all. No run of it is under way.
 */
static void narrow_group(const sweep_state *state, ch_sweep_group *group, const ch_sweep_job *job)
{
    ch_resolved resolved;
    if (group->reserved || ch_sweep_resolve(state->sweep, job->index, &resolved, NULL) != CH_OK) {
        return;
    }
    group->num_samples = job->num_samples;
    group->engine = job->engine;
    group->set_bytes = ch_train_set_bytes(&resolved, (size_t)job->num_samples, job->engine);
}

/* Tries the runs again that lacked memory beside others, one after the other, when nothing else is under way. */
static void try_postponed_again(sweep_state *state)
{
    ch_sweep *sweep = state->sweep;
    for (size_t i = 0; i < sweep->num_jobs && !*state->watch.stop; i++) {
        ch_sweep_job *job = &sweep->jobs[i];
        if (!job->is_postponed) {
            continue;
        }
        ch_sweep_group *group = &sweep->groups[job->group];
        narrow_group(state, group, job);
        const bool is_reserved = group->reserved;
        (void)!ch_memory_account_begin_run(sweep->memory, is_reserved ? 0 : group->set_bytes, job->run_bytes);
        group->reserved = true;
        group->runs_left++;
        state->idle -= state->threads;
        do_job(state, job, state->threads);
    }
}

/* Says which runs lacked memory to the end. */
static ch_code report_lack(const sweep_state *state, ch_error *err)
{
    const size_t count = state->sweep->counts.lacked_memory;
    return ch_error_set(err, CH_ERROR_MEMORY, "%zu of %zu runs could not be done, alone neither; the first: %s", count,
                        state->sweep->num_jobs, state->lack.message);
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
    self->sources->kernel_folder = self->kernel_folder;
    self->memory->budget = self->memory_budget > 0 ? self->memory_budget : ch_memory_account_find_budget();
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
        /* A sweep with one worker opens no parallel region, so that the run's own region is the outermost. OpenMP keeps
         * the threads of the outermost region between runs. */
        work(&state);
    } else {
#pragma omp parallel num_threads((int)state.workers)
        work(&state);
    }
    try_postponed_again(&state);
    omp_destroy_lock(&state.lock);
    self->counts.seconds = ch_clock_now() - started;
    if (state.code == CH_OK) {
        state.code = ch_store_check_file(store, err);
    }
    if (state.code == CH_OK && state.done + self->counts.lacked_memory < self->num_jobs) {
        state.code = CH_ERROR_INTERRUPTED;
    }
    if (state.code == CH_OK && self->counts.lacked_memory > 0) {
        state.code = report_lack(&state, err);
    }
    if (state.code == CH_ERROR_INTERRUPTED) {
        ch_error_set(err, state.code, "stopped with %zu of %zu runs to do; repeat the command to go on",
                     self->num_jobs - state.done, self->num_jobs);
    }
    return state.code;
}
