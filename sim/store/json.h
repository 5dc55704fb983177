/* json.h — settings, results and runs as JSON. */
#ifndef CH_JSON_H
#define CH_JSON_H

#include "sim/settings/settings.h"
#include "sim/train.h"

#include <jansson.h>
#include <stdio.h>

/** A real number as JSON: null for NaN and for the infinities, which JSON does not have.
 *  @return a new reference; NULL when memory is short */
json_t *ch_json_real(double value) CH_MUST_CHECK;

/** A text as JSON, which knows only UTF-8. Other bytes, which a file's name or a foreign store may hold, become \\xff
 *  as text.  @param text  NULL where memory was too short to read it, which fails here too
 *  @return a new reference; NULL when memory is short */
json_t *ch_json_text(const char *text) CH_MUST_CHECK;

/** A setting as JSON. What has no bound ("inf", "none") becomes null. The full batch becomes the word "full" where it
 *  stands for runs of several P, and the number P in the settings of a run, which are resolved.
 *  @return a new reference; NULL when memory is short */
json_t *ch_json_setting(const ch_setting *row, ch_value value) CH_MUST_CHECK;

/** A run as a JSON object: its settings, its results, the version of chiton, and "trajectory" when there is one. NaN
 *  becomes null.
 *  @return a new reference; NULL when memory is short */
json_t *ch_json_run(const ch_run *run) CH_MUST_CHECK;

/** Writes a value, without a newline after it. Control characters of its strings are escaped, also U+007F to U+009F,
 *  which a terminal would obey too. A failure to write is not returned: the owner of `out` finds it when it flushes the
 *  stream.
 *  @param flags  jansson's: JSON_COMPACT for one line without spaces, JSON_INDENT(n)
 *  @return CH_OK; CH_ERROR_MEMORY: only a part may be written then */
ch_code ch_json_write(const json_t *value, size_t flags, FILE *out, ch_error *err) CH_MUST_CHECK;

#endif
