/* theory_report.c — what `chiton theory` prints: tables, CSV and JSON. */
#include "cli/theory_report.h"
#include "core/text.h"
#include "fit/numbers.h"
#include "sim/store/json.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

/* A named double of a struct. */
typedef struct {
    const char *name;
    size_t offset;
    const char *help;
} row;

#define ROW(type, name, member, help)                                                                                  \
    {                                                                                                                  \
        name, offsetof(type, member), help                                                                             \
    }
#define CONSTANT(name, member, help)   ROW(ch_perceptron_theory, name, member, help)
#define PREDICTION(name, member, help) ROW(ch_online_prediction, name, member, help)
#define POINT(member)                  ROW(ch_online_point, #member, member, NULL)

static const row constants[] = {
    CONSTANT("delta", delta, "|Dw| ~ T^delta P^gamma, T above onset"),
    CONSTANT("gamma", gamma, "1/(1+chi); also B* ~ P^gamma"),
    CONSTANT("time_delta", time_delta, "t* ~ T^time_delta P^b"),
    CONSTANT("b", b, "1 + 2/(1+chi)"),
    CONSTANT("a", a, "T_c ~ P^-a by escape, gamma/delta"),
    CONSTANT("Z_chi", z, "norm of the density |x|^chi exp(-x^2/2) / Z_chi"),
    CONSTANT("n_chi", unfitted, "fraction unfitted, and test error, n_chi lambda^-(chi+1)"),
    CONSTANT("a_chi", drift, "ds/dt = a_chi lambda^-(chi+2) / sqrt(d)"),
    CONSTANT("noise_level", noise, "r* / (T sqrt(d)) = n_chi sqrt(pi/2)"),
    CONSTANT("growth", growth, "s^(chi+3) = growth r*^(chi+2) t / sqrt(d)"),
    CONSTANT("mean_abs", mean_abs, "E|x_par|; first step s = eta mean_abs / sqrt(d)"),
};
enum { NUM_CONSTANTS = sizeof constants / sizeof *constants };

static const row predictions[] = {
    PREDICTION("noise_star", noise, "r* = T sqrt(d) n_chi sqrt(pi/2)"),
    PREDICTION("lambda_star", lambda, "signal over noise at the end of training, where n P = d/2"),
    PREDICTION("signal_star", signal, "s* = lambda* r*"),
    PREDICTION("weight_change_star", weight_change, "sqrt(s*^2 + r*^2)"),
    PREDICTION("time_star", time, "t* = sqrt(d) r* lambda*^(chi+3) / growth"),
    PREDICTION("first_step", first_step, "signal after the first step, eta E|x_par| / sqrt(d)"),
    PREDICTION("batch_border", batch, "B*: first_step = s* at this batch size, T as it is"),
    PREDICTION("temp_escape", temp_escape, "T_c by escape: weight change = sqrt(d)"),
    PREDICTION("temp_onset", temp_onset, "T_c by onset ~ kappa, up to a constant"),
};
enum { NUM_PREDICTIONS = sizeof predictions / sizeof *predictions };

static const row columns[] = {POINT(time),     POINT(signal), POINT(noise),     POINT(lambda),
                              POINT(unfitted), POINT(loss),   POINT(test_error)};
enum { NUM_COLUMNS = sizeof columns / sizeof *columns };

static double member(const void *object, const row *which)
{
    return *(const double *)(const void *)((const char *)object + which->offset);
}

/* The settings that theory knows of. */
static const size_t shown[] = {CH_SETTING_DIM,   CH_SETTING_TRAIN, CH_SETTING_ALPHA,
                               CH_SETTING_BATCH, CH_SETTING_TEMP,  CH_SETTING_RATE};
enum { NUM_SHOWN = sizeof shown / sizeof *shown };

bool ch_theory_is_grid(const ch_theory_report *self)
{
    return self->lists.num_runs > 1;
}

/* ---- tables ---- */

