/* test_plan.c — lists, ranges, sweeps, and YAML files with sweeps. */
#include "tests/alloc_fail.h"
#include "tests/support.h"

#include "sim/sweep/plan.h"
#include "sim/sweep/plan_private.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void assert_has(const char *message, const char *part)
{
    if (strstr(message, part) == NULL) {
        fail_msg("'%s' lacks '%s'", message, part);
    }
}

static const ch_setting *row_of(const char *name)
{
    size_t index = 0;
    assert_int_equal(ch_settings_find(name, &index, NULL), CH_OK);
    return &ch_settings_table[index];
}

/* ---- lists and ranges ---- */

static void test_lists_and_ranges_say_what_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *values;
    } cases[] = {
        {"temp", "0.5", "0.5"},
        {"chi", "0,1,3", "0 1 3"},
        {"chi", " -0.5 , 0 ", "-0.5 0"},
        {"temp", "2^-3..2^2", "0.125 0.25 0.5 1 2 4"},
        {"temp", "10^-2 .. 10^1", "0.01 0.1 1 10"},
        {"train", "2^10..2^12", "1024 2048 4096"},
        {"train", "3^0..3^3", "1 3 9 27"},
        {"train", "2^3..2^3", "8"},
        {"seed", "0..4", "0 1 2 3 4"},
        {"seed", "9223372036854775805..9223372036854775807",
         "9223372036854775805 9223372036854775806 9223372036854775807"},
        {"chi", "0..3", "0 1 2 3"},
        {"temp", "1e-3..1 x 4", "0.001 0.01 0.1 1"},
        {"temp", "1e-3..1 x 7", "0.001 0.00316227766016838 0.01 0.0316227766016838 0.1 0.316227766016838 1"},
        {"temp", "2^-15..2^-12 x4", "3.0517578125e-05 6.103515625e-05 0.0001220703125 0.000244140625"},
        {"temp", "0.3..0.7 x 2", "0.3 0.7"},
        {"train", "1..1000 x 4", "1 10 100 1000"},
        {"train", "1..4 x 9", "1 2 3 4"},
        {"batch", "1,2,full", "1 2 full"},
        {"data", "depleted,random_sign", "depleted random_sign"},
        {"train", "7,2^2..2^3,5..6", "7 4 8 5 6"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ch_setting *row = row_of(cases[i].name);
        ch_values values = {0};
        ch_error err = {0};
        char joined[256] = "";
        if (ch_values_parse(&values, row, cases[i].text, &err) != CH_OK) {
            fail_msg("%s", err.message);
        }
        for (size_t k = 0; k < values.count; k++) {
            char text[32];
            ch_setting_format(row, values.items[k], text, sizeof text);
            snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", k == 0 ? "" : " ", text);
        }
        assert_string_equal(joined, cases[i].values);
        ch_values_free(&values);
    }
}

static void test_a_range_holds_the_values_one_would_write(void **state)
{
    (void)state;
    ch_values range = {0}, list = {0};
    assert_int_equal(ch_values_parse(&range, row_of("temp"), "10^-5..10^2", NULL), CH_OK);
    assert_int_equal(ch_values_parse(&list, row_of("temp"), "1e-5,1e-4,1e-3,0.01,0.1,1,10,100", NULL), CH_OK);
    assert_int_equal(range.count, list.count);
    assert_memory_equal(range.items, list.items, list.count * sizeof *list.items);
    ch_values_free(&range);
    ch_values_free(&list);
}

