/* steps.c — steps of sgd one by one, of gd, sde and unfitted. */
#include "models/learner/steps.h"

#include "core/draw.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

/* A number that changes when a weight changes, except with a probability of 2^-64: the hash of Fowler, Noll and Vo,
 * word by word. */
static uint64_t find_fingerprint(const double *weights, size_t count)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < count; i++) {
        uint64_t word = 0;
        memcpy(&word, &weights[i], sizeof word);
        hash = (hash ^ word) * 0x100000001b3;
    }
    return hash;
}

/* Whether the weights are the same as EPOCHS times P / B updates ago. A sample that would move the weights is absent
 * from all those batches with a probability of about e^-EPOCHS. */
static bool has_come_to_rest(ch_network_state *self, uint64_t updates)
{
    enum { EPOCHS = 32 };
    if (updates < self->next_rest_check) {
        return false;
    }
    const uint64_t before = self->fingerprint;
    self->fingerprint = find_fingerprint(ch_state_weights(self), self->num_weights);
    self->next_rest_check = updates + EPOCHS * self->patience;
    return self->fingerprint == before;
}

/* Whether the weights were driven apart: their norm is over 2^20 times that of w0. */
static bool have_blown_up(const ch_network_state *self)
{
    const double *weights = ch_state_weights(self);
    double square = 0;
    for (size_t i = 0; i < self->num_weights; i++) {
        square += weights[i] * weights[i];
    }
    return !(sqrt(square) <= 0x1p20 * self->norm_init);
}

/* Whether the mean gradient over all samples differs from 0. Changes state->gradient and the margins. */
static bool has_gradient(ch_network_state *self, ch_pass_summary *seen)
{
    const ch_sample_list all = {.count = self->setup.num_samples};
    size_t count = 0;
    memset(self->gradient, 0, self->num_weights * sizeof *self->gradient);
    if (!ch_state_pass(self, &all, 1 / (double)all.count, NULL, self->gradient, seen)) {
        return false;
    }
    for (size_t i = 0; i < self->num_weights; i++) {
        count += self->gradient[i] != 0;
    }
    return count > 0;
}

static void end_stuck(ch_progress *progress, ch_cause cause)
{
    progress->status = CH_STUCK;
    progress->cause = cause;
}

void ch_learner_check_rest(ch_network_learner *self)
{
    ch_progress *progress = &self->learner.progress;
    ch_pass_summary seen = {0};
    if (!has_come_to_rest(self->state, progress->updates)) {
        return;
    }
    const bool moves = has_gradient(self->state, &seen);
    if (ch_state_is_stopped(self->state)) {
        self->learner.is_torn = true; /* stopped before the cause of the rest was found */
    } else if (seen.active == 0) {
        end_stuck(progress, CH_CAUSE_NO_GRADIENT);
    } else if (moves && !have_blown_up(self->state)) {
        end_stuck(progress, CH_CAUSE_TOO_SMALL);
    } else {
        progress->status = CH_DIVERGED;
    }
}

bool ch_learner_commit(ch_network_learner *self, const ch_sample_list *list, const ch_pass_summary *seen)
{
    ch_network_state *state = self->state;
    ch_progress *progress = &self->learner.progress;
    if (!isfinite(seen->sum)) {
        progress->status = CH_DIVERGED;
        return false;
    }
    if (seen->active == 0) {
        if (ch_state_has_velocity(state)) {
            ch_state_move(state, list);
        }
        return false;
    }
    ch_state_move(state, list);
    progress->updates++;
    progress->last_update = progress->steps;
    state->next_look = progress->steps + state->patience;
    ch_learner_check_rest(self);
    return true;
}

bool ch_learner_check(ch_network_learner *self, ch_pass_summary *seen)
{
    ch_progress *progress = &self->learner.progress;
    if (!ch_state_look(self->state, seen)) {
        return false;
    }
    if (!isfinite(seen->sum) || !ch_state_weights_are_finite(self->state)) {
        progress->status = CH_DIVERGED;
    } else if (seen->unfitted == 0) {
        progress->status = CH_FITTED;
    } else if (seen->active == 0) {
        end_stuck(progress, CH_CAUSE_NO_GRADIENT); /* all gradients have underflowed */
    }
    return true;
}

/* ---- sgd ---- */

size_t ch_state_draw(ch_network_state *self, uint32_t *batch)
{
    const uint32_t size = (uint32_t)self->setup.batch, num_samples = (uint32_t)self->setup.num_samples;
    if (self->pending > 0) {
        const size_t count = self->pending;
        memmove(batch, self->batch, count * sizeof *batch);
        self->pending = 0;
        return count;
    }
    if (self->setup.by_epoch) {
        const uint32_t count = ch_draw_of_epoch(&self->random, self->order, &self->drawn, size, num_samples);
        memcpy(batch, self->order + self->drawn - count, count * sizeof *batch);
        return count;
    }
    if (size <= CH_SCANNED_BATCH) {
        ch_draw_scanned(&self->random, batch, size, num_samples);
        return size;
    }
    if (size < num_samples) {
        ch_draw_shuffled(&self->random, self->order, size, num_samples);
    }
    memcpy(batch, self->order, size * sizeof *batch);
    return size;
}

bool ch_learner_step_sgd(ch_network_learner *self)
{
    ch_network_state *state = self->state;
    const ch_sample_list batch = {.index = state->batch, .count = ch_state_draw(state, state->batch)};
    ch_pass_summary seen;
    if (!ch_state_prepare(state, &batch, -state->setup.rate / (double)state->setup.batch, NULL, &seen)) {
        state->pending = batch.count;
        return false;
    }
    self->learner.progress.steps++;
    (void)ch_learner_commit(self, &batch, &seen);
    return true;
}

