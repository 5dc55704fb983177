/* advice.h — sentences on what a group lacks, ending in the sweep that would supply it. Private to fit/. */
#ifndef CH_SUPPLY_H
#define CH_SUPPLY_H

#include "fit/fit.h"

/** The other settings, and elsewhere ten data sets or as many as there are, are the group's. */
typedef enum {
    CH_SUPPLY_DATA_SETS, /* the group's P and T on ten data sets, or twice as many as there are */
    CH_SUPPLY_TRAINS,    /* its largest P, twice and four times that, at its T */
    CH_SUPPLY_ALL,       /* five P from its least on, T from the plateau to far above */
    CH_SUPPLY_BEND,      /* its P at powers of two for T, from the plateau at T < kappa to the power law above */
} ch_supply;

/** Writes a sentence, and after it ": try chiton sweep ..." with the settings of the group.
 *  @param text  out: to be freed by the caller; NULL after a failure
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_supply_sentence(char **text, const ch_fit_group *group, ch_supply what, ch_error *err, const char *format,
                           ...) __attribute__((format(printf, 5, 6), warn_unused_result));

#endif
