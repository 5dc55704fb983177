/* cmd_report.c — `chiton report`: one page of HTML with what was run, what was found, figures and all runs. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/meter.h"
#include "cli/read_runs.h"
#include "core/text.h"
#include "report/report.h"
#include "sim/store/summary.h"

#include <stdlib.h>

/* The arguments of the command line; strings are borrowed. */
typedef struct {
    const ch_cli *cli; /* names the stores */
    const char *path, *where;
    ch_fit_options fit;
} report_arguments;

/* All that is found in the stores. */
typedef struct {
    ch_fit fit;
    ch_phase_list phases;
    ch_lazy_list twins;
} report_findings;

/* Progress is shown after this many seconds. */
static const double patience = 1;

static ch_code find_all(report_findings *self, const ch_run_table *table, const report_arguments *arguments,
                        const ch_watch *watch, ch_error *err)
{
    ch_fit_options options = arguments->fit;
    options.watch = watch;
    ch_code code = ch_fit_init(&self->fit, table, &options, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_phase_list_init(&self->phases, &self->fit, err);
    return code == CH_OK ? ch_lazy_list_init(&self->twins, &self->fit, err) : code;
}

static ch_code report_table(void *context, ch_store *store, const ch_run_table *table, ch_error *err)
{
    const report_arguments *arguments = context;
    report_findings found = {0};
    ch_meter meter;
    ch_stop *stop = ch_cli_catch_signals(); /* not while the store is read, which a signal may end at once */
    ch_meter_start(&meter, "replicas", patience);
    const ch_watch watch = ch_meter_watch(&meter, stop), quiet = {.stop = stop};
    json_t *summary = NULL;
    ch_code code = find_all(&found, table, arguments, &watch, err);
    ch_meter_finish(&meter);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_summarise(store, &summary, err);
    if (code != CH_OK) {
        goto out;
    }
    found.fit.options.watch = &quiet; /* drawing has figures and no replicas to count */
    const ch_report_source source = {.fit = &found.fit,
                                     .phases = &found.phases,
                                     .twins = &found.twins,
                                     .summary = summary,
                                     .store = store,
                                     .stores = arguments->cli->arguments,
                                     .num_stores = arguments->cli->num_arguments,
                                     .where = arguments->where,
                                     .watch = &quiet};
    code = ch_report_save(&source, arguments->path, err);
    if (code != CH_OK) {
        goto out;
    }
    ch_text_print(arguments->path, stdout);
    putchar('\n');
    code = ch_cli_flush(err);
out:
    json_decref(summary);
    ch_lazy_list_free(&found.twins);
    ch_phase_list_free(&found.phases);
    ch_fit_free(&found.fit);
    return code;
}

static ch_code check(const report_arguments *arguments, ch_error *err)
{
    ch_code code = ch_cli_check_stores(arguments->cli, "report", err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_fit_options_check(&arguments->fit, err);
    return code == CH_OK ? ch_report_check_path(arguments->path, err) : code;
}

int ch_cmd_report(int argc, const char **argv)
{
    char *path = NULL, *where = NULL, *box_folder = NULL;
    int skip_damaged = 0;
    report_arguments arguments = {0};
    ch_fit_options_default(&arguments.fit);
    const struct poptOption options[] = {
        {"output", 'o', POPT_ARG_STRING, &path, 0,
         "the file (report.html by default); an older report is replaced, and no other file", "FILE"},
        {"threshold", '\0', POPT_ARG_DOUBLE, &arguments.fit.threshold, 0,
         "escape: relative weight variation at T_c (1 by default)", "X"},
        {"shift", '\0', POPT_ARG_DOUBLE, &arguments.fit.shift, 0,
         "error_shift: change of ln(test error) at T_c (0.1 by default)", "X"},
        {"where", '\0', POPT_ARG_STRING, &where, 0, "only runs that fulfil an SQL condition over the columns", "EXPR"},
        CH_CLI_SKIP_DAMAGED(&skip_damaged),
        POPT_TABLEEND};
    ch_error err = {0};
    ch_cli cli;
    ch_code code =
        ch_cli_init(&cli, argc, argv, options, false,
                    "report STORE... [-o FILE] [--threshold X] [--shift X] [--where EXPR] [--skip-damaged]", &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    box_folder = ch_cli_cache_folder();
    arguments.cli = &cli;
    arguments.path = path != NULL ? path : "report.html";
    arguments.where = where;
    arguments.fit.expects = true;
    arguments.fit.box_folder = box_folder;
    code = check(&arguments, &err);
    if (code != CH_OK) {
        goto out;
    }
    const ch_cli_runs runs = {.cli = &cli,
                              .where = where,
                              .verb = "report",
                              .skips_damaged = skip_damaged != 0,
                              .use = report_table,
                              .context = &arguments};
    code = ch_cli_read_runs(&runs, &err);
out:
    ch_cli_free(&cli);
    free(box_folder);
    free(path);
    free(where);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
