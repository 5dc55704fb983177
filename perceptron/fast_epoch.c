/* fast_epoch.c — finds the next update of the fast engine where batches are parts of epochs.
 *
 * The places of samples in the epoch's order are drawn as they are needed (core/epoch.h): those of all candidates while
 * the engine draws, those of all unfitted samples while it bounds. The place of a sample that becomes one of them
 * during the epoch is drawn then. Where that place comes before the present step, the sample was drawn while it was
 * fitted, and does not come again in this epoch. */
#include "perceptron/fast_state.h"

#include <string.h>

static ch_random *stream(ch_fast_perceptron *self)
{
    return &self->student.random;
}

static uint64_t step_now(const ch_fast_perceptron *self)
{
    return self->student.learner.progress.steps;
}

static void begin_epoch(ch_fast_epochs *self, uint64_t begun)
{
    ch_epoch_begin(&self->epoch, begun);
    memset(self->known, 0, (self->epoch.num_samples / 64 + 1) * sizeof *self->known);
    self->placed_prefix = 0;
}

void ch_fast_epoch_begin(ch_fast_perceptron *self)
{
    begin_epoch(&self->state->epochs, step_now(self));
}

void ch_fast_epoch_begin_bounding(ch_fast_perceptron *self)
{
    const ch_screen *screen = &self->state->screen;
    for (size_t place = 0; place < screen->num_samples; place++) {
        self->state->epochs.place_of[screen->order[place]] = (uint32_t)place;
    }
}

/* ---- drawing ---- */

/* Draws the places of the candidates. Lists that are a prefix of the screening index's order are long, and only grow
 * and shrink at their end. */
static void place_candidates(ch_fast_perceptron *self)
{
    const ch_candidates *candidates = &self->state->candidates;
    ch_fast_epochs *epochs = &self->state->epochs;
    const bool is_prefix = candidates->list == self->state->screen.order;
    if (epochs->epoch.num_placed == epochs->epoch.num_samples) {
        return;
    }
    for (uint32_t k = is_prefix ? epochs->placed_prefix : 0; k < candidates->count; k++) {
        ch_epoch_place(&epochs->epoch, candidates->list != NULL ? candidates->list[k] : k, stream(self));
    }
    if (is_prefix && candidates->count > epochs->placed_prefix) {
        epochs->placed_prefix = candidates->count;
    }
}

void ch_fast_epoch_begin_list(ch_fast_perceptron *self)
{
    if (self->state->stage == CH_FAST_DRAWING) {
        place_candidates(self);
        self->state->epochs.queued = step_now(self);
    }
}

/* Appends the placed samples of a step to `drawn`. Some may no longer be candidates, and are then fitted.
 * @return the end of the list */
static uint32_t list_step(const ch_epoch *epoch, uint64_t step, uint32_t *drawn, uint32_t end)
{
    for (uint32_t mu = ch_epoch_first(epoch, step); mu != CH_EPOCH_NONE; mu = epoch->next[mu]) {
        drawn[end++] = mu;
    }
    return end;
}

void ch_fast_epoch_draw_batches(ch_fast_perceptron *self)
{
    ch_fast_state *state = self->state;
    ch_fast_epochs *epochs = &state->epochs;
    const uint64_t before = epochs->queued;
    uint64_t step = ch_epoch_next(&epochs->epoch, before);
    if (step == 0) {
        begin_epoch(epochs, ch_epoch_end(&epochs->epoch));
        place_candidates(self);
        step = ch_epoch_next(&epochs->epoch, epochs->epoch.begun);
    }
    uint32_t end = 0, count = 0;
    for (uint64_t last = before; step > 0 && count < CH_FAST_AHEAD && end < CH_FAST_AHEAD;
         step = ch_epoch_next(&epochs->epoch, step)) {
        const uint32_t begin = end;
        end = list_step(&epochs->epoch, step, state->drawn, end);
        ch_fast_fetch_rows(self, state->drawn + begin, end - begin);
        state->batches[count++] = (ch_fast_batch){.wait = step - last, .end = end};
        last = epochs->queued = step;
    }
    state->num_batches = count;
    state->next_batch = 0;
}

/* ---- the unfitted samples are known ---- */

/* Whether a sample is in an ascending list. */
static bool is_listed(const uint32_t *list, uint32_t count, uint32_t sample)
{
    uint32_t from = 0, to = count;
    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;
        if (list[middle] < sample) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from < count && list[from] == sample;
}

/* Lists the unfitted ones among the placed samples of a step, in self->student.active: their places while bounding.
 * @return their number */
static uint32_t find_unfitted_at(ch_fast_perceptron *self, uint64_t step, uint32_t number)
{
    const ch_fast_state *state = self->state;
    const ch_epoch *epoch = &state->epochs.epoch;
    const bool is_bounding = state->stage == CH_FAST_BOUNDING;
    uint32_t *found = self->student.active;
    uint32_t count = 0;
    for (uint32_t mu = ch_epoch_first(epoch, step); mu != CH_EPOCH_NONE; mu = epoch->next[mu]) {
        const uint32_t id = is_bounding ? state->epochs.place_of[mu] : mu;
        if (is_bounding ? ch_active_set_is_unfitted(state->active, id) : is_listed(state->unfitted, number, id)) {
            found[count++] = id;
        }
    }
    return count;
}

/* Draws the places of the unfitted samples. While drawing these are among the candidates, all of which are placed. */
static void place_unfitted(ch_fast_perceptron *self)
{
    ch_fast_state *state = self->state;
    if (state->stage == CH_FAST_DRAWING) {
        place_candidates(self);
        return;
    }
    const uint32_t count = ch_active_set_list_new(state->active, state->epochs.known, state->unfitted);
    for (uint32_t i = 0; i < count; i++) {
        ch_epoch_place(&state->epochs.epoch, state->screen.order[state->unfitted[i]], stream(self));
    }
}

void ch_fast_epoch_find_event(ch_fast_perceptron *self, uint64_t now, uint32_t number)
{
    ch_fast_state *state = self->state;
    ch_fast_epochs *epochs = &state->epochs;
    uint64_t step = now;
    uint32_t count = 0;
    place_unfitted(self);
    while (count == 0) {
        const uint64_t next = ch_epoch_next(&epochs->epoch, step);
        if (next > 0) {
            step = next;
            count = find_unfitted_at(self, step, number);
        } else {
            step = ch_epoch_end(&epochs->epoch);
            begin_epoch(epochs, step);
            place_unfitted(self);
        }
    }
    state->event = (ch_fast_event){true, true, step, count, self->student.active};
    state->num_batches = state->next_batch = 0; /* batches up to the step are over */
    epochs->queued = step;
}
