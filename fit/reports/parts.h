/* parts.h — what several reports are made of. Private to fit/reports. */
#ifndef CH_REPORT_PARTS_H
#define CH_REPORT_PARTS_H

#include "fit/fit.h"

#include <jansson.h>
#include <stdio.h>

/* ---- parts.c ---- */

/** The 95 % interval as [lo, hi], or null where there is none.  @return a new reference; NULL when memory is short */
json_t *ch_report_interval(const ch_estimate *estimate) CH_MUST_CHECK;

/** Appends an item to a list and takes it over. Once memory is short the list is freed, *list is NULL, and further
 * items are freed too: the caller looks at *list once, at the end.
 *  @param list  a new reference or NULL
 *  @param item  a new reference, or NULL when memory was short */
void ch_report_append(json_t **list, json_t *item);

/** Sets a member of an object and takes it over. Once memory is short the object is freed and *object is NULL. */
void ch_report_set(json_t **object, const char *name, json_t *value);

/** "above" where T_c lies above the highest sampled temperature, "below" where it lies below the lowest; else NULL. */
const char *ch_report_bound(ch_tc_place place);

/* ---- outliers_report.c ---- */

/** Prints in one sentence how many runs of a group the joint laws leave out, and for which reasons. Prints nothing
 * where they leave out none. */
void ch_report_print_excluded(const ch_fit_group *group, FILE *out);

/** Prints for each joint law which runs stand out from it, the farthest first, in a few lines. */
void ch_report_print_outliers(const ch_fit_group *group, FILE *out);

/** Adds "residuals", "outliers" and "excluded" to the JSON object of a group.  @return 0, or -1 when memory is short */
int ch_report_add_outliers(const ch_fit_group *group, json_t *object) CH_MUST_CHECK;

#endif
