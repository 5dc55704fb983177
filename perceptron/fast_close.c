/* fast_close.c — the stage of large batches: draws an update from all unfitted samples and takes it, again and again.
 *
 * It takes the place of bounding where batches are large and few samples are close to kappa (perceptron/close.h). Where
 * there are too many of these, or where it costs more than bounding, bounding goes on.
 */
#include "core/draw.h"
#include "perceptron/fast_state.h"

/* Numbers of updates after which it is tried again whether the stage can begin: at first, and the most. */
enum { FIRST_WAIT = 64, MOST_WAIT = 1 << 16 };

bool ch_fast_close_applies(const ch_perceptron_setup *setup)
{
    return setup->batch >= CH_WAITING_LARGE_BATCH && !setup->by_epoch;
}

void ch_fast_close_wait(ch_fast_perceptron *self)
{
    ch_fast_state *state = self->state;
    const uint64_t wait = 2 * state->close_wait;
    state->close_wait = wait < FIRST_WAIT ? FIRST_WAIT : wait < MOST_WAIT ? wait : MOST_WAIT;
    state->close_try = self->student.learner.progress.updates + state->close_wait;
}

bool ch_fast_close_try(ch_fast_perceptron *self, double most_cost, double step_cost)
{
    ch_fast_state *state = self->state;
    if (!ch_close_set_begin(state->close, most_cost, step_cost)) {
        return false;
    }
    state->stage = CH_FAST_CLOSE;
    /* An update adds the rows of at most all unfitted samples. */
    self->student.learner.step_cost = 0;
    self->student.learner.update_cost = (double)state->close->num_unfitted * state->close->count;
    return true;
}

void ch_fast_close_complete_event(ch_fast_perceptron *self)
{
    const ch_close_set *close = self->state->close;
    const ch_fast_event *event = &self->state->event;
    uint32_t *slots = self->state->unfitted, number = event->count;
    for (uint32_t slot = 0; slot < close->count; slot++) {
        bool is_left = ch_bits_has(close->unfitted[slot / CH_GRAM_BLOCK], slot % CH_GRAM_BLOCK);
        for (uint32_t i = 0; i < event->count && is_left; i++) {
            is_left = slots[i] != slot;
        }
        if (is_left) {
            slots[number++] = slot;
        }
    }
}

/* Moves `count` of `num` slots, uniformly drawn, to the front, or the others to the end where these are fewer. */
static void choose(ch_random *random, uint32_t *slots, uint32_t count, uint32_t num)
{
    if (2 * count <= num) {
        ch_draw_shuffled(random, slots, count, num);
        return;
    }
    for (uint32_t last = num; last > count; last--) {
        const uint32_t other = ch_random_below(random, last), slot = slots[other];
        slots[other] = slots[last - 1];
        slots[last - 1] = slot;
    }
}

bool ch_fast_close_find_event(ch_fast_perceptron *self)
{
    ch_fast_state *state = self->state;
    ch_progress *progress = &self->student.learner.progress;
    ch_random *random = &self->student.random;
    const uint32_t number = state->close->num_unfitted;
    if (number == 0) {
        progress->status = CH_FITTED;
        return false;
    }
    const ch_waiting *law = ch_waiting_table_law(&state->laws, number);
    const uint64_t step = progress->steps + ch_waiting_steps(law, random);
    const uint32_t count = ch_waiting_number(law, random);
    state->event = (ch_fast_event){true, true, step, count, state->unfitted};
    ch_close_set_list(state->close, state->unfitted);
    choose(random, state->unfitted, count, number);
    return true;
}

/* Goes back to bounding. */
static void leave(ch_fast_perceptron *self)
{
    ch_fast_state *state = self->state;
    ch_close_set_write(state->close);
    if (!isfinite(ch_norm2(self->student.weights, self->student.stride))) {
        self->student.learner.progress.status = CH_DIVERGED;
        return;
    }
    ch_active_set_begin(state->active);
    state->stage = CH_FAST_BOUNDING;
    ch_fast_close_wait(self);
}

void ch_fast_advance_close(ch_fast_perceptron *self, const ch_limit *limit)
{
    ch_fast_state *state = self->state;
    ch_fast_event *event = &state->event;
    ch_progress *progress = &self->student.learner.progress;
    while (progress->steps < limit->steps && progress->updates < limit->updates) {
        if (!event->is_known && !ch_fast_close_find_event(self)) {
            break;
        }
        if (event->step > limit->steps) {
            progress->steps = limit->steps;
            break;
        }
        progress->steps = progress->last_update = event->step;
        progress->updates++;
        event->is_known = false;
        state->work.close++;
        if (!ch_close_set_step(state->close, event->samples, event->count)) {
            leave(self);
            return;
        }
    }
    ch_close_set_write(state->close);
}
