/* test_cli.c — command lines, and a run as JSON. */
#include "tests/alloc_fail.h"
#include "tests/support.h"

#include "cli/cli.h"
#include "cli/ranks.h"
#include "core/clock.h"
#include "sim/store/json.h"
#include "sim/store/results.h"

#include <math.h>
#include <signal.h>
#include <string.h>

enum { MAX_ARGUMENTS = 16 };

/* A command with an option of each kind. */
typedef struct {
    char *output;
    int threads, json;
} own_options;

static ch_code parse(ch_cli *cli, own_options *own, bool with_settings, const char *const *words, ch_error *err)
{
    const char *argv[MAX_ARGUMENTS] = {"command"};
    int argc = 1;
    for (; words[argc - 1] != NULL; argc++) {
        argv[argc] = words[argc - 1];
    }
    const struct poptOption options[] = {{"output", 'o', POPT_ARG_STRING, &own->output, 0, "a store", "STORE"},
                                         {"threads", 'j', POPT_ARG_INT, &own->threads, 0, "threads", "THREADS"},
                                         {"json", '\0', POPT_ARG_NONE, &own->json, 0, "JSON", NULL},
                                         POPT_TABLEEND};
    memset(own, 0, sizeof *own);
    return ch_cli_init(cli, argc, argv, options, with_settings, "command MODEL", err);
}

static void assert_has(const char *message, const char *part)
{
    if (strstr(message, part) == NULL) {
        fail_msg("'%s' lacks '%s'", message, part);
    }
}

static void test_options_settings_and_arguments_are_told_apart(void **state)
{
    (void)state;
    ch_cli cli;
    own_options own;
    ch_error err = {0};
    const char *const words[] = {"perceptron", "--chi", "-0.5", "--max-steps",   "5", "-o", "a.db", "--temp=2^-1",
                                 "second",     "-j",    "3",    "--max_updates", "7", NULL};
    assert_int_equal(parse(&cli, &own, true, words, &err), CH_OK);
    assert_int_equal(cli.num_arguments, 2);
    assert_string_equal(cli.arguments[0], "perceptron");
    assert_string_equal(cli.arguments[1], "second");
    static const struct {
        size_t setting;
        const char *text;
    } expected[] = {{CH_SETTING_CHI, "-0.5"},
                    {CH_SETTING_MAX_STEPS, "5"},
                    {CH_SETTING_TEMP, "2^-1"},
                    {CH_SETTING_MAX_UPDATES, "7"}};
    assert_int_equal(cli.num_settings, 4);
    for (size_t i = 0; i < cli.num_settings; i++) {
        assert_int_equal(cli.settings[i].setting, expected[i].setting);
        assert_string_equal(cli.settings[i].text, expected[i].text);
    }
    assert_string_equal(own.output, "a.db");
    assert_int_equal(own.threads, 3);
    assert_int_equal(own.json, 0);
    assert_false(cli.help);
    ch_cli_free(&cli);
    ch_cli_free(&cli);
    free(own.output);
}

static void test_bad_command_lines_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *words[4];
        const char *message;
    } cases[] = {
        {{"--tmep", "1"}, "unknown setting 'tmep'; did you mean 'temp'?"},
        {{"--tmep=1"}, "unknown setting 'tmep'; did you mean 'temp'?"},
        {{"--max-stps", "1"}, "unknown setting 'max-stps'; did you mean 'max_steps'?"},
        {{"--quux", "1"}, "unknown setting 'quux'; settings are model, linear"},
        {{"--jsno"}, "unknown option '--jsno'; did you mean '--json'?"},
        {{"-x"}, "unknown option '-x'; see --help"},
        {{"--temp"}, "option '--temp' has no value; accepted is '--temp VALUE'"},
        {{"--temp", "1", "--temp=2"}, "temp is given twice, as '1' and '2'; accepted is once"},
        {{"--max-steps=1", "--max_steps=2"}, "max_steps is given twice"},
        {{"--json", "--json"}, "option --json is given twice; accepted is once"},
        {{"-j", "two"}, "'two' is not accepted; the option takes a number"},
        {{"-j", "99999999999"}, "'99999999999' is not accepted; the option takes a number"},
        {{"--json=1"}, "option '--json=1' takes no value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_cli cli;
        own_options own;
        ch_error err = {0};
        assert_int_equal(parse(&cli, &own, true, cases[i].words, &err), CH_ERROR_INPUT);
        assert_has(err.message, cases[i].message);
        ch_cli_free(&cli);
        free(own.output);
    }
}

