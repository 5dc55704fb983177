/* cmd_run.c — `chiton run`: trains once and prints the result as a table or as JSON. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/meter.h"
#include "cli/run_store.h"
#include "core/obstacle.h"
#include "core/text.h"
#include "data/npy_write.h"
#include "sim/store/json.h"
#include "sim/store/results.h"
#include "sim/train_private.h"

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

/* Prints a row of a table. The first column has room for the longest name, batch_sharpness_error. */
static void print_row(FILE *out, const char *name, const char *value, const char *help)
{
    fprintf(out, "  %-21s %-15s %s\n", name, value, help);
}

static void print_result(FILE *out, const ch_run *run, const ch_result *row)
{
    char text[24] = "";
    switch (row->type) {
    case CH_RESULT_STATUS:
        snprintf(text, sizeof text, "%s", ch_result_text(row, run));
        break;
    case CH_RESULT_CAUSE:
        if (run->status == CH_STUCK) {
            fprintf(out, "  %-21s %s\n", row->name, ch_result_text(row, run));
        }
        return;
    case CH_RESULT_COUNT:
        show_count(ch_result_number(row, run), text, sizeof text);
        break;
    case CH_RESULT_REAL:
        show_real(ch_result_real(row, run), text, sizeof text);
        break;
    }
    print_row(out, row->name, text, row->help);
}

/* The weights of a run that are written or compared with those of another. */
typedef struct {
    ch_trail own, other; /* along the run, where they are written or compared; of the file it is compared with */
    bool is_compared;
} trails;

/* How far the weights at a point of the trajectory are from those of the other run at the same step. The rows of the
 * own trail are those of step 0 and of the points. @return NaN where the other run has no such step */
static double distance_at(const trails *self, size_t point)
{
    const size_t row = point + 1;
    const uint64_t step = row < self->own.num_rows ? ch_trail_step(&self->own, row) : UINT64_MAX;
    return ch_trail_distance(&self->own, row, &self->other, ch_trail_find(&self->other, step));
}

/* How far the weights at both ends are apart. */
static double distance_of_ends(const trails *self)
{
    const bool is_there = self->own.num_rows > 0 && self->other.num_rows > 0;
    return is_there ? ch_trail_distance(&self->own, self->own.num_rows - 1, &self->other, self->other.num_rows - 1)
                    : NAN;
}

/* The characters that a column of the trajectory takes. */
static int width_of(const ch_result *column)
{
    const int length = (int)strlen(column->name);
    return length > 13 ? length : 13;
}

/* Prints a row for every point. A column is left out where the last point has no number for it. */
static void print_trajectory(FILE *out, const ch_run *run, const trails *kept)
{
    const ch_point *last = &run->points[run->num_points - 1];
    fprintf(out, "trajectory\n  %14s %12s %10s", "step", "time", "unfitted");
    for (size_t c = 0; c < ch_shown_count(); c++) {
        const ch_result column = ch_shown_at(c);
        if (isfinite(ch_result_real(&column, last))) {
            fprintf(out, " %*s", width_of(&column), column.name);
        }
    }
    fputs(kept->is_compared ? "      distance\n" : "\n", out);
    for (size_t i = 0; i < run->num_points; i++) {
        const ch_point *point = &run->points[i];
        char unfitted[24];
        show_count(point->observed.unfitted, unfitted, sizeof unfitted);
        fprintf(out, "  %14llu %12.6g %10s", (unsigned long long)point->step, point->time, unfitted);
        for (size_t c = 0; c < ch_shown_count(); c++) {
            const ch_result column = ch_shown_at(c);
            if (isfinite(ch_result_real(&column, last))) {
                fprintf(out, " %*.6g", width_of(&column), ch_result_real(&column, point));
            }
        }
        if (kept->is_compared) {
            char distance[24];
            show_real(distance_at(kept, i), distance, sizeof distance);
            fprintf(out, " %13s", distance);
        }
        fputc('\n', out);
    }
}

