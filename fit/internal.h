/* internal.h — how the parts of a fit meet: cell means in, numbers out, once for the table and once a replica. */
#ifndef CH_FIT_INTERNAL_H
#define CH_FIT_INTERNAL_H

#include "fit/fit.h"

#include <gsl/gsl_matrix.h>
#include <gsl/gsl_multifit.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <jansson.h>
#include <stdio.h>

/* ---- groups.c ---- */

/** Groups of a table, with runs, cells and the notes on cells left out; nothing fitted yet. */
ch_code ch_fit_make_groups(ch_fit *self, const ch_run_table *table, ch_error *err) CH_MUST_CHECK;
void ch_fit_free_groups(ch_fit *self);

/* ---- cells.c ---- */

/** Sorts the group's runs, drops those that do not count, and fills data sets, trains, temps and cells; notes which
 *  runs and cells are left out. */
ch_code ch_fit_make_cells(ch_fit_group *group, ch_error *err) CH_MUST_CHECK;

/** Adds a sentence to the group's notes. */
ch_code ch_fit_note(ch_fit_group *group, ch_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4), warn_unused_result));

/** Index of the first cell of trains[train]; train = num_trains gives the end. */
size_t ch_fit_first_cell(const ch_fit_group *group, size_t train);

/** What a cell's runs have been averaged to. */
typedef enum { CH_LOG_WEIGHT_CHANGE, CH_LOG_TIME, CH_LOG_RELATIVE, CH_NUM_LOGS } ch_fit_log;

/** Mean of the ln y of a cell over the runs of a replica. `weight` is their number: 0 when there are none, or when
 *  the cell is not complete; the rest is then 0 and means nothing. */
typedef struct {
    double weight;
    double log[CH_NUM_LOGS];
    double square[CH_NUM_LOGS]; /* mean of (ln y)^2 */
} ch_cell_mean;

/** Whether a run fitted, and its ||Dw|| and t* are positive numbers. */
bool ch_fit_is_whole(const ch_run *run);

/** ln y of a run. */
void ch_fit_logs_of(const ch_run *run, double logs[CH_NUM_LOGS]);

/** The means of the table itself. @param means out: [num_cells] */
void ch_fit_cell_means(const ch_fit_group *group, ch_cell_mean *means);

/* ---- constraints.c ---- */

/** Whether anything is asked of a number. */
bool ch_fit_is_held(const ch_fit_constraint *self);
bool ch_range_is_fixed(ch_range range);

/** The range of a parameter; of a tied one what it follows.
 *  @param weight_change  the law of ||Dw|| that ties refer to; only read for ties */
ch_range ch_fit_range(const ch_fit_options *options, ch_fit_parameter parameter, const ch_power_law *weight_change);

/** How a parameter of this value came by it. */
ch_held ch_fit_held(const ch_fit_options *options, ch_fit_parameter parameter, double value);

/** Minimises with two of the variables held at values[k] where held[k].
 *  @param values   in: of the held ones; out: of both
 *  @param squares  out: the minimum
 *  @return whether there is one, and only one */
typedef bool (*ch_held_minimum)(void *problem, const bool held[2], double values[2], double *squares);

/** Minimises over ranges of two variables. Where the free minimum lies outside, the one within has at a bound that the
 *  free one violates one of the variables: each is held there, the other fitted and, where outside, held as well, and
 *  the least is taken. Exact for convex problems.
 *  @param values  out: where; the last call of `minimum` was there
 *  @return whether there is a minimum */
bool ch_minimise_within(ch_held_minimum minimum, void *problem, const ch_range ranges[2], double values[2]);

/* ---- regression.c ---- */

/** A run of a cell in which a budget ended runs: fitted, or a lower bound. */
typedef struct {
    size_t row; /* its cell in the design */
    uint32_t data_set;
    bool is_bound;
    double log_time;
} ch_limited_run;

