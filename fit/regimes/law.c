/* law.c — fits the law of ||Dw|| over batch and temperature. */
#include "fit/regimes/law.h"

#include "core/memory.h"
#include "fit/laws/onset.h"

#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <stdlib.h>

enum { LOG_NOISE, DELTA, LOG_STEP, LOG_SHARPNESS, LOG_DESCENT, LOG_BEND, NUM_PARAMETERS };
enum { LEAST_IN_REGIME = 3 };

const char *ch_regime_name(ch_regime regime)
{
    static const char *const names[CH_NUM_REGIMES] = {"", "noise", "first step", "gradient descent"};
    return names[regime];
}

/* ln (e^(m a) + e^(m b))^(1/m). */
static double join(double a, double b, double m)
{
    const double larger = a > b ? a : b, smaller = a > b ? b : a;
    return larger == -INFINITY ? larger : larger + log1p(exp(m * (smaller - larger))) / m;
}

/* The terms at a point, and ln of the sum of those of noise and gradient descent. */
static double terms_at(const ch_regime_law *self, double log_batch, double log_temp, double terms[CH_NUM_REGIMES])
{
    terms[CH_REGIME_NONE] = -INFINITY;
    terms[CH_REGIME_NOISE] = self->log_noise + self->delta * log_temp;
    terms[CH_REGIME_FIRST_STEP] = self->log_step + log_temp + log_batch;
    terms[CH_REGIME_DESCENT] = self->log_descent;
    return join(terms[CH_REGIME_NOISE], terms[CH_REGIME_DESCENT], self->bend);
}

double ch_regime_law_log(const ch_regime_law *self, double batch, double temp, double terms[CH_NUM_REGIMES])
{
    double own[CH_NUM_REGIMES];
    const double late = terms_at(self, log(batch), log(temp), own);
    for (size_t i = 0; terms != NULL && i < CH_NUM_REGIMES; i++) {
        terms[i] = own[i];
    }
    return join(late, own[CH_REGIME_FIRST_STEP], self->sharpness);
}

double ch_regime_law_star(const ch_regime_law *self, double temp)
{
    return exp(self->log_noise - self->log_step + (self->delta - 1) * log(temp));
}

ch_regime ch_regime_law_at(const ch_regime_law *self, double batch, double temp)
{
    double terms[CH_NUM_REGIMES];
    if (isnan(ch_regime_law_log(self, batch, temp, terms))) {
        return CH_REGIME_NONE;
    }
    ch_regime largest = CH_REGIME_NOISE;
    for (size_t i = CH_REGIME_FIRST_STEP; i < CH_NUM_REGIMES; i++) {
        largest = terms[i] > terms[largest] ? (ch_regime)i : largest;
    }
    return largest;
}

/* ---- least squares ---- */

/* The solver for a law with the plateau of gradient descent, or without it. */
struct ch_law_solver {
    const ch_law_space *space; /* borrowed */
    size_t num_parameters;
    gsl_multifit_nlinear_workspace *workspace;
    gsl_vector *start, *weights;
};
enum { WITHOUT_DESCENT, WITH_DESCENT, NUM_SOLVERS };

static ch_regime_law law_of(const gsl_vector *at)
{
    return (ch_regime_law){.log_noise = gsl_vector_get(at, LOG_NOISE),
                           .delta = gsl_vector_get(at, DELTA),
                           .log_step = gsl_vector_get(at, LOG_STEP),
                           .sharpness = exp(gsl_vector_get(at, LOG_SHARPNESS)),
                           .log_descent = at->size > LOG_DESCENT ? gsl_vector_get(at, LOG_DESCENT) : -INFINITY,
                           .bend = at->size > LOG_BEND ? exp(gsl_vector_get(at, LOG_BEND)) : 1};
}

static int residuals(const gsl_vector *at, void *context, gsl_vector *out)
{
    const struct ch_law_solver *self = context;
    const ch_law_space *space = self->space;
    const ch_regime_law law = law_of(at);
    for (size_t i = 0; i < space->count; i++) {
        double u[CH_NUM_REGIMES];
        const double late = terms_at(&law, space->log_batch[i], space->log_temp[i], u);
        gsl_vector_set(out, i, join(late, u[CH_REGIME_FIRST_STEP], law.sharpness) - space->log_y[i]);
    }
    return GSL_SUCCESS;
}

