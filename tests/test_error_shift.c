/* test_error_shift.c — T_c by the size of the change of the test error, on planted tables. */
#include "fit/laws/error_curve.h"
#include "fit/reports/reports.h"
#include "fit/table/test_error.h"
#include "tests/error_plant.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>

static void plant_and_fit(ch_fit *fit, ch_run_table *table, const plant *planted, const error_plant *errors,
                          uint64_t seed)
{
    plant_table(planted, seed, table);
    error_plant_fill(errors, seed, table);
    error_plant_fit(fit, table, is_under_valgrind() ? 5 : 50);
}

static void release(ch_fit *fit, ch_run_table *table)
{
    ch_fit_free(fit);
    free(table->runs);
}

/* ---- exact values ---- */

/* Without noise T_c is exact at every P by both definitions, and so are c and a, one by one and jointly. The test error
 * may rise or fall. One data set gives the same values, and no errors. */
static void is_exact_without_noise(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i += is_under_valgrind() ? 3 : 1) {
        const plant planted = error_grid(i < 2 ? 3 : 1);
        error_plant errors = error_plant_default();
        ch_run_table table;
        ch_fit fit;
        errors.set_noise = 0.2;
        errors.slope *= i % 2 == 0 ? 1 : -1;
        errors.height *= i % 2 == 0 ? 1 : -1;
        const double sizes[] = {i % 2 == 0 ? 0.1 : -0.1, errors.height / 2};
        const ch_tc_definition definitions[] = {CH_TC_ERROR_SHIFT, CH_TC_ERROR_HALF};
        plant_and_fit(&fit, &table, &planted, &errors, 1);
        for (size_t d = 0; d < 2; d++) {
            for (size_t p = 0; p < (size_t)planted.num_trains; p++) {
                const ch_tc *tc = error_tc(&fit, definitions[d], p);
                const double truth = error_plant_critical(&errors, (double)tc->train, sizes[d]);
                assert_int_equal(tc->place, CH_TC_INSIDE);
                assert_close(tc->estimate.value, truth, 1e-9);
                assert_int_equal(isnan(tc->estimate.stderr_), planted.num_sets == 1);
            }
            const ch_critical_law *law = &fit.groups[0].joint[definitions[d]];
            assert_true(law->found);
            assert_close(law->exponent.value, 0.25, 1e-9);
            assert_close(law->prefactor.value, pow(2, sizes[d] / errors.slope), 1e-9);
            assert_close(exponent_value(&fit.groups[0], "a", ch_tc_definition_name(definitions[d])), 0.25, 1e-9);
            assert_int_equal(isnan(law->exponent.stderr_), planted.num_sets == 1);
        }
        release(&fit, &table);
    }
}

/* With noise of the data sets the value stays where it is, whatever their number: a test of significance would move to
 * lower T. Over four tables a value lies within five of its errors, and the errors fall with the number of data sets.
 */
static void does_not_move_with_data_sets(void **state)
{
    (void)state;
    skip_under_valgrind();
    const error_plant errors = {.start = 1,
                                .a = 0.25,
                                .slope = 0.07,
                                .height = 0.4,
                                .set_noise = 0.2,
                                .response_noise = 0.3,
                                .run_noise = 0.05};
    double before = INFINITY;
    for (int num = 5; num <= 80; num *= 4) {
        double sum = 0, error = 0;
        const plant planted = error_grid(num);
        for (uint64_t seed = 1; seed <= 4; seed++) {
            ch_run_table table;
            ch_fit fit;
            plant_and_fit(&fit, &table, &planted, &errors, seed);
            const ch_tc *tc = error_tc(&fit, CH_TC_ERROR_SHIFT, 2);
            const double truth = error_plant_critical(&errors, (double)tc->train, 0.1);
            assert_int_equal(tc->place, CH_TC_INSIDE);
            const double of_log = tc->estimate.stderr_ / tc->estimate.value;
            sum += log(tc->estimate.value / truth) / 4;
            error += of_log / 4;
            release(&fit, &table);
        }
        print_message("    %d data sets: ln T_c off by %.3f, its error %.3f\n", num, sum, error);
        assert_in(sum, -5 * error / 2, 5 * error / 2);
        assert_in(error, 0.01, 0.7 * before);
        before = error;
    }
}

