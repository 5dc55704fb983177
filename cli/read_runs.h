/* read_runs.h — the runs of the stores that a command line names, read for a command that shows them. */
#ifndef CH_CLI_READ_RUNS_H
#define CH_CLI_READ_RUNS_H

#include "cli/cli.h"
#include "sim/store/store.h"

/** Which runs are read, and what is done with them. */
typedef struct {
    const ch_cli *cli;  /* names the stores; borrowed, as are the texts */
    const char *where;  /* an SQL condition; NULL: all runs */
    const char *verb;   /* what the command does, e.g. "plot" */
    bool has_points;    /* trajectories are read too */
    bool skips_damaged; /* damaged runs are left out */
    ch_code (*use)(void *context, ch_store *store, const ch_run_table *table, ch_error *err);
    void *context; /* given to `use`; borrowed */
} ch_cli_runs;

/** Opens the stores as one, reads the runs and has them used. Damaged runs that were left out are told of afterwards.
 *  @return CH_OK; CH_ERROR_INPUT also where there are no runs; as ch_cli_open_stores and ch_store_select; what `use`
 *      returns */
ch_code ch_cli_read_runs(const ch_cli_runs *self, ch_error *err) CH_MUST_CHECK;

#endif
