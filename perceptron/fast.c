/* fast.c — the fast engine: chooses the stage of a run, and takes its updates. */
#include "core/text.h"
#include "perceptron/bytes.h"
#include "perceptron/fast_state.h"

#include "core/memory.h"
#include "core/snapshot.h"

#include <stdlib.h>
#include <string.h>

/* Runs with fewer training samples are left to the plain engine, because they are often over before the fast engine has
 * allocated its memory. */
enum { LEAST_SAMPLES = 128 };
/* At lower rates squares of weights may underflow, so that distances are not known. Where squares overflow, a run
 * diverges. */
static const double LEAST_RATE = 0x1p-300;
/* The number of updates before the first comparison of stages. Each later comparison comes at NEXT_LOOK times as many
 * updates as the one before it. */
enum { FIRST_LOOK = 64 };
static const double NEXT_LOOK = 1.5;
/* A reference (perceptron/candidates.h) is tried for the first time when drawing has cost as much, since the last
 * comparison of stages, as computing the margins of all samples this many times. Each try that fails doubles the
 * number. */
static const double FIRST_TRY = 8;
/* A training set of more bytes than this does not fit the caches near a core. */
enum { CACHE_BYTES = 1 << 24 };
/* Measured costs in units of 16 multiply-adds: of adding one entry of a Gram row to a slack, and of the rest of an
 * update that adds a row. */
static const double ENTRY = 1.0 / 12, ROW = 60;

/* ---- which stage is cheapest ---- */

/* Whether the training set is so large that rows should be fetched from memory before they are used. */
static bool is_out_of_cache(const ch_fast_perceptron *self)
{
    return ch_fast_set_bytes(self) > CACHE_BYTES;
}

/* Whether an update usually takes so many draws that it is worth making the shortest list of candidates each time. */
static bool is_list_long_used(const ch_fast_perceptron *self)
{
    return self->state->usual_draws > 4 * CH_FAST_AHEAD;
}

/* Whether the updates since the last comparison of stages would have cost less by bounding. Bounding costs, for each
 * bounded sample:
 *   a margin for each Gram row that has to be made. That is one row for each different sample that updates have added
 *   if memory holds all these rows, and otherwise one row each time that a sample was added;
 *   one more margin, to compute the slacks at the start;
 *   an addition each time that a row is used. */
static bool is_bounding_cheaper(const ch_fast_perceptron *self)
{
    const ch_perceptron *student = &self->student;
    const size_t bounded = ch_candidates_num_screened(&self->state->candidates);
    const double uses = (double)(student->uses - self->state->uses_then), distinct = (double)student->distinct;
    const bool are_rows_held = 2 * distinct < (double)ch_active_set_most_rows(self->state->active, bounded);
    const bool are_near = ch_active_set_is_packed(self->state->active, bounded) || !is_out_of_cache(self);
    const double making =
        ((are_rows_held ? distinct : uses) + 1) * (are_near ? ch_fast_dot_cost(self) : ch_fast_far_dot_cost(self));
    const double cost = (double)bounded * (making + uses * ENTRY) + uses * ROW;
    return cost < self->state->cost && ch_active_set_is_precise(self->state->active);
}

/* Begins an epoch of its own where the plain steps end, unless batches are independent. */
static void begin_skipping(ch_fast_perceptron *self)
{
    if (self->student.setup.by_epoch && self->state->stage == CH_FAST_PLAIN) {
        ch_fast_epoch_begin(self);
    }
}

static void begin_bounding(ch_fast_perceptron *self)
{
    ch_fast_state *state = self->state;
    ch_learner *learner = &self->student.learner;
    begin_skipping(self);
    ch_active_set_begin(state->active);
    state->stage = CH_FAST_BOUNDING;
    if (self->student.setup.by_epoch) {
        ch_fast_epoch_begin_bounding(self);
    }
    /* An update adds about 1 + B u / P rows, where u is the number of unfitted samples. At worst each row has to be
     * made first. */
    const ch_perceptron_setup *setup = &self->student.setup;
    const uint32_t number = ch_active_set_num_unfitted(state->active);
    const double rows = 1 + (double)setup->batch * number / (double)setup->num_samples;
    learner->step_cost = 0;
    learner->update_cost = rows * (double)ch_candidates_num_screened(&state->candidates) * (double)self->student.stride;
    if (state->close != NULL) {
        ch_fast_close_wait(self);
    }
}