/* With the terms u, the sum g of those of noise and descent and that of all, f: the shares of a term in a sum are
 * w = exp(k (u - g)) and v = exp(m (g - f)), so that df/du = v w for noise and descent, df/du = 1 - v for the first
 * step, df/d ln k = v (sum of w u - g) and df/d ln m = v g + (1 - v) u - f. */
static int jacobian(const gsl_vector *at, void *context, gsl_matrix *out)
{
    const struct ch_law_solver *self = context;
    const ch_law_space *space = self->space;
    const ch_regime_law law = law_of(at);
    for (size_t i = 0; i < space->count; i++) {
        double u[CH_NUM_REGIMES];
        const double g = terms_at(&law, space->log_batch[i], space->log_temp[i], u);
        const double step = u[CH_REGIME_FIRST_STEP], f = join(g, step, law.sharpness);
        const double v = exp(law.sharpness * (g - f)), noise = exp(law.bend * (u[CH_REGIME_NOISE] - g));
        gsl_matrix_set(out, i, LOG_NOISE, v * noise);
        gsl_matrix_set(out, i, DELTA, v * noise * space->log_temp[i]);
        gsl_matrix_set(out, i, LOG_STEP, 1 - v);
        gsl_matrix_set(out, i, LOG_SHARPNESS, v * g + (1 - v) * step - f);
        if (self->num_parameters > LOG_DESCENT) {
            const double descent = 1 - noise;
            gsl_matrix_set(out, i, LOG_DESCENT, v * descent);
            gsl_matrix_set(out, i, LOG_BEND, v * (noise * u[CH_REGIME_NOISE] + descent * u[CH_REGIME_DESCENT] - g));
        }
    }
    return GSL_SUCCESS;
}

static ch_code solver_init(struct ch_law_solver *self, const ch_law_space *space, size_t num_parameters, ch_error *err)
{
    const gsl_multifit_nlinear_parameters settings = gsl_multifit_nlinear_default_parameters();
    *self = (struct ch_law_solver){.space = space, .num_parameters = num_parameters};
    if (space->count <= num_parameters) {
        return CH_OK;
    }
    self->start = gsl_vector_alloc(num_parameters);
    self->weights = gsl_vector_alloc(space->count);
    self->workspace = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &settings, space->count, num_parameters);
    return self->start == NULL || self->weights == NULL || self->workspace == NULL
               ? ch_error_memory(err, "the regimes of a fit")
               : CH_OK;
}

static void solver_free(struct ch_law_solver *self)
{
    gsl_vector_free(self->start);
    gsl_vector_free(self->weights);
    if (self->workspace != NULL) {
        gsl_multifit_nlinear_free(self->workspace);
    }
}

ch_code ch_law_space_init(ch_law_space *self, size_t count, ch_error *err)
{
    *self = (ch_law_space){.count = count};
    self->log_batch = ch_alloc(4 * count, sizeof *self->log_batch);
    self->solvers = ch_alloc(NUM_SOLVERS, sizeof *self->solvers);
    if (self->log_batch == NULL || self->solvers == NULL) {
        return ch_error_memory(err, "the regimes of a fit");
    }
    self->log_temp = self->log_batch + count;
    self->log_y = self->log_temp + count;
    self->weights = self->log_y + count;
    for (size_t i = 0; i < count; i++) {
        self->weights[i] = 1;
    }
    ch_code code = solver_init(&self->solvers[WITHOUT_DESCENT], self, LOG_DESCENT, err);
    if (code == CH_OK) {
        code = solver_init(&self->solvers[WITH_DESCENT], self, NUM_PARAMETERS, err);
    }
    return code;
}

void ch_law_space_free(ch_law_space *self)
{
    for (size_t i = 0; self->solvers != NULL && i < NUM_SOLVERS; i++) {
        solver_free(&self->solvers[i]);
    }
    free(self->solvers);
    free(self->log_batch);
    *self = (ch_law_space){0};
}

