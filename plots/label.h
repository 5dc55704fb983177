/* label.h — what tells one group from another, as page titles and file names. Private to plots/. */
#ifndef CH_LABEL_H
#define CH_LABEL_H

#include "fit/fit.h"

#include <stdbool.h>
#include <stddef.h>

enum { CH_LABEL_SIZE = 160 };

/** Whether all runs of a group have the same value of a setting; the full batch counts as one. */
bool ch_label_is_fixed(const ch_fit_group *group, size_t setting);

/** The model, chi, dim and the settings in which groups differ, e.g. "perceptron: χ = 0, d = 128"; plain text. */
void ch_label_title(const ch_fit *fit, const ch_fit_group *group, char text[CH_LABEL_SIZE]);

/** The same as a file name without extension, e.g. "perceptron-chi0-dim128": letters, digits and "+-._" only. Two
 *  groups may come out alike. */
void ch_label_file(const ch_fit *fit, const ch_fit_group *group, char text[CH_LABEL_SIZE]);

#endif
