/* flow.c — gradient flow, by the Runge-Kutta pair of Bogacki and Shampine; flow.h has the formulas. */
#include "models/learner/flow.h"

#include "core/buffers.h"
#include "core/snapshot.h"

#include <math.h>
#include <string.h>

static const double TOLERANCE = 1e-3;
static const double SAFETY = 0.9, LEAST_FACTOR = 0.2, MOST_FACTOR = 5;
/* The length of the shortest trials, in stretches. They count whatever their error is, because it is then only
 * rounding. */
static const double LEAST_STEP = 0x1p-100;
/* A remainder of a stretch that is shorter than this, in stretches, comes from rounding and counts as none. */
static const double ROUNDING = 1e-12;
/* The number of operations after which the function returns, so that its caller can look at the clock. They take some
 * hundredths of a second. */
static const double OPERATIONS = 3e7;

/* slope = -grad L at `weights`, and the margins there.  @return false when stopped */
static bool find_slope(ch_network_state *state, const double *weights, double *slope, ch_pass_summary *seen)
{
    const ch_sample_list all = {.count = state->setup.num_samples};
    memset(slope, 0, state->num_weights * sizeof *slope);
    ch_state_set_weights(state, weights);
    return ch_state_pass(state, &all, -1 / (double)all.count, NULL, slope, seen);
}

/* state->gradient = w + h sum_s c_s k_s; slopes whose factor is 0 are not read. */
static void set_trial(const ch_flow *self, ch_network_state *state, double step, const double factors[4])
{
    memcpy(state->gradient, self->weights, state->num_weights * sizeof *state->gradient);
    for (size_t s = 0; s < 4; s++) {
        for (size_t i = 0; factors[s] != 0 && i < state->num_weights; i++) {
            state->gradient[i] += step * factors[s] * self->slopes[s][i];
        }
    }
}

/* Finds k2 to k4 and the margins at w', and leaves w' in state->gradient.  @return false when stopped */
static bool find_end(ch_flow *self, ch_network_state *state, double step, ch_pass_summary *seen)
{
    static const double stages[3][4] = {{0.5}, {0, 0.75}, {2.0 / 9, 3.0 / 9, 4.0 / 9}};
    for (size_t s = 0; s < 3; s++) {
        set_trial(self, state, step, stages[s]);
        if (!find_slope(state, state->gradient, self->slopes[s + 1], seen)) {
            return false;
        }
    }
    memcpy(self->margins, state->margins, state->setup.num_samples * sizeof *self->margins);
    return true;
}

/* error = max |F(w') - F(w")| / (tolerance kappa), NaN where an output is. Leaves w" in state->gradient.
 * @return false when stopped */
static bool find_error(const ch_flow *self, ch_network_state *state, double step, double *error)
{
    static const double lower[4] = {7.0 / 24, 1.0 / 4, 1.0 / 3, 1.0 / 8};
    ch_pass_summary seen;
    set_trial(self, state, step, lower);
    ch_state_set_weights(state, state->gradient);
    if (!ch_state_look(state, &seen)) {
        return false;
    }
    *error = 0;
    for (size_t mu = 0; mu < state->setup.num_samples; mu++) {
        const double apart = fabs(self->margins[mu] - state->margins[mu]);
        *error = apart <= *error ? *error : apart;
    }
    *error /= self->tolerance * state->setup.kappa;
    return true;
}

static void swap_slopes(ch_flow *self)
{
    double *first = self->slopes[0];
    self->slopes[0] = self->slopes[3];
    self->slopes[3] = first;
}

/* Moves to w' of the trial that was just made. */
static void accept(ch_flow *self, ch_network_state *state, double step)
{
    static const double third[4] = {2.0 / 9, 3.0 / 9, 4.0 / 9};
    set_trial(self, state, step, third);
    memcpy(self->weights, state->gradient, state->num_weights * sizeof *self->weights);
    swap_slopes(self);
    self->time += step;
}

/* Sets the length of the next trial after one of length `step` had `error`. A trial that was cut short by the end of
 * its stretch does not make the next one shorter. */
static void set_step(ch_flow *self, double step, double error)
{
    const double factor = SAFETY * cbrt(1 / error); /* infinite for an error of 0 */
    const double next = step * fmin(fmax(factor, LEAST_FACTOR), MOST_FACTOR);
    if (error <= 1) {
        self->step = fmax(next, step < self->step ? self->step : 0);
    } else {
        self->step = fmin(next, SAFETY * step);
    }
}

