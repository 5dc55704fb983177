/* test_program_mpi.c — real processes of mpirun share a sweep: the content of the store, what is printed, and
 * processes, disks and files that fail. Skipped where mpirun is not there. */
#define _GNU_SOURCE 1 /* memmem */
#include "tests/program_support.h"

#include <glob.h>

/* Sweeps of 60 runs that take some milliseconds each, and of 24 runs of all kinds of models. */
#define SWEEP "sweep perceptron --dim 32 --train 256,512 --temp 0.5,1,2 --seed 0..9 --record 2"
enum { RUNS = 2 * 3 * 10, LINE = 4 * PATH_MAX };

static bool is_able(void)
{
    char module[PATH_MAX];
    snprintf(module, sizeof module, "%s", program);
    char *slash = strrchr(module, '/');
    snprintf(slash, sizeof module - (size_t)(slash - module), "/chiton-mpi.so");
    if (system("command -v mpirun >/dev/null") == 0 && access(module, R_OK) == 0) {
        return true;
    }
    print_message("mpirun is not here, or chiton was built without MPI\n");
    return false;
}

/* Starts several processes of chiton.
 * @param before  options of mpirun before the program's name */
static pid_t start_group(int size, const char *before, const char *line)
{
    char words[LINE];
    const int length = snprintf(words, sizeof words, "--oversubscribe -n %d %s %s %s", size, before, program, line);
    assert_true(length > 0 && (size_t)length < sizeof words);
    return start_other("mpirun", words, &(surroundings){0});
}

static int run_group(int size, const char *line)
{
    return finish(start_group(size, "", line));
}

/* The content of a store that one process made. */
static void make_serial(const char *name)
{
    assert_succeeds(SWEEP " -j 1 -o %s", name);
    assert_int_equal(count_runs(path_of(name)), RUNS);
}

static size_t count(const char *text, const char *part)
{
    size_t found = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        found++;
    }
    return found;
}

/* ---- what comes out ---- */

static void test_the_content_is_that_of_one_process(void **state)
{
    (void)state;
    static const char *const sweeps[] = {
        SWEEP, "sweep mlp --dim 8 --train 8,16 --width 4 --depth 2 --temp 0.25,1 --max-steps 60 --record 2"
               " --linear no,yes --seed 0..2"};
    char line[512], serial[32], shared[32];
    if (!is_able()) {
        skip();
    }
    for (size_t i = 0; i < sizeof sweeps / sizeof *sweeps; i++) {
        snprintf(serial, sizeof serial, "serial%zu.db", i);
        snprintf(shared, sizeof shared, "shared%zu.db", i);
        assert_succeeds("%s -j 1 -o %s", sweeps[i], serial);
        snprintf(line, sizeof line, "%s -o %s", sweeps[i], shared);
        assert_int_equal(run_group(3, line), 0);
        assert_int_equal(count(out, " runs, 0 were there, "), 1); /* process 0 alone prints */
        assert_string_equal(strstr(err, "chiton: ") != NULL ? err : "", "");
        char one[PATH_MAX];
        snprintf(one, sizeof one, "%s", path_of(serial));
        assert_same_content(one, path_of(shared));
        assert_alone(shared);
    }
    assert_int_equal(run_group(2, SWEEP " -o shared0.db"), 0);
    assert_says(out, "shared0.db: 60 runs, 60 were there, 0 done");
}

