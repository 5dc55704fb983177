/* linear_error.h — the exact test error of a linear student on the laws whose label a plane gives. */
#ifndef CH_LINEAR_ERROR_H
#define CH_LINEAR_ERROR_H

#include "core/core.h"

#include <stdbool.h>
#include <stddef.h>

struct ch_density;

/** Largest density exponent that formulas with Gamma functions of chi take: beyond it they leave a double's range. */
#define CH_LINEAR_MOST_CHI 1000.0

/** Refuses a density exponent outside -1 < chi <= CH_LINEAR_MOST_CHI.  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_linear_check_chi(double chi, ch_error *err) CH_MUST_CHECK;

/** ln Z_chi of the density (2 / Z_chi) v^chi exp(-v^2 / 2) of v = |x_par| > 0: Z_chi = 2^{(chi+1)/2} Gamma((chi+1)/2).
 *  -1 < chi <= CH_LINEAR_MOST_CHI. */
double ch_linear_log_norm(double chi);

/** E |x_par| = sqrt(2) Gamma(chi/2 + 1) / Gamma((chi+1)/2), the mean distance of an input from the boundary.
 *  -1 < chi <= CH_LINEAR_MOST_CHI. */
double ch_linear_mean_distance(double chi);

/** Exact test error of a linear student with signal s = w . e and noise r = |w - s e|, lambda = s / r:
 *    eps(lambda) = int_0^inf (2 / Z_chi) v^chi exp(-v^2 / 2) Phi(-lambda v) dv,
 *  in closed form, an incomplete beta function (arctan(1 / lambda) / pi at chi = 0), to 1e-10 relative.
 *  s = 0 gives 1/2, since nothing is predicted; r = 0 < s gives 0. GSL's error handler must be switched off
 *  (gsl_set_error_handler_off): by default it ends the process.
 *
 *  @param error  out: the error, NaN on failure
 *  @return CH_OK; CH_ERROR_INPUT unless -1 < chi <= 1000, r >= 0 and both are finite; CH_ERROR_NUMERIC
 */
ch_code ch_linear_test_error(double chi, double signal, double noise, double *error, ch_error *err) CH_MUST_CHECK;

/** The law of a linear student's test inputs, as far as its exact test error depends on it. All pointers are borrowed.
 */
typedef struct {
    double chi;                       /* density exponent, of laws that have one; NaN: none */
    const struct ch_density *density; /* of a law whose density is tabulated, in place of chi; NULL: none */
    const double *teacher;            /* [dim] unit vector e; looked at where there are deviations */
    const double *deviations;         /* [dim] standard deviations of the inputs along the axes; NULL: they are 1 */
    size_t dim;
} ch_linear_law;

/** Whether such a law is known, so that there is an exact test error: it has chi or a density. */
bool ch_linear_law_is_known(const ch_linear_law *law);

/** Exact test error of a student with weights w on a law that is known. Without deviations it is that of signal and
 *  noise. With deviations D = Sigma^{1/2} the inputs are x = D z with z of covariance 1, so that the student on x is
 *  the student D w on z, whose teacher is a = D e / |D e|: the error is that of s' = D w . a and r' = |D w - s' a|. Of
 *  Gaussian inputs it is arccos(w . Sigma e / (|D w| |D e|)) / pi.
 *  @param weights  [dim]
 *  @param signal, noise  s = w . e and r = |w - s e|
 *  @param error    out: the error, NaN on failure
 *  @return as ch_linear_test_error and ch_density_test_error */
ch_code ch_linear_law_test_error(const ch_linear_law *law, const double *weights, double signal, double noise,
                                 double *error, ch_error *err) CH_MUST_CHECK;

#endif
