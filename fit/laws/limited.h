/* limited.h — the most likely power law where a budget ended some runs, whose t* are lower bounds. Private to fit/.
 *
 * Objective. ln t* has normal errors of one deviation s about the law x.beta, x = (1, ln T, ln P). A run that ended in
 * time adds the density of its ln t* to the likelihood, and a run that a budget ended adds the chance Q(z) to take
 * longer than the time c it had, z = (c - x.beta) / s (Tobin, Econometrica 26, 24 (1958)). With theta = 1 / s and
 * gamma = beta / s as parameters (Olsen, Econometrica 46, 1211 (1978)),
 *     ln L = sum_exact [ln theta - (theta y - x.gamma)^2 / 2] + sum_bounds ln Q(theta c - x.gamma)
 * is concave, so that it has one maximum at most.
 *
 * Update. Newton's method with the exact Hessian. A step is halved until ln L does not fall and theta stays positive.
 * Stopping rule. No row's x.beta moves by 1e-10 or more, or s is under 1e-9, which is no error at all.
 *
 * There is no maximum where the runs that ended in time leave a direction of beta free and the bounds only push along
 * it: with all runs that fitted at one P, for example, any larger t* at the other P is likelier still. Newton's steps
 * then do not die out, and the law is not determined. */
#ifndef CH_FIT_LIMITED_H
#define CH_FIT_LIMITED_H

#include "fit/laws/regression.h"

/** Maximises ln L over some of the coefficients of the design's columns, and over s.
 *
 *  @param space         with its design
 *  @param means         [num_cells of the group] of the runs that ended in time in complete cells
 *  @param copies        [num_data_sets] times that each data set was drawn; NULL: each once
 *  @param is_free       which coefficients are fitted
 *  @param coefficients  in: where to start, and the value of those that are not fitted; out: the law
 *  @param loss          out: -ln L at the maximum, without constants
 *  @return whether there is a maximum */
bool ch_limited_fit(const ch_regression *self, const ch_regression_space *space, const ch_cell_mean *means,
                    const double *copies, const bool is_free[CH_REGRESSION_COLUMNS],
                    double coefficients[CH_REGRESSION_COLUMNS], double *loss);

#endif
