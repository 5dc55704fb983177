/* course.h — the mean over data sets of a quantity along training. Private to plots/; ch_plot_course is in plots.h. */
#ifndef CH_PLOTS_COURSE_H
#define CH_PLOTS_COURSE_H

#include "plots/chart_curves.h"
#include "plots/plots.h"

#include <stdbool.h>

/** A run with points, and which curve it belongs to. */
typedef struct {
    const ch_run *run; /* borrowed */
    size_t curve;
    double first, last; /* x of its first and last point that have the quantity */
} ch_course_run;

/** The mean over data sets at one x of one curve. */
typedef struct {
    double x, mean, lo, hi; /* in the units of the points */
    size_t curve, num_sets;
    bool has_left; /* some run of the curve ended before, and is not in the mean */
} ch_course_mean;

/** The means of all curves. */
typedef struct {
    const ch_course_chart *chart; /* borrowed */
    ch_course_run *runs;          /* [num_runs] by curve and data set; owned */
    size_t num_runs;
    ch_course_mean *means; /* [num_means] by curve and x; owned */
    size_t num_means;
    ch_chart_curves curves;
    bool is_geometric;   /* means are those of logarithms */
    size_t num_left_out; /* runs without a point that has the quantity */
} ch_course;

/** Makes the means.
 *
 *  They are made at the x of all points of a curve's runs, and at the last x of any. A run has, between two of its
 *  points, the value on the straight line over ln x. Before its first point it is not in the mean. After its last one
 *  it keeps its value where it is fitted and rests: its gradient is zero, so that no step changes it. Where its last
 *  point has no such number, as the distance of unfitted samples where none are left, it has none after that. Any other
 *  run that has ended is not in the mean any more.
 *
 *  On a logarithmic y axis means are geometric where every number is positive, and else arithmetic on both axes.
 *
 *  @param table  with points; borrowed
 *  @param self   out: free with ch_course_free, also after a failure
 *  @return CH_OK; CH_ERROR_INPUT as ch_plot_course; CH_ERROR_MEMORY */
ch_code ch_course_init(ch_course *self, const ch_run_table *table, const ch_course_chart *chart,
                       ch_error *err) CH_MUST_CHECK;
void ch_course_free(ch_course *self);

#endif
