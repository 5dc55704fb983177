/* alloc_fail.c — makes the k-th allocation fail. */
#include "tests/alloc_fail.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The linker renames these functions: a call of malloc reaches __wrap_malloc, and __real_malloc is the C library's
 * malloc. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);

static atomic_long asked;
static atomic_long failing = -1;
static atomic_size_t bytes;

void alloc_fail_at(long k)
{
    atomic_store(&asked, 0);
    atomic_store(&bytes, 0);
    atomic_store(&failing, k);
}

long alloc_count(void)
{
    return atomic_load(&asked);
}

size_t alloc_bytes(void)
{
    return atomic_load(&bytes);
}

static bool fails(size_t size)
{
    atomic_fetch_add(&bytes, size);
    const bool now = atomic_fetch_add(&asked, 1) == atomic_load(&failing);
    if (now) {
        errno = ENOMEM;
    }
    return now;
}

void *__wrap_malloc(size_t size)
{
    return fails(size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails(count * size) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails(size) ? NULL : __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails(size) ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return fails(strlen(text) + 1) ? NULL : __real_strdup(text);
}
