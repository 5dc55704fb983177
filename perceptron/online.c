/* online.c — averages over a fresh sample, the online ODE, and predictions for P samples. */
#include "perceptron/online.h"

#include "data/linear_error.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <string.h>

static ch_code check_law(double chi, double lambda, ch_error *err)
{
    const ch_code code = ch_linear_check_chi(chi, err);
    if (code != CH_OK) {
        return code;
    }
    if (!(lambda >= 0) || !isfinite(lambda)) {
        return ch_error_set(err, CH_ERROR_INPUT, "lambda is %g; it must be finite and not negative", lambda);
    }
    return CH_OK;
}

/* ---- averages ---- */

/* phi(z), the normal density */
static double normal_density(double z)
{
    return exp(-z * z / 2) / sqrt(2 * M_PI);
}

/* Phi(z), the normal distribution function, to full relative precision in its lower tail */
static double normal_below(double z)
{
    return erfc(-z / M_SQRT2) / 2;
}

/* The test error eps_chi(lambda) as ch_linear_test_error has it, to full precision also where lambda is so small that
 * the error is close to 1/2; by one of two equal forms:
 *   I_{1 / (1 + lambda^2)}((chi+1)/2, 1/2) / 2,
 *   (1 - I_{lambda^2 / (1 + lambda^2)}(1/2, (chi+1)/2)) / 2.
 * The first is used where lambda^2 is large: where it is small, 1 + lambda^2 is rounded to 1. The second is used where
 * lambda^2 is small: where it is large, the difference from 1 is a small number that loses its digits. */
static ch_code find_error(double chi, double lambda, double *error, ch_error *err)
{
    const double square = lambda * lambda, a = (chi + 1) / 2;
    const bool far = square * a >= 0.5;
    gsl_sf_result beta;
    const int status = far ? gsl_sf_beta_inc_e(a, 0.5, 1 / (1 + square), &beta)
                           : gsl_sf_beta_inc_e(0.5, a, square / (1 + square), &beta);
    if (status != GSL_SUCCESS && status != GSL_EUNDRFLW) {
        return ch_error_set(err, CH_ERROR_NUMERIC, "test error at chi = %g, lambda = %g: %s", chi, lambda,
                            gsl_strerror(status));
    }
    *error = far ? beta.val / 2 : (1 - beta.val) / 2;
    return CH_OK;
}

/* n = E Phi(-lambda v) is the test error eps_chi(lambda) by its definition. Times v, the density at chi is E v times
 * that at chi + 1, so that A = E v Phi(-lambda v) = E v eps_{chi+1}(lambda). phi(lambda v) times the density's factor
 * exp(-v^2/2) is again a Gaussian in v, narrower by sqrt(1 + lambda^2), so that
 *   E v^k phi(lambda v) = E v^k (1 + lambda^2)^{-(chi+1+k)/2} / sqrt(2 pi),   where E v^2 = chi + 1. */
ch_code ch_online_averages_closed(ch_online_averages *self, double chi, double lambda, ch_error *err)
{
    memset(self, 0, sizeof *self);
    ch_code code = check_law(chi, lambda, err);
    if (code != CH_OK) {
        return code;
    }
    code = find_error(chi, lambda, &self->unfitted, err);
    if (code != CH_OK) {
        return code;
    }
    code = find_error(chi + 1, lambda, &self->drift, err);
    if (code != CH_OK) {
        return code;
    }
    const double mean = ch_linear_mean_distance(chi), width = 1 / hypot(1, lambda);
    self->drift *= mean;
    self->contraction = pow(width, chi + 1) / sqrt(2 * M_PI);
    self->first = mean * width * self->contraction;
    self->second = (chi + 1) * width * width * self->contraction;
    return CH_OK;
}

/* E v^power g(z), z = margin - lambda v, g = Phi or phi, as an integral over y = ln v - origin. Phi has its step where
 * z = 0, at v = margin / lambda. Where that step is narrow beside v, the origin is put on it, and z = -margin (e^y - 1)
 * is computed without a difference of large numbers. */
typedef struct {
    double chi, margin, lambda;
    double log_norm; /* ln(2 / Z_chi) */
    double power;    /* of v */
    bool density;    /* g is phi, else Phi */
    bool sharp;      /* the step is narrow */
    double origin;   /* ln(margin / lambda) where it is, else 0 */
    double wanted;   /* relative error of the integral */
} integrand;

