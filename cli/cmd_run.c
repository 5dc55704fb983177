/* cmd_run.c — `chiton run`: trains once and prints the result as a table or as JSON. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/meter.h"
#include "core/obstacle.h"
#include "core/text.h"
#include "data/npy_write.h"
#include "sim/store/json.h"
#include "sim/store/results.h"
#include "sim/train_private.h"
#include "sim/weights_file.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- settings ---- */

static ch_code set(ch_settings *settings, size_t setting, const char *text, ch_error *err)
{
    ch_value value;
    const ch_code code = ch_setting_parse(&ch_settings_table[setting], text, &value, err);
    if (code != CH_OK) {
        return code;
    }
    ch_settings_set(settings, setting, value);
    return CH_OK;
}

/* Reads the settings of the command line and the samples that they name, and checks that the run may begin. */
static ch_code read_settings(ch_resolved *resolved, ch_sources *sources, const ch_cli *cli, ch_error *err)
{
    ch_settings settings;
    ch_settings_default(&settings);
    settings.data_dir = getenv("CHITON_DATA");
    if (cli->num_arguments != 1) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "run takes one model, e.g. chiton run perceptron --temp 1; %zu were given",
                            cli->num_arguments);
    }
    ch_code code = ch_cli_check_model(cli, cli->arguments[0], err);
    if (code != CH_OK) {
        return code;
    }
    code = set(&settings, CH_SETTING_MODEL, cli->arguments[0], err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = 0; i < cli->num_settings; i++) {
        code = set(&settings, cli->settings[i].setting, cli->settings[i].text, err);
        if (code != CH_OK) {
            return code;
        }
    }
    code = ch_settings_resolve(&settings, resolved, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_sources_admit(sources, resolved, NULL, err);
}

/* ---- the result as a table ---- */

static void show_count(uint64_t count, char *text, size_t size)
{
    if (count == CH_UNCOUNTED) {
        snprintf(text, size, "-");
    } else {
        snprintf(text, size, "%llu", (unsigned long long)count);
    }
}

static void show_real(double value, char *text, size_t size)
{
    if (isnan(value)) {
        snprintf(text, size, "-");
    } else {
        snprintf(text, size, "%.6g", value);
    }
}

static void print_result(const ch_run *run, const ch_result *row)
{
    char text[24] = "";
    switch (row->type) {
    case CH_RESULT_STATUS:
        snprintf(text, sizeof text, "%s", ch_result_text(row, run));
        break;
    case CH_RESULT_CAUSE:
        if (run->status == CH_STUCK) {
            printf("  %-18s %s\n", row->name, ch_result_text(row, run));
        }
        return;
    case CH_RESULT_COUNT:
        show_count(ch_result_number(row, run), text, sizeof text);
        break;
    case CH_RESULT_REAL:
        show_real(ch_result_real(row, run), text, sizeof text);
        break;
    }
    printf("  %-18s %-18s %s\n", row->name, text, row->help);
}

/* Prints a row for every point. A column is left out where the last point has no number for it. */
static void print_trajectory(const ch_run *run)
{
    const ch_point *last = &run->points[run->num_points - 1];
    printf("trajectory\n  %14s %12s %10s", "step", "time", "unfitted");
    for (size_t c = 0; c < ch_shown_count(); c++) {
        const ch_result column = ch_shown_at(c);
        if (isfinite(ch_result_real(&column, last))) {
            printf(" %13s", column.name);
        }
    }
    putchar('\n');
    for (size_t i = 0; i < run->num_points; i++) {
        const ch_point *point = &run->points[i];
        char unfitted[24];
        show_count(point->observed.unfitted, unfitted, sizeof unfitted);
        printf("  %14llu %12.6g %10s", (unsigned long long)point->step, point->time, unfitted);
        for (size_t c = 0; c < ch_shown_count(); c++) {
            const ch_result column = ch_shown_at(c);
            if (isfinite(ch_result_real(&column, last))) {
                printf(" %13.6g", ch_result_real(&column, point));
            }
        }
        putchar('\n');
    }
}

static ch_code print_table(const ch_run *run, const char *digest, ch_error *err)
{
    char text[256];
    puts("settings");
    for (size_t i = 0; i < ch_settings_count; i++) {
        if (!ch_setting_applies(&run->settings, i)) {
            continue;
        }
        ch_setting_show(&ch_settings_table[i], ch_settings_get(&run->settings, i), text, sizeof text);
        printf("  %-18s %-18s %s\n", ch_settings_table[i].name, text, ch_settings_table[i].help);
    }
    if (digest[0] != '\0') {
        printf("  %-18s %.16s…  SHA-256 of the file of initial weights\n", "init", digest);
    }
    puts("result");
    for (size_t i = 0; i < ch_results_count(); i++) {
        const ch_result row = ch_result_at(i);
        print_result(run, &row);
    }
    if (run->num_points > 0) {
        print_trajectory(run);
    }
    return ch_cli_flush(err);
}

/* ---- the result as JSON ---- */

static ch_code print_json(const ch_run *run, const char *digest, ch_error *err)
{
    json_t *json = ch_json_run(run);
    if (json != NULL && digest[0] != '\0' && json_object_set_new(json, "init", json_string(digest)) != 0) {
        json_decref(json);
        json = NULL;
    }
    const ch_code code = json != NULL ? ch_cli_print_json(json, err) : ch_error_memory(err, "the result");
    json_decref(json);
    return code;
}

/* ---- the command ---- */

