/* lookahead_sums.c — passes of the fast engine by sums of the first layer that are kept (first_layer.h).
 *
 * What is kept must not depend on how many batches are judged at a time, which limits and threads decide: so it is the
 * sums of samples in batches that were passed, and of all samples at a look; and whether to keep them follows from the
 * updates and the steps between them.
 *
 * Updates are made from scratch, and so is the look that finds a run fitted: kept sums only say where to look. So a run
 * that an observation finds fitted takes no update unobserved.
 */
#include "models/learner/state.h"

#include <math.h>
#include <stdlib.h>

/* Rounds hold two batches or more, for any number of threads. */
static bool can_keep(const ch_network_learner_setup *setup, size_t chunk)
{
    const size_t round = chunk < CH_JUDGED_AHEAD ? chunk : CH_JUDGED_AHEAD;
    return !setup->wide && ch_first_layer_terms(setup->architecture) > 0 && 2 * setup->batch <= round;
}

double ch_kept_sums_bytes(const ch_network_learner_setup *setup, size_t chunk)
{
    const double outputs = (double)setup->architecture->layers[0].out.channels;
    const double judged = (double)chunk * (double)(setup->threads > 1 ? setup->threads : 1);
    return can_keep(setup, chunk) ? ch_first_layer_bytes(setup->architecture, setup->num_samples) +
                                        judged * outputs * sizeof(float) + (double)setup->num_samples * sizeof(uint32_t)
                                  : 0;
}

ch_code ch_kept_sums_init(ch_network_state *self, ch_error *err)
{
    ch_kept_sums *kept = &self->ahead.kept;
    const size_t num_samples = self->setup.num_samples, judged = self->ahead.room * self->setup.batch;
    if (!can_keep(&self->setup, self->chunk)) {
        return CH_OK;
    }
    const ch_code code = ch_first_layer_init(&kept->layer, self->setup.architecture, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    kept->judged = ch_alloc(judged * kept->layer.num_outputs, sizeof *kept->judged);
    kept->all = ch_alloc(num_samples, sizeof *kept->all);
    if (kept->judged == NULL || kept->all == NULL) {
        return ch_error_memory(err, "the first layer's sums: lower train or width");
    }
    for (size_t mu = 0; mu < num_samples; mu++) {
        kept->all[mu] = (uint32_t)mu;
    }
    kept->is_possible = true;
    return CH_OK;
}

void ch_kept_sums_free(ch_kept_sums *self)
{
    ch_first_layer_free(&self->layer);
    free(self->judged);
    free(self->all);
    *self = (ch_kept_sums){0};
}

bool ch_kept_judge(ch_network_state *self, const ch_sample_list *judged)
{
    ch_kept_sums *kept = &self->ahead.kept;
    return ch_state_margins(self, judged, kept->is_on ? kept->judged : NULL);
}

void ch_kept_pass(ch_network_state *self, const ch_sample_list *passed)
{
    ch_kept_sums *kept = &self->ahead.kept;
    if (kept->is_on) {
        ch_first_layer_keep(&kept->layer, passed->index, passed->count, kept->judged);
    }
}

bool ch_kept_check(ch_network_learner *self, ch_pass_summary *seen)
{
    ch_network_state *state = self->state;
    ch_kept_sums *kept = &state->ahead.kept;
    const ch_sample_list all = {.index = kept->all, .count = state->setup.num_samples};
    if (!kept->is_on) {
        return ch_learner_check(self, seen);
    }
    if (!ch_state_margins(state, &all, kept->layer.sums)) {
        ch_first_layer_forget(&kept->layer); /* some are newer than said */
        return false;
    }
    ch_first_layer_keep(&kept->layer, all.index, all.count, kept->layer.sums);
    ch_state_summarise(state, seen);
    if (isfinite(seen->sum) && seen->active > 0 && ch_state_weights_are_finite(state)) {
        return true;
    }
    ch_first_layer_forget(&kept->layer); /* lest they deny what this check sees */
    return ch_learner_check(self, seen);
}

/* Whether to keep sums, after an update of `active` samples and so many steps: a sample comes every P / B steps, and
 * its sums will lack the terms of that time. */
static bool is_worth_it(ch_network_state *self, size_t active, uint64_t steps)
{
    static const double decay = 1 - 1.0 / 16;
    ch_kept_sums *kept = &self->ahead.kept;
    kept->terms = decay * kept->terms + (double)active;
    kept->steps = decay * kept->steps + (double)steps;
    const double lack = kept->terms / kept->steps * (double)self->setup.num_samples / (double)self->setup.batch;
    return lack < (double)kept->layer.most_terms;
}

void ch_kept_note(ch_network_state *self)
{
    ch_kept_sums *kept = &self->ahead.kept;
    if (kept->is_on) {
        ch_first_layer_note(&kept->layer, &self->workers[0].passes.narrow);
    } else {
        ch_first_layer_forget(&kept->layer);
    }
}

void ch_kept_settle(ch_network_learner *self, const ch_sample_list *list, const ch_pass_summary *seen)
{
    ch_kept_sums *kept = &self->state->ahead.kept;
    const ch_progress *progress = &self->learner.progress;
    const uint64_t waited = progress->steps - progress->last_update;
    ch_learner_settle(self, list, seen);
    if (kept->is_possible && seen->active > 0) {
        kept->is_on = is_worth_it(self->state, seen->active, waited);
    } else if (kept->is_on) { /* they misled */
        ch_first_layer_forget(&kept->layer);
    }
}
