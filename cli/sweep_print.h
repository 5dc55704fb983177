/* sweep_print.h — what `chiton sweep` prints of a plan, of the time and the memory it takes, and of what was done.
 *
 * The functions with a stream write lines of any width: the stream is that of a page (cli/page.h), which breaks them.
 */
#ifndef CH_CLI_SWEEP_PRINT_H
#define CH_CLI_SWEEP_PRINT_H

#include "sim/sweep/sweep.h"

#include <stdio.h>

/** Writes the settings of a plan, and block by block what is to be known of each.
 *  @param store    where runs are looked up; NULL: there is none yet
 *  @param threads  on which the sweep would be done
 *  @param cost     expected operations of all runs
 *  @return CH_OK, or as ch_sweep_init_sample */
ch_code ch_sweep_print_plan(FILE *out, const ch_plan *plan, ch_store *store, int threads, double cost,
                            ch_error *err) CH_MUST_CHECK;

/** Writes what is left out, a line a reason; nothing where all is made. */
void ch_sweep_print_left_out(FILE *out, const ch_sweep *sweep);
/** Writes what is in the part of the sweep, where it is one. */
void ch_sweep_print_part(FILE *out, const ch_sweep *sweep);
/** Writes how many runs there are, and how many of them are to be made. */
void ch_sweep_print_counts(FILE *out, const ch_sweep_counts *counts);
/** Writes the time that trial runs foretell; nothing where none was made. */
void ch_sweep_print_time(FILE *out, const ch_sweep_time *time, int threads);
/** Writes what was done, and which runs failed.  @param store  its name */
void ch_sweep_print_done(FILE *out, const char *store, const ch_sweep *sweep);

/** Says on standard error what memory the sweep takes. Standard output is kept for the counts of a dry run. */
void ch_sweep_say_memory(const ch_sweep *sweep, int threads);
/** Says on standard error what is to be known of the images. */
void ch_sweep_say_images(const ch_sweep *sweep);

#endif