static void test_bad_lists_and_ranges_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *message;
    } cases[] = {
        {"train", "2^14..2^10", "train: the range 2^14..2^10 is empty; accepted is LOW..HIGH with LOW <= HIGH"},
        {"seed", "4..0", "seed: the range 4..0 is empty"},
        {"seed", "9223372036854775807..9223372036854775806", "is empty"},
        {"chi", "0.5..2", "chi: the range 0.5..2 does not say its steps; accepted are integers as in 0..4"},
        {"temp", "2^-3..1", "temp: the range 2^-3..1 does not say its steps"},
        {"temp", "2^1..3^4", "temp: the range 2^1..3^4 does not say its steps"},
        {"temp", "0.5^3..0.5^1", "temp: the range 0.5^3..0.5^1 has a base of 1 or less"},
        {"temp", "1^0..1^9", "has a base of 1 or less; accepted are powers of a base > 1"},
        {"temp", "1..2 x 0", "temp: the range 1..2 x 0 is not accepted: LOW..HIGH x N takes"},
        {"temp", "1..2 x 1", "an integer N >= 2"},
        {"temp", "1..1 x 3", "takes 0 < LOW < HIGH"},
        {"temp", "2..1 x 3", "takes 0 < LOW < HIGH"},
        {"chi", "0..1 x 3", "chi: the range 0..1 x 3 is not accepted: LOW..HIGH x N takes 0 < LOW"},
        {"temp", "1..2 x 2.5", "an integer N >= 2"},
        {"temp", "1..2 x", "temp: the range 1..2 x has '' points; accepted is an integer >= 2"},
        {"temp", "1..2 x many", "temp: the range 1..2 x many has 'many' points"},
        {"temp", "1..2xseven", "temp: the range 1..2xseven has 'seven' points"},
        {"temp", "1..", "temp is ''; accepted is a number > 0"},
        {"temp", "..", "temp is ''; accepted is a number > 0"},
        {"temp", "0..4", "temp is '0'; accepted is a number > 0"},
        {"temp", "1..inf", "temp is 'inf'; accepted is a number > 0"},
        {"train", "1..2^33", "train is '2^33'; accepted is an integer from 1 to 4294967295"},
        {"batch", "1..full", "batch: the range 1..full ends at 'full'; accepted are numbers"},
        {"data", "depleted..sign", "data is 'depleted..sign'; accepted is depleted, sign, random_sign, stripe"},
        {"chi", "0,,1", "chi is ''; accepted is a number > -1"},
        {"chi", "0,1,", "chi is ''; accepted is a number > -1"},
        {"chi", "", "chi is ''; accepted is a number > -1"},
        {"seed", "0..10000000", "seed: 0..10000000 has more than 10000000 values"},
        {"seed", "0..9223372036854775807", "has more than 10000000 values; accepted are lists up to that length"},
        {"temp", "1..2 x 10000001", "temp: 1..2 x 10000001 has more than 10000000 values"},
        {"temp", "1..2 x 1e18", "has more than 10000000 values"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_values values = {0};
        ch_error err = {0};
        assert_int_equal(ch_values_parse(&values, row_of(cases[i].name), cases[i].text, &err), CH_ERROR_INPUT);
        assert_has(err.message, cases[i].message);
        ch_values_free(&values);
    }
}

static void test_long_texts_and_control_characters_fit_a_message(void **state)
{
    (void)state;
    char text[4096];
    memset(text, '9', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    text[3] = '\033';
    ch_values values = {0};
    ch_error err = {0};
    assert_int_equal(ch_values_parse(&values, row_of("temp"), text, &err), CH_ERROR_INPUT);
    assert_has(err.message, "temp is '999?999");
    assert_has(err.message, "...'; accepted is a number > 0");
    ch_values_free(&values);
}

static void test_repeated_values_count_once(void **state)
{
    (void)state;
    ch_plan plan;
    ch_plan_init(&plan);
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_TEMP, "3,1,2^0..2^2,3e0,-0.5e1,1", NULL), CH_ERROR_INPUT);
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_TEMP, "3,1,2^0..2^2,3e0,0.5e1,1", NULL), CH_OK);
    assert_int_equal(plan.num_runs, 5);
    const double expected[] = {3, 1, 2, 4, 5};
    for (uint64_t i = 0; i < plan.num_runs; i++) {
        ch_settings settings;
        ch_plan_get(&plan, i, &settings);
        assert_true(settings.temp == expected[i]);
    }
    ch_plan_free(&plan);
}

