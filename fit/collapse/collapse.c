/* collapse.c — the collapse of a group, and its errors from replicas of the data sets. */
#include "fit/collapse/collapse.h"
#include "fit/collapse/points.h"
#include "fit/errors/bootstrap.h"
#include "fit/errors/estimate.h"
#include "fit/table/advice.h"
#include "fit/table/data_sets.h"

#include "core/memory.h"
#include "models/dynamics.h"
#include "perceptron/perceptron.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *ch_collapse_quantity_name(ch_collapse_quantity quantity)
{
    static const char *const names[] = {[CH_COLLAPSE_WEIGHT_CHANGE] = "weight_change",
                                        [CH_COLLAPSE_TIME] = "time",
                                        [CH_COLLAPSE_TEST_ERROR] = "test_error"};
    return names[quantity];
}

ch_code ch_collapse_quantity_parse(const char *name, ch_collapse_quantity *quantity, ch_error *err)
{
    for (int q = 0; q < CH_NUM_COLLAPSES; q++) {
        if (strcmp(name, ch_collapse_quantity_name((ch_collapse_quantity)q)) == 0) {
            *quantity = (ch_collapse_quantity)q;
            return CH_OK;
        }
    }
    return ch_error_set(err, CH_ERROR_INPUT, "--collapse = %s is not accepted: weight_change, time or test_error is",
                        name);
}

/* ---- the points that a report and a figure show ---- */

/* Copies the points. Their ratio to the master curve is set later, by place_points. */
static ch_code copy_points(ch_collapse *self, const ch_points *points, ch_error *err)
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

/* The curves are laid on each other by y P^-x; of the test error the x that is reported is of eps P^x. */
static double sign_of_x(ch_collapse_quantity quantity)
{
    return quantity == CH_COLLAPSE_TEST_ERROR ? -1 : 1;
}

/* Sets the ratio of y to the master curve for every point within the range of another curve. */
static void place_points(ch_collapse *self, const ch_points *points)
{
    ch_collapse_point *next = self->points;
    for (size_t k = 0; k < points->num_curves; k++) {
        for (size_t i = 0; i < points->curves[k].count; i++, next++) {
            ch_master_point point;
            if (ch_master_point_at(points->curves, points->num_curves, k, i, self->a.value, &point)) {
                next->ratio = exp(point.r - sign_of_x(self->quantity) * self->x.value * point.q);
            }
        }
    }
}

/* ---- replicas ---- */

/* All replicas read this. */
typedef struct {
    const ch_points *points;
    const ch_master *whole; /* the collapse of the table */
} collapse_design;

/* The numbers of a replica. */
enum { X, A, NUM_NUMBERS };

/* The working space of one thread. */
typedef struct {
    ch_curve *curves;                    /* [num_curves] */
    double *log_temp, *log_y, *variance; /* [num_points] */
    gsl_min_fminimizer *solver;
} replica_space;

static void space_free(const void *context, void *workspace)
{
    (void)context;
    replica_space *self = workspace;
    free(self->curves);
    free(self->log_temp);
    free(self->log_y);
    free(self->variance);
    if (self->solver != NULL) {
        gsl_min_fminimizer_free(self->solver);
    }
}

static ch_code space_init(const void *context, void *workspace, ch_error *err)
{
    const ch_points *points = ((const collapse_design *)context)->points;
    replica_space *self = workspace;
    *self = (replica_space){.curves = ch_alloc(points->num_curves, sizeof *self->curves),
                            .log_temp = ch_alloc(points->num_points, sizeof *self->log_temp),
                            .log_y = ch_alloc(points->num_points, sizeof *self->log_y),
                            .variance = ch_alloc(points->num_points, sizeof *self->variance),
                            .solver = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent)};
    return self->curves == NULL || self->log_temp == NULL || self->log_y == NULL || self->variance == NULL ||
                   self->solver == NULL
               ? ch_error_memory(err, "a collapse")
               : CH_OK;
}

/* Makes the curves of the drawn data sets. A point is left out where no drawn data set has it. A curve is left out
 * where it keeps fewer than two points. Returns the number of curves. */
