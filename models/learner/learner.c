/* learner.c — setting up a network's training. */
#include "models/learner/state.h"

#include "core/draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Samples in a pass: as many as these bytes of values hold, within bounds. More gains nothing, and leaves the caches.
 */
static const size_t WORKSPACE_BYTES = (size_t)64 << 20;
enum { LEAST_CAPACITY = 16, MOST_CAPACITY = 256 };

/* ---- setup ---- */

static size_t num_tests(const ch_network_learner_setup *setup)
{
    return setup->test != NULL ? setup->test->num_samples : 0;
}

static bool is_wide(const ch_network_learner_setup *setup)
{
    return setup->wide || setup->dynamics == CH_DYNAMICS_FLOW;
}

static int threads_of(const ch_network_learner_setup *setup)
{
    return setup->threads < 1 ? 1 : setup->threads;
}

static bool is_fast(const ch_network_learner_setup *setup)
{
    return setup->fast && setup->dynamics == CH_DYNAMICS_SGD && ch_loss_of(setup->loss)->has_idle_steps;
}

static size_t chunk_of(const ch_network_learner_setup *setup)
{
    const size_t one = ch_passes_bytes(setup->architecture, is_wide(setup), 1);
    const size_t sample = ch_passes_bytes(setup->architecture, is_wide(setup), 2) - one;
    const size_t fit = WORKSPACE_BYTES / (sample > 0 ? sample : 1);
    return fit < LEAST_CAPACITY ? LEAST_CAPACITY : fit < MOST_CAPACITY ? fit : MOST_CAPACITY;
}

static ch_code check_examples(const ch_examples *examples, const ch_architecture *architecture, const char *name,
                              ch_error *err)
{
    if (examples->dim != architecture->dim) {
        return ch_error_set(err, CH_ERROR_INPUT, "the %s samples have dim %zu; it must be the network's %zu", name,
                            examples->dim, architecture->dim);
    }
    return CH_OK;
}

static ch_code check_setup(const ch_network_learner_setup *setup, ch_error *err)
{
    if (setup->num_samples < 1 || setup->num_samples > setup->train->num_samples || setup->num_samples > UINT32_MAX) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "train is %zu; it must be 1 to %zu, the samples there are, and under 2^32",
                            setup->num_samples, setup->train->num_samples);
    }
    if (setup->batch < 1 || setup->batch > setup->num_samples) {
        return ch_error_set(err, CH_ERROR_INPUT, "batch is %zu; it must be 1 to train = %zu", setup->batch,
                            setup->num_samples);
    }
    if (!(setup->kappa > 0) || !isfinite(setup->kappa)) {
        return ch_error_set(err, CH_ERROR_INPUT, "kappa is %g; it must be finite and greater than 0", setup->kappa);
    }
    if (!(setup->rate > 0) || !isfinite(setup->rate)) {
        return ch_error_set(err, CH_ERROR_INPUT, "rate is %g; it must be finite and greater than 0", setup->rate);
    }
    if (setup->kernel_samples > setup->num_samples) {
        return ch_error_set(err, CH_ERROR_INPUT, "the kernel is to be measured on %zu samples; train = %zu is the most",
                            setup->kernel_samples, setup->num_samples);
    }
    const ch_code code = check_examples(setup->train, setup->architecture, "training", err);
    return code == CH_OK && setup->test != NULL ? check_examples(setup->test, setup->architecture, "test", err) : code;
}

/* ---- the start ---- */

/* f(w0, x) of a set's first samples. */
static ch_code find_start_outputs(ch_network_state *self, const ch_examples *set, size_t num_samples, double *outputs,
                                  ch_error *err)
{
    const ch_sample_list all = {.count = num_samples};
    return ch_state_outputs(self, set, &all, outputs)
               ? CH_OK
               : ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped before training began");
}

