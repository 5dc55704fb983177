/* gnuplot.h — runs gnuplot on a script, and keeps the file that it draws only if the file is whole. Private to plots/.
 */
#ifndef CH_GNUPLOT_H
#define CH_GNUPLOT_H

#include "plots/plots.h"

#include <stddef.h>

const char *ch_gnuplot_extension(ch_plot_format format);

/** Writes the `set terminal` line of a format, and sets the variable `point`, a small point's size in it.
 *  @param width, height  of the page, cm
 *  @param scale          of letters, lines and points; at 1 letters have 7 points */
void ch_gnuplot_terminal(FILE *out, ch_plot_format format, double width, double height, double scale);

/** Writes `text` as a quoted string of gnuplot that stands for itself. Control characters become spaces, and an
 *  apostrophe becomes ’, as some places of gnuplot do not understand a doubled one. Where gnuplot's enhanced mode is
 *  on, a caller with plain text adds `noenhanced`. */
void ch_gnuplot_quote(FILE *out, const char *text);

/** Has gnuplot draw a script into `path`.
 *
 *  The drawing goes to a temporary file beside `path`, which takes that name once gnuplot has succeeded and the file
 *  is whole. The script names no file: gnuplot draws to its standard output, which is the temporary file. No signal
 *  handler and no signal mask of the caller is touched.
 *
 *  @param script  [length] gnuplot commands, from `set terminal` on
 *  @return CH_OK; CH_ERROR_INPUT when the file cannot be made; CH_ERROR_IO when gnuplot is missing or fails (with its
 *          first error) or the disk is full; CH_ERROR_MEMORY
 */
ch_code ch_gnuplot_draw(const char *script, size_t length, const char *path, ch_plot_format format,
                        ch_error *err) CH_MUST_CHECK;

#endif
