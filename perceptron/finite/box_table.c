/* box_table.c — averages of many boxes and their rate of absorption over their density. */
#include "perceptron/finite/box_table.h"
#include "core/memory.h"
#include "core/minmax.h"
#include "perceptron/finite/box_arrays.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double HIGHEST = 1.5;     /* x at the first density, unless less will do, or that takes too many samples */
static const double MOST_PER_DIM = 28; /* samples of a box, over d */
static const double LOWEST = 0.01;     /* x at the last density */
/* A box is simulated at each density for the time in which the online limit has KICKS kicks per factor e of x, at
 * d <= MANY, and in proportion to d for d > MANY; but at least for LEAST_TIME, in units of T P at margin 0. That is
 * enough for the averages at small d, and for the absorptions, which are rare, at large d. */
static const double KICKS = 8000, LEAST_TIME = 40;
static const size_t MANY = 64;
static const double SURE_HAZARD = 0.6; /* a box that has this rate of absorption is not simulated at lower densities */

size_t ch_box_table_boxes(size_t dim)
{
    enum { LEAST = 24, MOST = 128, TIMES_DIM = 4096 };
    return ch_size_max(LEAST, ch_size_min(MOST, TIMES_DIM / dim));
}

/* ---- the hazard ---- */

/* What a simulation of one box at one density has given. */
typedef struct {
    double absorptions, time, end_noise; /* as ch_box_averages */
} sighting;

static double log_hazard(const ch_box_table *self, double z)
{
    const double bent = z > 0 ? self->bend * z * sqrt(z) : 0;
    return fmin(0, log(CH_BOX_EDGE_HAZARD) - self->slope * z - bent);
}

/* The logarithm of the likelihood of the absorptions of one box, up to a constant. */
static double likelihood_of_box(const ch_box_table *self, const sighting *seen, double edge)
{
    double sum = 0;
    for (size_t k = 0; k < self->num_densities; k++) {
        const double value = log_hazard(self, self->log_online[k] - edge);
        sum += seen[k].absorptions * value - exp(value) * seen[k].time;
    }
    return sum;
}

/* The most likely of `count` edges from `first` down, `step` apart. */
static double best_edge(const ch_box_table *self, const sighting *seen, double first, double step, size_t count)
{
    double best = -INFINITY, edge = first;
    for (size_t i = 0; i < count; i++) {
        const double tried = first - step * (double)i, value = likelihood_of_box(self, seen, tried);
        if (value > best) {
            best = value;
            edge = tried;
        }
    }
    return edge;
}

/* The edge of a box to 1/16 of a step between densities: first to a step, then between its neighbours. */
static double find_edge(const ch_box_table *self, const sighting *seen)
{
    enum { PARTS = 16 };
    const double near = best_edge(self, seen, self->log_online[0], self->step, self->num_densities);
    return best_edge(self, seen, near + self->step, self->step / PARTS, 2 * PARTS + 1);
}

/* One step of Newton's method in slope and bend at given edges: sums over all boxes and densities where H < 1. */
static void improve_shape(ch_box_table *self, const sighting *seen)
{
    double by_slope = 0, by_bend = 0, slope2 = 0, cross = 0, bend2 = 0;
    for (size_t i = 0; i < self->num_boxes * self->num_densities; i++) {
        const double z = self->log_online[i % self->num_densities] - self->edges[i / self->num_densities];
        const double value = log_hazard(self, z), bent = z > 0 ? z * sqrt(z) : 0;
        if (value < 0) {
            const double expected = exp(value) * seen[i].time, excess = seen[i].absorptions - expected;
            by_slope -= excess * z;
            by_bend -= excess * bent;
            slope2 += expected * z * z;
            cross += expected * z * bent;
            bend2 += expected * bent * bent;
        }
    }
    const double det = slope2 * bend2 - cross * cross;
    const double slope = self->slope + (bend2 * by_slope - cross * by_bend) / det;
    const double bend = self->bend + (slope2 * by_bend - cross * by_slope) / det;
    /* a step is cut where it would leave the range that makes sense: the hazard falls while x rises */
    self->slope = fmax(self->slope / 2, fmin(2 * self->slope, isfinite(slope) ? slope : self->slope));
    self->bend = fmax(0, fmin(2 * self->bend + 1, isfinite(bend) ? bend : self->bend));
}

/* Least squares of ln(noise at absorption / mean noise) = -calm z over all absorptions seen at z > 0. */
static void fit_end_noise(ch_box_table *self, const sighting *seen)
{
    double product = 0, square = 0;
    for (size_t i = 0; i < self->num_boxes * self->num_densities; i++) {
        const double z = self->log_online[i % self->num_densities] - self->edges[i / self->num_densities];
        if (z > 0 && seen[i].absorptions > 0 && isfinite(seen[i].end_noise)) {
            product -= seen[i].absorptions * z * log(seen[i].end_noise);
            square += seen[i].absorptions * z * z;
        }
    }
    self->calm = square > 0 ? product / square : 0;
}