/* ---- sweeps ---- */

static void test_a_sweep_is_a_product_with_the_last_axis_fastest(void **state)
{
    (void)state;
    ch_plan plan;
    ch_settings settings;
    ch_plan_init(&plan);
    assert_int_equal(plan.num_runs, 1);
    ch_plan_get(&plan, 0, &settings);
    assert_int_equal(settings.given, 0);
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_CHI, "0,1", NULL), CH_OK);
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_TEMP, "5", NULL), CH_OK);
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_SEED, "7,8,9", NULL), CH_OK);
    assert_int_equal(plan.num_runs, 6);
    for (uint64_t i = 0; i < plan.num_runs; i++) {
        ch_plan_get(&plan, i, &settings);
        assert_true(settings.chi == (double)(i / 3) && settings.temp == 5);
        assert_int_equal(settings.seed, 7 + i % 3);
        assert_int_equal(settings.given, 1u << CH_SETTING_CHI | 1u << CH_SETTING_TEMP | 1u << CH_SETTING_SEED);
        assert_int_equal(settings.train, 1024);
    }
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_CHI, "3", NULL), CH_OK); /* replaces the values */
    assert_int_equal(plan.num_runs, 3);
    ch_plan_get(&plan, 2, &settings);
    assert_true(settings.chi == 3 && settings.seed == 9);
    ch_plan_free(&plan);
    ch_plan_free(&plan);
}

static void test_a_product_that_overflows_is_refused(void **state)
{
    (void)state;
    static const size_t settings[] = {CH_SETTING_SEED, CH_SETTING_SEED_DATA, CH_SETTING_SEED_INIT};
    ch_plan plan;
    ch_error err = {0};
    ch_plan_init(&plan);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ch_plan_set(&plan, settings[i], "1..1000000", &err), CH_OK);
    }
    assert_int_equal(plan.num_runs, 1000000000000000000);
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_SEED_BATCH, "0..99", &err), CH_ERROR_INPUT);
    assert_has(err.message, "seed_batch has 100 values, which makes 2^64 runs or more");
    assert_int_equal(plan.num_runs, 1000000000000000000);
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_SEED_BATCH, "0..9", &err), CH_OK);
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_SEED_BATCH, "0..99", &err), CH_ERROR_INPUT);
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_SEED_BATCH, "0..17", &err), CH_OK);
    assert_true(plan.num_runs == 18000000000000000000u);
    ch_plan_free(&plan);
}

/* ---- YAML ---- */

/* Writes `text` to a file, reads it into `plan` and removes it. The message has FILE in place of the path. */
static ch_code read_bytes(ch_plan *plan, const char *text, size_t size, ch_error *err)
{
    char path[] = "/tmp/chiton-plan-XXXXXX";
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, size), size);
    close(descriptor);
    const ch_code code = ch_plan_read(plan, path, err);
    unlink(path);
    const size_t length = strlen(path);
    if (code == CH_ERROR_INPUT && strncmp(err->message, path, length) == 0) {
        memmove(err->message + 4, err->message + length, strlen(err->message + length) + 1);
        memcpy(err->message, "FILE", 4);
    }
    return code;
}

static ch_code read_text(ch_plan *plan, const char *text, ch_error *err)
{
    return read_bytes(plan, text, strlen(text), err);
}

static const char sweep[] = "# a comment\n"
                            "model: perceptron\n"
                            "chi: [0, 1, 3]\n"
                            "temp: 2^-2..2^1\n"
                            "seed: '0..1, 7'\n"
                            "zip:\n"
                            "  - train: [128, 256]\n"
                            "    max_steps: [none, 1e6]\n"
                            "  - {dim: [16, 16, 32], batch: [1, 2, full]}\n";

