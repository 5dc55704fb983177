/* gnuplot.c — the gnuplot process: a script goes in through a pipe, a whole file comes out. */
#include "plots/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The page is two columns of a journal wide, 17.8 cm by 21.5 cm, so that a panel fits one column with its letters at
 * print size, 7 points; png at 200 dots an inch, svg at its 96. Points are scaled to look alike in all three; svg's
 * terminal underrates the width of tick labels, so that its y labels have to be moved away from them. */
static const struct {
    const char *name;
    const char *terminal;
    double point_size;
    double y_label_shift; /* in characters, to the right */
    const char *ending;   /* what a whole file ends with, white space apart */
} formats[CH_PLOT_FORMATS] = {
    [CH_PLOT_PDF] = {"pdf", "pdfcairo enhanced color size 17.8cm,21.5cm font 'DejaVu Sans,7' fontscale 1", 0.42, 0.6,
                     "%%EOF"},
    [CH_PLOT_SVG] = {"svg",
                     "svg enhanced size 673,813 font 'DejaVu Sans,Verdana,sans-serif,7' fontscale 1.333 linewidth 0.8 "
                     "background '#ffffff'",
                     0.55, -2.2, "</svg>"},
    [CH_PLOT_PNG] = {"png", "pngcairo enhanced size 1402,1693 font 'DejaVu Sans,7' fontscale 2.78 linewidth 2", 1.25,
                     0.6, "IEND\xae\x42\x60\x82"},
};

const char *ch_gnuplot_extension(ch_plot_format format)
{
    return formats[format].name;
}

ch_code ch_plot_format_parse(const char *name, ch_plot_format *format, ch_error *err)
{
    for (ch_plot_format f = 0; f < CH_PLOT_FORMATS; f++) {
        if (strcmp(name, formats[f].name) == 0) {
            *format = f;
            return CH_OK;
        }
    }
    return ch_error_set(err, CH_ERROR_INPUT, "--format is %s, but must be pdf, svg or png", name);
}

void ch_gnuplot_terminal(FILE *out, ch_plot_format format)
{
    fprintf(out, "set encoding utf8\nset terminal %s\npoint = %.17g\ny_label_shift = %.17g\n", formats[format].terminal,
            formats[format].point_size, formats[format].y_label_shift);
}

void ch_gnuplot_quote(FILE *out, const char *text)
{
    fputc('\'', out);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\'') {
            fputs("’", out);
        } else {
            fputc((unsigned char)*c < ' ' ? ' ' : *c, out);
        }
    }
    fputc('\'', out);
}

/* Feeds gnuplot the script. A gnuplot that died on the way is no failure here: its exit status tells. */
static void feed(int fd, const char *script, size_t length)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction former;
    sigaction(SIGPIPE, &ignore, &former);
    while (length > 0) {
        const ssize_t written = write(fd, script, length);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            break;
        }
        script += written;
        length -= (size_t)written;
    }
    sigaction(SIGPIPE, &former, NULL);
}

/* Runs gnuplot on the script, with `drawing` as its standard output and `complaints` as its standard error, and waits.
 * Returns 0 with the wait status, or an errno. `--default-settings` keeps the user's start-up files out. */
static int run_gnuplot(const char *script, size_t length, int drawing, int complaints, int *status)
{
    static char program[] = "gnuplot", plain[] = "--default-settings";
    char *const argv[] = {program, plain, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child = 0;
    int ends[2];
    if (pipe(ends) != 0) {
        return errno;
    }
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure != 0) {
        close(ends[0]);
        close(ends[1]);
        return failure;
    }
    /* gnuplot must not inherit the writing end: it would never see the end of its input */
    if (fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0) {
        failure = errno;
    }
    if (failure == 0) {
        failure = posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    }
    if (failure == 0) {
        failure = posix_spawn_file_actions_adddup2(&actions, drawing, STDOUT_FILENO);
    }
    if (failure == 0) {
        failure = posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO);
    }
    if (failure == 0) {
        failure = posix_spawnp(&child, program, &actions, NULL, argv, environ);
    }
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    if (failure == 0) {
        feed(ends[1], script, length);
    }
    close(ends[1]);
    while (failure == 0 && waitpid(child, status, 0) < 0) {
        failure = errno == EINTR ? 0 : errno;
    }
    return failure;
}

