/* summary.c — panel (f): the settings held fixed, the table of exponents, and what the fit had to say. */
#include "plots/gnuplot.h"
#include "plots/label.h"
#include "plots/panel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_LENGTH = 48 };

/* Text set line by line, from the top of the panel down; places are in units of the page. */
typedef struct {
    FILE *out;
    double left; /* where lines start */
    double y;    /* where the next line stands */
} text_block;

static const double line_height = 0.0137, row_height = 0.0160, page_end = 0.008;

static void put(const text_block *block, double column, bool enhanced, const char *text)
{
    fputs("set label ", block->out);
    ch_gnuplot_quote(block->out, text);
    fprintf(block->out, " at screen %.17g, screen %.17g left font ',6' %s\n", block->left + column, block->y,
            enhanced ? "enhanced" : "noenhanced");
}

static bool is_full(const text_block *block)
{
    return block->y < page_end;
}

static bool is_last(const text_block *block)
{
    return block->y - line_height < page_end;
}

/* Bytes of `text` that fill one line: up to the last space within LINE_LENGTH characters; a UTF-8 continuation byte
 * (10xxxxxx) is no character of its own. */
static size_t line_end(const char *text)
{
    size_t end = 0, characters = 0, i = 0;
    for (; text[i] != '\0'; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80 && ++characters > LINE_LENGTH) {
            return end > 0 ? end : i;
        }
        if (text[i] == ' ') {
            end = i;
        }
    }
    return i;
}

static void put_wrapped(text_block *block, const char *text)
{
    while (*text != '\0' && !is_full(block)) {
        char line[4 * LINE_LENGTH + sizeof " …"];
        const size_t length = line_end(text);
        snprintf(line, sizeof line, "%.*s%s", (int)length, text, text[length] != '\0' && is_last(block) ? " …" : "");
        put(block, 0, false, line);
        block->y -= line_height;
        text += length;
        text += strspn(text, " ");
    }
}

/* "model perceptron, chi 0, …": what all runs share; seeds aside, and what is off (none, empty, or a count of 0). */
static ch_code put_fixed(text_block *block, const ch_fit_group *group, ch_error *err)
{
    char *text = NULL;
    size_t length = 0;
    FILE *line = open_memstream(&text, &length);
    if (line == NULL) {
        return ch_error_memory(err, "a panel");
    }
    fputs("Fixed: ", line);
    const char *separator = "";
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const ch_setting *row = &ch_settings_table[i];
        const ch_value value = ch_settings_get(&group->key, i);
        if (!ch_setting_applies(&group->key, i)) {
            continue;
        }
        const bool is_seed = strncmp(row->name, "seed", 4) == 0;
        char number[64];
        ch_setting_format(row, value, number, sizeof number);
        const bool is_off = number[0] == '\0' || (row->type == CH_TYPE_COUNT && strcmp(number, "0") == 0);
        if (!is_seed && !is_off && strcmp(number, "none") != 0 && ch_label_is_fixed(group, i)) {
            fprintf(line, "%s%s %s", separator, row->name, number);
            separator = ", ";
        }
    }
    fprintf(line, ".");
    if (fclose(line) != 0) {
        free(text);
        return ch_error_memory(err, "a panel");
    }
    put_wrapped(block, text);
    free(text);
    return CH_OK;
}

static const struct {
    const char *name, *law;
} laws[] = {
    {"delta", "‖Δw‖ ∝ T^δ"}, {"gamma", "‖Δw‖ ∝ P^γ"}, {"time_delta", "t* ∝ T^{δ_t}"},
    {"b", "t* ∝ P^b"},       {"a", "T_c ∝ P^{−a}"},
};

static void law_text(const ch_exponent *exponent, char *text, size_t size)
{
    snprintf(text, size, "%s", exponent->name);
    for (size_t i = 0; i < sizeof laws / sizeof laws[0]; i++) {
        if (strcmp(exponent->name, laws[i].name) == 0) {
            snprintf(text, size, "%s%s%s", laws[i].law, exponent->definition != NULL ? ", " : "",
                     exponent->definition != NULL ? exponent->definition : "");
        }
    }
    if (exponent->method != NULL && strcmp(exponent->method, "joint") == 0) {
        snprintf(text, size, "a, %s, joint", exponent->definition);
    }
}

/* Three decimals; `prefix` stands before a number that is not negative. */
static void number(char *text, size_t size, double value, const char *prefix)
{
    if (isfinite(value)) {
        snprintf(text, size, "%s%.3f", value < 0 ? "−" : prefix, fabs(value));
    } else {
        snprintf(text, size, "–");
    }
}

