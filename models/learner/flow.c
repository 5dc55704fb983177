/* flow.c — gradient flow dw/dt = -grad L, by the Runge-Kutta pair of Bogacki and Shampine.
 *
 *   k1 = v(w), k2 = v(w + h k1 / 2), k3 = v(w + 3 h k2 / 4), v = -grad L
 *   w' = w + h (2 k1 + 3 k2 + 4 k3) / 9                  of order 3, taken; k4 = v(w') is the next step's k1
 *   w" = w + h (7 k1 / 24 + k2 / 4 + k3 / 3 + k4 / 8)    of order 2, for the error
 * A step counts where max_mu |F(w', x_mu) - F(w", x_mu)| <= tolerance kappa over the training samples; the next one is
 * 0.9 (tolerance kappa / error)^{1/3} times as long, 1/5 to 5 times. Where a sample's slope jumps (the hinge at kappa)
 * the error falls with h alone, and steps become as short as that takes. Source: Bogacki and Shampine, "A 3(2) pair of
 * Runge-Kutta formulas", Applied Mathematics Letters 2 (1989).
 */
#include "models/learner/state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double TOLERANCE = 1e-3;
static const double SAFETY = 0.9, LEAST_FACTOR = 0.2, MOST_FACTOR = 5;
/* Steps this short, in stretches, count whatever the error: rounding then is all of it. */
static const double LEAST_STEP = 0x1p-100;
/* Of a stretch, below which a rest is rounding. */
static const double ROUNDING = 1e-12;
/* Operations after which to come back for a look at the clock: some hundredths of a second. */
static const double OPERATIONS = 3e7;

/* slope = -grad L and margins at w. @return false when stopped */
static bool find_slope(ch_network_state *self, const double *weights, double *slope, ch_pass_summary *seen)
{
    const ch_sample_list all = {.count = self->setup.num_samples};
    memset(slope, 0, self->num_weights * sizeof *slope);
    ch_state_set_weights(self, weights);
    return ch_state_pass(self, &all, -1 / (double)all.count, NULL, slope, seen);
}

/* self->gradient = w + h sum_i c_i k_i, with the stages whose weight is not 0 */
static void set_trial(ch_network_state *self, double step, const double weights[4])
{
    const ch_flow *flow = &self->flow;
    memcpy(self->gradient, flow->weights, self->num_weights * sizeof *self->gradient);
    for (size_t s = 0; s < 4; s++) {
        for (size_t i = 0; weights[s] != 0 && i < self->num_weights; i++) {
            self->gradient[i] += step * weights[s] * flow->slopes[s][i];
        }
    }
}

/* w', k2 to k4 and flow->margins at w', in self->gradient w'. @return false when stopped */
static bool find_end(ch_network_state *self, double step, ch_pass_summary *seen)
{
    static const double stages[3][4] = {{0.5}, {0, 0.75}, {2.0 / 9, 3.0 / 9, 4.0 / 9}};
    for (size_t s = 0; s < 3; s++) {
        set_trial(self, step, stages[s]);
        if (!find_slope(self, self->gradient, self->flow.slopes[s + 1], seen)) {
            return false;
        }
    }
    memcpy(self->flow.margins, self->margins, self->setup.num_samples * sizeof *self->flow.margins);
    return true;
}

/* max |F(w') - F(w")| / (tolerance kappa), NaN where anything is. Leaves w" in self->gradient. */
static bool find_error(ch_network_state *self, double step, double *error)
{
    static const double lower[4] = {7.0 / 24, 1.0 / 4, 1.0 / 3, 1.0 / 8};
    const ch_flow *flow = &self->flow;
    ch_pass_summary seen;
    set_trial(self, step, lower);
    ch_state_set_weights(self, self->gradient);
    if (!ch_state_look(self, &seen)) {
        return false;
    }
    *error = 0;
    for (size_t mu = 0; mu < self->setup.num_samples; mu++) {
        const double apart = fabs(flow->margins[mu] - self->margins[mu]);
        *error = apart <= *error ? *error : apart;
    }
    *error /= flow->tolerance * self->setup.kappa;
    return true;
}

