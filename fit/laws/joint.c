/* joint.c — T_c = c P^-a from all P at once.
 *
 * With u = ln T, v = ln P less its mean over the points, u_c = k - a v, z = m delta (u - u_c), L(z) = ln(1 + e^z) and
 * s(z) = 1 / (1 + e^-z), a P's points lie on ln y0_P + f,
 *     f = L / m,
 *     df / dk         = -delta s,
 *     df / da         = delta s v,
 *     df / d ln m     = -L / m + delta s (u - u_c),
 *     df / d ln delta = delta s (u - u_c).
 * The best ln y0_P is the weighted mean of ln y - f over the points of P. So the residuals are f - ln y minus their
 * mean over the points of P, and their derivatives are those of f minus the mean of these. */
#include "fit/laws/joint.h"
#include "core/memory.h"
#include "fit/laws/bounded.h"
#include "fit/laws/error_joint.h"
#include "fit/laws/onset.h"
#include "fit/laws/regression.h"
#include "fit/laws/tc_line.h"
#include "fit/table/notes.h"

#include <math.h>
#include <stdlib.h>

enum { LOG_TEMP, EXPONENT, LOG_SHARPNESS, LOG_DELTA, NUM_PARAMETERS };
/* Indices of a and ln m in `ranges` and `held`. */
enum { HELD_A, HELD_SHARPNESS };

/* ---- the model ---- */

static size_t num_parameters(const ch_joint_space *self)
{
    return isnan(self->delta) ? NUM_PARAMETERS : NUM_PARAMETERS - 1;
}

static double delta_of(const ch_joint_space *self, const gsl_vector *parameters)
{
    return isnan(self->delta) ? exp(gsl_vector_get(parameters, LOG_DELTA)) : self->delta;
}

/* Subtracts from the numbers of each P their weighted mean. */
static void centre(const ch_joint_space *self, double *numbers)
{
    for (size_t p = 0; p < self->num_trains; p++) {
        double sum = 0, weight = 0;
        for (size_t i = self->begin[p]; i < self->begin[p + 1]; i++) {
            sum += gsl_vector_get(self->weights, i) * numbers[i];
            weight += gsl_vector_get(self->weights, i);
        }
        const double mean = weight > 0 ? sum / weight : 0;
        for (size_t i = self->begin[p]; i < self->begin[p + 1]; i++) {
            numbers[i] -= mean;
        }
    }
}

int ch_joint_residuals(const gsl_vector *parameters, void *space, gsl_vector *residuals)
{
    const ch_joint_space *self = space;
    const double m = exp(gsl_vector_get(parameters, LOG_SHARPNESS));
    const double power = m * delta_of(self, parameters);
    double *column = self->columns;
    for (size_t i = 0; i < self->count; i++) {
        const double critical =
            gsl_vector_get(parameters, LOG_TEMP) - gsl_vector_get(parameters, EXPONENT) * self->log_train[i];
        column[i] = ch_softplus(power * (self->log_temp[i] - critical)) / m - self->y[i];
    }
    centre(self, column);
    for (size_t i = 0; i < self->count; i++) {
        gsl_vector_set(residuals, i, column[i]);
    }
    return GSL_SUCCESS;
}

int ch_joint_jacobian(const gsl_vector *parameters, void *space, gsl_matrix *jacobian)
{
    const ch_joint_space *self = space;
    const double m = exp(gsl_vector_get(parameters, LOG_SHARPNESS));
    const double delta = delta_of(self, parameters);
    double *columns[NUM_PARAMETERS];
    for (size_t k = 0; k < num_parameters(self); k++) {
        columns[k] = self->columns + k * self->count;
    }
    for (size_t i = 0; i < self->count; i++) {
        const double distance = self->log_temp[i] - gsl_vector_get(parameters, LOG_TEMP) +
                                gsl_vector_get(parameters, EXPONENT) * self->log_train[i];
        const double z = m * delta * distance;
        const double slope = delta * ch_logistic(z);
        columns[LOG_TEMP][i] = -slope;
        /* the column of a held parameter is zero, so that no step moves it */
        columns[EXPONENT][i] = self->held[HELD_A] ? 0 : slope * self->log_train[i];
        columns[LOG_SHARPNESS][i] = self->held[HELD_SHARPNESS] ? 0 : -ch_softplus(z) / m + slope * distance;
        if (isnan(self->delta)) {
            columns[LOG_DELTA][i] = slope * distance;
        }
    }
    for (size_t k = 0; k < num_parameters(self); k++) {
        centre(self, columns[k]);
        for (size_t i = 0; i < self->count; i++) {
            gsl_matrix_set(jacobian, i, k, columns[k][i]);
        }
    }
    return GSL_SUCCESS;
}

