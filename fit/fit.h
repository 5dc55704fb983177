/* fit.h — exponents from a table of runs, with errors one can publish. Definitions: docs/theory.md.
 *
 * Groups. Runs that share every setting but train, temp, rate, the seeds, the budgets and `record` form a group, and
 * are fitted together. The full batch, B = P, is one value of batch, whatever P: such runs are gradient descent,
 * without SGD's noise, and belong to no group of a fixed B. Within a group only the newest results version counts, and
 * of runs that differ in nothing but budgets and `record` only the one that got furthest. A cell is what a group has at
 * one (P, T).
 *
 * Cells. y is ||Dw||, t* or ||Dw||/||w0||; a cell's value is the mean of ln y over its runs. A cell with a run that did
 * not fit (ended by a budget, or diverged) is left out whole and named in a note: the runs that did finish are the
 * quick ones, and keeping only those would bias t* low. In the law of t* runs that a budget ended are lower bounds
 * instead.
 *
 * Window. The power laws hold for T above the onset T_c(P), where ||Dw|| leaves the plateau it has as T -> 0. At each P
 * with five temperatures or more
 *     ln y = ln y0 + (1/m) ln[1 + (T/T_c)^(m delta)]
 * is fitted. Above T_c it exceeds its power law by (1/m) (T/T_c)^(-m delta) to leading order. The window begins at the
 * least T at which that is under 0.1 % for every P, taking the medians over P of m and of m delta; when this leaves
 * fewer than three T, under 1 %; when that leaves fewer than two, under 5 %. (Why so strict: window.c.) A P
 * at which the crossover does not beat a straight line (F test at 0.001) puts no bound, unless ln y is flat there
 * (slope under 0.1): that is the plateau, and the window lies above all its T. From its fourth interval on, the window
 * ends where the local slope d ln y / d ln T, averaged over P, departs from the mean of those before it by more than
 * half of that mean and by more than four of their standard deviations.
 *
 * Errors. Bootstrap over data sets (distinct seed_data): a replica draws n of n with replacement and uses all their
 * runs, so everything that runs on the same data have in common is carried along. The window and the cells used are
 * those of the full table in every replica. With few data sets plain percentile intervals are far too narrow; the
 * error is the replicas' standard deviation times sqrt(n/(n-1)) and the 95 % interval is value +- t error with t of
 * Student's distribution for n-1 degrees of freedom: exact for the exponents of a balanced table when the data sets'
 * own exponents are normal. For T_c this is done on ln T_c.
 *
 * T_c = c P^-a is had twice: by the slope through the ln T_c found one by one, and jointly from all P
 * (ch_critical_law). Numbers may be held (ch_fit_options_fix, _bound, _tie): they are in the table and in every
 * replica.
 */
#ifndef CH_FIT_H
#define CH_FIT_H

#include "core/core.h"
#include "sim/store/store.h"
#include "sim/train.h"

#include <stdbool.h>

/** A number with its error. NaN where it could not be had (fewer than two data sets: no error). */
typedef struct {
    double value;
    double stderr_; /* by bootstrap over data sets */
    double lo, hi;  /* 95 % interval */
} ch_estimate;

/** How a number came by its value. */
typedef enum {
    CH_HELD_NOT,   /* by the data */
    CH_HELD_FIXED, /* it was given: stderr_ is 0 */
    CH_HELD_TIED,  /* it follows another number, with that one's error */
    CH_HELD_BOUND, /* it lies at a bound, and the data would have it beyond: no error, stderr_ is NaN */
} ch_held;

/** An exponent of a group. */
typedef struct {
    const char *name;       /* delta, gamma, time_delta, b, a */
    const char *definition; /* of T_c, for a; else NULL */
    const char *method;     /* for a: "slope" through ln T_c at each P, or "joint" in all P; else NULL */
    ch_estimate estimate;
    double theory; /* NaN when there is none */
    ch_held held;
} ch_exponent;

