/* observe.h — observations of a network under training. */
#ifndef CH_LEARNER_OBSERVE_H
#define CH_LEARNER_OBSERVE_H

#include "models/learner/curvature_meter.h"
#include "models/learner/kernel_meter.h"
#include "models/learner/steps.h"

/** As ch_learner.observe. Looks at all training samples and, unless the run has diverged, at the test samples.
 *  @return CH_OK; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED; as ch_linear_test_error for a linear network */
ch_code ch_learner_observe(ch_learner *learner, ch_observation *out, ch_error *err) CH_MUST_CHECK;

#endif
