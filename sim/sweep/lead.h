/* lead.h — process 0 of those that share a sweep: hands out jobs to the others and files what they report. Private to
 * sim/sweep/.
 *
 * A thread of its own does this beside the crew, whose runs it files too. */
#ifndef CH_LEAD_H
#define CH_LEAD_H

#include "sim/sweep/ledger.h"
#include "sim/sweep/message.h"

typedef struct {
    const ch_link *link; /* borrowed, as are the ledger and the crew */
    ch_ledger *ledger;
    ch_crew *crew;
    ch_message_thread thread;
    ch_packer packer;
    int num_working;       /* processes that have not reported that they are done */
    bool is_stopped;       /* the others were told to stop */
    ch_filed_job *arrived; /* [num_arrived] what the thread is to file next; owned */
    size_t num_arrived, arrived_capacity;

    omp_lock_t lock; /* guards the member below */
    bool crew_is_done;
} ch_lead;

/** The most runs that a process with so many threads does at once. */
size_t ch_lead_num_workers(const ch_link *link, const ch_sweep *sweep, int threads);

/** Tells the other processes that a sweep begins, and starts the thread.
 *  @param self  out: end with ch_lead_finish, also after a failure
 *  @return CH_OK; CH_ERROR_MEMORY; CH_ERROR_IO where a process cannot be reached */
ch_code ch_lead_begin(ch_lead *self, const ch_link *link, ch_ledger *ledger, ch_crew *crew,
                      ch_error *err) CH_MUST_CHECK;

/** Waits until all processes are done and everything is filed. The crew has ended. */
void ch_lead_finish(ch_lead *self);

#endif
