/* caption.h — text on a page, line by line. Private to plots/. */
#ifndef CH_CAPTION_H
#define CH_CAPTION_H

#include "plots/head.h"
#include "plots/layout.h"
#include "plots/sheet.h"

#include <stdio.h>

/** Text that is set line by line, from a top down. Places are in units of the page. */
typedef struct {
    ch_sheet *sheet; /* borrowed */
    double left;     /* where lines start */
    double y;        /* where the next line stands */
    double end;      /* where the last line may stand */
} ch_caption;

/** A caption without text, from the upper left corner of a place on. On a sheet of two columns it
 *  ends where a usual page does. */
ch_caption ch_caption_new(ch_sheet *sheet, ch_place place);

/** Ends a caption: what was set is drawn. */
void ch_caption_end(const ch_caption *self);

/** Heights of a line of text and of a table's row, in units of the page. */
#define CH_CAPTION_LINE 0.0137
#define CH_CAPTION_ROW  0.0160

/** Writes a text at the present line, `column` to the right of its start; the line does not end.
 *  @param enhanced  whether gnuplot reads ^ and _ in it */
void ch_caption_put(const ch_caption *self, double column, bool enhanced, const char *text);

/** Whether there is no room for another line. */
bool ch_caption_is_full(const ch_caption *self);

/** Writes plain text in lines of 48 characters, broken at spaces. What has no room ends in "…". */
void ch_caption_put_wrapped(ch_caption *self, const char *text);

/** Writes "Fixed: model perceptron, chi 0, …": the settings that all runs of the page share, without seeds and without
 *  what is off (none, empty, or a count of 0).
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_caption_put_fixed(ch_caption *self, const ch_page_head *head, ch_error *err) CH_MUST_CHECK;

enum { CH_MAX_SENTENCES = 16 };

/** Sentences that are put together one by one. Start with zeroes. */
typedef struct {
    char *text[CH_MAX_SENTENCES]; /* [count]; owned */
    size_t count;
} ch_sentences;

/** Adds a sentence.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_sentences_add(ch_sentences *self, ch_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4), warn_unused_result));
void ch_sentences_free(ch_sentences *self);

/** Writes a whole caption: the settings held fixed, then sentences, each in a line of its own or more.
 *  A sheet with a single panel has no caption.
 *  @param place  where it starts: the upper left corner counts
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_caption_write(const ch_page_head *head, const ch_sentences *sentences, ch_sheet *sheet, ch_place place,
                         ch_error *err) CH_MUST_CHECK;

#endif
