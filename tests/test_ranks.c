/* test_ranks.c — several processes share a sweep: here they are threads, with mailboxes in place of MPI. */
#define _GNU_SOURCE 1 /* memmem */
#include "core/clock.h"
#include "sim/run_pack.h"
#include "sim/sweep/dispatch.h"
#include "sim/sweep/message.h"
#include "tests/alloc_fail.h"
#include "tests/link_support.h"
#include "tests/sweep_support.h"
#include "tests/train_support.h"

#include <gsl/gsl_errno.h>

/* ---- runs as bytes ---- */

/* Requires that two runs are equal in all that a run has. */
static void assert_all_equal(const ch_run *a, const ch_run *b)
{
    assert_runs_equal(a, b);
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->results_version, b->results_version);
    assert_memory_equal(&a->final, &b->final, sizeof a->final);
    assert_memory_equal(a->points, b->points, a->num_points * sizeof *a->points);
    assert_int_equal(a->num_layers, b->num_layers);
    assert_memory_equal(a->layer_changes, b->layer_changes,
                        ch_run_num_looks(a) * a->num_layers * sizeof *a->layer_changes);
    assert_int_equal(a->num_fluctuations, b->num_fluctuations);
    assert_memory_equal(a->fluctuations, b->fluctuations, a->num_fluctuations * sizeof *a->fluctuations);
}

/* Requires that a run is the same after it was packed and unpacked, and that no part of its bytes passes for it. */
static void assert_survives(const ch_run *run)
{
    ch_packer packer = {0};
    ch_error err = {0};
    ch_run back;
    ch_run_pack(&packer, run);
    assert_false(packer.failed);
    ch_unpacker whole = {.bytes = packer.bytes, .size = packer.size};
    assert_int_equal(ch_run_unpack(&whole, &back, &err), CH_OK);
    assert_int_equal(whole.place, packer.size);
    assert_all_equal(run, &back);
    ch_run_free(&back);
    for (size_t size = 0; size < packer.size; size += 1 + packer.size / 97) {
        ch_unpacker part = {.bytes = packer.bytes, .size = size};
        assert_int_equal(ch_run_unpack(&part, &back, &err), CH_ERROR_IO);
        ch_run_free(&back);
    }
    packer.bytes[0] ^= 1;
    ch_unpacker marked = {.bytes = packer.bytes, .size = packer.size};
    assert_int_equal(ch_run_unpack(&marked, &back, &err), CH_ERROR_IO);
    ch_run_free(&back);
    ch_packer_free(&packer);
}

