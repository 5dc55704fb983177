/* rows.c — lines that the short and the detailed report of a fit share. */
#include "fit/reports/rows.h"
#include "core/page.h"
#include "core/text.h"
#include "fit/errors/estimate.h"
#include "fit/reports/parts.h"

#include <math.h>
#include <string.h>

/* ---- numbers ---- */

/* The number of decimals, 1 to 4, that shows two digits of an error. It is 4 where there is no error, and 0 where the
 * error is 100 or more. */
static int decimals_for(double error)
{
    if (!(error > 0)) {
        return 4;
    }
    if (error >= 100) {
        return 0;
    }
    const int decimals = 1 - (int)floor(log10(error));
    return decimals < 1 ? 1 : decimals > 4 ? 4 : decimals;
}

void ch_report_format_estimate(const ch_estimate *estimate, char *text, size_t size)
{
    const int decimals = decimals_for(estimate->stderr_);
    if (isnan(estimate->stderr_)) {
        snprintf(text, size, "%.*f ± " CH_REPORT_DASH, decimals, estimate->value);
    } else {
        snprintf(text, size, "%.*f ± %.*f", decimals, estimate->value, decimals, estimate->stderr_);
    }
}

void ch_report_format_interval(const ch_estimate *estimate, char *text, size_t size)
{
    const int decimals = decimals_for(estimate->stderr_);
    if (isnan(estimate->lo)) {
        snprintf(text, size, CH_REPORT_DASH);
    } else {
        snprintf(text, size, "%.*f … %.*f", decimals, estimate->lo, decimals, estimate->hi);
    }
}

double ch_report_distance(const ch_exponent *exponent, size_t num_data_sets, char *text, size_t size)
{
    const double rounding = 1e-9;
    const double aim = isfinite(exponent->expected) ? exponent->expected : exponent->theory;
    const double difference = exponent->estimate.value - aim;
    if (!(exponent->estimate.stderr_ > rounding) || isnan(difference)) {
        const bool agrees = isfinite(exponent->estimate.stderr_) && fabs(difference) < rounding;
        snprintf(text, size, agrees ? "0 σ" : CH_REPORT_DASH);
        return agrees ? 0 : NAN;
    }
    const double distance = ch_estimate_distance(&exponent->estimate, aim, num_data_sets);
    snprintf(text, size, fabs(distance) < 9.95 ? "%+.1f σ" : "%+.0f σ", distance);
    return distance;
}

/* ---- the heading of a group ---- */

void ch_report_print_temps(double lo, double hi, size_t count, FILE *out)
{
    fprintf(out, "T = %s", ch_show_power(lo).text);
    if (count > 1) {
        fprintf(out, " … %s (%zu)", ch_show_power(hi).text, count);
    }
}

void ch_report_print_heading(const ch_fit *self, const ch_fit_group *group, FILE *out)
{
    char label[256];
    ch_fit_group_label(self, group, label, sizeof label);
    ch_report_print_label(label, out);
    fprintf(out, "  %zu run%s, %zu data set%s, P = %s", group->num_runs, group->num_runs == 1 ? "" : "s",
            group->num_data_sets, group->num_data_sets == 1 ? "" : "s", ch_show_count(group->trains[0]).text);
    if (group->num_trains > 1) {
        fprintf(out, " … %s (%zu)", ch_show_count(group->trains[group->num_trains - 1]).text, group->num_trains);
    }
    fputs(", ", out);
    ch_report_print_temps(group->temps[0], group->temps[group->num_temps - 1], group->num_temps, out);
    fputc('\n', out);
}

/* ---- exponents ---- */

enum { ESTIMATE_WIDTH = 17, INTERVAL_WIDTH = 18, EXPECTED_WIDTH = 9, THEORY_WIDTH = 7, DISTANCE_WIDTH = 7 };

static void print_row(const char *name, size_t width, const char *const cells[5], FILE *out)
{
    fputs("  ", out);
    ch_page_left(out, name, width);
    ch_page_right(out, cells[0], ESTIMATE_WIDTH);
    ch_page_right(out, cells[1], INTERVAL_WIDTH);
    ch_page_right(out, cells[2], EXPECTED_WIDTH);
    ch_page_right(out, cells[3], THEORY_WIDTH);
    ch_page_right(out, cells[4], DISTANCE_WIDTH);
    fputc('\n', out);
}

void ch_report_print_exponent_head(const char *title, size_t width, FILE *out)
{
    print_row(title, width, (const char *const[]){"estimate ± error", "95 % interval", "expected", "theory", "off by"},
              out);
    ch_page_rule(out, width + ESTIMATE_WIDTH + INTERVAL_WIDTH + EXPECTED_WIDTH + THEORY_WIDTH + DISTANCE_WIDTH);
}

void ch_report_print_exponent(const char *name, size_t width, const ch_exponent *exponent, size_t num_data_sets,
                              FILE *out)
{
    char estimate[64], interval[64], theory[32], expected[32], distance[32];
    snprintf(theory, sizeof theory, isnan(exponent->theory) ? CH_REPORT_DASH : "%.4g", exponent->theory);
    snprintf(expected, sizeof expected, isnan(exponent->expected) ? CH_REPORT_DASH : "%.3f", exponent->expected);
    if (exponent->held == CH_HELD_FIXED) {
        snprintf(estimate, sizeof estimate, "%.6g", exponent->estimate.value);
        snprintf(interval, sizeof interval, "fixed");
        snprintf(distance, sizeof distance, CH_REPORT_DASH);
    } else {
        ch_report_format_estimate(&exponent->estimate, estimate, sizeof estimate);
        ch_report_format_interval(&exponent->estimate, interval, sizeof interval);
        (void)ch_report_distance(exponent, num_data_sets, distance, sizeof distance);
    }
    if (exponent->held == CH_HELD_BOUND) {
        snprintf(interval, sizeof interval, "at its bound");
    }
    print_row(name, width, (const char *const[]){estimate, interval, expected, theory, distance}, out);
}
