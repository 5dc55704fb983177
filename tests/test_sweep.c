/* test_sweep.c — sweeps: each run is done once, with the same bits on any number of threads; and what ends a sweep. */
#include "sim/sweep/ledger.h"
#include "sim/train_private.h"
#include "tests/alloc_fail.h"
#include "tests/sweep_support.h"
#include "tests/train_support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>

/* ---- every run lands once ---- */

static void test_every_run_lands_once(void **state)
{
    (void)state;
    const outcome result = sweep("s.db", MIXED, 2);
    assert_int_equal(result.counts.total, MIXED_RUNS);
    assert_int_equal(result.counts.present, 0);
    assert_int_equal(num_done(&result.counts), MIXED_RUNS);
    assert_true(result.counts.seconds > 0);
    assert_alone("s.db");

    ch_plan plan = make_plan(MIXED);
    ch_store store = open_store(path_of("s.db"), CH_STORE_READ);
    for (uint64_t i = 0; i < plan.num_runs; i++) {
        ch_settings settings;
        char id[CH_ID_SIZE];
        bool found = false;
        ch_plan_get(&plan, i, &settings);
        const ch_resolved resolved = resolve_settings(&settings);
        ch_settings_id(&resolved, id);
        assert_int_equal(ch_store_has(&store, id, &found, NULL), CH_OK);
        assert_true(found);
    }
    ch_store_close(&store);
    ch_plan_free(&plan);
    const char *path = path_of("s.db");
    assert_int_equal(query(path, "SELECT count(*) FROM runs"), MIXED_RUNS);
    assert_int_equal(query(path, "SELECT count(*) FROM runs WHERE status = 'fitted'"), result.counts.fitted);
    assert_int_equal(query(path, "SELECT count(*) FROM runs WHERE status = 'budget'"), result.counts.budget);
    assert_int_equal(query(path, "SELECT count(*) FROM runs WHERE status = 'diverged'"), result.counts.diverged);
    assert_true(result.counts.fitted > 0 && result.counts.budget > 0 && result.counts.diverged > 0);
}

static void test_threads_change_no_bit(void **state)
{
    (void)state;
    skip_under_valgrind();
    sweep("one.db", MIXED, 1);
    sweep("two.db", MIXED, 2);
    sweep("many.db", MIXED, 7);
    assert_same_content(path_of("one.db"), path_of("two.db"));
    assert_same_content(path_of("one.db"), path_of("many.db"));
}

static void test_a_run_of_a_sweep_is_the_run_alone(void **state)
{
    (void)state;
    skip_under_valgrind();
    sweep("s.db", MIXED, 2);
    ch_plan plan = make_plan(MIXED);
    ch_store store = open_store(path_of("alone.db"), CH_STORE_WRITE);
    for (uint64_t i = 0; i < plan.num_runs; i++) {
        ch_settings settings;
        ch_run run;
        ch_plan_get(&plan, i, &settings);
        assert_int_equal(train_by_settings(&run, &settings, 1, NULL, NULL), CH_OK);
        assert_int_equal(ch_store_put(&store, &run, NULL), CH_OK);
        ch_run_free(&run);
    }
    ch_store_close(&store);
    assert_same_content(path_of("s.db"), path_of("alone.db"));
    ch_plan_free(&plan);
}

/* Runs with fresh batches are done beside runs that share a set, and alone in their group. */
static void test_fresh_batches_need_no_set(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "model perceptron", "dim 8", "train 2^4..2^6,inf,2^10", "temp 1,2", "max_steps 500", "seed 0,1", NULL};
    static const char *const alone[] = {"model perceptron", "dim 8",    "train inf", "temp 1,2",
                                        "max_steps 500",    "seed 0,1", NULL};
    const outcome result = sweep("s.db", lines, 2);
    assert_int_equal(result.num_groups, 2);
    assert_int_equal(result.counts.total, 20);
    sweep("one.db", lines, 1);
    assert_same_content(path_of("s.db"), path_of("one.db"));
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM runs WHERE train IS NULL AND status = 'budget'"), 4);
    assert_int_equal(sweep("s.db", alone, 2).num_jobs, 0); /* all runs are in the store */
    assert_int_equal(sweep("alone.db", alone, 2).counts.budget, 4);
}

