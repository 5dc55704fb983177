/* available.c — the memory and the processors that the process may use. */
#define _GNU_SOURCE 1 /* sched_getaffinity and its sets */
#include "core/available.h"

#include "core/job.h"
#include "core/memory.h"
#include "core/minmax.h"

#include <limits.h>
#include <omp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

/* Finds the first line of a file that begins with `key`, and copies the rest of that line without its line end. */
static bool find_line(const char *path, const char *key, char *rest, size_t size)
{
    char line[PATH_MAX];
    bool found = false;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    while (!found && fgets(line, sizeof line, file) != NULL) {
        found = strncmp(line, key, strlen(key)) == 0;
    }
    fclose(file);
    if (found) {
        line[strcspn(line, "\n")] = '\0';
        snprintf(rest, size, "%s", line + strlen(key));
    }
    return found;
}

static bool find_number(const char *path, const char *key, size_t *number)
{
    char text[64], *end = text;
    if (!find_line(path, key, text, sizeof text)) {
        return false;
    }
    *number = strtoull(text, &end, 10);
    return end != text;
}

/* A file of a group. */
typedef struct {
    char path[PATH_MAX + 32];
} group_file;

static group_file in_group(const char *folder, const char *name)
{
    group_file file;
    snprintf(file.path, sizeof file.path, "%s/%s", folder, name);
    return file;
}

size_t ch_memory_limit_of_group(const char *folder)
{
    size_t limit = 0;
    if (find_number(in_group(folder, "memory.max").path, "", &limit) ||
        find_number(in_group(folder, "memory.limit_in_bytes").path, "", &limit)) {
        return limit;
    }
    return SIZE_MAX; /* there is no such file, or it holds the word "max": no limit is set */
}

size_t ch_memory_available_in_group(const char *folder)
{
    size_t held = 0;
    const size_t limit = ch_memory_limit_of_group(folder);
    const group_file stat = in_group(folder, "memory.stat");
    if (limit == SIZE_MAX) {
        return limit;
    }
    if (!find_number(stat.path, "anon ", &held) && !find_number(stat.path, "total_rss ", &held)) {
        held = 0;
    }
    return limit > held ? limit - held : 0;
}

size_t ch_processors_in_group(const char *folder)
{
    char text[64], *end = text;
    size_t period = 0;
    long long quota = 0;
    if (find_line(in_group(folder, "cpu.max").path, "", text, sizeof text)) {
        quota = strtoll(text, &end, 10);
        period = end != text ? strtoull(end, NULL, 10) : 0; /* the word "max": none */
    } else if (find_line(in_group(folder, "cpu.cfs_quota_us").path, "", text, sizeof text)) {
        quota = strtoll(text, NULL, 10); /* -1: none */
        if (!find_number(in_group(folder, "cpu.cfs_period_us").path, "", &period)) {
            period = 0;
        }
    }
    if (quota <= 0 || period == 0) {
        return SIZE_MAX;
    }
    return ((size_t)quota + period - 1) / period;
}

/* Groups are nested, and each may have a limit. The least of what they say counts.
 * @param root  the folder of the hierarchy
 * @param path  the group under it */
static size_t least_in_groups(const char *root, const char *path, size_t (*ask)(const char *folder))
{
    char folder[2 * PATH_MAX];
    size_t least = SIZE_MAX;
    snprintf(folder, sizeof folder, "%s%s", root, path);
    for (char *end = folder + strlen(folder); end != NULL && end >= folder + strlen(root);) {
        *end = '\0';
        least = ch_size_min(least, ask(folder));
        end = strrchr(folder, '/');
    }
    return least;
}

/* Whether a list of names such as "cpu,cpuacct" has a name. */
static bool is_listed(const char *list, const char *name)
{
    const size_t length = strlen(name);
    while (*list != '\0') {
        const size_t next = strcspn(list, ",");
        if (next == length && strncmp(list, name, length) == 0) {
            return true;
        }
        list += list[next] == ',' ? next + 1 : next;
    }
    return false;
}

