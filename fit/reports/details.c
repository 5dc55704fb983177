/* details.c — the detailed report of a fit: every number that was found, and how. */
#include "core/page.h"
#include "core/text.h"
#include "fit/laws/critical.h"
#include "fit/numbers.h"
#include "fit/reports/parts.h"
#include "fit/reports/reports.h"
#include "fit/reports/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TRAIN_WIDTH = 11, CRITICAL_WIDTH = 34, PAGE_COLUMNS = 2 }; /* a line then has 79 columns */

/* Writes that noise hides T_c, and how many data sets would show it. */
static void format_unresolved(const ch_tc *tc, char *text, size_t size)
{
    snprintf(text, size, "not resolved: takes %zu data sets", tc->needed_sets);
    if (ch_page_width(text) >= CRITICAL_WIDTH) {
        snprintf(text, size, "not resolved: %zu sets", tc->needed_sets);
    }
}

static void format_critical(const ch_tc *tc, char *text, size_t size)
{
    switch (tc->place) {
    case CH_TC_BELOW:
        snprintf(text, size, "< %s", ch_show_power(tc->estimate.value).text);
        break;
    case CH_TC_ABOVE:
        snprintf(text, size, "> %s", ch_show_power(tc->estimate.value).text);
        break;
    case CH_TC_NONE:
        snprintf(text, size, CH_REPORT_DASH);
        break;
    case CH_TC_UNRESOLVED:
        format_unresolved(tc, text, size);
        break;
    case CH_TC_INSIDE:
        if (isnan(tc->estimate.lo)) {
            snprintf(text, size, "%.3g (" CH_REPORT_DASH ")", tc->estimate.value);
        } else {
            snprintf(text, size, "%.3g (%.3g … %.3g)", tc->estimate.value, tc->estimate.lo, tc->estimate.hi);
        }
        break;
    }
}

/* ---- parts of a group ---- */

static void print_window(FILE *out, const ch_fit_group *group)
{
    if (isnan(group->window_lo)) {
        return;
    }
    fputs("  window ", out);
    ch_report_print_temps(group->window_lo, group->window_hi, group->window_temps, out);
    if (!isnan(group->window_tolerance)) {
        fprintf(out, ", the onset's trace in ‖Δw‖ is under %g %%", 100 * group->window_tolerance);
    }
    fputc('\n', out);
}

enum { EXPONENT_WIDTH = 19 };

static void print_exponents(FILE *out, const ch_fit_group *group)
{
    if (group->num_exponents == 0) {
        return;
    }
    fputc('\n', out);
    ch_report_print_exponent_head("exponent", EXPONENT_WIDTH, out);
    for (size_t i = 0; i < group->num_exponents; i++) {
        const ch_exponent *exponent = &group->exponents[i];
        const ch_fit_number_row *number = &ch_fit_numbers[exponent->number];
        const size_t symbol = ch_page_width(number->symbol), indent = number->has_definition ? 2 : 5;
        char name[64];
        snprintf(name, sizeof name, "%s%*s%s%s%s", number->symbol, (int)(indent - symbol), "",
                 number->has_definition ? ch_tc_definition_name(exponent->definition) : number->law,
                 number->has_definition ? " " : "", number->has_definition ? number->method : "");
        ch_report_print_exponent(name, EXPONENT_WIDTH, exponent, group->num_data_sets, out);
    }
}

/* ---- joint laws and correlations ---- */

/* Prints the joint laws: "T_c by onset, all P at once: 5.9e-05 (P/2048)^-0.05, m = 1.21 ± 0.03". The prefactor is T_c
 * at the geometric mean of the least and the largest P. A law that is extrapolated says so: a note says at how many P.
 */
