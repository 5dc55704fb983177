/* latex_parts.h — pieces of LaTeX tables. Private to fit/reports. */
#ifndef CH_LATEX_PARTS_H
#define CH_LATEX_PARTS_H

#include "fit/results.h"

#include <stdio.h>

/** Prints a value, and in parentheses the first two digits of its error, in units of the value's last digits:
 *  0.983(21). Without an error, or where it is mere rounding, the value has four decimals. */
void ch_report_latex_value(const ch_estimate *estimate, FILE *out);

/** Prints a text with its underscores escaped, and powers of two as formulas. */
void ch_report_latex_text(const char *text, FILE *out);

#endif
