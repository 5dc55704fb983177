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

ch_code ch_family_predict(ch_family *self, ch_finite_end *end, const ch_online_setup *setup, double num_samples,
                          ch_error *err)
{
    const double margin = ch_finite_margin(setup->kappa, setup->temp);
    ch_online_setup at = *setup;
    ch_code code = ch_finite_check(setup, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    if (margin == CH_FINITE_MOST_MARGIN) {
        /* weights are in units of kappa, and do not depend on T */
        at.temp = setup->kappa / margin;
        at.rate = fmax(setup->rate, at.temp);
    }
    size_t above = 1;
    while (margins[above] < margin) {
        above++;
    }
    if (margin == 0 || margin == margins[above]) {
        return predict_at(self, margin == 0 ? 0 : above, end, &at, num_samples, err);
    }
    ch_finite_end low, high;
    code = predict_at(self, above - 1, &low, &at, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    code = predict_at(self, above, &high, &at, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    const double share =
        above == 1 ? margin / margins[1] : log(margin / margins[above - 1]) / log(margins[above] / margins[above - 1]);
    /* (T + 3 kappa) / T at both margins, and at the one asked for */
    const double unit[] = {1 + 3 * margins[above - 1], 1 + 3 * margins[above], 1 + 3 * margin};
    *end = (ch_finite_end){.signal = mix(low.signal, high.signal, unit, share, true),
                           .noise = mix(low.noise, high.noise, unit, share, true),
                           .lambda = mix(low.lambda, high.lambda, unit, share, false),
                           .weight_change = mix(low.weight_change, high.weight_change, unit, share, true),
                           .time = mix(low.time, high.time, unit, share, true),
                           .test_error = mix(low.test_error, high.test_error, unit, share, false)};
    return CH_OK;
}
