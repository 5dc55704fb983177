/* test_program_failures.c — sweeps whose runs fail for reasons of their own: --on-error, --retry, and what other
 * commands do with the failures that a store keeps. A run fails here because its kernel file is damaged. */
#include "tests/program_support.h"

#include <glob.h>

/* Two kernels, one for each seed, with two runs each. */
#define SWEEP    "sweep mlp --linear yes --depth 2 --dim 12 --width 16 --test 40 --train 32 --temp 2^-9,2^-5 -j 1 "
#define SWEPT    SWEEP "--seed 0,1 --kernel-cache k -o s.db "
#define CONTINUE SWEPT "--on-error continue "

static char damaged[PATH_MAX]; /* the kernel file of seed 0 */

/* Makes the kernel files of both seeds, and cuts that of seed 0. */
static int make_kernels(void **state)
{
    glob_t found;
    if (make_folder(state) != 0) {
        return -1;
    }
    assert_succeeds(SWEEP "--seed 0 --kernel-cache k -o other.db");
    assert_int_equal(glob(path_of("k/*"), 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    snprintf(damaged, sizeof damaged, "%s", found.gl_pathv[0]);
    globfree(&found);
    assert_int_equal(truncate(damaged, 100), 0);
    return 0;
}

/* Sweeps with two runs that fail. */
static void fail_two(void)
{
    assert_int_equal(chiton(CONTINUE), 1);
    assert_says(err, "chiton: 2 of 4 runs failed; repeat the command with --retry to make them again\n");
    assert_says(out, "s.db: 4 runs, 0 were there, 2 done in ");
    assert_says(out, "; 2 failed\n  2 failed, as one did: the kernel file k/kernel-");
    assert_says(out, " is damaged; remove it, and the kernel will be computed anew\n");
}

static int count_failures(const char *name, const char *where)
{
    char sql[512];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM failures WHERE %s", where);
    return (int)query(path_of(name), sql);
}

/* ---- the sweep ---- */

/* Without the option the first run that fails ends the sweep, and is not kept. */
static void test_the_first_failure_ends_the_sweep(void **state)
{
    (void)state;
    assert_int_equal(chiton(SWEPT), 1);
    assert_says(err, " is damaged; remove it");
    assert_true(count_runs(path_of("s.db")) <= 2);
    assert_int_equal(count_failures("s.db", "1"), 0);
    assert_int_equal(chiton(SWEPT "--on-error stop"), 1);
    assert_int_equal(count_failures("s.db", "1"), 0);
    assert_int_equal(chiton(SWEPT "--on-error never"), 2);
    assert_says(err, "chiton: --on-error is 'never'; accepted are continue and stop\n");
}

/* The others are made. What failed is kept with its settings, its reason and its version, and is no run. */
static void test_the_others_go_on(void **state)
{
    (void)state;
    fail_two();
    assert_int_equal(count_runs(path_of("s.db")), 2);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM runs WHERE seed = 1"), 2);
    assert_int_equal(count_failures("s.db", "1"), 2);
    assert_int_equal(count_failures("s.db", "seed = 0 AND model = 'mlp' AND train = 32 AND temp IN (0.03125, "
                                            "0.001953125) AND length(id) = 32 AND reason LIKE 'the kernel file % is "
                                            "damaged; remove it, and the kernel will be computed anew' AND version = "
                                            "(SELECT max(version) FROM runs) AND results_version = (SELECT "
                                            "max(results_version) FROM runs)"),
                     2);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM claims"), 0);
    assert_succeeds("list s.db");
    assert_says(out, "runs            2\n");
    assert_says(out, "\nfailed          2\n");
    assert_succeeds("list s.db --json");
    assert_says(out, "\"failed\": 2");
    assert_succeeds("export s.db --csv");
    size_t lines = 0;
    for (const char *c = out; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    assert_int_equal(lines, 3); /* the names and two runs */
}

/* They are not tried again unless that is asked for. */
static void test_retry(void **state)
{
    (void)state;
    fail_two();
    assert_succeeds(SWEPT "--dry-run");
    assert_says(out, "4 runs, 2 of them in the store already, 2 failed before, 0 to do\n");
    assert_succeeds(SWEPT); /* under either value of --on-error */
    assert_says(out, "s.db: 4 runs, 2 were there, 0 done in ");
    assert_says(out, "\n2 runs failed before; --retry makes them again\n");
    assert_succeeds(CONTINUE);
    assert_succeeds(SWEPT "--retry --dry-run");
    assert_says(out, "4 runs, 2 of them in the store already, 2 to do\n");
    assert_int_equal(chiton(SWEPT "--retry"), 1); /* which fail again, and stay kept */
    assert_int_equal(chiton(CONTINUE "--retry"), 1);
    assert_says(err, "chiton: 2 of 2 runs failed; ");
    assert_int_equal(count_failures("s.db", "1"), 2);
    assert_int_equal(unlink(damaged), 0);
    assert_succeeds(SWEPT "--retry");
    assert_says(out, "s.db: 4 runs, 2 were there, 2 done in ");
    assert_int_equal(count_failures("s.db", "1"), 0);
    assert_succeeds("list s.db");
    assert_null(strstr(out, "failed "));
    assert_succeeds(SWEEP "--seed 0,1 -o whole.db");
    assert_same_content(path_of("s.db"), path_of("whole.db"));
}

/* `run` that puts a run into the store ends its failure, too. */
static void test_run_ends_a_failure(void **state)
{
    (void)state;
    fail_two();
    assert_succeeds("run mlp --linear yes --depth 2 --dim 12 --width 16 --test 40 --train 32 --temp 2^-9 -o s.db");
    assert_int_equal(count_failures("s.db", "1"), 1);
    assert_int_equal(count_failures("s.db", "temp = 0.03125"), 1);
}

/* A store that cannot be written ends the sweep, and runs that the end meets are no failures. */
static void test_a_failing_store_is_no_failure_of_runs(void **state)
{
    (void)state;
    static const char sweep[] = "sweep perceptron --dim 8 --train 64 --temp 1 --seed 0..299 --record 100 -j 2 "
                                "--on-error continue -o full.db";
    assert_int_equal(finish(start(sweep, &(surroundings){.file_size = 300000})), 1);
    assert_says(err, "chiton: store full.db");
    assert_null(strstr(out, "failed"));
    assert_int_equal(count_failures("full.db", "1"), 0);
    assert_succeeds("%s", sweep);
    assert_int_equal(count_runs(path_of("full.db")), 300);
}

/* Runs that a limit of time stops are not kept as failures. This run takes hours. */
static void test_a_stop_is_no_failure(void **state)
{
    (void)state;
    assert_int_equal(chiton("sweep perceptron --dim 512 --train 65536 --temp 1e-9 --engine plain --seed 0..3 -j 1 "
                            "--on-error continue --until 0.3s -o s.db"),
                     130);
    assert_int_equal(count_failures("s.db", "1"), 0);
}

/* ---- other commands ---- */

/* Failures are copied, unless a store has the run. */
static void test_merge(void **state)
{
    (void)state;
    fail_two();
    assert_succeeds("merge new.db s.db");
    assert_says(out, "new.db: 2 runs, 2 of them new");
    assert_int_equal(count_failures("new.db", "seed = 0 AND reason LIKE 'the kernel file%'"), 2);
    execute(path_of("new.db"), "UPDATE failures SET reason = 'mine'");
    assert_succeeds("merge new.db s.db");
    assert_int_equal(count_failures("new.db", "reason = 'mine'"), 2); /* that of the target stays */
    assert_succeeds("list s.db new.db");
    assert_says(out, "\nfailed          2\n");
    assert_succeeds("run mlp --linear yes --depth 2 --dim 12 --width 16 --test 40 --train 32 --temp 2^-9 -o one.db");
    assert_succeeds("merge new.db one.db s.db"); /* which has one of them */
    assert_int_equal(count_failures("new.db", "1"), 1);
    assert_succeeds("merge one.db s.db");
    assert_int_equal(count_runs(path_of("one.db")), 3);
    assert_int_equal(count_failures("one.db", "1"), 1);
}

static void test_delete(void **state)
{
    (void)state;
    fail_two();
    assert_succeeds("delete s.db --where \"status = 'budget'\"");
    assert_says(out, "s.db: 0 of 2 runs deleted, with 0 trajectory points and 0 weight changes of layers\n");
    assert_int_equal(count_failures("s.db", "1"), 2); /* they have no status */
    assert_succeeds("delete s.db --where \"temp > 0.01\" --dry-run");
    assert_says(out, "s.db: 1 of 2 runs would be deleted, ");
    assert_says(out, " of layers; and 1 run that failed\n");
    assert_int_equal(count_failures("s.db", "1"), 2);
    assert_succeeds("delete s.db --where \"temp > 0.01 AND seed = 0 -- comment\"");
    assert_says(out, "s.db: 0 of 2 runs deleted, ");
    assert_int_equal(count_failures("s.db", "1"), 1);
    assert_int_equal(count_failures("s.db", "temp < 0.01"), 1);
    assert_int_equal(unlink(damaged), 0);
    assert_succeeds(SWEPT); /* makes it, since it is no longer known as failed, and leaves the other alone */
    assert_says(out, "s.db: 4 runs, 2 were there, 1 done in ");
    assert_says(out, "\n1 run failed before; --retry makes it again\n");
}

/* A store from before, without the table, reads as one without failures. */
static void test_an_older_store(void **state)
{
    (void)state;
    assert_succeeds(SWEEP "--seed 1 -o s.db");
    age(path_of("s.db"), CH_SCHEMA_FAILURES - 1);
    assert_succeeds("list s.db --json");
    assert_says(out, "\"failed\": 0");
    assert_int_equal(query(path_of("s.db"), "PRAGMA user_version"), CH_SCHEMA_FAILURES - 1);
    assert_int_equal(chiton(CONTINUE), 1);
    assert_int_equal(count_failures("s.db", "1"), 2);
    assert_int_equal(query(path_of("s.db"), "PRAGMA user_version"), ch_store_schema_now().version);
}

#define FAILURE_TEST(name) cmocka_unit_test_setup_teardown(name, make_kernels, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAILURE_TEST(test_the_first_failure_ends_the_sweep),
        FAILURE_TEST(test_the_others_go_on),
        FAILURE_TEST(test_retry),
        FAILURE_TEST(test_run_ends_a_failure),
        STORE_TEST(test_a_failing_store_is_no_failure_of_runs),
        STORE_TEST(test_a_stop_is_no_failure),
        FAILURE_TEST(test_merge),
        FAILURE_TEST(test_delete),
        FAILURE_TEST(test_an_older_store),
    };
    return cmocka_run_group_tests_name("program, failures", tests, locate_program, NULL);
}
