/* error_joint.h — the law T_c = c P^-a of the test error, fitted to all P at once. Private to fit/. */
#ifndef CH_FIT_ERROR_JOINT_H
#define CH_FIT_ERROR_JOINT_H

#include "fit/laws/error_curve.h"

/** The cells that the law is fitted to: those at which the change D of the test error is near its value at T_c. */
typedef struct {
    ch_tc_definition definition; /* error_shift or error_half */
    double shift;                /* D at T_c by error_shift, with its sign */
    size_t num_trains;           /* P of the group */
    ch_error_curve *curves;      /* [num_trains]; owned */
    size_t count, num_used;      /* cells, and P that have some; no cells where there is no law */
    size_t *train, *temp;        /* [count] index of a cell's P, and that of its T among the curve's T; owned */
    double *log_train;           /* [num_trains] ln P; owned */
    double *level;               /* [num_trains] D at T_c, of a replica; owned */
} ch_error_joint;

/** Chooses the cells. A line through the ln T_c that were found one by one says where T_c lies at each P. Of each P the
 *  T within a factor of two of it are taken, and at least the next one on either side; a P that lacks one is left out.
 *  There is no law where fewer than two P have a T_c of their own inside the sampled T, or where the test error rises
 *  at one P and falls at another.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_error_joint_init(ch_error_joint *self, const ch_fit_group *group, const ch_fit_options *options,
                            ch_tc_definition definition, ch_error *err) CH_MUST_CHECK;
void ch_error_joint_free(ch_error_joint *self);

/** Fits the law to the table (copies NULL) or a replica. Near T_c, D is taken to be a straight line in ln T, with one
 *  slope for all P. Least squares over the cells, in beta, ln c and a:
 *
 *      sum_i [D_i - D_c(P_i) - beta (ln T_i - ln c + a ln P_i)]^2
 *
 *  D_c is the shift, or half of the change between the plateaus of that P in the same replica.
 *  @param log_prefactor, a  out: ln c and a; NaN where there is no law, or where D has no slope towards D_c */
void ch_error_joint_fit(ch_error_joint *self, const double *copies, double *log_prefactor, double *a);

#endif
