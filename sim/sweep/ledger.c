/* ledger.c — files the runs of a sweep in its store, and counts them. */
#include "sim/sweep/ledger.h"

#include "core/clock.h"
#include "core/memory.h"
#include "sim/store/failures.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Leaves the store to others. Whoever has ended a job meanwhile has not waited: its run is filed here. */
static void leave_store(ch_ledger *self)
{
    pthread_mutex_unlock(&self->filing);
    if (!self->is_led) {
        (void)ch_ledger_file_put(self, false);
    }
}

static void lock_filing(void *context, bool locks)
{
    ch_ledger *self = context;
    if (locks) {
        pthread_mutex_lock(&self->filing);
    } else {
        leave_store(self);
    }
}

/* Asks what the store has that may serve runs which it lacks. */
static ch_code find_kin(ch_ledger *self, ch_error *err)
{
    bool has_states = false;
    self->states = (ch_state_place){.store = self->store, .watch = &self->watch, .lock = lock_filing, .context = self};
    if (self->sweep->num_jobs == 0) {
        return CH_OK;
    }
    const ch_code code = ch_store_has_states(self->store, &has_states, err);
    self->states.is_empty = !has_states;
    return code == CH_OK ? ch_kin_variants_find(&self->variants, self->store, err) : code;
}

ch_code ch_ledger_init(ch_ledger *self, ch_sweep *sweep, ch_store *store, size_t num_processes, const ch_watch *watch,
                       ch_error *err)
{
    memset(self, 0, sizeof *self);
    self->ends[0] = self->ends[1] = -1;
    ch_code code = ch_dispatch_init(&self->dispatch, sweep, num_processes, err);
    if (code != CH_OK) {
        return code;
    }
    if (sweep->num_jobs > 0) {
        code = ch_share_init(&self->share, sweep, store, err);
        if (code != CH_OK) {
            ch_share_free(&self->share);
            ch_dispatch_free(&self->dispatch);
            return code;
        }
    }
    self->sweep = sweep;
    self->store = store;
    self->watch = *watch;
    self->err = err;
    pthread_mutex_init(&self->putting, NULL);
    pthread_mutex_init(&self->filing, NULL);
    const ch_code found = find_kin(self, err);
    if (found != CH_OK) {
        ch_ledger_free(self);
    }
    return found;
}

void ch_ledger_free(ch_ledger *self)
{
    pthread_mutex_destroy(&self->putting);
    pthread_mutex_destroy(&self->filing);
    free(self->put);
    ch_dispatch_free(&self->dispatch);
}

/* ---- filing ---- */

static void tell_progress(const ch_ledger *self)
{
    const ch_sweep *sweep = self->sweep;
    const ch_watch_report report = {
        .unit = "runs",
        .done = self->done,
        .total = sweep->num_jobs,
        .share = sweep->cost > 0 ? fmin(self->cost_done / sweep->cost, 1) : 1,
    };
    ch_watch_progress(&self->watch, &report);
}

/* Ends the sweep; the lock `filing` is held. */
static void end_sweep(ch_ledger *self, ch_code code, const ch_error *failure)
{
    if (self->code == CH_OK) {
        self->code = code;
        ch_error_set(self->err, code, "%s", failure->message);
    }
    *self->watch.stop = 1;
}

void ch_ledger_fail(ch_ledger *self, ch_code code, const ch_error *failure)
{
    pthread_mutex_lock(&self->filing);
    end_sweep(self, code, failure);
    leave_store(self);
}

void ch_ledger_say(ch_ledger *self, const char *sentence)
{
    pthread_mutex_lock(&self->filing);
    ch_watch_say(&self->watch, sentence);
    leave_store(self);
}

/* Counts a run that is in the store. */
static void count_run(ch_ledger *self, const ch_filed_job *filed)
{
    ch_sweep_counts *counts = &self->sweep->counts;
    const ch_status status = filed->run.status;
    if (filed->end.is_there || filed->twice) {
        counts->present++;
        counts->elsewhere++;
    } else {
        counts->fitted += status == CH_FITTED;
        counts->budget += status == CH_BUDGET;
        counts->diverged += status == CH_DIVERGED;
        counts->stuck += status == CH_STUCK;
    }
    filed->job->is_postponed = false;
    self->done++;
    self->cost_done += filed->job->cost;
}