/* Runs that fail on any process are kept by process 0, and the others are made. */
static void test_runs_fail(void **state)
{
    (void)state;
    static const char sweep[] = "sweep mlp --linear yes --depth 2 --dim 12 --width 16 --test 40 --train 32 --temp 1 "
                                "--seed 0..11 --kernel-cache k --on-error continue -o s.db";
    glob_t found;
    if (!is_able()) {
        skip();
    }
    assert_succeeds("%s", sweep);
    assert_int_equal(unlink(path_of("s.db")), 0);
    assert_int_equal(glob(path_of("k/*"), 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 12);
    for (size_t i = 0; i < found.gl_pathc; i += 2) {
        assert_int_equal(truncate(found.gl_pathv[i], 100), 0);
    }
    assert_int_equal(run_group(3, sweep), 1);
    assert_says(out, "s.db: 12 runs, 0 were there, 6 done in ");
    assert_says(out, "; 6 failed\n");
    assert_says(err, "chiton: 6 of 12 runs failed; ");
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM failures WHERE reason LIKE 'the kernel file %'"), 6);
    for (size_t i = 0; i < found.gl_pathc; i += 2) {
        assert_int_equal(unlink(found.gl_pathv[i]), 0);
    }
    globfree(&found);
    assert_int_equal(run_group(3, "sweep mlp --linear yes --depth 2 --dim 12 --width 16 --test 40 --train 32 --temp 1 "
                                  "--seed 0..11 -o s.db --retry"),
                     0);
    assert_int_equal(count_runs(path_of("s.db")), 12);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM failures"), 0);
}

/* What process 0 refuses is said once, with its exit status, and nothing is written. */
static void test_refusals_are_said_once(void **state)
{
    (void)state;
    static const char *const lines[][2] = {
        {SWEEP, "chiton: -o is missing"},
        {SWEEP " --tmp 3 -o s.db", "chiton: unknown setting"},
        {SWEEP " -o missing/s.db", "chiton: store missing/s.db cannot be made"},
        {"sweep missing.yaml -o s.db", "chiton: "},
    };
    if (!is_able()) {
        skip();
    }
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(run_group(2, lines[i][0]), 2);
        assert_says(err, lines[i][1]);
        assert_int_equal(count(err, "chiton: "), 1);
        assert_int_equal(num_files(), 0);
    }
}

/* Processes with other arguments would do another sweep. */
static void test_other_arguments_are_refused(void **state)
{
    (void)state;
    char line[LINE];
    if (!is_able()) {
        skip();
    }
    snprintf(line, sizeof line, SWEEP " -o s.db : -n 1 %s " SWEEP " -o other.db", program);
    assert_int_equal(run_group(1, line), 2);
    assert_says(err, "chiton: process 1 was started with other arguments than process 0");
    assert_int_equal(num_files(), 0);
}

/* A program without the module says what it lacks, once, and N processes do not do N sweeps. */
static void test_without_mpi(void **state)
{
    (void)state;
    char line[LINE], copy[PATH_MAX];
    if (!is_able()) {
        skip();
    }
    snprintf(copy, sizeof copy, "%s", path_of("alone"));
    snprintf(line, sizeof line, "cp '%s' '%s'", program, copy);
    assert_int_equal(system(line), 0);
    snprintf(line, sizeof line, "--oversubscribe -n 2 '%s' " SWEEP " -o s.db", copy);
    assert_int_equal(finish(start_other("mpirun", line, &(surroundings){0})), 2);
    assert_says(err, "chiton: 2 processes were started together, but this chiton was built without MPI");
    assert_int_equal(count(err, "chiton: "), 1);
    assert_int_equal(num_files(), 1);
    snprintf(line, sizeof line, SWEEP " -o s.db");
    assert_int_equal(finish(start_other(copy, line, &(surroundings){0})), 0);
    assert_int_equal(count_runs(path_of("s.db")), RUNS);
    assert_int_equal(unlink(copy), 0);
}

/* ---- processes that end ---- */

enum { MOST_CHILDREN = 8 };

