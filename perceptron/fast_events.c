/* fast_events.c — finds the next update while the fast engine draws: its step, and the unfitted samples of its batch.
 *
 * The plain engine draws a batch at every step, and updates w when the batch holds an unfitted sample. w does not move
 * before that step. So the law of the step and of the batch's unfitted samples is known, and they are drawn from it
 * directly (core/waiting.h): the number of steps is geometric, the number of unfitted samples in the batch is
 * hypergeometric given that it is at least one, and which ones they are is uniform. Where batches are parts of epochs,
 * perceptron/fast_epoch.c draws the places of samples in the epoch instead. */
#include "perceptron/fast_state.h"

#include "core/draw.h"

#include <string.h>

static ch_random *stream(ch_fast_perceptron *self)
{
    return &self->student.random;
}

/* Draws the step of the next update after step `now`, and the number of unfitted samples in its batch, where
 * `num_unfitted` samples are unfitted in all. The caller finds out which samples they are. */
static void draw_event(ch_fast_perceptron *self, uint64_t now, uint32_t num_unfitted)
{
    ch_fast_state *state = self->state;
    const ch_waiting *law = ch_waiting_table_law(&state->laws, num_unfitted);
    state->event.is_known = state->event.is_finite = true;
    state->event.step = now + ch_waiting_steps(law, stream(self));
    state->event.count = ch_waiting_number(law, stream(self));
    state->event.samples = state->unfitted;
}

/* ---- drawing ---- */

/* Draws `number` distinct candidates uniformly.
 * @param drawn  out: [number] */
static void draw_candidates(ch_fast_perceptron *self, uint32_t *drawn, uint32_t number)
{
    ch_candidates *candidates = &self->state->candidates;
    if (number > CH_SCANNED_BATCH) {
        uint32_t *list = ch_candidates_own_list(candidates);
        if (number < candidates->count) {
            ch_draw_shuffled(stream(self), list, number, candidates->count);
        }
        memcpy(drawn, list, number * sizeof *drawn);
        return;
    }
    ch_draw_scanned(stream(self), drawn, number, candidates->count);
    for (uint32_t i = 0; i < number && candidates->list != NULL; i++) {
        drawn[i] = candidates->list[drawn[i]];
    }
}

/* Whether every batch holds a candidate, so that no wait is drawn. */
static bool is_always(const ch_waiting *law)
{
    return law->per_log_none == 0;
}

/* Sets the waits of the first `count` batches of the queue, each by a uniform number. All logarithms are taken
 * together, since the processor then takes several at once.
 * @param uniforms  [CH_FAST_AHEAD] between 0 and 1, also beyond `count` */
