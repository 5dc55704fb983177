/* points.h — makes curves of the cells of a group, and lists the runs behind each point. Private to fit/collapse. */
#ifndef CH_POINTS_H
#define CH_POINTS_H

#include "fit/collapse/collapse.h"
#include "fit/collapse/master.h"

/** The points that a curve needs. Fewer cannot show where it bends. */
enum { CH_LEAST_POINTS = 4 };

/** One run of a point. */
typedef struct {
    double log_y;      /* ln ||Dw||, ln t* or ln of the test error */
    uint32_t data_set; /* index of its seed_data among the distinct ones of the group, in ascending order */
} ch_point_run;

/** The points of all curves, one curve after the other. All arrays are owned. */
typedef struct {
    ch_curve *curves; /* [num_curves] by P, ascending; their arrays are parts of the three below */
    size_t num_curves, num_points;
    double *log_temp;   /* [num_points] ln T */
    double *log_y;      /* [num_points] mean of ln y over the runs */
    double *variance;   /* [num_points] dy^2 of ln y, as collapse.h says */
    size_t *begin;      /* [num_points + 1] index of a point's first run; the last is the number of runs */
    ch_point_run *runs; /* [begin[num_points]] */
} ch_points;

/** Makes a point of every complete cell. A P is left out where it has fewer than CH_LEAST_POINTS, or where its data
 *  sets agree to rounding, so that its points have no error.
 *  @param self  out: to be freed with ch_points_free, also after an error
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_points_init(ch_points *self, const ch_fit_group *group, ch_collapse_quantity quantity,
                       ch_error *err) CH_MUST_CHECK;
void ch_points_free(ch_points *self);

#endif