typedef enum { CH_TC_ONSET, CH_TC_ESCAPE, CH_TC_ERROR, CH_NUM_TC } ch_tc_definition;

/** "onset", "escape" or "error". */
const char *ch_tc_definition_name(ch_tc_definition definition);

typedef enum {
    CH_TC_INSIDE, /* T_c lies within the sampled temperatures */
    CH_TC_BELOW,  /* T_c is under the least temperature: `value` is an upper bound */
    CH_TC_ABOVE,  /* T_c is over the largest temperature: `value` is a lower bound */
    CH_TC_NONE,   /* too few points to say */
} ch_tc_place;

/** The crossover ln y = log_plateau + (1/m) ln[1 + (T/T_c)^(m delta)] from a plateau to a power law. */
typedef struct {
    double log_plateau; /* ln y0 */
    double log_temp;    /* ln T_c */
    double sharpness;   /* m > 0 */
    double delta;       /* > 0 */
} ch_crossover;

/** ln y of the crossover at ln T. */
double ch_crossover_log(const ch_crossover *self, double log_temp);

/** Critical temperature at one P. */
typedef struct {
    uint64_t train;
    ch_tc_definition definition;
    ch_tc_place place;
    ch_estimate estimate;
    ch_crossover crossover; /* of ||Dw|| at this P, for onset inside; else all NaN */
} ch_tc;

/** One power law ln y = ln A + x_T ln T + x_P ln P over a window of temperatures. An exponent that could not be had
 *  is NaN; its term is then left out, so that ln A is what the data have at their one T or P. */
typedef struct {
    double log_amplitude, temp_exponent, train_exponent;
    size_t num_runs; /* runs used */
} ch_power_law;

/** ln y of a power law. */
double ch_power_law_log(const ch_power_law *self, double temp, double train);

/** A run beside a joint law. */
typedef struct {
    const ch_run *run; /* borrowed */
    size_t place;      /* among the runs of the law, by (train, temp, seed_data) */
    double residual;   /* ln y less the law's */
    double sigmas;     /* from the median of its (P, T), in spreads; NaN where it is not judged */
    double chance;     /* that any of the runs judged is as far, at most; NaN as before */
} ch_residual;

/** The runs of a joint law's complete cells, and which of them stand out.
 *
 *  A run is compared with the other data sets at its (P, T), three or more of them: sigmas = (ln y - median) / spread,
 *  wider by 1 / sqrt(1 - (2 - pi/2) / n) as the median of n data sets is drawn to each. The spread is Qn (Rousseeuw and
 *  Croux, J. Am. Stat. Assoc. 88, 1273 (1993)), which half of the numbers may be outliers of, over one run a data set,
 *  averaged over the cells. Distances are taken to follow Student's distribution with 0.82 sum_P (n_P - 1) degrees of
 *  freedom. A run stands out where one of N normal ones would be as far with a probability under 0.05 / N, so that a
 *  table without outliers has one named with 5 % at most. */
typedef struct {
    ch_residual *runs; /* [num_runs], the farthest first; owned */
    size_t num_runs, num_judged;
    size_t num_outliers;       /* the first of `runs` */
    double spread, dof, limit; /* of ln y; limit in spreads; NaN where no run is judged */
} ch_residuals;

/** Why a run is in no joint law, or not in that of ||Dw||. */
typedef enum {
    CH_INCLUDED,
    CH_EXCLUDED_VERSION,         /* an older results version */
    CH_EXCLUDED_REPEAT,          /* repeats another under another budget, and got no further */
    CH_EXCLUDED_NO_WINDOW,       /* there is no window */
    CH_EXCLUDED_BELOW,           /* T under the window */
    CH_EXCLUDED_ABOVE,           /* T over it */
    CH_EXCLUDED_BUDGET,          /* ended by a budget: a lower bound in the law of t* */
    CH_EXCLUDED_BESIDE_BUDGET,   /* at a (P, T) where a budget ended another: in the law of t* alone */
    CH_EXCLUDED_DIVERGED,        /* or with a ||Dw|| or t* that is not a positive number */
    CH_EXCLUDED_BESIDE_DIVERGED, /* at a (P, T) where another did */
    CH_NUM_EXCLUSIONS
} ch_exclusion;

