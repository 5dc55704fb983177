/* test_settings.c — the table of settings, single values, and how the settings of a run are resolved. */
#include "tests/support.h"

#include "sim/admit.h"
#include "sim/settings/settings.h"
#include "sim/settings/words.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static size_t row_of(const char *name)
{
    size_t index = 0;
    ch_error err;
    assert_int_equal(ch_settings_find(name, &index, &err), CH_OK);
    return index;
}

static void assert_has(const char *message, const char *part)
{
    if (strstr(message, part) == NULL) {
        fail_msg("'%s' lacks '%s'", message, part);
    }
}

/* Sets NAME=VALUE pairs, separated by spaces, over the defaults. */
static ch_settings with(const char *pairs)
{
    ch_settings settings;
    static char copy[256]; /* the settings borrow text from it until the next call */
    char *rest = copy;
    ch_settings_default(&settings);
    snprintf(copy, sizeof copy, "%s", pairs);
    while (rest != NULL && *rest != '\0') {
        char *text = strsep(&rest, " ");
        const char *name = strsep(&text, "=");
        const size_t index = row_of(name);
        ch_value value;
        ch_error err;
        if (ch_setting_parse(&ch_settings_table[index], text, &value, &err) != CH_OK) {
            fail_msg("%s", err.message);
        }
        ch_settings_set(&settings, index, value);
    }
    return settings;
}

static ch_resolved resolved_of(const char *pairs)
{
    const ch_settings settings = with(pairs);
    ch_resolved resolved = {0};
    ch_error err;
    if (ch_settings_resolve(&settings, &resolved, &err) != CH_OK) {
        fail_msg("%s: %s", pairs, err.message);
    }
    return resolved;
}

static ch_settings resolved(const char *pairs)
{
    return resolved_of(pairs).settings;
}

