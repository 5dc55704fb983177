/* text.c — the report of a fit as text of 88 columns, in UTF-8. */
#include "core/text.h"
#include "core/page.h"
#include "fit/errors/estimate.h"
#include "fit/laws/critical.h"
#include "fit/numbers.h"
#include "fit/reports/parts.h"
#include "fit/reports/reports.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DASH "—"

/* ---- numbers ---- */

/* The number of decimals, 1 to 4, that shows two digits of an error. It is 4 where there is no error. */
static int decimals_for(double error)
{
    if (!(error > 0)) {
        return 4;
    }
    const int decimals = 1 - (int)floor(log10(error));
    return decimals < 1 ? 1 : decimals > 4 ? 4 : decimals;
}

static void format_exponent(const ch_estimate *estimate, char *text, size_t size)
{
    const int decimals = decimals_for(estimate->stderr_);
    if (isnan(estimate->stderr_)) {
        snprintf(text, size, "%.*f ± " DASH, decimals, estimate->value);
    } else {
        snprintf(text, size, "%.*f ± %.*f", decimals, estimate->value, decimals, estimate->stderr_);
    }
}

static void format_interval(const ch_estimate *estimate, char *text, size_t size)
{
    const int decimals = decimals_for(estimate->stderr_);
    if (isnan(estimate->lo)) {
        snprintf(text, size, DASH);
    } else {
        snprintf(text, size, "%.*f … %.*f", decimals, estimate->lo, decimals, estimate->hi);
    }
}

/* Writes the distance from what is expected, or from theory's limit where nothing else is expected. Where all data sets
 * agree to rounding there is no error to measure it by. */
static void format_distance(const ch_exponent *exponent, size_t num_data_sets, char *text, size_t size)
{
    const double rounding = 1e-9;
    const double aim = isfinite(exponent->expected) ? exponent->expected : exponent->theory;
    const double difference = exponent->estimate.value - aim;
    if (!(exponent->estimate.stderr_ > rounding) || isnan(difference)) {
        snprintf(text, size, fabs(difference) < rounding ? "0 σ" : DASH);
    } else {
        snprintf(text, size, "%+.1f σ", ch_estimate_distance(&exponent->estimate, aim, num_data_sets));
    }
}

static void format_critical(const ch_tc *tc, char *text, size_t size)
{
    switch (tc->place) {
    case CH_TC_BELOW:
        snprintf(text, size, "< %.3g", tc->estimate.value);
        break;
    case CH_TC_ABOVE:
        snprintf(text, size, "> %.3g", tc->estimate.value);
        break;
    case CH_TC_NONE:
        snprintf(text, size, DASH);
        break;
    case CH_TC_UNRESOLVED:
        snprintf(text, size, "not resolved: takes %zu data sets", tc->needed_sets);
        break;
    case CH_TC_INSIDE:
        if (isnan(tc->estimate.lo)) {
            snprintf(text, size, "%.3g (" DASH ")", tc->estimate.value);
        } else {
            snprintf(text, size, "%.3g (%.3g … %.3g)", tc->estimate.value, tc->estimate.lo, tc->estimate.hi);
        }
        break;
    }
}

/* ---- parts of a group ---- */

/* Prints a range of temperatures and their number: "T = 2^-18 … 2 (20)". */
static void print_temps(FILE *out, double lo, double hi, size_t count)
{
    char text[32];
    ch_temp_format(lo, text, sizeof text);
    fprintf(out, "T = %s", text);
    if (count > 1) {
        ch_temp_format(hi, text, sizeof text);
        fprintf(out, " … %s (%zu)", text, count);
    }
}

static void print_heading(FILE *out, const ch_fit *self, const ch_fit_group *group)
{
    char label[256];
    ch_fit_group_label(self, group, label, sizeof label);
    fprintf(out, "%s\n", label);
    fprintf(out, "  %zu run%s, %zu data set%s, P = %llu", group->num_runs, group->num_runs == 1 ? "" : "s",
            group->num_data_sets, group->num_data_sets == 1 ? "" : "s", (unsigned long long)group->trains[0]);
    if (group->num_trains > 1) {
        fprintf(out, " … %llu (%zu)", (unsigned long long)group->trains[group->num_trains - 1], group->num_trains);
    }
    fputs(", ", out);
    print_temps(out, group->temps[0], group->temps[group->num_temps - 1], group->num_temps);
    fputc('\n', out);
    if (isnan(group->window_lo)) {
        return;
    }
    fputs("  window ", out);
    print_temps(out, group->window_lo, group->window_hi, group->window_temps);
    if (!isnan(group->window_tolerance)) {
        fprintf(out, ", where the onset's trace in ‖Δw‖ is under %g %%", 100 * group->window_tolerance);
    }
    fputc('\n', out);
}

/* Writes symbol and law of an exponent, and its definition of T_c where it has one. */
static void describe(const ch_exponent *exponent, char *text, size_t size)
{
    const ch_fit_number_row *number = &ch_fit_numbers[exponent->number];
    snprintf(text, size, "%s%s%s", number->law, number->has_definition ? " by " : "",
             number->has_definition ? ch_tc_definition_name(exponent->definition) : "");
}

enum {
    EXPONENT_WIDTH = 27,
    ESTIMATE_WIDTH = 17,
    INTERVAL_WIDTH = 18,
    THEORY_WIDTH = 7,
    EXPECTED_WIDTH = 9,
    DISTANCE_WIDTH = 8
};

