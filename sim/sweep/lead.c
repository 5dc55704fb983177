/* lead.c — hands out the jobs of a sweep to other processes, and files what they report. */
#include "sim/sweep/lead.h"

#include "core/clock.h"
#include "core/memory.h"
#include "sim/run_pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the sweep because of a failure that is no run's. */
static void fail(ch_lead *self, ch_code code, const ch_error *failure)
{
    ch_ledger_fail(self->ledger, code, failure);
}

/* Files what the crew has done since.  @return whether the crew has ended */
static bool file_own(ch_lead *self, bool *was_news)
{
    omp_set_lock(&self->lock);
    const bool is_done = self->crew_is_done;
    omp_unset_lock(&self->lock);
    *was_news = ch_ledger_file_put(self->ledger, is_done) || *was_news;
    return is_done;
}

/* ---- handing out ---- */

/* The jobs of one answer. */
typedef struct {
    size_t least, most; /* how many at least, where there are as many, and at most */
    double cost;        /* no more than `least` where they would take more operations than this */
} allowance;

/* What nobody has begun. */
typedef struct {
    size_t num;
    double cost;
    bool has_ended; /* nothing is left, and nothing comes back from another program */
} rest;

static rest find_rest(const ch_lead *self)
{
    omp_set_lock(&self->crew->lock);
    const ch_dispatch *dispatch = &self->ledger->dispatch;
    const rest found = {dispatch->num_untaken, dispatch->cost_untaken,
                        dispatch->num_untaken == 0 && ch_ledger_has_ended(self->ledger)};
    omp_unset_lock(&self->crew->lock);
    return found;
}

/* A process gets what its idle threads can begin, and beyond that no more than half of its share of what is left, so
 * that at the end nobody waits for what another has in store. */
static allowance find_allowance(const ch_lead *self, const ch_report_head *head)
{
    enum { HALF = 2, MOST = 4096 };
    const rest left = find_rest(self);
    const double parts = HALF * (double)self->link->size, share = (double)left.num / parts;
    const double wanted = (double)head->num_idle + (double)head->num_more;
    const double most = share < wanted ? share : wanted;
    allowance found = {
        .least = head->num_idle < MOST ? (size_t)head->num_idle : MOST,
        .most = most < MOST ? (size_t)most : MOST,
        .cost = left.cost / parts,
    };
    found.most = found.most > found.least ? found.most : found.least;
    return found;
}

/* Takes the next job of a process from the list.  @return NULL where none is left */
static ch_sweep_job *take_job(ch_lead *self, size_t process)
{
    omp_set_lock(&self->crew->lock);
    ch_sweep_job *job = ch_dispatch_next(&self->ledger->dispatch, process);
    if (job != NULL) {
        ch_dispatch_take(&self->ledger->dispatch, job);
    }
    omp_unset_lock(&self->crew->lock);
    return job;
}

/* Packs the state from which a job's run goes on, where the store has one that is of use. */
static void pack_state(ch_lead *self, const ch_resolved *resolved)
{
    const ch_run_states *states = self->crew->states;
    ch_run_state state = {.bytes = NULL};
    for (size_t rank = 0; states->find(states->context, resolved, rank, &state); rank++) {
        if (state.problem[0] == '\0' && state.size > CH_MESSAGE_MOST_STATE) {
            snprintf(state.problem, sizeof state.problem, "its %zu bytes are more than a message holds", state.size);
        }
        if (state.problem[0] == '\0') {
            break;
        }
        ch_run_states_refuse(states, &state);
        ch_run_state_free(&state);
    }
    ch_state_pack(&self->packer, &state);
    ch_run_state_free(&state);
}

/* Adds a job to an answer unless the store has its run by now. A job that fails or is there is filed.
 * @return whether it was added */
static bool add_job(ch_lead *self, ch_sweep_job *job)
{
    const ch_sweep *sweep = self->ledger->sweep;
    ch_sweep_group *group = &sweep->groups[job->group];
    ch_filed_job filed = {.job = job};
    ch_sent_job sent = {.place = (uint64_t)(job - sweep->jobs), .job = *job};
    filed.end.code = ch_ledger_resolve(self->ledger, job, &sent.resolved, &filed.end.is_there, &filed.end.err);
    ch_crew_leave_group(self->crew, group);
    if (filed.end.code != CH_OK || filed.end.is_there) {
        ch_ledger_file(self->ledger, &filed, 1);
        return false;
    }
    sent.group_samples = group->num_samples;
    sent.group_engine = group->engine;
    sent.group_is_kernel = group->is_kernel;
    omp_set_lock(&self->crew->lock);
    sent.set_bytes = group->set_bytes;
    omp_unset_lock(&self->crew->lock);
    ch_sent_job_pack(&self->packer, &sent);
    pack_state(self, &sent.resolved);
    return true;
}

/* Packs the jobs that a process gets: their number is written when it is known.
 * @return whether a further question could bring more */
