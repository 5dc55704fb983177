/* test_reals.c — which reals are one value of a setting, and conditions that compare them. */
#include "sim/settings/reals.h"
#include "sim/settings/where.h"
#include "tests/alloc_fail.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

/* 0.3 / 3 is not 0.1 in its last bit, and is the same temperature. */
static void test_rounding_makes_no_value(void **state)
{
    (void)state;
    assert_true(0.3 / 3 != 0.1);
    assert_true(ch_reals_are_one(0.3 / 3, 0.1));
    assert_true(ch_reals_are_one(1, 1 + 0.9e-9));
    assert_false(ch_reals_are_one(1, 1 + 1.1e-9));
    assert_true(ch_reals_are_one(-0.5, -0.5 * (1 + 0.9e-9)));
    assert_false(ch_reals_are_one(0, 1e-300));
    assert_true(ch_reals_are_one(0, -0.0));
    assert_false(ch_reals_are_one(NAN, NAN));
    assert_false(ch_reals_are_one(1e-300, 2e-300)); /* the tolerance is relative: tiny numbers differ too */
}

static void test_the_shortest_number_stands_for_all(void **state)
{
    (void)state;
    double numbers[] = {0.3 / 3, 2, NAN, 0.1, nextafter(0.1, 1), 0.1 * (1 + 3e-9), -1};
    double *reals[] = {&numbers[0], &numbers[1], &numbers[2], &numbers[3], &numbers[4], &numbers[5], &numbers[6]};
    ch_reals_unite(reals, 7);
    assert_true(numbers[0] == 0.1 && numbers[3] == 0.1 && numbers[4] == 0.1);
    assert_true(numbers[1] == 2 && numbers[5] == 0.1 * (1 + 3e-9) && numbers[6] == -1 && isnan(numbers[2]));
    assert_true(*reals[0] == -1 && isnan(*reals[6])); /* the pointers are sorted, NaN last */
}

/* A chain of numbers, each one with its neighbour, is cut where it gets wider than the tolerance: one value never
 * spreads over many. */
static void test_a_chain_is_cut(void **state)
{
    (void)state;
    double numbers[4], *reals[4];
    for (size_t i = 0; i < 4; i++) {
        numbers[i] = 1 + 0.6e-9 * (double)i;
        reals[i] = &numbers[i];
    }
    ch_reals_unite(reals, 4);
    assert_true(numbers[0] == numbers[1] && numbers[1] != numbers[2] && numbers[2] == numbers[3]);
}

static void test_every_real_setting_is_united(void **state)
{
    (void)state;
    ch_settings a, b;
    ch_error err = {0};
    ch_settings *both[] = {&a, &b};
    ch_settings_default(&a);
    ch_settings_default(&b);
    for (size_t i = 0; i < ch_settings_count; i++) {
        if (ch_settings_table[i].type == CH_TYPE_REAL) {
            ch_settings_set(&a, i, (ch_value){.real = 0.1});
            ch_settings_set(&b, i, (ch_value){.real = 0.3 / 3});
            assert_true(ch_settings_are_one(&a, &b, i));
            assert_true(ch_settings_get(&a, i).real != ch_settings_get(&b, i).real);
        }
    }
    b.train = a.train + 1;
    bool differ = false;
    const ch_settings *const one[] = {&a, &a};
    assert_int_equal(ch_settings_reals_differ(one, 2, &differ, &err), CH_OK);
    assert_false(differ);
    assert_int_equal(ch_settings_reals_differ((const ch_settings *const *)both, 2, &differ, &err), CH_OK);
    assert_true(differ);
    assert_int_equal(ch_settings_unite_reals(both, 2, &err), CH_OK);
    assert_int_equal(ch_settings_reals_differ((const ch_settings *const *)both, 2, &differ, &err), CH_OK);
    assert_false(differ);
    for (size_t i = 0; i < ch_settings_count; i++) {
        if (ch_settings_table[i].type == CH_TYPE_REAL) {
            assert_true(ch_settings_get(&b, i).real == 0.1);
        }
    }
    assert_false(ch_settings_are_one(&a, &b, CH_SETTING_TRAIN));
    assert_true(ch_settings_are_one(&a, &b, CH_SETTING_MODEL));
}