static void test_commands_without_settings_take_none(void **state)
{
    (void)state;
    ch_cli cli;
    own_options own;
    ch_error err = {0};
    const char *const setting[] = {"--alpha", "1", NULL}, *const near[] = {"--ouput", "a", NULL};
    assert_int_equal(parse(&cli, &own, false, setting, &err), CH_ERROR_INPUT);
    assert_string_equal(err.message, "unknown option '--alpha'; see --help");
    ch_cli_free(&cli);
    assert_int_equal(parse(&cli, &own, false, near, &err), CH_ERROR_INPUT);
    assert_string_equal(err.message, "unknown option '--ouput'; did you mean '--output'?");
    ch_cli_free(&cli);
}

static void test_every_failing_allocation_is_survived(void **state)
{
    (void)state;
    const char *const words[] = {"perceptron", "--chi", "1", "--seed", "0..4", NULL};
    ch_cli cli;
    own_options own;
    ch_error err;
    long failed;
    assert_failures_are_told(failed, parse(&cli, &own, true, words, &err), err, ch_cli_free(&cli));
    assert_true(failed >= 3);
    ch_cli_free(&cli);
}

static void test_failures_have_their_exit_status(void **state)
{
    (void)state;
    static const struct {
        ch_code code;
        int status;
    } cases[] = {{CH_ERROR_INPUT, 2},
                 {CH_ERROR_MEMORY, 1},
                 {CH_ERROR_IO, 1},
                 {CH_ERROR_NUMERIC, 1},
                 {CH_ERROR_INTERRUPTED, 130}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ch_error err = {.code = cases[i].code, .message = "an expected message of the tests"};
        assert_int_equal(ch_cli_fail(&err), cases[i].status);
    }
}

static ch_run some_run(ch_point *points)
{
    ch_run run = {.status = CH_BUDGET, .steps = 12, .updates = 3, .time = 1.5, .seconds = 0.25};
    ch_settings_default(&run.settings);
    ch_settings_set(&run.settings, CH_SETTING_MODEL, (ch_value){.count = CH_ARCH_PERCEPTRON});
    ch_settings_set(&run.settings, CH_SETTING_TEMP, (ch_value){.real = 0.1});
    ch_settings_set(&run.settings, CH_SETTING_SEED, (ch_value){.count = INT64_MAX});
    assert_int_equal(ch_settings_resolve(&run.settings, &run.resolved, NULL), CH_OK);
    run.final.signal = NAN;
    run.final.noise = INFINITY;
    run.final.unfitted = 4;
    points[0] = (ch_point){.step = 1, .time = 0.2, .observed = {.train_loss = 0.5, .unfitted = 9, .test_error = NAN}};
    points[1] = (ch_point){.step = 12, .time = 1.5};
    run.points = points;
    run.num_points = 2;
    return run;
}

