/* report.c — puts the page together. */
#include "report/report.h"

#include "core/memstream.h"
#include "core/text.h"
#include "report/assets.h"
#include "report/columns.h"
#include "report/figures.h"
#include "report/findings.h"
#include "report/html.h"
#include "report/provenance.h"

#include <locale.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

/* ---- the head ---- */

/* Writes the digest by which a browser knows a text that it may obey. */
static void write_digest(const char *text, FILE *out)
{
    struct sha256_ctx hash;
    uint8_t digest[SHA256_DIGEST_SIZE];
    char encoded[BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE) + 1] = "";
    sha256_init(&hash);
    sha256_update(&hash, strlen(text), (const uint8_t *)text);
    sha256_digest(&hash, sizeof digest, digest);
    base64_encode_raw(encoded, sizeof digest, digest);
    fprintf(out, "'sha256-%s'", encoded);
}

/* Writes the names of the stores, with commas. */
static void write_stores(const ch_report_source *source, FILE *out)
{
    for (size_t i = 0; i < source->num_stores; i++) {
        const char *slash = strrchr(source->stores[i], '/');
        fputs(i > 0 ? ", " : "", out);
        ch_html_text(slash != NULL && slash[1] != '\0' ? slash + 1 : source->stores[i], out);
    }
}

static ch_code write_head(const ch_report_source *source, FILE *out, ch_error *err)
{
    fputs(CH_REPORT_BEGINNING "\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                              "<meta name=\"color-scheme\" content=\"light dark\">\n"
                              "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                              "img-src data:; style-src ",
          out);
    write_digest(ch_html_style(), out);
    fputs("; script-src ", out);
    write_digest(ch_html_script(), out);
    fputs("\">\n<link rel=\"icon\" href=\"data:,\">\n<title>", out);
    write_stores(source, out);
    fputs(": chiton report</title>\n<style>", out);
    fputs(ch_html_style(), out);
    fputs("</style></head>\n<body>\n<header>\n<p class=\"faint\">chiton report</p>\n<h1>", out);
    write_stores(source, out);
    fputs("</h1>\n", out);
    const ch_code code = ch_provenance_summary(source, out, err);
    fputs("</header>\n<nav aria-label=\"Parts of the page\"><ul>"
          "<li><a href=\"#numbers\">Numbers</a></li><li><a href=\"#notes\">Notes</a></li>"
          "<li><a href=\"#figures\">Figures</a></li><li><a href=\"#runs\">Runs</a></li>"
          "<li><a href=\"#settings\">Settings</a></li><li><a href=\"#again\">Commands</a></li></ul></nav>\n<main>\n",
          out);
    return code;
}

/* ---- the parts ---- */

/* Says what the columns of the table of exponents mean. */
static void write_legend(const ch_fit *fit, FILE *out)
{
    bool has_exponents = false;
    for (size_t g = 0; g < fit->num_groups; g++) {
        has_exponents = has_exponents || fit->groups[g].num_exponents > 0;
    }
    if (!has_exponents) {
        fputs("<p>No exponent could be fitted to these runs; the notes say what is missing.</p>\n", out);
        return;
    }
    fprintf(out,
            "<p>Exponents are effective ones over the P of the runs. <i>Theory</i> is that of large P; <i>expected</i> "
            "is what it gives at these P, d and T, without a free parameter, and what an estimate is <i>off by</i>, in "
            "standard errors. Errors come from %zu bootstrap replicas of the data sets, intervals from Student's t. "
            "T<sub>c</sub> is the T at which ‖Δw‖ leaves its plateau (onset), at which ‖Δw‖ reaches %.4g ‖w₀‖ "
            "(escape), at which "
            "the test error differs by %g %% from that at low T (error_shift), or lies half-way between those at low "
            "and at high T (error_half).</p>\n",
            fit->options.replicas, fit->options.threshold, 100 * fit->options.shift);
}

static void write_numbers(const ch_report_source *source, FILE *out)
{
    fputs("<section id=\"numbers\"><h2>Numbers</h2>\n", out);
    write_legend(source->fit, out);
    ch_html_exponents(source->fit, out);
    ch_html_critical(source->fit, out);
    ch_html_phases(source->phases, out);
    ch_html_twins(source->fit, source->twins, out);
    fputs("</section>\n<section id=\"notes\"><h2>Notes</h2>\n", out);
    ch_html_notes(source->fit, out);
    fputs("</section>\n", out);
}