/* The integrand at y, with dv = v dy:  (2 / Z_chi) v^{chi+1+power} e^{-v^2/2} g(z) */
static double integrand_at(double y, void *pointer)
{
    const integrand *self = pointer;
    const double x = y + self->origin, v = exp(x);
    const double z = self->sharp ? -self->margin * expm1(y) : self->margin - self->lambda * v;
    const double weight = self->log_norm + (self->chi + 1 + self->power) * x - v * v / 2;
    return exp(weight) * (self->density ? normal_density(z) : normal_below(z));
}

enum { MOST_BREAKS = 6 };

/* Sets the origin, and divides the range of integration where the integrand may bend sharply. The range leaves out
 * less than the wanted error. It is divided at the mode of v^order e^{-v^2/2}, at that of its product with phi(z),
 * and at both ends of Phi's step, which is 1 / lambda wide.
 * @param breaks  out: ends and divisions of the range, ascending, in y
 * @return their number */
static size_t find_breaks(integrand *self, double breaks[MOST_BREAKS])
{
    static const double STEP = 9;
    const double log_tail = 2 - log(self->wanted), tail = sqrt(2 * log_tail) + 1;
    const double a = self->margin, lambda = self->lambda, order = self->chi + 1 + self->power;
    const double mode = sqrt(order), across = 1 / hypot(1, lambda), centre = a * (lambda * across) * across;
    /* v^order exp(-v^2/2 - (lambda v - a)^2/2) */
    const double joint = (centre + hypot(centre, 2 * mode * across)) / 2;
    const double end = fmin(fmax(mode, joint) + tail, (a + tail + mode) / lambda);
    self->sharp = a > STEP && a / lambda < end;
    self->origin = self->sharp ? log(a / lambda) : 0;
    const double begin = log(fmin(fmin(mode, joint), end)) - self->origin - 5 - log_tail / order;
    const double last = log(end) - self->origin;
    const double inner[] = {log(mode) - self->origin, log(joint) - self->origin, self->sharp ? log1p(-STEP / a) : begin,
                            self->sharp ? log1p(STEP / a) : begin};
    size_t count = 0;
    breaks[count++] = begin;
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        if (inner[i] > begin && inner[i] < last) {
            size_t place = count++;
            for (; place > 1 && breaks[place - 1] > inner[i]; place--) {
                breaks[place] = breaks[place - 1];
            }
            breaks[place] = inner[i];
        }
    }
    breaks[count++] = last;
    return count;
}

/* The integral, as a sum over the parts of its range, by GSL's adaptive quadrature (QAG of QUADPACK).
 * Stopping rule: an estimated error of `wanted` of each part, or of the parts before it; a sum with more than ten times
 * that is refused. */
static ch_code integrate(integrand *self, double power, bool density, double *result, gsl_integration_workspace *space,
                         ch_error *err)
{
    static const double FINE = 1e-8; /* under which a rule of higher order is quicker */
    const double wanted = self->wanted;
    const int rule = wanted < FINE ? GSL_INTEG_GAUSS31 : GSL_INTEG_GAUSS15;
    double breaks[MOST_BREAKS], total_error = 0;
    self->power = power;
    self->density = density;
    const gsl_function function = {integrand_at, self};
    const size_t count = find_breaks(self, breaks);
    *result = 0;
    for (size_t i = 0; i + 1 < count; i++) {
        double part = 0, error = 0;
        gsl_integration_qag(&function, breaks[i], breaks[i + 1], wanted * *result, wanted, CH_ONLINE_INTERVALS, rule,
                            space, &part, &error);
        *result += part;
        total_error += error;
    }
    if (!(total_error <= 10 * wanted * *result + 1e-290)) {
        return ch_error_set(err, CH_ERROR_NUMERIC,
                            "an average at chi = %g, margin = %g, lambda = %g is known to %g of %g only", self->chi,
                            self->margin, self->lambda, total_error, *result);
    }
    return CH_OK;
}

/* How many of the averages are computed, in the order of ch_online_averages: the rates of the ODE need three. */
enum { OF_RATES = 3, OF_JACOBIAN = 5 };

