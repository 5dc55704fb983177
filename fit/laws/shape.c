/* shape.c — whether ln y over ln P is a straight line, a broken one, or one with a correction to scaling. */
#include "fit/laws/shape.h"

#include "core/memory.h"
#include "fit/laws/linear.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_machine.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Number of values that are tried of a parameter that does not enter linearly: break, omega or nu. */
enum { GRID = 64 };
static const double LEAST_OMEGA = 0.1, MOST_OMEGA = 2;
static const double LEAST_NU = 0.01, MOST_NU = 20;
enum { MOST_TERMS = 3 };
/* A shape is preferred to a power if its AICc is lower by more than this. */
static const double WORTH_IT = 2;

const char *ch_trend_shape_name(ch_trend_shape shape)
{
    static const char *const names[] = {
        [CH_SHAPE_POWER] = "power", [CH_SHAPE_BROKEN] = "broken", [CH_SHAPE_CORRECTED] = "corrected"};
    return names[shape];
}

static size_t num_terms(ch_trend_shape shape)
{
    return shape == CH_SHAPE_POWER ? 2 : 3;
}

/* Number of parameters of the mean: the factors of the terms, and the one that does not enter linearly. */
static size_t num_parameters(ch_trend_shape shape)
{
    return shape == CH_SHAPE_POWER ? 2 : 4;
}

/* ---- errors that neighbouring P share ---- */

/* rho = (P / P')^nu between a P and the one before it */
static double correlation(const ch_trend *curve, size_t point, double nu)
{
    return point == 0 ? 0 : exp(-nu * (curve->log_train[point] - curve->log_train[point - 1]));
}

/* The part of a number at one P that the number before it does not explain, (e_i - rho e_{i-1}) / sqrt(1 - rho^2). */
static double whiten(const ch_trend *curve, const double *numbers, size_t point, double nu)
{
    const double rho = correlation(curve, point, nu);
    return point == 0 ? numbers[0] : (numbers[point] - rho * numbers[point - 1]) / sqrt(1 - rho * rho);
}

static void average(const ch_trend *curve, double *mean)
{
    for (size_t p = 0; p < curve->num_points; p++) {
        mean[p] = 0;
        for (size_t s = 0; s < curve->num_sets; s++) {
            mean[p] += curve->values[s * curve->num_points + p] / (double)curve->num_sets;
        }
    }
}

/* Sum of the whitened squares of the data sets about their mean.
 * @param difference  [num_points] work space */
static double squares_within(const ch_trend *curve, const double *mean, double nu, double *difference)
{
    double squares = 0;
    for (size_t s = 0; s < curve->num_sets; s++) {
        for (size_t p = 0; p < curve->num_points; p++) {
            difference[p] = curve->values[s * curve->num_points + p] - mean[p];
        }
        for (size_t p = 0; p < curve->num_points; p++) {
            const double white = whiten(curve, difference, p, nu);
            squares += white * white;
        }
    }
    return squares;
}

static double on_grid(double lo, double hi, size_t k)
{
    return lo + (hi - lo) * (double)k / (GRID - 1);
}

/* The most likely nu of normal errors of equal variance, correlated by (P / P')^nu: without constants, the logarithm of
 * the likelihood is -(n - 1) / 2 [K ln squares(nu) + sum_i ln(1 - rho_i^2)], K points. */
static double find_nu(const ch_trend *curve, const double *mean, double *difference)
{
    double best = MOST_NU, least = INFINITY;
    for (size_t k = 0; k < GRID && curve->num_sets > 1; k++) {
        const double nu = exp(on_grid(log(LEAST_NU), log(MOST_NU), k));
        double minus = (double)curve->num_points * log(squares_within(curve, mean, nu, difference));
        for (size_t p = 1; p < curve->num_points; p++) {
            const double rho = correlation(curve, p, nu);
            minus += log1p(-rho * rho);
        }
        if (minus < least) {
            least = minus;
            best = nu;
        }
    }
    return best;
}

