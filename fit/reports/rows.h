/* rows.h — lines that the reports of a fit share. Private to fit/reports and report/.
 *
 * A row of exponents has a name, then columns for the estimate, its 95 % interval, what theory expects at these P, its
 * limit of large P, and the distance from the former, or from the limit where nothing else is expected. */
#ifndef CH_REPORT_ROWS_H
#define CH_REPORT_ROWS_H

#include "fit/fit.h"

#include <stdio.h>

/** What stands where there is no number. */
#define CH_REPORT_DASH "—"

/** Writes "0.983 ± 0.021": two digits of the error, at most four decimals. */
void ch_report_format_estimate(const ch_estimate *estimate, char *text, size_t size);

/** Writes "0.936 … 1.030", with as many decimals. */
void ch_report_format_interval(const ch_estimate *estimate, char *text, size_t size);

/** Writes the distance of an estimate from what is expected, or from theory's limit where nothing else is expected, in
 *  standard errors: "+1.2 σ". Where all data sets agree to rounding there is no error to measure it by.
 *  @return the distance; NaN where there is none */
double ch_report_distance(const ch_exponent *exponent, size_t num_data_sets, char *text, size_t size);

/** Prints the label of a group, and its numbers of runs and data sets, its P and its T. */
void ch_report_print_heading(const ch_fit *self, const ch_fit_group *group, FILE *out);

/** Prints a range of temperatures and their number: "T = 2^-18 … 2 (20)". */
void ch_report_print_temps(double lo, double hi, size_t count, FILE *out);

/** Prints the titles of the columns and a rule.
 *  @param title, width  title of the names, and how many columns they take: 19 at most for a page of 79 */
void ch_report_print_exponent_head(const char *title, size_t width, FILE *out);

/** Prints the row of an exponent. */
void ch_report_print_exponent(const char *name, size_t width, const ch_exponent *exponent, size_t num_data_sets,
                              FILE *out);

#endif
