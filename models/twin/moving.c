/* moving.c — steps of a twin with momentum or weight decay. */
#include "models/twin/moving.h"

#include "core/draw.h"
#include "models/twin/row_sums.h"

#include <math.h>

/* Lists the unfitted samples among some, in self->drawn. */
static void list_unfitted(ch_twin *self, const uint32_t *samples, uint32_t count)
{
    self->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        self->drawn[self->count] = samples[i];
        self->count += !(self->margins.values[samples[i]] >= self->margins.threshold);
    }
}

/* Draws the batch of a step, and lists its unfitted samples. */
static void draw_batch(ch_twin *self)
{
    const uint32_t size = (uint32_t)self->setup.batch, num_samples = (uint32_t)self->setup.num_samples;
    uint32_t scanned[CH_SCANNED_BATCH];
    if (size == num_samples) {
        list_unfitted(self, self->order, num_samples);
    } else if (self->setup.by_epoch) {
        const uint32_t count = ch_draw_of_epoch(&self->random, self->order, &self->place, size, num_samples);
        list_unfitted(self, self->order + self->place - count, count);
    } else if (size <= CH_SCANNED_BATCH) {
        ch_draw_scanned(&self->random, scanned, size, num_samples);
        list_unfitted(self, scanned, size);
    } else {
        ch_draw_shuffled(&self->random, self->order, size, num_samples);
        list_unfitted(self, self->order, size);
    }
}

/* Adds the rows of the unfitted samples of the batch to the velocity of the margins.
 * @return rows added or subtracted */
static uint32_t add_rows(ch_twin *self)
{
    if (!ch_twin_is_full_batch(self)) {
        ch_twin_add_rows(self, self->drawn, self->count, false, self->velocity);
        return self->count;
    }
    const uint32_t rows = ch_twin_update_sum(self);
    for (size_t k = 0; k < ch_twin_room(self); k++) {
        self->velocity[k] += self->sum[k];
    }
    return rows;
}

static void move(ch_twin *self)
{
    const double keep = self->setup.momentum, pull = self->setup.rate * self->setup.weight_decay;
    const size_t room = ch_twin_room(self);
    for (size_t k = 0; k < room; k++) {
        self->velocity[k] = keep * self->velocity[k] - pull * self->margins.values[k];
        self->use_velocity[k] = keep * self->use_velocity[k] - pull * self->uses[k];
    }
    for (uint32_t i = 0; i < self->count; i++) {
        self->use_velocity[self->drawn[i]] += 1;
    }
    const uint32_t rows = add_rows(self);
    for (size_t k = 0; k < room; k++) {
        self->uses[k] += self->use_velocity[k];
    }
    ch_margins_add_sum(&self->margins, self->velocity);
    self->learner.update_cost = (double)rows * (double)room;
}

static void take_step(ch_twin *self, uint64_t patience)
{
    ch_progress *progress = &self->learner.progress;
    progress->steps++;
    draw_batch(self);
    double sum = 0;
    for (uint32_t i = 0; i < self->count; i++) {
        sum += self->margins.values[self->drawn[i]];
    }
    const bool is_update = self->count > 0; /* move overwrites the list of drawn samples at B = P */
    move(self);
    if (is_update) {
        progress->updates++;
        progress->last_update = progress->steps;
        progress->status = isfinite(sum) ? CH_RUNNING : CH_DIVERGED;
    }
    if (is_update || progress->steps >= self->next_look) {
        self->next_look = progress->steps + patience;
        progress->status = is_update || self->margins.num_unfitted > 0 ? progress->status : CH_FITTED;
    }
}

void ch_twin_advance_moving(ch_learner *learner, const ch_limit *limit)
{
    ch_twin *self = (ch_twin *)learner;
    const ch_progress *progress = &learner->progress;
    const uint64_t patience = (self->setup.num_samples + self->setup.batch - 1) / self->setup.batch;
    while (progress->status == CH_RUNNING && progress->steps < limit->steps && progress->updates < limit->updates) {
        take_step(self, patience);
    }
}