static void print_rows(FILE *out, const void *object, const row *rows, size_t count, int width)
{
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  %-*s %-12.8g %s\n", width, rows[i].name, member(object, &rows[i]), rows[i].help);
    }
}

static void print_constants(FILE *out, const ch_theory_report *self)
{
    fprintf(out, "theory at chi = %g, P -> infinity\n", self->theory.chi);
    print_rows(out, &self->theory, constants, NUM_CONSTANTS, 12);
}

static void print_cell(FILE *out, double value, int width)
{
    if (isnan(value)) {
        fprintf(out, " %*s", width, "-");
    } else {
        fprintf(out, " %*.6g", width, value);
    }
}

static void print_trajectory(FILE *out, const ch_theory_report *self)
{
    const bool has_way = self->finite.num_way > 0;
    fprintf(out, "online: every batch fresh, small steps, d >> 1%s\n",
            has_way ? "; finite_…: expected of training sets of this size that are not fitted yet" : "");
    fputc(' ', out);
    for (size_t k = 0; k < NUM_COLUMNS; k++) {
        fprintf(out, " %12s", columns[k].name);
    }
    for (size_t k = 0; has_way && k < CH_THEORY_WAY_COLUMNS; k++) {
        fprintf(out, " %15s", ch_theory_way_columns[k]);
    }
    fputc('\n', out);
    for (size_t i = 0; i < self->num_points; i++) {
        fputc(' ', out);
        for (size_t k = 0; k < NUM_COLUMNS; k++) {
            print_cell(out, member(&self->points[i], &columns[k]), 12);
        }
        double way[CH_THEORY_WAY_COLUMNS];
        if (has_way) {
            ch_theory_way_row(&self->finite.way[i], way);
        }
        for (size_t k = 0; has_way && k < CH_THEORY_WAY_COLUMNS; k++) {
            print_cell(out, way[k], 15);
        }
        fputc('\n', out);
    }
}

static void print_online(FILE *out, const ch_theory_report *self)
{
    fputs("at", out);
    for (size_t i = 0; i < NUM_SHOWN; i++) {
        char text[32];
        ch_setting_show(&ch_settings_table[shown[i]], ch_settings_get(&self->settings, shown[i]), text, sizeof text);
        fprintf(out, "%s %s = %s", i == 0 ? "" : ",", ch_settings_table[shown[i]].name, text);
    }
    fputc('\n', out);
    print_rows(out, &self->prediction, predictions, NUM_PREDICTIONS, 18);
    ch_theory_finite_print(&self->finite, out);
    print_trajectory(out, self);
}

/* Whether a setting is not the same at all P and T. */
static bool differs(const ch_theory_report *self, size_t setting)
{
    const ch_theory_cell *cells = self->finite.cells;
    const size_t last = self->finite.num_trains * self->finite.num_temps - 1;
    return ch_settings_get(&cells[0].settings, setting).count != ch_settings_get(&cells[last].settings, setting).count;
}

/* ---- critical temperatures ---- */

static void print_tc(FILE *out, const ch_tc *tc)
{
    static const char *const before[] = {[CH_TC_INSIDE] = "", [CH_TC_BELOW] = "< ", [CH_TC_ABOVE] = "> "};
    char text[32] = "-";
    if (tc->place == CH_TC_INSIDE || tc->place == CH_TC_BELOW || tc->place == CH_TC_ABOVE) {
        snprintf(text, sizeof text, "%s%.4g", before[tc->place], tc->estimate.value);
    }
    fprintf(out, " %13s", text);
}

/* T_c at each P by every definition that finds one, and the exponents a. The T_c of a group stand by (definition, P).
 */
