/* test_joint.c — T_c = c P^-a from all P at once, and correlations of what is fitted. */
#include "fit/errors/estimate.h"
#include "fit/fit.h"
#include "fit/laws/joint.h"
#include "fit/reports/reports.h"
#include "fit/table/cells.h"
#include "tests/fit_plant.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_multimin.h>

static plant plant_bends(void)
{
    plant planted = plant_default();
    planted.first_temp = -20;
    planted.num_temps = 22;
    planted.num_trains = 4;
    planted.tc = ldexp(1.3, -11);
    planted.sharpness = 1.2;
    return planted;
}

/* Moves the onset to T_c = tc (P / 2^10)^-a. */
static void move_onset(const plant *planted, double a, ch_run_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        ch_run *run = &table->runs[i];
        const double log_train = log((double)run->settings.train), log_temp = log(run->settings.temp);
        const double moved = log_temp + a * (log_train - log(0x1p10));
        const double factor = exp(plant_log_weight_change(planted, log_train, moved) -
                                  plant_log_weight_change(planted, log_train, log_temp));
        run->final.weight_change *= factor;
        run->final.weight_change_rel *= factor;
    }
}

static void fit_table(ch_fit *fit, const ch_run_table *table, const char *fix)
{
    ch_fit_options options;
    ch_error err = {0};
    ch_fit_options_default(&options);
    options.replicas = 100;
    options.threads = 2;
    if ((fix != NULL && ch_fit_options_fix(&options, fix, &err) != CH_OK) ||
        ch_fit_init(fit, table, &options, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

static void release(ch_fit *fit, ch_run_table *table)
{
    ch_fit_free(fit);
    free(table->runs);
}

/* ---- onset ---- */

/* Where delta is fixed as planted, c, a and m are exact. Where delta is fitted, what is left of the onset in delta
 * changes them slightly. */
static void test_exact_onset(void **state)
{
    (void)state;
    skip_under_valgrind();
    const double shifts[] = {0, 0.25, -0.3};
    for (size_t k = 0; k < sizeof shifts / sizeof *shifts; k++) {
        const plant planted = plant_bends();
        ch_run_table table;
        ch_fit fit;
        plant_table(&planted, 1, &table);
        move_onset(&planted, shifts[k], &table);
        fit_table(&fit, &table, "delta=1");
        const ch_critical_law *law = &fit.groups[0].joint[CH_TC_ONSET];
        assert_true(law->found);
        assert_in(law->exponent.value - shifts[k], -1e-8, 1e-8);
        assert_close(law->sharpness.value, 1.2, 1e-8);
        assert_close(law->prefactor.value, planted.tc * pow(2, 10 * shifts[k]), 1e-7);
        assert_close(law->delta, 1, 1e-15);
        assert_int_equal(law->num_trains, 4);
        assert_int_equal(law->num_points, 4 * 22);
        const ch_exponent *a = find_by_method(&fit.groups[0], "a", "onset", "joint");
        assert_non_null(a);
        assert_true(a->estimate.value == law->exponent.value && a->theory == 0 && a->held == CH_HELD_NOT);
        assert_in(a->estimate.stderr_, 0, 1e-6); /* all data sets are alike */
        release(&fit, &table);
        plant_table(&planted, 1, &table);
        move_onset(&planted, shifts[k], &table);
        fit_table(&fit, &table, NULL);
        assert_in(fit.groups[0].joint[CH_TC_ONSET].exponent.value - shifts[k], -5e-3, 5e-3);
        release(&fit, &table);
    }
}

/* A P at which only one T is fitted is left out. A single P with an onset gives no joint law. */
static void test_few_points(void **state)
{
    (void)state;
    const plant planted = plant_bends();
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < table.count; i++) {
        if (table.runs[i].settings.train == 2048 && table.runs[i].settings.temp > 0x1p-20) {
            table.runs[i].status = CH_BUDGET;
        }
    }
    fit_table(&fit, &table, "delta=1");
    assert_int_equal(fit.groups[0].joint[CH_TC_ONSET].num_trains, 3);
    assert_in(fit.groups[0].joint[CH_TC_ONSET].exponent.value, -1e-8, 1e-8);
    ch_fit_free(&fit);
    for (size_t i = 0; i < table.count; i++) {
        if (table.runs[i].settings.train > 1024) {
            table.runs[i].status = CH_BUDGET;
        }
    }
    fit_table(&fit, &table, NULL);
    assert_false(fit.groups[0].joint[CH_TC_ONSET].found);
    assert_null(find_by_method(&fit.groups[0], "a", "onset", "joint"));
    release(&fit, &table);
}

/* The space of the joint fit, loaded with a table that has noise. */
static void space_of(ch_joint_space *space, ch_fit *fit, ch_run_table *table, double delta)
{
    plant planted = plant_bends();
    planted.run_noise = 0.1;
    planted.num_trains = 3;
    ch_fit_options options;
    ch_error err;
    plant_table(&planted, 3, table);
    move_onset(&planted, 0.2, table);
    fit_table(fit, table, NULL);
    ch_fit_group *group = &fit->groups[0];
    ch_cell_mean *means = calloc(group->num_cells, sizeof *means);
    assert_non_null(means);
    ch_fit_options_default(&options);
    group->weight_change.temp_exponent = delta;
    assert_int_equal(ch_joint_space_init(space, group, &options, &err), CH_OK);
    ch_fit_cell_means(group, means);
    means[5].weight = 2; /* gives points different weights */
    ch_joint_load(space, means);
    free(means);
}

/* Central differences of step h have error h^2 f''' / 6 + rounding / h: about 1e-8 here, as f''' is up to 30. */
static void check_jacobian(double delta, bool hold_a)
{
    const double at[] = {-7, 0.2, 0.3, -0.2}, h = 1e-5;
    const size_t p = isnan(delta) ? 4 : 3;
    ch_joint_space space;
    ch_fit fit;
    ch_run_table table;
    space_of(&space, &fit, &table, delta);
    space.held[0] = hold_a;
    gsl_matrix *jacobian = gsl_matrix_alloc(space.count, p);
    gsl_vector *up = gsl_vector_alloc(space.count), *down = gsl_vector_alloc(space.count);
    for (size_t k = 0; k < p; k++) {
        gsl_vector_set(space.parameters, k, at[k]);
    }
    assert_int_equal(ch_joint_jacobian(space.parameters, &space, jacobian), GSL_SUCCESS);
    for (size_t k = 0; k < p; k++) {
        gsl_vector_set(space.parameters, k, at[k] + h);
        ch_joint_residuals(space.parameters, &space, up);
        gsl_vector_set(space.parameters, k, at[k] - h);
        ch_joint_residuals(space.parameters, &space, down);
        gsl_vector_set(space.parameters, k, at[k]);
        for (size_t i = 0; i < space.count; i++) {
            const double slope = hold_a && k == 1 ? 0 : (gsl_vector_get(up, i) - gsl_vector_get(down, i)) / (2 * h);
            assert_in(gsl_matrix_get(jacobian, i, k) - slope, -1e-7, 1e-7);
        }
    }
    gsl_matrix_free(jacobian);
    gsl_vector_free(up);
    gsl_vector_free(down);
    ch_joint_space_free(&space);
    release(&fit, &table);
}

static void test_jacobian(void **state)
{
    (void)state;
    check_jacobian(NAN, false);
    check_jacobian(1.1, false);
    check_jacobian(1.1, true);
}

/* The sum of squares where every plateau is a parameter: v has ln T_c at the mean ln P, a, ln m, ln delta, and then ln
 * y0 of each P. */
static double squares_with_plateaus(const gsl_vector *v, void *parameters)
{
    const ch_joint_space *space = parameters;
    double sum = 0;
    for (size_t p = 0; p < space->num_trains; p++) {
        for (size_t i = space->begin[p]; i < space->begin[p + 1]; i++) {
            const ch_crossover crossover = {.log_plateau = gsl_vector_get(v, 4 + p),
                                            .log_temp =
                                                gsl_vector_get(v, 0) - gsl_vector_get(v, 1) * space->log_train[i],
                                            .sharpness = exp(gsl_vector_get(v, 2)),
                                            .delta = exp(gsl_vector_get(v, 3))};
            const double off = ch_crossover_log(&crossover, space->log_temp[i]) - space->y[i];
            sum += gsl_vector_get(space->weights, i) * off * off;
        }
    }
    return sum;
}

/* The minimum agrees with that over all parameters, including the plateaus, by Nelder and Mead's simplex, which is
 * restarted. */
static void test_minimum(void **state)
{
    (void)state;
    skip_under_valgrind();
    enum { NUM = 7 };
    ch_joint_space space;
    ch_fit fit;
    ch_run_table table;
    ch_joint_onset found;
    space_of(&space, &fit, &table, NAN);
    const ch_joint_onset start = {.log_prefactor = -6, .a = 0, .sharpness = 1, .delta = 1};
    const double squares = ch_joint_fit(&space, &start, 1e-10, &found);
    gsl_vector *at = gsl_vector_calloc(NUM), *step = gsl_vector_alloc(NUM);
    gsl_multimin_fminimizer *minimizer = gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, NUM);
    gsl_multimin_function function = {squares_with_plateaus, NUM, &space};
    gsl_vector_set(at, 0, -7);
    for (size_t p = 0; p < 3; p++) {
        gsl_vector_set(at, 4 + p, -4);
    }
    for (int restart = 0; restart < 60; restart++) {
        gsl_vector_set_all(step, 0.2);
        gsl_multimin_fminimizer_set(minimizer, &function, at, step);
        for (int k = 0; k < 3000 && gsl_multimin_fminimizer_size(minimizer) > 1e-11; k++) {
            gsl_multimin_fminimizer_iterate(minimizer);
        }
        gsl_vector_memcpy(at, minimizer->x);
    }
    assert_close(squares, gsl_multimin_fminimizer_minimum(minimizer), 1e-9);
    assert_close(found.a, gsl_vector_get(at, 1), 1e-4);
    assert_close(found.sharpness, exp(gsl_vector_get(at, 2)), 1e-4);
    assert_close(found.delta, exp(gsl_vector_get(at, 3)), 1e-4);
    assert_close(found.log_prefactor - found.a * space.mean_log_train, gsl_vector_get(at, 0), 1e-4);
    gsl_multimin_fminimizer_free(minimizer);
    gsl_vector_free(at);
    gsl_vector_free(step);
    ch_joint_space_free(&space);
    release(&fit, &table);
}

/* ---- escape ---- */

/* ||Dw|| / sqrt(dim) = 1 at T^0.8 P^0.4 = 4, which gives T_c = 4^(1/0.8) P^-0.5, also where no sampled T reaches it. */
static void test_exact_escape(void **state)
{
    (void)state;
    plant planted = plant_default();
    planted.delta = 0.8;
    planted.gamma = 0.4;
    for (int first = -6; first >= -12; first -= 6) {
        planted.first_temp = first;
        ch_run_table table;
        ch_fit fit;
        plant_table(&planted, 1, &table);
        fit_table(&fit, &table, NULL);
        const ch_critical_law *law = &fit.groups[0].joint[CH_TC_ESCAPE];
        const ch_exponent *a = find_by_method(&fit.groups[0], "a", "escape", "joint");
        assert_true(law->found);
        assert_non_null(a);
        assert_close(a->estimate.value, 0.5, 1e-10);
        assert_close(law->prefactor.value, pow(sqrt(PLANT_DIM), 1 / 0.8), 1e-9);
        assert_close(law->delta, 0.8, 1e-10);
        assert_int_equal(law->num_trains, 5);
        release(&fit, &table);
    }
}

static void test_unwanted(void **state)
{
    (void)state;
    const plant planted = plant_bends();
    ch_run_table table;
    ch_fit fit;
    ch_fit_options options;
    ch_error err;
    plant_table(&planted, 1, &table);
    ch_fit_options_default(&options);
    options.replicas = 2;
    memset(options.wanted, 0, sizeof options.wanted);
    assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_OK);
    for (size_t d = 0; d < CH_NUM_TC; d++) {
        assert_false(fit.groups[0].joint[d].found);
    }
    assert_int_equal(fit.groups[0].num_exponents, 4);
    release(&fit, &table);
}

