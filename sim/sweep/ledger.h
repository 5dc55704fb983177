/* ledger.h — the list of a sweep's jobs with the store that their runs go to: which are handed out, which are done.
 * Private to sim/sweep/.
 *
 * There is one ledger to a sweep, on the process that has the store. Its own crew takes jobs from it, and so do the
 * other processes that share the sweep, where there are any. */
#ifndef CH_LEDGER_H
#define CH_LEDGER_H

#include "sim/store/reuse.h"
#include "sim/store/states.h"
#include "sim/sweep/crew.h"
#include "sim/sweep/dispatch.h"
#include "sim/sweep/share.h"

#include <pthread.h>

typedef struct {
    ch_sweep *sweep; /* borrowed, as is the store */
    ch_store *store;
    ch_watch watch; /* the caller's, with a stop flag that is never NULL: a failure raises it */

    /* The crew's lock guards these members. */
    ch_dispatch dispatch;
    size_t num_waiting; /* jobs that had begun, and that another program has claimed: they may begin again */

    /* What came of jobs, until somebody files it. */
    pthread_mutex_t putting;  /* guards the next members; a thread takes no other lock while it holds this one */
    struct ch_filed_job *put; /* [num_put]; owned */
    size_t num_put, put_capacity;
    _Atomic bool is_led; /* whether a thread files it that does nothing else (lead.h); set before the first job ends */

    pthread_mutex_t filing; /* guards the store and the members below; a thread does not hold the crew's lock with it */
    ch_share share;
    ch_kin_variants variants;
    ch_state_place states;
    size_t done;      /* runs that have ended and are in the store */
    double cost_done; /* expected operations of these runs */
    ch_error lack;    /* why the first run that lacked memory alone could not be done */
    ch_code code;     /* the first failure, whose sentence is in `err` */
    ch_error *err;    /* the caller's; may be NULL */

    /* A thread that keeps this program's claims, and asks for what others have claimed. */
    pthread_t keeper;
    bool has_keeper;
    int ends[2];           /* of a pipe, which is closed to end the thread; -1: not open */
    omp_lock_t *crew_lock; /* borrowed */
} ch_ledger;

/** A job that has ended, to be filed. */
typedef struct ch_filed_job {
    ch_sweep_job *job;
    ch_run run;
    ch_job_end end;
    bool twice; /* the store had the run already when it was filed, from another program */
} ch_filed_job;

/** Begins to share the store with other programs.
 *  @param watch  as ch_sweep_run; its stop flag is not NULL
 *  @return CH_OK, CH_ERROR_MEMORY; CH_ERROR_IO */
ch_code ch_ledger_init(ch_ledger *self, ch_sweep *sweep, ch_store *store, size_t num_processes, const ch_watch *watch,
                       ch_error *err) CH_MUST_CHECK;
void ch_ledger_free(ch_ledger *self);

/** Begins a thread that keeps the claims of this program until the sweep is concluded. Where it cannot begin, the sweep
 *  ends with that failure.
 *  @param crew  whose lock guards the dispatch; borrowed */
void ch_ledger_keep(ch_ledger *self, ch_crew *crew);

/** Whether no job will come any more when none is left to begin now. The crew's lock is held. */
bool ch_ledger_has_ended(const ch_ledger *self);

/** Completes the settings of a job, and claims its run. Another program may have put the run into the store, or may be
 *  making it: either way the job ends, and is filed as one that is there. In the second case it may begin again.
 *  @param is_there  out: the run is not to be made
 *  @return as ch_sweep_resolve and ch_store_has */
ch_code ch_ledger_resolve(ch_ledger *self, const ch_sweep_job *job, ch_resolved *resolved, bool *is_there,
                          ch_error *err) CH_MUST_CHECK;

/** Files what came of jobs: puts runs that have ended into the store, all in one transaction; postpones those that
 *  lacked memory. Any other failure ends the sweep, or is kept in the store where the sweep goes on.
 *  @param jobs  [count] `twice` is set */
void ch_ledger_file(ch_ledger *self, ch_filed_job *jobs, size_t count);

/** The most jobs whose runs have ended and are not in the store yet, beside those that are put there just now. */
enum { CH_LEDGER_MOST_PUT = 16 };

/** Takes what came of a job, to be filed soon, and together with what came of others. Where CH_LEDGER_MOST_PUT wait to
 *  be filed it files these first: no crew runs away from the store.
 *  @param run  taken over, and empty afterwards; the caller frees what is left in it */
void ch_ledger_put(ch_ledger *self, ch_sweep_job *job, ch_run *run, const ch_job_end *end);

/** Files what was put so far. Where another thread uses the store, that thread does it before it leaves the store: this
 *  one goes on to its next job, unless it is to wait.
 *  @param waits  whether all that was put before is filed when this function returns
 *  @return whether something was filed */
bool ch_ledger_file_put(ch_ledger *self, bool waits);

/** Ends the sweep because of a failure. The sweep reports the first one. */
void ch_ledger_fail(ch_ledger *self, ch_code code, const ch_error *failure);

/** Passes a sentence to the watch. */
void ch_ledger_say(ch_ledger *self, const char *sentence);

/** How the sweep ended, when no run is under way.  @return as ch_sweep_run */
ch_code ch_ledger_conclude(ch_ledger *self, ch_error *err) CH_MUST_CHECK;

#endif
