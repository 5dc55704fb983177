/* complete.h — what a shell may complete a command line with. */
#ifndef CH_COMPLETE_H
#define CH_COMPLETE_H

#include <popt.h>
#include <stdio.h>

/** Prints the options of a table, a line each: "--name", a tab, what it is for. A setting has one of its spellings. */
void ch_complete_options(const struct poptOption *table, FILE *out);

/** Prints the words that a setting accepts, a line each; nothing for one that takes numbers or files, and for any other
 *  option.
 *  @param option  the setting's name, also with "--" before it */
void ch_complete_values(const char *option, FILE *out);

#endif
