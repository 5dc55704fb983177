/* columns.h — the runs of a report, column by column, packed into a script block of JSON. Private to report/.
 *
 * The block is an object: "count", the number of runs; "digits", how many digits of a number are kept; and "columns".
 * A column has a "name", a "kind" (id, group, setting or result) and "help", that of a setting its "default", and its
 * content in one of three forms:
 *   "bytes"   the first six bytes of the run's id, one run after the other;
 *   "values"  its distinct values as texts, for numbers also "numbers", the same as numbers, and "index", the place of
 *             each run's value among them; a column with one value has no "index";
 *   "reals"   a double for each run.
 * "bytes", "index" and "reals" are compressed by zlib's deflate and written in base64. Each run has "width" bytes of
 * them. Those of "index" and "reals" are ordered in planes: the highest byte of all runs, then the next one of all, ….
 */
#ifndef CH_HTML_COLUMNS_H
#define CH_HTML_COLUMNS_H

#include "fit/fit.h"

#include <stdio.h>

/** Digits of an id that the block has. */
enum { CH_HTML_ID_DIGITS = 12 };

/** Writes the JSON object of the runs of a fit. It may stand in a script of a page.
 *  @param most  bytes that it should not exceed: numbers keep fewer digits, down to three, until it does not
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_html_columns(const ch_fit *fit, size_t most, FILE *out, ch_error *err) CH_MUST_CHECK;

/** The id of a run as its store has it, or "" where it was made by another results version, of which ids cannot be made
 *  again. */
void ch_html_run_id(const ch_run *run, char id[CH_ID_SIZE]);

#endif
