/* test_program_complete.c — what the program tells shells that complete its command line, and what bash makes of it. */
#include "tests/program_support.h"

#include "sim/settings/settings.h"

static size_t lines_that_begin(const char *text, const char *start)
{
    size_t count = 0;
    for (const char *at = text; at != NULL && *at != '\0'; at = strchr(at, '\n'), at += at != NULL) {
        count += strncmp(at, start, strlen(start)) == 0;
    }
    return count;
}

/* Each setting is there once, in the spelling of its name, with its help behind a tab; own options are, too. */
static void test_options_of_commands(void **state)
{
    (void)state;
    assert_succeeds("sweep --complete");
    for (size_t i = 0; i < ch_settings_count; i++) {
        char line[256];
        snprintf(line, sizeof line, "--%s\t%s\n", ch_settings_table[i].name, ch_settings_table[i].help);
        assert_int_equal(lines_that_begin(out, line), 1);
    }
    assert_int_equal(lines_that_begin(out, "--max-steps"), 0);
    assert_int_equal(lines_that_begin(out, "--dry-run\t"), 1);
    assert_int_equal(lines_that_begin(out, "--help\t"), 1);
    assert_succeeds("fit --complete");
    assert_int_equal(lines_that_begin(out, "--tc\t"), 1);
    assert_int_equal(lines_that_begin(out, "--alpha\t"), 0);
}

/* Words are those that the setting accepts: every one of them does, and nothing is said of numbers. */
static void test_values_of_settings(void **state)
{
    (void)state;
    size_t loss = 0;
    assert_int_equal(ch_settings_find("loss", &loss, NULL), CH_OK);
    assert_succeeds("run --complete --loss");
    char *rest = NULL;
    size_t count = 0;
    for (char *word = strtok_r(out, "\n", &rest); word != NULL; word = strtok_r(NULL, "\n", &rest)) {
        ch_value value;
        assert_int_equal(ch_setting_parse(&ch_settings_table[loss], word, &value, NULL), CH_OK);
        count++;
    }
    assert_true(count > 0);
    assert_null(ch_settings_table[loss].choice(count)); /* none is missing */
    assert_succeeds("run --complete --train");
    assert_string_equal(out, "inf\n");
    assert_succeeds("run --complete --chi");
    assert_string_equal(out, "");
    assert_succeeds("run --complete --no-such-setting");
    assert_string_equal(out, "");
}

/* What bash completes the last of the words with. */
static void completed(const char *words, const char *expected)
{
    char script[1024], found[1024] = "";
    snprintf(
        script, sizeof script,
        "bash -c '. completions/chiton.bash; PATH=%.*s:$PATH; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); "
        "_chiton; echo -n ${COMPREPLY[*]}'",
        (int)(strrchr(program, '/') - program), program, words);
    FILE *answer = popen(script, "r");
    assert_non_null(answer);
    found[fread(found, 1, sizeof found - 1, answer)] = '\0';
    assert_int_equal(pclose(answer), 0);
    assert_string_equal(found, expected);
}

static void test_bash_completes(void **state)
{
    (void)state;
    if (system("command -v bash >/dev/null") != 0 || access("completions/chiton.bash", R_OK) != 0) {
        skip();
    }
    completed("chiton se", "selftest");
    completed("chiton help the", "theory");
    completed("chiton sweep mlp", "mlp mlp_bias");
    completed("chiton run perceptron --max_st", "--max_steps");
    completed("chiton run perceptron --loss h", "hinge");
    completed("chiton run perceptron --loss = quad", "quadhinge");
    completed("chiton run perceptron --dynamics = \"\"", "sgd gd flow unfitted sde");
    completed("chiton fit --shif", "--shift");
    completed("chiton fit runs.d", ""); /* then bash looks for files */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_options_of_commands, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_values_of_settings, make_folder, remove_folder),
        cmocka_unit_test(test_bash_completes),
    };
    return cmocka_run_group_tests_name("completion", tests, locate_program, NULL);
}
