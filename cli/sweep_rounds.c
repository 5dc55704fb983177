/* sweep_rounds.c — what sweeps that go on in rounds share: what a run takes, and how that is said. */
#include "cli/sweep_rounds.h"

#include <math.h>
#include <stdio.h>

void ch_round_cost_add(ch_round_cost *self, const ch_sweep_counts *counts)
{
    self->runs += (double)(counts->fitted + counts->budget + counts->diverged + counts->stuck);
    self->seconds += counts->seconds;
}

ch_shown ch_round_show_cost(const ch_round_cost *self, uint64_t runs)
{
    const double seconds = (double)runs * self->seconds / self->runs; /* NaN where no run was made */
    ch_shown shown = {""};
    if (seconds < 1) {
        snprintf(shown.text, sizeof shown.text, ", in under a second");
    } else if (seconds < 120) {
        snprintf(shown.text, sizeof shown.text, ", in about %.0f s", seconds);
    } else if (seconds < 7200) {
        snprintf(shown.text, sizeof shown.text, ", in about %.0f min", seconds / 60);
    } else if (isfinite(seconds)) {
        snprintf(shown.text, sizeof shown.text, ", in about %.3g hours", seconds / 3600);
    }
    return shown;
}
