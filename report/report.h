/* report.h — one page of HTML to send: the settings of runs, the results of a fit, figures, and a table of all runs.
 *
 * The page needs no network and no other file. It allows a browser no scripts and styles but its own, which it names by
 * their digests (Content-Security-Policy), and everything that comes from a store is in it as text. The same runs and
 * options make the same bytes. */
#ifndef CH_REPORT_H
#define CH_REPORT_H

#include "fit/fit.h"
#include "fit/phase/phase.h"
#include "fit/twins/lazy.h"
#include "sim/store/store.h"

#include <jansson.h>
#include <stdio.h>

/** What a page is made from. All is borrowed. */
typedef struct {
    const ch_fit *fit;
    const ch_phase_list *phases;
    const ch_lazy_list *twins;
    const json_t *summary;     /* of the whole store, as ch_store_summarise makes it (sim/store/summary.h) */
    ch_store *store;           /* that the fit's runs were read from; trajectories are read for figures */
    const char *const *stores; /* [num_stores] the names by which the user knows it */
    size_t num_stores;
    const char *where;     /* the condition that chose the runs; NULL: all */
    const ch_watch *watch; /* its stop flag ends the work; or NULL */
} ch_report_source;

/** The most bytes of a page. Where it would have more, numbers of single runs have fewer digits, and the last groups no
 *  figures; tables and notes are never cut, even where the page then has more. */
enum { CH_REPORT_BYTES = 4900000 };

/** The beginning of every page, by which a file is recognised as a report. */
#define CH_REPORT_BEGINNING "<!DOCTYPE html>\n<!-- chiton report -->"

/** Writes the page.
 *
 *  Figures are drawn by gnuplot (plots/plots.h).
 *
 *  @return CH_OK; CH_ERROR_IO when the store cannot be read, gnuplot is missing or fails, or there is no room for
 *          temporary files; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED. A failure to write is not among them: ask
 *          ferror(out) */
ch_code ch_report_write(const ch_report_source *source, FILE *out, ch_error *err) CH_MUST_CHECK;

/** Writes the page into a file, which is there whole or not at all: a file of this name stays as it was until the new
 *  one is complete.
 *
 *  @return also CH_ERROR_INPUT where the file cannot be made, or where there is a file of this name that is no report
 */
ch_code ch_report_save(const ch_report_source *source, const char *path, ch_error *err) CH_MUST_CHECK;

/** Refuses a path where ch_report_save could not write.  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_report_check_path(const char *path, ch_error *err) CH_MUST_CHECK;

#endif
