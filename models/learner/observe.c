/* observe.c — observations of a network under training. */
#include "models/learner/observe.h"

#include "core/memory.h"
#include "core/near_boundary.h"
#include "data/linear_error.h"
#include "models/learner/learner.h"

#include <math.h>
#include <stdlib.h>

/* ---- outputs ---- */

/* Finds loss, error and least margin from the margins of all training samples. */
static void find_losses(const ch_network_state *self, ch_observation *out)
{
    const ch_network_learner_setup *setup = &self->setup;
    double loss = 0, least = INFINITY;
    size_t errors = 0;
    for (size_t mu = 0; mu < setup->num_samples; mu++) {
        const double margin = self->margins[mu];
        loss += ch_loss_of(setup->loss)->value(margin, setup->kappa);
        errors += !(margin > 0);
        least = margin < least || isnan(margin) ? margin : least; /* a NaN stays */
    }
    out->train_loss = loss / (double)setup->num_samples;
    out->train_error = (double)errors / (double)setup->num_samples;
    out->min_margin = least / setup->kappa;
}

/* The fraction of test samples with !(y F > 0), and the density of |F| near 0.  @return false when stopped */
static bool observe_tests(ch_network_state *self, ch_observation *out)
{
    const ch_examples *test = self->setup.test;
    const ch_sample_list all = {.count = test->num_samples};
    size_t errors = 0;
    if (!ch_state_outputs(self, test, &all, self->tests)) {
        return false;
    }
    for (size_t i = 0; i < all.count; i++) {
        const double change = self->tests[i] - self->start_tests[i];
        errors += !(test->labels[i] * change > 0);
        self->tests[i] = fabs(change);
    }
    out->test_error = (double)errors / (double)all.count;
    ch_near_boundary_observe(out, self->tests, all.count, self->smallest);
    return true;
}

/* ---- weights ---- */

/* The weights w, and w0. */
typedef struct {
    const double *now;
    const float *start;
} weight_pair;

static weight_pair weights_of(const ch_network_state *self)
{
    return (weight_pair){ch_state_weights(self), self->start};
}

/* Delta w_i */
static double change_at(const weight_pair *weights, size_t i)
{
    return weights->now[i] - (double)weights->start[i];
}

/* Finds ||Delta w|| of all weights, and of every layer with its bias. */
static void find_weight_change(ch_network_state *self, ch_observation *out)
{
    const ch_architecture *architecture = self->setup.architecture;
    const weight_pair weights = weights_of(self);
    double whole = 0;
    size_t found = 0;
    for (size_t l = 0; l < architecture->num_layers; l++) {
        const ch_layer *layer = &architecture->layers[l];
        const size_t end = layer->bias + (layer->has_bias ? layer->out.channels : 0);
        double square = 0;
        for (size_t i = layer->weights; i < end; i++) {
            const double change = change_at(&weights, i);
            square += change * change;
        }
        if (layer->num_weights > 0) {
            self->layer_change[found++] = sqrt(square);
            whole += square;
        }
    }
    out->weight_change = sqrt(whole);
    out->weight_change_rel = out->weight_change / self->norm_init;
    out->layer_change = self->layer_change;
    out->num_layers = found;
}

/* Norms of Delta W e and of Delta W - (Delta W e) e^T, W [h][d] being the first layer's weights and e the teacher. Of a
 * linear network h is 1, and the first is Delta W e itself, with its sign. */
static void find_signal_and_noise(const ch_network_state *self, ch_observation *out)
{
    const ch_layer *layer = &self->setup.architecture->layers[0];
    const double *teacher = self->setup.teacher;
    const size_t dim = layer->fan_in, num = layer->num_weights / dim;
    const weight_pair weights = weights_of(self);
    double signal2 = 0, noise2 = 0, along = 0;
    for (size_t j = 0; j < num; j++) {
        const size_t row = layer->weights + j * dim;
        along = 0;
        for (size_t i = 0; i < dim; i++) {
            along += change_at(&weights, row + i) * teacher[i];
        }
        signal2 += along * along;
        for (size_t i = 0; i < dim; i++) {
            const double across = change_at(&weights, row + i) - along * teacher[i];
            noise2 += across * across;
        }
    }
    out->signal = self->setup.architecture->spec.arch == CH_ARCH_PERCEPTRON ? along : sqrt(signal2);
    out->noise = sqrt(noise2);
}

