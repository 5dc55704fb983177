/* test_program_terminal.c — what the program tells shells that complete its command line, what bash makes of it, and
 * lines that are as wide as the terminal. */
#include "tests/program_support.h"

#include "core/page.h"
#include "sim/settings/settings.h"

#include <sys/ioctl.h>

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

/* Reads what is written to a terminal until the program that writes has ended. */
static void read_terminal(int terminal, char *text, size_t size)
{
    size_t length = 0;
    for (ssize_t got = 0; (got = read(terminal, text + length, size - 1 - length)) > 0;) {
        length += (size_t)got;
    }
    text[length] = '\0';
}

/* Runs the program with its standard output on a terminal of so many columns.  @param text  out: what appears there */
static void on_terminal(unsigned short columns, const char *line, char *text, size_t size)
{
    const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0);
    assert_int_equal(grantpt(terminal), 0);
    assert_int_equal(unlockpt(terminal), 0);
    const int inside = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    assert_true(inside >= 0);
    assert_int_equal(ioctl(inside, TIOCSWINSZ, &(struct winsize){.ws_row = 24, .ws_col = columns}), 0);
    const pid_t child = start(line, &(surroundings){.out = ptsname(terminal)});
    close(inside);
    read_terminal(terminal, text, size);
    assert_int_equal(finish(child), 0);
    close(terminal);
}

static void test_lines_fit_the_terminal(void **state)
{
    static const char *const lines[] = {"help",
                                        "help sweep",
                                        "list s.db",
                                        "fit s.db",
                                        "theory --chi 1",
                                        "run perceptron --dim 8 --train 64 --temp 1",
                                        "sweep perceptron --dim 8 --train 16,64 --batch 2,32 --temp 4^-6..4^2 "
                                        "--skip-invalid -j 1 -o t.db --dry-run",
                                        "sweep perceptron --dim 8 --train 16,64 --batch 2,32 --temp 4^-6..4^2 "
                                        "--skip-invalid -j 1 -o t.db"};
    static const unsigned short widths[] = {40, 100};
    static char text[1 << 17];
    (void)state;
    assert_succeeds("sweep perceptron --dim 8 --train 2^6..2^9 --temp 2^-8..2^2 --seed 0..3 -o s.db");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
            char *rest = NULL;
            on_terminal(widths[k], lines[i], text, sizeof text);
            assert_true(text[0] != '\0');
            for (char *line = strtok_r(text, "\r\n", &rest); line != NULL; line = strtok_r(NULL, "\r\n", &rest)) {
                const char *first = line + strspn(line, " ");
                if (ch_page_width(line) > widths[k] && strchr(first, ' ') != NULL) {
                    fail_msg("%s: %zu columns on a terminal of %u: %s", lines[i], ch_page_width(line), widths[k], line);
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_options_of_commands, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_values_of_settings, make_folder, remove_folder),
        cmocka_unit_test(test_bash_completes),
        cmocka_unit_test_setup_teardown(test_lines_fit_the_terminal, make_folder, remove_folder),
    };
    return cmocka_run_group_tests_name("terminal", tests, locate_program, NULL);
}
