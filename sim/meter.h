/* meter.h — how far a long command is: a bar on a terminal, a plain line now and then elsewhere. */
#ifndef CH_METER_H
#define CH_METER_H

#include <stdbool.h>
#include <stddef.h>

/** Progress of `total` things of known expected cost, on standard error. Not for use by two threads at once. */
typedef struct {
    const char *unit;             /* what they are, e.g. "runs"; borrowed */
    size_t total, done;           /* `total` may be set later, before the first is done */
    double cost_total, cost_done; /* any unit; likewise */
    double patience;              /* seconds before anything is shown */
    double started, shown;        /* seconds, monotonic */
    bool terminal;
} ch_meter;

/** @param patience  seconds before anything is shown: what is quick needs no bar */
void ch_meter_start(ch_meter *self, const char *unit, size_t total, double cost_total, double patience);

/** `count` more are done; redraws when it is time to. */
void ch_meter_add(ch_meter *self, size_t count, double cost);

/** A sentence on a line of its own, in the bar's place until that is redrawn. */
void ch_meter_say(ch_meter *self, const char *sentence);

/** Draws the last state and ends the line; nothing where nothing could have been shown. */
void ch_meter_finish(ch_meter *self);

/** Seconds since the start. */
double ch_meter_elapsed(const ch_meter *self);

#endif