/* Makes the student's weights the new reference, and takes the list of candidates by their distance from it. Where that
 * list is not much shorter than the screening index's, it takes the latter. */
static void narrow(ch_fast_perceptron *self)
{
    ch_fast_state *state = self->state;
    const ch_candidates_use use = {
        .updates = (double)(self->student.learner.progress.updates - state->updates_at_reference),
        .draws = state->draws,
        .draw_cost = ch_fast_draw_cost(self),
        .look_cost = ch_fast_dot_cost(self),
    };
    const bool narrowed = ch_candidates_narrow(&state->candidates, &use);
    ch_fast_count_look(self);
    state->next_try = narrowed ? FIRST_TRY : 2 * state->next_try;
    state->updates_at_reference = self->student.learner.progress.updates;
    state->draws = 0;
    ch_fast_begin_list(self);
}

static void begin_drawing(ch_fast_perceptron *self)
{
    begin_skipping(self);
    self->state->stage = CH_FAST_DRAWING;
    self->student.learner.step_cost = 0;
    ch_fast_round_weights(self);
    ch_fast_begin_list(self);
}

/* Starts to count costs and different samples for the next comparison of stages. */
static void begin_stretch(ch_fast_perceptron *self)
{
    ch_fast_state *state = self->state;
    ch_perceptron *student = &self->student;
    state->steps_then = student->learner.progress.steps;
    state->uses_then = student->uses;
    state->next_look = (uint64_t)(NEXT_LOOK * (double)student->learner.progress.updates);
    state->cost = 0;
    student->distinct = 0;
    memset(state->used, 0, student->setup.num_samples * sizeof *state->used);
}

/* Compares the cost of the present stage with that of a later one, and moves on where the later one is cheaper. */
static void compare_stages(ch_fast_perceptron *self)
{
    ch_fast_state *state = self->state;
    ch_candidates *candidates = &state->candidates;
    const ch_perceptron *student = &self->student;
    if (state->stage == CH_FAST_PLAIN) {
        const uint64_t steps = student->learner.progress.steps - state->steps_then;
        ch_fast_count_draws(self, (double)steps * (double)student->setup.batch,
                            CH_FAST_PLAIN_DRAW + ch_fast_far_dot_cost(self));
    }
    const double updates = (double)student->learner.progress.updates;
    if (state->close != NULL && ch_fast_close_try(self, state->cost, state->cost / (updates * (1 - 1 / NEXT_LOOK)))) {
        return;
    }
    if (is_bounding_cheaper(self)) {
        begin_bounding(self);
        return;
    }
    const double one_look = (double)student->setup.num_samples * ch_fast_dot_cost(self);
    if (candidates->radius == INFINITY) {
        if (state->cost > state->next_try * one_look) {
            narrow(self);
        } else {
            ch_candidates_screen(candidates, is_list_long_used(self));
            ch_fast_begin_list(self);
        }
    }
    if (state->stage == CH_FAST_PLAIN && (candidates->list != NULL || is_out_of_cache(self))) {
        begin_drawing(self);
    }
    begin_stretch(self);
}

/* ---- the learner ---- */

/* The number of steps until the present epoch ends; 0 between two epochs. */
static uint64_t rest_of_epoch(const ch_fast_perceptron *self)
{
    const ch_perceptron *student = &self->student;
    const size_t left = student->setup.num_samples - student->drawn, batch = student->setup.batch;
    const bool is_between = !student->setup.by_epoch || student->drawn == 0;
    return is_between ? 0 : (left + batch - 1) / batch + (student->pending > 0);
}

