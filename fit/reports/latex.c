/* latex.c — the exponents of a fit as a LaTeX table with booktabs. Each group has a row, and theory stands under it. */
#include "fit/numbers.h"
#include "fit/reports/latex_parts.h"
#include "fit/reports/parts.h"
#include "fit/reports/reports.h"

#include <math.h>

/* A column of the table. It shows one kind of exponent, by one definition of T_c where the exponent depends on it. */
typedef struct {
    ch_fit_number number;
    ch_tc_definition definition;
} column;

enum { MOST_COLUMNS = CH_NUM_FIT_NUMBERS * CH_NUM_TC };

/* Lists the columns: first those without a definition of T_c, then those of one definition after the other.
 * @param columns  out: [MOST_COLUMNS]  @return their number */
static size_t list_columns(column *columns)
{
    size_t count = 0;
    for (int k = 0; k < CH_NUM_FIT_NUMBERS; k++) {
        if (ch_fit_numbers[k].latex != NULL && !ch_fit_numbers[k].has_definition) {
            columns[count++] = (column){(ch_fit_number)k, CH_NUM_TC};
        }
    }
    for (int d = 0; d < CH_NUM_TC; d++) {
        for (int k = 0; k < CH_NUM_FIT_NUMBERS; k++) {
            if (ch_fit_numbers[k].latex != NULL && ch_fit_numbers[k].has_definition) {
                columns[count++] = (column){(ch_fit_number)k, (ch_tc_definition)d};
            }
        }
    }
    return count;
}

static const ch_exponent *find(const ch_fit_group *group, column which)
{
    return ch_fit_find_exponent(group, which.number, which.definition);
}

/* Prints the title of a column: "$\\gamma$"; "$a$, onset"; "$a$, onset, joint". */
static void print_title(column which, FILE *out)
{
    const ch_fit_number_row *number = &ch_fit_numbers[which.number];
    fputs(number->latex, out);
    if (number->has_definition) {
        fprintf(out, ", %s%s", ch_tc_definition_name(which.definition), which.number == CH_FIT_A ? ", joint" : "");
    }
}

/* Whether some group has the exponent. */
static bool is_used(const ch_fit *self, column which)
{
    for (size_t g = 0; g < self->num_groups; g++) {
        if (find(&self->groups[g], which) != NULL) {
            return true;
        }
    }
    return false;
}

/* Lists the columns that some group has a value for.
 * @param columns  out: [MOST_COLUMNS]  @return their number */
static size_t list_used_columns(const ch_fit *self, column *columns)
{
    const size_t all = list_columns(columns);
    size_t count = 0;
    for (size_t k = 0; k < all; k++) {
        if (is_used(self, columns[k])) {
            columns[count++] = columns[k];
        }
    }
    return count;
}

static void print_theory(const ch_fit_group *group, const column *columns, size_t count, FILE *out)
{
    fputs("\\quad theory", out);
    for (size_t k = 0; k < count; k++) {
        const ch_exponent *exponent = find(group, columns[k]);
        fputs(" & ", out);
        if (exponent != NULL && isfinite(exponent->theory)) {
            fprintf(out, "$%.4g$", exponent->theory);
        }
    }
    fputs(" \\\\\n", out);
}

static void print_group(const ch_fit *self, const ch_fit_group *group, const column *columns, size_t count, FILE *out)
{
    char label[256];
    bool has_theory = false;
    ch_fit_group_label(self, group, label, sizeof label);
    ch_report_latex_text(label, out);
    for (size_t k = 0; k < count; k++) {
        const ch_exponent *exponent = find(group, columns[k]);
        fputs(" & ", out);
        if (exponent != NULL && exponent->held == CH_HELD_FIXED) {
            fprintf(out, "$%.6g$ (fixed)", exponent->estimate.value);
        } else if (exponent != NULL) {
            ch_report_latex_value(&exponent->estimate, out);
        }
        has_theory = has_theory || (exponent != NULL && isfinite(exponent->theory));
    }
    fputs(" \\\\\n", out);
    if (has_theory) {
        print_theory(group, columns, count, out);
    }
}

void ch_fit_print_latex(const ch_fit *self, FILE *out)
{
    column columns[MOST_COLUMNS];
    const size_t count = list_used_columns(self, columns);
    fputs("% needs \\usepackage{booktabs}; in parentheses: standard errors of the last digits, by bootstrap over data "
          "sets\n\\begin{tabular}{l",
          out);
    for (size_t k = 0; k < count; k++) {
        fputs("r", out);
    }
    fputs("}\n\\toprule\n", out);
    for (size_t k = 0; k < count; k++) {
        fputs(" & ", out);
        print_title(columns[k], out);
    }
    fputs(" \\\\\n\\midrule\n", out);
    for (size_t g = 0; g < self->num_groups; g++) {
        print_group(self, &self->groups[g], columns, count, out);
    }
    fputs("\\bottomrule\n\\end{tabular}\n", out);
    ch_report_chi_latex(self, out);
}
