/* learner_kept.c — passes of the fast engine by sums of the first layer that are kept (first_layer.h).
 *
 * What is kept must not depend on how many batches are judged at a time, which limits and threads decide: so it is the
 * sums of samples in batches that were passed, and of all samples at a look; and whether to keep them follows from the
 * updates and the steps between them.
 *
 * The look that finds a run fitted is made from scratch.
 */
#include "models/network_learner_private.h"

#include <math.h>
#include <stdlib.h>

static bool is_possible(const ch_network_learner_setup *setup)
{
    return !setup->wide && ch_first_layer_terms(setup->architecture) > 0;
}

double ch_kept_sums_bytes(const ch_network_learner_setup *setup, size_t judged)
{
    const double outputs = (double)setup->architecture->layers[0].out.channels;
    return is_possible(setup)
               ? ch_first_layer_bytes(setup->architecture, setup->num_samples) +
                     (double)judged * outputs * sizeof(float) + (double)setup->num_samples * sizeof(uint32_t)
               : 0;
}

ch_code ch_kept_sums_init(ch_network_state *self, ch_error *err)
{
    ch_kept_sums *kept = &self->ahead.kept;
    const size_t num_samples = self->setup.num_samples, judged = self->ahead.room * self->setup.batch;
    if (self->ahead.room < 2 || !is_possible(&self->setup)) {
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

bool ch_kept_prepare(ch_network_state *self, const ch_sample_list *batch, ch_pass_summary *seen)
{
    const double scale = -self->setup.rate / (double)self->setup.batch;
    if (!self->ahead.kept.is_on) {
        return ch_state_prepare(self, batch, scale, NULL, seen);
    }
    const bool is_done = ch_kept_judge(self, batch);
    *seen = ch_state_choose(self, batch, 0, batch->count);
    return is_done;
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
        return false;
    }
    ch_first_layer_keep(&kept->layer, all.index, all.count, kept->layer.sums);
    ch_state_summarise(state, seen);
    if (isfinite(seen->sum) && seen->active > 0) {
        return true;
    }
    ch_first_layer_forget(&kept->layer); /* lest they deny what this check sees */
    return ch_learner_check(self, seen);
}

/* Whether to keep sums, after an update of `active` samples and so many steps: a sample comes every P / B steps, and
 * its sums will lack the terms of that time. */
static bool is_worth_it(ch_network_state *self, size_t active, uint64_t steps)
{
    static const double memory = 1 - 1.0 / 16;
    ch_kept_sums *kept = &self->ahead.kept;
    kept->terms = memory * kept->terms + (double)active;
    kept->steps = memory * kept->steps + (double)steps;
    const double lack = kept->terms / kept->steps * (double)self->setup.num_samples / (double)self->setup.batch;
    return lack < (double)kept->layer.most_terms;
}

void ch_kept_settle(ch_network_learner *self, const ch_sample_list *list, const ch_pass_summary *seen)
{
    ch_kept_sums *kept = &self->state->ahead.kept;
    const ch_progress *progress = &self->learner.progress;
    const uint64_t waited = progress->steps - progress->last_update;
    ch_learner_settle(self, list, seen);
    if (kept->is_possible && seen->active > 0) {
        kept->is_on = is_worth_it(self->state, seen->active, waited);
    }
}