static void print_critical(FILE *out, const ch_theory_report *self)
{
    const ch_fit_group *group = ch_theory_critical_group(&self->critical);
    bool is_any = false;
    for (size_t d = 0; d < CH_NUM_TC; d++) {
        is_any = is_any || ch_theory_critical_is_found(&self->critical, (ch_tc_definition)d);
    }
    if (!is_any) {
        return;
    }
    fprintf(out, "critical temperatures, found over these temp as fit finds them\n  %9s", "train");
    for (size_t d = 0; d < CH_NUM_TC; d++) {
        fprintf(out, " %13s", ch_tc_definition_name((ch_tc_definition)d));
    }
    fputc('\n', out);
    for (size_t p = 0; p < group->num_trains; p++) {
        fprintf(out, "  %9llu", (unsigned long long)group->trains[p]);
        for (size_t d = 0; d < CH_NUM_TC; d++) {
            print_tc(out, &group->tc[d * group->num_trains + p]);
        }
        fputc('\n', out);
    }
    for (size_t d = 0; d < CH_NUM_TC; d++) {
        const ch_exponent *a = ch_fit_find_exponent(group, CH_FIT_A_SLOPE, (ch_tc_definition)d);
        if (a != NULL) {
            fprintf(out, "  a by %s: %.4f", ch_tc_definition_name((ch_tc_definition)d), a->estimate.value);
            fprintf(out, isnan(a->theory) ? "\n" : ", as P -> infinity %.4g\n", a->theory);
        }
    }
}

static json_t *tc_json(const ch_tc *tc)
{
    const bool is_bound = tc->place == CH_TC_BELOW || tc->place == CH_TC_ABOVE;
    return json_pack("{s:I, s:s, s:o, s:s?}", "train", (json_int_t)tc->train, "definition",
                     ch_tc_definition_name(tc->definition), "expected", ch_json_real(tc->estimate.value), "bound",
                     !is_bound                  ? NULL
                     : tc->place == CH_TC_BELOW ? "below"
                                                : "above");
}

/* Adds `tc`, and `a` to the list of exponents. */
static int set_critical(json_t *json, const ch_theory_report *self)
{
    const ch_fit_group *group = ch_theory_critical_group(&self->critical);
    json_t *list = json_array(), *exponents = json_object_get(json, "exponents");
    int failed = json_object_set_new(json, "tc", list);
    for (size_t i = 0; group != NULL && i < group->num_tc && failed == 0; i++) {
        failed = json_array_append_new(list, tc_json(&group->tc[i]));
    }
    for (size_t d = 0; group != NULL && d < CH_NUM_TC && failed == 0; d++) {
        const ch_exponent *a = ch_fit_find_exponent(group, CH_FIT_A_SLOPE, (ch_tc_definition)d);
        if (a != NULL) {
            failed = json_array_append_new(exponents, json_pack("{s:s, s:s, s:f, s:o}", "name", "a", "definition",
                                                                ch_tc_definition_name((ch_tc_definition)d), "expected",
                                                                a->estimate.value, "theory", ch_json_real(a->theory)));
        }
    }
    return failed;
}

/* The settings that all P and T have in common, and what is expected at each. */
static void print_grid(FILE *out, const ch_theory_report *self)
{
    fputs("at", out);
    const char *comma = "";
    for (size_t i = 0; i < NUM_SHOWN; i++) {
        char text[32];
        if (!differs(self, shown[i])) {
            ch_setting_show(&ch_settings_table[shown[i]], ch_settings_get(&self->finite.cells[0].settings, shown[i]),
                            text, sizeof text);
            fprintf(out, "%s %s = %s", comma, ch_settings_table[shown[i]].name, text);
            comma = ",";
        }
    }
    fputc('\n', out);
    ch_theory_finite_print(&self->finite, out);
    print_critical(out, self);
}

static void print_csv_number(double value)
{
    char text[32];
    ch_number_format(value, text, sizeof text);
    fputs(isnan(value) ? "" : text, stdout);
}

