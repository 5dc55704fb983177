/* train.h — one training run, from settings to result. */
#ifndef CH_TRAIN_H
#define CH_TRAIN_H

#include "core/core.h"
#include "sim/settings/settings.h"
#include "sim/train_set.h"

/** A point of a trajectory. */
typedef struct {
    uint64_t step;
    double time; /* eta x step */
    ch_observation observed;
} ch_point;

/** One run: what was asked and what came out. */
typedef struct {
    ch_settings settings; /* resolved */
    ch_status status;     /* fitted, budget or diverged */
    uint64_t steps;       /* index of the last update when fitted, else the steps taken */
    uint64_t updates;     /* steps that changed the weights */
    double time;          /* eta x steps: t* when fitted, else a lower bound */
    ch_observation final; /* at `steps` */
    double seconds;       /* wall clock, making the data set apart */
    int results_version;  /* CH_RESULTS_VERSION of the program that made it */
    ch_point *points;     /* [num_points] at steps round(10^(i / record)), and the end; owned */
    size_t num_points;
    double *layer_changes; /* [ch_run_num_looks][num_layers] weight changes, input to output; owned */
    size_t num_layers;     /* 0 where the model has none */
} ch_run;

/** Looks at the layers: one a point, of which the last is the end; with record = 0 the end alone. */
static inline size_t ch_run_num_looks(const ch_run *self)
{
    return self->num_points > 0 ? self->num_points : 1;
}

void ch_run_free(ch_run *self);

/** Trains once.
 *
 *  @param run       out: free with ch_run_free, also after a failure
 *  @param settings  resolved here
 *  @param set       of the same key with num_samples >= train; NULL to make it here; with train = inf not looked at
 *  @param threads   threads to use, >= 1, for making data and where the engine can; does not change a bit of the result
 *  @param watch     NULL, or who may end the run: it then ends within a fraction of a second
 *  @return CH_OK, CH_ERROR_INPUT, CH_ERROR_MEMORY, CH_ERROR_NUMERIC, or CH_ERROR_INTERRUPTED when stopped
 */
ch_code ch_train(ch_run *run, const ch_settings *settings, const ch_train_set *set, int threads, const ch_watch *watch,
                 ch_error *err) CH_MUST_CHECK;

/** As ch_train, with the set made here.
 *  @param kernel_folder  where kernels of twins are read and kept; NULL: nowhere
 *  @return also CH_ERROR_IO, for images that cannot be read, or a kernel file that cannot be read or written */
ch_code ch_train_alone(ch_run *run, const ch_settings *settings, const char *kernel_folder, int threads,
                       const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

/** Operations a run is expected to take, from the scaling laws; for ordering and for time left, not for results. */
double ch_train_cost(const ch_settings *settings);

/** Bytes that a run takes beside its training set, at most, trajectory apart: test samples, weights and batches; under
 *  the fast engine also lists of samples, some 40 bytes each, copies of a quarter of them, and up to 16 MiB of Gram
 *  rows, much of which many runs leave unused.
 *  @param settings  resolved: what fits this machine's memory overflows nothing */
size_t ch_train_run_bytes(const ch_settings *settings);

#endif
