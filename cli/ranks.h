/* ranks.h — the processes that a launcher of MPI has started together for one sweep. Not part of the library.
 *
 * Process 0 reads the sweep, has the store and prints. The others print nothing but what went wrong while they did
 * jobs. A program that was started by itself is one process, and needs no MPI. */
#ifndef CH_CLI_RANKS_H
#define CH_CLI_RANKS_H

#include "mpi/ranks_mpi.h"
#include "sim/sweep/ranks.h"

typedef struct {
    ch_mpi mpi;           /* its link has size 1 where there is one process */
    bool is_open;         /* whether `mpi` is to be closed */
    bool is_follower;     /* by what the launcher says */
    int stderr_kept;      /* a copy of standard error while a follower's messages are not shown; -1: they are */
    int threads;          /* for this process where the user does not say: its share of the processors it may use */
    size_t memory_budget; /* its share of the memory of its machine; 0: there is one process */
} ch_cli_ranks;

/** Joins the processes that were started together, if there are several.
 *  @param argv  [argc] which must be the same for all
 *  @param self  out: end with ch_cli_ranks_leave, also after a failure
 *  @return CH_OK; CH_ERROR_INPUT where the program has no MPI, or that of another launcher, and where the processes are
 *          not the same program with the same arguments; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_cli_ranks_join(ch_cli_ranks *self, int argc, const char **argv, ch_error *err) CH_MUST_CHECK;

/** Adds up the threads of all processes. All of them call it.
 *  @param threads  of this process  @return CH_OK, CH_ERROR_IO, CH_ERROR_MEMORY */
ch_code ch_cli_ranks_count_threads(ch_cli_ranks *self, int threads, ch_error *err) CH_MUST_CHECK;

/** Does jobs for process 0 until it has no more.  @return as ch_ranks_follow */
ch_code ch_cli_ranks_follow(ch_cli_ranks *self, int threads, const char *kernel_folder, ch_stop *stop,
                            ch_error *err) CH_MUST_CHECK;

/** The link for a sweep.  @return borrowed; NULL where there is one process */
const ch_link *ch_cli_ranks_link(const ch_cli_ranks *self);

/** Dismisses the other processes, and takes leave of them. Idempotent. */
void ch_cli_ranks_leave(ch_cli_ranks *self);

/** The number of processors that each of several processes gets of those that it may run on: a processor that several
 *  may run on is shared, and what is left over goes to the first ones. At least 1.
 *  @param allowed  [num_processes][num_processors] 1 where a process may run on a processor, else 0
 *  @param process  whose number is asked for */
int ch_cli_ranks_share(const unsigned char *allowed, size_t num_processes, size_t num_processors, size_t process);

#endif