static ch_code start(ch_network_state *self, ch_error *err)
{
    const ch_network_learner_setup *setup = &self->setup;
    double *weights = self->gradient, square = 0;
    ch_architecture_draw(setup->architecture, setup->seed_init, weights);
    for (size_t i = 0; i < self->num_weights; i++) {
        self->start[i] = (float)weights[i];
        square += weights[i] * weights[i];
    }
    self->norm_init = sqrt(square);
    ch_state_set_weights(self, weights);
    ch_code code = find_start_outputs(self, setup->train, setup->num_samples, self->start_outputs, err);
    if (code == CH_OK && setup->test != NULL) {
        code = find_start_outputs(self, setup->test, num_tests(setup), self->start_tests, err);
    }
    return code == CH_OK && setup->kernel_samples > 0 ? ch_kernel_meter_init(self, err) : code;
}

/* ---- memory ---- */

static ch_code make_workers(ch_network_state *self, ch_error *err)
{
    const ch_network_learner_setup *setup = &self->setup;
    ch_code code = CH_OK;
    self->workers = ch_alloc((size_t)setup->threads, sizeof *self->workers);
    if (self->workers == NULL) {
        return ch_error_memory(err, "a network under training");
    }
    for (int w = 0; code == CH_OK && w < setup->threads; w++) {
        code = ch_worker_init(&self->workers[w], setup->architecture, is_wide(setup), self->chunk, err);
    }
    return code;
}

static ch_code make_arrays(ch_network_state *self, ch_error *err)
{
    const ch_network_learner_setup *setup = &self->setup;
    const size_t num_samples = setup->num_samples, judged = self->chunk * (size_t)self->setup.threads;
    self->start = ch_alloc(self->num_weights, sizeof *self->start);
    self->start_outputs = ch_alloc(num_samples, sizeof *self->start_outputs);
    self->start_tests = ch_alloc(num_tests(setup), sizeof *self->start_tests);
    self->tests = ch_alloc(num_tests(setup), sizeof *self->tests);
    self->margins = ch_alloc(num_samples > judged ? num_samples : judged, sizeof *self->margins);
    self->gradient = ch_alloc(self->num_weights, sizeof *self->gradient);
    self->layer_change = ch_alloc(setup->architecture->num_layers, sizeof *self->layer_change);
    self->batch = ch_alloc(setup->batch, sizeof *self->batch);
    self->order = ch_alloc(num_samples, sizeof *self->order);
    self->noise = ch_alloc(setup->dynamics == CH_DYNAMICS_SDE ? num_samples : 0, sizeof *self->noise);
    if (self->start == NULL || self->start_outputs == NULL || self->start_tests == NULL || self->tests == NULL ||
        self->margins == NULL || self->gradient == NULL || self->layer_change == NULL || self->batch == NULL ||
        self->order == NULL || self->noise == NULL) {
        return ch_error_memory(err, "a network under training: lower width or train");
    }
    for (size_t mu = 0; mu < num_samples; mu++) {
        self->order[mu] = (uint32_t)mu;
    }
    return CH_OK;
}

size_t ch_network_learner_bytes(const ch_network_learner_setup *setup)
{
    const double num_weights = (double)setup->architecture->num_weights, num_samples = (double)setup->num_samples;
    const size_t chunk = chunk_of(setup);
    const double threads = threads_of(setup), judged = (double)chunk * threads;
    double bytes = threads * ((double)ch_passes_bytes(setup->architecture, is_wide(setup), chunk) + 8 * num_weights);
    bytes += setup->dynamics == CH_DYNAMICS_FLOW ? 40 * num_weights + 8 * num_samples : 0;
    /* w0 and a gradient; f0, margins, order, noise or what was active; the test samples; batch and queue */
    bytes += 12 * num_weights + 28 * num_samples + 16 * (double)num_tests(setup);
    bytes += 20 * judged + 4 * (double)setup->batch + 4096 * threads;
    bytes += is_fast(setup) ? ch_kept_sums_bytes(setup, chunk) : 0;
    bytes += setup->kernel_samples > 0 ? ch_kernel_meter_bytes(setup) : 0;
    return bytes < 0x1p63 ? (size_t)bytes : SIZE_MAX;
}

/* ---- the learner ---- */

static void free_learner(ch_learner *learner)
{
    ch_network_learner_free((ch_network_learner *)learner);
}

/* Operations of a forward pass of a sample, in those of a plain loop: vectors make VECTOR multiply-adds in that time.
 */
