/* test_expected.c — what a fit expects of the P, d and T of a group: where the runs are the expected ones, everything
 * that is found in them is what is expected. Tables of boxes are those of the tests (CHITON_CACHE) where there are any.
 */
#include "core/memory.h"
#include "fit/fit.h"
#include "fit/numbers.h"
#include "perceptron/finite/box_file.h"
#include "perceptron/finite/family.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

enum { DIM = 16, TRAINS = 4, TEMPS = 12 };

static const double kappa = 0x1p-15;

static double temp_of(size_t i)
{
    return 0x1p-18 * pow(4, (double)i);
}

static uint64_t train_of(size_t i)
{
    return (uint64_t)128 << i;
}

/* Runs of one data set, at every P and T, that end as it is expected.
 * @param runs  out: [TRAINS * TEMPS] */
static void find_ends(ch_run *runs)
{
    ch_family family;
    ch_family_init(&family, 0, DIM, getenv("CHITON_CACHE"), 2, NULL);
    for (size_t i = 0; i < (size_t)TRAINS * TEMPS; i++) {
        ch_run *run = &runs[i];
        const double temp = temp_of(i % TEMPS);
        const ch_online_setup setup = {.chi = 0, .dim = DIM, .kappa = kappa, .temp = temp, .rate = 2 * temp};
        ch_finite_end end;
        assert_int_equal(ch_family_predict(&family, &end, &setup, (double)train_of(i / TEMPS), NULL), CH_OK);
        *run = (ch_run){.status = CH_FITTED, .results_version = 1, .time = end.time.value};
        ch_settings_default(&run->settings);
        run->settings.model = CH_ARCH_PERCEPTRON;
        run->settings.chi = 0;
        run->settings.dim = DIM;
        run->settings.alpha = 1 / kappa;
        run->settings.train = train_of(i / TEMPS);
        run->settings.temp = temp;
        run->settings.rate = 2 * temp;
        run->final.weight_change = end.weight_change.value;
        run->final.weight_change_rel = end.weight_change.value / sqrt(DIM);
        run->final.test_error = end.test_error.value;
    }
    ch_family_free(&family);
}

/* As find_ends, which is asked once. */
static void plant(ch_run *runs)
{
    static ch_run planted[TRAINS * TEMPS];
    static bool is_planted = false;
    if (!is_planted) {
        find_ends(planted);
        is_planted = true;
    }
    memcpy(runs, planted, sizeof planted);
}

static void fit(ch_fit *self, ch_run_table *table, ch_run *runs)
{
    ch_fit_options options;
    *table = (ch_run_table){.runs = runs, .count = (size_t)TRAINS * TEMPS};
    ch_fit_options_default(&options);
    options.expects = true;
    options.box_folder = getenv("CHITON_CACHE");
    options.threads = 2;
    ch_error err = {0};
    const ch_code code = ch_fit_init(self, table, &options, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(code, CH_OK);
}

static void what_is_expected_is_found_as_in_the_data(void **state)
{
    (void)state;
    static ch_run runs[TRAINS * TEMPS];
    ch_run_table table;
    ch_fit all;
    size_t compared[CH_NUM_TC] = {0}, exponents = 0;
    plant(runs);
    fit(&all, &table, runs);
    assert_int_equal(all.num_groups, 1);
    const ch_fit_group *group = &all.groups[0];
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        if (tc->place == CH_TC_INSIDE) {
            assert_close(tc->expected, tc->estimate.value, 1e-6);
            compared[tc->definition]++;
        } else {
            assert_true(isnan(tc->expected));
        }
    }
    assert_int_equal(compared[CH_TC_ONSET], TRAINS);
    assert_int_equal(compared[CH_TC_ESCAPE], TRAINS);
    for (size_t i = 0; i < group->num_exponents; i++) {
        const ch_exponent *exponent = &group->exponents[i];
        assert_true(fabs(exponent->expected - exponent->estimate.value) < 1e-6);
        exponents++;
    }
    assert_true(exponents >= 8); /* delta, gamma, time_delta, b, and a by two definitions and two methods */
    /* with its constant: the onset is at kappa up to a factor, and the joint law says which */
    const ch_critical_law *law = &group->joint[CH_TC_ONSET];
    assert_true(law->found);
    assert_close(law->expected_prefactor, law->prefactor.value, 1e-5);
    assert_true(law->expected_prefactor > kappa && law->expected_prefactor < 10 * kappa);
    ch_fit_free(&all);
}

/* Runs that take twice as much T for the same end have twice the T_c that is expected. */
static void another_temperature_is_told_from_the_expected(void **state)
{
    (void)state;
    static ch_run runs[TRAINS * TEMPS];
    ch_run_table table;
    ch_fit all;
    size_t compared = 0;
    plant(runs);
    for (size_t i = 0; i < (size_t)TRAINS * TEMPS; i++) {
        runs[i].settings.temp *= 2;
        runs[i].settings.rate *= 2;
    }
    fit(&all, &table, runs);
    const ch_fit_group *group = &all.groups[0];
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        if (tc->place == CH_TC_INSIDE && tc->definition == CH_TC_ESCAPE) {
            assert_close(tc->estimate.value / tc->expected, 2, 0.02);
            compared++;
        }
    }
    assert_int_equal(compared, TRAINS);
    ch_fit_free(&all);
}

