/* cmd_delete.c — `chiton delete`: runs of a store, with all that belongs to them. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "core/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    char *where; /* popt's copy: owned */
    int dry_run;
} delete_options;

static void print_doomed(const char *path, const ch_store_doomed *doomed, bool dry_run)
{
    ch_text_print(path, stdout);
    printf(": %" PRIu64 " of %" PRIu64 " run%s%s deleted, with %" PRIu64 " trajectory point%s and %" PRIu64
           " weight change%s of layers",
           doomed->runs, doomed->total, doomed->total == 1 ? "" : "s", dry_run ? " would be" : "", doomed->points,
           doomed->points == 1 ? "" : "s", doomed->layers, doomed->layers == 1 ? "" : "s");
    if (doomed->failures > 0) {
        printf("; and %" PRIu64 " run%s that failed", doomed->failures, doomed->failures == 1 ? "" : "s");
    }
    putchar('\n');
}

static ch_code delete_runs(const char *path, const delete_options *options, ch_error *err)
{
    const bool dry_run = options->dry_run != 0;
    ch_store store = {0};
    ch_store_doomed doomed;
    /* opened to be read first, which makes no file where none is, and leaves an older store as it is */
    ch_code code = ch_store_open(&store, path, CH_STORE_READ, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_delete(&store, options->where, &doomed, err);
    if (code != CH_OK) {
        goto out;
    }
    if (!dry_run && doomed.runs + doomed.failures > 0) {
        ch_store_close(&store);
        code = ch_store_open(&store, path, CH_STORE_WRITE, err);
        if (code != CH_OK) {
            goto out;
        }
        code = ch_store_delete(&store, options->where, &doomed, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    print_doomed(path, &doomed, dry_run);
    code = ch_cli_flush(err);
out:
    ch_store_close(&store);
    return code;
}

static ch_code check(const ch_cli *cli, const delete_options *options, ch_error *err)
{
    if (cli->num_arguments != 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "delete takes one store, but %zu are given", cli->num_arguments);
    }
    if (options->where == NULL) {
        return ch_error_set(
            err, CH_ERROR_INPUT,
            "--where is missing: it says which runs are deleted, e.g. --where \"status = 'budget'\", or "
            "--where 1 for all");
    }
    return CH_OK;
}

int ch_cmd_delete(int argc, const char **argv)
{
    delete_options chosen = {0};
    const struct poptOption options[] = {
        {"where", '\0', POPT_ARG_STRING, &chosen.where, 0, "the runs that fulfil an SQL condition over the columns",
         "EXPR"},
        {"dry-run", '\0', POPT_ARG_NONE, &chosen.dry_run, 0, "count them, delete none", NULL},
        POPT_TABLEEND};
    ch_error err = {0};
    ch_cli cli;
    ch_code code = ch_cli_init(&cli, argc, argv, options, false, "delete STORE --where EXPR [--dry-run]", &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    code = check(&cli, &chosen, &err);
    if (code != CH_OK) {
        goto out;
    }
    code = delete_runs(cli.arguments[0], &chosen, &err);
out:
    ch_cli_free(&cli);
    free(chosen.where);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