/* Prints the variances along principal directions, layer by layer. */
static void print_fluctuations(FILE *out, const ch_run *run)
{
    fputs("fluctuations\n ", out);
    for (size_t i = 0; i < ch_fluctuations_count(); i++) {
        fprintf(out, i < 2 ? " %5s" : " %14s", ch_fluctuation_result_at(i).name);
    }
    fputc('\n', out);
    for (size_t k = 0; k < run->num_fluctuations; k++) {
        fputc(' ', out);
        for (size_t i = 0; i < ch_fluctuations_count(); i++) {
            const ch_result row = ch_fluctuation_result_at(i);
            char text[24];
            if (row.type == CH_RESULT_COUNT) {
                show_count(ch_result_number(&row, &run->fluctuations[k]), text, sizeof text);
            } else {
                show_real(ch_result_real(&row, &run->fluctuations[k]), text, sizeof text);
            }
            fprintf(out, i < 2 ? " %5s" : " %14s", text);
        }
        fputc('\n', out);
    }
}

static void print_table(FILE *out, const ch_run *run, const trails *kept)
{
    char text[256];
    fputs("settings\n", out);
    for (size_t i = 0; i < ch_settings_count; i++) {
        if (!ch_setting_applies(&run->settings, i)) {
            continue;
        }
        ch_setting_show(&ch_settings_table[i], ch_settings_get(&run->settings, i), text, sizeof text);
        print_row(out, ch_settings_table[i].name, text, ch_settings_table[i].help);
    }
    fputs("result\n", out);
    for (size_t i = 0; i < ch_results_count(); i++) {
        const ch_result row = ch_result_at(i);
        print_result(out, run, &row);
    }
    if (kept->is_compared) {
        show_real(distance_of_ends(kept), text, sizeof text);
        print_row(out, "distance", text, "of the weights at the end from those of distance-to at its end");
    }
    if (run->num_points > 0) {
        print_trajectory(out, run, kept);
    }
    if (run->num_fluctuations > 0) {
        print_fluctuations(out, run);
    }
}

static ch_code print_page(const ch_run *run, const trails *kept, ch_error *err)
{
    ch_cli_page page;
    const ch_code code = ch_cli_page_open(&page, err);
    if (code != CH_OK) {
        return code;
    }
    print_table(page.out, run, kept);
    return ch_cli_page_close(&page, err);
}

/* ---- the result as JSON ---- */

/* Adds the distances from the other run. @return 0, or -1 when memory is short */
static int set_distances(json_t *object, const trails *kept)
{
    json_t *points = json_object_get(object, "trajectory");
    for (size_t i = 0; i < json_array_size(points); i++) {
        if (json_object_set_new(json_array_get(points, i), "distance", ch_json_real(distance_at(kept, i))) != 0) {
            return -1;
        }
    }
    return json_object_set_new(object, "distance", ch_json_real(distance_of_ends(kept)));
}

static ch_code print_json(const ch_run *run, const trails *kept, ch_error *err)
{
    json_t *json = ch_json_run(run);
    if (json != NULL && kept->is_compared && set_distances(json, kept) != 0) {
        json_decref(json);
        json = NULL;
    }
    const ch_code code = json != NULL ? ch_cli_print_json(json, err) : ch_error_memory(err, "the result");
    json_decref(json);
    return code;
}

/* ---- the command ---- */

typedef struct {
    char *kernels; /* folder of kernel files; allocated by popt, or NULL */
    /* files of the weights at the end, of those along the run, and of those along another; allocated by popt, or NULL
     */
    char *out, *trail, *other;
    char *until;   /* the time after which the run ends; allocated by popt, or NULL */
    ch_stop *stop; /* raised by a signal, or when that time is over */
    int threads, as_json;
    trails kept;
    ch_run_store store;
} run_arguments;

