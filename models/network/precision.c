/* precision.c — a network in either precision behind one interface. */
#include "models/network/precision.h"

#include "core/memory.h"
#include "core/minmax.h"

#include <stdlib.h>
#include <string.h>

ch_code ch_passes_init(ch_passes *self, const ch_architecture *architecture, bool is_wide, size_t capacity,
                       ch_error *err)
{
    memset(self, 0, sizeof *self);
    self->is_wide = is_wide;
    ch_code code = is_wide ? ch_network_f64_init(&self->wide, architecture, capacity, err)
                           : ch_network_init(&self->narrow, architecture, capacity, err);
    if (code != CH_OK) {
        goto out;
    }
    self->numbers = ch_alloc(capacity, sizeof *self->numbers);
    if (self->numbers == NULL) {
        code = ch_error_memory(err, "a network's outputs");
        goto out;
    }
    return CH_OK;
out:
    ch_passes_free(self);
    return code;
}

void ch_passes_free(ch_passes *self)
{
    ch_network_free(&self->narrow);
    ch_network_f64_free(&self->wide);
    free(self->numbers);
    free(self->velocity);
    free(self->wide_velocity);
    memset(self, 0, sizeof *self);
}

void ch_passes_set_weights(ch_passes *self, const double *weights)
{
    if (self->is_wide) {
        ch_network_f64_set_weights(&self->wide, weights);
    } else {
        ch_network_set_weights(&self->narrow, weights);
    }
}

const double *ch_passes_weights(ch_passes *self)
{
    return self->is_wide ? ch_network_f64_weights(&self->wide) : ch_network_weights(&self->narrow);
}

static void widen(const ch_passes *self, double *outputs)
{
    for (size_t i = 0; i < self->count; i++) {
        outputs[i] = (double)self->numbers[i];
    }
}

void ch_passes_forward(ch_passes *self, const float *inputs, const uint32_t *index, size_t count, double *outputs)
{
    self->count = count;
    if (self->is_wide) {
        ch_network_f64_forward(&self->wide, inputs, index, count, outputs);
        return;
    }
    ch_network_forward(&self->narrow, inputs, index, count, self->numbers);
    widen(self, outputs);
}

void ch_passes_forward_by_sums(ch_passes *self, const ch_first_layer *stored, const float *inputs,
                               const uint32_t *index, size_t count, float *sums, double *outputs)
{
    self->count = count;
    ch_first_layer_forward(stored, &self->narrow, inputs, index, count, sums, self->numbers);
    widen(self, outputs);
}

/* the coefficients in single precision */
static const float *narrowed(ch_passes *self, const double *coefficients)
{
    for (size_t i = 0; i < self->count; i++) {
        self->numbers[i] = (float)coefficients[i];
    }
    return self->numbers;
}

void ch_passes_gradient(ch_passes *self, const double *coefficients, double *gradient)
{
    if (self->is_wide) {
        ch_network_f64_gradient(&self->wide, coefficients, gradient);
    } else {
        ch_network_gradient(&self->narrow, narrowed(self, coefficients), gradient);
    }
}

void ch_passes_update(ch_passes *self, const double *coefficients)
{
    if (self->is_wide) {
        ch_network_f64_update(&self->wide, coefficients);
    } else {
        ch_network_update(&self->narrow, narrowed(self, coefficients));
    }
}

/* ---- the velocity ---- */

static size_t num_weights(const ch_passes *self)
{
    return self->is_wide ? self->wide.architecture->num_weights : self->narrow.architecture->num_weights;
}

ch_code ch_passes_init_velocity(ch_passes *self, ch_error *err)
{
    if (self->is_wide) {
        self->wide_velocity = ch_alloc(num_weights(self), sizeof *self->wide_velocity);
    } else {
        self->velocity = ch_alloc(num_weights(self), sizeof *self->velocity);
    }
    const bool is_there = self->velocity != NULL || self->wide_velocity != NULL;
    return is_there ? CH_OK : ch_error_memory(err, "the velocity of a network's weights: lower width");
}

double ch_passes_velocity_bytes(const ch_architecture *architecture, bool is_wide)
{
    return (double)architecture->num_weights * (is_wide ? sizeof(double) : sizeof(float));
}

void ch_passes_move(ch_passes *self, const double *coefficients, double keep)
{
    if (self->is_wide) {
        ch_network_f64_move(&self->wide, coefficients, keep, self->wide_velocity);
    } else {
        ch_network_move(&self->narrow, narrowed(self, coefficients), (float)keep, self->velocity);
    }
}

void ch_passes_move_by(ch_passes *self, const double *sum, double keep)
{
    const size_t num = num_weights(self);
    (void)ch_passes_weights(self); /* makes the update that waits, so that the master has it */
    double *weights = self->is_wide ? self->wide.master : self->narrow.master;
    for (size_t i = 0; i < num; i++) {
        if (self->is_wide) {
            self->wide_velocity[i] = keep * self->wide_velocity[i] + sum[i];
            weights[i] += self->wide_velocity[i];
        } else {
            self->velocity[i] = (float)(keep * (double)self->velocity[i] + sum[i]);
            weights[i] += (double)self->velocity[i];
        }
    }
    ch_passes_set_weights(self, weights);
}

void ch_passes_pull(ch_passes *self, const float *start, double pull, double keep)
{
    const double *weights = ch_passes_weights(self);
    const size_t num = num_weights(self);
    for (size_t i = 0; self->is_wide && i < num; i++) {
        self->wide_velocity[i] = keep * self->wide_velocity[i] + pull * (weights[i] - (double)start[i]);
    }
    for (size_t i = 0; !self->is_wide && i < num; i++) {
        self->velocity[i] = (float)(keep * (double)self->velocity[i] + pull * (weights[i] - (double)start[i]));
    }
}

size_t ch_passes_bytes(const ch_architecture *architecture, bool is_wide, size_t capacity)
{
    const double network =
        is_wide ? ch_network_f64_bytes(architecture, capacity) : ch_network_bytes(architecture, capacity);
    const double bytes = network + (double)capacity * sizeof(float);
    return bytes < 0x1p63 ? (size_t)bytes : SIZE_MAX;
}

/* The values of every node, before the activation too where that is not relu; six times the values of the widest dense
 * layer; and the sample's coefficient and output. */
size_t ch_passes_sample_bytes(const ch_architecture *architecture, bool is_wide)
{
    const double copies = architecture->spec.activation == CH_ACTIVATION_RELU ? 1 : 2;
    size_t nodes = architecture->dim, widest = 1;
    for (size_t l = 0; l < architecture->num_layers; l++) {
        const ch_layer *layer = &architecture->layers[l];
        nodes += ch_shape_size(layer->out);
        if (layer->kind == CH_LAYER_DENSE) {
            widest = ch_size_max(widest, ch_size_max(layer->fan_in, layer->out.channels));
        }
    }
    const double numbers = copies * (double)nodes + 6 * (double)widest;
    const double bytes = (is_wide ? sizeof(double) : sizeof(float)) * numbers + 2 * sizeof(double);
    return bytes < 0x1p63 ? (size_t)bytes : SIZE_MAX;
}
