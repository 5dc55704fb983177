/* test_program_checkpoint.c — runs that are killed at any moment go on from their last checkpoint, and come to the
 * same.
 */
#include "tests/program_support.h"

#include "core/random.h"

/* One run under each engine of perceptrons, and a network; each has a trajectory. */
#define RUNS                                                                                                           \
    "sweep perceptron --dim 64 --train 4000 --temp 1 --alpha 100 --record 3 --engine plain,fast --max-updates 20000"
#define NETWORK                                                                                                        \
    "sweep mlp --data stripe --dim 32 --width 64 --depth 2 --train 400 --temp 0.02 --alpha 10 --record 3 "             \
    "--engine plain,fast"
#define ENDLESS "run perceptron --dim 64 --chi -0.9 --train 4096 --temp 1"

/* Requires that export prints the same for two stores, but for the seconds. */
static void assert_same_export(const char *one, const char *other)
{
    static char first[sizeof out];
    static const char *const options[] = {"--where 1", "--points"};
    execute(path_of(one), "UPDATE runs SET seconds = 0");
    for (size_t i = 0; i < 2; i++) {
        assert_succeeds("export %s %s", one, options[i]);
        memcpy(first, out, sizeof first);
        assert_succeeds("export %s %s", other, options[i]);
        assert_string_equal(first, out);
    }
}

/* Waits until a process has used so much processor time, or has ended. Time on the clock says little where other
 * programs have the cores. */
static void wait_for_work(pid_t process, double seconds)
{
    clockid_t clock;
    struct timespec used = {0};
    siginfo_t ended = {0};
    while (waitid(P_PID, (id_t)process, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0 &&
           clock_getcpuclockid(process, &clock) == 0 && clock_gettime(clock, &used) == 0 &&
           (double)used.tv_sec + 1e-9 * (double)used.tv_nsec < seconds) {
        wait_ms(1);
    }
}

/* Does a sweep that is killed again and again, from its beginning each time that it came to its end.
 * @return how often it went on from a checkpoint when it came to its end */
static unsigned kill_over_and_over(const char *line, unsigned most_kills, ch_random *random)
{
    const double most_seconds = is_sanitized() ? 2 : 0.1; /* of processor time until it is killed */
    unsigned kills = 0, resumed = 0;
    assert_succeeds("%s -o whole.db", line);
    execute(path_of("whole.db"), "UPDATE runs SET seconds = 0");
    while (kills < most_kills) {
        int status = 1000 + SIGKILL;
        for (uint32_t attempt = 0; status == 1000 + SIGKILL; attempt++) {
            char command[512];
            snprintf(command, sizeof command, "%s -o s.db -j %u --checkpoint 0.01s", line, 1 + attempt % 2);
            const pid_t process = start(command, &(surroundings){0});
            if (kills < most_kills) {
                wait_for_work(process, most_seconds * ch_random_u32(random) * 0x1p-32);
                kill(process, SIGKILL);
            }
            status = finish(process);
            kills += status != 0;
        }
        if (status != 0) {
            fail_msg("exit status %d, %s", status, err);
        }
        resumed += strstr(out, "went on from a checkpoint") != NULL;
        assert_same_export("s.db", "whole.db");
        assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM checkpoints WHERE run IN (SELECT id FROM runs "
                                                "WHERE status != 'budget')"),
                         0);
        assert_int_equal(unlink(path_of("s.db")), 0);
    }
    assert_int_equal(unlink(path_of("whole.db")), 0);
    return resumed;
}

static void test_killed_runs_go_on(void **state)
{
    (void)state;
    const unsigned kills = is_long() ? 100 : is_sanitized() ? 3 : 10;
    ch_random random;
    ch_random_init(&random, 1, CH_STREAM_BATCHES, 0);
    const unsigned resumed = kill_over_and_over(RUNS, kills, &random) + kill_over_and_over(NETWORK, kills, &random);
    assert_true(resumed > 0);
}

/* A signal that ends a run has it keep its state, whatever the time from one checkpoint to the next. */
static void test_a_signal_keeps_the_state(void **state)
{
    (void)state;
    long long kept = 0;
    for (int ms = 50; kept == 0; ms *= 2) {
        assert_true(ms < 600000);
        const pid_t process = start(ENDLESS " -o s.db --checkpoint 10h", &(surroundings){0});
        wait_ms(ms);
        kill(process, SIGTERM);
        const int status = finish(process);
        assert_true(status == 130 || status == 1000 + SIGTERM);
        kept = status == 130 ? query(path_of("s.db"), "SELECT count(*) FROM checkpoints WHERE step > 0") : 0;
    }
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM runs"), 0);
    assert_succeeds("list s.db");
}

/* A run in a store is shown as it is there. */
static void test_a_run_of_a_store(void **state)
{
    (void)state;
    static char first[sizeof out];
    assert_succeeds("run perceptron --dim 8 --train 64 --temp 1 --record 2 --json -o s.db");
    memcpy(first, out, sizeof first);
    assert_succeeds("run perceptron --dim 8 --train 64 --temp 1 --record 2 --json");
    assert_string_not_equal(first, out); /* it takes another time */
    assert_succeeds("run perceptron --dim 8 --train 64 --temp 1 --record 2 --json -o s.db");
    assert_string_equal(first, out);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM runs"), 1);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    assert_int_equal(chiton("run perceptron --temp 1 --checkpoint 10m"), 2);
    assert_says(err,
                "chiton: checkpoint is 10m, but the state of a run is kept in a store, and none is named; accepted "
                "is --checkpoint together with -o STORE");
    static const char *const times[] = {"0", "x", "-3s", "''", "0s", "1e400h"};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        assert_int_equal(chiton("run perceptron --temp 1 -o s.db --checkpoint %s", times[i]), 2);
        assert_says(err, "checkpoint is ");
        assert_int_equal(chiton("sweep perceptron --temp 1 -o s.db --checkpoint %s", times[i]), 2);
        assert_says(err, "checkpoint is ");
    }
    assert_int_equal(access(path_of("s.db"), F_OK), -1);
}

int main(void)
{
    /* suites: statistical */
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_killed_runs_go_on),
        STORE_TEST(test_a_signal_keeps_the_state),
        STORE_TEST(test_a_run_of_a_store),
        STORE_TEST(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, locate_program, NULL);
}
