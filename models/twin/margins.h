/* margins.h — the margins of all samples of a twin, brought up to date at each update by rows of the kernel, and which
 * of them are unfitted.
 *
 * An update adds the same T to the coefficients a of some samples, so that m += T sum_nu K_nu over their rows. Margins
 * are in units of T: sums of entries of the kernel. Entries are in single and sums in double precision, so that a row
 * adds a rounding error of 2^-53 of the margin at most, mostly none.
 */
#ifndef CH_TWIN_MARGINS_H
#define CH_TWIN_MARGINS_H

#include "models/twin/kernel.h"

#include <stdbool.h>
#include <stdint.h>

/** 64 samples are a block, which has a word of 64 bits. The sample at place k of a block has bit 16 (k mod 4) + k / 4:
 *  vectors of four margins give their bits in this order. */
typedef struct {
    size_t num_samples;    /* P */
    size_t num_blocks;     /* P / 64, rounded up */
    double threshold;      /* kappa / T: a sample is unfitted while its margin is below it, or is NaN */
    double *values;        /* [64 num_blocks] the margins in units of T; of no meaning beyond P; owned */
    uint64_t *unfitted;    /* [num_blocks] words in which a bit is set for every unfitted sample; owned */
    uint64_t last_block;   /* the bits of the samples that the last block has */
    uint32_t num_unfitted; /* U, the number of bits that are set */
} ch_margins;

/** All margins are 0 and all samples unfitted.
 *  @param threshold  > 0
 *  @return false when memory is short; then there is nothing to free */
bool ch_margins_init(ch_margins *self, size_t num_samples, double threshold) CH_MUST_CHECK;
void ch_margins_free(ch_margins *self);

/** m += the rows of some samples; then finds the unfitted ones.
 *  @param samples  [count] borrowed, count >= 1
 *  Cost: P additions a row, four rows in one pass over the margins. */
void ch_margins_add_rows(ch_margins *self, const ch_kernel *kernel, const uint32_t *samples, uint32_t count);

/** m += sum; then finds the unfitted samples.
 *  @param sum  [64 num_blocks] a sum of rows */
void ch_margins_add_sum(ch_margins *self, const double *sum);

/** The unfitted sample of a rank below num_unfitted, in the order of their blocks and bits. Cost: a look at each word
 * up to its block. */
uint32_t ch_margins_sample(const ch_margins *self, uint32_t rank);

/** The samples whose bits are set, in the order of their blocks and bits.
 *  @param bits     [num_blocks]
 *  @param samples  out, with room for as many as bits are set
 *  @return their number */
uint32_t ch_margins_list(const ch_margins *self, const uint64_t *bits, uint32_t *samples);

#endif
