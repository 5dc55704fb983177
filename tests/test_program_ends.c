/* test_program_ends.c — signals, killed processes, several processes, full disks: finished runs stay, and the rest can
 * be done later. */
#define _GNU_SOURCE 1 /* unshare */
#include "tests/program_support.h"

#include <jansson.h>

#ifdef __linux__
#include <sched.h>
#include <sys/mount.h>
#endif

/* 144 runs, most of which take microseconds. */
#define SHORT "sweep perceptron --chi 0,1 --dim 16 --train 2^4..2^9 --temp 1,2 --seed 0..5 --record 2"
enum { SHORT_RUNS = 144 };
/* 50 runs on one data set, which take some milliseconds each. */
#define LONG "sweep perceptron --dim 16 --train 1024 --temp 1 --seed_data 1 --seed_batch 0..49"
enum { LONG_RUNS = 50 };
/* A run that needs more than hours, because t* ~ P^21. */
#define ENDLESS "perceptron --dim 64 --chi -0.9 --train 4096 --temp 1"

/* A test waits for at most this long; it does so only when a program hangs. */
enum { PATIENCE_MS = 600000 };

/* ---- watching a program under way ---- */

/* Runs in a store that another process may be making. */
static long long runs_in(const char *name)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    long long count = 0;
    if (sqlite3_open_v2(path_of(name), &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT count(*) FROM runs", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        count = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return count;
}

static void wait_for_runs(const char *name, long long least)
{
    for (int waited = 0; runs_in(name) < least; waited += 5) {
        assert_true(waited < PATIENCE_MS);
        wait_ms(5);
    }
}

static void wait_for_file(const char *name)
{
    for (int waited = 0; access(path_of(name), F_OK) != 0; waited++) {
        assert_true(waited < PATIENCE_MS);
        wait_ms(1);
    }
}

/* Whether the process has a handler for the signal. It is true also where the system gives no answer. */
static bool catches(pid_t process, int number)
{
    char path[64], line[256];
    unsigned long long caught = ~0ULL;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)process);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "SigCgt:", 7) == 0) {
            caught = strtoull(line + 7, NULL, 16);
        }
    }
    if (file != NULL) {
        fclose(file);
    } else {
        wait_ms(1000);
    }
    return (caught >> (number - 1) & 1) != 0;
}

static void wait_until_caught(pid_t process, int number)
{
    for (int waited = 0; !catches(process, number); waited += 5) {
        assert_true(waited < PATIENCE_MS);
        wait_ms(5);
    }
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + 1e-6 * (double)time.tv_usec;
}

/* Processor time in seconds of all processes that this one has waited for. */
static double seconds_of_children(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &usage), 0);
    return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

/* Processor time in seconds that a process has used so far; 0 where the system does not tell. */
static double seconds_so_far(pid_t process)
{
#ifdef __linux__
    clockid_t clock;
    struct timespec now;
    if (clock_getcpuclockid(process, &clock) == 0 && clock_gettime(clock, &now) == 0) {
        return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    }
#endif
    (void)process;
    return 0;
}

/* After a signal a program does little more. It promises to end within a second, in which each core may work; builds
 * with checks get ten. What counts is its work and no time on the clock, which a busy machine stretches at will. */
static int signal_and_finish(pid_t process, int number)
{
    const double before = seconds_of_children(), started = seconds_so_far(process);
    assert_int_equal(kill(process, number), 0);
    const int status = finish(process);
    assert_true(seconds_of_children() - before - started < 10 * (double)sysconf(_SC_NPROCESSORS_ONLN));
    return status;
}

/* ---- signals ---- */

/* What there is of the run is printed, marked as unfinished; nothing where the signal came before the first step. */
static void test_a_run_is_interrupted(void **state)
{
    (void)state;
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU, SIGXFSZ};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        out[0] = '\0';
        for (int ms = 50; out[0] == '\0'; ms *= 2) {
            assert_true(ms < PATIENCE_MS);
            const pid_t process = start("run " ENDLESS " --json", &(surroundings){0});
            wait_until_caught(process, signals[i]);
            wait_ms(ms);
            assert_int_equal(signal_and_finish(process, signals[i]), 130);
            assert_non_null(strstr(err, "chiton: stopped "));
        }
        json_t *run = json_loads(out, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(run, "status")), "unfinished");
        assert_true(json_integer_value(json_object_get(run, "steps")) > 0);
        assert_true(json_number_value(json_object_get(run, "weight_change")) > 0);
        json_decref(run);
    }
}

