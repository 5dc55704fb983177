/* sweep.h — does many runs on all cores and puts them into a store. */
#ifndef CH_SWEEP_H
#define CH_SWEEP_H

#include "sim/store/store.h"
#include "sim/sweep/plan.h"

/** The number of runs of a sweep by their outcome. */
typedef struct {
    size_t total;    /* runs of the plan or of its part, without those that are left out */
    size_t left_out; /* combinations that cannot be run */
    size_t present;  /* runs that were in the store already */
    size_t repeated; /* runs of the plan that are the same as another that is to be done, such as batch = P and full */
    size_t fitted, budget, diverged, stuck; /* runs that were done now, by their status */
    size_t elsewhere;     /* runs among the present ones that another program put into the store meanwhile */
    size_t reused;        /* runs that were copied from those that the store has with another budget or trajectory */
    size_t resumed;       /* runs that went on from a state that was kept, of them or of a run with other budgets */
    size_t continued;     /* those of them that went on from that of a run with other budgets */
    size_t failed;        /* runs that failed now, where that does not end the sweep */
    size_t failed_before; /* runs that the store has as failed, and that are not made again */
    size_t lacked_memory; /* runs for which memory was lacking even while no other run was under way */
    double seconds;       /* wall-clock time of the sweep */
    int most_threads;     /* the largest number of threads that one run was given */
} ch_sweep_counts;

/** The runs of a plan that a store lacks, in the order in which they are to be done. */
typedef struct ch_sweep_job ch_sweep_job;
typedef struct ch_sweep_group ch_sweep_group;
typedef struct {
    const ch_plan *plan; /* borrowed */
    ch_sweep_job *jobs;  /* [num_jobs] the runs to do; owned */
    size_t num_jobs, jobs_capacity;
    ch_sweep_group *groups; /* [num_groups] groups of runs that share a data set; owned */
    size_t num_groups;
    struct ch_sources *sources;       /* images read for the plan's settings; owned */
    struct ch_memory_account *memory; /* what the runs under way take; owned */
    uint64_t *part_runs;              /* [num_part_runs] the runs of the plan's part, ascending; NULL: all; owned */
    size_t num_part_runs;
    double part_share;          /* of the expected cost of all runs; 1 where there are no parts */
    double cost;                /* operations that all jobs are expected to take */
    double weight;              /* runs that a job stands for: 1, unless the jobs are a sample of the runs */
    struct ch_census *census;   /* what is left out, by reason; owned */
    struct ch_census *failures; /* runs that failed, by reason; owned */
    bool has_failures;          /* whether the store has any runs that failed */
    ch_sweep_counts counts;
    /* What the caller may set before ch_sweep_run. */
    const char *kernel_folder;  /* where kernels of twins are read and kept; NULL: nowhere. Borrowed */
    size_t memory_budget;       /* bytes that runs at once may take; 0: nine tenths of what is available then */
    const struct ch_link *link; /* processes that share the sweep, of which this one is process 0; NULL: there are no
                                   others. Borrowed */
    double claim_seconds;       /* for which the claims of a program hold that gives no sign of life; 0: a minute */
    bool goes_on;      /* whether a run that fails is kept as a failure while the others go on; otherwise it ends the
                           sweep */
    double checkpoint; /* seconds after which the state of a run under way is kept in the store, again and again,
                           and at a stop, and at the end of a budget; 0: none is kept */
} ch_sweep;

/** Checks the runs of a plan, and that there are the images that they need. Reads the images, as ch_sweep_init does
 *  once more, so that a sweep can be refused before its store is made.
 *  @return CH_OK; CH_ERROR_INPUT for the first run that cannot be done, for image files that are missing or damaged, or
 *      where a plan leaves such runs out and none is left; CH_ERROR_IO; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED by the
 *      plan's flag */
ch_code ch_sweep_check(const ch_plan *plan, ch_error *err) CH_MUST_CHECK;

/** Lists the runs that the store lacks and orders them. Where the plan names a part, all but the runs of that part are
 *  left aside. What part a run is in follows from the plan alone: every run is in exactly one, and all parts have about
 *  the same expected cost, runs that share a data set being kept together where that is possible. Runs that share a
 *  data set form a group. Groups are ordered by the expected cost of their longest run, and the runs of a group by
 *  their own cost, longest first. In this order few data sets are in memory at once, and no long run is left for the
 *  end.
 *
 *  @param store  NULL: no run is done yet
 *  @return CH_OK; CH_ERROR_INPUT, also when every run is left out; CH_ERROR_IO; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED
 *  by the plan's flag */
ch_code ch_sweep_init(ch_sweep *self, const ch_plan *plan, ch_store *store, ch_error *err) CH_MUST_CHECK;

/** As ch_sweep_init, for the preview of a sweep: of a plan with many runs only a sample becomes jobs, spread evenly
 *  over the plan. `counts` are those of all runs; `cost` is that of the sample times `weight`. */
ch_code ch_sweep_init_sample(ch_sweep *self, const ch_plan *plan, ch_store *store, ch_error *err) CH_MUST_CHECK;
void ch_sweep_free(ch_sweep *self);

