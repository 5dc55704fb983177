/* cmd_data.c — `chiton data`: image files, what is there of them and where to get them. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "core/text.h"

#include "core/clock.h"
#include "core/names.h"
#include "data/data.h"
#include "sim/store/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- check ---- */

static json_t *file_json(const ch_image_file *file)
{
    if (!file->found) {
        return json_pack("{s:s, s:b}", "name", file->name, "found", 0);
    }
    return json_pack("{s:s, s:b, s:I, s:I, s:s, s:o}", "name", file->name, "found", 1, "records",
                     (json_int_t)file->records, "bytes", (json_int_t)file->bytes, "md5", file->md5, "original",
                     file->is_known ? json_boolean(file->original) : json_null());
}

/* {"set": name, "folder": path, "files": [{…}, …], "images": n, "classes": [n of 0, …, n of 9], "positive": n,
 *  "negative": n, "repeated": n, "opposed": n, "sha256": digest} */
static json_t *report_json(const ch_image_report *report, ch_image_set set)
{
    json_t *object = json_object();
    json_t *files = json_array(), *classes = json_array();
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < report->num_files; i++) {
        failed = json_array_append_new(files, file_json(&report->files[i]));
    }
    for (size_t i = 0; failed == 0 && i < CH_NUM_CLASSES; i++) {
        failed = json_array_append_new(classes, json_integer((json_int_t)report->per_class[i]));
    }
    failed |= json_object_set_new(object, "set", json_string(ch_image_set_name(set)));
    failed |= json_object_set_new(object, "folder", ch_json_text(report->folder));
    failed |= json_object_set_new(object, "files", files);
    failed |= json_object_set_new(object, "images", json_integer((json_int_t)report->count));
    failed |= json_object_set_new(object, "classes", classes);
    failed |= json_object_set_new(object, "positive", json_integer((json_int_t)report->positive));
    failed |= json_object_set_new(object, "negative", json_integer((json_int_t)(report->count - report->positive)));
    failed |= json_object_set_new(object, "repeated", json_integer((json_int_t)report->origin.num_repeated));
    failed |= json_object_set_new(object, "opposed", json_integer((json_int_t)report->origin.num_opposed));
    failed |= json_object_set_new(object, "sha256", json_string(report->digest));
    if (failed != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static void print_files(const ch_image_report *report)
{
    printf("%-28s  %8s  %11s  %-32s  %s\n", "file", "records", "bytes", "MD5", "original");
    for (size_t i = 0; i < report->num_files; i++) {
        const ch_image_file *file = &report->files[i];
        if (file->found) {
            printf("%-28s  %8zu  %11" PRIu64 "  %-32s  %s\n", file->name, file->records, file->bytes, file->md5,
                   file->original   ? "yes"
                   : file->is_known ? "no"
                                    : "unknown");
        } else {
            printf("%-28s  missing\n", file->name);
        }
    }
}

/* Says how many of the files are not the authors', and how many images occur more than once. */
static void print_origin(const ch_image_report *report)
{
    char sentence[320];
    ch_image_origin_describe(&report->origin, sentence, sizeof sentence);
    if (sentence[0] != '\0') {
        printf("\n%s\n", sentence);
    }
}

static void print_report(const ch_image_report *report, ch_image_set set)
{
    printf("%-16s", "folder");
    ch_text_print(report->folder, stdout);
    putchar('\n');
    print_files(report);
    print_origin(report);
    printf("\n%-16s%zu\n%-16s", "images", report->count, "classes 0 to 9");
    for (size_t i = 0; i < CH_NUM_CLASSES; i++) {
        printf("%s%zu", i > 0 ? ", " : "", report->per_class[i]);
    }
    printf("\n%-16s%zu of +1, %zu of -1\n%-16s%s\n", ch_law_name(ch_image_set_law(set)), report->positive,
           report->count - report->positive, "SHA-256", report->digest);
}

static ch_code check(ch_image_set set, const char *dir, bool json, ch_error *err)
{
    ch_image_report report;
    ch_code code = ch_image_report_make(&report, set, dir, err);
    if (code != CH_OK) {
        return code;
    }
    if (!json) {
        print_report(&report, set);
        return ch_cli_flush(err);
    }
    json_t *object = report_json(&report, set);
    code = object != NULL ? ch_cli_print_json(object, err) : ch_error_memory(err, "the report");
    json_decref(object);
    return code;
}

/* ---- fetch ---- */

/* Shows on standard error how far a transfer is. On a terminal one line is drawn again and again; elsewhere a line is
 * printed every few seconds. */
typedef struct {
    double shown; /* time of the last display in seconds, monotonic */
    bool terminal, open;
} display;

static void end_line(display *self)
{
    if (self->open) {
        fputs("\r\033[K", stderr);
    }
    self->open = false;
}

static void say(void *context, const char *sentence)
{
    end_line(context);
    ch_text_print(sentence, stderr);
    fputc('\n', stderr);
}

static void progress(void *context, const ch_watch_report *report)
{
    static const double redraw_seconds = 0.1, line_seconds = 5;
    display *self = context;
    if (ch_clock_now() - self->shown < (self->terminal ? redraw_seconds : line_seconds)) {
        return;
    }
    self->shown = ch_clock_now();
    self->open = self->terminal;
    const bool is_known = report->total > 0;
    fprintf(stderr, "%s%s  %s%s%s%s", self->terminal ? "\r" : "", report->what, ch_show_bytes(report->done).text,
            is_known ? " of " : "", is_known ? ch_show_bytes(report->total).text : "",
            self->terminal ? " \033[K" : "\n");
    fflush(stderr);
}

static ch_code fetch(ch_image_set set, const char *dir, const char *from, ch_error *err)
{
    display shown = {.shown = ch_clock_now(), .terminal = isatty(STDERR_FILENO) != 0};
    const ch_watch watch = {.stop = ch_cli_catch_signals(), .progress = progress, .say = say, .context = &shown};
    const ch_code code = ch_fetch_images(set, dir, from, &watch, err);
    end_line(&shown);
    return code;
}

/* ---- the command ---- */

typedef struct {
    char *dir, *from; /* owned */
    int json;
} data_options;

static ch_code choose_dir(const data_options *options, const char **dir, ch_error *err)
{
    *dir = options->dir != NULL ? options->dir : getenv("CHITON_DATA");
    if (*dir == NULL || **dir == '\0') {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "where image data lie is not said; give --data-dir D or set "
                            "CHITON_DATA to it");
    }
    return CH_OK;
}