/* Refuses settings as `chiton run` does: because they do not resolve, or because the run may not begin. */
static ch_code resolve_and_admit(const ch_settings *settings, ch_resolved *resolved, ch_error *err)
{
    const ch_code code = ch_settings_resolve(settings, resolved, err);
    return code == CH_OK ? ch_admit(resolved, err) : code;
}

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
    assert_int_equal(row_of("record"), CH_SETTING_RECORD);
    assert_int_equal(row_of("max-steps"), CH_SETTING_MAX_STEPS);
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
        assert_int_equal(ch_setting_parse(&ch_settings_table[row_of(cases[i].name)], cases[i].text, &value, &err),
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

/* ---- resolving ---- */

static void test_what_follows_is_filled_in(void **state)
{
    (void)state;
    ch_settings s = resolved("model=perceptron temp=0.5 batch=8 seed=3 seed_init=5");
    assert_true(s.rate == 4 && s.temp == 0.5);
    assert_int_equal(s.seed_data, 3);
    assert_int_equal(s.seed_init, 5);
    assert_int_equal(s.seed_batch, 3);
    assert_int_equal(s.engine, CH_ENGINE_FAST);
    s = resolved("model=perceptron rate=4 batch=full train=16");
    assert_int_equal(s.engine, CH_ENGINE_PLAIN);
    assert_int_equal(s.batch, 16);
    assert_true(s.rate == 4 && s.temp == 0.25);
    s = resolved("model=perceptron rate=4 dynamics=gd train=16");
    assert_int_equal(s.batch, 16);
    s = resolved("model=perceptron rate=4 data=random_sign");
    assert_int_equal(s.teacher, CH_TEACHER_RANDOM);
    s = resolved("model=perceptron rate=4 data=sign chi=-0");
    assert_int_equal(s.teacher, CH_TEACHER_AXIS);
    assert_true(s.chi == 0 && !signbit(s.chi));
}

/* T = eta / (B h): the learning rate of a network scales with its width. */
static void test_networks_have_their_temperature_and_engine(void **state)
{
    (void)state;
    ch_settings s = resolved("model=mlp width=64 temp=0.5 batch=4");
    assert_true(s.rate == 128);
    assert_int_equal(s.engine, CH_ENGINE_FAST);
    s = resolved("model=mlp_bias rate=8 batch=4 width=2 dynamics=sde");
    assert_true(s.temp == 1);
    assert_int_equal(s.engine, CH_ENGINE_PLAIN);
    s = resolved("model=mlp temp=1 dynamics=flow");
    assert_int_equal(s.batch, 1024);
    s = resolved("model=mlp temp=1 train=64 linear=yes");
    assert_int_equal(s.engine, CH_ENGINE_FAST);
    s = resolved("model=perceptron temp=1 dynamics=unfitted");
    assert_int_equal(s.engine, CH_ENGINE_PLAIN);
    assert_false(ch_settings_has_engine(&s));
}

/* Image data lie in data_dir. The program takes it from the environment where it is not given; resolving uses the
 * settings only. */
static void test_the_folder_of_images(void **state)
{
    (void)state;
    ch_error err = {0};
    ch_resolved resolved = {0};
    ch_settings s = with("model=mlp temp=1 data=mnist_parity");
    setenv("CHITON_DATA", "elsewhere", 1);
    assert_int_equal(ch_settings_resolve(&s, &resolved, &err), CH_ERROR_INPUT);
    assert_has(err.message, "data_dir is not set, nor is the environment variable CHITON_DATA");
    unsetenv("CHITON_DATA");
    s.data_dir = "there";
    assert_int_equal(ch_settings_resolve(&s, &resolved, &err), CH_OK);
    assert_string_equal(resolved.settings.data_dir, "there");
    s = with("model=mlp temp=1");
    s.data_dir = "there"; /* no folder is given, which is right where the data are drawn */
    assert_int_equal(ch_settings_resolve(&s, &resolved, &err), CH_OK);
    assert_null(resolved.settings.data_dir);
    resolved = resolved_of("model=mlp temp=1 data=mnist_parity data_dir=here");
    assert_string_equal(resolved.settings.data_dir, "here");
    assert_int_equal(ch_settings_input(&resolved.settings).rows, 28);
    char here[CH_ID_SIZE], there[CH_ID_SIZE], other[CH_ID_SIZE];
    ch_settings_id(&resolved, here);
    resolved.settings.data_dir = "there";
    ch_settings_id(&resolved, there);
    assert_string_equal(here, there); /* the identity depends on the content of the files and not on their folder */
    snprintf(resolved.settings.data_digest, sizeof resolved.settings.data_digest, "%064d", 7);
    ch_settings_id(&resolved, other);
    assert_string_not_equal(here, other);
}

/* A file of the user's own implies that the data are it; a rule of labels has one spelling. */
static void test_own_files(void **state)
{
    (void)state;
    ch_resolved resolved = resolved_of("model=mlp temp=1 data_file=x.npy");
    assert_int_equal(resolved.settings.data, CH_LAW_FILE);
    assert_string_equal(resolved.settings.classes, "larger vs smaller");
    assert_int_equal(resolved.settings.normalise, CH_NORMALISE_POOL);
    ch_settings s = with("model=perceptron temp=1 data=mnist data_dir=x");
    ch_settings_set(&s, CH_SETTING_CLASSES, (ch_value){.text = " 7,3 vs  rest"});
    assert_int_equal(ch_settings_resolve(&s, &resolved, NULL), CH_OK);
    assert_string_equal(resolved.settings.classes, "3,7 vs rest");
    static const struct {
        const char *pairs, *message;
    } bad[] = {
        {"model=mlp temp=1 data=file",
         "data_file is not set, and data = file is read from it; accepted is the name of"},
        {"model=mlp temp=1 data=mnist data_dir=x data_file=y", "data_file is y, but data = mnist has no data_file"},
        {"model=mlp temp=1 data_labels=y", "data_labels is y, but data = depleted has no data_labels"},
        {"model=mlp temp=1 normalise=none", "normalise is none, but data = depleted has no normalise"},
        {"model=perceptron temp=1 train=inf max_steps=9 data_file=x",
         "train is inf, but data = file is read from files"},
        {"model=perceptron temp=1 data=mnist data_dir=x chi=1", "chi is 1, but data = mnist has no chi"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ch_error err = {0};
        s = with(bad[i].pairs);
        assert_int_equal(ch_settings_resolve(&s, &resolved, &err), CH_ERROR_INPUT);
        assert_has(err.message, bad[i].message);
    }
    s = with("model=mlp temp=1 data=mnist_parity data_dir=x");
    ch_settings_set(&s, CH_SETTING_CLASSES, (ch_value){.text = "3 vs 7"});
    ch_error err = {0};
    assert_int_equal(ch_settings_resolve(&s, &resolved, &err), CH_ERROR_INPUT);
    assert_has(err.message, "classes is 3 vs 7, but data = mnist_parity has no classes");
}

static void test_resolving_twice_is_resolving_once(void **state)
{
    (void)state;
    static const char *const cases[] = {"model=perceptron temp=0.3 batch=3",
                                        "model=perceptron rate=0.3 batch=full",
                                        "model=perceptron rate=2 dynamics=gd",
                                        "model=perceptron rate=2 data=random_sign",
                                        "model=mlp temp=1 data_file=x",
                                        "model=perceptron temp=1 seed=9 seed_batch=0 max_steps=none engine=plain"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ch_resolved once = resolved_of(cases[i]);
        ch_resolved twice = {0};
        assert_int_equal(ch_settings_resolve(&once.settings, &twice, NULL), CH_OK);
        assert_memory_equal(&once, &twice, sizeof once);
    }
}

static void test_combinations_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *pairs, *message;
    } cases[] = {
        {"temp=1", "model is not set; accepted is perceptron"},
        {"model=perceptron", "neither temp nor rate is set; give exactly one of them"},
        {"model=perceptron temp=1 rate=2", "temp and rate are both set; give exactly one of them"},
        {"model=perceptron temp=1 batch=8 train=4", "batch is 8, more than train = 4; accepted is"},
        {"model=perceptron temp=1 train=1", "batch is 2, more than train = 1; accepted is"},
        {"model=perceptron temp=1e308", "temp is 1e+308, which makes rate inf at batch = 2; accepted"},
        {"model=perceptron rate=5e-324", "rate is 4.94066e-324, which makes temp 0 at batch = 2; accepted"},
        {"model=perceptron temp=1 alpha=1e-310", "alpha is 1e-310; accepted is a number > 0 with a finite"},
        {"model=perceptron temp=1 data=sign chi=1", "chi is 1, but data = sign has chi = 0; accepted is 0"},
        {"model=perceptron temp=1 data=random_sign chi=3", "chi is 3, but data = random_sign has chi = 0"},
        {"model=perceptron temp=1 data=sign teacher=random",
         "teacher is random, but data = sign has teacher = axis; accepted is axis"},
        {"model=perceptron temp=1 data=random_sign teacher=axis",
         "teacher is axis, but data = random_sign has teacher = random; accepted is random"},
        {"model=perceptron temp=1 dynamics=gd batch=2", "batch is 2, but dynamics = gd takes all train = 1024 samples"},
        {"model=perceptron temp=1 train=4294967295 dim=2147483648", "takes over 10^19 bytes of memory"},
        {"model=perceptron temp=1 test=4294967295 dim=2147483648", "test = 4294967295 takes"},
        {"model=perceptron temp=1 train=4294967295 dim=1e5", "accepted is train up to"},
        {"model=perceptron temp=1 train=inf",
         "train is inf, and such a run is never fitted, but max_steps, max_updates "
         "and max_seconds are none; accepted is a number for one of them"},
        {"model=perceptron temp=1 train=inf max_steps=5 batch=full", "batch is full, but train is inf; accepted is"},
        {"model=perceptron temp=1 train=inf max_steps=5 dynamics=gd", "dynamics is gd, but train = inf has no full"},
        {"model=perceptron temp=1 train=inf max_steps=5 engine=fast", "engine is fast, but train = inf has no samples"},
        {"model=perceptron temp=1 train=inf max_steps=5 batch=4294967295 dim=1e5", "accepted is batch up to"},
        {"model=perceptron temp=1 width=64",
         "width is 64, but model = perceptron has no width; accepted is to leave it"},
        {"model=perceptron temp=1 kernel=64", "kernel is 64, but model = perceptron has no kernel"},
        {"model=simple_cnn temp=1 data=mnist_parity depth=2", "depth is 2, but model = simple_cnn has no depth"},
        {"model=mlp temp=1 data=cifar_animal chi=1", "chi is 1, but data = cifar_animal has no chi"},
        {"model=mlp temp=1 data=mnist_parity dim=10", "dim is 10, but data = mnist_parity has no dim"},
        {"model=mlp temp=1 data_dir=x", "data_dir is x, but data = depleted has no data_dir"},
        {"model=mlp temp=1 linear=yes kernel=9", "kernel is 9, but model = mlp with linear = yes has no kernel"},
        {"model=perceptron temp=1 data=stripe", "data is stripe, but model = perceptron learns what a plane divides"},
        {"model=mnas temp=1",
         "data is depleted, vectors of dim = 128, but model = mnas takes images; accepted is mnist"},
        {"model=mlp temp=1 train=inf max_steps=5", "train is inf, but model = mlp learns from samples"},
        {"model=mlp temp=1 linear=yes dynamics=sde",
         "dynamics is sde, but linear = yes trains margins under the hinge"},
        {"model=mlp temp=1 linear=yes loss=mse max_steps=5", "loss is mse, but linear = yes needs the hinge"},
        {"model=mlp temp=1 linear=yes engine=plain", "engine is plain, but linear = yes always skips idle steps"},
        {"model=mlp temp=1 dynamics=flow batch=4", "batch is 4, but dynamics = flow takes all train = 1024 samples"},
        {"model=mlp temp=1 dynamics=flow engine=fast",
         "engine is fast, but dynamics = flow with loss = hinge has no idle"},
        {"model=perceptron temp=1 loss=mse", "loss is mse, and such a run is hardly ever fitted, but max_steps"},
        {"model=mlp temp=1 max_steps=99 fluctuations=15", "fluctuations is 15, too few snapshots for a covariance; "
                                                          "accepted is 0, or an integer from 16 to 2048"},
        {"model=mlp temp=1 fluctuations=16", "fluctuations is 16, but max_steps is none"},
        {"model=mlp temp=1 max_steps=31 fluctuations=17",
         "only 16 of max_steps = 31 steps are left after burn_in = 15"},
        {"model=mlp temp=1 max_steps=99 fluctuations=16 burn_in=84", "only 15 of max_steps = 99 steps are left"},
        {"model=mlp temp=1 max_steps=99 fluctuations=16 burn_in=99", "only 0 of max_steps = 99 steps are left"},
        {"model=mlp temp=1 max_steps=99 burn_in=9", "burn_in is given, but fluctuations = 0"},
        {"model=mlp temp=1 max_steps=99 fluctuations=16 linear=yes", "mlp with linear = yes has no fluctuations"},
        {"model=perceptron temp=1 max_steps=99 fluctuations=16 train=inf", "fluctuations is 16, but train = inf"},
        {"model=mlp rate=1 max_steps=99 fluctuations=16 dynamics=flow", "dynamics = flow has no noise"},
        {"model=mlp rate=1 max_steps=99 fluctuations=16 dynamics=gd", "dynamics = gd takes all training samples"},
        {"model=mlp rate=1 max_steps=99 fluctuations=16 train=20 batch=full",
         "with batch = full no step draws samples"},
        {"model=mlp rate=1 max_steps=99 fluctuations=16 train=20 batch=20", "with batch = full no step draws samples"},
        {"model=mlp rate=1 max_steps=99 fluctuations=16 train=20 batch=20 dynamics=sde", "weights have no noise"},
        {"model=mlp temp=1 train=20 kernel=21", "kernel is 21, more than train = 20; accepted is an integer from 0 to"},
        {"model=perceptron temp=1 train=inf max_steps=5 sampling=epoch",
         "sampling is epoch, but train = inf has no epochs"},
        {"model=perceptron temp=1 curvature=4",
         "curvature is 4, but the hinge of model = perceptron, which is linear in its weights, has no second"},
        {"model=perceptron rate=1 max_steps=99 fluctuations=16 curvature=4",
         "curvature is 4, but the hinge of model = perceptron, which is linear in its weights, has no second"},
        {"model=perceptron rate=1 dynamics=unfitted curvature=4",
         "curvature is 4, but the hinge of model = perceptron, which is linear in its weights, has no second"},
        {"model=mlp linear=yes temp=1 loss=mse curvature=4",
         "loss is mse, but linear = yes needs the hinge; accepted is hinge"},
        {"model=mlp linear=yes temp=1 curvature=4", "curvature is 4, but linear = yes trains a model that is linear"},
        {"model=perceptron temp=1 train=inf max_steps=5 curvature=0", "curvature is 0, but train = inf has no"},
        {"model=perceptron temp=1 dynamics=gd sampling=epoch",
         "sampling is epoch, but dynamics = gd does not take batch"},
        {"model=mlp temp=1 dynamics=sde sampling=epoch",
         "sampling is epoch, but dynamics = sde does not take batch after"},
        {"model=perceptron temp=1 train=inf max_steps=5 momentum=0.5",
         "momentum is 0.5, but train = inf has the plain"},
        {"model=mlp temp=1 linear=yes weight_decay=0.5", "weight_decay is greater than 0, and such a run is hardly"},
        {"model=mlp temp=1 linear=yes dynamics=unfitted momentum=0.5",
         "momentum is 0.5, but is not defined for dynamics = unfitted"},
        {"model=mlp temp=1 linear=yes engine=fast momentum=0.5", "engine is fast, but with momentum = 0.5 every step"},
        {"model=perceptron temp=1 init=w.npy", "init is given, but the output of model = perceptron depends on the"},
        {"model=perceptron temp=1 linear=yes init=w.npy", "init is given, but the output of model = perceptron"},
        {"model=mlp temp=1 init=w.npy seed_init=3", "seed_init is 3, but init gives the initial weights, so that none"},
        {"model=mlp temp=1 dynamics=flow momentum=0.5", "momentum is 0.5, but is not defined for dynamics = flow"},
        {"model=mlp temp=1 engine=fast momentum=0.5", "engine is fast, but with momentum = 0.5 every step moves the"},
        {"model=mlp temp=1 linear=yes loss=logistic", "loss is logistic, but linear = yes needs the hinge"},
        {"model=perceptron temp=1 train=inf max_steps=5 loss=logistic", "loss is logistic, but train = inf needs the"},
        {"model=perceptron temp=1 weight_decay=0.1",
         "weight_decay is greater than 0, and such a run is hardly ever fitted"},
        {"model=mlp temp=1 width=1000000 depth=1000", "accepted is width up to"},
        {"model=mlp temp=1 linear=yes train=4000000", "accepted is train up to"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ch_settings settings = with(cases[i].pairs);
        ch_resolved resolved;
        ch_error err = {0};
        assert_int_equal(resolve_and_admit(&settings, &resolved, &err), CH_ERROR_INPUT);
        assert_has(err.message, cases[i].message);
    }
}

/* train = inf with each kind of budget. `theory` resolves settings without asking whether a run may begin. */
static void test_train_may_be_infinite(void **state)
{
    (void)state;
    static const char *const budgets[] = {"max_steps=5", "max_updates=5", "max_seconds=5", "max_steps=5 engine=plain"};
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        char pairs[128], text[32];
        snprintf(pairs, sizeof pairs, "model=perceptron temp=0.5 batch=5000 train=inf %s", budgets[i]);
        const ch_settings s = resolved(pairs);
        assert_true(s.train == 0 && s.batch == 5000 && s.rate == 2500);
        assert_int_equal(s.engine, CH_ENGINE_PLAIN);
        ch_setting_format(&ch_settings_table[CH_SETTING_TRAIN], (ch_value){.count = s.train}, text, sizeof text);
        assert_string_equal(text, "inf");
    }
    static const char *const unbound[] = {"model=perceptron temp=1 train=inf",
                                          "model=perceptron temp=1 train=4294967295 dim=2147483648"};
    for (size_t i = 0; i < sizeof unbound / sizeof *unbound; i++) {
        const ch_resolved resolved = resolved_of(unbound[i]);
        assert_true(resolved.settings.rate == 2);
        assert_int_equal(ch_admit(&resolved, NULL), CH_ERROR_INPUT);
    }
}

