/* estimate.h — numbers with errors from the replicas of a bootstrap. Private to fit/. */
#ifndef CH_FIT_ESTIMATE_H
#define CH_FIT_ESTIMATE_H

#include "fit/results.h"

/** The numbers of all replicas. */
typedef struct {
    double *numbers;           /* [count][num_numbers]; NaN where a replica has no such number; owned */
    size_t count, num_numbers; /* count is 0 where there is no bootstrap, with one data set */
} ch_replicas;

/** Releases the numbers. */
void ch_replicas_free(ch_replicas *self);

/** How many replicas have this number, and their standard deviation (NaN for fewer than two). */
size_t ch_replicas_spread(const ch_replicas *self, size_t number, double *deviation);

/** Pearson's correlation of two numbers over the replicas that have both; NaN where one of them has no spread beyond
 *  rounding. */
double ch_replicas_correlation(const ch_replicas *self, size_t first, size_t second);

/** Whether `count` of the replicas are enough to give a number an error: it takes nine tenths of them. */
bool ch_replicas_are_enough(const ch_replicas *self, size_t count);

/** Makes the error and the 95 % interval of `value` from the standard deviation of its replicas over n data sets. */
ch_estimate ch_estimate_make(double value, double deviation, size_t num_data_sets);

/** The distance of an estimate from a number in standard deviations of a normal number that is as unlikely: the chance
 *  of (value - number) / error is that of Student's t for n - 1 degrees of freedom, as in the 95 % interval. So a
 *  number at an end of the interval is 1.96 away, whatever n.
 *  @return positive for a value over the number, and at most 37.5, where that chance is too small for a double; NaN
 *  where there is no error */
double ch_estimate_distance(const ch_estimate *estimate, double number, size_t num_data_sets);

/** The estimate of a number whose logarithm was estimated. @param logs  value, error and interval of the logarithm */
ch_estimate ch_estimate_from_log(double value, const ch_estimate *logs);

/** Makes the error of a number from its replicas. Where too few replicas have the number, it gets no error, and the
 *  group gets a note that says so.
 *  @param number  its place in a replica
 *  @param what    its name in the note
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_fit_estimate_number(ch_fit_group *group, const ch_replicas *replicas, size_t number, double value,
                               const char *what, ch_estimate *estimate, ch_error *err) CH_MUST_CHECK;

/** Sets the error of a number that the user holds. A fixed number has the error 0. A number at a bound has none (NaN),
 *  because its replicas are not normal there. Any other number keeps its error, and its interval is cut to the range.
 */
void ch_fit_hold_estimate(ch_estimate *estimate, ch_range range, ch_held held);

/** Appends to the group's exponents.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_fit_add_exponent(ch_fit_group *group, const ch_exponent *exponent, ch_error *err) CH_MUST_CHECK;

#endif
