/* csv.c — the report of a fit as comma-separated values for R, pandas or a spreadsheet. Each number has a row. */
#include "fit/numbers.h"
#include "fit/reports/parts.h"
#include "fit/reports/reports.h"

#include <math.h>

/* Prints the settings that some runs share. Every row begins with them. @param over  the one that they do not; 0: none
 */
static void print_key(const ch_settings *key, size_t over, FILE *out)
{
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        char text[CH_SETTING_TEXT_SIZE];
        if (ch_fit_is_key(i)) {
            ch_setting_format(&ch_settings_table[i], ch_settings_get(key, i), text, sizeof text);
            fprintf(out, "%s,", ch_setting_applies(key, i) && (over == 0 || i != over) ? text : "");
        }
    }
}

static void print_number(double number, FILE *out)
{
    if (isfinite(number)) {
        fprintf(out, ",%.17g", number);
    } else {
        fputc(',', out);
    }
}

static void print_word(const char *word, FILE *out)
{
    fprintf(out, ",%s", word != NULL ? word : "");
}

void ch_report_csv_row(const ch_settings *key, const char *name, ch_csv_extras extras, const ch_estimate *estimate,
                       double theory, FILE *out)
{
    print_key(key, extras.over, out);
    fprintf(out, "%s,%s,", name, extras.definition != NULL ? extras.definition : "");
    if (extras.train > 0) {
        fprintf(out, "%llu", (unsigned long long)extras.train);
    }
    print_number(estimate->value, out);
    print_number(estimate->stderr_, out);
    print_number(estimate->lo, out);
    print_number(estimate->hi, out);
    print_number(theory, out);
    print_word(extras.bound, out);
    print_word(extras.method, out);
    print_word(extras.held, out);
    print_word(ch_settings_has_digest(key) ? key->data_digest : NULL, out);
    fputc('\n', out);
}

static void print_shapes(const ch_fit_group *group, const char *name, const ch_shapes *shapes, FILE *out)
{
    for (int k = 0; k < CH_NUM_SHAPES; k++) {
        const ch_shape_fit *fit = &shapes->fits[k];
        const ch_estimate estimate = {fit->exponent, fit->stderr_, fit->lo, fit->hi};
        if (fit->found) {
            const ch_csv_extras extras = {.definition = ch_trend_shape_name((ch_trend_shape)k)};
            ch_report_csv_row(&group->key, name, extras, &estimate, NAN, out);
        }
    }
}

/* The effective density exponents, and b - 1 - 2 gamma. */
static void print_chi(const ch_fit_group *group, FILE *out)
{
    const ch_effective_chi *chi = &group->chi;
    const double theory = ch_settings_has_theory(&group->key) ? group->key.chi : NAN;
    const struct {
        const char *name;
        const ch_estimate *estimate;
        double theory;
        uint64_t train;
    } rows[] = {{"chi_gamma", &chi->of_gamma, theory, 0},
                {"chi_b", &chi->of_b, theory, 0},
                {"b_excess", &chi->excess, isfinite(theory) ? 0 : NAN, 0},
                {"chi_density", &chi->of_density, theory, chi->train}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (isfinite(rows[i].estimate->value)) {
            const ch_csv_extras extras = {.train = rows[i].train, .method = "chi"};
            ch_report_csv_row(&group->key, rows[i].name, extras, rows[i].estimate, rows[i].theory, out);
        }
    }
}

static void print_group(const ch_fit_group *group, FILE *out)
{
    static const char *const bounds[] = {[CH_TC_INSIDE] = "",
                                         [CH_TC_BELOW] = "below",
                                         [CH_TC_ABOVE] = "above",
                                         [CH_TC_NONE] = "",
                                         [CH_TC_UNRESOLVED] = "unresolved"};
    static const char *const held[] = {
        [CH_HELD_NOT] = "", [CH_HELD_FIXED] = "fixed", [CH_HELD_TIED] = "tied", [CH_HELD_BOUND] = "bound"};
    for (size_t i = 0; i < group->num_exponents; i++) {
        const ch_exponent *exponent = &group->exponents[i];
        const ch_fit_number_row *number = &ch_fit_numbers[exponent->number];
        const char *definition = number->has_definition ? ch_tc_definition_name(exponent->definition) : "";
        const ch_csv_extras extras = {.definition = definition, .method = number->method, .held = held[exponent->held]};
        ch_report_csv_row(&group->key, number->name, extras, &exponent->estimate, exponent->theory, out);
    }
    print_chi(group, out);
    print_shapes(group, ch_fit_numbers[CH_FIT_GAMMA].name, &group->weight_shapes, out);
    print_shapes(group, ch_fit_numbers[CH_FIT_B].name, &group->time_shapes, out);
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        const ch_csv_extras extras = {
            .definition = ch_tc_definition_name(tc->definition), .train = tc->train, .bound = bounds[tc->place]};
        ch_report_csv_row(&group->key, "T_c", extras, &tc->estimate, NAN, out);
    }
}

void ch_fit_print_csv(const ch_fit *self, FILE *out)
{
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        if (ch_fit_is_key(i)) {
            fprintf(out, "%s,", ch_settings_table[i].name);
        }
    }
    fputs("name,definition,at_train,value,stderr,lo,hi,theory,bound,method,held,data_digest\n", out);
    for (size_t g = 0; g < self->num_groups; g++) {
        print_group(&self->groups[g], out);
    }
}
