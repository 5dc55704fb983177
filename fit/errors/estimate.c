/* estimate.c — numbers with errors from the replicas of a bootstrap. */
#include "fit/errors/estimate.h"
#include "core/memory.h"
#include "core/statistics.h"
#include "fit/table/notes.h"

#include <float.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

void ch_replicas_free(ch_replicas *self)
{
    free(self->numbers);
    *self = (ch_replicas){0};
}

size_t ch_replicas_spread(const ch_replicas *self, size_t number, double *deviation)
{
    ch_moments moments = {0};
    for (size_t r = 0; r < self->count; r++) {
        const double value = self->numbers[r * self->num_numbers + number];
        if (isfinite(value)) {
            ch_moments_add(&moments, value);
        }
    }
    *deviation = ch_moments_deviation(&moments);
    return (size_t)moments.count;
}

double ch_replicas_correlation(const ch_replicas *self, size_t first, size_t second)
{
    const double rounding = 1e-9;
    double x_mean = 0, y_mean = 0, xx = 0, yy = 0, xy = 0, count = 0; /* Welford's update for two numbers */
    for (size_t r = 0; r < self->count; r++) {
        const double x = self->numbers[r * self->num_numbers + first];
        const double y = self->numbers[r * self->num_numbers + second];
        if (isfinite(x) && isfinite(y)) {
            const double dx = x - x_mean, dy = y - y_mean;
            count++;
            x_mean += dx / count;
            y_mean += dy / count;
            xx += dx * (x - x_mean);
            yy += dy * (y - y_mean);
            xy += dx * (y - y_mean);
        }
    }
    const double least = count * rounding * rounding;
    return xx > least && yy > least ? xy / sqrt(xx * yy) : NAN;
}

bool ch_replicas_are_enough(const ch_replicas *self, size_t count)
{
    const double enough = 0.9;
    return (double)count >= enough * (double)self->count;
}

ch_estimate ch_estimate_make(double value, double deviation, size_t num_data_sets)
{
    if (num_data_sets < 2) {
        return (ch_estimate){value, NAN, NAN, NAN};
    }
    const double n = (double)num_data_sets;
    /* drawing n of n shrinks the spread of a mean by sqrt((n - 1) / n) */
    const double error = deviation * sqrt(n / (n - 1));
    const double half = gsl_cdf_tdist_Pinv(0.975, n - 1) * error;
    return (ch_estimate){value, error, value - half, value + half};
}

double ch_estimate_distance(const ch_estimate *estimate, double number, size_t num_data_sets)
{
    const double difference = estimate->value - number;
    if (num_data_sets < 2 || !(estimate->stderr_ > 0)) {
        return NAN;
    }
    const double chance = gsl_cdf_tdist_Q(fabs(difference) / estimate->stderr_, (double)num_data_sets - 1);
    return copysign(gsl_cdf_ugaussian_Qinv(fmax(chance, DBL_MIN)), difference);
}

ch_estimate ch_estimate_from_log(double value, const ch_estimate *logs)
{
    return (ch_estimate){value, value * logs->stderr_, exp(logs->lo), exp(logs->hi)};
}

ch_code ch_fit_estimate_number(ch_fit_group *group, const ch_replicas *replicas, size_t number, double value,
                               const char *what, ch_estimate *estimate, ch_error *err)
{
    *estimate = (ch_estimate){value, NAN, NAN, NAN};
    if (group->num_data_sets < 2) {
        return CH_OK;
    }
    double deviation = NAN;
    const size_t count = ch_replicas_spread(replicas, number, &deviation);
    if (ch_replicas_are_enough(replicas, count)) {
        *estimate = ch_estimate_make(value, deviation, group->num_data_sets);
    }
    if (count == replicas->count) {
        return CH_OK;
    }
    return ch_fit_note(group, err, "%s could not be found in %zu of %zu replicas of the data sets%s", what,
                       replicas->count - count, replicas->count,
                       isnan(estimate->stderr_) ? ", so that it has no error" : ", which are left out of its error");
}

void ch_fit_hold_estimate(ch_estimate *estimate, ch_range range, ch_held held)
{
    if (held == CH_HELD_FIXED) {
        *estimate = (ch_estimate){estimate->value, 0, estimate->value, estimate->value};
    } else if (held == CH_HELD_BOUND) {
        *estimate = (ch_estimate){estimate->value, NAN, NAN, NAN};
    } else if (isfinite(estimate->lo)) {
        estimate->lo = fmax(estimate->lo, range.lo);
        estimate->hi = fmin(estimate->hi, range.hi);
    }
}

ch_code ch_fit_add_exponent(ch_fit_group *group, const ch_exponent *exponent, ch_error *err)
{
    if (ch_grow((void **)&group->exponents, &group->exponents_capacity, group->num_exponents + 1,
                sizeof *group->exponents) != 0) {
        return ch_error_memory(err, "the exponents of a fit");
    }
    group->exponents[group->num_exponents++] = *exponent;
    return CH_OK;
}
