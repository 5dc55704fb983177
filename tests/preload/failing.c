/* failing.c — makes the k-th allocation of a whole process fail, or its writes to files, those of libraries included,
 * or its clock jump. A test loads it into the program by LD_PRELOAD (tests/test_process_faults.c); it needs glibc,
 * whose allocator has second names.
 *
 * Calls are counted from the beginning of main on, so that the loader's are none of them.
 *   CHITON_FAIL_ALLOCATION  number k, from 0, of the allocation that fails; none fails where it is not set
 *   CHITON_FAIL_WRITE       number k, from 0, of the first write, sync or change of a file's length that fails
 *   CHITON_FAIL_WRITES      how many fail from there on; the rest of them by default
 *   CHITON_FAIL_FILE        a part of the names of the files meant by that; all files by default
 *   CHITON_FAIL_WITH        errno of these failures; 0: half of the bytes are written, and no failure is reported
 *   CHITON_CLOCK_JUMP       seconds by which the date jumps, to and fro, each time that it is asked for
 *   CHITON_COUNT_FILE       file to which the numbers of allocations, writes and dates are written at the end */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*end)(void), void *stack);

static atomic_bool counting;
static atomic_long count, writes, dates;
static long jump;
static long failing = -1, failing_write = -1, num_failing_writes = LONG_MAX;
static int failing_with = EIO;
static const char *failing_file;
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

/* ---- writes ---- */

/* Whether an open file is one of those that are meant. */
static int is_meant(int file)
{
    char link[64], name[PATH_MAX];
    if (failing_file == NULL) {
        return 1;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const ssize_t length = readlink(link, name, sizeof name - 1);
    name[length > 0 ? length : 0] = '\0';
    return strstr(name, failing_file) != NULL;
}

static int write_fails(int file)
{
    if (!atomic_load(&counting) || !is_meant(file)) {
        return 0;
    }
    const long number = atomic_fetch_add(&writes, 1);
    if (failing_write < 0 || number < failing_write || number - failing_write >= num_failing_writes) {
        return 0;
    }
    errno = failing_with;
    return 1;
}

/* Standard output and standard error are no files that a store needs. */
ssize_t write(int file, const void *bytes, size_t size)
{
    const int fails_now = file > STDERR_FILENO && write_fails(file);
    if (fails_now && failing_with != 0) {
        return -1;
    }
    return syscall(SYS_write, file, bytes, fails_now && size > 1 ? size / 2 : size);
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t offset)
{
    const int fails_now = write_fails(file);
    if (fails_now && failing_with != 0) {
        return -1;
    }
    return syscall(SYS_pwrite64, file, bytes, fails_now && size > 1 ? size / 2 : size, offset);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset)
{
    return pwrite64(file, bytes, size, offset);
}

int fsync(int file)
{
    return write_fails(file) && failing_with != 0 ? -1 : (int)syscall(SYS_fsync, file);
}

int fdatasync(int file)
{
    return write_fails(file) && failing_with != 0 ? -1 : (int)syscall(SYS_fdatasync, file);
}

int ftruncate64(int file, off64_t length)
{
    return write_fails(file) && failing_with != 0 ? -1 : (int)syscall(SYS_ftruncate, file, length);
}

int ftruncate(int file, off_t length)
{
    return ftruncate64(file, length);
}

/* ---- the date ---- */

static time_t jump_now(void)
{
    return atomic_fetch_add(&dates, 1) % 2 == 0 ? jump : -jump;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    const int status = (int)syscall(SYS_clock_gettime, clock, now);
    if (status == 0 && clock == CLOCK_REALTIME) {
        now->tv_sec += jump_now();
    }
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec date;
    (void)zone;
    const int status = clock_gettime(CLOCK_REALTIME, &date);
    *now = (struct timeval){.tv_sec = date.tv_sec, .tv_usec = date.tv_nsec / 1000};
    return status;
}

time_t time(time_t *now)
{
    struct timespec date;
    (void)clock_gettime(CLOCK_REALTIME, &date);
    if (now != NULL) {
        *now = date.tv_sec;
    }
    return date.tv_sec;
}

/* ---- counting ---- */

__attribute__((destructor)) static void write_count(void)
{
    const char *path = getenv("CHITON_COUNT_FILE");
    char text[80];
    atomic_store(&counting, 0);
    const int length =
        snprintf(text, sizeof text, "%ld %ld %ld\n", atomic_load(&count), atomic_load(&writes), atomic_load(&dates));
    const int file = path != NULL ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
    if (file >= 0) {
        const ssize_t written = write(file, text, (size_t)length);
        (void)written;
        close(file);
    }
}

static long number_of(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? atol(text) : otherwise;
}

static int counted_main(int argc, char **argv, char **environment)
{
    failing = number_of("CHITON_FAIL_ALLOCATION", -1);
    failing_write = number_of("CHITON_FAIL_WRITE", -1);
    num_failing_writes = number_of("CHITON_FAIL_WRITES", LONG_MAX);
    failing_with = (int)number_of("CHITON_FAIL_WITH", EIO);
    failing_file = getenv("CHITON_FAIL_FILE");
    jump = number_of("CHITON_CLOCK_JUMP", 0);
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
