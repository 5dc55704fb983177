/* cmd_run.c — chiton run: one training, as a table or as JSON. */
#include "cli/cli.h"
#include "cli/commands.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ch_code read_settings(ch_resolved *resolved, const ch_cli *cli, ch_error *err)
{
    ch_settings settings;
    ch_settings_default(&settings);
    settings.data_dir = getenv("CHITON_DATA");
    if (cli->num_arguments != 1) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "run takes one model, e.g. chiton run perceptron --temp 1; %zu were given",
                            cli->num_arguments);
    }
    size_t model = 0;
    ch_value value;
    ch_code code = ch_settings_find("model", &model, err);
    if (code == CH_OK) {
        code = ch_setting_parse(&ch_settings_table[model], cli->arguments[0], &value, err);
    }
    if (code != CH_OK) {
        return code;
    }
    ch_settings_set(&settings, model, value);
    for (size_t i = 0; i < cli->num_settings; i++) {
        const size_t index = cli->settings[i].setting;
        if ((code = ch_setting_parse(&ch_settings_table[index], cli->settings[i].text, &value, err)) != CH_OK) {
            return code;
        }
        ch_settings_set(&settings, index, value);
    }
    code = ch_settings_resolve(&settings, resolved, err);
    return code == CH_OK ? ch_admit(resolved, err) : code;
}

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
    const char *member = (const char *)run + row->offset;
    char count[24], real[24];
    printf("  %-18s ", row->name);
    switch (row->type) {
    case CH_RESULT_TEXT:
        printf("%-18s", ch_status_name(run->status));
        break;
    case CH_RESULT_COUNT:
        show_count(*(const uint64_t *)(const void *)member, count, sizeof count);
        printf("%-18s", count);
        break;
    case CH_RESULT_REAL:
        show_real(*(const double *)(const void *)member, real, sizeof real);
        printf("%-18s", real);
        break;
    }
    printf(" %s\n", row->help);
}

/* Of a point: those beside step, time and unfitted that it has a number for. */
static const struct {
    const char *name;
    size_t offset; /* in ch_point */
} columns[] = {
    {"loss", offsetof(ch_point, observed.train_loss)},
    {"signal", offsetof(ch_point, observed.signal)},
    {"noise", offsetof(ch_point, observed.noise)},
    {"weight_change", offsetof(ch_point, observed.weight_change)},
    {"kernel_change", offsetof(ch_point, observed.kernel_change)},
    {"test_error", offsetof(ch_point, observed.test_error)},
};
enum { NUM_COLUMNS = sizeof columns / sizeof *columns };

static double entry(const ch_point *point, size_t column)
{
    double value = 0;
    memcpy(&value, (const char *)point + columns[column].offset, sizeof value);
    return value;
}

static void print_trajectory(const ch_run *run)
{
    const ch_point *last = &run->points[run->num_points - 1];
    printf("trajectory\n  %14s %12s %10s", "step", "time", "unfitted");
    for (size_t c = 0; c < NUM_COLUMNS; c++) {
        if (isfinite(entry(last, c))) {
            printf(" %13s", columns[c].name);
        }
    }
    putchar('\n');
    for (size_t i = 0; i < run->num_points; i++) {
        const ch_point *point = &run->points[i];
        char unfitted[24];
        show_count(point->observed.unfitted, unfitted, sizeof unfitted);
        printf("  %14llu %12.6g %10s", (unsigned long long)point->step, point->time, unfitted);
        for (size_t c = 0; c < NUM_COLUMNS; c++) {
            if (isfinite(entry(last, c))) {
                printf(" %13.6g", entry(point, c));
            }
        }
        putchar('\n');
    }
}

static void print_table(const ch_run *run)
{
    char text[256];
    puts("settings");
    for (size_t i = 0; i < ch_settings_count; i++) {
        if (!ch_setting_applies(&run->settings, i)) {
            continue;
        }
        ch_setting_format(&ch_settings_table[i], ch_settings_get(&run->settings, i), text, sizeof text);
        printf("  %-18s %-18s %s\n", ch_settings_table[i].name, text, ch_settings_table[i].help);
    }
    puts("result");
    for (size_t i = 0; i < ch_results_count; i++) {
        print_result(run, &ch_results_table[i]);
    }
    if (run->num_points > 0) {
        print_trajectory(run);
    }
}

static ch_code print_json(const ch_run *run, ch_error *err)
{
    json_t *json = ch_json_run(run);
    const ch_code code = json != NULL ? ch_cli_print_json(json, err) : ch_error_memory(err, "the result");
    json_decref(json);
    return code;
}

int ch_cmd_run(int argc, const char **argv)
{
    int as_json = 0, threads = omp_get_max_threads();
    char *kernels = NULL;
    const struct poptOption options[] = {
        {"threads", 'j', POPT_ARG_INT, &threads, 0, "threads for the run (default: one a core)", "THREADS"},
        {"json", '\0', POPT_ARG_NONE, &as_json, 0, "print one JSON object", NULL},
        CH_CLI_KERNEL_CACHE(&kernels),
        POPT_TABLEEND,
    };
    ch_error err = {0};
    ch_cli cli;
    ch_resolved resolved;
    ch_run run = {0};
    ch_code code = ch_cli_init(&cli, argc, argv, options, true,
                               "run MODEL [--SETTING VALUE]... [-j THREADS] [--kernel-cache DIR]", &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    const ch_watch watch = {.stop = ch_cli_catch_signals()};
    if ((code = ch_cli_check_threads(threads, &err)) != CH_OK ||
        (code = read_settings(&resolved, &cli, &err)) != CH_OK ||
        (code = ch_cli_check_kernels(kernels, resolved.settings.linear == CH_LINEAR_YES, &err)) != CH_OK ||
        (code = ch_cli_open_kernels(kernels, &err)) != CH_OK ||
        (code = ch_train_alone(&run, &resolved, kernels, threads, &watch, &err)) != CH_OK) {
        goto out;
    }
    if (as_json) {
        code = print_json(&run, &err);
    } else {
        print_table(&run);
        code = ch_cli_flush(&err);
    }
out:
    ch_run_free(&run);
    ch_cli_free(&cli);
    free(kernels);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
