/* waiting.c — when a batch next holds an unfitted sample, and how many of them it holds. */
#include "perceptron/waiting.h"

#include <gsl/gsl_randist.h>
#include <math.h>

/* Above this chance of an idle batch the number is found by going through its law from 1 up; below it by rejection. */
static const double LIKELY_IDLE = 0.5;

/* Uniform on (0, 1). */
static double uniform(ch_random *random)
{
    const uint64_t high = ch_random_u32(random);
    const uint64_t low = ch_random_u32(random);
    return ((double)((high << 32 | low) >> 12) + 0.5) * 0x1p-52;
}

/* ln C(P - u, B) / C(P, B) = sum_{i < min(u, B)} ln(1 - max(u, B) / (P - i)), being symmetric in u and B */
static double log_chance_of_none(uint32_t num_samples, uint32_t batch, uint32_t unfitted)
{
    const uint32_t less = batch < unfitted ? batch : unfitted;
    const uint32_t more = batch < unfitted ? unfitted : batch;
    if ((uint64_t)less + more > num_samples) {
        return -INFINITY;
    }
    double sum = 0;
    for (uint32_t i = 0; i < less; i++) {
        sum += log1p(-(double)more / (double)(num_samples - i));
    }
    return sum;
}

uint64_t ch_waiting_steps(ch_random *random, uint32_t num_samples, uint32_t batch, uint32_t unfitted, double *log_none)
{
    *log_none = log_chance_of_none(num_samples, batch, unfitted);
    if (*log_none == -INFINITY) {
        return 1;
    }
    /* P(ln U / ln q > k) = P(U < q^k) = q^k */
    const double idle = floor(log(uniform(random)) / *log_none);
    return idle < 0x1p62 ? (uint64_t)idle + 1 : UINT64_C(1) << 62;
}

uint32_t ch_waiting_number(ch_random *random, uint32_t num_samples, uint32_t batch, uint32_t unfitted, double log_none)
{
    if (batch == 1 || unfitted == 1) {
        return 1;
    }
    if (batch == num_samples) {
        return unfitted;
    }
    const double none = exp(log_none);
    if (none < LIKELY_IDLE) {
        const gsl_rng gsl = ch_random_gsl(random);
        unsigned number = 0;
        while (number == 0) {
            number = gsl_ran_hypergeometric(&gsl, unfitted, num_samples - unfitted, batch);
        }
        return number;
    }
    /* P(j + 1) / P(j) = (u - j) (B - j) / [(j + 1) (P - u - B + j + 1)] */
    const uint32_t most = batch < unfitted ? batch : unfitted;
    double left = uniform(random) * -expm1(log_none);
    double chance = none;
    uint32_t number = 0;
    while (number < most) {
        chance *= (double)(unfitted - number) * (double)(batch - number) /
                  ((double)(number + 1) * ((double)num_samples - unfitted - batch + number + 1));
        number++;
        left -= chance;
        if (left < 0) {
            break;
        }
    }
    return number;
}
