/* phase.h — phase diagrams: test error and relative variations of runs over the plane of (alpha, T).
 * Definitions: docs/theory.md.
 *
 * Diagrams. Groups of a fit (fit.h) that differ in nothing but alpha are put together. They give one diagram for every
 * P at which three alpha or more have three T or more each.
 *
 * Cells. A cell holds the runs at one (alpha, T). Its test error is the mean over data sets, after the runs of one data
 * set have been averaged; its relative variations ||Dw||/||w0|| and ||K - K0||/||K0|| are geometric means in the same
 * way. A cell with a diverged run has no values. A cell with a run that a budget ended has values but does not count in
 * what follows, because they show where the budget ended and not where training would have. Where no run of a diagram
 * fits, and under a loss whose samples approach the margin without end, so that a run fits by chance alone, such cells
 * count all the same, and `by_budget` says so.
 *
 * Training loss. Where runs end by their budgets in this way, and all of these after the same number of updates, or of
 * steps, a diagram has the training loss at that number, in units of kappa = 1/alpha. It is a geometric mean, as the
 * relative variations are. A run that is stuck has what it would keep, and one that fitted has none.
 *
 * T_opt(alpha) is the T of least mean test error: the vertex of the parabola in ln T through the least cell and its two
 * neighbours, or the middle of several least cells that are equal. Where the least cell is at the lowest or the highest
 * T, that T is only a bound.
 *
 * Border of the lazy regime. The border at an alpha is the T at which ln of a relative variation, joined by straight
 * lines in ln T, first rises to ln threshold. For ||Dw||/||w0|| this is T_c by escape; the kernel has its own border.
 * In the plane both are contours.
 *
 * T_max(alpha) is the border of divergence: the T above which half of the data sets diverge. At each T the share of
 * diverged runs is averaged over the runs of a data set and then over data sets. T_max is where this share, joined by
 * straight lines in ln T, first rises to 1/2. It is a bound where no sampled T, or already the least one, has half of
 * them diverged. A run that a budget ended counts as one that did not diverge.
 *
 * Powers. T_max ~ alpha^s and T_opt ~ alpha^k, with other exponents at small and at large alpha: each is fitted once
 * over the alpha < 1 and once over the alpha > 1. It is the slope of a straight line through ln T over ln alpha, over
 * those alpha whose T lies inside the sampled T, in the table and in 95 % of the replicas. Three such alpha are needed.
 * Where fewer have a T_opt, k is fitted to T_max over the alpha whose T_opt sits at the border of divergence, again
 * with three such alpha.
 *
 * Theory. With D hidden layers s = k = (D - 1)/(D + 1) for alpha << 1. For alpha >> 1 a network is lazy. A loss whose
 * slope is bounded (hinge, soft hinge, logistic) then moves the weights by as much as at any other alpha, so that s =
 * 0. One whose slope grows with alpha F (mse, quadratic hinge) has s = -1. A model that is linear in its weights (a
 * perceptron, a twin) depends on alpha T alone, so that k = -1 at every alpha; where its weights can diverge at all,
 * which takes a loss without a bound, s = -1 as well. Derivation: docs/theory.md.
 *
 * Errors come from the bootstrap over data sets (fit.h), with the same random numbers as for exponents, and are made on
 * ln T. In a replica all alpha share the drawn data sets. T_max is known to no better than the step of the grid in
 * which it lies: where all data sets diverge in one step, their replicas do not differ. So T_max has the variance of
 * the replicas and that of a uniform number over its step, D^2 / 12 for a step D in ln T, and its interval has the half
 * widths of both, t times the error of the replicas and D / 2, added in squares. With a step that is wide beside the
 * differences of data sets such an interval holds T_max more often than in 95 of 100 tables. The slope over ln alpha
 * has the sum of these variances in the same way.
 */
#ifndef CH_PHASE_H
#define CH_PHASE_H

#include "fit/results.h"

/** The quantities of a diagram: test error, ||Dw||/||w0||, ||K - K0||/||K0||, and the training loss. */
typedef enum {
    CH_PHASE_TEST_ERROR,
    CH_PHASE_WEIGHT_CHANGE,
    CH_PHASE_KERNEL_CHANGE,
    CH_PHASE_TRAIN_LOSS, /* alpha L, the training loss in units of kappa, after a number of updates or steps */
    CH_NUM_PHASE
} ch_phase_quantity;

/** The runs at one (alpha, T). */
typedef struct {
    size_t num_runs;             /* 0 where nothing was sampled */
    size_t num_budget;           /* runs that a budget ended */
    size_t num_diverged;         /* runs that diverged */
    double diverged;             /* share of diverged runs, averaged over data sets; NaN where nothing was sampled */
    bool counts;                 /* it enters T_opt, border and contours */
    double values[CH_NUM_PHASE]; /* NaN if not measured, or if a run diverged */
} ch_phase_cell;

/** A temperature of one alpha: T_opt or a border. */
typedef struct {
    ch_tc_place place;    /* inside the sampled T, under or over them, or unknown */
    ch_estimate estimate; /* T, or a bound on it; the error is made on ln T */
    bool is_sure;         /* it lies inside the sampled T, and does so in 95 % of the replicas if there are any */
} ch_phase_temp;

/** What keeps T_opt from being a minimum among sampled T. */
typedef enum {
    CH_PHASE_FREE,        /* nothing: it lies inside, or at an end of the sampled T */
    CH_PHASE_AT_DIVERGED, /* runs diverge at the next T above, so that T_opt sits at the border of divergence */
    CH_PHASE_AT_BUDGET,   /* budgets ended runs at the next T above or below */
} ch_phase_limit;