/* Settings that a program fills in are checked as those that are parsed. */
static void test_every_row_is_checked_when_resolving(void **state)
{
    (void)state;
    for (size_t i = 0; i < ch_settings_count; i++) {
        ch_settings settings = with(i == CH_SETTING_RATE ? "model=perceptron" : "model=perceptron temp=1");
        ch_value bad = {.count = UINT64_MAX};
        if (ch_settings_table[i].type == CH_TYPE_REAL) {
            bad.real = NAN;
        } else if (ch_settings_table[i].type == CH_TYPE_TEXT || ch_settings_table[i].type == CH_TYPE_RULE ||
                   ch_settings_table[i].type == CH_TYPE_CONTENT) {
            bad.text = "";
        }
        ch_settings_set(&settings, i, bad);
        ch_error err = {0};
        ch_resolved resolved, before;
        char start[32];
        memset(&resolved, 0x5A, sizeof resolved);
        before = resolved;
        assert_int_equal(ch_settings_resolve(&settings, &resolved, &err), CH_ERROR_INPUT);
        assert_memory_equal(&before, &resolved, sizeof before);
        snprintf(start, sizeof start, "%s is '", ch_settings_table[i].name);
        assert_memory_equal(err.message, start, strlen(start));
        assert_has(err.message, "accepted is ");
    }
}

