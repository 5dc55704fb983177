/* cmd_export.c — `chiton export`: every run of a store a row of CSV, or an object of JSON. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "sim/store/export.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    int csv, json, points, skip_damaged;
    char *where; /* popt's copy: owned */
} export_options;

static ch_code export_store(const ch_cli *cli, const export_options *options, ch_error *err)
{
    ch_store store;
    ch_code code = ch_cli_open_stores(&store, cli, options->skip_damaged != 0, err);
    if (code != CH_OK) {
        goto out;
    }
    code = options->json     ? ch_store_export_json(&store, options->where, stdout, err)
           : options->points ? ch_store_export_points(&store, options->where, stdout, err)
                             : ch_store_export_csv(&store, options->where, stdout, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_cli_flush(err);
out:
    ch_cli_say_damaged(&store);
    ch_store_close(&store);
    return code;
}

static ch_code check(const ch_cli *cli, const export_options *options, ch_error *err)
{
    const ch_code code = ch_cli_check_stores(cli, "export", err);
    if (code != CH_OK) {
        return code;
    }
    if (options->json && (options->csv || options->points)) {
        return ch_error_set(err, CH_ERROR_INPUT, "--json is given with %s; accepted is one of them%s",
                            options->csv ? "--csv" : "--points",
                            options->csv ? "" : ", since JSON has the trajectories");
    }
    return CH_OK;
}

int ch_cmd_export(int argc, const char **argv)
{
    export_options chosen = {0};
    const struct poptOption options[] = {
        {"csv", '\0', POPT_ARG_NONE, &chosen.csv, 0, "a row a run (the default)", NULL},
        {"json", '\0', POPT_ARG_NONE, &chosen.json, 0, "one array, an object a run, as `chiton run --json`", NULL},
        {"points", '\0', POPT_ARG_NONE, &chosen.points, 0, "the trajectories as CSV, a row a point", NULL},
        {"where", '\0', POPT_ARG_STRING, &chosen.where, 0, "only runs that fulfil an SQL condition over the columns",
         "EXPR"},
        CH_CLI_SKIP_DAMAGED(&chosen.skip_damaged),
        POPT_TABLEEND};
    ch_error err = {0};
    ch_cli cli;
    ch_code code = ch_cli_init(&cli, argc, argv, options, false,
                               "export STORE... [--csv|--json|--points] [--where EXPR] [--skip-damaged]", &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    code = check(&cli, &chosen, &err);
    if (code != CH_OK) {
        goto out;
    }
    code = export_store(&cli, &chosen, &err);
out:
    ch_cli_free(&cli);
    free(chosen.where);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
