/* cmd_list.c — `chiton list`: what is in a store. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "core/text.h"
#include "sim/store/summary.h"

#include <stdio.h>
#include <string.h>

/* ---- the table ---- */

enum { SHOWN_VALUES = 6 }; /* lists with more values are shown by their first and last one */
enum { SHOWN_DIGITS = 8 }; /* of a digest */

/* Whether a setting's word, such as `full`, is what NULL in its column means. `last` of teacher_axis is stored as the
 * number of the axis, a file that is not given has no word, and `half` of burn_in is stored as the number of steps. */
static bool has_stored_word(const ch_setting *row)
{
    return row != NULL && row->word != NULL && row->type != CH_TYPE_CONTENT &&
           row != &ch_settings_table[CH_SETTING_TEACHER_AXIS] && row != &ch_settings_table[CH_SETTING_BURN_IN];
}

static void print_value(FILE *out, const json_t *value, const ch_setting *row)
{
    char text[32];
    if (json_is_string(value) && row != NULL && row->type == CH_TYPE_CONTENT) {
        fprintf(out, "%.*s", SHOWN_DIGITS, ch_show(json_string_value(value)).text);
    } else if (json_is_string(value)) {
        ch_text_print(json_string_value(value), out);
    } else if (json_is_null(value)) {
        fputs(has_stored_word(row) ? row->word : "none", out);
    } else if (row == NULL) {
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (row->type == CH_TYPE_REAL) {
        ch_setting_show(row, (ch_value){.real = json_number_value(value)}, text, sizeof text);
        fputs(text, out);
    } else {
        ch_setting_show(row, (ch_value){.count = (uint64_t)json_integer_value(value)}, text, sizeof text);
        fputs(text, out);
    }
}

/* One line: `name  value, value`, or `name  first … last (18 values)`. */
static void print_values(FILE *out, const char *name, const json_t *values, const ch_setting *row)
{
    const size_t count = json_array_size(values);
    fprintf(out, "%-16s", name);
    if (count <= SHOWN_VALUES) {
        for (size_t i = 0; i < count; i++) {
            fputs(i == 0 ? "" : ", ", out);
            print_value(out, json_array_get(values, i), row);
        }
        fputc('\n', out);
        return;
    }
    print_value(out, json_array_get(values, 0), row);
    fputs(" … ", out);
    print_value(out, json_array_get(values, count - 1), row);
    fprintf(out, " (%zu values)\n", count);
}

static void print_count(FILE *out, const char *name, const json_t *count)
{
    fprintf(out, "%-16s%" JSON_INTEGER_FORMAT "\n", name, json_integer_value(count));
}

/* Prints the digests of data that came from several sets of images: "data_digest     mnist_parity: 1a2b3c4d (24 runs),
 * 99ffee00 (24 runs)". Where there is one set for each data there is nothing to tell apart. */
static void print_digests(FILE *out, json_t *all)
{
    const char *data = NULL, *digest = NULL;
    json_t *digests = NULL, *count = NULL;
    json_object_foreach(all, data, digests)
    {
        const char *between = "";
        if (json_object_size(digests) < 2) {
            continue;
        }
        fprintf(out, "%-16s%s: ", "data_digest", ch_show(data).text);
        json_object_foreach(digests, digest, count)
        {
            const json_int_t runs = json_integer_value(count);
            fprintf(out, "%s%.*s (%" JSON_INTEGER_FORMAT " run%s)", between, SHOWN_DIGITS, ch_show(digest).text, runs,
                    runs == 1 ? "" : "s");
            between = ", ";
        }
        fputc('\n', out);
    }
}

/* Prints on what machines the runs were made, a line each. */
static void print_machines(FILE *out, const json_t *machines)
{
    size_t i = 0;
    const json_t *machine = NULL;
    json_array_foreach(machines, i, machine)
    {
        char text[CH_MACHINE_WORDS];
        ch_machine_describe(machine, text, sizeof text);
        const json_int_t runs = json_integer_value(json_object_get(machine, "runs"));
        fprintf(out, "%-16s", i == 0 ? "machine" : "");
        ch_text_print(text, out);
        fprintf(out, " (%" JSON_INTEGER_FORMAT " run%s)\n", runs, runs == 1 ? "" : "s");
    }
}

static void print_summary(FILE *out, json_t *summary)
{
    const char *status = NULL;
    json_t *count = NULL;
    print_count(out, "runs", json_object_get(summary, "runs"));
    json_object_foreach(json_object_get(summary, "status"), status, count)
    {
        print_count(out, status, count);
    }
    if (json_integer_value(json_object_get(summary, "failed")) > 0) {
        print_count(out, "failed", json_object_get(summary, "failed"));
    }
    fprintf(out, "%-16s%.3g\n", "seconds", json_real_value(json_object_get(summary, "seconds")));
    print_count(out, "points", json_object_get(summary, "points"));
    if (json_integer_value(json_object_get(summary, "runs")) == 0) {
        return;
    }
    print_values(out, "version", json_object_get(summary, "version"), NULL);
    print_values(out, "results_version", json_object_get(summary, "results_version"), NULL);
    print_machines(out, json_object_get(summary, "machines"));
    fputc('\n', out);
    const json_t *settings = json_object_get(summary, "settings");
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const ch_setting *row = &ch_settings_table[i];
        const json_t *values = json_object_get(settings, row->name);
        const bool applies = json_array_size(values) > 1 || !json_is_null(json_array_get(values, 0)) ||
                             /* a word is stored as NULL, and so is a setting that has no meaning */
                             has_stored_word(row);
        if (applies) {
            print_values(out, row->name, values, row);
        }
    }
    print_digests(out, json_object_get(summary, "data_digest"));
}

/* ---- the command ---- */

static ch_code list(const ch_cli *cli, bool json, bool skip_damaged, ch_error *err)
{
    ch_store store;
    ch_cli_page page;
    json_t *summary = NULL;
    ch_code code = ch_cli_open_stores(&store, cli, skip_damaged, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_summarise(&store, &summary, err);
    if (code != CH_OK) {
        goto out;
    }
    if (json) {
        code = ch_cli_print_json(summary, err);
        goto out;
    }
    code = ch_cli_page_open(&page, err);
    if (code != CH_OK) {
        goto out;
    }
    print_summary(page.out, summary);
    code = ch_cli_page_close(&page, err);
out:
    ch_cli_say_damaged(&store);
    json_decref(summary);
    ch_store_close(&store);
    return code;
}

int ch_cmd_list(int argc, const char **argv)
{
    int json = 0, skip_damaged = 0;
    const struct poptOption options[] = {
        {"json", '\0', POPT_ARG_NONE, &json, 0, "one JSON object, with all values of every setting", NULL},
        CH_CLI_SKIP_DAMAGED(&skip_damaged),
        POPT_TABLEEND};
    ch_error err = {0};
    ch_cli cli;
    ch_code code = ch_cli_init(&cli, argc, argv, options, false, "list STORE... [--json] [--skip-damaged]", &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    code = ch_cli_check_stores(&cli, "list", &err);
    if (code != CH_OK) {
        goto out;
    }
    code = list(&cli, json != 0, skip_damaged != 0, &err);
out:
    ch_cli_free(&cli);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