static void print_joint(FILE *out, const ch_fit_group *group)
{
    const double middle = sqrt((double)group->trains[0] * (double)group->trains[group->num_trains - 1]);
    const char *before = "\n";
    for (ch_tc_definition d = 0; d < CH_NUM_TC; d++) {
        const ch_critical_law *law = &group->joint[d];
        char text[64];
        if (!law->found) {
            continue;
        }
        fprintf(out, "%s  T_c by %s, %s: %.3g (P/%s)^%.3g", before, ch_tc_definition_name(d),
                law->num_outside > 0 ? "extrapolated" : "all P at once",
                law->prefactor.value * pow(middle, -law->exponent.value), ch_show_count((uint64_t)round(middle)).text,
                0 - law->exponent.value);
        if (law->held_sharpness == CH_HELD_FIXED) {
            fprintf(out, ", m = %.6g, fixed", law->sharpness.value);
        } else if (!isnan(law->sharpness.value)) {
            ch_report_format_estimate(&law->sharpness, text, sizeof text);
            fprintf(out, ", m = %s", text);
        }
        fputc('\n', out);
        before = "";
    }
}

/* Prints the correlations in lines like a note's: "correlations: δ, γ 0.12; …; ln c, a by onset 0.98". */
static void print_correlations(FILE *out, const ch_fit_group *group)
{
    char text[512] = "";
    size_t length = 0;
    for (size_t i = 0; i < group->num_correlations && length < sizeof text; i++) {
        const ch_correlation *pair = &group->correlations[i];
        length +=
            (size_t)snprintf(text + length, sizeof text - length, "%s%s, %s%s%s %.2f", i == 0 ? "correlations: " : "; ",
                             ch_fit_numbers[pair->first].symbol, ch_fit_numbers[pair->second].symbol,
                             pair->definition == CH_NUM_TC ? "" : " by ",
                             pair->definition == CH_NUM_TC ? "" : ch_tc_definition_name(pair->definition), pair->value);
    }
    if (length > 0) {
        fputc('\n', out);
        ch_page_wrapped(out, "  ·", text);
    }
}

/* ---- shapes over P ---- */

/* Widths of the columns: quantity and shape, exponent, its interval, the further number of the shape, p of the misfit,
 * and AICc minus that of the best shape. */
static const size_t shape_widths[] = {18, 16, 18, 11, 7, 7};
enum { NUM_SHAPE_COLUMNS = sizeof shape_widths / sizeof *shape_widths };

static void print_shape_row(FILE *out, const char *const cells[NUM_SHAPE_COLUMNS])
{
    fputs("  ", out);
    ch_page_left(out, cells[0], shape_widths[0]);
    for (size_t i = 1; i < NUM_SHAPE_COLUMNS; i++) {
        ch_page_right(out, cells[i], shape_widths[i]);
    }
    fputc('\n', out);
}

/* Writes a probability with two digits, or with one digit and its power of ten where it is under 0.001. */
static void format_chance(double p, char *text, size_t size)
{
    snprintf(text, size, isnan(p) ? CH_REPORT_DASH : p < 0.001 ? "%.0e" : "%.2g", p);
}

static void print_shape(FILE *out, const char *what, const ch_shapes *shapes, ch_trend_shape shape)
{
    const ch_shape_fit *fit = &shapes->fits[shape];
    const ch_estimate exponent = {fit->exponent, fit->stderr_, fit->lo, fit->hi};
    const double behind = fit->aicc - shapes->fits[shapes->best].aicc;
    char name[64], estimate[64], interval[64], besides[64] = "", misfit[32], aicc[32];
    snprintf(name, sizeof name, "%s %s %s", shape == shapes->best ? "→" : " ", what, ch_trend_shape_name(shape));
    ch_report_format_estimate(&exponent, estimate, sizeof estimate);
    ch_report_format_interval(&exponent, interval, sizeof interval);
    if (shape == CH_SHAPE_BROKEN) {
        snprintf(besides, sizeof besides, "P_b = %.0f", exp(fit->extra));
    } else if (shape == CH_SHAPE_CORRECTED) {
        snprintf(besides, sizeof besides, "ω = %.2g", fit->extra);
    }
    format_chance(fit->misfit, misfit, sizeof misfit);
    snprintf(aicc, sizeof aicc, isnan(behind) ? CH_REPORT_DASH : "%.1f", behind);
    print_shape_row(out, (const char *const[]){name, estimate, interval, besides, misfit, aicc});
}

