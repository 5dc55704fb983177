/* lookahead.c — the fast engine of networks: sgd without its idle steps. */
#include "models/learner/lookahead.h"

#include "core/buffers.h"
#include "core/draw.h"
#include "core/memory.h"
#include "core/snapshot.h"
#include "core/waiting.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* With at most this many active samples, passing over all samples is cheaper than a round. With u active samples, a
 * round tests about P / u samples until it finds one, and about as many after it for nothing. */
enum { FEW_ACTIVE = 2 };

/* ---- the queue ---- */

/* The number of samples that the first `steps` steps of a run draw. */
static uint64_t samples_of(const ch_network_learner_setup *setup, uint64_t steps)
{
    if (!setup->by_epoch) {
        return steps * setup->batch;
    }
    const uint64_t steps_an_epoch = (setup->num_samples + setup->batch - 1) / setup->batch;
    const uint64_t in_epoch = steps % steps_an_epoch * setup->batch; /* under P, as the last batch is not among them */
    return steps / steps_an_epoch * setup->num_samples + in_epoch;
}

/* The number of samples in the first `count` batches of the queue, or of those that it will have: all have B samples,
 * but for the last of an epoch. */
static size_t samples_before(const ch_network_learner *self, size_t count)
{
    const ch_network_learner_setup *setup = &self->state->setup;
    const uint64_t steps = self->lookahead->steps_before;
    return (size_t)(samples_of(setup, steps + count) - samples_of(setup, steps));
}

/* The first `count` batches of the queue as one list. */
static ch_sample_list first_batches(const ch_network_learner *self, size_t count)
{
    return (ch_sample_list){.index = self->lookahead->queue, .count = samples_before(self, count)};
}

static void fill_queue(ch_network_learner *self, size_t count)
{
    ch_lookahead *ahead = self->lookahead;
    for (size_t end = samples_before(self, ahead->queued); ahead->queued < count; ahead->queued++) {
        end += ch_state_draw(self->state, ahead->queue + end);
    }
}

/* Removes the first `count` batches, whose steps were taken, from the queue. */
static void shorten_queue(ch_network_learner *self, size_t count)
{
    ch_lookahead *ahead = self->lookahead;
    const size_t begin = samples_before(self, count), end = samples_before(self, ahead->queued);
    memmove(ahead->queue, ahead->queue + begin, (end - begin) * sizeof *ahead->queue);
    ahead->queued -= count;
    ahead->steps_before += count;
}

/* ---- rounds ---- */

/* The index of the first of `count` tested batches that has an active sample; `count` where none has one. */
static size_t first_active(const ch_network_learner *self, size_t count)
{
    const ch_sample_list list = first_batches(self, count);
    size_t batch = 0;
    for (size_t i = 0; i < list.count; i++) {
        while (i >= samples_before(self, batch + 1)) {
            batch++;
        }
        if (ch_state_slope(self->state, &list, i) != 0) {
            return batch;
        }
    }
    return count;
}

/* Keeps the coefficients of one of the `count` tested batches, and sets those of the others to 0. All these batches
 * were one chunk, and workers[0] still has what its pass left for the update. */
static ch_pass_summary choose_batch(ch_network_learner *self, size_t chosen, size_t count)
{
    ch_network_state *state = self->state;
    const ch_sample_list list = first_batches(self, count);
    const double scale = -state->setup.rate / (double)state->setup.batch;
    double *coefficients = state->workers[0].coefficients;
    ch_pass_summary seen = {0};
    memset(coefficients, 0, list.count * sizeof *coefficients);
    for (size_t i = samples_before(self, chosen); i < samples_before(self, chosen + 1); i++) {
        coefficients[i] = scale * ch_state_slope(state, &list, i);
        seen.active += coefficients[i] != 0;
        seen.sum += state->margins[i];
    }
    return seen;
}

/* Takes the step of one of the tested batches. Where the batch was tested by sums or by several workers, its pass is
 * made again.
 * @return false when stopped */
