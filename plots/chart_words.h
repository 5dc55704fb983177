/* chart_words.h — the labels of a chart's axes, and its page. Private to plots/. */
#ifndef CH_CHART_WORDS_H
#define CH_CHART_WORDS_H

#include "plots/page.h"

#include <stdbool.h>

/** The words for a setting or a result at an axis, enhanced: "temperature T"; for one without, its name. 64 bytes are
 *  enough. */
void ch_chart_label(const char *name, char *text, size_t size);

/** Whether a result is a share of samples, which stands at an axis in per cent. */
bool ch_chart_is_share(const char *name);

/** Refuses runs or groups, `whom`, that would lie on one curve though they differ in a setting: the sentence advises
 *  a curve for each of its values, or to choose by --where, first where there are curves for another setting, `by`.
 *  @param by  from CH_SETTINGS_STORED on: none
 *  @return CH_ERROR_INPUT */
ch_code ch_chart_refuse_mixed(const char *whom, size_t setting, size_t by, ch_error *err);

/** Draws a chart, a page with a single panel. The file is Y-X.FORMAT, or Y-X-by-BY.FORMAT.
 *
 *  @param kind  directory, style, names, watch and write; heads, kind and name are set here
 *  @param by    the setting with a curve for each of its values; from CH_SETTINGS_STORED on: none
 *  @return as ch_page_draw */
ch_code ch_chart_draw(ch_page_kind kind, const char *x, const char *y, size_t by, const void *content,
                      ch_error *err) CH_MUST_CHECK;

#endif
