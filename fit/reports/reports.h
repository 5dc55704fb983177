/* reports.h — a fit as text, CSV, LaTeX and JSON. */
#ifndef CH_FIT_REPORTS_H
#define CH_FIT_REPORTS_H

#include "fit/results.h"

#include <jansson.h>
#include <stdio.h>

/** Prints a sentence after `lead`, broken at blanks to 88 columns; the lines that follow are indented as far. */
void ch_fit_print_wrapped(FILE *out, const char *lead, const char *text);

/** Prints the report for people. */
void ch_fit_print(const ch_fit *self, FILE *out);

/** Prints one row of comma-separated values for every exponent, shape and T_c. */
void ch_fit_print_csv(const ch_fit *self, FILE *out);

/** Prints the exponents as a LaTeX tabular. */
void ch_fit_print_latex(const ch_fit *self, FILE *out);

/** The report as JSON. @return a new reference, NULL when memory is short */
json_t *ch_fit_json(const ch_fit *self) CH_MUST_CHECK;

/** Prints one sentence on the runs of a group that are left out. */
void ch_fit_print_excluded(const ch_fit_group *group, FILE *out);

/** Prints the outliers of a group, the farthest first, a few lines. */
void ch_fit_print_outliers(const ch_fit_group *group, FILE *out);

/** Adds "residuals", "outliers" and "excluded" to a group's object. @return 0, or -1 when memory is short */
int ch_fit_add_residuals_json(const ch_fit_group *group, json_t *object);

#endif
