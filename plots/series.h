/* series.h — a quantity of a group's runs, one value a cell (P, T). Private to plots/. */
#ifndef CH_SERIES_H
#define CH_SERIES_H

#include "fit/fit.h"

#include <stdbool.h>
#include <stddef.h>

/** One (P, T): the geometric mean over data sets, as the fits work with logarithms, and one standard error either
 *  side of it. With one data set lo = mean = hi. */
typedef struct {
    uint64_t train;
    double temp;
    double mean, lo, hi;
    bool bound; /* some run was out of budget: the mean is a lower bound */
} ch_cell;

/** All cells of a group that have a value, by (train, temp). */
typedef struct {
    ch_cell *cells; /* [count], owned */
    size_t count;
} ch_series;

/** Averages the double at `offset` in ch_run. Diverged runs, and values that are not positive and finite, are left out;
 *  runs of one data set are averaged first.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_series_init(ch_series *self, const ch_fit_group *group, size_t offset, ch_error *err) CH_MUST_CHECK;

/** The same with the mean itself, for what may be 0: values that are not finite or are negative are left out. Where the
 *  error is as large as the mean, lo = mean. */
ch_code ch_series_init_plain(ch_series *self, const ch_fit_group *group, size_t offset, ch_error *err) CH_MUST_CHECK;
void ch_series_free(ch_series *self);

#endif
