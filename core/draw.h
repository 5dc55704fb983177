/* draw.h — distinct indices, uniformly: the batches of the plain engine, and the fast one's draws of candidates. */
#ifndef CH_DRAW_H
#define CH_DRAW_H

#include "core/core.h"

#include <stdint.h>

/* Largest batch drawn by scanning it for repeats; larger ones come off a permutation. */
enum { CH_SCANNED_BATCH = 16 };

/** `size` distinct indices under `num` by Floyd's algorithm: for j = P-B … P-1 draw u in 0 … j, take u, or j where u is
 *  taken (Bentley and Floyd, "A sample of brilliance", CACM 30, 1987). Every set is equally likely; order has no
 *  meaning. Cost: size^2 / 2 comparisons.
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

/** Moves a uniformly chosen set to the front: the first steps of a Fisher–Yates shuffle, uniform whatever the order.
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

#endif
