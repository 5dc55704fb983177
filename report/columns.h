/* columns.h — the runs of a report, column by column, packed into a script block of JSON. Private to report/.
 *
 * The block is an object: "count", the number of runs; "digits", how many digits of a number are kept; and "columns".
 * A column has a "name", a "kind" (id, group, setting or result), "help", a setting its "default", and what it holds in
 * one of three ways: "bytes"   the first six bytes of the run's id, one run after the other "values"  its distinct
 * values as texts, and for numbers "numbers", the same as numbers; the runs have "index" "reals"   a double for each
 * run "bytes", "index" and "reals" are base64 of what zlib's deflate makes of the bytes; "width" bytes belong to each
 * run, and the bytes of "index" and "reals" stand in planes: the highest byte of all runs, then the next one of all, …
 * . A column with one value has no "index".
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
