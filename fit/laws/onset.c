/* onset.c — the crossover of ||Dw||(T) from its plateau to its power law at one P.
 *
 * With u = ln T, u_c = ln T_c, z = m delta (u - u_c), L(z) = ln(1 + e^z) and s(z) = 1 / (1 + e^-z):
 *     f(u) = ln y0 + L / m,
 *     df / d ln y0    = 1,
 *     df / d u_c      = -delta s,
 *     df / d ln m     = -L / m + delta s (u - u_c),
 *     df / d ln delta = delta s (u - u_c).
 */
#include "fit/laws/onset.h"
#include "core/memory.h"
#include "fit/laws/bounded.h"
#include "fit/laws/definition.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_fit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOG_PLATEAU, LOG_TEMP, LOG_SHARPNESS, LOG_DELTA };

double ch_softplus(double z)
{
    return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
}

double ch_logistic(double z)
{
    return z > 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z));
}

double ch_crossover_log(const ch_crossover *self, double log_temp)
{
    const double z = self->sharpness * self->delta * (log_temp - self->log_temp);
    return self->log_plateau + ch_softplus(z) / self->sharpness;
}

static ch_crossover unpack(const ch_onset_space *space, const gsl_vector *parameters)
{
    return (ch_crossover){
        .log_plateau = gsl_vector_get(parameters, LOG_PLATEAU),
        .log_temp = gsl_vector_get(parameters, LOG_TEMP),
        .sharpness = exp(gsl_vector_get(parameters, LOG_SHARPNESS)),
        .delta = space->tied ? space->delta : exp(gsl_vector_get(parameters, LOG_DELTA)),
    };
}

static void pack(const ch_onset_space *space, const ch_crossover *crossover, gsl_vector *parameters)
{
    gsl_vector_set(parameters, LOG_PLATEAU, crossover->log_plateau);
    gsl_vector_set(parameters, LOG_TEMP, crossover->log_temp);
    gsl_vector_set(parameters, LOG_SHARPNESS, log(crossover->sharpness));
    if (!space->tied) {
        gsl_vector_set(parameters, LOG_DELTA, log(crossover->delta));
    }
}

int ch_onset_residuals(const gsl_vector *parameters, void *space, gsl_vector *residuals)
{
    const ch_onset_space *self = space;
    const ch_crossover crossover = unpack(self, parameters);
    for (size_t i = 0; i < self->count; i++) {
        gsl_vector_set(residuals, i, ch_crossover_log(&crossover, self->log_temp[i]) - self->y[i]);
    }
    return GSL_SUCCESS;
}

int ch_onset_jacobian(const gsl_vector *parameters, void *space, gsl_matrix *jacobian)
{
    const ch_onset_space *self = space;
    const ch_crossover crossover = unpack(self, parameters);
    const double m = crossover.sharpness;
    for (size_t i = 0; i < self->count; i++) {
        const double distance = self->log_temp[i] - crossover.log_temp;
        const double z = m * crossover.delta * distance;
        const double slope = crossover.delta * ch_logistic(z);
        gsl_matrix_set(jacobian, i, LOG_PLATEAU, 1);
        gsl_matrix_set(jacobian, i, LOG_TEMP, -slope);
        /* the column of a held parameter is zero, so that no step moves it */
        gsl_matrix_set(jacobian, i, LOG_SHARPNESS, self->holds_sharpness ? 0 : -ch_softplus(z) / m + slope * distance);
        if (!self->tied) {
            gsl_matrix_set(jacobian, i, LOG_DELTA, slope * distance);
        }
    }
    return GSL_SUCCESS;
}

static size_t num_parameters(bool tied)
{
    return tied ? 3 : 4;
}

double ch_onset_delta(const ch_power_law *weight_change, const ch_fit_options *options)
{
    const ch_range range = options->constraints[CH_FIT_DELTA].range;
    if (weight_change->temp_exponent > 0) { /* false for NaN */
        return weight_change->temp_exponent;
    }
    return ch_range_is_fixed(range) ? range.lo : NAN;
}

size_t ch_onset_least(bool tied)
{
    return num_parameters(tied) + 1;
}

ch_code ch_onset_space_init(ch_onset_space *self, size_t count, bool tied, ch_error *err)
{
    *self = (ch_onset_space){.count = count, .tied = tied, .range = {0, INFINITY}};
    gsl_multifit_nlinear_parameters settings = gsl_multifit_nlinear_default_parameters();
    settings.solver = gsl_multifit_nlinear_solver_cholesky; /* faster than QR, to the same minimum */
    self->log_temp = ch_alloc(count, sizeof *self->log_temp);
    self->y = ch_alloc(count, sizeof *self->y);
    self->weights = gsl_vector_alloc(count);
    self->parameters = gsl_vector_alloc(num_parameters(tied));
    self->solver = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &settings, count, num_parameters(tied));
    if (self->log_temp == NULL || self->y == NULL || self->weights == NULL || self->parameters == NULL ||
        self->solver == NULL) {
        return ch_error_memory(err, "the fit of an onset");
    }
    return CH_OK;
}

