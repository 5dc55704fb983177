/* theory.c — exponents and constants of the noise-dominated regime at one density exponent. */
#include "perceptron/perceptron.h"

#include "data/linear_error.h"

#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <string.h>

ch_code ch_perceptron_theory_init(ch_perceptron_theory *self, double chi, ch_error *err)
{
    memset(self, 0, sizeof *self);
    const ch_code code = ch_linear_check_chi(chi, err);
    if (code != CH_OK) {
        return code;
    }
    const double log_z = ch_linear_log_norm(chi);
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
    self->mean_abs = ch_linear_mean_distance(chi);
    return CH_OK;
}
