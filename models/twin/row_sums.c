/* row_sums.c — sums of rows of a twin's kernel. */
#include "models/twin/row_sums.h"

#include <string.h>

/* sum += sum_i signs_i rows_i. Several rows in one pass over the sum hide the time that memory takes. */
enum { SUMMED_ROWS = 4 };
static void add_signed_rows(double *restrict sum, const float *const rows[SUMMED_ROWS], const double signs[SUMMED_ROWS],
                            size_t length)
{
    for (size_t k = 0; k < length; k++) {
        double one = sum[k];
        for (size_t i = 0; i < SUMMED_ROWS; i++) {
            one += signs[i] * (double)rows[i][k];
        }
        sum[k] = one;
    }
}

void ch_twin_add_rows(const ch_twin *self, const uint32_t *samples, uint32_t count, bool is_signed, double *sum)
{
    for (uint32_t first = 0; first < count; first += SUMMED_ROWS) {
        const float *rows[SUMMED_ROWS];
        double signs[SUMMED_ROWS];
        for (uint32_t i = 0; i < SUMMED_ROWS; i++) {
            const uint32_t mu = samples[first + i < count ? first + i : first];
            rows[i] = ch_kernel_row(self->setup.kernel, mu);
            signs[i] = is_signed && self->margins.values[mu] >= self->margins.threshold ? -1 : 1;
            signs[i] = first + i < count ? signs[i] : 0;
        }
        add_signed_rows(sum, rows, signs, ch_twin_room(self));
    }
}

uint32_t ch_twin_update_sum(ch_twin *self)
{
    const ch_margins *margins = &self->margins;
    const size_t bytes = margins->num_blocks * sizeof *self->summed;
    uint32_t changed = 0;
    for (size_t b = 0; b < margins->num_blocks; b++) {
        self->summed[b] ^= margins->unfitted[b];
        changed += (uint32_t)__builtin_popcountll(self->summed[b]);
    }
    if (changed >= margins->num_unfitted) {
        memcpy(self->summed, margins->unfitted, bytes);
        memset(self->sum, 0, ch_twin_room(self) * sizeof *self->sum);
    }
    changed = ch_margins_list(margins, self->summed, self->drawn);
    ch_twin_add_rows(self, self->drawn, changed, true, self->sum);
    memcpy(self->summed, margins->unfitted, bytes);
    return changed;
}