static void test_a_file_is_read(void **state)
{
    (void)state;
    ch_plan plan;
    ch_error err = {0};
    ch_settings settings;
    ch_plan_init(&plan);
    if (read_text(&plan, sweep, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(plan.num_runs, 3 * 4 * 3 * 2 * 3);
    ch_plan_get(&plan, 0, &settings);
    assert_true(settings.temp == 0.25 && settings.chi == 0 && settings.seed == 0 && settings.train == 128);
    assert_true(settings.max_steps == 0 && settings.dim == 16 && settings.batch == 1);
    ch_plan_get(&plan, 1, &settings);
    assert_true(settings.dim == 16 && settings.batch == 2);
    ch_plan_get(&plan, plan.num_runs - 1, &settings);
    assert_true(settings.temp == 2 && settings.chi == 3 && settings.seed == 7 && settings.train == 256);
    assert_true(settings.max_steps == 1000000 && settings.dim == 32 && settings.batch == 0);
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_CHI, "0", &err), CH_OK);
    assert_int_equal(plan.num_runs, 4 * 3 * 2 * 3);
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_BATCH, "4", &err), CH_ERROR_INPUT);
    assert_string_equal(err.message, "batch is in a zip group, where it varies together with dim; change it there");
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_TRAIN, "4", &err), CH_ERROR_INPUT);
    assert_has(err.message, "varies together with max_steps");
    ch_plan_free(&plan);
}

static void test_anchors_aliases_and_mappings_as_zip_are_read(void **state)
{
    (void)state;
    ch_plan plan;
    ch_error err = {0};
    ch_plan_init(&plan);
    if (read_text(&plan, "---\nseed_data: &s [1, 2]\nseed_init: *s\nzip: {train: [4, 8], temp: 1..2}\n...\n", &err) !=
        CH_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(plan.num_runs, 8);
    ch_plan_free(&plan);
}

static void test_bad_files_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "FILE:1:1: the file is empty; a sweep is a mapping"},
        {"# nothing\n", "the file is empty; a sweep is a mapping"},
        {"just words", "FILE:1:1: a sweep is a mapping of settings to values"},
        {"- just words", "FILE:1:3: block 1: a sweep is a mapping of settings to values"},
        {"chi: 0\ntmep: 1\n", "FILE:2:1: unknown setting 'tmep'; did you mean 'temp'?"},
        {"chi: 0\ntemp: [1,\n  -2]\n", "FILE:3:3: temp is '-2'; accepted is a number > 0"},
        {"temp: nan\n", "FILE:1:7: temp is 'nan'; accepted is a number > 0"},
        {"temp:\n", "FILE:1:6: temp is ''; accepted is a number > 0"},
        {"temp: []\n", "FILE:1:1: temp has an empty list; accepted is at least one value"},
        {"temp: {a: 1}\n", "FILE:1:7: temp cannot be a mapping here"},
        {"temp: [1, [2]]\n", "FILE:1:11: temp cannot be a list here"},
        {"train: 2^14..2^10\n", "FILE:1:8: train: the range 2^14..2^10 is empty"},
        {"chi: 0\nchi: 1\n", "FILE:2:1: chi is set twice; accepted is once"},
        {"max_steps: 5\nmax-steps: 5\n", "FILE:2:1: max_steps is set twice"},
        {"? [a]\n: 1\n", "FILE:1:3: a setting's name cannot be a list here"},
        {"chi: 0\nzip: {chi: 1, temp: 2}\n", "FILE:2:6: chi is set twice"},
        {"zip: {chi: 1, chi: 2}\n", "FILE:1:6: chi is set twice"},
        {"zip: {chi: [0, 1], temp: [1, 2, 3]}\n", "FILE:1:6: zip: chi has 2 values and temp has 3; settings that vary"},
        {"zip: {}\n", "FILE:1:6: zip has no settings"},
        {"zip: 3\n", "FILE:1:6: zip takes a mapping of settings to lists"},
        {"zip: [3]\n", "FILE:1:7: zip takes a mapping of settings to lists"},
        {"zip: {chi: 0}\nzip: {temp: 1}\n", "FILE:2:1: zip is set twice"},
        {"zip: &z [*z]\n", "FILE:1:"},
        {"temp: *nowhere\n", "FILE:1:7: malformed YAML: found undefined alias"},
        {"temp: [1, 2\n", "FILE:2:1: malformed YAML: did not find expected ',' or ']'"},
        {"temp: 1\n\tchi: 2\n", "FILE:2:"},
        {"temp: \"1\n", "FILE:2:1: malformed YAML: found unexpected end of stream"},
        {"temp: 1\n---\nchi: 2\n", "FILE:2:1: a second document begins; accepted is one"},
        {"temp: 1\n...\n[", "FILE:3:"},
        {"temp: \"1\\0\"\n", "FILE:1:7: temp has a zero byte in it"},
        {"\x7f\x45\x4c\x46\x02\x01", "FILE:1:1: malformed YAML: control characters are not allowed"},
        {"chi: 0\n\ntemp: \xc3\x28\n", "FILE:3:8: malformed YAML: invalid trailing UTF-8 octet"},
        {"temp: 1 # \xe2\x82", "malformed YAML: incomplete UTF-8 octet sequence"},
        {"temp: \xff\xff\n", "malformed YAML: invalid leading UTF-8 octet"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_plan plan;
        ch_error err = {0};
        ch_plan_init(&plan);
        assert_int_equal(read_text(&plan, cases[i].text, &err), CH_ERROR_INPUT);
        assert_has(err.message, cases[i].message);
        assert_memory_equal(err.message, "FILE:", 5);
        ch_plan_free(&plan);
    }
}

