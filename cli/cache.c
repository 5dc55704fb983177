/* cache.c — the folder of what is made once and kept for later commands. */
#define _GNU_SOURCE 1 /* asprintf */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes a folder and those that it is in.  @return whether it is there and can be written */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL) {
            *slash = '\0';
        }
        const bool failed = mkdir(path, 0777) != 0 && errno != EEXIST;
        if (slash == NULL) {
            return !failed && access(path, R_OK | W_OK | X_OK) == 0;
        }
        *slash = '/';
        if (failed) {
            return false;
        }
    }
}

char *ch_cli_cache_folder(void)
{
    const char *named = getenv("CHITON_CACHE"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *path = NULL;
    int length = -1;
    if (named != NULL && named[0] != '\0') {
        length = asprintf(&path, "%s", named);
    } else if (cache != NULL && cache[0] == '/') {
        length = asprintf(&path, "%s/chiton", cache);
    } else if (home != NULL && home[0] == '/') {
        length = asprintf(&path, "%s/.cache/chiton", home);
    }
    if (length < 0) {
        return NULL;
    }
    if (!make_folders(path)) {
        free(path);
        return NULL;
    }
    return path;
}