static void test_runs_survive_packing(void **state)
{
    (void)state;
    static const char *const kinds[][9] = {
        {"model perceptron", "temp 1", "dim 8", "train 32"},
        {"model perceptron", "temp 1", "dim 8", "train 32", "record 4", "test 16"},
        {"model perceptron", "temp 1", "dim 8", "train inf", "max_steps 40"},
        {"model perceptron", "temp 1e30", "dim 8", "train 16", "loss quadhinge", "max_steps 400", "record 2"},
        {"model perceptron", "rate 0.1", "dim 8", "train 32", "dynamics gd", "batch full", "max_steps 100"},
        {"model mlp", "temp 0.1", "dim 8", "train 16", "width 4", "depth 2", "max_steps 60", "record 3"},
        {"model mlp", "temp 0.1", "dim 8", "train 16", "width 4", "depth 2", "max_steps 60", "kernel 4"},
        {"model mlp", "temp 0.1", "dim 8", "train 16", "width 4", "max_steps 60", "loss mse", "alpha 1",
         "fluctuations 16"},
        {"model mlp", "temp 0.1", "dim 8", "train 16", "width 4", "depth 2", "linear yes", "record 2"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *lines[10] = {NULL};
        ch_settings settings;
        ch_error err = {0};
        ch_run run;
        memcpy(lines, kinds[i], sizeof kinds[i]);
        ch_plan plan = make_plan(lines);
        ch_plan_get(&plan, 0, &settings);
        if (train_by_settings(&run, &settings, 1, NULL, &err) != CH_OK) {
            fail_msg("%s", err.message);
        }
        assert_survives(&run);
        ch_run_free(&run);
        ch_plan_free(&plan);
    }
}

static void test_settings_keep_the_names_of_files(void **state)
{
    (void)state;
    ch_resolved resolved = {0}, back;
    ch_packer packer = {0};
    ch_settings_default(&resolved.settings);
    resolved.settings.data_dir = "a folder";
    resolved.settings.init = "w.npy";
    ch_settings_pack(&packer, &resolved);
    ch_unpacker unpacker = {.bytes = packer.bytes, .size = packer.size};
    ch_settings_unpack(&unpacker, &back);
    assert_false(unpacker.failed);
    assert_string_equal(back.settings.data_dir, "a folder");
    assert_string_equal(back.settings.init, "w.npy");
    assert_null(back.settings.density);
    packer.bytes[packer.size - 1] ^= 1; /* the length of the last name, which there is not */
    ch_unpacker damaged = {.bytes = packer.bytes, .size = packer.size};
    ch_settings_unpack(&damaged, &back);
    assert_true(damaged.failed);
    ch_packer_free(&packer);
}

/* ---- who gets which job ---- */

/* Each job is handed out once. A process stays with a data set while it has jobs, and the sets begin longest first. */
static void test_each_job_is_handed_out_once(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron", "dim 8", "train 2^4..2^7", "temp 1,2,3", "seed 0..6", NULL};
    ch_plan plan = make_plan(lines);
    ch_sweep swept;
    ch_dispatch dispatch;
    ch_random random;
    size_t num_taken = 0, num_moves = 0, highest = 0;
    uint32_t before[3] = {UINT32_MAX, UINT32_MAX, UINT32_MAX};
    assert_int_equal(ch_sweep_init(&swept, &plan, NULL, NULL), CH_OK);
    assert_int_equal(ch_dispatch_init(&dispatch, &swept, 3, NULL), CH_OK);
    ch_random_init(&random, 1, CH_STREAM_INIT, 0);
    for (;;) {
        const size_t process = ch_random_u32(&random) % 3;
        ch_sweep_job *job = ch_dispatch_next(&dispatch, process);
        if (job == NULL) {
            break;
        }
        assert_false(job->is_taken);
        assert_ptr_equal(ch_dispatch_next(&dispatch, process), job);
        if (job->group != before[process]) {
            assert_true(before[process] == UINT32_MAX || swept.groups[before[process]].num_untaken == 0);
            const bool is_new = swept.groups[job->group].num_untaken == 12;
            assert_true(!is_new || job->group == highest); /* in the order of the list */
            highest += is_new;
            num_moves++;
        }
        before[process] = job->group;
        ch_dispatch_take(&dispatch, job);
        num_taken++;
    }
    assert_int_equal(num_taken, 4 * 3 * 7);
    assert_int_equal(highest, 7);
    assert_in((double)num_moves, 7, 12); /* at the end some help with what others began */
    assert_int_equal(dispatch.num_untaken, 0);
    ch_dispatch_free(&dispatch);
    ch_sweep_free(&swept);
    ch_plan_free(&plan);
}

/* A single process takes the list as it stands. */
static void test_one_process_takes_the_list(void **state)
{
    (void)state;
    ch_plan plan = make_plan(MIXED);
    ch_sweep swept;
    ch_dispatch dispatch;
    assert_int_equal(ch_sweep_init(&swept, &plan, NULL, NULL), CH_OK);
    assert_int_equal(ch_dispatch_init(&dispatch, &swept, 1, NULL), CH_OK);
    for (size_t i = 0; i < swept.num_jobs; i++) {
        assert_ptr_equal(ch_dispatch_next(&dispatch, 0), &swept.jobs[i]);
        ch_dispatch_take(&dispatch, &swept.jobs[i]);
    }
    assert_null(ch_dispatch_next(&dispatch, 0));
    ch_dispatch_free(&dispatch);
    ch_sweep_free(&swept);
    ch_plan_free(&plan);
}

/* ---- sweeps ---- */

/* A process that follows. */
typedef struct {
    mailbox box;
    int size, threads;
    ch_stop stop;
    ch_code code;
    ch_error err;
    pthread_t thread;
} follower_process;

static void *follow(void *context)
{
    follower_process *self = context;
    const ch_link link = link_of(&self->box, self->size, 0);
    const ch_ranks_resources resources = {self->threads, 0, NULL};
    const ch_watch watch = {.stop = &self->stop};
    self->code = ch_ranks_follow(&link, &resources, &watch, &self->err);
    return NULL;
}

typedef struct {
    hub post_office;
    mailbox box;
    follower_process others[MOST_PROCESSES];
    int size, threads;
    ch_stop stop;
    ch_sweep_counts counts;
    ch_code code;
    ch_error err;
    double checkpoint; /* of the sweep */
    int most_pages;    /* of the store's file; 0: as many as there is room for */
    size_t stop_after; /* runs after which one is told to stop; 0: none */
    ch_stop *stopped;
} group_sweep;

static void begin_group(group_sweep *self, int size, int threads)
{
    memset(self, 0, sizeof *self);
    hub_init(&self->post_office);
    self->size = size;
    self->threads = threads;
    self->box = (mailbox){&self->post_office, 0, false};
    for (int i = 1; i < size; i++) {
        self->others[i] = (follower_process){.box = {&self->post_office, i, false}, .size = size, .threads = threads};
    }
}

static void note_progress(void *context, const ch_watch_report *report)
{
    group_sweep *self = context;
    if (self->stop_after > 0 && report->done >= self->stop_after) {
        *self->stopped = 1;
    }
}

/* Sweeps a plan by the whole group, and says goodbye. */
static void sweep_by_group(group_sweep *self, const char *store_name, const char *const *lines)
{
    ch_sweep swept;
    ch_plan plan = make_plan(lines);
    ch_store store = open_store(path_of(store_name), CH_STORE_WRITE);
    const ch_link link = link_of(&self->box, self->size, self->size * self->threads);
    for (int i = 1; i < self->size; i++) {
        assert_int_equal(pthread_create(&self->others[i].thread, NULL, follow, &self->others[i]), 0);
    }
    if (self->most_pages > 0) {
        char pragma[64];
        snprintf(pragma, sizeof pragma, "PRAGMA max_page_count = %d", self->most_pages);
        assert_int_equal(sqlite3_exec(store.db, pragma, NULL, NULL, NULL), SQLITE_OK);
    }
    assert_int_equal(ch_sweep_init(&swept, &plan, &store, &self->err), CH_OK);
    swept.link = &link;
    swept.checkpoint = self->checkpoint;
    const ch_watch watch = {.stop = &self->stop, .progress = note_progress, .context = self};
    self->code = ch_sweep_run(&swept, &store, self->threads, &watch, &self->err);
    self->counts = swept.counts;
    self->box.fails = false;
    assert_int_equal(ch_ranks_dismiss(&link, NULL), CH_OK);
    for (int i = 1; i < self->size; i++) {
        assert_int_equal(pthread_join(self->others[i].thread, NULL), 0);
    }
    ch_sweep_free(&swept);
    ch_store_close(&store);
    ch_plan_free(&plan);
    hub_free(&self->post_office);
}

/* Networks with layers, twins that share a kernel, and perceptrons with trajectories. */
static const char *const VARIED[] = {"model mlp",    "dim 8",    "train 8,16",    "width 4",  "depth 2", "temp 0.25,1",
                                     "max_steps 30", "record 2", "linear no,yes", "seed 0,1", NULL};

static void test_the_content_is_that_of_one_process(void **state)
{
    (void)state;
    static const char *const *const plans[] = {MIXED, VARIED};
    static const int sizes[][2] = {{2, 1}, {4, 2}};
    for (size_t p = 0; p < 2; p++) {
        char serial[32];
        snprintf(serial, sizeof serial, "serial%zu.db", p);
        const outcome alone = sweep(serial, plans[p], 1);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            group_sweep group;
            char name[32], one[PATH_MAX];
            snprintf(name, sizeof name, "group%zu%zu.db", p, i);
            begin_group(&group, sizes[i][0], sizes[i][1]);
            sweep_by_group(&group, name, plans[p]);
            assert_int_equal(group.code, CH_OK);
            assert_int_equal(num_done(&group.counts), num_done(&alone.counts));
            assert_int_equal(group.counts.fitted, alone.counts.fitted);
            size_t reports = 0;
            for (int k = 1; k < sizes[i][0]; k++) {
                assert_int_equal(group.others[k].code, CH_OK);
                reports += group.post_office.num_sent[k];
            }
            assert_true(reports > 0);
            snprintf(one, sizeof one, "%s", path_of(serial));
            assert_same_content(one, path_of(name));
            assert_alone(name);
        }
    }
}