/* ---- the shapes ---- */

/* The terms of a shape at ln P. The first term is 1. A power has ln(P/P_1) as well, P_1 being the least P; a broken
 * power has max(0, ln(P/P_b)) and min(0, ln(P/P_b)); a corrected one has ln(P/P_1) and (P/P_1)^-omega. The factor of
 * the second term is the exponent at large P. */
static void terms_at(const ch_trend *curve, ch_trend_shape shape, double parameter, size_t point, double *terms)
{
    const double x = curve->log_train[point], first = curve->log_train[0];
    terms[0] = 1;
    switch (shape) {
    case CH_SHAPE_BROKEN:
        terms[1] = fmax(0, x - parameter);
        terms[2] = fmin(0, x - parameter);
        break;
    case CH_SHAPE_CORRECTED:
        terms[1] = x - first;
        terms[2] = exp(-parameter * (x - first));
        break;
    default:
        terms[1] = x - first;
    }
}

/* One shape fitted at one value of its parameter. */
typedef struct {
    double parameter, exponent, other;
    double variance; /* of the exponent, where ln y of a data set has unit variance */
    double squares;  /* whitened squares that the shape leaves */
} shape_point;

typedef struct {
    const ch_trend *curve;
    double nu;
    double *mean, *column; /* [num_points] */
    gsl_matrix *design[CH_NUM_SHAPES];
    gsl_vector *y, *weights, *factors[CH_NUM_SHAPES];
    ch_linear linear;
} shape_space;

static void space_free(shape_space *self)
{
    free(self->mean);
    free(self->column);
    for (int k = 0; k < CH_NUM_SHAPES; k++) {
        gsl_matrix_free(self->design[k]);
        gsl_vector_free(self->factors[k]);
    }
    ch_linear_free(&self->linear);
    gsl_vector_free(self->y);
    gsl_vector_free(self->weights);
}

static ch_code space_init(shape_space *self, const ch_trend *curve, ch_error *err)
{
    const size_t num = curve->num_points;
    *self = (shape_space){.curve = curve};
    self->mean = ch_alloc(num, sizeof *self->mean);
    self->column = ch_alloc(num, sizeof *self->column);
    self->y = gsl_vector_alloc(num);
    self->weights = gsl_vector_alloc(num);
    bool made = self->mean != NULL && self->column != NULL && self->y != NULL && self->weights != NULL;
    for (int k = 0; k < CH_NUM_SHAPES; k++) {
        const size_t terms = num_terms((ch_trend_shape)k);
        self->design[k] = gsl_matrix_alloc(num, terms);
        self->factors[k] = gsl_vector_alloc(terms);
        made = made && self->design[k] != NULL && self->factors[k] != NULL;
    }
    if (!made) {
        return ch_error_memory(err, "the shape of a curve");
    }
    const ch_code code = ch_linear_init(&self->linear, num, err);
    if (code != CH_OK) {
        return code;
    }
    average(curve, self->mean);
    self->nu = find_nu(curve, self->mean, self->column);
    for (size_t p = 0; p < num; p++) {
        gsl_vector_set(self->y, p, whiten(curve, self->mean, p, self->nu));
    }
    gsl_vector_set_all(self->weights, (double)curve->num_sets);
    return CH_OK;
}

/* Generalised least squares of the mean over the data sets. */
static shape_point fit_at(shape_space *self, ch_trend_shape shape, double parameter)
{
    gsl_matrix *design = self->design[shape];
    double rows[2][MOST_TERMS] = {{0}};
    for (size_t p = 0; p < self->curve->num_points; p++) {
        const double rho = correlation(self->curve, p, self->nu);
        terms_at(self->curve, shape, parameter, p, rows[p % 2]);
        for (size_t k = 0; k < num_terms(shape); k++) {
            const double before = p > 0 ? rows[(p + 1) % 2][k] : 0;
            gsl_matrix_set(design, p, k, (rows[p % 2][k] - rho * before) / sqrt(1 - rho * rho));
        }
    }
    shape_point point = {.parameter = parameter, .squares = INFINITY};
    if (!ch_linear_decompose(&self->linear, design, self->weights, GSL_DBL_EPSILON)) {
        return point;
    }
    point.squares = ch_linear_solve(&self->linear, self->y, self->factors[shape]);
    point.exponent = gsl_vector_get(self->factors[shape], 1);
    point.variance = ch_linear_variance(&self->linear, 1);
    point.other = num_terms(shape) > 2 ? gsl_vector_get(self->factors[shape], 2) : NAN;
    return point;
}