/* The processes of chiton that belong to an mpirun, by their number there.  @return how many they are */
static size_t find_children(pid_t parent, pid_t *children)
{
    char path[300], text[8192], wanted[64];
    size_t found = 0;
    DIR *entries = opendir("/proc");
    assert_non_null(entries);
    memset(children, 0, MOST_CHILDREN * sizeof *children);
    for (const struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        int ppid = 0;
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL) {
            continue;
        }
        const bool is_chiton = fscanf(file, "%*d (chiton) %*c %d", &ppid) == 1 && ppid == parent;
        fclose(file);
        snprintf(path, sizeof path, "/proc/%s/environ", entry->d_name);
        file = is_chiton ? fopen(path, "r") : NULL;
        if (file == NULL) {
            continue;
        }
        const size_t length = fread(text, 1, sizeof text - 1, file);
        fclose(file);
        for (int rank = 0; rank < MOST_CHILDREN; rank++) {
            const int size = snprintf(wanted, sizeof wanted, "OMPI_COMM_WORLD_RANK=%d", rank) + 1;
            if (memmem(text, length, wanted, (size_t)size) != NULL) {
                children[rank] = (pid_t)atoi(entry->d_name);
                found++;
            }
        }
    }
    closedir(entries);
    return found;
}

static bool has_ended(pid_t child)
{
    siginfo_t found = {.si_pid = 0};
    return waitid(P_PID, (id_t)child, &found, WEXITED | WNOHANG | WNOWAIT) == 0 && found.si_pid != 0;
}

/* Whether there is a store that has a run; one that is being made may not be readable yet. */
static bool has_runs(const char *path)
{
    ch_run_table table = {0};
    ch_store store;
    bool has = false;
    if (exists(path) && ch_store_open(&store, path, CH_STORE_READ, NULL) == CH_OK) {
        has = ch_store_select(&store, NULL, true, &table, NULL) == CH_OK && table.count > 0;
        ch_run_table_free(&table);
        ch_store_close(&store);
    }
    return has;
}

/* Waits until the store of a sweep under way has runs, and then for some milliseconds more. */
static void wait_for_runs(pid_t launcher, const char *name, long ms)
{
    for (int waited = 0; !has_runs(path_of(name)); waited++) {
        if (has_ended(launcher)) {
            return;
        }
        assert_true(waited < 60000);
        wait_ms(1);
    }
    wait_ms(ms);
}

/* Waits until none of the processes is there. */
static void await_end(const pid_t *children)
{
    for (size_t i = 0; i < MOST_CHILDREN; i++) {
        for (int waited = 0; children[i] > 0 && kill(children[i], 0) == 0; waited++) {
            assert_true(waited < 60000);
            wait_ms(1);
        }
    }
}

enum { WORKER, LEADER, ALL, LAUNCHER, NUM_VICTIMS };

/* Starts a sweep, sends a signal to some of its processes, and waits until all have ended.
 * @return the exit status of mpirun */
static int interrupt(int victim, int number, long ms)
{
    pid_t children[MOST_CHILDREN];
    const pid_t launcher = start_group(3, "", SWEEP " -o s.db");
    wait_for_runs(launcher, "s.db", ms);
    find_children(launcher, children);
    for (int rank = 0; rank < 3; rank++) {
        if (children[rank] > 0 && (victim == ALL || victim == (rank == 0 ? LEADER : rank == 1 ? WORKER : -1))) {
            kill(children[rank], number);
        }
    }
    if (victim == LAUNCHER || (victim == ALL && number == SIGKILL)) {
        kill(launcher, number);
    }
    const int status = finish(launcher);
    await_end(children);
    return status;
}

/* The same command goes on where it was, and the content in the end is that of one process. */
static void assert_goes_on(void)
{
    if (exists(path_of("s.db"))) {
        assert_true(is_whole(path_of("s.db")));
    }
    assert_int_equal(run_group(3, SWEEP " -o s.db"), 0);
    char serial[PATH_MAX];
    snprintf(serial, sizeof serial, "%s", path_of("serial.db"));
    assert_same_content(path_of("s.db"), serial);
    assert_int_equal(unlink(path_of("s.db")), 0);
}