static void test_a_second_sweep_does_nothing(void **state)
{
    (void)state;
    sweep("s.db", MIXED, 2);
    ch_run_table before = read_store(path_of("s.db"), NULL);
    const outcome again = sweep("s.db", MIXED, 2);
    assert_int_equal(again.num_jobs, 0);
    assert_int_equal(again.num_groups, 0);
    assert_int_equal(again.counts.present, MIXED_RUNS);
    assert_int_equal(num_done(&again.counts), 0);
    ch_run_table after = read_store(path_of("s.db"), NULL);
    assert_int_equal(before.count, after.count);
    for (size_t i = 0; i < before.count; i++) {
        assert_runs_equal(&before.runs[i], &after.runs[i]); /* seconds too, because no run was done again */
    }
    ch_run_table_free(&before);
    ch_run_table_free(&after);
}

static void test_an_extended_sweep_does_what_is_new(void **state)
{
    (void)state;
    static const char *const small[] = {"model perceptron", "dim 8", "train 2^4..2^6", "temp 1,2", NULL};
    static const char *const large[] = {"model perceptron", "dim 8", "train 2^4..2^7", "temp 2,3,1", "seed 0,1", NULL};
    sweep("s.db", small, 1);
    execute(path_of("s.db"), "UPDATE runs SET seconds = -1");
    const outcome result = sweep("s.db", large, 2);
    assert_int_equal(result.counts.total, 24);
    assert_int_equal(result.counts.present, 6);
    assert_int_equal(result.num_jobs, 18);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM runs"), 24);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM runs WHERE seconds = -1"), 6);
    sweep("fresh.db", large, 2);
    assert_same_content(path_of("s.db"), path_of("fresh.db"));
}

/* Two settings may mean the same run. Both are done, and one is stored. */
static void test_runs_that_are_the_same_land_once(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "model perceptron", "dim 8", "train 64", "rate 1", "batch 64,full,2; dynamics sgd,sgd,sgd", NULL};
    const outcome first = sweep("s.db", lines, 2);
    assert_int_equal(first.counts.repeated, 1);
    assert_int_equal(num_done(&first.counts), 2);
    assert_int_equal(first.counts.present, 0);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM runs"), 2);
    const outcome again = sweep("s.db", lines, 2);
    assert_int_equal(again.counts.present, 3);
    assert_int_equal(again.num_jobs, 0);
}

/* ---- data sets and order ---- */

static void test_runs_that_can_share_a_data_set(void **state)
{
    (void)state;
    skip_under_valgrind();
    assert_int_equal(sweep("mixed.db", MIXED, 1).num_groups, MIXED_SETS);
    /* P, T, B and the seeds of batches and initial weights make no difference to the data set. */
    static const char *const one[] = {"model perceptron", "dim 8",         "train 16,32",    "temp 1,2",
                                      "batch 1,2",        "seed_init 1,2", "seed_batch 3,4", NULL};
    assert_int_equal(sweep("one.db", one, 1).num_groups, 1);
    /* chi, d, the teacher and the seed of the data do. */
    static const char *const many[] = {"model perceptron",    "dim 4,8",       "chi 0,1", "train 16",
                                       "teacher axis,random", "seed_data 1,2", "temp 1",  NULL};
    assert_int_equal(sweep("many.db", many, 1).num_groups, 16);
    /* Two names of the same law. */
    static const char *const names[] = {"model perceptron", "dim 8", "data depleted,sign", "train 16", "temp 1", NULL};
    assert_int_equal(sweep("names.db", names, 1).num_groups, 1);
}

/* A row of an expected order: what a run belongs to, and its cost. */
typedef struct {
    long long set;
    double cost;
} placed;