/* Values between which a shape's parameter is sought. A break has two P or more on either side. */
static void range_of(const ch_trend *curve, ch_trend_shape shape, double *lo, double *hi)
{
    *lo = shape == CH_SHAPE_BROKEN ? curve->log_train[1] : log(LEAST_OMEGA);
    *hi = shape == CH_SHAPE_BROKEN ? curve->log_train[curve->num_points - 2] : log(MOST_OMEGA);
}

/* Takes 95 % intervals from the profile of the likelihood. A value of the parameter is allowed if its squares exceed
 * the least ones by at most F times the variance, F being the 95 % point for 1 and dof degrees of freedom. At each
 * allowed value, the rest of the allowed excess gives an interval of the exponent. The interval of the exponent is the
 * union of these. */
static void take_intervals(const shape_point *points, size_t num, size_t best, double variance, size_t dof,
                           ch_shape_fit *fit)
{
    const double most = gsl_cdf_fdist_Pinv(0.95, 1, (double)dof);
    fit->lo = fit->extra_lo = INFINITY;
    fit->hi = fit->extra_hi = -INFINITY;
    for (size_t k = 0; k < num; k++) {
        const double left = most - (points[k].squares - points[best].squares) / variance;
        if (left >= 0) {
            const double half = sqrt(left * variance * points[k].variance);
            fit->lo = fmin(fit->lo, points[k].exponent - half);
            fit->hi = fmax(fit->hi, points[k].exponent + half);
            fit->extra_lo = k == 0 ? -INFINITY : fmin(fit->extra_lo, points[k].parameter);
            fit->extra_hi = k == num - 1 ? INFINITY : fmax(fit->extra_hi, points[k].parameter);
        }
    }
}

static void fit_shape(shape_space *self, ch_trend_shape shape, ch_shapes *shapes)
{
    shape_point points[GRID];
    ch_shape_fit *fit = &shapes->fits[shape];
    const size_t num = shape == CH_SHAPE_POWER ? 1 : GRID;
    double lo = 0, hi = 0;
    size_t best = 0;
    if (num > 1) {
        range_of(self->curve, shape, &lo, &hi);
    }
    for (size_t k = 0; k < num; k++) {
        const double at = num > 1 ? on_grid(lo, hi, k) : 0;
        points[k] = fit_at(self, shape, shape == CH_SHAPE_CORRECTED ? exp(at) : at);
        best = points[k].squares < points[best].squares ? k : best;
    }
    const double squares = points[best].squares;
    fit->dof = self->curve->num_points - num_parameters(shape);
    fit->found = isfinite(squares);
    fit->exponent = points[best].exponent;
    fit->extra = num > 1 ? points[best].parameter : NAN;
    fit->other = points[best].other;
    fit->squares = squares;
    fit->stderr_ = fit->chi2 = fit->lo = fit->hi = fit->extra_lo = fit->extra_hi = NAN;
    if (self->curve->num_sets < 2) {
        return; /* one data set has no spread to make errors of */
    }
    fit->stderr_ = sqrt(shapes->variance * points[best].variance);
    fit->chi2 = squares / shapes->variance;
    take_intervals(points, num, best, shapes->variance, shapes->dof, fit);
    if (num == 1) {
        fit->extra_lo = fit->extra_hi = NAN;
    }
}

