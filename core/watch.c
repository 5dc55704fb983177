/* watch.c — whether a computation that is watched has had its time. */
#include "core/watch.h"

#include "core/clock.h"

bool ch_watch_is_late(const ch_watch *self)
{
    return ch_clock_now() >= self->until;
}
