/* test_program_store.c — stores that are taken away under a sweep, `chiton delete`, and texts with control characters.
 */
#include "tests/images_support.h"
#include "tests/program_support.h"

#include <jansson.h>

/* Runs on one data set, which take some milliseconds each: so many that the sweep is never over before its store is. */
#define LONG "sweep perceptron --dim 16 --train 1024 --temp 1 --seed_data 1 --seed_batch 0..1999 -j 1 -o s.db"

/* Starts a sweep and waits until its store has runs. */
static pid_t start_sweep(void)
{
    const pid_t child = start(LONG, &(surroundings){0});
    for (int waited = 0; !exists(path_of("s.db-wal")) || size_of(path_of("s.db-wal")) < 10000; waited++) {
        assert_true(waited < 600000);
        wait_ms(1);
    }
    return child;
}

/* The sweep fails with a sentence and counts no runs as done. */
static void assert_lost(pid_t child, const char *words)
{
    assert_int_equal(finish(child), 1);
    assert_says(err, words);
    assert_string_equal(out, "");
}

static void test_store_removed_under_a_sweep(void **state)
{
    (void)state;
    const pid_t child = start_sweep();
    assert_int_equal(unlink(path_of("s.db")), 0);
    assert_lost(child, "chiton: store s.db was removed or moved");
    assert_int_equal(num_files(), 0);
}

static void test_store_replaced_under_a_sweep(void **state)
{
    (void)state;
    make_store(path_of("other.db"), 3);
    const pid_t child = start_sweep();
    assert_int_equal(rename(path_of("other.db"), path_of("s.db")), 0);
    assert_lost(child, "chiton: store s.db was replaced by another file");
    assert_int_equal(num_files(), 1);
    assert_int_equal(count_runs(path_of("s.db")), 3);
    assert_true(is_whole(path_of("s.db")));
}

static void test_store_truncated_under_a_sweep(void **state)
{
    (void)state;
    const pid_t child = start_sweep();
    assert_int_equal(truncate(path_of("s.db"), 0), 0);
    assert_int_equal(finish(child), 1);
    assert_true(strstr(err, "chiton: store s.db was overwritten or emptied") != NULL ||
                strstr(err, "chiton: store s.db is damaged") != NULL);
}

static void test_delete(void **state)
{
    (void)state;
    make_store(path_of("s.db"), 6);
    assert_succeeds("delete s.db --where 'seed < 2' --dry-run");
    assert_string_equal(out, "s.db: 2 of 6 runs would be deleted, with 10 trajectory points and 0 weight changes of "
                             "layers\n");
    assert_int_equal(count_runs(path_of("s.db")), 6);
    assert_succeeds("delete s.db --where 'seed < 2'");
    assert_string_equal(out, "s.db: 2 of 6 runs deleted, with 10 trajectory points and 0 weight changes of layers\n");
    assert_int_equal(count_runs(path_of("s.db")), 4);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM points"), 4 * NUM_POINTS);
    assert_succeeds("delete s.db --where 'seed < 2'");
    assert_says(out, "s.db: 0 of 4 runs deleted");
    assert_succeeds("delete s.db --where 'seed = 2^1'"); /* the condition is read as that of fit */
    assert_says(out, "s.db: 1 of 4 runs deleted");
}

static void test_delete_refuses(void **state)
{
    (void)state;
    make_store(path_of("s.db"), 2);
    static const char *const lines[][2] = {
        {"delete", "takes one store"},
        {"delete s.db", "--where is missing"},
        {"delete s.db --where 'seed <'", "is not accepted"},
        {"delete s.db --where '1; DROP TABLE runs'", "is not accepted"},
        {"delete s.db --where 'lr > 1'", "no such column: lr; did you mean 'rate'?"},
        {"delete s.db --where 'P > 1'", "no such column: P; did you mean 'train'?"},
        {"delete s.db --where 'teacher = fitted'", "no such column: fitted; words are in quotes, 'fitted'"},
        {"delete s.db --where 'status = stuck'", "no such column: stuck; words are in quotes, 'stuck'"},
        {"delete s.db --where 'density = 1'", "no such column: density; a store has the digest of files"},
        {"delete s.db --where 'weight_chnge > 1'", "no such column: weight_chnge; did you mean 'weight_change'?"},
        {"delete none.db --where 1", "store none.db cannot be opened"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(chiton("%s", lines[i][0]), 2);
        assert_says(err, lines[i][1]);
    }
    assert_int_equal(count_runs(path_of("s.db")), 2);
    assert_int_equal(num_files(), 1);
}

/* ---- damaged runs ---- */

/* One of six runs is damaged: a command ends with its table, id and column and status 1, or leaves it out and says so.
 */
static void test_damaged_run(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "list s.db", "export s.db", "export s.db --json", "export s.db --points", "fit s.db", "plot s.db -o figures"};
    make_store(path_of("s.db"), 6);
    execute(path_of("s.db"), "UPDATE runs SET train = -5 WHERE seed = 2");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        assert_int_equal(chiton("%s", commands[i]), 1);
        assert_says(err, "chiton: store s.db is damaged: table runs, run ");
        assert_says(err, "column train: -5: ");
        const int status = chiton("%s --skip-damaged", commands[i]);
        assert_true(status == 0 || strstr(err, "no exponent could be fitted") != NULL); /* the rest is too little */
        assert_says(err, "1 damaged run left out; the first: store s.db is damaged: table runs, run ");
    }
    assert_int_equal(chiton("list s.db --skip-damaged"), 0);
    assert_says(out, "runs            5\n");
    assert_says(out, "points          25\n");
    assert_int_equal(chiton("export s.db --skip-damaged"), 0);
    assert_null(strstr(out, ",-5,"));
}

