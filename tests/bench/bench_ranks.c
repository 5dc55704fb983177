/* bench_ranks.c — what process 0 of a shared sweep takes for a run of another process and for a message, in processor
 * time of the thread that handles messages: it bounds how many processes one store can serve. */
#include "bench.h"

#include "core/clock.h"
#include "sim/run_pack.h"
#include "sim/sweep/message.h"
#include "sim/sweep/sweep.h"

#include <string.h>
#include <unistd.h>

/* A link of process 0 to a worker that does nothing but to send the same run back for every job. */
typedef struct {
    const ch_run *run;
    uint64_t a_report;  /* runs that are asked for, and reported, at once */
    ch_packer reply;    /* what the worker says next; empty: nothing */
    double first, last; /* processor time of the calling thread when it first and last asked for messages */
    uint64_t num_messages, num_runs;
} echo;

static double thread_time(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Begins what the worker says next. */
static void begin_reply(echo *self, uint64_t num_results, bool is_done)
{
    const ch_report_head head = {
        .asks = !is_done, .num_idle = is_done ? 0 : self->a_report, .is_done = is_done, .num_results = num_results};
    ch_message_begin(&self->reply, CH_MESSAGE_REPORT);
    ch_pack(&self->reply, &head, sizeof head);
    ch_pack_text(&self->reply, NULL);
}

static ch_code hear(void *context, int to, const void *bytes, size_t size, ch_error *err)
{
    echo *self = context;
    ch_unpacker message = {.bytes = bytes, .size = size};
    const uint64_t kind = ch_unpack_u64(&message);
    (void)to, (void)err;
    if (kind == CH_MESSAGE_START) {
        begin_reply(self, 0, false);
    } else if (kind == CH_MESSAGE_JOBS) {
        const uint64_t count = ch_unpack_u64(&message), more = ch_unpack_u64(&message);
        begin_reply(self, count, more == 0);
        for (uint64_t i = 0; i < count; i++) {
            ch_sent_job job;
            ch_run run = *self->run;
            ch_sent_job_unpack(&message, &job);
            run.resolved = job.resolved;
            ch_pack_u64(&self->reply, job.place);
            ch_pack_u64(&self->reply, CH_OK);
            ch_run_pack(&self->reply, &run);
        }
        self->num_runs += count;
    }
    self->num_messages++;
    return CH_OK;
}

static ch_code tell(void *context, int *from, void **bytes, size_t *size, ch_error *err)
{
    echo *self = context;
    (void)err;
    self->last = thread_time();
    self->first = self->first > 0 ? self->first : self->last;
    *from = 1;
    *size = self->reply.size;
    *bytes = self->reply.size > 0 ? self->reply.bytes : NULL;
    if (*bytes != NULL) {
        memset(&self->reply, 0, sizeof self->reply);
    }
    return CH_OK;
}

/* Microseconds of process 0 for a run, with so many runs in a report. What the worker of this bench does is part of it.
 */
static double time_sharing(const ch_plan *plan, const ch_run *run, uint64_t a_report)
{
    char path[CH_BENCH_PATH];
    echo worker = {.run = run, .a_report = a_report};
    const ch_link link = {0, 2, 2, &worker, hear, tell};
    ch_error err = {0};
    ch_store store;
    ch_sweep sweep;
    bench_temporary(path, ".db");
    must(ch_store_open(&store, path, CH_STORE_WRITE, &err), &err);
    must(ch_sweep_init(&sweep, plan, &store, &err), &err);
    sweep.link = &link;
    must(ch_sweep_run(&sweep, &store, 1, NULL, &err), &err);
    const double seconds = (worker.last - worker.first) / (double)sweep.num_jobs;
    ch_sweep_free(&sweep);
    ch_store_close(&store);
    unlink(path);
    ch_packer_free(&worker.reply);
    return 1e6 * seconds;
}

void bench_ranks(void)
{
    static const uint64_t reports[] = {1, 16, 256};
    enum { REPEATS = 5 };
    ch_error err = {0};
    ch_plan plan;
    ch_settings settings;
    ch_resolved resolved;
    ch_run run;
    size_t seed_batch = 0;
    ch_plan_init(&plan);
    must(ch_plan_set(&plan, CH_SETTING_MODEL, "perceptron", &err), &err);
    must(ch_plan_set(&plan, CH_SETTING_DIM, "8", &err), &err);
    must(ch_plan_set(&plan, CH_SETTING_TRAIN, "8", &err), &err);
    must(ch_plan_set(&plan, CH_SETTING_TEMP, "1", &err), &err);
    must(ch_plan_set(&plan, CH_SETTING_SEED_DATA, "1", &err), &err);
    must(ch_settings_find("seed_batch", &seed_batch, &err), &err);
    must(ch_plan_set(&plan, seed_batch, "0..19999", &err), &err);
    ch_plan_get(&plan, 0, &settings);
    must(ch_settings_resolve(&settings, &resolved, &err), &err);
    must(ch_train_alone(&run, &resolved, NULL, 1, NULL, &err), &err);
    page_say(
        "Process 0 of a sweep that several processes share, 20,000 short runs, in its processor time (at least 20,000 "
        "runs a second).");
    page_table("runs in a report | µs a run | runs/s");
    for (size_t k = 0; k < sizeof reports / sizeof *reports; k++) {
        double us[REPEATS];
        for (size_t i = 0; i < REPEATS; i++) {
            us[i] = time_sharing(&plan, &run, reports[k]);
        }
        const double typical = median(us, REPEATS);
        page_row("%d | %.1f | %.0f", (int)reports[k], typical, 1e6 / typical);
    }
    ch_run_free(&run);
    ch_plan_free(&plan);
}
