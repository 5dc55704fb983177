/* follow.c — a process that does jobs of a sweep for process 0, which has the list and the store. */
#include "core/clock.h"
#include "core/memory.h"
#include "sim/run_pack.h"
#include "sim/sweep/crew.h"
#include "sim/sweep/message.h"
#include "sim/sweep/ranks.h"
#include "sim/sweep/travel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A job that was sent. */
typedef struct queued_job {
    ch_sent_job sent;
    struct queued_job *next; /* in the queue */
    double started;          /* time at which it began */
} queued_job;

/* A process while it takes part in one sweep. */
typedef struct {
    const ch_link *link;
    const ch_start_message *start;
    ch_stop *stop;
    ch_crew crew;
    ch_sources *sources;
    ch_memory_account memory;
    ch_travel travel;     /* has locks of its own */
    ch_run_states states; /* those of `travel` */
    char **names;         /* [num_names] names of files, to which the settings of jobs point; owned */
    size_t num_names, names_capacity;

    /* The crew's lock guards these members. */
    bool *is_known;                 /* [num_groups] whether the group's members were received; owned */
    queued_job *first, *last;       /* jobs that have not begun; owned */
    size_t num_queued, num_running; /* jobs that have not begun, and that have not ended */
    double run_seconds;             /* time that the last runs took, as a moving mean; 0: not known */
    bool has_ended;                 /* process 0 has no further jobs */

    omp_lock_t reporting; /* guards the members below */
    ch_packer results;    /* what came of jobs since the last report */
    uint64_t num_results;
    double since;       /* time of the first of them */
    char sentence[512]; /* to be told to the user; "": none */
    bool crew_is_done;

    /* The thread that handles messages has these. */
    ch_message_thread thread;
    ch_packer packer;
    bool awaits;  /* process 0 was asked and has not answered */
    double later; /* time before which it is not asked again, because it had no jobs a moment ago */
    bool is_told; /* it was told that this process stops */
    bool is_over; /* it was told that all jobs have ended */
    bool holds;   /* whether the data set of group `held`, the last one sent, is held */
    uint32_t held;
    ch_code code; /* the first failure of the link */
    ch_error *err;
} follower;

/* ---- the crew's source ---- */

static ch_sweep_job *next_job(void *context, bool *ended)
{
    const follower *self = context;
    *ended = self->first == NULL && self->has_ended;
    return self->first != NULL ? &self->first->sent.job : NULL;
}

/* The queue's entry that a job is a part of. */
static queued_job *entry_of(ch_sweep_job *job)
{
    return (queued_job *)((char *)job - offsetof(queued_job, sent.job));
}

static void take_job(void *context, ch_sweep_job *job)
{
    follower *self = context;
    queued_job *entry = entry_of(job);
    self->first = entry->next;
    self->last = self->first != NULL ? self->last : NULL;
    self->num_queued--;
    self->num_running++;
    entry->started = ch_clock_now();
}

static bool find_following(void *context, const ch_sweep_job *job, uint32_t *group, ch_resolved *resolved)
{
    follower *self = context;
    omp_set_lock(&self->crew.lock);
    const queued_job *entry = self->first;
    while (entry != NULL && entry->sent.job.group == job->group) {
        entry = entry->next;
    }
    if (entry != NULL) {
        *group = entry->sent.job.group;
        *resolved = entry->sent.resolved;
    }
    omp_unset_lock(&self->crew.lock);
    return entry != NULL;
}

static ch_code resolve_job(void *context, const ch_sweep_job *job, ch_resolved *resolved, bool *is_there, ch_error *err)
{
    (void)context, (void)err;
    const ch_sent_job *sent = (const ch_sent_job *)((const char *)job - offsetof(ch_sent_job, job));
    *resolved = sent->resolved;
    *is_there = false; /* process 0 has looked */
    return CH_OK;
}

/* Keeps what came of a job for the next report. A run that was stopped is left to be done again. */
static void add_result(follower *self, uint64_t place, const ch_run *run, const ch_job_end *end)
{
    if (end->code == CH_ERROR_INTERRUPTED) {
        return;
    }
    omp_set_lock(&self->reporting);
    if (self->num_results == 0) {
        self->since = ch_clock_now();
    }
    ch_pack_u64(&self->results, place);
    ch_pack_u64(&self->results, (uint64_t)end->code);
    if (end->code == CH_OK) {
        ch_run_pack(&self->results, run);
    } else {
        ch_pack_text(&self->results, end->err.message);
    }
    self->num_results++;
    omp_unset_lock(&self->reporting);
}