/* What a program is started with ignored it goes on ignoring, as nohup wants it. */
static void test_ignored_signals_stay_ignored(void **state)
{
    (void)state;
    enum { LAST = SIGXFSZ }; /* the last one that the program catches */
    assert_true(signal(SIGHUP, SIG_IGN) != SIG_ERR);
    const pid_t process = start("run " ENDLESS, &(surroundings){0});
    assert_true(signal(SIGHUP, SIG_DFL) != SIG_ERR);
    wait_until_caught(process, LAST);
    const bool is_caught = catches(process, SIGHUP);
    assert_int_equal(signal_and_finish(process, SIGTERM), 130);
#ifdef __linux__ /* elsewhere the system does not tell what a process catches */
    assert_false(is_caught);
#else
    (void)is_caught;
#endif
}

static void test_a_second_signal_kills(void **state)
{
    (void)state;
    const pid_t process = start("run " ENDLESS, &(surroundings){0});
    wait_until_caught(process, SIGINT);
    assert_int_equal(kill(process, SIGSTOP), 0); /* so that both signals are pending when it continues */
    assert_int_equal(kill(process, SIGINT), 0);
    assert_int_equal(kill(process, SIGTERM), 0);
    assert_int_equal(kill(process, SIGCONT), 0);
    const int status = finish(process);
    assert_true(status == 1000 + SIGINT || status == 1000 + SIGTERM);
}

/* The run ends when its time is over, and prints what there is of it. */
static void test_a_run_ends_when_its_time_is_over(void **state)
{
    (void)state;
    out[0] = '\0';
    for (int ms = 50; out[0] == '\0'; ms *= 2) { /* a time too short for the first step leaves nothing to print */
        assert_true(ms < PATIENCE_MS);
        assert_int_equal(chiton("run " ENDLESS " --json --until %d.%03ds", ms / 1000, ms % 1000), 130);
        assert_says(err, "chiton: stopped ");
    }
    json_t *run = json_loads(out, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(run, "status")), "unfinished");
    assert_true(json_integer_value(json_object_get(run, "steps")) > 0);
    json_decref(run);
}

/* Each attempt has twice the time, until one comes to the end. */
static void test_sweeps_whose_time_is_over_go_on(void **state)
{
    (void)state;
    int status = 130, stops = 0;
    assert_succeeds(LONG " -o whole.db");
    for (int ms = 1; status == 130; ms *= 2) {
        assert_true(ms < PATIENCE_MS);
        status = chiton(LONG " -o s.db -j 1 --until %d.%03ds", ms / 1000, ms % 1000);
        stops += status == 130;
        if (status == 130) {
            assert_says(err, "repeat the command to go on");
        }
    }
    assert_int_equal(status, 0);
    assert_true(stops > 0); /* nobody does 50 such runs in a millisecond */
    assert_true(is_whole(path_of("s.db")));
    assert_same_content(path_of("s.db"), path_of("whole.db"));
}

static void test_times_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"soon", "5", "0s", "3:50:00"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(chiton(LONG " -o s.db --until %s", texts[i]), 2);
        assert_says(err, "--until is '");
        assert_says(err, "3h50m");
        assert_int_equal(chiton("run " ENDLESS " --until %s", texts[i]), 2);
    }
    assert_int_equal(num_files(), 0);
}

/* The store is made before the runs are listed, which takes seconds: a signal that comes meanwhile ends the sweep as at
 * any other time. */
static void test_a_sweep_that_lists_its_runs_is_interrupted(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGUSR1};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        const pid_t process = start("sweep " ENDLESS " --seed 0..2999999 -o s.db -j 1", &(surroundings){0});
        wait_for_file("s.db");
        assert_int_equal(signal_and_finish(process, signals[i]), 130);
        assert_says(err, "repeat the command to go on");
        assert_int_equal(unlink(path_of("s.db")), 0);
        assert_int_equal(num_files(), 0);
    }
}