/* Compares the shapes: the misfit of each against the data sets' own spread, and AICc
 *     N ln(squares / N) + 2 k + 2 k (k + 1) / (N - k - 1),
 * N numbers, k parameters with the variance and nu (Hurvich and Tsai, Biometrika 76, 297 (1989)). */
static void compare(const ch_trend *curve, ch_shapes *shapes)
{
    const double num = (double)(curve->num_sets * curve->num_points);
    const double within = shapes->variance * (double)shapes->dof;
    shapes->best = CH_SHAPE_POWER;
    for (int k = 0; k < CH_NUM_SHAPES; k++) {
        ch_shape_fit *fit = &shapes->fits[k];
        if (!fit->found) {
            continue;
        }
        const double parameters = (double)num_parameters((ch_trend_shape)k) + 2;
        const double over = num - parameters - 1;
        const double squares = fit->squares + (curve->num_sets > 1 ? within : 0);
        fit->aicc =
            over > 0 ? num * log(squares / num) + 2 * parameters + 2 * parameters * (parameters + 1) / over : NAN;
        fit->misfit = curve->num_sets > 1 && fit->dof > 0
                          ? gsl_cdf_fdist_Q(fit->chi2 / (double)fit->dof, (double)fit->dof, (double)shapes->dof)
                          : NAN;
        const ch_shape_fit *power = &shapes->fits[CH_SHAPE_POWER];
        const double gained = (power->squares - fit->squares) / shapes->variance / 2;
        fit->against_power =
            k != CH_SHAPE_POWER && curve->num_sets > 1 ? gsl_cdf_fdist_Q(gained, 2, (double)shapes->dof) : NAN;
        const double ahead = shapes->fits[shapes->best].aicc - fit->aicc;
        if (ahead > (shapes->best == CH_SHAPE_POWER ? WORTH_IT : 0)) {
            shapes->best = (ch_trend_shape)k;
        }
    }
}

/* d ln y / d ln P from one P to the next: the drift of the exponent. */
static void find_local(const shape_space *space, ch_shapes *shapes)
{
    const ch_trend *curve = space->curve;
    for (size_t p = 0; p + 1 < curve->num_points; p++) {
        const double step = curve->log_train[p + 1] - curve->log_train[p];
        const double rho = correlation(curve, p + 1, space->nu);
        const double error = sqrt(2 * (1 - rho) * shapes->variance / (double)curve->num_sets) / step;
        shapes->local[p] = (ch_local_slope){
            .train_lo = rint(exp(curve->log_train[p])),
            .train_hi = rint(exp(curve->log_train[p + 1])),
            .slope = (space->mean[p + 1] - space->mean[p]) / step,
            .stderr_ = curve->num_sets > 1 ? error : NAN,
        };
    }
    shapes->num_local = curve->num_points - 1;
}

ch_code ch_shapes_fit(ch_shapes *self, const ch_trend *curve, ch_error *err)
{
    shape_space space;
    *self = (ch_shapes){.nu = NAN, .variance = NAN};
    if (curve->num_sets == 0 || curve->num_points < 3) {
        return CH_OK;
    }
    ch_code code = space_init(&space, curve, err);
    if (code != CH_OK) {
        goto out;
    }
    self->local = ch_alloc(curve->num_points, sizeof *self->local);
    if (self->local == NULL) {
        code = ch_error_memory(err, "the shape of a curve");
        goto out;
    }
    self->nu = space.nu;
    self->dof = (curve->num_sets - 1) * curve->num_points;
    self->variance =
        self->dof > 0 ? squares_within(curve, space.mean, space.nu, space.column) / (double)self->dof : NAN;
    for (int k = 0; k < CH_NUM_SHAPES; k++) {
        if (curve->num_points > num_parameters((ch_trend_shape)k) && self->variance != 0) {
            fit_shape(&space, (ch_trend_shape)k, self);
        }
    }
    compare(curve, self);
    find_local(&space, self);
out:
    space_free(&space);
    return code;
}

void ch_shapes_free(ch_shapes *self)
{
    free(self->local);
    *self = (ch_shapes){0};
}
