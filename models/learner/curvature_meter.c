/* curvature_meter.c — how curved the training loss is at the present weights. */
#include "models/learner/curvature_meter.h"

#include "core/buffers.h"
#include "core/draw.h"
#include "core/minmax.h"

#include <float.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

/* Numbers of samples and directions that lambda_max and the trace of the Hessian take. */
enum {
    MOST_EXACT = 512,   /* up to so many curved samples lambda_max is exact but for rounding, and each direction of
                           the trace takes all of them */
    MOST_CURVED = 2048, /* up to so many curved samples lambda_max is that of all; with more, of two parts of HALF */
    HALF = MOST_CURVED / 2, /* samples of each of the two parts */
    SKETCHED = 256,         /* samples whose Hessian gives Lanczos' method its first vector */
    TRACE_PROBES = 16,      /* random directions of the trace */
    PROBE_SAMPLES = 32,     /* samples of each direction, and of a block from whose differences errors are found */
    BLOCKS = HALF / PROBE_SAMPLES
};
/* Batches of the batch sharpness. */
enum {
    BATCH_SAMPLES = 2048, /* samples, at most, of all batches with a gradient together */
    FEWEST_BATCHES = 4,   /* but so many such batches, however large they are */
    LEAST_BATCHES = 16,   /* from so many such batches on, drawing ends where the error is small */
    MOST_TRIES = 1 << 20  /* samples, at most, of all batches together, those without a gradient included */
};
static const double BATCH_ERROR = 0.1; /* that small error, relative to the mean */
/* Lanczos' method starts from a vector plus a random one, since the first may be orthogonal to the eigenvector. The
 * norm of the random one, in units of the first: where that is the gradient, and where it is an eigenvector of few
 * samples, which is seldom far from that of many. */
static const double BESIDE_GRADIENT = 1, BESIDE_SKETCH = 0.1;
enum { MOST_KEPT = 24 }; /* vectors of Lanczos' method that are kept for an eigenvector */
/* The error of a product by rounding, in units of the Hessian's norm and of the spacing of numbers at 1, as tests found
 * it by comparison with products in double. */
static const double ROUNDINGS = 16;
/* Bytes for the values of samples that pass together, and the least number of such samples. */
static const size_t WORKSPACE_BYTES = (size_t)64 << 20;
enum { LEAST_CAPACITY = 16 };

/* ---- samples and their factors ---- */

/* Lists the samples whose loss has a slope or a second derivative.  @return their number */
static size_t find_curved(ch_curvature_meter *self, const ch_network_state *state)
{
    const ch_network_learner_setup *setup = &state->setup;
    const ch_loss *loss = ch_loss_of(setup->loss);
    size_t count = 0;
    for (size_t mu = 0; mu < setup->num_samples; mu++) {
        const double margin = state->margins[mu];
        if (loss->slope(margin, setup->kappa) != 0 || loss->bend(margin, setup->kappa) != 0) {
            self->curved[count++] = (uint32_t)mu;
        }
    }
    return count;
}

/* Gives the Hessian the samples of a list that are curved, each with a weight.  @return their number */
static size_t take_samples(ch_curvature_meter *self, const ch_network_state *state, const uint32_t *list, size_t count,
                           double weight)
{
    const ch_network_learner_setup *setup = &state->setup;
    const ch_loss *loss = ch_loss_of(setup->loss);
    size_t num = 0;
    for (size_t i = 0; i < count; i++) {
        const double margin = state->margins[list[i]];
        const double slope = loss->slope(margin, setup->kappa), bend = loss->bend(margin, setup->kappa);
        if (slope != 0 || bend != 0) {
            self->index[num] = list[i];
            self->slopes[num] = weight * slope * setup->train->labels[list[i]];
            self->bends[num++] = weight * bend;
        }
    }
    const ch_curved_samples samples = {setup->train->inputs, self->index, num, self->slopes, self->bends};
    ch_loss_hessian_set_samples(&self->hessian, &samples);
    return num;
}