static void print_shapes(FILE *out, const ch_fit_group *group)
{
    const struct {
        const char *what;
        const ch_shapes *shapes;
    } curves[] = {{"‖Δw‖", &group->weight_shapes}, {"t*", &group->time_shapes}};
    if (!curves[0].shapes->fits[CH_SHAPE_POWER].found) {
        return;
    }
    fputc('\n', out);
    print_shape_row(out, (const char *const[]){"  over P", "at large P", "95 % interval", "", "misfit", "ΔAICc"});
    size_t width = 0;
    for (size_t i = 0; i < NUM_SHAPE_COLUMNS; i++) {
        width += shape_widths[i];
    }
    ch_page_rule(out, width);
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        for (ch_trend_shape k = 0; k < CH_NUM_SHAPES; k++) {
            if (curves[i].shapes->fits[k].found) {
                print_shape(out, curves[i].what, curves[i].shapes, k);
            }
        }
    }
}

/* ---- critical temperatures ---- */

/* Prints T_c with a row for each P and a column for each of some definitions.
 * @param columns  [count] the T_c of each definition, [num_trains] by P */
static void print_columns(FILE *out, const ch_fit *self, const ch_fit_group *group, const ch_tc *const *columns,
                          size_t count)
{
    fputc('\n', out);
    ch_page_right(out, "P", TRAIN_WIDTH);
    for (size_t k = 0; k < count; k++) {
        char title[96];
        ch_tc_rule_of(columns[k]->definition)->describe(&self->options, title, sizeof title);
        const char *name = ch_page_width(title) < CRITICAL_WIDTH ? title : strstr(title, "by ");
        ch_page_right(out, name, CRITICAL_WIDTH);
    }
    fputc('\n', out);
    ch_page_rule(out, TRAIN_WIDTH - 2 + count * CRITICAL_WIDTH); /* it begins after two blanks */
    for (size_t p = 0; p < group->num_trains; p++) {
        char text[96];
        ch_power_format_count(group->trains[p], text, sizeof text);
        ch_page_right(out, text, TRAIN_WIDTH);
        for (size_t k = 0; k < count; k++) {
            format_critical(&columns[k][p], text, sizeof text);
            ch_page_right(out, text, CRITICAL_WIDTH);
        }
        fputc('\n', out);
    }
}

/* Lists the definitions whose T_c are shown. One that can say nothing at any P is left out where there are others.
 * group->tc is ordered by (definition, P).
 * @param columns  out: [CH_NUM_TC] the first T_c of each  @return their number */
static size_t list_columns(const ch_fit_group *group, const ch_tc **columns)
{
    size_t count = 0;
    for (size_t i = 0; i < group->num_tc; i += group->num_trains) {
        size_t nothing = 0;
        for (size_t p = 0; p < group->num_trains; p++) {
            nothing += group->tc[i + p].place == CH_TC_NONE;
        }
        if (nothing < group->num_trains || group->num_tc == group->num_trains) {
            columns[count++] = &group->tc[i];
        }
    }
    return count;
}

static void print_critical(FILE *out, const ch_fit *self, const ch_fit_group *group)
{
    const ch_tc *columns[CH_NUM_TC];
    const size_t count = list_columns(group, columns);
    for (size_t first = 0; first < count; first += PAGE_COLUMNS) {
        print_columns(out, self, group, columns + first, first + PAGE_COLUMNS < count ? PAGE_COLUMNS : count - first);
    }
}

void ch_fit_print_details(const ch_fit *self, FILE *out)
{
    for (size_t g = 0; g < self->num_groups; g++) {
        const ch_fit_group *group = &self->groups[g];
        ch_report_print_heading(self, group, out);
        print_window(out, group);
        ch_report_print_excluded(group, out);
        print_exponents(out, group);
        ch_report_print_chi(group, out);
        print_joint(out, group);
        print_correlations(out, group);
        print_shapes(out, group);
        print_critical(out, self, group);
        ch_report_print_outliers(group, out);
        if (group->num_notes > 0) {
            fputc('\n', out);
        }
        for (size_t i = 0; i < group->num_notes; i++) {
            ch_page_wrapped(out, "  ·", group->notes[i]);
        }
        fputc('\n', out);
    }
    fprintf(out,
            "Exponents are effective ones over the P shown. Theory's are those of large P;\n"
            "expected are those that it gives at these P, d and T, and what an estimate is\n"
            "held against. Errors: %zu bootstrap replicas of the data sets, Student's t for\n"
            "95 %% intervals and σ.\n",
            self->options.replicas);
}
