/* assets.c — the style sheet and the script of a report. The Makefile makes C strings of their files. */
#include "report/assets.h"

const char *ch_html_style(void)
{
    static const char text[] =
#include "report/page.css.inc"
        ;
    return text;
}

const char *ch_html_script(void)
{
    static const char text[] =
#include "report/page.js.inc"
#include "report/runs.js.inc"
        ;
    return text;
}