static ch_code interrupted(ch_error *err)
{
    return ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped while the curvature of the loss was measured");
}

/* ---- the largest eigenvalue ---- */

static double rounding_of(const ch_curvature_meter *self)
{
    return ROUNDINGS * (self->hessian.is_wide ? DBL_EPSILON : (double)FLT_EPSILON);
}

/* Sets self->start to self->gradient, of whatever norm, and a random vector of `share` of its norm. */
static void set_start(ch_curvature_meter *self, double share, ch_random *random)
{
    const size_t num = self->hessian.num_weights;
    const gsl_rng gsl = ch_random_gsl(random);
    for (size_t i = 0; i < num; i++) {
        self->start[i] = gsl_ran_gaussian_ziggurat(&gsl, 1.0);
    }
    const double norm = sqrt(ch_spectrum_dot(self->gradient, self->gradient, num)),
                 other = sqrt(ch_spectrum_dot(self->start, self->start, num));
    for (size_t i = 0; norm > 0 && isfinite(norm) && i < num; i++) {
        self->start[i] = share * self->start[i] / other + self->gradient[i] / norm;
    }
}

/* Sets the first vector of Lanczos' method by the gradient of the samples that are taken. */
static ch_code start_by_gradient(ch_curvature_meter *self, ch_random *random, ch_error *err)
{
    if (!ch_loss_hessian_gradient(&self->hessian, self->gradient)) {
        return interrupted(err);
    }
    set_start(self, BESIDE_GRADIENT, random);
    return CH_OK;
}

/* Sets the first vector to the eigenvector of the largest eigenvalue of some samples' Hessian. The gradient would not
 * do: it may be almost orthogonal to the eigenvector that is looked for, and Lanczos' method then converges to the
 * second eigenvalue first.
 * @param count  the samples that the vector is for: the first of self->curved */
