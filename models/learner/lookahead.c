/* lookahead.c — sgd without its idle steps, equal in law to sgd step by step.
 *
 * Late in training most batches hold no sample with a gradient, and weights do not move before one that does.
 *
 * So many coming batches are drawn, in the order in which sgd would draw them, and judged in one forward pass. The
 * first with a gradient is the next update; those behind it wait in a queue, to be judged again at the new weights. The
 * steps are those of sgd one by one: to the bit, until sums of the first layer are kept (learner_kept.c).
 *
 * Where that wait is likely to cost more than a pass over all P samples, that pass is made instead. It shows the u
 * samples that have a gradient: none, and the run is fitted; else the wait for a batch with one of them is geometric,
 * their number in it hypergeometric given at least one, and which they are uniform (core/waiting.h).
 *
 * Why the law is the same: batches are independent of each other and of the weights. When the second way is taken
 * depends on what was seen of batches already reached alone, on how many were idle since the last update and on the
 * last pass over all samples, never on batches that wait in the queue. Given all that, the batches to come are as if
 * none had been drawn: those up to the next update may be drawn afresh, given what the pass has shown, and those after
 * it taken from the queue, which nothing has looked into. The second way has a stream of its own, so that no bit
 * depends on how many batches are judged at a time, which limits and threads decide.
 */
#include "models/learner/state.h"

#include "core/draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* So few active samples make the wait, P / u samples and as many drawn ahead in vain, dearer than a look at all P. */
enum { FEW_ACTIVE = 2 };

/* ---- judging batches ahead ---- */

/* First of `count` batches, just judged, that holds a sample with a gradient; `count` if none does. */
static size_t first_active(const ch_network_state *self, size_t count)
{
    const size_t size = self->setup.batch;
    const ch_sample_list list = {.index = self->ahead.queue, .count = count * size};
    for (size_t i = 0; i < list.count; i++) {
        if (ch_state_slope(self, &list, i) != 0) {
            return i / size;
        }
    }
    return count;
}

/* Coefficients of one of the batches judged, 0 for the others: all were one chunk, whose pass is still at hand. */
static ch_pass_summary choose_batch(ch_network_state *self, size_t chosen, size_t count)
{
    const size_t size = self->setup.batch;
    const ch_sample_list list = {.index = self->ahead.queue, .count = count * size};
    const double scale = -self->setup.rate / (double)size;
    double *coefficients = self->workers[0].coefficients;
    ch_pass_summary seen = {0};
    memset(coefficients, 0, list.count * sizeof *coefficients);
    for (size_t i = chosen * size; i < (chosen + 1) * size; i++) {
        coefficients[i] = scale * ch_state_slope(self, &list, i);
        seen.active += coefficients[i] != 0;
        seen.sum += self->margins[i];
    }
    return seen;
}

/* Takes the step of the chosen of the batches judged. @return false when stopped */
static bool take_judged(ch_network_learner *self, size_t chosen, size_t count)
{
    ch_network_state *state = self->state;
    const size_t size = state->setup.batch;
    const ch_sample_list judged = {.index = state->ahead.queue, .count = count * size};
    const ch_sample_list batch = {.index = state->ahead.queue + chosen * size, .count = size};
    const bool is_at_hand = !state->ahead.kept.is_on && judged.count <= state->chunk;
    ch_pass_summary seen;
    if (is_at_hand) {
        seen = choose_batch(state, chosen, count);
    } else if (!ch_state_prepare(state, &batch, -state->setup.rate / (double)size, NULL, &seen)) {
        return false;
    }
    self->learner.progress.steps++;
    ch_kept_settle(self, is_at_hand ? &judged : &batch, &seen);
    return true;
}

static void leave_behind(ch_network_state *self, size_t count)
{
    ch_look_ahead *ahead = &self->ahead;
    const size_t size = self->setup.batch;
    ahead->queued -= count;
    memmove(ahead->queue, ahead->queue + count * size, ahead->queued * size * sizeof *ahead->queue);
}

/* Judges the next batches, up to step `end`, and takes the update if one of them makes it.
 * @return false when stopped */
static bool judge_ahead(ch_network_learner *self, uint64_t end)
{
    ch_network_state *state = self->state;
    ch_look_ahead *ahead = &state->ahead;
    ch_progress *progress = &self->learner.progress;
    const uint64_t left = end - progress->steps;
    const size_t count = left < ahead->ahead ? (size_t)left : ahead->ahead;
    const ch_sample_list judged = {.index = ahead->queue, .count = count * state->setup.batch};
    for (; ahead->queued < count; ahead->queued++) {
        ch_state_draw(state, ahead->queue + ahead->queued * state->setup.batch);
    }
    if (!ch_kept_judge(state, &judged)) {
        return false;
    }
    const size_t idle = first_active(state, count), passed = idle < count ? idle + 1 : count;
    ch_kept_pass(state, &(ch_sample_list){.index = ahead->queue, .count = passed * state->setup.batch});
    progress->steps += idle;
    if (idle == count) {
        leave_behind(state, count);
        ahead->ahead = 2 * ahead->ahead < ahead->room ? 2 * ahead->ahead : ahead->room;
        return true;
    }
    const uint64_t waited = progress->steps - progress->last_update;
    if (!take_judged(self, idle, count)) {
        return false;
    }
    leave_behind(state, idle + 1);
    ahead->ahead = waited / 2 < ahead->room ? (size_t)(waited / 2) : ahead->room; /* the next wait may be alike */
    ahead->ahead += ahead->ahead == 0;
    return true;
}

