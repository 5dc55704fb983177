/* weight_series.h — the weights of a run at equal distances of steps, from which their fluctuations are found. Private
 * to sim/. */
#ifndef CH_WEIGHT_SERIES_H
#define CH_WEIGHT_SERIES_H

#include "core/snapshot.h"
#include "sim/settings/settings.h"

/** Snapshots of the weights w, taken at the steps burn_in + k interval, k = 1 … most. */
typedef struct {
    double *rows; /* [most][num_weights] in the architecture's order, of which num_rows were taken; owned */
    size_t num_rows, most, num_weights;
    uint64_t burn_in, interval; /* in steps */
} ch_weight_series;

/** Makes an empty series, with memory for all snapshots, as the settings `fluctuations`, `burn_in` and `max_steps` say.
 *  A run with fluctuations = 0 has most = 0.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_weight_series_init(ch_weight_series *self, const ch_resolved *resolved, size_t num_weights,
                              ch_error *err) CH_MUST_CHECK;
/** Idempotent. */
void ch_weight_series_free(ch_weight_series *self);

/** Bytes of a series and of what it takes to analyse it. */
double ch_weight_series_bytes(const ch_settings *settings, size_t num_weights);

/** The step of the next snapshot; UINT64_MAX where all were taken. */
uint64_t ch_weight_series_next(const ch_weight_series *self);

/** Takes a snapshot. @param weights  [num_weights], copied */
void ch_weight_series_add(ch_weight_series *self, const double *weights);

/** Writes the snapshots into the state of a run under way, or reads them. A run without them writes nothing. */
void ch_weight_series_exchange(ch_weight_series *self, ch_snapshot *snapshot);

#endif
