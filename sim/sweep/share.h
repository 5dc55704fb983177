/* share.h — which runs of a sweep are this program's to make, where several make them on one store. Private to
 * sim/sweep/.
 *
 * Runs are claimed in the order of the list, as many at once as take about a fifth of a second: claiming costs little
 * beside the runs then, and few runs are left to wait for in the end. What others have claimed is asked for again until
 * it is in the store, or can be claimed because its claimer has ended. */
#ifndef CH_SHARE_H
#define CH_SHARE_H

#include "sim/store/claims.h"
#include "sim/sweep/sweep_private.h"

/** Who makes the run of a job. */
typedef enum {
    CH_SHARE_OPEN,      /* nobody has claimed it, as far as is known */
    CH_SHARE_MINE,      /* this program has claimed it, is making it, or has made it */
    CH_SHARE_ELSEWHERE, /* another program has claimed it */
    CH_SHARE_DONE,      /* it is in the store, or one whose id begins with the same digits */
} ch_share_state;

/** It has no lock: what guards the store guards it too. */
typedef struct {
    ch_sweep *sweep; /* borrowed */
    ch_claims claims;
    /* From what has ended since the last claim follows how many runs are claimed at once. */
    double since;
    size_t num_ended;
    double cost_ended;
    double beaten;          /* time of the last sign of life that was not a claim */
    ch_sweep_job **waiting; /* [num_waiting] jobs that are made elsewhere, and that are waited for; owned */
    size_t num_waiting, waiting_capacity;
    uint64_t *stored; /* [num_stored] first 64 bits of the ids of runs in the store whose claims are left; owned */
    size_t num_stored, stored_capacity;
} ch_share;

/** Joins the workers of a store.
 *  @param self  out: free with ch_share_free, also after a failure
 *  @return as ch_claims_join */
ch_code ch_share_init(ch_share *self, ch_sweep *sweep, ch_store *store, ch_error *err) CH_MUST_CHECK;
/** Ends the claims of this program. Idempotent. */
void ch_share_free(ch_share *self);

/** Claims the run of a job that is to begin, and some that follow it in the list.
 *  @param state  out: not CH_SHARE_OPEN
 *  @return as ch_claims_join */
ch_code ch_share_ask(ch_share *self, ch_sweep_job *job, ch_share_state *state, ch_error *err) CH_MUST_CHECK;

/** Notes that a run of this program has ended.
 *  @param is_put  whether it is put into the store before others are claimed. Its claim is deleted then; a run that has
 *                 failed keeps its claim, so that no other program tries it too. */
void ch_share_note_end(ch_share *self, const ch_sweep_job *job, bool is_put);

/** Waits for a job that is made elsewhere.  @return CH_OK; CH_ERROR_MEMORY */
ch_code ch_share_wait_for(ch_share *self, ch_sweep_job *job, ch_error *err) CH_MUST_CHECK;

/** Asks again for the jobs that are waited for. Those that nobody else is making now are waited for no longer.
 *  @param ended  out: [num_waiting] those jobs
 *  @param count  out: how many they are
 *  @return as ch_share_ask */
ch_code ch_share_ask_again(ch_share *self, ch_sweep_job **ended, size_t *count, ch_error *err) CH_MUST_CHECK;

/** Whether it is time for a sign of life. One thread alone asks this, and gives it. */
bool ch_share_is_to_beat(const ch_share *self);
/** Gives a sign of life. A failure is not reported, since putting runs into the store fails for the same reason. */
void ch_share_beat(ch_share *self);

/** Seconds to wait before ch_share_is_to_beat is called again, and ch_share_ask_again. */
double ch_share_pause(const ch_share *self);

#endif
