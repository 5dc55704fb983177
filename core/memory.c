/* memory.c — allocation that checks sizes for overflow and aligns to cache lines. */
#include "core/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HUGE_PAGE = 1 << 21 };

/* aligned_alloc takes multiples of the alignment only, and may return NULL for 0 bytes. The size is therefore rounded
 * up to the next multiple, which is never 0. */
static void *alloc_aligned(size_t alignment, size_t bytes)
{
    if (bytes > SIZE_MAX - alignment) {
        return NULL;
    }
    return aligned_alloc(alignment, (bytes / alignment + 1) * alignment);
}

void *ch_alloc_unset(size_t count, size_t size)
{
    size_t bytes = 0;
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : alloc_aligned(CH_CACHE_LINE, bytes);
}

void *ch_alloc(size_t count, size_t size)
{
    void *memory = ch_alloc_unset(count, size);
    if (memory != NULL) {
        memset(memory, 0, count * size);
    }
    return memory;
}

void *ch_alloc_rows(size_t bytes)
{
    if (bytes < HUGE_PAGE) {
        return alloc_aligned(CH_CACHE_LINE, bytes);
    }
    void *memory = alloc_aligned(HUGE_PAGE, bytes);
#ifdef MADV_HUGEPAGE
    if (memory != NULL) {
        (void)madvise(memory, bytes, MADV_HUGEPAGE); /* only a hint: rows are visited at random */
    }
#endif
    return memory;
}

int ch_grow(void **items, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity) {
        return 0;
    }
    size_t wanted = *capacity < 8 ? 8 : *capacity;
    while (wanted < needed) {
        if (wanted > SIZE_MAX / 2) {
            return -1;
        }
        wanted *= 2;
    }
    size_t bytes = 0;
    if (__builtin_mul_overflow(wanted, size, &bytes)) {
        return -1;
    }
    void *grown = realloc(*items, bytes);
    if (grown == NULL) {
        return -1;
    }
    *items = grown;
    *capacity = wanted;
    return 0;
}

size_t ch_memory_physical(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page = sysconf(_SC_PAGESIZE);
    size_t bytes = 0;
    if (pages <= 0 || page <= 0 || __builtin_mul_overflow((size_t)pages, (size_t)page, &bytes)) {
        return SIZE_MAX;
    }
    return bytes;
}
