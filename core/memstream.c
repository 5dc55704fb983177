/* memstream.c — ending a text that is written into memory. */
#include "core/memstream.h"

#include <stdlib.h>

bool ch_memstream_close(FILE *stream, char **text)
{
    const bool lacked = ferror(stream) != 0;
    const bool whole = fclose(stream) == 0 && *text != NULL && !lacked;
    if (!whole) {
        free(*text);
        *text = NULL;
    }
    return whole;
}