/* Interrupts LONG when some of its runs are done. Starts again if the sweep was over before the signal came. */
static void interrupt_amid(int number)
{
    enum { ATTEMPTS = 50 };
    int status = 0;
    for (int i = 0; i < ATTEMPTS && status == 0; i++) {
        assert_true(i == 0 || unlink(path_of("s.db")) == 0);
        const pid_t process = start(LONG " -o s.db -j 1", &(surroundings){0});
        wait_for_runs("s.db", 2);
        status = signal_and_finish(process, number);
    }
    assert_int_equal(status, 130);
}

static void test_a_sweep_is_interrupted_and_goes_on(void **state)
{
    (void)state;
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU};
    assert_succeeds(LONG " -o whole.db");
    for (size_t i = 0; i < (is_sanitized() ? 2 : sizeof signals / sizeof *signals); i++) {
        interrupt_amid(signals[i]);
        assert_says(err, "repeat the command to go on");
        const size_t count = count_runs(path_of("s.db"));
        char words[64];
        assert_in((double)count, 2, LONG_RUNS - 1);
        snprintf(words, sizeof words, "s.db: 50 runs, 0 were there, %zu done in ", count);
        assert_ptr_equal(strstr(out, words), out);
        assert_true(is_whole(path_of("s.db")));
        assert_alone("s.db");
        assert_succeeds(LONG " -o s.db");
        snprintf(words, sizeof words, "s.db: 50 runs, %zu were there, %zu done in ", count, LONG_RUNS - count);
        assert_ptr_equal(strstr(out, words), out);
        assert_same_content(path_of("s.db"), path_of("whole.db"));
        assert_int_equal(unlink(path_of("s.db")), 0);
    }
}

static void test_endless_runs_of_a_sweep_are_given_up(void **state)
{
    (void)state;
    const pid_t process = start("sweep " ENDLESS " --seed 0..9 -o s.db -j 2", &(surroundings){0});
    wait_for_file("s.db");
    wait_ms(50);
    assert_int_equal(signal_and_finish(process, SIGINT), 130);
    assert_says(err, "chiton: stopped ");
    assert_int_equal(count_runs(path_of("s.db")), 0);
}

/* ---- killing: at any moment, over and over, until the sweep is done ---- */

/* Requires that export prints the same runs and points for two stores. The column `seconds` is made equal before. */
static void assert_same_export(const char *one, const char *other)
{
    static char first[sizeof out];
    static const char *const options[] = {"--where 1", "--points"};
    for (size_t i = 0; i < 2; i++) {
        assert_succeeds("export %s %s", one, options[i]);
        memcpy(first, out, sizeof first);
        assert_succeeds("export %s %s", other, options[i]);
        assert_string_equal(first, out);
    }
}

static void forget_seconds(const char *name)
{
    execute(path_of(name), "UPDATE runs SET seconds = 0");
}

static void test_killed_sweeps_come_to_the_same(void **state)
{
    (void)state;
    const int rounds = is_sanitized() ? 2 : 10;
    const uint32_t unit = is_sanitized() ? 50 : 10; /* milliseconds: the program takes so much longer */
    int kills = 0, kept = 0;
    ch_random random;
    ch_random_init(&random, 1, CH_STREAM_BATCHES, 0);
    assert_succeeds(SHORT " -o whole.db");
    forget_seconds("whole.db");
    for (int round = 0; round < rounds; round++) {
        int status = 1000 + SIGKILL;
        for (uint32_t attempt = 0; status == 1000 + SIGKILL; attempt++) {
            const pid_t process =
                start(round % 2 == 0 ? SHORT " -o s.db -j 1" : SHORT " -o s.db -j 2", &(surroundings){0});
            /* the program gets more time in each attempt, so that it ends at last */
            wait_ms((long)ch_random_below(&random, 2 * unit + unit * attempt));
            kill(process, SIGKILL);
            status = finish(process);
            kills += status != 0;
            kept += status != 0 && runs_in("s.db") > 0;
        }
        assert_int_equal(status, 0);
        assert_true(is_whole(path_of("s.db")));
        assert_same_content(path_of("s.db"), path_of("whole.db"));
        forget_seconds("s.db");
        assert_same_export("s.db", "whole.db");
        assert_int_equal(unlink(path_of("s.db")), 0);
    }
    assert_true(kills > rounds / 2); /* some six kills in a round are usual */
    assert_true(kept > 0);           /* after a third of the kills the store has some of the runs */
    assert_int_equal(num_files(), 1);
}

