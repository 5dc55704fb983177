/* page.c — one page: puts its script together, has it drawn, and prints the file's name. */
#define _GNU_SOURCE 1 /* asprintf */
#include "plots/page.h"

#include "core/memstream.h"
#include "core/obstacle.h"
#include "core/text.h"
#include "plots/gnuplot.h"
#include "plots/layout.h"
#include "plots/panel_rows.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The key of P, which the panels share: centred, in as many rows as it takes. */
static void write_train_key(const ch_page_head *head, ch_sheet *sheet)
{
    const double sample = 0.03, pitch = 0.085;
    const size_t count = head->num_trains, most = sheet->columns == 2 ? 10 : 5;
    const size_t rows = (count + most - 1) / most, columns = (count + rows - 1) / rows;
    const double middle = 0.25 * (double)sheet->columns + 0.015, left = middle - 0.5 * pitch * (double)columns;
    fprintf(sheet->out, "set label 'P =' at screen page_x(%.17g), screen head_y(%.17g) right font ',6.5'\n",
            left - 0.008, ch_sheet_head_row(sheet, 0));
    for (size_t i = 0; i < count; i++) {
        const ch_mark mark = ch_mark_of(CH_RAMP_TRAIN, i, count, true);
        char line[64], number[64];
        snprintf(line, sizeof line, "linewidth 0.7 linecolor rgb '#%06x'", mark.colour);
        ch_number_text((double)head->trains[i], number, sizeof number);
        ch_key_write(sheet->out, CH_KEY_OF_PAGE, left + pitch * (double)(i % columns),
                     ch_sheet_head_row(sheet, i / columns), sample, head->has_no_lines ? NULL : line, &mark, number);
    }
}

/* The page's title, and under it the key of P. */
static void write_head(const ch_page_head *head, ch_sheet *sheet)
{
    char title[CH_LABEL_SIZE];
    ch_page_head_title(head, title);
    fputs("reset\nset label ", sheet->out);
    ch_gnuplot_quote(sheet->out, title);
    fprintf(sheet->out, " at screen 0.5, screen head_y(0.987) center noenhanced font ',%.3g'\n",
            sheet->columns == 2 ? 8.5 : 7.5);
    if (head->num_trains > 0) {
        write_train_key(head, sheet);
    }
    ch_layout_flush(sheet->out);
}

/* Writes the head and the panels of a page.  @param sheet  out: what of it is used */
static ch_code write_body(const ch_page_kind *kind, const ch_page_head *head, const void *content, ch_sheet *sheet,
                          ch_error *err)
{
    fputs("set multiplot\n", sheet->out);
    if (kind->name == NULL) {
        write_head(head, sheet);
    }
    const ch_code code = kind->write(head, content, sheet, err);
    fputs("unset multiplot\nunset output\n", sheet->out);
    return code;
}

/* Puts the beginning of a script and its body together.  @param script  as of make_script */
static ch_code join(const ch_sheet *sheet, const char *body, size_t body_length, char **script, size_t *length,
                    ch_error *err)
{
    FILE *out = ch_memstream_open(script, length);
    if (out == NULL) {
        return ch_error_memory(err, "a figure");
    }
    ch_sheet_begin(sheet, out);
    fwrite(body, 1, body_length, out);
    return ch_memstream_close(out, script) ? CH_OK : ch_error_memory(err, "a figure");
}

/* Puts the script of a page together in memory.
 * @param script  to be freed by the caller, also after a failure; NULL if the page has no panel that is shown
 * @param rows    takes the numbers that are drawn; or NULL */
static ch_code make_script(const ch_page_kind *kind, const ch_page_head *head, const void *content, char **script,
                           size_t *length, FILE *rows, ch_error *err)
{
    ch_code code = CH_OK;
    char *body = NULL, *hidden = NULL;
    size_t body_length = 0, hidden_length = 0;
    locale_t numbers = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0), former = (locale_t)0;
    FILE *out = ch_memstream_open(&body, &body_length), *nowhere = ch_memstream_open(&hidden, &hidden_length);
    ch_sheet sheet = ch_sheet_new(kind->style, out, nowhere);
    if (out == NULL || nowhere == NULL || numbers == (locale_t)0) {
        code = ch_error_memory(err, "a figure");
        goto out;
    }
    sheet.rows = rows;
    former = uselocale(numbers); /* decimal points, whatever the caller's locale */
    code = write_body(kind, head, content, &sheet, err);
    const bool is_whole = ch_memstream_close(out, &body);
    out = NULL;
    if (code == CH_OK && !is_whole) {
        code = ch_error_memory(err, "a figure");
    }
    if (code == CH_OK && sheet.num_shown > 0) {
        code = join(&sheet, body, body_length, script, length, err);
    }
    uselocale(former);
out:
    if (out != NULL) {
        (void)!ch_memstream_close(out, &body);
    }
    if (nowhere != NULL) {
        (void)!ch_memstream_close(nowhere, &hidden);
    }
    if (numbers != (locale_t)0) {
        freelocale(numbers);
    }
    free(body);
    free(hidden);
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