void ch_onset_space_free(ch_onset_space *self)
{
    free(self->log_temp);
    free(self->y);
    gsl_vector_free(self->weights);
    gsl_vector_free(self->parameters);
    gsl_multifit_nlinear_free(self->solver);
    *self = (ch_onset_space){0};
}

void ch_onset_load(ch_onset_space *self, const ch_fit_group *group, size_t train, const ch_cell_mean *means)
{
    size_t i = 0;
    const size_t end = ch_fit_first_cell(group, train + 1);
    for (size_t c = ch_fit_first_cell(group, train); c < end; c++) {
        if (group->cells[c].complete) {
            self->log_temp[i] = log(group->temps[group->cells[c].temp]);
            self->y[i] = means[c].log[CH_LOG_WEIGHT_CHANGE];
            gsl_vector_set(self->weights, i, means[c].weight);
            i++;
        }
    }
}

/* Guesses a crossover: the plateau is the lowest point, the power law is the line through the upper half of the points
 * (at least two), and T_c is where they meet. */
static ch_crossover guess(const ch_onset_space *self, double sharpness)
{
    const size_t half = self->count / 2;
    double intercept = 0, slope = 0, ignored = 0, squares = 0;
    gsl_fit_linear(self->log_temp + half, 1, self->y + half, 1, self->count - half, &intercept, &slope, &ignored,
                   &ignored, &ignored, &squares);
    double lowest = self->y[0];
    for (size_t i = 1; i < self->count; i++) {
        lowest = fmin(lowest, self->y[i]);
    }
    const double delta = self->tied ? self->delta : fmax(slope, CH_ONSET_FLAT);
    const double middle_log_temp = self->log_temp[half];
    const double middle = intercept + slope * middle_log_temp;
    return (ch_crossover){.log_plateau = lowest,
                          .log_temp = middle_log_temp - (middle - lowest) / delta,
                          .sharpness = sharpness,
                          .delta = delta};
}

bool ch_onset_iterate(gsl_multifit_nlinear_workspace *solver, double step)
{
    const int most_iterations = 50; /* fits that converge take up to 20; on straight data the parameters run away */
    for (int i = 0; i < most_iterations; i++) {
        const int status = gsl_multifit_nlinear_iterate(solver);
        if (status != GSL_SUCCESS) {
            return status == GSL_ENOPROG; /* no step lowers the sum any more: a minimum up to rounding */
        }
        const gsl_vector *moved = solver->dx;
        if (gsl_vector_max(moved) < step && gsl_vector_min(moved) > -step) {
            return true;
        }
    }
    return false;
}

bool ch_onset_is_identifiable(const ch_crossover *crossover)
{
    return isfinite(crossover->log_temp) && crossover->sharpness > 0.3 && crossover->delta > 0.05 &&
           crossover->delta < 20;
}

static bool solve(ch_onset_space *self, const ch_crossover *start, double step, ch_crossover *crossover,
                  double *squares)
{
    gsl_multifit_nlinear_fdf problem = {
        .f = ch_onset_residuals,
        .df = ch_onset_jacobian,
        .n = self->count,
        .p = num_parameters(self->tied),
        .params = self,
    };
    pack(self, start, self->parameters);
    if (gsl_multifit_nlinear_winit(self->parameters, self->weights, &problem, self->solver) != GSL_SUCCESS ||
        !ch_onset_iterate(self->solver, step)) {
        return false;
    }
    *crossover = unpack(self, gsl_multifit_nlinear_position(self->solver));
    *squares = 0;
    for (size_t i = 0; i < self->count; i++) {
        const double residual = ch_crossover_log(crossover, self->log_temp[i]) - self->y[i];
        *squares += gsl_vector_get(self->weights, i) * residual * residual;
    }
    return isfinite(*squares) && ch_onset_is_identifiable(crossover);
}

/* The minimum within the range of m: where the free one violates a bound, m is held at that bound. */
static bool solve_within(ch_onset_space *self, const ch_crossover *start, double step, ch_crossover *crossover,
                         double *squares)
{
    ch_crossover from = *start;
    self->holds_sharpness = ch_range_is_fixed(self->range);
    if (self->holds_sharpness) {
        from.sharpness = self->range.lo;
        return solve(self, &from, step, crossover, squares);
    }
    const bool is_identifiable = solve(self, &from, step, crossover, squares);
    const double m = exp(gsl_vector_get(gsl_multifit_nlinear_position(self->solver), LOG_SHARPNESS));
    if (!(m < self->range.lo || m > self->range.hi)) {
        return is_identifiable;
    }
    self->holds_sharpness = true;
    from.sharpness = m < self->range.lo ? self->range.lo : self->range.hi;
    return solve(self, &from, step, crossover, squares);
}

