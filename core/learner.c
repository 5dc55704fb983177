/* learner.c — the names of a learner's states, and the causes of being stuck in words. */
#include "core/learner.h"

#include <stddef.h>
#include <string.h>

const char *ch_status_name(ch_status status)
{
    static const char *const names[CH_NUM_STATUSES] = {"unfinished", "fitted", "budget", "diverged", "stuck"};
    return names[status];
}

const char *ch_cause_text(ch_cause cause)
{
    static const char *const texts[CH_NUM_CAUSES] = {
        [CH_CAUSE_TOO_SMALL] = "updates are too small to change the weights in double precision",
        [CH_CAUSE_NO_GRADIENT] = "the gradients of all unfitted samples are 0",
        [CH_CAUSE_BOTH_LABELS] = "two training samples exclude each other, as the same input with both labels does",
        [CH_CAUSE_NO_PROGRESS] = "no progress while the number of updates grew eightfold",
        [CH_CAUSE_TOO_SLOW] = "at the present rate it takes more than 10^12 steps (networks: 10^10) to fit all samples",
        [CH_CAUSE_UNRESOLVED] = "the weight change is less than what the kernel, in single precision, resolves",
        [CH_CAUSE_FIXED_SAMPLE] = "the gradient of a training sample is 0, so that no weights fit it",
    };
    return texts[cause];
}

ch_cause ch_cause_find(const char *text)
{
    for (ch_cause cause = CH_CAUSE_NONE + 1; text != NULL && cause < CH_NUM_CAUSES; cause++) {
        if (strcmp(text, ch_cause_text(cause)) == 0) {
            return cause;
        }
    }
    return CH_CAUSE_NONE;
}
