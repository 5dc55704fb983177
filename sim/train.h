/* train.h — one training run, from settings to result. */
#ifndef CH_TRAIN_H
#define CH_TRAIN_H

#include "core/core.h"
#include "sim/settings/settings.h"
#include "sim/trail.h"

/** One point of a trajectory. */
typedef struct {
    uint64_t step;
    double time; /* eta x step */
    ch_observation observed;
} ch_point;

/** The fluctuations of a run's weights along one principal direction (sim/fluctuations.h has the formulas). */
typedef struct {
    uint64_t layer; /* from 0, input to output; the number of layers where the direction is one of all weights */
    uint64_t rank;  /* from 1, by falling variance */
    double variance, variance_error; /* variance of the weights along it, and its standard error by block averages */
    double flatness;  /* distance between the points where the loss has grown by a factor e; NaN: it does not */
    double curvature; /* second derivative of the loss, by differences over an eighth of the flatness; NaN as that */
    double drift;     /* distance of the means of the first and the second half, in standard deviations */
    double cosine;    /* share of the variance that is a cosine of `rank` half periods: near 1 for a random walk */
} ch_fluctuation;

/** One run: its settings and its results. */
typedef struct {
    union { /* the same settings by two names: one to read a setting, one to hand all of them on */
        ch_settings settings;
        ch_resolved resolved;
    };
    ch_status status;      /* fitted, budget, diverged or stuck */
    ch_cause reason;       /* why it is stuck; else CH_CAUSE_NONE */
    uint64_t steps;        /* index of the last update when fitted, else the steps taken */
    uint64_t updates;      /* number of steps that changed the weights */
    double time;           /* eta x steps: t* when fitted, else a lower bound on it */
    ch_observation final;  /* what is measured at `steps` */
    double seconds;        /* wall-clock time without making the data set */
    int results_version;   /* ch_results_version of the program that made it */
    ch_point *points;      /* [num_points] at steps round(10^(i / record)), i = 0, 1, …, and the end; owned */
    size_t num_points;     /* 0 where nothing is recorded */
    double *layer_changes; /* [ch_run_num_looks][num_layers] weight changes of the layers, input to output; owned */
    size_t num_layers;     /* 0 where the model has no layers */
    /* [num_fluctuations] by layer and rank, of a run that a budget ended after all its snapshots; owned */
    ch_fluctuation *fluctuations;
    size_t num_fluctuations; /* 0 where they are not asked for */
} ch_run;

/** How many results versions a run is behind those of its settings: 0 where this program would give the same results.
 */
static inline int ch_run_age(const ch_run *self)
{
    return ch_results_version(&self->resolved.settings) - self->results_version;
}

/** Whether the results have the law of those that this program makes. All results versions from CH_RESULTS_VERSION on
 *  have that law, and differ only in the random numbers that they draw. */
static inline bool ch_run_has_present_law(const ch_run *self)
{
    return self->results_version >= CH_RESULTS_VERSION;
}

/** How often the weight changes of the layers were measured: at every point, the last of which is the end; with
 *  record = 0 only at the end. */
static inline size_t ch_run_num_looks(const ch_run *self)
{
    return self->num_points > 0 ? self->num_points : 1;
}

void ch_run_free(ch_run *self);

/** Weights of a run at its end and along its trajectory, in the order NCHW of other programs (models/architecture.h).
 */
typedef struct {
    double *end; /* out: [num_end] w at the end, of a perceptron Dw [dim]; to be released with free() */
    size_t num_end;
    /* out, where record > 0 or curvature > 0: w, or Dw, at step 0 and at every point of the trajectory; to be freed
     * with ch_trail_free; NULL: it is not asked for; borrowed */
    ch_trail *trail;
} ch_run_weights;

/** Counts the weights of a run: those of its network, or for a perceptron the numbers of an input.
 *  @param count  out
 *  @param found  as ch_sources_find completed them
 *  @return CH_OK, CH_ERROR_INPUT, CH_ERROR_MEMORY */
ch_code ch_run_count_weights(const ch_resolved *found, size_t *count, ch_error *err) CH_MUST_CHECK;

/** Reads the images where the data are images, makes the training set, and trains on it. It does not ask whether the
 *  run may begin: ch_admit does.
 *
 *  A run that is stopped is measured as it is: it has the status CH_RUNNING, and its numbers are those at `steps`,
 *  which is 0 where it had not begun, or where measuring it would have taken over half a second.
 *
 *  @param run            out: free with ch_run_free, also after a failure
 *  @param kernel_folder  where kernels of twins are read and kept; NULL: nowhere
 *  @param threads        >= 1; no bit of the results depends on it
 *  @param watch          gets the progress, and its stop flag ends the run; may be NULL
 *  @return CH_OK, also for a run that diverged, is stuck, or that a budget ended; CH_ERROR_INTERRUPTED for a run that
 *          was stopped; CH_ERROR_INPUT; CH_ERROR_MEMORY; CH_ERROR_NUMERIC; CH_ERROR_IO for images that cannot be read,
 *          or a kernel file that cannot be read or written */
ch_code ch_train_alone(ch_run *run, const ch_resolved *resolved, const char *kernel_folder, int threads,
                       const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

/** As ch_train_alone, with the weights at the end and, where they are asked for, along the way. The run is no
 *  linearised twin, which has coefficients of samples and no weights of its own.
 *  @param weights  `end` is NULL after a failure */
ch_code ch_train_weights(ch_run *run, ch_run_weights *weights, const ch_resolved *resolved, int threads,
                         const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

#endif
