/* provenance.c — what was run, by which program, at what cost, and the commands that make it again. */
#include "report/provenance.h"

#include "core/memstream.h"
#include "core/text.h"
#include "report/columns.h"
#include "report/html.h"
#include "report/remake.h"
#include "report/values.h"
#include "sim/store/summary.h"

#include <math.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

/* ---- facts ---- */

static void begin_fact(const char *name, FILE *out)
{
    fputs("<div><dt>", out);
    ch_html_text(name, out);
    fputs("</dt><dd>", out);
}

static void end_fact(FILE *out)
{
    fputs("</dd></div>\n", out);
}

/* Writes a time as people say it. */
static void write_seconds(double seconds, FILE *out)
{
    if (seconds < 120) {
        ch_html_print(out, "%.3g s", seconds);
    } else if (seconds < 7200) {
        ch_html_print(out, "%.3g min", seconds / 60);
    } else {
        ch_html_print(out, "%.4g h", seconds / 3600);
    }
}

static void write_statuses(const ch_run_table *table, FILE *out)
{
    const struct {
        ch_status status;
        const char *text;
    } ends[] = {
        {CH_FITTED, "fitted"}, {CH_BUDGET, "ended by a budget"}, {CH_DIVERGED, "diverged"}, {CH_STUCK, "stuck"}};
    const char *between = "";
    for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
        size_t count = 0;
        for (size_t i = 0; i < table->count; i++) {
            count += table->runs[i].status == ends[k].status;
        }
        if (count > 0) {
            ch_html_print(out, "%s%zu %s", between, count, ends[k].text);
            between = ", ";
        }
    }
}

/* Writes on what machines the runs of the store were made. */
static void write_machines(const json_t *summary, FILE *out)
{
    const json_t *machines = json_object_get(summary, "machines");
    size_t i = 0;
    const json_t *machine = NULL;
    json_array_foreach(machines, i, machine)
    {
        char text[CH_MACHINE_WORDS];
        ch_machine_describe(machine, text, sizeof text);
        begin_fact("machine", out);
        ch_html_text(text, out);
        if (json_array_size(machines) > 1) {
            ch_html_print(out, " (%" JSON_INTEGER_FORMAT " runs)",
                          json_integer_value(json_object_get(machine, "runs")));
        }
        end_fact(out);
    }
}

/* Writes what the store says of the programs that made its runs. */
static void write_versions(const json_t *summary, FILE *out)
{
    size_t i = 0;
    json_t *version = NULL;
    begin_fact("chiton", out);
    json_array_foreach(json_object_get(summary, "version"), i, version)
    {
        ch_html_print(out, "%s%s", i > 0 ? ", " : "", json_is_string(version) ? json_string_value(version) : "unknown");
    }
    end_fact(out);
    begin_fact("results version", out);
    json_array_foreach(json_object_get(summary, "results_version"), i, version)
    {
        ch_html_print(out, "%s%" JSON_INTEGER_FORMAT, i > 0 ? ", " : "", json_integer_value(version));
    }
    end_fact(out);
}

/* Writes a digest of the identities of all runs: two pages with the same one are of the same runs. */
static void write_digest_of_runs(const ch_run_table *table, FILE *out)
{
    struct sha256_ctx hash;
    uint8_t digest[SHA256_DIGEST_SIZE];
    char text[2 * SHA256_DIGEST_SIZE + 1];
    sha256_init(&hash);
    for (size_t i = 0; i < table->count; i++) {
        char id[CH_ID_SIZE];
        ch_html_run_id(&table->runs[i], id);
        sha256_update(&hash, strlen(id), (const uint8_t *)id);
    }
    sha256_digest(&hash, sizeof digest, digest);
    ch_hex(digest, sizeof digest, text);
    begin_fact("digest of the runs", out);
    ch_html_print(out, "%.12s", text);
    end_fact(out);
}

/* Writes the digests of the files that data were read from, with the number of their runs. */
static ch_code write_data_digests(const ch_fit *fit, FILE *out, ch_error *err)
{
    ch_html_values values;
    ch_code code = ch_html_values_init(&values, fit, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t i = 0; i < values.count; i++) {
        values.values[i] = (ch_html_value){.text = fit->runs[i].settings.data_digest, .run = i};
    }
    ch_html_values_number(&values);
    for (size_t k = 0; k < values.distinct; k++) {
        size_t count = 0;
        for (size_t i = 0; i < values.count; i++) {
            count += values.index[i] == k;
        }
        if (values.values[k].text[0] != '\0') {
            begin_fact("SHA-256 of the data", out);
            ch_html_print(out, "%.12s… (%zu runs)", values.values[k].text, count);
            end_fact(out);
        }
    }
out:
    ch_html_values_free(&values);
    return code;
}

ch_code ch_provenance_summary(const ch_report_source *source, FILE *out, ch_error *err)
{
    const ch_run_table *table = source->fit->table;
    const size_t num_groups = source->fit->num_groups;
    double seconds = 0;
    for (size_t i = 0; i < table->count; i++) {
        seconds += isfinite(table->runs[i].seconds) ? table->runs[i].seconds : 0;
    }
    fputs("<p>", out);
    ch_html_print(out, "%zu training run%s in %zu group%s that are fitted together", table->count,
                  table->count == 1 ? "" : "s", num_groups, num_groups == 1 ? "" : "s");
    if (source->where != NULL) {
        fputs(", chosen by <code>", out);
        ch_html_text(source->where, out);
        fputs("</code>", out);
    }
    fputs(": what they were given, what came out, and how to make it again.</p>\n<dl class=\"facts\">\n", out);
    begin_fact("runs", out);
    write_statuses(table, out);
    end_fact(out);
    begin_fact("time of all runs together", out);
    write_seconds(seconds, out);
    end_fact(out);
    write_machines(source->summary, out);
    write_versions(source->summary, out);
    write_digest_of_runs(table, out);
    const ch_code code = write_data_digests(source->fit, out, err);
    fputs("</dl>\n", out);
    return code;
}

