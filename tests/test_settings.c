/* test_settings.c — the table of settings, and single values: how they are read, written and refused. */
#include "tests/settings_support.h"

#include "sim/settings/words.h"

#include <locale.h>

/* ---- the table ---- */

static void test_rows_are_in_the_order_of_the_enum(void **state)
{
    (void)state;
    static const char *const names[] = {
        "model",        "linear",       "width",        "depth",       "activation", "data",        "chi",
        "dim",          "teacher",      "train",        "test",        "loss",       "alpha",       "batch",
        "temp",         "rate",         "dynamics",     "init",        "seed",       "seed_data",   "seed_init",
        "seed_batch",   "max_steps",    "max_updates",  "max_seconds", "engine",     "record",      "kernel",
        "sampling",     "momentum",     "weight_decay", "classes",     "normalise",  "label_noise", "spectrum",
        "teacher_axis", "fluctuations", "burn_in",      "curvature",   "data_dir",   "data_file",   "data_labels",
        "density"};
    assert_int_equal(ch_settings_count, sizeof names / sizeof *names);
    for (size_t i = 0; i < ch_settings_count; i++) {
        assert_string_equal(ch_settings_table[i].name, names[i]);
        assert_non_null(ch_settings_table[i].help);
    }
    assert_int_equal(setting_row("record"), CH_SETTING_RECORD);
    assert_int_equal(setting_row("max-steps"), CH_SETTING_MAX_STEPS);
}

static void test_rows_do_not_share_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < ch_settings_count; i++) {
        ch_settings settings = {0};
        const bool is_rule = ch_settings_table[i].type == CH_TYPE_RULE;
        ch_settings_set(&settings, i, is_rule ? (ch_value){.text = "1 vs 2"} : (ch_value){.count = 1});
        assert_int_equal(settings.given, (uint64_t)1 << i);
        for (size_t k = 0; k < ch_settings_count; k++) {
            const ch_value value = ch_settings_get(&settings, k);
            if (ch_settings_table[k].type == CH_TYPE_RULE) {
                assert_string_equal(value.text, k == i ? "1 vs 2" : "");
            } else {
                assert_int_equal(value.count, k == i);
            }
        }
    }
}

/* Words of other programs and of papers. No word is the name of a setting, which would never be looked up. */
static void test_words_used_elsewhere_get_the_right_name(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"lr", "rate"},
                                           {"LR", "rate"},
                                           {"learning_rate", "rate"},
                                           {"learning-rate", "rate"},
                                           {"eta", "rate"},
                                           {"temperature", "temp"},
                                           {"T", "temp"},
                                           {"P", "train"},
                                           {"N", "train"},
                                           {"batch_size", "batch"},
                                           {"Batch-Size", "batch"},
                                           {"B", "batch"},
                                           {"bs", "batch"},
                                           {"epochs", "max_steps"},
                                           {"steps", "max_steps"},
                                           {"kappa", "alpha"},
                                           {"h", "width"},
                                           {"hidden", "width"},
                                           {"L", "depth"},
                                           {"d", "dim"},
                                           {"dataset", "data"},
                                           {"seeds", "seed"},
                                           {"optimizer", "dynamics"},
                                           {"n_test", "test"},
                                           {"timeout", "max_seconds"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t index = 99;
        ch_error err;
        char words[64];
        assert_int_equal(ch_settings_find(cases[i][0], &index, &err), CH_ERROR_INPUT);
        snprintf(words, sizeof words, "'%s'; did you mean '%s'?", cases[i][0], cases[i][1]);
        assert_has(err.message, words);
    }
    assert_false(ch_words_find("t").known);
    assert_false(ch_words_find("batch_sizes").known);
    assert_false(ch_words_find("l").known);
    for (size_t i = 0; i < ch_settings_count; i++) {
        assert_false(ch_words_find(ch_settings_table[i].name).known);
    }
}

static void test_unknown_names_are_refused_with_the_nearest(void **state)
{
    (void)state;
    size_t index = 99;
    ch_error err;
    assert_int_equal(ch_settings_find("tmep", &index, &err), CH_ERROR_INPUT);
    assert_string_equal(err.message, "unknown setting 'tmep'; did you mean 'temp'?");
    assert_int_equal(ch_settings_find("max-step", &index, &err), CH_ERROR_INPUT);
    assert_string_equal(err.message, "unknown setting 'max-step'; did you mean 'max_steps'?");
    assert_int_equal(ch_settings_find("quux", &index, &err), CH_ERROR_INPUT);
    assert_has(err.message, "'quux'");
    assert_has(err.message, "model, linear, width");
    assert_has(err.message, "record");
    assert_int_equal(ch_settings_find("", &index, &err), CH_ERROR_INPUT);
    assert_int_equal(index, 99);
}

