/* regression.c — one power law over all cells of the window. */
#include "fit/laws/regression.h"
#include "core/memory.h"
#include "fit/laws/bounded.h"
#include "fit/laws/limited.h"
#include "fit/table/data_sets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whether a cell has a row in the design. In the design for t* cells in which a budget ended runs have one too. */
static bool is_used(const ch_fit_group *group, const ch_fit_cell *cell, ch_fit_log which)
{
    const bool is_known = which == CH_LOG_TIME ? cell->num_diverged + cell->num_unusable == 0 : cell->complete;
    return is_known && ch_fit_is_in_window(group, cell);
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

/* Whether some P has two T, and some T has two P. The rows of a P follow each other.
 * @param of_temp  [num_temps of the group] all 0 before: number of rows at each T */
static bool find_crossing(const ch_regression *self, size_t *of_temp)
{
    bool has_two_temps = false, has_two_trains = false;
    for (size_t i = 0; i < self->num_cells; i++) {
        const ch_fit_cell *cell = &self->group->cells[self->cells[i]];
        has_two_temps = has_two_temps || (i > 0 && cell->train == self->group->cells[self->cells[i - 1]].train);
        has_two_trains = has_two_trains || ++of_temp[cell->temp] > 1;
    }
    return has_two_temps && has_two_trains;
}

/* The number of runs in cells of the design that are not complete. */
static size_t count_limited(const ch_regression *self)
{
    size_t count = 0;
    for (size_t row = 0; row < self->num_cells; row++) {
        const ch_fit_cell *cell = &self->group->cells[self->cells[row]];
        count += cell->complete ? 0 : cell->end - cell->begin;
    }
    return count;
}

static void add_limited(ch_regression *self, size_t row)
{
    const ch_fit_cell *cell = &self->group->cells[self->cells[row]];
    for (size_t i = cell->begin; i < cell->end && !cell->complete; i++) {
        const ch_run *run = self->group->runs[i];
        const double log_time = log(run->time);
        if (isfinite(log_time)) { /* a run that a budget ended before its first step says nothing */
            self->limited[self->num_limited++] =
                (ch_limited_run){row, self->group->data_set[i], run->status == CH_BUDGET, log_time};
        }
    }
}

ch_code ch_regression_init(ch_regression *self, const ch_fit_group *group, ch_fit_log which, ch_error *err)
{
    ch_code code = CH_OK;
    *self = (ch_regression){.group = group, .which = which};
    bool *has_temp = ch_alloc(group->num_temps, sizeof *has_temp);
    size_t *of_temp = ch_alloc(group->num_temps, sizeof *of_temp);
    self->cells = ch_alloc(group->num_cells, sizeof *self->cells);
    if (has_temp == NULL || of_temp == NULL || self->cells == NULL) {
        code = ch_error_memory(err, "a regression");
        goto out;
    }
    for (size_t c = 0; c < group->num_cells; c++) {
        if (is_used(group, &group->cells[c], which)) {
            self->cells[self->num_cells++] = c;
        }
    }
    self->limited = ch_alloc(count_limited(self), sizeof *self->limited);
    if (self->limited == NULL) {
        code = ch_error_memory(err, "a regression");
        goto out;
    }
    count_values(self, has_temp);
    self->is_crossed = find_crossing(self, of_temp);
    for (size_t row = 0; row < self->num_cells; row++) {
        add_limited(self, row);
    }
out:
    free(has_temp);
    free(of_temp);
    return code;
}

void ch_regression_free(ch_regression *self)
{
    free(self->cells);
    free(self->limited);
    *self = (ch_regression){0};
}

enum { OF_TEMP = 1, OF_TRAIN };

static bool varies(const ch_regression *self, size_t column)
{
    return column == 0 || (column == OF_TEMP ? self->num_temps : self->num_trains) > 1;
}

ch_code ch_regression_space_init(ch_regression_space *self, const ch_regression *regression, ch_error *err)
{
    *self = (ch_regression_space){0};
    const size_t n = regression->num_cells;
    const size_t p = CH_REGRESSION_COLUMNS;
    if (n == 0) {
        return CH_OK; /* ch_regression_fit refuses it */
    }
    self->design = gsl_matrix_alloc(n, p);
    self->fitted = gsl_matrix_alloc(n, p);
    self->weights = gsl_vector_alloc(n);
    self->y = gsl_vector_alloc(n);
    self->left = gsl_vector_alloc(n);
    self->factors = gsl_vector_alloc(p);
    if (self->design == NULL || self->fitted == NULL || self->weights == NULL || self->y == NULL ||
        self->left == NULL || self->factors == NULL) {
        return ch_error_memory(err, "a regression");
    }
    const ch_code code = ch_linear_init(&self->linear, n, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = 0; i < n; i++) {
        const ch_fit_cell *cell = &regression->group->cells[regression->cells[i]];
        const double log_temp = log(regression->group->temps[cell->temp]);
        const double log_train = log((double)regression->group->trains[cell->train]);
        gsl_matrix_set(self->design, i, 0, 1);
        gsl_matrix_set(self->design, i, OF_TEMP, log_temp - regression->mean_log_temp);
        gsl_matrix_set(self->design, i, OF_TRAIN, log_train - regression->mean_log_train);
    }
    return CH_OK;
}

void ch_regression_space_free(ch_regression_space *self)
{
    gsl_matrix_free(self->design);
    gsl_matrix_free(self->fitted);
    gsl_vector_free(self->weights);
    gsl_vector_free(self->y);
    gsl_vector_free(self->left);
    gsl_vector_free(self->factors);
    ch_linear_free(&self->linear);
    *self = (ch_regression_space){0};
}

/* ---- least squares ---- */

typedef struct {
    const ch_regression *regression;
    ch_regression_space *space;
    const ch_cell_mean *means; /* of the replica, or of the table */
    const double *copies;
    bool has_bounds; /* the lower bounds of t* count as such */
} least_squares;

/* Splits the design into the columns whose factors are fitted, and y less the columns whose factors are held.
 * @param is_free  out: the columns that are fitted  @return their number */
static size_t split(const least_squares *self, const bool held[2], bool is_free[CH_REGRESSION_COLUMNS])
{
    ch_regression_space *space = self->space;
    size_t p = 0;
    for (size_t k = 0; k < CH_REGRESSION_COLUMNS; k++) {
        is_free[k] = varies(self->regression, k) && !(k > 0 && held[k - 1]);
        for (size_t i = 0; i < self->regression->num_cells && is_free[k]; i++) {
            gsl_matrix_set(space->fitted, i, p, gsl_matrix_get(space->design, i, k));
        }
        p += is_free[k];
    }
    for (size_t i = 0; i < self->regression->num_cells; i++) {
        double left = gsl_vector_get(space->y, i);
        for (size_t k = 1; k < CH_REGRESSION_COLUMNS; k++) {
            left -= held[k - 1] ? space->coefficients[k] * gsl_matrix_get(space->design, i, k) : 0;
        }
        gsl_vector_set(space->left, i, left);
    }
    return p;
}

/* Decomposes the weighted design and solves. @return whether the regressors are independent */
static bool solve_linear(const least_squares *self, const gsl_matrix *fitted, gsl_vector *factors, double *squares)
{
    /* regressors with a scaled singular value under this are taken to be dependent: T changes with P */
    const double tolerance = 1e-8;
    ch_regression_space *space = self->space;
    if (!ch_linear_decompose(&space->linear, fitted, space->weights, tolerance) ||
        space->linear.rank != fitted->size2) {
        return false;
    }
    *squares = ch_linear_solve(&space->linear, space->left, factors);
    return true;
}

/* Least squares of space->y with the factors of T and P held or fitted. Where a budget ended runs, this is where the
 * search for the most likely law starts, and what is least is minus the logarithm of its likelihood. */
static bool minimum_of(void *problem, const bool held[2], double values[2], double *squares)
{
    const least_squares *self = problem;
    ch_regression_space *space = self->space;
    const size_t n = self->regression->num_cells;
    bool is_free[CH_REGRESSION_COLUMNS];
    for (size_t k = 1; k < CH_REGRESSION_COLUMNS; k++) {
        space->coefficients[k] = held[k - 1] ? values[k - 1] : 0;
    }
    const size_t p = split(self, held, is_free);
    if (n < p) {
        return false;
    }
    gsl_matrix_view fitted = gsl_matrix_submatrix(space->fitted, 0, 0, n, p);
    gsl_vector_view factors = gsl_vector_subvector(space->factors, 0, p);
    if (!solve_linear(self, &fitted.matrix, &factors.vector, squares)) {
        return false;
    }
    for (size_t k = 0, i = 0; k < CH_REGRESSION_COLUMNS; k++) {
        space->coefficients[k] = is_free[k] ? gsl_vector_get(space->factors, i++) : space->coefficients[k];
    }
    if (self->has_bounds &&
        !ch_limited_fit(self->regression, space, self->means, self->copies, is_free, space->coefficients, squares)) {
        return false;
    }
    values[0] = space->coefficients[OF_TEMP];
    values[1] = space->coefficients[OF_TRAIN];
    return true;
}

/* Finds the law within the ranges. @return whether the regressors are independent */
static bool solve(least_squares *problem, const ch_range ranges[2])
{
    const ch_range any = {-INFINITY, INFINITY};
    double values[2];
    ch_range within[2];
    for (size_t k = 0; k < 2; k++) {
        /* a regressor that does not vary has no factor to bound */
        within[k] = varies(problem->regression, k + 1) || ch_range_is_fixed(ranges[k]) ? ranges[k] : any;
    }
    return ch_minimise_within(minimum_of, problem, within, values);
}

/* ---- runs that a budget ended ---- */

static double times_drawn(const ch_limited_run *run, const double *copies)
{
    return copies != NULL ? copies[run->data_set] : 1;
}

/* Sets y and weight of each cell in which a budget ended runs to the mean and number of its runs, whose lower bounds
 * count as values here. */
static void fill_in(const ch_regression *self, ch_regression_space *space, const double *copies)
{
    for (size_t i = 0; i < self->num_limited;) {
        const size_t row = self->limited[i].row;
        double sum = 0, weight = 0;
        for (; i < self->num_limited && self->limited[i].row == row; i++) {
            const double times = times_drawn(&self->limited[i], copies);
            sum += times * self->limited[i].log_time;
            weight += times;
        }
        gsl_vector_set(space->y, row, weight > 0 ? sum / weight : 0);
        gsl_vector_set(space->weights, row, weight);
    }
}

/* Finds the law of the complete cells alone, for a table whose lower bounds have no most likely law. The exponent of a
 * variable that does not vary among these cells is not determined.
 * @param is_known  out: whether the exponents of T and P are determined */
static bool solve_complete(least_squares *problem, const ch_range ranges[2], bool is_known[2])
{
    const ch_regression *self = problem->regression;
    ch_regression_space *space = problem->space;
    ch_range within[2] = {ranges[0], ranges[1]};
    size_t first = self->num_cells;
    bool differs[2] = {false, false};
    for (size_t i = 0; i < self->num_limited; i++) {
        gsl_vector_set(space->weights, self->limited[i].row, 0);
    }
    for (size_t row = 0; row < self->num_cells; row++) {
        if (!(gsl_vector_get(space->weights, row) > 0)) {
            continue;
        }
        first = first < row ? first : row;
        for (size_t k = 0; k < 2; k++) {
            differs[k] =
                differs[k] || gsl_matrix_get(space->design, row, k + 1) != gsl_matrix_get(space->design, first, k + 1);
        }
    }
    for (size_t k = 0; k < 2; k++) {
        is_known[k] = differs[k] || ch_range_is_fixed(ranges[k]);
        if (!is_known[k]) {
            within[k] = (ch_range){0, 0};
        }
    }
    problem->has_bounds = false;
    return first < self->num_cells && solve(problem, within);
}

/* Exponent of a column; NaN where neither the data nor the user determine it. */
static double exponent_of(const ch_regression *self, const ch_regression_space *space, const ch_range ranges[2],
                          size_t column)
{
    return varies(self, column) || ch_range_is_fixed(ranges[column - 1]) ? space->coefficients[column] : NAN;
}

bool ch_regression_fit(const ch_regression *self, ch_regression_space *space, const ch_cell_mean *means,
                       const double *copies, const ch_range ranges[2], ch_power_law *law)
{
    *law = (ch_power_law){NAN, NAN, NAN, 0};
    if (space->design == NULL || isnan(ranges[0].lo) || isnan(ranges[1].lo)) {
        return false;
    }
    const bool both_fitted =
        self->num_temps > 1 && self->num_trains > 1 && !ch_range_is_fixed(ranges[0]) && !ch_range_is_fixed(ranges[1]);
    if (both_fitted && !self->is_crossed) {
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
    least_squares problem = {self, space, means, copies, self->num_limited > 0};
    bool is_known[2] = {true, true};
    fill_in(self, space, copies);
    if (!solve(&problem, ranges) && !(self->num_limited > 0 && solve_complete(&problem, ranges, is_known))) {
        return false;
    }
    law->num_runs = (size_t)num_runs;
    law->temp_exponent = is_known[0] ? exponent_of(self, space, ranges, OF_TEMP) : NAN;
    law->train_exponent = is_known[1] ? exponent_of(self, space, ranges, OF_TRAIN) : NAN;
    law->log_amplitude = space->coefficients[0] - space->coefficients[OF_TEMP] * self->mean_log_temp -
                         space->coefficients[OF_TRAIN] * self->mean_log_train;
    return isfinite(law->log_amplitude);
}

double ch_regression_amplitude(const ch_regression *self, const ch_cell_mean *means, ch_fit_log which,
                               const ch_power_law *law)
{
    double sum = 0, weight = 0;
    for (size_t i = 0; i < self->num_cells; i++) {
        const ch_fit_cell *cell = &self->group->cells[self->cells[i]];
        const ch_cell_mean *mean = &means[self->cells[i]];
        sum += mean->weight * (mean->log[which] - law->temp_exponent * log(self->group->temps[cell->temp]) -
                               law->train_exponent * log((double)self->group->trains[cell->train]));
        weight += mean->weight;
    }
    return sum / weight;
}
