/* teller.h — reports the progress of a run to its watch. */
#ifndef CH_TELLER_H
#define CH_TELLER_H

#include "core/core.h"
#include "sim/settings/settings.h"

/** How far a run is: its steps, the unfitted samples when they were last counted, and the share of the expected work.
 *
 *  Counting the unfitted samples takes an observation. It is made at most once a second, and so seldom that
 *  observations take under a fiftieth of the time. */
typedef struct {
    const ch_watch *watch; /* borrowed; NULL: nothing is reported */
    const ch_resolved *resolved;
    double started;    /* seconds of a monotonic clock, as the next two */
    double next_count; /* when the unfitted samples may be counted again */
    uint64_t unfitted; /* CH_UNCOUNTED before the first count */
} ch_teller;

/** @param watch  NULL, or one without `progress`: nothing is reported */
ch_teller ch_teller_start(const ch_resolved *resolved, const ch_watch *watch);

/** Reports the learner's progress. Its state does not change. */
void ch_teller_tell(ch_teller *self, ch_learner *learner);

#endif