static ch_code fit_hazard(ch_box_table *self, const sighting *seen, ch_error *err)
{
    enum { NEWTON_STEPS = 20 };
    double time = 0, absorptions = 0;
    for (size_t i = 0; i < self->num_boxes * self->num_densities; i++) {
        time += seen[i].time;
        absorptions += seen[i].absorptions;
    }
    if (absorptions == 0) {
        return ch_error_set(
            err, CH_ERROR_NUMERIC,
            "at chi = %g, dim = %zu and kappa/temp = %g training did not end in any box of samples, so that "
            "its expected end is not known",
            self->law.chi, self->law.dim, self->law.margin);
    }
    self->least_hazard = 1 / time;
    self->slope = 4;
    self->bend = 10;
    for (int round = 0; round < CH_BOX_ROUNDS; round++) {
        for (size_t b = 0; b < self->num_boxes; b++) {
            self->edges[b] = find_edge(self, seen + b * self->num_densities);
        }
        for (int step = 0; step < NEWTON_STEPS; step++) {
            improve_shape(self, seen);
        }
    }
    fit_end_noise(self, seen);
    return CH_OK;
}

/* ---- the boxes ---- */

/* Simulates one box at all densities, from the highest on, until it is absorbed for good. */
static ch_code follow_box(ch_box_table *self, size_t index, uint64_t seed, sighting *seen, const ch_watch *watch,
                          ch_error *err)
{
    ch_box box;
    const double most = exp(self->log_online[0]) / self->online.unfitted;
    ch_code code = ch_box_init(&box, &self->law, most, seed, index, err);
    /* the time in which the noise relaxes grows as its square */
    const double scale = 1 + 4 * self->online.noise * self->online.noise;
    bool alive = true;
    for (size_t k = 0; k < self->num_densities && alive && code == CH_OK; k++) {
        const double online = exp(self->log_online[k]), density = online / self->online.unfitted;
        const double time =
            scale * self->step * fmax(LEAST_TIME, KICKS / (online * (double)ch_size_min(MANY, self->law.dim)));
        ch_box_averages mean;
        alive = ch_box_follow(&box, density, time / 4, time, watch, &mean);
        if (ch_watch_is_stopped(watch)) {
            code = ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped while boxes of samples were simulated");
            break;
        }
        /* a box that stays absorbed counts as one that is absorbed at once */
        seen[k] = (sighting){mean.absorptions + !alive, mean.time + !alive, mean.end_noise / mean.noise};
        alive = alive && mean.absorptions < SURE_HAZARD * mean.time;
        if (alive) {
            self->num_followed[index] = k + 1;
            self->points[index * self->num_densities + k] = (ch_box_point){
                mean.unfitted / online, mean.drift / (self->online.drift * density), mean.noise / self->online.noise};
        }
    }
    ch_box_free(&box);
    return code;
}

static ch_code follow_boxes(ch_box_table *self, uint64_t seed, sighting *seen, int threads, const ch_watch *watch,
                            ch_error *err)
{
    ch_code first = CH_OK;
    size_t done = 0;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (size_t b = 0; b < self->num_boxes; b++) {
        ch_error failure = {0};
        ch_code code;
#pragma omp critical(ch_box_table)
        code = first;
        if (code == CH_OK) {
            code = follow_box(self, b, seed, seen + b * self->num_densities, watch, &failure);
        }
#pragma omp critical(ch_box_table)
        {
            if (code != CH_OK && first == CH_OK) {
                first = code;
                *err = failure;
            }
            done++;
            const ch_watch_report report = {.unit = "boxes",
                                            .done = done,
                                            .total = self->num_boxes,
                                            .share = (double)done / (double)self->num_boxes};
            ch_watch_progress(watch, &report);
        }
    }
    return first;
}

/* ---- the table ---- */

ch_buffer_list ch_box_table_buffers(ch_box_table *self)
{
    return (ch_buffer_list){{
        CH_BUFFER(self->log_online, self->num_densities),
        CH_BUFFER(self->num_followed, self->num_boxes),
        CH_BUFFER(self->edges, self->num_boxes),
        CH_BUFFER(self->points, self->num_boxes * self->num_densities),
    }};
}

/* Between densities, in ln x. The hazard rises from 1e-4 to 1 over a range of ln x that narrows as d^{-2/3}. */
static double step_between(const ch_box_law *law)
{
    return fmin(0.12, 1.2 * pow((double)law->dim, -2. / 3));
}

