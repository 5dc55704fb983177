/* ledger.c — files the runs of a sweep in its store, and counts them. */
#include "sim/sweep/ledger.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

ch_code ch_ledger_init(ch_ledger *self, ch_sweep *sweep, ch_store *store, size_t num_processes, const ch_watch *watch,
                       ch_error *err)
{
    memset(self, 0, sizeof *self);
    const ch_code code = ch_dispatch_init(&self->dispatch, sweep, num_processes, err);
    if (code != CH_OK) {
        return code;
    }
    self->sweep = sweep;
    self->store = store;
    self->watch = *watch;
    self->err = err;
    omp_init_lock(&self->filing);
    return CH_OK;
}

void ch_ledger_free(ch_ledger *self)
{
    omp_destroy_lock(&self->filing);
    ch_dispatch_free(&self->dispatch);
}

ch_code ch_ledger_resolve(ch_ledger *self, const ch_sweep_job *job, ch_resolved *resolved, bool *is_there,
                          ch_error *err)
{
    char id[CH_ID_SIZE];
    ch_code code = ch_sweep_resolve(self->sweep, job->index, resolved, err);
    if (code != CH_OK) {
        return code;
    }
    ch_settings_id(resolved, id);
    omp_set_lock(&self->filing);
    code = ch_store_has(self->store, id, is_there, err);
    omp_unset_lock(&self->filing);
    return code;
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
    omp_set_lock(&self->filing);
    end_sweep(self, code, failure);
    omp_unset_lock(&self->filing);
}

void ch_ledger_say(ch_ledger *self, const char *sentence)
{
    omp_set_lock(&self->filing);
    ch_watch_say(&self->watch, sentence);
    omp_unset_lock(&self->filing);
}

/* Counts a run that is in the store. */
static void count_run(ch_ledger *self, const ch_filed_job *filed)
{
    ch_sweep_counts *counts = &self->sweep->counts;
    const ch_status status = filed->run.status;
    if (filed->end.is_there || filed->twice) {
        counts->present++;
        counts->twice += filed->twice;
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

/* Takes note of a job whose run did not end well. */
static void note_failure(ch_ledger *self, const ch_filed_job *filed)
{
    if (filed->end.code == CH_ERROR_MEMORY && !filed->job->is_postponed) {
        filed->job->is_postponed = true;
    } else if (filed->end.code == CH_ERROR_MEMORY) {
        if (self->sweep->counts.lacked_memory++ == 0) {
            self->lack = filed->end.err;
        }
    } else {
        end_sweep(self, filed->end.code, &filed->end.err);
    }
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

void ch_ledger_file(ch_ledger *self, ch_filed_job *jobs, size_t count)
{
    ch_filed_job *ended[MOST_TOGETHER];
    omp_set_lock(&self->filing);
    for (size_t i = 0; i < count;) {
        size_t num_ended = 0;
        for (; i < count && num_ended < MOST_TOGETHER; i++) {
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
    omp_unset_lock(&self->filing);
}

/* ---- another program on the same store ---- */

/* Goes on at another data set of the list, which another program would hardly choose too, if memory has room for it.
 * The crew's lock is held. */
static void turn_aside(ch_ledger *self, const ch_crew *crew)
{
    enum { OWN = 0 }; /* the process that has the ledger */
    ch_dispatch *dispatch = &self->dispatch;
    ch_random random;
    const size_t before = dispatch->places[OWN];
    ch_random_init(&random, (uint64_t)getpid(), CH_STREAM_INIT, self->turns++);
    ch_dispatch_move(dispatch, OWN, (size_t)(ch_random_u32(&random) % self->sweep->num_jobs));
    const ch_sweep_job *next = ch_dispatch_next(dispatch, OWN);
    if (next != NULL && !ch_memory_account_fits(crew->memory, ch_crew_set_bytes(crew, next) + next->run_bytes)) {
        ch_dispatch_move(dispatch, OWN, before);
    }
}

/* It goes on elsewhere once more where the other program has been there, too: what lies between there and its present
 * run is done. Near the end little else is left. */
void ch_ledger_note_end(ch_ledger *self, ch_crew *crew, bool is_there, bool twice)
{
    enum { MOST_TRIES = 16 };
    omp_set_lock(&crew->lock);
    self->tries = twice ? MOST_TRIES : is_there && self->tries > 0 ? self->tries - 1 : 0;
    if (self->tries > 0) {
        turn_aside(self, crew);
    }
    omp_unset_lock(&crew->lock);
}

/* ---- the end ---- */

/* Says which runs lacked memory to the end. */
static ch_code report_lack(const ch_ledger *self, ch_error *err)
{
    const size_t count = self->sweep->counts.lacked_memory;
    return ch_error_set(err, CH_ERROR_MEMORY, "%zu of %zu runs could not be done, alone neither; the first: %s", count,
                        self->sweep->num_jobs, self->lack.message);
}

ch_code ch_ledger_conclude(ch_ledger *self, ch_error *err)
{
    const size_t num_jobs = self->sweep->num_jobs, num_lacking = self->sweep->counts.lacked_memory;
    if (self->code != CH_OK && self->code != CH_ERROR_INTERRUPTED) {
        return self->code; /* its sentence is in err */
    }
    const ch_code code = self->code == CH_OK ? ch_store_check_file(self->store, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    if (self->code != CH_OK || self->done + num_lacking < num_jobs) {
        return ch_error_set(err, CH_ERROR_INTERRUPTED,
                            "stopped with %zu of %zu runs to do; repeat the command to go on", num_jobs - self->done,
                            num_jobs);
    }
    return num_lacking > 0 ? report_lack(self, err) : CH_OK;
}
