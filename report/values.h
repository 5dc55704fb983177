/* values.h — the distinct values that the runs of a fit have of one setting, or of anything else. Private to report/.
 */
#ifndef CH_HTML_VALUES_H
#define CH_HTML_VALUES_H

#include "fit/fit.h"

#include <stdio.h>

/** The value of a run. */
typedef struct {
    double number;    /* by which values are ordered; NaN where there is none, which comes last */
    const char *text; /* by which those of equal numbers are ordered; borrowed */
    size_t run;       /* a run that has it */
} ch_html_value;

/** The values of all runs. */
typedef struct {
    const ch_fit *fit;     /* borrowed */
    size_t count;          /* of runs */
    ch_html_value *values; /* [count] the first `distinct` of them are the distinct ones, ascending; owned */
    size_t distinct;
    uint64_t *index; /* [count] the number of each run's value; owned */
} ch_html_values;

/** @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_html_values_init(ch_html_values *self, const ch_fit *fit, ch_error *err) CH_MUST_CHECK;
/** Idempotent. */
void ch_html_values_free(ch_html_values *self);

/** Takes the values of a setting. Those of a run for which it has no meaning are NaN.
 *  @return whether it has a meaning for any run */
bool ch_html_values_of_setting(ch_html_values *self, size_t setting);

/** Numbers the distinct ones among the values that the caller has set, one for each run. */
void ch_html_values_number(ch_html_values *self);

/** Writes the value number `index` of a setting as people write it: "2^-15", "none"; "—" where it has no meaning. */
void ch_html_values_show(const ch_html_values *self, size_t setting, size_t index, char *text, size_t size);

#endif
