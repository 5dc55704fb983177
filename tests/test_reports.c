/* test_reports.c — the reports of a fit for every kind of store: no line over 79 columns, one `a` for each definition
 * of T_c, and CSV with the numbers of JSON. */
#include "fit/collapse/collapse.h"
#include "fit/phase/phase.h"
#include "fit/reports/reports.h"
#include "fit/twins/lazy.h"
#include "tests/fit_support.h"
#include "tests/lazy_plant.h"

#include <gsl/gsl_errno.h>

/* All that a store can be reported as. */
typedef struct {
    ch_fit fit;
    ch_collapse_list collapses;
    ch_phase_list phases;
    ch_lazy_list twins;
} findings;

static void find(findings *self, const ch_run_table *table)
{
    ch_error err = {0};
    *self = (findings){0};
    fit_table(&self->fit, table, 1);
    if (ch_collapse_list_init(&self->collapses, &self->fit, CH_COLLAPSE_WEIGHT_CHANGE, &err) != CH_OK ||
        ch_phase_list_init(&self->phases, &self->fit, &err) != CH_OK ||
        ch_lazy_list_init(&self->twins, &self->fit, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

static void forget(findings *self, ch_run_table *table)
{
    ch_lazy_list_free(&self->twins);
    ch_phase_list_free(&self->phases);
    ch_collapse_list_free(&self->collapses);
    ch_fit_free(&self->fit);
    ch_run_table_free(table);
}

typedef enum { SHORT, DETAILS, CSV, LATEX } form;

static char *printed(const findings *self, form as)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    if (as == CSV || as == LATEX) {
        (as == CSV ? ch_fit_print_csv : ch_fit_print_latex)(&self->fit, out);
        (as == CSV ? ch_collapse_print_csv : ch_collapse_print_latex)(&self->collapses, &self->fit, out);
        (as == CSV ? ch_phase_print_csv : ch_phase_print_latex)(&self->phases, out);
        (as == CSV ? ch_lazy_print_csv : ch_lazy_print_latex)(&self->twins, &self->fit, out);
    } else {
        (as == SHORT ? ch_fit_print : ch_fit_print_details)(&self->fit, out);
        ch_collapse_print(&self->collapses, &self->fit, out);
        ch_phase_print(&self->phases, out);
        ch_lazy_print(&self->twins, &self->fit, out);
    }
    assert_int_equal(fclose(out), 0);
    return text;
}

/* No line is over 79 columns but a command that is to be copied. */
static void assert_narrow(const char *text)
{
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        const size_t length = strcspn(line, "\n");
        size_t width = 0;
        for (size_t i = 0; i < length; i++) {
            width += ((unsigned char)line[i] & 0xC0) != 0x80;
        }
        if (width > 79 && strncmp(line, "  try chiton sweep", 18) != 0) {
            fail_msg("%zu columns: %.*s", width, (int)length, line);
        }
    }
}

/* The short report names each definition in one row of exponents and group at most. */
static void assert_one_a(const char *text, size_t num_groups)
{
    for (int d = 0; d < CH_NUM_TC; d++) {
        char row[64];
        size_t count = 0;
        snprintf(row, sizeof row, "\n       %s ", ch_tc_definition_name((ch_tc_definition)d));
        for (const char *at = text; (at = strstr(at, row)) != NULL; at++) {
            count++;
        }
        assert_true(count <= num_groups);
    }
}

/* Reports a table in every form. @param says  what the short report says */
static void check(ch_run_table *table, const char *says)
{
    findings found;
    find(&found, table);
    char *text = printed(&found, SHORT), *details = printed(&found, DETAILS);
    assert_narrow(text);
    assert_narrow(details);
    assert_one_a(text, found.fit.num_groups);
    if (strstr(text, says) == NULL) {
        fail_msg("no \"%s\" in\n%s", says, text);
    }
    free(text);
    free(details);
    forget(&found, table);
}

static void every_kind_of_store_fits_the_page(void **state)
{
    (void)state;
    plant planted = plant_crossover();
    planted.set_noise = planted.run_noise = 0.1;
    ch_run_table table;
    plant_table(&planted, 1, &table);
    check(&table, "\n       onset ");
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < table.count; i++) { /* several groups */
        table.runs[i].settings.chi = (double)(table.runs[i].settings.seed_data % 2);
    }
    check(&table, "chi = 0, dim = 16\n");
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < table.count; i++) {
        table.runs[i].status = CH_BUDGET;
    }
    check(&table, "no exponents: ");
    planted.num_sets = 1;
    plant_table(&planted, 1, &table);
    check(&table, "± —");
    planted.num_sets = 5;
    planted.num_trains = 1;
    plant_table(&planted, 1, &table);
    check(&table, "T_c by onset: ");
    const lazy_plant twins = lazy_plant_default();
    lazy_plant_table(&twins, &table);
    check(&table, "\n  2^10 ");
    phase_plant phases = phase_plant_default();
    phases.num_sets = 2;
    phase_plant_table(&phases, 1, &table);
    check(&table, "T_max, above which\nhalf of the data sets diverge");
}

