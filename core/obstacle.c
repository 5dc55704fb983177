/* obstacle.c — why a file cannot be made. */
#include "core/obstacle.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The length of `path` without the slashes at its end; that of "/" is 1. */
static size_t length_of(const char *path, size_t length)
{
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    return length;
}

/* Writes the folder that holds `path`.
 * @return whether it fits into `size` bytes */
static bool write_folder(const char *path, char *text, size_t size)
{
    size_t length = length_of(path, strlen(path));
    while (length > 0 && path[length - 1] != '/') {
        length--;
    }
    length = length_of(path, length);
    const int written = length > 0 ? snprintf(text, size, "%.*s", (int)length, path) : snprintf(text, size, ".");
    return (size_t)written < size;
}

ch_obstacle ch_find_obstacle(const char *path)
{
    char folder[4096], name[560];
    struct stat status;
    ch_obstacle self = {""};
    if (!write_folder(path, folder, sizeof folder)) {
        snprintf(self.text, sizeof self.text, "%s", strerror(ENAMETOOLONG));
        return self;
    }
    if (strcmp(folder, ".") == 0) {
        snprintf(name, sizeof name, "the current folder");
    } else {
        snprintf(name, sizeof name, "the folder %.512s", folder);
    }
    const bool is_found = stat(folder, &status) == 0;
    if (!is_found && errno == ENOENT) {
        snprintf(self.text, sizeof self.text, "%s does not exist", name);
    } else if (!is_found) {
        snprintf(self.text, sizeof self.text, "%s cannot be used: %s", name, strerror(errno));
    } else if (!S_ISDIR(status.st_mode)) {
        snprintf(self.text, sizeof self.text, "%.512s is no folder", folder);
    } else if (access(folder, W_OK | X_OK) != 0) {
        snprintf(self.text, sizeof self.text, "%s may not be written: %s", name, strerror(errno));
    }
    return self;
}