/* ---- identity ---- */

static void test_identity_is_of_the_resolved_values(void **state)
{
    (void)state;
    char a[CH_ID_SIZE], b[CH_ID_SIZE];
    ch_resolved resolved = resolved_of("model=perceptron temp=0.5 batch=2");
    ch_settings_id(&resolved, a);
    assert_int_equal(strlen(a), CH_ID_SIZE - 1);
    assert_int_equal(strspn(a, "0123456789abcdef"), CH_ID_SIZE - 1);
    resolved = resolved_of("model=perceptron rate=1 chi=0 seed_data=0 engine=fast");
    ch_settings_id(&resolved, b);
    assert_string_equal(a, b);
}

/* -0 and 0 are one value of chi, under every law with a chi. A program may set either. */
static void test_zero_has_one_identity(void **state)
{
    (void)state;
    static const char *const laws[] = {"depleted", "sign", "random_sign"};
    for (size_t i = 0; i < sizeof laws / sizeof *laws; i++) {
        char pairs[96], plus[CH_ID_SIZE], minus[CH_ID_SIZE];
        snprintf(pairs, sizeof pairs, "model=perceptron temp=0.5 data=%s chi=0", laws[i]);
        ch_settings settings = with(pairs);
        ch_resolved resolved = resolved_of(pairs);
        ch_settings_id(&resolved, plus);
        ch_settings_set(&settings, CH_SETTING_CHI, (ch_value){.real = -0.0});
        assert_true(signbit(settings.chi));
        assert_int_equal(ch_settings_resolve(&settings, &resolved, NULL), CH_OK);
        ch_settings_id(&resolved, minus);
        assert_string_equal(plus, minus);
        assert_false(signbit(resolved.settings.chi));
    }
}

