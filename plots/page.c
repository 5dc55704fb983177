/* page.c — a page a group: its script put together, drawn and named. */
#include "plots/gnuplot.h"
#include "plots/label.h"
#include "plots/panel.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void page_free(ch_page *self)
{
    ch_series_free(&self->weight_change);
    ch_series_free(&self->time);
    ch_series_free(&self->signal);
    ch_series_free(&self->noise);
}

static ch_code page_init(ch_page *self, const ch_fit *fit, const ch_fit_group *group, ch_error *err)
{
    *self = (ch_page){.options = &fit->options, .group = group};
    const struct {
        ch_series *series;
        size_t offset;
    } quantities[] = {
        {&self->weight_change, offsetof(ch_run, final.weight_change)},
        {&self->time, offsetof(ch_run, time)},
        {&self->signal, offsetof(ch_run, final.signal)},
        {&self->noise, offsetof(ch_run, final.noise)},
    };
    for (size_t i = 0; i < sizeof quantities / sizeof quantities[0]; i++) {
        const ch_code code = ch_series_init(quantities[i].series, group, quantities[i].offset, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* The key of P that panels (a), (b) and (e) share: centred, in one row, in two when there are many. */
static void write_train_key(const ch_fit_group *group, FILE *out)
{
    const double sample = 0.03, most = 0.94;
    const size_t count = group->num_trains, rows = count > 10 ? 2 : 1, columns = (count + rows - 1) / rows;
    const double pitch = (double)columns > 10 ? most / (double)columns : 0.085;
    const double left = 0.515 - 0.5 * pitch * (double)columns, top = 0.965;
    fprintf(out, "set label 'P =' at screen %.17g, screen %.17g right font ',6.5'\n", left - 0.008, top);
    for (size_t i = 0; i < count; i++) {
        const ch_mark mark = ch_mark_of(CH_RAMP_TRAIN, i, count, true);
        char line[64], number[64];
        snprintf(line, sizeof line, "linewidth 0.7 linecolor rgb '#%06x'", mark.colour);
        ch_number_text((double)group->trains[i], number, sizeof number);
        ch_key_write(out, "screen", left + pitch * (double)(i % columns), top - 0.016 * (double)(i / columns), sample,
                     line, &mark, number);
    }
}

/* The page's title, and under it the key of P. */
static void write_head(const ch_fit *fit, const ch_fit_group *group, FILE *out)
{
    char title[CH_LABEL_SIZE];
    ch_label_title(fit, group, title);
    fputs("reset\nset label ", out);
    ch_gnuplot_quote(out, title);
    fputs(" at screen 0.5, screen 0.987 center noenhanced font ',8.5'\n", out);
    if (group->num_trains > 0) {
        write_train_key(group, out);
    }
    fputs("unset border\nunset tics\nunset key\nset xrange [0:1]\nset yrange [0:1]\nplot NaN\n", out);
}

/* Panel `index`, with its strip. */
static ch_code write_panel(const ch_page *page, size_t index, FILE *out, ch_error *err)
{
    const bool has_strip = ch_strip_is_under(page, index);
    ch_panel panel = {0}, strip = {0};
    ch_code code = ch_panel_init(&panel, out, index, has_strip ? CH_PART_UPPER : CH_PART_WHOLE, err);
    if (code == CH_OK) {
        code = ch_panels[index](page, &panel, err);
    }
    if (code == CH_OK && has_strip) {
        code = ch_panel_init(&strip, out, index, CH_PART_STRIP, err);
        strip.x = panel.x;
    }
    if (code == CH_OK && has_strip) {
        code = ch_strip_draw(page, index, &strip, err);
    }
    ch_panel_free(&panel);
    ch_panel_free(&strip);
    return code;
}

/* The six panels of a group's fit. */
static ch_code write_panels(const ch_page *page, FILE *out, ch_error *err)
{
    ch_code code = CH_OK;
    for (size_t i = 0; i < ch_panels_count && code == CH_OK; i++) {
        code = write_panel(page, i, out, err);
    }
    return code == CH_OK ? ch_summary_draw(page, out, err) : code;
}

static ch_code write_fit(const ch_fit *fit, const ch_fit_group *group, const void *content, FILE *out, ch_error *err)
{
    ch_page page = {0};
    (void)content;
    ch_code code = page_init(&page, fit, group, err);
    if (code == CH_OK) {
        code = write_panels(&page, out, err);
    }
    page_free(&page);
    return code;
}

/* The script of a group's page, in memory: *script is freed by the caller, also after a failure. */
static ch_code make_script(const ch_fit *fit, const ch_fit_group *group, ch_page_write write, const void *content,
                           ch_plot_format format, char **script, size_t *length, ch_error *err)
{
    ch_code code = CH_OK;
    locale_t numbers = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0), former = (locale_t)0;
    FILE *out = open_memstream(script, length);
    if (out == NULL || numbers == (locale_t)0) {
        code = ch_error_memory(err, "a figure");
        goto out;
    }
    former = uselocale(numbers); /* decimal points, whatever the caller's locale */
    ch_gnuplot_terminal(out, format);
    fputs("set multiplot\n", out);
    write_head(fit, group, out);
    code = write(fit, group, content, out, err);
    fputs("unset multiplot\nunset output\n", out);
    uselocale(former);
out:
    if (out != NULL && fclose(out) != 0 && code == CH_OK) {
        code = ch_error_memory(err, "a figure");
    }
    if (numbers != (locale_t)0) {
        freelocale(numbers);
    }
    return code;
}

/* How many groups before `index` have the same file label. */
static size_t count_namesakes(const ch_fit *fit, size_t index, const char *label)
{
    size_t count = 0;
    for (size_t g = 0; g < index; g++) {
        char other[CH_LABEL_SIZE];
        ch_label_file(fit, &fit->groups[g], other);
        count += strcmp(other, label) == 0;
    }
    return count;
}

/* DIR/LABEL.FORMAT, or DIR/LABEL.2.FORMAT for the second group of that label; `kind` comes after the label. NULL when
 * memory is short. */
static char *page_path(const ch_fit *fit, size_t index, const char *kind, const char *directory, ch_plot_format format)
{
    char label[CH_LABEL_SIZE], suffix[32] = "";
    char *path = NULL;
    ch_label_file(fit, &fit->groups[index], label);
    const size_t namesakes = count_namesakes(fit, index, label);
    if (namesakes > 0) {
        snprintf(suffix, sizeof suffix, ".%zu", namesakes + 1);
    }
    const char *slash = directory[strlen(directory) - 1] == '/' ? "" : "/";
    if (asprintf(&path, "%s%s%s%s%s.%s", directory, slash, label, kind, suffix, ch_gnuplot_extension(format)) < 0) {
        return NULL;
    }
    return path;
}

ch_code ch_plot_directory(const char *directory, ch_error *err)
{
    struct stat status;
    if (mkdir(directory, 0777) != 0 && errno != EEXIST) {
        return ch_error_set(err, CH_ERROR_INPUT, "cannot make the directory '%s': %s", directory, strerror(errno));
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

ch_code ch_page_draw(const ch_fit *fit, size_t index, const char *kind, ch_page_write write, const void *content,
                     const char *directory, ch_plot_format format, FILE *names, ch_error *err)
{
    char *script = NULL, *path = page_path(fit, index, kind, directory, format);
    size_t length = 0;
    ch_code code = path == NULL ? ch_error_memory(err, "a file name")
                                : make_script(fit, &fit->groups[index], write, content, format, &script, &length, err);
    if (code == CH_OK) {
        code = ch_gnuplot_draw(script, length, path, format, err);
    }
    if (code == CH_OK && names != NULL) {
        fprintf(names, "%s\n", path);
    }
    free(script);
    free(path);
    return code;
}

ch_code ch_plot_fit(const ch_fit *fit, const char *directory, ch_plot_format format, FILE *names, ch_error *err)
{
    ch_code code = CH_OK;
    for (size_t i = 0; i < fit->num_groups && code == CH_OK; i++) {
        code = ch_page_draw(fit, i, "", write_fit, NULL, directory, format, names, err);
    }
    return code;
}
