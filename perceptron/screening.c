/* screening.c — the screening index: samples in the order in which noise can make them unfitted. */
#include "perceptron/screening.h"

#include "core/memory.h"
#include "data/rows.h"
#include "perceptron/quantised.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- sorting ---- */

/* The words that are sorted have 64 bits, with the key in the high half and the sample's index in the low half. The
 * bits of the key are changed so that keys, read as whole numbers, have the same order as the floats: all bits of a
 * negative float are inverted, and the sign bit of a positive one. */
static uint64_t pack(float key, uint32_t index)
{
    uint32_t bits = 0;
    memcpy(&bits, &key, sizeof bits);
    bits = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
    return (uint64_t)bits << 32 | index;
}

/* The key of a packed word. */
static float unpack_key(uint64_t packed)
{
    uint32_t bits = (uint32_t)(packed >> 32);
    float key = 0;
    bits = (bits & 0x80000000u) != 0 ? bits & 0x7fffffffu : ~bits;
    memcpy(&key, &bits, sizeof key);
    return key;
}

static int ascending(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* ---- keys ---- */

/* The parts of a sample along the teacher, v = z . e, and across it, |z_perp| = |z - v e|. */
static void split(const ch_sample_set *set, size_t mu, double *along, double *across)
{
    const float *row = ch_sample_set_row(set, mu);
    double sum = 0, square = 0;
    for (size_t i = 0; i < set->dim; i++) {
        sum += (double)row[i] * set->teacher[i];
    }
    for (size_t i = 0; i < set->dim; i++) {
        const double rest = (double)row[i] - sum * set->teacher[i];
        square += rest * rest;
    }
    *along = sum;
    *across = sqrt(square);
}

/* Includes a sample in least_across and most_norm, and returns its key. At d = 2, z_perp may be 0; the key is finite
 * even then, so that it is under an infinite bound. */
static float measure(ch_screen *self, const ch_sample_set *set, size_t mu)
{
    double along = 0, across = 0;
    split(set, mu, &along, &across);
    self->least_across = fmin(self->least_across, across);
    self->most_norm = fmax(self->most_norm, hypot(along, across));
    return (float)fmin(along / fmax(across, DBL_MIN), FLT_MAX);
}

/* ---- the index ---- */

/* Allocates the order and the keys of P samples. */
static ch_code allocate(ch_screen *self, size_t num_samples, ch_error *err)
{
    memset(self, 0, sizeof *self);
    self->num_samples = num_samples;
    self->least_across = INFINITY;
    self->order = ch_alloc(num_samples, sizeof *self->order);
    self->keys = ch_alloc(num_samples, sizeof *self->keys);
    if (self->order == NULL || self->keys == NULL) {
        return ch_error_memory(err, "the order of the samples: lower train");
    }
    return CH_OK;
}

/* Rounds the samples to 8 bits. */
static ch_code init_quantised(ch_screen *self, const ch_sample_set *set, const ch_watch *watch, ch_error *err)
{
    self->quantised = ch_alloc(1, sizeof *self->quantised);
    if (self->quantised == NULL) {
        return ch_error_memory(err, "the samples in 8 bits: lower train");
    }
    self->owns_quantised = true;
    return ch_quantised_init(self->quantised, set, watch, err);
}

ch_code ch_screen_init(ch_screen *self, const ch_sample_set *set, const ch_watch *watch, ch_error *err)
{
    const size_t look = 1 + ch_rows_per_look(set->stride) / 8; /* sums in double, one entry after the other */
    uint64_t *packed = NULL;                                   /* [P] */
    memset(self, 0, sizeof *self);
    if (set->num_samples > UINT32_MAX) {
        return ch_error_set(err, CH_ERROR_INPUT, "train is %zu; it must be under 2^32", set->num_samples);
    }
    ch_code code = allocate(self, set->num_samples, err);
    if (code != CH_OK) {
        goto out;
    }
    packed = ch_alloc(set->num_samples, sizeof *packed);
    if (packed == NULL) {
        code = ch_error_memory(err, "the order of the samples: lower train");
        goto out;
    }
    for (size_t mu = 0; mu < set->num_samples; mu++) {
        if (mu % look == look - 1 && ch_watch_is_stopped(watch)) {
            code = ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped while the samples were ordered");
            goto out;
        }
        packed[mu] = pack(measure(self, set, mu), (uint32_t)mu);
    }
    qsort(packed, set->num_samples, sizeof *packed, ascending);
    for (size_t k = 0; k < set->num_samples; k++) {
        self->order[k] = (uint32_t)packed[k];
        self->keys[k] = unpack_key(packed[k]);
    }
    free(packed);
    packed = NULL;
    code = init_quantised(self, set, watch, err);
out:
    free(packed);
    if (code != CH_OK) {
        ch_screen_free(self);
    }
    return code;
}

ch_code ch_screen_init_first(ch_screen *self, const ch_screen *whole, const ch_sample_set *set, size_t num_samples,
                             ch_error *err)
{
    if (num_samples == whole->num_samples) {
        *self = *whole;
        self->is_borrowed = true;
        self->owns_quantised = false;
        return CH_OK;
    }
    const ch_code code = allocate(self, num_samples, err);
    if (code != CH_OK) {
        ch_screen_free(self);
        return code;
    }
    self->quantised = whole->quantised;
    for (size_t k = 0, i = 0; k < whole->num_samples; k++) {
        if (whole->order[k] < num_samples) {
            self->order[i] = whole->order[k];
            self->keys[i++] = whole->keys[k];
        }
    }
    /* The extremes are those of these samples alone, because a run must not depend on the set that it shares with
     * others. */
    for (size_t mu = 0; mu < num_samples; mu++) {
        (void)measure(self, set, mu);
    }
    return CH_OK;
}

void ch_screen_free(ch_screen *self)
{
    if (!self->is_borrowed) {
        free(self->order);
        free(self->keys);
    }
    if (self->owns_quantised) {
        ch_quantised_free(self->quantised);
        free(self->quantised);
    }
    memset(self, 0, sizeof *self);
}

double ch_screen_bound(const ch_screen *self, double signal, double noise, double kappa)
{
    if (!(signal > 0) || !isfinite(signal) || !isfinite(noise)) {
        return INFINITY;
    }
    /* (r + kappa / min |z_perp|) / s. Keys are rounded to single precision, to 2^-24 of their size; the factor covers
     * that and the rounding of margins, s and r. */
    return (noise + kappa / self->least_across) / signal * (1 + 0x1p-20);
}

size_t ch_screen_count(const ch_screen *self, double bound)
{
    size_t low = 0, high = self->num_samples;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if ((double)self->keys[middle] < bound) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}
