/* test_report_long.c — a report of 100,000 runs, and reports in a real browser. Both take a minute, and run with
 * CHITON_LONG alone (make check-long). */
#include "tests/report_support.h"

enum { NO_BROWSER = 77 };

static char script[PATH_MAX];

/* Uses a page as a reader would (tests/report_browser.py).  @return whether there is a browser to do so */
static bool use_page(const char *name)
{
    char command[2 * PATH_MAX];
    snprintf(command, sizeof command, "python3 '%s' '%s' > '%s'", script, path_of(name), path_of("said"));
    const int status = system(command);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_BROWSER || WEXITSTATUS(status) == 127) {
        return false;
    }
    char *said = read_text("said");
    if (WEXITSTATUS(status) != 0) {
        fail_msg("%s: %s", name, said);
    }
    free(said);
    return true;
}

/* 100,000 runs of 25 T, 4 P and 1000 data sets make a page under 5 MB, with five digits of every number or more. */
static void test_many_runs_fit_into_a_page(void **state)
{
    (void)state;
    if (!is_long()) {
        skip();
    }
    assert_succeeds("sweep perceptron --chi 1 --dim 4 --train 2^4..2^7 --temp 2^-18..2^6 --seed 0..999 -o many.db");
    assert_succeeds("report many.db -o many.html");
    assert_true(size_of(path_of("many.html")) < 5000000);
    char *page = read_text("many.html");
    assert_well_formed(page);
    json_t *block = read_block(page);
    assert_int_equal(json_integer_value(json_object_get(block, "count")), 100000);
    assert_true(json_integer_value(json_object_get(block, "digits")) >= 5);
    json_decref(block);
    free(page);
    print_message("in a browser: %s\n", use_page("many.html") ? "yes" : "no, there is none");
}

/* Pages of a perceptron with trajectories, and of a network and its twin over a phase diagram, one from a hostile
 * store. */
static void test_pages_work_in_a_browser(void **state)
{
    (void)state;
    if (!is_long()) {
        skip();
    }
    assert_succeeds("sweep perceptron --chi 0,1 --dim 8 --train 2^6..2^8 --temp 4^-8..4^1 --seed 0..3 --record 4 "
                    "-o one.db");
    execute(path_of("one.db"), "UPDATE runs SET version = '</script><img src=x onerror=\"window.hostile=1\">'");
    assert_int_equal(rename(path_of("one.db"), path_of("<img src=x onerror=window.hostile=1>.db")), 0);
    assert_succeeds("report '<img src=x onerror=window.hostile=1>.db' -o one.html");
    if (!use_page("one.html")) {
        print_message("there is no browser\n");
        skip();
    }
    assert_succeeds("sweep mlp --linear no,yes --data sign --dim 8 --train 64 --width 16 --depth 2 --alpha 2^-2..2^2 "
                    "--temp 2^-8..2^-2 --seed 0..2 --max_steps 3000 --test 200 --batch 8 -o two.db");
    assert_succeeds("report two.db -o two.html");
    assert_true(use_page("two.html"));
    assert_succeeds("sweep perceptron --chi 1 --dim 4 --train 16 --temp 1 -o three.db");
    assert_succeeds("report three.db -o three.html");
    assert_true(use_page("three.html"));
}

int main(void)
{
    /* suites: statistical */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_runs_fit_into_a_page),
        cmocka_unit_test(test_pages_work_in_a_browser),
    };
    locate_program(NULL);
    if (realpath("tests/report_browser.py", script) == NULL) {
        perror("tests/report_browser.py");
        return 1;
    }
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
