/* test_program_theory.c — `chiton theory` on training sets of finite size: lists of P and T, exponents over them, the
 * way, reasons why nothing can be said, and the folder of tables. A table takes a second, and ten under checkers, so
 * that only tests of the folder make their own. */
#include "tests/program_support.h"

#include <jansson.h>
#include <math.h>

static json_t *parsed(void)
{
    json_error_t failure;
    json_t *value = json_loads(out, 0, &failure);
    if (value == NULL) {
        fail_msg("%s: %s", failure.text, out);
    }
    return value;
}

static double number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static double value_at(const json_t *finite, size_t row, const char *name)
{
    return number(json_object_get(json_array_get(finite, row), name), "value");
}

static double exponent(const json_t *theory, const char *name, const char *member)
{
    const json_t *list = json_object_get(theory, "exponents");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0) {
            return number(row, member);
        }
    }
    fail_msg("no exponent %s", name);
    return NAN;
}

/* Two P and two T: a row each, P outside, and exponents that are the slopes between them, means over the other. */
static void test_lists_give_a_row_each_and_exponents(void **state)
{
    (void)state;
    assert_succeeds("theory --chi 0 --dim 8 --train 2^8..2^9 --temp 1,4 --json");
    json_t *theory = parsed();
    const json_t *finite = json_object_get(theory, "finite");
    static const double trains[] = {256, 256, 512, 512}, temps[] = {1, 4, 1, 4};
    assert_int_equal(json_array_size(finite), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(number(json_array_get(finite, i), "train") == trains[i]);
        assert_true(number(json_array_get(finite, i), "temp") == temps[i]);
        assert_true(json_is_null(json_object_get(json_array_get(finite, i), "reason")));
        /* the test error at chi = 0 is arctan(1/lambda) / pi; means of logarithms of both agree closely */
        const double lambda = value_at(finite, i, "lambda");
        assert_close(value_at(finite, i, "test_error"), atan(1 / lambda) / M_PI, 0.01);
        assert_close(value_at(finite, i, "signal"), lambda * value_at(finite, i, "noise"), 1e-6);
        assert_true(number(json_object_get(json_array_get(finite, i), "time"), "spread") > 0.1);
    }
    double gamma = 0, b = 0, delta = 0;
    for (size_t i = 0; i < 2; i++) {
        gamma += log2(value_at(finite, 2 + i, "weight_change") / value_at(finite, i, "weight_change")) / 2;
        b += log2(value_at(finite, 2 + i, "time") / value_at(finite, i, "time")) / 2;
        delta += log2(value_at(finite, 2 * i + 1, "weight_change") / value_at(finite, 2 * i, "weight_change")) / 4;
    }
    assert_close(exponent(theory, "gamma", "expected"), gamma, 1e-9);
    assert_close(exponent(theory, "b", "expected"), b, 1e-9);
    assert_close(exponent(theory, "delta", "expected"), delta, 1e-9);
    assert_close(exponent(theory, "time_delta", "expected"), 1, 0.01);
    assert_true(exponent(theory, "gamma", "theory") == 1 && exponent(theory, "b", "theory") == 3);
    assert_true(gamma > 0.6 && gamma < 1 && b > 2 && b < 3);
    assert_null(json_object_get(theory, "prediction")); /* which is that of one P and T */
    assert_null(json_object_get(json_object_get(theory, "settings"), "temp"));
    assert_true(number(json_object_get(theory, "settings"), "batch") == 2);
    json_decref(theory);
}

static void test_rates_are_temperatures_times_the_batch(void **state)
{
    (void)state;
    assert_succeeds("theory --chi 0 --dim 8 --train 512 --batch 4 --rate 4,16 --json");
    json_t *theory = parsed();
    const json_t *finite = json_object_get(theory, "finite");
    assert_int_equal(json_array_size(finite), 2);
    assert_true(number(json_array_get(finite, 0), "temp") == 1 && number(json_array_get(finite, 1), "temp") == 4);
    assert_true(number(json_object_get(theory, "settings"), "train") == 512);
    assert_close(exponent(theory, "delta", "expected"), 1, 0.02);
    json_decref(theory);
}

