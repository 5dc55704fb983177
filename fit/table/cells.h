/* cells.h — a group's runs by (P, T), and the mean ln y of each of these cells. Private to fit/. */
#ifndef CH_FIT_CELLS_H
#define CH_FIT_CELLS_H

#include "fit/results.h"

/** Sorts the group's runs, drops those that do not count, and fills data sets, trains, temps and cells. Notes say which
 *  runs and cells are left out.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_fit_make_cells(ch_fit_group *group, ch_error *err) CH_MUST_CHECK;

/** Index of the first cell of trains[train]; train = num_trains gives the end. */
size_t ch_fit_first_cell(const ch_fit_group *group, size_t train);

/** Index of a P in the group's trains; the P must be among them. */
size_t ch_fit_find_train(const ch_fit_group *group, uint64_t train);

/** Number of complete cells at trains[train]. */
size_t ch_fit_count_complete(const ch_fit_group *group, size_t train);

/** Whether the cell's T lies in the group's window; false where there is no window. */
bool ch_fit_is_in_window(const ch_fit_group *group, const ch_fit_cell *cell);

/** Whether a run fitted, and its ||Dw|| and t* are positive numbers. */
bool ch_fit_is_whole(const ch_run *run);

/** The quantities y whose logarithms a fit works with: ||Dw||, t*, and ||Dw||/||w0||. */
typedef enum { CH_LOG_WEIGHT_CHANGE, CH_LOG_TIME, CH_LOG_RELATIVE, CH_NUM_LOGS } ch_fit_log;

/** ln y of a run. @param logs  out: one for each quantity */
void ch_fit_logs_of(const ch_run *run, double logs[CH_NUM_LOGS]);

/** Means over the runs of a cell, in the table or in a replica. Where the cell has no runs or is not complete, all
 *  members are 0 and have no meaning. */
typedef struct {
    double weight;              /* number of runs, each counted as often as its data set was drawn */
    double log[CH_NUM_LOGS];    /* mean of ln y */
    double square[CH_NUM_LOGS]; /* mean of (ln y)^2 */
} ch_cell_mean;

/** The means of the table itself. @param means out: [num_cells] */
void ch_fit_cell_means(const ch_fit_group *group, ch_cell_mean *means);

#endif