/* Stages are compared after update `next_look`; by epochs, at the end of the epoch in which it is made. */
static void take_plain_steps(ch_fast_perceptron *self, const ch_limit *limit)
{
    const ch_progress *progress = &self->student.learner.progress;
    const uint64_t look = self->state->next_look;
    ch_limit until_look = *limit;
    if (progress->updates < look) {
        until_look.updates = look < limit->updates ? look : limit->updates;
    } else {
        const uint64_t end = progress->steps + rest_of_epoch(self);
        until_look.steps = end < limit->steps ? end : limit->steps;
    }
    self->state->step(&self->student.learner, &until_look);
    if (progress->status == CH_RUNNING && progress->updates >= look && rest_of_epoch(self) == 0) {
        compare_stages(self);
    }
}

/* Makes a new list of candidates where the old one is long in use, or may lack a sample that can be unfitted. */
static void renew_list(ch_fast_perceptron *self)
{
    ch_candidates *candidates = &self->state->candidates;
    const bool exactly = candidates->radius == INFINITY && is_list_long_used(self);
    if (!exactly && ch_candidates_hold(candidates)) {
        return;
    }
    if (candidates->radius < INFINITY) {
        narrow(self);
    } else {
        ch_candidates_screen(candidates, exactly);
        ch_fast_begin_list(self);
    }
}

/* Takes the next update, which is known, during the stage of drawing.
 * @return false when a weight is no longer finite */
static bool update_by_list(ch_fast_perceptron *self)
{
    ch_fast_state *state = self->state;
    ch_student_update(&self->student, state->event.samples, state->event.count);
    if (!state->event.is_finite) {
        return false;
    }
    if (self->student.learner.progress.updates == state->next_look) {
        compare_stages(self);
    }
    if (state->stage == CH_FAST_DRAWING) {
        renew_list(self);
        ch_fast_round_weights(self);
    }
    return true;
}

/* Takes the next update of the stage of drawing, which is known, and counts it. */
static void take_event(ch_fast_perceptron *self)
{
    ch_fast_state *state = self->state;
    ch_progress *progress = &self->student.learner.progress;
    progress->steps = progress->last_update = state->event.step;
    progress->updates++;
    state->event.is_known = false;
    state->work.drawing++;
    state->work.narrowed += state->candidates.radius < INFINITY;
    if (!update_by_list(self)) {
        progress->status = CH_DIVERGED;
    }
}

static void advance(ch_learner *learner, const ch_limit *limit)
{
    ch_fast_perceptron *self = (ch_fast_perceptron *)learner;
    const ch_fast_event *next = &self->state->event;
    ch_progress *progress = &learner->progress;
    while (progress->status == CH_RUNNING && progress->steps < limit->steps && progress->updates < limit->updates) {
        if (self->state->stage == CH_FAST_PLAIN) {
            take_plain_steps(self, limit);
            if (ch_watch_is_stopped(self->student.setup.watch)) {
                return;
            }
        } else if (self->state->stage == CH_FAST_BOUNDING) {
            ch_fast_advance_bounding(self, limit);
        } else if (self->state->stage == CH_FAST_CLOSE) {
            ch_fast_advance_close(self, limit);
        } else if (!next->is_known) {
            ch_fast_find_event(self);
        } else if (next->step > limit->steps) {
            progress->steps = limit->steps;
        } else {
            take_event(self);
        }
    }
}

ch_fast_work ch_fast_perceptron_work(const ch_fast_perceptron *self)
{
    if (self->state == NULL) {
        return (ch_fast_work){0};
    }
    ch_fast_work work = self->state->work;
    ch_active_set_add_work(self->state->active, &work);
    return work;
}

/* ---- snapshots ---- */

/* The next update, once it is known. */
static void exchange_event(ch_fast_perceptron *self, ch_snapshot *snapshot)
{
    ch_fast_event *event = &self->state->event;
    const size_t num_samples = self->student.setup.num_samples, batch = self->student.setup.batch;
    bool is_active = event->samples == self->student.active;
    ch_snapshot_begin(snapshot, "event");
    ch_snapshot_flag(snapshot, &event->is_known);
    if (event->is_known && !snapshot->is_bad) {
        ch_snapshot_flag(snapshot, &event->is_finite);
        ch_snapshot_flag(snapshot, &is_active);
        CH_SNAPSHOT_NUMBER(snapshot, event->step);
        ch_snapshot_count32(snapshot, &event->count, (uint32_t)batch);
        event->samples = is_active ? self->student.active : self->state->unfitted;
        ch_snapshot_indices(snapshot, event->samples, event->count, (uint32_t)num_samples);
    }
    ch_snapshot_end(snapshot);
}

