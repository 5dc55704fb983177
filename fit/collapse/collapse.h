/* collapse.h — one scaling function for all P: y P^-x against T P^a, with errors. Definitions: docs/theory.md.
 *
 * Points are the group's complete cells (fit.h): no run of them was ended by a budget or diverged. A P enters with
 * four points or more. The quality S and the search for its least value are those of master.h, in logarithms.
 *
 * Errors of points. dy of a cell is s_P sqrt(sum_d (n_d / N)^2), with n_d of its N runs on data set d (s_P / sqrt(n)
 * for one run each on n data sets); s_P^2, the variance of ln y between data sets, is pooled over the cells of a P,
 * along which it varies little. A cell's own spread over five data sets is often several times too small by chance, and
 * the few points with the least errors would decide alone.
 *
 * Errors of x and a: as those of exponents in fit.h. The replicas draw data sets by the same random numbers, keep the
 * points' dy, and follow the minimum of the whole table.
 *
 * S is per compared point, about 1 where the curves agree within their errors. It is no chi^2 per degree of freedom:
 * cells share their data sets, so that deviations of neighbouring points are alike; the first samples of a data set are
 * the same at every P, which makes S less than 1.
 *
 * Cost: a replica compares all points some ten times; 1,000 replicas of 5 P with 18 T take 0.1 s on one core.
 */
#ifndef CH_COLLAPSE_H
#define CH_COLLAPSE_H

#include "fit/results.h"

typedef enum { CH_COLLAPSE_WEIGHT_CHANGE, CH_COLLAPSE_TIME } ch_collapse_quantity;

/** "weight_change" or "time". */
const char *ch_collapse_quantity_name(ch_collapse_quantity quantity);

/** @return CH_OK; CH_ERROR_INPUT for any other name */
ch_code ch_collapse_quantity_parse(const char *name, ch_collapse_quantity *quantity, ch_error *err) CH_MUST_CHECK;

/** A point of a collapse. */
typedef struct {
    uint64_t train;
    double temp;
    double y, error; /* exp of the mean ln y; error: dy of ln y */
    double ratio;    /* y over the master curve there; NaN outside of the other curves' range, or without a collapse */
} ch_collapse_point;

/** The collapse of a group. */
typedef struct {
    ch_collapse_quantity quantity;
    ch_estimate x, a;          /* all NaN when there is none */
    double x_theory, a_theory; /* NaN when there is none */
    double quality;            /* S per compared point; NaN when there is none */
    size_t num_trains;         /* P that entered */
    size_t num_points;         /* points of them */
    size_t num_compared;       /* those within the range of another curve, over which S is taken */
    ch_collapse_point *points; /* [num_points] by (train, temp); owned */
    char *reason;              /* why there is none, and the runs that would supply it; NULL when there is; owned */
} ch_collapse;

/** Collapses one group.
 *
 *  GSL's error handler must be off, as for ch_fit_init.
 *
 *  @param options  replicas, seed, threads and watch count; no bit depends on threads
 *  @return CH_OK, also when there is no collapse: `reason` says why; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED */
ch_code ch_collapse_init(ch_collapse *self, const ch_fit_group *group, ch_collapse_quantity quantity,
                         const ch_fit_options *options, ch_error *err) CH_MUST_CHECK;
void ch_collapse_free(ch_collapse *self);

/** The collapses of all groups of a fit. */
typedef struct {
    ch_collapse *items; /* [count], one a group of the fit; owned */
    size_t count;
} ch_collapse_list;

/** As ch_collapse_init for every group, with the fit's own options. */
ch_code ch_collapse_list_init(ch_collapse_list *self, const ch_fit *fit, ch_collapse_quantity quantity,
                              ch_error *err) CH_MUST_CHECK;
void ch_collapse_list_free(ch_collapse_list *self);

#endif
