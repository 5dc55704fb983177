/* test_effective_chi.c — the density exponent that a group's runs show, by gamma, by b and by test samples. */
#include "fit_plant.h"
#include "fit_support.h"

#include "core/page.h"
#include "fit/errors/estimate.h"
#include "fit/reports/reports.h"

#include <gsl/gsl_errno.h>
#include <jansson.h>

static plant plant_of(double gamma, double b)
{
    plant planted = plant_default();
    planted.gamma = gamma;
    planted.b = b;
    planted.num_temps = 3;
    planted.num_sets = 8;
    return planted;
}

/* 1/gamma - 1 and 2/(b - 1) - 1 with the derivatives as errors, and intervals from those of gamma and b. */
static void test_inversion(void **state)
{
    (void)state;
    plant planted = plant_of(0.4, 1.3);
    planted.set_train_noise = 0.05;
    planted.run_noise = 0.02;
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 3, &table);
    fit_table(&fit, &table, 1);
    const ch_effective_chi *chi = &fit.groups[0].chi;
    const ch_estimate gamma = find_exponent(&fit.groups[0], "gamma", NULL)->estimate;
    const ch_estimate b = find_exponent(&fit.groups[0], "b", NULL)->estimate;
    assert_in(chi->of_gamma.value, 1.2, 1.8);
    assert_close(chi->of_gamma.value, 1 / gamma.value - 1, 1e-14);
    assert_close(chi->of_gamma.stderr_, gamma.stderr_ / (gamma.value * gamma.value), 1e-14);
    assert_close(1 / (1 + chi->of_gamma.hi), gamma.lo, 1e-13);
    assert_close(1 / (1 + chi->of_gamma.lo), gamma.hi, 1e-13);
    assert_close(1 + 2 / (1 + chi->of_b.value), b.value, 1e-14);
    /* the derivative by differences */
    const double step = 1e-6;
    assert_close(chi->of_b.stderr_, b.stderr_ * (2 / (b.value - step - 1) - 2 / (b.value + step - 1)) / (2 * step),
                 1e-6);
    assert_close(1 + 2 / (1 + chi->of_b.lo), b.hi, 1e-13);
    assert_close(chi->excess.value, b.value - 1 - 2 * gamma.value, 1e-12);
    assert_true(chi->train == 0 && isnan(chi->of_density.value) && isnan(chi->drift));
    release(&fit, &table);
}

/* Noise of a data set and P enters ln ||Dw|| once and ln t* twice, so that b - 1 - 2 gamma does not feel it. */
static void test_correlation(void **state)
{
    (void)state;
    plant planted = plant_of(0.5, 2);
    planted.set_train_noise = 0.1;
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 5, &table);
    fit_table(&fit, &table, 1);
    const ch_effective_chi *chi = &fit.groups[0].chi;
    assert_in(find_exponent(&fit.groups[0], "b", NULL)->estimate.stderr_, 0.01, 1);
    assert_in(fabs(chi->excess.value), 0, 1e-9);
    assert_in(chi->excess.stderr_, 0, 1e-9);
    release(&fit, &table);
}

/* The 95 % interval of b - 1 - 2 gamma holds the planted value in 95 % of tables: with 60 tables in 49 or more, and
 * else in one of 3000 programs. */
static void test_coverage(void **state)
{
    (void)state;
    enum { TABLES = 60 };
    size_t held = 0;
    for (uint64_t seed = 0; seed < TABLES; seed++) {
        plant planted = plant_of(0.37, 1.3);
        planted.set_train_noise = 0.05;
        planted.run_noise = 0.05;
        ch_run_table table;
        ch_fit fit;
        plant_table(&planted, 100 + seed, &table);
        fit_table(&fit, &table, 1);
        const ch_estimate *excess = &fit.groups[0].chi.excess;
        held += excess->lo < 0.3 - 0.74 && excess->hi > 0.3 - 0.74;
        release(&fit, &table);
    }
    assert_in((double)held, 50, TABLES);
}

/* Theory has no chi for a ||Dw|| that falls, or a t* that grows more slowly than P. */
static void test_no_chi(void **state)
{
    (void)state;
    const plant planted = plant_of(-0.2, 0.8);
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    fit_table(&fit, &table, 1);
    assert_true(isnan(fit.groups[0].chi.of_gamma.value) && isnan(fit.groups[0].chi.of_b.value));
    assert_close(fit.groups[0].chi.excess.value, 0.8 - 1 + 0.4, 1e-9);
    release(&fit, &table);
}

