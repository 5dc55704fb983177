/* latex_findings.c — collapses, phase diagrams and twins as further LaTeX tables with booktabs. */
#include "core/text.h"
#include "fit/reports/latex_parts.h"
#include "fit/reports/reports.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- pieces ---- */

static void begin(const char *columns, const char *titles, FILE *out)
{
    fprintf(out, "\n\\begin{tabular}{%s}\n\\toprule\n%s \\\\\n\\midrule\n", columns, titles);
}

static void end(FILE *out)
{
    fputs("\\bottomrule\n\\end{tabular}\n", out);
}

/* Prints a number as "$0.12$", "$2^{-4}$" or "$1.2\cdot 10^{-5}$". */
static void print_number(double value, FILE *out)
{
    char text[32];
    ch_power_format(value, text, sizeof text);
    const char *power = strchr(text, '^'), *exponent = strchr(text, 'e');
    if (power != NULL) {
        fprintf(out, "2^{%s}", power + 1);
    } else if (exponent != NULL) {
        fprintf(out, "%.*s\\cdot 10^{%d}", (int)(exponent - text), text, atoi(exponent + 1));
    } else {
        fputs(text, out);
    }
}

/* Prints a temperature: a bound with its sign, a dash where there is none. */
static void print_temp(ch_tc_place place, const ch_estimate *estimate, FILE *out)
{
    if (place == CH_TC_NONE || place == CH_TC_UNRESOLVED || !isfinite(estimate->value)) {
        fputs(" & --", out);
        return;
    }
    fputs(place == CH_TC_BELOW ? " & $<" : place == CH_TC_ABOVE ? " & $>" : " & $", out);
    print_number(estimate->value, out);
    if (place == CH_TC_INSIDE && isfinite(estimate->lo)) {
        fputs("\\;(", out);
        print_number(estimate->lo, out);
        fputs("\\ldots ", out);
        print_number(estimate->hi, out);
        fputc(')', out);
    }
    fputc('$', out);
}

static void print_estimate(const ch_estimate *estimate, FILE *out)
{
    fputs(" & ", out);
    if (isfinite(estimate->value)) {
        ch_report_latex_value(estimate, out);
    } else {
        fputs("--", out);
    }
}

void ch_report_latex_value(const ch_estimate *estimate, FILE *out)
{
    const double error = estimate->stderr_;
    if (!(error > 1e-9)) {
        fprintf(out, "$%.4f$", estimate->value);
        return;
    }
    int decimals = 1 - (int)floor(log10(error));
    decimals = decimals < 0 ? 0 : decimals > 9 ? 9 : decimals;
    if (error < 1) {
        fprintf(out, "$%.*f(%.0f)$", decimals, estimate->value, error * pow(10, decimals));
    } else {
        fprintf(out, "$%.*f(%.*f)$", decimals, estimate->value, decimals, error);
    }
}

void ch_report_latex_text(const char *text, FILE *out)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (at[0] == '2' && at[1] == '^') {
            const size_t digits = strspn(at + 2, "-0123456789");
            fprintf(out, "$2^{%.*s}$", (int)digits, at + 2);
            at += 1 + digits;
        } else {
            fputs(*at == '_' ? "\\_" : (const char[]){*at, '\0'}, out);
        }
    }
}

/* ---- collapses ---- */

void ch_collapse_print_latex(const ch_collapse_list *self, const ch_fit *fit, FILE *out)
{
    bool is_found = false;
    for (size_t i = 0; i < self->count; i++) {
        is_found = is_found || self->items[i].reason == NULL;
    }
    if (!is_found) {
        return;
    }
    fprintf(out, "\n%% collapse of %s: x, a and the quality S", ch_collapse_quantity_name(self->items[0].quantity));
    begin("lrrr", " & $x$ & $a$ & $S$", out);
    for (size_t i = 0; i < self->count; i++) {
        const ch_collapse *collapse = &self->items[i];
        char label[256];
        ch_fit_group_label(fit, &fit->groups[i], label, sizeof label);
        if (collapse->reason == NULL) {
            ch_report_latex_text(label, out);
            print_estimate(&collapse->x, out);
            print_estimate(&collapse->a, out);
            fprintf(out, " & $%.2f$ \\\\\n", collapse->quality);
        }
    }
    end(out);
}

/* ---- phase diagrams ---- */

/* Prints k and s of one end of the alpha as a row. */
static void print_powers(const ch_phase *self, ch_phase_end end, FILE *out)
{
    const ch_phase_power *best = &self->best_powers[end];
    fprintf(out, "$k$ of $T_{%s}$%s", best->of == CH_PHASE_OF_BEST ? "opt" : "max",
            end == CH_PHASE_LARGE ? ", $\\alpha > 1$" : "");
    print_estimate(&best->estimate, out);
    fputs(" & $s$ of $T_{max}$", out);
    print_estimate(&self->max_powers[end].estimate, out);
    fputs(" \\\\\n", out);
}

