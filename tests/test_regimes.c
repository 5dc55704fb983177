/* test_regimes.c — planes over batch and temperature: the law's derivatives, planted laws and exponents that are found,
 * and what is left out. */
/* its residuals and derivatives are no part of any interface */
#include "fit/regimes/law.c"

#include "fit/fit.h"
#include "fit/reports/reports.h"
#include "tests/alloc_fail.h"
#include "tests/regimes_plant.h"

#include <gsl/gsl_errno.h>
#include <string.h>

/* Replicas of the bootstrap where intervals are compared with the truth, and where they only have to be there. */
enum { REPLICAS = 50, FEW_REPLICAS = 8 };

static void fit_table_by(size_t replicas, ch_fit *fit, ch_regimes_list *regimes, const ch_run_table *table)
{
    ch_fit_options options;
    ch_error err = {0};
    ch_fit_options_default(&options);
    options.replicas = replicas;
    options.threads = 1;
    options.expects = false;
    if (ch_fit_init(fit, table, &options, &err) != CH_OK || ch_regimes_list_init(regimes, fit, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

static void fit_table(ch_fit *fit, ch_regimes_list *regimes, const ch_run_table *table)
{
    fit_table_by(FEW_REPLICAS, fit, regimes, table);
}

static void release(ch_fit *fit, ch_regimes_list *regimes, ch_run_table *table)
{
    ch_regimes_list_free(regimes);
    ch_regimes_list_free(regimes);
    ch_fit_free(fit);
    ch_run_table_free(table);
}

/* ---- the law ---- */

/* Where one term is far larger than the others it is the law; where two are equal the law is 2^(1/m) times either. */
static void test_law_joins_its_terms(void **state)
{
    (void)state;
    const ch_regime_law law = {
        .log_noise = log(8), .delta = 1, .log_step = log(0.125), .log_descent = log(0.25), .sharpness = 3, .bend = 2};
    double terms[CH_NUM_REGIMES];
    assert_close(exp(ch_regime_law_log(&law, 1, 1024, terms)), 8192, 0.01);
    assert_close(exp(terms[CH_REGIME_NOISE]), 8192, 1e-9);
    assert_close(exp(terms[CH_REGIME_FIRST_STEP]), 128, 1e-11);
    assert_close(exp(ch_regime_law_log(&law, 64, 1024, NULL)), 8192 * pow(2, 1.0 / 3), 0.01);
    assert_close(exp(ch_regime_law_log(&law, 1, 0x1p-5, NULL)), 0.25 * sqrt(2), 1e-4);
    assert_int_equal(ch_regime_law_at(&law, 1, 1024), CH_REGIME_NOISE);
    assert_int_equal(ch_regime_law_at(&law, 65, 1024), CH_REGIME_FIRST_STEP);
    assert_int_equal(ch_regime_law_at(&law, 1, 0x1p-6), CH_REGIME_DESCENT);
    const ch_regime_law none = {NAN, NAN, NAN, NAN, NAN, NAN};
    assert_int_equal(ch_regime_law_at(&none, 1, 1), CH_REGIME_NONE);
}

/* Against central differences, at points of all regimes and between them. */
static void test_derivatives(void **state)
{
    (void)state;
    enum { COUNT = 30 };
    const double h = 1e-6;
    const double at[NUM_PARAMETERS] = {[LOG_NOISE] = 1.3,     [DELTA] = 0.93,       [LOG_STEP] = -1.1,
                                       [LOG_SHARPNESS] = 0.7, [LOG_DESCENT] = -0.4, [LOG_BEND] = 0.2};
    const size_t sizes[] = {LOG_DESCENT, NUM_PARAMETERS};
    for (size_t k = 0; k < 2; k++) {
        ch_law_space space;
        assert_int_equal(ch_law_space_init(&space, COUNT, NULL), CH_OK);
        struct ch_law_solver *solver = &space.solvers[k];
        assert_int_equal(solver->num_parameters, sizes[k]);
        for (size_t i = 0; i < COUNT; i++) {
            space.log_batch[i] = log(2) * (double)(i % 6);
            space.log_temp[i] = log(2) * ((double)(i / 6) - 3);
            space.log_y[i] = 0.1 * (double)i;
        }
        gsl_vector *x = gsl_vector_alloc(sizes[k]), *up = gsl_vector_alloc(COUNT), *down = gsl_vector_alloc(COUNT);
        gsl_matrix *found = gsl_matrix_alloc(COUNT, sizes[k]);
        for (size_t p = 0; p < sizes[k]; p++) {
            gsl_vector_set(x, p, at[p]);
        }
        jacobian(x, solver, found);
        for (size_t p = 0; p < sizes[k]; p++) {
            gsl_vector_set(x, p, at[p] + h);
            residuals(x, solver, up);
            gsl_vector_set(x, p, at[p] - h);
            residuals(x, solver, down);
            gsl_vector_set(x, p, at[p]);
            for (size_t i = 0; i < COUNT; i++) {
                const double difference = (gsl_vector_get(up, i) - gsl_vector_get(down, i)) / (2 * h);
                assert_in(gsl_matrix_get(found, i, p) - difference, -1e-9, 1e-9);
            }
        }
        gsl_vector_free(x);
        gsl_vector_free(up);
        gsl_vector_free(down);
        gsl_matrix_free(found);
        ch_law_space_free(&space);
    }
}

/* ---- planted tables ---- */

/* Without noise every number is that which was planted, with and without the plateau of gradient descent. */
static void test_exact_law(void **state)
{
    (void)state;
    for (int has_descent = 0; has_descent < 2; has_descent++) {
        regimes_plant self = regimes_plant_default();
        ch_run_table table;
        ch_fit fit;
        ch_regimes_list found;
        self.law.log_descent = has_descent ? self.law.log_descent : -INFINITY;
        self.law.delta = 0.9;
        regimes_plant_table(&self, 1, &table);
        fit_table(&fit, &found, &table);
        assert_int_equal(found.count, 1);
        assert_int_equal(found.items[0].num_planes, 3);
        assert_int_equal(found.items[0].num_data_sets, 5);
        for (size_t p = 0; p < 3; p++) {
            const ch_regime_plane *plane = &found.items[0].planes[p];
            const ch_regime_law truth = regimes_plant_law(&self, plane->train);
            assert_int_equal(plane->train, 1024 << p);
            assert_close(plane->law.log_noise, truth.log_noise, 1e-5);
            assert_close(plane->law.delta, 0.9, 1e-5);
            assert_close(plane->law.log_step, truth.log_step, 1e-5);
            assert_close(plane->law.sharpness, 3, 1e-4);
            assert_in(plane->scatter, 0, 1e-5);
            assert_int_equal(plane->num_cells, 11 * 17);
            for (size_t c = 0; c < plane->num_cells; c++) {
                const ch_regime_cell *cell = &plane->cells[c];
                assert_int_equal(cell->regime, ch_regime_law_at(&truth, (double)cell->batch, cell->temp));
                assert_close(cell->log_weight_change, ch_regime_law_log(&truth, (double)cell->batch, cell->temp, NULL),
                             1e-12);
            }
            const double star = exp(truth.log_noise - truth.log_step - 0.1 * log(found.items[0].temp));
            assert_close(plane->batch_star.value / star, 1, 1e-4);
            assert_int_equal(plane->num_in_regime[CH_REGIME_DESCENT] > 0, has_descent);
        }
        assert_close(found.items[0].exponent.value, 0.4, 1e-5);
        assert_close(found.items[0].gamma.value, 0.4, 1e-5);
        assert_in(found.items[0].excess.value, -1e-5, 1e-5);
        assert_close(found.items[0].theory, 0.5, 1e-15);
        release(&fit, &found, &table);
    }
}

/* With noise of data sets and of runs: of 20 tables the 95 % intervals of the exponent and of ln B* hold the truth in
 * at least 16 and 48 of 60, which right intervals miss with a probability under 0.003 and 1e-4. */
static void test_intervals(void **state)
{
    (void)state;
    enum { TABLES = 10, TRAINS = 2 };
    size_t of_exponent = 0, of_star = 0;
    for (uint64_t seed = 0; seed < TABLES; seed++) {
        regimes_plant self = regimes_plant_default();
        ch_run_table table;
        ch_fit fit;
        ch_regimes_list found;
        self.set_noise = 0.1;
        self.run_noise = 0.05;
        self.num_temps = 13;
        self.num_batches = 9;
        self.num_trains = TRAINS;
        self.num_sets = 6;
        regimes_plant_table(&self, seed, &table);
        fit_table_by(REPLICAS, &fit, &found, &table);
        const ch_estimate *x = &found.items[0].exponent;
        of_exponent += x->lo < 0.4 && x->hi > 0.4;
        for (size_t p = 0; p < TRAINS; p++) {
            const ch_regime_plane *plane = &found.items[0].planes[p];
            const ch_regime_law truth = regimes_plant_law(&self, plane->train);
            const double star = exp(truth.log_noise - truth.log_step);
            of_star += plane->batch_star.lo < star && plane->batch_star.hi > star;
        }
        release(&fit, &found, &table);
    }
    assert_in((double)of_exponent, 7, TABLES);
    assert_in((double)of_star, 15, TRAINS * TABLES);
}

/* Where C grows as P^0.3 and A as P^0.4, B* ~ P^0.1 and the excess over gamma is -0.3. */
static void test_excess(void **state)
{
    (void)state;
    regimes_plant self = regimes_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_regimes_list found;
    regimes_plant_table(&self, 1, &table);
    for (size_t i = 0; i < table.count; i++) {
        const ch_settings *at = &table.runs[i].settings;
        ch_regime_law law = regimes_plant_law(&self, at->train);
        law.log_step += 0.3 * log((double)at->train / 1024);
        table.runs[i].final.weight_change = exp(ch_regime_law_log(&law, (double)at->batch, at->temp, NULL));
    }
    fit_table(&fit, &found, &table);
    assert_close(found.items[0].exponent.value, 0.1, 1e-4);
    assert_close(found.items[0].gamma.value, 0.4, 1e-4);
    assert_close(found.items[0].excess.value, -0.3, 1e-4);
    release(&fit, &found, &table);
}

/* ---- flatness and prediction ---- */

/* B* is 74 here, so that B = 1, 2 and 4 should be flat. Where the runs of B = 2 are 5 % over the others, their mean at
 * a T is 1.05^(1/3) times those; and what B = 2 is off at one T alone is averaged over its 17 T. */
static void test_flatness(void **state)
{
    (void)state;
    for (int at_one_temp = 0; at_one_temp < 2; at_one_temp++) {
        regimes_plant self = regimes_plant_default();
        ch_run_table table;
        ch_fit fit;
        ch_regimes_list found;
        self.law.sharpness = 12; /* so that the first step adds nothing at a tenth of B* */
        self.num_trains = 1;
        regimes_plant_table(&self, 1, &table);
        for (size_t i = 0; i < table.count; i++) {
            const ch_settings *at = &table.runs[i].settings;
            if (at->batch == 2 && (!at_one_temp || at->temp == 1)) {
                table.runs[i].final.weight_change *= 1.05;
            }
            if (at->batch == 4) { /* the mean over the five data sets stays, of which each is off */
                table.runs[i].final.weight_change *= exp(0.01 * ((double)at->seed_data - 2));
            }
            table.runs[i].final.weight_change *= exp(0.2 * (double)at->seed_data); /* all B share this */
        }
        fit_table(&fit, &found, &table);
        const ch_regime_flatness *flatness = &found.items[0].planes[0].flatness;
        const double mean = log(1.05) / 3, temps = at_one_temp ? 17 : 1;
        assert_int_equal(flatness->num_batches, 3);
        assert_int_equal(flatness->num_cells, 3 * 17);
        assert_close(flatness->most, expm1((log(1.05) - mean) / temps), 1e-9);
        /* B = 2 is off by -1/3 of what B = 4 is: of 0.01 k, k = -2 … 2, whose standard error is 0.01 / sqrt 2 */
        assert_close(flatness->error, 0.01 / sqrt(2) / 3, 1e-9);
        assert_close(flatness->rms, log(1.05) * sqrt(2.0 / 9 / temps), 1e-9);
        release(&fit, &found, &table);
    }
}

/* Of a perceptron in its limit B* = sqrt(d) sqrt(s^2 + r^2) / (T E|x_par|), with s and r of theory for P -> infinity,
 * and noise gives way to gradient descent at T = kappa. */
static void test_prediction(void **state)
{
    (void)state;
    regimes_plant self = regimes_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_regimes_list found;
    self.num_trains = 1;
    regimes_plant_table(&self, 1, &table);
    fit_table(&fit, &found, &table);
    const ch_regime_plane *plane = &found.items[0].planes[0];
    const ch_settings *at = &plane->runs[0]->settings;
    /* chi = 1: Gamma(3/2) = sqrt(pi)/2, so that n_1 = 1/4; E|x_par| = sqrt(pi/2) */
    const double dim = (double)at->dim, lambda = sqrt(2 * 0.25 * 1024 / dim), noise = 0.25 * sqrt(M_PI_2);
    const double amplitude = sqrt(dim) * noise * sqrt(1 + lambda * lambda);
    assert_int_equal(plane->prediction, CH_PREDICTED_LIMIT);
    assert_close(exp(plane->predicted.log_noise), amplitude, 1e-12 * amplitude);
    assert_close(exp(plane->predicted.log_step), sqrt(M_PI_2 / dim), 1e-12);
    assert_close(ch_regime_law_star(&plane->predicted, 3), amplitude * sqrt(dim / M_PI_2), 1e-9);
    assert_close(exp(plane->predicted.log_descent), amplitude / at->alpha, 1e-12);
    release(&fit, &found, &table);
}

/* The full batch of three P, B = P, has exponents over P where it stands alone, and none beside other batches. */
static void test_full_batch(void **state)
{
    (void)state;
    for (int stands_alone = 0; stands_alone < 2; stands_alone++) {
        regimes_plant self = regimes_plant_default();
        ch_run_table table;
        ch_fit fit;
        ch_regimes_list found;
        size_t kept = 0;
        self.law.log_descent = -INFINITY;
        self.run_noise = 0.01;
        regimes_plant_table(&self, 1, &table);
        for (size_t i = 0; i < table.count; i++) {
            ch_run *run = &table.runs[i];
            const bool is_full = run->settings.batch == 1024; /* the largest that is planted */
            if (is_full) {
                run->settings.batch = run->settings.train;
                run->settings.rate = run->settings.temp * (double)run->settings.batch;
                run->final.weight_change *= (double)run->settings.batch / 1024;
            }
            if (is_full || !stands_alone) {
                table.runs[kept++] = *run;
            }
        }
        table.count = kept;
        fit_table(&fit, &found, &table);
        bool is_found = false;
        for (size_t g = 0; g < fit.num_groups; g++) {
            const ch_fit_group *group = &fit.groups[g];
            const bool has_gamma = ch_fit_find_exponent(group, CH_FIT_GAMMA, CH_NUM_TC) != NULL;
            if (group->key.batch == 0) {
                is_found = true;
                assert_int_equal(has_gamma, stands_alone);
                assert_int_equal(ch_fit_find_exponent(group, CH_FIT_B, CH_NUM_TC) != NULL, stands_alone);
                assert_true(isnan(group->weight_change.train_exponent) == !stands_alone);
                assert_non_null(ch_fit_find_exponent(group, CH_FIT_DELTA, CH_NUM_TC));
                assert_int_equal(strstr(group->notes[group->num_notes - 1], "no gamma") != NULL, !stands_alone);
            } else if (group->key.batch == 1) {
                assert_true(has_gamma);
            }
        }
        assert_true(is_found);
        release(&fit, &found, &table);
    }
}

/* Cells with a run that did not fit do not count, and their number does not move B*. */
static void test_cells_that_do_not_count(void **state)
{
    (void)state;
    regimes_plant self = regimes_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_regimes_list found;
    self.num_trains = 1;
    regimes_plant_table(&self, 3, &table);
    for (size_t i = 0; i < table.count; i += 40) {
        table.runs[i].status = CH_BUDGET;
        table.runs[i].final.weight_change = 1e6;
    }
    fit_table(&fit, &found, &table);
    const ch_regime_plane *plane = &found.items[0].planes[0];
    size_t left_out = 0;
    for (size_t c = 0; c < plane->num_cells; c++) {
        left_out += !plane->cells[c].counts;
        assert_true(plane->cells[c].counts == !isnan(plane->cells[c].log_weight_change));
    }
    assert_int_equal(left_out, (table.count + 39) / 40);
    assert_close(plane->batch_star.value, exp(self.law.log_noise - self.law.log_step), 1e-3);
    assert_true(isnan(found.items[0].exponent.value)); /* of one P */
    release(&fit, &found, &table);
}

/* Two batches, or two T, are no plane; a plane without a first step has no B*. */
static void test_what_is_missing(void **state)
{
    (void)state;
    const struct {
        int num_batches, num_temps;
        size_t count;
        bool has_star;
    } cases[] = {{2, 17, 0, false}, {11, 2, 0, false}, {3, 17, 1, false}, {11, 17, 1, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        regimes_plant self = regimes_plant_default();
        ch_run_table table;
        ch_fit fit;
        ch_regimes_list found;
        self.num_trains = 1;
        self.num_batches = cases[i].num_batches;
        self.num_temps = cases[i].num_temps;
        regimes_plant_table(&self, 3, &table);
        fit_table(&fit, &found, &table);
        assert_int_equal(found.count, cases[i].count);
        if (found.count > 0) {
            assert_int_equal(!isnan(found.items[0].planes[0].batch_star.value), cases[i].has_star);
        }
        release(&fit, &found, &table);
    }
}

/* ---- reports ---- */

static void test_reports(void **state)
{
    (void)state;
    regimes_plant self = regimes_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_regimes_list found;
    ch_error err = {0};
    char *text = NULL;
    size_t size = 0;
    self.set_noise = 0.05;
    regimes_plant_table(&self, 5, &table);
    fit_table(&fit, &found, &table);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    ch_regimes_print(&found, out);
    ch_regimes_print_csv(&found, out);
    ch_regimes_print_latex(&found, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "perceptron, chi = 1"));
    assert_non_null(strstr(text, "B* ~ P^x, x = 0.4"));
    assert_non_null(strstr(text, "theory γ = 0.5"));
    assert_non_null(strstr(text, "γ of the noise over the same P = 0.4"));
    assert_non_null(strstr(text, "x - γ = "));
    assert_non_null(strstr(text, "theory, in its limit: B* = "));
    assert_non_null(strstr(text, "is flat in B within"));
    assert_non_null(strstr(text, ",noise_gamma,"));
    assert_non_null(strstr(text, ",batch_star_excess,"));
    assert_non_null(strstr(text, ",batch_star_exponent,"));
    assert_non_null(strstr(text, "$B^\\ast$"));
    free(text);
    json_t *report = json_object();
    assert_int_equal(ch_regimes_add_json(&found, report, &err), CH_OK);
    const json_t *item = json_array_get(json_object_get(report, "regimes"), 0);
    const json_t *plane = json_array_get(json_object_get(item, "planes"), 2);
    assert_int_equal(json_integer_value(json_object_get(plane, "train")), 4096);
    assert_close(json_real_value(json_object_get(json_object_get(plane, "batch_star"), "value")),
                 found.items[0].planes[2].batch_star.value, 0);
    assert_int_equal(json_array_size(json_object_get(plane, "cells")), 11 * 17);
    const json_t *flatness = json_object_get(plane, "flatness"), *predicted = json_object_get(plane, "predicted");
    assert_close(json_real_value(json_object_get(flatness, "most")), found.items[0].planes[2].flatness.most, 0);
    assert_true(json_integer_value(json_object_get(flatness, "cells")) > 0);
    assert_close(json_real_value(json_object_get(predicted, "batch_star")),
                 ch_regime_law_star(&found.items[0].planes[2].predicted, 1), 0);
    assert_string_equal(json_string_value(json_object_get(predicted, "from")), "limit");
    assert_close(json_real_value(json_object_get(json_object_get(item, "gamma"), "value")), found.items[0].gamma.value,
                 0);
    assert_close(json_real_value(json_object_get(json_object_get(item, "excess"), "value")),
                 found.items[0].excess.value, 0);
    assert_null(json_object_get(json_object_get(item, "group"), "batch"));
    json_decref(report);
    release(&fit, &found, &table);
}

static void test_allocations_fail(void **state)
{
    (void)state;
    regimes_plant self = regimes_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_regimes_list found;
    ch_error err = {0};
    ch_fit_options options;
    long failed = 0;
    self.num_trains = 1;
    self.num_batches = 5;
    self.num_temps = 5;
    self.num_sets = 2;
    regimes_plant_table(&self, 3, &table);
    ch_fit_options_default(&options);
    options.replicas = 2;
    options.threads = 1;
    options.expects = false;
    assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_OK);
    assert_failures_are_told(failed, ch_regimes_list_init(&found, &fit, &err), err, ch_regimes_list_free(&found));
    assert_true(failed > 10);
    release(&fit, &found, &table);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_law_joins_its_terms),
        cmocka_unit_test(test_derivatives),
        cmocka_unit_test(test_exact_law),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_excess),
        cmocka_unit_test(test_flatness),
        cmocka_unit_test(test_prediction),
        cmocka_unit_test(test_full_batch),
        cmocka_unit_test(test_cells_that_do_not_count),
        cmocka_unit_test(test_what_is_missing),
        cmocka_unit_test(test_reports),
        cmocka_unit_test(test_allocations_fail),
    };
    return cmocka_run_group_tests_name("regimes", tests, NULL, NULL);
}