static ch_code start_by_sketch(ch_curvature_meter *self, const ch_network_state *state, size_t count, ch_random *random,
                               ch_error *err)
{
    const ch_lanczos_rule rule = {1e-2, MOST_KEPT, rounding_of(self)};
    const ch_symmetric_map map = ch_loss_hessian_map(&self->hessian);
    ch_spectrum_estimate largest;
    size_t steps = 0;
    memcpy(self->order, self->curved, count * sizeof *self->order);
    ch_draw_shuffled(random, self->order, SKETCHED, (uint32_t)count);
    (void)take_samples(self, state, self->order, SKETCHED, 1.0 / SKETCHED);
    ch_code code = start_by_gradient(self, random, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_spectrum_largest(&map, self->start, &rule, self->gradient, &largest, &steps, err);
    if (code == CH_OK) {
        set_start(self, BESIDE_SKETCH, random);
    }
    return code;
}

/* v . H v of the samples HALF … 2 HALF - 1 of self->curved, by blocks, v being in self->gradient: its mean, and the
 * standard error that follows from the differences of the blocks.
 * @return false when stopped, or where a number is not finite */
static bool average_blocks(ch_curvature_meter *self, const ch_network_state *state, size_t num_curved,
                           ch_spectrum_estimate *average)
{
    const double weight = (double)num_curved / PROBE_SAMPLES / (double)state->setup.num_samples;
    double mean = 0, squares = 0;
    for (size_t block = 0; block < BLOCKS; block++) {
        (void)take_samples(self, state, self->curved + HALF + block * PROBE_SAMPLES, PROBE_SAMPLES, weight);
        if (!ch_loss_hessian_product(&self->hessian, self->gradient, self->product)) {
            return false;
        }
        ch_running_add(ch_spectrum_dot(self->gradient, self->product, self->hessian.num_weights), block + 1, &mean,
                       &squares);
    }
    *average = (ch_spectrum_estimate){mean, sqrt(squares / (BLOCKS - 1) / BLOCKS)};
    return true;
}

/* Of samples that are drawn from all, the largest eigenvalue is too large on average, as it is a convex function of the
 * Hessian; and with its vector v, v . H v of others is too small on average, as it is a Rayleigh quotient of a Hessian
 * whose mean is H. Takes the middle between both, and half of their difference as an error, beside the standard one. */
static ch_code find_largest_of_some(ch_curvature_meter *self, const ch_network_state *state, size_t num_curved,
                                    ch_observation *out, ch_error *err)
{
    const ch_lanczos_rule rule = {1e-3, MOST_KEPT, rounding_of(self)};
    const ch_symmetric_map map = ch_loss_hessian_map(&self->hessian);
    ch_spectrum_estimate largest, average;
    size_t steps = 0;
    const ch_code code = ch_spectrum_largest(&map, self->start, &rule, self->gradient, &largest, &steps, err);
    if (code == CH_OK && isfinite(largest.value) && average_blocks(self, state, num_curved, &average)) {
        out->lambda_max = (largest.value + average.value) / 2;
        out->lambda_max_error = hypot(average.error / M_SQRT2, (largest.value - average.value) / 2) + largest.error / 2;
    }
    return code;
}

static ch_code find_largest(ch_curvature_meter *self, const ch_network_state *state, size_t num_curved,
                            ch_random *random, ch_observation *out, ch_error *err)
{
    const ch_lanczos_rule rule = {num_curved <= MOST_EXACT ? 1e-7 : 1e-4, CH_MOST_LANCZOS, rounding_of(self)};
    const size_t count = num_curved <= MOST_CURVED ? num_curved : HALF;
    const double weight = (double)num_curved / (double)count / (double)state->setup.num_samples;
    const ch_symmetric_map map = ch_loss_hessian_map(&self->hessian);
    ch_spectrum_estimate largest = {NAN, NAN};
    size_t steps = 0;
    if (count < num_curved) {
        ch_draw_shuffled(random, self->curved, MOST_CURVED, (uint32_t)num_curved);
    }
    const bool is_exact = count <= MOST_EXACT;
    ch_code code = is_exact ? CH_OK : start_by_sketch(self, state, count, random, err);
    if (code != CH_OK) {
        return code;
    }
    (void)take_samples(self, state, self->curved, count, weight);
    code = is_exact ? start_by_gradient(self, random, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    if (count < num_curved) {
        return find_largest_of_some(self, state, num_curved, out, err);
    }
    code = ch_spectrum_largest(&map, self->start, &rule, NULL, &largest, &steps, err);
    out->lambda_max = largest.value;
    out->lambda_max_error = largest.error;
    return code;
}

/* ---- the trace ---- */

/* The map of the trace: with the same samples for all directions, or with other samples for each. */
typedef struct {
    ch_curvature_meter *meter;
    const ch_network_state *state;
    size_t num_curved;
    ch_random *random;
} probed;

static bool apply_to_some(void *context, const double *v, double *product)
{
    const probed *self = context;
    ch_curvature_meter *meter = self->meter;
    const uint32_t num_curved = (uint32_t)self->num_curved;
    ch_draw_shuffled(self->random, meter->curved, PROBE_SAMPLES, num_curved);
    (void)take_samples(meter, self->state, meter->curved, PROBE_SAMPLES,
                       (double)num_curved / PROBE_SAMPLES / (double)self->state->setup.num_samples);
    return ch_loss_hessian_product(&meter->hessian, v, product);
}

/* After find_largest, which has set the samples. Changes the order of self->curved. */
static ch_code find_trace(ch_curvature_meter *self, const ch_network_state *state, size_t num_curved, ch_random *random,
                          ch_observation *out, ch_error *err)
{
    probed some = {self, state, num_curved, random};
    const ch_symmetric_map of_all = ch_loss_hessian_map(&self->hessian);
    const ch_symmetric_map of_some = {.context = &some, .dim = self->hessian.num_weights, .apply = apply_to_some};
    ch_spectrum_estimate trace;
    const ch_code code =
        ch_spectrum_trace(num_curved > MOST_EXACT ? &of_some : &of_all, TRACE_PROBES, random, &trace, err);
    out->hessian_trace = trace.value;
    out->hessian_trace_error = trace.error;
    return code;
}

/* ---- batch sharpness ---- */

/* Lists the samples from which batches are drawn.  @return their number */
static size_t find_drawn(ch_curvature_meter *self, const ch_network_state *state)
{
    size_t count = 0;
    for (size_t mu = 0; mu < state->setup.num_samples; mu++) {
        if (state->setup.dynamics != CH_DYNAMICS_UNFITTED || !(state->margins[mu] >= state->setup.kappa)) {
            self->order[count++] = (uint32_t)mu;
        }
    }
    return count;
}

/* Draws a batch, of which every sample has a weight, and adds its g . H g / |g|^2 to the mean, unless g = 0.  @return
 * false when stopped */
static bool add_batch(ch_curvature_meter *self, const ch_network_state *state, size_t size, size_t num_drawn,
                      double weight, ch_random *random, size_t *number, double *mean, double *squares)
{
    const size_t num = self->hessian.num_weights;
    if (size < num_drawn) {
        ch_draw_shuffled(random, self->order, (uint32_t)size, (uint32_t)num_drawn);
    }
    if (take_samples(self, state, self->order, size, weight) == 0) {
        return !ch_state_is_stopped(state);
    }
    if (!ch_loss_hessian_gradient(&self->hessian, self->gradient) ||
        !ch_loss_hessian_product(&self->hessian, self->gradient, self->product)) {
        return false;
    }
    const double square = ch_spectrum_dot(self->gradient, self->gradient, num);
    if (square > 0) {
        ch_running_add(ch_spectrum_dot(self->gradient, self->product, num) / square, ++*number, mean, squares);
    }
    return true;
}

/* @return false when stopped, or where a number is not finite */
static bool find_batch_sharpness(ch_curvature_meter *self, const ch_network_state *state, ch_random *random,
                                 ch_observation *out)
{
    const size_t num_drawn = find_drawn(self, state);
    const bool takes_all = state->setup.dynamics == CH_DYNAMICS_GD || state->setup.dynamics == CH_DYNAMICS_FLOW;
    const size_t size = takes_all ? num_drawn : ch_size_min(state->setup.batch, num_drawn);
    const double weight = 1 / (double)(takes_all ? size : state->setup.batch); /* as steps have it */
    const size_t most = size == num_drawn ? 1 : ch_size_max(BATCH_SAMPLES / size, FEWEST_BATCHES);
    size_t number = 0;
    double mean = 0, squares = 0, error = NAN;
    for (size_t tries = 0; number < most && num_drawn > 0 && tries < MOST_TRIES / size + FEWEST_BATCHES; tries++) {
        if (!add_batch(self, state, size, num_drawn, weight, random, &number, &mean, &squares)) {
            return false;
        }
        error = number > 1 ? sqrt(squares / (double)(number - 1) / (double)number) : NAN;
        if (number >= LEAST_BATCHES && error <= BATCH_ERROR * fabs(mean)) {
            break;
        }
    }
    out->batch_sharpness = number > 0 ? mean : NAN;
    out->batch_sharpness_error = size == num_drawn && number > 0 ? 0 : error;
    return true;
}

/* ---- all ---- */

ch_code ch_curvature_meter_observe(ch_curvature_meter *self, const ch_network_state *state, uint64_t updates,
                                   ch_observation *out, ch_error *err)
{
    const size_t num_curved = find_curved(self, state);
    ch_random random;
    ch_random_init(&random, state->setup.seed_batch, CH_STREAM_CURVATURE, updates);
    if (num_curved == 0) {
        out->lambda_max = out->lambda_max_error = out->hessian_trace = out->hessian_trace_error = 0;
        return CH_OK;
    }
    ch_loss_hessian_set_weights(&self->hessian, ch_state_weights(state));
    ch_code code = find_largest(self, state, num_curved, &random, out, err);
    if (code != CH_OK) {
        return code;
    }
    code = find_trace(self, state, num_curved, &random, out, err);
    if (code != CH_OK) {
        return code;
    }
    (void)find_batch_sharpness(self, state, &random, out); /* NaN where it fails */
    return ch_state_is_stopped(state) ? interrupted(err) : CH_OK;
}

double ch_curvature_meter_passes(double num_samples, double batch)
{
    /* A first product is as much as eight forward passes, and one that follows as much as six; Lanczos' method takes
     * four to seven of them, and as many of a few samples: eight are taken here. */
    static const double FIRST = 8, NEXT = 6, PRODUCTS = 8;
    const double curved = fmin(num_samples, MOST_CURVED), probes = fmin(num_samples, PROBE_SAMPLES);
    const double batches = batch < num_samples ? fmax(BATCH_SAMPLES / 4, FEWEST_BATCHES * batch) : num_samples;
    return curved * (FIRST + PRODUCTS * NEXT) + TRACE_PROBES * probes * FIRST + batches * (3 + FIRST);
}

/* ---- memory ---- */

static size_t find_capacity(const ch_network_state *state)
{
    const size_t bytes = 3 * ch_passes_sample_bytes(state->setup.architecture, ch_state_is_wide(state));
    const size_t fit = ch_size_max(WORKSPACE_BYTES / bytes, LEAST_CAPACITY);
    return ch_size_min(ch_size_min(fit, MOST_CURVED), state->setup.num_samples);
}

static ch_buffer_list buffers_of(const ch_curvature_meter *self, const ch_network_state *state)
{
    const size_t num_samples = state->setup.num_samples, num_weights = state->num_weights;
    return (ch_buffer_list){{
        CH_BUFFER(self->curved, num_samples),
        CH_BUFFER(self->order, num_samples),
        CH_BUFFER(self->index, self->room),
        CH_BUFFER(self->slopes, self->room),
        CH_BUFFER(self->bends, self->room),
        CH_BUFFER(self->gradient, num_weights),
        CH_BUFFER(self->product, num_weights),
        CH_BUFFER(self->start, num_weights),
    }};
}

/* All samples are a batch under gd and flow, and a batch under other dynamics may be all samples. */
static size_t find_room(const ch_network_state *state)
{
    const bool takes_all = state->setup.dynamics == CH_DYNAMICS_GD || state->setup.dynamics == CH_DYNAMICS_FLOW;
    const size_t num_samples = state->setup.num_samples, batch = takes_all ? num_samples : state->setup.batch;
    return ch_size_min(ch_size_max(batch, MOST_CURVED), num_samples);
}

ch_code ch_curvature_meter_init(ch_curvature_meter *self, const ch_network_state *state, ch_error *err)
{
    self->room = find_room(state);
    const ch_code code = ch_loss_hessian_init(&self->hessian, state->setup.architecture, ch_state_is_wide(state),
                                              find_capacity(state), state->setup.watch, err);
    if (code != CH_OK) {
        return code;
    }
    const ch_buffer_list buffers = buffers_of(self, state);
    return ch_buffers_alloc(&buffers) ? CH_OK : ch_error_memory(err, "the curvature of the loss: lower width");
}

double ch_curvature_meter_bytes(const ch_network_state *state)
{
    const ch_curvature_meter sizes = {.room = find_room(state)};
    const ch_buffer_list buffers = buffers_of(&sizes, state);
    const double lanczos = 3 * sizeof(double) + MOST_KEPT * sizeof(float); /* bytes a weight */
    return ch_buffers_bytes(&buffers) + lanczos * (double)state->num_weights +
           ch_loss_hessian_bytes(state->setup.architecture, ch_state_is_wide(state), find_capacity(state));
}

void ch_curvature_meter_free(ch_curvature_meter *self)
{
    const ch_network_state none = {.num_weights = 0};
    const ch_buffer_list buffers = buffers_of(self, &none);
    ch_loss_hessian_free(&self->hessian);
    ch_buffers_free(&buffers);
}
