/* regression.c — one power law over all cells of the window. */
#include "fit/internal.h"

#include <math.h>
#include <stdlib.h>

static bool in_window(const ch_fit_group *group, const ch_fit_cell *cell)
{
    const double temp = group->temps[cell->temp];
    return cell->complete && temp >= group->window_lo && temp <= group->window_hi;
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

ch_code ch_regression_init(ch_regression *self, const ch_fit_group *group, ch_error *err)
{
    *self = (ch_regression){.group = group};
    bool *has_temp = ch_alloc(group->num_temps, sizeof *has_temp);
    self->cells = ch_alloc(group->num_cells, sizeof *self->cells);
    if (has_temp == NULL || self->cells == NULL) {
        free(has_temp);
        return ch_error_memory(err, "a regression");
    }
    for (size_t c = 0; c < group->num_cells; c++) {
        if (in_window(group, &group->cells[c])) {
            self->cells[self->num_cells++] = c;
        }
    }
    count_values(self, has_temp);
    free(has_temp);
    return CH_OK;
}

void ch_regression_free(ch_regression *self)
{
    free(self->cells);
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

bool ch_regression_fit(const ch_regression *self, ch_regression_space *space, const ch_cell_mean *means,
                       ch_fit_log which, ch_power_law *law)
{
    *law = (ch_power_law){NAN, NAN, NAN, 0};
    const size_t p = num_columns(self);
    if (space->linear == NULL) {
        return false;
    }
    double num_runs = 0;
    for (size_t i = 0; i < self->num_cells; i++) {
        const ch_cell_mean *mean = &means[self->cells[i]];
        gsl_vector_set(space->weights, i, mean->weight);
        gsl_vector_set(space->y, i, mean->log[which]);
        num_runs += mean->weight;
    }
    /* regressors whose scaled singular values fall under this are taken for dependent: T moves with P */
    const double tolerance = 1e-8;
    double squares = 0;
    size_t rank = 0;
    if (gsl_multifit_wlinear_tsvd(space->design, space->weights, space->y, tolerance, space->coefficients,
                                  space->covariance, &squares, &rank, space->linear) != GSL_SUCCESS ||
        rank < p) {
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
