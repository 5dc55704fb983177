/* page.h — what the bench finds. It is printed as it comes, and kept as a section of a Markdown page. */
#ifndef CH_BENCH_PAGE_H
#define CH_BENCH_PAGE_H

/** Begins the section NAME. A page has it between the lines <!-- bench: NAME --> and <!-- end: NAME -->. */
void page_begin(const char *name);

/** Ends the section and puts it into the page in place of what stood between its two lines, unless it is empty.
 *  @param path  the page; NULL: the section is printed only
 *  @return 0; -1 with a sentence on standard error where the page cannot be written or has no such section */
int page_end(const char *path);

/** A paragraph. */
void page_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Begins a table.
 *  @param columns  the heads of its columns, with '|' between them */
void page_table(const char *columns);

/** A row of the table: its cells with '|' between them. */
void page_row(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** A number in a format with one %, or a dash for NaN, which stands for what was not measured.
 *  @return valid until sixteen more numbers are asked for */
const char *page_number(const char *format, double value);

#endif