/* ---- bounds ---- */

/* Where D does not reach the size T_c is over the highest T, and where it has it among the three lowest T it is under
 * the third. */
static void gives_bounds(void **state)
{
    (void)state;
    const plant planted = error_grid(3);
    error_plant errors = error_plant_default();
    ch_run_table table;
    ch_fit fit;
    errors.height = 0.09;
    plant_and_fit(&fit, &table, &planted, &errors, 1);
    assert_int_equal(error_tc(&fit, CH_TC_ERROR_SHIFT, 0)->place, CH_TC_ABOVE);
    assert_close(error_tc(&fit, CH_TC_ERROR_SHIFT, 0)->estimate.value, 0x1p7, 1e-12);
    assert_false(fit.groups[0].joint[CH_TC_ERROR_SHIFT].found);
    release(&fit, &table);
    errors = error_plant_default();
    errors.slope = 0.15;
    errors.height = 0.6;
    errors.start = 0x1p-6;
    plant_and_fit(&fit, &table, &planted, &errors, 1);
    assert_int_equal(error_tc(&fit, CH_TC_ERROR_SHIFT, 0)->place, CH_TC_BELOW);
    assert_close(error_tc(&fit, CH_TC_ERROR_SHIFT, 0)->estimate.value, 0x1p-7, 1e-12);
    release(&fit, &table);
}

/* Where the test error grows already among the lowest T, a note says that T_c is read against them. */
static void notes_lowest_temperatures_that_are_no_plateau(void **state)
{
    (void)state;
    const plant planted = error_grid(3);
    error_plant errors = error_plant_default();
    ch_run_table table;
    ch_fit fit;
    plant_and_fit(&fit, &table, &planted, &errors, 1);
    assert_false(has_note(&fit, "over a quarter of the shift"));
    release(&fit, &table);
    errors.start = 0x1p-6;
    errors.slope = 0.03; /* D grows from T = 2^-8.5 on at the least P, by 0.045 up to T = 2^-7 */
    plant_and_fit(&fit, &table, &planted, &errors, 1);
    assert_true(has_note(&fit, "over a quarter of the shift at 6 of 6 P"));
    release(&fit, &table);
}

/* A test error that still grows at the highest T, or already at the lowest, has no half-way. */
static void half_takes_two_plateaus(void **state)
{
    (void)state;
    const plant planted = error_grid(3);
    const double heights[] = {10, 0.7}, starts[] = {1, 0x1p-8};
    for (int i = 0; i < 2; i++) {
        error_plant errors = error_plant_default();
        ch_run_table table;
        ch_fit fit;
        errors.height = heights[i];
        errors.start = starts[i];
        plant_and_fit(&fit, &table, &planted, &errors, 1);
        for (size_t p = 0; p < 6; p++) {
            assert_int_equal(error_tc(&fit, CH_TC_ERROR_HALF, p)->place, CH_TC_NONE);
        }
        assert_false(has_note(&fit, "error_half"));
        release(&fit, &table);
    }
}

/* ---- noise ---- */

