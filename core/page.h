/* page.h — columns of text for people: widths of UTF-8, alignment, rules and line breaks.
 *
 * A width is a number of columns of a terminal. Every character that this project prints takes one column, so that the
 * width of a text is its number of Unicode code points; how many bytes a code point takes does not matter. Texts are
 * UTF-8 and end in a zero byte.
 */
#ifndef CH_PAGE_H
#define CH_PAGE_H

#include <stddef.h>
#include <stdio.h>

/** Columns of a page: no line of a report is wider, unless one word is. */
enum { CH_PAGE_WIDTH = 79 };

/** @return columns that the text takes */
size_t ch_page_width(const char *text);

/** Prints `count` blanks. */
void ch_page_blanks(FILE *out, size_t count);

/** Prints the text, then blanks up to `width` columns. A text that is wider is printed whole. */
void ch_page_left(FILE *out, const char *text, size_t width);

/** Prints blanks, then the text, so that it ends after `width` columns. At least one blank is printed, so that a text
 *  as wide as its column or wider does not touch the column before. */
void ch_page_right(FILE *out, const char *text, size_t width);

/** Prints a line of its own: two blanks and a horizontal rule of `width` columns. */
void ch_page_rule(FILE *out, size_t width);

/** Prints a sentence in lines of at most CH_PAGE_WIDTH columns.
 *
 *  The first line begins with `lead`; the others begin with as many blanks as `lead` has columns. A blank precedes
 *  every word. Lines break between words only: a word that is too wide for a line has one to itself and is printed
 *  whole.
 *
 *  @param text  words, separated by one blank or more */
void ch_page_wrapped(FILE *out, const char *lead, const char *text);

/** Where the first line of a text ends in a box that is `width` columns wide.
 *
 *  A line holds the whole text where that fits. Else it ends at the last blank for which line and blank together fit;
 *  where there is none, it ends inside the first word, after `width` characters.
 *
 *  @return bytes of the first line, never a part of a character; the blank after it is not counted */
size_t ch_page_line_end(const char *text, size_t width);

/** Prints a text of many lines on a page that is narrower than it was written for. A line that is wider than the page
 *  breaks at blanks. Its further lines begin under the line's last column of text, which begins after two blanks or
 *  more, where that is in the left half of the page, and else two columns further right than the line itself. The first
 *  column of text in the right half begins a new line, too. Rules are cut.
 *
 *  @param width  columns of the page; at least 20 */
void ch_page_narrow(FILE *out, const char *text, size_t width);

#endif