static void print_exponent_row(FILE *out, const char *const cells[6])
{
    fputs("  ", out);
    ch_page_left(out, cells[0], EXPONENT_WIDTH);
    ch_page_right(out, cells[1], ESTIMATE_WIDTH);
    ch_page_right(out, cells[2], INTERVAL_WIDTH);
    ch_page_right(out, cells[3], THEORY_WIDTH);
    ch_page_right(out, cells[4], EXPECTED_WIDTH);
    ch_page_right(out, cells[5], DISTANCE_WIDTH);
    fputc('\n', out);
}

static void print_exponents(FILE *out, const ch_fit_group *group)
{
    if (group->num_exponents == 0) {
        return;
    }
    fputc('\n', out);
    print_exponent_row(
        out, (const char *const[]){"exponent", "estimate ± error", "95 % interval", "theory", "expected", "off by"});
    ch_page_rule(out,
                 EXPONENT_WIDTH + ESTIMATE_WIDTH + INTERVAL_WIDTH + THEORY_WIDTH + EXPECTED_WIDTH + DISTANCE_WIDTH);
    for (size_t i = 0; i < group->num_exponents; i++) {
        const ch_exponent *exponent = &group->exponents[i];
        char name[64] = "", estimate[64], interval[64], theory[32], expected[32], distance[32];
        describe(exponent, name, sizeof name);
        snprintf(theory, sizeof theory, isnan(exponent->theory) ? DASH : "%.4g", exponent->theory);
        snprintf(expected, sizeof expected, isnan(exponent->expected) ? DASH : "%.3f", exponent->expected);
        if (exponent->held == CH_HELD_FIXED) {
            snprintf(estimate, sizeof estimate, "%.6g", exponent->estimate.value);
            snprintf(interval, sizeof interval, "fixed");
            snprintf(distance, sizeof distance, DASH);
        } else {
            format_exponent(&exponent->estimate, estimate, sizeof estimate);
            format_interval(&exponent->estimate, interval, sizeof interval);
            format_distance(exponent, group->num_data_sets, distance, sizeof distance);
        }
        if (exponent->held == CH_HELD_BOUND) {
            snprintf(interval, sizeof interval, "at its bound");
        }
        print_exponent_row(out, (const char *const[]){name, estimate, interval, theory, expected, distance});
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
        fprintf(out, "%s  T_c by %s, %s: %.3g (P/%.0f)^%.3g", before, ch_tc_definition_name(d),
                law->num_outside > 0 ? "extrapolated" : "all P at once",
                law->prefactor.value * pow(middle, -law->exponent.value), middle, 0 - law->exponent.value);
        if (law->held_sharpness == CH_HELD_FIXED) {
            fprintf(out, ", m = %.6g, fixed", law->sharpness.value);
        } else if (!isnan(law->sharpness.value)) {
            format_exponent(&law->sharpness, text, sizeof text);
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
static const size_t shape_widths[] = {19, 17, 19, 15, 8, 8};
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
    snprintf(text, size, isnan(p) ? DASH : p < 0.001 ? "%.0e" : "%.2g", p);
}

static void print_shape(FILE *out, const char *what, const ch_shapes *shapes, ch_trend_shape shape)
{
    const ch_shape_fit *fit = &shapes->fits[shape];
    const ch_estimate exponent = {fit->exponent, fit->stderr_, fit->lo, fit->hi};
    const double behind = fit->aicc - shapes->fits[shapes->best].aicc;
    char name[64], estimate[64], interval[64], besides[64] = "", misfit[32], aicc[32];
    snprintf(name, sizeof name, "%s %s %s", shape == shapes->best ? "→" : " ", what, ch_trend_shape_name(shape));
    format_exponent(&exponent, estimate, sizeof estimate);
    format_interval(&exponent, interval, sizeof interval);
    if (shape == CH_SHAPE_BROKEN) {
        snprintf(besides, sizeof besides, "P_b = %.0f", exp(fit->extra));
    } else if (shape == CH_SHAPE_CORRECTED) {
        snprintf(besides, sizeof besides, "ω = %.2g", fit->extra);
    }
    format_chance(fit->misfit, misfit, sizeof misfit);
    snprintf(aicc, sizeof aicc, isnan(behind) ? DASH : "%.1f", behind);
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

enum { TRAIN_WIDTH = 12, CRITICAL_WIDTH = 37, PAGE_COLUMNS = 2 };

/* Prints T_c with a row for each P and a column for each of some definitions.
 * @param columns  [count] the T_c of each definition, [num_trains] by P */
static void print_columns(FILE *out, const ch_fit *self, const ch_fit_group *group, const ch_tc *const *columns,
                          size_t count)
{
    fputs("\n  ", out);
    ch_page_right(out, "P", TRAIN_WIDTH);
    for (size_t k = 0; k < count; k++) {
        char title[96];
        ch_tc_rule_of(columns[k]->definition)->describe(&self->options, title, sizeof title);
        ch_page_right(out, title, CRITICAL_WIDTH);
    }
    fputc('\n', out);
    ch_page_rule(out, TRAIN_WIDTH + count * CRITICAL_WIDTH);
    for (size_t p = 0; p < group->num_trains; p++) {
        char text[96];
        snprintf(text, sizeof text, "%llu", (unsigned long long)group->trains[p]);
        fputs("  ", out);
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

void ch_fit_print(const ch_fit *self, FILE *out)
{
    for (size_t g = 0; g < self->num_groups; g++) {
        const ch_fit_group *group = &self->groups[g];
        print_heading(out, self, group);
        ch_report_print_excluded(group, out);
        print_exponents(out, group);
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
            "Exponents are effective ones over the P shown. Theory's are those of large P; expected\n"
            "are those that it gives at these P, d and T, and what an estimate is held against.\n"
            "Errors: %zu bootstrap replicas of the data sets, Student's t for 95 %% intervals and σ.\n",
            self->options.replicas);
}
