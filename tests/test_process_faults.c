/* test_process_faults.c — commands in which the k-th allocation of the whole process fails, those of libraries
 * included: each ends with status 0 and all of its output, or with status 1 or 2 and a sentence that says why. Sweeps
 * in which the k-th write to a file fails, or all from there on: what was committed is in the store, and the sweep can
 * be repeated. Commands during which the machine's date jumps, which changes nothing. */
#define _GNU_SOURCE 1 /* strcasestr */
#include "tests/program_support.h"

/* What makes allocations fail: tests/preload/failing.c. */
static char library[PATH_MAX];

static bool is_able(void)
{
    const char *slash = strrchr(program, '/');
    snprintf(library, sizeof library, "%.*s/tests/failing.so", (int)(slash - program), program);
    return access(library, R_OK) == 0; /* it is made where the C library is glibc */
}

/* Cuts out of a text what differs between two executions of a command: times in seconds. */
static void forget_times(char *text)
{
    static const char *const before[] = {"\n  seconds", "\"seconds\": ", " done in "};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        for (char *at = strstr(text, before[i]); at != NULL; at = strstr(at + 1, before[i])) {
            char *begin = at + strlen(before[i]), *end = begin + strspn(begin, " 0123456789.e-+");
            memmove(begin, end, strlen(end) + 1);
        }
    }
}

/* Runs a command in which allocation k fails; none for k < 0. @return its exit status */
static int run_with_failure(const char *line, long k)
{
    char number[32];
    snprintf(number, sizeof number, "%ld", k);
    assert_int_equal(setenv("CHITON_FAIL_ALLOCATION", number, 1), 0);
    assert_int_equal(setenv("CHITON_COUNT_FILE", path_of("count"), 1), 0);
    assert_int_equal(setenv("LD_PRELOAD", library, 1), 0);
    const int status = chiton("%s", line);
    assert_int_equal(unsetenv("LD_PRELOAD"), 0);
    forget_times(out);
    return status;
}

