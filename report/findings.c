/* findings.c — what a fit found, as tables and sentences of a page. */
#include "report/findings.h"

#include "core/text.h"
#include "fit/laws/critical.h"
#include "fit/numbers.h"
#include "fit/reports/parts.h"
#include "fit/reports/rows.h"
#include "report/html.h"

#include <math.h>

#define DASH CH_REPORT_DASH

/* Writes a cell with a number of so many digits; a dash where there is none. */
static void write_real(FILE *out, double value, int digits)
{
    char text[40] = DASH;
    if (isfinite(value)) {
        snprintf(text, sizeof text, "%.*g", digits, value);
    }
    ch_html_number(out, value, text);
}

/* Writes a cell with a temperature: "2^-15", or "0.0123". */
static void write_temp(FILE *out, double value)
{
    ch_html_number(out, value, isfinite(value) ? ch_show_power(value).text : DASH);
}

static void write_train(FILE *out, uint64_t train)
{
    ch_html_number(out, (double)train, ch_show_count(train).text);
}

/* ---- exponents ---- */

static void write_law(FILE *out, const ch_exponent *exponent)
{
    const ch_fit_number_row *number = &ch_fit_numbers[exponent->number];
    fputs("<td class=\"l\">", out);
    if (number->has_definition) {
        ch_html_print(out, "a  T_c ~ P^-a by %s", ch_tc_definition_name(exponent->definition));
    } else {
        ch_html_print(out, "%s  %s", number->symbol, number->law != NULL ? number->law : "");
    }
    fputs("</td>", out);
}

static void write_exponent(const ch_fit_group *group, const ch_exponent *exponent, const char *label, FILE *out)
{
    const ch_estimate *estimate = &exponent->estimate;
    char text[64], distance[32];
    const double off = ch_report_distance(exponent, group->num_data_sets, distance, sizeof distance);
    fputs("<tr>", out);
    ch_html_cell(out, label);
    write_law(out, exponent);
    if (exponent->held == CH_HELD_FIXED) {
        snprintf(text, sizeof text, "%.6g", estimate->value);
    } else {
        ch_report_format_estimate(estimate, text, sizeof text);
    }
    ch_html_number(out, estimate->value, text);
    if (exponent->held == CH_HELD_FIXED || exponent->held == CH_HELD_BOUND) {
        snprintf(text, sizeof text, exponent->held == CH_HELD_FIXED ? "fixed" : "at its bound");
    } else {
        ch_report_format_interval(estimate, text, sizeof text);
    }
    ch_html_number(out, estimate->lo, text);
    snprintf(text, sizeof text, isnan(exponent->expected) ? DASH : "%.3f", exponent->expected);
    ch_html_number(out, exponent->expected, text);
    write_real(out, exponent->theory, 4);
    ch_html_number(out, off, exponent->held == CH_HELD_FIXED ? DASH : distance);
    fputs("</tr>\n", out);
}

/* Whether a row of a table shows an exponent: of several ways to `a` the recommended one. */
static bool is_shown(const ch_fit_group *group, const ch_exponent *exponent)
{
    return !ch_fit_numbers[exponent->number].has_definition || exponent == ch_fit_best_a(group, exponent->definition);
}

void ch_html_exponents(const ch_fit *fit, FILE *out)
{
    static const char *const titles[] = {
        "runs", "number and law", "#estimate ± error", "#95 % interval", "#expected", "#theory", "#off by"};
    bool is_begun = false;
    for (size_t g = 0; g < fit->num_groups; g++) {
        const ch_fit_group *group = &fit->groups[g];
        char label[256];
        ch_fit_group_label(fit, group, label, sizeof label);
        for (size_t i = 0; i < group->num_exponents; i++) {
            if (!is_shown(group, &group->exponents[i])) {
                continue;
            }
            if (!is_begun) {
                ch_html_table_begin(out, "Exponents", titles, sizeof titles / sizeof *titles);
                is_begun = true;
            }
            write_exponent(group, &group->exponents[i], label, out);
        }
    }
    if (is_begun) {
        ch_html_table_end(out);
    }
}

/* ---- critical temperatures ---- */

/* What there is to say of a T_c that is not known to lie at its value. */
static void write_remark(FILE *out, const ch_tc *tc)
{
    fputs("<td>", out);
    switch (tc->place) {
    case CH_TC_BELOW:
        ch_html_text("under the lowest T", out);
        break;
    case CH_TC_ABOVE:
        ch_html_text("over the highest T", out);
        break;
    case CH_TC_UNRESOLVED:
        ch_html_print(out, "hidden by noise: it takes %zu data sets", tc->needed_sets);
        break;
    case CH_TC_INSIDE:
    case CH_TC_NONE:
        break;
    }
    fputs("</td>", out);
}

