/* html.h — pieces of HTML: text that stands for itself, and tables. Private to report/.
 *
 * Functions return no failure to write: the owner of the stream asks ferror once all is written. */
#ifndef CH_HTML_H
#define CH_HTML_H

#include <stdbool.h>
#include <stdio.h>

/** Writes a text so that it stands for itself, in an element or in a quoted attribute: & < > " ' become references, and
 *  control characters and bytes that are no UTF-8 are escaped as ch_text_escape does. */
void ch_html_text(const char *text, FILE *out);

/** Writes a formula or a sentence with formulas, put together as by printf: at most 2000 bytes of it. */
void ch_html_print(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Writes a text in which powers become superscripts and the index of T_c a subscript; the signs ^ and _ stay in the
 *  text, invisible, for searching and copying. */
void ch_html_formula(const char *text, FILE *out);

/** Writes a text as a string of JSON in quotes that may stand in a script of a page: of < > & it has the numbers. What
 *  is no UTF-8, and control characters, are escaped as ch_text_escape does. */
void ch_html_json_text(const char *text, FILE *out);

/** Begins a table that sorts and filters: its caption, and a column for each title.
 *  @param titles  [count]; a title that begins with '#' is of a column of numbers, and is written without it */
void ch_html_table_begin(FILE *out, const char *caption, const char *const *titles, size_t count);
void ch_html_table_end(FILE *out);

/** Writes a cell of text, which may have formulas in it. */
void ch_html_cell(FILE *out, const char *text);

/** Writes a cell of a number. The table is sorted by the number itself, all digits of which are kept beside the text.
 *  @param value  NaN: the cell is sorted behind all numbers
 *  @param text   what is seen */
void ch_html_number(FILE *out, double value, const char *text);

#endif
