/* regression.c — one power law over all cells of the window. */
#include "fit/internal.h"

#include <gsl/gsl_sf_erf.h>
#include <math.h>
#include <stdlib.h>

/* Of t*, cells in which a budget ended runs count too. */
static bool is_used(const ch_fit_group *group, const ch_fit_cell *cell, ch_fit_log which)
{
    const double temp = group->temps[cell->temp];
    const bool is_known = which == CH_LOG_TIME ? cell->num_diverged == 0 : cell->complete;
    return is_known && temp >= group->window_lo && temp <= group->window_hi;
}

static void count_values(ch_regression *self, bool *has_temp)
{
    const ch_fit_group *group = self->group;
    for (size_t i = 0; i < self->num_cells; i++) {
        const ch_fit_cell *cell = &group->cells[self->cells[i]];
        self->num_trains += i == 0 || cell->train != group->cells[self->cells[i - 1]].train;
        self->num_temps += !has_temp[cell->temp];
        has_temp[cell->temp] = true;
        self->mean_log_temp += log(group->temps[cell->temp]) / (double)self->num_cells;
        self->mean_log_train += log((double)group->trains[cell->train]) / (double)self->num_cells;
    }
}

static void add_limited(ch_regression *self, const uint32_t *data_set, size_t row)
{
    const ch_fit_cell *cell = &self->group->cells[self->cells[row]];
    for (size_t i = cell->begin; i < cell->end && !cell->complete; i++) {
        const ch_run *run = self->group->runs[i];
        const double log_time = log(run->time);
        if (isfinite(log_time)) { /* one ended before its first step says nothing */
            self->limited[self->num_limited++] = (ch_limited_run){row, data_set[i], run->status == CH_BUDGET, log_time};
        }
    }
}

ch_code ch_regression_init(ch_regression *self, const ch_fit_group *group, ch_fit_log which, ch_error *err)
{
    ch_code code = CH_OK;
    *self = (ch_regression){.group = group, .which = which};
    bool *has_temp = ch_alloc(group->num_temps, sizeof *has_temp);
    uint32_t *data_set = ch_alloc(group->num_runs, sizeof *data_set);
    self->cells = ch_alloc(group->num_cells, sizeof *self->cells);
    self->limited = ch_alloc(group->num_runs, sizeof *self->limited);
    if (has_temp == NULL || data_set == NULL || self->cells == NULL || self->limited == NULL) {
        code = ch_error_memory(err, "a regression");
        goto out;
    }
    if ((code = ch_fit_index_data_sets(group, data_set, err)) != CH_OK) {
        goto out;
    }
    for (size_t c = 0; c < group->num_cells; c++) {
        if (is_used(group, &group->cells[c], which)) {
            self->cells[self->num_cells++] = c;
        }
    }
    count_values(self, has_temp);
    for (size_t row = 0; row < self->num_cells; row++) {
        add_limited(self, data_set, row);
    }
out:
    free(has_temp);
    free(data_set);
    return code;
}

void ch_regression_free(ch_regression *self)
{
    free(self->cells);
    free(self->limited);
    *self = (ch_regression){0};
}

/* 1, then ln T and ln P where they vary. */
static size_t num_columns(const ch_regression *self)
{
    return 1 + (size_t)(self->num_temps > 1) + (size_t)(self->num_trains > 1);
}

ch_code ch_regression_space_init(ch_regression_space *self, const ch_regression *regression, ch_error *err)
{
    *self = (ch_regression_space){0};
    const size_t n = regression->num_cells;
    const size_t p = num_columns(regression);
    if (n < p) {
        return CH_OK; /* ch_regression_fit refuses it */
    }
    self->design = gsl_matrix_alloc(n, p);
    self->covariance = gsl_matrix_alloc(p, p);
    self->weights = gsl_vector_alloc(n);
    self->y = gsl_vector_alloc(n);
    self->coefficients = gsl_vector_alloc(p);
    self->linear = gsl_multifit_linear_alloc(n, p);
    if (self->design == NULL || self->covariance == NULL || self->weights == NULL || self->y == NULL ||
        self->coefficients == NULL || self->linear == NULL) {
        return ch_error_memory(err, "a regression");
    }
    for (size_t i = 0; i < n; i++) {
        const ch_fit_cell *cell = &regression->group->cells[regression->cells[i]];
        size_t column = 0;
        gsl_matrix_set(self->design, i, column++, 1);
        if (regression->num_temps > 1) {
            const double log_temp = log(regression->group->temps[cell->temp]);
            gsl_matrix_set(self->design, i, column++, log_temp - regression->mean_log_temp);
        }
        if (regression->num_trains > 1) {
            const double log_train = log((double)regression->group->trains[cell->train]);
            gsl_matrix_set(self->design, i, column, log_train - regression->mean_log_train);
        }
    }
    return CH_OK;
}

void ch_regression_space_free(ch_regression_space *self)
{
    gsl_matrix_free(self->design);
    gsl_matrix_free(self->covariance);
    gsl_vector_free(self->weights);
    gsl_vector_free(self->y);
    gsl_vector_free(self->coefficients);
    gsl_multifit_linear_free(self->linear);
    *self = (ch_regression_space){0};
}

/* Least squares of space->y. @return whether the regressors are independent */
static bool solve(const ch_regression *self, ch_regression_space *space)
{
    /* regressors whose scaled singular values fall under this are taken for dependent: T moves with P */
    const double tolerance = 1e-8;
    double squares = 0;
    size_t rank = 0;
    return gsl_multifit_wlinear_tsvd(space->design, space->weights, space->y, tolerance, space->coefficients,
                                     space->covariance, &squares, &rank, space->linear) == GSL_SUCCESS &&
           rank == num_columns(self);
}

