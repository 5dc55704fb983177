/* row_sums.h — sums of rows of a twin's kernel. */
#ifndef CH_TWIN_ROW_SUMS_H
#define CH_TWIN_ROW_SUMS_H

#include "models/twin/twin.h"

/** Length of a row of the kernel, with its padding. */
static inline size_t ch_twin_room(const ch_twin *self)
{
    return self->margins.num_blocks * CH_KERNEL_LANES;
}

/** Whether B = P. */
static inline bool ch_twin_is_full_batch(const ch_twin *self)
{
    return self->setup.batch == self->setup.num_samples;
}

/** Adds rows to a sum.
 *  @param samples    [count] whose rows they are
 *  @param is_signed  whether the rows of samples that are fitted are subtracted
 *  @param sum        [ch_twin_room] */
void ch_twin_add_rows(const ch_twin *self, const uint32_t *samples, uint32_t count, bool is_signed, double *sum);

/** Brings self->sum, the sum of the rows of all unfitted samples, up to date: by the rows of the samples that became
 *  fitted or unfitted, or from 0 where the unfitted samples are no more than those. Overwrites self->drawn.
 *  @return the number of rows added or subtracted */
uint32_t ch_twin_update_sum(ch_twin *self);

#endif
