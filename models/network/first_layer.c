/* first_layer.c — storing lookahead sums, and the list of terms. */
#include "models/network/first_layer.h"

#include "core/memory.h"
#include "core/snapshot.h"

#include <stdlib.h>
#include <string.h>

/* Numbers that a product may read beyond the last: fewer than the largest vector has. */
enum { BEYOND = 16 };

size_t ch_first_layer_terms(const ch_architecture *architecture)
{
    const ch_layer *layer = &architecture->layers[0];
    const size_t in = layer->fan_in, out = layer->out.channels;
    if (layer->kind != CH_LAYER_DENSE || out > in) {
        return 0;
    }
    /* K (n + m) = n m / 2 */
    const double terms = (double)in * (double)out / (2 * (double)(in + out));
    return terms < FIRST_LAYER_TERMS ? (size_t)terms : FIRST_LAYER_TERMS;
}

ch_code ch_first_layer_init(ch_first_layer *self, const ch_architecture *architecture, size_t num_samples,
                            ch_error *err)
{
    const ch_layer *layer = &architecture->layers[0];
    const size_t terms = ch_first_layer_terms(architecture);
    size_t total = 0;
    memset(self, 0, sizeof *self);
    self->num_inputs = layer->fan_in;
    self->num_outputs = layer->out.channels;
    self->num_samples = num_samples;
    self->most_terms = terms;
    if (!__builtin_mul_overflow(num_samples, self->num_outputs, &total)) {
        self->sums = ch_alloc(total, sizeof *self->sums);
    }
    self->since = ch_alloc(num_samples, sizeof *self->since);
    self->times = ch_alloc(num_samples, sizeof *self->times);
    self->inputs = ch_alloc(2 * terms * self->num_inputs + BEYOND, sizeof *self->inputs);
    self->deltas = ch_alloc(2 * terms * self->num_outputs, sizeof *self->deltas);
    if (self->sums == NULL || self->since == NULL || self->times == NULL || self->inputs == NULL ||
        self->deltas == NULL) {
        ch_first_layer_free(self);
        return ch_error_memory(err, "the first layer's sums: lower train or width");
    }
    ch_first_layer_forget(self);
    return CH_OK;
}

void ch_first_layer_free(ch_first_layer *self)
{
    free(self->sums);
    free(self->since);
    free(self->times);
    free(self->inputs);
    free(self->deltas);
    memset(self, 0, sizeof *self);
}

double ch_first_layer_bytes(const ch_architecture *architecture, size_t num_samples)
{
    const ch_layer *layer = &architecture->layers[0];
    const double in = (double)layer->fan_in, out = (double)layer->out.channels;
    const double terms = (double)ch_first_layer_terms(architecture);
    const double sample = out * sizeof(float) + sizeof(uint64_t) + sizeof(uint8_t);
    return terms > 0 ? (double)num_samples * sample + (2 * terms * (in + out) + BEYOND) * sizeof(float) : 0;
}

void ch_first_layer_forget(ch_first_layer *self)
{
    self->num_terms += self->most_terms + 1;
    self->num_listed = 0;
}

/* The sums of one sample. */
static void exchange_sample(ch_first_layer *self, uint32_t sample, ch_snapshot *snapshot)
{
    bool is_stale = ch_first_layer_is_stale(self, sample);
    ch_snapshot_flag(snapshot, &is_stale);
    if (is_stale) {
        self->since[sample] = ch_snapshot_reads(snapshot) ? 0 : self->since[sample];
        return;
    }
    CH_SNAPSHOT_NUMBER(snapshot, self->since[sample]);
    ch_snapshot_require(snapshot, ch_first_layer_lacks(self, sample) <= self->num_listed);
    CH_SNAPSHOT_NUMBER(snapshot, self->times[sample]);
    ch_snapshot_array(snapshot, self->sums + sample * self->num_outputs, self->num_outputs, sizeof *self->sums);
}

/* num_terms is over most_terms since ch_first_layer_init, so that sums with `since` = 0 are stale. */
void ch_first_layer_exchange(ch_first_layer *self, ch_snapshot *snapshot)
{
    const size_t room = 2 * self->most_terms;
    CH_SNAPSHOT_NUMBER(snapshot, self->num_terms);
    ch_snapshot_require(snapshot, self->num_terms > self->most_terms);
    ch_snapshot_count(snapshot, &self->num_listed, room);
    for (size_t j = 0; j < self->num_inputs; j++) {
        ch_snapshot_array(snapshot, self->inputs + j * room, self->num_listed, sizeof *self->inputs);
    }
    ch_snapshot_array(snapshot, self->deltas, self->num_listed * self->num_outputs, sizeof *self->deltas);
    for (size_t mu = 0; mu < self->num_samples; mu++) {
        exchange_sample(self, (uint32_t)mu, snapshot);
    }
}

void ch_first_layer_store(ch_first_layer *self, const uint32_t *index, size_t count, const float *sums)
{
    const size_t size = self->num_outputs;
    for (size_t i = 0; i < count; i++) {
        const uint32_t sample = index[i];
        if (ch_first_layer_lacks(self, sample) == 0) {
            continue;
        }
        self->times[sample] = ch_first_layer_is_stale(self, sample) ? 0 : self->times[sample] + 1;
        self->since[sample] = self->num_terms;
        if (sums != self->sums) {
            memcpy(self->sums + sample * size, sums + i * size, size * sizeof *sums);
        }
    }
}

/* Makes room for one more term. The latest most_terms terms stay. */
static void make_room(ch_first_layer *self)
{
    const size_t most = self->most_terms, out = self->num_outputs;
    if (self->num_listed < 2 * most) {
        return;
    }
    for (size_t j = 0; j < self->num_inputs; j++) {
        float *line = self->inputs + j * 2 * most;
        memcpy(line, line + most, most * sizeof *line);
    }
    memcpy(self->deltas, self->deltas + most * out, most * out * sizeof *self->deltas);
    self->num_listed = most;
}

static bool all_are_finite(const float *values, size_t count)
{
    float sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i] * 0; /* 0, or NaN where the number is not finite */
    }
    return sum == 0;
}

void ch_first_layer_note(ch_first_layer *self, const ch_network *net)
{
    const size_t in = self->num_inputs, out = self->num_outputs, num = net->num_active;
    if (num > self->most_terms || !all_are_finite(net->delta_rows, num * out)) {
        ch_first_layer_forget(self);
        return;
    }
    for (size_t s = 0; s < num; s++, self->num_listed++, self->num_terms++) {
        const float *input = net->rows[0] + net->active[s] * in;
        make_room(self);
        for (size_t j = 0; j < in; j++) {
            self->inputs[j * 2 * self->most_terms + self->num_listed] = input[j];
        }
        memcpy(self->deltas + self->num_listed * out, net->delta_rows + s * out, out * sizeof *self->deltas);
    }
}
