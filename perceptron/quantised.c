/* quantised.c — samples in 8 bits, weights in 16, and the largest error of a margin that is computed with them. */
#include "perceptron/quantised.h"

#include "core/memory.h"
#include "data/rows.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)CH_ROW_LANES % (int)CH_QUANTISED_LANES == 0, "rows are padded to whole lanes");

/* The largest |k| and |j|. */
static const double MOST_BYTE = 127, MOST_LEVEL = 32000;
/* By the inequality of Cauchy and Schwarz a sum of k . j is at most |k| |j|. Here |j| <= most_level + sqrt(stride) / 2,
 * as j is rounded, and |k| <= 127 sqrt(stride). Where |k| most_level is at most MOST_SUM, that is at most 2^30 + 64
 * stride, which is under 2^31 for rows of at most MOST_STRIDE entries. */
static const double MOST_SUM = 0x1p30;
enum { MOST_STRIDE = 1 << 23 };
/* The least r. Squares of smaller weights may lose digits to underflow, so that r would not be known. */
static const double LEAST_NOISE = 0x1p-500;
/* Covers the rounding of a sum of squares in double. */
static const double LITTLE_MORE = 1 + 0x1p-20;

/* ---- samples ---- */

/* Subtracts v e from 16 entries of a row. */
static inline void subtract_along(const float *row, const double *teacher, double along, double across[CH_ROW_LANES])
{
    for (size_t l = 0; l < CH_ROW_LANES; l++) {
        across[l] = (double)row[l] - along * teacher[l];
    }
}

/* The largest entry of |z_perp|. */
static double largest_entry(const ch_sample_set *set, size_t mu)
{
    const float *row = ch_sample_set_row(set, mu);
    const double along = ch_dot(row, set->teacher, set->stride);
    double across[CH_ROW_LANES], most[CH_ROW_LANES] = {0};
    for (size_t i = 0; i < set->stride; i += CH_ROW_LANES) {
        subtract_along(row + i, set->teacher + i, along, across);
        for (size_t l = 0; l < CH_ROW_LANES; l++) {
            const double size = fabs(across[l]);
            most[l] = size > most[l] ? size : most[l];
        }
    }
    double all = 0;
    for (size_t l = 0; l < CH_ROW_LANES; l++) {
        all = most[l] > all ? most[l] : all;
    }
    return all;
}

/* The largest float that is at most `value`. */
static float round_down(double value)
{
    const float nearest = (float)value;
    return (double)nearest > value ? nextafterf(nearest, -INFINITY) : nearest;
}

/* The nearest whole number of 8 bits; 0 for NaN. */
static inline double whole_number(double value)
{
    return value >= -MOST_BYTE - 1 && value <= MOST_BYTE + 1 ? nearbyint(value) : 0;
}

/* Rounds a sample, whose unit is known.
 * @param most_square  in and out: the largest |k|^2 */
static void round_sample(ch_quantised *self, const ch_sample_set *set, size_t mu, double *most_square)
{
    const float *row = ch_sample_set_row(set, mu);
    const double along = ch_dot(row, set->teacher, set->stride);
    const double per_unit = 1 / self->unit;
    int8_t *restrict rounded = self->rows + mu * self->stride;
    double across[CH_ROW_LANES], level[CH_ROW_LANES], rest[CH_ROW_LANES] = {0}, square[CH_ROW_LANES] = {0},
                                                      norm[CH_ROW_LANES] = {0};
    for (size_t i = 0; i < set->stride; i += CH_ROW_LANES) {
        subtract_along(row + i, set->teacher + i, along, across);
        for (size_t l = 0; l < CH_ROW_LANES; l++) {
            level[l] = whole_number(across[l] * per_unit);
            const double off = across[l] - self->unit * level[l];
            rest[l] += off * off;
            square[l] += level[l] * level[l];
            norm[l] += (double)row[i + l] * (double)row[i + l];
        }
        for (size_t l = 0; l < CH_ROW_LANES; l++) {
            rounded[i + l] = (int8_t)(int32_t)level[l];
        }
    }
    self->along[mu] = round_down(along);
    self->most_rest = fmax(self->most_rest, LITTLE_MORE * sqrt(ch_sum_lanes(rest)));
    self->most_norm = fmax(self->most_norm, LITTLE_MORE * sqrt(ch_sum_lanes(norm)));
    *most_square = fmax(*most_square, ch_sum_lanes(square));
}

