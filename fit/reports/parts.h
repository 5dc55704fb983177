/* parts.h — pieces of text and JSON that several reports use. Private to fit/reports. */
#ifndef CH_REPORT_PARTS_H
#define CH_REPORT_PARTS_H

#include "fit/fit.h"

#include <jansson.h>
#include <stdio.h>

/* ---- parts.c ---- */

/** The 95 % interval as [lo, hi], or null where there is none.  @return a new reference; NULL when memory is short */
json_t *ch_report_interval(const ch_estimate *estimate) CH_MUST_CHECK;

/** The digest of the images of some runs; null where the data are none. A new reference, or NULL. */
json_t *ch_report_digest(const ch_settings *settings);

/** Appends an item to a list. The list takes the reference over. When memory is short the list is freed and *list is
 *  NULL; later items are freed as well. So the caller may append all items and check *list once, at the end.
 *  @param list  a new reference, or NULL when memory was short
 *  @param item  a new reference, or NULL when memory was short */
void ch_report_append(json_t **list, json_t *item);

/** Sets a member of an object, in the same way as ch_report_append.
 *  @param object  a new reference, or NULL when memory was short
 *  @param value   a new reference, or NULL when memory was short */
void ch_report_set(json_t **object, const char *name, json_t *value);

/** "above" where T_c lies above the highest sampled temperature, "below" where it lies below the lowest; else NULL. */
const char *ch_report_bound(ch_tc_place place);

/** Prints a label in lines of at most CH_PAGE_WIDTH columns. */
void ch_report_print_label(const char *label, FILE *out);

/** Prints the model and the settings that runs share and that differ from the defaults: "mlp, depth = 2, train = 2^10".
 *  @param shared  bit i: the runs share row i of the settings' table
 *  @param always  bits of those that are printed at their defaults too */
void ch_report_print_shared(const ch_settings *key, uint64_t shared, uint64_t always, FILE *out);

/* ---- csv.c ---- */

/** Columns of a CSV report that only some rows fill. A column is empty where its word is NULL. */
typedef struct {
    const char *definition;
    uint64_t train; /* P of a T_c, or of a twin; 0 for other rows */
    const char *bound, *method, *held;
    size_t over; /* a setting: the number is one of all its values, and its column stays empty; 0: none */
} ch_csv_extras;

/** Prints a row of the CSV report.  @param key  the settings that the runs share, and the digest of their images */
void ch_report_csv_row(const ch_settings *key, const char *name, ch_csv_extras extras, const ch_estimate *estimate,
                       double theory, FILE *out);

/* ---- chi_report.c ---- */

/** Prints the effective chi of a group and whether b = 1 + 2 gamma, in a sentence; nothing where none is found. */
void ch_report_print_chi(const ch_fit_group *group, FILE *out);

/** The same as the value of "effective_chi".  @return a new reference; NULL when memory is short */
json_t *ch_report_chi_json(const ch_fit_group *group) CH_MUST_CHECK;

/** The same as a LaTeX table of all groups. */
void ch_report_chi_latex(const ch_fit *self, FILE *out);

/* ---- outliers_report.c ---- */

/** Prints in one sentence how many runs of a group the joint laws leave out, and for which reasons. Prints nothing
 *  where they leave out none. */
void ch_report_print_excluded(const ch_fit_group *group, FILE *out);

/** Prints the outliers of each joint law, the farthest first, in a few lines. */
void ch_report_print_outliers(const ch_fit_group *group, FILE *out);

/** Sets "residuals", "outliers" and "excluded" in the JSON object of a group, in the same way as ch_report_set. */
void ch_report_add_outliers(const ch_fit_group *group, json_t **object);

#endif