/* Gives every run a density: chi = 1 + 0.1 x seed at the largest P, and other numbers where it must not count. */
static void plant_densities(ch_run_table *table, uint64_t most)
{
    for (size_t i = 0; i < table->count; i++) {
        ch_run *run = &table->runs[i];
        const bool counts = run->settings.train == most;
        run->final.density_chi = counts ? 1 + 0.1 * (double)run->settings.seed_data : -0.5;
        run->final.density_error = 0.25;
        run->final.density_drift = counts ? 0.5 : 9;
        run->final.test_error = counts ? 0.01 : 0.5;
        run->settings.test = 1000;
        if (counts && run->settings.temp == 0.125) { /* two of three runs of a set have it */
            run->final.density_chi = NAN;
        }
    }
}

static char *printed(const ch_fit *fit, void (*print)(const ch_fit *, FILE *))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    print(fit, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* Mean over data sets, and their spread as its error: that of 1, 1.1, ... 1.7 is 0.1 sqrt(6) / sqrt(8). */
static void test_densities(void **state)
{
    (void)state;
    const plant planted = plant_of(0.5, 2);
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    plant_densities(&table, 1 << 14);
    fit_table(&fit, &table, 1);
    const ch_effective_chi *chi = &fit.groups[0].chi;
    assert_close(chi->of_density.value, 1.35, 1e-12);
    assert_close(chi->of_density.stderr_, 0.1 * sqrt(6) / sqrt(8), 1e-12);
    assert_close((chi->of_density.hi - chi->of_density.lo) / 2 / chi->of_density.stderr_, 2.36462, 1e-5);
    assert_true(chi->train == 1 << 14 && chi->num_runs == 16 && chi->num_sets == 8);
    assert_close(chi->drift, 0.5 * sqrt(8), 1e-12);
    assert_close(chi->share, 0.1, 1e-12);
    assert_close(chi->test_error, 0.01, 1e-12);
    release(&fit, &table);

    plant one = planted;
    one.num_sets = 1;
    plant_table(&one, 1, &table);
    plant_densities(&table, 1 << 14);
    fit_table(&fit, &table, 1);
    assert_true(fit.groups[0].chi.of_density.value == 1 && fit.groups[0].chi.of_density.stderr_ == 0.25);
    release(&fit, &table);
}

/* The numbers stand in every report, on a page of 79 columns. */
static void test_reports(void **state)
{
    (void)state;
    plant planted = plant_of(0.4, 1.3);
    planted.set_train_noise = planted.run_noise = 0.05;
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 3, &table);
    plant_densities(&table, 1 << 14);
    fit_table(&fit, &table, 1);
    char *text = printed(&fit, ch_fit_print), *csv = printed(&fit, ch_fit_print_csv);
    char *latex = printed(&fit, ch_fit_print_latex), *details = printed(&fit, ch_fit_print_details);
    json_t *report = ch_fit_json(&fit);
    const json_t *chi = json_object_get(json_array_get(json_object_get(report, "groups"), 0), "effective_chi");
    const ch_effective_chi *found = &fit.groups[0].chi;
    char row[96];
    assert_non_null(strstr(text, "effective χ: "));
    assert_non_null(strstr(text, " by γ, "));
    assert_non_null(strstr(text, "b - 1 - 2γ = -0."));
    assert_non_null(strstr(text, "1.350 ± 0.087 by |F| of"));
    assert_non_null(strstr(details, "effective χ: "));
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        char copy[512];
        snprintf(copy, sizeof copy, "%.*s", (int)(strchr(line, '\n') - line), line);
        assert_true(ch_page_width(copy) <= 79);
    }
    assert_close(json_real_value(json_object_get(json_object_get(chi, "gamma"), "value")), found->of_gamma.value, 0);
    assert_close(json_real_value(json_object_get(json_object_get(chi, "b"), "stderr")), found->of_b.stderr_, 0);
    assert_close(json_real_value(json_object_get(json_object_get(chi, "b_excess"), "distance")),
                 ch_estimate_distance(&found->excess, 0, 8), 0);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(chi, "density"), "train")), 1 << 14);
    assert_int_equal(json_array_size(json_object_get(json_object_get(chi, "density"), "ci95")), 2);
    snprintf(row, sizeof row, ",chi_gamma,,,%.17g,%.17g,", found->of_gamma.value, found->of_gamma.stderr_);
    assert_non_null(strstr(csv, row));
    snprintf(row, sizeof row, ",chi_density,,16384,%.17g,", found->of_density.value);
    assert_non_null(strstr(csv, row));
    assert_non_null(strstr(latex, "$\\chi_\\gamma$ & $\\chi_b$"));
    free(text);
    free(csv);
    free(latex);
    free(details);
    json_decref(report);
    release(&fit, &table);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inversion), cmocka_unit_test(test_correlation), cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_no_chi),    cmocka_unit_test(test_densities),   cmocka_unit_test(test_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
