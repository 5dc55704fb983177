/* error_joint.c — the law T_c = c P^-a of the test error, fitted to all P at once. */
#include "fit/laws/error_joint.h"
#include "core/memory.h"
#include "core/statistics.h"
#include "fit/laws/tc_line.h"

#include <math.h>
#include <stdlib.h>

/* The law by the T_c that were found one by one: ln T_c = log_prefactor - a ln P. */
typedef struct {
    size_t count; /* P that have one */
    double log_prefactor, a;
} line;

static line guess(const ch_fit_group *group, ch_tc_definition definition)
{
    ch_tc_line through = {0};
    line found = {.log_prefactor = NAN, .a = NAN};
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        if (tc->definition == definition && tc->place == CH_TC_INSIDE) {
            ch_tc_line_add(&through, tc->train, log(tc->estimate.value));
        }
    }
    found.count = through.count;
    (void)ch_tc_line_fit(&through, &found.log_prefactor, &found.a);
    return found;
}

/* Appends the cells of a P whose T is near T_c. */
static void choose_cells(ch_error_joint *self, size_t train, double log_temp)
{
    const ch_error_curve *curve = &self->curves[train];
    size_t above = 0;
    while (above < curve->num_temps && curve->log_temps[above] < log_temp) {
        above++;
    }
    if (above == 0 || above == curve->num_temps || curve->num_known == 0) {
        return;
    }
    self->num_used++;
    for (size_t k = 0; k < curve->num_temps; k++) {
        if (k + 1 == above || k == above || fabs(curve->log_temps[k] - log_temp) <= M_LN2) {
            self->train[self->count] = train;
            self->temp[self->count++] = k;
        }
    }
}

/* The mean change of a P at a chosen cell. */
static double change_at(const ch_error_joint *self, size_t cell, const double *copies)
{
    const ch_error_curve *curve = &self->curves[self->train[cell]];
    return ch_mean_over_sets(curve->changes + self->temp[cell] * curve->num_sets, curve->num_sets, copies);
}

/* The side to which the test error changes at a P; 0 without a T_c there. */
static double side_of(const ch_error_joint *self, const ch_tc *tc, size_t train)
{
    ch_error_curve *curve = &self->curves[train];
    size_t first = 0, peak = 0;
    double log_temp = NAN;
    if (tc->definition != self->definition || tc->place != CH_TC_INSIDE) {
        return 0;
    }
    if (self->definition == CH_TC_ERROR_HALF) {
        return ch_error_curve_top(curve, NULL) > 0 ? 1 : -1;
    }
    ch_error_curve_average(curve, NULL);
    ch_error_curve_reach(curve, fabs(self->shift), &first, &peak, &log_temp);
    return curve->mean[first] > 0 ? 1 : -1;
}

/* The side to which the test error changes at all P; 0 where they differ. */
static double common_side(const ch_error_joint *self, const ch_fit_group *group)
{
    bool up = false, down = false;
    for (size_t i = 0; i < group->num_tc; i++) {
        const double side = side_of(self, &group->tc[i], i % group->num_trains); /* by (definition, P) */
        up = up || side > 0;
        down = down || side < 0;
    }
    return up && down ? 0 : up ? 1 : -1;
}

ch_code ch_error_joint_init(ch_error_joint *self, const ch_fit_group *group, const ch_fit_options *options,
                            ch_tc_definition definition, ch_error *err)
{
    *self = (ch_error_joint){.definition = definition, .shift = options->shift, .num_trains = group->num_trains};
    const line law = guess(group, definition);
    self->curves = ch_alloc(group->num_trains, sizeof *self->curves);
    self->train = ch_alloc(group->num_cells, sizeof *self->train);
    self->temp = ch_alloc(group->num_cells, sizeof *self->temp);
    self->log_train = ch_alloc(group->num_trains, sizeof *self->log_train);
    self->level = ch_alloc(group->num_trains, sizeof *self->level);
    if (self->curves == NULL || self->train == NULL || self->temp == NULL || self->log_train == NULL ||
        self->level == NULL) {
        return ch_error_memory(err, "the test errors");
    }
    for (size_t p = 0; p < group->num_trains; p++) {
        self->log_train[p] = log((double)group->trains[p]);
        const ch_code code = ch_error_curve_init(&self->curves[p], group, p, err);
        if (code != CH_OK) {
            return code;
        }
    }
    const double side = common_side(self, group);
    for (size_t p = 0; p < group->num_trains && law.count >= 2 && side != 0; p++) {
        choose_cells(self, p, law.log_prefactor - law.a * self->log_train[p]);
    }
    if (self->num_used < 2) {
        self->count = 0;
    }
    self->shift *= side;
    return CH_OK;
}

void ch_error_joint_free(ch_error_joint *self)
{
    for (size_t p = 0; self->curves != NULL && p < self->num_trains; p++) {
        ch_error_curve_free(&self->curves[p]);
    }
    free(self->curves);
    free(self->train);
    free(self->temp);
    free(self->log_train);
    free(self->level);
    *self = (ch_error_joint){0};
}

/* Sets D at T_c of each P. */
static void set_levels(ch_error_joint *self, const double *copies)
{
    for (size_t p = 0; p < self->num_trains; p++) {
        self->level[p] =
            self->definition == CH_TC_ERROR_HALF ? 0.5 * ch_error_curve_top(&self->curves[p], copies) : self->shift;
    }
}

void ch_error_joint_fit(ch_error_joint *self, const double *copies, double *log_prefactor, double *a)
{
    ch_moments temp = {0}, train = {0}, change = {0};
    double tt = 0, tp = 0, pp = 0, td = 0, pd = 0;
    *log_prefactor = *a = NAN;
    set_levels(self, copies);
    for (size_t pass = 0; pass < 2; pass++) { /* means first, then products about them */
        for (size_t i = 0; i < self->count; i++) {
            const size_t at = self->train[i];
            const double log_temp = self->curves[at].log_temps[self->temp[i]], log_train = self->log_train[at];
            const double above = change_at(self, i, copies) - self->level[at];
            if (isnan(above)) {
                continue; /* no data set of the replica has this cell */
            }
            if (pass == 0) {
                ch_moments_add(&temp, log_temp);
                ch_moments_add(&train, log_train);
                ch_moments_add(&change, above);
            } else {
                const double t = log_temp - temp.mean, p = log_train - train.mean, d = above - change.mean;
                tt += t * t;
                tp += t * p;
                pp += p * p;
                td += t * d;
                pd += p * d;
            }
        }
    }
    const double determinant = tt * pp - tp * tp;
    const double slope = (td * pp - pd * tp) / determinant, of_train = (pd * tt - td * tp) / determinant;
    if (self->count == 0 || !(determinant > 0) || !(slope * self->level[self->train[0]] > 0)) {
        return;
    }
    *a = of_train / slope;
    *log_prefactor = temp.mean + *a * train.mean - change.mean / slope;
}
