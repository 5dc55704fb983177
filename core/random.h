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

/** What a stream is used for. Every result depends on these numbers: never change one, only append. */
typedef enum {
    CH_STREAM_TRAIN_SAMPLES = 1, /* substream = index of the sample */
    CH_STREAM_TEST_SAMPLES = 2,  /* substream = index of the sample */
    CH_STREAM_TEACHER = 3,
    CH_STREAM_INIT = 4,
    CH_STREAM_BATCHES = 5,   /* substream 1: batches that a network's fast engine draws after testing all samples */
    CH_STREAM_BOOTSTRAP = 6, /* substream = index of the replica */
    CH_STREAM_ONLINE_SAMPLES = 7, /* substream = index of the sample */
    CH_STREAM_TEST_IMAGES = 8,
    CH_STREAM_TRAIN_IMAGES = 9,
    CH_STREAM_NOISE = 12,     /* the noise of the stochastic differential equation */
    CH_STREAM_BOX = 13,       /* substream 2 i: distances of box i; 2 i + 1: its samples and its motion */
    CH_STREAM_LABELS = 20,    /* substream = index of the training sample: whether its label is wrong */
    CH_STREAM_CURVATURE = 30, /* batches and directions of curvature; substream = number of updates so far */
} ch_stream;

/* The number of 32-bit words that are made together. Several Philox4x64 blocks are computed at once, because they do
 * not depend on each other and the processor can overlap them. */
enum { CH_RANDOM_BLOCKS = 4, CH_RANDOM_WORDS = 8 * CH_RANDOM_BLOCKS };

/** One stream. It is plain data: a copy is a second stream that gives the same numbers, and nothing is to be freed. */
typedef struct {
    uint64_t seed;
    uint64_t purpose;
    uint64_t substream;
    uint64_t block;                  /* index of the next block to make */
    unsigned position;               /* next unused word of `words`; CH_RANDOM_WORDS when all are used */
    uint32_t words[CH_RANDOM_WORDS]; /* the current blocks, low half of each 64-bit word first */
} ch_random;

/** Begins a stream: the same three numbers give the same stream, and others an independent one. */
void ch_random_init(ch_random *self, uint64_t seed, ch_stream purpose, uint64_t substream);

/** Makes the next blocks. It is called when all of `words` are used. */
void ch_random_refill(ch_random *self);

/** 32 uniform bits. */
static inline uint32_t ch_random_u32(ch_random *self)
{
    if (self->position == CH_RANDOM_WORDS) {
        ch_random_refill(self);
    }
    return self->words[self->position++];
}

/** A number that is exactly uniform on {0, …, n−1}, for n >= 1.
 *
 *  It is the high half of n·u, where u has 32 uniform bits. u is drawn again while the low half of n·u is below
 *  2³² mod n. Source: Lemire, "Fast random integer generation in an interval", ACM TOMACS 29 (2019).
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

/** The stream as a GSL generator, for GSL's distributions. Its integers have 32 bits and its doubles 53.
 *
 *  The generator borrows `self`: a draw from either advances both. It must not be given to gsl_rng_free. */
gsl_rng ch_random_gsl(ch_random *self);

#endif
