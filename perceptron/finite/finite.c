/* finite.c — the end of training with a finite number of samples, from the online ODE and a table of boxes. */
#include "perceptron/finite/finite.h"
#include "core/memory.h"
#include "data/linear_error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the online way ---- */

static const double POINTS_A_FACTOR = 1.08; /* between the times of a way */
static const double WAY_ERROR = 1e-6;       /* of its ODE in a step, far under the error that comes from boxes */

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

ch_code ch_online_way_init(ch_online_way *self, const ch_online_setup *setup, const ch_box_table *table, ch_error *err)
{
    memset(self, 0, sizeof *self);
    const double margin = ch_finite_margin(setup->kappa, setup->temp);
    if (setup->chi != table->law.chi || setup->dim != table->law.dim ||
        fabs(margin - table->law.margin) > 1e-9 * margin) {
        return ch_error_set(err, CH_ERROR_INPUT, "the table of boxes is of another chi, dim or kappa/temp");
    }
    const ch_online_setup at = effective(setup, table);
    self->table = table;
    self->next_time = at.rate;
    return ch_online_ode_init_coarse(&self->ode, &at, WAY_ERROR, err);
}

void ch_online_way_free(ch_online_way *self)
{
    ch_online_ode_free(&self->ode);
    free(self->points);
    memset(self, 0, sizeof *self);
}

/* ln x at a point, for P / d */
static double log_online_at(const ch_online_way *self, double samples_per_dim, size_t i)
{
    return log(self->points[i].unfitted * samples_per_dim);
}

