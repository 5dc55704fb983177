/* theory_critical.h — the critical temperatures that are expected of training sets of finite size. Not part of the
 * library. */
#ifndef CH_THEORY_CRITICAL_H
#define CH_THEORY_CRITICAL_H

#include "cli/theory_finite.h"
#include "fit/fit.h"

/** A fit of the expected ends of training, each of which stands for a run of one data set. */
typedef struct {
    ch_run *runs; /* [table.count]; owned */
    ch_run_table table;
    ch_fit fit; /* without groups where nothing is expected at all */
} ch_theory_critical;

/** @param cells  [count] what is expected at each P and T; those that are refused do not count
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_theory_critical_init(ch_theory_critical *self, const ch_theory_cell *cells, size_t count, int threads,
                                const ch_watch *watch, ch_error *err) CH_MUST_CHECK;
void ch_theory_critical_free(ch_theory_critical *self);

/** The group of all cells; NULL where nothing is expected. */
const ch_fit_group *ch_theory_critical_group(const ch_theory_critical *self);

/** Whether T_c, or a bound on it, was found by a definition at some P. */
bool ch_theory_critical_is_found(const ch_theory_critical *self, ch_tc_definition definition);

#endif
