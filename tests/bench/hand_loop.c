/* hand_loop.c — what a physicist would write for one parameter point.
 *
 * Compiled with -ffast-math, which lets the compiler reorder the sums and fuse multiply and add; nothing but the bench
 * uses it.
 */
#include "hand_loop.h"

#include "core/random.h"

#include <stdbool.h>

static double dot(const float *x, const double *w, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++) {
        sum += (double)x[i] * w[i];
    }
    return sum;
}

static bool all_fitted(const float *rows, size_t num_samples, size_t dim, const double *w, double kappa)
{
    for (size_t mu = 0; mu < num_samples; mu++) {
        if (dot(rows + mu * dim, w, dim) < kappa) {
            return false;
        }
    }
    return true;
}

uint64_t hand_loop(const float *rows, size_t num_samples, size_t dim, double rate, double kappa, uint64_t seed,
                   double *w, uint64_t *steps)
{
    const uint32_t last_index = (uint32_t)num_samples - 1;
    uint64_t last = 0, step = 0;
    ch_random random;
    ch_random_init(&random, seed, CH_STREAM_BATCHES, 0);
    while (step - last <= num_samples / 2 || !all_fitted(rows, num_samples, dim, w, kappa)) {
        for (size_t k = 0; k < num_samples / 2; k++) {
            step++;
            const uint32_t a = ch_random_below(&random, last_index);
            uint32_t b = ch_random_below(&random, last_index + 1);
            if (b == a) {
                b = last_index;
            }
            const float *x = rows + a * dim, *y = rows + b * dim;
            const bool p = dot(x, w, dim) < kappa, q = dot(y, w, dim) < kappa;
            if (p || q) {
                for (size_t i = 0; i < dim; i++) {
                    w[i] += rate / 2 * ((p ? (double)x[i] : 0) + (q ? (double)y[i] : 0));
                }
                last = step;
            }
        }
    }
    *steps = step;
    return last;
}
