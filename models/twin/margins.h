/* margins.h — the margins of all samples of a twin, and the list of the unfitted ones. Each update adds rows of the
 * kernel to the margins.
 *
 * An update adds the same T to the coefficients a of some samples nu, so that m += T sum_nu K_nu, where K_nu is the row
 * of sample nu. Margins are in units of T, so that they are sums of entries of the kernel. Entries have single and sums
 * have double precision. Adding a row makes a rounding error of 2^-53 of the margin at most, and mostly none.
 */
#ifndef CH_TWIN_MARGINS_H
#define CH_TWIN_MARGINS_H

#include "models/twin/kernel.h"

#include <stdbool.h>
#include <stdint.h>

/** The margins. 64 samples make a block, and each block has a word of 64 bits. The sample at place k of its block has
 *  bit 16 (k mod 4) + k / 4. This is the order in which vectors of four margins give their bits. */
typedef struct {
    size_t num_samples;    /* P */
    size_t num_blocks;     /* P / 64, rounded up */
    double threshold;      /* kappa / T: a sample is unfitted while its margin is below it, or is NaN */
    double *values;        /* [64 num_blocks] margins in units of T; those beyond P have no meaning; owned */
    uint64_t *unfitted;    /* [num_blocks] words in which a bit is set for every unfitted sample; owned */
    uint64_t last_block;   /* the bits of the last block that stand for samples */
    uint32_t num_unfitted; /* U, the number of unfitted samples */
} ch_margins;

/** Sets all margins to 0. All samples are unfitted.
 *  @param threshold  > 0
 *  @return false when memory is short; then there is nothing to free */
bool ch_margins_init(ch_margins *self, size_t num_samples, double threshold) CH_MUST_CHECK;
void ch_margins_free(ch_margins *self);

struct ch_snapshot;
/** Writes the margins into a snapshot, or reads them. */
void ch_margins_exchange(ch_margins *self, struct ch_snapshot *snapshot);

/** Adds the rows of some samples to the margins, then finds the unfitted samples.
 *  @param samples  [count] borrowed, count >= 1
 *  Cost: P additions for each row. Four rows are added in one pass over the margins. */
void ch_margins_add_rows(ch_margins *self, const ch_kernel *kernel, const uint32_t *samples, uint32_t count);

/** Adds a sum of rows to the margins, then finds the unfitted samples.
 *  @param sum  [64 num_blocks] the sum */
void ch_margins_add_sum(ch_margins *self, const double *sum);

/** The unfitted sample of a rank, which is below num_unfitted. Ranks count from 0 in the order of blocks and bits.
 *  Cost: one word is read for each block up to that of the sample. */
uint32_t ch_margins_sample(const ch_margins *self, uint32_t rank);

/** Lists the samples whose bits are set, in the order of blocks and bits.
 *  @param bits     [num_blocks]
 *  @param samples  out: with room for as many samples as bits are set
 *  @return their number */
uint32_t ch_margins_list(const ch_margins *self, const uint64_t *bits, uint32_t *samples);

#endif