/** A word for programs, e.g. "below_window". */
const char *ch_exclusion_name(ch_exclusion exclusion);

/** Shapes of ln y over ln P. */
typedef enum {
    CH_SHAPE_POWER,     /* y ~ P^x */
    CH_SHAPE_BROKEN,    /* y ~ P^x above P_b, another power below */
    CH_SHAPE_CORRECTED, /* ln y = const + x ln P + q (P / P_1)^-omega, P_1 the least P: a correction to scaling */
    CH_NUM_SHAPES
} ch_trend_shape;

/** "power", "broken" or "corrected". */
const char *ch_trend_shape_name(ch_trend_shape shape);

/** One shape fitted to the curves of a group's data sets. */
typedef struct {
    bool found;                /* there are P enough; else nothing below means anything */
    double exponent, stderr_;  /* x: at all P, above the break, at P -> infinity; its error at the best `extra` */
    double lo, hi;             /* 95 % interval by the profile of the likelihood, over all `extra` that it allows */
    double extra;              /* ln P_b or omega; NaN for a power */
    double extra_lo, extra_hi; /* 95 % interval; infinite where it reaches an end of what is tried */
    double other;              /* exponent under the break, or q; NaN for a power */
    double squares, chi2;      /* left of the mean over the data sets; in units of their own variance */
    size_t dof;                /* P less parameters */
    double misfit;             /* p of a chi2 / dof as large, given that spread (F test); NaN for one data set */
    double against_power;      /* p of doing so much better than a power by chance (F test); NaN for the power */
    double aicc;               /* Akaike's criterion for small samples; NaN where there are too few numbers */
} ch_shape_fit;

/** d ln y / d ln P between neighbouring P. */
typedef struct {
    double train_lo, train_hi, slope, stderr_;
} ch_local_slope;

/** The shapes of y over P in the window. The data sets' errors are normal, of one variance, and correlated over P by
 *  (P / P')^nu, P < P': a set of P samples begins with the smaller ones. nu is the most likely one. */
typedef struct {
    double nu, variance; /* of one data set's ln y; NaN for one data set */
    size_t dof;          /* of the variance */
    ch_shape_fit fits[CH_NUM_SHAPES];
    ch_trend_shape best;   /* the power, unless another is ahead of it by more than 2 in AICc */
    ch_local_slope *local; /* [num_local] ascending; owned */
    size_t num_local;
} ch_shapes;

/** T_c = c P^-a from all P at once.
 *
 *  Onset: the crossovers of all P, each with its own plateau ln y0, and in common a, c, m and, where no power law has
 *  it, delta. Escape: the T at which the power law of ||Dw||/||w0|| is the threshold, a = gamma/delta. */
typedef struct {
    bool found;
    ch_estimate prefactor; /* c; its error is made on ln c, as that of T_c */
    ch_estimate exponent;  /* a */
    ch_estimate sharpness; /* m; all NaN for escape */
    double delta;          /* of the crossover, or of the power law */
    ch_held held_a, held_sharpness;
    size_t num_trains, num_points; /* P and cells that it rests on */
} ch_critical_law;

/** How two fitted numbers go together over the replicas. */
typedef struct {
    const char *first, *second; /* names of exponents; or c, a, sharpness of the joint law by `definition` */
    const char *definition;     /* NULL for exponents */
    double value;               /* Pearson's correlation */
} ch_correlation;