static bool take_tested(ch_network_learner *self, size_t chosen, size_t count)
{
    ch_network_state *state = self->state;
    ch_lookahead *ahead = self->lookahead;
    const size_t begin = samples_before(self, chosen), end = samples_before(self, chosen + 1);
    const ch_sample_list tested = first_batches(self, count);
    const ch_sample_list batch = {.index = ahead->queue + begin, .count = end - begin};
    const bool is_at_hand = !ahead->sums.is_on && tested.count <= state->chunk;
    ch_pass_summary seen;
    if (is_at_hand) {
        seen = choose_batch(self, chosen, count);
    } else if (!ch_state_prepare(state, &batch, -state->setup.rate / (double)state->setup.batch, NULL, &seen)) {
        return false;
    }
    self->learner.progress.steps++;
    ch_lookahead_sums_commit(&ahead->sums, self, is_at_hand ? &tested : &batch, &seen);
    return true;
}

static size_t within_room(const ch_lookahead *self, uint64_t batches)
{
    return batches < 1 ? 1 : batches < self->room ? (size_t)batches : self->room;
}

/* Tests the batches of the next steps, up to step `end`, and takes the first update among them.
 * @return false when stopped */
static bool take_round(ch_network_learner *self, uint64_t end)
{
    ch_network_state *state = self->state;
    ch_lookahead *ahead = self->lookahead;
    ch_progress *progress = &self->learner.progress;
    const uint64_t left = end - progress->steps;
    const size_t count = left < ahead->next_round ? (size_t)left : ahead->next_round;
    const ch_sample_list tested = first_batches(self, count);
    fill_queue(self, count);
    if (!ch_lookahead_sums_test(&ahead->sums, state, &tested)) {
        return false;
    }
    const size_t idle = first_active(self, count), reached = idle < count ? idle + 1 : count;
    const ch_sample_list first = first_batches(self, reached);
    ch_lookahead_sums_store(&ahead->sums, &first);
    progress->steps += idle;
    const uint64_t waited = progress->steps - progress->last_update;
    if (idle < count && !take_tested(self, idle, count)) {
        progress->steps -= idle; /* these batches are still in the queue */
        return false;
    }
    shorten_queue(self, reached);
    ahead->next_round = within_room(ahead, idle < count ? waited / 2 : 2 * ahead->next_round);
    return true;
}

/* ---- looks and events ---- */

/* Lists the active samples, from the margins of all samples. */
static void list_active(ch_network_learner *self)
{
    ch_lookahead *ahead = self->lookahead;
    const ch_sample_list all = {.count = self->state->setup.num_samples};
    ahead->num_active = 0;
    for (size_t mu = 0; mu < all.count; mu++) {
        if (ch_state_slope(self->state, &all, mu) != 0) {
            ahead->active[ahead->num_active++] = (uint32_t)mu;
        }
    }
}

/* Looks at all samples. Unless the run is over, draws the step of the next update.
 * @return false when stopped */
static bool find_event(ch_network_learner *self)
{
    const ch_network_learner_setup *setup = &self->state->setup;
    ch_lookahead *ahead = self->lookahead;
    ch_pass_summary seen;
    if (!ch_lookahead_sums_check(&ahead->sums, self, &seen)) {
        return false;
    }
    ahead->looks++;
    if (self->learner.progress.status != CH_RUNNING) {
        return true;
    }
    list_active(self);
    ahead->event_is_known = true;
    if (setup->by_epoch) {
        return true;
    }
    ch_waiting law;
    ch_waiting_init(&law, (uint32_t)setup->num_samples, (uint32_t)setup->batch, ahead->num_active);
    ahead->event_step = self->learner.progress.steps + ch_waiting_steps(&law, &ahead->random);
    ahead->event_count = ch_waiting_number(&law, &ahead->random);
    return true;
}

/* Takes the update that was drawn after a look.
 * @return false when stopped */
static bool take_event(ch_network_learner *self)
{
    ch_network_state *state = self->state;
    ch_lookahead *ahead = self->lookahead;
    const ch_sample_list drawn = {.index = ahead->active, .count = ahead->event_count};
    ch_pass_summary seen;
    if (!ahead->event_is_drawn) {
        ch_draw_shuffled(&ahead->random, ahead->active, ahead->event_count, ahead->num_active);
    }
    ahead->event_is_drawn =
        !ch_state_prepare(state, &drawn, -state->setup.rate / (double)state->setup.batch, NULL, &seen);
    if (ahead->event_is_drawn) {
        return false;
    }
    self->learner.progress.steps = ahead->event_step;
    ahead->event_is_known = false;
    ch_lookahead_sums_commit(&ahead->sums, self, &drawn, &seen);
    return true;
}

