/* collapse.c — the collapse of a group, and its spread over replicas of the data sets. */
#include "fit/collapse/collapse.h"
#include "fit/collapse/points.h"
#include "fit/internal.h"
#include "fit/table/advice.h"

#include "perceptron/perceptron.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

const char *ch_collapse_quantity_name(ch_collapse_quantity quantity)
{
    return quantity == CH_COLLAPSE_WEIGHT_CHANGE ? "weight_change" : "time";
}

ch_code ch_collapse_quantity_parse(const char *name, ch_collapse_quantity *quantity, ch_error *err)
{
    for (int q = CH_COLLAPSE_WEIGHT_CHANGE; q <= CH_COLLAPSE_TIME; q++) {
        if (strcmp(name, ch_collapse_quantity_name((ch_collapse_quantity)q)) == 0) {
            *quantity = (ch_collapse_quantity)q;
            return CH_OK;
        }
    }
    return ch_error_set(err, CH_ERROR_INPUT, "--collapse = %s is not accepted: weight_change or time is", name);
}

/* ---- the points of a figure ---- */

static ch_code keep_points(ch_collapse *self, const ch_points *points, ch_error *err)
{
    self->points = ch_alloc(points->num_points, sizeof *self->points);
    if (self->points == NULL) {
        return ch_error_memory(err, "a collapse");
    }
    for (size_t k = 0; k < points->num_curves; k++) {
        const ch_curve *curve = &points->curves[k];
        for (size_t i = 0; i < curve->count; i++) {
            self->points[self->num_points++] = (ch_collapse_point){.train = (uint64_t)llround(exp(curve->log_train)),
                                                                   .temp = exp(curve->log_temp[i]),
                                                                   .y = exp(curve->log_y[i]),
                                                                   .error = sqrt(curve->variance[i]),
                                                                   .ratio = NAN};
        }
    }
    self->num_trains = points->num_curves;
    return CH_OK;
}

/* Sets the points beside the master curve. */
static void place_points(ch_collapse *self, const ch_points *points)
{
    ch_collapse_point *next = self->points;
    for (size_t k = 0; k < points->num_curves; k++) {
        for (size_t i = 0; i < points->curves[k].count; i++, next++) {
            ch_master_point point;
            if (ch_master_point_at(points->curves, points->num_curves, k, i, self->a.value, &point)) {
                next->ratio = exp(point.r - self->x.value * point.q);
            }
        }
    }
}

/* ---- replicas ---- */

/* What one thread works in. */
typedef struct {
    ch_curve *curves;                    /* [num_curves] */
    double *log_temp, *log_y, *variance; /* [num_points] */
    double *copies;                      /* [num_data_sets] times a data set was drawn */
    gsl_min_fminimizer *solver;
} replica_space;

static void space_free(replica_space *self)
{
    free(self->curves);
    free(self->log_temp);
    free(self->log_y);
    free(self->variance);
    free(self->copies);
    if (self->solver != NULL) {
        gsl_min_fminimizer_free(self->solver);
    }
}

static ch_code space_init(replica_space *self, const ch_points *points, size_t num_data_sets, ch_error *err)
{
    *self = (replica_space){.curves = ch_alloc(points->num_curves, sizeof *self->curves),
                            .log_temp = ch_alloc(points->num_points, sizeof *self->log_temp),
                            .log_y = ch_alloc(points->num_points, sizeof *self->log_y),
                            .variance = ch_alloc(points->num_points, sizeof *self->variance),
                            .copies = ch_alloc(num_data_sets, sizeof *self->copies),
                            .solver = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent)};
    return self->curves == NULL || self->log_temp == NULL || self->log_y == NULL || self->variance == NULL ||
                   self->copies == NULL || self->solver == NULL
               ? ch_error_memory(err, "a collapse")
               : CH_OK;
}

static void draw_sets(double *copies, size_t num_data_sets, uint64_t seed, size_t replica)
{
    ch_random random;
    ch_random_init(&random, seed, CH_STREAM_BOOTSTRAP, replica);
    for (size_t i = 0; i < num_data_sets; i++) {
        copies[i] = 0;
    }
    for (size_t i = 0; i < num_data_sets; i++) {
        copies[ch_random_below(&random, (uint32_t)num_data_sets)]++;
    }
}

