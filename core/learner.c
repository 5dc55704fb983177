/* learner.c — the names of a learner's states. */
#include "core/learner.h"

const char *ch_status_name(ch_status status)
{
    static const char *const names[] = {"running", "fitted", "budget", "diverged"};
    return names[status];
}
