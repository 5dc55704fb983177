/* rise.h — the temperature at which a curve over ln T first rises to a level. Private to fit/. */
#ifndef CH_FIT_RISE_H
#define CH_FIT_RISE_H

#include "fit/results.h"

/** The search. The points of the curve are joined by straight lines in ln T, and are added one after the other. */
typedef struct {
    double level;      /* in units of the values */
    ch_tc_place place; /* BELOW: the first point lies above the level; ABOVE: no point reaches it; NONE: no points */
    double log_temp;   /* ln T of the rise, or of the bound; NaN for NONE */
    double value;      /* value of the last point that lies below the level; NaN before the first point */
} ch_rise;

/** A search that has no point yet. */
ch_rise ch_rise_start(double level);

/** Adds a point. Once the curve has risen to the level, no further point may be added.
 *  @param log_temp  ln T, above that of the point before
 *  @param value     no NaN
 *  @return whether the curve has risen to the level at this point or before it */
bool ch_rise_add(ch_rise *self, double log_temp, double value);

#endif
