/* learner_passes.c — passes over samples: margins, coefficients, moving the weights. */
#include "models/network_learner_private.h"

#include <math.h>
#include <string.h>

static size_t sample_at(const ch_sample_list *list, size_t i)
{
    return list->index != NULL ? list->index[i] : i;
}

void ch_state_outputs(ch_network_state *self, const ch_examples *set, const ch_sample_list *list, size_t from,
                      size_t count, double *outputs)
{
    if (list->index != NULL) {
        ch_passes_forward(&self->passes, set->inputs, list->index + from, count, outputs);
    } else {
        ch_passes_forward(&self->passes, set->inputs + from * set->dim, NULL, count, outputs);
    }
}

void ch_state_margins(ch_network_state *self, const ch_sample_list *list, size_t from, size_t count)
{
    const int8_t *labels = self->setup.train->labels;
    double *margins = self->margins + from;
    ch_state_outputs(self, self->setup.train, list, from, count, self->outputs);
    for (size_t i = 0; i < count; i++) {
        const size_t mu = sample_at(list, from + i);
        margins[i] = labels[mu] * (self->outputs[i] - self->start_outputs[mu]);
    }
}

double ch_state_slope(const ch_network_state *self, const ch_sample_list *list, size_t i)
{
    const ch_network_learner_setup *setup = &self->setup;
    return setup->train->labels[sample_at(list, i)] * ch_loss_slope(setup->loss, self->margins[i], setup->kappa);
}

static void count_margin(const ch_network_state *self, double margin, ch_pass_summary *seen)
{
    seen->sum += margin;
    seen->unfitted += !(margin >= self->setup.kappa);
}

static size_t chunk_size(const ch_network_state *self, const ch_sample_list *list, size_t from)
{
    const size_t left = list->count - from;
    return left < self->passes.capacity ? left : self->passes.capacity;
}

bool ch_state_look(ch_network_state *self, ch_pass_summary *seen)
{
    const ch_sample_list all = {.count = self->setup.num_samples};
    *seen = (ch_pass_summary){0};
    for (size_t from = 0; from < all.count; from += self->passes.capacity) {
        if (ch_state_is_stopped(self)) {
            return false;
        }
        ch_state_margins(self, &all, from, chunk_size(self, &all, from));
    }
    for (size_t mu = 0; mu < all.count; mu++) {
        count_margin(self, self->margins[mu], seen);
        seen->active += ch_state_slope(self, &all, mu) != 0;
    }
    return true;
}

/* The coefficients of a chunk; returns the number of those that are not 0 (NaN among them). */
static size_t find_coefficients(ch_network_state *self, const ch_sample_list *list, size_t from, size_t count,
                                double scale, const double *extra)
{
    size_t active = 0;
    for (size_t i = 0; i < count; i++) {
        const double factor = extra != NULL ? scale + extra[sample_at(list, from + i)] : scale;
        self->coefficients[i] = factor * ch_state_slope(self, list, from + i);
        active += self->coefficients[i] != 0;
    }
    return active;
}

bool ch_state_pass(ch_network_state *self, const ch_sample_list *list, double scale, const double *extra,
                   double *gradient, ch_pass_summary *seen)
{
    *seen = (ch_pass_summary){0};
    for (size_t from = 0; from < list->count; from += self->passes.capacity) {
        const size_t count = chunk_size(self, list, from);
        if (ch_state_is_stopped(self)) {
            return false;
        }
        ch_state_margins(self, list, from, count);
        for (size_t i = from; i < from + count; i++) {
            count_margin(self, self->margins[i], seen);
        }
        const size_t active = find_coefficients(self, list, from, count, scale, extra);
        seen->active += active;
        if (gradient != NULL && active > 0) {
            ch_passes_gradient(&self->passes, self->coefficients, gradient);
        }
    }
    return true;
}

bool ch_state_prepare(ch_network_state *self, const ch_sample_list *list, double scale, const double *extra,
                      ch_pass_summary *seen)
{
    if (list->count <= self->passes.capacity) {
        return ch_state_pass(self, list, scale, extra, NULL, seen);
    }
    memset(self->gradient, 0, self->num_weights * sizeof *self->gradient);
    return ch_state_pass(self, list, scale, extra, self->gradient, seen);
}

void ch_state_move(ch_network_state *self, const ch_sample_list *list)
{
    if (list->count <= self->passes.capacity) {
        ch_passes_update(&self->passes, self->coefficients);
        return;
    }
    const double *weights = ch_passes_weights(&self->passes);
    for (size_t i = 0; i < self->num_weights; i++) {
        self->gradient[i] += weights[i];
    }
    ch_passes_set_weights(&self->passes, self->gradient);
}

bool ch_state_weights_are_finite(const ch_network_state *self)
{
    const double *weights = ch_passes_weights(&self->passes);
    double sum = 0;
    for (size_t i = 0; i < self->num_weights; i++) {
        sum += weights[i] * 0; /* 0, or NaN where the weight is not finite */
    }
    return isfinite(sum);
}
