/* lazy.h — a network beside its linearised twin: how far they agree, and where lazy training ends. Definitions:
 * docs/theory.md.
 *
 * Pairs. Two groups of a fit (fit.h) that differ in nothing but `linear` are compared. A run of the network and a run
 * of the twin make a pair when they have the same P, T and three seeds: they then have the same data and the same
 * initial weights w0. A pair is compared only if both of its runs fitted. It is lost if a budget ended one of them, or
 * one diverged. A run without a counterpart is single.
 *
 * Means are taken of x = ln(network / twin), for ||Dw|| and for t*, and of the difference of the test errors. The mean
 * is taken over the pairs of a data set (seed_data) first, then over data sets. Its standard error is that of the
 * second mean, sqrt(sum (x_i - x)^2 / (n (n - 1))) for n data sets, and NaN for one data set.
 *
 * End of the lazy regime. At each P lazy training ends at the least T at which |x| exceeds both
 * ln(1 + CH_LAZY_TOLERANCE) and CH_LAZY_SIGMAS standard errors, and at which the next T, if there is one, exceeds them
 * too with the same sign. A temperature with a lost pair, or with a single data set, does not count and is passed over.
 * The agreement is the mean over all pairs at the temperatures that count below the end.
 */
#ifndef CH_LAZY_H
#define CH_LAZY_H

#include "fit/results.h"

/** A ratio counts as different from 1 when it is off by more than this share and by more than this many standard
 *  errors. */
#define CH_LAZY_TOLERANCE 0.1
#define CH_LAZY_SIGMAS    3.0

/** The quantities that are compared: ||Dw||, t*, and the test error. */
typedef enum { CH_LAZY_WEIGHT_CHANGE, CH_LAZY_TIME, CH_LAZY_TEST_ERROR, CH_NUM_LAZY } ch_lazy_quantity;

/** A mean over data sets and its standard error; either is NaN where there is none. */
typedef struct {
    double mean, stderr_;
} ch_lazy_mean;

/** The pairs at one (P, T). */
typedef struct {
    uint64_t train;
    double temp;
    size_t begin, end;               /* its pairs are pairs[begin] … pairs[end - 1] */
    size_t num_lost, num_single;     /* lost pairs, single runs */
    bool counts;                     /* no pair is lost, and there are two data sets or more */
    ch_lazy_mean means[CH_NUM_LAZY]; /* of ln(network / twin); of the test error, of network - twin */
    double relative;                 /* geometric mean of ||Dw||/||w0|| of the network over data sets */
} ch_lazy_cell;

/** The end of the lazy regime at one P, by one quantity. */
typedef struct {
    /* INSIDE: lazy training ends at `temp`; BELOW: it has ended at `temp` already, the least T that counts; ABOVE: it
     * has not ended at `temp`, the largest T that counts */
    ch_tc_place place;
    double temp, relative;  /* T, and ||Dw||/||w0|| of the network there; NaN for NONE, when no T counts */
    ch_lazy_mean agreement; /* mean over the pairs at all T below the end; NaN where there are none */
} ch_lazy_end;

/** The comparison at one P. */
typedef struct {
    uint64_t train;
    size_t begin, end;            /* its cells are cells[begin] … cells[end - 1] */
    ch_lazy_end ends[2];          /* by ||Dw|| and by t* */
    ch_lazy_mean error_agreement; /* mean difference of the test errors below the end by ||Dw|| */
    double diverges;              /* least T at which a run of the network diverged; NaN if none did */
} ch_lazy_row;

/** A run of the network and its counterpart of the twin. */
typedef struct {
    const ch_run *network, *twin; /* borrowed */
    uint32_t data_set;            /* index among the distinct seed_data of all pairs */
} ch_lazy_pair;

/** A network and its twin. */
typedef struct {
    size_t network, twin; /* indices of the fit's groups */
    ch_lazy_pair *pairs;  /* [num_pairs] of fitted runs, by (train, temp, seeds); owned */
    size_t num_pairs, num_data_sets;
    ch_lazy_cell *cells; /* [num_cells] by (train, temp), where both have runs; owned */
    size_t num_cells;
    ch_lazy_row *rows; /* [num_rows] by train; owned */
    size_t num_rows;
} ch_lazy;

/** The comparisons of a fit. */
typedef struct {
    ch_lazy *items; /* [count] in the order of the networks' groups; owned */
    size_t count, capacity;
} ch_lazy_list;

/** Compares every network of a fit with its twin, where the fit has one and they have a pair of fitted runs.
 *
 *  @param self  out: to be freed with ch_lazy_list_free, also after an error
 *  @param fit  must outlive the list
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_lazy_list_init(ch_lazy_list *self, const ch_fit *fit, ch_error *err) CH_MUST_CHECK;
void ch_lazy_list_free(ch_lazy_list *self);

#endif