/* Numbers that are as wide as they get leave the lines of both tables within the page. An exponent without error is at
 * no distance from theory, not even where it is theory's. */
static void odd_numbers_fit_the_page(void **state)
{
    (void)state;
    plant planted = plant_crossover();
    planted.set_noise = planted.run_noise = 0.1;
    ch_run_table table;
    findings found;
    plant_table(&planted, 1, &table);
    find(&found, &table);
    ch_fit_group *group = &found.fit.groups[0];
    found.fit.options.threshold = 0.00123456789;
    found.fit.options.shift = 0.123456789;
    found.collapses.items[0].quantity = CH_COLLAPSE_TEST_ERROR; /* the longest title */
    assert_true(group->num_exponents > 4);
    group->exponents[0].estimate = (ch_estimate){1, NAN, NAN, NAN};
    group->exponents[0].theory = group->exponents[0].expected = 1;
    group->exponents[1].estimate = (ch_estimate){-9412.3, 42123.4, -107776.1, 126653.4};
    group->exponents[2].estimate = (ch_estimate){1, 0, 1, 1};
    for (size_t i = 0; i < group->num_tc; i++) {
        group->tc[i].place = CH_TC_UNRESOLVED;
        group->tc[i].needed_sets = i % 2 == 0 ? 1000000000 : 12;
    }
    char *text = printed(&found, SHORT), *details = printed(&found, DETAILS);
    assert_narrow(text);
    assert_narrow(details);
    assert_non_null(strstr(text, "1.0000 ± —                 —    1.000      1      —\n"));
    assert_non_null(strstr(text, "-9412 ± 42123  -107776 … 126653"));
    assert_non_null(strstr(details, " by escape (‖Δw‖ = 0.001235 ‖w₀‖)\n"));
    assert_non_null(strstr(details, "not resolved: 1000000000 sets"));
    assert_non_null(strstr(details, "not resolved: takes 12 data sets"));
    free(text);
    free(details);
    forget(&found, &table);
}

/* A bound on T_c says which T it is, and the report what the definitions mean. There is no word on the bootstrap where
 * it gave no error. */
static void words_of_the_short_report(void **state)
{
    (void)state;
    plant planted = plant_crossover();
    planted.run_noise = 0.1;
    planted.num_sets = 1;
    ch_run_table table;
    findings found;
    plant_table(&planted, 1, &table);
    find(&found, &table);
    ch_fit_group *group = &found.fit.groups[0];
    for (size_t i = 0; i < group->num_trains; i++) {
        group->tc[i].place = CH_TC_BELOW;
        group->tc[i].estimate.value = 0.25;
    }
    char *text = printed(&found, SHORT);
    assert_non_null(strstr(text, "under 2^-2, the lowest T, at "));
    assert_non_null(strstr(text, "test error differs by 10 %"));
    assert_null(strstr(text, "bootstrap"));
    free(text);
    forget(&found, &table);
    planted.num_sets = 5;
    plant_table(&planted, 1, &table);
    check(&table, " bootstrap replicas of the data sets");
}

/* The table of network and twin with P of more than five digits, ratios of three, and a difference that rounds to 0. */
static void odd_twins_fit_the_page(void **state)
{
    (void)state;
    lazy_plant planted = lazy_plant_default();
    planted.error_shift = -1e-6;
    ch_run_table table;
    lazy_plant_table(&planted, &table);
    check(&table, "  0.0000 ± 0.0000\n");
    lazy_plant_table(&planted, &table);
    for (size_t i = 0; i < table.count; i++) {
        ch_run *run = &table.runs[i];
        run->settings.train = run->settings.train == 256 ? 1000001 : 4294967295;
        if (run->settings.linear == CH_LINEAR_NO) {
            run->time *= (double)(100 + 50 * run->settings.seed_data);
            run->final.weight_change *= 12;
        }
    }
    check(&table, "\n 4294967295\n");
}

/* Requires a row of CSV with these fields, and the number with all its digits. */
static void assert_row(const char *csv, const char *name, const json_t *number)
{
    char row[256];
    if (!json_is_number(number)) {
        return;
    }
    snprintf(row, sizeof row, "%s,%.17g,", name, json_number_value(number));
    if (strstr(csv, row) == NULL) {
        fail_msg("no \"%s\" in\n%s", row, csv);
    }
}