/* ---- correlations ---- */

static double correlation_of(const ch_fit_group *group, const char *first, const char *second, const char *definition)
{
    for (size_t i = 0; i < group->num_correlations; i++) {
        const ch_correlation *pair = &group->correlations[i];
        const char *of = pair->definition == CH_NUM_TC ? NULL : ch_tc_definition_name(pair->definition);
        if (is_same_word(ch_fit_numbers[pair->first].name, first) &&
            is_same_word(ch_fit_numbers[pair->second].name, second) && is_same_word(of, definition)) {
            return pair->value;
        }
    }
    return NAN;
}

/* c = (threshold / A)^(1/delta) is T_c at P = 1, which is 8.3 away from the mean ln P. So the error of ln c is 8.3
 * times the error of a, 0.0456, together with that of the mean, 0.205. The two correlate by 0.88, which is known here
 * to (1 - 0.88^2) / 7 = 0.03. What data sets have at each P moves ln t* twice as far as ln ||Dw||. Without other noise
 * b follows gamma exactly, and delta and time_delta have no spread and no correlation. With noise of runs on both,
 * delta and time_delta correlate only by chance, beyond 5 / sqrt(sets) for 6e-7 of seeds. */
static void test_correlations(void **state)
{
    (void)state;
    plant planted = plant_default();
    ch_run_table table;
    ch_fit fit;
    planted.num_sets = 50;
    planted.set_noise = 0.2;
    planted.set_train_noise = 0.1;
    plant_table(&planted, 1, &table);
    fit_table(&fit, &table, NULL);
    assert_in(correlation_of(&fit.groups[0], "gamma", "b", NULL), 1 - 1e-9, 1 + 1e-9);
    assert_true(isnan(correlation_of(&fit.groups[0], "delta", "time_delta", NULL)));
    assert_in(correlation_of(&fit.groups[0], "c", "a", "escape"), 0.88 - 5 * 0.03, 0.88 + 3 * 0.03);
    release(&fit, &table);
    planted.run_noise = 0.1;
    plant_table(&planted, 1, &table);
    fit_table(&fit, &table, NULL);
    const double chance = correlation_of(&fit.groups[0], "delta", "time_delta", NULL);
    assert_in(chance, -5 / sqrt(50), 5 / sqrt(50));
    assert_in(correlation_of(&fit.groups[0], "gamma", "b", NULL), 0.5, 1 - 1e-3);
    release(&fit, &table);
    planted.num_sets = 1;
    plant_table(&planted, 1, &table);
    fit_table(&fit, &table, NULL);
    assert_int_equal(fit.groups[0].num_correlations, 0);
    release(&fit, &table);
}