static void test_defaults_fill_every_field(void **state)
{
    (void)state;
    ch_settings a, b;
    memset(&a, 0xA5, sizeof a);
    memset(&b, 0x5A, sizeof b);
    ch_settings_default(&a);
    ch_settings_default(&b);
    assert_memory_equal(&a, &b, sizeof a);
    assert_int_equal(a.given, 0);
    for (size_t i = 0; i < ch_settings_count; i++) {
        char text[32];
        ch_setting_format(&ch_settings_table[i], ch_settings_get(&a, i), text, sizeof text);
        if (ch_settings_table[i].default_text != NULL) {
            assert_string_equal(text, ch_settings_table[i].default_text);
        }
    }
}

/* The help of the setting depth names the architectures whose row has a depth, and no other. */
static void test_help_of_depth(void **state)
{
    (void)state;
    char names[256] = "hidden layers of ";
    bool is_first = true;
    for (uint64_t arch = 0; arch < CH_NUM_ARCHS; arch++) {
        if (ch_arch_has_depth(arch)) {
            const size_t length = strlen(names);
            snprintf(names + length, sizeof names - length, "%s%s", is_first ? "" : " and ", ch_arch_name(arch));
            is_first = false;
        }
    }
    assert_string_equal(ch_settings_table[CH_SETTING_DEPTH].help, names);
}

/* ---- single values ---- */

/* A text that a setting does not accept, and the words that say what it accepts. */
typedef struct {
    const char *name, *text, *accepted;
} bad_value;

/* Requires that each value is refused in a sentence with the setting's name, the value and what is accepted, and that
 * the place for the value is left as it was. */
static void assert_values_are_refused(const bad_value *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ch_value value = {.count = 77};
        ch_error err = {0};
        char start[96];
        assert_int_equal(ch_setting_parse(&ch_settings_table[setting_row(cases[i].name)], cases[i].text, &value, &err),
                         CH_ERROR_INPUT);
        assert_int_equal(err.code, CH_ERROR_INPUT);
        snprintf(start, sizeof start, "%s is '%s'; ", cases[i].name, cases[i].text);
        assert_memory_equal(err.message, start, strlen(start));
        assert_has(err.message, cases[i].accepted);
        assert_int_equal(value.count, 77);
    }
}

#define ASSERT_VALUES_ARE_REFUSED(cases) assert_values_are_refused(cases, sizeof(cases) / sizeof *(cases))

static void test_bad_words_are_refused(void **state)
{
    (void)state;
    static const bad_value cases[] = {
        {"model", "perceptrn", "did you mean 'perceptron'? accepted is perceptron"},
        {"model", "mlq", "did you mean 'mlp'? accepted is perceptron, mlp, mlp_bias, simple_cnn, mnas or vgg11"},
        {"model", "0", "accepted is perceptron"},
        {"linear", "true", "accepted is no or yes"},
        {"activation", "tanh", "accepted is relu, gelu, silu or linear"},
        {"data", "depletd", "did you mean 'depleted'? accepted is depleted, sign, random_sign, stripe, sphere"},
        {"data", "",
         "accepted is depleted, sign, random_sign, stripe, sphere, mnist_parity, cifar_animal, mnist, cifar10, "
         "fashion_mnist, kmnist, file or density"},
        {"teacher", "ax", "accepted is axis, random or fitted"},
        {"loss", "mean", "accepted is hinge, softhinge, quadhinge, mse or logistic"},
        {"dynamics", "flows", "did you mean 'flow'? accepted is sgd, gd, flow, unfitted or sde"},
        {"engine", "quick", "accepted is auto, plain or fast"},
        {"data_dir", "", "accepted is the name of a folder"},
        {"data_file", "", "accepted is the name of a file, or FILE:NAME for an array in it"},
        {"normalise", "all", "accepted is none, feature or pool"},
        {"classes", "3", "accepted is what is +1 and what is -1"},
        {"classes", "", "accepted is what is +1 and what is -1"},
    };
    ASSERT_VALUES_ARE_REFUSED(cases);
}

