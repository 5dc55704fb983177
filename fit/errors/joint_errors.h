/* joint_errors.h — errors of the joint laws T_c = c P^-a, and correlations of fitted numbers. Private to fit/. */
#ifndef CH_FIT_JOINT_ERRORS_H
#define CH_FIT_JOINT_ERRORS_H

#include "fit/errors/estimate.h"

/** Gives the group's joint law of a definition its errors, and adds its a to the exponents; notes where the law is
 *  extrapolated. Does nothing where there is no such law.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_fit_estimate_joint(ch_fit_group *group, const ch_fit_options *options, const ch_replicas *replicas,
                              ch_tc_definition definition, double theory, ch_error *err) CH_MUST_CHECK;

/** Adds a note where the two a of a definition, by the slope through single T_c and by the joint law, differ by so much
 *  that the 95 % interval of their difference, from the replicas that have both, does not hold 0.
 *  @param replicas  in which both were found
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_fit_note_disagreement(ch_fit_group *group, const ch_replicas *replicas, ch_tc_definition definition,
                                 ch_error *err) CH_MUST_CHECK;

/** Fills the group's correlations.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_fit_correlate(ch_fit_group *group, const ch_replicas *replicas, ch_error *err) CH_MUST_CHECK;

#endif