typedef struct {
    char *kernels;    /* folder of kernel files; allocated by popt, or NULL */
    char *init, *out; /* files of the weights at the beginning and at the end; allocated by popt, or NULL */
    int threads, as_json;
    char digest[CH_WEIGHTS_DIGEST_SIZE]; /* of the file `init`; "" without one */
} run_arguments;

static ch_code print(const ch_run *run, const run_arguments *chosen, ch_error *err)
{
    return chosen->as_json ? print_json(run, chosen->digest, err) : print_table(run, chosen->digest, err);
}

/* ---- weights ---- */

/* Whether the files of weights are accepted, before anything is computed. */
static ch_code check_weights(const ch_resolved *resolved, const run_arguments *chosen, ch_error *err)
{
    const ch_code code = ch_run_weights_check(resolved, chosen->init != NULL, chosen->out != NULL, err);
    if (code != CH_OK || chosen->out == NULL) {
        return code;
    }
    struct stat status;
    if (stat(chosen->out, &status) == 0 && S_ISDIR(status.st_mode)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "save-weights is %s, which is a folder; accepted is the name of a file",
                            ch_show(chosen->out).text);
    }
    const ch_obstacle obstacle = ch_find_obstacle(chosen->out);
    return obstacle.text[0] == '\0' ? CH_OK
                                    : ch_error_set(err, CH_ERROR_INPUT, "save-weights is %s, which cannot be made: %s",
                                                   ch_show(chosen->out).text, obstacle.text);
}

/* Trains from the weights of one file, and writes those at the end into another. */
static ch_code train_with_weights(ch_run *run, const ch_resolved *resolved, ch_sources *sources, run_arguments *chosen,
                                  const ch_watch *watch, ch_error *err)
{
    ch_run_weights weights = {0};
    double *init = NULL;
    ch_code code = CH_OK;
    if (chosen->init != NULL) {
        code = ch_weights_read(chosen->init, &init, &weights.num_init, chosen->digest, err);
        if (code != CH_OK) {
            return code;
        }
        weights.init = init;
    }
    code = ch_train_from(run, &weights, resolved, sources, chosen->threads, watch, err);
    if (code == CH_OK && chosen->out != NULL) {
        code = ch_npy_write(chosen->out, CH_ELEMENT_F64, &weights.num_end, 1, weights.end, err);
    }
    free(init);
    free(weights.end);
    return code;
}

/* Trains, and shows on standard error how far the run is. */
static ch_code train(ch_run *run, const ch_resolved *resolved, ch_sources *sources, run_arguments *chosen,
                     ch_error *err)
{
    static const double PATIENCE_SECONDS = 1;
    ch_meter meter;
    ch_meter_start(&meter, "steps", PATIENCE_SECONDS);
    const ch_watch watch = ch_meter_watch(&meter, ch_cli_catch_signals());
    const ch_code code = chosen->init != NULL || chosen->out != NULL
                             ? train_with_weights(run, resolved, sources, chosen, &watch, err)
                             : ch_train_from(run, NULL, resolved, sources, chosen->threads, &watch, err);
    ch_meter_finish(&meter);
    return code;
}

static ch_code train_and_print(const ch_cli *cli, run_arguments *chosen, ch_error *err)
{
    ch_resolved resolved;
    ch_run run = {0};
    ch_sources sources = {.kernel_folder = chosen->kernels};
    ch_error ignored;
    ch_code code = ch_cli_check_threads(chosen->threads, err);
    if (code != CH_OK) {
        goto out;
    }
    code = read_settings(&resolved, &sources, cli, err);
    if (code != CH_OK) {
        goto out;
    }
    code = check_weights(&resolved, chosen, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_cli_check_kernels(chosen->kernels, resolved.settings.linear == CH_LINEAR_YES, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_cli_open_kernels(chosen->kernels, err);
    if (code != CH_OK) {
        goto out;
    }
    code = train(&run, &resolved, &sources, chosen, err);
    if (code == CH_ERROR_INTERRUPTED && run.steps > 0) {
        /* that the run was stopped is reported, and not a failure to print what there is of it */
        (void)!print(&run, chosen, &ignored);
    }
    if (code != CH_OK) {
        goto out;
    }
    code = print(&run, chosen, err);
out:
    ch_sources_free(&sources);
    ch_run_free(&run);
    return code;
}

int ch_cmd_run(int argc, const char **argv)
{
    run_arguments chosen = {.threads = omp_get_max_threads()};
    const struct poptOption options[] = {
        {"threads", 'j', POPT_ARG_INT, &chosen.threads, 0, "threads for the run (default: one a core)", "THREADS"},
        {"json", '\0', POPT_ARG_NONE, &chosen.as_json, 0, "print one JSON object", NULL},
        {"init", '\0', POPT_ARG_STRING, &chosen.init, 0, "initial weights of a network, as numpy.save writes them",
         "FILE.npy"},
        {"save-weights", '\0', POPT_ARG_STRING, &chosen.out, 0, "write the weights at the end", "FILE.npy"},
        CH_CLI_KERNEL_CACHE(&chosen.kernels),
        POPT_TABLEEND,
    };
    ch_error err = {0};
    ch_cli cli;
    ch_code code = ch_cli_init(
        &cli, argc, argv, options, true,
        "run MODEL [--SETTING VALUE]... [-j THREADS] [--kernel-cache DIR] [--init FILE] [--save-weights FILE]", &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    code = train_and_print(&cli, &chosen, &err);
out:
    ch_cli_free(&cli);
    free(chosen.kernels);
    free(chosen.init);
    free(chosen.out);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