static void test_bad_counts_are_refused(void **state)
{
    (void)state;
    static const bad_value cases[] = {
        {"width", "0", "accepted is an integer from 1 to 1048576"},
        {"depth", "0", "accepted is an integer from 1 to 1000"},
        {"kernel", "16385", "accepted is an integer from 0 to 16384"},
        {"dim", "1", "accepted is an integer from 2 to 2147483648"},
        {"dim", "2147483649", "accepted is an integer from 2 to 2147483648"},
        {"train", "0", "accepted is an integer from 1 to 4294967295"},
        {"train", "4294967296", "accepted is an integer from 1 to 4294967295"},
        {"train", "-4", "accepted is an integer from 1 to 4294967295"},
        {"train", "2.5", "accepted is an integer from 1 to 4294967295"},
        {"train", "1e99", "accepted is an integer from 1 to 4294967295"},
        {"train", "0x10", "accepted is an integer from 1 to 4294967295"},
        {"train", "2^-1", "accepted is an integer from 1 to 4294967295"},
        {"train", "full", "accepted is an integer from 1 to 4294967295"},
        {"test", "-1", "accepted is an integer from 0 to 4294967295"},
        {"batch", "0", "accepted is an integer from 1 to 4294967295, or full"},
        {"batch", "fulll", "accepted is an integer from 1 to 4294967295, or full"},
        {"record", "1001", "accepted is an integer from 0 to 1000"},
    };
    ASSERT_VALUES_ARE_REFUSED(cases);
}

static void test_bad_seeds_and_budgets_are_refused(void **state)
{
    (void)state;
    static const bad_value cases[] = {
        {"seed", "-1", "accepted is an integer from 0 to 2^63 - 1"},
        {"seed", "9223372036854775808", "accepted is an integer from 0 to 2^63 - 1"},
        {"seed", "18446744073709551617", "accepted is an integer from 0 to 2^63 - 1"},
        {"seed_data", "2^63", "accepted is an integer from 0 to 2^63 - 1"},
        {"seed_init", "x", "accepted is an integer from 0 to 2^63 - 1"},
        {"seed_batch", "1.5", "accepted is an integer from 0 to 2^63 - 1"},
        {"max_steps", "0", "accepted is an integer from 1 to 2^63 - 1, or none"},
        {"max_updates", "-3", "accepted is an integer from 1 to 2^63 - 1, or none"},
    };
    ASSERT_VALUES_ARE_REFUSED(cases);
}

static void test_bad_reals_are_refused(void **state)
{
    (void)state;
    static const bad_value cases[] = {
        {"chi", "-1", "accepted is a number > -1 and <= 1000"},
        {"chi", "-2.5", "accepted is a number > -1 and <= 1000"},
        {"chi", "1000.5", "accepted is a number > -1 and <= 1000"},
        {"chi", "nan", "accepted is a number > -1 and <= 1000"},
        {"momentum", "1", "accepted is a number >= 0 and <= 0.9999"},
        {"momentum", "-0.1", "accepted is a number >= 0 and <= 0.9999"},
        {"weight_decay", "-1", "accepted is a number >= 0"},
        {"weight_decay", "nan", "accepted is a number >= 0"},
        {"alpha", "0", "accepted is a number > 0"},
        {"alpha", "-1", "accepted is a number > 0"},
        {"rate", "0", "accepted is a number > 0"},
        {"max_seconds", "0", "accepted is a number > 0, or none"},
    };
    ASSERT_VALUES_ARE_REFUSED(cases);
}

static void test_bad_spellings_of_numbers_are_refused(void **state)
{
    (void)state;
    static const bad_value cases[] = {
        {"temp", "0", "accepted is a number > 0"},      {"temp", "-0", "accepted is a number > 0"},
        {"temp", "1e-400", "accepted is a number > 0"}, {"temp", "1e400", "accepted is a number > 0"},
        {"temp", "inf", "accepted is a number > 0"},    {"temp", "NaN", "accepted is a number > 0"},
        {"temp", "", "accepted is a number > 0"},       {"temp", ".", "accepted is a number > 0"},
        {"temp", "1 ", "accepted is a number > 0"},     {"temp", " 1", "accepted is a number > 0"},
        {"temp", "1,5", "accepted is a number > 0"},    {"temp", "1e", "accepted is a number > 0"},
        {"temp", "0x1p-3", "accepted is a number > 0"}, {"temp", "2^", "accepted is a number > 0"},
        {"temp", "2^0.5", "accepted is a number > 0"},  {"temp", "2^3^4", "accepted is a number > 0"},
        {"temp", "-2^2", "accepted is a number > 0"},   {"temp", "2^99999999999999999999", "accepted is a number > 0"},
    };
    ASSERT_VALUES_ARE_REFUSED(cases);
}

