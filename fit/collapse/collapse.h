/* collapse.h — one scaling function for all P: y P^-x against T P^a, with errors. Definitions: docs/theory.md.
 *
 * The test error falls with P, so that its x is counted the other way: eps P^x against T P^a.
 *
 * Points. Every complete cell of a group is a point (a cell is complete when no run of it was ended by a budget or
 * diverged, fit.h). The points of one P make a curve; a P enters with CH_LEAST_POINTS points or more. How well the
 * curves lie on one, the quality S, and the search for its least value are those of master.h, in logarithms.
 *
 * Errors of points. The error dy of ln y is s_P sqrt(sum_d (n_d / N)^2), where n_d of the cell's N runs are on data set
 * d; for one run on each of n data sets that is s_P / sqrt(n). The variance s_P^2 of ln y between data sets is averaged
 * over all cells of a P, along which it varies little. The spread within one cell would not do: over five data sets it
 * is often several times too small by chance, and the few points with the smallest errors would decide the collapse.
 *
 * Errors of x and a come from the bootstrap over data sets (fit.h). A replica draws its data sets by the same random
 * numbers as the replicas of the exponents do. It keeps the dy of the points, and starts its search for the minimum at
 * the minimum of the whole table.
 *
 * S is a mean over the compared points, and about 1 where the curves agree within their errors. It is not a chi^2 per
 * degree of freedom. All cells share their data sets, so that neighbouring points deviate together; and the sets of
 * different P begin with the same samples, which makes S smaller than 1.
 *
 * Cost: a replica compares all points some ten times; 1,000 replicas of 5 P with 18 T take 0.1 s on one core.
 */
#ifndef CH_COLLAPSE_H
#define CH_COLLAPSE_H

#include "fit/results.h"

/** The quantity y: ||Dw||, t* or the test error. */
typedef enum {
    CH_COLLAPSE_WEIGHT_CHANGE,
    CH_COLLAPSE_TIME,
    CH_COLLAPSE_TEST_ERROR,
    CH_NUM_COLLAPSES
} ch_collapse_quantity;

/** @return "weight_change", "time" or "test_error" */
const char *ch_collapse_quantity_name(ch_collapse_quantity quantity);

/** Reads one of these names.
 *  @param quantity  out: unchanged after an error
 *  @return CH_OK; CH_ERROR_INPUT for any other name */
ch_code ch_collapse_quantity_parse(const char *name, ch_collapse_quantity *quantity, ch_error *err) CH_MUST_CHECK;

/** A point of a collapse. */
typedef struct {
    uint64_t train; /* P */
    double temp;    /* T */
    double y;       /* exp of the mean of ln y over the runs; in units of ||Dw|| or t*, or a test error */
    double error;   /* dy, the standard error of ln y */
    double ratio;   /* y over the master curve; NaN outside the range of all other curves, or without a collapse */
} ch_collapse_point;

/** The collapse of a group. */
typedef struct {
    ch_collapse_quantity quantity;
    ch_estimate x, a;          /* with errors over data sets; all NaN when there is no collapse */
    double x_theory, a_theory; /* what theory gives in the limit of large P; NaN where there is no theory */
    double quality;            /* S, a mean over compared points; NaN when there is no collapse */
    size_t num_trains;         /* P that entered */
    size_t num_points;         /* points of these P */
    size_t num_compared;       /* points within the range of another curve, over which S is the mean */
    ch_collapse_point *points; /* [num_points] by (train, temp), ascending; owned */
    char *reason; /* a sentence: why there is no collapse, and which runs would help; NULL when there is one; owned */
} ch_collapse;

/** Collapses the curves of one group.
 *
 *  GSL's error handler must be off, as for ch_fit_init.
 *
 *  @param self     out: to be freed with ch_collapse_free, also after an error
 *  @param group    must outlive the call only
 *  @param options  replicas, seed, threads and watch; the number of threads changes no bit of the result
 *  @return CH_OK, also when there is no collapse, and `reason` then says why; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED */
ch_code ch_collapse_init(ch_collapse *self, const ch_fit_group *group, ch_collapse_quantity quantity,
                         const ch_fit_options *options, ch_error *err) CH_MUST_CHECK;
void ch_collapse_free(ch_collapse *self);

/** The collapses of all groups of a fit. */
typedef struct {
    ch_collapse *items; /* [count] in the order of the fit's groups; owned */
    size_t count;
} ch_collapse_list;

/** Collapses every group of a fit, with the fit's own options.
 *  @param self  out: to be freed with ch_collapse_list_free, also after an error
 *  @return as ch_collapse_init */
ch_code ch_collapse_list_init(ch_collapse_list *self, const ch_fit *fit, ch_collapse_quantity quantity,
                              ch_error *err) CH_MUST_CHECK;
void ch_collapse_list_free(ch_collapse_list *self);

#endif
