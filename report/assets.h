/* assets.h — the style sheet and the script of a report, which are report/page.css and report/page.js. Private to
 * report/. */
#ifndef CH_HTML_ASSETS_H
#define CH_HTML_ASSETS_H

/** The whole of both files; string constants. */
const char *ch_html_style(void);
const char *ch_html_script(void);

#endif