/** A design for ||Dw|| or t*: the complete cells of the window, for t* also those in which a budget ended runs, and
 *  which of ln T and ln P vary over them. Borrows the group. */
typedef struct {
    const ch_fit_group *group;
    ch_fit_log which;
    size_t *cells; /* [num_cells] indices, owned */
    size_t num_cells, num_temps, num_trains;
    ch_limited_run *limited; /* [num_limited] the runs of cells that are not complete, by row; owned */
    size_t num_limited;
    double mean_log_temp, mean_log_train; /* origin of the regressors, for well-conditioned columns */
} ch_regression;

ch_code ch_regression_init(ch_regression *self, const ch_fit_group *group, ch_fit_log which,
                           ch_error *err) CH_MUST_CHECK;
void ch_regression_free(ch_regression *self);

/** Columns of a design: 1, ln T and ln P, less their means. */
enum { CH_REGRESSION_COLUMNS = 3 };

/** What one thread needs to solve a design. */
typedef struct {
    gsl_matrix *design;              /* [num_cells][CH_REGRESSION_COLUMNS] */
    gsl_matrix *fitted, *covariance; /* the columns whose factors are fitted */
    gsl_vector *weights, *y;         /* [num_cells] */
    gsl_vector *left, *factors;      /* y less the columns whose factors are held; factors fitted */
    gsl_multifit_linear_workspace *linear;
    double coefficients[CH_REGRESSION_COLUMNS]; /* 0 for a column that does not vary and is not held */
} ch_regression_space;

ch_code ch_regression_space_init(ch_regression_space *self, const ch_regression *regression,
                                 ch_error *err) CH_MUST_CHECK;
void ch_regression_space_free(ch_regression_space *self);

/** Weighted least squares of mean ln y on 1, ln T, ln P.
 *
 *  With runs that a budget ended, the most likely law of normal errors of one variance, to which such a run adds the
 *  probability of more than the time it had (Tobin, Econometrica 26, 24 (1958)), by expectation maximisation: a bound
 *  counts as the mean of what lies beyond it, and the law is fitted again, until no cell's value moves by 1e-9.
 *
 *  @param copies  [num_data_sets] times a data set was drawn; NULL: each once
 *  @param ranges  of the exponents of T and P; a fixed one needs no two T, or P
 *  @return whether the regressors are independent; else all of `law` is NaN */
bool ch_regression_fit(const ch_regression *self, ch_regression_space *space, const ch_cell_mean *means,
                       const double *copies, const ch_range ranges[2], ch_power_law *law);

/** Mean over the cells of the design, by weight, of another ln y less the law's T and P dependence. */
double ch_regression_amplitude(const ch_regression *self, const ch_cell_mean *means, ch_fit_log which,
                               const ch_power_law *law);

/* ---- residuals.c ---- */

/** @param group  with window and power laws */
ch_code ch_residuals_init(ch_residuals *self, const ch_fit_group *group, ch_fit_log which, ch_error *err) CH_MUST_CHECK;
void ch_residuals_free(ch_residuals *self);

/** Why a run of a cell is in no joint law. @param group  with its window */
ch_exclusion ch_fit_exclusion_of(const ch_fit_group *group, const ch_fit_cell *cell, const ch_run *run);

/** Adds the runs of the group to its counts by reason. @param group  with its window */
void ch_fit_count_excluded(ch_fit_group *group);

/* ---- residuals_report.c ---- */

/** Prints which runs of a group are left out, one sentence. */
void ch_fit_print_excluded(const ch_fit_group *group, FILE *out);

/** Prints which runs stand out, the farthest first, a few lines. */
void ch_fit_print_outliers(const ch_fit_group *group, FILE *out);

/** Adds "residuals", "outliers" and "excluded" to a group's object. @return 0, or -1 when memory is short */
int ch_fit_add_residuals_json(const ch_fit_group *group, json_t *object);

