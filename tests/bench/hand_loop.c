/* hand_loop.c — what a physicist would write for one parameter point.
 *
 * Compiled with -ffast-math, which lets the compiler reorder the sums and fuse multiply and add; nothing but the bench
 * uses it.
 */
#include "hand_loop.h"

#include <stdbool.h>

/* xoshiro256+ of Blackman and Vigna, seeded by splitmix64 */
static uint64_t s[4];

static uint64_t rotate(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

static uint64_t next(void)
{
    const uint64_t result = s[0] + s[3], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

static void seed_generator(uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        s[i] = z ^ z >> 31;
    }
}

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
    uint64_t last = 0, step = 0;
    seed_generator(seed);
    while (step - last <= num_samples / 2 || !all_fitted(rows, num_samples, dim, w, kappa)) {
        for (size_t k = 0; k < num_samples / 2; k++) {
            step++;
            const size_t a = (size_t)((next() >> 32) * num_samples >> 32);
            size_t b = (size_t)((next() >> 32) * (num_samples - 1) >> 32);
            b += b >= a;
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
