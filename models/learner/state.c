/* state.c — passes over samples: margins, coefficients, moving the weights.
 *
 * Chunks of samples as large as the workspace are shared out to workers, each a network of its own. A sample's output
 * does not depend on the worker, and sums over chunks are made in the order of the chunks: no bit depends on the number
 * of workers.
 */
#include "models/learner/state.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* Operations that are worth waking another thread. */
static const double LEAST_OPERATIONS = 1 << 17;

/* ---- workers ---- */

ch_code ch_worker_init(ch_worker *self, const ch_architecture *architecture, bool is_wide, size_t capacity,
                       ch_error *err)
{
    const ch_code code = ch_passes_init(&self->passes, architecture, is_wide, capacity, err);
    if (code != CH_OK) {
        return code;
    }
    self->coefficients = ch_alloc(capacity, sizeof *self->coefficients);
    self->gradient = ch_alloc(architecture->num_weights, sizeof *self->gradient);
    return self->coefficients != NULL && self->gradient != NULL
               ? CH_OK
               : ch_error_memory(err, "a network's gradient: lower width");
}

void ch_worker_free(ch_worker *self)
{
    ch_passes_free(&self->passes);
    free(self->coefficients);
    free(self->gradient);
}

void ch_state_set_weights(ch_network_state *self, const double *weights)
{
    ch_passes_set_weights(&self->workers[0].passes, weights);
    ch_first_layer_forget(&self->ahead.kept.layer);
    self->is_shared = false;
}

const double *ch_state_weights(const ch_network_state *self)
{
    return ch_passes_weights(&self->workers[0].passes);
}

/* Workers for a list, with the weights as they are. */
static int call_workers(ch_network_state *self, const ch_sample_list *list)
{
    const bool is_worth_it = (double)list->count * self->sample_cost > LEAST_OPERATIONS;
    const int num = is_worth_it && list->count > self->chunk ? self->setup.threads : 1;
    if (num > 1 && !self->is_shared) {
        for (int w = 1; w < self->setup.threads; w++) {
            ch_passes_set_weights(&self->workers[w].passes, ch_state_weights(self));
        }
        self->is_shared = true;
    }
    return num;
}

/* ---- outputs and margins ---- */

static size_t sample_at(const ch_sample_list *list, size_t i)
{
    return list->index != NULL ? list->index[i] : i;
}

static void find_outputs(ch_passes *passes, const ch_examples *set, const ch_sample_list *list, size_t from,
                         size_t count, double *outputs)
{
    if (list->index != NULL) {
        ch_passes_forward(passes, set->inputs, list->index + from, count, outputs);
    } else {
        ch_passes_forward(passes, set->inputs + from * set->dim, NULL, count, outputs);
    }
}

static size_t chunk_size(const ch_network_state *self, const ch_sample_list *list, size_t from)
{
    const size_t left = list->count - from;
    return left < self->chunk ? left : self->chunk;
}

/* With sums, [list->count][m], by those kept of the first layer. */
static bool outputs_by(ch_network_state *self, const ch_examples *set, const ch_sample_list *list, float *sums,
                       double *outputs)
{
    const ch_first_layer *kept = &self->ahead.kept.layer;
    const int num = call_workers(self, list);
#pragma omp parallel for schedule(dynamic, 1) num_threads(num) if (num > 1)
    for (size_t from = 0; from < list->count; from += self->chunk) {
        if (!ch_state_is_stopped(self)) {
            ch_passes *passes = &self->workers[num > 1 ? omp_get_thread_num() : 0].passes;
            const size_t count = chunk_size(self, list, from);
            if (sums == NULL) {
                find_outputs(passes, set, list, from, count, outputs + from);
            } else {
                ch_passes_forward_kept(passes, kept, set->inputs, list->index + from, count,
                                       sums + from * kept->num_outputs, outputs + from);
            }
        }
    }
    return !ch_state_is_stopped(self);
}

bool ch_state_outputs(ch_network_state *self, const ch_examples *set, const ch_sample_list *list, double *outputs)
{
    return outputs_by(self, set, list, NULL, outputs);
}

/* m = y (f - f0) in place of f */
static void outputs_to_margins(const ch_network_state *self, const ch_sample_list *list, size_t from, size_t count)
{
    for (size_t i = from; i < from + count; i++) {
        const size_t mu = sample_at(list, i);
        self->margins[i] = self->setup.train->labels[mu] * (self->margins[i] - self->start_outputs[mu]);
    }
}

bool ch_state_margins(ch_network_state *self, const ch_sample_list *list, float *sums)
{
    const bool is_done = outputs_by(self, self->setup.train, list, sums, self->margins);
    outputs_to_margins(self, list, 0, list->count);
    return is_done;
}

