/* waiting.c — when a random batch next holds a marked sample, and how many of them it holds. */
#include "core/waiting.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

/* The number of marked samples is drawn in one of three ways. Its probabilities are subtracted one after the other,
 * from P(1) up, where it is likely to be small: q >= LIKELY_NONE, or at most SMALL_NUMBER are possible and P(1) is far
 * from underflow. Elsewhere it is found from the likeliest number on where batches are large, and where they are small
 * GSL's hypergeometric numbers, which take min(B, P - B) uniform ones, are drawn until one is not 0. */
static const double LEAST_NONE = 0x1p-900, LIKELY_NONE = 0.5;
enum { SMALL_NUMBER = 16 };

/* ln q, q = C(P - u, B) / C(P, B). It is symmetric in u and B, so that the sum runs over the smaller one:
 *   ln q = sum_{i < min(u, B)} ln(1 - max(u, B) / (P - i)). */
static double log_chance_of_none(uint32_t num_samples, uint32_t batch, uint32_t marked)
{
    const uint32_t less = batch < marked ? batch : marked;
    const uint32_t more = batch < marked ? marked : batch;
    if ((uint64_t)less + more > num_samples) {
        return -INFINITY;
    }
    double sum = 0;
    for (uint32_t i = 0; i < less; i++) {
        sum += log1p(-(double)more / (double)(num_samples - i));
    }
    return sum;
}

/* P(j + 1) / P(j) of the hypergeometric law, j = number:
 *   (u - j) (B - j) / [(j + 1) (P - u - B + j + 1)]. */
static double next_number(const ch_waiting *self, uint32_t number)
{
    const double others = (double)self->num_samples - self->marked - self->batch;
    return (double)(self->marked - number) * (double)(self->batch - number) /
           ((double)(number + 1) * (others + number + 1));
}

/* Whether numbers are drawn by subtracting probabilities. */
static bool is_summed(const ch_waiting *self)
{
    const uint32_t most = self->batch < self->marked ? self->batch : self->marked;
    const uint32_t more = self->batch < self->marked ? self->marked : self->batch;
    return most > 1 && more < self->num_samples &&
           (self->none >= LIKELY_NONE || (most <= SMALL_NUMBER && self->none > LEAST_NONE));
}

/* Whether the law of a large batch leaves a choice. */
static bool is_drawn_from_usual(const ch_waiting *self)
{
    return self->batch >= CH_WAITING_LARGE_BATCH && self->batch < self->num_samples && self->marked > 1 &&
           self->marked < self->num_samples && !self->is_summed;
}

/* The least number of marked samples that a batch which holds one can hold. */
static uint32_t least_number(const ch_waiting *self)
{
    const uint64_t both = (uint64_t)self->marked + self->batch;
    return both > self->num_samples + UINT64_C(1) ? (uint32_t)(both - self->num_samples) : 1;
}

/* The sum of P(j) / P(usual) over all j >= 1. Both tails fall faster than any power of their first term, so that what
 * is under TAIL of the sum is left out. */
static double sum_from_usual(const ch_waiting *self, uint32_t usual)
{
    static const double TAIL = 0x1p-80;
    const uint32_t least = least_number(self), most = self->batch < self->marked ? self->batch : self->marked;
    double sum = 1, chance = 1;
    for (uint32_t j = usual; j < most && chance > TAIL; j++) {
        chance *= next_number(self, j);
        sum += chance;
    }
    chance = 1;
    for (uint32_t j = usual; j > least && chance > TAIL; j--) {
        chance /= next_number(self, j - 1);
        sum += chance;
    }
    return sum;
}

/* Finds the likeliest number, floor((u + 1) (B + 1) / (P + 2)), and its probability. */
static void find_usual(ch_waiting *self)
{
    const double mode = ((double)self->marked + 1) * ((double)self->batch + 1) / ((double)self->num_samples + 2);
    self->usual = mode > least_number(self) ? (uint32_t)mode : least_number(self);
    self->at_usual = 1 / sum_from_usual(self, self->usual);
}