/* Whether a failure is the run's own, so that the others go on. Once the sweep ends, every run that does not end well
 * is taken for one that the end has met. */
static bool is_own_failure(const ch_ledger *self, ch_code code)
{
    return self->sweep->goes_on && self->code == CH_OK && code != CH_ERROR_INTERRUPTED;
}

/* Keeps a run that failed in the store, and counts it by its reason. */
static void keep_failure(ch_ledger *self, const ch_filed_job *filed)
{
    ch_resolved resolved;
    ch_error failure = {0};
    ch_code code = ch_sweep_resolve(self->sweep, filed->job->index, &resolved, &failure);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_put_failure(self->store, &resolved, filed->end.err.message, &failure);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_census_note(self->sweep->failures, filed->end.err.message, &failure);
    if (code != CH_OK) {
        goto out;
    }
    self->sweep->counts.failed++;
    filed->job->is_postponed = false;
out:
    if (code != CH_OK) {
        end_sweep(self, code, &failure);
    }
}

/* Takes note of a job whose run did not end well. */
static void note_failure(ch_ledger *self, const ch_filed_job *filed)
{
    if (filed->end.code == CH_ERROR_MEMORY && !filed->job->is_postponed) {
        filed->job->is_postponed = true;
    } else if (filed->end.code == CH_ERROR_MEMORY) {
        if (self->sweep->counts.lacked_memory++ == 0) {
            self->lack = filed->end.err;
        }
    } else if (is_own_failure(self, filed->end.code)) {
        keep_failure(self, filed);
    } else {
        end_sweep(self, filed->end.code, &filed->end.err);
    }
}

/* Whether another program is making the run of a job that has ended at once. It is waited for then. */
static bool is_elsewhere(ch_ledger *self, const ch_filed_job *filed)
{
    ch_error failure = {0};
    if (filed->end.code != CH_OK || !filed->end.is_there || filed->job->share != CH_SHARE_ELSEWHERE) {
        return false;
    }
    const ch_code code = ch_share_wait_for(&self->share, filed->job, &failure);
    if (code != CH_OK) {
        end_sweep(self, code, &failure);
    }
    return true;
}

enum { MOST_TOGETHER = 256 }; /* runs in one transaction */

/* Puts the runs that have ended well into the store in one transaction, and counts them.
 * @param ended  [count], count <= MOST_TOGETHER */
static ch_code put_runs(ch_ledger *self, ch_filed_job *const *ended, size_t count, ch_error *err)
{
    const ch_run *runs[MOST_TOGETHER];
    bool is_new[MOST_TOGETHER];
    size_t num_runs = 0;
    for (size_t i = 0; i < count; i++) {
        if (!ended[i]->end.is_there) {
            runs[num_runs++] = &ended[i]->run;
        }
    }
    const ch_code code = ch_store_put_all(self->store, runs, num_runs, is_new, err);
    if (code != CH_OK) {
        return code;
    }
    num_runs = 0;
    for (size_t i = 0; i < count; i++) {
        ended[i]->twice = !ended[i]->end.is_there && !is_new[num_runs++];
        count_run(self, ended[i]);
    }
    return CH_OK;
}

/* Files the runs that have ended well. Where they cannot be put into the store together, each is tried by itself, so
 * that one of them takes no other with it. */
static void file_ended(ch_ledger *self, ch_filed_job *const *ended, size_t count)
{
    ch_error failure = {0};
    ch_code code = put_runs(self, ended, count, &failure);
    if (code != CH_OK && count > 1) {
        code = CH_OK;
        for (size_t i = 0; i < count; i++) {
            const ch_code one = put_runs(self, &ended[i], 1, code == CH_OK ? &failure : NULL);
            code = code == CH_OK ? one : code;
        }
    }
    if (code != CH_OK) {
        end_sweep(self, code, &failure);
    }
}