/* The digest is that of `printf 'results_version=2\nmodel=perceptron\n…' | sha256sum | cut -c -32`. It changes only
 * when CH_RESULTS_VERSION or the table does, and then runs in older stores are not found any more. */
static void test_identity_is_the_documented_hash(void **state)
{
    (void)state;
    char id[CH_ID_SIZE];
    const ch_resolved resolved = resolved_of("model=perceptron temp=0.1");
    ch_settings_id(&resolved, id);
    assert_string_equal(id, "fcef4d42340f07a0b788292a549027c5");
}

/* Runs whose number of unfitted samples in a large batch is drawn have a results version of their own. The identities
 * of all others are those that they had before there was one: they were written down from the program of that time. */
static void test_large_batches_have_their_results_version(void **state)
{
    (void)state;
    static const struct {
        const char *pairs;
        int version;
        const char *id;
    } cases[] = {
        {"batch=255", 2, "217c98a2953da6ff7d4f5ef47d0a95e9"},
        {"batch=256", 3, NULL},
        {"batch=full", 3, NULL},
        {"batch=256 engine=plain", 2, "75b0f3e6d36d15b9d08ee78df69ce1c5"},
        {"batch=256 sampling=epoch", 2, "e259f0fcb5d8b97c52a262aaf8fed049"},
        {"batch=256 momentum=0.5", 2, NULL},
        {"batch=256 train=inf max_steps=9", 2, NULL},
        {"batch=256 linear=yes", 3, NULL},
        {"batch=255 linear=yes", 2, NULL},
        {"batch=1024 linear=yes", 2, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char pairs[128], id[CH_ID_SIZE];
        const char *train = strstr(cases[i].pairs, "train=") != NULL ? "" : " train=1024";
        snprintf(pairs, sizeof pairs, "model=perceptron dim=8 temp=0.1 %s%s", cases[i].pairs, train);
        const ch_resolved resolved = resolved_of(pairs);
        assert_int_equal(ch_results_version(&resolved.settings), cases[i].version);
        ch_settings_id(&resolved, id);
        if (cases[i].id != NULL) {
            assert_string_equal(id, cases[i].id);
        }
    }
}

/* A setting that older runs did not have is no part of the identity at its default, in whatever way that is said. */
static void test_implied_settings_have_no_part_in_the_identity(void **state)
{
    (void)state;
    static const char *const same[] = {"sampling=independent", "momentum=0", "weight_decay=-0"};
    static const char *const other[] = {"sampling=epoch", "momentum=0.5", "weight_decay=1e-9"};
    char before[CH_ID_SIZE], id[CH_ID_SIZE], pairs[96];
    ch_resolved resolved = resolved_of("model=perceptron temp=0.1 engine=plain");
    ch_settings_id(&resolved, before);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        snprintf(pairs, sizeof pairs, "model=perceptron temp=0.1 engine=plain %s", same[i]);
        resolved = resolved_of(pairs);
        ch_settings_id(&resolved, id);
        assert_string_equal(id, before);
        snprintf(pairs, sizeof pairs, "model=perceptron temp=0.1 engine=plain %s", other[i]);
        resolved = resolved_of(pairs);
        ch_settings_id(&resolved, id);
        assert_string_not_equal(id, before);
    }
}

