/* run_model.h — what a run trains: from its settings to a learner. Private to sim/. */
#ifndef CH_RUN_MODEL_H
#define CH_RUN_MODEL_H

#include "models/models.h"
#include "perceptron/online.h"
#include "perceptron/perceptron.h"
#include "sim/train.h"
#include "sim/train_set.h"

/** Whatever a run trains, behind the learner's interface. */
typedef union {
    ch_learner learner;
    ch_perceptron plain;
    ch_fast_perceptron fast;
    ch_online_student online;
    ch_network_learner network;
    ch_twin twin;
} ch_run_model;

/** What the learner of a run borrows beside its training set. Start with zeroes but for `unit`, `weights` and `watch`.
 */
typedef struct {
    ch_sample_set test;           /* of a perceptron whose test error is measured */
    ch_architecture architecture; /* of a network */
    double unit;                  /* ch_reach_unit, by which kappa and rate are multiplied */
    double *teacher;              /* [dim] of data that have one; owned */
    double *deviations;           /* [dim] of their inputs along the axes, where these are not 1; owned */
    ch_run_weights *weights;      /* those that are asked for; NULL: none */
    double *start;                /* [num_weights] w0 in the architecture's order, where it is given; owned */
    ch_watch watch;               /* the run's own copy of the caller's */
} ch_run_borrowed;

/** Idempotent. */
void ch_run_borrowed_free(ch_run_borrowed *self);

/** Draws the test samples of a perceptron on drawn data, which no other run shares; does nothing for other runs.
 *  @param set      the run's training set
 *  @param threads  threads to draw with, >= 1
 *  @param watch    its stop flag ends the drawing; may be NULL
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_run_borrowed_make_test(ch_run_borrowed *own, const ch_resolved *resolved, const ch_train_set *set,
                                  int threads, const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

/** Makes the learner of a run.
 *  @param self  out: to be freed by its learner's `free`, after a success only
 *  @param set   the run's training set; borrowed by the learner, as `own` is
 *  @return CH_OK; CH_ERROR_INPUT, also for another number of initial weights than the network has; CH_ERROR_MEMORY */
ch_code ch_run_model_init(ch_run_model *self, const ch_resolved *resolved, const ch_train_set *set,
                          ch_run_borrowed *own, int threads, ch_error *err) CH_MUST_CHECK;

#endif
