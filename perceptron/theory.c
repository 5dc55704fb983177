/* theory.c — the exact test error of a linear student, and the constants of the noise-dominated regime. */
#include "perceptron/perceptron.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <string.h>

/* Above it Gamma functions of chi would leave the range of a double. */
static const double MOST_CHI = 1000;

static ch_code check_chi(double chi, ch_error *err)
{
    if (!(chi > -1 && chi <= MOST_CHI)) {
        return ch_error_set(err, CH_ERROR_INPUT, "chi is %g; it must be greater than -1 and at most %g", chi, MOST_CHI);
    }
    return CH_OK;
}

/* v = |x_par| has the chi distribution of chi + 1 degrees of freedom and the student's field r N - s v errs when
 * N > lambda v, so that eps is a tail of Student's t with chi + 1 degrees of freedom:
 *   eps(lambda) = P(t > lambda sqrt(chi + 1)) = I_{1 / (1 + lambda^2)}((chi + 1) / 2, 1 / 2) / 2,  lambda >= 0,
 * and eps(-lambda) = 1 - eps(lambda). I is the regularised incomplete beta function. */
ch_code ch_perceptron_test_error(double chi, double signal, double noise, double *error, ch_error *err)
{
    *error = NAN;
    const ch_code code = check_chi(chi, err);
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

ch_code ch_perceptron_theory_init(ch_perceptron_theory *self, double chi, ch_error *err)
{
    memset(self, 0, sizeof *self);
    const ch_code code = check_chi(chi, err);
    if (code != CH_OK) {
        return code;
    }
    /* ln Z_chi, Z_chi = 2^{(chi+1)/2} Gamma((chi+1)/2) */
    const double log_z = (chi + 1) / 2 * M_LN2 + gsl_sf_lngamma((chi + 1) / 2);
    /* ln M_m = ln int_0^inf v^m phi(v) dv = ln 2^{m/2-1} Gamma((m+1)/2) / sqrt(pi), here m = chi + 2 */
    const double log_m = chi / 2 * M_LN2 + gsl_sf_lngamma((chi + 3) / 2) - log(M_PI) / 2;
    self->chi = chi;
    self->delta = 1;
    self->gamma = 1 / (1 + chi);
    self->time_delta = 1;
    self->b = 1 + 2 / (1 + chi);
    self->a = self->gamma / self->delta;
    self->batch = self->gamma;
    self->z = exp(log_z);
    /* n_chi = Gamma(chi/2 + 1) / [sqrt(pi) (chi + 1) Gamma((chi+1)/2)] */
    self->unfitted = exp(gsl_sf_lngamma(chi / 2 + 1) - gsl_sf_lngamma((chi + 1) / 2)) / (sqrt(M_PI) * (chi + 1));
    /* a_chi = (2 / Z_chi) M_{chi+2} / (chi + 2) */
    self->drift = 2 / (chi + 2) * exp(log_m - log_z);
    self->noise = self->unfitted * sqrt(M_PI_2);
    self->growth = (chi + 3) * self->drift;
    /* E|x_par| = sqrt(2) Gamma(chi/2 + 1) / Gamma((chi+1)/2) */
    self->mean_abs = M_SQRT2 * exp(gsl_sf_lngamma(chi / 2 + 1) - gsl_sf_lngamma((chi + 1) / 2));
    return CH_OK;
}
