/* findings.h — what a fit found, as tables and sentences of a page. Private to report/. */
#ifndef CH_HTML_FINDINGS_H
#define CH_HTML_FINDINGS_H

#include "fit/fit.h"
#include "fit/phase/phase.h"
#include "fit/twins/lazy.h"

#include <stdio.h>

/** Writes the table of exponents: a row for each exponent of each group, and for each definition of T_c the `a` that is
 *  recommended. Writes nothing where there are none, as do all functions here. */
void ch_html_exponents(const ch_fit *fit, FILE *out);

/** Writes the table of critical temperatures at each P. */
void ch_html_critical(const ch_fit *fit, FILE *out);

/** Writes the table of phase diagrams: T_opt, T_max and the borders of the lazy regime at each alpha. */
void ch_html_phases(const ch_phase_list *phases, FILE *out);

/** Writes the table of networks beside their twins. */
void ch_html_twins(const ch_fit *fit, const ch_lazy_list *twins, FILE *out);

/** Writes the notes of every group as sentences; those that `chiton fit` shows by --details are folded. */
void ch_html_notes(const ch_fit *fit, FILE *out);

#endif
