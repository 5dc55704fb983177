/* memory.h — allocation that checks sizes for overflow and aligns to cache lines. */
#ifndef CH_MEMORY_H
#define CH_MEMORY_H

#include <stddef.h>

/** Bytes in a cache line: the alignment of every allocation and of every sample's row. */
#define CH_CACHE_LINE 64

/** `count` objects of `size` bytes, zeroed, aligned to a cache line.
 *
 *  @return the memory, to be released with free(); NULL when the size overflows or memory is short.
 *          A count of 0 gives a valid pointer to nothing.
 */
void *ch_alloc(size_t count, size_t size) __attribute__((malloc, warn_unused_result));

/** As ch_alloc, but the memory is not initialised. Pages that are never written take no physical memory. */
void *ch_alloc_unset(size_t count, size_t size) __attribute__((malloc, warn_unused_result));

/** Memory for large tables that are written whole and then read at random places. It is not initialised, so that each
 *  thread's part lies near the processor that fills it, and it uses huge pages where the system has them. Alignment and
 *  failure are as for ch_alloc. */
void *ch_alloc_rows(size_t bytes) __attribute__((malloc, warn_unused_result));

/** Grows the array at `*items` until it holds `needed` objects of `size` bytes, doubling `*capacity`.
 *
 *  New objects are not initialised. On failure the array stays as it was.
 *
 *  @return 0, or -1 when the size overflows or memory is short.
 */
int ch_grow(void **items, size_t *capacity, size_t needed, size_t size) __attribute__((warn_unused_result));

/** Bytes of physical memory of this machine.  @return SIZE_MAX where the system does not say */
size_t ch_memory_physical(void);

#endif