double ch_state_slope(const ch_network_state *self, const ch_sample_list *list, size_t i)
{
    const ch_network_learner_setup *setup = &self->setup;
    return setup->train->labels[sample_at(list, i)] * ch_loss_of(setup->loss)->slope(self->margins[i], setup->kappa);
}

static void count_margins(const ch_network_state *self, size_t from, size_t count, ch_pass_summary *seen)
{
    for (size_t i = from; i < from + count; i++) {
        seen->sum += self->margins[i];
        seen->unfitted += !(self->margins[i] >= self->setup.kappa);
    }
}

void ch_state_summarise(const ch_network_state *self, ch_pass_summary *seen)
{
    const ch_sample_list all = {.count = self->setup.num_samples};
    *seen = (ch_pass_summary){0};
    count_margins(self, 0, all.count, seen);
    for (size_t mu = 0; mu < all.count; mu++) {
        seen->active += ch_state_slope(self, &all, mu) != 0;
    }
}

bool ch_state_look(ch_network_state *self, ch_pass_summary *seen)
{
    const ch_sample_list all = {.count = self->setup.num_samples};
    if (!ch_state_margins(self, &all, NULL)) {
        return false;
    }
    ch_state_summarise(self, seen);
    return true;
}

/* ---- gradients ---- */

/* The coefficients of a chunk; returns the number of those that are not 0 (NaN among them). */
static size_t find_coefficients(const ch_network_state *self, const ch_sample_list *list, size_t from, size_t count,
                                double scale, const double *extra, double *coefficients)
{
    size_t active = 0;
    for (size_t i = 0; i < count; i++) {
        const double factor = extra != NULL ? scale + extra[sample_at(list, from + i)] : scale;
        coefficients[i] = factor * ch_state_slope(self, list, from + i);
        active += coefficients[i] != 0;
    }
    return active;
}

/* Margins and coefficients of a chunk and, if there is to be one, the gradient. */
static size_t pass_chunk(ch_network_state *self, ch_worker *worker, const ch_sample_list *list, size_t from,
                         double scale, const double *extra, bool with_gradient)
{
    const size_t count = chunk_size(self, list, from);
    find_outputs(&worker->passes, self->setup.train, list, from, count, self->margins + from);
    outputs_to_margins(self, list, from, count);
    const size_t active = find_coefficients(self, list, from, count, scale, extra, worker->coefficients);
    if (with_gradient && active > 0) {
        memset(worker->gradient, 0, self->num_weights * sizeof *worker->gradient);
        ch_passes_gradient(&worker->passes, worker->coefficients, worker->gradient);
    }
    return active;
}

bool ch_state_pass(ch_network_state *self, const ch_sample_list *list, double scale, const double *extra,
                   double *gradient, ch_pass_summary *seen)
{
    const int num = call_workers(self, list);
    *seen = (ch_pass_summary){0};
#pragma omp parallel for ordered schedule(static, 1) num_threads(num) if (num > 1)
    for (size_t from = 0; from < list->count; from += self->chunk) {
        ch_worker *worker = &self->workers[num > 1 ? omp_get_thread_num() : 0];
        const bool is_stopped = ch_state_is_stopped(self);
        const size_t active = is_stopped ? 0 : pass_chunk(self, worker, list, from, scale, extra, gradient != NULL);
#pragma omp ordered
        {
            count_margins(self, from, chunk_size(self, list, from), seen);
            seen->active += active;
            for (size_t i = 0; gradient != NULL && active > 0 && i < self->num_weights; i++) {
                gradient[i] += worker->gradient[i];
            }
        }
    }
    return !ch_state_is_stopped(self);
}

bool ch_state_prepare(ch_network_state *self, const ch_sample_list *list, double scale, const double *extra,
                      ch_pass_summary *seen)
{
    if (list->count <= self->chunk) {
        return ch_state_pass(self, list, scale, extra, NULL, seen);
    }
    memset(self->gradient, 0, self->num_weights * sizeof *self->gradient);
    return ch_state_pass(self, list, scale, extra, self->gradient, seen);
}

void ch_state_move(ch_network_state *self, const ch_sample_list *list)
{
    if (list->count <= self->chunk) {
        ch_passes_update(&self->workers[0].passes, self->workers[0].coefficients);
        ch_kept_note(self);
        self->is_shared = false;
        return;
    }
    const double *weights = ch_state_weights(self);
    for (size_t i = 0; i < self->num_weights; i++) {
        self->gradient[i] += weights[i];
    }
    ch_state_set_weights(self, self->gradient);
}

bool ch_state_weights_are_finite(const ch_network_state *self)
{
    const double *weights = ch_state_weights(self);
    double sum = 0;
    for (size_t i = 0; i < self->num_weights; i++) {
        sum += weights[i] * 0; /* 0, or NaN where the weight is not finite */
    }
    return isfinite(sum);
}