/** The temperatures of one alpha. */
typedef struct {
    ch_phase_temp best;          /* T_opt */
    ch_phase_limit limit;        /* of T_opt */
    ch_phase_temp max;           /* T_max */
    ch_phase_temp weight_border; /* where ||Dw||/||w0|| reaches the threshold */
    ch_phase_temp kernel_border; /* where ||K - K0||/||K0|| does */
} ch_phase_row;

/** The two ends of the alpha, each of which has its own powers. */
typedef enum {
    CH_PHASE_SMALL, /* alpha < 1 */
    CH_PHASE_LARGE, /* alpha > 1 */
    CH_NUM_PHASE_ENDS
} ch_phase_end;

/** What a power is fitted to. */
typedef enum {
    CH_PHASE_OF_BEST,        /* T_opt */
    CH_PHASE_OF_MAX,         /* T_max */
    CH_PHASE_OF_MAX_AT_BEST, /* T_max of those alpha whose T_opt sits at the border of divergence */
} ch_phase_of;

/** The exponent of a temperature in alpha. */
typedef struct {
    ch_estimate estimate; /* NaN with fewer than three alpha */
    size_t num_alphas;    /* number of alpha that it was fitted to, or would be */
    ch_phase_of of;
    ch_phase_end end;
    double theory; /* NaN where there is none */
} ch_phase_power;

/** One diagram. */
typedef struct {
    ch_settings key;     /* settings that its runs share; alpha, T and seeds are those of one run */
    const ch_run **runs; /* [num_runs] by (alpha, T, seed_data); owned array, borrowed runs */
    size_t num_runs;
    size_t num_data_sets; /* distinct seed_data */
    double *alphas;       /* [num_alphas] ascending; owned */
    size_t num_alphas;
    double *temps; /* [num_temps] ascending, of all alpha; owned */
    size_t num_temps;
    ch_phase_cell *cells;        /* [num_alphas][num_temps], a row for each alpha; owned */
    ch_phase_row *rows;          /* [num_alphas]; owned */
    bool measured[CH_NUM_PHASE]; /* whether some cell has the quantity */
    size_t num_fitted;           /* runs */
    bool by_budget;              /* runs end by their budgets, and cells that budgets ended count */
    uint64_t updates, steps;     /* what every run had that a budget ended, where runs end so; 0: they differ */
    double threshold;            /* relative variation at the borders */
    ch_phase_power best_powers[CH_NUM_PHASE_ENDS]; /* k of T_opt */
    ch_phase_power max_powers[CH_NUM_PHASE_ENDS];  /* s of T_max */
} ch_phase;

/** The diagrams of a fit. */
typedef struct {
    ch_phase *items; /* [count] by the first group that each has, then by P; owned */
    size_t count, capacity;
} ch_phase_list;

/** Makes all diagrams of a fit; there is none where no grid of alpha and T was sampled.
 *
 *  @param self  out: to be freed with ch_phase_list_free, also after an error
 *  @param fit  its options (threshold, replicas, seed, threads, watch) and runs are used; it must outlive the list
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_phase_list_init(ch_phase_list *self, const ch_fit *fit, ch_error *err) CH_MUST_CHECK;
void ch_phase_list_free(ch_phase_list *self);

/** The temperature that a power was fitted to at alphas[alpha]: its T_opt or its T_max; borrowed. NULL where it was
 *  fitted to none of them. */
const ch_phase_temp *ch_phase_power_point(const ch_phase *self, const ch_phase_power *power, size_t alpha);

/** The cell at alphas[alpha] and temps[temp]; borrowed. */
const ch_phase_cell *ch_phase_at(const ch_phase *self, size_t alpha, size_t temp);

/** Finds the T of the least of `values`, as for T_opt above. NaN among them are passed over.
 *  @param log_temps  [count] ln T, ascending
 *  @param values     [count] one at each T
 *  @param log_temp   out: ln of that T, or of the bound; NaN for CH_TC_NONE
 *  @return where the T lies; CH_TC_NONE with fewer than three values, or when all are equal */
ch_tc_place ch_phase_least(const double *log_temps, const double *values, size_t count, double *log_temp);

/** Finds the T at which `values`, joined by straight lines in ln T, first rise to `level`. NaN among them are passed
 *  over. The arguments are those of ch_phase_least.
 *  @return where the T lies; CH_TC_NONE when every value is NaN */
ch_tc_place ch_phase_rise(const double *log_temps, const double *values, size_t count, double level, double *log_temp);

/** A straight piece of a contour in logarithms, from (alpha[0], temp[0]) to (alpha[1], temp[1]). */
typedef struct {
    double alpha[2], temp[2];
} ch_phase_segment;

/** The contour of a quantity at a level, by marching squares. Alpha, T and the quantity are taken as logarithms. Every
 *  four neighbouring cells that count and have positive values make a square; where two opposite corners lie above the
 *  level and the other two below it, the mean of the four decides which corners are joined. At a T that was sampled
 *  only at other alpha, the value is interpolated linearly in ln T between the two sampled T beside it, where both have
 *  a value.
 *
 *  @param segments  out: [*count], to be freed by the caller, also after a failure
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_phase_contour(const ch_phase *self, ch_phase_quantity quantity, double level, ch_phase_segment **segments,
                         size_t *count, ch_error *err) CH_MUST_CHECK;

#endif
