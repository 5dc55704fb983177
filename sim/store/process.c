/* process.c — by what a process is known to others, on its machine and beyond. */
#include "sim/store/process.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Reads the first line of a file of the system.  @return false where there is none */
static bool read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    const bool is_read = fgets(line, size, file) != NULL;
    fclose(file);
    line[is_read ? strcspn(line, "\n") : 0] = '\0';
    return is_read;
}

/* What Linux tells of a process: its state, and when it began. The name of its program, which may hold anything, stands
 * in parentheses before both.
 * @return false where nothing is told */
static bool read_status(int64_t pid, char *state, int64_t *started)
{
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    if (!read_line(path, line, sizeof line)) {
        return false;
    }
    const char *rest = strrchr(line, ')');
    return rest != NULL && sscanf(rest + 1,
                                  " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
                                  " %" SCNd64,
                                  state, started) == 2;
}

ch_process ch_process_self(void)
{
    ch_process self = {.pid = (int64_t)getpid()};
    char boot[64], space[64], state = 0;
    if (gethostname(self.host, sizeof self.host - 1) != 0) {
        self.host[0] = '\0';
    }
    const ssize_t length = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    if (length > 0 && read_line("/proc/sys/kernel/random/boot_id", boot, sizeof boot) &&
        read_status(self.pid, &state, &self.started)) {
        snprintf(self.boot, sizeof self.boot, "%s %.*s", boot, (int)length, space);
    }
    return self;
}

bool ch_process_has_ended(const ch_process *other, const ch_process *self)
{
    int64_t started = 0;
    char state = 0;
    if (self->boot[0] == '\0' || strcmp(other->boot, self->boot) != 0 || other->pid <= 0 || other->pid > INT_MAX) {
        return false;
    }
    if (read_status(other->pid, &state, &started)) {
        return started != other->started || state == 'Z' || state == 'X';
    }
    return kill((pid_t)other->pid, 0) != 0 && errno == ESRCH;
}
