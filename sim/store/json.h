/* json.h — settings, results and runs as JSON. */
#ifndef CH_JSON_H
#define CH_JSON_H

#include "sim/settings/settings.h"
#include "sim/train.h"

#include <jansson.h>

/** A number as JSON: null for NaN and infinities, which have none.
 *  @return a new reference, NULL when memory is short */
json_t *ch_json_real(double value) CH_MUST_CHECK;

/** A setting as JSON. What is without bound ("inf", "none") becomes null, and the full batch, where it stands for the
 *  runs of several P, the word "full"; in a run's settings as resolved it is a number.
 *  @return a new reference, NULL when memory is short */
json_t *ch_json_setting(const ch_setting *row, ch_value value) CH_MUST_CHECK;

/** A run as a JSON object: settings, results, version, and "trajectory" when there is one. NaN becomes null.
 *  @return a new reference, NULL when memory is short */
json_t *ch_json_run(const ch_run *run) CH_MUST_CHECK;

#endif
