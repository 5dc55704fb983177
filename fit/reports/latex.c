/* latex.c — the exponents of a fit as a table for a paper: booktabs, a row a group, theory under it. */
#include "fit/internal.h"

#include <math.h>
#include <string.h>

/* The columns. */
static const struct {
    const char *name, *definition, *method, *title;
} columns[] = {
    {"delta", NULL, NULL, "$\\delta$"},        {"gamma", NULL, NULL, "$\\gamma$"},
    {"time_delta", NULL, NULL, "$\\delta_t$"}, {"b", NULL, NULL, "$b$"},
    {"a", "onset", "slope", "$a$, onset"},     {"a", "onset", "joint", "$a$, onset, joint"},
    {"a", "escape", "slope", "$a$, escape"},   {"a", "escape", "joint", "$a$, escape, joint"},
    {"a", "error", "slope", "$a$, error"},
};
enum { NUM_COLUMNS = sizeof columns / sizeof *columns };

/* Whether a word is the one asked for; any is where none is asked for. */
static bool is_word(const char *word, const char *asked)
{
    return asked == NULL || (word != NULL && strcmp(word, asked) == 0);
}

static const ch_exponent *find(const ch_fit_group *group, size_t column)
{
    for (size_t i = 0; i < group->num_exponents; i++) {
        const ch_exponent *exponent = &group->exponents[i];
        if (is_word(exponent->name, columns[column].name) &&
            is_word(exponent->definition, columns[column].definition) &&
            is_word(exponent->method, columns[column].method)) {
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
            if (exponent != NULL && exponent->held == CH_HELD_FIXED) {
                fprintf(out, "$%.6g$ (fixed)", exponent->estimate.value);
            } else if (exponent != NULL) {
                print_value(&exponent->estimate, out);
            }
            has_theory = has_theory || (exponent != NULL && isfinite(exponent->theory));
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