static void set_waits(ch_fast_state *state, const double *restrict uniforms, uint32_t count)
{
    const ch_waiting *law = &state->candidate_law;
    double logs[CH_FAST_AHEAD];
    for (uint32_t i = 0; i < CH_FAST_AHEAD; i++) {
        logs[i] = ch_waiting_near_log(uniforms[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        state->batches[i].wait = is_always(law) ? 1 : ch_waiting_steps_of(law, uniforms[i], logs[i]);
    }
}

/* Fills the queue with batches that hold a candidate, until they hold CH_FAST_AHEAD candidates in all. While the list
 * of candidates is valid, which candidates a batch holds does not depend on w. So batches may be drawn before it is
 * known whether one before them is an update. */
static void draw_batches(ch_fast_perceptron *self)
{
    ch_fast_state *state = self->state;
    if (self->student.setup.by_epoch) {
        ch_fast_epoch_draw_batches(self);
        return;
    }
    const ch_waiting *law = &state->candidate_law;
    double uniforms[CH_FAST_AHEAD];
    uint32_t end = 0, count = 0;
    for (uint32_t i = 0; i < CH_FAST_AHEAD; i++) {
        uniforms[i] = 0.5;
    }
    do {
        if (!is_always(law)) {
            uniforms[count] = ch_waiting_uniform(stream(self));
        }
        const uint32_t number = ch_waiting_number(law, stream(self));
        draw_candidates(self, state->drawn + end, number);
        ch_fast_fetch_rows(self, state->drawn + end, number);
        state->batches[count++].end = end += number;
    } while (count < CH_FAST_AHEAD && end < CH_FAST_AHEAD);
    set_waits(state, uniforms, count);
    state->num_batches = count;
    state->next_batch = 0;
}

void ch_fast_begin_list(ch_fast_perceptron *self)
{
    ch_fast_state *state = self->state;
    const ch_perceptron_setup *setup = &self->student.setup;
    state->num_batches = state->next_batch = 0;
    if (setup->by_epoch) {
        ch_fast_epoch_begin_list(self);
    } else if (state->candidates.count > 0) {
        ch_waiting_init(&state->candidate_law, (uint32_t)setup->num_samples, (uint32_t)setup->batch,
                        state->candidates.count);
    }
    /* The most that an update costs: all candidates drawn for it are fitted, and then the margins of all candidates are
     * computed. */
    self->student.learner.update_cost = 3.0 * state->candidates.count * (double)self->student.stride;
}

/* Finds the next update after step `now` by computing the margins of all candidates. The batches up to `now` held no
 * unfitted sample. Later batches are independent of them, so that this does not change their law. */
static void look_at_candidates(ch_fast_perceptron *self, uint64_t now)
{
    ch_fast_state *state = self->state;
    const uint32_t number = ch_candidates_find_unfitted(&state->candidates, &state->rounded, state->unfitted);
    ch_fast_count_look(self);
    if (number > 0) {
        state->usual_draws = (double)state->candidates.count / number;
        if (self->student.setup.by_epoch) {
            ch_fast_epoch_find_event(self, now, number);
            return;
        }
        draw_event(self, now, number);
        ch_draw_shuffled(stream(self), state->unfitted, state->event.count, number);
    } else {
        const bool finite = isfinite(ch_norm2(self->student.weights, self->student.stride));
        self->student.learner.progress.status = finite ? CH_FITTED : CH_DIVERGED;
    }
}

void ch_fast_round_weights(ch_fast_perceptron *self)
{
    const ch_perceptron *student = &self->student;
    ch_quantised_weights_set(&self->state->rounded, self->state->screen.quantised, student->weights,
                             student->setup.train->teacher, student->setup.kappa);
}

/* Does as ch_student_find_active does, but skips samples whose margin in 8 bits is surely over kappa. */
static uint32_t find_active(ch_fast_perceptron *self, const uint32_t *batch, uint32_t size, double *sum)
{
    const ch_fast_state *state = self->state;
    ch_perceptron *student = &self->student;
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i++) {
        if (!ch_quantised_is_fitted(state->screen.quantised, &state->rounded, batch[i])) {
            const double margin = ch_student_margin(student, batch[i]);
            const bool unfitted = ch_is_unfitted(margin, student->setup.kappa);
            student->active[count] = batch[i];
            count += unfitted;
            *sum += unfitted ? margin : 0;
        }
    }
    return count;
}

/* Draws batches that hold candidates until one of these is unfitted, which makes the next update. All candidates may be
 * fitted. So after `patience` fitted candidates, whose draws have cost as much as the margins of all candidates, these
 * margins are computed instead. Where an update usually takes more draws than that, they are computed at once. */
void ch_fast_find_by_drawing(ch_fast_perceptron *self)
{
    ch_fast_state *state = self->state;
    const double patience = CH_FAST_AHEAD + state->candidates.count * ch_fast_dot_cost(self) / ch_fast_draw_cost(self);
    uint64_t step = self->student.learner.progress.steps;
    double draws = 0;
    bool in_vain = state->usual_draws > patience || state->candidates.count == 0;
    while (!in_vain) {
        if (state->next_batch == state->num_batches) {
            draw_batches(self);
        }
        const ch_fast_batch *batch = &state->batches[state->next_batch];
        const uint32_t begin = state->next_batch == 0 ? 0 : batch[-1].end;
        const uint32_t size = batch->end - begin;
        double sum = 0;
        const uint32_t count = find_active(self, state->drawn + begin, size, &sum);
        state->next_batch++;
        step += batch->wait;
        draws += size;
        if (count > 0) {
            state->event = (ch_fast_event){true, isfinite(sum), step, count, self->student.active};
            state->usual_draws += (draws - state->usual_draws) / 4;
            break;
        }
        in_vain = draws > patience;
    }
    ch_fast_count_draws(self, draws, ch_fast_draw_cost(self));
    if (in_vain) {
        look_at_candidates(self, step);
    }
}
