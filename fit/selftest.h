/* selftest.h — whether fits find planted exponents, and how often their 95 % intervals contain the planted values. */
#ifndef CH_FIT_SELFTEST_H
#define CH_FIT_SELFTEST_H

#include "fit/target.h"

enum { CH_SELFTEST_NUMBERS = 19 };

/** What was found of one planted number, over all tables. */
typedef struct {
    const char *name; /* "gamma", "T_c by onset", … */
    double planted;
    double mean, error; /* mean of the values found and its standard error; for T_c those of ln T_c */
    size_t found;       /* number of tables in which it was found with an interval */
    size_t covered;     /* number of these whose 95 % interval contains the planted value */
} ch_selftest_number;

/** The result of a self-test. */
typedef struct {
    ch_selftest_number numbers[CH_SELFTEST_NUMBERS];
    size_t num_tables;
    size_t num_runs;    /* number of runs, over all tables, with which the last fits were made */
    size_t num_sets;    /* number of data sets of these runs */
    size_t ended;       /* number of these runs that a budget ended */
    size_t num_reached; /* number of tables whose targets were reached; all where there are none */
} ch_selftest;

/** Plants tables of runs and fits them with everything that `chiton fit` does.
 *
 *  ||Dw|| = P^gamma [T^m + T_c^m]^(1/m) and t* = T P^b, gamma = 1/2, b = 2, m = 1.2, T_c = 2^-14: the perceptron at
 *  chi = 1, d = 64. Ten data sets at P = 2^9 … 2^14, T = 4^-10 … 4^2. The ln y of a data set has normal errors (0.15
 *  for ||Dw||, 0.30 for t*) that are correlated over P as (P / P')^1, and each run has further independent errors
 *  (0.05 and 0.10). ln of the test error has the same errors as ln ||Dw||, and rises by 0.07 a step of T above a T_c
 *  ~ P^-0.1, until it has risen by 0.4; a data set's rise is that times a normal number, 1 +- 0.4. A budget ends the
 *  runs that take longer than 0.7 times the longest mean t*.
 *
 *  With targets a table begins with its ten data sets, and gets more by the rule of a sweep with targets (target.h), up
 *  to 160: the intervals are those of its last fit.
 *
 *  @param num_tables  1 … 100,000
 *  @param targets     NULL: every table has ten data sets
 *  @param threads     at least 1; does not change a bit of the result
 *  @param watch       gets the number of tables done, and its stop flag ends the test; may be NULL
 *  @return CH_OK, CH_ERROR_INPUT, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_selftest_run(ch_selftest *self, size_t num_tables, uint64_t seed, const ch_target_list *targets, int threads,
                        const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

/** The coverage: the share of the 95 % intervals that contain the planted value. ch_selftest_holds says whether it lies
 *  within 93 … 97 %, widened on either side by two standard deviations of a share of this many tables. */
double ch_selftest_coverage(const ch_selftest_number *number);
bool ch_selftest_holds(const ch_selftest_number *number);

#endif