/* Whether it is time to look at all samples. An update postpones the look. Under a loss without idle steps every step
 * is an update, so that the look comes every P / B steps. */
static bool look_is_due(const ch_network_learner *self)
{
    const ch_network_state *state = self->state;
    const uint64_t steps = self->learner.progress.steps;
    return ch_loss_of(state->setup.loss)->has_idle_steps ? steps >= state->next_look : steps % state->patience == 0;
}

void ch_learner_advance_sgd(ch_learner *learner, const ch_limit *limit)
{
    ch_network_learner *self = (ch_network_learner *)learner;
    ch_network_state *state = self->state;
    ch_pass_summary seen;
    while (ch_learner_goes_on(self, limit)) {
        if (!state->is_look_due) {
            if (!ch_learner_step_sgd(self)) {
                return;
            }
            state->is_look_due = learner->progress.status == CH_RUNNING && look_is_due(self);
        }
        if (state->is_look_due) {
            if (!ch_learner_check(self, &seen)) {
                return; /* the look comes where the run goes on */
            }
            state->is_look_due = false;
            /* without a velocity nothing changes until the next update */
            state->next_look = ch_state_has_velocity(state) ? learner->progress.steps + state->patience : UINT64_MAX;
        }
    }
}

/* ---- gd and sde ---- */

/* noise_mu = eta sqrt[(P - B) / (B (P - 1) P)] (xi_mu - mean xi). Since sum_mu xi_mu (g_mu - mean g) equals
 * sum_mu (xi_mu - mean xi) g_mu, one pass with these factors gives drift and noise together. */
static void draw_noise(ch_network_state *self)
{
    const double num = (double)self->setup.num_samples, batch = (double)self->setup.batch;
    const double scale = num > 1 ? self->setup.rate * sqrt((num - batch) / (batch * (num - 1) * num)) : 0;
    const gsl_rng gsl = ch_random_gsl(&self->noise_random);
    double mean = 0;
    for (size_t mu = 0; mu < self->setup.num_samples; mu++) {
        self->noise[mu] = gsl_ran_gaussian_ziggurat(&gsl, 1.0);
        mean += self->noise[mu] / num;
    }
    for (size_t mu = 0; mu < self->setup.num_samples; mu++) {
        self->noise[mu] = scale * (self->noise[mu] - mean);
    }
}

/* Takes one step. It ends the run instead where the step's pass shows that all samples are fitted or that no sample has
 * a gradient.
 * @return false when stopped */
static bool step_full(ch_network_learner *self)
{
    ch_network_state *state = self->state;
    ch_progress *progress = &self->learner.progress;
    const ch_sample_list all = {.count = state->setup.num_samples};
    const bool is_noisy = state->setup.dynamics == CH_DYNAMICS_SDE;
    const ch_random before = state->noise_random;
    ch_pass_summary seen;
    if (is_noisy) {
        draw_noise(state);
    }
    if (!ch_state_prepare(state, &all, -state->setup.rate / (double)all.count, is_noisy ? state->noise : NULL, &seen)) {
        state->noise_random = before;
        return false;
    }
    if (isfinite(seen.sum) && seen.unfitted == 0) {
        progress->status = ch_state_weights_are_finite(state) ? CH_FITTED : CH_DIVERGED;
    } else if (isfinite(seen.sum) && seen.active == 0) {
        end_stuck(progress, CH_CAUSE_NO_GRADIENT); /* all gradients have underflowed */
    } else {
        progress->steps++;
        (void)ch_learner_commit(self, &all, &seen);
    }
    return true;
}

void ch_learner_advance_full(ch_learner *learner, const ch_limit *limit)
{
    ch_network_learner *self = (ch_network_learner *)learner;
    while (ch_learner_goes_on(self, limit) && step_full(self)) {
    }
}

/* ---- unfitted ---- */

/* Draws min(B, U) of the U unfitted samples uniformly, and puts them at the front of self->order. self->margins must be
 * those of all samples.
 * @return their number */
static size_t draw_unfitted(ch_network_state *self)
{
    uint32_t count = 0;
    for (size_t mu = 0; mu < self->setup.num_samples; mu++) {
        if (!(self->margins[mu] >= self->setup.kappa)) {
            self->order[count++] = (uint32_t)mu;
        }
    }
    const uint32_t size = self->setup.batch < count ? (uint32_t)self->setup.batch : count;
    if (size < count) {
        ch_draw_shuffled(&self->random, self->order, size, count);
    }
    return size;
}

void ch_learner_advance_unfitted(ch_learner *learner, const ch_limit *limit)
{
    ch_network_learner *self = (ch_network_learner *)learner;
    ch_network_state *state = self->state;
    const double scale = -state->setup.rate / (double)state->setup.batch;
    ch_pass_summary seen;
    while (ch_learner_goes_on(self, limit)) {
        if (!ch_learner_check(self, &seen) || learner->progress.status != CH_RUNNING) {
            return;
        }
        const ch_random before = state->random;
        const ch_sample_list batch = {.index = state->order, .count = draw_unfitted(state)};
        if (!ch_state_prepare(state, &batch, scale, NULL, &seen)) {
            state->random = before;
            return;
        }
        learner->progress.steps++;
        (void)ch_learner_commit(self, &batch, &seen);
    }
}
