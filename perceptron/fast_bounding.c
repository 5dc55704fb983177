/* fast_bounding.c — the stage of bounding: draws an update and takes it, again and again.
 *
 * The unfitted samples are known after every update (perceptron/active.h), so that the step of the next one, and which
 * of them its batch holds, are drawn directly (perceptron/fast_events.c). A run may take 10^7 such updates of 60 to 300
 * ns each, so that this loop does nothing that an update does not need. */
#include "core/draw.h"
#include "perceptron/fast_state.h"

/* A uniform number that the next event will draw, with its logarithm. The logarithm is computed before an update,
 * during which the processor finishes it. */
typedef struct {
    unsigned position; /* where its two words begin in the stream's buffer; NOWHERE: no number is known */
    double u, log;
} ahead;
enum { NOWHERE = CH_RANDOM_WORDS + 1 };

static inline ahead look_ahead(ch_random *random)
{
    if (random->position == CH_RANDOM_WORDS) {
        ch_random_refill(random);
    }
    const unsigned position = random->position;
    if (position + 2 > CH_RANDOM_WORDS) {
        return (ahead){.position = NOWHERE};
    }
    const double u = ch_waiting_uniform_of(random->words[position], random->words[position + 1]);
    return (ahead){position, u, ch_waiting_near_log(u)};
}

/* ch_waiting_steps, by a number that was drawn ahead if it is the next one. */
static inline uint64_t draw_steps(const ch_waiting *law, ch_random *random, const ahead *next)
{
    if (next->position != random->position || law->per_log_none == 0) {
        return ch_waiting_steps(law, random);
    }
    random->position += 2;
    return ch_waiting_steps_of(law, next->u, next->log);
}

/* Draws the next update, and which unfitted samples it takes, by their places. */
static inline void draw_event(ch_fast_perceptron *self, const ahead *next)
{
    ch_fast_state *state = self->state;
    ch_random *random = &self->student.random;
    const uint32_t number = ch_active_set_num_unfitted(state->active);
    const ch_waiting *law = ch_waiting_table_law(&state->laws, number);
    const uint64_t step = self->student.learner.progress.steps + draw_steps(law, random, next);
    const uint32_t count = ch_waiting_number(law, random);
    state->event = (ch_fast_event){true, true, step, count, state->unfitted};
    if (count == 1) {
        state->unfitted[0] = ch_active_set_place(state->active, ch_random_below(random, number));
    } else if (count <= CH_SCANNED_BATCH) {
        ch_draw_scanned(random, state->unfitted, count, number);
        for (uint32_t i = 0; i < count; i++) {
            state->unfitted[i] = ch_active_set_place(state->active, state->unfitted[i]);
        }
    } else {
        ch_active_set_list(state->active, state->unfitted);
        ch_draw_shuffled(random, state->unfitted, count, number);
    }
}

/* @return false when there is none: the run is fitted */
static inline bool find_event(ch_fast_perceptron *self, const ahead *next)
{
    ch_progress *progress = &self->student.learner.progress;
    const uint32_t number = ch_active_set_num_unfitted(self->state->active);
    if (number == 0) {
        progress->status = CH_FITTED;
        return false;
    }
    if (self->student.setup.by_epoch) {
        ch_fast_epoch_find_event(self, progress->steps, number);
    } else {
        draw_event(self, next);
    }
    return true;
}

void ch_fast_find_event(ch_fast_perceptron *self)
{
    if (self->state->stage == CH_FAST_BOUNDING) {
        (void)find_event(self, &(ahead){.position = NOWHERE});
    } else {
        ch_fast_find_by_drawing(self);
    }
}

void ch_fast_advance_bounding(ch_fast_perceptron *self, const ch_limit *limit)
{
    ch_fast_state *state = self->state;
    ch_fast_event *event = &state->event;
    ch_progress *progress = &self->student.learner.progress;
    ahead next = {.position = NOWHERE};
    while (progress->steps < limit->steps && progress->updates < limit->updates) {
        if (!event->is_known && !find_event(self, &next)) {
            return;
        }
        if (event->step > limit->steps) {
            progress->steps = limit->steps;
            return;
        }
        next = look_ahead(&self->student.random);
        progress->steps = progress->last_update = event->step;
        progress->updates++;
        event->is_known = false;
        state->work.bounding++;
        if (!ch_active_set_update(state->active, event->samples, event->count)) {
            progress->status = CH_DIVERGED;
            return;
        }
        if (progress->updates >= state->close_try) {
            const ch_perceptron_setup *setup = &self->student.setup;
            const double rows = (double)setup->batch / (double)setup->num_samples * state->active->num_unfitted;
            const double cost = ch_close_bounding_cost(rows, (double)state->active->gram.count);
            if (ch_fast_close_try(self, INFINITY, cost)) {
                return;
            }
            ch_fast_close_wait(self);
        }
    }
}
