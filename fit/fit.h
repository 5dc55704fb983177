/* fit.h — exponents from a table of runs, with errors one can publish. Definitions: docs/theory.md.
 *
 * Values. Reals that differ by less than 1e-9 of their size are one temperature, alpha or chi (sim/settings/reals.h).
 *
 * Groups. Runs that share every setting but train, temp, rate, the seeds, the budgets and `record` form a group, and
 * are fitted together; where the data are images, they also share the images. The full batch, B = P, is one value of
 * batch, whatever P: such runs are gradient descent, without SGD's noise, and belong to no group of a fixed B. Within a
 * group only the newest results version counts. Of runs that differ in nothing but budgets, `record` and the rounding
 * of T only the one that got furthest counts. A cell is what a group has at one (P, T).
 *
 * Cells. y is ||Dw||, t* or ||Dw||/||w0||, and a cell's value is the mean of ln y over its runs. A cell with a run that
 * did not fit (a budget ended it, or it diverged) is left out whole and named in a note: the runs that did finish are
 * the quick ones, and keeping only those would bias t* low. In the law of t*, runs that a budget ended are lower bounds
 * instead.
 *
 * Window. The power laws hold for T above the onset T_c(P), where ||Dw|| leaves the plateau that it has as T -> 0. At
 * each P with five temperatures or more
 *     ln y = ln y0 + (1/m) ln[1 + (T/T_c)^(m delta)]
 * is fitted. Above T_c it exceeds its power law by (1/m) (T/T_c)^(-m delta) to leading order. The window begins at the
 * least T at which that is under 0.1 % for every P, with the medians over P for m and m delta. When fewer than three T
 * are left, the limit is 1 %; when fewer than two are left, it is 5 %. (window.c says why the limit is so strict.) A P
 * at which the crossover does not beat a straight line (F test at 0.001) sets no limit, unless ln y is flat there
 * (slope under 0.1): that is the plateau, and the window lies above all its T. From its fourth interval on, the window
 * ends where the local slope d ln y / d ln T, averaged over P, departs from the mean of those before it by more than
 * half of that mean and by more than four of their standard deviations.
 *
 * Errors. The bootstrap is over data sets (distinct seed_data): a replica draws n of n with replacement and uses all
 * their runs, so that everything that runs on the same data have in common is carried along. The window and the cells
 * used are those of the full table in every replica. With few data sets plain percentile intervals are far too narrow.
 * Therefore the error is the replicas' standard deviation times sqrt(n/(n-1)), and the 95 % interval is value +- t
 * error with t of Student's distribution for n-1 degrees of freedom. This is exact for the exponents of a balanced
 * table when the data sets' own exponents are normal. For T_c it is done on ln T_c.
 *
 * T_c = c P^-a is found twice: by the slope through the ln T_c found one by one, and jointly from all P
 * (ch_critical_law). Numbers may be held (ch_fit_options_fix, _bound, _tie): they are held in the table and in every
 * replica.
 */
#ifndef CH_FIT_H
#define CH_FIT_H

#include "fit/numbers.h"
#include "fit/results.h"

/** Fits every group of a table of runs. The table must outlive the fit.
 *
 *  GSL's error handler must be off (gsl_set_error_handler_off), else GSL aborts the program where it cannot go on. The
 *  watch of the options gets the number of replicas of the bootstrap that are done, of all that the groups need (unit
 *  "replicas").
 *
 *  @return CH_OK, also when a group has too little for some or all exponents: its notes say what is missing;
 *          CH_ERROR_INPUT when the table is empty, an option is out of range or a run's settings are not valid;
 *          CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED */
ch_code ch_fit_init(ch_fit *self, const ch_run_table *table, const ch_fit_options *options,
                    ch_error *err) CH_MUST_CHECK;
void ch_fit_free(ch_fit *self);

/** The parameters of the online ODE, and of predictions for finite training sets, from a perceptron's settings at a T.
 *  @param key  of a group for which theory gives ends of training (ch_expected_curves) */
ch_online_setup ch_fit_online_setup(const ch_settings *key, double temp);

#endif
