/* dispatch.h — which job of a sweep's list begins next on each of the processes that share it. Private to sim/sweep/.
 *
 * A process goes on with the jobs of the group it is at, whose data set it has. When none of them is left it goes to
 * the next group of the list that no process has begun, so that the longest runs begin first. When every group has been
 * begun it helps with the one that has most expected work left. A single process thus takes the list as it stands. A
 * group that another program works on, on the same store, counts as begun, and is left at once while others are not.
 *
 * It has no lock: the caller makes sure that one thread at a time uses it. */
#ifndef CH_DISPATCH_H
#define CH_DISPATCH_H

#include "sim/sweep/sweep_private.h"

typedef struct {
    ch_sweep *sweep;     /* borrowed */
    size_t num_untaken;  /* jobs that have not begun */
    double cost_untaken; /* their expected operations */
    size_t *
        places; /* [num_processes] the job in the list at which each process is; num_jobs: at none; owned, or `place` */
    size_t num_processes;
    size_t place;            /* that of a single process */
    size_t first_unbegun;    /* every group before this one has been begun by some process */
    size_t first_unfinished; /* every group before this one has no job left */
} ch_dispatch;

/** A dispatch stays where it is: it may point to itself.
 *  @return CH_OK; CH_ERROR_MEMORY, with several processes alone */
ch_code ch_dispatch_init(ch_dispatch *self, ch_sweep *sweep, size_t num_processes, ch_error *err) CH_MUST_CHECK;
void ch_dispatch_free(ch_dispatch *self);

/** The job that begins next on a process; it stays the same until that job or the process's place changes.
 *  @return borrowed from the sweep; NULL where none is left */
ch_sweep_job *ch_dispatch_next(ch_dispatch *self, size_t process);

/** Notes that a job begins. It was the next one of some process. */
void ch_dispatch_take(ch_dispatch *self, ch_sweep_job *job);

/** Notes that another program works on a group. */
void ch_dispatch_avoid(ch_dispatch *self, ch_sweep_group *group);

/** Puts a job back that had begun, and that is to begin again. */
void ch_dispatch_put_back(ch_dispatch *self, ch_sweep_job *job);

#endif
