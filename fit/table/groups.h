/* groups.h — which runs are fitted together. Private to fit/. */
#ifndef CH_FIT_GROUPS_H
#define CH_FIT_GROUPS_H

#include "fit/results.h"

/** Makes the groups of the fit's runs, with their cells and the notes on cells left out. Nothing is fitted yet.
 *  @param self  with its runs, whose equal reals have equal bits
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_fit_make_groups(ch_fit *self, ch_error *err) CH_MUST_CHECK;

/** Whether the keys of two groups agree in every row of the settings table but `setting`, their images are the same,
 *  and their runs are of the same results version: results of different versions are not comparable. */
bool ch_fit_groups_share_all_but(const ch_fit_group *a, const ch_fit_group *b, size_t setting);

#endif