/* ---- the points ---- */

static void list_points(ch_joint_space *self, const ch_fit_group *group)
{
    for (size_t p = 0; p < group->num_trains; p++) {
        if (ch_fit_count_complete(group, p) < 2) {
            continue; /* a P with a single point says nothing: its own plateau fits that point exactly */
        }
        self->begin[self->num_trains++] = self->count;
        for (size_t c = ch_fit_first_cell(group, p); c < ch_fit_first_cell(group, p + 1); c++) {
            if (group->cells[c].complete) {
                self->log_temp[self->count] = log(group->temps[group->cells[c].temp]);
                self->log_train[self->count] = log((double)group->trains[p]);
                self->cells[self->count++] = c;
            }
        }
    }
    self->begin[self->num_trains] = self->count;
    for (size_t i = 0; i < self->count; i++) {
        self->mean_log_train += self->log_train[i] / (double)self->count;
    }
    for (size_t i = 0; i < self->count; i++) {
        self->log_train[i] -= self->mean_log_train;
    }
}

static ch_code make_solver(ch_joint_space *self, ch_error *err)
{
    const size_t p = num_parameters(self);
    if (self->count <= p) {
        return CH_OK;
    }
    gsl_multifit_nlinear_parameters settings = gsl_multifit_nlinear_default_parameters();
    settings.solver = gsl_multifit_nlinear_solver_cholesky; /* faster than QR, to the same minimum */
    self->columns = ch_alloc(p * self->count, sizeof *self->columns);
    self->weights = gsl_vector_calloc(self->count);
    self->parameters = gsl_vector_alloc(p);
    self->solver = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &settings, self->count, p);
    return self->columns == NULL || self->weights == NULL || self->parameters == NULL || self->solver == NULL
               ? ch_error_memory(err, "the joint fit of an onset")
               : CH_OK;
}

ch_code ch_joint_space_init(ch_joint_space *self, const ch_fit_group *group, const ch_fit_options *options,
                            ch_error *err)
{
    const ch_range sharpness = options->constraints[CH_FIT_SHARPNESS].range;
    *self = (ch_joint_space){
        .delta = ch_onset_delta(&group->weight_change, options),
        .sharpness = sharpness,
        .ranges = {[HELD_A] = options->constraints[CH_FIT_A].range,
                   [HELD_SHARPNESS] = {sharpness.lo > 0 ? log(sharpness.lo) : -INFINITY, log(sharpness.hi)}},
    };
    self->cells = ch_alloc(group->num_cells, sizeof *self->cells);
    self->begin = ch_alloc(group->num_trains + 1, sizeof *self->begin);
    self->log_temp = ch_alloc(group->num_cells, sizeof *self->log_temp);
    self->log_train = ch_alloc(group->num_cells, sizeof *self->log_train);
    self->y = ch_alloc(group->num_cells, sizeof *self->y);
    if (self->cells == NULL || self->begin == NULL || self->log_temp == NULL || self->log_train == NULL ||
        self->y == NULL) {
        return ch_error_memory(err, "the joint fit of an onset");
    }
    list_points(self, group);
    return make_solver(self, err);
}

void ch_joint_space_free(ch_joint_space *self)
{
    free(self->cells);
    free(self->begin);
    free(self->log_temp);
    free(self->log_train);
    free(self->y);
    free(self->columns);
    gsl_vector_free(self->weights);
    gsl_vector_free(self->parameters);
    if (self->solver != NULL) {
        gsl_multifit_nlinear_free(self->solver);
    }
    *self = (ch_joint_space){0};
}

void ch_joint_load(ch_joint_space *self, const ch_cell_mean *means)
{
    for (size_t i = 0; i < self->count; i++) {
        self->y[i] = means[self->cells[i]].log[CH_LOG_WEIGHT_CHANGE];
        gsl_vector_set(self->weights, i, means[self->cells[i]].weight);
    }
}

/* ---- the fit ---- */