static size_t read_order(ch_store *store, placed *order, size_t room)
{
    sqlite3_stmt *statement = NULL;
    size_t count = 0;
    assert_int_equal(sqlite3_prepare_v2(store->db, "SELECT seed, train, temp FROM filed", -1, &statement, NULL),
                     SQLITE_OK);
    for (; sqlite3_step(statement) == SQLITE_ROW; count++) {
        ch_settings settings;
        assert_true(count < room);
        ch_settings_default(&settings);
        ch_settings_set(&settings, CH_SETTING_MODEL, (ch_value){.count = CH_ARCH_PERCEPTRON});
        ch_settings_set(&settings, CH_SETTING_TRAIN, (ch_value){.count = (uint64_t)sqlite3_column_int64(statement, 1)});
        ch_settings_set(&settings, CH_SETTING_TEMP, (ch_value){.real = sqlite3_column_double(statement, 2)});
        const ch_resolved resolved = resolve_settings(&settings);
        order[count] = (placed){.set = sqlite3_column_int64(statement, 0), .cost = ch_train_cost(&resolved)};
    }
    sqlite3_finalize(statement);
    return count;
}

/* On one thread, runs are stored in the order of the jobs. Seed 1 has the longest run, then seed 2, then seed 0. */
static void test_long_groups_go_first_and_in_them_long_runs(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron", "temp 1e-3,4,0.1",
                                        "seed 0,0,1,1,2,2; train 16,64,256,32,32,128", NULL};
    static const long long expected[] = {1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0};
    placed order[18];
    ch_plan plan = make_plan(lines);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    assert_int_equal(sqlite3_exec(store.db,
                                  "CREATE TEMP TABLE filed (seed, train, temp);"
                                  "CREATE TEMP TRIGGER file AFTER INSERT ON main.runs BEGIN"
                                  " INSERT INTO filed VALUES (new.seed, new.train, new.temp); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sweep_into(&store, &plan, 1, NULL).code, CH_OK);
    assert_int_equal(read_order(&store, order, 18), 18);
    for (size_t i = 0; i < 18; i++) {
        assert_int_equal(order[i].set, expected[i]);
        assert_true(i % 6 == 0 || order[i].cost <= order[i - 1].cost);
        assert_true(i == 0 || i % 6 != 0 || order[i].cost < order[i - 6].cost);
    }
    ch_store_close(&store);
    ch_plan_free(&plan);
}

/* ---- what ends a sweep ---- */

static ch_stop flag;

/* An update hook of SQLite, which raises the stop flag when the last of `*left` runs is stored. The race detector
 * ignores it, because in the program a signal handler does this at any moment. */
__attribute__((no_sanitize("thread"))) static void count_down(void *left, int operation, const char *schema,
                                                              const char *table, sqlite3_int64 row)
{
    (void)operation, (void)schema, (void)row;
    if (strcmp(table, "runs") == 0) {
        flag = --*(int *)left <= 0;
    }
}

static void test_a_flag_raised_before_stops_all(void **state)
{
    (void)state;
    ch_plan plan = make_plan(MIXED);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    flag = 1;
    const outcome result = sweep_into(&store, &plan, 2, &flag);
    assert_int_equal(result.code, CH_ERROR_INTERRUPTED);
    assert_int_equal(result.err.code, CH_ERROR_INTERRUPTED);
    assert_non_null(strstr(result.err.message, "120 of 120 runs to do"));
    assert_int_equal(num_done(&result.counts), 0);
    ch_store_close(&store);
    ch_plan_free(&plan);
    assert_int_equal(count_runs(path_of("s.db")), 0);
}

static void test_a_flag_raised_under_way_keeps_what_is_done(void **state)
{
    (void)state;
    for (int threads = is_under_valgrind() ? 2 : 1; threads <= 2; threads++) {
        int left = 50;
        ch_plan plan = make_plan(MIXED);
        ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
        flag = 0;
        sqlite3_update_hook(store.db, count_down, &left);
        const outcome result = sweep_into(&store, &plan, threads, &flag);
        assert_int_equal(result.code, CH_ERROR_INTERRUPTED);
        /* Beside one thread another may finish a run that is nearly over, and those that ended before wait for the
         * store, or are in the same transaction. */
        assert_in((double)num_done(&result.counts), 50, 50 + (threads - 1) * 2 * CH_LEDGER_MOST_PUT);
        ch_store_close(&store);
        ch_plan_free(&plan);
        assert_int_equal(count_runs(path_of("s.db")), num_done(&result.counts));
        const outcome rest = sweep("s.db", MIXED, threads);
        assert_int_equal(rest.counts.present, num_done(&result.counts));
        sweep("whole.db", MIXED, 2);
        assert_same_content(path_of("s.db"), path_of("whole.db"));
        assert_int_equal(unlink(path_of("s.db")), 0);
    }
}

/* The second run would take hours. It is given up. */
static void test_a_run_under_way_is_given_up(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron", "temp 1", "chi 0,-0.9; train 128,4096", NULL};
    int left = 1;
    ch_plan plan = make_plan(lines);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    flag = 0;
    sqlite3_update_hook(store.db, count_down, &left);
    const outcome result = sweep_into(&store, &plan, 2, &flag);
    assert_int_equal(result.code, CH_ERROR_INTERRUPTED);
    assert_int_equal(num_done(&result.counts), 1);
    ch_store_close(&store);
    ch_plan_free(&plan);
    assert_int_equal(query(path_of("s.db"), "SELECT min(train) = 128 AND count(*) = 1 FROM runs"), 1);
}

static void test_a_full_store_ends_the_sweep(void **state)
{
    (void)state;
    skip_under_valgrind();
    for (int threads = 1; threads <= 2; threads++) {
        ch_plan plan = make_plan(MIXED);
        ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
        assert_int_equal(sqlite3_exec(store.db, "PRAGMA max_page_count = 24", NULL, NULL, NULL), SQLITE_OK);
        const outcome result = sweep_into(&store, &plan, threads, NULL);
        assert_int_equal(result.code, CH_ERROR_IO);
        assert_int_equal(result.err.code, CH_ERROR_IO);
        assert_non_null(strstr(result.err.message, "disk is full"));
        ch_store_close(&store);
        ch_plan_free(&plan);
        assert_in((double)num_done(&result.counts), 10, MIXED_RUNS - 10);
        assert_true(is_whole(path_of("s.db")));
        assert_int_equal(count_runs(path_of("s.db")), num_done(&result.counts));
        sweep("s.db", MIXED, threads);
        sweep("whole.db", MIXED, 1);
        assert_same_content(path_of("s.db"), path_of("whole.db"));
        assert_int_equal(unlink(path_of("s.db")), 0);
    }
}

static void test_a_store_that_cannot_be_written_ends_the_sweep(void **state)
{
    (void)state;
    ch_plan plan = make_plan(MIXED);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    assert_int_equal(sqlite3_exec(store.db, "PRAGMA query_only = ON", NULL, NULL, NULL), SQLITE_OK);
    const outcome result = sweep_into(&store, &plan, 2, NULL);
    assert_int_equal(result.code, CH_ERROR_INPUT);
    assert_non_null(strstr(result.err.message, "read-only"));
    assert_int_equal(num_done(&result.counts), 0);
    ch_store_close(&store);
    ch_plan_free(&plan);
    assert_int_equal(count_runs(path_of("s.db")), 0);
}

static void test_combinations_that_make_no_sense_are_found_first(void **state)
{
    (void)state;
    static const char *const sane[] = {"model perceptron", "temp 1", "train 2^2..2^6", "batch 2,4", NULL};
    static const char *const mad[] = {"model perceptron", "temp 1", "train 2^2..2^6", "batch 2,64", NULL};
    ch_error err = {0};
    ch_sweep swept;
    ch_plan plan = make_plan(sane);
    assert_int_equal(ch_sweep_check(&plan, &err), CH_OK);
    ch_plan_free(&plan);
    plan = make_plan(mad);
    assert_int_equal(ch_sweep_check(&plan, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "batch is 64, more than train = 4"));
    assert_int_equal(ch_sweep_init(&swept, &plan, NULL, &err), CH_ERROR_INPUT);
    ch_sweep_free(&swept);
    ch_plan_free(&plan);
}

/* ---- memory that runs short ---- */

static void free_none(ch_sweep *swept)
{
    assert_null(swept->jobs);
    ch_sweep_free(swept);
}

static void test_planning_survives_every_failing_allocation(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron",    "chi 0,1",   "dim 8", "train 2^4..2^8", "temp 2",
                                        "max_updates none,40", "seed 0..5", NULL};
    ch_plan plan = make_plan(lines);
    ch_sweep swept;
    ch_error err;
    long failed;
    assert_failures_are_told(failed, ch_sweep_init(&swept, &plan, NULL, &err), err, free_none(&swept));
    assert_in((double)failed, 2, 100); /* the list of jobs as it grows, and the groups */
    assert_int_equal(swept.num_jobs, 2 * 5 * 2 * 6);
    ch_sweep_free(&swept);
    ch_plan_free(&plan);
}