/* ---- settings ---- */

enum { SHOWN_VALUES = 6 }; /* of more values the first and the last are shown */

static void write_setting(const ch_html_values *values, size_t setting, FILE *out)
{
    const ch_setting *row = &ch_settings_table[setting];
    char text[2 * CH_SETTING_TEXT_SIZE];
    fputs("<tr>", out);
    ch_html_cell(out, row->name);
    fputs("<td>", out);
    for (size_t k = 0; k < values->distinct; k++) {
        if (values->distinct <= SHOWN_VALUES || k == 0 || k + 1 == values->distinct) {
            ch_html_values_show(values, setting, k, text, sizeof text);
            ch_html_print(out, "%s%s", k == 0 ? "" : values->distinct <= SHOWN_VALUES ? ", " : " … ", text);
        }
    }
    if (values->distinct > SHOWN_VALUES) {
        ch_html_print(out, " (%zu values)", values->distinct);
    }
    fputs("</td>", out);
    ch_html_cell(out, row->help);
    fputs("</tr>\n", out);
}

ch_code ch_provenance_settings(const ch_report_source *source, FILE *out, ch_error *err)
{
    static const char *const titles[] = {"setting", "values", "meaning"};
    ch_html_values values;
    const ch_code code = ch_html_values_init(&values, source->fit, err);
    if (code != CH_OK) {
        goto out;
    }
    ch_html_table_begin(out, "Settings of the runs", titles, sizeof titles / sizeof *titles);
    for (size_t s = 0; s < CH_SETTINGS_STORED; s++) {
        if (ch_html_values_of_setting(&values, s)) {
            write_setting(&values, s, out);
        }
    }
    ch_html_table_end(out);
out:
    ch_html_values_free(&values);
    return code;
}

/* ---- commands ---- */

/* Writes a word so that a shell takes it as it is. */
static void write_quoted(const char *word, FILE *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._/=:,^";
    const bool is_plain = word[0] != '\0' && word[0] != '-' && word[strspn(word, plain)] == '\0';
    fputs(is_plain ? "" : "'", out);
    for (const char *c = word; *c != '\0'; c++) {
        if (*c == '\'') {
            fputs("'\\''", out);
        } else {
            fputc(*c, out);
        }
    }
    fputs(is_plain ? "" : "'", out);
}

/* Writes a command that reads the stores. */
static void write_reader(const ch_report_source *source, const char *command, const char *end, FILE *out)
{
    const ch_fit_options *options = &source->fit->options;
    ch_fit_options usual;
    ch_fit_options_default(&usual);
    fprintf(out, "chiton %s", command);
    for (size_t i = 0; i < source->num_stores; i++) {
        fputc(' ', out);
        write_quoted(source->stores[i], out);
    }
    if (options->threshold < usual.threshold || options->threshold > usual.threshold) {
        fprintf(out, " --threshold %.17g", options->threshold);
    }
    if (options->shift < usual.shift || options->shift > usual.shift) {
        fprintf(out, " --shift %.17g", options->shift);
    }
    if (source->where != NULL) {
        fputs(" --where ", out);
        write_quoted(source->where, out);
    }
    fprintf(out, "%s\n", end);
}

/* Writes what is to be known of the sweeps. */
static void write_remarks(const ch_html_remake *remake, FILE *out)
{
    if (remake->num_written < remake->num_commands) {
        fprintf(out,
                "<p>These runs are no grid: of the %zu sweeps that it takes to make all of them, the first %zu are "
                "shown.</p>\n",
                remake->num_commands, remake->num_written);
    }
    if (remake->needs_files) {
        fputs("<p>FILE and DIR stand for files that were read and whose names the store does not know; the digests "
              "above tell whether they are the same.</p>\n",
              out);
    }
    if (remake->is_old) {
        fputs("<p>Some runs were made by an older version of chiton, whose results this one does not make bit for "
              "bit.</p>\n",
              out);
    }
}

static ch_code write_lines(const ch_report_source *source, ch_html_remake *remake, FILE *out, ch_error *err)
{
    const ch_code code = ch_html_remake_write(source->fit, remake, out, err);
    if (code != CH_OK) {
        return code;
    }
    write_reader(source, "fit", "", out);
    write_reader(source, "plot", " -o figures", out);
    write_reader(source, "report", " -o report.html", out);
    return CH_OK;
}

ch_code ch_provenance_commands(const ch_report_source *source, FILE *out, ch_error *err)
{
    ch_html_remake remake = {0};
    char *text = NULL, *rest = NULL;
    size_t length = 0;
    FILE *lines = ch_memstream_open(&text, &length);
    if (lines == NULL) {
        return ch_error_memory(err, "the commands of a report");
    }
    ch_code code = write_lines(source, &remake, lines, err);
    if (!ch_memstream_close(lines, &text)) {
        return code != CH_OK ? code : ch_error_memory(err, "the commands of a report");
    }
    if (code != CH_OK) {
        goto out;
    }
    fputs("<p>The first make the runs into a new store, <code>again.db</code>; a run has the same id and the same "
          "results there. The others read the store that this page was made from.</p>\n<pre id=\"commands\">",
          out);
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        ch_html_text(line, out);
        fputc('\n', out);
    }
    fputs("</pre>\n", out);
    write_remarks(&remake, out);
out:
    free(text);
    return code;
}