static ch_code add_point(ch_online_way *self, ch_error *err)
{
    if (ch_grow((void **)&self->points, &self->capacity, self->num_points + 1, sizeof *self->points) != 0) {
        return ch_error_memory(err, "the online ODE's way");
    }
    ch_code code = ch_online_ode_advance(&self->ode, self->next_time, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_online_ode_observe(&self->ode, &self->points[self->num_points], err);
    if (code != CH_OK) {
        return code;
    }
    self->num_points++;
    self->next_time *= POINTS_A_FACTOR;
    return CH_OK;
}

/* Solves the online ODE further, until x is so low that every box has been absorbed: under all edges by a factor of
 * e^1.5, where the hazard is 1. */
static ch_code go_on_until_all_ended(ch_online_way *self, double samples_per_dim, ch_error *err)
{
    static const double BELOW_EDGES = 1.5;
    double last = INFINITY;
    for (size_t b = 0; b < self->table->num_boxes; b++) {
        last = fmin(last, self->table->edges[b] - BELOW_EDGES);
    }
    while (self->num_points < 2 || !(log_online_at(self, samples_per_dim, self->num_points - 1) < last)) {
        const ch_code code = add_point(self, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* ---- along one box ---- */

/* A training set at a point of the way. */
typedef struct {
    double time;
    double running; /* probability that its training has not ended */
    double hazard;
    ch_box_point ratios;
} step;

/* The numbers that all predictions need. */
typedef struct {
    const ch_online_way *way;
    double samples_per_dim; /* P / d */
    double unit;            /* of the hazard's time, T P */
    step *steps;            /* [num_points of the way] those of one box; owned */
} prediction;

static ch_code prepare(prediction *self, ch_online_way *way, double num_samples, ch_error *err)
{
    const size_t dim = way->table->law.dim;
    *self = (prediction){
        .way = way, .samples_per_dim = num_samples / (double)dim, .unit = way->ode.setup.temp * num_samples};
    ch_code code = ch_finite_check(&way->ode.setup, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    code = go_on_until_all_ended(way, self->samples_per_dim, err);
    if (code != CH_OK) {
        return code;
    }
    self->steps = ch_alloc(way->num_points, sizeof *self->steps);
    return self->steps != NULL ? CH_OK : ch_error_memory(err, "a prediction for a finite training set");
}

/* Fills the steps of one box. A step takes 1 / g times as long as in the online limit, g being the mean of the values
 * at both of its ends. */
static void walk(const prediction *self, size_t box)
{
    const ch_online_point *points = self->way->points;
    for (size_t i = 0; i < self->way->num_points; i++) {
        step *now = &self->steps[i];
        const double log_online = log_online_at(self->way, self->samples_per_dim, i);
        now->ratios = ch_box_table_at(self->way->table, box, log_online, &now->hazard);
        if (i == 0) {
            now->time = points[0].time;
            now->running = 1;
            continue;
        }
        const step *last = &self->steps[i - 1];
        const double online_time = points[i].time - points[i - 1].time;
        const double passed = online_time * 2 / (last->ratios.drift + now->ratios.drift);
        now->time = last->time + passed;
        now->running = last->running * exp(-(last->hazard + now->hazard) / 2 * passed / self->unit);
    }
}

/* ---- the end ---- */

/* Quantities of an end; those of the way lack the time and have the unfitted samples. */
enum { SIGNAL, NOISE, LAMBDA, WEIGHT_CHANGE, TEST_ERROR, TIME, NUM_QUANTITIES, UNFITTED = TIME };

typedef struct {
    double weight, sum[NUM_QUANTITIES], squares[NUM_QUANTITIES];
} moments;

static void add_logs(moments *self, double weight, const double value[NUM_QUANTITIES])
{
    self->weight += weight;
    for (size_t k = 0; k < NUM_QUANTITIES; k++) {
        self->sum[k] += weight * log(value[k]);
        self->squares[k] += weight * log(value[k]) * log(value[k]);
    }
}

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
    add_logs(self, weight, value);
    return CH_OK;
}

static ch_finite_value value_of(const moments *self, size_t quantity)
{
    if (!(self->weight > 0)) {
        return (ch_finite_value){NAN, NAN};
    }
    const double mean = self->sum[quantity] / self->weight;
    return (ch_finite_value){exp(mean), sqrt(fmax(0, self->squares[quantity] / self->weight - mean * mean))};
}

/* Adds the possible ends of training of one box, each with its probability. */
static ch_code add_box(moments *self, const prediction *at, size_t box, ch_error *err)
{
    static const double SURELY_ENDED = 1e-6;
    const ch_box_table *table = at->way->table;
    for (size_t i = 1; i < at->way->num_points && at->steps[i - 1].running > SURELY_ENDED; i++) {
        const step *now = &at->steps[i];
        const ch_online_point *point = &at->way->points[i];
        const double quiet = ch_box_table_end_noise(table, box, log_online_at(at->way, at->samples_per_dim, i));
        const ch_code code = add_end(self, now[-1].running - now->running, point, now->time,
                                     point->noise * now->ratios.noise * quiet, table->law.chi, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

ch_code ch_finite_predict_on(ch_finite_end *end, ch_online_way *way, double num_samples, ch_error *err)
{
    prediction at;
    moments sums = {0};
    memset(end, 0, sizeof *end);
    ch_code code = prepare(&at, way, num_samples, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t box = 0; box < way->table->num_boxes; box++) {
        walk(&at, box);
        code = add_box(&sums, &at, box, err);
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
    code = ch_finite_check_lambda(end->lambda.value, num_samples, err);
out:
    free(at.steps);
    return code;
}

ch_code ch_finite_predict(ch_finite_end *end, const ch_online_setup *setup, double num_samples,
                          const ch_box_table *table, ch_error *err)
{
    ch_online_way way;
    memset(end, 0, sizeof *end);
    ch_code code = ch_online_way_init(&way, setup, table, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_finite_predict_on(end, &way, num_samples, err);
out:
    ch_online_way_free(&way);
    return code;
}

/* ---- the way ---- */

static double between(double a, double b, double share)
{
    return a + (b - a) * share;
}

/* Adds the logarithms of one box at one time, between steps i and i + 1, to the moments of a point. */
static ch_code add_to_point(moments *self, double time, const prediction *at, size_t i, ch_error *err)
{
    const step *now = &at->steps[i];
    const ch_online_point *point = &at->way->points[i];
    const double share = (time - now[0].time) / (now[1].time - now[0].time);
    const double noise[] = {point[0].noise * now[0].ratios.noise, point[1].noise * now[1].ratios.noise};
    const double unfitted[] = {point[0].unfitted * now[0].ratios.unfitted, point[1].unfitted * now[1].ratios.unfitted};
    double value[NUM_QUANTITIES] = {
        [SIGNAL] = exp(between(log(point[0].signal), log(point[1].signal), share)),
        [NOISE] = exp(between(log(noise[0]), log(noise[1]), share)),
        [UNFITTED] = exp(between(log(unfitted[0]), log(unfitted[1]), share)),
    };
    value[LAMBDA] = value[SIGNAL] / value[NOISE];
    value[WEIGHT_CHANGE] = hypot(value[SIGNAL], value[NOISE]);
    const ch_code code =
        ch_linear_test_error(at->way->table->law.chi, value[SIGNAL], value[NOISE], &value[TEST_ERROR], err);
    if (code != CH_OK) {
        return code;
    }
    add_logs(self, between(now[0].running, now[1].running, share), value);
    return CH_OK;
}

/* Adds the way of one box to the moments of all points. */
static ch_code add_way(moments *sums, const double *times, size_t num_times, const prediction *at, ch_error *err)
{
    size_t i = 0;
    for (size_t k = 0; k < num_times; k++) {
        while (i + 2 < at->way->num_points && at->steps[i + 1].time < times[k]) {
            i++;
        }
        if (times[k] >= at->steps[i].time && times[k] <= at->steps[i + 1].time) {
            const ch_code code = add_to_point(&sums[k], times[k], at, i, err);
            if (code != CH_OK) {
                return code;
            }
        }
    }
    return CH_OK;
}

static ch_finite_point point_of(const moments *sums, double time, size_t num_boxes)
{
    const ch_finite_value signal = value_of(sums, SIGNAL), noise = value_of(sums, NOISE);
    const ch_finite_value unfitted = value_of(sums, UNFITTED), error = value_of(sums, TEST_ERROR);
    const ch_finite_value weight_change = value_of(sums, WEIGHT_CHANGE);
    return (ch_finite_point){.time = time,
                             .signal = signal.value,
                             .noise = noise.value,
                             .unfitted = unfitted.value,
                             .running = sums->weight / (double)num_boxes,
                             .weight_change = weight_change.value,
                             .test_error = error.value,
                             .signal_spread = signal.spread,
                             .noise_spread = noise.spread,
                             .unfitted_spread = unfitted.spread,
                             .weight_change_spread = weight_change.spread,
                             .test_error_spread = error.spread};
}

ch_code ch_finite_follow_on(ch_finite_point *points, const double *times, size_t num_times, ch_online_way *way,
                            double num_samples, ch_error *err)
{
    const size_t num_boxes = way->table->num_boxes;
    prediction at;
    moments *sums = NULL;
    ch_code code = prepare(&at, way, num_samples, err);
    if (code != CH_OK) {
        goto out;
    }
    sums = ch_alloc(num_times, sizeof *sums);
    if (sums == NULL) {
        code = ch_error_memory(err, "the way of a finite training set");
        goto out;
    }
    for (size_t box = 0; box < num_boxes; box++) {
        walk(&at, box);
        code = add_way(sums, times, num_times, &at, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    for (size_t k = 0; k < num_times; k++) {
        points[k] = point_of(&sums[k], times[k], num_boxes);
    }
out:
    free(sums);
    free(at.steps);
    return code;
}

ch_code ch_finite_follow(ch_finite_point *points, const double *times, size_t num_times, const ch_online_setup *setup,
                         double num_samples, const ch_box_table *table, ch_error *err)
{
    ch_online_way way;
    ch_code code = ch_online_way_init(&way, setup, table, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_finite_follow_on(points, times, num_times, &way, num_samples, err);
out:
    ch_online_way_free(&way);
    return code;
}