/* The line between two numbers of the replicas is y = 3 - 2 x, over the replicas that have both. */
static void test_correlation_of_numbers(void **state)
{
    (void)state;
    double replicas[] = {1, 1, 2, -1, 3, NAN, 4, -5, NAN, 7, 2.5, -2};
    const ch_replicas table = {.count = 6, .num_numbers = 2, .numbers = replicas};
    assert_in(ch_replicas_correlation(&table, 0, 1), -1 - 1e-12, -1 + 1e-12);
    assert_in(ch_replicas_correlation(&table, 0, 0), 1 - 1e-12, 1 + 1e-12);
    for (size_t r = 0; r < 6; r++) {
        replicas[2 * r + 1] = 7;
    }
    assert_true(isnan(ch_replicas_correlation(&table, 0, 1)));
}

/* ---- reports ---- */

static void test_reports(void **state)
{
    (void)state;
    plant planted = plant_bends();
    planted.run_noise = 0.05;
    ch_run_table table;
    ch_fit fit;
    char *text = NULL;
    size_t size = 0;
    plant_table(&planted, 1, &table);
    fit_table(&fit, &table, NULL);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    ch_fit_print_details(&fit, out);
    ch_fit_print_csv(&fit, out);
    ch_fit_print_latex(&fit, out);
    assert_int_equal(fclose(out), 0);
    static const char *const words[] = {
        "a onset joint",    "a escape joint",      "T_c by onset, all P at once: 0.000",
        "(P/2896)^",        "correlations: δ, γ ", "ln c,",
        "a,onset,,",        ",joint,,\n",          "theory,bound,method,held,data_digest\n",
        "$a$, onset, joint"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(text, words[i]) == NULL) {
            fail_msg("\"%s\" is not in\n%s", words[i], text);
        }
    }
    free(text);
    json_t *report = ch_fit_json(&fit);
    assert_non_null(report);
    const json_t *group = json_array_get(json_object_get(report, "groups"), 0);
    const json_t *joint = json_object_get(json_object_get(group, "joint"), "onset");
    const ch_critical_law *law = &fit.groups[0].joint[CH_TC_ONSET];
    assert_true(json_real_value(json_object_get(json_object_get(joint, "a"), "value")) == law->exponent.value);
    assert_true(json_real_value(json_object_get(json_object_get(joint, "c"), "stderr")) == law->prefactor.stderr_);
    assert_int_equal(json_array_size(json_object_get(json_object_get(joint, "sharpness"), "ci95")), 2);
    assert_true(json_is_object(json_object_get(json_object_get(group, "joint"), "escape")));
    const json_t *correlations = json_object_get(group, "correlations");
    assert_int_equal(json_array_size(correlations), fit.groups[0].num_correlations);
    assert_int_equal(json_array_size(json_object_get(json_array_get(correlations, 0), "of")), 2);
    size_t slopes = 0, joints = 0;
    for (size_t i = 0; i < fit.groups[0].num_exponents; i++) {
        const json_t *row = json_array_get(json_object_get(report, "exponents"), i);
        const char *method = json_string_value(json_object_get(row, "method"));
        assert_true((method != NULL) == (strcmp(json_string_value(json_object_get(row, "name")), "a") == 0));
        assert_true(json_is_null(json_object_get(row, "held")));
        slopes += method != NULL && strcmp(method, "slope") == 0;
        joints += method != NULL && strcmp(method, "joint") == 0;
    }
    assert_int_equal(slopes, 2);
    assert_int_equal(joints, 2);
    json_decref(report);
    release(&fit, &table);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_onset),  cmocka_unit_test(test_few_points),
        cmocka_unit_test(test_jacobian),     cmocka_unit_test(test_minimum),
        cmocka_unit_test(test_exact_escape), cmocka_unit_test(test_unwanted),
        cmocka_unit_test(test_correlations), cmocka_unit_test(test_correlation_of_numbers),
        cmocka_unit_test(test_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