/* The curves over the drawn data sets. A point that none of them has is left out, and so is a curve of under two
 * points. Returns the number of curves. */
static size_t draw_curves(replica_space *space, const ch_points *points)
{
    size_t num_curves = 0, used = 0, point = 0;
    for (size_t k = 0; k < points->num_curves; k++) {
        const size_t first = used, end = point + points->curves[k].count;
        for (; point < end; point++) {
            double weight = 0, sum = 0;
            for (size_t i = points->begin[point]; i < points->begin[point + 1]; i++) {
                const double copies = space->copies[points->runs[i].data_set];
                weight += copies;
                sum += copies * points->runs[i].log_y;
            }
            if (weight > 0) {
                space->log_temp[used] = points->log_temp[point];
                space->log_y[used] = sum / weight;
                space->variance[used++] = points->variance[point];
            }
        }
        if (used - first >= 2) {
            space->curves[num_curves++] = (ch_curve){points->curves[k].log_train, used - first, space->log_temp + first,
                                                     space->log_y + first, space->variance + first};
        } else {
            used = first;
        }
    }
    return num_curves;
}

/* x and a of a replica; NaN when there are none. */
typedef struct {
    double x, a;
} replica_pair;

static replica_pair evaluate(replica_space *space, const ch_points *points, const ch_master *whole)
{
    ch_master best;
    const size_t num_curves = draw_curves(space, points);
    if (num_curves < 2 || !ch_master_follow(space->curves, num_curves, whole, space->solver, &best)) {
        return (replica_pair){NAN, NAN};
    }
    return (replica_pair){best.x, best.a};
}

static ch_code run_replicas(replica_pair *pairs, const ch_points *points, const ch_master *whole, size_t num_data_sets,
                            const ch_fit_options *options, ch_error *err)
{
    const size_t threads = (size_t)options->threads, replicas = options->replicas;
    replica_space *spaces = ch_alloc(threads, sizeof *spaces);
    ch_code code = spaces == NULL ? ch_error_memory(err, "a collapse") : CH_OK;
    for (size_t i = 0; i < threads && code == CH_OK; i++) {
        code = space_init(&spaces[i], points, num_data_sets, err);
    }
    if (code == CH_OK) {
#pragma omp parallel for num_threads((int)threads) schedule(static)
        for (size_t r = 0; r < replicas; r++) {
            replica_space *mine = &spaces[omp_get_thread_num()];
            if (ch_fit_goes_on(options)) {
                draw_sets(mine->copies, num_data_sets, options->seed, r);
                pairs[r] = evaluate(mine, points, whole);
                ch_fit_replica_done(options, r);
            }
        }
        code = ch_fit_check_stop(options, err);
    }
    for (size_t i = 0; spaces != NULL && i < threads; i++) {
        space_free(&spaces[i]);
    }
    free(spaces);
    return code;
}

/* How many replicas have a collapse, and the standard deviations of x and a over them, by Welford's updates. */
static size_t spread_of(const replica_pair *pairs, size_t replicas, double *x, double *a)
{
    replica_pair mean = {0, 0}, squares = {0, 0};
    size_t count = 0;
    for (size_t r = 0; r < replicas; r++) {
        if (isfinite(pairs[r].x) && isfinite(pairs[r].a)) {
            count++;
            const double dx = pairs[r].x - mean.x, da = pairs[r].a - mean.a;
            mean.x += dx / (double)count;
            mean.a += da / (double)count;
            squares.x += dx * (pairs[r].x - mean.x);
            squares.a += da * (pairs[r].a - mean.a);
        }
    }
    *x = sqrt(squares.x / (double)(count - 1));
    *a = sqrt(squares.a / (double)(count - 1));
    return count;
}

/* ---- all of a group ---- */

/* Errors of x and a. Without a minimum in nine tenths of the replicas, or with an interval of a that leaves the range
 * in which the curves can be compared, the data sets do not say where the collapse is. */
