/* finite.c — the end of training with a finite number of samples, from the online ODE and a table of boxes. */
#include "perceptron/finite/finite.h"
#include "core/memory.h"
#include "data/linear_error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double ch_finite_margin(double kappa, double temp)
{
    static const double NEGLIGIBLE = 0x1p-10;
    const double margin = kappa / temp;
    return margin < NEGLIGIBLE ? 0 : fmin(margin, CH_FINITE_MOST_MARGIN);
}

/* The way of the online ODE, at times that are evenly spaced in the logarithm. */
typedef struct {
    double samples_per_dim;  /* P / d */
    ch_online_point *points; /* [num_points]; owned */
    size_t num_points, capacity;
} path;

static const double POINTS_A_FACTOR = 1.08; /* between the times of the path */

static double log_online_at(const path *self, size_t i)
{
    return log(self->points[i].unfitted * self->samples_per_dim);
}

static ch_code add_point(path *self, ch_online_ode *ode, double time, ch_error *err)
{
    if (ch_grow((void **)&self->points, &self->capacity, self->num_points + 1, sizeof *self->points) != 0) {
        return ch_error_memory(err, "the online ODE's way");
    }
    const ch_code code = ch_online_ode_advance(ode, time, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_online_ode_observe(ode, &self->points[self->num_points++], err);
}

/* Where the margin is at its bound, weights do not depend on T any more: T is then the one at that bound. */
static ch_online_setup effective(const ch_online_setup *setup, const ch_box_table *table)
{
    ch_online_setup at = *setup;
    if (table->law.margin > 0) {
        at.temp = setup->kappa / table->law.margin;
        at.rate = fmax(setup->rate, at.temp);
    } else {
        at.kappa = 0;
    }
    return at;
}

/* Follows the online ODE until x is so low that every box has been absorbed. */
static ch_code follow_online(path *self, const ch_online_setup *setup, const ch_box_table *table, ch_error *err)
{
    const double last = table->log_online[table->num_densities - 1];
    ch_online_ode ode;
    ch_code code = ch_online_ode_init(&ode, setup, err);
    for (double time = setup->rate; code == CH_OK; time *= POINTS_A_FACTOR) {
        code = add_point(self, &ode, time, err);
        if (code != CH_OK || log_online_at(self, self->num_points - 1) < last) {
            break;
        }
    }
    ch_online_ode_free(&ode);
    return code;
}

static ch_code check(const ch_online_setup *setup, double num_samples, const ch_box_table *table, ch_error *err)
{
    const double margin = ch_finite_margin(setup->kappa, setup->temp);
    if (setup->chi != table->law.chi || setup->dim != table->law.dim ||
        fabs(margin - table->law.margin) > 1e-9 * margin) {
        return ch_error_set(err, CH_ERROR_INPUT, "the table of boxes is of another chi, dim or kappa/temp");
    }
    if (!(num_samples >= (double)setup->dim)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "train is %g; what is expected of a finite training set needs train >= dim = %zu",
                            num_samples, setup->dim);
    }
    return CH_OK;
}

/* ---- along one box ---- */

/* A training set at a point of the path. */
typedef struct {
    double time;
    double running; /* probability that its training has not ended */
    double hazard;
    ch_box_point ratios;
} step;

/* Fills the steps [num_points] of one box. Time passes 1 / g as fast as online, g being the mean of both ends. */
static void walk(step *steps, const path *online, const ch_box_table *table, size_t box, double unit)
{
    for (size_t i = 0; i < online->num_points; i++) {
        step *now = &steps[i];
        now->ratios = ch_box_table_at(table, box, log_online_at(online, i), &now->hazard);
        if (i == 0) {
            now->time = online->points[0].time;
            now->running = 1;
            continue;
        }
        const step *last = &steps[i - 1];
        const double online_time = online->points[i].time - online->points[i - 1].time;
        const double passed = online_time * 2 / (last->ratios.drift + now->ratios.drift);
        now->time = last->time + passed;
        now->running = last->running * exp(-(last->hazard + now->hazard) / 2 * passed / unit);
    }
}

/* What all predictions need: the path, and room for the steps of a box. */
typedef struct {
    path online;
    step *steps; /* [num_points]; owned */
    double unit; /* of the hazard's time, T P */
} prediction;

static ch_code prepare(prediction *self, const ch_online_setup *setup, double num_samples, const ch_box_table *table,
                       ch_error *err)
{
    memset(self, 0, sizeof *self);
    ch_code code = check(setup, num_samples, table, err);
    if (code != CH_OK) {
        return code;
    }
    const ch_online_setup at = effective(setup, table);
    self->online.samples_per_dim = num_samples / (double)setup->dim;
    self->unit = at.temp * num_samples;
    code = follow_online(&self->online, &at, table, err);
    if (code != CH_OK) {
        return code;
    }
    self->steps = ch_alloc(self->online.num_points, sizeof *self->steps);
    return self->steps != NULL ? CH_OK : ch_error_memory(err, "a prediction for a finite training set");
}

static void release(prediction *self)
{
    free(self->online.points);
    free(self->steps);
}

/* ---- the end ---- */

enum { SIGNAL, NOISE, LAMBDA, WEIGHT_CHANGE, TIME, TEST_ERROR, NUM_QUANTITIES };

