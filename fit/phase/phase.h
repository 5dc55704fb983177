/* phase.h — phase diagrams: what runs that differ in alpha, T and seeds alone have over (alpha, T). Definitions:
 * docs/theory.md.
 *
 * Diagrams. Groups of a fit (fit.h) that differ in nothing but alpha are put together, and give a diagram for every P
 * at which three alpha or more have three T or more each.
 *
 * Cells. A cell is what there is at one (alpha, T): for the test error the mean over data sets (runs of one data set
 * are averaged first), for the relative variations ||Dw||/||w0|| and ||K - K0||/||K0|| the geometric mean. A cell with
 * a diverged run has no values. A cell with a run that a budget ended has values, but does not count in what follows:
 * they are where the budget ended, not where training would. Only where no run of the diagram ever fitted, as under a
 * loss whose samples come near the margin without end, such cells count all the same, and `by_budget` says so.
 *
 * T_opt(alpha). The T of least mean test error: the vertex of the parabola in ln T through the least cell and its two
 * neighbours; of equal neighbours the middle. Where the least is the lowest or the highest T it is a bound.
 *
 * Border of the lazy regime. At each alpha the T at which ln of a relative variation, joined by straight lines in ln T,
 * first rises to ln threshold: T_c by escape, and the same for the kernel. In the plane it is a contour.
 *
 * k. T_opt ~ alpha^k for alpha << 1: a line through ln T_opt against ln alpha, over the alpha < 1 whose T_opt is inside
 * the sampled T, in the table and in 95 % of the replicas; three alpha at least. Theory: k = (D - 1)/(D + 1) with D
 * hidden layers.
 *
 * Errors. The bootstrap over data sets of fit.h, by the same random numbers, on ln T: all alpha of a replica share
 * their data sets.
 */
#ifndef CH_PHASE_H
#define CH_PHASE_H

#include "fit/results.h"

typedef enum { CH_PHASE_TEST_ERROR, CH_PHASE_WEIGHT_CHANGE, CH_PHASE_KERNEL_CHANGE, CH_NUM_PHASE } ch_phase_quantity;

/** What there is at one (alpha, T). */
typedef struct {
    size_t num_runs, num_budget, num_diverged;
    bool counts;                 /* it enters T_opt, border and contours */
    double values[CH_NUM_PHASE]; /* NaN where not measured, or where a run diverged */
} ch_phase_cell;

/** A temperature that one alpha has. */
typedef struct {
    ch_tc_place place; /* as of a T_c: inside the sampled T, under or over them, or not to be told */
    ch_estimate estimate;
    bool is_sure; /* inside in 95 % of the replicas too; with one data set: inside */
} ch_phase_temp;

/** What one alpha has. */
typedef struct {
    ch_phase_temp best;          /* T_opt */
    ch_phase_temp weight_border; /* where ||Dw||/||w0|| reaches the threshold */
    ch_phase_temp kernel_border; /* where ||K - K0||/||K0|| does */
} ch_phase_row;

/** One diagram. */
typedef struct {
    ch_settings key;     /* what its runs share; of alpha, T and seeds one of those there are */
    const ch_run **runs; /* [num_runs] by (alpha, T, seed_data); owned array, borrowed runs */
    size_t num_runs;
    size_t num_data_sets; /* distinct seed_data */
    double *alphas;       /* [num_alphas] ascending; owned */
    size_t num_alphas;
    double *temps; /* [num_temps] ascending, of all alpha; owned */
    size_t num_temps;
    ch_phase_cell *cells;        /* [num_alphas][num_temps]; without runs where there are none; owned */
    ch_phase_row *rows;          /* [num_alphas]; owned */
    bool measured[CH_NUM_PHASE]; /* some cell has it */
    bool by_budget;              /* no run fitted: cells count as the budgets left them */
    double threshold;            /* of the borders */
    ch_estimate slope;           /* k; NaN with fewer than three alpha */
    size_t num_slope;            /* alpha < 1 that k rests on */
    double slope_theory;         /* NaN where there is none */
} ch_phase;

typedef struct {
    ch_phase *items; /* [count], by the first group they have and P; owned */
    size_t count, capacity;
} ch_phase_list;

/** All diagrams of a fit, none where there is no grid of alpha and T.
 *
 *  @param fit  must outlive the list: options (threshold, replicas, seed, threads, watch) and runs are its own
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_phase_list_init(ch_phase_list *self, const ch_fit *fit, ch_error *err) CH_MUST_CHECK;
void ch_phase_list_free(ch_phase_list *self);

/** The cell at alphas[alpha], temps[temp]. */
const ch_phase_cell *ch_phase_at(const ch_phase *self, size_t alpha, size_t temp);

/** The T of the least of `values`, as T_opt above; NaN among them are passed over.
 *  @param log_temps  [count] ln T, ascending
 *  @param log_temp   out: ln of it, or of the bound; NaN for NONE, with fewer than three values */
ch_tc_place ch_phase_least(const double *log_temps, const double *values, size_t count, double *log_temp);

/** The T at which `values` first rise to `level`, joined by straight lines; NaN among them are passed over. Otherwise
 *  as ch_phase_least; one value is enough. */
ch_tc_place ch_phase_rise(const double *log_temps, const double *values, size_t count, double level, double *log_temp);

/** A piece of a contour, from one (alpha, T) to another. */
typedef struct {
    double alpha[2], temp[2];
} ch_phase_segment;

/** The contour of a quantity at a level, in the plane of the logarithms of alpha, T and quantity: by marching squares
 *  over every four neighbouring cells that count and have a positive value; the mean of the four decides a saddle.
 *
 *  @param segments  out: [*count], to be freed by the caller, also after a failure
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_phase_contour(const ch_phase *self, ch_phase_quantity quantity, double level, ch_phase_segment **segments,
                         size_t *count, ch_error *err) CH_MUST_CHECK;

#endif