static void test_processes_are_killed(void **state)
{
    (void)state;
    int ended = 0;
    if (!is_able()) {
        skip();
    }
    make_serial("serial.db");
    for (int victim = WORKER; victim < NUM_VICTIMS; victim++) {
        const int status = interrupt(victim, SIGKILL, 1);
        ended += status != 0;
        assert_goes_on();
    }
    assert_true(ended > 0); /* others were over before they could be killed */
}

/* Waits until a store has so many states, or a launcher has ended.  @return how many it has */
static long long await_states(pid_t launcher, const char *name, long long wanted)
{
    long long count = 0;
    for (int waited = 0; count < wanted && !has_ended(launcher); waited++) {
        sqlite3 *db = NULL;
        sqlite3_stmt *select = NULL;
        if (sqlite3_open_v2(path_of(name), &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
            sqlite3_prepare_v2(db, "SELECT count(*) FROM checkpoints", -1, &select, NULL) == SQLITE_OK &&
            sqlite3_step(select) == SQLITE_ROW) {
            count = sqlite3_column_int64(select, 0);
        }
        sqlite3_finalize(select);
        sqlite3_close(db);
        assert_true(waited < 60000);
        wait_ms(1);
    }
    return count;
}

/* Processes that are killed together go on from the states of all runs that were under way, not of process 0 alone. */
static void test_states_of_killed_processes(void **state)
{
    (void)state;
    static const char *const line = "sweep perceptron --dim 64 --train 4000 --temp 1 --alpha 100 --record 3 "
                                    "--engine plain --seed 0..2 -j 1";
    char command[LINE], wanted[64], serial[PATH_MAX];
    long long kept = 0;
    if (!is_able()) {
        skip();
    }
    assert_succeeds("%s -o serial.db", line);
    for (int attempt = 0; kept < 2; attempt++) { /* a run of process 0, and one of another at least */
        pid_t children[MOST_CHILDREN];
        assert_true(attempt < 20);
        if (exists(path_of("s.db"))) {
            assert_int_equal(unlink(path_of("s.db")), 0);
        }
        snprintf(command, sizeof command, "%s -o s.db --checkpoint 0.01s", line);
        const pid_t launcher = start_group(3, "", command);
        await_states(launcher, "s.db", 3);
        find_children(launcher, children);
        for (int rank = 0; rank < 3; rank++) {
            if (children[rank] > 0) {
                kill(children[rank], SIGKILL);
            }
        }
        kill(launcher, SIGKILL);
        finish(launcher);
        await_end(children);
        kept = exists(path_of("s.db")) ? query(path_of("s.db"), "SELECT count(*) FROM checkpoints") : 0;
    }
    snprintf(command, sizeof command, "%s -o s.db", line);
    assert_int_equal(run_group(2, command), 0);
    snprintf(wanted, sizeof wanted, "; %lld went on from a checkpoint", kept);
    assert_says(out, wanted);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM checkpoints"), 0);
    snprintf(serial, sizeof serial, "%s", path_of("serial.db"));
    assert_same_content(path_of("s.db"), serial);
}

/* SIGTERM to one process ends all, as interrupted, and what has ended is in the store. */
static void test_processes_are_stopped(void **state)
{
    (void)state;
    static const int victims[] = {LEADER, WORKER};
    if (!is_able()) {
        skip();
    }
    make_serial("serial.db");
    for (size_t i = 0; i < 2; i++) {
        const int status = interrupt(victims[i], SIGTERM, 1);
        if (status != 0) { /* it was not over before */
            assert_int_equal(status, 130);
            assert_says(err, "repeat the command to go on");
            assert_true(count_runs(path_of("s.db")) > 0);
        }
        assert_goes_on();
    }
}

/* At random moments, some or all of them. */
static void test_processes_are_killed_at_random(void **state)
{
    (void)state;
    int ended = 0;
    const int times = is_long() ? 200 : 2;
    ch_random random;
    if (!is_able()) {
        skip();
    }
    make_serial("serial.db");
    ch_random_init(&random, 17, CH_STREAM_INIT, 0);
    for (int i = 0; i < times; i++) {
        const int victim = (int)(ch_random_u32(&random) % NUM_VICTIMS);
        ended += interrupt(victim, SIGKILL, (long)(ch_random_u32(&random) % 60)) != 0;
        if (ch_random_u32(&random) % 4 != 0 || i + 1 == times) { /* else it is killed once more on the way */
            assert_goes_on();
        }
    }
    print_message("%d of %d sweeps were ended by SIGKILL, the others were over before\n", ended, times);
}

/* ---- files that fail ---- */

/* Sweeps with writes to the store of process 0 failing from the k-th on.  @return the exit status */
static int sweep_with_failures(long k, int reason)
{
    char before[2 * PATH_MAX], failing[PATH_MAX + 32];
    snprintf(failing, sizeof failing, "%s", program);
    char *slash = strrchr(failing, '/');
    snprintf(slash, sizeof failing - (size_t)(slash - failing), "/tests/failing.so");
    snprintf(before, sizeof before,
             "-x LD_PRELOAD='%s' -x CHITON_FAIL_FILE=s.db -x CHITON_FAIL_WRITE=%ld -x CHITON_FAIL_WITH=%d", failing, k,
             reason);
    char line[LINE];
    snprintf(line, sizeof line, SWEEP " -o s.db : -n 2 %s " SWEEP " -o s.db", program);
    return finish(start_group(1, before, line));
}

static void test_writes_of_process_0_fail(void **state)
{
    (void)state;
    static const struct {
        long k;
        int reason;
    } cases[] = {{20, ENOSPC}, {25, EIO}};
    if (!is_able() || is_sanitized()) {
        skip();
    }
    make_serial("serial.db");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(sweep_with_failures(cases[i].k, cases[i].reason), 1);
        assert_says(err, "chiton: ");
        assert_says(err, "the runs in it are kept");
        assert_goes_on();
    }
}

