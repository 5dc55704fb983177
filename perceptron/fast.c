/* fast.c — the fast engine: equal in law to the plain one, without its idle steps. */
#include "perceptron/active.h"
#include "perceptron/waiting.h"

#include <stdlib.h>
#include <string.h>

/* The first look at what the updates so far would have cost the fast way, and how much later the next one is. */
enum { FIRST_LOOK = 64 };
static const double NEXT_LOOK = 1.5;

static ch_random *stream(ch_fast_perceptron *self)
{
    return &self->student.random;
}

/* ---- the early steps: the plain engine's ---- */

/* Would the updates since the last look have cost less the fast way? In sums of 16 numbers: the plain way, some for
 * drawing and d / 16 for the margin of every sample drawn; the fast way, for every sample within reach, d / 16 for
 * every different sample used, whose row has to be made, and some sixteenths for every use of a row. */
static bool is_fast_cheaper(const ch_fast_perceptron *self)
{
    static const double DRAW = 3, ROW = 3.0 / 16;
    const ch_perceptron *student = &self->student;
    const double dot = (double)student->stride / CH_ROW_LANES;
    const double drawn = (double)(student->learner.progress.steps - self->steps_at_look) * (double)student->setup.batch;
    const double uses = (double)(student->uses - self->uses_at_look);
    const double reached = (double)ch_active_set_num_reached(self->active);
    return reached * ((double)(student->distinct + 1) * dot + uses * ROW) < drawn * (DRAW + dot);
}

/* Finds the unfitted samples, and when one of them is next drawn. */
static void wait_for_event(ch_fast_perceptron *self)
{
    const ch_perceptron_setup *setup = &self->student.setup;
    ch_progress *progress = &self->student.learner.progress;
    self->unfitted = ch_active_set_unfitted(self->active, &self->num_unfitted);
    if (self->num_unfitted == 0) {
        progress->status = CH_FITTED;
        return;
    }
    self->next_event = progress->steps + ch_waiting_steps(stream(self), (uint32_t)setup->num_samples,
                                                          (uint32_t)setup->batch, self->num_unfitted, &self->log_none);
}

/* From now on idle steps are skipped, and cost nothing. */
static void begin_skipping(ch_fast_perceptron *self)
{
    ch_learner *learner = &self->student.learner;
    ch_active_set_begin(self->active);
    self->skips = true;
    wait_for_event(self);
    /* at the worst: an update adds about 1 + B u / P rows, and each has to be made first */
    const ch_perceptron_setup *setup = &self->student.setup;
    const double rows = 1 + (double)setup->batch * self->num_unfitted / (double)setup->num_samples;
    learner->step_cost = 0;
    learner->update_cost = rows * (double)ch_active_set_num_reached(self->active) * (double)self->student.stride;
}

static void look(ch_fast_perceptron *self)
{
    ch_perceptron *student = &self->student;
    if (is_fast_cheaper(self) && ch_active_set_is_precise(self->active)) {
        begin_skipping(self);
        return;
    }
    self->steps_at_look = student->learner.progress.steps;
    self->uses_at_look = student->uses;
    self->next_look = (uint64_t)(NEXT_LOOK * (double)student->learner.progress.updates);
    student->distinct = 0;
    memset(self->used, 0, student->setup.num_samples * sizeof *self->used);
}

static void take_steps(ch_fast_perceptron *self, const ch_limit *limit)
{
    const ch_progress *progress = &self->student.learner.progress;
    const ch_limit until_look = {
        .steps = limit->steps,
        .updates = limit->updates < self->next_look ? limit->updates : self->next_look,
    };
    self->step(&self->student.learner, &until_look);
    if (progress->status == CH_RUNNING && progress->updates == self->next_look) {
        look(self);
    }
}

/* ---- from event to event ---- */

/* Moves a uniformly chosen subset of the unfitted to the front: the first steps of a Fisher–Yates shuffle. */
static void choose(ch_fast_perceptron *self, uint32_t number)
{
    for (uint32_t k = 0; k < number && number < self->num_unfitted; k++) {
        const uint32_t other = k + ch_random_below(stream(self), self->num_unfitted - k);
        const uint32_t place = self->unfitted[other];
        self->unfitted[other] = self->unfitted[k];
        self->unfitted[k] = place;
    }
}

static void take_event(ch_fast_perceptron *self)
{
    const ch_perceptron_setup *setup = &self->student.setup;
    ch_progress *progress = &self->student.learner.progress;
    const uint32_t number = ch_waiting_number(stream(self), (uint32_t)setup->num_samples, (uint32_t)setup->batch,
                                              self->num_unfitted, self->log_none);
    choose(self, number);
    progress->steps = self->next_event;
    progress->last_update = progress->steps;
    progress->updates++;
    if (ch_active_set_update(self->active, self->unfitted, number)) {
        wait_for_event(self);
    } else {
        progress->status = CH_DIVERGED;
    }
}

/* An event beyond the limit stays drawn, so that stopping on the way changes nothing. */
static void take_events(ch_fast_perceptron *self, const ch_limit *limit)
{
    ch_progress *progress = &self->student.learner.progress;
    while (progress->status == CH_RUNNING && progress->updates < limit->updates) {
        if (self->next_event > limit->steps) {
            progress->steps = limit->steps;
            return;
        }
        take_event(self);
    }
}

static void advance(ch_learner *learner, const ch_limit *limit)
{
    ch_fast_perceptron *self = (ch_fast_perceptron *)learner;
    const ch_progress *progress = &learner->progress;
    while (!self->skips && progress->status == CH_RUNNING && progress->steps < limit->steps &&
           progress->updates < limit->updates) {
        take_steps(self, limit);
    }
    if (self->skips && progress->steps < limit->steps) {
        take_events(self, limit);
    }
}

static void free_learner(ch_learner *learner)
{
    ch_fast_perceptron_free((ch_fast_perceptron *)learner);
}

ch_code ch_fast_perceptron_init(ch_fast_perceptron *self, const ch_perceptron_setup *setup, const ch_reach *reach,
                                ch_error *err)
{
    memset(self, 0, sizeof *self);
    ch_reach whole = {0};
    ch_code code = ch_perceptron_init(&self->student, setup, err);
    if (code != CH_OK) {
        goto out;
    }
    if (reach == NULL) {
        if ((code = ch_reach_init(&whole, setup->train, err)) != CH_OK) {
            goto out;
        }
        reach = &whole;
    }
    if ((code = ch_reach_init_first(&self->reach, reach, setup->train, setup->num_samples, err)) != CH_OK) {
        goto out;
    }
    self->active = ch_active_set_new(&self->student, &self->reach);
    self->used = ch_alloc(setup->num_samples, sizeof *self->used);
    if (self->active == NULL || self->used == NULL) {
        code = ch_error_memory(err, "the margins within reach of the noise: lower train");
        goto out;
    }
    self->step = self->student.learner.advance;
    self->next_look = FIRST_LOOK;
    self->student.used = self->used;
    self->student.learner.advance = advance;
    self->student.learner.free = free_learner;
out:
    ch_reach_free(&whole);
    if (code != CH_OK) {
        ch_fast_perceptron_free(self);
    }
    return code;
}

void ch_fast_perceptron_free(ch_fast_perceptron *self)
{
    ch_active_set_free(self->active);
    ch_reach_free(&self->reach);
    free(self->used);
    ch_perceptron_free(&self->student);
    memset(self, 0, sizeof *self);
}
