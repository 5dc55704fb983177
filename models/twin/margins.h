/* margins.h — the margins of all samples, and which of them are unfitted, kept up to date by rows of the kernel.
 *
 * Every update adds the same T to the coefficients of some samples, so margins are kept in units of T: sums of entries
 * of the kernel. Entries are of single precision and the sums of double, so that what is lost is 2^-53 of a margin for
 * every row, mostly nothing.
 */
#ifndef CH_FOLLOWED_H
#define CH_FOLLOWED_H

#include "models/twin/kernel.h"

#include <stdbool.h>
#include <stdint.h>

/** 64 samples are a block; place k of a block has bit 16 (k mod 4) + k / 4 of a word. */
typedef struct {
    size_t num_samples;    /* P */
    size_t num_blocks;     /* P / 64, rounded up */
    double threshold;      /* kappa / T: a sample is unfitted while its margin is under it, or is NaN */
    double *margins;       /* [64 num_blocks] in units of T; of no meaning beyond P; owned */
    uint64_t *unfitted;    /* [num_blocks] a bit for every sample, 0 beyond P; owned */
    uint64_t last_block;   /* bits of the samples of the last block */
    uint32_t num_unfitted; /* bits that are set */
} ch_followed;

/** All margins 0.  @return false when memory is short */
bool ch_followed_init(ch_followed *self, size_t num_samples, double threshold) CH_MUST_CHECK;
void ch_followed_free(ch_followed *self);

/** m += rows, and finds the unfitted again.
 *  @param samples  [count] whose rows to add, count >= 1
 *  Cost: P additions a row, four rows in one pass over the margins. */
void ch_followed_add_rows(ch_followed *self, const ch_kernel *kernel, const uint32_t *samples, uint32_t count);

/** m += sum, and finds the unfitted again.
 *  @param sum  [64 num_blocks] of rows */
void ch_followed_add_sum(ch_followed *self, const double *sum);

/** The unfitted sample of a rank under num_unfitted, in a fixed order. */
uint32_t ch_followed_sample(const ch_followed *self, uint32_t rank);

/** The samples of the bits set in `bits` [num_blocks], into `samples`.  @return their number */
uint32_t ch_followed_list(const ch_followed *self, const uint64_t *bits, uint32_t *samples);

#endif
