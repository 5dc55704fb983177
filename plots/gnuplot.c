/* gnuplot.c — runs gnuplot on a script, and keeps the file that it draws only if the file is whole. */
#define _GNU_SOURCE 1 /* asprintf */
#include "plots/gnuplot.h"

#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* png has 200 dots an inch, svg has 96. Points are scaled to look alike in all three; gnuplot's svg terminal takes tick
 * labels to be narrower than they are, so that the y labels have to be moved away from them. */
static const struct {
    const char *name;
    const char *terminal;
    const char *unit;
    double dots; /* a centimetre; 0: sizes are in cm */
    double font_scale, line_width;
    double point_size;
    double y_label_shift; /* in characters, to the right */
    const char *ending;   /* what a whole file ends with, white space apart */
} formats[CH_PLOT_FORMATS] = {
    [CH_PLOT_PDF] = {"pdf", "pdfcairo enhanced color font 'DejaVu Sans,7'", "cm", 0, 1, 1, 0.42, 0.6, "%%EOF"},
    [CH_PLOT_SVG] = {"svg", "svg enhanced font 'DejaVu Sans,Verdana,sans-serif,7' background '#ffffff'", "", 96 / 2.54,
                     1.333, 0.8, 0.55, -2.2, "</svg>"},
    [CH_PLOT_PNG] = {"png", "pngcairo enhanced font 'DejaVu Sans,7'", "", 200 / 2.54, 2.78, 2, 1.25, 0.6,
                     "IEND\xae\x42\x60\x82"},
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

/* A length in the format's units: whole dots, or centimetres. */
static double length_in(ch_plot_format format, double centimetres)
{
    return formats[format].dots > 0 ? rint(centimetres * formats[format].dots) : centimetres;
}

void ch_gnuplot_terminal(FILE *out, ch_plot_format format, double width, double height, double scale)
{
    const char *unit = formats[format].unit;
    fprintf(out, "set encoding utf8\nset terminal %s size %.6g%s,%.6g%s fontscale %.6g linewidth %.6g\n",
            formats[format].terminal, length_in(format, width), unit, length_in(format, height), unit,
            scale * formats[format].font_scale, scale * formats[format].line_width);
    fprintf(out, "point = %.17g\ny_label_shift = %.17g\n", scale * formats[format].point_size,
            formats[format].y_label_shift);
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

/* Runs gnuplot with the files as its standard input, output and error, and waits for it. `--default-settings` keeps the
 * user's start-up files out.
 * @param status  out: the wait status
 * @return 0, or an errno */
static int run_gnuplot(FILE *script, FILE *drawing, FILE *complaints, int *status)
{
    char program[] = "gnuplot", plain[] = "--default-settings";
    char *const argv[] = {program, plain, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child = 0;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure != 0) {
        return failure;
    }
    if ((failure = posix_spawn_file_actions_adddup2(&actions, fileno(script), STDIN_FILENO)) != 0 ||
        (failure = posix_spawn_file_actions_adddup2(&actions, fileno(drawing), STDOUT_FILENO)) != 0 ||
        (failure = posix_spawn_file_actions_adddup2(&actions, fileno(complaints), STDERR_FILENO)) != 0) {
        goto out;
    }
    failure = posix_spawnp(&child, program, &actions, NULL, argv, environ);
    if (failure != 0) {
        goto out;
    }
    while (failure == 0 && waitpid(child, status, 0) < 0) {
        failure = errno == EINTR ? 0 : errno;
    }
out:
    posix_spawn_file_actions_destroy(&actions);
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

/* What gnuplot left behind. @param failure  what run_gnuplot returned */
static ch_code check_drawing(FILE *drawing, FILE *complaints, int failure, int status, const char *path,
                             ch_plot_format format, ch_error *err)
{
    if (failure == ENOENT || (failure == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127)) {
        return ch_error_set(err, CH_ERROR_IO,
                            "gnuplot is not installed or not in PATH: install gnuplot 5.4 or newer "
                            "(Debian and Ubuntu: apt install gnuplot-nox; Fedora: dnf install gnuplot; "
                            "macOS: brew install gnuplot)");
    }
    if (failure != 0) {
        return ch_error_set(err, CH_ERROR_IO, "gnuplot cannot be run: %s", strerror(failure));
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        char reason[512];
        first_complaint(complaints, reason, sizeof reason);
        return ch_error_set(err, CH_ERROR_IO, "gnuplot could not draw %s: %s", path, reason);
    }
    if (!is_whole(drawing, formats[format].ending)) {
        return ch_error_set(err, CH_ERROR_IO, "gnuplot left %s unfinished: is the disk full?", path);
    }
    return CH_OK;
}

/* The script goes in through a file, not a pipe: writing into a pipe whose reader has died raises SIGPIPE, which is the
 * caller's to handle. */
static ch_code draw_into(FILE *drawing, const char *script, size_t length, const char *path, ch_plot_format format,
                         ch_error *err)
{
    ch_code code = CH_OK;
    int status = 0;
    FILE *commands = tmpfile(), *complaints = tmpfile();
    if (commands == NULL || complaints == NULL) {
        code = ch_error_set(err, CH_ERROR_IO, "no temporary file for gnuplot's messages: %s", strerror(errno));
        goto out;
    }
    if (fwrite(script, 1, length, commands) != length || fflush(commands) != 0) {
        code =
            ch_error_set(err, CH_ERROR_IO, "cannot write gnuplot's commands to a temporary file: %s", strerror(errno));
        goto out;
    }
    rewind(commands);
    const int failure = run_gnuplot(commands, drawing, complaints, &status);
    code = check_drawing(drawing, complaints, failure, status, path, format, err);
out:
    if (commands != NULL) {
        fclose(commands);
    }
    if (complaints != NULL) {
        fclose(complaints);
    }
    return code;
}

ch_code ch_gnuplot_draw(const char *script, size_t length, const char *path, ch_plot_format format, ch_error *err)
{
    char *part = NULL;
    if (asprintf(&part, "%s.%ld.part", path, (long)getpid()) < 0) {
        return ch_error_memory(err, "a file name");
    }
    ch_code code = CH_OK;
    FILE *drawing = fopen(part, "w+e");
    if (drawing == NULL) {
        code = ch_error_set(err, CH_ERROR_INPUT, "cannot write %s: %s", path, strerror(errno));
        goto out;
    }
    code = draw_into(drawing, script, length, path, format, err);
    fclose(drawing);
    if (code != CH_OK) {
        unlink(part);
        goto out;
    }
    if (rename(part, path) != 0) {
        code = ch_error_set(err, CH_ERROR_INPUT, "cannot write %s: %s", path, strerror(errno));
        unlink(part);
    }
out:
    free(part);
    return code;
}
