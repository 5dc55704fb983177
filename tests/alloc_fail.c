/* alloc_fail.c — makes the k-th allocation fail. */
#include "tests/alloc_fail.h"

#include <errno.h>
#include <execinfo.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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

/* Ways of calls that have failed, as hashes in a table of open addressing; 0: no entry. */
enum { NUM_WAYS = 1 << 14, MOST_FRAMES = 40 };
static struct {
    uint64_t way;
    int failures;
} ways[NUM_WAYS];
static atomic_flag ways_are_used = ATOMIC_FLAG_INIT; /* by another thread */
static atomic_long by_way_from = -1;                 /* -1: no allocation fails by its way */
static atomic_long failed_by_way = -1;
static atomic_int most_failures; /* of one way */

static void start_counting(long at, long from)
{
    atomic_store(&asked, 0);
    atomic_store(&bytes, 0);
    atomic_store(&failing, at);
    atomic_store(&failed_by_way, -1);
    atomic_store(&by_way_from, from);
}

void alloc_fail_at(long k)
{
    start_counting(k, -1);
}

void alloc_fail_by_way(long k, int most)
{
    most_failures = most;
    if (k == 0) {
        memset(ways, 0, sizeof ways);
    }
    start_counting(-1, k);
}

long alloc_failed(void)
{
    return atomic_load(&failed_by_way);
}

/* FNV-1a of the return addresses of all calls down to this one; never 0. */
static uint64_t way_of_calls(void)
{
    void *frames[MOST_FRAMES];
    const int count = backtrace(frames, MOST_FRAMES);
    uint64_t hash = 14695981039346656037u;
    for (int i = 0; i < count; i++) {
        hash = (hash ^ (uint64_t)(uintptr_t)frames[i]) * 1099511628211u;
    }
    return hash | 1;
}

/* Whether the way has failed less often than it may, and then counts one failure more. */
static bool is_new(uint64_t way)
{
    size_t i = (size_t)(way >> 32) % NUM_WAYS;
    while (ways[i].way != 0 && ways[i].way != way) {
        i = (i + 1) % NUM_WAYS;
    }
    ways[i].way = way;
    return ways[i].failures < most_failures && ++ways[i].failures > 0;
}

static bool fails_by_way(long number)
{
    const long from = atomic_load(&by_way_from);
    if (from < 0 || number < from) {
        return false;
    }
    const uint64_t way = way_of_calls();
    while (atomic_flag_test_and_set(&ways_are_used)) {
    }
    const bool now = atomic_load(&by_way_from) >= 0 && is_new(way);
    if (now) {
        atomic_store(&by_way_from, -1);
        atomic_store(&failed_by_way, number);
    }
    atomic_flag_clear(&ways_are_used);
    return now;
}

long alloc_count(void)
{
    return atomic_load(&asked);
}

size_t alloc_bytes(void)
{
    return atomic_load(&bytes);
}

bool alloc_fails(size_t size)
{
    atomic_fetch_add(&bytes, size);
    const long number = atomic_fetch_add(&asked, 1);
    const bool now = number == atomic_load(&failing) || fails_by_way(number);
    if (now) {
        errno = ENOMEM;
    }
    return now;
}

void *__wrap_malloc(size_t size)
{
    return alloc_fails(size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return alloc_fails(count * size) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return alloc_fails(size) ? NULL : __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return alloc_fails(size) ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return alloc_fails(strlen(text) + 1) ? NULL : __real_strdup(text);
}
