/* ledger.h — the list of a sweep's jobs with the store that their runs go to: which are handed out, which are done.
 * Private to sim/sweep/.
 *
 * There is one ledger to a sweep, on the process that has the store. Its own crew takes jobs from it, and so do the
 * other processes that share the sweep, where there are any. */
#ifndef CH_LEDGER_H
#define CH_LEDGER_H

#include "sim/sweep/crew.h"
#include "sim/sweep/dispatch.h"

typedef struct {
    ch_sweep *sweep; /* borrowed, as is the store */
    ch_store *store;
    ch_watch watch; /* the caller's, with a stop flag that is never NULL: a failure raises it */

    /* The crew's lock guards these members. */
    ch_dispatch dispatch;
    uint64_t turns; /* how often the sweep went on elsewhere */
    int tries;      /* how often it may still do so until it finds a run that is not there yet */

    omp_lock_t filing; /* guards the store and the members below; a thread does not hold the crew's lock with it */
    size_t done;       /* runs that have ended and are in the store */
    double cost_done;  /* expected operations of these runs */
    ch_error lack;     /* why the first run that lacked memory alone could not be done */
    ch_code code;      /* the first failure, whose sentence is in `err` */
    ch_error *err;     /* the caller's; may be NULL */
} ch_ledger;

/** A job that has ended, to be filed. */
typedef struct {
    ch_sweep_job *job;
    ch_run run;
    ch_job_end end;
    bool twice; /* the store had the run already when it was filed, from another program */
} ch_filed_job;

/** @param watch  as ch_sweep_run; its stop flag is not NULL
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_ledger_init(ch_ledger *self, ch_sweep *sweep, ch_store *store, size_t num_processes, const ch_watch *watch,
                       ch_error *err) CH_MUST_CHECK;
void ch_ledger_free(ch_ledger *self);

/** Completes the settings of a job, and asks whether the store has its run by now: another program may have put it in.
 *  @return as ch_sweep_resolve and ch_store_has */
ch_code ch_ledger_resolve(ch_ledger *self, const ch_sweep_job *job, ch_resolved *resolved, bool *is_there,
                          ch_error *err) CH_MUST_CHECK;

/** Files what came of jobs: puts runs that have ended into the store, all in one transaction; postpones those that
 *  lacked memory. Any other failure ends the sweep.
 *  @param jobs  [count] `twice` is set */
void ch_ledger_file(ch_ledger *self, ch_filed_job *jobs, size_t count);

/** Ends the sweep because of a failure. The sweep reports the first one. */
void ch_ledger_fail(ch_ledger *self, ch_code code, const ch_error *failure);

/** Goes on elsewhere in the list where another program did the same run at the same time. */
void ch_ledger_note_end(ch_ledger *self, ch_crew *crew, bool is_there, bool twice);

/** Tells the watch a sentence. */
void ch_ledger_say(ch_ledger *self, const char *sentence);

/** How the sweep ended, when no run is under way.  @return as ch_sweep_run */
ch_code ch_ledger_conclude(ch_ledger *self, ch_error *err) CH_MUST_CHECK;

#endif
