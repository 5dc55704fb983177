/* remake.h — the commands that make the runs of a report again. Private to report/.
 *
 * Runs are put into grids, in each of which every value of one setting goes with every value of all others: runs that
 * differ in one setting alone are joined along it, setting after setting, seeds first. A grid is one `chiton sweep`. */
#ifndef CH_HTML_REMAKE_H
#define CH_HTML_REMAKE_H

#include "fit/fit.h"

#include <stdio.h>

/** Which of the runs the commands make again. */
typedef struct {
    size_t num_commands; /* sweeps that it takes */
    size_t num_written;  /* sweeps that were written: fewer where there are very many */
    bool needs_files;    /* they read files whose names a store does not know */
    bool is_old;         /* some runs have an older results version, and are made anew by this one's rules */
} ch_html_remake;

/** Writes the commands as plain text, one a line.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_html_remake_write(const ch_fit *fit, ch_html_remake *summary, FILE *out, ch_error *err) CH_MUST_CHECK;

#endif