/* Each term is a lower bound of ||Dw||: the largest amplitudes that no point contradicts. */
static ch_regime_law guess(const ch_law_space *self)
{
    ch_regime_law law = {INFINITY, 1, INFINITY, INFINITY, 3, 2};
    for (size_t i = 0; i < self->count; i++) {
        if (self->weights[i] > 0) {
            law.log_noise = fmin(law.log_noise, self->log_y[i] - self->log_temp[i]);
            law.log_step = fmin(law.log_step, self->log_y[i] - self->log_temp[i] - self->log_batch[i]);
            law.log_descent = fmin(law.log_descent, self->log_y[i]);
        }
    }
    return law;
}

/* Counts the points by the regime that they lie in. */
static void count_regimes(const ch_law_space *self, const ch_regime_law *law, size_t counts[CH_NUM_REGIMES])
{
    for (size_t k = 0; k < CH_NUM_REGIMES; k++) {
        counts[k] = 0;
    }
    for (size_t i = 0; i < self->count; i++) {
        counts[ch_regime_law_at(law, exp(self->log_batch[i]), exp(self->log_temp[i]))] += self->weights[i] > 0;
    }
}

/* Least squares from a law; the law found takes its place.  @return whether the iteration converged */
static bool solve(struct ch_law_solver *self, ch_regime_law *law, double *squares)
{
    const ch_law_space *space = self->space;
    const double step = 1e-8; /* of the parameters, at which the iteration has converged */
    gsl_multifit_nlinear_fdf fdf = {
        .f = residuals, .df = jacobian, .n = space->count, .p = self->num_parameters, .params = self};
    if (self->workspace == NULL) {
        return false;
    }
    gsl_vector_set(self->start, LOG_NOISE, law->log_noise);
    gsl_vector_set(self->start, DELTA, law->delta);
    gsl_vector_set(self->start, LOG_STEP, law->log_step);
    gsl_vector_set(self->start, LOG_SHARPNESS, log(law->sharpness));
    if (self->num_parameters > LOG_DESCENT) {
        gsl_vector_set(self->start, LOG_DESCENT, law->log_descent);
        gsl_vector_set(self->start, LOG_BEND, log(law->bend));
    }
    for (size_t i = 0; i < space->count; i++) {
        gsl_vector_set(self->weights, i, space->weights[i]);
    }
    if (gsl_multifit_nlinear_winit(self->start, self->weights, &fdf, self->workspace) != GSL_SUCCESS ||
        !ch_onset_iterate(self->workspace, step)) {
        return false;
    }
    *law = law_of(gsl_multifit_nlinear_position(self->workspace));
    const gsl_vector *left = gsl_multifit_nlinear_residual(self->workspace); /* times the roots of the weights */
    double weight = 0;
    *squares = 0;
    for (size_t i = 0; i < space->count; i++) {
        *squares += gsl_vector_get(left, i) * gsl_vector_get(left, i);
        weight += space->weights[i];
    }
    *squares /= weight;
    return isfinite(*squares) && isfinite(law->sharpness) && law->sharpness > 0 && isfinite(law->bend) && law->bend > 0;
}

double ch_law_fit(ch_law_space *self, ch_regime_law *law)
{
    size_t counts[CH_NUM_REGIMES];
    ch_regime_law found = guess(self);
    double squares = INFINITY;
    *law = (ch_regime_law){NAN, NAN, NAN, NAN, NAN, NAN};
    bool converged = solve(&self->solvers[WITH_DESCENT], &found, &squares);
    if (converged) {
        count_regimes(self, &found, counts);
    }
    if (!converged || counts[CH_REGIME_DESCENT] < LEAST_IN_REGIME) {
        found = guess(self);
        found.log_descent = -INFINITY;
        converged = solve(&self->solvers[WITHOUT_DESCENT], &found, &squares);
    }
    if (!converged) {
        return INFINITY;
    }
    count_regimes(self, &found, counts);
    if (counts[CH_REGIME_NOISE] < LEAST_IN_REGIME || counts[CH_REGIME_FIRST_STEP] < LEAST_IN_REGIME) {
        return INFINITY;
    }
    *law = found;
    return squares;
}
