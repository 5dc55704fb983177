/* limits.c — where what is expected of a finite training set does not hold, and where it holds less well. */
#include "perceptron/finite/limits.h"

#include <math.h>

double ch_finite_margin(double kappa, double temp)
{
    static const double NEGLIGIBLE = 0x1p-10;
    const double margin = kappa / temp;
    return margin < NEGLIGIBLE ? 0 : fmin(margin, CH_FINITE_MOST_MARGIN);
}

/* Near the end some d / 2 samples are unfitted. Up to a batch of this times P / d, they are taken to be drawn one by
 * one, as boxes draw them. */
static const double MOST_IN_BATCH = 4;

static ch_code check_batch(const ch_online_setup *setup, double num_samples, ch_error *err)
{
    const double batch = setup->rate / setup->temp, dim = (double)setup->dim;
    const double most = fmax(1, MOST_IN_BATCH * num_samples / dim);
    if (batch <= most * (1 + 1e-9) || ch_finite_margin(setup->kappa, setup->temp) == CH_FINITE_MOST_MARGIN) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "batch is %.0f: at train = %.0f and dim = %.0f a batch holds several unfitted samples until "
                        "the end, but they are taken to come one by one; accepted is batch <= %g train/dim = %.0f, "
                        "or temp <= 1/(%d alpha)",
                        batch, num_samples, dim, MOST_IN_BATCH, floor(most), CH_FINITE_MOST_MARGIN);
}

ch_code ch_finite_check(const ch_online_setup *setup, double num_samples, ch_error *err)
{
    if (isinf(num_samples)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "train is inf: training on fresh samples has no end; accepted is a number >= dim = %zu",
                            setup->dim);
    }
    if (setup->dim > CH_BOX_MOST_DIM) {
        return ch_error_set(err, CH_ERROR_INPUT, "dim is %zu; boxes near the boundary are simulated for dim <= %d only",
                            setup->dim, CH_BOX_MOST_DIM);
    }
    if (!(num_samples >= (double)setup->dim)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "train is %.0f; what is expected of a finite training set needs train >= dim = %zu",
                            num_samples, setup->dim);
    }
    return check_batch(setup, num_samples, err);
}

ch_code ch_finite_check_lambda(double lambda, double num_samples, ch_error *err)
{
    static const double LEAST_LAMBDA = 1;
    if (lambda >= LEAST_LAMBDA) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "train is %.0f, at which lambda = signal/noise would end at %.2g: only where it is over %g "
                        "are unfitted samples near the boundary; accepted is a larger train",
                        num_samples, lambda, LEAST_LAMBDA);
}

size_t ch_finite_cautions(const ch_online_setup *setup, const char *cautions[CH_FINITE_MOST_CAUTIONS])
{
    static const double CROWDED_CHI = -0.3;
    enum { LARGEST_COMPARED = 256 };
    size_t count = 0;
    if (setup->chi < CROWDED_CHI) {
        cautions[count++] = "chi is under -0.3: expected times were up to 36 % too short";
    }
    if (setup->dim > LARGEST_COMPARED) {
        cautions[count++] = "dim is over 256: no such training was compared with what is expected";
    }
    if (setup->kappa > CH_FINITE_MOST_MARGIN * setup->temp) {
        cautions[count++] = "temp is under 1/(4 alpha), under which nothing is taken to change: expected times of "
                            "gradient descent were 15 % too long, those just under this temp 14 % too short";
    }
    return count;
}