static void print_phase(const ch_phase *self, FILE *out)
{
    const bool has_kernel = self->measured[CH_PHASE_KERNEL_CHANGE];
    fprintf(out, "\n%% phase diagram at P = %llu; the borders are where a relative change is %g",
            (unsigned long long)self->key.train, self->threshold);
    begin(has_kernel ? "rrrrr" : "rrrr",
          has_kernel ? "$\\alpha$ & $T_{opt}$ & $T_{max}$ & border & border of $K$"
                     : "$\\alpha$ & $T_{opt}$ & $T_{max}$ & border",
          out);
    for (size_t a = 0; a < self->num_alphas; a++) {
        const ch_phase_row *row = &self->rows[a];
        fputc('$', out);
        print_number(self->alphas[a], out);
        fputc('$', out);
        print_temp(row->best.place, &row->best.estimate, out);
        print_temp(row->max.place, &row->max.estimate, out);
        print_temp(row->weight_border.place, &row->weight_border.estimate, out);
        if (has_kernel) {
            print_temp(row->kernel_border.place, &row->kernel_border.estimate, out);
        }
        fputs(" \\\\\n", out);
    }
    fputs("\\midrule\n", out);
    print_powers(self, CH_PHASE_SMALL, out);
    if (isfinite(self->best_powers[CH_PHASE_LARGE].estimate.value) ||
        isfinite(self->max_powers[CH_PHASE_LARGE].estimate.value)) {
        print_powers(self, CH_PHASE_LARGE, out);
    }
    end(out);
}

void ch_phase_print_latex(const ch_phase_list *self, FILE *out)
{
    for (size_t i = 0; i < self->count; i++) {
        print_phase(&self->items[i], out);
    }
}

/* ---- regimes ---- */

static void print_regimes(const ch_regimes *self, FILE *out)
{
    fprintf(out, "\n%% regimes over batch and temperature; B* at T = %.3g", self->temp);
    begin("rrrr", "$P$ & $B^\\ast$ & $\\delta$ & $m$", out);
    for (size_t p = 0; p < self->num_planes; p++) {
        const ch_regime_plane *plane = &self->planes[p];
        fputc('$', out);
        print_number((double)plane->train, out);
        fputc('$', out);
        print_estimate(&plane->batch_star, out);
        print_estimate(&plane->delta, out);
        print_estimate(&plane->sharpness, out);
        fputs(" \\\\\n", out);
    }
    fputs("\\midrule\n$x$ of $B^\\ast \\sim P^x$", out);
    print_estimate(&self->exponent, out);
    fputs(" & $\\gamma$ of the noise", out);
    print_estimate(&self->gamma, out);
    fputs(" \\\\\n", out);
    end(out);
}

void ch_regimes_print_latex(const ch_regimes_list *self, FILE *out)
{
    for (size_t i = 0; i < self->count; i++) {
        print_regimes(&self->items[i], out);
    }
}

/* ---- twins ---- */

static void print_ratio(const ch_lazy_end *at, FILE *out)
{
    const double ratio = exp(at->agreement.mean);
    const ch_estimate estimate = {ratio, ratio * at->agreement.stderr_, NAN, NAN};
    const ch_estimate temp = {at->temp, NAN, NAN, NAN};
    print_estimate(&estimate, out);
    print_temp(at->place, &temp, out);
}

void ch_lazy_print_latex(const ch_lazy_list *self, const ch_fit *fit, FILE *out)
{
    for (size_t i = 0; i < self->count; i++) {
        const ch_lazy *lazy = &self->items[i];
        char label[256];
        ch_fit_group_label(fit, &fit->groups[lazy->network], label, sizeof label);
        fprintf(out, "\n%% network over twin: %s", label);
        begin("rrrrrr", "$P$ & $\\lVert\\Delta w\\rVert$ & ends & $t^*$ & ends & test error", out);
        for (size_t r = 0; r < lazy->num_rows; r++) {
            const ch_lazy_row *row = &lazy->rows[r];
            const ch_estimate difference = {row->error_agreement.mean, row->error_agreement.stderr_, NAN, NAN};
            fputc('$', out);
            print_number((double)row->train, out);
            fputc('$', out);
            print_ratio(&row->ends[CH_LAZY_WEIGHT_CHANGE], out);
            print_ratio(&row->ends[CH_LAZY_TIME], out);
            print_estimate(&difference, out);
            fputs(" \\\\\n", out);
        }
        end(out);
    }
}