static void write_critical(const ch_tc *tc, const char *label, FILE *out)
{
    char text[80] = DASH;
    fputs("<tr>", out);
    ch_html_cell(out, label);
    ch_html_cell(out, ch_tc_definition_name(tc->definition));
    write_train(out, tc->train);
    write_real(out, tc->estimate.value, 4);
    if (isfinite(tc->estimate.lo)) {
        snprintf(text, sizeof text, "%.3g … %.3g", tc->estimate.lo, tc->estimate.hi);
    }
    ch_html_number(out, tc->estimate.lo, text);
    write_real(out, tc->expected, 4);
    write_remark(out, tc);
    fputs("</tr>\n", out);
}

void ch_html_critical(const ch_fit *fit, FILE *out)
{
    static const char *const titles[] = {"runs", "T_c by", "#P", "#T_c", "#95 % interval", "#expected", "remark"};
    bool is_begun = false;
    for (size_t g = 0; g < fit->num_groups; g++) {
        const ch_fit_group *group = &fit->groups[g];
        char label[256];
        ch_fit_group_label(fit, group, label, sizeof label);
        for (size_t i = 0; i < group->num_tc; i++) {
            if (group->tc[i].place == CH_TC_NONE) {
                continue;
            }
            if (!is_begun) {
                ch_html_table_begin(out, "Critical temperatures", titles, sizeof titles / sizeof *titles);
                is_begun = true;
            }
            write_critical(&group->tc[i], label, out);
        }
    }
    if (is_begun) {
        ch_html_table_end(out);
    }
}

/* ---- phase diagrams ---- */

/* Writes a temperature of a diagram, with its interval or as a bound. */
static void write_phase_temp(FILE *out, const ch_phase_temp *temp)
{
    char text[96] = DASH;
    const double value = temp->estimate.value;
    if (temp->place == CH_TC_BELOW || temp->place == CH_TC_ABOVE) {
        snprintf(text, sizeof text, "%s %s", temp->place == CH_TC_BELOW ? "<" : ">", ch_show_power(value).text);
    } else if (temp->place == CH_TC_INSIDE && isfinite(temp->estimate.lo)) {
        snprintf(text, sizeof text, "%.3g (%.2g … %.2g)", value, temp->estimate.lo, temp->estimate.hi);
    } else if (temp->place == CH_TC_INSIDE) {
        snprintf(text, sizeof text, "%.3g", value);
    }
    ch_html_number(out, value, text);
}

void ch_html_phases(const ch_phase_list *phases, FILE *out)
{
    static const char *const titles[] = {
        "model", "#P", "#α", "#T_opt", "#T_max", "#end of lazy, ‖Δw‖", "#end of lazy, kernel"};
    static const char *const limits[] = {[CH_PHASE_FREE] = "",
                                         [CH_PHASE_AT_DIVERGED] = ", at the border of divergence",
                                         [CH_PHASE_AT_BUDGET] = ", beside T that budgets ended"};
    if (phases->count == 0) {
        return;
    }
    ch_html_table_begin(out, "Phase diagrams over α and T", titles, sizeof titles / sizeof *titles);
    for (size_t i = 0; i < phases->count; i++) {
        const ch_phase *phase = &phases->items[i];
        for (size_t a = 0; a < phase->num_alphas; a++) {
            const ch_phase_row *row = &phase->rows[a];
            char model[CH_SETTING_TEXT_SIZE];
            ch_setting_show(&ch_settings_table[CH_SETTING_MODEL], ch_settings_get(&phase->key, CH_SETTING_MODEL), model,
                            sizeof model);
            fputs("<tr><td>", out);
            ch_html_print(out, "%s%s", model, limits[row->limit]);
            fputs("</td>", out);
            write_train(out, phase->key.train);
            write_temp(out, phase->alphas[a]);
            write_phase_temp(out, &row->best);
            write_phase_temp(out, &row->max);
            write_phase_temp(out, &row->weight_border);
            write_phase_temp(out, &row->kernel_border);
            fputs("</tr>\n", out);
        }
    }
    ch_html_table_end(out);
}

/* ---- networks beside their twins ---- */