/* The noise of D hides a change of its size, until there are as many data sets as are said to be needed. */
static void says_what_would_resolve(void **state)
{
    (void)state;
    plant planted = error_grid(4);
    error_plant errors = error_plant_default();
    ch_run_table table;
    ch_fit fit;
    errors.run_noise = 0.2;
    plant_and_fit(&fit, &table, &planted, &errors, 1);
    const ch_tc *tc = error_tc(&fit, CH_TC_ERROR_SHIFT, 0);
    assert_int_equal(tc->place, CH_TC_UNRESOLVED);
    assert_true(isnan(tc->estimate.value));
    /* The variance of D_s is 0.2^2 (1 + 0.449), so that (2 s / 0.1)^2 is 23; over 6 T and 4 data sets it is known to a
     * factor of two. */
    assert_in((double)tc->needed_sets, 12, 46);
    assert_true(has_note(&fit, "T_c by error_shift is not resolved at 6 of 6 P"));
    assert_true(has_note(&fit, "and there are 4"));
    assert_true(isnan(exponent_value(&fit.groups[0], "a", "error_shift")));
    json_t *report = ch_fit_json(&fit), *found = json_array_get(json_object_get(report, "tc"), 0);
    assert_int_equal(json_integer_value(json_object_get(found, "needs_data_sets")), tc->needed_sets);
    assert_true(json_is_null(json_object_get(found, "value")) && json_is_null(json_object_get(found, "bound")));
    json_decref(report);
    release(&fit, &table);
    if (is_under_valgrind()) {
        return;
    }
    planted.num_sets = 60;
    plant_and_fit(&fit, &table, &planted, &errors, 1);
    for (size_t p = 0; p < 6; p++) {
        tc = error_tc(&fit, CH_TC_ERROR_SHIFT, p);
        assert_int_equal(tc->place, CH_TC_INSIDE);
        assert_int_equal(tc->needed_sets, 0);
    }
    release(&fit, &table);
}

/* A test error that T does not change has a T_c by chance at few P. With a noise of D of 0.0426 the size is 2.35 of
 * them. That two neighbouring T, which have the correlation 0.31, are beyond it on one side has a probability of some
 * 0.0011 a pair, so that some 3.7 of 204 P have a T_c: over 12 have one for 1e-4 of seeds. */
static void noise_has_no_critical_temperature(void **state)
{
    (void)state;
    skip_under_valgrind();
    const plant planted = error_grid(8);
    const error_plant errors = {.start = 1, .a = 0, .slope = 1, .height = 1e-9, .set_noise = 0.3, .run_noise = 0.1};
    size_t found = 0, bounds = 0, unresolved = 0;
    for (uint64_t seed = 1; seed <= 34; seed++) {
        ch_run_table table;
        ch_fit fit;
        plant_and_fit(&fit, &table, &planted, &errors, seed);
        for (size_t p = 0; p < 6; p++) {
            const ch_tc_place place = error_tc(&fit, CH_TC_ERROR_SHIFT, p)->place;
            found += place == CH_TC_INSIDE || place == CH_TC_BELOW;
            bounds += place == CH_TC_ABOVE;
            unresolved += place == CH_TC_UNRESOLVED;
        }
        release(&fit, &table);
    }
    print_message("    of 204 P: %zu found, %zu bounds, %zu not resolved\n", found, bounds, unresolved);
    assert_in((double)found, 0, 12);
    assert_in((double)bounds, 100, 204);
}

/* A curve by hand. D has 0.1 on the way up at ln T = 3.5, down at 4.5, and up at 5.5: T_c is at 4.5. A single T beyond
 * the size before does not count, nor does what comes after D has changed sign. */
