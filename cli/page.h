/* page.h — where a command prints what people read: standard output, in lines as wide as the terminal. */
#ifndef CH_CLI_PAGE_H
#define CH_CLI_PAGE_H

#include "core/error.h"

#include <stdio.h>

/** Where to print. Its member `out` takes the text. */
typedef struct {
    FILE *out;
    char *text; /* what is printed until the page is closed, on a terminal; owned */
    size_t size, width;
} ch_cli_page;

/** Opens a page. On a terminal the text appears when the page is closed.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_cli_page_open(ch_cli_page *self, ch_error *err) CH_MUST_CHECK;

/** Ends the page, also after a failure, and flushes standard output.  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_IO */
ch_code ch_cli_page_close(ch_cli_page *self, ch_error *err) CH_MUST_CHECK;

/** Says a sentence on standard error, in lines as wide as the terminal where it is one. */
void ch_cli_say(const char *sentence);

/** Flushes standard output, so that a full disk or a closed pipe is noticed.  @return CH_OK, CH_ERROR_IO */
ch_code ch_cli_flush(ch_error *err) CH_MUST_CHECK;

#endif