static const json_t *member(const json_t *object, const char *name, const char *of)
{
    return json_object_get(json_object_get(object, name), of);
}

/* The numbers of phase diagrams and twins in CSV are those of JSON, and LaTeX has a table for each. */
static void csv_has_the_numbers_of_json(void **state)
{
    (void)state;
    phase_plant planted = phase_plant_default();
    planted.num_sets = 2;
    ch_run_table table;
    findings found;
    ch_error err = {0};
    phase_plant_table(&planted, 1, &table);
    find(&found, &table);
    assert_true(found.phases.count > 0);
    char *csv = printed(&found, CSV), *latex = printed(&found, LATEX);
    json_t *report = ch_fit_json(&found.fit);
    assert_int_equal(ch_phase_add_json(&found.phases, report, &err), CH_OK);
    const json_t *phase = json_array_get(json_object_get(report, "phase"), 0);
    const json_t *rows = json_object_get(phase, "alphas");
    char name[64];
    const unsigned long long train = found.phases.items[0].key.train;
    size_t known = 0;
    for (size_t a = 0; a < json_array_size(rows); a++) {
        const json_t *max = member(json_array_get(rows, a), "temp_max", "value");
        snprintf(name, sizeof name, "temp_max,,%llu", train);
        assert_row(csv, name, max);
        snprintf(name, sizeof name, "border,,%llu", train);
        assert_row(csv, name, member(json_array_get(rows, a), "border", "value"));
        known += json_is_number(max);
    }
    assert_true(known >= 3);
    snprintf(name, sizeof name, "k,temp_opt,%llu", train);
    assert_true(json_is_number(member(phase, "k", "value")));
    assert_row(csv, name, member(phase, "k", "value"));
    assert_non_null(strstr(latex, "$T_{max}$"));
    assert_non_null(strstr(latex, "alpha = $2^{"));
    free(csv);
    free(latex);
    json_decref(report);
    forget(&found, &table);

    const lazy_plant twins = lazy_plant_default();
    lazy_plant_table(&twins, &table);
    find(&found, &table);
    csv = printed(&found, CSV);
    latex = printed(&found, LATEX);
    report = ch_fit_json(&found.fit);
    assert_int_equal(ch_lazy_add_json(&found.twins, report, &err), CH_OK);
    const json_t *row =
        json_array_get(json_object_get(json_array_get(json_object_get(report, "lazy"), 0), "trains"), 0);
    assert_true(json_is_number(json_object_get(member(row, "weight_change", "ratio"), "value")));
    assert_row(csv, "ratio,weight_change,256", json_object_get(member(row, "weight_change", "ratio"), "value"));
    assert_row(csv, "end,weight_change,256", member(row, "weight_change", "end"));
    assert_row(csv, "difference,test_error,256", json_object_get(member(row, "test_error", "difference"), "value"));
    assert_non_null(strstr(latex, "% network over twin: "));
    free(csv);
    free(latex);
    json_decref(report);
    forget(&found, &table);
}

/* What collapses is in CSV with the numbers of JSON. */
static void csv_has_collapses(void **state)
{
    (void)state;
    plant planted = plant_crossover();
    planted.set_noise = planted.run_noise = 0.05;
    ch_run_table table;
    findings found;
    ch_error err = {0};
    plant_table(&planted, 1, &table);
    find(&found, &table);
    assert_null(found.collapses.items[0].reason);
    char *csv = printed(&found, CSV), *latex = printed(&found, LATEX);
    json_t *report = ch_fit_json(&found.fit);
    assert_int_equal(ch_collapse_add_json(&found.collapses, report, &err), CH_OK);
    const json_t *collapse = json_array_get(json_object_get(report, "collapse"), 0);
    assert_row(csv, "x,weight_change,", member(collapse, "x", "value"));
    assert_row(csv, "a,weight_change,", member(collapse, "a", "value"));
    assert_row(csv, "quality,weight_change,", json_object_get(collapse, "quality"));
    assert_non_null(strstr(latex, "% collapse of weight_change"));
    free(csv);
    free(latex);
    json_decref(report);
    forget(&found, &table);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_store_fits_the_page), cmocka_unit_test(odd_numbers_fit_the_page),
        cmocka_unit_test(words_of_the_short_report),         cmocka_unit_test(odd_twins_fit_the_page),
        cmocka_unit_test(csv_has_the_numbers_of_json),       cmocka_unit_test(csv_has_collapses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
