/* chi_report.c — the effective density exponent of the data, in every report. */
#include "core/page.h"
#include "core/text.h"
#include "fit/errors/estimate.h"
#include "fit/reports/latex_parts.h"
#include "fit/reports/parts.h"
#include "fit/reports/reports.h"
#include "fit/reports/rows.h"
#include "sim/store/json.h"

#include <math.h>
#include <string.h>

/* ---- text ---- */

static void print_way(char *text, size_t size, const ch_estimate *chi, const char *way)
{
    char number[64];
    const size_t used = strlen(text);
    if (isfinite(chi->value)) {
        ch_report_format_estimate(chi, number, sizeof number);
        snprintf(text + used, size - used, "%s %s by %s", used > 0 ? "," : "effective χ:", number, way);
    }
}

void ch_report_print_chi(const ch_fit_group *group, FILE *out)
{
    const ch_effective_chi *chi = &group->chi;
    char text[640] = "", way[160], number[64];
    snprintf(way, sizeof way, "|F| of test samples at P = %s (of the %.2g %% nearest; %.2g %% are misclassified)",
             ch_show_count(chi->train).text, 100 * chi->share, 100 * chi->test_error);
    print_way(text, sizeof text, &chi->of_gamma, "γ");
    print_way(text, sizeof text, &chi->of_b, "b");
    print_way(text, sizeof text, &chi->of_density, way);
    if (fabs(chi->drift) > 3) {
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, ", no power there (%+.1f σ)", chi->drift);
    }
    if (text[0] != '\0' || isfinite(chi->excess.value)) {
        fputc('\n', out);
    }
    if (text[0] != '\0') {
        ch_page_wrapped(out, " ", text);
    }
    if (isfinite(chi->excess.value)) {
        const double distance = ch_estimate_distance(&chi->excess, 0, group->num_data_sets);
        ch_report_format_estimate(&chi->excess, number, sizeof number);
        snprintf(text, sizeof text, isnan(distance) ? "b - 1 - 2γ = %s" : "b - 1 - 2γ = %s, %+.1f σ from 0", number,
                 distance);
        if (isfinite(chi->expected_excess)) {
            const size_t used = strlen(text);
            snprintf(text + used, sizeof text - used, "; expected %.3f", chi->expected_excess);
        }
        ch_page_wrapped(out, " ", text);
    }
}

/* ---- JSON ---- */

static json_t *estimate_json(const ch_estimate *estimate)
{
    return isfinite(estimate->value) ? json_pack("{s:f, s:o, s:o}", "value", estimate->value, "stderr",
                                                 ch_json_real(estimate->stderr_), "ci95", ch_report_interval(estimate))
                                     : json_null();
}

json_t *ch_report_chi_json(const ch_fit_group *group)
{
    const ch_effective_chi *chi = &group->chi;
    json_t *excess = estimate_json(&chi->excess), *density = estimate_json(&chi->of_density);
    if (json_is_object(excess)) {
        ch_report_set(&excess, "expected", ch_json_real(chi->expected_excess));
        ch_report_set(&excess, "distance", ch_json_real(ch_estimate_distance(&chi->excess, 0, group->num_data_sets)));
    }
    if (json_is_object(density)) {
        ch_report_set(&density, "train", json_integer((json_int_t)chi->train));
        ch_report_set(&density, "runs", json_integer((json_int_t)chi->num_runs));
        ch_report_set(&density, "data_sets", json_integer((json_int_t)chi->num_sets));
        ch_report_set(&density, "share", ch_json_real(chi->share));
        ch_report_set(&density, "test_error", ch_json_real(chi->test_error));
        ch_report_set(&density, "drift", ch_json_real(chi->drift));
    }
    return json_pack("{s:o, s:o, s:o, s:o}", "gamma", estimate_json(&chi->of_gamma), "b", estimate_json(&chi->of_b),
                     "b_excess", excess, "density", density);
}

/* ---- LaTeX ---- */

static bool is_found(const ch_fit_group *group)
{
    return isfinite(group->chi.of_gamma.value) || isfinite(group->chi.of_b.value) ||
           isfinite(group->chi.of_density.value);
}

static void print_cell(const ch_estimate *estimate, FILE *out)
{
    fputs(" & ", out);
    if (isfinite(estimate->value)) {
        ch_report_latex_value(estimate, out);
    } else {
        fputs("--", out);
    }
}

void ch_report_chi_latex(const ch_fit *self, FILE *out)
{
    bool is_any = false;
    for (size_t g = 0; g < self->num_groups; g++) {
        is_any = is_any || is_found(&self->groups[g]);
    }
    if (!is_any) {
        return;
    }
    fputs("\n% effective chi by gamma, by b, and by the density of |F| of test samples\n\\begin{tabular}{lrrrr}\n"
          "\\toprule\n & $\\chi_\\gamma$ & $\\chi_b$ & $b-1-2\\gamma$ & $\\chi_{|F|}$ \\\\\n\\midrule\n",
          out);
    for (size_t g = 0; g < self->num_groups; g++) {
        const ch_effective_chi *chi = &self->groups[g].chi;
        char label[256];
        if (!is_found(&self->groups[g])) {
            continue;
        }
        ch_fit_group_label(self, &self->groups[g], label, sizeof label);
        ch_report_latex_text(label, out);
        print_cell(&chi->of_gamma, out);
        print_cell(&chi->of_b, out);
        print_cell(&chi->excess, out);
        print_cell(&chi->of_density, out);
        fputs(" \\\\\n", out);
    }
    fputs("\\bottomrule\n\\end{tabular}\n", out);
}
