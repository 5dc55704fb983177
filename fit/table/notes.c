/* notes.c — the sentences that a fit leaves with a group. */
#include "fit/table/notes.h"

#include "core/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

ch_code ch_fit_note(ch_fit_group *group, ch_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : ch_alloc((size_t)length + 1, 1);
    if (text == NULL ||
        ch_grow((void **)&group->notes, &group->notes_capacity, group->num_notes + 1, sizeof *group->notes) != 0) {
        free(text);
        return ch_error_memory(err, "a note on a fit");
    }
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    group->notes[group->num_notes++] = text;
    return CH_OK;
}
