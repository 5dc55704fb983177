/* linear_error.c — the exact test error of a linear student on the laws whose label a plane gives. */
#include "data/linear_error.h"

#include "data/density.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>

ch_code ch_linear_check_chi(double chi, ch_error *err)
{
    if (!(chi > -1 && chi <= CH_LINEAR_MOST_CHI)) {
        return ch_error_set(err, CH_ERROR_INPUT, "chi is %g; it must be greater than -1 and at most %g", chi,
                            CH_LINEAR_MOST_CHI);
    }
    return CH_OK;
}

double ch_linear_log_norm(double chi)
{
    return (chi + 1) / 2 * M_LN2 + gsl_sf_lngamma((chi + 1) / 2);
}

double ch_linear_mean_distance(double chi)
{
    return M_SQRT2 * exp(gsl_sf_lngamma(chi / 2 + 1) - gsl_sf_lngamma((chi + 1) / 2));
}

/* v = |x_par| has the chi distribution of chi + 1 degrees of freedom. The student errs on a sample when its noise r N
 * exceeds s v, that is when N > lambda v. So eps is a tail of Student's t with chi + 1 degrees of freedom:
 *   eps(lambda) = P(t > lambda sqrt(chi + 1)) = I_{1 / (1 + lambda^2)}((chi + 1) / 2, 1 / 2) / 2,  lambda >= 0,
 * and eps(-lambda) = 1 - eps(lambda). I is the regularised incomplete beta function. */
ch_code ch_linear_test_error(double chi, double signal, double noise, double *error, ch_error *err)
{
    *error = NAN;
    const ch_code code = ch_linear_check_chi(chi, err);
    if (code != CH_OK) {
        return code;
    }
    if (!isfinite(signal) || !(noise >= 0) || !isfinite(noise)) {
        return ch_error_set(err, CH_ERROR_INPUT, "signal %g and noise %g must be finite, noise not negative", signal,
                            noise);
    }
    if (signal == 0) {
        *error = 0.5;
        return CH_OK;
    }
    const double inverse = noise / fabs(signal); /* 1 / lambda */
    double tail = 0;
    if (inverse > 0) {
        gsl_sf_result beta;
        const double x = inverse * inverse / (1 + inverse * inverse);
        const int status = gsl_sf_beta_inc_e((chi + 1) / 2, 0.5, isfinite(x) ? x : 1, &beta);
        if (status != GSL_SUCCESS && status != GSL_EUNDRFLW) {
            return ch_error_set(err, CH_ERROR_NUMERIC, "test error at chi = %g, lambda = %g: %s", chi, 1 / inverse,
                                gsl_strerror(status));
        }
        tail = beta.val / 2;
    }
    *error = signal > 0 ? tail : 1 - tail;
    return CH_OK;
}

/* ---- unequal variances ---- */

bool ch_linear_law_is_known(const ch_linear_law *law)
{
    return isfinite(law->chi) || law->density != NULL;
}

/* s' = D w . a and r' = |D w - s' a|, a = D e / |D e| */
static void measure_stretched(const ch_linear_law *law, const double *weights, double *signal, double *noise)
{
    double along = 0, norm2 = 0, across2 = 0;
    for (size_t i = 0; i < law->dim; i++) {
        const double a = law->deviations[i] * law->teacher[i];
        along += law->deviations[i] * weights[i] * a;
        norm2 += a * a;
    }
    for (size_t i = 0; i < law->dim; i++) {
        const double across = law->deviations[i] * weights[i] - along / norm2 * (law->deviations[i] * law->teacher[i]);
        across2 += across * across;
    }
    *signal = along / sqrt(norm2);
    *noise = sqrt(across2);
}

ch_code ch_linear_law_test_error(const ch_linear_law *law, const double *weights, double signal, double noise,
                                 double *error, ch_error *err)
{
    if (law->deviations != NULL) {
        measure_stretched(law, weights, &signal, &noise);
    }
    return law->density != NULL ? ch_density_test_error(law->density, signal, noise, error, err)
                                : ch_linear_test_error(law->chi, signal, noise, error, err);
}
