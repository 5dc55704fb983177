/* coverage_support.h — whether 95 % intervals have the truth in them in 95 % of planted tables. */
#ifndef CH_TESTS_COVERAGE_SUPPORT_H
#define CH_TESTS_COVERAGE_SUPPORT_H

#include "tests/support.h"

#include <gsl/gsl_cdf.h>

/* The number of planted tables: 400 under `make check-long`, and 200 under `make check`. */
static inline unsigned num_tables(void)
{
    return is_long() ? 400 : 200;
}

/* Requires that the number of tables whose interval has the truth in it is in neither tail of its binomial law. Each
 * tail has the probability 1e-5 with 400 tables and 1e-4 with 200, so that with exact intervals the assertion fails
 * falsely for 2e-5 and 2e-4 of seeds. The seeds of the tests are fixed.
 *
 * It accepts 359 to 396 of 400 tables, and 177 to 199 of 200. Intervals that have the truth in them in 82, 84, 86 or
 * 88 % of tables fail with a probability of 1.00, 1.00, 0.98 and 0.84 with 400 tables, and of 0.99, 0.95, 0.82 and 0.53
 * with 200. Intervals that always have it fail with either number. */
static inline void assert_coverage(unsigned held, const char *what)
{
    const double tail = is_long() ? 1e-5 : 1e-4;
    print_message("    %-24s %u of %u intervals hold the truth\n", what, held, num_tables());
    if (!(gsl_cdf_binomial_P(held, 0.95, num_tables()) > tail)) {
        fail_msg("%s: intervals are too narrow, %u of %u hold the truth", what, held, num_tables());
    }
    if (!(gsl_cdf_binomial_Q(held - 1, 0.95, num_tables()) > tail)) {
        fail_msg("%s: intervals are too wide, %u of %u hold the truth", what, held, num_tables());
    }
}

#endif