/* The number of allocations of the last command, or of its writes. */
static long count_calls(bool of_writes)
{
    long count = 0, writes = 0;
    FILE *file = fopen(path_of("count"), "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &count, &writes), 2);
    fclose(file);
    return of_writes ? writes : count;
}

/* Lets allocations of a command fail one at a time: all of them in the long form, else some, evenly spread.
 * @param made  file that the command makes, a store; NULL for none
 * @return how many failures were told */
static int fail_one_by_one(const char *line, long samples, const char *made)
{
    static char whole[sizeof out];
    int told = 0;
    assert_int_equal(run_with_failure(line, -1), 0);
    memcpy(whole, out, sizeof out);
    const long count = count_calls(false);
    assert_true(count > samples);
    samples = is_long() ? count : samples;
    for (long i = 0; i < samples; i++) {
        const long k = i * count / samples;
        if (made != NULL && exists(path_of(made))) {
            assert_int_equal(unlink(path_of(made)), 0);
        }
        const int status = run_with_failure(line, k);
        /* fit goes on without the exponents that theory expects, which may take much memory, and says so */
        const bool is_noted =
            strstr(out, "no exponents are expected") != NULL && strstr(out, "not enough memory") != NULL;
        const bool is_whole_output = status == 0 && (strcmp(out, whole) == 0 || is_noted);
        const bool is_told = (status == 1 || status == 2) && strcasestr(err, "memory") != NULL;
        if (!is_whole_output && !is_told) {
            fail_msg("%s, allocation %ld of %ld: status %d, %s", line, k, count, status, err);
        }
        if (made != NULL && exists(path_of(made))) {
            assert_true(is_whole(path_of(made)));
        }
        told += is_told;
    }
    return told;
}

/* A command for each kind of work: whose reading, computing, printing and writing all meet the failure. */
static void test_failures_are_told(void **state)
{
    (void)state;
    if (!is_able()) {
        skip();
    }
    assert_int_equal(setenv("OMP_NUM_THREADS", "1", 1), 0);
    write_text("small.yaml", "{model: perceptron, dim: 8, train: 16, temp: [0.25, 1], record: 1}");
    assert_succeeds("sweep small.yaml -o small.db -j 1");
    assert_succeeds("sweep perceptron --dim 8 --train 16,32 --temp 0.25,1,4 --seed 0..2 -o fit.db -j 1");
    assert_succeeds("fit fit.db"); /* which keeps the tables that it makes */
    assert_true(fail_one_by_one("run perceptron --dim 8 --train 16 --temp 1 -j 1", 12, NULL) > 0);
    assert_true(fail_one_by_one("run perceptron --dim 8 --train 16 --temp 1 -j 1 --json", 12, NULL) > 0);
    assert_true(fail_one_by_one("sweep small.yaml -o made.db -j 1", 24, "made.db") > 0);
    assert_true(fail_one_by_one("list small.db", 8, NULL) > 0);
    assert_true(fail_one_by_one("export small.db", 8, NULL) > 0);
    assert_true(fail_one_by_one("export small.db --points", 8, NULL) > 0);
    assert_true(fail_one_by_one("export small.db --json", 16, NULL) > 0);
    assert_true(fail_one_by_one("fit fit.db", 24, NULL) > 0);
    assert_true(fail_one_by_one("plot fit.db -o figures --format svg", 8, NULL) > 0);
    assert_true(fail_one_by_one("report fit.db -o page.html", 8, NULL) > 0);
}

/* Reading files meets failures inside zlib, which are a lack of memory and not damage of the file. */
static void test_failures_while_files_are_read(void **state)
{
    (void)state;
    if (!is_able()) {
        skip();
    }
    write_text("rho.csv", "0,1\n1,2\n2,0\n");
    write_text("x.csv", "1,2,0\n-1,1,1\n2,-1,0\n-2,3,1\n3,1,0\n-1,-2,1\n");
    assert_true(fail_one_by_one("run perceptron --dim 4 --train 8 --temp 1 -j 1 --density rho.csv", 64, NULL) > 0);
    assert_true(fail_one_by_one("run perceptron --train 4 --temp 1 -j 1 --max-steps 99 --teacher fitted"
                                " --data-file x.csv --data-labels 3",
                                64, NULL) > 0);
    assert_succeeds("run mlp --dim 4 --train 8 --width 2 --depth 1 --temp 1 --max-steps 9 --save-weights w.npy");
    assert_true(fail_one_by_one("run mlp --dim 4 --train 8 --width 2 --depth 1 --temp 1 -j 1 --max-steps 9"
                                " --init w.npy",
                                64, NULL) > 0);
}

/* ---- writes that fail ---- */

#define SMALL "sweep perceptron --dim 8 --train 16 --temp 0.25,1,4 --record 1 -j 1 -o faulty.db"
enum { SMALL_RUNS = 3 };

/* Sweeps with failing writes, and then without: the store is whole both times, and complete in the end.
 * @param number  how many writes fail  @return whether the sweep with failures ended with one */
static bool sweep_with_failures(long k, long number, int reason)
{
    char text[3][32];
    snprintf(text[0], sizeof text[0], "%ld", k);
    snprintf(text[1], sizeof text[1], "%ld", number);
    snprintf(text[2], sizeof text[2], "%d", reason);
    assert_int_equal(setenv("CHITON_FAIL_WRITE", text[0], 1), 0);
    assert_int_equal(setenv("CHITON_FAIL_WRITES", text[1], 1), 0);
    assert_int_equal(setenv("CHITON_FAIL_WITH", text[2], 1), 0);
    const int status = run_with_failure(SMALL, -1);
    assert_int_equal(unsetenv("CHITON_FAIL_WRITE"), 0);
    if (status != 0 && (status != 1 || strstr(err, "chiton: ") == NULL)) {
        fail_msg("write %ld, errno %d: status %d, %s", k, reason, status, err);
    }
    if (status == 0) {
        assert_int_equal(count_runs(path_of("faulty.db")), SMALL_RUNS);
    }
    assert_succeeds(SMALL);
    assert_true(is_whole(path_of("faulty.db")));
    assert_int_equal(count_runs(path_of("faulty.db")), SMALL_RUNS);
    assert_int_equal(unlink(path_of("faulty.db")), 0);
    return status != 0;
}

static void test_writes_fail(void **state)
{
    (void)state;
    static const int reasons[] = {ENOSPC, EIO, 0};
    enum { FEW = 6 };
    int cases = 0, ended = 0;
    if (!is_able()) {
        skip();
    }
    assert_int_equal(run_with_failure(SMALL, -1), 0);
    assert_int_equal(unlink(path_of("faulty.db")), 0);
    const long count = count_calls(true), samples = is_long() ? count : FEW;
    assert_true(count >= FEW);
    for (long i = 0; i < samples; i++) {
        for (size_t r = 0; r < sizeof reasons / sizeof *reasons; r++) {
            ended += sweep_with_failures(i * count / samples, 1, reasons[r]);
            ended += sweep_with_failures(i * count / samples, LONG_MAX, reasons[r]);
            cases += 2;
        }
    }
    print_message("%d of %d sweeps in which writes failed ended with a sentence, the others went on\n", ended, cases);
    assert_true(ended > 0);
}

/* ---- a clock that jumps ---- */

/* Every other date is ten years ahead, the others ten years behind. As budgets, waits for the store and displays ask
 * for time that only goes forward, nothing ends early or late. */
static void test_the_clock_jumps(void **state)
{
    (void)state;
    static const char *const jumps[] = {"315360000", "-315360000"};
    if (!is_able()) {
        skip();
    }
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        assert_int_equal(setenv("CHITON_CLOCK_JUMP", jumps[i], 1), 0);
        assert_int_equal(
            run_with_failure("sweep perceptron --dim 8 --train 16,32 --temp 0.25,1,4 --seed 0..2 -o j.db", -1), 0);
        assert_int_equal(count_runs(path_of("j.db")), 18);
        assert_int_equal(run_with_failure("fit j.db", -1), 0);
        assert_int_equal(run_with_failure("run perceptron --dim 8 --train inf --temp 1 --max-seconds 0.2 --json", -1),
                         0);
        assert_non_null(strstr(out, "\"budget\""));
        assert_int_equal(
            run_with_failure("run perceptron --dim 64 --train 4096 --temp 1 --max-seconds 1000 --json", -1), 0);
        assert_non_null(strstr(out, "\"fitted\""));
    }
    assert_int_equal(unsetenv("CHITON_CLOCK_JUMP"), 0);
}

