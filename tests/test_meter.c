/* test_meter.c — what a meter shows on a terminal, on other outputs, and before its patience is over. */
#include "cli/meter.h"
#include "tests/support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double NEVER = 1e9;

/* Collects what a meter writes when `done` of `total` things are done, on a terminal of its own or into a pipe. */
static void watch(size_t total, size_t done, double patience, bool terminal, char *text, size_t size)
{
    int ends[2] = {-1, -1};
    if (terminal) {
        ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
        assert_true(ends[0] >= 0 && grantpt(ends[0]) == 0 && unlockpt(ends[0]) == 0);
        ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY);
    } else {
        assert_int_equal(pipe(ends), 0);
    }
    assert_true(ends[1] >= 0);
    const int former = dup(STDERR_FILENO);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    ch_meter meter;
    ch_meter_start(&meter, "replicas", patience);
    ch_meter_set(&meter, done, total, total > 0 ? (double)done / (double)total : 1);
    ch_meter_finish(&meter);
    ch_meter_say(&meter, "end");
    assert_int_equal(dup2(former, STDERR_FILENO), STDERR_FILENO);
    close(former);
    size_t length = 0;
    text[0] = '\0';
    while (strstr(text, "end") == NULL) {
        const ssize_t more = read(ends[0], text + length, size - 1 - length);
        assert_true(more > 0);
        length += (size_t)more;
        text[length] = '\0';
    }
    close(ends[0]);
    close(ends[1]);
}

static void test_a_terminal_has_a_bar(void **state)
{
    (void)state;
    char text[1024];
    watch(10, 4, 0, true, text, sizeof text);
    assert_non_null(strstr(text, "[############..................] 4/10"));
    assert_non_null(strstr(text, " replicas/s"));
}

static void test_what_is_quick_is_not_shown(void **state)
{
    (void)state;
    char text[1024];
    static const struct {
        size_t total, done;
        double patience;
        bool terminal;
    } cases[] = {{10, 10, NEVER, true}, {10, 10, NEVER, false}, {0, 0, 0, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        watch(cases[i].total, cases[i].done, cases[i].patience, cases[i].terminal, text, sizeof text);
        assert_null(strstr(text, "/"));
        assert_non_null(strstr(text, "end"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_terminal_has_a_bar),
        cmocka_unit_test(test_what_is_quick_is_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
