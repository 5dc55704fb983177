/* replica.h — finds the numbers of a group again in each replica of its data sets. Private to fit/. */
#ifndef CH_FIT_REPLICA_H
#define CH_FIT_REPLICA_H

#include "fit/errors/bootstrap.h"
#include "fit/errors/estimate.h"

/** Finds all numbers of a group anew in every replica.
 *
 *  The numbers of a replica stand at the places that ch_fit_number_slot gives. The c and m of joint laws are
 *  logarithms, and CH_FIT_A_SLOPE is still NaN. They are followed by ln T_c [num_tc] in the order of group->tc.
 *
 *  @param group     with window, laws, T_c and joint laws of the table
 *  @param progress  counts the replicas
 *  @param replicas  out: to be freed by the caller, also after a failure; none for fewer than two data sets
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_fit_make_replicas(const ch_fit_group *group, const ch_fit_options *options, ch_bootstrap_progress *progress,
                             ch_replicas *replicas, ch_error *err) CH_MUST_CHECK;

/** The place of ln T_c of group->tc[tc] in a replica. */
size_t ch_fit_tc_slot(size_t tc);

#endif
