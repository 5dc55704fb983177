/* lazy.h — a network beside its linearised twin: how far they agree, and where lazy training ends. Definitions:
 * docs/theory.md.
 *
 * Pairs. Two groups of a fit (fit.h) that differ in nothing but `linear` are put side by side. A run of the network and
 * one of the twin make a pair where they share P, T and all three seeds: the same data, and the same w0. Only pairs of
 * two fitted runs are compared; those in which a budget ended one, or one diverged, are lost; runs without a
 * counterpart are single.
 *
 * Means. Of x = ln(network / twin), for ||Dw|| and for t*, and of the difference of the test errors: over the pairs of
 * a data set (seed_data) first, then over data sets; the error is that of the latter mean, sqrt(sum (x_i - x)^2 /
 * (n (n - 1))), NaN for one data set.
 *
 * End of the lazy regime. At each P the least T at which x is beyond both ln(1 + CH_LAZY_TOLERANCE) and CH_LAZY_SIGMAS
 * standard errors, at the next T too and on the same side, unless there is none. Temperatures with a lost pair, or
 * with a single data set, are passed over: they do not count. Under the end, the agreement is the mean over all pairs
 * of all T that count.
 */
#ifndef CH_LAZY_H
#define CH_LAZY_H

#include "fit/results.h"

#define CH_LAZY_TOLERANCE 0.1
#define CH_LAZY_SIGMAS    3.0

typedef enum { CH_LAZY_WEIGHT_CHANGE, CH_LAZY_TIME, CH_LAZY_TEST_ERROR, CH_NUM_LAZY } ch_lazy_quantity;

/** A mean over data sets and its standard error; NaN where there is none. */
typedef struct {
    double mean, stderr_;
} ch_lazy_mean;

/** What there is at one (P, T). */
typedef struct {
    uint64_t train;
    double temp;
    size_t begin, end;               /* its pairs: pairs[begin] … pairs[end - 1] */
    size_t num_lost, num_single;     /* pairs, and runs */
    bool counts;                     /* no pair is lost, and two data sets are there */
    ch_lazy_mean means[CH_NUM_LAZY]; /* of ln(network / twin), of the test error the difference network - twin */
    double relative;                 /* geometric mean of ||Dw||/||w0|| of the network over data sets */
} ch_lazy_cell;

/** Where one quantity leaves the twin's, at one P. */
typedef struct {
    ch_tc_place place;      /* INSIDE: at `temp`; BELOW: at the least T that counts already; ABOVE: not up to `temp` */
    double temp, relative;  /* T, and ||Dw||/||w0|| there; NaN for NONE, where no T counts */
    ch_lazy_mean agreement; /* at all T under the end; NaN where there is none */
} ch_lazy_end;

/** What there is at one P. */
typedef struct {
    uint64_t train;
    size_t begin, end;            /* its cells: cells[begin] … cells[end - 1] */
    ch_lazy_end ends[2];          /* of ||Dw|| and t* */
    ch_lazy_mean error_agreement; /* difference of the test errors, under the end by ||Dw|| */
    double diverges;              /* least T with a diverged run of the network; NaN for none */
} ch_lazy_row;

typedef struct {
    const ch_run *network, *twin; /* borrowed */
    uint32_t data_set;            /* index among the distinct seed_data of all pairs */
} ch_lazy_pair;

/** A network and its twin. */
typedef struct {
    size_t network, twin; /* indices of the fit's groups */
    ch_lazy_pair *pairs;  /* [num_pairs] of fitted runs, by (train, temp, seeds); owned */
    size_t num_pairs, num_data_sets;
    ch_lazy_cell *cells; /* [num_cells] by (train, temp), all where both have runs; owned */
    size_t num_cells;
    ch_lazy_row *rows; /* [num_rows] by train; owned */
    size_t num_rows;
} ch_lazy;

typedef struct {
    ch_lazy *items; /* [count] by the network's group; owned */
    size_t count, capacity;
} ch_lazy_list;

/** All networks of a fit that have a twin there with a pair of fitted runs.
 *
 *  @param fit  must outlive the list
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_lazy_list_init(ch_lazy_list *self, const ch_fit *fit, ch_error *err) CH_MUST_CHECK;
void ch_lazy_list_free(ch_lazy_list *self);

#endif
