/* state.c — the network under training and its passes over samples. */
#include "models/learner/state.h"

#include "core/buffers.h"
#include "core/memory.h"
#include "core/near_boundary.h"
#include "core/snapshot.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* A list that takes fewer operations than this is left to one thread: waking another would take longer. */
static const double LEAST_OPERATIONS = 1 << 17;
/* The number of samples in a pass is chosen so that their workspace has this many bytes, within bounds. With more
 * samples a pass is no faster, and their values no longer fit the processor's caches. */
static const size_t WORKSPACE_BYTES = (size_t)64 << 20;
enum { LEAST_CHUNK = 16, MOST_CHUNK = 256 };

/* ---- sizes ---- */

bool ch_state_is_wide(const ch_network_state *self)
{
    return self->setup.wide || self->setup.dynamics == CH_DYNAMICS_FLOW;
}

static size_t find_chunk(const ch_network_state *self)
{
    const ch_architecture *architecture = self->setup.architecture;
    const size_t fit = WORKSPACE_BYTES / ch_passes_sample_bytes(architecture, ch_state_is_wide(self));
    return fit < LEAST_CHUNK ? LEAST_CHUNK : fit < MOST_CHUNK ? fit : MOST_CHUNK;
}

/* The operations of a forward pass of one sample. The unit is the time of one operation of a plain loop, in which
 * vector instructions make VECTOR multiply-adds. */
static double find_sample_cost(const ch_architecture *architecture)
{
    enum { VECTOR = 8 };
    double sum = 0;
    for (size_t l = 0; l < architecture->num_layers; l++) {
        const ch_layer *layer = &architecture->layers[l];
        sum += (double)layer->fan_in * (double)ch_shape_size(layer->out);
    }
    return sum / VECTOR;
}

void ch_state_set_sizes(ch_network_state *self, const ch_network_learner_setup *setup)
{
    self->setup = *setup;
    self->setup.threads = setup->threads < 1 ? 1 : setup->threads;
    self->chunk = find_chunk(self);
    self->round = self->chunk * (size_t)self->setup.threads;
    self->num_tests = setup->test != NULL ? setup->test->num_samples : 0;
    self->num_weights = setup->architecture->num_weights;
    self->sample_cost = find_sample_cost(setup->architecture);
}

/* ---- memory ---- */

/* The buffers whose sizes depend on the numbers of samples and weights. */
static ch_buffer_list buffers_of(const ch_network_state *self)
{
    const size_t num_samples = self->setup.num_samples;
    return (ch_buffer_list){{
        CH_BUFFER(self->start, self->num_weights),
        CH_BUFFER(self->gradient, self->num_weights),
        CH_BUFFER(self->start_outputs, num_samples),
        CH_BUFFER(self->start_tests, self->num_tests),
        CH_BUFFER(self->tests, self->num_tests),
        CH_BUFFER(self->smallest, ch_near_boundary_room(self->num_tests)),
        CH_BUFFER(self->margins, num_samples + self->round),
        CH_BUFFER(self->batch, self->setup.batch),
        CH_BUFFER(self->order, num_samples),
        CH_BUFFER(self->noise, self->setup.dynamics == CH_DYNAMICS_SDE ? num_samples : 0),
    }};
}

static ch_buffer_list worker_buffers_of(const ch_worker *worker, const ch_network_state *self)
{
    return (ch_buffer_list){{
        CH_BUFFER(worker->coefficients, self->chunk),
        CH_BUFFER(worker->gradient, self->num_weights),
    }};
}

double ch_state_bytes(const ch_network_state *self)
{
    const ch_buffer_list own = buffers_of(self), worker = worker_buffers_of(&(ch_worker){.coefficients = NULL}, self);
    const size_t passes = ch_passes_bytes(self->setup.architecture, ch_state_is_wide(self), self->chunk);
    const size_t no_noise = self->setup.dynamics == CH_DYNAMICS_SDE ? 0 : self->setup.num_samples;
    const double velocity =
        ch_state_has_velocity(self) ? ch_passes_velocity_bytes(self->setup.architecture, ch_state_is_wide(self)) : 0;
    return ch_buffers_bytes(&own) + (double)no_noise * sizeof *self->noise + velocity +
           self->setup.threads * (ch_buffers_bytes(&worker) + (double)passes);
}

static ch_code init_worker(ch_worker *worker, const ch_network_state *self, ch_error *err)
{
    const ch_code code =
        ch_passes_init(&worker->passes, self->setup.architecture, ch_state_is_wide(self), self->chunk, err);
    if (code != CH_OK) {
        return code;
    }
    const ch_buffer_list buffers = worker_buffers_of(worker, self);
    return ch_buffers_alloc(&buffers) ? CH_OK : ch_error_memory(err, "a network's gradient: lower width");
}

static void free_worker(ch_worker *worker, const ch_network_state *self)
{
    const ch_buffer_list buffers = worker_buffers_of(worker, self);
    ch_passes_free(&worker->passes);
    ch_buffers_free(&buffers);
}

