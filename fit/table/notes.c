/* notes.c — the sentences that a fit leaves with a group. */
#include "fit/table/notes.h"

#include "core/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Makes room for one more note. */
static int make_room(ch_fit_group *group)
{
    const size_t count = group->num_notes + 1;
    if (ch_grow((void **)&group->notes, &group->notes_capacity, count, sizeof *group->notes) != 0) {
        return -1;
    }
    return ch_grow((void **)&group->is_detail, &group->is_detail_capacity, count, sizeof *group->is_detail);
}

__attribute__((format(printf, 4, 0))) static ch_code add(ch_fit_group *group, bool is_detail, ch_error *err,
                                                         const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = length < 0 ? NULL : ch_alloc((size_t)length + 1, 1);
    if (text == NULL || make_room(group) != 0) {
        free(text);
        return ch_error_memory(err, "a note on a fit");
    }
    vsnprintf(text, (size_t)length + 1, format, args);
    group->is_detail[group->num_notes] = is_detail;
    group->notes[group->num_notes++] = text;
    return CH_OK;
}

ch_code ch_fit_note(ch_fit_group *group, ch_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const ch_code code = add(group, false, err, format, args);
    va_end(args);
    return code;
}

ch_code ch_fit_note_detail(ch_fit_group *group, ch_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const ch_code code = add(group, true, err, format, args);
    va_end(args);
    return code;
}

void ch_fit_notes_free(ch_fit_group *group)
{
    for (size_t i = 0; i < group->num_notes; i++) {
        free(group->notes[i]);
    }
    free(group->notes);
    free(group->is_detail);
}