/* Files what came of jobs; the lock `filing` is held. */
static void file_jobs(ch_ledger *self, ch_filed_job *jobs, size_t count)
{
    ch_filed_job *ended[MOST_TOGETHER];
    for (size_t i = 0; i < count;) {
        size_t num_ended = 0;
        for (; i < count && num_ended < MOST_TOGETHER; i++) {
            if (is_elsewhere(self, &jobs[i])) {
                continue;
            }
            ch_share_note_end(&self->share, jobs[i].job, jobs[i].end.code == CH_OK);
            if (jobs[i].end.code == CH_OK) {
                ended[num_ended++] = &jobs[i];
            } else {
                note_failure(self, &jobs[i]);
            }
        }
        if (num_ended > 0) {
            file_ended(self, ended, num_ended);
            tell_progress(self);
        }
    }
}

void ch_ledger_file(ch_ledger *self, ch_filed_job *jobs, size_t count)
{
    pthread_mutex_lock(&self->filing);
    file_jobs(self, jobs, count);
    leave_store(self);
}

/* ---- filing what was put ---- */

/* Puts a job unless many wait.
 * @param is_kept  out, where it was tried: whether there was memory for it */
static bool try_to_put(ch_ledger *self, const ch_filed_job *filed, bool *is_kept)
{
    pthread_mutex_lock(&self->putting);
    const bool has_room = self->num_put < CH_LEDGER_MOST_PUT;
    void *put = self->put;
    if (has_room) {
        *is_kept = ch_grow(&put, &self->put_capacity, self->num_put + 1, sizeof *self->put) == 0;
        self->put = put;
    }
    if (has_room && *is_kept) {
        self->put[self->num_put++] = *filed;
    }
    pthread_mutex_unlock(&self->putting);
    return has_room;
}

void ch_ledger_put(ch_ledger *self, ch_sweep_job *job, ch_run *run, const ch_job_end *end)
{
    ch_filed_job filed = {.job = job, .run = *run, .end = *end};
    bool is_kept = false;
    while (!try_to_put(self, &filed, &is_kept)) {
        (void)ch_ledger_file_put(self, true);
    }
    if (is_kept) {
        memset(run, 0, sizeof *run);
    } else { /* then by itself, at once */
        ch_ledger_file(self, &filed, 1);
    }
}

/* Takes all that was put. @return how many jobs these are, to be freed with their runs */
static size_t take_put(ch_ledger *self, ch_filed_job **jobs)
{
    pthread_mutex_lock(&self->putting);
    const size_t count = self->num_put;
    *jobs = self->put;
    self->put = NULL;
    self->num_put = self->put_capacity = 0;
    pthread_mutex_unlock(&self->putting);
    return count;
}

/* Takes what was put and files it; the lock `filing` is held. @return whether there was something */
static bool file_taken(ch_ledger *self)
{
    ch_filed_job *jobs = NULL;
    const size_t count = take_put(self, &jobs);
    file_jobs(self, jobs, count);
    for (size_t i = 0; i < count; i++) {
        ch_run_free(&jobs[i].run);
    }
    free(jobs);
    return count > 0;
}

static bool has_put(ch_ledger *self)
{
    pthread_mutex_lock(&self->putting);
    const bool has = self->num_put > 0;
    pthread_mutex_unlock(&self->putting);
    return has;
}

bool ch_ledger_file_put(ch_ledger *self, bool waits)
{
    bool was_news = false;
    if (waits) {
        pthread_mutex_lock(&self->filing);
        was_news = file_taken(self);
        pthread_mutex_unlock(&self->filing);
    }
    /* What is put while another thread holds the lock, that thread finds when it comes here after unlocking. */
    while (has_put(self) && pthread_mutex_trylock(&self->filing) == 0) {
        was_news = file_taken(self) || was_news;
        pthread_mutex_unlock(&self->filing);
    }
    return was_news;
}

/* ---- other programs on the same store ---- */

/* Claims the run of a job.
 * @param state  out: CH_SHARE_DONE where the store has just this run, or could copy it from one with another budget */
