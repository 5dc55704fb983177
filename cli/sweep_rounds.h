/* sweep_rounds.h — what sweeps that go on in rounds share: what a run takes, and how that is said. */
#ifndef CH_SWEEP_ROUNDS_H
#define CH_SWEEP_ROUNDS_H

#include "cli/cli.h"
#include "core/text.h"

/** What a run takes: seconds of the clock for all that were made, divided by their number. */
typedef struct {
    double seconds;
    double runs;
} ch_round_cost;

/** Adds the runs that a sweep made. */
void ch_round_cost_add(ch_round_cost *self, const ch_sweep_counts *counts);

/** Writes how long that many runs take to two digits, as ", in about 12 s", and nothing where no run was made. */
ch_shown ch_round_show_cost(const ch_round_cost *self, uint64_t runs);

#endif
