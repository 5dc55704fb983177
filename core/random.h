/* random.h — counter-based random streams: the same key and counter give the same numbers, in any order of use.
 *
 * Philox4x64-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC11),
 * from the Random123 library. The key is (seed, purpose), the counter (block, substream, 0, 0).
 */
#ifndef CH_RANDOM_H
#define CH_RANDOM_H

#include <gsl/gsl_rng.h>
#include <stddef.h>
#include <stdint.h>

/** What a stream is for. The numbers are part of every result: never renumber, only append. */
typedef enum {
    CH_STREAM_TRAIN_SAMPLES = 1, /* substream = index of the sample */
    CH_STREAM_TEST_SAMPLES = 2,  /* substream = index of the sample */
    CH_STREAM_TEACHER = 3,
    CH_STREAM_INIT = 4,
    CH_STREAM_BATCHES = 5,        /* substream 1: those that a network's fast engine finds by looking at all samples */
    CH_STREAM_BOOTSTRAP = 6,      /* substream = index of the replica */
    CH_STREAM_ONLINE_SAMPLES = 7, /* substream = index of the sample */
    CH_STREAM_TEST_IMAGES = 8,
    CH_STREAM_TRAIN_IMAGES = 9,
    CH_STREAM_NOISE = 12, /* of the stochastic differential equation */
} ch_stream;

/* 32-bit words made at a time: some Philox4x64 blocks, for the processor to interleave. */
enum { CH_RANDOM_BLOCKS = 4, CH_RANDOM_WORDS = 8 * CH_RANDOM_BLOCKS };

/** One stream. Plain data: copy it to fork it, nothing to free. */
typedef struct {
    uint64_t seed;
    uint64_t purpose;
    uint64_t substream;
    uint64_t block;                  /* next block to make */
    unsigned position;               /* next unused word of `words`; CH_RANDOM_WORDS when all are used */
    uint32_t words[CH_RANDOM_WORDS]; /* the current blocks, low half of each 64-bit word first */
} ch_random;

void ch_random_init(ch_random *self, uint64_t seed, ch_stream purpose, uint64_t substream);

/** Makes the next blocks; called when `position` has reached its end. */
void ch_random_refill(ch_random *self);

/** 32 uniform bits. */
static inline uint32_t ch_random_u32(ch_random *self)
{
    if (self->position == CH_RANDOM_WORDS) {
        ch_random_refill(self);
    }
    return self->words[self->position++];
}

/** Uniform on {0, …, n−1}, exactly, for n >= 1.
 *
 *  Lemire, "Fast random integer generation in an interval", ACM TOMACS 29 (2019): the high half of n·u,
 *  u of 32 bits, redrawn while the low half is under 2³² mod n.
 */
static inline uint32_t ch_random_below(ch_random *self, uint32_t n)
{
    uint64_t product = (uint64_t)n * ch_random_u32(self);
    if ((uint32_t)product < n) {
        const uint32_t threshold = (uint32_t)(-n) % n;
        while ((uint32_t)product < threshold) {
            product = (uint64_t)n * ch_random_u32(self);
        }
    }
    return (uint32_t)(product >> 32);
}

/** The stream as a GSL generator (32 bits an integer, 53 a double), for GSL's distributions.
 *  Borrows `self`: draws through either advance both. Not to be given to gsl_rng_free. */
gsl_rng ch_random_gsl(ch_random *self);

#endif
