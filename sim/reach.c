/* reach.c — whether numbers of double precision, and a run's patience, reach the margin that its settings ask for. */
#include "sim/reach.h"

#include "core/text.h"
#include "models/cost.h"
#include "models/models.h"

#include <math.h>

/* ---- the unit ---- */

/* Whether the weights start at 0, so that training is homogeneous in rate and kappa. */
static bool starts_at_zero(const ch_settings *settings)
{
    return ch_settings_has_engine(settings) || settings->linear == CH_LINEAR_YES;
}

double ch_reach_unit(const ch_resolved *resolved)
{
    enum { PLAIN = 64 };
    const ch_settings *settings = &resolved->settings;
    const int exponent = ilogb(settings->rate);
    const bool is_plain = exponent >= -PLAIN && exponent <= PLAIN;
    return is_plain || !starts_at_zero(settings) ? 1 : ldexp(1, -exponent);
}

/* ---- ranges ---- */

/* Accepted exponents of 2. */
typedef struct {
    int least, most;
} range;

static bool is_within(double value, range accepted)
{
    return value >= ldexp(1, accepted.least) && value <= ldexp(1, accepted.most);
}

/* With the most steps there are, 2^63, rate x steps is finite. Weights, losses and margins are at most of that order.
 * Where ch_reach_unit is not 1, the margin that is trained for is about 1 / (rate x alpha). */
static const range RATES = {-1000, 960}, ALPHAS = {-1000, 1000}, PRODUCTS = {-900, 1000};

static ch_code refuse_range(const char *name, double value, range accepted, const char *why, ch_error *err)
{
    return ch_error_set(err, CH_ERROR_INPUT, "%s is %g; accepted is 2^%d to 2^%d%s", name, value, accepted.least,
                        accepted.most, why);
}

/* The passes of networks are in single precision, except under the flow; those of a perceptron are in double. Outputs
 * of order 1 at w0 are known to 2^-24 or 2^-53, and F is the difference of two of them. Under the smaller alphas
 * products of layers overflow. */
static ch_code check_resolution(const ch_settings *settings, ch_error *err)
{
    const bool is_single = ch_settings_is_network(settings) && settings->dynamics != CH_DYNAMICS_FLOW;
    const range accepted = is_single ? (range){-60, 24} : (range){-200, 40};
    if (is_within(settings->alpha, accepted)) {
        return CH_OK;
    }
    return refuse_range("alpha", settings->alpha, accepted,
                        is_single ? ", at which outputs of a network, in single precision, resolve the margin 1/alpha; "
                                    "linear = yes has no such limit"
                                  : ", at which outputs in double precision resolve the margin 1/alpha",
                        err);
}

/* Refuses a rate by the name of the setting that was given: the rate itself, or temp, from which it follows. */
static ch_code refuse_rate(const ch_settings *settings, ch_error *err)
{
    if ((settings->given >> CH_SETTING_TEMP & 1) == 0) {
        return refuse_range("rate", settings->rate, RATES, "", err);
    }
    const double factor = settings->rate / settings->temp;
    return ch_error_set(err, CH_ERROR_INPUT, "temp is %g, which makes rate %g; accepted is temp from %s to %s",
                        settings->temp, settings->rate, ch_show_power(ldexp(1, RATES.least) / factor).text,
                        ch_show_power(ldexp(1, RATES.most) / factor).text);
}

static ch_code check_range(const ch_resolved *resolved, ch_error *err)
{
    const ch_settings *settings = &resolved->settings;
    const bool by_temp = (settings->given >> CH_SETTING_TEMP & 1) != 0;
    const double product = settings->rate * settings->alpha;
    if (!is_within(settings->rate, RATES)) {
        return refuse_rate(settings, err);
    }
    if (!is_within(settings->alpha, ALPHAS)) {
        return refuse_range("alpha", settings->alpha, ALPHAS, "", err);
    }
    if (ch_reach_unit(resolved) != 1 && !is_within(product, PRODUCTS)) {
        return refuse_range("rate x alpha", product, PRODUCTS, by_temp ? "; rate follows from temp and batch" : "",
                            err);
    }
    return starts_at_zero(settings) ? CH_OK : check_resolution(settings, err);
}