/* gnuplot complains as "plot foo", "     ^", "line 0: undefined variable: foo"; the first "line N:" that is no
 * warning says what is wrong. */
static void first_complaint(FILE *complaints, char *text, size_t size)
{
    char line[512];
    snprintf(text, size, "it gave no reason");
    rewind(complaints);
    while (fgets(line, sizeof line, complaints) != NULL) {
        const char *start = line + strspn(line, " \t");
        if (strncmp(start, "line ", 5) == 0 && strstr(start, "warning") == NULL) {
            snprintf(text, size, "%.*s", (int)strcspn(start, "\r\n"), start);
            return;
        }
    }
}

/* Whether a file ends as its format does: gnuplot does not notice a disk that is full. */
static bool is_whole(FILE *file, const char *ending)
{
    char tail[64];
    const long span = (long)sizeof tail;
    if (fseek(file, 0, SEEK_END) != 0) {
        return false;
    }
    const long size = ftell(file);
    if (size < 0 || fseek(file, size < span ? 0 : size - span, SEEK_SET) != 0) {
        return false;
    }
    size_t length = fread(tail, 1, sizeof tail, file);
    while (length > 0 && strchr(" \r\n", tail[length - 1]) != NULL) {
        length--;
    }
    const size_t wanted = strlen(ending);
    return length >= wanted && memcmp(tail + length - wanted, ending, wanted) == 0;
}

static ch_code draw_into(FILE *drawing, const char *script, size_t length, const char *path, ch_plot_format format,
                         ch_error *err)
{
    ch_code code = CH_OK;
    int status = 0;
    FILE *complaints = tmpfile();
    if (complaints == NULL) {
        return ch_error_set(err, CH_ERROR_IO, "no temporary file for gnuplot's messages: %s", strerror(errno));
    }
    const int failure = run_gnuplot(script, length, fileno(drawing), fileno(complaints), &status);
    if (failure == ENOENT || (failure == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127)) {
        code = ch_error_set(err, CH_ERROR_IO,
                            "gnuplot is not installed or not in PATH: install gnuplot 5.4 or newer "
                            "(Debian and Ubuntu: apt install gnuplot-nox; Fedora: dnf install gnuplot; "
                            "macOS: brew install gnuplot)");
    } else if (failure != 0) {
        code = ch_error_set(err, CH_ERROR_IO, "gnuplot cannot be run: %s", strerror(failure));
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        char reason[512];
        first_complaint(complaints, reason, sizeof reason);
        code = ch_error_set(err, CH_ERROR_IO, "gnuplot could not draw %s: %s", path, reason);
    } else if (!is_whole(drawing, formats[format].ending)) {
        code = ch_error_set(err, CH_ERROR_IO, "gnuplot left %s unfinished: is the disk full?", path);
    }
    fclose(complaints);
    return code;
}

ch_code ch_gnuplot_draw(const char *script, size_t length, const char *path, ch_plot_format format, ch_error *err)
{
    char *part = NULL;
    ch_code code = CH_OK;
    if (asprintf(&part, "%s.%ld.part", path, (long)getpid()) < 0) {
        return ch_error_memory(err, "a file name");
    }
    FILE *drawing = fopen(part, "w+e");
    if (drawing == NULL) {
        code = ch_error_set(err, CH_ERROR_INPUT, "cannot write %s: %s", path, strerror(errno));
        free(part);
        return code;
    }
    code = draw_into(drawing, script, length, path, format, err);
    fclose(drawing);
    if (code == CH_OK && rename(part, path) != 0) {
        code = ch_error_set(err, CH_ERROR_INPUT, "cannot write %s: %s", path, strerror(errno));
    }
    if (code != CH_OK) {
        unlink(part);
    }
    free(part);
    return code;
}
