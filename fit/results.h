/* results.h — what a fit finds: the types of its numbers, and the words for them.
 *
 * A fit (ch_fit) has groups. A group (ch_fit_group) has runs, cells, a window of temperatures, power laws, critical
 * temperatures and notes. How they are found stands in fit.h, which has the functions that make them.
 */
#ifndef CH_FIT_RESULTS_H
#define CH_FIT_RESULTS_H

#include "fit/options.h"
#include "perceptron/finite/finite.h"
#include "sim/store/store.h"
#include "sim/train.h"

#include <stdbool.h>

/* ---- numbers ---- */

/** A number with its error. The last three are NaN where there is no error, as with fewer than two data sets. */
typedef struct {
    double value;
    double stderr_; /* standard error, by bootstrap over data sets */
    double lo, hi;  /* 95 % interval */
} ch_estimate;

/** How a number came by its value. */
typedef enum {
    CH_HELD_NOT,   /* it was fitted to the data */
    CH_HELD_FIXED, /* the user gave it: stderr_ is 0 */
    CH_HELD_TIED,  /* it follows another number and has the error of that one */
    CH_HELD_BOUND, /* it lies at a bound, beyond which a free fit would go: it has no error, stderr_ is NaN */
} ch_held;

/** An exponent of a group. */
typedef struct {
    ch_fit_number number;
    ch_tc_definition definition; /* which T_c an `a` is of; CH_NUM_TC for the other exponents */
    ch_estimate estimate;
    double theory;   /* in the limit P -> inf; NaN when there is none */
    double expected; /* at the P, d, B and T of the window, for a finite training set; NaN when it is not known */
    ch_held held;
} ch_exponent;

/** The correlation of two fitted numbers over the replicas of the bootstrap. */
typedef struct {
    ch_fit_number first, second;
    ch_tc_definition definition; /* whose joint law they are of; CH_NUM_TC for exponents of ||Dw|| and t* */
    double value;                /* Pearson's correlation; of c and the sharpness their logarithms are taken */
} ch_correlation;

/* ---- critical temperatures ---- */

