/* groups.h — which runs are fitted together. Private to fit/. */
#ifndef CH_FIT_GROUPS_H
#define CH_FIT_GROUPS_H

#include "fit/results.h"

/** Makes the groups of a table, with their runs, their cells and the notes on cells left out. Nothing is fitted yet.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_fit_make_groups(ch_fit *self, const ch_run_table *table, ch_error *err) CH_MUST_CHECK;

/** Whether the keys of two groups agree in every row of the settings table but `setting`, and their runs are of the
 * same results version: results of different versions are not comparable. */
bool ch_fit_groups_share_all_but(const ch_fit_group *a, const ch_fit_group *b, size_t setting);

#endif
