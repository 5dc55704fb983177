/* joint.h — the law T_c = c P^-a fitted to all P at once. Private to fit/. */
#ifndef CH_FIT_JOINT_H
#define CH_FIT_JOINT_H

#include "fit/table/cells.h"

#include <gsl/gsl_multifit_nlinear.h>

/** The crossover of all P: ln T_c = log_prefactor - a ln P. */
typedef struct {
    double log_prefactor, a, sharpness, delta;
} ch_joint_onset;

/** Points of all P with two complete cells or more, and the solver for their crossover. */
typedef struct {
    size_t count, num_trains;
    size_t *cells;                    /* [count] indices of the group's cells, by P; owned */
    size_t *begin;                    /* [num_trains + 1] first point of each P; owned */
    double *log_temp, *log_train, *y; /* [count]; mean_log_train is subtracted from ln P; owned */
    double *columns;                  /* [parameters][count] of the Jacobian; owned */
    double mean_log_train;
    double delta;       /* the given one; NaN: it is fitted */
    ch_range ranges[2]; /* of a and of ln m */
    ch_range sharpness; /* range of m, its ends as the user wrote them: ranges[1] has rounded logarithms */
    bool held[2];       /* whether a and ln m stay where they start */
    double step;        /* where to stop, as ch_onset_iterate */
    bool converged;     /* whether the last minimisation did */
    ch_joint_onset start;
    gsl_vector *weights, *parameters;
    gsl_multifit_nlinear_workspace *solver;
} ch_joint_space;

/** @return CH_OK, also with fewer points than parameters: `solver` is then NULL; CH_ERROR_MEMORY */
ch_code ch_joint_space_init(ch_joint_space *self, const ch_fit_group *group, const ch_fit_options *options,
                            ch_error *err) CH_MUST_CHECK;
void ch_joint_space_free(ch_joint_space *self);

/** Takes the points' mean ln ||Dw|| and weights. */
void ch_joint_load(ch_joint_space *self, const ch_cell_mean *means);

/** Weighted least squares of the crossovers of all P,
 *
 *      sum_i w_i [y_i - ln y0_P - (1/m) ln(1 + e^z)]^2,  z = m delta (ln T_i - ln c + a ln P_i),
 *
 *  over ln c, a, ln m and, unless given, ln delta, as ch_onset_fit does at one P. The plateaus enter linearly and are
 *  eliminated: for given other parameters, the best ln y0_P is the weighted mean over the points of P of ln y minus
 *  the term with the logarithm.
 *
 *  @param start  where to start; an identifiable crossover
 *  @param step   where to stop: 1e-10, or 1e-4 for replicas
 *  @param found  out: the crossover within the ranges; NaN when there is none
 *  @return the sum of squares; infinite when there is no identifiable minimum (ch_onset_is_identifiable) */
double ch_joint_fit(ch_joint_space *self, const ch_joint_onset *start, double step, ch_joint_onset *found);

/** Model and Jacobian, for GSL and for the test of the Jacobian. Parameters: ln T_c at the mean ln P, a, ln m, ln
 *  delta.
 */
int ch_joint_residuals(const gsl_vector *parameters, void *space, gsl_vector *residuals);
int ch_joint_jacobian(const gsl_vector *parameters, void *space, gsl_matrix *jacobian);

/** Finds the joint laws of the table, without errors, and notes where there is none. @param group  with its T_c */
ch_code ch_fit_find_joint(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means,
                          ch_error *err) CH_MUST_CHECK;

#endif
