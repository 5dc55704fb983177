/* meter.h — how far a long command is: a bar on a terminal, a plain line now and then elsewhere. */
#ifndef CH_METER_H
#define CH_METER_H

#include "core/core.h"

#include <stdbool.h>
#include <stddef.h>

/** Progress of `total` things, on standard error. Not for use by two threads at once. */
typedef struct {
    const char *unit; /* what they are, e.g. "runs"; borrowed */
    size_t done, total;
    double share;          /* of the expected work that is done, 0 to 1 */
    double patience;       /* seconds before anything is shown */
    double started, shown; /* seconds, monotonic */
    bool terminal;
} ch_meter;

/** @param patience  seconds before anything is shown: what is quick needs no bar */
void ch_meter_start(ch_meter *self, const char *unit, double patience);

/** `done` things of `total` are done, which are `share` of the work; redraws when it is time to. */
void ch_meter_set(ch_meter *self, size_t done, size_t total, double share);

/** What a computation tells of itself, shown by the meter.
 *  @param stop  NULL, or the flag that ends it
 *  @return borrows the meter */
ch_watch ch_meter_watch(ch_meter *self, ch_stop *stop);

/** A sentence on a line of its own, in the bar's place until that is redrawn. */
void ch_meter_say(ch_meter *self, const char *sentence);

/** Draws the last state and ends the line; nothing where nothing could have been shown. */
void ch_meter_finish(ch_meter *self);

/** Seconds since the start. */
double ch_meter_elapsed(const ch_meter *self);

#endif