bool ch_onset_fit(ch_onset_space *self, const ch_crossover *start, ch_crossover *crossover, double *squares)
{
    const double sharpness[] = {1, 4};
    const double step = start != NULL ? 1e-4 : 1e-10;
    double least = INFINITY;
    for (size_t i = 0; i < sizeof sharpness / sizeof *sharpness; i++) {
        const ch_crossover from = start != NULL ? *start : guess(self, sharpness[i]);
        ch_crossover found = {0};
        double sum = NAN;
        if (solve_within(self, &from, step, &found, &sum) && sum < least) {
            least = sum;
            *crossover = found;
        }
        if (start != NULL) {
            break;
        }
    }
    if (squares != NULL) {
        *squares = least;
    }
    return isfinite(least);
}

void ch_onset_line(const ch_onset_space *self, double *slope, double *squares)
{
    double intercept = 0, ignored = 0;
    gsl_fit_wlinear(self->log_temp, 1, gsl_vector_const_ptr(self->weights, 0), 1, self->y, 1, self->count, &intercept,
                    slope, &ignored, &ignored, &ignored, squares);
}

bool ch_onset_beats_line(const ch_onset_space *self, double squares, double line_squares)
{
    const double extra = (double)num_parameters(self->tied) - 2;
    const double freedom = (double)(self->count - num_parameters(self->tied));
    double scale = 0;
    for (size_t i = 0; i < self->count; i++) {
        scale += gsl_vector_get(self->weights, i) * self->y[i] * self->y[i];
    }
    const double rounding = 1e-24 * scale; /* the sum of squares that rounding leaves of exact data */
    const double ratio = (line_squares - squares) / extra / ((squares + rounding) / freedom);
    return line_squares > 100 * rounding && ratio > 0 && gsl_cdf_fdist_Q(ratio, extra, freedom) < 0.001;
}

/* ---- the definition of T_c ---- */

ch_tc_place ch_tc_onset(ch_onset_space *space, ch_crossover *crossover, double *log_temp)
{
    const double lowest = space->log_temp[0];
    const double highest = space->log_temp[space->count - 1];
    double squares = NAN, line_slope = NAN, line_squares = NAN;
    ch_onset_line(space, &line_slope, &line_squares);
    if (!ch_onset_fit(space, NULL, crossover, &squares) || !ch_onset_beats_line(space, squares, line_squares)) {
        const bool flat = line_slope < CH_ONSET_FLAT;
        *crossover = (ch_crossover){NAN, NAN, NAN, NAN};
        *log_temp = flat ? highest : lowest;
        return flat ? CH_TC_ABOVE : CH_TC_BELOW;
    }
    if (crossover->log_temp < lowest) {
        *log_temp = lowest;
        return CH_TC_BELOW;
    }
    if (crossover->log_temp > highest) {
        *log_temp = highest;
        return CH_TC_ABOVE;
    }
    *log_temp = crossover->log_temp;
    return CH_TC_INSIDE;
}

static ch_code make_space(void **workspace, const ch_tc_input *input, ch_error *err)
{
    const size_t count = ch_fit_count_complete(input->group, input->train);
    const bool tied = isfinite(input->delta);
    if (count < ch_onset_least(tied)) {
        return CH_OK;
    }
    ch_onset_space *space = ch_alloc(1, sizeof *space);
    if (space == NULL) {
        return ch_error_memory(err, "the fit of an onset");
    }
    *workspace = space;
    return ch_onset_space_init(space, count, tied, err);
}

static void free_space(void *workspace)
{
    if (workspace != NULL) {
        ch_onset_space_free(workspace);
    }
    free(workspace);
}

static ch_tc_place find(void *workspace, const ch_tc_input *input, ch_crossover *crossover, double *log_temp)
{
    ch_onset_space *space = workspace;
    *log_temp = NAN;
    if (space == NULL || (space->tied && !(input->delta > 0)) || isnan(input->sharpness.lo)) {
        return CH_TC_NONE;
    }
    space->delta = input->delta;
    space->range = input->sharpness;
    ch_onset_load(space, input->group, input->train, input->means);
    if (input->of_table == NULL) {
        return ch_tc_onset(space, crossover, log_temp);
    }
    if (!ch_onset_fit(space, &input->of_table->crossover, crossover, NULL)) {
        return CH_TC_NONE;
    }
    *log_temp = crossover->log_temp;
    return *log_temp < space->log_temp[0]                  ? CH_TC_BELOW
           : *log_temp > space->log_temp[space->count - 1] ? CH_TC_ABOVE
                                                           : CH_TC_INSIDE;
}

static void describe(const ch_fit_options *options, char *text, size_t size)
{
    (void)options;
    snprintf(text, size, "T_c by onset");
}

/* The onset is where T reaches the margin kappa, whatever P: a = 0 where there is a theory. */
static double theory_of(const ch_perceptron_theory *theory)
{
    return isnan(theory->a) ? NAN : 0;
}

const ch_tc_rule ch_tc_by_onset = {
    .name = "onset",
    .needs = "there are too few T at which every run fitted",
    .rank = 1,
    .init = make_space,
    .free = free_space,
    .find = find,
    .describe = describe,
    .theory = theory_of,
};