/** Where T_c lies. */
typedef enum {
    CH_TC_INSIDE,     /* within the sampled temperatures */
    CH_TC_BELOW,      /* under the least temperature: the estimate's value is an upper bound */
    CH_TC_ABOVE,      /* over the largest temperature: the estimate's value is a lower bound */
    CH_TC_NONE,       /* there are too few points to say */
    CH_TC_UNRESOLVED, /* noise hides it; more data sets would show it */
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

/** The critical temperature at one P, by one definition. */
typedef struct {
    uint64_t train;
    ch_tc_definition definition;
    ch_tc_place place;
    ch_estimate estimate;
    ch_crossover crossover; /* of ||Dw|| at this P, for an onset inside the temperatures; else all NaN */
    size_t needed_sets;     /* number of data sets that would resolve it, where it is not resolved; else 0 */
    double expected;        /* what theory expects at this P and d; NaN where it does not, or not inside the T */
} ch_tc;

/** The law T_c = c P^-a fitted to all P at once.
 *
 *  By onset, the crossovers of all P are fitted together: each P has its own plateau ln y0, and all share a, c, m and,
 *  where no power law gives it, delta. By escape, T_c is the T at which the power law of ||Dw||/||w0|| reaches the
 *  threshold, so that a = gamma/delta. By the test error, its change near T_c is one straight line in ln T + a ln P for
 *  all P (error_joint.h). */
typedef struct {
    bool found;
    ch_estimate prefactor; /* c; its error is made on ln c, as that of T_c is on ln T_c */
    ch_estimate exponent;  /* a */
    ch_estimate sharpness; /* m; all NaN but for the onset */
    double delta;          /* of the crossover, or of the power law; NaN by the test error */
    ch_held held_a, held_sharpness;
    size_t num_trains, num_points; /* how many P and cells the law was fitted to */
    size_t num_outside;            /* at how many P of the group c P^-a lies outside the T that were sampled there */
    double expected_prefactor, expected_exponent; /* c and a that theory expects at these P and d; NaN: none */
} ch_critical_law;

/* ---- power laws and the residuals of runs ---- */

/** One power law ln y = ln A + x_T ln T + x_P ln P over a window of temperatures. An exponent that the data do not
 *  determine is NaN, and its term is left out: with one T, say, ln A is then the value at that T. */
typedef struct {
    double log_amplitude, temp_exponent, train_exponent;
    size_t num_runs; /* runs used */
} ch_power_law;

/** ln y of a power law. */
double ch_power_law_log(const ch_power_law *self, double temp, double train);

/** A run, and its distance from a power law. */
typedef struct {
    const ch_run *run; /* borrowed */
    size_t place;      /* index among the runs of the law, by (train, temp, seed_data) */
    double residual;   /* ln y of the run minus ln y of the law */
    double sigmas;     /* distance of ln y from the median of its (P, T), in units of the spread */
    double chance;     /* upper bound on the probability that some tested run is as far off */
} ch_residual;

/** The runs in a power law's complete cells that are outliers.
 *
 *  A run is compared with the other data sets at its (P, T), of which there must be three or more: sigmas = (ln y -
 *  median) / spread, made wider by 1 / sqrt(1 - (2 - pi/2) / n), because the median of n data sets is drawn towards
 *  each of them. The spread is Qn (Rousseeuw and Croux, J. Am. Stat. Assoc. 88, 1273 (1993)), which stays right while
 *  fewer than half of the numbers are outliers. It is taken over one run of each data set and averaged over the cells.
 *  Distances are taken to follow Student's distribution with 0.82 sum_P (n_P - 1) degrees of freedom. N being the
 *  number of tested runs, a run is an outlier when a normal run would be as far off with a probability under 0.05 / N.
 *  So a table without outliers has a run named as one with a probability of 5 % at most. */
typedef struct {
    ch_residual *runs; /* [num_far] the outliers, or where there is none the tested run that is farthest off; the
                          farthest first; owned */
    size_t num_far;
    size_t num_runs, num_tested; /* how many runs are in the law's cells, and were tested */
    size_t num_outliers;
    double spread, dof, limit; /* spread of ln y, degrees of freedom, limit in spreads; NaN where no run is tested */
} ch_residuals;

/** Why a run is in no power law, or not in that of ||Dw||. How a run ended comes before where its T lies. */
typedef enum {
    CH_INCLUDED,
    CH_EXCLUDED_VERSION,         /* it has an older results version */
    CH_EXCLUDED_REPEAT,          /* it repeats another run (another budget, T rounded) and got no further */
    CH_EXCLUDED_NO_WINDOW,       /* no window was found */
    CH_EXCLUDED_BELOW,           /* its T lies under the window */
    CH_EXCLUDED_ABOVE,           /* its T lies over the window */
    CH_EXCLUDED_BUDGET,          /* a budget ended it: in the law of t* it is a lower bound */
    CH_EXCLUDED_BUDGET_UNUSED,   /* a budget ended it outside the window, or beside a run that leaves out its (P, T) */
    CH_EXCLUDED_BESIDE_BUDGET,   /* a budget ended another run at its (P, T): it is in the law of t* alone */
    CH_EXCLUDED_DIVERGED,        /* it diverged */
    CH_EXCLUDED_BESIDE_DIVERGED, /* another run at its (P, T) diverged */
    CH_EXCLUDED_UNUSABLE,        /* it has no ||Dw|| or t* that is a positive number, or ended in another way */
    CH_EXCLUDED_BESIDE_UNUSABLE, /* another run at its (P, T) is such a run */
    CH_NUM_EXCLUSIONS
} ch_exclusion;

/** A word for programs, e.g. "below_window". */
const char *ch_exclusion_name(ch_exclusion exclusion);

/* ---- shapes over P ---- */

/** Shapes of ln y over ln P. */
typedef enum {
    CH_SHAPE_POWER,     /* y ~ P^x */
    CH_SHAPE_BROKEN,    /* y ~ P^x above P_b, and another power below */
    CH_SHAPE_CORRECTED, /* ln y = const + x ln P + q (P / P_1)^-omega with P_1 the least P: a correction to scaling */
    CH_NUM_SHAPES
} ch_trend_shape;

/** "power", "broken" or "corrected". */
const char *ch_trend_shape_name(ch_trend_shape shape);

/** One shape fitted to the curves of a group's data sets. */
typedef struct {
    bool found;                /* there are enough P; where it is false, the members below have no meaning */
    double exponent, stderr_;  /* x at all P, above the break, or for P -> infinity; its error at the best `extra` */
    double lo, hi;             /* 95 % interval of x by the profile likelihood, over every `extra` that it allows */
    double extra;              /* ln P_b or omega; NaN for a power */
    double extra_lo, extra_hi; /* 95 % interval of `extra`; infinite where it reaches an end of what is tried */
    double other;              /* exponent under the break, or q; NaN for a power */
    double squares, chi2;      /* squares that the shape leaves of the data sets' mean; the same over its variance */
    size_t dof;                /* number of P less number of parameters */
    double misfit;        /* chance of as large a chi2 / dof if the shape is right (F test); NaN for one data set */
    double against_power; /* chance of as large an improvement if a power is right (F test); NaN for the power */
    double aicc;          /* Akaike's criterion for small samples; NaN where there are too few numbers */
} ch_shape_fit;

/** d ln y / d ln P between neighbouring P. */
typedef struct {
    double train_lo, train_hi, slope, stderr_;
} ch_local_slope;

/** The shapes of y over P in the window. The errors of the data sets are taken to be normal, of one variance, and
 *  correlated over P by (P / P')^nu for P < P', because a set of P' samples begins with those of the set of P. nu is
 *  its most likely value. */
typedef struct {
    double nu, variance; /* variance of one data set's ln y; NaN for one data set */
    size_t dof;          /* degrees of freedom of the variance */
    ch_shape_fit fits[CH_NUM_SHAPES];
    ch_trend_shape best;   /* the power, unless another shape is ahead of it by more than 2 in AICc */
    ch_local_slope *local; /* [num_local] ascending in P; owned */
    size_t num_local;
} ch_shapes;

/* ---- the effective density exponent ---- */

/** The density exponent chi of the data as a group's runs show it. The perceptron's theory has one chi, which makes
 *  gamma, b and the density of test samples at the boundary; other data and models may have another for each. NaN where
 *  it is not found. */
typedef struct {
    ch_estimate of_gamma;      /* 1/gamma - 1, for gamma > 0 */
    ch_estimate of_b;          /* 2/(b - 1) - 1, for b > 1 */
    ch_estimate excess;        /* b - 1 - 2 gamma, 0 where one chi makes both */
    double expected_excess;    /* what theory expects of it at these P, d and T; NaN where it does not */
    ch_estimate of_density;    /* mean density_chi of fitted runs (core/near_boundary.h) */
    uint64_t train;            /* P of these runs; 0: none */
    size_t num_runs, num_sets; /* how many they are, and of how many data sets */
    double share, test_error;  /* mean share of the test samples in the window, and mean test error */
    double drift; /* mean density_drift over data sets, times the root of their number: normal for a power law */
} ch_effective_chi;

/* ---- groups ---- */

/** What a group has at one (P, T). */
typedef struct {
    size_t train, temp;       /* indices into the group's trains and temps */
    size_t begin, end;        /* its runs are group->runs[begin] … group->runs[end - 1] */
    size_t num_budget;        /* how many of them a budget ended */
    size_t num_diverged;      /* how many diverged */
    size_t num_unusable;      /* how many ended in another way, or fitted with no positive ||Dw|| or t* */
    bool complete;            /* the three counts are 0: the cell enters the fits */
    double log_weight_change; /* mean of ln ||Dw|| over its runs; NaN unless complete, as are the next two */
    double log_time;          /* mean of ln t* */
    double log_relative;      /* mean of ln(||Dw|| / ||w0||) */
} ch_fit_cell;

/** What theory expects of a group at the P and d that it has (perceptron/finite/family.h). */
typedef struct {
    double *temps; /* [num_temps] ascending: those of the group, and between them; owned */
    size_t num_temps;
    /* [num_trains of the group][num_temps] ends of training; NaN where nothing is expected; owned */
    ch_finite_end *ends;
    char *why_not; /* why nothing is expected at some P and T or at all, a sentence without a full stop; NULL where
                      something is expected everywhere, and without the option `expects`; owned */
} ch_expected_curves;

/** The runs that share all settings but temperature, training-set size and seeds, and what was found from them. */
typedef struct {
    ch_settings key;     /* settings of its first run, with the digest of the images; batch is 0 ("full") where batch =
                            train */
    const ch_run **runs; /* [num_runs] that count, by (train, temp, seed_data); owned array, borrowed runs */
    size_t num_runs;
    uint32_t *data_set;   /* [num_runs] number of each run's data set, from 0; owned */
    size_t num_data_sets; /* number of distinct seed_data, from which the bootstrap draws */
    uint64_t *trains;     /* [num_trains] distinct P, ascending; owned */
    size_t num_trains;
    double *temps; /* [num_temps] distinct T, ascending; owned */
    size_t num_temps;
    ch_fit_cell *cells; /* [num_cells] by (train, temp); owned */
    size_t num_cells;
    double window_lo, window_hi; /* T window of the power laws; NaN when none was found */
    size_t window_temps;         /* number of distinct T with complete cells in it */
    double window_tolerance;     /* the crossover's correction is under this; NaN when no onset was seen */
    ch_power_law weight_change;  /* ||Dw|| = A T^delta P^gamma in the window */
    ch_power_law time;           /* t* = A T^time_delta P^b in the window */
    ch_power_law expected_weight_change, expected_time; /* what theory expects of both; NaN where it does not */
    ch_expected_curves expected;                        /* what theory expects at these P, over T */
    ch_residuals weight_residuals, time_residuals;
    size_t excluded[CH_NUM_EXCLUSIONS];   /* runs that each reason keeps out, also those not in `runs` */
    ch_shapes weight_shapes, time_shapes; /* shapes of ||Dw|| and t* over P in the window */
    ch_exponent *exponents;               /* [num_exponents]; owned */
    size_t num_exponents, exponents_capacity;
    ch_effective_chi chi;
    ch_tc *tc; /* [num_tc] by (definition, train); owned */
    size_t num_tc;
    ch_critical_law joint[CH_NUM_TC]; /* not found by definitions that have no joint law */
    ch_correlation *correlations;     /* [num_correlations] pairs of numbers that both have a spread; owned */
    size_t num_correlations, correlations_capacity;
    char **notes; /* [num_notes] sentences: runs that are left out, numbers that are missing and why; owned */
    size_t num_notes, notes_capacity;
    bool *is_detail; /* [num_notes] whether a note is one of those that a report shows on demand; owned */
    size_t is_detail_capacity;
} ch_fit_group;

/* ---- all ---- */

/** The fit of a table of runs. */
typedef struct {
    ch_fit_options options;
    const ch_run_table *table; /* the runs as they are stored; borrowed */
    /* [table->count] the same runs, in which reals that are one value have the same bits (sim/settings/reals.h): those
     * of the table, or copies where some of these reals differ */
    const ch_run *runs;
    ch_run *copies;       /* owned, but for what its runs point to, which is the table's; NULL where there are none */
    ch_fit_group *groups; /* [num_groups] by first appearance in the table; owned */
    size_t num_groups;
    size_t num_infinite; /* runs with train = inf, which are in no group */
    /* bit i: row i of the settings table belongs to a group's key and differs between groups; and CH_FIT_BY_DIGEST */
    uint64_t differing;
} ch_fit;

/** The bit of `differing` that says that groups of the same data, such as mnist_parity, have different images. */
#define CH_FIT_BY_DIGEST (UINT64_C(1) << 63)

/** A run of the fit as it stands in the table, with every bit of its settings: its identity is made from these.
 *  @param run  one of the fit's runs */
const ch_run *ch_fit_stored_run(const ch_fit *self, const ch_run *run);

/** Whether groups share this row of the settings table (chi, dim, …), or gather runs over it (train, temp, …). */
bool ch_fit_is_key(size_t setting);

/** Label of a group from the settings in which groups differ, e.g. "chi = 1, dim = 128". */
void ch_fit_group_label(const ch_fit *self, const ch_fit_group *group, char *text, size_t size);

#endif