/** What a group has at one (P, T). */
typedef struct {
    size_t train, temp;       /* indices into the group's trains and temps */
    size_t begin, end;        /* its runs: group->runs[begin] … group->runs[end - 1] */
    size_t num_budget;        /* of them ended by a budget */
    size_t num_diverged;      /* of them diverged, or with a ||Dw|| or t* that is not a positive number */
    bool complete;            /* neither: the cell enters the fits */
    double log_weight_change; /* mean of ln ||Dw|| over its runs; NaN unless complete, as the two below */
    double log_time;          /* of ln t* */
    double log_relative;      /* of ln(||Dw|| / ||w0||) */
} ch_fit_cell;

enum { CH_FIT_MAX_EXPONENTS = 9, CH_FIT_MAX_CORRELATIONS = 7 };

/** What is known of the runs that share all settings but temperature, training-set size and seeds. */
typedef struct {
    ch_settings key;     /* of its first run; batch is 0 ("full") where batch = train */
    const ch_run **runs; /* [num_runs] that count, by (train, temp, seed_data); owned array, borrowed runs */
    size_t num_runs;
    size_t num_data_sets; /* distinct seed_data: what the bootstrap draws from */
    uint64_t *trains;     /* [num_trains] distinct P, ascending; owned */
    size_t num_trains;
    double *temps; /* [num_temps] distinct T, ascending; owned */
    size_t num_temps;
    ch_fit_cell *cells; /* [num_cells] by (train, temp); owned */
    size_t num_cells;
    double window_lo, window_hi; /* T window of the power laws; NaN when none was found */
    size_t window_temps;         /* distinct T with complete cells in it */
    double window_tolerance;     /* the crossover's correction is under this; NaN when no onset was seen */
    ch_power_law weight_change;  /* ||Dw|| = A T^delta P^gamma in the window */
    ch_power_law time;           /* t* = A T^time_delta P^b in the window */
    ch_residuals weight_residuals, time_residuals;
    size_t excluded[CH_NUM_EXCLUSIONS];   /* runs by why they are in no joint law; also those that `runs` lacks */
    ch_shapes weight_shapes, time_shapes; /* of ||Dw|| and t* over P in the window */
    ch_exponent exponents[CH_FIT_MAX_EXPONENTS];
    size_t num_exponents;
    ch_tc *tc; /* [num_tc] by (definition, train); owned */
    size_t num_tc;
    ch_critical_law joint[CH_NUM_TC]; /* none by error */
    ch_correlation correlations[CH_FIT_MAX_CORRELATIONS];
    size_t num_correlations; /* pairs that both have a spread */
    char **notes;            /* [num_notes] sentences: censored and left-out runs, what is missing; owned */
    size_t num_notes, notes_capacity;
} ch_fit_group;

/** Numbers of a fit that may be held. */
typedef enum {
    CH_FIT_DELTA,
    CH_FIT_GAMMA,
    CH_FIT_TIME_DELTA,
    CH_FIT_B,
    CH_FIT_A,         /* of the joint law of T_c by onset */
    CH_FIT_SHARPNESS, /* m of the onset, at each P and in the joint law */
    CH_NUM_FIT_PARAMETERS
} ch_fit_parameter;

/** "delta", "gamma", "time_delta", "b", "a" or "sharpness". */
const char *ch_fit_parameter_name(ch_fit_parameter parameter);

/** lo <= x <= hi; a fixed number where they are equal. */
typedef struct {
    double lo, hi;
} ch_range;

/** What a number is held to: a range, or another number y as offset + factor y. */
typedef struct {
    ch_range range; /* infinite for no bound */
    bool is_tied;   /* time_delta or b, to delta or gamma; m at each P, to that of the joint law. No range then */
    ch_fit_parameter other;
    double offset, factor;
} ch_fit_constraint;