static void print_csv(const ch_theory_report *self)
{
    const bool has_way = self->finite.num_way > 0;
    for (size_t k = 0; k < NUM_COLUMNS; k++) {
        printf("%s%s", k == 0 ? "" : ",", columns[k].name);
    }
    for (size_t k = 0; has_way && k < CH_THEORY_WAY_COLUMNS; k++) {
        printf(",%s", ch_theory_way_columns[k]);
    }
    putchar('\n');
    for (size_t i = 0; i < self->num_points; i++) {
        for (size_t k = 0; k < NUM_COLUMNS; k++) {
            fputs(k == 0 ? "" : ",", stdout);
            print_csv_number(member(&self->points[i], &columns[k]));
        }
        double way[CH_THEORY_WAY_COLUMNS];
        if (has_way) {
            ch_theory_way_row(&self->finite.way[i], way);
        }
        for (size_t k = 0; has_way && k < CH_THEORY_WAY_COLUMNS; k++) {
            putchar(',');
            print_csv_number(way[k]);
        }
        putchar('\n');
    }
}

/* ---- JSON ---- */

/* @return 0, or -1 when memory is short. What is not finite, as Z_chi at large chi, is null. */
static int set_rows(json_t *json, const void *object, const row *rows, size_t count)
{
    int failed = json == NULL ? -1 : 0;
    for (size_t i = 0; i < count && failed == 0; i++) {
        const double value = member(object, &rows[i]);
        failed = json_object_set_new(json, rows[i].name, isfinite(value) ? json_real(value) : json_null());
    }
    return failed;
}

/* Adds the settings; those that differ between the rows of a table are left to its rows. */
static int set_settings(json_t *json, const ch_theory_report *self)
{
    json_t *settings = json_object();
    int failed = json_object_set_new(json, "settings", settings);
    for (size_t i = 0; i < NUM_SHOWN && failed == 0; i++) {
        const ch_setting *setting = &ch_settings_table[shown[i]];
        if (!differs(self, shown[i])) {
            const ch_value value = ch_settings_get(&self->finite.cells[0].settings, shown[i]);
            failed = json_object_set_new(settings, setting->name, ch_json_setting(setting, value));
        }
    }
    return failed;
}

static int set_online(json_t *json, const ch_theory_report *self)
{
    json_t *prediction = json_object(), *points = json_array();
    int failed = json_object_set_new(json, "prediction", prediction);
    failed |= json_object_set_new(json, "online", points);
    failed = failed == 0 ? set_rows(prediction, &self->prediction, predictions, NUM_PREDICTIONS) : failed;
    for (size_t i = 0; i < self->num_points && failed == 0; i++) {
        json_t *point = json_object();
        failed = json_array_append_new(points, point);
        failed = failed == 0 ? set_rows(point, &self->points[i], columns, NUM_COLUMNS) : failed;
    }
    return failed;
}

ch_code ch_theory_report_print_json(const ch_theory_report *self, ch_error *err)
{
    json_t *json = json_pack("{s:f}", "chi", self->theory.chi);
    int failed = set_rows(json, &self->theory, constants, NUM_CONSTANTS);
    if (failed == 0 && self->online) {
        failed = set_settings(json, self);
        failed |= ch_theory_is_grid(self) ? 0 : set_online(json, self);
        failed |= ch_theory_finite_add_json(&self->finite, json);
        failed = failed == 0 ? set_critical(json, self) : failed;
    }
    const ch_code code = failed == 0 ? ch_cli_print_json(json, err) : ch_error_memory(err, "the JSON of the theory");
    json_decref(json);
    return code;
}

void ch_theory_report_print(const ch_theory_report *self, FILE *out)
{
    print_constants(out, self);
    if (self->online && ch_theory_is_grid(self)) {
        print_grid(out, self);
    } else if (self->online) {
        print_online(out, self);
    }
}

void ch_theory_report_print_csv(const ch_theory_report *self)
{
    if (ch_theory_is_grid(self)) {
        ch_theory_finite_print_csv(&self->finite);
    } else {
        print_csv(self);
    }
}
