/* meter.h — shows the progress of a long command: as a bar on a terminal, elsewhere as a line every few seconds. */
#ifndef CH_METER_H
#define CH_METER_H

#include "core/core.h"

#include <stdbool.h>
#include <stddef.h>

/** Progress of `total` things, or of an unknown number of them (total 0), shown on standard error. Two threads must not
 *  use a meter at the same time. */
typedef struct {
    const char *unit; /* the name of the things, e.g. "runs"; borrowed */
    size_t done, total;
    double share;          /* done part of the expected work, 0 to 1; not known where it is not over 0 */
    char note[64];         /* what else there is to say; may be empty */
    double patience;       /* seconds before the first display */
    double started, shown; /* times of the start and of the last display, in seconds of a monotonic clock */
    bool terminal;
} ch_meter;

/** Starts to measure time.
 *  @param patience  seconds before the first display, so that quick commands show nothing */
void ch_meter_start(ch_meter *self, const char *unit, double patience);

/** Sets how far the command is, and draws the meter if the last display is long enough ago.
 *  @param share  done part of the work, 0 to 1: things may differ in their work */
void ch_meter_set(ch_meter *self, size_t done, size_t total, double share);

/** A watch that shows on the meter what a computation reports.
 *  @param stop  the flag that ends the computation; NULL for none
 *  @return the watch, which borrows the meter and the flag */
ch_watch ch_meter_watch(ch_meter *self, ch_stop *stop);

/** Prints a sentence on a line of its own. On a terminal it replaces the bar until that is drawn again. */
void ch_meter_say(ch_meter *self, const char *sentence);

/** Draws the last state on a terminal and ends the line, or clears it where the total is not known. It draws nothing
 *  before `patience` has passed. */
void ch_meter_finish(ch_meter *self);

/** Seconds since the start. */
double ch_meter_elapsed(const ch_meter *self);

#endif