/* Mean |x . e| over the unfitted training samples, whose margins are known; NaN where none is. */
static void find_unfitted_distance(const ch_network_state *self, ch_observation *out)
{
    const ch_network_learner_setup *setup = &self->setup;
    double sum = 0;
    for (size_t mu = 0; mu < setup->num_samples; mu++) {
        if (self->margins[mu] >= setup->kappa) {
            continue;
        }
        const float *input = ch_examples_input(setup->train, mu);
        double along = 0;
        for (size_t i = 0; i < setup->train->dim; i++) {
            along += (double)input[i] * setup->teacher[i];
        }
        sum += fabs(along);
    }
    out->unfitted_distance = out->unfitted > 0 ? sum / (double)out->unfitted : NAN;
}

/* ---- the exact test error ---- */

/* Finds the exact test error of the linear network, whose one layer has the student's weights. */
static ch_code find_exact_error(const ch_network_state *self, ch_observation *out, ch_error *err)
{
    const ch_network_learner_setup *setup = &self->setup;
    const ch_layer *layer = &setup->architecture->layers[0];
    const ch_linear_law law = {setup->chi, setup->density, setup->teacher, setup->deviations, layer->fan_in};
    if (setup->teacher == NULL || !ch_linear_law_is_known(&law)) {
        return CH_OK;
    }
    const weight_pair weights = weights_of(self);
    double *change = ch_alloc(layer->fan_in, sizeof *change);
    if (change == NULL) {
        return ch_error_memory(err, "the change of a perceptron's weights");
    }
    for (size_t i = 0; i < layer->fan_in; i++) {
        change[i] = change_at(&weights, layer->weights + i);
    }
    const ch_code code = ch_linear_law_test_error(&law, change, out->signal, out->noise, &out->test_error, err);
    free(change);
    return code;
}

/* ---- all ---- */

static ch_code interrupted(ch_error *err)
{
    return ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped while a network was observed");
}

/* Measures what takes passes of its own: the curvature, the kernel and the test error. */
static ch_code observe_rest(ch_network_learner *self, ch_observation *out, ch_error *err)
{
    ch_network_state *state = self->state;
    const ch_network_learner_setup *setup = &state->setup;
    ch_code code = CH_OK;
    if (self->curvature != NULL && self->learner.with_curvature) {
        code = ch_curvature_meter_observe(self->curvature, state, self->learner.progress.updates, out, err);
    }
    if (code != CH_OK) {
        return code;
    }
    code = self->meter != NULL ? ch_kernel_meter_observe(self->meter, state, out, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    if (setup->test != NULL) {
        return observe_tests(state, out) ? CH_OK : interrupted(err);
    }
    return setup->architecture->spec.arch == CH_ARCH_PERCEPTRON ? find_exact_error(state, out, err) : CH_OK;
}

ch_code ch_network_learner_loss(ch_network_learner *self, const double *weights, double *loss, ch_error *err)
{
    ch_network_state *state = self->state;
    const ch_sample_list all = {.count = state->setup.num_samples};
    ch_observation seen = {.train_loss = NAN};
    ch_state_set_weights(state, weights);
    if (!ch_state_margins(state, &all)) {
        return interrupted(err);
    }
    find_losses(state, &seen);
    *loss = seen.train_loss;
    return CH_OK;
}

ch_code ch_learner_observe(ch_learner *learner, ch_observation *out, ch_error *err)
{
    ch_network_learner *self = (ch_network_learner *)learner;
    ch_network_state *state = self->state;
    ch_pass_summary seen;
    *out = ch_observation_none();
    if (!ch_learner_check(self, &seen)) {
        return interrupted(err);
    }
    find_losses(state, out);
    out->unfitted = seen.unfitted;
    find_weight_change(state, out);
    if (!isfinite(out->weight_change)) {
        learner->progress.status = CH_DIVERGED; /* the square of a weight overflows */
    }
    if (state->setup.teacher != NULL) {
        find_unfitted_distance(state, out);
    }
    if (state->setup.teacher != NULL && state->setup.architecture->layers[0].kind == CH_LAYER_DENSE) {
        find_signal_and_noise(state, out);
    }
    return learner->progress.status == CH_DIVERGED ? CH_OK : observe_rest(self, out, err);
}