/* x at the first density: three to four times that at which boxes of chi >= 0 are absorbed, which falls as 1 / (chi +
 * 1) at margin 0 and hardly depends on chi at a large margin. It is higher where training sets differ more, for small
 * d. It is less where it would take more than MOST_PER_DIM samples a dimension. */
static double highest_online(const ch_box_table *self)
{
    const ch_box_law *law = &self->law;
    const double chi = fmax(0, law->chi);
    const double share = 1 - chi / (1 + chi) / (1 + law->margin);
    const double high = fmin(1, share * (1 + 4 / sqrt((double)law->dim)));
    const double per_density = pow(ch_box_reach(law, self->online.noise), law->chi + 1) / (law->chi + 1);
    return fmin(HIGHEST * high, MOST_PER_DIM / per_density * self->online.unfitted);
}

/* Whether the first density is so high that hardly a box is absorbed there for good. */
static ch_code check_start(const ch_box_table *self, ch_error *err)
{
    static const double MOST_ENDED = 0.1; /* of the boxes */
    double ended = 0;
    for (size_t b = 0; b < self->num_boxes; b++) {
        ended += self->num_followed[b] == 0;
    }
    if (ended <= MOST_ENDED * (double)self->num_boxes) {
        return CH_OK;
    }
    return ch_error_set(
        err, CH_ERROR_NUMERIC,
        "at chi = %g, dim = %zu and kappa/temp = %g training in boxes of %.3g samples per dimension ends at "
        "the highest density already, so that its expected end is not known",
        self->law.chi, self->law.dim, self->law.margin, MOST_PER_DIM);
}

ch_code ch_box_table_init(ch_box_table *self, const ch_box_law *law, size_t num_boxes, uint64_t seed, int threads,
                          const ch_watch *watch, ch_error *err)
{
    memset(self, 0, sizeof *self);
    ch_error failure = {0};
    ch_code code = ch_box_online_init(&self->online, law, err);
    if (code != CH_OK) {
        return code;
    }
    self->law = *law;
    self->num_boxes = num_boxes;
    self->step = step_between(law);
    const double highest = log(highest_online(self));
    self->num_densities = 1 + (size_t)ceil((highest - log(LOWEST)) / self->step);
    const ch_buffer_list list = ch_box_table_buffers(self);
    sighting *seen = ch_alloc(num_boxes * self->num_densities, sizeof *seen);
    if (seen == NULL || !ch_buffers_alloc(&list)) {
        code = ch_error_memory(&failure, "a table of boxes");
        goto out;
    }
    for (size_t k = 0; k < self->num_densities; k++) {
        self->log_online[k] = highest - self->step * (double)k;
    }
    code = follow_boxes(self, seed, seen, threads, watch, &failure);
    if (code != CH_OK) {
        goto out;
    }
    code = check_start(self, &failure);
    if (code != CH_OK) {
        goto out;
    }
    code = fit_hazard(self, seen, &failure);
out:
    free(seen);
    if (code != CH_OK) {
        ch_box_table_free(self);
        return ch_error_set(err, code, "%s", failure.message);
    }
    return CH_OK;
}

void ch_box_table_free(ch_box_table *self)
{
    const ch_buffer_list list = ch_box_table_buffers(self);
    ch_buffers_free(&list);
    memset(self, 0, sizeof *self);
}

static double mix(double a, double b, double share)
{
    return a + (b - a) * share;
}

double ch_box_table_end_noise(const ch_box_table *self, size_t box, double log_online)
{
    return exp(-self->calm * fmax(0, log_online - self->edges[box]));
}

ch_box_point ch_box_table_at(const ch_box_table *self, size_t box, double log_online, double *hazard)
{
    static const double APPROACH = 1.25;
    const ch_box_point *points = self->points + box * self->num_densities;
    const size_t count = self->num_followed[box];
    const double place = (self->log_online[0] - log_online) / self->step;
    *hazard = exp(log_hazard(self, log_online - self->edges[box]));
    if (count == 0) {
        return (ch_box_point){1, 1, 1};
    }
    if (place <= 0) {
        const double share = exp(APPROACH * (self->log_online[0] - log_online));
        return (ch_box_point){mix(1, points[0].unfitted, share), mix(1, points[0].drift, share),
                              mix(1, points[0].noise, share)};
    }
    const size_t k = ch_size_min((size_t)place, count - 1);
    const ch_box_point *high = &points[k], *low = &points[ch_size_min(k + 1, count - 1)];
    const double share = fmin(1, place - (double)k);
    return (ch_box_point){mix(high->unfitted, low->unfitted, share), mix(high->drift, low->drift, share),
                          mix(high->noise, low->noise, share)};
}