/* The queue of batches. */
static void exchange_queue(ch_fast_perceptron *self, ch_snapshot *snapshot)
{
    ch_fast_state *state = self->state;
    const uint32_t room = (uint32_t)(CH_FAST_AHEAD + self->student.setup.batch);
    uint32_t end = 0;
    ch_snapshot_begin(snapshot, "queue");
    ch_snapshot_count32(snapshot, &state->num_batches, CH_FAST_AHEAD);
    ch_snapshot_count32(snapshot, &state->next_batch, state->num_batches);
    for (uint32_t i = 0; i < state->num_batches; i++) {
        ch_fast_batch *batch = &state->batches[i];
        CH_SNAPSHOT_NUMBER(snapshot, batch->wait);
        ch_snapshot_count32(snapshot, &batch->end, room);
        ch_snapshot_require(snapshot, batch->end >= end && batch->end - end <= self->student.setup.batch);
        end = batch->end;
    }
    ch_snapshot_indices(snapshot, state->drawn, snapshot->is_bad ? 0 : end, (uint32_t)self->student.setup.num_samples);
    ch_snapshot_end(snapshot);
}

/* The numbers that decide when the stage changes. */
static void exchange_choice(ch_fast_perceptron *self, ch_snapshot *snapshot)
{
    ch_fast_state *state = self->state;
    ch_snapshot_begin(snapshot, "stages");
    CH_SNAPSHOT_NUMBER(snapshot, state->usual_draws);
    CH_SNAPSHOT_NUMBER(snapshot, state->next_look);
    CH_SNAPSHOT_NUMBER(snapshot, state->steps_then);
    CH_SNAPSHOT_NUMBER(snapshot, state->uses_then);
    CH_SNAPSHOT_NUMBER(snapshot, state->cost);
    CH_SNAPSHOT_NUMBER(snapshot, state->draws);
    CH_SNAPSHOT_NUMBER(snapshot, state->updates_at_reference);
    CH_SNAPSHOT_NUMBER(snapshot, state->next_try);
    ch_snapshot_flags(snapshot, state->used, self->student.setup.num_samples);
    ch_snapshot_array(snapshot, &state->work, 1, offsetof(ch_fast_work, close));
    ch_snapshot_end(snapshot);
}

static void exchange_epochs(ch_fast_perceptron *self, ch_snapshot *snapshot)
{
    ch_fast_epochs *epochs = &self->state->epochs;
    const size_t num_samples = self->student.setup.num_samples;
    ch_epoch_exchange(&epochs->epoch, snapshot);
    ch_snapshot_begin(snapshot, "places");
    CH_SNAPSHOT_NUMBER(snapshot, epochs->queued);
    ch_snapshot_count32(snapshot, &epochs->placed_prefix, (uint32_t)num_samples);
    ch_snapshot_array(snapshot, epochs->known, num_samples / 64 + 1, sizeof *epochs->known);
    ch_snapshot_end(snapshot);
}

/* Makes what a snapshot does not have, from the stage and the numbers that were read. */
static void complete(ch_fast_perceptron *self)
{
    ch_fast_state *state = self->state;
    const ch_perceptron_setup *setup = &self->student.setup;
    if (state->stage == CH_FAST_DRAWING) {
        ch_fast_round_weights(self);
    }
    if (state->stage == CH_FAST_DRAWING && !setup->by_epoch && state->candidates.count > 0) {
        ch_waiting_init(&state->candidate_law, (uint32_t)setup->num_samples, (uint32_t)setup->batch,
                        state->candidates.count);
    }
    if (state->stage == CH_FAST_BOUNDING && setup->by_epoch) {
        ch_fast_epoch_begin_bounding(self);
    }
}