/* Where P < d nothing is expected at that P, and a note says why; the other P keep what is expected of them. */
static void a_train_without_theory_is_named(void **state)
{
    (void)state;
    static ch_run runs[TRAINS * TEMPS];
    ch_run_table table;
    ch_fit all;
    bool is_noted = false;
    plant(runs);
    for (size_t i = 0; i < TEMPS; i++) {
        runs[i].settings.train = 8;
    }
    fit(&all, &table, runs);
    const ch_fit_group *group = &all.groups[0];
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        if (tc->place == CH_TC_INSIDE && tc->definition == CH_TC_ESCAPE) {
            assert_true(isnan(tc->expected) == (tc->train == 8));
        }
    }
    for (size_t i = 0; i < group->num_notes; i++) {
        is_noted |= strstr(group->notes[i], "train is 8") != NULL;
    }
    assert_true(is_noted);
    assert_non_null(group->expected.why_not);
    assert_true(isnan(group->expected_time.train_exponent));
    ch_fit_free(&all);
}

/* The way at any kappa / T: at a margin of the family it is that of the margin's table, at any T; between two margins
 * it is within 10 % of that of a table made for it (largest seen: 2.6 %), while most data sets go on. */
static void ways_are_interpolated_between_tables(void **state)
{
    (void)state;
    enum { TIMES = 5 };
    static const double own_margins[] = {0x1p-4, 0x1p-3, 0x1p-1}, temp = 3;
    const char *folder = getenv("CHITON_CACHE");
    ch_family family;
    ch_family_init(&family, 0, DIM, folder, 2, NULL);
    for (size_t m = 0; m < 3; m++) {
        const double margin = own_margins[m], accuracy = m == 0 ? 1e-3 : 0.1;
        const ch_online_setup setup = {.chi = 0, .dim = DIM, .kappa = margin * temp, .temp = temp, .rate = 2 * temp};
        const ch_box_law law = {0, DIM, margin};
        ch_box_table table;
        ch_finite_end end;
        ch_finite_point points[TIMES], own[TIMES];
        double times[TIMES];
        assert_int_equal(ch_family_predict(&family, &end, &setup, 512, NULL), CH_OK);
        for (size_t k = 0; k < TIMES; k++) {
            times[k] = end.time.value / pow(4, (double)(TIMES - k));
        }
        assert_int_equal(ch_box_table_load(&table, &law, folder, 2, NULL, NULL), CH_OK);
        assert_int_equal(ch_finite_follow(own, times, TIMES, &setup, 512, &table, NULL), CH_OK);
        assert_int_equal(ch_family_follow(&family, points, times, TIMES, &setup, 512, NULL), CH_OK);
        for (size_t k = 0; k < TIMES; k++) {
            assert_true(points[k].time == times[k]);
            assert_close(points[k].signal, own[k].signal, accuracy);
            assert_close(points[k].noise, own[k].noise, accuracy);
            assert_close(points[k].weight_change, own[k].weight_change, accuracy);
            assert_close(points[k].unfitted, own[k].unfitted, accuracy);
            assert_close(points[k].test_error, own[k].test_error, accuracy);
            assert_close(points[k].running, own[k].running, accuracy);
        }
        ch_box_table_free(&table);
    }
    ch_family_free(&family);
}

/* Ends that are prepared by threads are, bit by bit, those that predictions compute one after the other, and so are the
 * reasons why there is none: of train under dim, of a batch that is too large, and of a train at which lambda ends
 * under 1. */
static void prepared_ends_are_those_computed_one_by_one(void **state)
{
    (void)state;
    enum { SETUPS = 8 };
    static const double trains[] = {8, 16, 64, 512};
    const char *folder = getenv("CHITON_CACHE");
    ch_online_setup setups[SETUPS];
    ch_family one, many;
    int refused = 0;
    for (size_t i = 0; i < SETUPS; i++) {
        const double temp = kappa * pow(4, (double)i - 3);
        setups[i] =
            (ch_online_setup){.chi = 0, .dim = DIM, .kappa = kappa, .temp = temp, .rate = temp * (i % 2 == 0 ? 2 : 50)};
    }
    ch_family_init(&one, 0, DIM, folder, 1, NULL);
    ch_family_init(&many, 0, DIM, folder, 3, NULL);
    assert_int_equal(ch_family_prepare(&one, setups, SETUPS, trains, 4, NULL), CH_OK);
    assert_int_equal(one.num_ends, 0);
    assert_int_equal(ch_family_prepare(&many, setups, 2, trains, 2, NULL), CH_OK);
    assert_int_equal(ch_family_prepare(&many, setups, SETUPS, trains, 4, NULL), CH_OK);
    const size_t prepared = many.num_ends;
    for (size_t i = 0; i < (size_t)SETUPS * 4; i++) {
        ch_finite_end a, b;
        ch_error why_a = {0}, why_b = {0};
        const ch_code code = ch_family_predict(&one, &a, &setups[i / 4], trains[i % 4], &why_a);
        assert_int_equal(ch_family_predict(&many, &b, &setups[i / 4], trains[i % 4], &why_b), code);
        assert_string_equal(why_a.message, why_b.message);
        refused += code == CH_ERROR_INPUT;
        if (code == CH_OK) {
            assert_memory_equal(&a, &b, sizeof a);
        }
    }
    assert_true(refused > SETUPS && refused < 3 * SETUPS);
    assert_int_equal(many.num_ends, prepared);
    assert_int_equal(many.num_ends, one.num_ends);
    ch_family_free(&one);
    ch_family_free(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prepared_ends_are_those_computed_one_by_one),
        cmocka_unit_test(what_is_expected_is_found_as_in_the_data),
        cmocka_unit_test(another_temperature_is_told_from_the_expected),
        cmocka_unit_test(a_train_without_theory_is_named),
        cmocka_unit_test(ways_are_interpolated_between_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
