/* svg.h — makes gnuplot's drawings small and removes scripts and links, so that a page can include them. Private to
 * report/. */
#ifndef CH_HTML_SVG_H
#define CH_HTML_SVG_H

#include "core/core.h"

#include <stdio.h>

/** Writes a drawing of gnuplot's svg terminal as an element of HTML.
 *
 *  Only shapes, text and their looks are copied: elements and attributes that are not on a list are left out, among
 *  them scripts, links, and the names of parts, which would be the same in all drawings of a page. Lengths keep one
 *  decimal. A point that names its runs (ch_plot_style.has_runs) becomes an invisible circle of class "at", whose
 *  attribute data-runs has their names. Points of one shape, size and colour that follow each other become one path.
 *
 *  @param drawing  the file, ended by a 0 byte
 *  @param label    what the drawing shows, for those who do not see it; plain text
 *  @return CH_OK; CH_ERROR_NUMERIC where the text is no drawing of gnuplot; CH_ERROR_MEMORY */
ch_code ch_html_svg(const char *drawing, const char *label, FILE *out, ch_error *err) CH_MUST_CHECK;

#endif