/* Whether the work is to end, asked once in a while: an entry takes several operations. */
static bool is_stopped_at(size_t mu, const ch_sample_set *set, const ch_watch *watch)
{
    const size_t look = 1 + ch_rows_per_look(set->stride) / 8;
    return mu % look == look - 1 && ch_watch_is_stopped(watch);
}

static ch_code stop(ch_quantised *self, ch_error *err)
{
    ch_quantised_free(self);
    return ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped while the samples were rounded");
}

ch_code ch_quantised_init(ch_quantised *self, const ch_sample_set *set, const ch_watch *watch, ch_error *err)
{
    double most = 0, most_square = 1;
    memset(self, 0, sizeof *self);
    self->stride = set->stride;
    self->rows = ch_alloc_rows(set->num_samples * set->stride);
    self->along = ch_alloc_unset(set->num_samples, sizeof *self->along);
    if (self->rows == NULL || self->along == NULL) {
        ch_quantised_free(self);
        return ch_error_memory(err, "the samples in 8 bits: lower train");
    }
    for (size_t mu = 0; mu < set->num_samples; mu++) {
        if (is_stopped_at(mu, set, watch)) {
            return stop(self, err);
        }
        most = fmax(most, largest_entry(set, mu));
    }
    self->unit = most > 0 ? most / MOST_BYTE : 1;
    for (size_t mu = 0; mu < set->num_samples; mu++) {
        if (is_stopped_at(mu, set, watch)) {
            return stop(self, err);
        }
        round_sample(self, set, mu, &most_square);
    }
    const bool is_usable = self->stride <= MOST_STRIDE && isnormal(self->unit) && isfinite(self->most_norm);
    self->most_level = is_usable ? fmin(MOST_LEVEL, floor(MOST_SUM / sqrt(most_square))) : 0;
    return CH_OK;
}

void ch_quantised_free(ch_quantised *self)
{
    free(self->rows);
    free(self->along);
    memset(self, 0, sizeof *self);
}

/* ---- weights ---- */

bool ch_quantised_weights_init(ch_quantised_weights *self, size_t stride)
{
    memset(self, 0, sizeof *self);
    self->surely_fitted = INFINITY;
    self->across = ch_alloc(stride, sizeof *self->across);
    return self->across != NULL;
}

void ch_quantised_weights_free(ch_quantised_weights *self)
{
    free(self->across);
    memset(self, 0, sizeof *self);
}

/* j = (w - s e) / c_w, rounded. */
static void round_across(int16_t *restrict across, const double *restrict weights, const double *restrict teacher,
                         double along, double per_unit, size_t stride)
{
    for (size_t i = 0; i < stride; i++) {
        across[i] = (int16_t)(int32_t)nearbyint((weights[i] - along * teacher[i]) * per_unit);
    }
}

/* Bound on the error of a margin, the sum of three parts:
 *   max |rest| r
 *   (max |z| + max |rest|) c_w sqrt(stride) / 2
 *                           since c |k| <= |z_perp| + |rest|, and no entry of `left` is over c_w / 2;
 *   8 (stride + 8) 2^-53 (|w| max |z| + kappa)
 *                           since v, s, z_perp, w_perp, the two sums above and the margin that decides are computed in
 *                           double, each off by less than (stride + 8) 2^-53 of |w| |z|, and | |e| - 1 | is less too.
 * LITTLE_MORE covers the rounding of |rest|, |z| and r. */
static double largest_error(const ch_quantised *samples, double along, double noise, double unit, double kappa)
{
    const double norm = fabs(along) + noise, stride = (double)samples->stride;
    const double left = unit * sqrt(stride) / 2;
    return LITTLE_MORE * (samples->most_rest * noise + (samples->most_norm + samples->most_rest) * left) +
           8 * (stride + 8) * 0x1p-53 * (norm * samples->most_norm + kappa);
}

void ch_quantised_weights_set(ch_quantised_weights *self, const ch_quantised *samples, const double *weights,
                              const double *teacher, double kappa)
{
    const double along = ch_dot_wide(weights, teacher, samples->stride);
    const double noise = sqrt(ch_norm2_across(weights, along, teacher, samples->stride));
    const double unit = noise / samples->most_level;
    self->surely_fitted = INFINITY;
    if (!(along >= 0 && isfinite(along) && noise >= LEAST_NOISE && isfinite(unit))) {
        return;
    }
    round_across(self->across, weights, teacher, along, 1 / unit, samples->stride);
    self->along = along;
    self->unit = samples->unit * unit;
    self->surely_fitted = kappa + largest_error(samples, along, noise, unit, kappa);
}
