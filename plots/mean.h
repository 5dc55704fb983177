/* mean.h — the mean of a figure's numbers over data sets, and the band around it. Private to plots/. */
#ifndef CH_PLOTS_MEAN_H
#define CH_PLOTS_MEAN_H

#include "plots/plots.h"

#include <stddef.h>
#include <stdint.h>

/** Numbers that are being averaged. Start with CH_MEAN_NONE. */
typedef struct {
    double sum, squares; /* over the data sets that are complete */
    double least, most;  /* of single numbers */
    size_t num_sets;     /* complete data sets */
    double of_set;       /* sum over the data set whose numbers are being added */
    size_t in_set;       /* how many numbers that sum has */
    uint64_t seed_data;  /* of that data set */
} ch_mean_sum;

#define CH_MEAN_NONE ((ch_mean_sum){.least = INFINITY, .most = -INFINITY})

/** A mean with the ends of its band. NaN where no number was added. */
typedef struct {
    double mean, lo, hi;
    size_t num_sets;
} ch_mean;

/** Adds a number. Numbers of one data set must follow each other: they are averaged first. */
void ch_mean_add(ch_mean_sum *self, uint64_t seed_data, double number);

/** The mean over data sets and its band: one standard error, the 95 % interval by Student's t, one standard deviation
 *  between data sets, or the range of single numbers. With one data set the first three have no width. */
ch_mean ch_mean_finish(ch_mean_sum *self, ch_chart_band band);

#endif
