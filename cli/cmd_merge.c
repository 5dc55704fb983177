/* cmd_merge.c — `chiton merge`: the runs of several stores into one. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/meter.h"
#include "core/text.h"

#include <inttypes.h>
#include <stdio.h>

/* Seconds before the meter is shown. */
static const double PATIENCE = 1;

static void print_counts(const char *into, const ch_merge_counts *counts)
{
    const uint64_t runs = counts->present + counts->added;
    ch_text_print(into, stdout);
    printf(": %" PRIu64 " run%s, %" PRIu64 " of them new, with %" PRIu64 " trajectory point%s and %" PRIu64
           " weight change%s of layers; %" PRIu64 " run%s read, %" PRIu64 " of them there already\n",
           runs, runs == 1 ? "" : "s", counts->added, counts->points, counts->points == 1 ? "" : "s", counts->layers,
           counts->layers == 1 ? "" : "s", counts->read, counts->read == 1 ? "" : "s", counts->read - counts->added);
}

static ch_code merge(const ch_cli *cli, bool skip_damaged, ch_error *err)
{
    ch_meter meter;
    ch_merge_counts counts;
    ch_meter_start(&meter, "runs", PATIENCE);
    const ch_watch watch = ch_meter_watch(&meter, ch_cli_catch_signals());
    const ch_code code = ch_store_merge(cli->arguments[0], cli->arguments + 1, cli->num_arguments - 1, skip_damaged,
                                        &watch, &counts, err);
    ch_meter_finish(&meter);
    if (code != CH_OK) {
        return code;
    }
    ch_cli_say_left_out(counts.num_damaged, &counts.damage);
    print_counts(cli->arguments[0], &counts);
    return ch_cli_flush(err);
}

int ch_cmd_merge(int argc, const char **argv)
{
    int skip_damaged = 0;
    const struct poptOption options[] = {CH_CLI_SKIP_DAMAGED(&skip_damaged), POPT_TABLEEND};
    ch_error err = {0};
    ch_cli cli;
    ch_code code = ch_cli_init(&cli, argc, argv, options, false, "merge INTO FROM... [--skip-damaged]", &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    if (cli.num_arguments < 2) {
        code = ch_error_set(&err, CH_ERROR_INPUT,
                            "merge takes the store to put runs into and at least one to read them from, e.g. chiton "
                            "merge all.db a.db b.db, but %zu %s given",
                            cli.num_arguments, cli.num_arguments == 1 ? "is" : "are");
        goto out;
    }
    code = merge(&cli, skip_damaged != 0, &err);
out:
    ch_cli_free(&cli);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
