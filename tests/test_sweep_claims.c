/* test_sweep_claims.c — several processes do one sweep on one store: every run is made once, and the runs of a process
 * that has ended are made by the others. Processes are forked before this one uses OpenMP: clang's library has no
 * working locks in a child whose parent has used it. */
#include "core/clock.h"
#include "sim/store/claims.h"
#include "tests/store_process_support.h"
#include "tests/sweep_support.h"

#include <gsl/gsl_errno.h>
#include <signal.h>

static const char *const GRID[] = {"model perceptron", "temp 2^-3..2^-1", "train 512", "dim 32", "seed 0..19", NULL};
enum { GRID_RUNS = 60 };

static int gate[2], answers[2]; /* pipes: a byte lets a child begin; what a child has done */

/* What a process has done. */
typedef struct {
    size_t done, elsewhere, present;
} share;

static void open_pipes(void)
{
    assert_int_equal(pipe(gate), 0);
    assert_int_equal(pipe(answers), 0);
}

static void close_pipes(void)
{
    for (int i = 0; i < 2; i++) {
        close(gate[i]);
        close(answers[i]);
    }
}

/* In a child: sweeps the grid when the gate opens, and says what it did. */
static void sweep_grid(int threads)
{
    char go = 0;
    ch_error err = {0};
    ch_plan plan = make_plan(GRID);
    ch_store store;
    ch_sweep swept;
    require(ch_store_open(&store, path_of("s.db"), CH_STORE_WRITE, &err) == CH_OK, &err);
    require(ch_sweep_init(&swept, &plan, &store, &err) == CH_OK, &err);
    require(read(gate[0], &go, 1) == 1, &err);
    require(ch_sweep_run(&swept, &store, threads, NULL, &err) == CH_OK, &err);
    const share mine = {num_done(&swept.counts), swept.counts.elsewhere, swept.counts.present};
    ch_sweep_free(&swept);
    ch_store_close(&store);
    ch_plan_free(&plan);
    require(write(answers[1], &mine, sizeof mine) == (ssize_t)sizeof mine, &err);
}

/* No claim and no worker is left. */
static void assert_no_claims(void)
{
    assert_int_equal(query(path_of("s.db"), "SELECT (SELECT count(*) FROM claims) + (SELECT count(*) FROM workers)"),
                     0);
}

static void share_among(int processes, int threads)
{
    pid_t children[4];
    size_t done = 0;
    open_pipes();
    for (int i = 0; i < processes; i++) {
        children[i] = start(sweep_grid, threads);
    }
    assert_int_equal(write(gate[1], "gggg", (size_t)processes), processes);
    for (int i = 0; i < processes; i++) {
        share its;
        assert_done(children[i]);
        assert_int_equal(read(answers[0], &its, sizeof its), sizeof its);
        assert_int_equal(its.done + its.present, GRID_RUNS);
        assert_true(its.elsewhere <= its.present); /* one that begins late finds some in the store */
        done += its.done;
    }
    close_pipes();
    assert_int_equal(done, GRID_RUNS); /* none twice */
    assert_int_equal(count_runs(path_of("s.db")), GRID_RUNS);
    assert_no_claims();
}

static void test_two_share_a_sweep(void **state)
{
    (void)state;
    share_among(2, 1);
}

static void test_four_share_a_sweep(void **state)
{
    (void)state;
    share_among(4, 2);
}

/* ---- processes that end ---- */

/* The first 64 bits of the id of run `index` of the grid. */
static uint64_t id_of(uint64_t index)
{
    char id[CH_ID_SIZE];
    ch_plan plan = make_plan(GRID);
    ch_settings settings;
    ch_resolved resolved;
    ch_plan_get(&plan, index, &settings);
    assert_int_equal(ch_settings_resolve(&settings, &resolved, NULL), CH_OK);
    ch_settings_id(&resolved, id);
    ch_plan_free(&plan);
    id[CH_WORKER_NAME_SIZE - 1] = '\0';
    return strtoull(id, NULL, 16);
}