/* ---- looking at all samples ---- */

static void list_active(ch_network_state *self)
{
    const ch_sample_list all = {.count = self->setup.num_samples};
    self->ahead.num_active = 0;
    for (size_t mu = 0; mu < all.count; mu++) {
        if (ch_state_slope(self, &all, mu) != 0) {
            self->ahead.active[self->ahead.num_active++] = (uint32_t)mu;
        }
    }
}

/* Finds when the next batch with a gradient comes. @return false when stopped */
static bool find_event(ch_network_learner *self)
{
    ch_network_state *state = self->state;
    ch_look_ahead *ahead = &state->ahead;
    ch_pass_summary seen;
    if (!ch_kept_check(self, &seen)) {
        return false;
    }
    ahead->looks++;
    if (self->learner.progress.status != CH_RUNNING) {
        return true;
    }
    ch_waiting law;
    list_active(state);
    ahead->event_is_known = true; /* without a gradient in floating point: never, though samples are unfitted */
    if (ahead->num_active > 0) {
        ch_waiting_init(&law, (uint32_t)state->setup.num_samples, (uint32_t)state->setup.batch, ahead->num_active);
        ahead->event_step = self->learner.progress.steps + ch_waiting_steps(&law, &ahead->random);
        ahead->event_count = ch_waiting_number(&law, &ahead->random);
    }
    return true;
}

/* @return false when stopped */
static bool take_event(ch_network_learner *self)
{
    ch_network_state *state = self->state;
    ch_look_ahead *ahead = &state->ahead;
    const ch_sample_list drawn = {.index = ahead->active, .count = ahead->event_count};
    ch_pass_summary seen;
    ch_draw_shuffled(&ahead->random, ahead->active, ahead->event_count, ahead->num_active);
    if (!ch_state_prepare(state, &drawn, -state->setup.rate / (double)state->setup.batch, NULL, &seen)) {
        return false;
    }
    self->learner.progress.steps = ahead->event_step;
    ahead->event_is_known = false;
    ch_kept_settle(self, &drawn, &seen);
    return true;
}

/* ---- the engine ---- */

/* When to look: after P / B idle steps, or at once after an update where few samples had a gradient. */
static uint64_t next_look(const ch_network_learner *self)
{
    const bool at_once = self->state->ahead.num_active <= FEW_ACTIVE;
    return at_once ? self->learner.progress.steps : self->state->next_look;
}

static bool take_steps(ch_network_learner *self, const ch_limit *limit)
{
    const uint64_t look = next_look(self);
    if (self->learner.progress.steps >= look) {
        return find_event(self);
    }
    if (self->state->ahead.room < 2) {
        return ch_learner_step_sgd(self);
    }
    return judge_ahead(self, limit->steps < look ? limit->steps : look);
}

/* A look costs as much as P / B steps. */
static void set_costs(ch_network_learner *self)
{
    const ch_network_learner_setup *setup = &self->state->setup;
    const bool looks = self->state->ahead.num_active <= FEW_ACTIVE;
    const double samples = (double)setup->batch * 2 + (looks ? (double)setup->num_samples : 0);
    self->learner.update_cost = samples * self->state->sample_cost + (double)self->state->num_weights;
}

void ch_learner_advance_fast(ch_learner *learner, const ch_limit *limit)
{
    ch_network_learner *self = (ch_network_learner *)learner;
    const ch_look_ahead *ahead = &self->state->ahead;
    bool goes_on = true;
    while (goes_on && ch_learner_goes_on(self, limit)) {
        if (!ahead->event_is_known) {
            goes_on = take_steps(self, limit);
        } else if (ahead->num_active == 0 || ahead->event_step > limit->steps) {
            learner->progress.steps = limit->steps;
        } else {
            goes_on = take_event(self);
        }
    }
    set_costs(self);
}

ch_code ch_look_ahead_init(ch_network_state *self, ch_error *err)
{
    ch_look_ahead *ahead = &self->ahead;
    const bool is_alone = self->setup.threads == 1 && self->chunk > CH_JUDGED_AHEAD;
    ahead->room = (is_alone ? CH_JUDGED_AHEAD : self->chunk * (size_t)self->setup.threads) / self->setup.batch;
    ahead->ahead = 1;
    ahead->num_active = UINT32_MAX;
    ch_random_init(&ahead->random, self->setup.seed_batch, CH_STREAM_BATCHES, 1);
    ahead->queue = ch_alloc(ahead->room * self->setup.batch, sizeof *ahead->queue);
    ahead->active = ch_alloc(self->setup.num_samples, sizeof *ahead->active);
    if (ahead->queue == NULL || ahead->active == NULL) {
        return ch_error_memory(err, "batches drawn ahead: lower train");
    }
    return ch_kept_sums_init(self, err);
}

void ch_look_ahead_free(ch_look_ahead *self)
{
    free(self->queue);
    free(self->active);
    ch_kept_sums_free(&self->kept);
}
