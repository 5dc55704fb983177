/* learner.c — names of a learner's states, and an observation of nothing. */
#include "core/learner.h"

#include <math.h>

const char *ch_status_name(ch_status status)
{
    static const char *const names[] = {"running", "fitted", "budget", "diverged"};
    return names[status];
}

ch_observation ch_observation_none(void)
{
    return (ch_observation){
        .train_loss = NAN,
        .train_error = NAN,
        .unfitted = CH_UNCOUNTED,
        .min_margin = NAN,
        .weight_change = NAN,
        .weight_change_rel = NAN,
        .signal = NAN,
        .noise = NAN,
        .test_error = NAN,
        .kernel_change = NAN,
        .kernel_alignment = NAN,
        .gradient_mean = NAN,
        .gradient_variance = NAN,
        .gradient_snr = NAN,
    };
}