typedef struct {
    double weight, sum[NUM_QUANTITIES], squares[NUM_QUANTITIES];
} moments;

/* Adds the logarithms at a point to the moments. */
static ch_code add_end(moments *self, double weight, const ch_online_point *point, double time, double noise,
                       double chi, ch_error *err)
{
    double value[NUM_QUANTITIES] = {[SIGNAL] = point->signal,
                                    [NOISE] = noise,
                                    [LAMBDA] = point->signal / noise,
                                    [WEIGHT_CHANGE] = hypot(point->signal, noise),
                                    [TIME] = time};
    const ch_code code = ch_linear_test_error(chi, point->signal, noise, &value[TEST_ERROR], err);
    if (code != CH_OK) {
        return code;
    }
    self->weight += weight;
    for (size_t k = 0; k < NUM_QUANTITIES; k++) {
        self->sum[k] += weight * log(value[k]);
        self->squares[k] += weight * log(value[k]) * log(value[k]);
    }
    return CH_OK;
}

static ch_finite_value value_of(const moments *self, size_t quantity)
{
    const double mean = self->sum[quantity] / self->weight;
    return (ch_finite_value){exp(mean), sqrt(fmax(0, self->squares[quantity] / self->weight - mean * mean))};
}

/* Adds the end of training of one box: where it may be, each with its probability. */
static ch_code add_box(moments *self, const prediction *at, const ch_box_table *table, size_t box, ch_error *err)
{
    static const double SURELY_ENDED = 1e-6;
    for (size_t i = 1; i < at->online.num_points && at->steps[i - 1].running > SURELY_ENDED; i++) {
        const step *now = &at->steps[i];
        const ch_online_point *point = &at->online.points[i];
        const double quiet = ch_box_table_end_noise(table, box, log_online_at(&at->online, i));
        const ch_code code = add_end(self, now[-1].running - now->running, point, now->time,
                                     point->noise * now->ratios.noise * quiet, table->law.chi, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

ch_code ch_finite_predict(ch_finite_end *end, const ch_online_setup *setup, double num_samples,
                          const ch_box_table *table, ch_error *err)
{
    prediction at;
    moments sums = {0};
    memset(end, 0, sizeof *end);
    ch_code code = prepare(&at, setup, num_samples, table, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t box = 0; box < table->num_boxes; box++) {
        walk(at.steps, &at.online, table, box, at.unit);
        code = add_box(&sums, &at, table, box, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    end->signal = value_of(&sums, SIGNAL);
    end->noise = value_of(&sums, NOISE);
    end->lambda = value_of(&sums, LAMBDA);
    end->weight_change = value_of(&sums, WEIGHT_CHANGE);
    end->time = value_of(&sums, TIME);
    end->test_error = value_of(&sums, TEST_ERROR);
out:
    release(&at);
    return code;
}

/* ---- the way ---- */

static double between(double a, double b, double share)
{
    return a + (b - a) * share;
}

/* Adds the logarithms of one box at one time, between steps i and i + 1, to the sums of a point. */
static void add_to_point(ch_finite_point *sums, const prediction *at, size_t i)
{
    const step *now = &at->steps[i];
    const ch_online_point *point = &at->online.points[i];
    const double share = (sums->time - now[0].time) / (now[1].time - now[0].time);
    const double weight = between(now[0].running, now[1].running, share);
    const double noise[] = {point[0].noise * now[0].ratios.noise, point[1].noise * now[1].ratios.noise};
    const double unfitted[] = {point[0].unfitted * now[0].ratios.unfitted, point[1].unfitted * now[1].ratios.unfitted};
    sums->running += weight;
    sums->signal += weight * between(log(point[0].signal), log(point[1].signal), share);
    sums->noise += weight * between(log(noise[0]), log(noise[1]), share);
    sums->unfitted += weight * between(log(unfitted[0]), log(unfitted[1]), share);
}

static void close_point(ch_finite_point *self, size_t num_boxes)
{
    self->signal = exp(self->signal / self->running);
    self->noise = exp(self->noise / self->running);
    self->unfitted = exp(self->unfitted / self->running);
    self->running /= (double)num_boxes;
}

ch_code ch_finite_follow(ch_finite_point *points, const double *times, size_t num_times, const ch_online_setup *setup,
                         double num_samples, const ch_box_table *table, ch_error *err)
{
    prediction at;
    const ch_code code = prepare(&at, setup, num_samples, table, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t k = 0; k < num_times; k++) {
        points[k] = (ch_finite_point){.time = times[k]};
    }
    for (size_t box = 0; box < table->num_boxes; box++) {
        size_t i = 0;
        walk(at.steps, &at.online, table, box, at.unit);
        for (size_t k = 0; k < num_times; k++) {
            while (i + 2 < at.online.num_points && at.steps[i + 1].time < times[k]) {
                i++;
            }
            if (times[k] >= at.steps[i].time && times[k] <= at.steps[i + 1].time) {
                add_to_point(&points[k], &at, i);
            }
        }
    }
    for (size_t k = 0; k < num_times; k++) {
        close_point(&points[k], table->num_boxes);
    }
out:
    release(&at);
    return code;
}
