/* page.h — one page: writes its head, lets a function of the caller write its panels, and has gnuplot draw the file.
 * Private to plots/. */
#ifndef CH_PLOTS_PAGE_H
#define CH_PLOTS_PAGE_H

#include "plots/head.h"
#include "plots/plots.h"
#include "plots/sheet.h"

#include <stdio.h>

/** Writes the panels of a page into its script.
 *  @param content  what ch_page_draw was given
 *  @param sheet    takes gnuplot's commands, and the size of the page that they fill
 *  @return CH_OK, CH_ERROR_MEMORY, or what else the content can fail by */
typedef ch_code (*ch_page_write)(const ch_page_head *head, const void *content, ch_sheet *sheet, ch_error *err);

/** Pages of one kind, which go into one folder. */
typedef struct {
    const ch_page_head *heads; /* [num_pages] of all pages that there may be; borrowed */
    const char *name;          /* of a file, in the place of the page's label; such pages have no title. NULL: none */
    const char *kind;          /* what a file's name has after the page's label, e.g. "-collapse" */
    ch_page_write write;
    const char *directory;
    const ch_plot_style *style; /* borrowed */
    FILE *names;                /* the path of each file is printed here once the file is there; NULL for silence */
    const ch_watch *watch;      /* its stop flag ends the drawing after the page at hand; or NULL */
} ch_page_kind;

/** Draws page `index` of a kind: its title, the key of P where the head lists any, and what `write` has.
 *
 *  The file is DIRECTORY/LABEL KIND.FORMAT, with "-b" after the kind if the style wants panel (b) alone; the second of
 *  two pages of equal labels is LABEL KIND.2.FORMAT. Its numbers, where the style wants them, are of the same name and
 *  end in csv. A page without a panel that the style wants is no page.
 *
 *  @return as ch_plot_fit; CH_ERROR_INTERRUPTED when stopped */
ch_code ch_page_draw(const ch_page_kind *kind, size_t index, const void *content, ch_error *err) CH_MUST_CHECK;

#endif
