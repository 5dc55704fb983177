/* latex.c — the exponents of a fit as a table for a paper: booktabs, a row a group, theory under it. */
#include "fit/internal.h"

#include <math.h>
#include <string.h>

/* The columns. */
static const struct {
    const char *name, *definition, *title;
} columns[] = {
    {"delta", NULL, "$\\delta$"}, {"gamma", NULL, "$\\gamma$"}, {"time_delta", NULL, "$\\delta_t$"},
    {"b", NULL, "$b$"},           {"a", "onset", "$a$, onset"}, {"a", "escape", "$a$, escape"},
    {"a", "error", "$a$, error"},
};
enum { NUM_COLUMNS = sizeof columns / sizeof *columns };

static const ch_exponent *find(const ch_fit_group *group, size_t column)
{
    for (size_t i = 0; i < group->num_exponents; i++) {
        const ch_exponent *exponent = &group->exponents[i];
        const char *definition = columns[column].definition;
        const bool is_same_definition =
            definition == NULL || (exponent->definition != NULL && strcmp(exponent->definition, definition) == 0);
        if (strcmp(exponent->name, columns[column].name) == 0 && is_same_definition) {
            return exponent;
        }
    }
    return NULL;
}

/* Columns that some group has. */
static bool is_used(const ch_fit *self, size_t column)
{
    for (size_t g = 0; g < self->num_groups; g++) {
        if (find(&self->groups[g], column) != NULL) {
            return true;
        }
    }
    return false;
}

/* The error's first two digits in parentheses behind the value's last ones: 0.983(21). */
static void print_value(const ch_estimate *estimate, FILE *out)
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

static void print_group(const ch_fit *self, const ch_fit_group *group, FILE *out)
{
    char label[256];
    bool has_theory = false;
    ch_fit_group_label(self, group, label, sizeof label);
    for (const char *at = label; *at != '\0'; at++) {
        fputs(*at == '_' ? "\\_" : (const char[]){*at, '\0'}, out);
    }
    for (size_t k = 0; k < NUM_COLUMNS; k++) {
        if (is_used(self, k)) {
            const ch_exponent *exponent = find(group, k);
            fputs(" & ", out);
            if (exponent != NULL) {
                print_value(&exponent->estimate, out);
                has_theory = has_theory || isfinite(exponent->theory);
            }
        }
    }
    fputs(" \\\\\n", out);
    if (!has_theory) {
        return;
    }
    fputs("\\quad theory", out);
    for (size_t k = 0; k < NUM_COLUMNS; k++) {
        if (is_used(self, k)) {
            const ch_exponent *exponent = find(group, k);
            fputs(" & ", out);
            if (exponent != NULL && isfinite(exponent->theory)) {
                fprintf(out, "$%.4g$", exponent->theory);
            }
        }
    }
    fputs(" \\\\\n", out);
}

void ch_fit_print_latex(const ch_fit *self, FILE *out)
{
    fputs("% needs \\usepackage{booktabs}; in parentheses: standard errors of the last digits, by bootstrap over data "
          "sets\n\\begin{tabular}{l",
          out);
    for (size_t k = 0; k < NUM_COLUMNS; k++) {
        fputs(is_used(self, k) ? "r" : "", out);
    }
    fputs("}\n\\toprule\n", out);
    for (size_t k = 0; k < NUM_COLUMNS; k++) {
        if (is_used(self, k)) {
            fprintf(out, " & %s", columns[k].title);
        }
    }
    fputs(" \\\\\n\\midrule\n", out);
    for (size_t g = 0; g < self->num_groups; g++) {
        print_group(self, &self->groups[g], out);
    }
    fputs("\\bottomrule\n\\end{tabular}\n", out);
}
