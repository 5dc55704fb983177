/* chart_words.h — what stands at the axes of a chart. Private to plots/. */
#ifndef CH_CHART_WORDS_H
#define CH_CHART_WORDS_H

#include "plots/plots.h"

#include <stdbool.h>

/** The words for a setting or a result at an axis, enhanced: "temperature T"; for one without, its name. 64 bytes are
 *  enough. */
void ch_chart_label(const char *name, char *text, size_t size);

/** Whether a result is a share of samples, which stands at an axis in per cent. */
bool ch_chart_is_share(const char *name);

#endif