typedef struct {
    bool wanted[CH_NUM_TC]; /* which T_c to find */
    double threshold;       /* escape: relative weight variation ||Dw|| / ||w0|| at T_c; positive */
    double sigmas;          /* error: standard errors at T_c, 1 … 30 */
    size_t replicas;        /* bootstrap replicas, 2 … 1,000,000 */
    uint64_t seed;          /* of the bootstrap */
    int threads;            /* at least 1; does not change a bit of the result */
    ch_fit_constraint constraints[CH_NUM_FIT_PARAMETERS];
    ch_stop *stop; /* NULL, or a flag: raised, the fit ends with CH_ERROR_INTERRUPTED */
    /* called by one thread at a time whenever so many more replicas are done; NULL for none */
    void (*tick)(void *data, size_t replicas);
    void *tick_data;
} ch_fit_options;

typedef struct {
    ch_fit_options options;
    ch_fit_group *groups; /* [num_groups] by first appearance in the table; owned */
    size_t num_groups;
    size_t num_infinite; /* runs with train = inf, in no group */
    uint64_t differing;  /* bit i: row i of the settings table is a group's key and differs between groups */
} ch_fit;

/** All T_c, threshold 1, 3 sigmas, 1,000 replicas, seed 0, all threads, nothing held; neither stop nor tick. */
void ch_fit_options_default(ch_fit_options *self);

/** Hold numbers as a list says, a number at most once: "delta=1,b=2"; "gamma=0:2,b=1:" (either end may be left out);
 *  "time_delta=delta,b=1+2*gamma" (NAME=[C+][K*]OTHER, NAME time_delta or b, OTHER delta or gamma), "sharpness=joint".
 *
 *  Held numbers are held in every replica, so that the errors of the others are those given them. The window is chosen
 *  without. Under bounds the laws are the exact constrained minimum. A tied exponent takes its value from the law of
 *  ||Dw||, which does not look at t*; a tied sharpness at each P from the joint law.
 *
 *  @return CH_OK, or CH_ERROR_INPUT with what was written and what is accepted */
ch_code ch_fit_options_fix(ch_fit_options *self, const char *list, ch_error *err) CH_MUST_CHECK;
ch_code ch_fit_options_bound(ch_fit_options *self, const char *list, ch_error *err) CH_MUST_CHECK;
ch_code ch_fit_options_tie(ch_fit_options *self, const char *list, ch_error *err) CH_MUST_CHECK;

/** @return CH_OK, or CH_ERROR_INPUT with the option, its value and what is accepted. ch_fit_init calls it. */
ch_code ch_fit_options_check(const ch_fit_options *self, ch_error *err) CH_MUST_CHECK;

/** Chance that a test error that does not depend on T at all is found to have left its value at one P with so many T:
 *  that of any two neighbours above the three lowest being beyond k sigmas on one side, added up over the pairs, for
 *  normal errors that are as large at every T. */
double ch_tc_error_false_alarms(double sigmas, size_t num_temps);

/** Fits every group of a table of runs. The table must outlive the fit.
 *
 *  GSL's error handler must be off (gsl_set_error_handler_off), else GSL aborts the program where it cannot go on.
 *
 *  @return CH_OK, also when a group has too little for some or all exponents: its notes say what is missing;
 *          CH_ERROR_INPUT when the table is empty, an option is out of range or a run's settings are not valid;
 *          CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED
 */
ch_code ch_fit_init(ch_fit *self, const ch_run_table *table, const ch_fit_options *options,
                    ch_error *err) CH_MUST_CHECK;
void ch_fit_free(ch_fit *self);

/** Whether groups share this row of the settings table (chi, dim, …), or gather runs over it (train, temp, …). */
bool ch_fit_is_key(size_t setting);

/** Label of a group from the settings in which groups differ, e.g. "chi = 1, dim = 128". */
void ch_fit_group_label(const ch_fit *self, const ch_fit_group *group, char *text, size_t size);

/** A temperature for people: "2^-15" for powers of two beyond the plain ones, else four digits. */
void ch_fit_format_temp(double temp, char *text, size_t size);

#endif