static void test_tables_in_text_and_csv(void **state)
{
    (void)state;
    assert_succeeds("theory --chi 0 --dim 8 --train 4,256,512 --temp 1");
    assert_ptr_equal(strstr(out, "theory at chi = 0"), out);
    assert_says(out, "at dim = 8, alpha = 2^15, batch = 2, temp = 1, rate = 2\n");
    assert_says(out, "      train      temp           lambda ");
    assert_says(out, "  -: train is 4; what is expected of a finite training set needs train >= dim = 8\n");
    assert_says(out, "  gamma           0.");
    assert_null(strstr(out, "online:"));
    assert_succeeds("theory --chi 0 --dim 8 --train 4,256,512 --temp 1 --csv");
    assert_ptr_equal(strstr(out, "train,temp,lambda,lambda_spread,signal,signal_spread,noise,noise_spread,"
                                 "weight_change,weight_change_spread,time,time_spread,test_error,test_error_spread\n"
                                 "4,1,,,,,,,,,,,,\n256,1,"),
                     out);
}

/* Early the finite training set is as good as fresh samples; when all its trainings have ended nothing is left. */
static void test_the_way_beside_the_online_trajectory(void **state)
{
    (void)state;
    assert_succeeds("theory --chi 0 --dim 8 --train 512 --temp 1 --record 1 --until 1e9 --json");
    json_t *theory = parsed();
    const json_t *online = json_object_get(theory, "online"), *way = json_object_get(theory, "finite_way");
    assert_int_equal(json_array_size(json_object_get(theory, "finite")), 1);
    assert_int_equal(json_array_size(json_object_get(theory, "exponents")), 0);
    const size_t count = json_array_size(online);
    assert_int_equal(json_array_size(way), count);
    for (size_t i = 0; i < count; i++) {
        assert_true(number(json_array_get(way, i), "time") == number(json_array_get(online, i), "time"));
    }
    const json_t *early = json_array_get(way, 1), *fresh = json_array_get(online, 1), *late = json_array_get(way, 4);
    assert_close(number(early, "signal"), number(fresh, "signal"), 0.02);
    assert_close(number(early, "noise"), number(fresh, "noise"), 0.05);
    assert_close(number(early, "unfitted"), number(fresh, "unfitted"), 0.05);
    assert_close(number(early, "running"), 1, 1e-6);
    assert_true(number(late, "signal") < number(json_array_get(online, 4), "signal"));
    assert_true(number(late, "unfitted") < number(json_array_get(online, 4), "unfitted"));
    const json_t *ended = json_array_get(way, count - 1);
    assert_true(json_is_null(json_object_get(ended, "signal")) && number(ended, "running") < 1e-6);
    json_decref(theory);
    assert_succeeds("theory --chi 0 --dim 8 --train 512 --temp 1 --record 1 --until 1e9 --csv");
    assert_ptr_equal(strstr(out, "time,signal,noise,lambda,unfitted,loss,test_error,finite_signal,finite_noise,"
                                 "finite_unfitted\n2,"),
                     out);
    assert_string_equal(out + strlen(out) - 4, ",,,\n");
    assert_succeeds("theory --chi 0 --dim 8 --train 512 --temp 1");
    assert_says(out, " finite_unfitted\n");
}

/* T_c at each P by both definitions of ||Dw||: the onset is at kappa = 2^-15 up to a factor, and escape is where the
 * expected ||Dw|| is sqrt(d), between the two T at which it is less and more. */
