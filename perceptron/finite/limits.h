/* limits.h — where what is expected of a finite training set does not hold, and where it holds less well. */
#ifndef CH_FINITE_LIMITS_H
#define CH_FINITE_LIMITS_H

#include "perceptron/finite/box.h"
#include "perceptron/online.h"

/** The margin of the boxes that describe training at kappa and T: kappa / T. Under 2^-10 it is 0, for it changes
 *  nothing. Over CH_FINITE_MOST_MARGIN it is CH_FINITE_MOST_MARGIN, for then the student moves as in gradient descent,
 *  whose weights do not depend on T. */
double ch_finite_margin(double kappa, double temp);

enum { CH_FINITE_MOST_MARGIN = 4 };

/** Whether anything can be said about training with these settings, as far as that is known before a table of boxes is
 *  made. Not accepted are an infinite P, P < d, d > CH_BOX_MOST_DIM, and a batch so large that it holds several
 *  unfitted samples until the end, for boxes draw them one by one: B > 4 P / d, unless T <= kappa /
 *  CH_FINITE_MOST_MARGIN, where weights hardly change in a step.
 *  @param num_samples  P; INFINITY: every batch is fresh
 *  @return CH_OK; CH_ERROR_INPUT with a sentence that names the setting, its value and what is accepted */
ch_code ch_finite_check(const ch_online_setup *setup, double num_samples, ch_error *err) CH_MUST_CHECK;

/** Whether only samples near the boundary are unfitted at the end, as predictions assume: lambda there is 1 or more.
 *  @return CH_OK; CH_ERROR_INPUT with a sentence that says so otherwise */
ch_code ch_finite_check_lambda(double lambda, double num_samples, ch_error *err) CH_MUST_CHECK;

enum { CH_FINITE_MOST_CAUTIONS = 4 };

/** In which respects a prediction with these settings is less accurate: sentences without a full stop, each
 *  with the size of the error where it was measured (docs/finite-size.md).
 *  @param cautions  out: sentences; they last as long as the program
 *  @return their number */
size_t ch_finite_cautions(const ch_online_setup *setup, const char *cautions[CH_FINITE_MOST_CAUTIONS]);

#endif
