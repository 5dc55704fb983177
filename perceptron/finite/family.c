/* family.c — expected ends of training at any temperature. */
#include "perceptron/finite/family.h"
#include "core/memory.h"
#include "perceptron/finite/box_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double margins[CH_FAMILY_TABLES] = {0, 0x1p-6, 0x1p-4, 0x1p-2, 1, CH_FINITE_MOST_MARGIN};

void ch_family_init(ch_family *self, double chi, size_t dim, const char *folder, int threads, const ch_watch *watch)
{
    *self = (ch_family){.chi = chi, .dim = dim, .folder = folder, .threads = threads, .watch = watch};
}

void ch_family_free(ch_family *self)
{
    free(self->ends);
    for (size_t i = 0; i < CH_FAMILY_TABLES; i++) {
        ch_online_way_free(&self->ways[i]);
        if (self->is_made[i]) {
            ch_box_table_free(&self->tables[i]);
        }
    }
    memset(self, 0, sizeof *self);
}

/* Makes the table of a margin, unless that was refused before. */
static ch_code make_table(ch_family *self, size_t index, ch_error *err)
{
    const ch_box_law law = {self->chi, self->dim, margins[index]};
    ch_error failure = self->refusals[index];
    ch_code code = failure.code;
    if (self->is_made[index]) {
        return CH_OK;
    }
    if (code == CH_OK) {
        code = ch_box_table_load(&self->tables[index], &law, self->folder, self->threads, self->watch, &failure);
    }
    if (code == CH_OK) {
        self->is_made[index] = true;
        return CH_OK;
    }
    if (code == CH_ERROR_INPUT || code == CH_ERROR_NUMERIC) {
        self->refusals[index] = failure;
    }
    return ch_error_set(err, code, "%s", failure.message);
}

/* Makes the table of a margin, and the way at T = 1 and kappa = margin. */
static ch_code make(ch_family *self, size_t index, double batch, ch_error *err)
{
    const ch_code code = make_table(self, index, err);
    if (code != CH_OK) {
        return code;
    }
    if (self->batches[index] == batch) {
        return CH_OK;
    }
    ch_online_way_free(&self->ways[index]);
    self->batches[index] = batch;
    const ch_online_setup unit = {self->chi, self->dim, margins[index], 1, batch};
    return ch_online_way_init(&self->ways[index], &unit, &self->tables[index], err);
}

static void scale(ch_finite_value *value, double factor)
{
    value->value *= factor;
}