static bool pack_jobs(ch_lead *self, size_t process, const ch_report_head *head, uint64_t *count)
{
    enum { ENOUGH_BYTES = 1 << 28 }; /* with the states of runs; a link does not send 2^31 */
    const allowance allowed = find_allowance(self, head);
    double cost = 0;
    *count = 0;
    while (*count < allowed.most && (*count < allowed.least || cost < allowed.cost) &&
           self->packer.size < ENOUGH_BYTES && !*self->ledger->watch.stop) {
        ch_sweep_job *job = take_job(self, process);
        if (job == NULL) {
            break;
        }
        cost += job->cost;
        *count += add_job(self, job);
    }
    return !find_rest(self).has_ended && !*self->ledger->watch.stop;
}

/* Answers the question of a process. */
static ch_code answer(ch_lead *self, int process, const ch_report_head *head, ch_error *err)
{
    uint64_t count = 0;
    ch_message_begin(&self->packer, CH_MESSAGE_JOBS);
    const size_t place = self->packer.size;
    ch_pack_u64(&self->packer, 0);
    ch_pack_u64(&self->packer, 0);
    const uint64_t more = pack_jobs(self, (size_t)process, head, &count);
    if (!self->packer.failed) {
        memcpy(self->packer.bytes + place, &count, sizeof count);
        memcpy(self->packer.bytes + place + sizeof count, &more, sizeof more);
    }
    return ch_message_send(self->link, process, &self->packer, err);
}

/* ---- reports ---- */

/* Reads what came of one job. */
static ch_code take_result(ch_lead *self, int from, ch_unpacker *report, ch_error *err)
{
    const ch_sweep *sweep = self->ledger->sweep;
    ch_filed_job filed = {.job = NULL};
    const uint64_t place = ch_unpack_u64_within(report, sweep->num_jobs - 1);
    filed.job = &sweep->jobs[place];
    filed.end.code = (ch_code)ch_unpack_u64_within(report, CH_ERROR_INTERRUPTED);
    ch_code code = CH_OK;
    if (filed.end.code == CH_OK) {
        code = ch_run_unpack(report, &filed.run, err);
    } else {
        const char *sentence = ch_unpack_text(report);
        sentence = sentence != NULL ? sentence : "";
        if (sweep->goes_on) { /* the reason is kept, and any process may have met it */
            ch_error_set(&filed.end.err, filed.end.code, "%s", sentence);
        } else {
            ch_error_set(&filed.end.err, filed.end.code, "process %d: %s", from, sentence);
        }
    }
    if (code == CH_OK && report->failed) {
        code = ch_error_set(err, CH_ERROR_IO, "process %d sent a report that cannot be read", from);
    }
    if (code != CH_OK) {
        goto out;
    }
    void *arrived = self->arrived;
    if (ch_grow(&arrived, &self->arrived_capacity, self->num_arrived + 1, sizeof *self->arrived) != 0) {
        code = ch_error_memory(err, "the runs of another process");
        goto out;
    }
    self->arrived = arrived;
    self->arrived[self->num_arrived++] = filed;
    return CH_OK;
out:
    ch_run_free(&filed.run);
    return code;
}

static void file_arrived(ch_lead *self)
{
    ch_ledger_file(self->ledger, self->arrived, self->num_arrived);
    for (size_t i = 0; i < self->num_arrived; i++) {
        ch_run_free(&self->arrived[i].run);
    }
    self->num_arrived = 0;
}

/* Reads a report and answers it. */
static ch_code take_report(ch_lead *self, int from, ch_unpacker *report, ch_error *err)
{
    ch_report_head head;
    ch_code code = CH_OK;
    ch_unpack(report, &head, sizeof head);
    const char *sentence = ch_unpack_text(report);
    if (sentence != NULL) {
        char said[600];
        snprintf(said, sizeof said, "process %d: %s", from, sentence);
        ch_ledger_say(self->ledger, said);
    }
    for (uint64_t i = 0; code == CH_OK && i < head.num_results; i++) {
        code = take_result(self, from, report, err);
    }
    if (code != CH_OK) {
        return code;
    }
    if (head.stops) {
        *self->ledger->watch.stop = 1;
    }
    self->num_working -= head.is_done != 0;
    return head.asks ? answer(self, from, &head, err) : CH_OK;
}

/* Keeps the state of a run under way, and answers where an answer is awaited.
 * @param bytes  of the message */
static ch_code take_state(ch_lead *self, int from, ch_unpacker *message, uint8_t *bytes, ch_error *err)
{
    const ch_run_states *states = self->crew->states;
    const double began = ch_clock_now();
    ch_run_state state;
    const bool is_awaited = ch_unpack_u64_within(message, 1) != 0;
    const size_t place = ch_state_unpack(message, &state);
    if (message->failed) {
        return ch_error_set(err, CH_ERROR_IO, "process %d sent a state of a run that cannot be read", from);
    }
    state.bytes = bytes + place;
    states->keep(states->context, &state);
    if (!is_awaited) {
        return CH_OK;
    }
    const double seconds = ch_clock_now() - began;
    ch_message_begin(&self->packer, CH_MESSAGE_KEPT);
    ch_pack(&self->packer, &seconds, sizeof seconds);
    return ch_message_send(self->link, from, &self->packer, err);
}