static void test_critical_temperatures(void **state)
{
    (void)state;
    size_t onsets = 0, escapes = 0, named = 0, i;
    const json_t *one;
    assert_succeeds("theory --chi 0 --dim 8 --train 64,256 --temp 4^-9..4^1 --json");
    json_t *theory = parsed();
    json_array_foreach(json_object_get(theory, "tc"), i, one)
    {
        const char *definition = json_string_value(json_object_get(one, "definition"));
        if (strcmp(definition, "onset") == 0) {
            assert_true(number(one, "expected") > 0x1p-16 && number(one, "expected") < 0x1p-12);
            onsets++;
        } else if (strcmp(definition, "escape") == 0) {
            const json_t *cell;
            size_t k;
            json_array_foreach(json_object_get(theory, "finite"), k, cell)
            {
                if (number(cell, "train") == number(one, "train")) {
                    assert_true((number(json_object_get(cell, "weight_change"), "value") > sqrt(8)) ==
                                (number(cell, "temp") > number(one, "expected")));
                }
            }
            escapes++;
        }
    }
    json_array_foreach(json_object_get(theory, "exponents"), i, one)
    {
        named += strcmp(json_string_value(json_object_get(one, "name")), "a") == 0;
    }
    assert_int_equal(onsets, 2);
    assert_int_equal(escapes, 2);
    assert_true(named >= 2);
    json_decref(theory);
    assert_succeeds("theory --chi 0 --dim 8 --train 64,256 --temp 4^-9..4^1");
    assert_says(out, "a by escape");
}

/* Where nothing can be said the reason stands in its place, and the rest is printed as before. */
static void test_reasons(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        const char *reason[2];
    } cases[] = {{"--dim 8 --train 4", {"train is 4", "train >= dim = 8"}},
                 {"--dim 8 --train inf --until 100", {"train is inf", "a number >= dim = 8"}},
                 {"--dim 513 --train 4096", {"dim is 513", "dim <= 512"}},
                 {"--dim 8 --train 512 --batch 257", {"batch is 257", "batch <= 4 train/dim = 256"}},
                 {"--dim 8 --train 512 --batch full", {"batch is 512", "batch <= 4 train/dim = 256"}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_succeeds("theory --chi 0 --temp 1 %s --json", cases[i].settings);
        json_t *theory = parsed();
        const json_t *row = json_array_get(json_object_get(theory, "finite"), 0);
        const char *reason = json_string_value(json_object_get(row, "reason"));
        assert_non_null(reason);
        assert_says(reason, cases[i].reason[0]);
        assert_says(reason, cases[i].reason[1]);
        assert_true(json_is_null(json_object_get(json_object_get(row, "lambda"), "value")));
        assert_true(json_array_size(json_object_get(theory, "online")) > 0);
        assert_int_equal(json_array_size(json_object_get(theory, "finite_way")), 0);
        json_decref(theory);
        assert_succeeds("theory --chi 0 --temp 1 %s", cases[i].settings);
        assert_says(out, cases[i].reason[0]);
        assert_says(out, "online: every batch fresh");
    }
    /* B far from P is no condition for T far below kappa, where the weights hardly change in a step */
    assert_succeeds("theory --chi 0 --temp 1e-3 --alpha 1 --dim 8 --train 512 --batch full --json");
    assert_says(out, "\"reason\": null");
}

