/* waiting.h — the number of steps until a random batch holds a marked sample, and how many marked samples it holds.
 *
 * A step whose batch holds no marked sample changes nothing. Such steps are counted, and their batches are not drawn.
 */
#ifndef CH_WAITING_H
#define CH_WAITING_H

#include "core/random.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/** The law of batches of B distinct samples, drawn uniformly of P, u of which are marked. A batch holds none of these
 *  with probability q = C(P - u, B) / C(P, B). */
typedef struct {
    uint32_t num_samples, batch, marked; /* P, B, u */
    bool is_summed;                      /* how the number of marked samples is drawn: see waiting.c */
    double none;                         /* q */
    double some;                         /* 1 - q */
    double one;                          /* probability that a batch holds exactly one */
    double per_log_none;                 /* 1 / ln q; -0 when every batch holds one */
    uint32_t usual;                      /* the likeliest number of marked samples, at least 1; 0: it is not used */
    double at_usual;                     /* probability of that number, given at least one */
} ch_waiting;

/** In batches of at least so many samples the number of marked ones is drawn by one uniform number, from which the
 *  probabilities are subtracted, that of the likeliest number first. In smaller batches it is drawn by GSL where it is
 *  not summed; results depend on which method draws it, so that this limit must not change. */
enum { CH_WAITING_LARGE_BATCH = 256 };

/** Sets the law of u marked samples, 1 <= u <= P and 1 <= B <= P. Cost: min(u, B) logarithms, and for large batches
 *  some 20 divisions for each standard deviation of the number of marked samples. */
void ch_waiting_init(ch_waiting *self, uint32_t num_samples, uint32_t batch, uint32_t marked);

/** Draws the number of steps until a batch holds a marked sample, that step included, >= 1. It is geometric,
 *  P(number > k) = q^k, and at most 2^62. */
uint64_t ch_waiting_steps(const ch_waiting *self, ch_random *random);

/* ---- the same in parts, for loops that draw many ---- */

/** A number uniform on (0, 1), neither end included: an odd multiple of 2^-53. */
static inline double ch_waiting_uniform_of(uint32_t high, uint32_t low)
{
    return ((double)(((uint64_t)high << 32 | low) >> 12) + 0.5) * 0x1p-52;
}
static inline double ch_waiting_uniform(ch_random *random)
{
    const uint32_t high = ch_random_u32(random);
    return ch_waiting_uniform_of(high, ch_random_u32(random));
}

/** ln u of 0 < u < 1 with a relative error under CH_WAITING_NEAR. With u = 2^k m, sqrt(1/2) <= m < sqrt(2), and
 *  s = (m - 1) / (m + 1),
 *    ln u = k ln 2 + 2 s (1 + s^2 / 3 + s^4 / 5 + … + s^10 / 11),
 *  where s^2 < 0.0295, so that what is left out is under 5e-11 of the sum. */
static const double CH_WAITING_NEAR = 1e-9;
static inline double ch_waiting_near_log(double u)
{
    enum { MANTISSA_BITS = 52 };
    const uint64_t root_of_half = UINT64_C(0x3fe6a09e667f3bcd);
    uint64_t bits = 0;
    memcpy(&bits, &u, sizeof bits);
    const int64_t exponent = (int64_t)(bits - root_of_half) >> MANTISSA_BITS;
    bits -= (uint64_t)exponent << MANTISSA_BITS;
    double m = 0;
    memcpy(&m, &bits, sizeof m);
    const double s = (m - 1) / (m + 1), z = s * s, z2 = z * z;
    const double series = (1 + z * (1.0 / 3)) + z2 * ((1.0 / 5 + z * (1.0 / 7)) + z2 * (1.0 / 9 + z * (1.0 / 11)));
    return (double)exponent * 0.69314718055994530942 + 2 * s * series;
}

/** As ch_waiting_steps_of, by the logarithm of the C library. */
uint64_t ch_waiting_precisely(const ch_waiting *self, double u);

/** The number of steps for a uniform number u, where per_log_none is not 0. The number of idle steps is
 *  floor(ln u / ln q), since P(ln u / ln q >= k) = P(u <= q^k) = q^k. The result is always that of the C library's
 *  logarithm. That is computed only where the quotient by the approximate one is so close to a whole number that the
 *  two could differ.
 *  @param log  ch_waiting_near_log(u) */
static inline uint64_t ch_waiting_steps_of(const ch_waiting *self, double u, double log)
{
    const double roughly = log * self->per_log_none;
    if (roughly < 0x1p28) {
        const double whole = (double)(int64_t)roughly, past = roughly - whole, error = CH_WAITING_NEAR * roughly;
        if (past > error && past < 1 - error) {
            return (uint64_t)(int64_t)roughly + 1;
        }
    }
    return ch_waiting_precisely(self, u);
}

/** The least j with P(1) + … + P(j) > U (1 - q), where P(j) is the probability that a batch holds j marked samples and
 *  U a uniform number. The probabilities are subtracted from U (1 - q) one after the other.
 *  @param left  U (1 - q) - P(1), at least 0 */
uint32_t ch_waiting_number_over_one(const ch_waiting *self, double left);

/** As ch_waiting_number, for laws that are not summed. */
uint32_t ch_waiting_number_otherwise(const ch_waiting *self, ch_random *random);

/** Draws the number of marked samples in a batch that holds one: hypergeometric, given at least one. */
static inline uint32_t ch_waiting_number(const ch_waiting *self, ch_random *random)
{
    if (!self->is_summed) {
        return ch_waiting_number_otherwise(self, random);
    }
    const double left = ch_waiting_uniform(random) * self->some - self->one;
    return left < 0 ? 1 : ch_waiting_number_over_one(self, left);
}

/* ---- laws that are stored ---- */

/** The laws for fewer marked samples than this are stored once made; others are made again when the number changes. */
enum { CH_WAITING_STORED = 512 };

/** The laws at fixed P and B for every number of marked samples. A law is made when it is first used. */
typedef struct {
    uint32_t num_samples, batch;
    ch_waiting laws[CH_WAITING_STORED]; /* [u]; `marked` is 0 where the law was not made yet */
    ch_waiting other;                   /* the law of the last u >= CH_WAITING_STORED */
} ch_waiting_table;

/** Begins a table without laws, 1 <= B <= P. Nothing is to be freed. */
void ch_waiting_table_init(ch_waiting_table *self, uint32_t num_samples, uint32_t batch);

/** Makes a law that is not stored. */
const ch_waiting *ch_waiting_table_make(ch_waiting_table *self, uint32_t marked);

/** The law for u marked samples, 1 <= u <= P.  @return borrowed from `self`, valid until the next call */
static inline const ch_waiting *ch_waiting_table_law(ch_waiting_table *self, uint32_t marked)
{
    if (marked < CH_WAITING_STORED && self->laws[marked].marked == marked) {
        return &self->laws[marked];
    }
    return ch_waiting_table_make(self, marked);
}

#endif