static void test_every_setting_changes_the_identity(void **state)
{
    (void)state;
    char before[CH_ID_SIZE], after[CH_ID_SIZE];
    const ch_resolved perceptron = resolved_of("model=perceptron temp=0.5"), mlp = resolved_of("model=mlp temp=0.5");
    const ch_resolved file = resolved_of("model=mlp temp=0.5 data_file=x");
    const ch_resolved sampled = resolved_of("model=mlp temp=0.5 max_steps=1000 fluctuations=16");
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const ch_resolved resolved = ch_setting_applies(&perceptron.settings, i) ? perceptron
                                     : ch_setting_applies(&mlp.settings, i)      ? mlp
                                     : ch_setting_applies(&file.settings, i)     ? file
                                                                                 : sampled;
        ch_resolved changed = resolved;
        ch_settings_id(&resolved, before);
        const ch_setting *row = &ch_settings_table[i];
        ch_value value = {.count = 100 + i};
        if (row->type == CH_TYPE_REAL) {
            value.real = 0.123;
        } else if (row->type == CH_TYPE_CHOICE) {
            value.count = ch_settings_get(&resolved.settings, i).count + 1;
            value.count = row->choice(value.count) != NULL ? value.count : 0;
        } else if (row->type == CH_TYPE_RULE) {
            value.text = "3 vs 7";
        } else if (row->type == CH_TYPE_CONTENT) {
            value.text = "w0.npy";
        }
        ch_settings_set(&changed.settings, i, value);
        ch_settings_id(&changed, after);
        assert_string_not_equal(before, after);
    }
}

