/* advice.h — sentences on the runs that a group lacks. Each ends in the command for the sweep that makes these runs.
 * Private to fit/. */
#ifndef CH_FIT_ADVICE_H
#define CH_FIT_ADVICE_H

#include "fit/results.h"

/** What a group lacks, which is what the sweep varies. The sweep has the settings and budgets of the group, its data
 *  sets, and further ones up to ten. Of images it takes no larger P than a run of the group had, because the store does
 *  not know how many images there are: the P are then smaller ones. */
typedef enum {
    CH_ADVICE_DATA_SETS, /* the group's P and T on ten data sets, or twice as many as there are */
    CH_ADVICE_TRAINS,    /* its largest P, twice and four times that, at its T */
    CH_ADVICE_ALL,       /* five P from its least on, T from the plateau to far above */
    CH_ADVICE_BEND,      /* its P at powers of two for T, from the plateau at T < kappa to the power law above */
    /* with these two, ten times the budgets where a budget ended runs of the group */
} ch_advice;

/** Writes a sentence, and after it ": try chiton sweep ..." with the settings of the group.
 *  @param text  out: to be freed by the caller; NULL after a failure
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_advice_sentence(char **text, const ch_fit_group *group, ch_advice what, ch_error *err, const char *format,
                           ...) __attribute__((format(printf, 5, 6), warn_unused_result));

#endif
