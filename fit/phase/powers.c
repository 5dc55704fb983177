/* powers.c — the powers of alpha that T_opt and T_max follow at small and at large alpha, their errors and theory. */
#include "core/memory.h"
#include "fit/errors/estimate.h"
#include "fit/phase/phase_private.h"
#include "models/loss.h"

#include <gsl/gsl_fit.h>
#include <math.h>
#include <stdlib.h>

enum { LEAST_ALPHAS = 3 };

/* Half the width of the 95 % interval of a normal number, in standard deviations. */
static const double NORMAL_95 = 1.96;

/* ---- which alpha a power is fitted to ---- */

static size_t temp_of(const ch_phase_power *power)
{
    return power->of == CH_PHASE_OF_BEST ? CH_PHASE_TEMP_BEST : CH_PHASE_TEMP_MAX;
}

const ch_phase_temp *ch_phase_power_point(const ch_phase *self, const ch_phase_power *power, size_t alpha)
{
    const ch_phase_row *row = &self->rows[alpha];
    const ch_phase_temp *temp = power->of == CH_PHASE_OF_BEST ? &row->best : &row->max;
    const bool is_there = power->end == CH_PHASE_SMALL ? self->alphas[alpha] < 1 : self->alphas[alpha] > 1;
    const bool sits_there = power->of != CH_PHASE_OF_MAX_AT_BEST || row->limit == CH_PHASE_AT_DIVERGED;
    return is_there && sits_there && temp->is_sure ? temp : NULL;
}

static size_t count_alphas(const ch_phase *self, const ch_phase_power *power)
{
    size_t count = 0;
    for (size_t a = 0; a < self->num_alphas; a++) {
        count += ch_phase_power_point(self, power, a) != NULL;
    }
    return count;
}

/* ---- what the grid of T adds to the errors of T_max ---- */

double ch_phase_step_of_max(const ch_phase *self, size_t alpha)
{
    double before = NAN;
    for (size_t t = 0; t < self->num_temps; t++) {
        const double share = ch_phase_at(self, alpha, t)->diverged;
        if (share >= CH_PHASE_HALF) {
            return isnan(before) ? 0 : log(self->temps[t] / before);
        }
        before = isnan(share) ? before : self->temps[t];
    }
    return 0;
}

void ch_phase_widen(ch_estimate *estimate, double deviation, double half)
{
    const double both = hypot(0.5 * (estimate->hi - estimate->lo), half); /* NaN where there is no error */
    estimate->stderr_ = hypot(estimate->stderr_, deviation);
    estimate->lo = estimate->value - both;
    estimate->hi = estimate->value + both;
}

/* The variance that the steps of the T_max give their power: that of uniform numbers over each step. */
static double step_variance(const ch_phase *self, const ch_phase_power *power)
{
    double mean = 0, count = 0, squares = 0, sum = 0;
    for (size_t a = 0; a < self->num_alphas; a++) {
        if (ch_phase_power_point(self, power, a) != NULL) {
            mean += log(self->alphas[a]);
            count++;
        }
    }
    mean /= count;
    for (size_t a = 0; a < self->num_alphas; a++) {
        if (ch_phase_power_point(self, power, a) != NULL) {
            const double x = log(self->alphas[a]) - mean, step = ch_phase_step_of_max(self, a);
            squares += x * x;
            sum += x * x * step * step / 12;
        }
    }
    return sum / (squares * squares);
}

/* ---- a power with its error ---- */

/* The slope of ln T over ln alpha; NaN where fewer than three alpha have the temperature.
 * @param numbers  [num_alphas][CH_PHASE_NUM_TEMPS] of a replica or of the table
 * @param x, y     [num_alphas] working space */
static double slope_of(const ch_phase *self, const ch_phase_power *power, const double *numbers, double *x, double *y)
{
    double intercept, slope, ignored;
    size_t count = 0;
    for (size_t a = 0; a < self->num_alphas; a++) {
        const double log_temp = numbers[a * CH_PHASE_NUM_TEMPS + temp_of(power)];
        if (ch_phase_power_point(self, power, a) != NULL && isfinite(log_temp)) {
            x[count] = log(self->alphas[a]);
            y[count++] = log_temp;
        }
    }
    if (count < LEAST_ALPHAS) {
        return NAN;
    }
    gsl_fit_linear(x, 1, y, 1, count, &intercept, &slope, &ignored, &ignored, &ignored, &ignored);
    return slope;
}

/* Fits a power to at least three alpha, and gives it an error. Its estimate stays NaN where there are fewer.
 * @param numbers  [num_alphas][CH_PHASE_NUM_TEMPS] of the table */
