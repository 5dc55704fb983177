/* learner.c — sets up a network's training: its parts, their memory, and the function that advances it. */
#include "models/learner/learner.h"

#include "core/checks.h"
#include "core/memory.h"
#include "core/snapshot.h"
#include "models/learner/curvature_meter.h"
#include "models/learner/flow.h"
#include "models/learner/kernel_meter.h"
#include "models/learner/lookahead.h"
#include "models/learner/observe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the setup ---- */

/* Whether the fast engine trains. Under mse, and where weights have a velocity, there are no idle steps to skip. */
static bool is_fast(const ch_network_learner_setup *setup)
{
    return setup->fast && setup->dynamics == CH_DYNAMICS_SGD && ch_loss_of(setup->loss)->has_idle_steps &&
           setup->momentum == 0 && setup->weight_decay == 0;
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
    ch_code code = ch_check_learner(setup->num_samples, setup->train->num_samples, "the samples there are",
                                    setup->batch, setup->kappa, setup->rate, err);
    if (code != CH_OK) {
        return code;
    }
    if (setup->kernel_samples > setup->num_samples) {
        return ch_error_set(err, CH_ERROR_INPUT, "the kernel is to be measured on %zu samples; train = %zu is the most",
                            setup->kernel_samples, setup->num_samples);
    }
    if (!(setup->momentum >= 0 && setup->momentum < 1) ||
        !(setup->weight_decay >= 0 && isfinite(setup->weight_decay))) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "momentum is %g and weight_decay %g; accepted are 0 <= momentum < 1 and finite "
                            "weight_decay >= 0",
                            setup->momentum, setup->weight_decay);
    }
    code = check_examples(setup->train, setup->architecture, "training", err);
    if (code != CH_OK || setup->test == NULL) {
        return code;
    }
    return check_examples(setup->test, setup->architecture, "test", err);
}

/* ---- memory ---- */

/* The announced memory does not depend on the engine or the dynamics: it always includes the queue of the fast engine
 * and the noise of the sde. The fast engine itself has no noise, and its list of active samples takes half as much.
 * SMALL bytes for each thread are for structs and for rounding up to cache lines; they do not grow with the run. */
size_t ch_network_learner_bytes(const ch_network_learner_setup *setup)
{
    enum { SMALL = 4096 };
    ch_network_state sizes = {0};
    ch_state_set_sizes(&sizes, setup);
    double bytes = ch_state_bytes(&sizes);
    bytes += sizeof *((ch_lookahead *)NULL)->queue * (double)sizes.round + (double)SMALL * sizes.setup.threads;
    bytes += setup->dynamics == CH_DYNAMICS_FLOW ? ch_flow_bytes(&sizes) : 0;
    bytes += is_fast(setup) ? ch_lookahead_sums_bytes(&sizes) : 0;
    bytes += setup->kernel_samples > 0 ? ch_kernel_meter_bytes(&sizes) : 0;
    bytes += setup->curvature ? ch_curvature_meter_bytes(&sizes) : 0;
    return bytes < 0x1p63 ? (size_t)bytes : SIZE_MAX;
}

static ch_code allocate_parts(ch_network_learner *self, const ch_network_learner_setup *setup, ch_error *err)
{
    self->state = ch_alloc(1, sizeof *self->state);
    self->lookahead = is_fast(setup) ? ch_alloc(1, sizeof *self->lookahead) : NULL;
    self->flow = setup->dynamics == CH_DYNAMICS_FLOW ? ch_alloc(1, sizeof *self->flow) : NULL;
    self->meter = setup->kernel_samples > 0 ? ch_alloc(1, sizeof *self->meter) : NULL;
    self->curvature = setup->curvature ? ch_alloc(1, sizeof *self->curvature) : NULL;
    if (self->state == NULL || (is_fast(setup) && self->lookahead == NULL) ||
        (setup->dynamics == CH_DYNAMICS_FLOW && self->flow == NULL) ||
        (setup->kernel_samples > 0 && self->meter == NULL) || (setup->curvature && self->curvature == NULL)) {
        return ch_error_memory(err, "a network under training");
    }
    return CH_OK;
}

static ch_code init_parts(ch_network_learner *self, const ch_network_learner_setup *setup, ch_error *err)
{
    ch_code code = allocate_parts(self, setup, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_state_init(self->state, setup, err);
    if (code != CH_OK) {
        return code;
    }
    code = self->lookahead != NULL ? ch_lookahead_init(self->lookahead, self->state, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    code = self->flow != NULL ? ch_flow_init(self->flow, self->state, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    code = self->meter != NULL ? ch_kernel_meter_init(self->meter, self->state, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    return self->curvature != NULL ? ch_curvature_meter_init(self->curvature, self->state, err) : CH_OK;
}

/* ---- the learner ---- */

static void free_learner(ch_learner *learner)
{
    ch_network_learner_free((ch_network_learner *)learner);
}

static void exchange(ch_learner *learner, ch_snapshot *snapshot)
{
    ch_network_learner *self = (ch_network_learner *)learner;
    ch_snapshot_learner(snapshot, learner);
    ch_state_exchange(self->state, snapshot);
    if (self->lookahead != NULL) {
        ch_lookahead_exchange(self, snapshot);
    }
    if (self->flow != NULL) {
        ch_flow_exchange(self->flow, self->state, snapshot);
    }
}

/* Sets the expected costs in operations. A backward pass costs as much as two forward passes. Where every step passes
 * over all samples, that is the cost of a step. */
static void set_learner(ch_network_learner *self)
{
    const ch_network_state *state = self->state;
    const ch_network_learner_setup *setup = &state->setup;
    const double sample = state->sample_cost, update = 2 * (double)setup->batch * sample + (double)state->num_weights;
    const double all = (double)setup->num_samples * sample;
    ch_learner *learner = &self->learner;
    *learner =
        (ch_learner){.observe = ch_learner_observe, .free = free_learner, .exchange = exchange, .step_cost = all};
    switch (setup->dynamics) {
    case CH_DYNAMICS_SGD:
        learner->advance = self->lookahead != NULL ? ch_learner_advance_fast : ch_learner_advance_sgd;
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

ch_code ch_network_learner_init(ch_network_learner *self, const ch_network_learner_setup *setup, ch_error *err)
{
    memset(self, 0, sizeof *self);
    ch_code code = check_setup(setup, err);
    if (code != CH_OK) {
        return code;
    }
    code = init_parts(self, setup, err);
    if (code != CH_OK) {
        ch_network_learner_free(self);
        return code;
    }
    set_learner(self);
    return CH_OK;
}

void ch_network_learner_free(ch_network_learner *self)
{
    if (self->curvature != NULL) {
        ch_curvature_meter_free(self->curvature);
    }
    if (self->meter != NULL) {
        ch_kernel_meter_free(self->meter);
    }
    if (self->flow != NULL) {
        ch_flow_free(self->flow);
    }
    if (self->lookahead != NULL) {
        ch_lookahead_free(self->lookahead);
    }
    if (self->state != NULL) {
        ch_state_free(self->state);
    }
    free(self->curvature);
    free(self->meter);
    free(self->flow);
    free(self->lookahead);
    free(self->state);
    memset(self, 0, sizeof *self);
}

const double *ch_network_learner_weights(const ch_network_learner *self)
{
    return ch_state_weights(self->state);
}