static double sum_of_squares(const ch_joint_space *self)
{
    const gsl_vector *residuals = gsl_multifit_nlinear_residual(self->solver); /* times the roots of the weights */
    double sum = 0;
    for (size_t i = 0; i < self->count; i++) {
        sum += gsl_vector_get(residuals, i) * gsl_vector_get(residuals, i);
    }
    return sum;
}

/* Least squares with a and ln m held or fitted, from self->start. */
static bool minimum_of(void *problem, const bool held[2], double values[2], double *squares)
{
    ch_joint_space *self = problem;
    const ch_joint_onset *start = &self->start;
    gsl_multifit_nlinear_fdf fdf = {
        .f = ch_joint_residuals, .df = ch_joint_jacobian, .n = self->count, .p = num_parameters(self), .params = self};
    self->held[HELD_A] = held[HELD_A];
    self->held[HELD_SHARPNESS] = held[HELD_SHARPNESS];
    const double log_temp = start->log_prefactor - start->a * self->mean_log_train;
    gsl_vector_set(self->parameters, LOG_TEMP, log_temp);
    gsl_vector_set(self->parameters, EXPONENT, held[HELD_A] ? values[HELD_A] : start->a);
    gsl_vector_set(self->parameters, LOG_SHARPNESS,
                   held[HELD_SHARPNESS] ? values[HELD_SHARPNESS] : log(start->sharpness));
    if (isnan(self->delta)) {
        gsl_vector_set(self->parameters, LOG_DELTA, log(start->delta));
    }
    if (gsl_multifit_nlinear_winit(self->parameters, self->weights, &fdf, self->solver) != GSL_SUCCESS) {
        return false;
    }
    self->converged = ch_onset_iterate(self->solver, self->step);
    /* where the iteration diverged, its parameters lie outside of their ranges, and the minimum, if there is one, is
     * sought at a bound */
    const gsl_vector *at = gsl_multifit_nlinear_position(self->solver);
    values[HELD_A] = held[HELD_A] ? values[HELD_A] : gsl_vector_get(at, EXPONENT);
    values[HELD_SHARPNESS] = held[HELD_SHARPNESS] ? values[HELD_SHARPNESS] : gsl_vector_get(at, LOG_SHARPNESS);
    *squares = sum_of_squares(self);
    return true;
}

/* Returns m. At an end of its range it is exactly that end, which exp(ln m) would round. */
static double sharpness_at(const ch_joint_space *self, double log_sharpness)
{
    const ch_range range = self->ranges[HELD_SHARPNESS];
    return log_sharpness == range.lo   ? self->sharpness.lo
           : log_sharpness == range.hi ? self->sharpness.hi
                                       : exp(log_sharpness);
}

double ch_joint_fit(ch_joint_space *self, const ch_joint_onset *start, double step, ch_joint_onset *found)
{
    double values[2];
    *found = (ch_joint_onset){NAN, NAN, NAN, NAN};
    self->start = *start;
    self->step = step;
    if (self->solver == NULL || !ch_minimise_within(minimum_of, self, self->ranges, values) || !self->converged) {
        return INFINITY;
    }
    const gsl_vector *at = gsl_multifit_nlinear_position(self->solver);
    const ch_crossover crossover = {.log_temp = gsl_vector_get(at, LOG_TEMP),
                                    .sharpness = sharpness_at(self, values[HELD_SHARPNESS]),
                                    .delta = delta_of(self, at)};
    const double squares = sum_of_squares(self);
    if (!ch_onset_is_identifiable(&crossover) || !isfinite(squares)) {
        return INFINITY;
    }
    *found = (ch_joint_onset){.log_prefactor = crossover.log_temp + values[HELD_A] * self->mean_log_train,
                              .a = values[HELD_A],
                              .sharpness = crossover.sharpness,
                              .delta = crossover.delta};
    return squares;
}

/* ---- all P of a table ---- */

/* Guesses the joint law by the straight line through the ln T_c that were found one by one. @return how many T_c there
 * are; with fewer than two `start` is not set */
static size_t guess(const ch_fit_group *group, ch_joint_onset *start)
{
    ch_tc_line line = {0};
    double delta = 0;
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        if (tc->definition == CH_TC_ONSET && tc->place == CH_TC_INSIDE) {
            ch_tc_line_add(&line, tc->train, tc->crossover.log_temp);
            delta += tc->crossover.delta;
        }
    }
    if (ch_tc_line_fit(&line, &start->log_prefactor, &start->a)) {
        start->delta = delta / (double)line.count;
    }
    return line.count;
}