static ch_code print(const ch_run *run, const run_arguments *chosen, ch_error *err)
{
    return chosen->as_json ? print_json(run, &chosen->kept, err) : print_page(run, &chosen->kept, err);
}

/* ---- weights ---- */

/* Refuses a name under which no file can be written. */
static ch_code check_name(const char *option, const char *path, ch_error *err)
{
    struct stat status;
    if (path == NULL) {
        return CH_OK;
    }
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s is %s, which is a folder; accepted is the name of a file", option,
                            ch_show(path).text);
    }
    const ch_obstacle obstacle = ch_find_obstacle(path);
    return obstacle.text[0] == '\0' ? CH_OK
                                    : ch_error_set(err, CH_ERROR_INPUT, "%s is %s, which cannot be made: %s", option,
                                                   ch_show(path).text, obstacle.text);
}

/* Refuses weights along a run that has no points. */
static ch_code check_record(const char *option, const char *path, const ch_settings *settings, ch_error *err)
{
    if (path == NULL || settings->record > 0 || settings->curvature > 0) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "%s is %s, but record = 0 records no points along the run; accepted is a record from 1 on, or "
                        "curvature from 1 on",
                        option, ch_show(path).text);
}

static bool wants_weights(const run_arguments *chosen)
{
    return chosen->out != NULL || chosen->trail != NULL || chosen->other != NULL;
}

/* Whether the files of weights are accepted, before anything is computed. Reads those of the other run. */
static ch_code check_weights(const ch_resolved *resolved, run_arguments *chosen, ch_error *err)
{
    size_t num_weights = 0;
    const char *any = chosen->out != NULL ? "save-weights" : chosen->trail != NULL ? "save-trajectory" : "distance-to";
    if (!wants_weights(chosen)) {
        return CH_OK;
    }
    if (resolved->settings.linear == CH_LINEAR_YES) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s is given, but linear = yes trains coefficients of samples and has no weights of its "
                            "own; accepted is linear = no",
                            any);
    }
    ch_code code = check_name("save-weights", chosen->out, err);
    if (code != CH_OK) {
        return code;
    }
    code = check_name("save-trajectory", chosen->trail, err);
    if (code != CH_OK) {
        return code;
    }
    if (chosen->out != NULL && chosen->trail != NULL && strcmp(chosen->out, chosen->trail) == 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "save-weights and save-trajectory are both %s; accepted are two files, as one would "
                            "replace the other",
                            ch_show(chosen->out).text);
    }
    code = check_record("save-trajectory", chosen->trail, &resolved->settings, err);
    if (code != CH_OK) {
        return code;
    }
    code = check_record("distance-to", chosen->other, &resolved->settings, err);
    if (code != CH_OK || chosen->other == NULL) {
        return code;
    }
    code = ch_run_count_weights(resolved, &num_weights, err);
    if (code != CH_OK) {
        return code;
    }
    chosen->kept.is_compared = true;
    return ch_trail_read(&chosen->kept.other, chosen->other, num_weights, err);
}

/* Trains, and writes the weights at the end and along the run into files. */
static ch_code train_with_weights(ch_run *run, const ch_resolved *resolved, ch_sources *sources, run_arguments *chosen,
                                  const ch_watch *watch, ch_error *err)
{
    ch_run_weights weights = {0};
    weights.trail = chosen->trail != NULL || chosen->other != NULL ? &chosen->kept.own : NULL;
    const ch_run_states *states = ch_run_store_states(&chosen->store, watch);
    ch_code code = ch_train_from(run, &weights, resolved, sources, states, chosen->threads, watch, err);
    if (code != CH_OK) {
        goto out;
    }
    code = chosen->trail != NULL ? ch_trail_write(&chosen->kept.own, chosen->trail, err) : CH_OK;
    if (code != CH_OK) {
        goto out;
    }
    code =
        chosen->out != NULL ? ch_npy_write(chosen->out, CH_ELEMENT_F64, &weights.num_end, 1, weights.end, err) : CH_OK;
out:
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
    const ch_watch watch = ch_meter_watch(&meter, chosen->stop);
    const ch_code code = wants_weights(chosen)
                             ? train_with_weights(run, resolved, sources, chosen, &watch, err)
                             : ch_train_from(run, NULL, resolved, sources, ch_run_store_states(&chosen->store, &watch),
                                             chosen->threads, &watch, err);
    ch_meter_finish(&meter);
    return code;
}

