/* expected.h — what theory expects at the P, d, B and T that a group has, beside what it gives as P -> inf. Private to
 * fit/. */
#ifndef CH_FIT_EXPECTED_H
#define CH_FIT_EXPECTED_H

#include "fit/table/cells.h"

/** Sets the group's expected power laws: those that are fitted, over the same cells, to the expected geometric means of
 *  ||Dw|| and t* (perceptron/finite/family.h) in place of the measured ones. They are all NaN where there is no such
 *  theory: for networks, for dynamics other than SGD, for losses other than the hinge, and for laws without a density
 * at a flat boundary. Where the theory says nothing about these settings (perceptron/finite/limits.h), or no table can
 * be made, they are NaN too and a note says why; that does not end the fit. A note also says where the theory is known
 * to be less accurate.
 *  @param means  [num_cells] of the table
 *  @return CH_OK; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED */
ch_code ch_fit_expect(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means,
                      ch_error *err) CH_MUST_CHECK;

/** The `a` that is expected by a definition of T_c: by escape gamma/delta of the expected law of ||Dw||; NaN by others.
 */
double ch_fit_expected_a(const ch_fit_group *group, ch_tc_definition definition);

#endif