static size_t draw_curves(replica_space *space, const ch_points *points, const double *copies_of)
{
    size_t num_curves = 0, used = 0, point = 0;
    for (size_t k = 0; k < points->num_curves; k++) {
        const size_t first = used, end = point + points->curves[k].count;
        for (; point < end; point++) {
            double weight = 0, sum = 0;
            for (size_t i = points->begin[point]; i < points->begin[point + 1]; i++) {
                const double copies = copies_of[points->runs[i].data_set];
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

static void evaluate(const void *context, void *workspace, const double *copies, double *numbers)
{
    const collapse_design *design = context;
    replica_space *space = workspace;
    ch_master best;
    const size_t num_curves = draw_curves(space, design->points, copies);
    const bool is_found = num_curves >= 2 &&
                          ch_master_follow(space->curves, num_curves, design->whole, space->solver, &best) &&
                          isfinite(best.x) && isfinite(best.a);
    numbers[X] = is_found ? best.x : NAN;
    numbers[A] = is_found ? best.a : NAN;
}

/* ---- the collapse of a group ---- */

/* Finds the errors of x and a. The data sets do not tell where the collapse is when fewer than nine tenths of the
 * replicas have a minimum, or when the interval of a leaves the range in which the curves can be compared. Then there
 * is a reason, and no collapse. */
static ch_code estimate(ch_collapse *self, const ch_fit_group *group, const ch_points *points, const ch_master *whole,
                        const ch_fit_options *options, ch_bootstrap_progress *progress, ch_error *err)
{
    const collapse_design design = {points, whole};
    const ch_bootstrap_problem problem = {.context = &design,
                                          .num_data_sets = group->num_data_sets,
                                          .num_numbers = NUM_NUMBERS,
                                          .workspace_size = sizeof(replica_space),
                                          .init = space_init,
                                          .free = space_free,
                                          .evaluate = evaluate};
    double x_deviation = NAN, a_deviation = NAN;
    ch_replicas replicas = {.numbers = ch_alloc(options->replicas, NUM_NUMBERS * sizeof *replicas.numbers),
                            .count = options->replicas,
                            .num_numbers = NUM_NUMBERS};
    ch_code code = CH_OK;
    if (replicas.numbers == NULL) {
        code = ch_error_memory(err, "a collapse");
        goto out;
    }
    code = ch_bootstrap_run(&problem, options, progress, replicas.numbers, err);
    if (code != CH_OK) {
        goto out;
    }
    ch_replicas_spread(&replicas, X, &x_deviation);
    const size_t count = ch_replicas_spread(&replicas, A, &a_deviation);
    const ch_estimate a = ch_estimate_make(whole->a, a_deviation, group->num_data_sets);
    if (!ch_replicas_are_enough(&replicas, count) || !(a.lo > whole->lo && a.hi < whole->hi)) {
        code = ch_advice_sentence(&self->reason, group, CH_ADVICE_DATA_SETS, err,
                                  "no collapse: the error of a is larger than the range of a in which the curves "
                                  "overlap");
        goto out;
    }
    self->a = a;
    self->x = ch_estimate_make(sign_of_x(self->quantity) * whole->x, x_deviation, group->num_data_sets);
    self->quality = whole->quality;
    self->num_compared = whole->num_compared;
    place_points(self, points);
out:
    ch_replicas_free(&replicas);
    return code;
}

static ch_code collapse_points(ch_collapse *self, const ch_fit_group *group, const ch_points *points,
                               const ch_fit_options *options, ch_bootstrap_progress *progress, ch_error *err)
{
    gsl_min_fminimizer *solver = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent);
    if (solver == NULL) {
        return ch_error_memory(err, "a collapse");
    }
    const ch_master whole = ch_master_search(points->curves, points->num_curves, solver);
    gsl_min_fminimizer_free(solver);
    switch (whole.ending) {
    case CH_MASTER_FOUND:
        return estimate(self, group, points, &whole, options, progress, err);
    case CH_MASTER_APART:
        return ch_advice_sentence(
            &self->reason, group, CH_ADVICE_BEND, err,
            "no collapse: at every a some P has fewer than two points within the range of another P's curve");
    case CH_MASTER_UNDECIDED:
        break;
    }
    return ch_advice_sentence(&self->reason, group, CH_ADVICE_BEND, err,
                              "no collapse: the curves have no bend, or their errors hide it, and straight lines can "
                              "be laid on each other at any a; the T must reach from the plateau well into the power "
                              "law");
}

/* Sets the exponents of theory, which knows the perceptron under SGD alone. */
static void find_theory(ch_collapse *self, const ch_fit_group *group)
{
    const ch_settings *key = &group->key;
    ch_perceptron_theory theory;
    ch_error ignored;
    if (key->model == CH_ARCH_PERCEPTRON && ch_settings_has_theory(key) && key->dynamics == CH_DYNAMICS_SGD &&
        key->batch != 0 && ch_perceptron_theory_init(&theory, key->chi, &ignored) == CH_OK) {
        /* training ends when n P is O(1), and the test error is then n, the share of unfitted samples */
        const double of_quantity[] = {
            [CH_COLLAPSE_WEIGHT_CHANGE] = theory.gamma, [CH_COLLAPSE_TIME] = theory.b, [CH_COLLAPSE_TEST_ERROR] = 1};
        self->x_theory = of_quantity[self->quantity];
        self->a_theory = 0; /* the crossover is at the T that equals the margin kappa, which does not depend on P */
    }
}

static ch_code collapse_group(ch_collapse *self, const ch_fit_group *group, ch_collapse_quantity quantity,
                              const ch_fit_options *options, ch_bootstrap_progress *progress, ch_error *err)
{
    const ch_estimate none = {NAN, NAN, NAN, NAN};
    ch_points points = {0};
    *self = (ch_collapse){.quantity = quantity, .x = none, .a = none, .x_theory = NAN, .a_theory = NAN, .quality = NAN};
    find_theory(self, group);
    if (ch_data_sets_are_united(group->runs, group->num_runs)) {
        /* no sweep is proposed, since further seeds would draw the same images */
        self->reason = strdup("no collapse: it takes the spread between data sets to weigh the points, and these count "
                              "as one, because they share over half of their images: --where can choose a smaller P");
        return self->reason == NULL ? ch_error_memory(err, "a sentence on a collapse") : CH_OK;
    }
    if (group->num_data_sets < 2) {
        return ch_advice_sentence(&self->reason, group, CH_ADVICE_DATA_SETS, err,
                                  "no collapse: there is one data set, and it takes the spread between data sets to "
                                  "weigh the points");
    }
    ch_code code = ch_points_init(&points, group, quantity, err);
    if (code != CH_OK) {
        goto out;
    }
    code = copy_points(self, &points, err);
    if (code != CH_OK) {
        goto out;
    }
    if (points.num_curves < 2) {
        code = ch_advice_sentence(&self->reason, group, group->num_trains < 2 ? CH_ADVICE_TRAINS : CH_ADVICE_BEND, err,
                                  "no collapse: it needs two P or more that have %d T or more at which every run "
                                  "fitted, on data sets that differ; %zu of %zu P %s",
                                  CH_LEAST_POINTS, points.num_curves, group->num_trains,
                                  points.num_curves == 1 ? "has" : "have");
        goto out;
    }
    code = collapse_points(self, group, &points, options, progress, err);
out:
    ch_points_free(&points);
    return code;
}

ch_code ch_collapse_init(ch_collapse *self, const ch_fit_group *group, ch_collapse_quantity quantity,
                         const ch_fit_options *options, ch_error *err)
{
    ch_bootstrap_progress progress = {.watch = options->watch, .total = options->replicas};
    return collapse_group(self, group, quantity, options, &progress, err);
}

void ch_collapse_free(ch_collapse *self)
{
    free(self->points);
    free(self->reason);
    self->points = NULL;
    self->reason = NULL;
}

/* ---- the collapses of a fit ---- */

ch_code ch_collapse_list_init(ch_collapse_list *self, const ch_fit *fit, ch_collapse_quantity quantity, ch_error *err)
{
    const ch_fit_options *options = &fit->options;
    ch_bootstrap_progress progress = {.watch = options->watch};
    *self = (ch_collapse_list){.items = ch_alloc(fit->num_groups, sizeof *self->items)};
    if (self->items == NULL) {
        return ch_error_memory(err, "the collapses of a fit");
    }
    for (size_t g = 0; g < fit->num_groups; g++) {
        progress.total += fit->groups[g].num_data_sets < 2 ? 0 : options->replicas;
    }
    for (size_t g = 0; g < fit->num_groups; g++) {
        const ch_code code =
            collapse_group(&self->items[self->count++], &fit->groups[g], quantity, options, &progress, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

void ch_collapse_list_free(ch_collapse_list *self)
{
    for (size_t i = 0; i < self->count; i++) {
        ch_collapse_free(&self->items[i]);
    }
    free(self->items);
    *self = (ch_collapse_list){0};
}