/* ---- shape.c ---- */

/** What each data set has over P: the mean of ln y over the T of the window, with T^delta taken out. */
typedef struct {
    size_t num_points; /* P with complete cells in the window */
    size_t num_sets;   /* data sets with runs at all of them */
    double *log_train; /* [num_points] ascending; owned */
    double *values;    /* [num_sets][num_points]; owned */
} ch_trend;

/** @param group  with window and power laws */
ch_code ch_trend_init(ch_trend *self, const ch_fit_group *group, ch_fit_log which, ch_error *err) CH_MUST_CHECK;
void ch_trend_free(ch_trend *self);

/** Fits all shapes to a curve; none is found with fewer than three P, only the power with fewer than five. */
ch_code ch_shapes_fit(ch_shapes *self, const ch_trend *curve, ch_error *err) CH_MUST_CHECK;
void ch_shapes_free(ch_shapes *self);

/* ---- onset.c ---- */

/** Points of one P and the solver for its crossover. */
typedef struct {
    size_t count;                     /* points */
    bool tied;                        /* delta is given, not fitted */
    double delta;                     /* the given one */
    ch_range range;                   /* of m; after init 0 … infinity */
    bool holds_sharpness;             /* m stays where it starts */
    double *log_temp, *y;             /* [count]; owned */
    gsl_vector *weights, *parameters; /* [count], [p]; owned */
    gsl_multifit_nlinear_workspace *solver;
} ch_onset_space;

/** The delta that T_c is found with: the power law's wherever that has one, as T_c, m and delta of a single P trade off
 *  against each other; else a fixed one; NaN: it is fitted. */
double ch_onset_delta(const ch_power_law *weight_change, const ch_fit_options *options);

/** Fewest points for the fit: one more than parameters. */
size_t ch_onset_least(bool tied);

/** @param count  points, at least ch_onset_least */
ch_code ch_onset_space_init(ch_onset_space *self, size_t count, bool tied, ch_error *err) CH_MUST_CHECK;
void ch_onset_space_free(ch_onset_space *self);

/** Loads the complete cells of one P: ln T and mean ln ||Dw||, `count` of them. */
void ch_onset_load(ch_onset_space *self, const ch_fit_group *group, size_t train, const ch_cell_mean *means);

/** Weighted least squares of the crossover on the loaded points, from `start` (NULL: from the points).
 *
 *  Minimises sum_i w_i [y_i - f(ln T_i)]^2 over ln y0, ln T_c, ln m and, unless tied, ln delta, by
 *  Levenberg-Marquardt with the analytic Jacobian, until no parameter moves by 1e-10 or more in an iteration (1e-4 from
 *  a given start: replicas, whose spread is far wider) or no step lowers the sum any more; 50 iterations at most.
 *
 *  @param squares  out: the minimum; may be NULL
 *  @return whether it converged to a crossover that can be told: m over 0.3 (wider ones are bent lines) and delta
 * within 0.05 … 20
 */
bool ch_onset_fit(ch_onset_space *self, const ch_crossover *start, ch_crossover *crossover, double *squares);

/** Whether a crossover can be told: all numbers finite, m over 0.3, delta within 0.05 … 20. */
bool ch_onset_is_told(const ch_crossover *crossover);

/** Iterates a solver until no parameter, all of them logarithms, moves by `step` or more in one iteration, or no step
 *  lowers the sum any more; 50 iterations at most.  @return whether that came about */
bool ch_onset_iterate(gsl_multifit_nlinear_workspace *solver, double step);

/** ln(1 + e^z) without overflow, and its derivative 1 / (1 + e^-z). */
double ch_softplus(double z);
double ch_logistic(double z);

/** The straight line through the loaded points: its slope, and its sum of squares. */
void ch_onset_line(const ch_onset_space *self, double *slope, double *squares);

/** Whether a crossover with this sum of squares beats the line (F test at 0.001). */
bool ch_onset_beats_line(const ch_onset_space *self, double squares, double line_squares);

