/* shape_plant.h — plants curves over P with known shape and noise. */
#ifndef CH_TESTS_SHAPE_PLANT_H
#define CH_TESTS_SHAPE_PLANT_H

#include "core/memory.h"
#include "fit/fit.h"
#include "fit/laws/shape.h"
#include "tests/support.h"

#include <gsl/gsl_randist.h>

/* ln y = x ln P + q (P / P_1)^-omega, or a power law that is bent at ln P = at. Each data set has errors of size
 * `noise`, which are correlated over P as (P / P')^nu. */
typedef struct {
    double exponent, q, omega, below, at, noise, nu;
    size_t num_points, num_sets;
} planted;

static inline double true_value(const planted *self, double log_train, double first)
{
    if (self->at > 0) {
        return self->exponent * fmax(0, log_train - self->at) + self->below * fmin(0, log_train - self->at);
    }
    return self->exponent * log_train + self->q * exp(-self->omega * (log_train - first));
}

static inline void plant(const planted *self, uint64_t seed, ch_trend *curve)
{
    ch_random stream;
    ch_random_init(&stream, seed, CH_STREAM_TRAIN_SAMPLES, 0);
    gsl_rng random = ch_random_gsl(&stream);
    *curve = (ch_trend){.num_points = self->num_points, .num_sets = self->num_sets};
    curve->log_train = ch_alloc(self->num_points, sizeof *curve->log_train);
    curve->values = ch_alloc(self->num_points * self->num_sets, sizeof *curve->values);
    assert_true(curve->log_train != NULL && curve->values != NULL);
    for (size_t s = 0; s < self->num_sets; s++) {
        double error = 0;
        for (size_t p = 0; p < self->num_points; p++) {
            const double x = M_LN2 * (double)(10 + p);
            const double rho = p == 0 ? 0 : exp(-self->nu * M_LN2);
            error = rho * error + sqrt(1 - rho * rho) * self->noise * gsl_ran_ugaussian(&random);
            curve->log_train[p] = x;
            curve->values[s * self->num_points + p] = true_value(self, x, M_LN2 * 10) + error;
        }
    }
}

static inline void fit(const planted *self, uint64_t seed, ch_shapes *shapes)
{
    ch_trend curve;
    ch_error err = {0};
    plant(self, seed, &curve);
    assert_int_equal(ch_shapes_fit(shapes, &curve, &err), CH_OK);
    ch_trend_free(&curve);
}

#endif