/* ---- several at once ---- */

static void test_two_sweeps_share_a_store(void **state)
{
    (void)state;
    assert_succeeds(SHORT " -o whole.db");
    for (int i = 0; i < (is_sanitized() ? 2 : 5); i++) {
        const surroundings silent = {.out = "/dev/null", .err = "/dev/null"};
        const pid_t one = start(SHORT " -o s.db -j 1", &silent);
        const pid_t other = start(SHORT " -o s.db -j 1", &silent);
        assert_int_equal(finish(other), 0);
        assert_int_equal(finish(one), 0);
        assert_same_content(path_of("s.db"), path_of("whole.db"));
        assert_alone("s.db");
        assert_int_equal(unlink(path_of("s.db")), 0);
    }
}

static void test_threads_change_nothing(void **state)
{
    (void)state;
    assert_succeeds(SHORT " -o one.db -j 1");
    assert_succeeds(SHORT " -o two.db -j 2");
    assert_same_content(path_of("one.db"), path_of("two.db"));
    assert_int_equal(count_runs(path_of("two.db")), SHORT_RUNS);
}

/* ---- no room ---- */

/* A sweep whose store has some 1.3 MB, twice the room that it gets. */
#define BULKY "sweep perceptron --dim 8 --train 2^4..2^8 --temp 2^-10..2^2 --seed 0..7 --record 5"
enum { BULKY_RUNS = 5 * 13 * 8 };

static void assert_ended_for_want_of_room(const char *path, int status)
{
    size_t done = 0;
    assert_int_equal(status, 1);
    assert_says(err, "the runs in it are kept");
    const char *found = strstr(out, "0 were there, ");
    assert_non_null(found);
    assert_int_equal(sscanf(found, "0 were there, %zu done", &done), 1);
    assert_in((double)done, 10, BULKY_RUNS - 1);
    assert_int_equal(count_runs(path), done);
    assert_true(is_whole(path));
}

static void test_files_that_may_not_grow(void **state)
{
    (void)state;
    const int status = finish(start(BULKY " -o s.db", &(surroundings){.file_size = 500000}));
    assert_ended_for_want_of_room(path_of("s.db"), status);
    assert_succeeds("list s.db");
    assert_succeeds(BULKY " -o s.db");
    assert_succeeds(BULKY " -o whole.db");
    assert_same_content(path_of("s.db"), path_of("whole.db"));
}

#ifdef __linux__
/* Mounts a disk that only this test uses. It disappears with the test's process. */
static bool mount_disk(const char *path)
{
    return mkdir(path, 0755) == 0 && unshare(CLONE_NEWNS) == 0 &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount("tmpfs", path, "tmpfs", 0, "size=600k") == 0;
}

static int unmount_disk(void **state)
{
    (void)umount2(path_of("disk"), MNT_DETACH);
    return remove_folder(state);
}

static void test_a_disk_that_fills(void **state)
{
    (void)state;
    if (!mount_disk(path_of("disk"))) {
        skip(); /* only root may mount a disk; the test before this one is much the same */
    }
    assert_ended_for_want_of_room(path_of("disk/s.db"), chiton(BULKY " -o disk/s.db"));
    assert_succeeds("list disk/s.db");
    assert_succeeds("export disk/s.db");
    assert_int_equal(mount(NULL, path_of("disk"), NULL, MS_REMOUNT, "size=60M"), 0);
    assert_succeeds(BULKY " -o disk/s.db");
    assert_succeeds(BULKY " -o whole.db");
    assert_same_content(path_of("disk/s.db"), path_of("whole.db"));
}
#endif