/* Whichever allocation fails, all runs are done: one that lacked memory is tried again. Only what a sweep needs before
 * its first run ends it. A failure of the store ends the sweep, which continues when it is repeated. */
static void test_sweeping_survives_failing_allocations(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron", "temp 1",         "train 32",
                                        "seed_data 0,1",    "seed_batch 0,1", NULL};
    ch_plan plan = make_plan(lines);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    long failed = 0, tried_again = 0;
    for (;; failed++) {
        ch_sweep swept;
        ch_error err = {0};
        assert_int_equal(ch_sweep_init(&swept, &plan, &store, &err), CH_OK);
        alloc_fail_at(failed);
        const ch_code code = ch_sweep_run(&swept, &store, 1, NULL, &err);
        const long count = alloc_count();
        alloc_fail_at(-1);
        const size_t left = swept.num_jobs - num_done(&swept.counts);
        ch_sweep_free(&swept);
        if (code == CH_ERROR_MEMORY) {
            assert_int_equal(left, 4);
            assert_true(failed < 3);
            continue;
        }
        assert_int_equal(code, CH_OK);
        assert_int_equal(left, 0);
        assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM runs"), 4);
        if (count <= failed) {
            break;
        }
        tried_again++;
        assert_int_equal(sqlite3_exec(store.db, "DELETE FROM runs", NULL, NULL, NULL), SQLITE_OK);
    }
    assert_true(tried_again >= 4);
    ch_store_close(&store);
    ch_plan_free(&plan);
    assert_int_equal(count_runs(path_of("s.db")), 4);
}

int main(void)
{
    /* suites: thread valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_every_run_lands_once),
        STORE_TEST(test_threads_change_no_bit),
        STORE_TEST(test_a_run_of_a_sweep_is_the_run_alone),
        STORE_TEST(test_a_second_sweep_does_nothing),
        STORE_TEST(test_fresh_batches_need_no_set),
        STORE_TEST(test_an_extended_sweep_does_what_is_new),
        STORE_TEST(test_runs_that_are_the_same_land_once),
        STORE_TEST(test_runs_that_can_share_a_data_set),
        STORE_TEST(test_long_groups_go_first_and_in_them_long_runs),
        STORE_TEST(test_a_flag_raised_before_stops_all),
        STORE_TEST(test_a_flag_raised_under_way_keeps_what_is_done),
        STORE_TEST(test_a_run_under_way_is_given_up),
        STORE_TEST(test_a_full_store_ends_the_sweep),
        STORE_TEST(test_a_store_that_cannot_be_written_ends_the_sweep),
        STORE_TEST(test_combinations_that_make_no_sense_are_found_first),
        STORE_TEST(test_planning_survives_every_failing_allocation),
        STORE_TEST(test_sweeping_survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