/* Somebody is told to stop: all end, what has ended is kept, and the sweep goes on where it was. */
static void test_a_stop_ends_all(void **state)
{
    (void)state;
    enum { RUNS = 400 }; /* so many that the stop is heard before all are done, on a busy machine too */
    static const char *const lines[] = {"model perceptron", "dim 16", "train 256", "temp 1", "seed 0..399", NULL};
    for (int who = 0; who < 3; who++) {
        group_sweep group;
        char name[16];
        snprintf(name, sizeof name, "stop%d.db", who);
        begin_group(&group, 3, 1);
        group.stop_after = 3;
        group.stopped = who == 0 ? &group.stop : &group.others[who].stop;
        sweep_by_group(&group, name, lines);
        assert_int_equal(group.code, CH_ERROR_INTERRUPTED);
        const size_t kept = count_runs(path_of(name));
        assert_int_equal(kept, num_done(&group.counts));
        assert_true(kept >= 3 && kept < RUNS);
        assert_non_null(strstr(group.err.message, "repeat the command to go on"));
        begin_group(&group, 2, 1);
        sweep_by_group(&group, name, lines);
        assert_int_equal(group.code, CH_OK);
        assert_int_equal(group.counts.present, kept);
        assert_int_equal(count_runs(path_of(name)), RUNS);
    }
}