/* A folder that cannot be written: another user than root has one. */
static void test_a_store_that_cannot_be_written(void **state)
{
    (void)state;
    char words[LINE];
    if (!is_able()) {
        skip();
    }
    make_serial("serial.db");
    assert_int_equal(chmod(path_of("serial.db"), 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    snprintf(words, sizeof words, "--oversubscribe -n 2 %s " SWEEP " --test 8 -o serial.db", program);
    setenv("TMPDIR", "/tmp", 1);
    const int status = finish(start_other("mpirun", words, &(surroundings){.is_other_user = true}));
    assert_int_equal(chmod(folder, 0755), 0);
    if (status == PROGRAM_OUT_OF_REACH || (status != 2 && strstr(err, "chiton: ") == NULL)) {
        print_message("nobody may not start mpirun or the program here\n");
        skip();
    }
    assert_int_equal(status, 2);
    assert_says(err, "read-only");
    assert_int_equal(count_runs(path_of("serial.db")), RUNS);
}

int main(void)
{
    /* suites: program statistical */
    assert_int_equal(setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1), 0);
    assert_int_equal(setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1), 0);
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_the_content_is_that_of_one_process),
        STORE_TEST(test_runs_fail),
        STORE_TEST(test_refusals_are_said_once),
        STORE_TEST(test_other_arguments_are_refused),
        STORE_TEST(test_without_mpi),
        STORE_TEST(test_processes_are_killed),
        STORE_TEST(test_states_of_killed_processes),
        STORE_TEST(test_processes_are_stopped),
        STORE_TEST(test_processes_are_killed_at_random),
        STORE_TEST(test_writes_of_process_0_fail),
        STORE_TEST(test_a_store_that_cannot_be_written),
    };
    return cmocka_run_group_tests_name("processes of mpirun", tests, locate_program, NULL);
}
