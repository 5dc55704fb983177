/* crew.h — the threads of one process, which do the runs of a sweep. Private to sim/sweep/.
 *
 * A crew begins a job as soon as the run and its data set fit the memory beside the runs under way. It makes the data
 * sets, keeps each until the last of its runs has ended, and reports the end of every job. Jobs come from its source,
 * and runs go there: to the list and the store of this process, or to another process. */
#ifndef CH_CREW_H
#define CH_CREW_H

#include "sim/sweep/sweep_private.h"

/** How a job ended. */
typedef struct {
    ch_code code; /* the failure of the run, whose sentence is in `err` */
    ch_error err;
    bool is_there; /* the store had the run before it began */
} ch_job_end;

/** Where the jobs of a crew come from, and where its runs go. The first argument of each function is `context`. */
typedef struct {
    void *context; /* borrowed */
    /** The job that begins next. The crew's lock is held.
     *  @param ended  out, where there is none: whether none will come later either
     *  @return NULL where there is none now */
    ch_sweep_job *(*next)(void *context, bool *ended);
    /** Notes that this job begins. The crew's lock is held. */
    void (*take)(void *context, ch_sweep_job *job);
    /** Finds a job of the group that comes after the job's own, in order to make its data set ahead. No lock is held.
     *  @param group  out: its number  @return false where there is none */
    bool (*following)(void *context, const ch_sweep_job *job, uint32_t *group, ch_resolved *resolved);
    /** Completes the settings of a job, and asks whether the store has its run by now. No lock is held. */
    ch_code (*resolve)(void *context, const ch_sweep_job *job, ch_resolved *resolved, bool *is_there, ch_error *err);
    /** Takes what came of a job. No lock is held.
     *  @param run  of a job that ended well; what the function does not take over it leaves to the caller to free */
    void (*end)(void *context, ch_sweep_job *job, ch_run *run, ch_job_end *end);
    /** Tells the user a sentence. No lock is held. */
    void (*say)(void *context, const char *sentence);
} ch_crew_source;

typedef struct {
    ch_crew_source source;
    ch_sweep_group *groups;      /* by their number; borrowed */
    ch_memory_account *memory;   /* borrowed; guarded by `lock` */
    ch_sources *sources;         /* borrowed */
    ch_stop *stop;               /* ends the runs under way; borrowed */
    const ch_run_states *states; /* where the states of runs under way are kept; NULL: nowhere; borrowed */
    size_t workers;              /* most runs that are under way at once */
    int threads;                 /* threads of the whole crew */
    int share;                   /* equal share of threads for one run */
    size_t most_run_bytes;       /* bytes that the largest run takes beside its data set */
    omp_lock_t lock;  /* guards the members below, the memory account and what sweep_private.h says of groups */
    int idle;         /* threads that no run uses now */
    int most_threads; /* the largest number of threads that one run was given */
    bool told;        /* whether the user was told that a run waits for memory */
} ch_crew;

/** Prepares a crew. The caller has set the members before `workers`, and sets `most_run_bytes`.
 *  @param threads  >= 1
 *  @param workers  1 to `threads` */
void ch_crew_init(ch_crew *self, int threads, size_t workers);
void ch_crew_free(ch_crew *self);

/** Does jobs until the source has ended, or the stop flag is raised. */
void ch_crew_work(ch_crew *self);

/** Does one job on all threads when no other is under way. Its bytes are reserved whatever the budget says. */
void ch_crew_do_alone(ch_crew *self, ch_sweep_job *job);

/** Ends the need for a group's data set of one job, and of the memory reserved for it with the last. The lock is held.
 *  @return the set, to be freed by ch_crew_free_set once the lock is not held; NULL where it is still needed */
ch_train_set *ch_crew_release(ch_crew *self, ch_sweep_group *group);
/** @param set  may be NULL */
void ch_crew_free_set(ch_train_set *set);

/** Gives up a job of a group that this process was to do, or holds its set for: its set is freed with the last of them.
 */
void ch_crew_leave_group(ch_crew *self, ch_sweep_group *group);

/** Bytes of data set that a job has to reserve: none where another job has reserved them. The lock is held. */
size_t ch_crew_set_bytes(const ch_crew *self, const ch_sweep_job *job);

/** Makes the job's data set if it is not there yet. Where another thread is making it, this thread meanwhile makes that
 *  of the following group. The set stays until ch_crew_leave_group is called for the job.
 *  @param set  out: borrowed; NULL where the run needs none
 *  @return as ch_train_set_init */
ch_code ch_crew_find_set(ch_crew *self, const ch_sweep_job *job, const ch_resolved *resolved, int threads,
                         const ch_train_set **set, ch_error *err) CH_MUST_CHECK;

#endif
