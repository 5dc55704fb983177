/* meter.h — how far a long command is: a bar on a terminal, a plain line now and then elsewhere. */
#ifndef CH_METER_H
#define CH_METER_H

#include <stdbool.h>
#include <stddef.h>

/** Progress of `total` runs of known expected cost, on standard error. Not for use by two threads at once. */
typedef struct {
    size_t total, done;
    double cost_total, cost_done; /* any unit */
    double started, shown;        /* seconds, monotonic */
    bool terminal;
} ch_meter;

void ch_meter_start(ch_meter *self, size_t total, double cost_total);

/** One more run is done; redraws when it is time to. */
void ch_meter_add(ch_meter *self, double cost);

/** A sentence on a line of its own, in the bar's place until that is redrawn. */
void ch_meter_say(ch_meter *self, const char *sentence);

/** Draws the last state and ends the line. */
void ch_meter_finish(ch_meter *self);

/** Seconds since the start. */
double ch_meter_elapsed(const ch_meter *self);

#endif