static void put_exponents(text_block *block, const ch_fit_group *group)
{
    static const double estimate_column = 0.185, error_column = 0.25, theory_column = 0.335;
    if (group->num_exponents == 0) {
        put_wrapped(block, "No exponent could be fitted.");
        return;
    }
    put(block, 0, false, "law");
    put(block, estimate_column, false, "exponent");
    put(block, theory_column, false, "theory");
    block->y -= row_height;
    for (size_t i = 0; i < group->num_exponents && !is_full(block); i++) {
        const ch_exponent *e = &group->exponents[i];
        char text[96];
        law_text(e, text, sizeof text);
        put(block, 0, true, text);
        number(text, sizeof text, e->estimate.value, "");
        put(block, estimate_column, false, text);
        number(text, sizeof text, e->estimate.stderr_, "± ");
        put(block, error_column, false, text);
        number(text, sizeof text, e->theory, "");
        put(block, theory_column, false, text);
        block->y -= row_height;
    }
}

static size_t count_status(const ch_fit_group *group, ch_status status)
{
    size_t count = 0;
    for (size_t i = 0; i < group->num_runs; i++) {
        count += group->runs[i]->status == status;
    }
    return count;
}

static bool has_strips(const ch_page *page)
{
    for (size_t i = 0; i < ch_panels_count; i++) {
        if (ch_strip_is_under(page, i)) {
            return true;
        }
    }
    return false;
}

static void put_runs(text_block *block, const ch_page *page)
{
    const ch_fit_group *group = page->group;
    const size_t censored = count_status(group, CH_BUDGET), diverged = count_status(group, CH_DIVERGED);
    char text[512];
    snprintf(text, sizeof text, "%zu run%s on %zu data set%s. Points: mean of the logarithm over data sets ± one s.e.",
             group->num_runs, group->num_runs == 1 ? "" : "s", group->num_data_sets,
             group->num_data_sets == 1 ? "" : "s");
    put_wrapped(block, text);
    if (censored > 0) {
        snprintf(text, sizeof text, "Ended by a budget: %zu; lower bounds, open triangles.", censored);
        put_wrapped(block, text);
    }
    if (diverged > 0) {
        snprintf(text, sizeof text, "Diverged, not drawn: %zu.", diverged);
        put_wrapped(block, text);
    }
    if (has_strips(page)) {
        const size_t outliers = group->weight_residuals.num_outliers + group->time_residuals.num_outliers;
        snprintf(text, sizeof text,
                 "Under (b), (c): over the joint law; band: ± σ of single runs; crosses: %zu outlier%s.", outliers,
                 outliers == 1 ? "" : "s");
        put_wrapped(block, text);
    }
    if (group->key.model == CH_MODEL_PERCEPTRON && group->key.batch != 0) {
        put(block, 0, true, "Theory in (e): r* = T √d n_χ √(π/2), s* = λ* r*.");
        block->y -= row_height;
    }
    if (page->options->wanted[CH_TC_ESCAPE]) {
        snprintf(text, sizeof text, "Escape: ‖Δw‖/‖w₀‖ = %.3g. Triangles in (d): bounds.", page->options->threshold);
        put_wrapped(block, text);
    }
}

ch_code ch_summary_draw(const ch_page *page, FILE *out, ch_error *err)
{
    double left, right, bottom, top;
    ch_panel_place(ch_panels_count, &left, &right, &bottom, &top);
    text_block block = {.out = out, .left = left, .y = top};
    fprintf(out, "reset\nset label '(f)' at screen %.17g, screen %.17g left\n", left - 0.2 * (right - left),
            top + 0.08 * (top - bottom));
    const ch_code code = put_fixed(&block, page->group, err);
    if (code != CH_OK) {
        return code;
    }
    block.y -= line_height / 2;
    put_exponents(&block, page->group);
    block.y -= line_height / 2;
    put_runs(&block, page);
    for (size_t i = 0; i < page->group->num_notes && !is_full(&block); i++) {
        put_wrapped(&block, page->group->notes[i]);
    }
    fputs("unset border\nunset tics\nset xrange [0:1]\nset yrange [0:1]\nunset key\nplot NaN\n", out);
    return CH_OK;
}

ch_code ch_summary_caption(const ch_fit_group *group, const char *const *sentences, size_t count, double left,
                           double top, FILE *out, ch_error *err)
{
    text_block block = {.out = out, .left = left, .y = top};
    fputs("reset\n", out);
    const ch_code code = put_fixed(&block, group, err);
    for (size_t i = 0; i < count && code == CH_OK; i++) {
        block.y -= line_height / 2;
        put_wrapped(&block, sentences[i]);
    }
    fputs("unset border\nunset tics\nset xrange [0:1]\nset yrange [0:1]\nunset key\nplot NaN\n", out);
    return code;
}
