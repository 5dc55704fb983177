/* notes.h — the sentences that a fit leaves with a group. Private to fit/. */
#ifndef CH_FIT_NOTES_H
#define CH_FIT_NOTES_H

#include "fit/results.h"

/** Adds a sentence to the group's notes.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_fit_note(ch_fit_group *group, ch_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4), warn_unused_result));

/** The same for a sentence that reports only show on demand: what it says follows from the rest of the report, or few
 *  readers need it. */
ch_code ch_fit_note_detail(ch_fit_group *group, ch_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4), warn_unused_result));

/** Frees all notes of a group. */
void ch_fit_notes_free(ch_fit_group *group);

#endif