/* The path of a page's file with an extension, to be freed by the caller; NULL when memory is short. */
static char *page_path(const ch_page_kind *kind, size_t index, const char *extension)
{
    char label[CH_LABEL_SIZE], suffix[32] = "";
    const bool has_panel = kind->style->panel != 0 && kind->name == NULL;
    const char panel[] = {has_panel ? '-' : '\0', kind->style->panel, '\0'};
    char *path = NULL;
    if (kind->name != NULL) {
        snprintf(label, sizeof label, "%s", kind->name);
    } else {
        ch_page_head_file(&kind->heads[index], label);
    }
    const size_t namesakes = kind->name != NULL ? 0 : count_namesakes(kind->heads, index, label);
    if (namesakes > 0) {
        snprintf(suffix, sizeof suffix, ".%zu", namesakes + 1);
    }
    const char *slash = kind->directory[strlen(kind->directory) - 1] == '/' ? "" : "/";
    if (asprintf(&path, "%s%s%s%s%s%s.%s", kind->directory, slash, label, kind->kind, panel, suffix, extension) < 0) {
        return NULL;
    }
    return path;
}

ch_code ch_plot_width_parse(const char *text, double *width, ch_error *err)
{
    static const struct {
        const char *name;
        double centimetres;
    } units[] = {{"", 1}, {"cm", 1}, {"mm", 0.1}, {"in", 2.54}};
    char *end = NULL;
    const double value = strtod(text, &end);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        *width = value * units[i].centimetres;
        if (end != text && strcmp(end, units[i].name) == 0 && *width >= CH_PLOT_LEAST_WIDTH &&
            *width <= CH_PLOT_MOST_WIDTH) {
            return CH_OK;
        }
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "--size is %s, but must be a width from %d to %d cm, such as 8.6cm or 3.4in", text,
                        CH_PLOT_LEAST_WIDTH, CH_PLOT_MOST_WIDTH);
}

ch_code ch_plot_panel_parse(const char *text, char *panel, ch_error *err)
{
    if (text[0] < 'a' || text[0] > 'f' || text[1] != '\0') {
        return ch_error_set(err, CH_ERROR_INPUT, "--panel is %s, but must be a letter from a to f", text);
    }
    *panel = text[0];
    return CH_OK;
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

/* Prints the name of a file that is there. */
static void print_name(const ch_page_kind *kind, const char *path)
{
    if (kind->names != NULL) {
        ch_text_print(path, kind->names);
        fputc('\n', kind->names);
    }
}

/* Writes the numbers of a page beside it. They replace older ones once they are complete. */
static ch_code write_rows(const ch_page_kind *kind, size_t index, const char *text, size_t length, ch_error *err)
{
    char *path = page_path(kind, index, "csv"), *part = NULL;
    FILE *out = NULL;
    ch_code code = CH_OK;
    if (path == NULL || asprintf(&part, "%s.%ld.part", path, (long)getpid()) < 0) {
        part = NULL;
        code = ch_error_memory(err, "a file name");
        goto out;
    }
    out = fopen(part, "we");
    if (out == NULL) {
        code = ch_error_set(err, CH_ERROR_INPUT, "cannot write %s: %s", path, strerror(errno));
        goto out;
    }
    const bool is_written = fwrite(text, 1, length, out) == length && fflush(out) == 0;
    const int failure = errno;
    if (fclose(out) != 0 || !is_written) {
        code = ch_error_set(err, CH_ERROR_IO, "cannot write %s: %s", path, strerror(is_written ? errno : failure));
        unlink(part);
        goto out;
    }
    if (rename(part, path) != 0) {
        code = ch_error_set(err, CH_ERROR_INPUT, "cannot write %s: %s", path, strerror(errno));
        unlink(part);
        goto out;
    }
    print_name(kind, path);
out:
    free(part);
    free(path);
    return code;
}

ch_code ch_page_draw(const ch_page_kind *kind, size_t index, const void *content, ch_error *err)
{
    char *script = NULL, *rows = NULL, *path = page_path(kind, index, ch_gnuplot_extension(kind->style->format));
    size_t length = 0, rows_length = 0;
    FILE *rows_out = kind->style->has_data ? ch_memstream_open(&rows, &rows_length) : NULL;
    ch_code code = CH_OK;
    if (path == NULL || (kind->style->has_data && rows_out == NULL)) {
        code = ch_error_memory(err, "a figure");
        goto out;
    }
    if (rows_out != NULL) {
        fputs(CH_ROW_COLUMNS "\n", rows_out);
    }
    code = make_script(kind, &kind->heads[index], content, &script, &length, rows_out, err);
    if (code == CH_OK && rows_out != NULL) {
        const bool is_whole = ch_memstream_close(rows_out, &rows);
        rows_out = NULL;
        code = is_whole ? CH_OK : ch_error_memory(err, "the numbers of a figure");
    }
    if (code != CH_OK || script == NULL) {
        goto out;
    }
    code = ch_gnuplot_draw(script, length, path, kind->style->format, err);
    if (code == CH_OK) {
        print_name(kind, path);
        code = rows != NULL ? write_rows(kind, index, rows, rows_length, err) : CH_OK;
    }
    if (ch_watch_is_stopped(kind->watch)) { /* it goes before gnuplot's error, as Ctrl-C ends gnuplot too */
        code = ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped before all figures were drawn");
    }
out:
    if (rows_out != NULL) {
        (void)!ch_memstream_close(rows_out, &rows);
    }
    free(rows);
    free(script);
    free(path);
    return code;
}