/* Takes the messages that have arrived, but no more than are to be filed together. */
static ch_code take_messages(ch_lead *self, bool *was_news, ch_error *err)
{
    enum { ENOUGH = 1024 };
    while (self->num_arrived < ENOUGH) {
        int from = 0;
        void *bytes = NULL;
        size_t size = 0;
        ch_code code = self->link->receive(self->link->context, &from, &bytes, &size, err);
        if (code != CH_OK || bytes == NULL) {
            return code;
        }
        ch_unpacker message = {.bytes = bytes, .size = size};
        *was_news = true;
        const uint64_t kind = ch_unpack_u64(&message);
        if (kind == CH_MESSAGE_REPORT) {
            code = take_report(self, from, &message, err);
        } else if (kind == CH_MESSAGE_STATE) {
            code = take_state(self, from, &message, bytes, err);
        } else {
            code = ch_error_set(err, CH_ERROR_IO, "process %d sent a message that cannot be read", from);
        }
        free(bytes);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* ---- the thread ---- */

static ch_code send_to_all(ch_lead *self, uint64_t kind, const void *bytes, size_t size, ch_error *err)
{
    for (int to = 1; to < self->link->size; to++) {
        ch_message_begin(&self->packer, kind);
        ch_pack(&self->packer, bytes, size);
        const ch_code code = ch_message_send(self->link, to, &self->packer, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* Handles messages until every process is done and everything is filed, or a process cannot be reached any more. */
static void *handle_messages(void *context)
{
    ch_lead *self = context;
    ch_error failure = {0};
    ch_code code = CH_OK;
    double pause = 0;
    for (bool is_done = false; !is_done && code == CH_OK;) {
        bool was_news = false;
        const bool own_is_done = file_own(self, &was_news);
        code = take_messages(self, &was_news, &failure);
        file_arrived(self);
        if (code == CH_OK && *self->ledger->watch.stop && !self->is_stopped) {
            self->is_stopped = true;
            code = send_to_all(self, CH_MESSAGE_STOP, NULL, 0, &failure);
        }
        is_done = own_is_done && self->num_working == 0;
        if (was_news) {
            pause = 0;
        } else if (!is_done) {
            ch_message_pause(&pause);
        }
    }
    if (code != CH_OK) {
        fail(self, code, &failure);
        bool ignored = false;
        while (!file_own(self, &ignored)) { /* the crew still ends */
            ch_message_pause(&pause);
        }
    }
    return NULL;
}

/* ---- beginning and ending ---- */

/* Threads for a run where there are fewer runs than threads. */
static uint64_t threads_a_run(const ch_link *link, const ch_sweep *sweep)
{
    const size_t threads = (size_t)link->total_threads;
    return sweep->num_jobs < threads && sweep->num_jobs > 0 ? threads / sweep->num_jobs : 1;
}

size_t ch_lead_num_workers(const ch_link *link, const ch_sweep *sweep, int threads)
{
    const uint64_t share = threads_a_run(link, sweep);
    return share < (uint64_t)threads ? (size_t)threads / (size_t)share : 1;
}

ch_code ch_lead_begin(ch_lead *self, const ch_link *link, ch_ledger *ledger, ch_crew *crew, ch_error *err)
{
    static const double LEAST = 0.02, A_PROCESS = 1e-4; /* at most 10^4 reports a second, whatever their number */
    memset(self, 0, sizeof *self);
    self->link = link;
    self->ledger = ledger;
    self->crew = crew;
    self->num_working = link->size - 1;
    ledger->is_led = true;
    omp_init_lock(&self->lock);
    const double seconds = A_PROCESS * link->size;
    const ch_start_message start = {
        .num_groups = ledger->sweep->num_groups,
        .threads_a_run = threads_a_run(link, ledger->sweep),
        .report_seconds = seconds > LEAST ? seconds : LEAST,
        .checkpoint = ledger->sweep->checkpoint,
    };
    const ch_code code = send_to_all(self, CH_MESSAGE_START, &start, sizeof start, err);
    return code == CH_OK ? ch_message_thread_begin(&self->thread, handle_messages, self, err) : code;
}

void ch_lead_finish(ch_lead *self)
{
    omp_set_lock(&self->lock);
    self->crew_is_done = true;
    omp_unset_lock(&self->lock);
    ch_message_thread_join(&self->thread);
    ch_packer_free(&self->packer);
    free(self->arrived);
    self->ledger->is_led = false;
    omp_destroy_lock(&self->lock);
}