/* Writes the figures. @param most  bytes that they may take */
static ch_code write_figures(const ch_report_source *source, size_t most, FILE *out, ch_error *err)
{
    ch_html_figure_count count;
    fputs("<section id=\"figures\"><h2>Figures</h2>\n<p>Points are means over data sets with bars of one standard "
          "error. Dashed lines in the colours of the points are what theory expects at these P, d and T; grey ones are "
          "its limit of large P.</p>\n",
          out);
    const ch_code code = ch_html_figures(source->fit, source->store, most, source->watch, &count, out, err);
    if (code == CH_OK && count.num_figures == 0) {
        fputs("<p>There is nothing to draw.</p>\n", out);
    }
    if (code == CH_OK && count.num_groups_left > 0) {
        fprintf(out,
                "<p>The page has no room for the figures of the last %zu of %zu groups: <code>chiton plot</code> draws "
                "them, and a report of some runs alone, by <code>--where</code>, has them.</p>\n",
                count.num_groups_left, source->fit->num_groups);
    }
    fputs("</section>\n", out);
    return code;
}

static ch_code write_rest(const ch_report_source *source, FILE *out, ch_error *err)
{
    fputs("<section id=\"settings\"><h2>Settings</h2>\n", out);
    ch_code code = ch_provenance_settings(source, out, err);
    if (code != CH_OK) {
        return code;
    }
    fputs("</section>\n<section id=\"again\"><h2>Commands</h2>\n", out);
    code = ch_provenance_commands(source, out, err);
    fputs("</section>\n", out);
    return code;
}

static ch_code write_front(const ch_report_source *source, FILE *out, ch_error *err)
{
    const ch_code code = write_head(source, out, err);
    write_numbers(source, out);
    return code;
}

/* Writes the runs: where the script draws them, and the block that has them. */
static ch_code write_runs(const ch_report_source *source, FILE *out, ch_error *err)
{
    enum { SHARE = 10 * (CH_REPORT_BYTES / 13) }; /* the rest is enough for some groups' figures */
    fputs("<section id=\"runs\"><h2>Runs</h2>\n<p>Every point is a run. Click one, choose an id in the table, or type "
          "one, to see its settings and results and the command that makes it again. Conditions choose runs: "
          "<code>chi=1 temp&gt;=2^-3 status=fitted</code>.</p>\n<div id=\"explorer\"><p>A script shows the runs, which "
          "this browser has not started. <code>chiton export</code> lists them too.</p></div>\n</section>\n"
          "<script type=\"application/json\" id=\"data\">",
          out);
    const ch_code code = ch_html_columns(source->fit, SHARE, out, err);
    fputs("</script>\n", out);
    return code;
}

/* A part of the page in memory. */
typedef struct {
    char *text; /* owned */
    size_t length;
} part;

static ch_code make_part(part *self, const ch_report_source *source,
                         ch_code (*write)(const ch_report_source *, FILE *, ch_error *), ch_error *err)
{
    FILE *out = ch_memstream_open(&self->text, &self->length);
    if (out == NULL) {
        return ch_error_memory(err, "a report");
    }
    const ch_code code = write(source, out, err);
    if (!ch_memstream_close(out, &self->text)) {
        return code != CH_OK ? code : ch_error_memory(err, "a report");
    }
    return code;
}

/* Writes the page: first, into memory, all but the figures, which get the room that is left. */
static ch_code write_page(const ch_report_source *source, FILE *out, ch_error *err)
{
    enum { ONE_GROUP = 250000 }; /* bytes that the figures of one group seldom exceed */
    part front = {0}, runs = {0}, rest = {0};
    ch_code code = make_part(&front, source, write_front, err);
    if (code != CH_OK) {
        goto out;
    }
    code = make_part(&runs, source, write_runs, err);
    if (code != CH_OK) {
        goto out;
    }
    code = make_part(&rest, source, write_rest, err);
    if (code != CH_OK) {
        goto out;
    }
    const size_t used = front.length + runs.length + rest.length + strlen(ch_html_script()) + ONE_GROUP;
    fwrite(front.text, 1, front.length, out);
    code = write_figures(source, used < CH_REPORT_BYTES ? CH_REPORT_BYTES - used : 0, out, err);
    if (code != CH_OK) {
        goto out;
    }
    fwrite(runs.text, 1, runs.length, out);
    fwrite(rest.text, 1, rest.length, out);
    fputs("</main>\n<footer class=\"faint\"><p>Made by chiton " CH_VERSION ". This page is one file and loads nothing."
          "</p></footer>\n<script>",
          out);
    fputs(ch_html_script(), out);
    fputs("</script>\n</body></html>\n", out);
out:
    free(front.text);
    free(runs.text);
    free(rest.text);
    return code;
}

ch_code ch_report_write(const ch_report_source *source, FILE *out, ch_error *err)
{
    locale_t numbers = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (numbers == (locale_t)0) {
        return ch_error_memory(err, "a report");
    }
    const locale_t former = uselocale(numbers); /* decimal points, whatever the caller's locale */
    const ch_code code = write_page(source, out, err);
    uselocale(former);
    freelocale(numbers);
    return code;
}
