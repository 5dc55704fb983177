/* lookahead_sums.c — sums of the first layer, by which the fast engine tests samples cheaply. */
#include "models/learner/lookahead_sums.h"

#include "core/buffers.h"
#include "core/snapshot.h"

#include <math.h>
#include <string.h>

/* Whether a round has two batches or more for any number of threads, and the sums of the network are cheap. */
static bool are_possible(const ch_network_state *state)
{
    const ch_network_learner_setup *setup = &state->setup;
    const size_t round = state->chunk < CH_ROUND_SAMPLES ? state->chunk : CH_ROUND_SAMPLES;
    return !setup->wide && ch_first_layer_terms(setup->architecture) > 0 && 2 * setup->batch <= round;
}

/* The list of buffers. To free them it needs no sizes: state may then be NULL. */
static ch_buffer_list buffers_of(const ch_lookahead_sums *self, const ch_network_state *state)
{
    const size_t num_outputs = state != NULL ? state->setup.architecture->layers[0].out.channels : 0;
    return (ch_buffer_list){{
        CH_BUFFER(self->tested, state != NULL ? state->round * num_outputs : 0),
        CH_BUFFER(self->all, state != NULL ? state->setup.num_samples : 0),
    }};
}

double ch_lookahead_sums_bytes(const ch_network_state *state)
{
    const ch_buffer_list buffers = buffers_of(&(ch_lookahead_sums){.is_on = false}, state);
    const ch_network_learner_setup *setup = &state->setup;
    return are_possible(state)
               ? ch_first_layer_bytes(setup->architecture, setup->num_samples) + ch_buffers_bytes(&buffers)
               : 0;
}

ch_code ch_lookahead_sums_init(ch_lookahead_sums *self, const ch_network_state *state, ch_error *err)
{
    const ch_network_learner_setup *setup = &state->setup;
    if (!are_possible(state)) {
        return CH_OK;
    }
    const ch_code code = ch_first_layer_init(&self->layer, setup->architecture, setup->num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    const ch_buffer_list buffers = buffers_of(self, state);
    if (!ch_buffers_alloc(&buffers)) {
        return ch_error_memory(err, "the first layer's sums: lower train or width");
    }
    for (size_t mu = 0; mu < setup->num_samples; mu++) {
        self->all[mu] = (uint32_t)mu;
    }
    self->is_possible = true;
    return CH_OK;
}

void ch_lookahead_sums_exchange(ch_lookahead_sums *self, ch_snapshot *snapshot)
{
    if (!self->is_possible) {
        return;
    }
    ch_snapshot_begin(snapshot, "sums");
    ch_snapshot_flag(snapshot, &self->is_on);
    CH_SNAPSHOT_NUMBER(snapshot, self->recent_terms);
    CH_SNAPSHOT_NUMBER(snapshot, self->recent_steps);
    ch_first_layer_exchange(&self->layer, snapshot);
    ch_snapshot_end(snapshot);
}

void ch_lookahead_sums_free(ch_lookahead_sums *self)
{
    const ch_buffer_list buffers = buffers_of(self, NULL);
    ch_first_layer_free(&self->layer);
    ch_buffers_free(&buffers);
    *self = (ch_lookahead_sums){0};
}

bool ch_lookahead_sums_test(ch_lookahead_sums *self, ch_network_state *state, const ch_sample_list *list)
{
    return self->is_on ? ch_state_margins_by_sums(state, list, &self->layer, self->tested)
                       : ch_state_margins(state, list);
}

void ch_lookahead_sums_store(ch_lookahead_sums *self, const ch_sample_list *first)
{
    if (self->is_on) {
        ch_first_layer_store(&self->layer, first->index, first->count, self->tested);
    }
}

bool ch_lookahead_sums_check(ch_lookahead_sums *self, ch_network_learner *learner, ch_pass_summary *seen)
{
    ch_network_state *state = learner->state;
    const ch_sample_list all = {.index = self->all, .count = state->setup.num_samples};
    if (!self->is_on) {
        return ch_learner_check(learner, seen);
    }
    if (!ch_state_margins_by_sums(state, &all, &self->layer, self->layer.sums)) {
        ch_first_layer_forget(&self->layer); /* some of the stored sums have changed and others have not */
        learner->learner.is_torn = true;     /* sums that are computed anew differ from these by rounding */
        return false;
    }
    ch_first_layer_store(&self->layer, all.index, all.count, self->layer.sums);
    ch_state_summarise(state, seen);
    if (isfinite(seen->sum) && seen->active > 0 && ch_state_weights_are_finite(state)) {
        return true;
    }
    /* Stored sums are off by rounding. A test from the weights may therefore find a gradient where the sums show none.
     */
    ch_first_layer_forget(&self->layer);
    return ch_learner_check(learner, seen);
}

/* Whether to use sums after an update of `terms` active samples that came after `steps` steps. A sample is tested every
 * P / B steps, and its sums will lack the terms that come in that time. */
static bool are_worth_it(ch_lookahead_sums *self, const ch_network_learner_setup *setup, size_t terms, uint64_t steps)
{
    static const double decay = 1 - 1.0 / 16;
    self->recent_terms = decay * self->recent_terms + (double)terms;
    self->recent_steps = decay * self->recent_steps + (double)steps;
    const double lack = self->recent_terms / self->recent_steps * (double)setup->num_samples / (double)setup->batch;
    return lack < (double)self->layer.most_terms;
}

void ch_lookahead_sums_commit(ch_lookahead_sums *self, ch_network_learner *learner, const ch_sample_list *list,
                              const ch_pass_summary *seen)
{
    const ch_progress *progress = &learner->learner.progress;
    const uint64_t waited = progress->steps - progress->last_update;
    const bool has_moved = ch_learner_commit(learner, list, seen);
    if (!self->is_possible) {
        return;
    }
    if (has_moved && self->is_on) {
        ch_first_layer_note(&self->layer, &learner->state->workers[0].passes.narrow);
    } else { /* the change of W has terms that are not listed, or the sums were wrong about the batch */
        ch_first_layer_forget(&self->layer);
    }
    if (has_moved) {
        self->is_on = are_worth_it(self, &learner->state->setup, seen->active, waited);
    }
}