/* The first `count` averages, to a relative error; the others are 0. */
static ch_code find_by_quadrature(ch_online_averages *self, double chi, double margin, double lambda, double error,
                                  size_t count, gsl_integration_workspace *space, ch_error *err)
{
    memset(self, 0, sizeof *self);
    ch_code code = check_law(chi, lambda, err);
    if (code != CH_OK) {
        return code;
    }
    if (!(margin >= 0) || !isfinite(margin)) {
        return ch_error_set(err, CH_ERROR_INPUT, "margin is %g; it must be finite and not negative", margin);
    }
    integrand average = {
        .chi = chi, .margin = margin, .lambda = lambda, .log_norm = M_LN2 - ch_linear_log_norm(chi), .wanted = error};
    const struct {
        double power;
        bool density;
        double *result;
    } wanted[] = {{0, false, &self->unfitted},
                  {1, false, &self->drift},
                  {0, true, &self->contraction},
                  {1, true, &self->first},
                  {2, true, &self->second}};
    for (size_t i = 0; i < count; i++) {
        code = integrate(&average, wanted[i].power, wanted[i].density, wanted[i].result, space, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* The relative error of averages, and of the ODE's steps, unless less is asked for. */
static const double FINEST_AVERAGES = 1e-11, FINEST_STEPS = 1e-9;

ch_code ch_online_averages_quadrature(ch_online_averages *self, double chi, double margin, double lambda,
                                      gsl_integration_workspace *space, ch_error *err)
{
    return find_by_quadrature(self, chi, margin, lambda, FINEST_AVERAGES, OF_JACOBIAN, space, err);
}

double ch_online_loss(const ch_online_averages *mean, double kappa, double signal, double noise, size_t dim)
{
    return kappa * mean->unfitted + (noise * mean->contraction - signal * mean->drift) / sqrt((double)dim);
}

/* ---- the ODE ---- */

static double square_root_of_dim(const ch_online_setup *setup)
{
    return sqrt((double)setup->dim);
}

/* Averages at lambda and r, in closed form where kappa is 0 (or the margin underflows), else the first `count` by
 * quadrature. */
static ch_code find_averages(ch_online_ode *self, double lambda, double noise, size_t count,
                             ch_online_averages *averages, ch_error *err)
{
    const ch_online_setup *setup = &self->setup;
    const double margin = setup->kappa * square_root_of_dim(setup) / noise;
    const double error = self->averages_error;
    return margin > 0 ? find_by_quadrature(averages, setup->chi, margin, lambda, error, count, self->space, err)
                      : ch_online_averages_closed(averages, setup->chi, lambda, err);
}

/* Terms of the rates and of the Jacobian at ln t and (ln s, ln r^2). */
typedef struct {
    double signal, noise, lambda, margin;
    double per_signal; /* t / (sqrt(d) s) */
    double per_noise2; /* t / r^2 */
    double unfitted;   /* T (d-1) / d */
    double pairs;      /* (eta - T) / d */
    double root;       /* sqrt(d) */
    ch_online_averages mean;
} ode_terms;

static int find_terms(ch_online_ode *self, double log_time, const double state[], size_t count, ode_terms *terms)
{
    const ch_online_setup *setup = &self->setup;
    const double dim = (double)setup->dim;
    terms->root = square_root_of_dim(setup);
    terms->signal = exp(state[0]);
    terms->noise = exp(state[1] / 2);
    terms->lambda = exp(state[0] - state[1] / 2);
    terms->margin = setup->kappa * terms->root / terms->noise;
    terms->per_signal = exp(log_time - state[0]) / terms->root;
    terms->per_noise2 = exp(log_time - state[1]);
    terms->unfitted = setup->temp * (dim - 1) / dim;
    terms->pairs = (setup->rate - setup->temp) / dim;
    /* A trial step may lead to where the averages cannot be found; the driver then tries a shorter one. */
    const ch_code code = find_averages(self, terms->lambda, terms->noise, count, &terms->mean, &self->failure);
    return code == CH_OK ? GSL_SUCCESS : GSL_FAILURE;
}

/* dr^2/dt = -2 r C / sqrt(d) + T n (d-1) / d + (eta - T) C^2 / d */
static double noise2_rate(const ode_terms *terms)
{
    const double c = terms->mean.contraction;
    return -2 * terms->noise * c / terms->root + terms->unfitted * terms->mean.unfitted + terms->pairs * c * c;
}

/* Right-hand sides of the ODE: d ln s / d ln t = t A / (sqrt(d) s),  d ln r^2 / d ln t = (t / r^2) dr^2/dt. */
static int rates(double log_time, const double state[], double derivative[], void *pointer)
{
    ode_terms terms;
    const int status = find_terms(pointer, log_time, state, OF_RATES, &terms);
    if (status != GSL_SUCCESS) {
        return status;
    }
    derivative[0] = terms.per_signal * terms.mean.drift;
    derivative[1] = terms.per_noise2 * noise2_rate(&terms);
    return GSL_SUCCESS;
}

/* The Jacobian [2][2] of the right-hand sides, row-major, and their derivatives by ln t. With a = kappa sqrt(d) / r,
 * z = a - lambda v, D = E v phi(z), F = E v^2 phi(z) and phi'(z) = -z phi(z) the averages have the derivatives
 *   dn/da = C, dn/dlambda = -D;  dA/da = D, dA/dlambda = -F;  dC/da = -a C + lambda D, dC/dlambda = a D - lambda F,
 * and d/d ln s = lambda d/dlambda,  d/d ln r^2 = -(a d/da + lambda d/dlambda) / 2. */
static int jacobian(double log_time, const double state[], double *matrix, double explicit_time[], void *pointer)
{
    ode_terms terms;
    const int status = find_terms(pointer, log_time, state, OF_JACOBIAN, &terms);
    if (status != GSL_SUCCESS) {
        return status;
    }
    const ch_online_averages *mean = &terms.mean;
    const double a = terms.margin, lambda = terms.lambda;
    const double c = mean->contraction, first = mean->first, second = mean->second;
    const double n_a = c, n_lambda = -first, drift_a = first, drift_lambda = -second;
    const double c_a = -a * c + lambda * first, c_lambda = a * first - lambda * second;
    const double n[] = {lambda * n_lambda, -(a * n_a + lambda * n_lambda) / 2};
    const double drift[] = {lambda * drift_lambda, -(a * drift_a + lambda * drift_lambda) / 2};
    const double contraction[] = {lambda * c_lambda, -(a * c_a + lambda * c_lambda) / 2};
    explicit_time[0] = terms.per_signal * mean->drift; /* both right-hand sides are proportional to t */
    explicit_time[1] = terms.per_noise2 * noise2_rate(&terms);
    for (size_t i = 0; i < 2; i++) {
        const double noise2 = -2 * terms.noise * contraction[i] / terms.root + terms.unfitted * n[i] +
                              2 * terms.pairs * c * contraction[i];
        matrix[i] = terms.per_signal * drift[i];
        matrix[2 + i] = terms.per_noise2 * noise2;
    }
    matrix[0] -= explicit_time[0];
    matrix[3] -= terms.per_noise2 * terms.noise * c / terms.root + explicit_time[1];
    return GSL_SUCCESS;
}

static ch_code check_setup(const ch_online_setup *setup, ch_error *err)
{
    const ch_code code = check_law(setup->chi, 0, err);
    if (code != CH_OK) {
        return code;
    }
    if (setup->dim < 2) {
        return ch_error_set(err, CH_ERROR_INPUT, "dim is %zu; it must be at least 2", setup->dim);
    }
    if (!(setup->kappa >= 0) || !isfinite(setup->kappa)) {
        return ch_error_set(err, CH_ERROR_INPUT, "kappa is %g; it must be finite and not negative", setup->kappa);
    }
    if (!(setup->temp > 0) || !(setup->rate >= setup->temp) || !isfinite(setup->rate)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "temp is %g and rate is %g; both must be finite, temp > 0 and rate >= temp", setup->temp,
                            setup->rate);
    }
    return CH_OK;
}

static ch_code init_ode(ch_online_ode *self, const ch_online_setup *setup, double averages_error, double error,
                        ch_error *err)
{
    static const double FIRST_STEP = 1e-6; /* in ln t */
    memset(self, 0, sizeof *self);
    const ch_code code = check_setup(setup, err);
    if (code != CH_OK) {
        return code;
    }
    const double dim = (double)setup->dim;
    self->setup = *setup;
    self->averages_error = averages_error;
    self->system = (gsl_odeiv2_system){rates, jacobian, 2, self};
    self->space = gsl_integration_workspace_alloc(CH_ONLINE_INTERVALS);
    self->driver = gsl_odeiv2_driver_alloc_y_new(&self->system, gsl_odeiv2_step_msbdf, FIRST_STEP, error, 0);
    if (self->space == NULL || self->driver == NULL) {
        ch_online_ode_free(self);
        return ch_error_memory(err, "the online ODE");
    }
    /* State after the first step: s = eta E v / sqrt(d), r^2 = eta T (d-1) / d. */
    self->time = setup->rate;
    self->log_time = log(setup->rate);
    self->log_state[0] = log(setup->rate) + log(ch_linear_mean_distance(setup->chi)) - log(dim) / 2;
    self->log_state[1] = log(setup->rate) + log(setup->temp) + log((dim - 1) / dim);
    return CH_OK;
}

ch_code ch_online_ode_init(ch_online_ode *self, const ch_online_setup *setup, ch_error *err)
{
    return init_ode(self, setup, FINEST_AVERAGES, FINEST_STEPS, err);
}

ch_code ch_online_ode_init_coarse(ch_online_ode *self, const ch_online_setup *setup, double error, ch_error *err)
{
    return init_ode(self, setup, error / 10, error, err);
}

void ch_online_ode_free(ch_online_ode *self)
{
    if (self->driver != NULL) {
        gsl_odeiv2_driver_free(self->driver);
    }
    if (self->space != NULL) {
        gsl_integration_workspace_free(self->space);
    }
    memset(self, 0, sizeof *self);
}

ch_code ch_online_ode_advance(ch_online_ode *self, double time, ch_error *err)
{
    const double end = log(time);
    if (!(time >= self->time) || !isfinite(time)) {
        return ch_error_set(err, CH_ERROR_INPUT, "time is %g; it must be finite and at least %g", time, self->time);
    }
    const int status = gsl_odeiv2_driver_apply(self->driver, &self->log_time, end, self->log_state);
    if (status == GSL_SUCCESS) {
        self->time = time;
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_NUMERIC,
                        "the online ODE could not be solved beyond time = %g, where lambda = %g: %s",
                        exp(self->log_time), exp(self->log_state[0] - self->log_state[1] / 2),
                        self->failure.code != CH_OK ? self->failure.message : gsl_strerror(status));
}

ch_code ch_online_ode_observe(ch_online_ode *self, ch_online_point *point, ch_error *err)
{
    ch_online_averages mean;
    const double signal = exp(self->log_state[0]), noise = exp(self->log_state[1] / 2);
    *point = (ch_online_point){.time = self->time, .signal = signal, .noise = noise, .lambda = signal / noise};
    ch_code code = find_averages(self, point->lambda, noise, OF_RATES, &mean, err);
    if (code != CH_OK) {
        return code;
    }
    point->unfitted = mean.unfitted;
    point->loss = ch_online_loss(&mean, self->setup.kappa, signal, noise, self->setup.dim);
    return ch_linear_test_error(self->setup.chi, signal, noise, &point->test_error, err);
}

/* ---- predictions ---- */

/* lambda* solves n P = d / 2 with n = n_chi lambda^-(chi+1): lambda* = (2 n_chi P / d)^{1/(1+chi)}.
 * t* solves s*^{chi+3} = growth r*^{chi+2} t* / sqrt(d).
 * B* solves eta E v / sqrt(d) = s* with eta = T B*.
 * T_c by escape solves r* sqrt(1 + lambda*^2) = sqrt(d) with r* proportional to T. */
ch_code ch_online_predict(ch_online_prediction *self, const ch_online_setup *setup, double num_samples, ch_error *err)
{
    ch_perceptron_theory theory;
    memset(self, 0, sizeof *self);
    ch_code code = check_setup(setup, err);
    if (code != CH_OK) {
        return code;
    }
    if (!(num_samples >= 1)) {
        return ch_error_set(err, CH_ERROR_INPUT, "train is %g; it must be at least 1", num_samples);
    }
    code = ch_perceptron_theory_init(&theory, setup->chi, err);
    if (code != CH_OK) {
        return code;
    }
    const double dim = (double)setup->dim, root = square_root_of_dim(setup);
    self->noise = theory.noise * setup->temp * root;
    self->lambda = pow(2 * theory.unfitted * num_samples / dim, theory.gamma);
    self->signal = self->lambda * self->noise;
    self->weight_change = hypot(self->signal, self->noise);
    self->time = root * self->noise * pow(self->lambda, setup->chi + 3) / theory.growth;
    self->first_step = setup->rate * theory.mean_abs / root;
    self->batch = self->signal * root / (setup->temp * theory.mean_abs);
    self->temp_escape = 1 / (theory.noise * hypot(1, self->lambda));
    self->temp_onset = setup->kappa;
    return CH_OK;
}