static ch_code claim_run(ch_ledger *self, const ch_sweep_job *job, const ch_resolved *resolved, ch_share_state *state,
                         ch_error *err)
{
    char id[CH_ID_SIZE];
    bool is_there = false;
    ch_sweep_job *own = &self->sweep->jobs[job - self->sweep->jobs];
    ch_code code = ch_share_ask(&self->share, own, state, err);
    if (code != CH_OK || *state == CH_SHARE_ELSEWHERE) {
        return code;
    }
    if (*state == CH_SHARE_DONE) {
        ch_settings_id(resolved, id);
        code = ch_store_has(self->store, id, &is_there, err);
    }
    if (code == CH_OK && !is_there) {
        code = ch_store_reuse(self->store, &self->variants, resolved, &is_there, err);
        self->sweep->counts.reused += is_there;
    }
    *state = is_there ? CH_SHARE_DONE : CH_SHARE_MINE;
    return code;
}

/* Claims the run of a job, as soon as nobody else uses the store. */
static ch_code claim_in_turn(ch_ledger *self, const ch_sweep_job *job, const ch_resolved *resolved,
                             ch_share_state *state, ch_error *err)
{
    pthread_mutex_lock(&self->filing);
    const ch_code code = claim_run(self, job, resolved, state, err);
    if (code != CH_OK) { /* the store has failed, and no run */
        end_sweep(self, code, err);
    }
    leave_store(self);
    return code;
}

/* Whether a run was claimed with others before, and is no copy of another, so that the store need not be asked. */
static bool is_known_as_mine(const ch_ledger *self, const ch_sweep_job *job, const ch_resolved *resolved)
{
    return job->share == CH_SHARE_MINE && !ch_kin_variants_differ(&self->variants, &resolved->settings);
}

ch_code ch_ledger_resolve(ch_ledger *self, const ch_sweep_job *job, ch_resolved *resolved, bool *is_there,
                          ch_error *err)
{
    ch_share_state state = CH_SHARE_MINE;
    ch_code code = ch_sweep_resolve(self->sweep, job->index, resolved, err);
    if (code != CH_OK) {
        return code;
    }
    if (!is_known_as_mine(self, job, resolved)) {
        code = claim_in_turn(self, job, resolved, &state, err);
    }
    *is_there = state != CH_SHARE_MINE;
    if (code == CH_OK && state == CH_SHARE_ELSEWHERE) {
        omp_set_lock(self->crew_lock);
        self->num_waiting++;
        ch_dispatch_avoid(&self->dispatch, &self->sweep->groups[job->group]);
        omp_unset_lock(self->crew_lock);
    }
    return code;
}

bool ch_ledger_has_ended(const ch_ledger *self)
{
    return self->num_waiting == 0;
}

/* Lets jobs begin again that other programs had claimed. Those whose run is in the store by now end at once. */
static void put_back(ch_ledger *self, ch_sweep_job *const *jobs, size_t count)
{
    omp_set_lock(self->crew_lock);
    self->num_waiting -= count;
    for (size_t i = 0; i < count; i++) {
        self->sweep->groups[jobs[i]->group].runs_left++;
        ch_dispatch_put_back(&self->dispatch, jobs[i]);
    }
    omp_unset_lock(self->crew_lock);
}

/* Asks for the runs that other programs have claimed, when nothing else is left to begin. */
static void ask_again(ch_ledger *self)
{
    ch_error failure = {0};
    size_t count = 0;
    pthread_mutex_lock(&self->filing);
    ch_sweep_job **ended = ch_alloc(self->share.num_waiting, sizeof(ch_sweep_job *));
    const ch_code code = ended != NULL ? ch_share_ask_again(&self->share, ended, &count, &failure)
                                       : ch_error_memory(&failure, "the runs that other programs make");
    if (code != CH_OK) {
        end_sweep(self, code, &failure);
    }
    leave_store(self);
    put_back(self, ended, count);
    free(ended);
}

/* Gives a sign of life. Threads that file many runs leave the store to others for moments alone. */
static void give_sign(ch_ledger *self)
{
    static const double MOMENT = 0.001; /* seconds */
    while (pthread_mutex_trylock(&self->filing) != 0) {
        ch_clock_sleep(MOMENT);
    }
    ch_share_beat(&self->share);
    leave_store(self);
}