static void end_job(void *context, ch_sweep_job *job, ch_run *run, ch_job_end *end)
{
    static const double WEIGHT = 0.1; /* of the newest run in the moving mean */
    follower *self = context;
    queued_job *entry = entry_of(job);
    const double seconds = ch_clock_now() - entry->started;
    ch_travel_end_run(&self->travel, &entry->sent.resolved, end->code != CH_OK || run->status == CH_BUDGET);
    add_result(self, entry->sent.place, run, end);
    omp_set_lock(&self->crew.lock);
    self->num_running--;
    self->run_seconds =
        self->run_seconds > 0 ? (1 - WEIGHT) * self->run_seconds + WEIGHT * seconds : fmax(seconds, 1e-7);
    omp_unset_lock(&self->crew.lock);
    free(entry);
}

static void say(void *context, const char *sentence)
{
    follower *self = context;
    omp_set_lock(&self->reporting);
    snprintf(self->sentence, sizeof self->sentence, "%s", sentence);
    omp_unset_lock(&self->reporting);
}

/* ---- jobs that arrive ---- */

/* A copy of a file's name that stays until the sweep ends.  @return NULL for NULL, and when memory is short */
static const char *keep_name(follower *self, const char *name)
{
    void *names = self->names;
    if (name == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < self->num_names; i++) {
        if (strcmp(self->names[i], name) == 0) {
            return self->names[i];
        }
    }
    if (ch_grow(&names, &self->names_capacity, self->num_names + 1, sizeof *self->names) != 0) {
        return NULL;
    }
    self->names = names;
    self->names[self->num_names] = strdup(name);
    return self->names[self->num_names] != NULL ? self->names[self->num_names++] : NULL;
}

/* Lets the settings point to names that stay. */
static ch_code keep_names(follower *self, ch_settings *settings, ch_error *err)
{
    for (size_t i = 0; i < ch_settings_count; i++) {
        const ch_setting *row = &ch_settings_table[i];
        if (row->type == CH_TYPE_TEXT || row->type == CH_TYPE_CONTENT) {
            const char *name = NULL;
            memcpy(&name, (char *)settings + row->offset, sizeof name);
            const char *kept = keep_name(self, name);
            if (name != NULL && kept == NULL) {
                return ch_error_memory(err, "the names of files");
            }
            memcpy((char *)settings + row->offset, &kept, sizeof kept);
        }
    }
    return CH_OK;
}