/* ---- the same by epochs ---- */

/* Whether a batch holds a sample that was active at the last look. */
static bool holds_active(const ch_lookahead *self, const ch_sample_list *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        size_t from = 0, to = self->num_active;
        while (from < to) {
            const size_t middle = from + (to - from) / 2;
            if (self->active[middle] < batch->index[i]) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        if (from < self->num_active && self->active[from] == batch->index[i]) {
            return true;
        }
    }
    return false;
}

/* Takes the next step, whose batch is the first of the queue or else drawn now. Only a batch that holds an active
 * sample is passed over.
 * @return false when stopped */
static bool take_known_step(ch_network_learner *self)
{
    ch_network_state *state = self->state;
    ch_lookahead *ahead = self->lookahead;
    const bool is_queued = ahead->queued > 0;
    const ch_sample_list batch =
        is_queued ? first_batches(self, 1)
                  : (ch_sample_list){.index = state->batch, .count = ch_state_draw(state, state->batch)};
    ch_pass_summary seen;
    const bool is_active = holds_active(ahead, &batch);
    if (is_active && !ch_state_prepare(state, &batch, -state->setup.rate / (double)state->setup.batch, NULL, &seen)) {
        state->pending = is_queued ? 0 : batch.count;
        return false;
    }
    self->learner.progress.steps++;
    if (is_active) {
        ahead->event_is_known = false;
        ch_lookahead_sums_commit(&ahead->sums, self, &batch, &seen);
    }
    if (is_queued) {
        shorten_queue(self, 1);
    } else {
        ahead->steps_before++;
    }
    return true;
}

/* Takes steps after a look, up to the next update. An epoch's batches are not independent of each other, so that they
 * are drawn one by one; but the look has shown which of them are idle.
 * @return false when stopped */
static bool take_known_steps(ch_network_learner *self, const ch_limit *limit)
{
    bool goes_on = true;
    while (goes_on && self->lookahead->event_is_known && ch_learner_goes_on(self, limit)) {
        goes_on = take_known_step(self);
    }
    return goes_on;
}

/* ---- the engine ---- */

/* The step at which all samples are looked at: P / B idle steps after the last update, or at once where few samples
 * were active. */
static uint64_t next_look(const ch_network_learner *self)
{
    const bool at_once = self->lookahead->num_active <= FEW_ACTIVE;
    return at_once ? self->learner.progress.steps : self->state->next_look;
}

static bool take_steps(ch_network_learner *self, const ch_limit *limit)
{
    const uint64_t look = next_look(self);
    if (self->learner.progress.steps >= look) {
        return find_event(self);
    }
    if (self->lookahead->room < 2) {
        const bool is_taken = ch_learner_step_sgd(self);
        self->lookahead->steps_before += is_taken;
        return is_taken;
    }
    return take_round(self, limit->steps < look ? limit->steps : look);
}

/* Sets the operations of an update: two passes over its batch, and one over all samples where a look follows each
 * update. */
static void set_update_cost(ch_network_learner *self)
{
    const ch_network_learner_setup *setup = &self->state->setup;
    const bool looks = self->lookahead->num_active <= FEW_ACTIVE;
    const double samples = (double)setup->batch * 2 + (looks ? (double)setup->num_samples : 0);
    self->learner.update_cost = samples * self->state->sample_cost + (double)self->state->num_weights;
}

void ch_learner_advance_fast(ch_learner *learner, const ch_limit *limit)
{
    ch_network_learner *self = (ch_network_learner *)learner;
    const ch_lookahead *ahead = self->lookahead;
    bool goes_on = true;
    while (goes_on && ch_learner_goes_on(self, limit)) {
        if (!ahead->event_is_known) {
            goes_on = take_steps(self, limit);
        } else if (self->state->setup.by_epoch) {
            goes_on = take_known_steps(self, limit);
        } else if (ahead->event_step > limit->steps) {
            learner->progress.steps = limit->steps;
        } else {
            goes_on = take_event(self);
        }
    }
    set_update_cost(self);
}

/* ---- snapshots ---- */