/* The stage of large batches, and when it is tried next. */
static void exchange_close(ch_fast_perceptron *self, ch_snapshot *snapshot)
{
    ch_fast_state *state = self->state;
    ch_snapshot_begin(snapshot, "large");
    CH_SNAPSHOT_NUMBER(snapshot, state->close_try);
    CH_SNAPSHOT_NUMBER(snapshot, state->close_wait);
    CH_SNAPSHOT_NUMBER(snapshot, state->work.close);
    ch_snapshot_end(snapshot);
    if (state->stage == CH_FAST_CLOSE) {
        ch_close_set_exchange(state->close, snapshot);
    }
    if (state->stage == CH_FAST_CLOSE && state->event.is_known && ch_snapshot_reads(snapshot) && !snapshot->is_bad) {
        ch_fast_close_complete_event(self);
    }
}

static void exchange(ch_learner *learner, ch_snapshot *snapshot)
{
    ch_fast_perceptron *self = (ch_fast_perceptron *)learner;
    ch_fast_state *state = self->state;
    uint32_t stage = state->stage;
    ch_perceptron_exchange(learner, snapshot);
    ch_snapshot_begin(snapshot, "fast");
    ch_snapshot_count32(snapshot, &stage, CH_FAST_CLOSE);
    ch_snapshot_end(snapshot);
    state->stage = (ch_fast_stage)stage;
    exchange_choice(self, snapshot);
    ch_candidates_exchange(&state->candidates, snapshot);
    exchange_queue(self, snapshot);
    exchange_event(self, snapshot);
    if (self->student.setup.by_epoch) {
        exchange_epochs(self, snapshot);
    }
    if (state->stage == CH_FAST_BOUNDING) {
        ch_active_set_exchange(state->active, snapshot);
    }
    ch_snapshot_require(snapshot, state->stage != CH_FAST_CLOSE || state->close != NULL);
    if (state->close != NULL && !snapshot->is_bad) {
        exchange_close(self, snapshot);
    }
    if (ch_snapshot_reads(snapshot) && !snapshot->is_bad) {
        complete(self);
    }
}

/* ---- memory ---- */

static void free_learner(ch_learner *learner)
{
    ch_fast_perceptron_free((ch_fast_perceptron *)learner);
}

/* Makes the screening index of the P training samples.
 * @param shared  index of all samples of setup->train, borrowed, from which it is made; NULL: the samples are sorted */
static ch_code init_screen(ch_screen *self, const ch_screen *shared, const ch_perceptron_setup *setup, ch_error *err)
{
    if (shared != NULL) {
        return ch_screen_init_first(self, shared, setup->train, setup->num_samples, err);
    }
    ch_sample_set first = *setup->train; /* its first P samples, borrowed */
    first.num_samples = setup->num_samples;
    return ch_screen_init(self, &first, setup->watch, err);
}

static ch_code refuse_memory(const ch_fast_perceptron *self, ch_error *err)
{
    const ch_perceptron_setup *setup = &self->student.setup;
    const ch_perceptron_size size = {.num_train = setup->num_samples,
                                     .batch = setup->batch,
                                     .dim = setup->train->dim,
                                     .is_fast = true,
                                     .by_epoch = setup->by_epoch};
    const bool has_index = self->state->screen.owns_quantised;
    const size_t index = has_index ? ch_perceptron_screen_bytes(setup->num_samples, setup->train->dim) : 0;
    return ch_error_set(err, CH_ERROR_MEMORY,
                        "train is %zu: there is not enough memory for the fast engine, which takes up to %s beside so "
                        "many training samples; accepted is a smaller train, or engine = plain",
                        setup->num_samples, ch_show_bytes(ch_perceptron_bytes(&size) + index).text);
}