/* Reads the files of a job's data, which must be those that process 0 has read. */
static ch_code find_sources(follower *self, ch_resolved *resolved, ch_error *err)
{
    const ch_settings *settings = &resolved->settings;
    char data[CH_SHA256_SIZE], init[CH_SHA256_SIZE];
    memcpy(data, settings->data_digest, sizeof data);
    memcpy(init, settings->init_digest, sizeof init);
    ch_code code = keep_names(self, &resolved->settings, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_sources_find(self->sources, resolved, err);
    if (code != CH_OK) {
        return code;
    }
    if (strcmp(data, settings->data_digest) == 0 && strcmp(init, settings->init_digest) == 0) {
        return CH_OK;
    }
    const bool is_data = strcmp(data, settings->data_digest) != 0;
    return ch_error_set(err, CH_ERROR_INPUT,
                        "the file%s has another content here than for process 0: its SHA-256 is %s, expected is %s",
                        is_data ? " of the data" : " of the initial weights",
                        is_data ? settings->data_digest : settings->init_digest, is_data ? data : init);
}

/* Counts a job in its group; the crew's lock is held. */
static void join_group(follower *self, const ch_sent_job *sent)
{
    ch_sweep_group *group = &self->crew.groups[sent->job.group];
    if (!self->is_known[sent->job.group]) {
        self->is_known[sent->job.group] = true;
        omp_init_lock(&group->making);
        group->num_samples = sent->group_samples;
        group->engine = (uint8_t)sent->group_engine;
        group->is_kernel = sent->group_is_kernel;
        group->set_bytes = (size_t)sent->set_bytes;
    }
    group->runs_left++;
    self->crew.most_run_bytes =
        sent->job.run_bytes > self->crew.most_run_bytes ? sent->job.run_bytes : self->crew.most_run_bytes;
}

/* Puts a job into the queue. The data set of its group is held until a job of another group comes, because more jobs of
 * the group are likely. */
static void enqueue(follower *self, queued_job *entry)
{
    const uint32_t group = entry->sent.job.group, before = self->held;
    const bool holds_another = self->holds && before != group;
    omp_set_lock(&self->crew.lock);
    join_group(self, &entry->sent);
    self->crew.groups[group].runs_left += !self->holds || holds_another;
    if (self->last != NULL) {
        self->last->next = entry;
    } else {
        self->first = entry;
    }
    self->last = entry;
    self->num_queued++;
    omp_unset_lock(&self->crew.lock);
    self->holds = true;
    self->held = group;
    if (holds_another) {
        ch_crew_leave_group(&self->crew, &self->crew.groups[before]);
    }
}

/* Reads one job and puts it into the queue. A job whose files cannot be read has failed.
 * @param bytes  of the message */
static ch_code take_sent_job(follower *self, ch_unpacker *message, uint8_t *bytes, ch_error *err)
{
    queued_job *entry = ch_alloc(1, sizeof *entry);
    ch_job_end failed = {.code = CH_OK};
    ch_run_state state;
    if (entry == NULL) {
        return ch_error_memory(err, "a job");
    }
    ch_sent_job_unpack(message, &entry->sent);
    const size_t place = ch_state_unpack(message, &state);
    if (message->failed || entry->sent.job.group >= self->start->num_groups) {
        free(entry);
        return ch_error_set(err, CH_ERROR_IO, "process 0 sent jobs that cannot be read");
    }
    failed.code = find_sources(self, &entry->sent.resolved, &failed.err);
    if (failed.code == CH_OK && state.size > 0) {
        state.bytes = bytes + place;
        failed.code = ch_travel_give(&self->travel, &entry->sent.resolved, &state, &failed.err);
    }
    if (failed.code != CH_OK) {
        add_result(self, entry->sent.place, NULL, &failed);
        free(entry);
        return CH_OK;
    }
    enqueue(self, entry);
    return CH_OK;
}

static ch_code take_jobs(follower *self, ch_unpacker *message, uint8_t *bytes, ch_error *err)
{
    const uint64_t count = ch_unpack_u64(message);
    const bool more = ch_unpack_u64_within(message, 1) != 0;
    ch_code code = CH_OK;
    for (uint64_t i = 0; code == CH_OK && i < count; i++) {
        code = take_sent_job(self, message, bytes, err);
    }
    omp_set_lock(&self->crew.lock);
    self->has_ended = !more;
    omp_unset_lock(&self->crew.lock);
    self->awaits = false;
    self->later = count == 0 ? ch_clock_now() + self->start->report_seconds : 0;
    return code;
}

static ch_code take_messages(follower *self, bool *was_news, ch_error *err)
{
    for (;;) {
        int from = 0;
        void *bytes = NULL;
        size_t size = 0;
        ch_code code = self->link->receive(self->link->context, &from, &bytes, &size, err);
        if (code != CH_OK || bytes == NULL) {
            return code;
        }
        ch_unpacker message = {.bytes = bytes, .size = size};
        const uint64_t kind = ch_unpack_u64(&message);
        *was_news = true;
        if (kind == CH_MESSAGE_JOBS) {
            code = take_jobs(self, &message, bytes, err);
        } else if (kind == CH_MESSAGE_KEPT) {
            double seconds = 0;
            ch_unpack(&message, &seconds, sizeof seconds);
            ch_travel_note_answer(&self->travel, seconds);
        } else if (kind == CH_MESSAGE_STOP) {
            *self->stop = 1;
        } else if (kind == CH_MESSAGE_BYE) {
            code = ch_error_set(err, CH_ERROR_IO, "process %d has given up the sweep", from);
        } else {
            code = ch_error_set(err, CH_ERROR_IO, "process %d sent a message that cannot be read", from);
        }
        free(bytes);
        if (code != CH_OK) {
            return code;
        }
    }
}

/* ---- reports ---- */

/* How many jobs to ask for: what idle threads can begin, and as many in store as the threads do until two more reports
 * have gone; none of runs so long that a pause before each does not matter. */
static void find_wants(follower *self, ch_report_head *head)
{
    static const double LONG_SECONDS = 0.2, REPORTS = 2;
    enum { MOST = 4096 };
    omp_set_lock(&self->crew.lock);
    const double seconds = self->run_seconds, workers = (double)self->crew.workers;
    const double ahead =
        seconds > 0 && seconds < LONG_SECONDS ? ceil(workers * REPORTS * self->start->report_seconds / seconds) : 0;
    const size_t store = ahead < MOST ? (size_t)ahead : MOST, busy = self->num_running + self->num_queued;
    if (!self->has_ended && !self->awaits && !*self->stop && ch_clock_now() >= self->later) {
        head->num_idle = busy < self->crew.workers ? self->crew.workers - busy : 0;
        head->num_more = 2 * self->num_queued <= store ? store - self->num_queued : 0;
        head->asks = head->num_idle > 0 || head->num_more > 0;
    }
    omp_unset_lock(&self->crew.lock);
}

/* Reports what has ended, and asks for jobs, if either is due.  @return as ch_message_send */
static ch_code report(follower *self, bool *was_news, ch_error *err)
{
    ch_report_head head = {0};
    find_wants(self, &head);
    omp_set_lock(&self->reporting);
    const bool is_due = self->num_results > 0 && ch_clock_now() - self->since > self->start->report_seconds;
    head.stops = *self->stop != 0;
    head.is_done = self->crew_is_done && !self->awaits && ch_travel_is_empty(&self->travel);
    const bool tells = head.stops && !self->is_told;
    if (!head.asks && !is_due && !head.is_done && !tells && self->sentence[0] == '\0') {
        omp_unset_lock(&self->reporting);
        return CH_OK;
    }
    head.num_results = self->num_results;
    ch_message_begin(&self->packer, CH_MESSAGE_REPORT);
    ch_pack(&self->packer, &head, sizeof head);
    ch_pack_text(&self->packer, self->sentence[0] != '\0' ? self->sentence : NULL);
    ch_pack(&self->packer, self->results.bytes, self->results.size);
    self->packer.failed = self->packer.failed || self->results.failed;
    self->results.size = 0;
    self->num_results = 0;
    self->sentence[0] = '\0';
    omp_unset_lock(&self->reporting);
    self->awaits = self->awaits || head.asks;
    self->is_told = self->is_told || head.stops;
    *was_news = true;
    self->is_over = head.is_done != 0;
    return ch_message_send(self->link, 0, &self->packer, err);
}

/* Handles messages until the crew has ended and all of it is reported. */
static void *handle_messages(void *context)
{
    follower *self = context;
    double pause = 0;
    while (!self->is_over && self->code == CH_OK) {
        bool was_news = false;
        self->code = take_messages(self, &was_news, self->err);
        if (self->code != CH_OK) {
            break;
        }
        self->code = ch_travel_send(&self->travel, &was_news, self->err);
        if (self->code != CH_OK) {
            break;
        }
        self->code = report(self, &was_news, self->err);
        if (was_news) {
            pause = 0;
        } else {
            ch_message_pause(&pause);
        }
    }
    if (self->code != CH_OK) { /* nobody takes the runs any more */
        *self->stop = 1;
    }
    return NULL;
}

/* ---- one sweep ---- */

static ch_code begin(follower *self, const ch_ranks_resources *resources, ch_error *err)
{
    const size_t num_groups = (size_t)self->start->num_groups;
    const int share =
        resources->threads < (int)self->start->threads_a_run ? resources->threads : (int)self->start->threads_a_run;
    omp_init_lock(&self->reporting);
    ch_travel_init(&self->travel, self->link, say, self);
    self->states = ch_travel_states(&self->travel, self->start->checkpoint);
    self->crew = (ch_crew){
        .states = &self->states,
        .source = {self, next_job, take_job, find_following, resolve_job, end_job, say},
        .groups = ch_alloc(num_groups, sizeof *self->crew.groups),
        .memory = &self->memory,
        .sources = self->sources,
        .stop = self->stop,
    };
    ch_crew_init(&self->crew, resources->threads, (size_t)(resources->threads / share));
    self->memory.budget = resources->memory_budget > 0 ? resources->memory_budget : ch_memory_account_find_budget();
    self->sources->kernel_folder = resources->kernel_folder;
    self->is_known = ch_alloc(num_groups, sizeof *self->is_known);
    if (self->crew.groups == NULL || self->is_known == NULL) {
        return ch_error_memory(err, "the list of data sets");
    }
    return ch_message_thread_begin(&self->thread, handle_messages, self, err);
}

static void end(follower *self)
{
    while (self->first != NULL) {
        queued_job *next = self->first->next;
        free(self->first);
        self->first = next;
    }
    for (size_t i = 0; self->is_known != NULL && i < self->start->num_groups; i++) {
        if (self->is_known[i]) {
            ch_sweep_group *group = &self->crew.groups[i];
            if (group->set != NULL) {
                ch_train_set_free(group->set);
            }
            free(group->set);
            omp_destroy_lock(&group->making);
        }
    }
    for (size_t i = 0; i < self->num_names; i++) {
        free(self->names[i]);
    }
    free(self->names);
    free(self->is_known);
    free(self->crew.groups);
    ch_packer_free(&self->results);
    ch_packer_free(&self->packer);
    ch_travel_free(&self->travel);
    ch_crew_free(&self->crew);
    omp_destroy_lock(&self->reporting);
}

/* Takes part in one sweep. */
static ch_code follow(const ch_link *link, const ch_start_message *start, const ch_ranks_resources *resources,
                      ch_stop *stop, ch_error *err)
{
    ch_sources sources = {0};
    follower self = {.link = link, .start = start, .stop = stop, .sources = &sources, .err = err};
    ch_code code = begin(&self, resources, err);
    if (code == CH_OK) {
        ch_crew_work(&self.crew);
        omp_set_lock(&self.reporting);
        self.crew_is_done = true;
        omp_unset_lock(&self.reporting);
        ch_message_thread_join(&self.thread);
        code = self.code;
    }
    end(&self);
    ch_sources_free(&sources);
    return code;
}

/* ---- sweep after sweep ---- */

/* Waits for a message of process 0, which begins a sweep or dismisses this process.
 * @param start  out: what is said of the sweep  @param comes  out: whether there is one */
static ch_code await_start(const ch_link *link, ch_start_message *start, bool *comes, ch_error *err)
{
    double pause = 0;
    for (;;) {
        int from = 0;
        void *bytes = NULL;
        size_t size = 0;
        const ch_code code = link->receive(link->context, &from, &bytes, &size, err);
        if (code != CH_OK) {
            return code;
        }
        if (bytes == NULL) {
            ch_message_pause(&pause);
            continue;
        }
        ch_unpacker message = {.bytes = bytes, .size = size};
        const uint64_t kind = ch_unpack_u64(&message);
        *comes = kind == CH_MESSAGE_START;
        if (*comes) {
            ch_unpack(&message, start, sizeof *start);
        }
        free(bytes);
        if (message.failed) {
            return ch_error_set(err, CH_ERROR_IO, "process %d sent a message that cannot be read", from);
        }
        if (*comes || kind == CH_MESSAGE_BYE) {
            return CH_OK;
        }
        /* what came too late for the last sweep: a word to stop */
    }
}

ch_code ch_ranks_follow(const ch_link *link, const ch_ranks_resources *resources, const ch_watch *watch, ch_error *err)
{
    ch_stop own = 0;
    ch_stop *stop = watch != NULL && watch->stop != NULL ? watch->stop : &own;
    for (;;) {
        ch_start_message start = {0};
        bool comes = false;
        ch_code code = await_start(link, &start, &comes, err);
        if (code != CH_OK || !comes) {
            return code;
        }
        code = follow(link, &start, resources, stop, err);
        if (code != CH_OK) {
            return code;
        }
    }
}

ch_code ch_ranks_dismiss(const ch_link *link, ch_error *err)
{
    ch_packer packer = {0};
    ch_code code = CH_OK;
    for (int to = 1; code == CH_OK && to < link->size; to++) {
        ch_message_begin(&packer, CH_MESSAGE_BYE);
        code = ch_message_send(link, to, &packer, err);
    }
    ch_packer_free(&packer);
    return code;
}