/* A store that cannot grow ends the sweep for all. What it has stays, and the sweep goes on when there is room. */
static void test_a_full_store_ends_all(void **state)
{
    (void)state;
    group_sweep group;
    begin_group(&group, 3, 1);
    group.most_pages = 20;
    sweep_by_group(&group, "s.db", MIXED);
    assert_int_equal(group.code, CH_ERROR_IO);
    assert_non_null(strstr(group.err.message, "disk is full"));
    assert_true(is_whole(path_of("s.db")));
    const size_t kept = count_runs(path_of("s.db"));
    assert_true(kept < MIXED_RUNS); /* runs that were to be put in together with the first without room are not there */
    begin_group(&group, 3, 1);
    sweep_by_group(&group, "s.db", MIXED);
    assert_int_equal(group.code, CH_OK);
    assert_int_equal(group.counts.present, kept);
    sweep("whole.db", MIXED, 1);
    assert_same_content(path_of("s.db"), path_of("whole.db"));
}

/* A follower cannot read what process 0 has read: the sweep ends with a sentence that names the process. */
static void test_another_file_is_refused(void **state)
{
    (void)state;
    ch_packer packer = {0};
    hub post_office;
    ch_plan plan = make_plan((const char *const[]){"model perceptron", "dim 8", "train 8", "temp 1", NULL});
    ch_sent_job sent = {.job = {.group = 0}};
    ch_settings settings;
    ch_plan_get(&plan, 0, &settings);
    settings.data = CH_LAW_DENSITY;
    sent.resolved.settings = settings;
    write_file(path_of("rho.csv"), "0,1\n1,2\n2,0\n", 12);
    sent.resolved.settings.density = path_of("rho.csv");
    memset(sent.resolved.settings.data_digest, 'a', CH_SHA256_SIZE - 1);
    hub_init(&post_office);
    mailbox box = {&post_office, 0, false};
    const ch_link link = link_of(&box, 2, 2);
    follower_process other = {.box = {&post_office, 1, false}, .size = 2, .threads = 1};
    const ch_start_message start = {.num_groups = 1, .threads_a_run = 1, .report_seconds = 0.001};
    ch_message_begin(&packer, CH_MESSAGE_START);
    ch_pack(&packer, &start, sizeof start);
    assert_int_equal(ch_message_send(&link, 1, &packer, NULL), CH_OK);
    ch_message_begin(&packer, CH_MESSAGE_JOBS);
    ch_pack_u64(&packer, 1);
    ch_pack_u64(&packer, 0);
    ch_sent_job_pack(&packer, &sent);
    ch_state_pack(&packer, &(ch_run_state){.bytes = NULL});
    assert_int_equal(ch_message_send(&link, 1, &packer, NULL), CH_OK);
    assert_int_equal(pthread_create(&other.thread, NULL, follow, &other), 0);
    bool is_told = false;
    for (int waited = 0; !is_told; waited++) {
        int from = 0;
        size_t size = 0;
        void *bytes = NULL;
        assert_int_equal(link.receive(link.context, &from, &bytes, &size, NULL), CH_OK);
        is_told = bytes != NULL && memmem(bytes, size, "another content here than for process 0", 39) != NULL;
        free(bytes);
        assert_true(waited < 60000);
        ch_clock_sleep(0.001);
    }
    assert_int_equal(ch_ranks_dismiss(&link, NULL), CH_OK);
    assert_int_equal(pthread_join(other.thread, NULL), 0);
    ch_packer_free(&packer);
    ch_plan_free(&plan);
    hub_free(&post_office);
}