static void test_a_run_is_json(void **state)
{
    (void)state;
    ch_point points[2];
    ch_run run = some_run(points);
    json_t *json = ch_json_run(&run);
    assert_non_null(json);
    for (size_t i = 0; i < ch_settings_count; i++) {
        assert_non_null(json_object_get(json, ch_settings_table[i].name));
    }
    for (size_t i = 0; i < ch_results_count(); i++) {
        assert_non_null(json_object_get(json, ch_result_at(i).name));
    }
    assert_string_equal(json_string_value(json_object_get(json, "model")), "perceptron");
    assert_true(json_real_value(json_object_get(json, "temp")) == 0.1);
    assert_true(json_real_value(json_object_get(json, "rate")) == 0.2);
    assert_int_equal(json_integer_value(json_object_get(json, "seed_data")), INT64_MAX);
    assert_true(json_is_null(json_object_get(json, "max_steps")));
    assert_true(json_is_null(json_object_get(json, "max_seconds")));
    assert_string_equal(json_string_value(json_object_get(json, "status")), "budget");
    assert_int_equal(json_integer_value(json_object_get(json, "steps")), 12);
    assert_int_equal(json_integer_value(json_object_get(json, "unfitted")), 4);
    assert_true(json_is_null(json_object_get(json, "signal")));
    assert_true(json_is_null(json_object_get(json, "noise")));
    assert_string_equal(json_string_value(json_object_get(json, "version")), CH_VERSION);
    const json_t *trajectory = json_object_get(json, "trajectory");
    assert_int_equal(json_array_size(trajectory), 2);
    const json_t *first = json_array_get(trajectory, 0);
    assert_int_equal(json_integer_value(json_object_get(first, "step")), 1);
    assert_true(json_real_value(json_object_get(first, "loss")) == 0.5);
    assert_int_equal(json_integer_value(json_object_get(first, "unfitted")), 9);
    assert_true(json_is_null(json_object_get(first, "test_error")));
    json_decref(json);
    run.num_points = 0;
    json = ch_json_run(&run);
    assert_null(json_object_get(json, "trajectory"));
    json_decref(json);
}

/* Settings with a word for the value 0: where the word means that there is no limit, JSON has null; the full batch is
 * "full". */
static void test_words_of_settings_as_json(void **state)
{
    (void)state;
    static const size_t unbounded[] = {CH_SETTING_TRAIN, CH_SETTING_MAX_STEPS, CH_SETTING_MAX_UPDATES};
    for (size_t i = 0; i < sizeof unbounded / sizeof *unbounded; i++) {
        json_t *json = ch_json_setting(&ch_settings_table[unbounded[i]], (ch_value){.count = 0});
        assert_true(json_is_null(json));
        json_decref(json);
    }
    json_t *seconds = ch_json_setting(&ch_settings_table[CH_SETTING_MAX_SECONDS], (ch_value){.real = 0});
    json_t *seed = ch_json_setting(&ch_settings_table[CH_SETTING_SEED], (ch_value){.count = 0});
    json_t *full = ch_json_setting(&ch_settings_table[CH_SETTING_BATCH], (ch_value){.count = 0});
    json_t *batch = ch_json_setting(&ch_settings_table[CH_SETTING_BATCH], (ch_value){.count = 7});
    assert_true(json_is_null(seconds));
    assert_true(json_is_integer(seed) && json_integer_value(seed) == 0);
    assert_string_equal(json_string_value(full), "full");
    assert_int_equal(json_integer_value(batch), 7);
    json_decref(seconds);
    json_decref(seed);
    json_decref(full);
    json_decref(batch);
}

/* Counts the allocations of jansson, of which the k-th fails. */
static long json_left;

static void *json_malloc(size_t size)
{
    return json_left-- == 0 ? NULL : malloc(size);
}

static void test_a_run_is_json_or_null_when_memory_is_short(void **state)
{
    (void)state;
    ch_point points[2];
    const ch_run run = some_run(points);
    json_t *json = NULL;
    long k = 0;
    json_set_alloc_funcs(json_malloc, free);
    for (; json == NULL; k++) {
        json_left = k;
        json = ch_json_run(&run);
    }
    json_decref(json);
    json_set_alloc_funcs(malloc, free);
    assert_true(k > 60);
}