static void test_files_that_are_none_are_refused(void **state)
{
    (void)state;
    ch_plan plan;
    ch_error err = {0};
    ch_plan_init(&plan);
    assert_int_equal(ch_plan_read(&plan, "/nowhere/sweep.yaml", &err), CH_ERROR_INPUT);
    assert_string_equal(err.message, "/nowhere/sweep.yaml: cannot be opened: No such file or directory");
    assert_int_equal(ch_plan_read(&plan, "/tmp", &err), CH_ERROR_INPUT);
    assert_string_equal(err.message, "/tmp: is a directory; accepted is a YAML file");
    assert_int_equal(ch_plan_read(&plan, "/dev/zero", &err), CH_ERROR_INPUT);
    ch_plan_free(&plan);
}

/* A file that is cut short anywhere is either read or refused with a sentence. The sanitizers find invalid reads. */
static void test_files_cut_short_are_survived(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof sweep; size++) {
        ch_plan plan;
        ch_error err = {0};
        ch_plan_init(&plan);
        const ch_code code = read_bytes(&plan, sweep, size, &err);
        assert_true(code == CH_OK || (code == CH_ERROR_INPUT && strncmp(err.message, "FILE:", 5) == 0));
        ch_plan_free(&plan);
    }
}

/* ---- memory ---- */