static ch_code allocate(ch_network_state *self, ch_error *err)
{
    const ch_buffer_list buffers = buffers_of(self);
    self->workers = ch_alloc((size_t)self->setup.threads, sizeof *self->workers);
    if (self->workers == NULL) {
        return ch_error_memory(err, "a network under training");
    }
    for (int w = 0; w < self->setup.threads; w++) {
        const ch_code code = init_worker(&self->workers[w], self, err);
        if (code != CH_OK) {
            return code;
        }
    }
    self->layer_change = ch_alloc(self->setup.architecture->num_layers, sizeof *self->layer_change);
    if (self->layer_change == NULL || !ch_buffers_alloc(&buffers)) {
        return ch_error_memory(err, "a network under training: lower width or train");
    }
    return CH_OK;
}

/* ---- the start ---- */

/* Takes w0 where it is given, and else draws it. self->gradient serves as memory. */
static void set_start(ch_network_state *self)
{
    double *weights = self->gradient, square = 0;
    if (self->setup.start == NULL) {
        ch_architecture_draw(self->setup.architecture, self->setup.seed_init, weights);
    }
    for (size_t i = 0; i < self->num_weights; i++) {
        self->start[i] = (float)(self->setup.start != NULL ? self->setup.start[i] : weights[i]);
        weights[i] = (double)self->start[i];
        square += weights[i] * weights[i];
    }
    self->norm_init = sqrt(square);
    ch_state_set_weights(self, weights);
}

static bool find_start_outputs(ch_network_state *self)
{
    const ch_sample_list train = {.count = self->setup.num_samples}, test = {.count = self->num_tests};
    return ch_state_outputs(self, self->setup.train, &train, self->start_outputs) &&
           (self->setup.test == NULL || ch_state_outputs(self, self->setup.test, &test, self->start_tests));
}

ch_code ch_state_init(ch_network_state *self, const ch_network_learner_setup *setup, ch_error *err)
{
    ch_state_set_sizes(self, setup);
    const ch_code code = allocate(self, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t mu = 0; mu < setup->num_samples; mu++) {
        self->order[mu] = (uint32_t)mu;
    }
    ch_random_init(&self->random, setup->seed_batch, CH_STREAM_BATCHES, 0);
    ch_random_init(&self->noise_random, setup->seed_batch, CH_STREAM_NOISE, 0);
    self->patience = (setup->num_samples + setup->batch - 1) / setup->batch;
    self->next_look = UINT64_MAX;
    set_start(self);
    if (ch_state_has_velocity(self)) {
        const ch_code made = ch_passes_init_velocity(&self->workers[0].passes, err);
        if (made != CH_OK) {
            return made;
        }
    }
    return find_start_outputs(self) ? CH_OK : ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped before training began");
}

void ch_state_free(ch_network_state *self)
{
    const ch_buffer_list buffers = buffers_of(self);
    for (int w = 0; self->workers != NULL && w < self->setup.threads; w++) {
        free_worker(&self->workers[w], self);
    }
    free(self->workers);
    free(self->layer_change);
    ch_buffers_free(&buffers);
    memset(self, 0, sizeof *self);
}

/* ---- weights ---- */

void ch_state_set_weights(ch_network_state *self, const double *weights)
{
    ch_passes_set_weights(&self->workers[0].passes, weights);
    self->is_shared = false;
}