/* ---- steps ---- */

/* What a sample's gradient is expected to be, at w0. */
typedef struct {
    double kernel; /* squared norm of the gradient of one output: the tangent kernel of a sample with itself */
    double weight; /* the largest derivative by one weight */
} gradient;

/* Rough: a perceptron's kernel is |x|^2 / d, whose mean is 1 + chi / d. In a network every layer with weights adds
 * about as much to the kernel as the last one. */
static ch_code expect_gradient(const ch_settings *settings, gradient *expected, ch_error *err)
{
    ch_architecture architecture;
    if (ch_settings_has_engine(settings)) {
        *expected = (gradient){1 + settings->chi / (double)ch_shape_size(ch_settings_input(settings)), 1};
        return CH_OK;
    }
    const ch_network_spec spec = ch_settings_network(settings);
    const ch_code code = ch_architecture_init(&architecture, &spec, err);
    if (code != CH_OK) {
        return code;
    }
    const double last = ch_network_cost_of(&architecture).output_kernel;
    *expected = (gradient){last * (double)architecture.num_layers, sqrt(last)};
    ch_architecture_free(&architecture);
    return CH_OK;
}

double ch_reach_most_steps(const ch_settings *settings)
{
    return starts_at_zero(settings) ? 1e12 : 1e10;
}

/* temp where that was given, else the rate, and the factor from a rate to it. */
static const char *given_name(const ch_settings *settings, double *factor)
{
    const bool by_temp = (settings->given >> CH_SETTING_TEMP & 1) != 0;
    *factor = by_temp ? settings->temp / settings->rate : 1;
    return by_temp ? "temp" : "rate";
}

/* Refuses a rate at which an update changes no weight of order 1, whose spacing is 2^-53. Under a budget, too: such a
 * run would end where it began. */
static ch_code check_spacing(const ch_settings *settings, const gradient *expected, ch_error *err)
{
    double factor = 1;
    const double update = settings->rate * expected->weight, half = 0x1p-54;
    const char *name = given_name(settings, &factor);
    if (starts_at_zero(settings) || CH_REACH_ROUGHNESS * update >= half) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "%s is %g: an update would change a weight by about %.2g, which is under half the spacing of "
                        "double precision, 1.1e-16, so that weights never move%s; accepted is %s from about %.2g on",
                        name, settings->rate * factor, update,
                        ch_settings_is_network(settings) ? " (linear = yes has no such limit)" : "", name,
                        half * factor / expected->weight);
}

/* Refuses a run without a budget that needs too many steps. */
static ch_code check_steps(const ch_settings *settings, const gradient *expected, ch_error *err)
{
    const double most = ch_reach_most_steps(settings);
    const double kappa = 1 / settings->alpha, steps = kappa / settings->rate / expected->kernel;
    double factor = 1;
    const char *name = given_name(settings, &factor);
    const bool has_budget = settings->max_steps > 0 || settings->max_updates > 0 || settings->max_seconds > 0;
    if (has_budget || steps <= CH_REACH_ROUGHNESS * most) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "%s is %g: to bring samples to the margin 1/alpha = %.3g takes about %.1e steps, and the most "
                        "is %.0e; accepted is %s from about %.2g on, a larger alpha, or a number for max_steps, "
                        "max_updates or max_seconds",
                        name, settings->rate * factor, kappa, steps, most, name,
                        kappa / expected->kernel / most * factor);
}

ch_code ch_reach_check(const ch_resolved *resolved, ch_error *err)
{
    const ch_settings *settings = &resolved->settings;
    gradient expected;
    ch_code code = check_range(resolved, err);
    if (code != CH_OK) {
        return code;
    }
    code = expect_gradient(settings, &expected, err);
    if (code != CH_OK) {
        return code;
    }
    code = check_spacing(settings, &expected, err);
    if (code != CH_OK) {
        return code;
    }
    return check_steps(settings, &expected, err);
}