static double sample_cost(const ch_architecture *architecture)
{
    enum { VECTOR = 8 };
    double sum = 0;
    for (size_t l = 0; l < architecture->num_layers; l++) {
        const ch_layer *layer = &architecture->layers[l];
        sum += (double)layer->fan_in * (double)ch_shape_size(layer->out);
    }
    return sum / VECTOR;
}

/* A backward pass costs two forward ones; looking at the unfitted, or at all, is a step's own cost. */
static void set_learner(ch_network_learner *self)
{
    const ch_network_state *state = self->state;
    const ch_network_learner_setup *setup = &state->setup;
    const double sample = state->sample_cost, update = 2 * (double)setup->batch * sample + (double)state->num_weights;
    const double all = (double)setup->num_samples * sample;
    ch_learner *learner = &self->learner;
    *learner = (ch_learner){.observe = ch_learner_observe, .free = free_learner, .step_cost = all};
    switch (setup->dynamics) {
    case CH_DYNAMICS_SGD:
        learner->advance = is_fast(setup) ? ch_learner_advance_fast : ch_learner_advance_sgd;
        learner->step_cost = (double)setup->batch * sample;
        learner->update_cost = update;
        break;
    case CH_DYNAMICS_UNFITTED:
        learner->advance = ch_learner_advance_unfitted;
        learner->update_cost = update;
        break;
    case CH_DYNAMICS_FLOW:
        learner->advance = ch_learner_advance_flow;
        break;
    case CH_DYNAMICS_GD:
    case CH_DYNAMICS_SDE:
        learner->advance = ch_learner_advance_full;
        learner->update_cost = 2 * all;
        break;
    }
}

static ch_code init_state(ch_network_state *self, const ch_network_learner_setup *setup, ch_error *err)
{
    self->setup = *setup;
    self->setup.threads = threads_of(setup);
    self->chunk = chunk_of(setup);
    self->num_weights = setup->architecture->num_weights;
    self->sample_cost = sample_cost(setup->architecture);
    self->patience = (setup->num_samples + setup->batch - 1) / setup->batch;
    self->next_look = UINT64_MAX;
    ch_random_init(&self->random, setup->seed_batch, CH_STREAM_BATCHES, 0);
    ch_random_init(&self->noise_random, setup->seed_batch, CH_STREAM_NOISE, 0);
    ch_code code = make_workers(self, err);
    if (code == CH_OK && (code = make_arrays(self, err)) == CH_OK && is_fast(setup)) {
        code = ch_look_ahead_init(self, err);
    }
    if (code == CH_OK && setup->dynamics == CH_DYNAMICS_FLOW) {
        code = ch_flow_init(self, err);
    }
    return code == CH_OK ? start(self, err) : code;
}

ch_code ch_network_learner_init(ch_network_learner *self, const ch_network_learner_setup *setup, ch_error *err)
{
    memset(self, 0, sizeof *self);
    ch_code code = check_setup(setup, err);
    if (code != CH_OK) {
        return code;
    }
    self->state = ch_alloc(1, sizeof *self->state);
    code = self->state != NULL ? init_state(self->state, setup, err) : ch_error_memory(err, "a network under training");
    if (code != CH_OK) {
        ch_network_learner_free(self);
        return code;
    }
    set_learner(self);
    return CH_OK;
}

void ch_network_learner_free(ch_network_learner *self)
{
    ch_network_state *state = self->state;
    if (state != NULL) {
        for (int w = 0; state->workers != NULL && w < state->setup.threads; w++) {
            ch_worker_free(&state->workers[w]);
        }
        free(state->workers);
        ch_look_ahead_free(&state->ahead);
        ch_flow_free(&state->flow);
        ch_kernel_meter_free(&state->meter);
        free(state->start);
        free(state->start_outputs);
        free(state->start_tests);
        free(state->tests);
        free(state->margins);
        free(state->gradient);
        free(state->layer_change);
        free(state->batch);
        free(state->order);
        free(state->noise);
        free(state);
    }
    memset(self, 0, sizeof *self);
}

const double *ch_network_learner_weights(const ch_network_learner *self)
{
    return ch_state_weights(self->state);
}