/** Combinations that a sweep leaves out for one reason.
 *  @param index     less than the number of reasons
 *  @param sentence  out: the refusal of one of them; borrowed
 *  @return how many they are; 0 where there are no more reasons */
uint64_t ch_sweep_left_out(const ch_sweep *self, size_t index, const char **sentence);

/** Runs that failed for one reason, where that does not end the sweep; as above. */
uint64_t ch_sweep_failed(const ch_sweep *self, size_t index, const char **sentence);

/** Reads those runs of a plan that a store has, all its parts, with the results version of this program. What else is
 *  in the store is left out.
 *  @param is_whole  out: whether these are all runs of the plan that can be done
 *  @param table     out: as ch_store_select gives it
 *  @return as ch_sweep_init and ch_store_select */
ch_code ch_sweep_select(const ch_plan *plan, ch_store *store, bool *is_whole, ch_run_table *table,
                        ch_error *err) CH_MUST_CHECK;

/** What a store knows of a run of a plan. */
typedef enum {
    CH_OUTCOME_MISSING,  /* it has no such run with the results version of this program */
    CH_OUTCOME_LEFT_OUT, /* the plan leaves it out, because it cannot be done */
    CH_OUTCOME_DIVERGED,
    CH_OUTCOME_OTHER /* it ended in another way */
} ch_run_outcome;

/** Looks up how the runs of a plan ended, all its parts: each by its id, so that other runs of the store take no time.
 *  @param outcomes  out: [plan->num_runs]
 *  @return as ch_sweep_select */
ch_code ch_sweep_outcomes(const ch_plan *plan, ch_store *store, ch_run_outcome *outcomes, ch_error *err) CH_MUST_CHECK;

/** What a user should know of the images that the sweep trains on, as one sentence (ch_image_origin_describe).
 *  @param sentence  [size] out: "" where there are no images, or where all are originals and none occurs twice */
void ch_sweep_describe_images(const ch_sweep *self, char *sentence, size_t size);

/** Writes a sentence about memory: how many bytes the run that needs most takes together with its data set, and how
 *  many runs can be under way at once beginning with that one. The memory to share is memory_budget, or what would be
 *  found for it now. The sweep must have at least one job.
 *  @param text  out: [size]; 512 bytes are enough */
void ch_sweep_foresee_memory(const ch_sweep *self, int threads, char *text, size_t size);

/** How long a sweep is going to take. */
typedef struct {
    double seconds; /* expected wall-clock time on the threads there are */
    /* The time is likely between seconds / factor and seconds * factor: two standard errors of the ratio of the trial
     * runs' times to the cost model, and at least 1.5; at least 2 where trials had fewer samples; at least 3, the cost
     * model's own error, where there are too few of them, or some were ended before they were fitted. */
    double factor;
    size_t trials, unfinished; /* trial runs, and how many of them did not end in the time given to them */
    double spent;              /* seconds that the trials took */
} ch_sweep_time;

/** Measures by a few short trial runs on all threads what the operations of the cost model take on this machine, and
 *  with that the expected time of the sweep. Nothing is stored.
 *  @param watch  its stop flag ends the trials; may be NULL
 *  @return CH_OK; CH_ERROR_INPUT or CH_ERROR_IO for images that cannot be read; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED
 */
ch_code ch_sweep_foresee_time(const ch_sweep *self, int threads, const ch_watch *watch, ch_sweep_time *time,
                              ch_error *err) CH_MUST_CHECK;

/** Does the jobs, one run on each thread at a time, and puts each run into the store when it ends. Where another thread
 *  puts runs into the store at that moment, it puts this one there next, and no thread waits.
 *
 *  Runs begin in the order of the jobs. A run begins as soon as it and its data set fit the memory beside the runs
 *  under way, or when no run is under way. When a thread has to wait for memory for the first time, the watch gets a
 *  sentence about it. Where there are fewer runs than threads, or memory for fewer, a run may use several threads. That
 *  is a parallel region inside another, which OpenMP allows a program that has called omp_set_max_active_levels(2).
 *
 *  Several programs may do one sweep on one store. Each claims the runs that it is going to do, a few at a time, and
 *  leaves those of the others alone. In the end it waits for theirs, and does those of a program that has ended.
 *
 *  A run whose state was kept goes on from it. One that the store has under other budgets is copied where it ends in
 *  the same way, and one that a smaller budget ended goes on where that kept its state.
 *
 *  A run that fails for a reason of its own ends the sweep, or where `goes_on` is set goes into the store's table of
 *  failures. One that lacks memory does not end the sweep: it is tried again alone when all others are done.
 *
 *  @param threads  >= 1
 *  @param watch    gets the progress after every run that has ended. Its stop flag ends the runs under way without
 *      storing them; the runs in the store stay. A failure raises this flag too. May be NULL
 *  @return CH_OK; CH_ERROR_INTERRUPTED; the first failure of a run or of the store, which ends the sweep;
 *          CH_ERROR_IO where runs failed and all others are done; CH_ERROR_MEMORY where runs lacked memory alone, too,
 *  and all others are done */
ch_code ch_sweep_run(ch_sweep *self, ch_store *store, int threads, const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

#endif
