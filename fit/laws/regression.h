/* regression.h — one power law y = A T^x_T P^x_P over all cells of the window. Private to fit/. */
#ifndef CH_FIT_REGRESSION_H
#define CH_FIT_REGRESSION_H

#include "fit/laws/linear.h"
#include "fit/table/cells.h"

#include <gsl/gsl_matrix.h>

/** A run of a cell in which a budget ended runs. */
typedef struct {
    size_t row;        /* its cell's row in the design */
    uint32_t data_set; /* number of its data set */
    bool is_bound;     /* a budget ended it: its t* is larger than its time; else its time is t* */
    double log_time;
} ch_limited_run;

/** The design of a regression for ||Dw|| or t*. It has a row for every complete cell of the window, and for t* also for
 *  cells in which a budget ended runs. Borrows the group. */
typedef struct {
    const ch_fit_group *group;
    ch_fit_log which; /* CH_LOG_WEIGHT_CHANGE or CH_LOG_TIME */
    size_t *cells;    /* [num_cells] index of each row's cell; owned */
    size_t num_cells;
    size_t num_temps, num_trains; /* numbers of distinct T and P among them */
    bool is_crossed;              /* some T is there at two P, and some P at two T */
    ch_limited_run *limited;      /* [num_limited] runs of the cells that are not complete, by row; owned */
    size_t num_limited;
    double mean_log_temp, mean_log_train; /* subtracted from the regressors, so that the columns are well conditioned */
} ch_regression;

/** @param group  with its window; must outlive the design
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_regression_init(ch_regression *self, const ch_fit_group *group, ch_fit_log which,
                           ch_error *err) CH_MUST_CHECK;
void ch_regression_free(ch_regression *self);

/** The columns of a design are 1, ln T and ln P. The mean is subtracted from the last two. */
enum { CH_REGRESSION_COLUMNS = 3 };

/** What one thread needs to solve a design. All vectors and matrices are owned. */
typedef struct {
    gsl_matrix *design;         /* [num_cells][CH_REGRESSION_COLUMNS] */
    gsl_matrix *fitted;         /* the columns whose factors are fitted */
    gsl_vector *weights, *y;    /* [num_cells] */
    gsl_vector *left, *factors; /* y minus the columns whose factors are held; the fitted factors */
    ch_linear linear;
    double coefficients[CH_REGRESSION_COLUMNS]; /* 0 for a column that neither varies nor is held */
} ch_regression_space;

/** @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_regression_space_init(ch_regression_space *self, const ch_regression *regression,
                                 ch_error *err) CH_MUST_CHECK;
void ch_regression_space_free(ch_regression_space *self);

/** Fits mean ln y on 1, ln T, ln P by weighted least squares.
 *
 *  Where a budget ended runs, the law is the most likely one of normal errors of one variance, to which such a run adds
 *  the probability of taking longer than the time it had (limited.h). Where lower bounds leave no most likely law, it
 *  is the law of the complete cells alone, and an exponent that these do not determine is NaN.
 *
 *  @param means   [num_cells of the group]
 *  @param copies  [num_data_sets] times that each data set was drawn; NULL: each once
 *  @param ranges  of the exponents of T and P; a fixed one needs no two T, or P
 *  @return whether the effects of T and P can be separated; else all of `law` is NaN. They cannot where T and P vary
 *          together: no T is there at two P, or no P at two T, or ln T and ln P are linearly dependent. With one fixed
 *          exponent they always can. */
bool ch_regression_fit(const ch_regression *self, ch_regression_space *space, const ch_cell_mean *means,
                       const double *copies, const ch_range ranges[2], ch_power_law *law);

/** ln A of another quantity that has the law's exponents: the weighted mean over the cells of the design of ln y minus
 *  the T and P dependence of the law. */
double ch_regression_amplitude(const ch_regression *self, const ch_cell_mean *means, ch_fit_log which,
                               const ch_power_law *law);

#endif