static void begin(ch_flow *self, ch_network_state *state)
{
    ch_pass_summary seen;
    memcpy(self->weights, ch_state_weights(state), state->num_weights * sizeof *self->weights);
    self->is_begun = find_slope(state, self->weights, self->slopes[0], &seen);
    self->step = state->setup.rate;
}

/* Counts a stretch that is over, or the part of it before the run was fitted. */
static void end_stretch(ch_network_learner *self, bool is_fitted)
{
    ch_progress *progress = &self->learner.progress;
    self->flow->time = 0;
    progress->steps++;
    progress->updates++;
    progress->last_update = progress->steps;
    progress->status = is_fitted ? CH_FITTED : CH_RUNNING;
    if (!is_fitted) {
        ch_state_set_weights(self->state, self->flow->weights);
        ch_learner_check_rest(self);
    }
}

/* Makes one trial. It either counts, or a shorter one has to follow.
 * @return false when stopped */
static bool try_step(ch_network_learner *self)
{
    ch_network_state *state = self->state;
    ch_flow *flow = self->flow;
    const double left = state->setup.rate - flow->time, least = LEAST_STEP * state->setup.rate;
    const double step = fmin(flow->step, left);
    ch_pass_summary seen;
    double error = 0;
    if (!find_end(flow, state, step, &seen) || !find_error(flow, state, step, &error)) {
        return false;
    }
    if (!isfinite(error) || !isfinite(seen.sum)) {
        flow->step = LEAST_FACTOR * step;
        self->learner.progress.status = flow->step > least ? CH_RUNNING : CH_DIVERGED;
        return true;
    }
    if (error <= 1 || step <= least) {
        accept(flow, state, step);
        if (seen.unfitted == 0 || left - step <= ROUNDING * state->setup.rate) {
            end_stretch(self, seen.unfitted == 0);
        }
    }
    set_step(flow, step, error);
    return true;
}

void ch_learner_advance_flow(ch_learner *learner, const ch_limit *limit)
{
    ch_network_learner *self = (ch_network_learner *)learner;
    ch_network_state *state = self->state;
    /* three gradients and a forward pass of every sample */
    const double samples = 10 * (double)state->setup.num_samples;
    const double cost = samples * state->sample_cost;
    double spent = 0;
    if (!self->flow->is_begun) {
        begin(self->flow, state);
    }
    while (self->flow->is_begun && spent < OPERATIONS && ch_learner_goes_on(self, limit) && try_step(self)) {
        spent += cost;
    }
    ch_state_set_weights(state, self->flow->weights);
}

void ch_flow_exchange(ch_flow *self, const ch_network_state *state, ch_snapshot *snapshot)
{
    ch_snapshot_begin(snapshot, "flow");
    ch_snapshot_flag(snapshot, &self->is_begun);
    CH_SNAPSHOT_NUMBER(snapshot, self->time);
    CH_SNAPSHOT_NUMBER(snapshot, self->step);
    ch_snapshot_array(snapshot, self->weights, state->num_weights, sizeof *self->weights);
    ch_snapshot_array(snapshot, self->slopes[0], state->num_weights, sizeof *self->slopes[0]);
    ch_snapshot_end(snapshot);
}

/* ---- memory ---- */

/* The list of buffers. To free them it needs no sizes: state may then be NULL. */
static ch_buffer_list buffers_of(const ch_flow *self, const ch_network_state *state)
{
    const size_t num_weights = state != NULL ? state->num_weights : 0;
    return (ch_buffer_list){{
        CH_BUFFER(self->slopes[0], num_weights),
        CH_BUFFER(self->slopes[1], num_weights),
        CH_BUFFER(self->slopes[2], num_weights),
        CH_BUFFER(self->slopes[3], num_weights),
        CH_BUFFER(self->weights, num_weights),
        CH_BUFFER(self->margins, state != NULL ? state->setup.num_samples : 0),
    }};
}

double ch_flow_bytes(const ch_network_state *state)
{
    const ch_buffer_list buffers = buffers_of(&(ch_flow){.time = 0}, state);
    return ch_buffers_bytes(&buffers);
}

ch_code ch_flow_init(ch_flow *self, const ch_network_state *state, ch_error *err)
{
    const ch_buffer_list buffers = buffers_of(self, state);
    self->tolerance = TOLERANCE;
    return ch_buffers_alloc(&buffers) ? CH_OK : ch_error_memory(err, "the flow's stages: lower width");
}

void ch_flow_free(ch_flow *self)
{
    const ch_buffer_list buffers = buffers_of(self, NULL);
    ch_buffers_free(&buffers);
}
