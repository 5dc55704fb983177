/* failing_memory.c — makes the k-th allocation of a whole process fail, those of libraries included. A test loads it
 * into the program by LD_PRELOAD (tests/test_process_memory.c); it needs glibc, whose allocator has second names.
 *
 * Allocations are counted from the beginning of main on, so that the loader's are none of them.
 *   CHITON_FAIL_ALLOCATION  number k, from 0, of the allocation that fails; none fails where it is not set
 *   CHITON_COUNT_FILE       file to which the number of allocations is written at the end */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*end)(void), void *stack);

static atomic_bool counting;
static atomic_long count;
static long failing = -1;
static int (*real_main)(int, char **, char **);

static int fails(void)
{
    if (!atomic_load(&counting) || atomic_fetch_add(&count, 1) != failing) {
        return 0;
    }
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    return fails() ? NULL : __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size)
{
    return fails() ? NULL : __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    *memory = fails() ? NULL : __libc_memalign(alignment, size);
    return *memory != NULL ? 0 : ENOMEM;
}

__attribute__((destructor)) static void write_count(void)
{
    const char *path = getenv("CHITON_COUNT_FILE");
    char text[32];
    atomic_store(&counting, 0);
    const int length = snprintf(text, sizeof text, "%ld\n", atomic_load(&count));
    const int file = path != NULL ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
    if (file >= 0) {
        const ssize_t written = write(file, text, (size_t)length);
        (void)written;
        close(file);
    }
}

static int counted_main(int argc, char **argv, char **environment)
{
    const char *number = getenv("CHITON_FAIL_ALLOCATION");
    failing = number != NULL ? atol(number) : -1;
    unsetenv("LD_PRELOAD"); /* gnuplot's allocations are its own */
    atomic_store(&counting, 1);
    return real_main(argc, argv, environment);
}

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*end)(void), void *stack)
{
    int (*start)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void), void (*)(void), void *);
    void *found = dlsym(RTLD_NEXT, "__libc_start_main");
    memcpy(&start, &found, sizeof start);
    real_main = main;
    return start(counted_main, argc, argv, init, fini, end, stack);
}
