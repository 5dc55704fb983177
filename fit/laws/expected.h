/* expected.h — what theory expects at the P, d, B and T that a group has, beside what it gives as P -> inf. Private to
 * fit/. */
#ifndef CH_FIT_EXPECTED_H
#define CH_FIT_EXPECTED_H

#include "fit/table/cells.h"

/** Sets what is expected of a group: its power laws, the T_c at each P and the joint laws T_c = c P^-a, and the curves
 *  over T. The expected ends of training (perceptron/finite/family.h) take the place of the measured ones in a group
 *  that is otherwise the same, with the same complete cells, weights and window. Everything is then found there as it
 *  is found in the data.
 *
 *  All are NaN where there is no such theory: for networks, for dynamics other than SGD, for losses other than the
 *  hinge, and for laws without a density at a flat boundary. They are NaN, and a note says why, where the theory
 *  says nothing about the settings (perceptron/finite/limits.h) or no table can be made. A note also says where it is
 *  known to be less accurate. A P at which that is so has no expected T_c; exponents and joint laws are expected only
 *  where all P and T that they are fitted to have something expected.
 *  @param means  [num_cells] of the table
 *  @return CH_OK; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED */
ch_code ch_fit_expect(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means,
                      ch_error *err) CH_MUST_CHECK;

#endif