const double *ch_state_weights(const ch_network_state *self)
{
    return ch_passes_weights(&self->workers[0].passes);
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

/* The weights and their velocity. self->gradient serves as memory. */
static void exchange_weights(ch_network_state *self, ch_snapshot *snapshot)
{
    ch_passes *passes = &self->workers[0].passes;
    memcpy(self->gradient, ch_state_weights(self), self->num_weights * sizeof *self->gradient);
    ch_snapshot_begin(snapshot, "weights");
    ch_snapshot_array(snapshot, self->gradient, self->num_weights, sizeof *self->gradient);
    ch_snapshot_array(snapshot, passes->velocity, passes->velocity != NULL ? self->num_weights : 0,
                      sizeof *passes->velocity);
    ch_snapshot_array(snapshot, passes->wide_velocity, passes->wide_velocity != NULL ? self->num_weights : 0,
                      sizeof *passes->wide_velocity);
    ch_snapshot_end(snapshot);
    if (ch_snapshot_reads(snapshot) && !snapshot->is_bad) {
        ch_state_set_weights(self, self->gradient);
    }
}

void ch_state_exchange(ch_network_state *self, ch_snapshot *snapshot)
{
    const size_t num_samples = self->setup.num_samples;
    exchange_weights(self, snapshot);
    ch_snapshot_begin(snapshot, "batches");
    ch_snapshot_count(snapshot, &self->pending, self->setup.batch);
    ch_snapshot_indices(snapshot, self->batch, self->pending, (uint32_t)num_samples);
    ch_snapshot_indices(snapshot, self->order, num_samples, (uint32_t)num_samples);
    ch_snapshot_count32(snapshot, &self->drawn, (uint32_t)num_samples);
    ch_snapshot_random(snapshot, &self->random);
    ch_snapshot_random(snapshot, &self->noise_random);
    CH_SNAPSHOT_NUMBER(snapshot, self->next_look);
    ch_snapshot_flag(snapshot, &self->is_look_due);
    CH_SNAPSHOT_NUMBER(snapshot, self->next_rest_check);
    CH_SNAPSHOT_NUMBER(snapshot, self->fingerprint);
    ch_snapshot_end(snapshot);
}

/* Gives the present weights to as many workers as it is worth to use for a list.
 * @return their number */
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

/* The number of samples of the chunk that begins at place `from` of the list. */
static size_t chunk_size(const ch_network_state *self, const ch_sample_list *list, size_t from)
{
    const size_t left = list->count - from;
    return left < self->chunk ? left : self->chunk;
}

/* Computes outputs from the weights where `layer` is NULL, and otherwise from its stored sums, as
 * ch_state_margins_by_sums says.
 * @return false when stopped */
static bool outputs_by(ch_network_state *self, const ch_examples *set, const ch_sample_list *list,
                       const ch_first_layer *layer, float *sums, double *outputs)
{
    const int num = call_workers(self, list);
#pragma omp parallel for schedule(dynamic, 1) num_threads(num) if (num > 1)
    for (size_t from = 0; from < list->count; from += self->chunk) {
        if (!ch_state_is_stopped(self)) {
            ch_passes *passes = &self->workers[num > 1 ? omp_get_thread_num() : 0].passes;
            const size_t count = chunk_size(self, list, from);
            if (layer == NULL) {
                find_outputs(passes, set, list, from, count, outputs + from);
            } else {
                ch_passes_forward_by_sums(passes, layer, set->inputs, list->index + from, count,
                                          sums + from * layer->num_outputs, outputs + from);
            }
        }
    }
    return !ch_state_is_stopped(self);
}

bool ch_state_outputs(ch_network_state *self, const ch_examples *set, const ch_sample_list *list, double *outputs)
{
    return outputs_by(self, set, list, NULL, NULL, outputs);
}

/* Turns the outputs f in self->margins into margins y (f - f0). */
static void outputs_to_margins(const ch_network_state *self, const ch_sample_list *list, size_t from, size_t count)
{
    for (size_t i = from; i < from + count; i++) {
        const size_t mu = sample_at(list, i);
        self->margins[i] = self->setup.train->labels[mu] * (self->margins[i] - self->start_outputs[mu]);
    }
}

bool ch_state_margins(ch_network_state *self, const ch_sample_list *list)
{
    const bool is_done = ch_state_outputs(self, self->setup.train, list, self->margins);
    outputs_to_margins(self, list, 0, list->count);
    return is_done;
}

bool ch_state_margins_by_sums(ch_network_state *self, const ch_sample_list *list, const ch_first_layer *layer,
                              float *sums)
{
    const bool is_done = outputs_by(self, self->setup.train, list, layer, sums, self->margins);
    outputs_to_margins(self, list, 0, list->count);
    return is_done;
}

double ch_state_slope(const ch_network_state *self, const ch_sample_list *list, size_t i)
{
    const ch_network_learner_setup *setup = &self->setup;
    return setup->train->labels[sample_at(list, i)] * ch_loss_of(setup->loss)->slope(self->margins[i], setup->kappa);
}

/* Adds the margins at the places from … from + count - 1 of the list to the sum, and counts the unfitted samples. */
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
    if (!ch_state_margins(self, &all)) {
        return false;
    }
    ch_state_summarise(self, seen);
    return true;
}

/* ---- gradients ---- */

/* Sets the coefficients c_mu = (scale + extra_mu) y l'(m) of the samples of a chunk.
 * @return how many of them are not 0; NaN counts */
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

/* Computes the margins and coefficients of a chunk, and its gradient where that is asked for.
 * @return the number of samples with a gradient */
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

/* v <- mu v + (gradient) - eta lambda (w - w0), w <- w + v, where v has the factor -eta in it. */
static void move_by_velocity(ch_network_state *self, const ch_sample_list *list)
{
    const ch_network_learner_setup *setup = &self->setup;
    ch_worker *first = &self->workers[0];
    double keep = setup->momentum;
    if (setup->weight_decay > 0) {
        ch_passes_pull(&first->passes, self->start, -setup->rate * setup->weight_decay, keep);
        keep = 1;
    }
    if (list->count <= self->chunk) {
        ch_passes_move(&first->passes, first->coefficients, keep);
    } else {
        ch_passes_move_by(&first->passes, self->gradient, keep);
    }
    self->is_shared = false;
}

void ch_state_move(ch_network_state *self, const ch_sample_list *list)
{
    if (ch_state_has_velocity(self)) {
        move_by_velocity(self, list);
        return;
    }
    if (list->count <= self->chunk) {
        ch_passes_update(&self->workers[0].passes, self->workers[0].coefficients);
        self->is_shared = false;
        return;
    }
    const double *weights = ch_state_weights(self);
    for (size_t i = 0; i < self->num_weights; i++) {
        self->gradient[i] += weights[i];
    }
    ch_state_set_weights(self, self->gradient);
}