/* ---- states of runs under way ---- */

/* A run that a process does in parts, for a process 0 that is this test. */
typedef struct {
    ch_settings settings;
    ch_sent_job sent;
    ch_packer state; /* the last state that arrived */
    uint64_t steps;  /* of that state */
    bool is_done;
    ch_run run; /* when it is done */
} parted_run;

static void send_start(parted_run *self, const ch_link *link)
{
    ch_packer packer = {0};
    const ch_start_message start = {.num_groups = 1, .threads_a_run = 1, .report_seconds = 0.001, .checkpoint = 1e-9};
    ch_message_begin(&packer, CH_MESSAGE_START);
    ch_pack(&packer, &start, sizeof start);
    assert_int_equal(ch_message_send(link, 1, &packer, NULL), CH_OK);
    ch_message_begin(&packer, CH_MESSAGE_JOBS);
    ch_pack_u64(&packer, 1);
    ch_pack_u64(&packer, 0);
    ch_sent_job_pack(&packer, &self->sent);
    if (self->state.size == 0) {
        ch_state_pack(&self->state, &(ch_run_state){.bytes = NULL});
    }
    ch_pack(&packer, self->state.bytes, self->state.size);
    assert_int_equal(ch_message_send(link, 1, &packer, NULL), CH_OK);
    ch_packer_free(&packer);
}