static void test_output_that_cannot_be_written(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        skip();
    }
    static const char *const lines[] = {"--help",
                                        "--version",
                                        "run perceptron --dim 8 --train 16 --temp 1",
                                        "run perceptron --dim 8 --train 16 --temp 1 --json",
                                        "run --help",
                                        "list s.db",
                                        "list s.db --json",
                                        "export s.db",
                                        "export s.db --json",
                                        "export s.db --points",
                                        "fit s.db",
                                        "fit s.db --json",
                                        "plot s.db -o d --format svg",
                                        "theory --chi 1",
                                        "theory --chi 1 --json",
                                        SHORT " --dry-run",
                                        SHORT " -o s.db"};
    assert_succeeds("sweep perceptron --chi 1 --dim 8 --train 2^6..2^9 --temp 2^-6..2^2 --seed 0..4 -o s.db");
    const size_t count = count_runs(path_of("s.db"));
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const int status = finish(start(lines[i], &(surroundings){.out = "/dev/full"}));
        if (status != 1) {
            fail_msg("%s: exit status %d, %s", lines[i], status, err);
        }
        assert_says(err, "chiton: cannot write to standard output");
    }
    assert_int_equal(count_runs(path_of("s.db")), count + SHORT_RUNS); /* finished runs are kept */
}

/* Tables of boxes for dim = 256 take half a minute and more. */
static void test_interrupted_theory(void **state)
{
    (void)state;
    const pid_t process = start("theory --chi 1 --dim 256 --train 2^12..2^13 --temp 1", &(surroundings){0});
    wait_until_caught(process, SIGINT);
    assert_int_equal(signal_and_finish(process, SIGINT), 130);
    assert_string_equal(out, "");
    assert_says(err, "stopped while boxes of samples were simulated");
}

/* ---- progress ---- */

/* One run that takes just longer than the time between two lines of progress. */
#define FIVE_SECONDS "sweep " ENDLESS " --max_seconds 5.2 -j 1"

static void test_progress_is_plain_lines_without_a_terminal(void **state)
{
    (void)state;
    if (is_sanitized()) { /* five seconds of one loop, which the native build takes */
        skip();
    }
    assert_int_equal(chiton(FIVE_SECONDS " -o s.db"), 0);
    assert_ptr_equal(strstr(err, "1/1  "), err);
    assert_says(err, " runs/s  0:00 left\n");
    assert_null(strchr(err, '\r'));
    assert_null(strchr(err, '\033'));
    assert_ptr_equal(strstr(out, "s.db: 1 runs, 0 were there, 1 done in "), out);
    assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
}

static void test_progress_is_a_bar_on_a_terminal(void **state)
{
    (void)state;
    char shown[1 << 14] = "";
    const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) {
        skip();
    }
    assert_int_equal(finish(start(SHORT " -o s.db", &(surroundings){.err = ptsname(terminal)})), 0);
    const ssize_t length = read(terminal, shown, sizeof shown - 1);
    close(terminal);
    assert_true(length > 0);
    assert_says(shown, "\r[");
    assert_says(shown, "] 144/144  ");
    assert_null(strchr(out, '\r'));
    assert_ptr_equal(strstr(out, "s.db: 144 runs, 0 were there, 144 done in "), out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_run_is_interrupted),
        STORE_TEST(test_ignored_signals_stay_ignored),
        STORE_TEST(test_a_second_signal_kills),
        STORE_TEST(test_a_run_ends_when_its_time_is_over),
        STORE_TEST(test_sweeps_whose_time_is_over_go_on),
        STORE_TEST(test_times_that_are_none_are_refused),
        STORE_TEST(test_a_sweep_that_lists_its_runs_is_interrupted),
        STORE_TEST(test_a_sweep_is_interrupted_and_goes_on),
        STORE_TEST(test_endless_runs_of_a_sweep_are_given_up),
        STORE_TEST(test_killed_sweeps_come_to_the_same),
        STORE_TEST(test_two_sweeps_share_a_store),
        STORE_TEST(test_threads_change_nothing),
        STORE_TEST(test_files_that_may_not_grow),
#ifdef __linux__
        cmocka_unit_test_setup_teardown(test_a_disk_that_fills, make_folder, unmount_disk),
#endif
        STORE_TEST(test_output_that_cannot_be_written),
        STORE_TEST(test_interrupted_theory),
        STORE_TEST(test_progress_is_plain_lines_without_a_terminal),
        STORE_TEST(test_progress_is_a_bar_on_a_terminal),
    };
    return cmocka_run_group_tests_name("program ends", tests, locate_program, NULL);
}
