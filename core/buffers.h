/* buffers.h — the memory of a module as one list, which allocates it, frees it and says how many bytes it is. */
#ifndef CH_BUFFERS_H
#define CH_BUFFERS_H

#include <stdbool.h>
#include <stddef.h>

/** One buffer: an array, and the pointer that owns it. */
typedef struct {
    void *owner;  /* address of the pointer to the array; NULL ends a list */
    size_t count; /* objects in the array; 0 gives a valid pointer to nothing */
    size_t size;  /* bytes of an object */
} ch_buffer;

enum { CH_MOST_BUFFERS = 26 };

/** The buffers of a module; a row whose owner is NULL comes after the last. A module makes its list in one function and
 *  passes it to the three functions below, so that the buffers allocated, freed and counted cannot differ. */
typedef struct {
    ch_buffer rows[CH_MOST_BUFFERS + 1];
} ch_buffer_list;

/** A row: `number` objects of the type that the pointer variable `pointer` points to. */
#define CH_BUFFER(pointer, number)                                                                                     \
    {                                                                                                                  \
        .owner = (void *)&(pointer), .count = (number), .size = sizeof *(pointer)                                      \
    }

/** Allocates every buffer as ch_alloc does: zeroed, aligned to a cache line.
 *  @return false when a size overflows or memory is short; then no buffer is allocated and all owners are NULL */
bool ch_buffers_alloc(const ch_buffer_list *list) __attribute__((warn_unused_result));

/** Frees every buffer and sets its owner to NULL; owners that are NULL already are legal. */
void ch_buffers_free(const ch_buffer_list *list);

/** Bytes of all buffers together. Reads no owner, which need not point to anything yet. */
double ch_buffers_bytes(const ch_buffer_list *list);

#endif