/* ---- control characters ---- */

/* Requires that nothing in a text would be obeyed by a terminal. */
static void assert_plain(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if ((*c < 0x20 && *c != '\n') || *c == 0x7F || (*c == 0xC2 && c[1] < 0xA0)) {
            fail_msg("byte 0x%02x in: %s", *c, text);
        }
    }
}

static void test_no_control_characters(void **state)
{
    (void)state;
    /* ESC, BEL, DEL and U+009B, the escape of ECMA-48 in one character */
    static const char *const lines[] = {"list s.db",
                                        "list s.db --json",
                                        "export s.db",
                                        "export s.db --json",
                                        "list '\033]0;a\007\177\302\233.db'",
                                        "fit '\033]0;a\007\177\302\233.db'",
                                        "sweep '\033]0;a\007\177\302\233.yaml' -o t.db",
                                        "sweep perceptron --temp '\033[1m\302\233' -o t.db",
                                        "sweep perceptron --temp 1 -o 'no/\033[1m\302\233'",
                                        "data check mnist --data-dir '\033[1m\302\233'",
                                        "run '\033[1m\302\233' --temp 1",
                                        "'\033[1m\302\233'",
                                        "run perceptron '--\033[1m\302\233' 1"};
    make_store(path_of("s.db"), 1);
    execute(path_of("s.db"), "UPDATE runs SET version = char(27) || ']0;title' || char(7) || char(127) || char(155)"
                             " || 'bell' || char(10)");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        chiton("%s", lines[i]);
        assert_plain(out);
        assert_plain(err);
    }
    assert_succeeds("list s.db");
    assert_says(out, "\\x1b]0;title\\x07\\x7f\\xc2\\x9bbell\\x0a\n");
    assert_succeeds("export s.db --json");
    assert_says(out, "\\u001B]0;title\\u0007\\u007f\\u009bbell\\n");
    assert_succeeds("sweep perceptron --dim 8 --train 16 --temp 1 -o '\033[1m.db'");
    assert_ptr_equal(strstr(out, "\\x1b[1m.db: 1 runs"), out);
}

/* The name of a folder that is no UTF-8 is escaped, and JSON with it is read by others. */
static void test_names_that_are_no_utf8(void **state)
{
    (void)state;
    json_error_t error;
    assert_succeeds("data check mnist --data-dir 'caf\xe9' --json");
    json_t *report = json_loads(out, 0, &error); /* it refuses what is no UTF-8 */
    if (report == NULL) {
        fail_msg("%s", error.text);
    }
    assert_string_equal(json_string_value(json_object_get(report, "folder")), "caf\\xe9");
    json_decref(report);
    assert_succeeds("run mlp --data mnist_parity --data-dir 'caf\xe9' --width 4 --depth 1 --train 8 --temp 1 "
                    "--max-steps 5 --json");
    report = json_loads(out, 0, &error);
    if (report == NULL) {
        fail_msg("%s", error.text);
    }
    assert_string_equal(json_string_value(json_object_get(report, "data_dir")), "caf\\xe9");
    json_decref(report);
    assert_succeeds("data check mnist --data-dir 'caf\xe9'");
    assert_says(out, "folder          caf\\xe9\n");
}

static int make_images(void **state)
{
    if (make_folder(state) != 0) {
        return -1;
    }
    make_subfolder("caf\xe9");
    write_mnist("caf\xe9/t10k-images-idx3-ubyte", "caf\xe9/t10k-labels-idx1-ubyte", 0, 30);
    return 0;
}

int main(void)
{
    /* suites: program */
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_store_removed_under_a_sweep),
        STORE_TEST(test_store_replaced_under_a_sweep),
        STORE_TEST(test_store_truncated_under_a_sweep),
        STORE_TEST(test_delete),
        STORE_TEST(test_delete_refuses),
        STORE_TEST(test_damaged_run),
        STORE_TEST(test_no_control_characters),
        cmocka_unit_test_setup_teardown(test_names_that_are_no_utf8, make_images, remove_folder),
    };
    return cmocka_run_group_tests_name("program and store", tests, locate_program, NULL);
}
