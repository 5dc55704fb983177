/* reals.h — which real numbers are one value of a setting.
 *
 * T = rate / batch is rounded, so that --batch 3 --temp 0.1 and --batch 3 --rate 0.3 differ in the last bit of T. Two
 * reals are one value where they differ by less than 10^-9 of their size. Lists of a store, groups, cells and pairs of
 * runs are made from values that were united here; run identities and stores keep every bit.
 */
#ifndef CH_REALS_H
#define CH_REALS_H

#include "sim/settings/settings.h"

/** The largest difference of two reals that are one value, in units of the larger of the two. */
#define CH_REALS_TOLERANCE 1e-9

/** Whether two reals are one value. NaN is no value. */
bool ch_reals_are_one(double a, double b);

/** Sets reals that are one value to one number: to the one with the fewest digits, and to the least of several such.
 *
 *  The reals are taken in ascending order. A value begins with the least real that belongs to no value before it, and
 *  has all reals that are one with that real. So no value is wider than the tolerance.
 *
 *  @param reals  [count] where the numbers are; the pointers are sorted by their numbers, NaN last */
void ch_reals_unite(double **reals, size_t count);

/** Calls ch_reals_unite for each real setting of the table, over some runs.
 *  @param settings  [count] the settings of the runs
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_settings_unite_reals(ch_settings *const *settings, size_t count, ch_error *err) CH_MUST_CHECK;

/** Asks whether ch_settings_unite_reals would change a number.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_settings_reals_differ(const ch_settings *const *settings, size_t count, bool *differ,
                                 ch_error *err) CH_MUST_CHECK;

/** Whether two settings objects have one value in a row of the table. */
bool ch_settings_are_one(const ch_settings *a, const ch_settings *b, size_t index);

#endif
