/* critical.h — T_c of a table at every P, by each of its definitions. Private to fit/. */
#ifndef CH_FIT_CRITICAL_H
#define CH_FIT_CRITICAL_H

#include "fit/laws/definition.h"

/** The rule of a definition. */
const ch_tc_rule *ch_tc_rule_of(ch_tc_definition definition);

/** The input by which T_c of the table itself is found at trains[train]. */
ch_tc_input ch_tc_input_of_table(const ch_fit_group *group, const ch_fit_options *options, size_t train,
                                 const ch_cell_mean *means);

/** Finds the table's T_c at every P by the wanted definitions, without errors, and notes where there is none.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_fit_find_critical(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means,
                             ch_error *err) CH_MUST_CHECK;

/** Where the user ties the sharpness, finds T_c by onset anew with the m of the joint law at every P.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_fit_tie_onsets(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means,
                          ch_error *err) CH_MUST_CHECK;

/** Whether T_c of a definition lies inside or under the sampled temperatures at some P. */
bool ch_fit_has_critical(const ch_fit_group *group, ch_tc_definition definition);

#endif
