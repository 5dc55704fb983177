/* buffers.c — the memory of a module as one list. */
#include "core/buffers.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* The owner is a pointer of any object type: its bytes are copied, which the rules of aliasing allow. */
static void set_owner(const ch_buffer *row, void *memory)
{
    memcpy(row->owner, &memory, sizeof memory);
}

bool ch_buffers_alloc(const ch_buffer_list *list)
{
    bool is_whole = true;
    for (const ch_buffer *row = list->rows; row->owner != NULL; row++) {
        void *memory = is_whole ? ch_alloc(row->count, row->size) : NULL;
        set_owner(row, memory);
        is_whole = memory != NULL;
    }
    if (!is_whole) {
        ch_buffers_free(list);
    }
    return is_whole;
}

void ch_buffers_free(const ch_buffer_list *list)
{
    for (const ch_buffer *row = list->rows; row->owner != NULL; row++) {
        void *memory = NULL;
        memcpy(&memory, row->owner, sizeof memory);
        free(memory);
        set_owner(row, NULL);
    }
}

double ch_buffers_bytes(const ch_buffer_list *list)
{
    double bytes = 0;
    for (const ch_buffer *row = list->rows; row->owner != NULL; row++) {
        bytes += (double)row->count * (double)row->size;
    }
    return bytes;
}