static ch_code estimate(ch_collapse *self, const ch_fit_group *group, const ch_points *points, const ch_master *whole,
                        const ch_fit_options *options, ch_error *err)
{
    const double enough = 0.9;
    double x_deviation = NAN, a_deviation = NAN;
    replica_pair *pairs = ch_alloc(options->replicas, sizeof *pairs);
    if (pairs == NULL) {
        return ch_error_memory(err, "a collapse");
    }
    ch_code code = run_replicas(pairs, points, whole, group->num_data_sets, options, err);
    if (code == CH_OK) {
        const size_t count = spread_of(pairs, options->replicas, &x_deviation, &a_deviation);
        const ch_estimate a = ch_estimate_make(whole->a, a_deviation, group->num_data_sets);
        if ((double)count >= enough * (double)options->replicas && a.lo > whole->lo && a.hi < whole->hi) {
            self->a = a;
            self->x = ch_estimate_make(whole->x, x_deviation, group->num_data_sets);
            self->quality = whole->quality;
            self->num_compared = whole->num_compared;
            place_points(self, points);
        } else {
            code = ch_supply_sentence(&self->reason, group, CH_SUPPLY_DATA_SETS, err,
                                      "no collapse: the data sets do not agree on one within the shifts that leave the "
                                      "curves beside each other");
        }
    }
    free(pairs);
    return code;
}

static ch_code collapse_points(ch_collapse *self, const ch_fit_group *group, const ch_points *points,
                               const ch_fit_options *options, ch_error *err)
{
    gsl_min_fminimizer *solver = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent);
    if (solver == NULL) {
        return ch_error_memory(err, "a collapse");
    }
    const ch_master whole = ch_master_search(points->curves, points->num_curves, solver);
    gsl_min_fminimizer_free(solver);
    switch (whole.ending) {
    case CH_MASTER_FOUND:
        return estimate(self, group, points, &whole, options, err);
    case CH_MASTER_APART:
        return ch_supply_sentence(
            &self->reason, group, CH_SUPPLY_BEND, err,
            "no collapse: whatever a, some P has fewer than two points within the temperatures of "
            "another");
    case CH_MASTER_UNDECIDED:
        break;
    }
    return ch_supply_sentence(&self->reason, group, CH_SUPPLY_BEND, err,
                              "no collapse: the curves have no bend, or the errors hide it, and straight lines lie on "
                              "each other for any a; the T must reach from the plateau well into the power law");
}

static void find_theory(ch_collapse *self, const ch_fit_group *group)
{
    const ch_settings *key = &group->key;
    ch_perceptron_theory theory;
    ch_error ignored;
    if (key->model == CH_MODEL_PERCEPTRON && key->dynamics == CH_DYNAMICS_SGD && key->batch != 0 &&
        ch_perceptron_theory_init(&theory, key->chi, &ignored) == CH_OK) {
        self->x_theory = self->quantity == CH_COLLAPSE_WEIGHT_CHANGE ? theory.gamma : theory.b;
        self->a_theory = 0; /* the crossover is where T reaches the margin kappa, whatever P */
    }
}

ch_code ch_collapse_init(ch_collapse *self, const ch_fit_group *group, ch_collapse_quantity quantity,
                         const ch_fit_options *options, ch_error *err)
{
    const ch_estimate none = {NAN, NAN, NAN, NAN};
    ch_points points = {0};
    *self = (ch_collapse){.quantity = quantity, .x = none, .a = none, .x_theory = NAN, .a_theory = NAN, .quality = NAN};
    find_theory(self, group);
    if (group->num_data_sets < 2) {
        return ch_supply_sentence(&self->reason, group, CH_SUPPLY_DATA_SETS, err,
                                  "no collapse: there is one data set, and points are weighed by the spread between "
                                  "data sets");
    }
    ch_code code = ch_points_init(&points, group, quantity, err);
    if (code == CH_OK) {
        code = keep_points(self, &points, err);
    }
    if (code == CH_OK && points.num_curves < 2) {
        code = ch_supply_sentence(&self->reason, group, group->num_trains < 2 ? CH_SUPPLY_TRAINS : CH_SUPPLY_BEND, err,
                                  "no collapse: it needs two P or more that have %d T or more at which every run "
                                  "fitted, on data sets that differ; %zu of %zu P %s",
                                  CH_LEAST_POINTS, points.num_curves, group->num_trains,
                                  points.num_curves == 1 ? "has" : "have");
    } else if (code == CH_OK) {
        code = collapse_points(self, group, &points, options, err);
    }
    ch_points_free(&points);
    return code;
}

void ch_collapse_free(ch_collapse *self)
{
    free(self->points);
    free(self->reason);
    self->points = NULL;
    self->reason = NULL;
}