static ch_code train_and_print(const ch_cli *cli, run_arguments *chosen, ch_error *err)
{
    ch_resolved resolved;
    ch_run run = {0};
    ch_sources sources = {.kernel_folder = chosen->kernels};
    ch_error ignored;
    bool is_there = false;
    ch_code code = ch_cli_check_threads(chosen->threads, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_run_store_check(&chosen->store, err);
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
    code = ch_run_store_open(&chosen->store, &resolved, &run, &is_there, err);
    if (code != CH_OK) {
        goto out;
    }
    if (is_there && !wants_weights(chosen)) {
        code = print(&run, chosen, err);
        goto out;
    }
    ch_run_free(&run);
    code = train(&run, &resolved, &sources, chosen, err);
    if (code == CH_ERROR_INTERRUPTED && run.steps > 0) {
        /* that the run was stopped is reported, and not a failure to print what there is of it */
        (void)!print(&run, chosen, &ignored);
    }
    if (code != CH_OK) {
        goto out;
    }
    code = ch_run_store_put(&chosen->store, &run, err);
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
    run_arguments chosen = {.threads = omp_get_max_threads(), .stop = ch_cli_catch_signals()};
    const struct poptOption options[] = {
        {"threads", 'j', POPT_ARG_INT, &chosen.threads, 0,
         "threads for the run (default: one for each core the process may use)", "THREADS"},
        {"json", '\0', POPT_ARG_NONE, &chosen.as_json, 0, "print one JSON object", NULL},
        {"save-weights", '\0', POPT_ARG_STRING, &chosen.out, 0, "write the weights at the end", "FILE.npy"},
        {"save-trajectory", '\0', POPT_ARG_STRING, &chosen.trail, 0,
         "write the weights at step 0 and at the points of the trajectory", "FILE.npy"},
        {"distance-to", '\0', POPT_ARG_STRING, &chosen.other, 0,
         "how far the weights are from those of a file of save-trajectory", "FILE.npy"},
        {"output", 'o', POPT_ARG_STRING, &chosen.store.path, 0,
         "store to put the run into, made when missing; a run that is there is shown and not done again", "STORE"},
        CH_CLI_UNTIL(&chosen.until),
        CH_CLI_CHECKPOINT(&chosen.store.checkpoint),
        CH_CLI_KERNEL_CACHE(&chosen.kernels),
        POPT_TABLEEND,
    };
    ch_error err = {0};
    ch_cli cli;
    ch_code code = ch_cli_init(&cli, argc, argv, options, true,
                               "run MODEL [--SETTING VALUE]... [-j THREADS] [-o STORE] [--until TIME] [--checkpoint "
                               "TIME] [--kernel-cache DIR] "
                               "[--save-weights FILE] "
                               "[--save-trajectory FILE] "
                               "[--distance-to FILE]",
                               &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    code = ch_cli_stop_after(chosen.until, &err);
    if (code != CH_OK) {
        goto out;
    }
    code = train_and_print(&cli, &chosen, &err);
out:
    ch_cli_free(&cli);
    free(chosen.kernels);
    free(chosen.out);
    free(chosen.trail);
    free(chosen.other);
    free(chosen.until);
    ch_run_store_free(&chosen.store);
    ch_trail_free(&chosen.kept.own);
    ch_trail_free(&chosen.kept.other);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