static void test_spans_of_time(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } accepted[] = {{"3h50m", 13800}, {"90s", 90},         {"10m", 600},       {"1.5h", 5400}, {"2d", 172800},
                    {"0.25s", 0.25},  {"1d2h3m4s", 93784}, {"1h0.5s", 3600.5}, {"0h1s", 1}};
    static const char *const refused[] = {"",
                                          "soon",
                                          "5",
                                          "h",
                                          "3h50",
                                          "50m3h",
                                          "1m1m",
                                          "-1h",
                                          "1 h",
                                          "1e3s",
                                          "0s",
                                          "nans",
                                          "infs",
                                          "1.h2.",
                                          "3600d400000d",
                                          "99999999999s",
                                          "1h 5m",
                                          "1H",
                                          "3:50",
                                          "1ms",
                                          "11111111111111111111111111111111111111111111h"};
    ch_error failure;
    double seconds = 0;
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        assert_int_equal(ch_cli_read_duration("--until", accepted[i].text, &seconds, &failure), CH_OK);
        assert_true(fabs(seconds - accepted[i].seconds) <= 1e-9);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(ch_cli_read_duration("--until", refused[i], &seconds, &failure), CH_ERROR_INPUT);
        assert_non_null(strstr(failure.message, "--until is '"));
        assert_non_null(strstr(failure.message, "3h50m"));
    }
}

static void test_the_end_of_a_time_raises_the_flag(void **state)
{
    (void)state;
    ch_error failure;
    ch_stop *flag = ch_cli_catch_signals();
    *flag = 0;
    assert_int_equal(ch_cli_stop_after(NULL, &failure), CH_OK);
    assert_int_equal(ch_cli_stop_after("0.001s", &failure), CH_OK);
    while (*flag == 0) { /* it hangs where the flag is never raised */
        ch_clock_sleep(0.01);
    }
    *flag = 0;
}

static void test_a_signal_raises_the_flag(void **state)
{
    (void)state;
    ch_stop *flag = ch_cli_catch_signals();
    assert_int_equal(*flag, 0);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(*flag, 1);
}

/* ---- processes that share a machine ---- */

static void test_processors_are_shared(void **state)
{
    (void)state;
    static const unsigned char everywhere[3][4] = {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}};
    static const unsigned char bound[2][4] = {{1, 1, 0, 0}, {0, 0, 1, 1}};
    static const unsigned char crowded[3][2] = {{1, 1}, {1, 1}, {1, 1}};
    static const unsigned char mixed[3][4] = {{1, 1, 0, 0}, {1, 1, 0, 0}, {0, 0, 1, 1}};
    static const unsigned char none[1][2] = {{0, 0}};
    const int parts[] = {ch_cli_ranks_share(everywhere[0], 3, 4, 0), ch_cli_ranks_share(everywhere[0], 3, 4, 1),
                         ch_cli_ranks_share(everywhere[0], 3, 4, 2)};
    assert_int_equal(parts[0] + parts[1] + parts[2], 4);
    assert_true(parts[0] >= 1 && parts[1] >= 1 && parts[2] >= 1);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ch_cli_ranks_share(bound[0], 2, 4, i), 2);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ch_cli_ranks_share(crowded[0], 3, 2, i), 1);
        assert_int_equal(ch_cli_ranks_share(mixed[0], 3, 4, i), i < 2 ? 1 : 2);
    }
    assert_int_equal(ch_cli_ranks_share(none[0], 1, 2, 0), 1);
}

int main(void)
{
    /* suites: valgrind */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_settings_and_arguments_are_told_apart),
        cmocka_unit_test(test_bad_command_lines_are_refused),
        cmocka_unit_test(test_commands_without_settings_take_none),
        cmocka_unit_test(test_every_failing_allocation_is_survived),
        cmocka_unit_test(test_failures_have_their_exit_status),
        cmocka_unit_test(test_a_run_is_json),
        cmocka_unit_test(test_words_of_settings_as_json),
        cmocka_unit_test(test_a_run_is_json_or_null_when_memory_is_short),
        cmocka_unit_test(test_spans_of_time),
        cmocka_unit_test(test_the_end_of_a_time_raises_the_flag),
        cmocka_unit_test(test_a_signal_raises_the_flag),
        cmocka_unit_test(test_processors_are_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
