/* test_collapse.c — collapses of planted curves: S agrees with independent calculations, the planted exponents are
 * found, and the report says where there is none. test_collapse_coverage.c tests the coverage of the intervals. */
#include "fit/collapse/master.h"
#include "fit/fit.h"
#include "fit/reports/reports.h"
#include "tests/alloc_fail.h"
#include "tests/collapse_plant.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>

static void collapse(ch_collapse *self, const ch_fit *fit, ch_collapse_quantity quantity)
{
    ch_error err = {0};
    if (ch_collapse_init(self, &fit->groups[0], quantity, &fit->options, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

static void release(ch_fit *fit, ch_run_table *table)
{
    ch_fit_free(fit);
    free(table->runs);
}

static ch_master search(const ch_curve *curves, size_t num_curves)
{
    gsl_min_fminimizer *solver = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent);
    assert_non_null(solver);
    const ch_master best = ch_master_search(curves, num_curves, solver);
    gsl_min_fminimizer_free(solver);
    return best;
}

/* ---- S ---- */

/* Two curves of two points, where S is that of Houdayer and Hartmann. The numbers are from their formulas, a weighted
 * straight line through the points on both sides of u, computed with numpy. */
static void test_quality_of_two(void **state)
{
    (void)state;
    const ch_curve curves[] = {
        {1, 2, (const double[]){0, 2}, (const double[]){0.3, 1.9}, (const double[]){0.04, 0.01}},
        {2, 2, (const double[]){-1, 1.5}, (const double[]){1.0, 2.6}, (const double[]){0.09, 0.02}},
    };
    const ch_master_sums sums = ch_master_compare(curves, 2, 0.25);
    assert_int_equal(sums.num_compared, 2);
    assert_int_equal(sums.least, 1);
    assert_close(ch_master_quality(&sums, 0.7), 2.04827661613466, 1e-13);
}

/* Three curves with points at different u. The numbers are from numpy: the cubic through up to four points by solving
 * Vandermonde's system, and the x of least S from three values of S. */
static void test_quality_of_three(void **state)
{
    (void)state;
    const ch_curve curves[] = {
        {1, 5, (const double[]){0, 1, 2, 3.5, 5}, (const double[]){0.1, 0.3, 1.1, 2.4, 4.1},
         (const double[]){0.01, 0.02, 0.01, 0.03, 0.01}},
        {2, 5, (const double[]){-1, 0.5, 1.7, 2.2, 4}, (const double[]){1.2, 1.0, 1.9, 2.2, 4.3},
         (const double[]){0.02, 0.02, 0.05, 0.01, 0.02}},
        {4, 4, (const double[]){1, 2, 3, 9}, (const double[]){3.3, 3.9, 4.8, 11},
         (const double[]){0.01, 0.01, 0.04, 0.02}},
    };
    ch_master_sums sums = ch_master_compare(curves, 3, -0.4);
    assert_int_equal(sums.num_compared, 12);
    assert_close(ch_master_quality(&sums, 1), 7.59367877464935, 1e-12);
    sums = ch_master_compare(curves, 3, 0.3);
    assert_int_equal(sums.num_compared, 12);
    assert_close(ch_master_quality(&sums, 0.8), 1.64093307091402, 1e-12);
    assert_close(ch_master_exponent(&sums), 0.723396284281219, 1e-12);
    assert_close(ch_master_quality(&sums, ch_master_exponent(&sums)), 0.788382042691323, 1e-12);
}

/* All curves are one straight line, which any interpolation reproduces, with independent normal errors of known and
 * unequal size. Then the expected S at the truth is exactly 1. The mean of 2,000 S differs from it by more than 4.9
 * standard errors for 1e-6 of seeds. */
static void test_quality_is_one(void **state)
{
    (void)state;
    enum { CURVES = 4, POINTS = 9, TABLES = 2000 };
    double temp[CURVES][POINTS], y[CURVES][POINTS], variance[CURVES][POINTS], sum = 0, squares = 0;
    ch_curve curves[CURVES];
    ch_random stream;
    ch_random_init(&stream, 5, CH_STREAM_TRAIN_SAMPLES, 0);
    gsl_rng random = ch_random_gsl(&stream);
    for (size_t table = 0; table < TABLES; table++) {
        for (size_t k = 0; k < CURVES; k++) {
            const double log_train = 7 + 0.7 * (double)k;
            for (size_t i = 0; i < POINTS; i++) {
                temp[k][i] = (double)i + 0.4 * sin((double)(3 * i + k));
                variance[k][i] = pow(0.05 * (1 + (double)((i + k) % 3)), 2);
                y[k][i] =
                    0.4 * log_train + 1.2 * (temp[k][i] + 0.3 * log_train) + normal(&random, sqrt(variance[k][i]));
            }
            curves[k] = (ch_curve){log_train, POINTS, temp[k], y[k], variance[k]};
        }
        const ch_master_sums sums = ch_master_compare(curves, CURVES, 0.3);
        const double quality = ch_master_quality(&sums, 0.4);
        sum += quality;
        squares += quality * quality;
    }
    const double mean = sum / TABLES, error = sqrt((squares / TABLES - mean * mean) / TABLES);
    print_message("    S = %.4f +- %.4f\n", mean, error);
    assert_in((mean - 1) / error, -4.9, 4.9);
    assert_in(error, 0, 0.01);
}

/* ---- exponents ---- */

/* The data sets differ by 1e-6 only. What is left of S is the error of the cubics, h^4 f'''' / 43 at most for points
 * that are h = ln 2^1.5 to ln 2^3 apart. */
static void test_found_on_a_coarse_grid(void **state)
{
    (void)state;
    collapse_plant planted = collapse_plant_default();
    planted.a = 0.07;
    planted.set_noise = planted.set_train_noise = 0;
    planted.run_noise = 1e-6;
    ch_run_table table;
    ch_fit fit;
    ch_collapse found;
    collapse_plant_table(&planted, 1, &table);
    collapse_plant_fit(&fit, &table, 50, 2);
    collapse(&found, &fit, CH_COLLAPSE_WEIGHT_CHANGE);
    assert_null(found.reason);
    assert_in(found.x.value - 0.4, -0.005, 0.005);
    assert_in(found.a.value - 0.07, -0.005, 0.005);
    ch_collapse_free(&found);
    release(&fit, &table);
}

static void test_found_with_noise(void **state)
{
    (void)state;
    const collapse_plant planted = collapse_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_collapse found;
    collapse_plant_table(&planted, 2, &table);
    collapse_plant_fit(&fit, &table, 200, 2);
    collapse(&found, &fit, CH_COLLAPSE_WEIGHT_CHANGE);
    assert_null(found.reason);
    assert_in(found.x.value, found.x.value - 4 * found.x.stderr_, found.x.value + 4 * found.x.stderr_);
    assert_in((found.x.value - 0.4) / found.x.stderr_, -4, 4);
    assert_in((found.a.value - 0.3) / found.a.stderr_, -4, 4);
    assert_in(found.x.stderr_, 0.002, 0.05);
    assert_in(found.quality, 0.3, 2);
    assert_int_equal(found.num_trains, 5);
    assert_int_equal(found.num_points, 56);
    assert_in((double)found.num_compared, 50, 56);
    assert_close(found.x_theory, 0.5, 1e-15);
    assert_in(found.a_theory, 0, 0);
    ch_collapse_free(&found);
    collapse(&found, &fit, CH_COLLAPSE_TIME);
    assert_null(found.reason);
    assert_in((found.x.value - 1.7) / found.x.stderr_, -4, 4);
    assert_in((found.a.value - 0.3) / found.a.stderr_, -4, 4);
    assert_close(found.x_theory, 2, 1e-15);
    ch_collapse_free(&found);
    release(&fit, &table);
}

/* A test error that is 0.01 / ||Dw|| collapses as eps P^x with the x and a of ||Dw||, with their errors, and its points
 * lie off the master curve by the inverse ratios. A cell with a run that has no test error is no point. */
static void test_of_the_test_error(void **state)
{
    (void)state;
    const collapse_plant planted = collapse_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_collapse weight, error;
    collapse_plant_table(&planted, 2, &table);
    for (size_t i = 0; i < table.count; i++) {
        table.runs[i].final.test_error = 0.01 / table.runs[i].final.weight_change;
    }
    collapse_plant_fit(&fit, &table, 200, 2);
    collapse(&weight, &fit, CH_COLLAPSE_WEIGHT_CHANGE);
    collapse(&error, &fit, CH_COLLAPSE_TEST_ERROR);
    assert_null(error.reason);
    assert_close(error.x.value, weight.x.value, 1e-6);
    assert_close(error.x.stderr_, weight.x.stderr_, 1e-3);
    assert_close(error.x.lo, weight.x.lo, 1e-3);
    assert_close(error.a.value, weight.a.value, 1e-6);
    assert_close(error.a.stderr_, weight.a.stderr_, 1e-3);
    assert_close(error.x_theory, 1, 1e-15);
    assert_int_equal(error.num_points, weight.num_points);
    for (size_t i = 0; i < error.num_points; i++) {
        if (isfinite(weight.points[i].ratio)) {
            assert_close(error.points[i].ratio * weight.points[i].ratio, 1, 1e-6);
        }
    }
    ch_collapse_free(&error);
    table.runs[0].final.test_error = NAN;
    ch_fit_free(&fit);
    collapse_plant_fit(&fit, &table, 2, 2);
    collapse(&error, &fit, CH_COLLAPSE_TEST_ERROR);
    assert_int_equal(error.num_points, weight.num_points - 1);
    ch_collapse_free(&error);
    ch_collapse_free(&weight);
    release(&fit, &table);
}

/* ---- guards ---- */

/* Where an a moves the curves so far apart that only their ends are compared, they fit each other better than at the
 * truth, because x and a then have to fulfil only one condition each. Such an a is not accepted. */
static void test_parted_curves_do_not_win(void **state)
{
    (void)state;
    enum { POINTS = 12 };
    double temp[POINTS], y[2][POINTS], variance[POINTS];
    ch_curve curves[2];
    for (size_t k = 0; k < 2; k++) {
        const double log_train = 5 + (double)k;
        for (size_t i = 0; i < POINTS; i++) {
            temp[i] = (double)i;
            variance[i] = 0.01;
            y[k][i] = 0.4 * log_train + log1p(exp(temp[i] + 0.3 * log_train - 7)) + 0.05 * sin((double)(7 * i + 3 * k));
        }
        curves[k] = (ch_curve){log_train, POINTS, temp, y[k], variance};
    }
    const ch_master_sums truth = ch_master_compare(curves, 2, 0.3), apart = ch_master_compare(curves, 2, 10.9);
    assert_int_equal(truth.num_compared, 22);
    assert_int_equal(apart.num_compared, 2);
    assert_true(ch_master_quality(&apart, ch_master_exponent(&apart)) <
                ch_master_quality(&truth, ch_master_exponent(&truth)));
    const ch_master best = search(curves, 2);
    assert_int_equal(best.ending, CH_MASTER_FOUND);
    assert_in(best.a, 0.2, 0.4);
    assert_in(best.x, 0.3, 0.5);
    assert_true(best.num_compared >= 22 && best.hi < 10 && best.lo > -10);
    /* The same holds where a replica starts among curves that are far apart: there is no minimum. */
    gsl_min_fminimizer *solver = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent);
    ch_master start = best, followed;
    start.a = 11.5; /* no point is compared */
    assert_false(ch_master_follow(curves, 2, &start, solver, &followed));
    assert_true(isnan(followed.x) && isnan(followed.a));
    start.a = 0.8;
    assert_true(ch_master_follow(curves, 2, &start, solver, &followed));
    assert_in(followed.a - best.a, -1e-3, 1e-3);
    gsl_min_fminimizer_free(solver);
}

/* Straight curves, from a power law or a plateau, determine only x + a times their slope. So no collapse is given.
 * test_collapse_coverage.c has the same for many tables. */
static void test_straight_curves_have_none(void **state)
{
    (void)state;
    skip_under_valgrind();
    collapse_plant planted = collapse_plant_default();
    planted.straight = true;
    for (uint64_t seed = 0; seed < 20; seed++) {
        ch_run_table table;
        ch_fit fit;
        ch_collapse found;
        planted.sharpness = seed % 2 == 0 ? 1 : 0;
        collapse_plant_table(&planted, seed, &table);
        collapse_plant_fit(&fit, &table, 50, 2);
        collapse(&found, &fit, CH_COLLAPSE_WEIGHT_CHANGE);
        if (found.reason == NULL) {
            fail_msg("seed %d: x = %g, a = %g +- %g", (int)seed, found.x.value, found.a.value, found.a.stderr_);
        }
        assert_non_null(strstr(found.reason, "no collapse: "));
        assert_non_null(strstr(found.reason, "try chiton sweep perceptron --chi 1 --dim 16 --train 1024,2048,4096,8192,"
                                             "16384 --temp 2^-18..2^8 --seed 0..9 -o STORE"));
        assert_true(isnan(found.x.value) && isnan(found.a.value) && isnan(found.quality));
        ch_collapse_free(&found);
        release(&fit, &table);
    }
}

/* ---- what is missing is said ---- */

static void assert_reason(const collapse_plant *planted, bool censored, const char *why, const char *command)
{
    ch_run_table table;
    ch_fit fit;
    ch_collapse found;
    collapse_plant_table(planted, 1, &table);
    for (size_t i = 0; i < table.count && censored; i++) {
        table.runs[i].status = table.runs[i].settings.train > 1024 ? CH_BUDGET : CH_FITTED;
    }
    collapse_plant_fit(&fit, &table, 50, 1);
    collapse(&found, &fit, CH_COLLAPSE_WEIGHT_CHANGE);
    assert_non_null(found.reason);
    if (strstr(found.reason, why) == NULL || strstr(found.reason, command) == NULL) {
        fail_msg("%s", found.reason);
    }
    assert_true(isnan(found.x.value) && isnan(found.a.value));
    ch_collapse_free(&found);
    ch_collapse_free(&found);
    release(&fit, &table);
}

static void test_reasons(void **state)
{
    (void)state;
    skip_under_valgrind();
    collapse_plant planted = collapse_plant_default();
    planted.num_trains = 1;
    assert_reason(&planted, false, "two P or more that have 4 T or more", "--train 1024,2048,4096 --temp 6.1");
    planted = collapse_plant_default();
    planted.num_temps = 3;
    assert_reason(&planted, false, "0 of 5 P have", "--temp 2^-18..2^-9 --seed 0..9");
    planted = collapse_plant_default();
    planted.num_sets = 1;
    assert_reason(&planted, false, "there is one data set", "--seed 0..9 -o STORE");
    planted = collapse_plant_default();
    assert_reason(&planted, true, "1 of 5 P has", "--train 1024,2048,4096,8192,16384 --temp 2^-18..2^8");
    /* without spread there are no errors to weigh points by */
    planted.set_noise = planted.set_train_noise = planted.run_noise = 0;
    assert_reason(&planted, false, "on data sets that differ; 0 of 5 P have", "chiton sweep");
}

/* Data sets that share most of their images count as one. Further seeds would draw the same images, so that no sweep is
 * proposed. */
static void test_data_sets_that_overlap(void **state)
{
    (void)state;
    const collapse_plant planted = collapse_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_collapse_list list;
    ch_error err = {0};
    char *text = NULL;
    size_t size = 0;
    collapse_plant_table(&planted, 1, &table);
    for (size_t i = 0; i < table.count; i++) {
        ch_settings *settings = &table.runs[i].settings;
        settings->model = CH_ARCH_MLP;
        settings->data = CH_LAW_MNIST_PARITY;
        settings->data_pool = 20000; /* of P = 2^14 two sets share 82 % */
    }
    collapse_plant_fit(&fit, &table, 50, 1);
    assert_int_equal(fit.groups[0].num_data_sets, 1);
    assert_int_equal(ch_collapse_list_init(&list, &fit, CH_COLLAPSE_WEIGHT_CHANGE, &err), CH_OK);
    assert_non_null(list.items[0].reason);
    assert_non_null(strstr(list.items[0].reason, "these count as one, because they share over half of their images"));
    assert_null(strstr(list.items[0].reason, "chiton sweep"));
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    ch_collapse_print(&list, &fit, stream);
    assert_int_equal(fclose(stream), 0);
    assert_non_null(strstr(text, "\n  no collapse: it takes the spread between data sets"));
    free(text);
    ch_collapse_list_free(&list);
    release(&fit, &table);
}

static void test_names(void **state)
{
    (void)state;
    ch_collapse_quantity quantity;
    ch_error err = {0};
    assert_int_equal(ch_collapse_quantity_parse("time", &quantity, &err), CH_OK);
    assert_int_equal(quantity, CH_COLLAPSE_TIME);
    assert_int_equal(ch_collapse_quantity_parse("weight_change", &quantity, &err), CH_OK);
    assert_int_equal(quantity, CH_COLLAPSE_WEIGHT_CHANGE);
    assert_int_equal(ch_collapse_quantity_parse("signal", &quantity, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "--collapse = signal is not accepted: weight_change, time or test_error is"));
}

/* ---- threads, report, memory ---- */

static void test_threads(void **state)
{
    (void)state;
    skip_under_valgrind();
    const collapse_plant planted = collapse_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_collapse one, many;
    collapse_plant_table(&planted, 3, &table);
    collapse_plant_fit(&fit, &table, 101, 1);
    collapse(&one, &fit, CH_COLLAPSE_WEIGHT_CHANGE);
    for (int threads = 2; threads <= 3; threads++) {
        fit.options.threads = threads;
        collapse(&many, &fit, CH_COLLAPSE_WEIGHT_CHANGE);
        assert_memory_equal(&many.x, &one.x, sizeof one.x);
        assert_memory_equal(&many.a, &one.a, sizeof one.a);
        ch_collapse_free(&many);
    }
    ch_collapse_free(&one);
    release(&fit, &table);
}

static void test_report(void **state)
{
    (void)state;
    const collapse_plant planted = collapse_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_collapse_list list;
    ch_error err = {0};
    char *text = NULL;
    size_t size = 0;
    collapse_plant_table(&planted, 3, &table);
    for (size_t i = 0; i < table.count; i++) { /* two groups, of which the second has one data set */
        table.runs[i].settings.chi = table.runs[i].settings.seed_data == 7 ? 3 : 1;
    }
    collapse_plant_fit(&fit, &table, 50, 2);
    assert_int_equal(ch_collapse_list_init(&list, &fit, CH_COLLAPSE_WEIGHT_CHANGE, &err), CH_OK);
    assert_int_equal(list.count, 2);
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    ch_collapse_print(&list, &fit, stream);
    assert_int_equal(fclose(stream), 0);
    assert_non_null(strstr(text, "Collapse: ‖Δw‖ P^-x against T P^a"));
    assert_non_null(strstr(text, "\nchi = 1, dim = 16\n  x  "));
    assert_non_null(strstr(text, "theory 0.5\n  a  "));
    assert_non_null(strstr(text, "\nchi = 3, dim = 16\n  no collapse: there is one data set"));
    free(text);
    json_t *report = ch_fit_json(&fit);
    assert_int_equal(ch_collapse_add_json(&list, report, &err), CH_OK);
    const json_t *all = json_object_get(report, "collapse");
    assert_int_equal(json_array_size(all), 2);
    const json_t *found = json_array_get(all, 0), *none = json_array_get(all, 1);
    assert_string_equal(json_string_value(json_object_get(found, "quantity")), "weight_change");
    assert_close(json_real_value(json_object_get(json_object_get(found, "x"), "value")), list.items[0].x.value, 0);
    assert_int_equal(json_array_size(json_object_get(json_object_get(found, "a"), "ci95")), 2);
    assert_close(json_real_value(json_object_get(found, "quality")), list.items[0].quality, 0);
    assert_int_equal(json_integer_value(json_object_get(found, "compared")), list.items[0].num_compared);
    assert_true(json_is_null(json_object_get(found, "reason")));
    assert_close(json_real_value(json_object_get(json_object_get(found, "group"), "chi")), 1, 0);
    assert_true(json_is_null(json_object_get(json_object_get(none, "x"), "value")));
    assert_true(json_is_null(json_object_get(none, "quality")));
    assert_true(json_is_string(json_object_get(none, "reason")));
    json_decref(report);
    ch_collapse_list_free(&list);
    ch_collapse_list_free(&list);
    release(&fit, &table);
}

static void test_allocations_fail(void **state)
{
    (void)state;
    collapse_plant planted = collapse_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_collapse_list list;
    ch_error err;
    long failed;
    collapse_plant_table(&planted, 1, &table);
    collapse_plant_fit(&fit, &table, 2, 1);
    assert_failures_are_told(failed, ch_collapse_list_init(&list, &fit, CH_COLLAPSE_TIME, &err), err,
                             ch_collapse_list_free(&list));
    assert_in((double)failed, 14, 30);
    ch_collapse_list_free(&list);
    release(&fit, &table);
}

int main(void)
{
    /* suites: thread valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quality_of_two),
        cmocka_unit_test(test_quality_of_three),
        cmocka_unit_test(test_quality_is_one),
        cmocka_unit_test(test_found_on_a_coarse_grid),
        cmocka_unit_test(test_found_with_noise),
        cmocka_unit_test(test_of_the_test_error),
        cmocka_unit_test(test_parted_curves_do_not_win),
        cmocka_unit_test(test_straight_curves_have_none),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_data_sets_that_overlap),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