/* Where what is expected is known to be less accurate, a sentence says in what and by how much; elsewhere none does. */
static void test_cautions(void **state)
{
    (void)state;
    static const struct {
        const char *settings, *caution; /* NULL: none */
    } cases[] = {{"--chi 0 --dim 8 --temp 1", NULL},
                 {"--chi 0 --dim 8 --temp 2^-15,1", NULL},
                 {"--chi 0 --dim 8 --temp 2^-18", "temp is under 1/(4 alpha)"},
                 {"--chi 0 --dim 8 --temp 2^-18,2^-19,1", "temp is under 1/(4 alpha)"},
                 {"--chi=-0.5 --dim 8 --temp 1", "chi is under -0.3"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_succeeds("theory --train 512 %s --json", cases[i].settings);
        json_t *theory = parsed();
        const json_t *list = json_object_get(theory, "cautions");
        assert_int_equal(json_array_size(list), cases[i].caution != NULL);
        if (cases[i].caution != NULL) {
            assert_says(json_string_value(json_array_get(list, 0)), cases[i].caution);
        }
        json_decref(theory);
        assert_succeeds("theory --train 512 %s", cases[i].settings);
        assert_true((strstr(out, "less accurate here: ") != NULL) == (cases[i].caution != NULL));
    }
    /* nothing is expected of P < d, so that nothing is less accurate there */
    assert_succeeds("theory --chi=-0.5 --dim 8 --train 4 --temp 1");
    assert_null(strstr(out, "less accurate"));
}

/* ---- the folder of tables ---- */

static char shared_folder[PATH_MAX];

static void keep_tables(const char *path)
{
    assert_int_equal(setenv("CHITON_CACHE", path, 1), 0);
}

/* The serial number of a file. A table that is made again gets a new one, as it is written beside and then renamed. */
static ino_t serial_of(const char *name)
{
    struct stat about;
    return stat(path_of(name), &about) == 0 ? about.st_ino : 0;
}

#define SMALL "theory --chi 0 --dim 8 --train 512 --temp 1"

static void test_tables_are_made_once(void **state)
{
    (void)state;
    static char first[sizeof out];
    keep_tables("cache");
    assert_succeeds(SMALL);
    const ino_t serial = serial_of("cache/box-2-chi0-dim8-margin0");
    strcpy(first, out);
    assert_true(serial != 0);
    assert_succeeds(SMALL);
    assert_string_equal(out, first);
    assert_true(serial_of("cache/box-2-chi0-dim8-margin0") == serial);
    /* a damaged table is made again */
    assert_int_equal(truncate(path_of("cache/box-2-chi0-dim8-margin0"), 1000), 0);
    assert_succeeds(SMALL);
    assert_string_equal(out, first);
    assert_true(serial_of("cache/box-2-chi0-dim8-margin0") != serial);
    keep_tables(shared_folder);
}

/* Under checkers nothing is expected, which needs no table: the folder is made all the same. */
static void assert_makes(const char *path)
{
    if (is_sanitized()) {
        assert_succeeds(SMALL " --batch full");
    } else {
        assert_succeeds(SMALL);
        char table[PATH_MAX];
        snprintf(table, sizeof table, "%s/box-2-chi0-dim8-margin0", path);
        assert_true(serial_of(table) != 0);
    }
    assert_true(serial_of(path) != 0);
}

static void test_the_folder_of_tables(void **state)
{
    (void)state;
    char home[PATH_MAX], old_home[PATH_MAX];
    snprintf(old_home, sizeof old_home, "%s", getenv("HOME") != NULL ? getenv("HOME") : "/");
    snprintf(home, sizeof home, "%s/home", folder);
    setenv("HOME", home, 1);
    unsetenv("XDG_CACHE_HOME");
    keep_tables(""); /* as if it was not set */
    assert_makes("home/.cache/chiton");
    snprintf(home, sizeof home, "%s/xdg", folder);
    setenv("XDG_CACHE_HOME", home, 1);
    assert_makes("xdg/chiton");
    /* a file that is in the way is no failure */
    FILE *file = fopen(path_of("file"), "w");
    assert_non_null(file);
    fclose(file);
    keep_tables("file/cache");
    assert_succeeds(SMALL "%s", is_sanitized() ? " --batch full" : "");
    assert_says(out, is_sanitized() ? "batch is 512" : "finite_unfitted");
    keep_tables(shared_folder);
    setenv("HOME", old_home, 1);
    unsetenv("XDG_CACHE_HOME");
}

/* Tests share the tables of tests/run.sh. Where that does not run them each has its own. */
static int locate_and_keep_tables(void **state)
{
    const int code = locate_program(state);
    const char *named = getenv("CHITON_CACHE");
    snprintf(shared_folder, sizeof shared_folder, "%s", named != NULL ? named : "cache");
    return code;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_lists_give_a_row_each_and_exponents),
        STORE_TEST(test_rates_are_temperatures_times_the_batch),
        STORE_TEST(test_tables_in_text_and_csv),
        STORE_TEST(test_the_way_beside_the_online_trajectory),
        STORE_TEST(test_critical_temperatures),
        STORE_TEST(test_reasons),
        STORE_TEST(test_cautions),
        STORE_TEST(test_tables_are_made_once),
        STORE_TEST(test_the_folder_of_tables),
    };
    return cmocka_run_group_tests(tests, locate_and_keep_tables, NULL);
}