/** A slope of ln ||Dw|| under this is a plateau. */
#define CH_ONSET_FLAT 0.1

/** Model and Jacobian at `parameters`, for GSL and for the test of the Jacobian. */
int ch_onset_residuals(const gsl_vector *parameters, void *space, gsl_vector *residuals);
int ch_onset_jacobian(const gsl_vector *parameters, void *space, gsl_matrix *jacobian);

/* ---- joint.c ---- */

/** The crossover of all P: ln T_c = log_prefactor - a ln P. */
typedef struct {
    double log_prefactor, a, sharpness, delta;
} ch_joint_onset;

/** Points of all P with two complete cells or more, and the solver for their crossover. */
typedef struct {
    size_t count, num_trains;
    size_t *cells;                    /* [count] indices of the group's cells, by P; owned */
    size_t *begin;                    /* [num_trains + 1] first point of each P; owned */
    double *log_temp, *log_train, *y; /* [count]; ln P is less mean_log_train; owned */
    double *columns;                  /* [parameters][count] of the Jacobian; owned */
    double mean_log_train;
    double delta;       /* the given one; NaN: it is fitted */
    ch_range ranges[2]; /* of a and of ln m */
    ch_range sharpness; /* of m: the second range's own ends */
    bool held[2];       /* that stay where they start */
    double step;        /* where to stop, as ch_onset_iterate */
    bool converged;     /* the last minimisation */
    ch_joint_onset start;
    gsl_vector *weights, *parameters;
    gsl_multifit_nlinear_workspace *solver;
} ch_joint_space;

/** @return CH_OK, also with fewer points than parameters: `solver` is then NULL; CH_ERROR_MEMORY */
ch_code ch_joint_space_init(ch_joint_space *self, const ch_fit_group *group, const ch_fit_options *options,
                            ch_error *err) CH_MUST_CHECK;
void ch_joint_space_free(ch_joint_space *self);

/** Takes the points' mean ln ||Dw|| and weights. */
void ch_joint_load(ch_joint_space *self, const ch_cell_mean *means);

/** Weighted least squares of the crossovers of all P,
 *
 *      sum_i w_i [y_i - ln y0_P - (1/m) ln(1 + e^z)]^2,  z = m delta (ln T_i - ln c + a ln P_i),
 *
 *  over ln c, a, ln m and, unless given, ln delta, as ch_onset_fit does at one P. The plateaus enter linearly and are
 *  eliminated: given the rest, ln y0_P is the mean over the P's points, by weight, of what is left without it.
 *
 *  @param start  where to start, to be told of as a crossover
 *  @param step   where to stop: 1e-10, or 1e-4 for replicas
 *  @param found  out: the crossover within the ranges; NaN when there is none
 *  @return the sum of squares; infinite when there is no minimum that can be told (ch_onset_is_told) */
double ch_joint_fit(ch_joint_space *self, const ch_joint_onset *start, double step, ch_joint_onset *found);

/** Model and Jacobian, for GSL and for the test of the Jacobian: parameters ln T_c at the mean ln P, a, ln m, ln delta.
 */
int ch_joint_residuals(const gsl_vector *parameters, void *space, gsl_vector *residuals);
int ch_joint_jacobian(const gsl_vector *parameters, void *space, gsl_matrix *jacobian);

/** Finds the joint laws of the table, without errors, and notes where there is none. @param group  with its T_c */
ch_code ch_fit_find_joint(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means,
                          ch_error *err) CH_MUST_CHECK;

/* ---- window.c ---- */

/** Chooses window_lo and window_hi as fit.h says, and notes what stands in the way. */
ch_code ch_fit_choose_window(ch_fit_group *group, ch_error *err) CH_MUST_CHECK;

/* ---- critical.c ---- */