/* Claims the first runs of the grid. */
static void claim_first(ch_claims *claims, uint64_t count)
{
    assert_int_equal(ch_claims_begin(claims, NULL), CH_OK);
    for (uint64_t i = 0; i < count; i++) {
        ch_claim claim = CH_CLAIM_DONE;
        assert_int_equal(ch_claims_take(claims, id_of(i), &claim, NULL), CH_OK);
        assert_int_equal(claim, CH_CLAIM_MINE);
    }
    assert_int_equal(ch_claims_end(claims, CH_OK, NULL), CH_OK);
}

enum { CLAIMED = 7 };

/* In a child: claims some runs, says so, and waits to be killed. */
static void claim_and_wait(int count)
{
    ch_error err = {0};
    ch_claims claims;
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    require(ch_claims_join(&claims, &store, 60, &err) == CH_OK, &err);
    claim_first(&claims, (uint64_t)count);
    require(write(answers[1], "c", 1) == 1, &err);
    while (true) {
        pause();
    }
}

/* When all runs but those that it has claimed are in the store, the claimer is killed. */
typedef struct {
    pid_t claimer;
    bool is_killed;
} killer;

static void kill_at_last(void *context, const ch_watch_report *report)
{
    killer *self = context;
    assert_true(report->done <= GRID_RUNS - CLAIMED || self->is_killed);
    if (report->done == GRID_RUNS - CLAIMED) {
        self->is_killed = kill(self->claimer, SIGKILL) == 0;
    }
}

