/* process.c — peers that answer lines, and commands. */
#define _GNU_SOURCE 1 /* pipe2 */
#include "process.h"
#include "page.h"

#include "core/clock.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_LINE = 4096 };

static const char *python(void)
{
    const char *named = getenv("PYTHON");
    return named != NULL && *named != '\0' ? named : "python3";
}

/* Becomes the script, with the bench at both ends. */
static void become(const char *script, const int question[2], const int reply[2])
{
    char path[256];
    (void)snprintf(path, sizeof path, "tests/bench/%s", script);
    (void)dup2(question[0], STDIN_FILENO);
    (void)dup2(reply[1], STDOUT_FILENO);
    if (getenv("CHITON_BENCH_ERRORS") == NULL) { /* that a library is not there is no news */
        (void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
    }
    (void)close(question[1]);
    (void)close(reply[0]);
    (void)setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
    (void)execlp(python(), python(), path, (char *)NULL);
    _exit(1);
}

void peer_start(peer *self, const char *script, const char *what)
{
    int question[2], reply[2];
    memset(self, 0, sizeof *self);
    (void)signal(SIGPIPE, SIG_IGN); /* a peer that is not here reads nothing */
    if (pipe2(question, O_CLOEXEC) != 0 || pipe2(reply, O_CLOEXEC) != 0) {
        return;
    }
    self->process = fork();
    if (self->process == 0) {
        become(script, question, reply);
    }
    (void)close(question[0]);
    (void)close(reply[1]);
    self->ask = fdopen(question[1], "w");
    self->answer = fdopen(reply[0], "r");
    if (fgets(self->name, sizeof self->name, self->answer) == NULL) {
        peer_stop(self);
        page_say("%s is not here (PYTHON=… says which Python has it): chiton is not compared with it.", what);
    }
    self->name[strcspn(self->name, "\n")] = '\0';
}

void peer_stop(peer *self)
{
    if (self->ask != NULL) {
        (void)fclose(self->ask);
        (void)fclose(self->answer);
        (void)waitpid(self->process, NULL, 0);
    }
    memset(self, 0, sizeof *self);
}

bool peer_ask(peer *self, double *numbers, size_t count, const char *format, ...)
{
    char line[MOST_LINE];
    for (size_t i = 0; i < count; i++) {
        numbers[i] = NAN;
    }
    if (self->ask == NULL) {
        return false;
    }
    va_list values;
    va_start(values, format);
    (void)vfprintf(self->ask, format, values);
    va_end(values);
    (void)fputc('\n', self->ask);
    (void)fflush(self->ask);
    if (fgets(line, sizeof line, self->answer) == NULL) {
        fprintf(stderr, "bench: %s gave up\n", self->name);
        peer_stop(self);
        return false;
    }
    char *at = line;
    for (size_t i = 0; i < count; i++) {
        numbers[i] = strtod(at, &at);
    }
    return true;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + 1e-6 * (double)time.tv_usec;
}

double run_program(const char *const *arguments, const char *output, double *wall)
{
    const double started = ch_clock_now();
    const pid_t process = fork();
    if (process == 0) {
        const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        const int there = output == NULL ? nowhere : open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        (void)dup2(there, STDOUT_FILENO);
        (void)dup2(nowhere, STDERR_FILENO);
        (void)execv(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    int status = 0;
    struct rusage used = {0};
    if (process < 0 || wait4(process, &status, 0, &used) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "bench: this command failed:");
        for (size_t i = 0; arguments[i] != NULL; i++) {
            fprintf(stderr, " %s", arguments[i]);
        }
        fputc('\n', stderr);
        exit(1);
    }
    if (wall != NULL) {
        *wall = ch_clock_now() - started;
    }
    return seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
}
