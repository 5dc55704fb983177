/* expected.h — curves that theory expects at the P and d of a group, with bands for the spread over data sets. Private
 * to plots/. */
#ifndef CH_PLOT_EXPECTED_H
#define CH_PLOT_EXPECTED_H

#include "plots/panel.h"
#include "plots/ways.h"

/** A curve is dashed, a band is one standard deviation of the logarithm over data sets to either side. What is not
 *  expected at some P and T leaves a gap there. `member` is the offset of a ch_finite_value in ch_finite_end. */
#define CH_EXPECTED_STYLE "linewidth 1.2 dashtype (9,4)"

/** Whether something is expected of a group at some P and T. */
bool ch_expects(const ch_fit_group *group);

/** A quantity against T at trains[train]. */
void ch_expected_over_temp(ch_panel *panel, const ch_fit_group *group, size_t train, size_t member, unsigned colour);

/** A quantity against P at one of the group's T. */
void ch_expected_over_train(ch_panel *panel, const ch_fit_group *group, double temp, size_t member, unsigned colour);

/** T_c against P by one definition, without a band. */
void ch_expected_tc(ch_panel *panel, const ch_fit_group *group, ch_tc_definition definition, unsigned colour);

/** A quantity against time along a way. Does nothing where nothing is expected. */
void ch_expected_over_time(ch_panel *panel, const ch_expected_way *way, ch_expected_quantity quantity, unsigned colour);

/** Writes the key's entry. */
void ch_expected_key(ch_panel *panel, const char *text);

#endif