static void swap_slopes(ch_flow *self)
{
    double *first = self->slopes[0];
    self->slopes[0] = self->slopes[3];
    self->slopes[3] = first;
}

/* Takes w' of the step just tried. */
static void take(ch_network_state *self, double step)
{
    static const double third[4] = {2.0 / 9, 3.0 / 9, 4.0 / 9};
    ch_flow *flow = &self->flow;
    set_trial(self, step, third);
    memcpy(flow->weights, self->gradient, self->num_weights * sizeof *flow->weights);
    swap_slopes(flow);
    flow->time += step;
}

/* The next step's length, after one of `step` had `error`. A step cut short by the stretch's end does not shorten it.
 */
static void set_step(ch_flow *self, double step, double error)
{
    const double factor = SAFETY * cbrt(1 / error); /* infinite without an error */
    const double next = step * fmin(fmax(factor, LEAST_FACTOR), MOST_FACTOR);
    if (error <= 1) {
        self->step = fmax(next, step < self->step ? self->step : 0);
    } else {
        self->step = fmin(next, SAFETY * step);
    }
}

static void begin(ch_network_state *self)
{
    ch_flow *flow = &self->flow;
    ch_pass_summary seen;
    memcpy(flow->weights, ch_state_weights(self), self->num_weights * sizeof *flow->weights);
    flow->is_begun = find_slope(self, flow->weights, flow->slopes[0], &seen);
    flow->step = self->setup.rate;
}

/* The stretch, or the part of it before the run was fitted, is over. */
static void end_stretch(ch_network_learner *self, bool is_fitted)
{
    ch_progress *progress = &self->learner.progress;
    self->state->flow.time = 0;
    progress->steps++;
    progress->updates++;
    progress->last_update = progress->steps;
    progress->status = is_fitted ? CH_FITTED : CH_RUNNING;
}

/* One step of the pair, which counts or is to be tried again shorter. @return false when stopped */
static bool try_step(ch_network_learner *self)
{
    ch_network_state *state = self->state;
    ch_flow *flow = &state->flow;
    const double left = state->setup.rate - flow->time, least = LEAST_STEP * state->setup.rate;
    const double step = fmin(flow->step, left);
    ch_pass_summary seen;
    double error = 0;
    if (!find_end(state, step, &seen) || !find_error(state, step, &error)) {
        return false;
    }
    if (!isfinite(error) || !isfinite(seen.sum)) {
        flow->step = LEAST_FACTOR * step;
        self->learner.progress.status = flow->step > least ? CH_RUNNING : CH_DIVERGED;
        return true;
    }
    if (error <= 1 || step <= least) {
        take(state, step);
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
    const double samples = 10 * (double)state->setup.num_samples; /* three gradients and a forward pass */
    const double cost = samples * state->sample_cost;
    double spent = 0;
    if (!state->flow.is_begun) {
        begin(state);
    }
    while (state->flow.is_begun && spent < OPERATIONS && ch_learner_goes_on(self, limit) && try_step(self)) {
        spent += cost;
    }
    ch_state_set_weights(state, state->flow.weights);
}

ch_code ch_flow_init(ch_network_state *self, ch_error *err)
{
    ch_flow *flow = &self->flow;
    flow->tolerance = TOLERANCE;
    for (size_t s = 0; s < 4; s++) {
        flow->slopes[s] = ch_alloc(self->num_weights, sizeof *flow->slopes[s]);
    }
    flow->weights = ch_alloc(self->num_weights, sizeof *flow->weights);
    flow->margins = ch_alloc(self->setup.num_samples, sizeof *flow->margins);
    if (flow->slopes[0] == NULL || flow->slopes[1] == NULL || flow->slopes[2] == NULL || flow->slopes[3] == NULL ||
        flow->weights == NULL || flow->margins == NULL) {
        return ch_error_memory(err, "the flow's stages: lower width");
    }
    return CH_OK;
}

void ch_flow_free(ch_flow *self)
{
    for (size_t s = 0; s < 4; s++) {
        free(self->slopes[s]);
    }
    free(self->weights);
    free(self->margins);
}