/* Of many temperatures the two that are one value are found; without them there are none. */
static void test_one_value_among_many(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    static ch_settings runs[COUNT];
    const ch_settings *all[COUNT];
    ch_error err = {0};
    bool differ = true;
    for (size_t i = 0; i < COUNT; i++) {
        ch_settings_default(&runs[i]);
        ch_settings_set(&runs[i], CH_SETTING_TEMP, (ch_value){.real = 1 + (double)(i * 7919 % 500)});
        all[i] = &runs[i];
    }
    assert_int_equal(ch_settings_reals_differ(all, COUNT, &differ, &err), CH_OK);
    assert_false(differ);
    runs[777].temp *= 1 + 1e-12;
    assert_int_equal(ch_settings_reals_differ(all, COUNT, &differ, &err), CH_OK);
    assert_true(differ);
    runs[777].temp *= 1 + 1e-6;
    assert_int_equal(ch_settings_reals_differ(all, COUNT, &differ, &err), CH_OK);
    assert_false(differ);
    long failed = 0;
    assert_failures_are_told(failed, ch_settings_reals_differ(all, COUNT, &differ, &err), err, (void)0);
    assert_true(failed > 3);
}

/* ---- conditions ---- */

static void assert_translated(const char *where, const char *expected)
{
    char *sql = NULL;
    ch_error err = {0};
    assert_int_equal(ch_where_translate(where, &sql, &err), CH_OK);
    assert_string_equal(sql, expected);
    free(sql);
}

static void test_powers_become_numbers(void **state)
{
    (void)state;
    assert_translated("train >= 2^10", "train >= 1024");
    assert_translated("test_error<2^-3 AND 1", "test_error<0.125 AND 1");
    assert_translated("updates = 10^2", "updates = 100");
    assert_translated("data_digest LIKE '2^3'", "data_digest LIKE '2^3'"); /* text stays */
    assert_translated("train = 2^", "train = 2^");                         /* SQLite refuses it, in the user's words */
    assert_translated("train = 2 -- 2^3\n/* 2^3 */", "train = 2 -- 2^3\n/* 2^3 */");
}

static void test_comparisons_have_the_tolerance(void **state)
{
    (void)state;
    assert_translated("temp = 1", "temp BETWEEN 0.999999999 AND 1.000000001");
    assert_translated("1==TEMP", "TEMP BETWEEN 0.999999999 AND 1.000000001");
    assert_translated("chi = -1", "chi BETWEEN -1.000000001 AND -0.999999999");
    assert_translated("NOT (temp <> 2^0)", "NOT (temp NOT BETWEEN 0.999999999 AND 1.000000001)");
    assert_translated("temp < 1 or rate > 1", "temp < 0.999999999 or rate > 1.000000001");
    assert_translated("temp <= 1 and rate >= 1", "temp <= 1.000000001 and rate >= 0.999999999");
    assert_translated("1 < temp", "temp > 1.000000001");
    assert_translated("temp between 1 and 2^0", "temp BETWEEN 0.999999999 AND 1.000000001");
    assert_translated("runs.alpha in (1, 2^0) and 1", "(runs.alpha BETWEEN 0.999999999 AND 1.000000001 OR "
                                                      "runs.alpha BETWEEN 0.999999999 AND 1.000000001) and 1");
    assert_translated("\"temp\" NOT IN (1)", "(NOT (\"temp\" BETWEEN 0.999999999 AND 1.000000001))");
    assert_translated("temp IS NOT 1", "(temp IS NULL OR temp NOT BETWEEN 0.999999999 AND 1.000000001)");
    assert_translated("temp IS 1", "(temp IS NOT NULL AND temp BETWEEN 0.999999999 AND 1.000000001)");
}

static void test_other_conditions_stay(void **state)
{
    (void)state;
    static const char *const same[] = {"",
                                       "1) OR (1",
                                       "temp = 2 * 0.5",
                                       "2 * temp = 1",
                                       "rate / batch = 0.1",
                                       "temp = rate",
                                       "train = 1024",
                                       "temp IS NULL",
                                       "temp IN (1, rate)",
                                       "temp IN (1",
                                       "temp =",
                                       "temp = 'x",
                                       "x.temp = 1",
                                       "test_error = 0.5"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_translated(same[i], same[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding_makes_no_value), cmocka_unit_test(test_the_shortest_number_stands_for_all),
        cmocka_unit_test(test_a_chain_is_cut),          cmocka_unit_test(test_every_real_setting_is_united),
        cmocka_unit_test(test_powers_become_numbers),   cmocka_unit_test(test_comparisons_have_the_tolerance),
        cmocka_unit_test(test_other_conditions_stay),   cmocka_unit_test(test_one_value_among_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