static double predict(const ch_regression *self, const ch_regression_space *space, size_t row)
{
    double sum = 0;
    for (size_t k = 0; k < num_columns(self); k++) {
        sum += gsl_matrix_get(space->design, row, k) * gsl_vector_get(space->coefficients, k);
    }
    return sum;
}

/* ---- runs that a budget ended ---- */

static double times_drawn(const ch_limited_run *run, const double *copies)
{
    return copies != NULL ? copies[run->data_set] : 1;
}

/* Sums for the variance of the errors. */
typedef struct {
    double squares, weight;
} spread;

/* What lies beyond a bound c of a normal number of mean mu and deviation s: with z = (c - mu) / s and the hazard h(z),
 * its mean is mu + s h and its variance s^2 (1 + z h - h^2). Without a deviation yet (NaN), the bound itself. */
static double expected(const ch_limited_run *run, double mean, double deviation, double *variance)
{
    const double value = run->log_time;
    *variance = 0;
    if (!run->is_bound || isnan(deviation)) {
        return value;
    }
    if (!(deviation > 0)) {
        return fmax(value, mean);
    }
    const double z = (value - mean) / deviation;
    const double hazard = gsl_sf_hazard(z);
    *variance = deviation * deviation * fmax(0, 1 + z * hazard - hazard * hazard);
    return mean + deviation * hazard;
}

/* Sets y and weights of the cells that are not complete to what is expected of their runs. @return the largest move */
static double fill_in(const ch_regression *self, ch_regression_space *space, const double *copies, double deviation,
                      spread *all)
{
    double most = 0;
    for (size_t i = 0; i < self->num_limited;) {
        const size_t row = self->limited[i].row;
        const double mean = isnan(deviation) ? 0 : predict(self, space, row);
        double sum = 0, weight = 0;
        for (; i < self->num_limited && self->limited[i].row == row; i++) {
            double variance = 0;
            const double times = times_drawn(&self->limited[i], copies);
            const double value = expected(&self->limited[i], mean, deviation, &variance);
            sum += times * value;
            weight += times;
            all->squares += times * ((value - mean) * (value - mean) + variance);
        }
        const double y = weight > 0 ? sum / weight : 0;
        most = fmax(most, fabs(y - gsl_vector_get(space->y, row)));
        gsl_vector_set(space->y, row, y);
        gsl_vector_set(space->weights, row, weight);
        all->weight += weight;
    }
    return most;
}

/* Squares of the complete cells' runs about the law. */
static spread spread_of_complete(const ch_regression *self, const ch_regression_space *space, const ch_cell_mean *means)
{
    spread all = {0};
    for (size_t row = 0; row < self->num_cells; row++) {
        const ch_cell_mean *cell = &means[self->cells[row]];
        const double mean = predict(self, space, row);
        all.squares += cell->weight * (cell->square[self->which] - 2 * mean * cell->log[self->which] + mean * mean);
        all.weight += cell->weight;
    }
    return all;
}

/* The squares of the values as they are, to begin with. */
static spread spread_of_all(const ch_regression *self, const ch_regression_space *space, const ch_cell_mean *means,
                            const double *copies)
{
    spread all = spread_of_complete(self, space, means);
    for (size_t i = 0; i < self->num_limited; i++) {
        const double times = times_drawn(&self->limited[i], copies);
        const double off = self->limited[i].log_time - predict(self, space, self->limited[i].row);
        all.squares += times * off * off;
        all.weight += times;
    }
    return all;
}

/* Expectation maximisation, from the bounds taken for values. */
static bool maximise(const ch_regression *self, ch_regression_space *space, const ch_cell_mean *means,
                     const double *copies)
{
    enum { MOST_ROUNDS = 2000 };
    const double tolerance = 1e-9;
    spread all = {0};
    fill_in(self, space, copies, NAN, &all);
    if (!solve(self, space)) {
        return false;
    }
    all = spread_of_all(self, space, means, copies);
    double move = INFINITY;
    for (int round = 0; round < MOST_ROUNDS && move > tolerance; round++) {
        const double deviation = sqrt(fmax(0, all.squares) / all.weight);
        all = spread_of_complete(self, space, means);
        move = fill_in(self, space, copies, deviation, &all);
        if (!solve(self, space)) {
            return false;
        }
    }
    return true;
}

bool ch_regression_fit(const ch_regression *self, ch_regression_space *space, const ch_cell_mean *means,
                       const double *copies, ch_power_law *law)
{
    *law = (ch_power_law){NAN, NAN, NAN, 0};
    if (space->linear == NULL) {
        return false;
    }
    double num_runs = 0;
    for (size_t i = 0; i < self->num_cells; i++) {
        const ch_cell_mean *mean = &means[self->cells[i]];
        gsl_vector_set(space->weights, i, mean->weight);
        gsl_vector_set(space->y, i, mean->log[self->which]);
        num_runs += mean->weight;
    }
    for (size_t i = 0; i < self->num_limited; i++) {
        num_runs += times_drawn(&self->limited[i], copies);
    }
    if (!(self->num_limited > 0 ? maximise(self, space, means, copies) : solve(self, space))) {
        return false;
    }
    size_t column = 0;
    law->num_runs = (size_t)num_runs;
    law->log_amplitude = gsl_vector_get(space->coefficients, column++);
    if (self->num_temps > 1) {
        law->temp_exponent = gsl_vector_get(space->coefficients, column++);
        law->log_amplitude -= law->temp_exponent * self->mean_log_temp;
    }
    if (self->num_trains > 1) {
        law->train_exponent = gsl_vector_get(space->coefficients, column);
        law->log_amplitude -= law->train_exponent * self->mean_log_train;
    }
    return isfinite(law->log_amplitude);
}