/* Writes the ratio network / twin that is left of the end of the lazy regime. */
static void write_ratio(FILE *out, const ch_lazy_mean *mean)
{
    char text[64] = DASH;
    if (isfinite(mean->mean) && isfinite(mean->stderr_)) {
        snprintf(text, sizeof text, "%.3f ± %.3f", exp(mean->mean), exp(mean->mean) * mean->stderr_);
    } else if (isfinite(mean->mean)) {
        snprintf(text, sizeof text, "%.3f", exp(mean->mean));
    }
    ch_html_number(out, exp(mean->mean), text);
}

static void write_end(FILE *out, const ch_lazy_end *end)
{
    char text[96] = DASH;
    if (end->place == CH_TC_BELOW || end->place == CH_TC_ABOVE || end->place == CH_TC_INSIDE) {
        snprintf(text, sizeof text, "%s%s",
                 end->place == CH_TC_BELOW   ? "≤ "
                 : end->place == CH_TC_ABOVE ? "> "
                                             : "",
                 ch_show_power(end->temp).text);
    }
    ch_html_number(out, end->temp, text);
}

void ch_html_twins(const ch_fit *fit, const ch_lazy_list *twins, FILE *out)
{
    static const char *const titles[] = {
        "network", "#P", "#‖Δw‖, network / twin", "#end of lazy, ‖Δw‖", "#t*, network / twin", "#end of lazy, t*"};
    if (twins->count == 0) {
        return;
    }
    ch_html_table_begin(out, "Networks beside their linearised twins", titles, sizeof titles / sizeof *titles);
    for (size_t i = 0; i < twins->count; i++) {
        const ch_lazy *twin = &twins->items[i];
        char label[256];
        ch_fit_group_label(fit, &fit->groups[twin->network], label, sizeof label);
        for (size_t r = 0; r < twin->num_rows; r++) {
            const ch_lazy_end *ends = twin->rows[r].ends;
            fputs("<tr>", out);
            ch_html_cell(out, label);
            write_train(out, twin->rows[r].train);
            write_ratio(out, &ends[CH_LAZY_WEIGHT_CHANGE].agreement);
            write_end(out, &ends[CH_LAZY_WEIGHT_CHANGE]);
            write_ratio(out, &ends[CH_LAZY_TIME].agreement);
            write_end(out, &ends[CH_LAZY_TIME]);
            fputs("</tr>\n", out);
        }
    }
    ch_html_table_end(out);
}

/* ---- notes ---- */

static void write_notes(const ch_fit_group *group, bool details, FILE *out)
{
    fputs("<ul>", out);
    for (size_t i = 0; i < group->num_notes; i++) {
        if (group->is_detail[i] == details) {
            fputs("<li>", out);
            ch_html_formula(group->notes[i], out);
            fputs("</li>\n", out);
        }
    }
    fputs("</ul>", out);
}

/* Says what the group is: its runs, P, T, and the window of its power laws. */
static void write_about(const ch_fit_group *group, FILE *out)
{
    fputs("<p>", out);
    ch_html_print(out, "%zu run%s on %zu data set%s, P = %s … %s, T = %s … %s.", group->num_runs,
                  group->num_runs == 1 ? "" : "s", group->num_data_sets, group->num_data_sets == 1 ? "" : "s",
                  ch_show_count(group->trains[0]).text, ch_show_count(group->trains[group->num_trains - 1]).text,
                  ch_show_power(group->temps[0]).text, ch_show_power(group->temps[group->num_temps - 1]).text);
    if (isfinite(group->window_lo)) {
        ch_html_print(out, " Power laws are fitted over T = %s … %s.", ch_show_power(group->window_lo).text,
                      ch_show_power(group->window_hi).text);
    }
    fputs("</p>", out);
}

void ch_html_notes(const ch_fit *fit, FILE *out)
{
    for (size_t g = 0; g < fit->num_groups; g++) {
        const ch_fit_group *group = &fit->groups[g];
        char label[256];
        size_t details = 0;
        for (size_t i = 0; i < group->num_notes; i++) {
            details += group->is_detail[i];
        }
        ch_fit_group_label(fit, group, label, sizeof label);
        fputs("<section class=\"note\"><h3>", out);
        ch_html_formula(label, out);
        fputs("</h3>", out);
        write_about(group, out);
        if (details < group->num_notes) {
            write_notes(group, false, out);
        }
        if (details > 0) {
            fprintf(out, "<details><summary>%zu more note%s</summary>", details, details == 1 ? "" : "s");
            write_notes(group, true, out);
            fputs("</details>", out);
        }
        fputs("</section>\n", out);
    }
}