/* A run that starts from a file is known by the digest of the file, and by nothing that would have drawn its weights.
 */
static void test_initial_weights_are_known_by_their_digest(void **state)
{
    (void)state;
    char drawn[CH_ID_SIZE], one[CH_ID_SIZE], other[CH_ID_SIZE], shown[CH_SETTING_TEXT_SIZE];
    ch_resolved resolved = resolved_of("model=mlp temp=0.1 init=none seed=0");
    ch_settings_id(&resolved, drawn);
    resolved = resolved_of("model=mlp temp=0.1");
    ch_settings_id(&resolved, one);
    assert_string_equal(one, drawn);
    resolved = resolved_of("model=mlp temp=0.1 init=w0.npy seed=0");
    assert_false(ch_setting_applies(&resolved.settings, CH_SETTING_SEED_INIT));
    memset(resolved.settings.init_digest, 'a', CH_SHA256_SIZE - 1);
    ch_settings_id(&resolved, one);
    assert_string_not_equal(one, drawn);
    resolved.settings.init = "elsewhere/w0.npy"; /* where the file lies is no part of it */
    resolved.settings.seed_init = 5;
    ch_settings_id(&resolved, other);
    assert_string_equal(one, other);
    resolved.settings.init_digest[63] = 'b';
    ch_settings_id(&resolved, other);
    assert_string_not_equal(one, other);
    const ch_setting *row = &ch_settings_table[CH_SETTING_INIT];
    ch_setting_show(row, ch_settings_get(&resolved.settings, CH_SETTING_INIT), shown, sizeof shown);
    assert_string_equal(shown, "aaaaaaaa");
    ch_setting_format(row, ch_settings_get(&resolved.settings, CH_SETTING_INIT), shown, sizeof shown);
    assert_string_equal(shown, resolved.settings.init_digest);
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

int main(void)
{
    /* suites: valgrind */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_initial_weights_are_known_by_their_digest),
        cmocka_unit_test(test_help_of_depth),
        cmocka_unit_test(test_rows_are_in_the_order_of_the_enum),
        cmocka_unit_test(test_rows_do_not_share_memory),
        cmocka_unit_test(test_words_used_elsewhere_get_the_right_name),
        cmocka_unit_test(test_unknown_names_are_refused_with_the_nearest),
        cmocka_unit_test(test_defaults_fill_every_field),
        cmocka_unit_test(test_bad_words_are_refused),
        cmocka_unit_test(test_bad_counts_are_refused),
        cmocka_unit_test(test_bad_seeds_and_budgets_are_refused),
        cmocka_unit_test(test_bad_reals_are_refused),
        cmocka_unit_test(test_bad_spellings_of_numbers_are_refused),
        cmocka_unit_test(test_numbers_are_read_in_every_spelling),
        cmocka_unit_test(test_values_are_written_as_they_are_read),
        cmocka_unit_test(test_the_locale_does_not_matter),
        cmocka_unit_test(test_what_follows_is_filled_in),
        cmocka_unit_test(test_networks_have_their_temperature_and_engine),
        cmocka_unit_test(test_the_folder_of_images),
        cmocka_unit_test(test_own_files),
        cmocka_unit_test(test_resolving_twice_is_resolving_once),
        cmocka_unit_test(test_combinations_that_make_no_sense_are_refused),
        cmocka_unit_test(test_train_may_be_infinite),
        cmocka_unit_test(test_every_row_is_checked_when_resolving),
        cmocka_unit_test(test_identity_is_of_the_resolved_values),
        cmocka_unit_test(test_zero_has_one_identity),
        cmocka_unit_test(test_identity_is_the_documented_hash),
        cmocka_unit_test(test_large_batches_have_their_results_version),
        cmocka_unit_test(test_implied_settings_have_no_part_in_the_identity),
        cmocka_unit_test(test_every_setting_changes_the_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
