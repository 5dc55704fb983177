/* test_processor.c — a program that was built for another processor reports it. */
#include "core/processor_private.h"
#include "tests/support.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static void test_what_is_missing_is_named(void **state)
{
    (void)state;
    char text[768];
    assert_int_equal(ch_processor_missing(0, 0, text, sizeof text), 0);
    assert_string_equal(text, "");
    assert_int_equal(ch_processor_missing(7, 7, text, sizeof text), 0);
    assert_int_equal(ch_processor_missing(7, 2, text, sizeof text), 2);
    assert_string_equal(text, "sse3, sse4_1");
    assert_true(ch_processor_missing(UINT64_MAX, 0, text, sizeof text) > 30);
    assert_non_null(strstr(text, ", tbm, "));
    assert_non_null(strstr(text, ", apx_f, avx10_1, avx10_2")); /* the last, so that all fit */
}

static void test_this_build_is_for_this_processor(void **state)
{
    (void)state;
    ch_error err = {0};
    assert_int_equal(ch_processor_check(&err), CH_OK);
    assert_int_equal(ch_processor_needed & ~ch_processor_available(), 0);
}

/* The same program, built so that it needs the instructions of two makers, which no processor has. */
static void test_the_program_refuses_another_processor(void **state)
{
    (void)state;
    const char *program = getenv("CHITON");
    if (program == NULL || ch_processor_available() == UINT64_MAX) {
        skip();
    }
    char command[PATH_MAX + 64], line[2048] = "";
    (void)snprintf(command, sizeof command, "'%s-elsewhere' --version 2>&1", program);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    assert_non_null(fgets(line, sizeof line, output));
    char more[8];
    assert_null(fgets(more, sizeof more, output));
    const int status = pclose(output);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_ptr_equal(strstr(line, "chiton: this program was built for another processor: this one lacks "), line);
    assert_non_null(strstr(line, "MARCH=x86-64-v3\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_missing_is_named),
        cmocka_unit_test(test_this_build_is_for_this_processor),
        cmocka_unit_test(test_the_program_refuses_another_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
