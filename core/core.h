/* core.h — what every public header stands on: errors, random streams, learners and what they observe, and who watches
 * a long computation. */
#ifndef CH_CORE_H
#define CH_CORE_H

#include "core/error.h"
#include "core/learner.h"
#include "core/observation.h"
#include "core/random.h"
#include "core/watch.h"

#endif