/** T_c by escape at one P from cell means: where ln(||Dw||/||w0||), joined by straight lines in ln T, first rises to
 *  ln threshold.  @param log_temp out: ln T_c, or of the bound; NaN for NONE */
ch_tc_place ch_tc_escape(const ch_fit_group *group, size_t train, const ch_cell_mean *means, double log_threshold,
                         double *log_temp);

/** T_c by onset of the points loaded in `space`: at the crossover when there is one that beats the straight line, else
 *  under the points where they rise and over them where they are flat.
 *  @param crossover  out: all NaN when there is none
 *  @param log_temp   out: ln T_c, or of the bound */
ch_tc_place ch_tc_onset(ch_onset_space *space, ch_crossover *crossover, double *log_temp);

/** How far the test error of each data set is, at one P, from its mean over the three lowest T, and how far the mean
 *  over the data sets may be without having left it. Data sets are compared with themselves: their own errors differ by
 *  far more than T changes them. */
typedef struct {
    size_t num_temps, num_sets;
    double *log_temps; /* [num_temps] ln T of the complete cells above the three lowest; owned */
    double *shifts;    /* [num_temps][num_sets]; NaN where a data set has no run; owned */
    double *limits;    /* [num_temps] k standard errors; NaN for fewer than two data sets; owned */
} ch_change;

ch_code ch_change_init(ch_change *self, const ch_fit_group *group, size_t train, double sigmas,
                       ch_error *err) CH_MUST_CHECK;
void ch_change_free(ch_change *self);

/** T_c by the test error: where its mean shift, joined by straight lines in ln T in units of the limit, reaches 1, the
 *  next T being beyond it on the same side. The limits are those of the table in every replica.
 *  @param copies    [num_sets] times a data set was drawn; NULL: each once
 *  @param log_temp  out: ln T_c, or of the bound; NaN for NONE */
ch_tc_place ch_tc_error(const ch_change *self, const double *copies, double *log_temp);

/** Finds the table's T_c at every P by the wanted definitions, without errors, and notes where there is none. */
ch_code ch_fit_find_critical(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means,
                             ch_error *err) CH_MUST_CHECK;

/** Where it is asked for, finds T_c by onset anew with the m of the joint law at every P. */
ch_code ch_fit_tie_onsets(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means,
                          ch_error *err) CH_MUST_CHECK;

/** Whether T_c of a definition lies inside or under the sampled temperatures at some P. */
bool ch_fit_has_critical(const ch_fit_group *group, ch_tc_definition definition);

/* ---- exponents.c ---- */

/** Fills the group's exponents and gives them and its T_c their errors. @param group  with power laws and T_c found */
ch_code ch_fit_estimate(ch_fit_group *group, const ch_fit_options *options, ch_error *err) CH_MUST_CHECK;

/* ---- progress.c ---- */

/** @return CH_OK, or CH_ERROR_INTERRUPTED once the options' flag is raised */
ch_code ch_fit_check_stop(const ch_fit_options *options, ch_error *err) CH_MUST_CHECK;

/** For each replica, by any thread: whether it is still to be made. */
bool ch_fit_goes_on(const ch_fit_options *options);

/** For each replica that is made, by any thread: now and then tells the options' tick how many more are done. */
void ch_fit_replica_done(const ch_fit_options *options, size_t replica);

/* ---- bootstrap.c ---- */

/** Data set of each run, an index among the distinct seed_data in ascending order.
 *  @param data_set  out: [num_runs] */
ch_code ch_fit_index_data_sets(const ch_fit_group *group, uint32_t *data_set, ch_error *err) CH_MUST_CHECK;

/** Numbers of a replica: the exponents (a is filled in from ln T_c afterwards, one definition after the other), ln c, a
 *  and ln m of the joint laws, then ln T_c [num_tc]. NaN: could not be had. */
