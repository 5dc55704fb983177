/* core.h — the headers that every public header needs: errors, random streams, learners, observations of a model, and
 * how the caller of a long computation follows and ends it. */
#ifndef CH_CORE_H
#define CH_CORE_H

#include "core/error.h"
#include "core/learner.h"
#include "core/observation.h"
#include "core/random.h"
#include "core/watch.h"

#endif