static void test_numbers_are_read_in_every_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double real;
    } reals[] = {{"1", 1},           {"+.5", 0.5},    {"5.", 5},       {"1E+2", 100},         {"2^-15", 0x1p-15},
                 {"2^2", 4},         {"10^-3", 1e-3}, {"1.5^2", 2.25}, {"3^+2", 9},           {"1e-3", 1e-3},
                 {"1e-300", 1e-300}, {"10^-7", 1e-7}, {"0.1", 0.1},    {"2^-1000", 0x1p-1000}};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        ch_value value;
        assert_int_equal(ch_setting_parse(&ch_settings_table[CH_SETTING_TEMP], reals[i].text, &value, NULL), CH_OK);
        assert_true(value.real == reals[i].real);
    }
    static const struct {
        const char *text;
        uint64_t count;
    } counts[] = {{"0", 0},
                  {"7", 7},
                  {"1e3", 1000},
                  {"2^10", 1024},
                  {"1.5e1", 15},
                  {"20e-1", 2},
                  {"9223372036854775807", INT64_MAX},
                  {"2^62", 1ull << 62},
                  {"10^18", 1000000000000000000},
                  {"007", 7},
                  {"1e18", 1000000000000000000},
                  {"0e99999", 0},
                  {"-0", 0},
                  {"1^99999", 1},
                  {"9007199254740993", 9007199254740993}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        ch_value value;
        assert_int_equal(ch_setting_parse(&ch_settings_table[CH_SETTING_SEED], counts[i].text, &value, NULL), CH_OK);
        assert_int_equal(value.count, counts[i].count);
    }
}

static void assert_round_trip(size_t index, ch_value value)
{
    const ch_setting *row = &ch_settings_table[index];
    char text[32];
    ch_value back = {.count = 1};
    ch_setting_format(row, value, text, sizeof text);
    assert_int_equal(ch_setting_parse(row, text, &back, NULL), CH_OK);
    assert_memory_equal(&back, &value, sizeof value);
}

static void test_values_are_written_as_they_are_read(void **state)
{
    (void)state;
    const double reals[] = {0.1, 1.0 / 3, 0x1p-15, 5e-324, 1.7976931348623157e308, 123456.789, 1e22, 2.0 / 3 * 1e-7};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        assert_round_trip(CH_SETTING_TEMP, (ch_value){.real = reals[i]});
    }
    assert_round_trip(CH_SETTING_CHI, (ch_value){.real = -0.1});
    assert_round_trip(CH_SETTING_SEED, (ch_value){.count = INT64_MAX});
    assert_round_trip(CH_SETTING_BATCH, (ch_value){.count = 0});
    assert_round_trip(CH_SETTING_TRAIN, (ch_value){.count = 0});
    assert_round_trip(CH_SETTING_MAX_SECONDS, (ch_value){.real = 0});
    assert_round_trip(CH_SETTING_DATA, (ch_value){.count = CH_LAW_RANDOM_SIGN});
    char text[32];
    ch_setting_format(&ch_settings_table[CH_SETTING_TEMP], (ch_value){.real = 0.1}, text, sizeof text);
    assert_string_equal(text, "0.1");
}

/* The test is skipped where no locale with a decimal comma is installed. */
static void test_the_locale_does_not_matter(void **state)
{
    (void)state;
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL && setlocale(LC_ALL, "fr_FR.UTF-8") == NULL) {
        skip();
    }
    assert_round_trip(CH_SETTING_TEMP, (ch_value){.real = 0.5});
    setlocale(LC_ALL, "C");
}

int main(void)
{
    /* suites: valgrind */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_in_the_order_of_the_enum),
        cmocka_unit_test(test_rows_do_not_share_memory),
        cmocka_unit_test(test_words_used_elsewhere_get_the_right_name),
        cmocka_unit_test(test_unknown_names_are_refused_with_the_nearest),
        cmocka_unit_test(test_defaults_fill_every_field),
        cmocka_unit_test(test_help_of_depth),
        cmocka_unit_test(test_bad_words_are_refused),
        cmocka_unit_test(test_bad_counts_are_refused),
        cmocka_unit_test(test_bad_seeds_and_budgets_are_refused),
        cmocka_unit_test(test_bad_reals_are_refused),
        cmocka_unit_test(test_bad_spellings_of_numbers_are_refused),
        cmocka_unit_test(test_numbers_are_read_in_every_spelling),
        cmocka_unit_test(test_values_are_written_as_they_are_read),
        cmocka_unit_test(test_the_locale_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