static void noise_moves_to_neither_side(void **state)
{
    (void)state;
    double at[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    double mean[] = {0, 0.2, 0, 0.05, 0.15, 0.05, 0.15, 0.3, -0.1, -0.5};
    const ch_error_curve curve = {.count = 10, .at = at, .mean = mean};
    size_t first = 0, peak = 0;
    double log_temp = NAN;
    assert_int_equal(ch_error_curve_reach(&curve, 0.1, &first, &peak, &log_temp), CH_TC_INSIDE);
    assert_int_equal(first, 6); /* at 4 the next T is not beyond */
    assert_int_equal(peak, 7);
    assert_close(log_temp, 4.5, 1e-12);
    assert_int_equal(ch_error_curve_reach(&curve, 0.6, &first, &peak, &log_temp), CH_TC_ABOVE);
    assert_close(log_temp, 9, 1e-12);
    assert_int_equal(ch_error_curve_reach(&curve, 0.4, &first, &peak, &log_temp), CH_TC_ABOVE);
    assert_close(log_temp, 8, 1e-12); /* it is beyond at the highest T alone */
    const ch_error_curve few = {.count = 3, .at = at, .mean = mean};
    assert_int_equal(ch_error_curve_reach(&few, 0.1, &first, &peak, &log_temp), CH_TC_NONE);
}

/* (2 s / X)^2, and at least two. */
static void counts_data_sets(void **state)
{
    (void)state;
    assert_in(ch_error_curve_needed(0.04, 0.1) - 16, -1e-9, 1 + 1e-9); /* rounding may take it over 16 */
    assert_true(ch_error_curve_needed(0.0401, -0.1) == 17);
    assert_true(ch_error_curve_needed(1e-6, 0.1) == 2);
    assert_true(ch_error_curve_needed(NAN, 0.1) == 0);
}

/* ---- test errors of 0 ---- */

/* A test error of 0 over 100 samples counts as 1/200. Here that is what the plateau has, so that T_c stays exact where
 * all data sets but one have 0 there; without test samples such cells are left out. */
static void takes_zeros_as_half_an_error(void **state)
{
    (void)state;
    const plant planted = error_grid(3);
    error_plant errors = error_plant_default();
    ch_run_table table;
    ch_fit fit;
    errors.test = 100;
    plant_table(&planted, 1, &table);
    error_plant_fill(&errors, 1, &table);
    size_t zeros = 0;
    for (size_t i = 0; i < table.count; i++) {
        ch_run *run = &table.runs[i];
        run->final.test_error *= 0.1; /* 1/200 on the plateau */
        if (run->settings.seed_data < 2 && run->settings.temp <= 0x1p-7) {
            run->final.test_error = 0;
            zeros++;
        }
    }
    char note[64];
    snprintf(note, sizeof note, "%zu of %zu runs have a test error of 0", zeros, table.count);
    error_plant_fit(&fit, &table, 50);
    const ch_tc *tc = error_tc(&fit, CH_TC_ERROR_SHIFT, 1);
    assert_int_equal(tc->place, CH_TC_INSIDE);
    assert_close(tc->estimate.value, error_plant_critical(&errors, (double)tc->train, 0.1), 1e-9);
    assert_true(has_note(&fit, note));
    release(&fit, &table);
    ch_run run = {.final = {.test_error = 0}};
    assert_true(isnan(ch_log_test_error(&run)));
    run.settings.test = 50;
    assert_close(ch_log_test_error(&run), log(0.01), 1e-12);
    run.final.test_error = NAN;
    assert_true(isnan(ch_log_test_error(&run)));
}

/* ---- options ---- */

static void takes_the_shift(void **state)
{
    (void)state;
    const plant planted = error_grid(3);
    const error_plant errors = error_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_error err = {0};
    ch_fit_options options;
    plant_table(&planted, 1, &table);
    error_plant_fill(&errors, 1, &table);
    ch_fit_options_default(&options);
    options.shift = 0.25;
    options.replicas = 2;
    assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_OK);
    const ch_tc *tc = error_tc(&fit, CH_TC_ERROR_SHIFT, 3);
    assert_close(tc->estimate.value, error_plant_critical(&errors, (double)tc->train, 0.25), 1e-9);
    ch_fit_free(&fit);
    const double refused[] = {0, -0.1, 11, NAN};
    for (size_t i = 0; i < 4; i++) {
        options.shift = refused[i];
        assert_int_equal(ch_fit_options_check(&options, &err), CH_ERROR_INPUT);
        assert_non_null(strstr(err.message, "shift = "));
        assert_non_null(strstr(err.message, "from 0.001 to 10"));
    }
    free(table.runs);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_exact_without_noise),
        cmocka_unit_test(does_not_move_with_data_sets),
        cmocka_unit_test(gives_bounds),
        cmocka_unit_test(notes_lowest_temperatures_that_are_no_plateau),
        cmocka_unit_test(half_takes_two_plateaus),
        cmocka_unit_test(says_what_would_resolve),
        cmocka_unit_test(noise_has_no_critical_temperature),
        cmocka_unit_test(noise_moves_to_neither_side),
        cmocka_unit_test(counts_data_sets),
        cmocka_unit_test(takes_zeros_as_half_an_error),
        cmocka_unit_test(takes_the_shift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