/* Takes a state, answers, and has the process stop where `stops` says so. */
static void take_state(parted_run *self, const ch_link *link, ch_unpacker *message, bool stops)
{
    ch_run_state state;
    ch_packer packer = {0};
    const double seconds = 1e-4;
    const bool is_awaited = ch_unpack_u64_within(message, 1) != 0;
    self->state.size = 0;
    ch_pack(&self->state, message->bytes + message->place, message->size - message->place);
    ch_state_unpack(message, &state);
    assert_false(message->failed);
    if (state.size == 0 || state.steps < self->steps) { /* a stop may come where the last state was written */
        fail_msg("a state at step %llu came after one at %llu", (unsigned long long)state.steps,
                 (unsigned long long)self->steps);
    }
    self->steps = state.steps;
    if (is_awaited) {
        ch_message_begin(&packer, CH_MESSAGE_KEPT);
        ch_pack(&packer, &seconds, sizeof seconds);
        assert_int_equal(ch_message_send(link, 1, &packer, NULL), CH_OK);
    }
    if (stops) {
        ch_message_begin(&packer, CH_MESSAGE_STOP);
        assert_int_equal(ch_message_send(link, 1, &packer, NULL), CH_OK);
    }
    ch_packer_free(&packer);
}

/* @return whether the process has told that it is done */
static bool take_report(parted_run *self, ch_unpacker *message)
{
    ch_report_head head;
    ch_unpack(message, &head, sizeof head);
    assert_null(ch_unpack_text(message));
    if (head.num_results > 0) {
        ch_error err = {0};
        assert_int_equal(ch_unpack_u64(message), 0);
        assert_int_equal(ch_unpack_u64(message), CH_OK);
        assert_int_equal(ch_run_unpack(message, &self->run, &err), CH_OK);
        self->is_done = true;
    }
    return head.is_done != 0;
}

/* Lets a new process go on with the run.
 * @param stops  whether it is stopped as soon as a state has arrived */
static void do_part(parted_run *self, bool stops)
{
    hub post_office;
    hub_init(&post_office);
    mailbox box = {&post_office, 0, false};
    const ch_link link = link_of(&box, 2, 2);
    follower_process other = {.box = {&post_office, 1, false}, .size = 2, .threads = 1};
    send_start(self, &link);
    assert_int_equal(pthread_create(&other.thread, NULL, follow, &other), 0);
    for (bool is_over = false; !is_over;) {
        int from = 0;
        ch_unpacker message = {.place = 0};
        void *bytes = NULL;
        assert_int_equal(link.receive(link.context, &from, &bytes, &message.size, NULL), CH_OK);
        message.bytes = bytes;
        const uint64_t kind = bytes != NULL ? ch_unpack_u64(&message) : 0;
        if (kind == CH_MESSAGE_STATE) {
            take_state(self, &link, &message, stops);
            stops = false;
        } else if (kind == CH_MESSAGE_REPORT) {
            is_over = take_report(self, &message);
        } else {
            ch_clock_sleep(0.0001);
        }
        free(bytes);
    }
    assert_int_equal(ch_ranks_dismiss(&link, NULL), CH_OK);
    assert_int_equal(pthread_join(other.thread, NULL), 0);
    assert_int_equal(other.code, CH_OK);
    hub_free(&post_office);
}

static parted_run begin_parted(const char *const *lines)
{
    parted_run self = {.steps = 0};
    ch_plan plan = make_plan(lines);
    ch_plan_get(&plan, 0, &self.settings);
    self.sent.resolved = resolve_settings(&self.settings);
    self.sent.group_samples = self.settings.train;
    self.sent.group_engine = self.sent.resolved.settings.engine;
    self.sent.job.num_samples = (uint32_t)self.settings.train;
    self.sent.job.dim = (uint32_t)self.settings.dim;
    ch_plan_free(&plan);
    return self;
}

