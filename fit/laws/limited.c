/* limited.c — the most likely power law where a budget ended some runs.
 *
 * y and c are counted from the law at the start, which keeps theta and gamma_0 apart: gamma is then 0 at the start. */
#include "fit/laws/limited.h"

#include <math.h>
#include <string.h>

enum { MOST = CH_REGRESSION_COLUMNS + 1 }; /* gamma of the fitted columns, then theta */

/* What the likelihood is made of; all borrowed. */
typedef struct {
    const ch_regression *regression;
    const ch_regression_space *space;
    const ch_cell_mean *means;
    const double *copies;
    size_t columns[CH_REGRESSION_COLUMNS]; /* the fitted ones */
    size_t p;                              /* their number */
    double start[CH_REGRESSION_COLUMNS];   /* coefficients from which y and c are counted */
} likelihood;

/* ln L, its gradient and minus its Hessian. */
typedef struct {
    double value, gradient[MOST], curvature[MOST][MOST];
    double scatter[MOST][MOST]; /* sum of x x^T over the runs that ended in time */
} expansion;

static double predict(const likelihood *self, const double coefficients[CH_REGRESSION_COLUMNS], size_t row)
{
    double sum = 0;
    for (size_t k = 0; k < CH_REGRESSION_COLUMNS; k++) {
        sum += gsl_matrix_get(self->space->design, row, k) * coefficients[k];
    }
    return sum;
}

/* ln Q(z) and the hazard h = phi(z) / Q(z). Beyond z = 30 their asymptotic series are exact to rounding. */
static double log_tail(double z, double *hazard)
{
    if (z > 30) {
        const double inverse = 1 / (z * z);
        *hazard = z / (1 - inverse * (1 - inverse * (3 - 15 * inverse)));
        return -z * z / 2 - log(*hazard) - log(2 * M_PI) / 2;
    }
    const double tail = erfc(z / M_SQRT2) / 2;
    *hazard = exp(-z * z / 2) / (sqrt(2 * M_PI) * tail);
    return log(tail);
}

/* Adds f(z) with z = theta y - x.gamma for one row: its value, slope f' and curvature -f''. */
static void add_term(expansion *sum, size_t p, const double *x, double y, double value, double slope, double curvature)
{
    double gradient[MOST]; /* of z */
    for (size_t k = 0; k < p; k++) {
        gradient[k] = -x[k];
    }
    gradient[p] = y;
    sum->value += value;
    for (size_t k = 0; k <= p; k++) {
        sum->gradient[k] += slope * gradient[k];
        for (size_t l = 0; l <= k; l++) {
            sum->curvature[k][l] += curvature * gradient[k] * gradient[l];
        }
    }
}

/* Adds runs of one row that ended in time.
 * @param weight  their number  @param y, variance  their mean, and the mean square of the distances from it */
static void add_exact(expansion *sum, size_t p, const double *x, double weight, double y, double variance,
                      double distance, double theta)
{
    const double z = theta * y - distance;
    add_term(sum, p, x, y, weight * (log(theta) - z * z / 2 - theta * theta * variance / 2), -weight * z, weight);
    sum->gradient[p] += weight * (1 / theta - theta * variance);
    sum->curvature[p][p] += weight * (1 / (theta * theta) + variance);
    for (size_t k = 0; k < p; k++) {
        for (size_t l = 0; l <= k; l++) {
            sum->scatter[k][l] += weight * x[k] * x[l];
        }
    }
}

/* ln L and its derivatives at (gamma, theta). */
static void expand(const likelihood *self, const double at[MOST], expansion *sum)
{
    const ch_regression *regression = self->regression;
    const size_t p = self->p;
    const double theta = at[p];
    size_t next = 0; /* the next limited run; they are ordered by row */
    *sum = (expansion){0};
    for (size_t row = 0; row < regression->num_cells; row++) {
        const ch_cell_mean *cell = &self->means[regression->cells[row]];
        const double from = predict(self, self->start, row);
        double x[MOST], distance = 0;
        for (size_t k = 0; k < p; k++) {
            x[k] = gsl_matrix_get(self->space->design, row, self->columns[k]);
            distance += x[k] * at[k];
        }
        if (cell->weight > 0) {
            const double mean = cell->log[regression->which];
            const double variance = fmax(0, cell->square[regression->which] - mean * mean);
            add_exact(sum, p, x, cell->weight, mean - from, variance, distance, theta);
        }
        for (; next < regression->num_limited && regression->limited[next].row == row; next++) {
            const ch_limited_run *run = &regression->limited[next];
            const double times = self->copies != NULL ? self->copies[run->data_set] : 1;
            const double y = run->log_time - from;
            if (times > 0 && run->is_bound) {
                const double z = theta * y - distance;
                double hazard = NAN;
                const double value = log_tail(z, &hazard);
                add_term(sum, p, x, y, times * value, -times * hazard, times * hazard * fmax(0, hazard - z));
            } else if (times > 0) {
                add_exact(sum, p, x, times, y, 0, distance, theta);
            }
        }
    }
}

/* Solves A s = b for a symmetric A, of which the lower triangle is given, by Cholesky's decomposition.
 * @return whether A is positive definite beyond rounding */
