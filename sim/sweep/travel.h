/* travel.h — the states of runs on a process that has no store: those that came with jobs, and those that are to go to
 * process 0, which keeps them. Private to sim/sweep/.
 *
 * A run that is under way has at most one state that waits to be sent: a newer one takes its place. Process 0 answers
 * every state with the time that keeping it took, and gets the next one so much later that the states of all processes
 * take it a tenth of its time. The last state of a run that has ended, or was stopped, goes at once. */
#ifndef CH_TRAVEL_H
#define CH_TRAVEL_H

#include "sim/run_state.h"
#include "sim/sweep/message.h"

#include <omp.h>

typedef struct ch_travelling_state ch_travelling_state;

typedef struct {
    const ch_link *link;                              /* borrowed */
    void (*say)(void *context, const char *sentence); /* tells the user a sentence */
    void *context;                                    /* of `say`; borrowed */

    omp_lock_t lock;              /* guards the members below */
    ch_travelling_state *given;   /* states that came with jobs whose runs have not begun; owned */
    ch_travelling_state *waiting; /* states to be sent, in their order; owned */
    bool is_told;                 /* whether it was told that a state could not be kept */

    /* The thread that handles messages has these. */
    bool is_awaited; /* process 0 has a state of a run under way, and has not answered */
    double due;      /* when it gets the next one */
    ch_packer packer;
} ch_travel;

void ch_travel_init(ch_travel *self, const ch_link *link, void (*say)(void *context, const char *sentence),
                    void *context);
void ch_travel_free(ch_travel *self);

/** @param interval  seconds from one state of a run to the next; 0: none is sent
 *  @return what a training is given; it borrows `self` */
ch_run_states ch_travel_states(ch_travel *self, double interval);

/** Keeps a state that came with a job until its run begins.
 *  @param resolved  settings of the job
 *  @param state     its bytes are copied
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_travel_give(ch_travel *self, const ch_resolved *resolved, const ch_run_state *state,
                       ch_error *err) CH_MUST_CHECK;

/** Notes that a run has ended: the state of it that waits is sent at once, or not at all.
 *  @param is_needed  whether the run may still go on from it */
void ch_travel_end_run(ch_travel *self, const ch_resolved *resolved, bool is_needed);

/** Notes that process 0 has kept the last state of a run under way within so many seconds. */
void ch_travel_note_answer(ch_travel *self, double seconds);

/** Sends what is due.
 *  @param was_news  set where something was sent  @return as ch_message_send */
ch_code ch_travel_send(ch_travel *self, bool *was_news, ch_error *err) CH_MUST_CHECK;

/** Whether no state waits to be sent. */
bool ch_travel_is_empty(ch_travel *self);

#endif