static ch_code estimate_power(const ch_phase *self, ch_phase_power *power, const double *numbers,
                              const ch_replicas *replicas, ch_error *err)
{
    ch_code code = CH_OK;
    power->estimate = (ch_estimate){NAN, NAN, NAN, NAN};
    if (power->num_alphas < LEAST_ALPHAS) {
        return CH_OK;
    }
    double deviation = NAN;
    double *x = ch_alloc(self->num_alphas, sizeof *x), *y = ch_alloc(self->num_alphas, sizeof *y);
    ch_replicas slopes = {
        .numbers = ch_alloc(replicas->count, sizeof *slopes.numbers), .count = replicas->count, .num_numbers = 1};
    if (x == NULL || y == NULL || slopes.numbers == NULL) {
        code = ch_error_memory(err, "the errors of a phase diagram");
        goto out;
    }
    for (size_t r = 0; r < replicas->count; r++) {
        slopes.numbers[r] = slope_of(self, power, replicas->numbers + r * replicas->num_numbers, x, y);
    }
    power->estimate.value = slope_of(self, power, numbers, x, y);
    const size_t count = ch_replicas_spread(&slopes, 0, &deviation);
    if (slopes.count == 0 || !ch_replicas_are_enough(&slopes, count)) {
        goto out;
    }
    power->estimate = ch_estimate_make(power->estimate.value, deviation, self->num_data_sets);
    if (power->of != CH_PHASE_OF_BEST) {
        const double of_steps = sqrt(step_variance(self, power));
        ch_phase_widen(&power->estimate, of_steps, NORMAL_95 * of_steps);
    }
out:
    free(x);
    free(y);
    ch_replicas_free(&slopes);
    return code;
}

/* ---- theory ---- */

/* Whether F is linear in the weights, so that training depends on alpha T alone. */
static bool is_linear(const ch_settings *key)
{
    return !ch_settings_is_network(key) || key->linear == CH_LINEAR_YES;
}

/* (D - 1)/(D + 1) of a network that learns features, with D hidden layers; NaN where they are not counted. */
static double theory_of_features(const ch_settings *key)
{
    const double depth = (double)key->depth;
    return ch_setting_applies(key, CH_SETTING_DEPTH) ? (depth - 1) / (depth + 1) : NAN;
}

static double theory_of_max(const ch_settings *key, ch_phase_end end)
{
    const bool is_bounded = ch_loss_of((ch_loss_kind)key->loss)->has_bounded_slope;
    if (is_linear(key)) {
        return is_bounded ? NAN : -1;
    }
    return end == CH_PHASE_SMALL ? theory_of_features(key) : is_bounded ? 0 : -1;
}

/* Theory of T_opt itself. At large alpha there is none for a network: T_opt may lie in the lazy regime or beyond. */
static double theory_of_best(const ch_settings *key, ch_phase_end end)
{
    return is_linear(key) ? -1 : end == CH_PHASE_SMALL ? theory_of_features(key) : NAN;
}

/* ---- all powers ---- */

/* Prepares k at one end: of T_opt, or where too few alpha have one of the T_max at which T_opt sits. */
static ch_phase_power power_of_best(const ch_phase *self, ch_phase_end end)
{
    ch_phase_power best = {.of = CH_PHASE_OF_BEST, .end = end, .theory = theory_of_best(&self->key, end)};
    ch_phase_power at_max = {.of = CH_PHASE_OF_MAX_AT_BEST, .end = end, .theory = theory_of_max(&self->key, end)};
    best.num_alphas = count_alphas(self, &best);
    at_max.num_alphas = count_alphas(self, &at_max);
    return best.num_alphas < LEAST_ALPHAS && at_max.num_alphas >= LEAST_ALPHAS ? at_max : best;
}

/* Prepares s at one end. */
static ch_phase_power power_of_max(const ch_phase *self, ch_phase_end end)
{
    ch_phase_power max = {.of = CH_PHASE_OF_MAX, .end = end, .theory = theory_of_max(&self->key, end)};
    max.num_alphas = count_alphas(self, &max);
    return max;
}

ch_code ch_phase_fit_powers(ch_phase *self, const double *numbers, const ch_replicas *replicas, ch_error *err)
{
    for (ch_phase_end end = CH_PHASE_SMALL; end < CH_NUM_PHASE_ENDS; end++) {
        self->best_powers[end] = power_of_best(self, end);
        ch_code code = estimate_power(self, &self->best_powers[end], numbers, replicas, err);
        if (code != CH_OK) {
            return code;
        }
        self->max_powers[end] = power_of_max(self, end);
        code = estimate_power(self, &self->max_powers[end], numbers, replicas, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}