/* What the keeper does until the pipe is closed. */
static void *keep(void *context)
{
    ch_ledger *self = context;
    struct pollfd end = {.fd = self->ends[0], .events = POLLIN};
    const int pause = (int)(1000 * ch_share_pause(&self->share)) + 1;
    while (poll(&end, 1, pause) == 0) {
        if (ch_share_is_to_beat(&self->share)) {
            give_sign(self);
        }
        omp_set_lock(self->crew_lock);
        const bool waits = self->num_waiting > 0 && self->dispatch.num_untaken == 0;
        omp_unset_lock(self->crew_lock);
        if (waits && !*self->watch.stop) {
            ask_again(self);
        }
    }
    return NULL;
}

/* Signals go to the threads that were there before: the new one inherits that all are blocked. */
static ch_code begin_keeper(ch_ledger *self, ch_error *err)
{
    sigset_t all, before;
    if (pipe(self->ends) != 0) {
        self->ends[0] = self->ends[1] = -1;
        return ch_error_set(err, CH_ERROR_MEMORY, "the thread that keeps the claims of a sweep cannot be started: %s",
                            strerror(errno));
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failure = pthread_create(&self->keeper, NULL, keep, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    self->has_keeper = failure == 0;
    return failure == 0
               ? CH_OK
               : ch_error_set(err, CH_ERROR_MEMORY, "the thread that keeps the claims of a sweep cannot be started: %s",
                              strerror(failure));
}

void ch_ledger_keep(ch_ledger *self, ch_crew *crew)
{
    ch_error failure = {0};
    self->crew_lock = &crew->lock;
    if (self->sweep->num_jobs == 0) {
        return;
    }
    const ch_code code = begin_keeper(self, &failure);
    if (code != CH_OK) {
        ch_ledger_fail(self, code, &failure);
    }
}

/* Ends the keeper and this program's claims. */
static void end_sharing(ch_ledger *self)
{
    if (self->ends[1] >= 0) {
        close(self->ends[1]);
    }
    if (self->has_keeper) {
        pthread_join(self->keeper, NULL);
    }
    if (self->ends[0] >= 0) {
        close(self->ends[0]);
    }
    self->ends[0] = self->ends[1] = -1;
    self->has_keeper = false;
    ch_share_free(&self->share);
}

/* ---- the end ---- */

/* Says which runs lacked memory to the end. */
static ch_code report_lack(const ch_ledger *self, ch_error *err)
{
    const size_t count = self->sweep->counts.lacked_memory;
    return ch_error_set(err, CH_ERROR_MEMORY, "%zu of %zu runs could not be done, alone neither; the first: %s", count,
                        self->sweep->num_jobs, self->lack.message);
}

/* Says how many runs failed, where that has not ended the sweep. */
static ch_code report_failures(const ch_ledger *self, ch_error *err)
{
    const size_t failed = self->sweep->counts.failed;
    return ch_error_set(err, CH_ERROR_IO, "%zu of %zu run%s failed; repeat the command with --retry to make %s again",
                        failed, self->sweep->num_jobs, self->sweep->num_jobs == 1 ? "" : "s",
                        failed == 1 ? "it" : "them");
}

ch_code ch_ledger_conclude(ch_ledger *self, ch_error *err)
{
    (void)ch_ledger_file_put(self, true);
    self->sweep->counts.present -= self->sweep->counts.reused; /* they were counted when they were filed */
    self->sweep->counts.elsewhere -= self->sweep->counts.reused;
    self->sweep->counts.resumed = self->states.resumed;
    self->sweep->counts.continued = self->states.continued;
    const size_t num_jobs = self->sweep->num_jobs, num_lacking = self->sweep->counts.lacked_memory;
    const size_t num_failed = self->sweep->counts.failed;
    end_sharing(self);
    if (self->code != CH_OK && self->code != CH_ERROR_INTERRUPTED) {
        return self->code; /* its sentence is in err */
    }
    const ch_code code = self->code == CH_OK ? ch_store_check_file(self->store, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    if (self->code != CH_OK || self->done + num_lacking + num_failed < num_jobs) {
        return ch_error_set(err, CH_ERROR_INTERRUPTED,
                            "stopped with %zu of %zu runs to do; repeat the command to go on",
                            num_jobs - self->done - num_failed, num_jobs);
    }
    if (num_lacking > 0) {
        return report_lack(self, err);
    }
    return num_failed > 0 ? report_failures(self, err) : CH_OK;
}
