/* onset.h — the crossover of ||Dw||(T) from its plateau to its power law at one P. Private to fit/. */
#ifndef CH_FIT_ONSET_H
#define CH_FIT_ONSET_H

#include "fit/table/cells.h"

#include <gsl/gsl_multifit_nlinear.h>

/** Points of one P, and the solver for their crossover. */
typedef struct {
    size_t count;                     /* number of points */
    bool tied;                        /* delta is given, not fitted */
    double delta;                     /* the given one */
    ch_range range;                   /* of m; after init 0 … infinity */
    bool holds_sharpness;             /* m stays where it starts */
    double *log_temp, *y;             /* [count]; owned */
    gsl_vector *weights, *parameters; /* [count], [number of parameters]; owned */
    gsl_multifit_nlinear_workspace *solver;
} ch_onset_space;

/** The delta with which T_c is found. The data of a single P hardly tell T_c, m and delta apart, so delta is taken
 *  from the power law where there is one, or else from the user who fixed it. It is NaN where there is neither, and is
 *  then fitted. */
double ch_onset_delta(const ch_power_law *weight_change, const ch_fit_options *options);

/** Fewest points for the fit: one more than there are parameters. */
size_t ch_onset_least(bool tied);

/** @param count  number of points, at least ch_onset_least
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_onset_space_init(ch_onset_space *self, size_t count, bool tied, ch_error *err) CH_MUST_CHECK;
void ch_onset_space_free(ch_onset_space *self);

/** Loads ln T, mean ln ||Dw|| and weight of the complete cells of one P; there are `count` of them. */
void ch_onset_load(ch_onset_space *self, const ch_fit_group *group, size_t train, const ch_cell_mean *means);

/** Weighted least squares of the crossover on the loaded points, from `start` (NULL: from the points).
 *
 *  Minimises sum_i w_i [y_i - f(ln T_i)]^2 over ln y0, ln T_c, ln m and, unless tied, ln delta, by
 *  Levenberg-Marquardt with the analytic Jacobian. It stops when no parameter moves by 1e-10 or more in an iteration
 *  (1e-4 from a given start, which is for replicas, whose spread is far wider), when no step lowers the sum any more,
 *  or after 50 iterations.
 *
 *  @param squares  out: the minimum; may be NULL
 *  @return whether it converged to an identifiable crossover (ch_onset_is_identifiable) */
bool ch_onset_fit(ch_onset_space *self, const ch_crossover *start, ch_crossover *crossover, double *squares);

/** Whether a crossover can be told from a bent line: its numbers are finite, m is over 0.3, delta within 0.05 … 20. */
bool ch_onset_is_identifiable(const ch_crossover *crossover);

/** Iterates a solver until no parameter, all of them logarithms, moves by `step` or more in one iteration, or no step
 *  lowers the sum any more; 50 iterations at most.  @return whether one of the two came about */
bool ch_onset_iterate(gsl_multifit_nlinear_workspace *solver, double step);

/** ln(1 + e^z) without overflow, and its derivative 1 / (1 + e^-z). */
double ch_softplus(double z);
double ch_logistic(double z);

/** The straight line through the loaded points: its slope, and its sum of squares. */
void ch_onset_line(const ch_onset_space *self, double *slope, double *squares);

/** Whether a crossover with this sum of squares fits better than the straight line (F test at 0.001). */
bool ch_onset_beats_line(const ch_onset_space *self, double squares, double line_squares);

/** Where T_c lies by the points loaded in `space`: T_c is that of the crossover, where there is one that fits better
 *  than a straight line. Else T_c lies below all points where they rise, and above all of them where they are flat.
 *
 *  @param crossover  out: all NaN when there is none
 *  @param log_temp   out: ln T_c, or of the bound */
ch_tc_place ch_tc_onset(ch_onset_space *space, ch_crossover *crossover, double *log_temp);

/** Points whose ln ||Dw|| rises with a slope under this lie on a plateau. */
#define CH_ONSET_FLAT 0.1

/** Model and Jacobian at `parameters`, for GSL and for the test of the Jacobian. */
int ch_onset_residuals(const gsl_vector *parameters, void *space, gsl_vector *residuals);
int ch_onset_jacobian(const gsl_vector *parameters, void *space, gsl_matrix *jacobian);

#endif