static ch_code init_epochs(ch_fast_perceptron *self, ch_error *err)
{
    ch_fast_epochs *epochs = &self->state->epochs;
    const ch_perceptron_setup *setup = &self->student.setup;
    const ch_code code = ch_epoch_init(&epochs->epoch, (uint32_t)setup->num_samples, (uint32_t)setup->batch, err);
    if (code != CH_OK) {
        return code;
    }
    epochs->place_of = ch_alloc_unset(setup->num_samples, sizeof *epochs->place_of);
    epochs->known = ch_alloc(setup->num_samples / 64 + 1, sizeof *epochs->known);
    return epochs->place_of != NULL && epochs->known != NULL ? CH_OK : refuse_memory(self, err);
}

static ch_code init_state(ch_fast_perceptron *self, const ch_screen *shared, ch_error *err)
{
    const ch_perceptron_setup *setup = &self->student.setup;
    ch_fast_state *state = self->state;
    ch_code code = init_screen(&state->screen, shared, setup, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_candidates_init(&state->candidates, &self->student, &state->screen, err);
    if (code != CH_OK) {
        return code;
    }
    ch_waiting_table_init(&state->laws, (uint32_t)setup->num_samples, (uint32_t)setup->batch);
    state->active = ch_active_set_new(&self->student, &state->screen);
    state->drawn = ch_alloc_unset(CH_FAST_AHEAD + setup->batch, sizeof *state->drawn);
    state->unfitted = ch_alloc_unset(setup->num_samples, sizeof *state->unfitted);
    state->used = ch_alloc(setup->num_samples, sizeof *state->used);
    state->close_try = UINT64_MAX;
    if (ch_fast_close_applies(setup) && state->active != NULL) {
        state->close = ch_close_set_new(&self->student, &state->screen, &state->active->gram);
        if (state->close == NULL) {
            return refuse_memory(self, err);
        }
    }
    if (state->active == NULL || state->drawn == NULL || state->unfitted == NULL || state->used == NULL ||
        !ch_quantised_weights_init(&state->rounded, self->student.stride)) {
        return refuse_memory(self, err);
    }
    state->next_look = FIRST_LOOK;
    state->next_try = FIRST_TRY;
    return setup->by_epoch ? init_epochs(self, err) : CH_OK;
}

ch_code ch_fast_perceptron_init(ch_fast_perceptron *self, const ch_perceptron_setup *setup, const ch_screen *screen,
                                ch_error *err)
{
    memset(self, 0, sizeof *self);
    if (setup->momentum != 0 || setup->weight_decay != 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "momentum is %g and weight_decay %g; they must be 0 for the fast engine, which skips steps "
                            "that do not move the weights",
                            setup->momentum, setup->weight_decay);
    }
    if (!(setup->rate >= LEAST_RATE)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "rate is %g; it must be at least %g for the fast engine: results are proportional to the "
                            "rate at a fixed ratio of rate and kappa",
                            setup->rate, LEAST_RATE);
    }
    ch_code code = ch_perceptron_init(&self->student, setup, err);
    if (code != CH_OK || setup->num_samples < LEAST_SAMPLES) {
        return code;
    }
    self->state = ch_alloc(1, sizeof *self->state);
    if (self->state == NULL) {
        code = ch_error_memory(err, "the fast engine");
        goto out;
    }
    code = init_state(self, screen, err);
    if (code != CH_OK) {
        goto out;
    }
    self->state->step = self->student.learner.advance;
    self->student.used = self->state->used;
    self->student.learner.advance = advance;
    self->student.learner.free = free_learner;
    self->student.learner.exchange = exchange;
out:
    if (code != CH_OK) {
        ch_fast_perceptron_free(self);
    }
    return code;
}

void ch_fast_perceptron_free(ch_fast_perceptron *self)
{
    if (self->state != NULL) {
        ch_close_set_free(self->state->close);
        ch_active_set_free(self->state->active);
        ch_candidates_free(&self->state->candidates);
        ch_screen_free(&self->state->screen);
        free(self->state->drawn);
        free(self->state->unfitted);
        ch_quantised_weights_free(&self->state->rounded);
        free(self->state->used);
        ch_epoch_free(&self->state->epochs.epoch);
        free(self->state->epochs.place_of);
        free(self->state->epochs.known);
        free(self->state);
    }
    ch_perceptron_free(&self->student);
    memset(self, 0, sizeof *self);
}