static ch_code read_and_set(ch_plan *plan, const char *path, ch_error *err)
{
    ch_plan_init(plan);
    ch_code code = ch_plan_read(plan, path, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_plan_set(plan, CH_SETTING_CHI, "1,0,1", err);
    if (code != CH_OK) {
        return code;
    }
    return ch_plan_set(plan, CH_SETTING_TEST, "0..9", err);
}

/* The first data sets are the plan's own, then the seeds after the largest; fewer are the first of them again. */
static void test_data_sets_are_added(void **state)
{
    (void)state;
    ch_plan plan;
    ch_error err = {0};
    ch_settings settings;
    ch_plan_init(&plan);
    assert_int_equal(ch_plan_num_data_sets(&plan), 1);
    assert_int_equal(ch_plan_set_data_sets(&plan, 3, &err), CH_OK); /* of the default, seed 0 */
    assert_int_equal(plan.num_runs, 3);
    ch_plan_get(&plan, 2, &settings);
    assert_int_equal(settings.seed, 2);
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_SEED, "7,2,5", &err), CH_OK);
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_CHI, "0,1", &err), CH_OK);
    assert_int_equal(ch_plan_set_data_sets(&plan, 5, &err), CH_OK);
    assert_true(plan.num_runs == 10 && ch_plan_num_data_sets(&plan) == 5);
    static const uint64_t seeds[] = {7, 2, 5, 8, 9};
    for (size_t i = 0; i < 10; i++) {
        ch_plan_get(&plan, i, &settings);
        assert_true(settings.seed == seeds[i / 2] && settings.chi == (double)(i % 2));
    }
    assert_int_equal(ch_plan_set_data_sets(&plan, 3, &err), CH_OK);
    assert_int_equal(ch_plan_set_data_sets(&plan, 4, &err), CH_OK);
    ch_plan_get(&plan, 7, &settings);
    assert_true(plan.num_runs == 8 && settings.seed == 8);
    /* seed_data has the data where it is given */
    assert_int_equal(ch_plan_data_setting(&plan), CH_SETTING_SEED);
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_SEED_DATA, "1", &err), CH_OK);
    assert_int_equal(ch_plan_data_setting(&plan), CH_SETTING_SEED_DATA);
    assert_int_equal(ch_plan_set_data_sets(&plan, 2, &err), CH_OK);
    ch_plan_get(&plan, 15, &settings);
    assert_true(plan.num_runs == 16 && settings.seed_data == 2 && settings.seed == 8);
    /* what cannot be */
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_SEED_DATA, "9223372036854775806", &err), CH_OK);
    assert_int_equal(ch_plan_set_data_sets(&plan, 2, &err), CH_OK);
    assert_int_equal(ch_plan_set_data_sets(&plan, 3, &err), CH_ERROR_INPUT);
    assert_has(err.message, "seed_data: 1 data sets more would have seeds over 2^63 - 1");
    assert_int_equal(ch_plan_set(&plan, CH_SETTING_SEED_DATA, "0", &err), CH_OK);
    assert_int_equal(ch_plan_set_data_sets(&plan, (size_t)1 << 62, &err), CH_ERROR_INPUT);
    assert_has(err.message, "2^64 runs or more");
    ch_plan_free(&plan);
}

static const char blocks[] = "defaults: {chi: 0..3, zip: {temp: [1, 2], train: [4, 8]}}\n"
                             "sweeps: [{name: one, seed: 1..2}, {batch: [2, 3], data_dir: images}, {chi: 1}]\n";

static void survive_failing_allocations(const char *text)
{
    char path[] = "/tmp/chiton-plan-XXXXXX";
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
    close(descriptor);
    ch_plan plan;
    ch_error err;
    long failed;
    assert_failures_are_told(failed, read_and_set(&plan, path, &err), err, ch_plan_free(&plan));
    ch_plan_free(&plan);
    unlink(path);
    assert_true(failed >= 20); /* the failures did happen */
}

static void test_every_failing_allocation_is_survived(void **state)
{
    (void)state;
    survive_failing_allocations(sweep);
    survive_failing_allocations(blocks);
}

int main(void)
{
    /* suites: valgrind */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_and_ranges_say_what_they_say),
        cmocka_unit_test(test_a_range_holds_the_values_one_would_write),
        cmocka_unit_test(test_bad_lists_and_ranges_are_refused_by_name),
        cmocka_unit_test(test_long_texts_and_control_characters_fit_a_message),
        cmocka_unit_test(test_repeated_values_count_once),
        cmocka_unit_test(test_a_sweep_is_a_product_with_the_last_axis_fastest),
        cmocka_unit_test(test_a_product_that_overflows_is_refused),
        cmocka_unit_test(test_a_file_is_read),
        cmocka_unit_test(test_anchors_aliases_and_mappings_as_zip_are_read),
        cmocka_unit_test(test_bad_files_are_refused_with_their_place),
        cmocka_unit_test(test_files_that_are_none_are_refused),
        cmocka_unit_test(test_files_cut_short_are_survived),
        cmocka_unit_test(test_data_sets_are_added),
        cmocka_unit_test(test_every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
