/* recorder.h — what is recorded of a run under way: points of its trajectory, changes of layers, and weights. Private
 * to sim/. */
#ifndef CH_RECORDER_H
#define CH_RECORDER_H

#include "sim/run_model.h"

/** Copies the weights of a run where they are asked for. */
typedef struct {
    const ch_run_model *trained; /* borrowed, as the members below */
    const ch_settings *settings;
    const ch_run_borrowed *own;
} ch_weights_keeper;

/** The weights along the run; NULL where they are not asked for. */
ch_trail *ch_weights_keeper_trail(const ch_weights_keeper *self);

/** Adds the present weights to the trail, where there is one.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_weights_keeper_add(const ch_weights_keeper *self, uint64_t step, ch_error *err) CH_MUST_CHECK;

/** Copies the weights at the end, where they are asked for.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_weights_keeper_end(const ch_weights_keeper *self, ch_error *err) CH_MUST_CHECK;

typedef struct {
    ch_run *run;                     /* whose points and changes of layers are recorded; borrowed */
    const ch_weights_keeper *keeper; /* borrowed */
    double unit;                     /* ch_reach_unit: the learner's numbers are larger by this factor */
    size_t capacity, layers_capacity;
    uint64_t index; /* i of the point after the next one, on the grid of steps round(10^(i / record)) */
    uint64_t next;  /* step of the next point; UINT64_MAX when nothing is to be recorded */
} ch_recorder;

ch_recorder ch_recorder_start(ch_run *run, const ch_weights_keeper *keeper);

/** Finds the next point. */
void ch_recorder_schedule(ch_recorder *self);

/** Observes the learner in the units of the settings.  @return as ch_learner.observe */
ch_code ch_recorder_observe(const ch_recorder *self, ch_learner *learner, ch_observation *seen,
                            ch_error *err) CH_MUST_CHECK;

/** Adds a point.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_recorder_add(ch_recorder *self, uint64_t step, const ch_observation *observed, ch_error *err) CH_MUST_CHECK;

/** Adds the end, run->final, as the last point.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_recorder_finish(ch_recorder *self, ch_error *err) CH_MUST_CHECK;

#endif
