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
    /* step of the next point at which the curvature is measured, on the grid of ch_curvature_step; UINT64_MAX: none */
    uint64_t next_curved;
} ch_recorder;

ch_recorder ch_recorder_start(ch_run *run, const ch_weights_keeper *keeper);

/** Finds the point after the one at `step`, on whose grid or grids that was. */
void ch_recorder_schedule(ch_recorder *self, uint64_t step);

/** Finds the next point at which the curvature is measured, of a run that is at `step`. That point itself is the next
 *  one where it is not recorded yet. */
void ch_recorder_resume(ch_recorder *self, uint64_t step);

/** The step of the next point; UINT64_MAX for none. */
static inline uint64_t ch_recorder_next(const ch_recorder *self)
{
    return self->next < self->next_curved ? self->next : self->next_curved;
}

/** The first step from `least` on at which the curvature of a run is measured. These steps are
 *  round(S^(i / curvature)), i = 0, 1, …, where S is the number of steps of 1000 epochs, at least 10000. They do not
 *  depend on budgets, so that a run that goes on under a larger budget keeps its points.
 *  @return UINT64_MAX without `curvature` */
uint64_t ch_curvature_step(const ch_settings *settings, uint64_t least);

/** Observes the learner in the units of the settings.
 *  @param with_curvature  whether the curvature is measured, too, where the run has it
 *  @return as ch_learner.observe */
ch_code ch_recorder_observe(const ch_recorder *self, ch_learner *learner, bool with_curvature, ch_observation *seen,
                            ch_error *err) CH_MUST_CHECK;

/** Adds a point.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_recorder_add(ch_recorder *self, uint64_t step, const ch_observation *observed, ch_error *err) CH_MUST_CHECK;

/** Adds the end, run->final, as the last point.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_recorder_finish(ch_recorder *self, ch_error *err) CH_MUST_CHECK;

#endif
