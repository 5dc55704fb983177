/* points.h — a group's cells as curves, and the runs that their points are averaged from. Private to fit/. */
#ifndef CH_POINTS_H
#define CH_POINTS_H

#include "fit/collapse/collapse.h"
#include "fit/collapse/master.h"

enum { CH_LEAST_POINTS = 4 }; /* of a curve: fewer show no bend */

/** One run of a point. */
typedef struct {
    double log_y;
    uint32_t data_set; /* index among the group's distinct seed_data, ascending */
} ch_point_run;

/** The points of all curves, one curve after the other. */
typedef struct {
    ch_curve *curves; /* [num_curves] by P, into the arrays below; owned, as all here */
    size_t num_curves, num_points;
    double *log_temp, *log_y, *variance; /* [num_points] */
    size_t *begin;                       /* [num_points + 1] first run of a point */
    ch_point_run *runs;                  /* [begin[num_points]] */
} ch_points;

/** Takes every complete cell; leaves out P with fewer than CH_LEAST_POINTS, and P whose data sets do not differ. The
 *  points' errors are those of collapse.h.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_points_init(ch_points *self, const ch_fit_group *group, ch_collapse_quantity quantity,
                       ch_error *err) CH_MUST_CHECK;
void ch_points_free(ch_points *self);

#endif
