/* trajectories.h — the recorded runs that a page of training shows. Private to plots/. */
#ifndef CH_PLOT_TRAJECTORIES_H
#define CH_PLOT_TRAJECTORIES_H

#include "fit/fit.h"
#include "plots/sheet.h"
#include "sim/store/store.h"

#include <stdbool.h>

enum { CH_MOST_TRAJECTORIES = 10 };

/** The runs that are drawn: those of the largest P with recorded runs, one for each T. Where there are too many T, they
 *  are chosen evenly, the first and last among them. */
typedef struct {
    const ch_run *runs[CH_MOST_TRAJECTORIES]; /* [count]; borrowed from the group */
    size_t count;
} ch_chosen_runs;

/** @param with_curvature  chooses among runs whose curvature was measured, in place of those with `record` */
ch_chosen_runs ch_chosen_runs_of(const ch_fit_group *group, bool with_curvature);

/** Reads the chosen runs again, now with their points. Runs of another results version have other ids, so that none of
 *  them is found.
 *  @param table  out: to be freed
 *  @return CH_OK; CH_ERROR_MEMORY; what ch_store_select fails by */
ch_code ch_chosen_runs_read(const ch_chosen_runs *self, const ch_fit *fit, ch_store *store, ch_run_table *table,
                            ch_error *err) CH_MUST_CHECK;

/** Writes the key of the chosen runs under the title: their P, and each T with its colour, as a line or as a mark.
 *  @param left  out: where the key begins, in units of the page
 *  @return the number of its rows */
size_t ch_chosen_runs_key(const ch_run_table *table, bool as_marks, ch_sheet *sheet, double *left);

#endif
