/* linear_error.h — the exact test error of a linear student on the depleted law. */
#ifndef CH_LINEAR_ERROR_H
#define CH_LINEAR_ERROR_H

#include "core/core.h"

/** Largest density exponent that formulas with Gamma functions of chi take: beyond it they leave a double's range. */
#define CH_LINEAR_MOST_CHI 1000.0

/** Refuses a density exponent outside -1 < chi <= CH_LINEAR_MOST_CHI.  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_linear_check_chi(double chi, ch_error *err) CH_MUST_CHECK;

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

#endif
