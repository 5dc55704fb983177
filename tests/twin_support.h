/* twin_support.h — uses a perceptron as a twin: the Gram matrix of its samples, multiplied by their labels, is its
 * kernel. */
#ifndef CH_TWIN_SUPPORT_H
#define CH_TWIN_SUPPORT_H

#include "core/memory.h"
#include "data/rows.h"
#include "models/twin/twin.h"
#include "perceptron/perceptron.h"
#include "tests/support.h"

/* Computes z_mu . z_nu, rounded to single precision.
 * @param test  samples that get rows as well; NULL for none */
static inline ch_kernel gram_of(const ch_sample_set *train, const ch_sample_set *test)
{
    ch_kernel kernel = {.num_train = train->num_samples, .num_test = test != NULL ? test->num_samples : 0};
    kernel.stride = (train->num_samples + CH_KERNEL_LANES - 1) / CH_KERNEL_LANES * CH_KERNEL_LANES;
    kernel.train = ch_alloc(kernel.num_train * kernel.stride, sizeof *kernel.train);
    kernel.test = ch_alloc(kernel.num_test * kernel.stride, sizeof *kernel.test);
    double *wide = ch_alloc(train->stride, sizeof *wide);
    assert_true(kernel.train != NULL && kernel.test != NULL && wide != NULL);
    for (size_t nu = 0; nu < kernel.num_train; nu++) {
        for (size_t i = 0; i < train->dim; i++) {
            wide[i] = (double)ch_sample_set_row(train, nu)[i];
        }
        for (size_t mu = nu; mu < kernel.num_train; mu++) {
            const float entry = (float)ch_dot(ch_sample_set_row(train, mu), wide, train->stride);
            kernel.train[mu * kernel.stride + nu] = kernel.train[nu * kernel.stride + mu] = entry;
        }
        for (size_t mu = 0; mu < kernel.num_test; mu++) {
            kernel.test[mu * kernel.stride + nu] = (float)ch_dot(ch_sample_set_row(test, mu), wide, train->stride);
        }
    }
    free(wide);
    return kernel;
}

static inline void start_twin(ch_twin *model, const ch_twin_setup *setup)
{
    ch_error err = {0};
    if (ch_twin_init(model, setup, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

#endif