static ch_code run(const ch_cli *cli, const data_options *options, ch_error *err)
{
    static const char *const verbs[] = {"check", "fetch", "export"};
    const char *dir = NULL;
    ch_image_set set = CH_IMAGES_MNIST;
    if (cli->num_arguments != 2) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "data takes check or fetch and one of mnist, cifar10, fashion_mnist and kmnist, but %zu "
                            "arguments are given",
                            cli->num_arguments);
    }
    const char *verb = cli->arguments[0];
    const bool checks = strcmp(verb, verbs[0]) == 0;
    if (!checks && strcmp(verb, verbs[1]) != 0) {
        const char *nearest = ch_names_nearest(verb, verbs, 3);
        return nearest != NULL
                   ? ch_error_set(err, CH_ERROR_INPUT, "data has no '%s'; did you mean '%s'?", ch_show(verb).text,
                                  nearest)
                   : ch_error_set(err, CH_ERROR_INPUT, "data has no '%s'; accepted is check, fetch or export",
                                  ch_show(verb).text);
    }
    if (checks && options->from != NULL) {
        return ch_error_set(err, CH_ERROR_INPUT, "--from is of data fetch only, but data check is given it");
    }
    if (!checks && options->json) {
        return ch_error_set(err, CH_ERROR_INPUT, "--json is of data check only, but data fetch is given it");
    }
    ch_code code = ch_image_set_find(cli->arguments[1], &set, err);
    if (code != CH_OK) {
        return code;
    }
    code = choose_dir(options, &dir, err);
    if (code != CH_OK) {
        return code;
    }
    return checks ? check(set, dir, options->json != 0, err) : fetch(set, dir, options->from, err);
}

int ch_cmd_data(int argc, const char **argv)
{
    data_options given = {0};
    if (argc > 1 && strcmp(argv[1], "export") == 0) {
        return ch_cmd_data_export(argc - 1, argv + 1);
    }
    const struct poptOption options[] = {
        {"data-dir", '\0', POPT_ARG_STRING, &given.dir, 0, "where image data lie; default $CHITON_DATA", "D"},
        {"from", '\0', POPT_ARG_STRING, &given.from, 0, "fetch: URL of a folder with the same files", "URL"},
        {"json", '\0', POPT_ARG_NONE, &given.json, 0, "check: one JSON object", NULL},
        POPT_TABLEEND};
    ch_error err = {0};
    ch_cli cli;
    ch_code code = ch_cli_init(&cli, argc, argv, options, false,
                               "data check|fetch mnist|cifar10|fashion_mnist|kmnist [--data-dir D] [--from URL] "
                               "[--json], or data export --help",
                               &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    code = run(&cli, &given, &err);
out:
    ch_cli_free(&cli);
    free(given.dir);
    free(given.from);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