/* The claims of a process that was killed end at once, although nobody has asked for how it ended. */
static void test_runs_of_a_killed_process_are_taken_over(void **state)
{
    (void)state;
    char told = 0;
    open_pipes();
    killer context = {.claimer = start(claim_and_wait, CLAIMED)};
    assert_int_equal(read(answers[0], &told, 1), 1);
    ch_plan plan = make_plan(GRID);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    ch_sweep swept;
    ch_error err = {0};
    const ch_watch watch = {.progress = kill_at_last, .context = &context};
    assert_int_equal(ch_sweep_init(&swept, &plan, &store, &err), CH_OK);
    swept.claim_seconds = 1e6; /* longer than any test waits: it is the end of the process that is seen */
    if (ch_sweep_run(&swept, &store, 2, &watch, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    assert_true(context.is_killed);
    assert_int_equal(num_done(&swept.counts), GRID_RUNS);
    ch_sweep_free(&swept);
    ch_store_close(&store);
    ch_plan_free(&plan);
    assert_int_equal(waitpid(context.claimer, NULL, 0), context.claimer);
    close_pipes();
    assert_no_claims();
}

/* A worker that was killed between putting a run and deleting its claim: to others the run is done, while that worker
 * seems to live and afterwards, and the claim goes with the worker. Its claim of a run that is not in the store holds
 * while it seems to live. */
static void test_claims_of_stored_runs_are_harmless(void **state)
{
    (void)state;
    static const char LEFT[] = "SELECT count(*) FROM claims WHERE worker = '0123456789abcdef'";
    char run[CH_WORKER_NAME_SIZE];
    ch_plan plan = make_plan(GRID);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    ch_sweep swept;
    ch_claims claims;
    ch_claim stored = CH_CLAIM_OTHERS, missing = CH_CLAIM_DONE;
    ch_error err = {0};
    assert_int_equal(ch_sweep_init(&swept, &plan, &store, &err), CH_OK);
    assert_int_equal(ch_sweep_run(&swept, &store, 1, NULL, &err), CH_OK);
    ch_sweep_free(&swept);
    execute(path_of("s.db"), "INSERT INTO workers VALUES ('0123456789abcdef', 'far', 'another start', 1, 1, 5)");
    for (uint64_t i = 0; i < CLAIMED; i++) {
        ch_claims_write_run(id_of(i), run);
        char *sql = sqlite3_mprintf("INSERT INTO claims VALUES (%Q, '0123456789abcdef')", run);
        execute(path_of("s.db"), sql);
        sqlite3_free(sql);
    }
    ch_claims_write_run(id_of(1), run);
    char *sql = sqlite3_mprintf("DELETE FROM runs WHERE id LIKE '%q%%'", run);
    execute(path_of("s.db"), sql);
    sqlite3_free(sql);

    assert_int_equal(ch_claims_join(&claims, &store, 1e6, &err), CH_OK);
    assert_int_equal(ch_claims_begin(&claims, &err), CH_OK);
    assert_int_equal(ch_claims_take(&claims, id_of(0), &stored, &err), CH_OK);
    assert_int_equal(ch_claims_take(&claims, id_of(1), &missing, &err), CH_OK);
    assert_int_equal(ch_claims_drop(&claims, id_of(1), &err), CH_OK); /* deletes no claim of another worker */
    assert_int_equal(ch_claims_end(&claims, CH_OK, &err), CH_OK);
    assert_int_equal(stored, CH_CLAIM_DONE);
    assert_int_equal(missing, CH_CLAIM_OTHERS);
    assert_int_equal(query(path_of("s.db"), LEFT), CLAIMED);
    ch_claims_leave(&claims);

    assert_int_equal(ch_sweep_init(&swept, &plan, &store, &err), CH_OK);
    swept.claim_seconds = 0.05;
    assert_int_equal(ch_sweep_run(&swept, &store, 1, NULL, &err), CH_OK);
    assert_int_equal(num_done(&swept.counts), 1);
    ch_sweep_free(&swept);
    ch_store_close(&store);
    ch_plan_free(&plan);
    assert_int_equal(count_runs(path_of("s.db")), GRID_RUNS);
    assert_no_claims();
}

/* Counts the claims of runs that are in the store, after each run of a sweep. */
static void count_stored_claims(void *context, const ch_watch_report *report)
{
    size_t *most = context;
    const size_t count = (size_t)query(path_of("s.db"), "SELECT count(*) FROM claims JOIN runs"
                                                        " ON runs.id BETWEEN claims.run AND claims.run || 'g'");
    (void)report;
    *most = count > *most ? count : *most;
}

/* A sweep deletes the claims of runs that are in the store whenever it claims again, and not only at the end. It claims
 * at most four times as many runs at once as have ended since it claimed last, so that it claims several times. */
static void test_claims_of_stored_runs_are_deleted(void **state)
{
    (void)state;
    size_t most = 0;
    ch_plan plan = make_plan(GRID);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    ch_sweep swept;
    ch_error err = {0};
    const ch_watch watch = {.progress = count_stored_claims, .context = &most};
    assert_int_equal(ch_sweep_init(&swept, &plan, &store, &err), CH_OK);
    assert_int_equal(ch_sweep_run(&swept, &store, 1, &watch, &err), CH_OK);
    assert_in_range(most, 1, 4 * GRID_RUNS / 5);
    ch_sweep_free(&swept);
    ch_store_close(&store);
    ch_plan_free(&plan);
    assert_no_claims();
}

/* Claims of workers on another machine, of which one gave signs of life once, and claims of nobody. */
static void test_claims_end_without_signs_of_life(void **state)
{
    (void)state;
    ch_plan plan = make_plan(GRID);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    char run[CH_WORKER_NAME_SIZE];
    execute(path_of("s.db"), "INSERT INTO workers VALUES ('0123456789abcdef', 'far', 'another start', 1, 1, 5),"
                             " ('0123456789abcdee', 'far', NULL, 1, 1, 5)");
    for (uint64_t i = 0; i < CLAIMED; i++) {
        static const char *const workers[] = {"0123456789abcdef", "0123456789abcdee", "nobody"};
        ch_claims_write_run(id_of(i), run);
        char *sql = sqlite3_mprintf("INSERT INTO claims VALUES (%Q, %Q)", run, workers[i % 3]);
        execute(path_of("s.db"), sql);
        sqlite3_free(sql);
    }
    ch_sweep swept;
    ch_error err = {0};
    assert_int_equal(ch_sweep_init(&swept, &plan, &store, &err), CH_OK);
    swept.claim_seconds = 0.05;
    if (ch_sweep_run(&swept, &store, 1, NULL, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(num_done(&swept.counts), GRID_RUNS);
    ch_sweep_free(&swept);
    ch_store_close(&store);
    ch_plan_free(&plan);
    assert_no_claims();
}

/* ---- signs of life ---- */

static ch_claim try_first(ch_claims *claims)
{
    ch_claim claim = CH_CLAIM_DONE;
    assert_int_equal(ch_claims_begin(claims, NULL), CH_OK);
    assert_int_equal(ch_claims_take(claims, id_of(0), &claim, NULL), CH_OK);
    assert_int_equal(ch_claims_end(claims, CH_OK, NULL), CH_OK);
    return claim;
}

/* A worker whose count grows between any two looks keeps its claims, however long the looks are apart. One whose count
 * stands still for longer than others have patience loses them; when it goes on, it is a worker again. */
static void test_signs_of_life(void **state)
{
    (void)state;
    static const double PATIENCE = 0.01;
    ch_claims one, other;
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE), another = open_store(path_of("s.db"), CH_STORE_WRITE);
    assert_int_equal(ch_claims_join(&one, &store, 1e6, NULL), CH_OK);
    claim_first(&one, 1);
    assert_int_equal(ch_claims_join(&other, &another, PATIENCE, NULL), CH_OK);
    for (int i = 0; i < 3; i++) {
        ch_clock_sleep(2 * PATIENCE);
        assert_int_equal(ch_claims_beat(&one, NULL), CH_OK);
        assert_int_equal(ch_claims_beat(&other, NULL), CH_OK);
        assert_int_equal(try_first(&other), CH_CLAIM_OTHERS);
    }
    ch_clock_sleep(2 * PATIENCE);
    assert_int_equal(ch_claims_beat(&other, NULL), CH_OK);
    assert_int_equal(try_first(&other), CH_CLAIM_MINE);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM workers"), 1);
    assert_int_equal(try_first(&one), CH_CLAIM_OTHERS);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM workers"), 2);
    ch_claims_leave(&other);
    ch_claims_leave(&other); /* leaving twice is allowed */
    assert_int_equal(try_first(&one), CH_CLAIM_MINE);
    ch_claims_leave(&one);
    ch_store_close(&another);
    ch_store_close(&store);
    assert_no_claims();
    assert_alone("s.db");
}

/* ---- a sweep that is stopped ---- */

static void raise_stop(void *context, const ch_watch_report *report)
{
    if (report->done == GRID_RUNS / 2) {
        atomic_store((ch_stop *)context, 1);
    }
}

static void test_a_stopped_sweep_ends_its_claims(void **state)
{
    (void)state;
    ch_plan plan = make_plan(GRID);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    ch_sweep swept;
    ch_stop stop = 0;
    ch_error err = {0};
    const ch_watch watch = {.stop = &stop, .progress = raise_stop, .context = &stop};
    assert_int_equal(ch_sweep_init(&swept, &plan, &store, &err), CH_OK);
    assert_int_equal(ch_sweep_run(&swept, &store, 1, &watch, &err), CH_ERROR_INTERRUPTED);
    ch_sweep_free(&swept);
    ch_store_close(&store);
    ch_plan_free(&plan);
    assert_int_equal(count_runs(path_of("s.db")), GRID_RUNS / 2);
    assert_no_claims();
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_two_share_a_sweep),
        STORE_TEST(test_four_share_a_sweep),
        STORE_TEST(test_runs_of_a_killed_process_are_taken_over),
        STORE_TEST(test_claims_of_stored_runs_are_harmless),
        STORE_TEST(test_claims_of_stored_runs_are_deleted),
        STORE_TEST(test_claims_end_without_signs_of_life),
        STORE_TEST(test_signs_of_life),
        STORE_TEST(test_a_stopped_sweep_ends_its_claims),
    };
    return cmocka_run_group_tests_name("claims", tests, NULL, NULL);
}
