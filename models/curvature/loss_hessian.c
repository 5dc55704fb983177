/* loss_hessian.c — the Hessian of the mean loss of some samples. */
#include "models/curvature/loss_hessian.h"

#include "core/memory.h"
#include "core/minmax.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ch_code ch_loss_hessian_init(ch_loss_hessian *self, const ch_architecture *architecture, bool is_wide, size_t capacity,
                             const ch_watch *watch, ch_error *err)
{
    *self = (ch_loss_hessian){
        .is_wide = is_wide, .capacity = capacity, .num_weights = architecture->num_weights, .watch = watch};
    ch_code code = is_wide ? ch_hessian_f64_init(&self->wide, architecture, capacity, err)
                           : ch_hessian_init(&self->narrow, architecture, capacity, err);
    if (code != CH_OK) {
        goto out;
    }
    self->numbers = ch_alloc(capacity, sizeof *self->numbers);
    self->outputs = ch_alloc(capacity, sizeof *self->outputs);
    if (self->numbers == NULL || self->outputs == NULL) {
        code = ch_error_memory(err, "the curvature of a network's loss");
        goto out;
    }
    return CH_OK;
out:
    ch_loss_hessian_free(self);
    return code;
}

void ch_loss_hessian_free(ch_loss_hessian *self)
{
    ch_hessian_free(&self->narrow);
    ch_hessian_f64_free(&self->wide);
    free(self->numbers);
    free(self->outputs);
    memset(self, 0, sizeof *self);
}

double ch_loss_hessian_bytes(const ch_architecture *architecture, bool is_wide, size_t capacity)
{
    const double passes =
        is_wide ? ch_hessian_f64_bytes(architecture, capacity) : ch_hessian_bytes(architecture, capacity);
    return passes + (double)capacity * (sizeof(float) + sizeof(double));
}

void ch_loss_hessian_set_weights(ch_loss_hessian *self, const double *weights)
{
    if (self->is_wide) {
        ch_network_f64_set_weights(&self->wide.network, weights);
    } else {
        ch_network_set_weights(&self->narrow.network, weights);
    }
    self->is_kept = self->has_passed = false;
}

void ch_loss_hessian_set_samples(ch_loss_hessian *self, const ch_curved_samples *samples)
{
    self->samples = *samples;
    self->is_kept = self->has_passed = false;
}

/* The factors in single precision. */
static const float *narrowed(ch_loss_hessian *self, const double *factors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        self->numbers[i] = (float)factors[i];
    }
    return self->numbers;
}

/* Passes the samples from … from + count forward, where their values are not there. */
static void forward(ch_loss_hessian *self, size_t from, size_t count)
{
    const ch_curved_samples *samples = &self->samples;
    if (self->has_passed) {
        return;
    }
    self->has_passed = count == samples->count;
    if (self->is_wide) {
        ch_network_f64_forward(&self->wide.network, samples->inputs, samples->index + from, count, self->outputs);
    } else {
        ch_network_forward(&self->narrow.network, samples->inputs, samples->index + from, count, self->numbers);
    }
}

bool ch_loss_hessian_gradient(ch_loss_hessian *self, double *gradient)
{
    const ch_curved_samples *samples = &self->samples;
    memset(gradient, 0, self->num_weights * sizeof *gradient);
    for (size_t from = 0; from < samples->count; from += self->capacity) {
        const size_t count = ch_size_min(samples->count - from, self->capacity);
        if (ch_watch_is_stopped(self->watch)) {
            return false;
        }
        forward(self, from, count);
        if (self->is_wide) {
            ch_network_f64_gradient(&self->wide.network, samples->slopes + from, gradient);
        } else {
            ch_network_gradient(&self->narrow.network, narrowed(self, samples->slopes + from, count), gradient);
        }
    }
    return true;
}

/* Adds the product of the samples from … from + count, which have passed if they are kept. */
static void add_product(ch_loss_hessian *self, size_t from, size_t count, double *product)
{
    const ch_curved_samples *samples = &self->samples;
    if (!self->is_kept) {
        forward(self, from, count);
        if (self->is_wide) {
            ch_hessian_f64_set(&self->wide, samples->slopes + from);
        } else {
            ch_hessian_set(&self->narrow, narrowed(self, samples->slopes + from, count));
        }
    }
    if (self->is_wide) {
        ch_hessian_f64_add(&self->wide, samples->bends + from, product);
    } else {
        ch_hessian_add(&self->narrow, narrowed(self, samples->bends + from, count), product);
    }
}

bool ch_loss_hessian_product(ch_loss_hessian *self, const double *v, double *product)
{
    const size_t total = self->samples.count;
    memset(product, 0, self->num_weights * sizeof *product);
    if (self->is_wide) {
        ch_hessian_f64_point(&self->wide, v);
    } else {
        ch_hessian_point(&self->narrow, v);
    }
    for (size_t from = 0; from < total; from += self->capacity) {
        if (ch_watch_is_stopped(self->watch)) {
            return false;
        }
        add_product(self, from, ch_size_min(total - from, self->capacity), product);
    }
    self->is_kept = total <= self->capacity;
    return isfinite(ch_spectrum_dot(product, product, self->num_weights));
}

static bool apply(void *context, const double *v, double *product)
{
    return ch_loss_hessian_product(context, v, product);
}

ch_symmetric_map ch_loss_hessian_map(ch_loss_hessian *self)
{
    return (ch_symmetric_map){.context = self, .dim = self->num_weights, .apply = apply};
}
