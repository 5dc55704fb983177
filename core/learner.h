/* learner.h — what the training loop knows of a model under training: it can advance, and it can be observed. */
#ifndef CH_LEARNER_H
#define CH_LEARNER_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

typedef enum {
    CH_RUNNING = 0,
    CH_FITTED,   /* no training sample is unfitted; t* is the time of the last update */
    CH_BUDGET,   /* a budget ended the run: its time is a lower bound on t* */
    CH_DIVERGED, /* a non-finite value appeared */
} ch_status;

/** "running", "fitted", "budget" or "diverged". */
const char *ch_status_name(ch_status status);

/** Where to stop: before step `steps` + 1, and once `updates` updates are done. Both are exact. */
typedef struct {
    uint64_t steps;
    uint64_t updates;
} ch_limit;

/** How far a learner is. A step draws a batch; an update is a step that changes the weights. */
typedef struct {
    ch_status status;
    uint64_t steps;       /* steps taken */
    uint64_t last_update; /* index of the last step that changed the weights, counted from 1; 0 if none did */
    uint64_t updates;     /* steps that changed the weights */
} ch_progress;

/** A count that the model does not have. */
#define CH_UNCOUNTED UINT64_MAX

/** What is measured at one instant. A quantity the model does not have is NaN, a count CH_UNCOUNTED. */
typedef struct {
    double train_loss;        /* mean of the loss over the P training samples */
    double train_error;       /* fraction of training samples that are not classified rightly */
    uint64_t unfitted;        /* training samples with margin under kappa */
    double min_margin;        /* least training margin, in units of kappa */
    double weight_change;     /* ||w - w0|| */
    double weight_change_rel; /* ||w - w0|| / ||w0|| */
    double signal;            /* s = Delta w . e; of a network ||Delta W e||, W its first layer */
    double noise;             /* r = ||Delta w - s e||; of a network the norm of the rest of Delta W */
    double test_error;        /* exact where the model has a formula, else over the test samples */
    /* of some training samples, by their tangent kernel K, K0 at the start; Frobenius norms */
    double kernel_change;       /* ||K - K0|| / ||K0|| */
    double kernel_alignment;    /* y.K y / (||K|| ||y||^2) */
    double gradient_mean;       /* norm of the mean of the samples' loss gradients */
    double gradient_variance;   /* mean squared distance of a sample's loss gradient from their mean */
    double gradient_snr;        /* gradient_mean / sqrt(gradient_variance) */
    const double *layer_change; /* [num_layers] ||w - w0|| of every weight tensor with its bias; the learner's, valid
                                   until it is observed again or freed; may be NULL */
    size_t num_layers;          /* 0 where layer_change is NULL */
} ch_observation;

/** Nothing measured: every quantity NaN, the count CH_UNCOUNTED, no layers. */
ch_observation ch_observation_none(void);

/** A model under training, behind the one interface that the training loop uses.
 *
 *  Implementations hold a ch_learner as their first member; the caller owns the storage and frees it by `free`.
 */
typedef struct ch_learner ch_learner;
struct ch_learner {
    /** Trains until `limit`, or until the run is known to be fitted or diverged.
     *
     *  A learner may notice some steps late that it was fitted: `steps` then exceeds `last_update`, the weights
     *  are those of `last_update`. Never notices early. Cannot fail: the outcome is in `progress`. Comes back before
     *  the limit where a single step would take long, for its caller to look at the clock: while the status is running
     *  and no limit is reached, call again.
     */
    void (*advance)(ch_learner *self, const ch_limit *limit);
    /** Measures everything now; sets the status to fitted or diverged where that is what it finds. */
    ch_code (*observe)(ch_learner *self, ch_observation *out, ch_error *err);
    void (*free)(ch_learner *self);
    ch_progress progress;
    /** Operations of a step, and more that an update takes, for the training loop to pace its looks at the clock. */
    double step_cost, update_cost;
};

#endif
