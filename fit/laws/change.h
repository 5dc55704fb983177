/* change.h — T_c by the test error: where it leaves the value that it has as T -> 0. Private to fit/. */
#ifndef CH_FIT_CHANGE_H
#define CH_FIT_CHANGE_H

#include "fit/results.h"

/** How far the test error of each data set is, at one P, from its mean over the three lowest T, and how far the mean
 *  over the data sets may be without having left it. Data sets are compared with themselves, because their own errors
 *  differ by far more than T changes them. */
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

/** T_c by the test error: where its mean shift, joined by straight lines in ln T in units of the limit, reaches 1,
 *  provided that at the next T it is beyond the limit on the same side. The limits are those of the table in every
 *  replica.
 *
 *  @param copies    [num_sets] times that each data set was drawn; NULL: each once
 *  @param log_temp  out: ln T_c, or of the bound; NaN for NONE */
ch_tc_place ch_tc_error(const ch_change *self, const double *copies, double *log_temp);

/** Chance that a test error that does not depend on T at all is found to have left its value, at one P with so many T.
 *  It is the chance that two given neighbours above the three lowest T are beyond k sigmas on one side, added up over
 *  the pairs, for normal errors that are equally large at every T. */
double ch_tc_error_false_alarms(double sigmas, size_t num_temps);

#endif
