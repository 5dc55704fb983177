/* memstream.c — a stream that writes into memory. */
#define _GNU_SOURCE 1 /* fopencookie */
#include "core/memstream.h"

#include <stdlib.h>
#include <string.h>

#ifdef __GLIBC__
/* A text that grows, behind a stream of the caller's own kind. The stream sets its error flag where `append` fails. */
typedef struct {
    char **text;
    size_t *length;
    size_t capacity; /* bytes of *text */
} growing_text;

static ssize_t append(void *cookie, const char *bytes, size_t count)
{
    growing_text *self = cookie;
    const size_t needed = *self->length + count + 1;
    if (needed > self->capacity) {
        const size_t capacity = needed > 2 * self->capacity ? needed : 2 * self->capacity;
        char *text = realloc(*self->text, capacity);
        if (text == NULL) {
            return 0;
        }
        *self->text = text;
        self->capacity = capacity;
    }
    memcpy(*self->text + *self->length, bytes, count);
    *self->length += count;
    (*self->text)[*self->length] = '\0';
    return (ssize_t)count;
}

static int end(void *cookie)
{
    free(cookie);
    return 0;
}

FILE *ch_memstream_open(char **text, size_t *length)
{
    growing_text *cookie = malloc(sizeof *cookie);
    FILE *stream = NULL;
    *text = calloc(1, 1); /* the text "" */
    *length = 0;
    if (cookie != NULL && *text != NULL) {
        *cookie = (growing_text){.text = text, .length = length, .capacity = 1};
        stream = fopencookie(cookie, "w", (cookie_io_functions_t){.write = append, .close = end});
    }
    if (stream == NULL) {
        free(cookie);
        free(*text);
        *text = NULL;
    }
    return stream;
}
#else
FILE *ch_memstream_open(char **text, size_t *length)
{
    *text = NULL;
    return open_memstream(text, length);
}
#endif

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
