/* message.h — the messages between the processes that share a sweep. Private to sim/sweep/.
 *
 * Process 0 hands out jobs with their settings; the others need neither the plan nor the store. They report what came
 * of their jobs and ask for more in one message, and process 0 answers every such question with one. */
#ifndef CH_MESSAGE_H
#define CH_MESSAGE_H

#include "core/pack.h"
#include "sim/run_state.h"
#include "sim/sweep/link.h"
#include "sim/sweep/sweep_private.h"

#include <pthread.h>

/** The kinds of messages, which each begins with. */
enum {
    CH_MESSAGE_START = 1, /* a sweep begins: from process 0 */
    CH_MESSAGE_JOBS,      /* jobs to do: the answer of process 0 to a report that asks */
    CH_MESSAGE_STOP,      /* runs under way are to end: from process 0 */
    CH_MESSAGE_BYE,       /* no further sweep comes: from process 0 */
    CH_MESSAGE_REPORT,    /* to process 0 */
    CH_MESSAGE_STATE,     /* the state of a run under way, to be kept: to process 0 */
    CH_MESSAGE_KEPT,      /* the answer of process 0 to such a state: the seconds that it took */
};

/** Bytes of a state that can be sent. A store does not take more either. */
enum { CH_MESSAGE_MOST_STATE = 1000000000 };

/** CH_MESSAGE_START. */
typedef struct {
    uint64_t num_groups;
    uint64_t threads_a_run; /* equal share of all threads for one run */
    double report_seconds;  /* how long what has ended may wait for other runs to be reported together */
    double checkpoint;      /* seconds after which the state of a run under way is sent, again and again; 0: never */
} ch_start_message;

/** A job of another process: the job itself, with what its group's data set must provide. */
typedef struct {
    uint64_t place; /* in the list of process 0 */
    ch_sweep_job job;
    ch_resolved resolved;
    uint64_t group_samples, group_engine, group_is_kernel, set_bytes; /* as of ch_sweep_group */
} ch_sent_job;

/** The head of CH_MESSAGE_REPORT. What came of jobs follows: for each its place, its code, and the run or a sentence.
 */
typedef struct {
    uint64_t asks;     /* whether jobs are asked for */
    uint64_t num_idle; /* number of jobs asked for whose runs can begin at once */
    uint64_t num_more; /* number of jobs asked for in addition, to begin later without another question */
    uint64_t is_done;  /* all jobs have ended, and no more are asked for */
    uint64_t stops;    /* the process was asked to stop */
    uint64_t num_results;
} ch_report_head;

void ch_message_begin(ch_packer *packer, uint64_t kind);

void ch_sent_job_pack(ch_packer *packer, const ch_sent_job *job);
/** @param job  out: names of files are borrowed from the bytes */
void ch_sent_job_unpack(ch_unpacker *unpacker, ch_sent_job *job);

/** In CH_MESSAGE_JOBS the state from which its run goes on follows every job, in CH_MESSAGE_STATE a number that says
 *  whether process 0 is to answer comes before the state.
 *  @param state  of 0 bytes: none */
void ch_state_pack(ch_packer *packer, const ch_run_state *state);
/** @param state  out: its size, but not its bytes
 *  @return where the bytes begin in those that are read */
size_t ch_state_unpack(ch_unpacker *unpacker, ch_run_state *state);

/** Sends what was packed, and empties the packer for the next message.
 *  @return as ch_link; CH_ERROR_MEMORY where the packer failed */
ch_code ch_message_send(const ch_link *link, int to, ch_packer *packer, ch_error *err) CH_MUST_CHECK;

/** A thread that handles messages. */
typedef struct ch_message_thread {
    pthread_t thread;
    bool runs;
} ch_message_thread;

/** Begins a thread that gets no signals, which go to the threads that were there before.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_message_thread_begin(ch_message_thread *self, void *(*work)(void *), void *context,
                                ch_error *err) CH_MUST_CHECK;
/** Waits until it has ended. Idempotent. */
void ch_message_thread_join(ch_message_thread *self);

/** Sleeps between two looks for messages: the longer, the longer there were none.
 *  @param pause  seconds of the last sleep, which the caller sets to 0 when there was a message */
void ch_message_pause(double *pause);

#endif
