/* draw.h — draws of distinct indices, all sets being equally likely. Batches and candidates are drawn so. */
#ifndef CH_DRAW_H
#define CH_DRAW_H

#include "core/random.h"

#include <stdint.h>

/* The largest batch that is drawn by ch_draw_scanned. Larger ones are drawn by ch_draw_shuffled. */
enum { CH_SCANNED_BATCH = 16 };

/** Draws `size` distinct indices below `num` by Floyd's algorithm. With B = size and P = num, for each j = P-B … P-1 a
 *  u in 0 … j is drawn; the index is u, or j where u was drawn before. Every set is equally likely, and the order of
 *  the indices has no meaning. Cost: size^2 / 2 comparisons.
 *  Source: Bentley and Floyd, "A sample of brilliance", CACM 30 (1987).
 *  @param batch  out [size] */
static inline void ch_draw_scanned(ch_random *random, uint32_t *batch, uint32_t size, uint32_t num)
{
    for (uint32_t k = 0; k < size; k++) {
        const uint32_t j = num - size + k;
        uint32_t index = ch_random_below(random, j + 1);
        for (uint32_t i = 0; i < k; i++) {
            if (batch[i] == index) {
                index = j;
                break;
            }
        }
        batch[k] = index;
    }
}

/** Moves a uniformly chosen set of `size` indices to the front of `order`. These are the first steps of a Fisher–Yates
 *  shuffle, so that the set is uniform whatever the order was before.
 *  @param order  [num] */
static inline void ch_draw_shuffled(ch_random *random, uint32_t *order, uint32_t size, uint32_t num)
{
    for (uint32_t k = 0; k < size; k++) {
        const uint32_t other = k + ch_random_below(random, num - k);
        const uint32_t index = order[other];
        order[other] = order[k];
        order[k] = index;
    }
}

/** Draws the next batch of an epoch, in which every one of `num` indices comes once: the next `size` places of `order`,
 *  or what is left of the epoch. After the last batch a new epoch begins.
 *  @param order  [num] a permutation, whose first *drawn indices were drawn in this epoch; the batch is moved behind
 *  them
 *  @param drawn  number of indices drawn in this epoch, the batch included when the function returns
 *  @return the size of the batch, which is the last `size` of the first *drawn indices */
static inline uint32_t ch_draw_of_epoch(ch_random *random, uint32_t *order, uint32_t *drawn, uint32_t size,
                                        uint32_t num)
{
    const uint32_t before = *drawn < num ? *drawn : 0, left = num - before;
    const uint32_t count = size < left ? size : left;
    ch_draw_shuffled(random, order + before, count, left);
    *drawn = before + count;
    return count;
}

#endif
