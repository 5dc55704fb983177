/* error_curve.h — the change of the test error with T at one P, and the T at which it has a given size. Private to
 * fit/.
 *
 * Every data set is compared with itself at low T, because test errors differ far more between data sets than they
 * change with T. The change of data set s is
 *     D_s(T) = ln eps_s(T) - median of ln eps_s over the three lowest T,
 * where ln eps_s is the mean over its runs, and D(T) is the mean of D_s over the data sets. Only complete cells count.
 *
 * Resolution. The noise of D is its standard error, s / sqrt(n) for n data sets, with s the standard deviation of D_s.
 * A change of size X can be told from noise where X is at least two standard errors, that is where
 *     n >= (2 s / X)^2.
 * Two such conditions must hold. Under T_c noise must not make D reach X: s^2 is then its average over the T under T_c,
 * or over all T where D does not reach X. Above T_c the change must not be noise: X is then the largest |D| there, and
 * s that of its T. With fewer data sets than the larger of the two n, T_c is not resolved, and that n is reported.
 */
#ifndef CH_FIT_ERROR_CURVE_H
#define CH_FIT_ERROR_CURVE_H

#include "fit/laws/definition.h"

/** Number of T at either end that a plateau is taken from. */
enum { CH_PLATEAU_TEMPS = 3 };

/** The changes of all data sets at one P, and their mean over the data sets of a replica. Arrays are owned. */
typedef struct {
    size_t num_temps;  /* complete cells */
    size_t num_sets;   /* data sets of the group */
    size_t num_known;  /* data sets that have a test error at a low T; 0 with fewer than four T */
    double *log_temps; /* [num_temps] ln T, ascending */
    double *changes;   /* [num_temps][num_sets] D_s(T); NaN where a data set has no test error */
    double *tops;      /* [num_sets] median of D_s over the three highest T; NaN where there is none */
    size_t count;      /* T at which some data set of the replica has a test error */
    double *at, *mean; /* [count] their ln T, and D */
    size_t *temp;      /* [count] their indices */
} ch_error_curve;

/** @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_error_curve_init(ch_error_curve *self, const ch_fit_group *group, size_t train, ch_error *err) CH_MUST_CHECK;
void ch_error_curve_free(ch_error_curve *self);

/** The same as `init` and `free` of a definition of T_c, whose workspace is a curve. */
ch_code ch_error_curve_make(void **workspace, const ch_tc_input *input, ch_error *err) CH_MUST_CHECK;
void ch_error_curve_release(void *workspace);

/** The mean of some data sets' numbers, each counted as often as it was drawn; NaN where none has one.
 *  @param numbers  [num_sets]; NaN where a data set has none
 *  @param copies   [num_sets] times that each was drawn; NULL: each once */
double ch_mean_over_sets(const double *numbers, size_t num_sets, const double *copies);

/** Sets the mean D at each T.  @param copies  [num_sets] times that each data set was drawn; NULL: each once */
void ch_error_curve_average(ch_error_curve *self, const double *copies);

/** The mean of `tops` over the data sets, in the same way. */
double ch_error_curve_top(const ch_error_curve *self, const double *copies);

/** The T at which |D| first reaches a size.
 *
 *  D reaches the size at the first T where |D| is at least the size, with the same sign, there and at the next T: a
 *  single T may be noise. T_c is sought from the last T under that at which D has not this sign up to the T of
 *  the largest |D| before D changes its sign again. Between neighbouring T, D is a straight line in ln T. Where D grows
 *  there, T_c is the T at which it has the size. Where noise takes it through the size several times, ln T_c is the
 *  lower end plus the length in ln T over which |D| is smaller than the size, which is the sum of the ln T of crossings
 *  upwards minus that of crossings downwards. The first crossing alone would be at lower T the more noise there is.
 *
 *  @param first, peak  out: places of `count` of the first T beyond and of the largest D; not set without one
 *  @param log_temp     out: ln T_c; for ABOVE the highest ln T at which D is smaller; NaN for NONE
 *  @return BELOW where D has the size already among the three lowest T; NONE with fewer than four T */
ch_tc_place ch_error_curve_reach(const ch_error_curve *self, double size, size_t *first, size_t *peak,
                                 double *log_temp);

/** ln T at place `begin`, plus the length in ln T, between the places `begin` and `end`, over which sign x D is under a
 *  size. */
double ch_error_curve_below(const ch_error_curve *self, size_t begin, size_t end, double sign, double size);

/** The squared standard deviation of D_s over the data sets, averaged over the T before `end` of `count`. Under the
 *  fourth T the part of D_s that the median takes away is put back: for three normal numbers x_i of variance 1 it is
 *  var(x_i - median) = 0.782, and that of another T less the median is 1.449.  @return NaN for one data set */
double ch_error_curve_variance(const ch_error_curve *self, size_t end);

/** The squared standard deviation of D_s over the data sets at one T. */
double ch_error_curve_variance_at(const ch_error_curve *self, size_t place);

/** The squared standard deviation of `tops` over the data sets. */
double ch_error_curve_top_variance(const ch_error_curve *self);

/** The data sets that a change of a size needs, (2 s / size)^2; 2 at least; 0 where the variance s^2 is NaN. */
double ch_error_curve_needed(double variance, double size);

#endif
