/* reports.h — what a fit found, as text for people and as CSV, LaTeX and JSON for programs.
 *
 * Text goes to a stream of the caller's, in UTF-8 and in lines of at most CH_PAGE_WIDTH columns (core/page.h). The
 * printing functions return nothing: a stream keeps its own error, and the caller looks at it once all is printed
 * (ferror, or the return value of fflush).
 *
 * JSON objects are the caller's (json_decref). Reals are written with all their digits; a number that is NaN here,
 * because it could not be fitted, is null there. */
#ifndef CH_REPORTS_H
#define CH_REPORTS_H

#include "fit/collapse/collapse.h"
#include "fit/fit.h"
#include "fit/phase/phase.h"
#include "fit/regimes/regimes.h"
#include "fit/spectra/spectra.h"
#include "fit/twins/lazy.h"

#include <jansson.h>
#include <stdio.h>

/* ---- a fit ---- */

/** Prints for every group its runs, the exponents with one `a` for each definition of T_c (ch_fit_best_a), where T_c
 *  lies by each of them, and the notes that a reader has to know. */
void ch_fit_print(const ch_fit *self, FILE *out);

/** Prints for every group all that was found: its runs and window, then tables of exponents, of shapes over P and of
 *  T_c, then the runs that are outliers, and all notes. */
void ch_fit_print_details(const ch_fit *self, FILE *out);

/** Prints comma-separated values: a line of column names, then a row for every exponent, every shape over P and every
 *  T_c. The settings that groups share come first in each row; a column is empty where a row has no such value. */
void ch_fit_print_csv(const ch_fit *self, FILE *out);

/** Prints the exponents as a LaTeX tabular (booktabs): a row for every group and a column for every exponent that some
 *  group has. The standard error stands in parentheses behind the value, in units of its last digits. For a group with
 *  a theory, a second row has what theory gives. */
void ch_fit_print_latex(const ch_fit *self, FILE *out);

/** The report as one object: "exponents", "tc" and "groups" (lists), the options "threshold", "sigmas", "replicas" and
 *  "held", "infinite_train" (the number of runs with infinite P, which are in no group) and "version".
 *  @return a new reference; NULL when memory is short */
json_t *ch_fit_json(const ch_fit *self) CH_MUST_CHECK;

/* ---- collapses ---- */

/** Prints x, a and the quality S of every group's collapse, or why there is none.
 *  @param fit  the fit that the collapses were made of */
void ch_collapse_print(const ch_collapse_list *self, const ch_fit *fit, FILE *out);

/** Prints x, a and S of every collapse as further rows of ch_fit_print_csv's table, or as a LaTeX tabular of their own.
 *  Groups without a collapse have none. */
void ch_collapse_print_csv(const ch_collapse_list *self, const ch_fit *fit, FILE *out);
void ch_collapse_print_latex(const ch_collapse_list *self, const ch_fit *fit, FILE *out);

/** Adds the collapses to `report` as "collapse", a list with an object for every group.
 *  @param report  what ch_fit_json made of the same fit
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_collapse_add_json(const ch_collapse_list *self, json_t *report, ch_error *err) CH_MUST_CHECK;

/* ---- phase diagrams ---- */

/** Prints for every diagram T_opt and the borders of the lazy regime at each alpha, and k. Prints nothing where there
 *  is no diagram. */
void ch_phase_print(const ch_phase_list *self, FILE *out);

/** Prints T_opt, T_max and the borders at each alpha, k and the slope of T_max as further rows of ch_fit_print_csv's
 *  table, or as a LaTeX tabular for each diagram. */
void ch_phase_print_csv(const ch_phase_list *self, FILE *out);
void ch_phase_print_latex(const ch_phase_list *self, FILE *out);

/** Adds the diagrams to `report` as "phase", a list that is empty where there is none.
 *  @param report  what ch_fit_json made of the same fit
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_phase_add_json(const ch_phase_list *self, json_t *report, ch_error *err) CH_MUST_CHECK;

/* ---- regimes over batch and temperature ---- */

/** Prints for every set of planes B*, delta and m at each P, how many (B, T) lie in which regime, and the exponent of
 *  B*. Prints nothing where there are none. */
void ch_regimes_print(const ch_regimes_list *self, FILE *out);

/** Prints B* at each P and its exponent as further rows of ch_fit_print_csv's table, or as a LaTeX tabular for each set
 *  of planes. */
void ch_regimes_print_csv(const ch_regimes_list *self, FILE *out);
void ch_regimes_print_latex(const ch_regimes_list *self, FILE *out);

/** Adds the planes to `report` as "regimes", a list that is empty where there are none.
 *  @param report  what ch_fit_json made of the same fit
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_regimes_add_json(const ch_regimes_list *self, json_t *report, ch_error *err) CH_MUST_CHECK;

/* ---- fluctuations of the weights ---- */

/** Prints for every spectrum a row for each layer: the exponents of the variance over flatness and curvature, with
 *  their errors, and how many directions drift. Prints nothing where no run has fluctuations.
 *  @param fit  the fit that the spectra were made of */
void ch_spectrum_print(const ch_spectrum_list *self, const ch_fit *fit, FILE *out);

/** Prints the exponents of each layer as further rows of ch_fit_print_csv's table. */
void ch_spectrum_print_csv(const ch_spectrum_list *self, FILE *out);

/** Adds the spectra to `report` as "spectra", a list that is empty where there is none.
 *  @param report  what ch_fit_json made of the same fit
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_spectrum_add_json(const ch_spectrum_list *self, json_t *report, ch_error *err) CH_MUST_CHECK;

/* ---- networks beside their linearised twins ---- */

/** Prints for every network with a twin a row for each P: the ratios of ||Dw|| and t*, the T at which they leave the
 *  twin's, and the difference of the test errors. Prints nothing where there is no twin.
 *  @param fit  the fit that the comparisons were made of */
void ch_lazy_print(const ch_lazy_list *self, const ch_fit *fit, FILE *out);

/** Prints the ratios, their ends and the difference of the test errors at each P as further rows of ch_fit_print_csv's
 *  table, or as a LaTeX tabular for each network. */
void ch_lazy_print_csv(const ch_lazy_list *self, const ch_fit *fit, FILE *out);
void ch_lazy_print_latex(const ch_lazy_list *self, const ch_fit *fit, FILE *out);

/** Adds the comparisons to `report` as "lazy", a list that is empty where there is none.
 *  @param report  what ch_fit_json made of the same fit
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_lazy_add_json(const ch_lazy_list *self, json_t *report, ch_error *err) CH_MUST_CHECK;

#endif
