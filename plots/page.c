/* page.c — one page: puts its script together, has it drawn, and prints the file's name. */
#include "plots/page.h"

#include "core/memstream.h"
#include "core/obstacle.h"
#include "core/text.h"
#include "plots/gnuplot.h"
#include "plots/layout.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The key of P, which the panels share: centred, in one row, or in two where there are more than ten P. */
static void write_train_key(const ch_page_head *head, FILE *out)
{
    const double sample = 0.03, most = 0.94;
    const size_t count = head->num_trains, rows = count > 10 ? 2 : 1, columns = (count + rows - 1) / rows;
    const double pitch = (double)columns > 10 ? most / (double)columns : 0.085;
    const double left = 0.515 - 0.5 * pitch * (double)columns, top = 0.965;
    fprintf(out, "set label 'P =' at screen %.17g, screen %.17g right font ',6.5'\n", left - 0.008, top);
    for (size_t i = 0; i < count; i++) {
        const ch_mark mark = ch_mark_of(CH_RAMP_TRAIN, i, count, true);
        char line[64], number[64];
        snprintf(line, sizeof line, "linewidth 0.7 linecolor rgb '#%06x'", mark.colour);
        ch_number_text((double)head->trains[i], number, sizeof number);
        ch_key_write(out, "screen", left + pitch * (double)(i % columns), top - 0.016 * (double)(i / columns), sample,
                     line, &mark, number);
    }
}

/* The page's title, and under it the key of P. */
static void write_head(const ch_page_head *head, FILE *out)
{
    char title[CH_LABEL_SIZE];
    ch_page_head_title(head, title);
    fputs("reset\nset label ", out);
    ch_gnuplot_quote(out, title);
    fputs(" at screen 0.5, screen 0.987 center noenhanced font ',8.5'\n", out);
    if (head->num_trains > 0) {
        write_train_key(head, out);
    }
    ch_layout_flush(out);
}

/* Puts the script of a page together in memory. The caller frees *script, also after a failure. */
static ch_code make_script(const ch_page_kind *kind, const ch_page_head *head, const void *content, char **script,
                           size_t *length, ch_error *err)
{
    ch_code code = CH_OK;
    locale_t numbers = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0), former = (locale_t)0;
    FILE *out = ch_memstream_open(script, length);
    if (out == NULL || numbers == (locale_t)0) {
        code = ch_error_memory(err, "a figure");
        goto out;
    }
    former = uselocale(numbers); /* decimal points, whatever the caller's locale */
    ch_gnuplot_terminal(out, kind->format);
    fputs("set multiplot\n", out);
    write_head(head, out);
    code = kind->write(head, content, out, err);
    fputs("unset multiplot\nunset output\n", out);
    uselocale(former);
out:
    if (out != NULL && !ch_memstream_close(out, script) && code == CH_OK) {
        code = ch_error_memory(err, "a figure");
    }
    if (numbers != (locale_t)0) {
        freelocale(numbers);
    }
    return code;
}

/* How many pages before page `index` have the same label. */
static size_t count_namesakes(const ch_page_head *heads, size_t index, const char *label)
{
    size_t count = 0;
    for (size_t i = 0; i < index; i++) {
        char other[CH_LABEL_SIZE];
        ch_page_head_file(&heads[i], other);
        count += strcmp(other, label) == 0;
    }
    return count;
}

/* The path of a page's file, to be freed by the caller; NULL when memory is short. */
static char *page_path(const ch_page_kind *kind, size_t index)
{
    char label[CH_LABEL_SIZE], suffix[32] = "";
    char *path = NULL;
    ch_page_head_file(&kind->heads[index], label);
    const size_t namesakes = count_namesakes(kind->heads, index, label);
    if (namesakes > 0) {
        snprintf(suffix, sizeof suffix, ".%zu", namesakes + 1);
    }
    const char *slash = kind->directory[strlen(kind->directory) - 1] == '/' ? "" : "/";
    if (asprintf(&path, "%s%s%s%s%s.%s", kind->directory, slash, label, kind->kind, suffix,
                 ch_gnuplot_extension(kind->format)) < 0) {
        return NULL;
    }
    return path;
}

ch_code ch_plot_directory(const char *directory, ch_error *err)
{
    struct stat status;
    if (mkdir(directory, 0777) != 0 && errno != EEXIST) {
        const int failure = errno;
        const ch_obstacle obstacle = ch_find_obstacle(directory);
        return ch_error_set(err, CH_ERROR_INPUT, "cannot make the directory '%s': %s", directory,
                            obstacle.text[0] != '\0' ? obstacle.text : strerror(failure));
    }
    if (stat(directory, &status) != 0) {
        return ch_error_set(err, CH_ERROR_INPUT, "cannot read the directory '%s': %s", directory, strerror(errno));
    }
    if (!S_ISDIR(status.st_mode)) {
        return ch_error_set(err, CH_ERROR_INPUT, "'%s' is no directory: figures need one", directory);
    }
    if (access(directory, W_OK | X_OK) != 0) {
        return ch_error_set(err, CH_ERROR_INPUT, "cannot write into the directory '%s': %s", directory,
                            strerror(errno));
    }
    return CH_OK;
}

ch_code ch_page_draw(const ch_page_kind *kind, size_t index, const void *content, ch_error *err)
{
    char *script = NULL, *path = page_path(kind, index);
    size_t length = 0;
    ch_code code = CH_OK;
    if (path == NULL) {
        code = ch_error_memory(err, "a file name");
        goto out;
    }
    code = make_script(kind, &kind->heads[index], content, &script, &length, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_gnuplot_draw(script, length, path, kind->format, err);
    if (code == CH_OK && kind->names != NULL) {
        ch_text_print(path, kind->names);
        fputc('\n', kind->names);
    }
    if (ch_watch_is_stopped(kind->watch)) { /* it goes before gnuplot's error, as Ctrl-C ends gnuplot too */
        code = ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped before all figures were drawn");
    }
out:
    free(script);
    free(path);
    return code;
}
