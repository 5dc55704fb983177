/* epoch.h — the steps of an epoch at which some samples are drawn, without drawing the batches of all the others.
 *
 * An epoch takes every one of P samples once, in random order: n = P / B steps, rounded up, of B samples each, the last
 * of what is left. Sample mu has a place in this order, and is drawn at step place / B, rounded down. Only some samples
 * matter, those that can move the weights, and only their places are drawn: a sample is placed when its place has been
 * drawn, uniformly among the places that no other sample has. The places have the law of a random permutation,
 * whichever samples are placed and in whatever order, since the choice of the next one to be placed depends on nothing
 * but places drawn already.
 *
 * The law of waiting. With u samples that are not yet drawn, and R places left in the epoch, none of them comes in the
 * next k steps with probability C(R - k B, u) / C(R, u): the waiting time is hypergeometric, where that of independent
 * batches is geometric. After an epoch it begins anew, so that no wait is longer than two epochs (tests/test_epoch.c).
 *
 * Cost: two random numbers and some memory for each sample placed in an epoch; n / 64 words read an epoch. */
#ifndef CH_EPOCH_H
#define CH_EPOCH_H

#include "core/error.h"
#include "core/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Ends the list of a step's samples. */
enum { CH_EPOCH_NONE = UINT32_MAX };

typedef struct {
    uint32_t num_samples, batch; /* P, B */
    uint32_t num_steps;          /* n */
    uint64_t begun;              /* number of steps before the present epoch; step `begun` + 1 is its first */
    uint32_t num_placed;         /* samples placed in this epoch */
    uint32_t *places;            /* [P] a permutation, whose first num_placed places belong to placed samples; owned */
    uint32_t *first;             /* [n] a placed sample of each step, where a bit of `steps` is set; owned */
    uint32_t *next;              /* [P] the sample that follows a placed one in the list of its step; owned */
    uint64_t *placed;            /* [P / 64 + 1] a bit for every sample that is placed; owned */
    uint64_t *steps;             /* [n / 64 + 1] a bit for every step at which a placed sample is drawn; owned */
} ch_epoch;

struct ch_snapshot;

/** An epoch that begins after step 0.
 *  @param self  zeroed; to be freed after an error, too
 *  @return CH_OK; CH_ERROR_MEMORY */
ch_code ch_epoch_init(ch_epoch *self, uint32_t num_samples, uint32_t batch, ch_error *err) CH_MUST_CHECK;
void ch_epoch_free(ch_epoch *self);

/** Writes the epoch into a snapshot, or reads it. */
void ch_epoch_exchange(ch_epoch *self, struct ch_snapshot *snapshot);

/** Bytes of what ch_epoch_init allocates. */
double ch_epoch_bytes(size_t num_samples, size_t batch);

/** Begins an epoch after step `begun`. No sample is placed. */
void ch_epoch_begin(ch_epoch *self, uint64_t begun);

static inline bool ch_epoch_is_placed(const ch_epoch *self, uint32_t sample)
{
    return (self->placed[sample / 64] >> sample % 64 & 1) != 0;
}

/** Draws the place of a sample in this epoch, unless it has one already. It may lie before the present step: then the
 *  sample was drawn in vain, when it did not matter. */
void ch_epoch_place(ch_epoch *self, uint32_t sample, ch_random *random);

/** The number of the last step of this epoch. */
static inline uint64_t ch_epoch_end(const ch_epoch *self)
{
    return self->begun + self->num_steps;
}

/** The next step of this epoch after step `step` at which a placed sample is drawn; 0: there is none.
 *  @param step  `begun` or more */
uint64_t ch_epoch_next(const ch_epoch *self, uint64_t step);

/** A placed sample that is drawn at a step of this epoch; CH_EPOCH_NONE where there is none. self->next has those that
 *  follow it. */
static inline uint32_t ch_epoch_first(const ch_epoch *self, uint64_t step)
{
    const uint64_t k = step - self->begun - 1;
    return (self->steps[k / 64] >> k % 64 & 1) != 0 ? self->first[k] : (uint32_t)CH_EPOCH_NONE;
}

#endif
