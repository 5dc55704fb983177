/* summary.c — panel (f): the settings held fixed, the table of exponents, and the notes of the fit. */
#include "fit/numbers.h"
#include "plots/caption.h"
#include "plots/expected.h"
#include "plots/overview.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* "‖Δw‖ ∝ T^δ"; of T_c ∝ P^{−a} by one of its definitions "a, onset" */
static void law_text(const ch_exponent *exponent, char *text, size_t size)
{
    const ch_fit_number_row *number = &ch_fit_numbers[exponent->number];
    if (number->has_definition) {
        char definition[64];
        ch_name_text(ch_tc_definition_name(exponent->definition), definition, sizeof definition);
        snprintf(text, size, "a, %s", definition);
    } else {
        snprintf(text, size, "%s", number->figure);
    }
}

/* Whether the table has a row for an exponent: of several a by one definition the best one alone. */
static bool is_row(const ch_fit_group *group, const ch_exponent *exponent)
{
    return !ch_fit_numbers[exponent->number].has_definition || exponent == ch_fit_best_a(group, exponent->definition);
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

/* Which columns of the table have a number: what is expected at the P and d of the group, and theory's limit. */
typedef struct {
    bool expected, limit;
} columns;

static columns columns_of(const ch_fit_group *group)
{
    columns are = {false, false};
    for (size_t i = 0; i < group->num_exponents; i++) {
        are.expected = are.expected || isfinite(group->exponents[i].expected);
        are.limit = are.limit || isfinite(group->exponents[i].theory);
    }
    return are;
}

static void put_exponents(ch_caption *block, const ch_fit_group *group)
{
    static const double estimate_column = 0.125, expected_column = 0.262, theory_column = 0.345;
    const columns are = columns_of(group);
    if (group->num_exponents == 0) {
        ch_caption_put_wrapped(block, "No exponent could be fitted.");
        return;
    }
    ch_caption_put(block, 0, false, "law");
    ch_caption_put(block, estimate_column, false, "exponent");
    if (are.expected) {
        ch_caption_put(block, expected_column, false, "expected");
    }
    if (are.limit) {
        ch_caption_put(block, theory_column, false, are.expected ? "limit" : "theory");
    }
    block->y -= CH_CAPTION_ROW;
    for (size_t i = 0; i < group->num_exponents && !ch_caption_is_full(block); i++) {
        const ch_exponent *e = &group->exponents[i];
        char text[96];
        if (!is_row(group, e)) {
            continue;
        }
        law_text(e, text, sizeof text);
        ch_caption_put(block, 0, true, text);
        number(text, sizeof text, e->estimate.value, "");
        number(text + strlen(text), sizeof text - strlen(text), e->estimate.stderr_, " ± ");
        ch_caption_put(block, estimate_column, false, text);
        if (are.expected) {
            number(text, sizeof text, e->expected, "");
            ch_caption_put(block, expected_column, false, text);
        }
        if (are.limit) {
            number(text, sizeof text, e->theory, "");
            ch_caption_put(block, theory_column, false, text);
        }
        block->y -= CH_CAPTION_ROW;
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

static bool has_strips(const ch_overview *overview)
{
    for (size_t i = 0; i < CH_OVERVIEW_PANELS; i++) {
        if (ch_strip_is_under(overview, i)) {
            return true;
        }
    }
    return false;
}

/* What the dashed curves are, and why there are none, or gaps in them. */
static void put_expected(ch_caption *block, const ch_fit_group *group)
{
    char text[1200];
    if (ch_expects(group)) {
        ch_caption_put_wrapped(
            block, "Dashed, and expected: at these P, d and T. Bands: ± σ of ln over data sets. Limit: P → ∞.");
    }
    if (group->expected.why_not != NULL) {
        snprintf(text, sizeof text, "Nothing is expected%s: %s.", ch_expects(group) ? " at some P and T" : "",
                 group->expected.why_not);
        ch_caption_put_wrapped(block, text);
    }
}

static void put_runs(ch_caption *block, const ch_overview *overview)
{
    const ch_fit_group *group = overview->group;
    const size_t censored = count_status(group, CH_BUDGET), diverged = count_status(group, CH_DIVERGED);
    char text[512];
    snprintf(text, sizeof text, "%zu run%s on %zu data set%s. Points: mean of the logarithm over data sets ± one s.e.",
             group->num_runs, group->num_runs == 1 ? "" : "s", group->num_data_sets,
             group->num_data_sets == 1 ? "" : "s");
    ch_caption_put_wrapped(block, text);
    put_expected(block, group);
    if (censored > 0) {
        snprintf(text, sizeof text, "A budget ended %zu run%s (bounds, open triangles).", censored,
                 censored == 1 ? "" : "s");
        ch_caption_put_wrapped(block, text);
    }
    if (diverged > 0) {
        snprintf(text, sizeof text, "%zu run%s diverged and %s not drawn.", diverged, diverged == 1 ? "" : "s",
                 diverged == 1 ? "is" : "are");
        ch_caption_put_wrapped(block, text);
    }
    if (has_strips(overview)) {
        const size_t outliers = group->weight_residuals.num_outliers + group->time_residuals.num_outliers;
        snprintf(text, sizeof text,
                 "Strips under (b), (c): ratio to the joint law; band: ± σ of single runs; crosses: %zu outlier%s.",
                 outliers, outliers == 1 ? "" : "s");
        ch_caption_put_wrapped(block, text);
    }
    if (group->key.model == CH_ARCH_PERCEPTRON && ch_settings_has_theory(&group->key) && group->key.batch != 0) {
        ch_caption_put(block, 0, true, "Theory in (e): r* = T √d n_χ √(π/2), s* = λ* r*.");
        block->y -= CH_CAPTION_ROW;
    }
    if (overview->options->wanted[CH_TC_ESCAPE]) {
        snprintf(text, sizeof text, "Escape: ‖Δw‖/‖w₀‖ = %.3g. Triangles in (d): bounds.",
                 overview->options->threshold);
        ch_caption_put_wrapped(block, text);
    }
}

/* Notes have no full stop, since some end in a command. */
static void put_note(ch_caption *block, const char *note)
{
    char text[2048]; /* no caption has room for more */
    snprintf(text, sizeof text, "%s%s", note, strstr(note, "chiton ") == NULL ? "." : "");
    ch_caption_put_wrapped(block, text);
}

ch_code ch_summary_draw(const ch_overview *overview, const ch_page_head *head, ch_sheet *sheet, ch_error *err)
{
    const ch_place place = ch_sheet_place(sheet, CH_OVERVIEW_PANELS);
    ch_caption block = ch_caption_new(sheet, place);
    if (!ch_sheet_shows(sheet, CH_OVERVIEW_PANELS)) {
        return CH_OK;
    }
    fprintf(sheet->out, "reset\nset label '(f)' at screen page_x(%.17g), screen page_y(%.17g) left\n",
            place.left - 0.2 * (place.right - place.left), place.top + 0.08 * (place.top - place.bottom));
    const ch_code code = ch_caption_put_fixed(&block, head, err);
    if (code != CH_OK) {
        return code;
    }
    block.y -= CH_CAPTION_LINE / 2;
    put_exponents(&block, overview->group);
    block.y -= CH_CAPTION_LINE / 2;
    put_runs(&block, overview);
    for (size_t i = 0; i < overview->group->num_notes && !ch_caption_is_full(&block); i++) {
        put_note(&block, overview->group->notes[i]);
    }
    sheet->num_shown++;
    ch_caption_end(&block);
    return CH_OK;
}
