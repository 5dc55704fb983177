/* weight_series.c — the weights of a run at equal distances of steps. */
#include "sim/weight_series.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

ch_code ch_weight_series_init(ch_weight_series *self, const ch_resolved *resolved, size_t num_weights, ch_error *err)
{
    const ch_settings *settings = &resolved->settings;
    *self = (ch_weight_series){.num_weights = num_weights};
    if (settings->fluctuations == 0) {
        return CH_OK;
    }
    self->most = (size_t)settings->fluctuations;
    self->burn_in = settings->burn_in;
    self->interval = (settings->max_steps - settings->burn_in) / settings->fluctuations;
    self->rows = ch_alloc_unset(self->most, num_weights * sizeof *self->rows);
    return self->rows != NULL ? CH_OK : ch_error_memory(err, "the snapshots of the weights: lower fluctuations");
}

void ch_weight_series_free(ch_weight_series *self)
{
    free(self->rows);
    *self = (ch_weight_series){.rows = NULL};
}

/* Three matrices of all pairs of snapshots, and a few arrays of as many numbers as there are weights, come with the
 * analysis. */
double ch_weight_series_bytes(const ch_settings *settings, size_t num_weights)
{
    static const double MATRICES = 3, ARRAYS = 4;
    const double count = (double)settings->fluctuations, weights = (double)num_weights;
    return count > 0 ? sizeof(double) * (count * weights + MATRICES * count * count + ARRAYS * weights) : 0;
}

uint64_t ch_weight_series_next(const ch_weight_series *self)
{
    return self->num_rows < self->most ? self->burn_in + (self->num_rows + 1) * self->interval : UINT64_MAX;
}

void ch_weight_series_add(ch_weight_series *self, const double *weights)
{
    memcpy(self->rows + self->num_rows++ * self->num_weights, weights, self->num_weights * sizeof *weights);
}

void ch_weight_series_exchange(ch_weight_series *self, ch_snapshot *snapshot)
{
    if (self->most == 0) {
        return;
    }
    ch_snapshot_begin(snapshot, "weights+");
    ch_snapshot_count(snapshot, &self->num_rows, self->most);
    ch_snapshot_array(snapshot, self->rows, self->num_rows * self->num_weights, sizeof *self->rows);
    ch_snapshot_end(snapshot);
}