/* The batches of the queue. Their number depends on that of the threads, and may be more than this learner draws ahead
 * itself: the queue then gets a longer array. */
static void exchange_queue(ch_network_learner *learner, ch_snapshot *snapshot)
{
    ch_lookahead *self = learner->lookahead;
    const size_t most = ch_snapshot_reads(snapshot) ? snapshot->size / sizeof *self->queue : SIZE_MAX;
    ch_snapshot_begin(snapshot, "ahead");
    CH_SNAPSHOT_NUMBER(snapshot, self->steps_before);
    ch_snapshot_count(snapshot, &self->queued, most);
    size_t count = snapshot->is_bad ? 0 : samples_before(learner, self->queued);
    if (count > learner->state->round && ch_snapshot_reads(snapshot)) {
        uint32_t *longer = count <= most ? ch_alloc(count, sizeof *longer) : NULL;
        ch_snapshot_require(snapshot, longer != NULL);
        count = longer != NULL ? count : 0;
        free(self->queue);
        self->queue = longer;
    }
    ch_snapshot_indices(snapshot, self->queue, count, (uint32_t)learner->state->setup.num_samples);
    ch_snapshot_count(snapshot, &self->next_round, SIZE_MAX);
    if (ch_snapshot_reads(snapshot)) {
        self->next_round = within_room(self, self->next_round);
    }
    ch_snapshot_end(snapshot);
}

void ch_lookahead_exchange(ch_network_learner *learner, ch_snapshot *snapshot)
{
    ch_lookahead *self = learner->lookahead;
    const size_t num_samples = learner->state->setup.num_samples;
    exchange_queue(learner, snapshot);
    ch_snapshot_begin(snapshot, "looks");
    CH_SNAPSHOT_NUMBER(snapshot, self->num_active);
    const bool is_looked = self->num_active != UINT32_MAX;
    ch_snapshot_require(snapshot, self->num_active <= num_samples || !is_looked);
    const size_t num_active = snapshot->is_bad || !is_looked ? 0 : self->num_active;
    ch_snapshot_indices(snapshot, self->active, num_active, (uint32_t)num_samples);
    ch_snapshot_flag(snapshot, &self->event_is_known);
    CH_SNAPSHOT_NUMBER(snapshot, self->event_step);
    ch_snapshot_count32(snapshot, &self->event_count, UINT32_MAX);
    ch_snapshot_require(snapshot, !self->event_is_known || self->event_count <= num_active);
    ch_snapshot_flag(snapshot, &self->event_is_drawn);
    ch_snapshot_random(snapshot, &self->random);
    CH_SNAPSHOT_NUMBER(snapshot, self->looks);
    ch_snapshot_end(snapshot);
    ch_lookahead_sums_exchange(&self->sums, snapshot);
}

/* ---- memory ---- */

/* The list of buffers. To free them it needs no sizes: state may then be NULL. */
static ch_buffer_list buffers_of(const ch_lookahead *self, const ch_network_state *state)
{
    return (ch_buffer_list){{
        CH_BUFFER(self->queue, state != NULL ? state->round : 0), /* B samples a batch */
        CH_BUFFER(self->active, state != NULL ? state->setup.num_samples : 0),
    }};
}

ch_code ch_lookahead_init(ch_lookahead *self, const ch_network_state *state, ch_error *err)
{
    const ch_network_learner_setup *setup = &state->setup;
    const ch_buffer_list buffers = buffers_of(self, state);
    const bool is_alone = setup->threads == 1 && state->chunk > CH_ROUND_SAMPLES;
    self->room = (is_alone ? CH_ROUND_SAMPLES : state->round) / setup->batch;
    self->next_round = 1;
    self->num_active = UINT32_MAX;
    ch_random_init(&self->random, setup->seed_batch, CH_STREAM_BATCHES, 1);
    if (!ch_buffers_alloc(&buffers)) {
        return ch_error_memory(err, "batches drawn ahead: lower train");
    }
    return ch_lookahead_sums_init(&self->sums, state, err);
}

void ch_lookahead_free(ch_lookahead *self)
{
    const ch_buffer_list buffers = buffers_of(self, NULL);
    ch_buffers_free(&buffers);
    ch_lookahead_sums_free(&self->sums);
}