static bool solve(size_t n, double a[MOST][MOST], const double b[MOST], double s[MOST])
{
    for (size_t i = 0; i < n; i++) {
        const double diagonal = a[i][i];
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i][j];
            for (size_t k = 0; k < j; k++) {
                sum -= a[i][k] * a[j][k];
            }
            if (j < i) {
                a[i][j] = sum / a[j][j];
            } else if (sum > 1e-13 * diagonal) {
                a[i][i] = sqrt(sum);
            } else {
                return false;
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        s[i] = b[i];
        for (size_t k = 0; k < i; k++) {
            s[i] -= a[i][k] * s[k];
        }
        s[i] /= a[i][i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++) {
            s[i] -= a[k][i] * s[k];
        }
        s[i] /= a[i][i];
    }
    return true;
}

/* The coefficients at (gamma, theta). */
static void coefficients_at(const likelihood *self, const double at[MOST], double coefficients[CH_REGRESSION_COLUMNS])
{
    memcpy(coefficients, self->start, sizeof self->start);
    for (size_t k = 0; k < self->p; k++) {
        coefficients[self->columns[k]] += at[k] / at[self->p];
    }
}

/* The largest change of a row's x.beta between two points. */
static double move_between(const likelihood *self, const double before[MOST], const double after[MOST])
{
    double from[CH_REGRESSION_COLUMNS], to[CH_REGRESSION_COLUMNS], most = 0;
    coefficients_at(self, before, from);
    coefficients_at(self, after, to);
    for (size_t row = 0; row < self->regression->num_cells; row++) {
        most = fmax(most, fabs(predict(self, to, row) - predict(self, from, row)));
    }
    return most;
}

/* Goes one step of Newton's method, halved as often as it takes.
 * @param here  in: ln L at `at`; out: at the new point  @return whether there is a step that does not lower ln L */
static bool go(const likelihood *self, double at[MOST], expansion *here)
{
    const size_t n = self->p + 1;
    double step[MOST];
    expansion there;
    double curvature[MOST][MOST];
    memcpy(curvature, here->curvature, sizeof curvature);
    if (!solve(n, curvature, here->gradient, step)) {
        return false;
    }
    const double rounding = 1e-12 * (1 + fabs(here->value));
    for (double length = 1; length > 1e-6; length /= 2) {
        double next[MOST] = {0};
        for (size_t k = 0; k < n; k++) {
            next[k] = at[k] + length * step[k];
        }
        if (!(next[self->p] > 0)) {
            continue;
        }
        expand(self, next, &there);
        if (there.value >= here->value - rounding) {
            memcpy(at, next, sizeof next);
            *here = there;
            return true;
        }
    }
    return false;
}

/* The deviation of all numbers from the law at the start, in which a bound counts as a value. */
static double deviation_at_start(const likelihood *self)
{
    const ch_regression *regression = self->regression;
    double squares = 0, weight = 0;
    for (size_t row = 0; row < regression->num_cells; row++) {
        const ch_cell_mean *cell = &self->means[regression->cells[row]];
        const double mean = predict(self, self->start, row), log = cell->log[regression->which];
        squares += cell->weight * (cell->square[regression->which] - 2 * mean * log + mean * mean);
        weight += cell->weight;
    }
    for (size_t i = 0; i < regression->num_limited; i++) {
        const ch_limited_run *run = &regression->limited[i];
        const double times = self->copies != NULL ? self->copies[run->data_set] : 1;
        const double off = run->log_time - predict(self, self->start, run->row);
        squares += times * off * off;
        weight += times;
    }
    return sqrt(fmax(0, squares) / weight);
}

bool ch_limited_fit(const ch_regression *self, const ch_regression_space *space, const ch_cell_mean *means,
                    const double *copies, const bool is_free[CH_REGRESSION_COLUMNS],
                    double coefficients[CH_REGRESSION_COLUMNS], double *loss)
{
    enum { MOST_STEPS = 60 };
    const double tolerance = 1e-10, no_deviation = 1e-9;
    likelihood problem = {.regression = self, .space = space, .means = means, .copies = copies};
    double at[MOST] = {0};
    expansion here;
    memcpy(problem.start, coefficients, sizeof problem.start);
    for (size_t k = 0; k < CH_REGRESSION_COLUMNS; k++) {
        if (is_free[k]) {
            problem.columns[problem.p++] = k;
        }
    }
    at[problem.p] = 1 / fmax(deviation_at_start(&problem), 1e-6);
    expand(&problem, at, &here);
    bool is_found = false;
    for (int k = 0; k < MOST_STEPS && !is_found; k++) {
        double before[MOST], unused[MOST], none[MOST] = {0};
        memcpy(before, at, sizeof before);
        if (!go(&problem, at, &here)) {
            return false;
        }
        is_found = move_between(&problem, before, at) < tolerance;
        if (at[problem.p] > 1 / no_deviation) { /* without errors only the runs that ended in time fix the law */
            if (!solve(problem.p, here.scatter, none, unused)) {
                return false;
            }
            is_found = true;
        }
    }
    if (is_found) {
        coefficients_at(&problem, at, coefficients);
        *loss = -here.value;
    }
    return is_found;
}