static ch_code find_onset(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means, ch_error *err)
{
    const double sharpness[] = {1, 4};
    ch_critical_law *law = &group->joint[CH_TC_ONSET];
    ch_joint_onset start = {0}, found = {0};
    if (guess(group, &start) < 2) {
        return CH_OK; /* the note on a by onset says why */
    }
    ch_joint_space space;
    ch_code code = ch_joint_space_init(&space, group, options, err);
    if (code != CH_OK) {
        goto out;
    }
    ch_joint_load(&space, means);
    double least = INFINITY;
    for (size_t i = 0; i < sizeof sharpness / sizeof *sharpness; i++) {
        start.sharpness = sharpness[i];
        const double squares = ch_joint_fit(&space, &start, 1e-10, &found);
        if (squares < least) {
            least = squares;
            law->found = true;
            law->prefactor.value = exp(found.log_prefactor);
            law->exponent.value = found.a;
            law->sharpness.value = found.sharpness;
            law->delta = found.delta;
        }
    }
    law->num_trains = space.num_trains;
    law->num_points = space.count;
    if (!law->found) {
        code = ch_fit_note(group, err, "no joint a by onset: no crossover with T_c = c P^-a fits all P at once");
    }
out:
    ch_joint_space_free(&space);
    return code;
}

/* Finds the T at which the power law ||Dw||/||w0|| = A T^delta P^gamma reaches the threshold. */
static ch_code find_escape(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means, ch_error *err)
{
    const ch_power_law *power = &group->weight_change;
    ch_critical_law *law = &group->joint[CH_TC_ESCAPE];
    if (!(power->temp_exponent > 0) || !isfinite(power->train_exponent)) {
        return CH_OK; /* the notes on delta and gamma say why */
    }
    ch_regression regression = {0};
    const ch_code code = ch_regression_init(&regression, group, CH_LOG_WEIGHT_CHANGE, err);
    if (code != CH_OK) {
        goto out;
    }
    const double log_amplitude = ch_regression_amplitude(&regression, means, CH_LOG_RELATIVE, power);
    law->prefactor.value = exp((log(options->threshold) - log_amplitude) / power->temp_exponent);
    law->exponent.value = power->train_exponent / power->temp_exponent;
    law->delta = power->temp_exponent;
    law->num_trains = regression.num_trains;
    law->num_points = regression.num_cells;
    law->found = isfinite(law->prefactor.value) && isfinite(law->exponent.value);
out:
    ch_regression_free(&regression);
    return code;
}

/* By the test error. */
static ch_code find_error(ch_fit_group *group, const ch_fit_options *options, ch_tc_definition definition,
                          ch_error *err)
{
    ch_critical_law *law = &group->joint[definition];
    ch_error_joint joint;
    double log_prefactor = NAN, a = NAN;
    const ch_code code = ch_error_joint_init(&joint, group, options, definition, err);
    if (code != CH_OK) {
        goto out;
    }
    ch_error_joint_fit(&joint, NULL, &log_prefactor, &a);
    law->prefactor.value = exp(log_prefactor);
    law->exponent.value = a;
    law->num_trains = joint.num_used;
    law->num_points = joint.count;
    law->found = isfinite(log_prefactor) && isfinite(a);
out:
    ch_error_joint_free(&joint);
    return code;
}

ch_code ch_fit_find_joint(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means, ch_error *err)
{
    const ch_estimate none = {NAN, NAN, NAN, NAN};
    for (int d = 0; d < CH_NUM_TC; d++) {
        group->joint[d] = (ch_critical_law){.prefactor = none, .exponent = none, .sharpness = none, .delta = NAN};
    }
    if (options->wanted[CH_TC_ONSET]) {
        const ch_code code = find_onset(group, options, means, err);
        if (code != CH_OK) {
            return code;
        }
    }
    if (options->wanted[CH_TC_ESCAPE]) {
        const ch_code code = find_escape(group, options, means, err);
        if (code != CH_OK) {
            return code;
        }
    }
    for (ch_tc_definition d = CH_TC_ERROR_SHIFT; d <= CH_TC_ERROR_HALF; d++) {
        const ch_code code = options->wanted[d] ? find_error(group, options, d, err) : CH_OK;
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}
