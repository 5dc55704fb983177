/* core.h — what every folder stands on: errors, memory, random streams, names, learners. */
#ifndef CH_CORE_H
#define CH_CORE_H

#include "core/available.h"
#include "core/buffers.h"
#include "core/checks.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/learner.h"
#include "core/memory.h"
#include "core/names.h"
#include "core/observation.h"
#include "core/random.h"
#include "core/watch.h"

#endif