/* Each part is done by a new process, which gets the last state that the one before had sent. */
static void test_a_run_in_parts_is_the_same(void **state)
{
    (void)state;
    static const char *const runs[][10] = {
        {"model perceptron", "dim 32", "train 4000", "temp 1", "alpha 100", "record 3", "engine fast"},
        {"model perceptron", "dim 32", "train 4000", "temp 1", "alpha 100", "record 3", "engine plain",
         "max_updates 30000"},
        {"model mlp", "dim 12", "train 80", "width 8", "depth 2", "temp 0.1", "alpha 10", "data stripe", "record 3"},
    };
    enum { PARTS = 4 };
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        ch_run whole;
        ch_error err = {0};
        parted_run parted = begin_parted(runs[i]);
        assert_int_equal(train_by_settings(&whole, &parted.settings, 1, NULL, &err), CH_OK);
        for (unsigned parts = 0, attempt = 1; !parted.is_done; parts++) {
            do_part(&parted, parts < PARTS);
            if (parted.is_done && parts == 0) { /* it was over before it heard that it is to stop */
                assert_true(attempt++ < 100);
                ch_run_free(&parted.run);
                ch_packer_free(&parted.state);
                parted = begin_parted(runs[i]);
                parts = UINT_MAX;
            }
        }
        parted.run.seconds = whole.seconds;
        assert_all_equal(&whole, &parted.run);
        ch_run_free(&whole);
        ch_run_free(&parted.run);
        ch_packer_free(&parted.state);
    }
}

/* The last states of runs that a budget ended are kept, whoever did them, and a larger budget goes on from there. */
static void test_larger_budgets_go_on(void **state)
{
    (void)state;
#define SIX "model perceptron", "dim 32", "train 4000", "temp 1", "alpha 100", "engine plain", "record 3", "seed 0..5"
    static const char *const smaller[] = {SIX, "max_updates 500", NULL};
    static const char *const larger[] = {SIX, "max_updates 2000", NULL};
    char whole[PATH_MAX];
    group_sweep group;
    begin_group(&group, 3, 1);
    group.checkpoint = 3600;
    sweep_by_group(&group, "s.db", smaller);
    assert_int_equal(group.code, CH_OK);
    assert_int_equal(group.counts.budget, 6);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM checkpoints WHERE updates = 500"), 6);
    begin_group(&group, 3, 1);
    sweep_by_group(&group, "s.db", larger);
    assert_int_equal(group.code, CH_OK);
    assert_int_equal(group.counts.resumed, 6);
    assert_int_equal(group.counts.continued, 6);
    sweep("whole.db", smaller, 1);
    sweep("whole.db", larger, 1);
    snprintf(whole, sizeof whole, "%s", path_of("whole.db"));
    assert_same_content(path_of("s.db"), whole);
}

/* A link that breaks ends both sides: process 0 keeps what it has. */
static void test_a_broken_link_ends_the_sweep(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron", "dim 16", "train 256", "temp 1", "seed 0..49", NULL};
    group_sweep group;
    begin_group(&group, 2, 1);
    group.others[1].box.fails = true;
    group.box.fails = true;
    sweep_by_group(&group, "s.db", lines);
    assert_int_equal(group.code, CH_ERROR_IO);
    assert_non_null(strstr(group.err.message, "the link is broken"));
    assert_int_equal(group.others[1].code, CH_ERROR_IO);
}

int main(void)
{
    /* suites: thread */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_survive_packing),
        cmocka_unit_test(test_settings_keep_the_names_of_files),
        cmocka_unit_test(test_each_job_is_handed_out_once),
        cmocka_unit_test(test_one_process_takes_the_list),
        STORE_TEST(test_the_content_is_that_of_one_process),
        STORE_TEST(test_a_stop_ends_all),
        STORE_TEST(test_a_full_store_ends_all),
        STORE_TEST(test_another_file_is_refused),
        cmocka_unit_test(test_a_run_in_parts_is_the_same),
        STORE_TEST(test_larger_budgets_go_on),
        STORE_TEST(test_a_broken_link_ends_the_sweep),
    };
    return cmocka_run_group_tests_name("ranks", tests, NULL, NULL);
}