/* The number of runs that a sweep says it has done. */
static int read_done(const char *path)
{
    char text[4096] = "";
    int present = 0, done = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    const size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    const char *counts = strstr(text, " runs, ");
    assert_non_null(counts);
    assert_int_equal(sscanf(counts, " runs, %d were there, %d done in", &present, &done), 2);
    return done;
}

/* Sweeps on one store whose dates jump apart share their runs: none is made twice, none is left, none waits for ever.
 */
static void test_the_clocks_of_sweeps_jump(void **state)
{
    (void)state;
    enum { PROGRAMS = 3, RUNS = 2 * 3 * 20 };
    char outputs[PROGRAMS][PATH_MAX + 16];
    pid_t children[PROGRAMS];
    int done = 0;
    if (!is_able()) {
        skip();
    }
    assert_int_equal(setenv("LD_PRELOAD", library, 1), 0);
    for (int i = 0; i < PROGRAMS; i++) {
        char jump[32];
        snprintf(jump, sizeof jump, "%d", (i - 1) * 315360000);
        snprintf(outputs[i], sizeof outputs[i], "%s/out%d", folder, i);
        assert_int_equal(setenv("CHITON_CLOCK_JUMP", jump, 1), 0);
        children[i] = start("sweep perceptron --dim 8 --train 16,32 --temp 0.25,1,4 --seed 0..19 -o j.db -j 1",
                            &(surroundings){.out = outputs[i]});
    }
    assert_int_equal(unsetenv("LD_PRELOAD"), 0);
    assert_int_equal(unsetenv("CHITON_CLOCK_JUMP"), 0);
    for (int i = 0; i < PROGRAMS; i++) {
        assert_int_equal(finish(children[i]), 0);
        done += read_done(outputs[i]);
    }
    assert_int_equal(done, RUNS);
    assert_int_equal(count_runs(path_of("j.db")), RUNS);
}

int main(void)
{
    /* suites: statistical */
    const struct CMUnitTest tests[] = {STORE_TEST(test_failures_are_told),
                                       STORE_TEST(test_failures_while_files_are_read), STORE_TEST(test_writes_fail),
                                       STORE_TEST(test_the_clock_jumps), STORE_TEST(test_the_clocks_of_sweeps_jump)};
    return cmocka_run_group_tests_name("faults of the process", tests, locate_program, NULL);
}
