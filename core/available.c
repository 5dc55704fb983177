/* available.c — how much memory can still be allocated. */
#include "core/available.h"

#include "core/memory.h"
#include "core/minmax.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

size_t ch_memory_available_in_group(const char *folder)
{
    char path[PATH_MAX + 16];
    size_t limit = 0, held = 0;
    snprintf(path, sizeof path, "%s/memory.max", folder);
    if (!find_number(path, "", &limit)) {
        return SIZE_MAX; /* there is no file, or it holds the word "max": no limit is set */
    }
    snprintf(path, sizeof path, "%s/memory.stat", folder);
    if (!find_number(path, "anon ", &held)) {
        held = 0;
    }
    return limit > held ? limit - held : 0;
}

/* Groups are nested, and each may have a limit. The least of what they leave counts. */
static size_t available_in_groups(void)
{
    static const char root[] = "/sys/fs/cgroup";
    char path[PATH_MAX], folder[sizeof root + PATH_MAX];
    size_t least = SIZE_MAX;
    if (!find_line("/proc/self/cgroup", "0::", path, sizeof path)) {
        return least;
    }
    snprintf(folder, sizeof folder, "%s%s", root, path);
    for (char *end = folder + strlen(folder); end != NULL && end >= folder + strlen(root);) {
        *end = '\0';
        least = ch_size_min(least, ch_memory_available_in_group(folder));
        end = strrchr(folder, '/');
    }
    return least;
}

size_t ch_memory_available(void)
{
    size_t kilobytes = 0;
    if (!find_number("/proc/meminfo", "MemAvailable:", &kilobytes)) {
        return ch_memory_physical();
    }
    return ch_size_min(kilobytes * 1024, available_in_groups());
}