enum {
    CH_NUMBER_DELTA,
    CH_NUMBER_GAMMA,
    CH_NUMBER_TIME_DELTA,
    CH_NUMBER_B,
    CH_NUMBER_A,
    CH_NUMBER_ONSET_C,
    CH_NUMBER_ONSET_A,
    CH_NUMBER_ONSET_M,
    CH_NUMBER_ESCAPE_C,
    CH_NUMBER_ESCAPE_A,
    CH_NUMBER_TC
};

/** What a replica repeats: the design and the T_c that the table itself has inside its temperatures. */
typedef struct {
    const ch_fit_group *group;
    const ch_fit_options *options;
    ch_regression weight_change, time;
    bool tied;           /* onset: delta is given */
    bool ties_sharpness; /* onset: m at each P is that of the joint law */
    size_t num_numbers;
    ch_change *changes; /* [num_tc], empty but for errors inside; owned */
    double *replicas;   /* [options->replicas][num_numbers]; owned */
} ch_bootstrap;

/** @param group  with window, tc places and crossovers of the table */
ch_code ch_bootstrap_init(ch_bootstrap *self, const ch_fit_group *group, const ch_fit_options *options,
                          ch_error *err) CH_MUST_CHECK;
void ch_bootstrap_free(ch_bootstrap *self);
ch_code ch_bootstrap_run(ch_bootstrap *self, ch_error *err) CH_MUST_CHECK;

/** How many replicas have this number, and their standard deviation (NaN for fewer than two). */
size_t ch_bootstrap_spread(const ch_bootstrap *self, size_t number, double *deviation);

/** Pearson's correlation of two numbers over the replicas that have both; NaN where one of them has no spread beyond
 *  rounding. */
double ch_bootstrap_correlation(const ch_bootstrap *self, size_t first, size_t second);

/** Error and 95 % interval of `value` from a standard deviation of replicas over n data sets. */
ch_estimate ch_estimate_make(double value, double deviation, size_t num_data_sets);

/** Error of a number of the bootstrap, or none with a note when too many replicas could not have it.
 *  @param what  the number's name in the note */
ch_code ch_fit_estimate_number(ch_fit_group *group, const ch_bootstrap *bootstrap, size_t number, double value,
                               const char *what, ch_estimate *estimate, ch_error *err) CH_MUST_CHECK;

/** The error that a held number has: none, 0, where it is fixed; NaN where it lies at a bound, about which the replicas
 *  are not normal; else its interval is cut to the range. */
void ch_fit_hold_estimate(ch_estimate *estimate, ch_range range, ch_held held);

/** A new entry of the group's exponents, the rest of it zero. */
ch_exponent *ch_fit_add_exponent(ch_fit_group *group, const char *name, double theory);

/* ---- joint_errors.c ---- */

/** Gives the group's joint law of a definition its errors, and adds its a to the exponents; nothing where there is
 *  none. */
ch_code ch_fit_estimate_joint(ch_fit_group *group, const ch_bootstrap *bootstrap, ch_tc_definition definition,
                              double theory, ch_error *err) CH_MUST_CHECK;

/** Fills the group's correlations. */
void ch_fit_correlate(ch_fit_group *group, const ch_bootstrap *bootstrap);

/* ---- table.c, csv.c, latex.c, json.c ---- */

/** Prints a sentence after `lead`, broken at blanks to 88 columns; what follows is indented as far. */
void ch_fit_print_wrapped(FILE *out, const char *lead, const char *text);

/** Prints the report for people. */
void ch_fit_print(const ch_fit *self, FILE *out);

/** Prints one row of comma-separated values for every exponent, shape and T_c. */
void ch_fit_print_csv(const ch_fit *self, FILE *out);

/** Prints the exponents as a LaTeX tabular. */
void ch_fit_print_latex(const ch_fit *self, FILE *out);

/** The report as JSON. @return a new reference, NULL when memory is short */
json_t *ch_fit_json(const ch_fit *self) CH_MUST_CHECK;

#endif