/* The least of a limit in the groups of version 2, and in those of version 1 that a controller has. */
static size_t least_of_process(const char *controller, size_t (*ask)(const char *folder))
{
    char line[PATH_MAX], root[64];
    size_t least = SIZE_MAX;
    FILE *file = fopen("/proc/self/cgroup", "r");
    if (file == NULL) {
        return least;
    }
    while (fgets(line, sizeof line, file) != NULL) { /* NUMBER:CONTROLLERS:PATH */
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (path == NULL) {
            continue;
        }
        *path++ = '\0';
        controllers++;
        if (controllers[0] == '\0') {
            least = ch_size_min(least, least_in_groups("/sys/fs/cgroup", path, ask));
        } else if (is_listed(controllers, controller)) {
            snprintf(root, sizeof root, "/sys/fs/cgroup/%s", controller);
            least = ch_size_min(least, least_in_groups(root, path, ask));
        }
    }
    fclose(file);
    return least;
}

/* Bytes of address space that the process may have. */
static size_t address_space(void)
{
    struct rlimit limit;
    const bool is_set = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return is_set ? (size_t)limit.rlim_cur : SIZE_MAX;
}

/* Bytes of address space that the process has by now. */
static size_t address_space_used(void)
{
    size_t pages = 0;
    const long page = sysconf(_SC_PAGESIZE);
    return find_number("/proc/self/statm", "", &pages) && page > 0 ? pages * (size_t)page : 0;
}

size_t ch_memory_limit(void)
{
    const size_t own = ch_size_min(address_space(), ch_job_memory());
    return ch_size_min(ch_size_min(ch_memory_physical(), own), least_of_process("memory", ch_memory_limit_of_group));
}

/* Bytes that the batch job leaves the process beside what it holds by now. */
static size_t job_memory_left(void)
{
    size_t kilobytes = 0;
    const size_t limit = ch_job_memory();
    if (limit == SIZE_MAX || !find_number("/proc/self/status", "RssAnon:", &kilobytes)) {
        return limit;
    }
    return limit > kilobytes * 1024 ? limit - kilobytes * 1024 : 0;
}

size_t ch_memory_available_to(size_t num_processes)
{
    size_t kilobytes = 0, shared = ch_memory_physical();
    const size_t space = address_space(), used = space < SIZE_MAX ? address_space_used() : 0;
    const size_t own = ch_size_min(space > used ? space - used : 0, job_memory_left());
    if (find_number("/proc/meminfo", "MemAvailable:", &kilobytes)) {
        shared = ch_size_min(kilobytes * 1024, least_of_process("memory", ch_memory_available_in_group));
    }
    return ch_size_min(shared / num_processes, own);
}

size_t ch_memory_available(void)
{
    return ch_memory_available_to(1);
}

/* Processors of the process's affinity. Not every OpenMP looks at it. One that binds threads to processors has already
 * bound this thread to one of those that it found. */
static size_t processors_of_affinity(void)
{
    const size_t count = (size_t)omp_get_num_procs();
#ifdef __linux__
    cpu_set_t sets[16]; /* for 16384 processors */
    if (omp_get_proc_bind() == omp_proc_bind_false && sched_getaffinity(0, sizeof sets, sets) == 0) {
        return ch_size_min(count, (size_t)CPU_COUNT_S(sizeof sets, sets));
    }
#endif
    return count;
}

int ch_processors_available(void)
{
    const size_t quota = least_of_process("cpu", ch_processors_in_group);
    const size_t count = processors_of_affinity();
    return (int)ch_size_max(ch_size_min(ch_size_min(count, quota), ch_job_processors()), 1);
}

/* What a thread that is only counted does: it waits until all are. */
static void *wait_for_count(void *lock)
{
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
    return NULL;
}

int ch_threads_available(int wanted)
{
    const int others = wanted - 1;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_t *threads = others > 0 ? ch_alloc((size_t)others, sizeof *threads) : NULL;
    int count = 0;
    if (threads == NULL) {
        return 1;
    }
    pthread_mutex_lock(&lock);
    while (count < others && pthread_create(&threads[count], NULL, wait_for_count, &lock) == 0) {
        count++;
    }
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    free(threads);
    return count == others ? wanted : (count + 2) / 2;
}