void ch_waiting_init(ch_waiting *self, uint32_t num_samples, uint32_t batch, uint32_t marked)
{
    const double log_none = log_chance_of_none(num_samples, batch, marked);
    *self = (ch_waiting){
        .num_samples = num_samples,
        .batch = batch,
        .marked = marked,
        .none = exp(log_none),
        .some = -expm1(log_none),
        .per_log_none = 1 / log_none,
    };
    self->one = self->none > 0 ? self->none * next_number(self, 0) : 0;
    self->is_summed = is_summed(self);
    if (is_drawn_from_usual(self)) {
        find_usual(self);
    }
}

uint64_t ch_waiting_precisely(const ch_waiting *self, double u)
{
    const double idle = floor(log(u) * self->per_log_none);
    return idle < 0x1p62 ? (uint64_t)idle + 1 : UINT64_C(1) << 62;
}

uint64_t ch_waiting_steps(const ch_waiting *self, ch_random *random)
{
    if (self->per_log_none == 0) {
        return 1;
    }
    const double u = ch_waiting_uniform(random);
    return ch_waiting_steps_of(self, u, ch_waiting_near_log(u));
}

uint32_t ch_waiting_number_over_one(const ch_waiting *self, double left)
{
    const uint32_t most = self->batch < self->marked ? self->batch : self->marked;
    double chance = self->one;
    uint32_t number = 2; /* the largest number takes what is left */
    for (; number < most; number++) {
        chance *= next_number(self, number - 1);
        left -= chance;
        if (left < 0) {
            break;
        }
    }
    return number;
}

/* Subtracts from a uniform number the probabilities of the likeliest number and of those beside it, above and below in
 * turn, until it is used up. The mean number of subtractions is about 1.6 standard deviations. Rounding may leave some
 * 2^-52 of it when all probabilities are 0: that belongs to the likeliest number. */
static uint32_t number_from_usual(const ch_waiting *self, double uniform)
{
    const uint32_t least = least_number(self), most = self->batch < self->marked ? self->batch : self->marked;
    uint32_t above = self->usual, below = self->usual;
    double left = uniform - self->at_usual, chance_above = self->at_usual, chance_below = self->at_usual;
    while (left >= 0 && (chance_above > 0 || chance_below > 0)) {
        chance_above = above < most ? chance_above * next_number(self, above) : 0;
        above += above < most;
        left -= chance_above;
        if (left < 0) {
            return above;
        }
        chance_below = below > least ? chance_below / next_number(self, below - 1) : 0;
        below -= below > least;
        left -= chance_below;
        if (left < 0) {
            return below;
        }
    }
    return self->usual;
}

uint32_t ch_waiting_number_otherwise(const ch_waiting *self, ch_random *random)
{
    if (self->batch == 1 || self->marked == 1) {
        return 1;
    }
    if (self->batch == self->num_samples) {
        return self->marked;
    }
    if (self->marked == self->num_samples) {
        return self->batch;
    }
    if (self->usual > 0) {
        return number_from_usual(self, ch_waiting_uniform(random));
    }
    const gsl_rng gsl = ch_random_gsl(random);
    unsigned number = 0;
    while (number == 0) {
        number = gsl_ran_hypergeometric(&gsl, self->marked, self->num_samples - self->marked, self->batch);
    }
    return number;
}

void ch_waiting_table_init(ch_waiting_table *self, uint32_t num_samples, uint32_t batch)
{
    memset(self, 0, sizeof *self);
    self->num_samples = num_samples;
    self->batch = batch;
}

const ch_waiting *ch_waiting_table_make(ch_waiting_table *self, uint32_t marked)
{
    ch_waiting *law = marked < CH_WAITING_STORED ? &self->laws[marked] : &self->other;
    if (law->marked != marked) {
        ch_waiting_init(law, self->num_samples, self->batch, marked);
    }
    return law;
}
