/* learner.h — what the training loop knows of a model under training: it can advance, and it can be observed. */
#ifndef CH_LEARNER_H
#define CH_LEARNER_H

#include "core/error.h"
#include "core/observation.h"

#include <stdbool.h>
#include <stdint.h>

/** The state of a training. */
typedef enum {
    CH_RUNNING = 0,
    CH_FITTED,   /* no training sample is unfitted; the fitting time t* is the time of the last update */
    CH_BUDGET,   /* a budget ended the run, whose time is therefore a lower bound on t* */
    CH_DIVERGED, /* a value became infinite or NaN */
    CH_STUCK,    /* samples are unfitted and will stay so: ch_progress.cause says why */
    CH_NUM_STATUSES,
} ch_status;

/** The state in one word, "unfinished", "fitted", "budget", "diverged" or "stuck", as a string constant. */
const char *ch_status_name(ch_status status);

/** Why a run is stuck. */
typedef enum {
    CH_CAUSE_NONE = 0,
    CH_CAUSE_TOO_SMALL,    /* an update is less than half the spacing of the weights in double precision */
    CH_CAUSE_NO_GRADIENT,  /* the gradients of all unfitted samples are 0 */
    CH_CAUSE_BOTH_LABELS,  /* two samples have opposite gradients, such as the same input with both labels */
    CH_CAUSE_NO_PROGRESS,  /* sim/stagnation.h: the gradients have cancelled each other for long */
    CH_CAUSE_TOO_SLOW,     /* at the present rate more steps are needed than the bound of sim/reach.h */
    CH_CAUSE_UNRESOLVED,   /* rounding of a twin's kernel, in single precision, has become more than ||Dw||^2 */
    CH_CAUSE_FIXED_SAMPLE, /* the gradient of one sample is 0, whatever the weights, so that it stays unfitted */
    CH_NUM_CAUSES,
} ch_cause;

/** The cause in words, as a string constant without a full stop; NULL for CH_CAUSE_NONE. */
const char *ch_cause_text(ch_cause cause);

/** The cause whose words are `text`; CH_CAUSE_NONE where none has them, or for NULL. */
ch_cause ch_cause_find(const char *text);

/** Where training stops: after step `steps`, or after update `updates`, whichever is first. Both are exact. */
typedef struct {
    uint64_t steps;
    uint64_t updates;
} ch_limit;

/** How far a learner is. A step draws a batch; an update is a step that changes the weights, and with momentum or
 *  weight decay, which move them at all steps, one whose batch has a gradient. */
typedef struct {
    ch_status status;
    ch_cause cause;       /* of a run that is stuck */
    uint64_t steps;       /* steps taken */
    uint64_t last_update; /* index of the last step that changed the weights, counted from 1; 0 if none did */
    uint64_t updates;     /* steps that changed the weights */
} ch_progress;

/** A model under training, behind the one interface that the training loop uses.
 *
 *  An implementation holds a ch_learner as its first member. The caller owns the storage, and releases what it points
 *  to by `free`.
 */
typedef struct ch_learner ch_learner;
struct ch_snapshot;
struct ch_learner {
    /** Trains until `limit`, or until the run is known to be fitted, diverged or stuck.
     *
     *  A learner may notice some steps late that the run was fitted. Then `steps` exceeds `last_update`, and the
     *  weights are those of `last_update`, unless momentum has moved them since. It never notices early. Advancing
     *  cannot fail: the outcome is in `progress`. Where a single step takes long, the function returns before the
     *  limit, so that its caller can look at the clock; while the status is running and no limit is reached, call it
     *  again.
     */
    void (*advance)(ch_learner *self, const ch_limit *limit);
    /** Measures everything now. Sets the status to fitted or diverged where that is what it finds.
     *  @return CH_OK; what the implementation says, where measuring can fail */
    ch_code (*observe)(ch_learner *self, ch_observation *out, ch_error *err);
    void (*free)(ch_learner *self);
    /** Writes into a snapshot (core/snapshot.h) all that decides how training goes on, or reads it into a learner that
     *  was made with the same setup. A learner that was read goes on to the same bits as the one that was written. It
     *  is to be freed and made anew where the snapshot is bad. NULL: the learner has no snapshots. */
    void (*exchange)(ch_learner *self, struct ch_snapshot *snapshot);
    ch_progress progress;
    /** Whether `observe` also measures the curvature of the loss, which takes long. The caller sets it. */
    bool with_curvature;
    /** Whether a stop has caught the learner where it cannot go on to the bits that it would have come to without. It
     *  then has no snapshot. Most stops leave it as it was before the step that they end. */
    bool is_torn;
    /** Expected operations of a step, and those that an update adds. The training loop finds from them how many steps
     *  it may ask for before it looks at the clock again. */
    double step_cost, update_cost;
};

#endif
