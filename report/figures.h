/* figures.h — the figures of a fit, as elements of a page. Private to report/. */
#ifndef CH_HTML_FIGURES_H
#define CH_HTML_FIGURES_H

#include "fit/fit.h"
#include "sim/store/store.h"

#include <stdio.h>

/** The figures that were written. */
typedef struct {
    size_t num_figures;
    size_t num_bytes;       /* bytes that they take in the page */
    size_t num_groups_left; /* groups without figures, because the page has no room for more */
} ch_html_figure_count;

/** Draws the panels that `chiton plot` has, group by group, and writes each as a <figure> with a caption.
 *
 *  The drawings are made in a folder of temporary files, which is removed.
 *
 *  @param store  the store that the fit's runs were read from
 *  @param most   bytes after which no further group is begun
 *  @param watch  its stop flag ends the drawing; or NULL
 *  @return CH_OK; as ch_plot_fit; CH_ERROR_IO also where there is no room for temporary files */
ch_code ch_html_figures(const ch_fit *fit, ch_store *store, size_t most, const ch_watch *watch,
                        ch_html_figure_count *count, FILE *out, ch_error *err) CH_MUST_CHECK;

#endif
