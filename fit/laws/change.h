/* change.h — a test of significance: whether the test error leaves the value that it has as T -> 0. Private to fit/.
 *
 * The lowest T at which the test sees a change is not an estimate of T_c: with more data sets a smaller change is
 * significant, and that T becomes lower. So it is used for a note alone. */
#ifndef CH_FIT_CHANGE_H
#define CH_FIT_CHANGE_H

#include "fit/results.h"

/** The shifts of the test error at one P, and their limits. The shift of a data set at a T is its test error there
 *  minus its mean test error over the three lowest T. A data set is compared with itself, because test errors differ
 *  far more between data sets than they change with T. The test sees a change where the mean shift over data sets
 *  exceeds the limit. */
typedef struct {
    size_t num_temps, num_sets;
    double *log_temps; /* [num_temps] ln T of the complete cells above the three lowest; owned */
    double *shifts;    /* [num_temps][num_sets]; NaN where a data set has no run; owned */
    double *limits;    /* [num_temps] k standard errors; NaN for fewer than two data sets; owned */
} ch_change;

/** @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_change_init(ch_change *self, const ch_fit_group *group, size_t train, double sigmas,
                       ch_error *err) CH_MUST_CHECK;
void ch_change_free(ch_change *self);

/** Finds the lowest T at which the test sees a change: the T at which its mean shift, in units of the limit and joined
 *  by straight lines in ln T, reaches 1. At the next T the shift must lie beyond the limit on the same side. Every
 *  replica uses the limits of the table.
 *
 *  @param copies    [num_sets] times that each data set was drawn; NULL: each once
 *  @param log_temp  out: ln of that T, or of the bound; NaN for NONE */
ch_tc_place ch_change_find(const ch_change *self, const double *copies, double *log_temp);

/** The probability that the test sees a change at one P with `num_temps` T although the test error does not depend on
 *  T. It is the probability that the shifts at two neighbouring T both lie beyond k sigmas on the same side, summed
 *  over all pairs of neighbours above the three lowest T. Errors are taken to be normal and equally large at every T.
 *  */
double ch_change_false_alarms(double sigmas, size_t num_temps);

#endif
