/* steps.h — steps of sgd one by one, of gd, sde and unfitted; the commit of an update and the check for the end, which
 * all dynamics of separate steps share. */
#ifndef CH_LEARNER_STEPS_H
#define CH_LEARNER_STEPS_H

#include "models/learner/state.h"

/** Whether to take another step: the status is running, no limit is reached and the stop flag is not raised. */
static inline bool ch_learner_goes_on(const ch_network_learner *self, const ch_limit *limit)
{
    const ch_progress *progress = &self->learner.progress;
    return progress->status == CH_RUNNING && progress->steps < limit->steps && progress->updates < limit->updates &&
           !ch_state_is_stopped(self->state);
}

/** Draws the next batch of sgd from the stream of batches, or takes the one that is pending.
 *  @param batch  out: [B] distinct training samples
 *  @return their number: B, or what is left of an epoch */
size_t ch_state_draw(ch_network_state *self, uint32_t *batch);

/** Ends the run where the weights have come to rest although updates are made. It has diverged where the weights have
 *  blown up, or where steps were so large that the units are off at every sample. Otherwise it is stuck, because
 *  updates are smaller than the spacing of the weights. To be called after every update. */
void ch_learner_check_rest(ch_network_learner *self);

/** Commits a step: moves the weights where a sample of it has a gradient, and counts the update; where the weights have
 *  a velocity, moves them by it also where no sample has a gradient. Ends the run as diverged where a margin was not
 *  finite, and as ch_learner_check_rest says.
 *  @param list  the samples of the last ch_state_prepare (or of the pass whose coefficients workers[0] has)
 *  @param seen  what that pass has seen; progress.steps already counts the step
 *  @return whether the weights were moved */
bool ch_learner_commit(ch_network_learner *self, const ch_sample_list *list, const ch_pass_summary *seen);

/** Takes one step of sgd, its batch drawn now.  @return false when stopped; the step is not taken then */
bool ch_learner_step_sgd(ch_network_learner *self) CH_MUST_CHECK;

/** Looks at all samples. Ends the run as fitted where none is unfitted, as diverged where something is not finite, and
 *  as stuck where samples are unfitted but none has a gradient.
 *  @return false when stopped */
bool ch_learner_check(ch_network_learner *self, ch_pass_summary *seen) CH_MUST_CHECK;

/* As ch_learner.advance. */
void ch_learner_advance_sgd(ch_learner *learner, const ch_limit *limit);
void ch_learner_advance_full(ch_learner *learner, const ch_limit *limit); /* gd and sde */
void ch_learner_advance_unfitted(ch_learner *learner, const ch_limit *limit);

#endif