/* The end at T = 1 and a margin of the family, which is computed once. */
static ch_code find_end(ch_family *self, size_t index, double batch, double num_samples, ch_finite_end *end,
                        ch_error *err)
{
    for (size_t i = 0; i < self->num_ends; i++) {
        const ch_family_end *known = &self->ends[i];
        if (known->margin == index && known->num_samples == num_samples && known->batch == batch) {
            *end = known->end;
            return CH_OK;
        }
    }
    ch_code code = make(self, index, batch, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_finite_predict_on(end, &self->ways[index], num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    if (ch_grow((void **)&self->ends, &self->capacity, self->num_ends + 1, sizeof *self->ends) != 0) {
        return ch_error_memory(err, "the expected ends of training");
    }
    self->ends[self->num_ends++] =
        (ch_family_end){.margin = index, .batch = batch, .num_samples = num_samples, .end = *end};
    return CH_OK;
}

/* Predicts at a margin of the family, with the same eta / T, in units of T and then at T. */
static ch_code predict_at(ch_family *self, size_t index, ch_finite_end *end, const ch_online_setup *setup,
                          double num_samples, ch_error *err)
{
    const ch_code code = find_end(self, index, setup->rate / setup->temp, num_samples, end, err);
    if (code != CH_OK) {
        return code;
    }
    scale(&end->signal, setup->temp);
    scale(&end->noise, setup->temp);
    scale(&end->weight_change, setup->temp);
    scale(&end->time, setup->temp);
    return CH_OK;
}

/* Between two values in units of T, through values in units of T + 3 kappa where `scales` says that they scale so. */
static ch_finite_value mix(ch_finite_value a, ch_finite_value b, const double unit[3], double share, bool scales)
{
    const double low = log(scales ? a.value / unit[0] : a.value), high = log(scales ? b.value / unit[1] : b.value);
    return (ch_finite_value){exp(low + (high - low) * share) * (scales ? unit[2] : 1),
                             a.spread + (b.spread - a.spread) * share};
}

/* Where a kappa / T lies among the margins of the family. */
typedef struct {
    ch_online_setup setup; /* that has this kappa / T; a T beyond the largest margin is raised to that */
    size_t low, high;      /* the margins to both sides; the same where it is one of them */
    double share;          /* of the way from `low` to `high` */
    double unit[3];        /* (T + 3 kappa) / T at both margins, and at this kappa / T */
} place;

static place place_of(const ch_online_setup *setup)
{
    const double margin = ch_finite_margin(setup->kappa, setup->temp);
    place at = {.setup = *setup};
    if (margin == CH_FINITE_MOST_MARGIN) {
        /* weights are in units of kappa, and do not depend on T */
        at.setup.temp = setup->kappa / margin;
        at.setup.rate = fmax(setup->rate, at.setup.temp);
    }
    while (margins[at.high] < margin) {
        at.high++;
    }
    at.low = margins[at.high] == margin ? at.high : at.high - 1;
    const double below = margins[at.low], above = margins[at.high];
    at.unit[0] = 1 + 3 * below;
    at.unit[1] = 1 + 3 * above;
    at.unit[2] = 1 + 3 * margin;
    if (at.low < at.high) {
        at.share = at.low == 0 ? margin / above : log(margin / below) / log(above / below);
    }
    return at;
}

ch_code ch_family_predict(ch_family *self, ch_finite_end *end, const ch_online_setup *setup, double num_samples,
                          ch_error *err)
{
    ch_code code = ch_finite_check(setup, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    const place at = place_of(setup);
    if (at.low == at.high) {
        return predict_at(self, at.low, end, &at.setup, num_samples, err);
    }
    ch_finite_end low, high;
    code = predict_at(self, at.low, &low, &at.setup, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    code = predict_at(self, at.high, &high, &at.setup, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    *end = (ch_finite_end){.signal = mix(low.signal, high.signal, at.unit, at.share, true),
                           .noise = mix(low.noise, high.noise, at.unit, at.share, true),
                           .lambda = mix(low.lambda, high.lambda, at.unit, at.share, false),
                           .weight_change = mix(low.weight_change, high.weight_change, at.unit, at.share, true),
                           .time = mix(low.time, high.time, at.unit, at.share, true),
                           .test_error = mix(low.test_error, high.test_error, at.unit, at.share, false)};
    return CH_OK;
}

/* ---- the way ---- */

/* The way at a margin of the family, at the times that correspond to those asked for, with weights at T.
 * @param unit  T + 3 kappa at that margin over what it is at the kappa / T asked for */
static ch_code follow_at(ch_family *self, size_t index, ch_finite_point *points, double *scaled, const double *times,
                         size_t num_times, const place *at, double unit, double num_samples, ch_error *err)
{
    const ch_online_setup *setup = &at->setup;
    ch_code code = make(self, index, setup->rate / setup->temp, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t k = 0; k < num_times; k++) {
        scaled[k] = times[k] / setup->temp * unit;
    }
    code = ch_finite_follow_on(points, scaled, num_times, &self->ways[index], num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t k = 0; k < num_times; k++) {
        points[k].time = times[k];
        points[k].signal *= setup->temp;
        points[k].noise *= setup->temp;
        points[k].weight_change *= setup->temp;
    }
    return CH_OK;
}

/* As `mix`, of a value and a spread that stand apart. */
static void mix_into(double *value, double *spread, double high, double high_spread, const place *at, bool scales)
{
    const ch_finite_value mixed =
        mix((ch_finite_value){*value, *spread}, (ch_finite_value){high, high_spread}, at->unit, at->share, scales);
    *value = mixed.value;
    *spread = mixed.spread;
}

static void mix_points(ch_finite_point *low, const ch_finite_point *high, const place *at)
{
    low->running += (high->running - low->running) * at->share;
    mix_into(&low->signal, &low->signal_spread, high->signal, high->signal_spread, at, true);
    mix_into(&low->noise, &low->noise_spread, high->noise, high->noise_spread, at, true);
    mix_into(&low->weight_change, &low->weight_change_spread, high->weight_change, high->weight_change_spread, at,
             true);
    mix_into(&low->unfitted, &low->unfitted_spread, high->unfitted, high->unfitted_spread, at, false);
    mix_into(&low->test_error, &low->test_error_spread, high->test_error, high->test_error_spread, at, false);
}

ch_code ch_family_follow(ch_family *self, ch_finite_point *points, const double *times, size_t num_times,
                         const ch_online_setup *setup, double num_samples, ch_error *err)
{
    ch_finite_end end;
    double *scaled = NULL;
    ch_finite_point *above = NULL;
    ch_code code = ch_family_predict(self, &end, setup, num_samples, err); /* which refuses, and makes the tables */
    if (code != CH_OK) {
        return code;
    }
    const place at = place_of(setup);
    scaled = ch_alloc(num_times, sizeof *scaled);
    above = ch_alloc(num_times, sizeof *above);
    if (scaled == NULL || above == NULL) {
        code = ch_error_memory(err, "the way of a finite training set");
        goto out;
    }
    code = follow_at(self, at.low, points, scaled, times, num_times, &at, at.unit[0] / at.unit[2], num_samples, err);
    if (code != CH_OK || at.low == at.high) {
        goto out;
    }
    code = follow_at(self, at.high, above, scaled, times, num_times, &at, at.unit[1] / at.unit[2], num_samples, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t k = 0; k < num_times; k++) {
        mix_points(&points[k], &above[k], &at);
    }
out:
    free(above);
    free(scaled);
    return code;
}
