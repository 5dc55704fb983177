/* test_store_totals.c — the totals that a store keeps: a summary is the same with and without them. */
#include "sim/store/summary.h"
#include "sim/store/totals.h"
#include "tests/alloc_fail.h"
#include "tests/store_support.h"
#include "tests/valgrind_support.h"

enum { NUM_RUNS = 40 };

static json_t *summary_of(const char *path, bool skips_damaged)
{
    json_t *summary = NULL;
    ch_error err = {0};
    ch_store store = open_store(path, CH_STORE_READ);
    store.skips_damaged = skips_damaged;
    if (ch_store_summarise(&store, &summary, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    ch_store_close(&store);
    return summary;
}

/* The summary is the one that counts all runs. */
static void assert_summary_is_right(const char *path)
{
    json_t *summary = summary_of(path, false), *counted = summary_of(path, true);
    char *text = json_dumps(summary, 0), *expected = json_dumps(counted, 0);
    assert_string_equal(text, expected);
    free(text);
    free(expected);
    json_decref(summary);
    json_decref(counted);
}

static void put_runs(const char *path, uint64_t from, uint64_t to)
{
    ch_store store = open_store(path, CH_STORE_WRITE);
    for (uint64_t i = from; i < to; i++) {
        put(&store, i);
    }
    ch_store_close(&store);
}

static void keep(const char *path, uint64_t least)
{
    ch_error err = {0};
    ch_store store = open_store(path, CH_STORE_WRITE);
    if (ch_totals_keep(&store, least, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    ch_store_close(&store);
}

static long long num_kept(const char *path)
{
    return query(path, "SELECT total(runs) FROM summary");
}

/* Kept totals are used, those of later runs are added, and few later ones are not kept. */
static void test_kept_totals_are_used(void **state)
{
    (void)state;
    const char *path = path_of("s.db");
    put_runs(path, 0, NUM_RUNS);
    json_t *before = summary_of(path, false);
    keep(path, NUM_RUNS);
    assert_int_equal(num_kept(path), 0); /* not more than `least` */
    keep(path, NUM_RUNS - 1);
    assert_int_equal(num_kept(path), NUM_RUNS);
    /* 40 seeds are one row; the three P are one each */
    assert_int_equal(query(path, "SELECT until - value FROM tallies WHERE name = 'seed'"), NUM_RUNS - 1);
    assert_int_equal(query(path, "SELECT count(*) FROM tallies WHERE name = 'train'"), 3);
    assert_summary_is_right(path);
    json_t *after = summary_of(path, false);
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);

    put_runs(path, NUM_RUNS, NUM_RUNS + 12);
    assert_summary_is_right(path);
    keep(path, 12);
    assert_int_equal(num_kept(path), NUM_RUNS);
    keep(path, 11);
    assert_int_equal(num_kept(path), NUM_RUNS + 12);
    assert_summary_is_right(path);
    put_runs(path, NUM_RUNS + 12, NUM_RUNS + 14);
    keep(path, 0); /* two of 54 are under one in sixteen */
    assert_int_equal(num_kept(path), NUM_RUNS + 12);
    assert_summary_is_right(path);

    ch_totals totals;
    ch_error err = {0};
    bool has_points = false; /* only kept totals have them */
    ch_store store = open_store(path, CH_STORE_READ);
    assert_int_equal(ch_totals_init(&totals, &store, &has_points, &err), CH_OK);
    assert_true(has_points);
    assert_int_equal(totals.runs, NUM_RUNS + 14);
    ch_totals_free(&totals);
    ch_store_close(&store);
}

/* What changes or removes runs or points, in this program or in another, makes the store forget. */
static void test_changes_are_noticed(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "DELETE FROM runs WHERE seed = 7",
        "UPDATE runs SET status = 'stuck' WHERE seed = 7",
        "DELETE FROM points WHERE step > 300",
        "UPDATE points SET step = step + 1000000",
        "INSERT INTO points (run, step) SELECT id, 999999 FROM runs",
        /* no trigger sees these: a run that replaces one, and rows that get other numbers */
        "INSERT OR REPLACE INTO runs SELECT * FROM runs WHERE seed = 7",
        "DROP TRIGGER forget_deleted_run; DELETE FROM runs WHERE seed = 7; VACUUM",
        /* a table that was made anew has no triggers */
        ("CREATE TABLE other AS SELECT * FROM runs; UPDATE other SET status = 'stuck' WHERE seed = 7; DROP TABLE runs; "
         "ALTER TABLE other RENAME TO runs"),
        ("DROP TRIGGER forget_changed_run; UPDATE runs SET status = 'stuck' WHERE seed = 7; CREATE TRIGGER "
         "forget_changed_run AFTER UPDATE ON runs BEGIN DELETE FROM summary WHERE runs < 0; END"),
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i += is_under_valgrind() ? 4 : 1) {
        char name[16];
        snprintf(name, sizeof name, "%zu.db", i);
        const char *path = path_of(name);
        put_runs(path, 0, NUM_RUNS);
        keep(path, 0);
        assert_int_equal(num_kept(path), NUM_RUNS);
        execute(path, changes[i]);
        assert_summary_is_right(path);
    }
    const char *path = path_of("d.db");
    ch_store_doomed doomed;
    ch_error err = {0};
    put_runs(path, 0, NUM_RUNS);
    keep(path, 0);
    ch_store store = open_store(path, CH_STORE_WRITE);
    assert_int_equal(ch_store_delete(&store, "seed = 7", &doomed, &err), CH_OK);
    ch_store_close(&store);
    assert_int_equal(num_kept(path), 0);
    assert_summary_is_right(path);
}

/* Totals that this program does not write are not relied upon. */
static void test_impossible_totals_are_ignored(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "UPDATE summary SET runs = 39",
        "UPDATE summary SET schema = schema - 1",
        "UPDATE summary SET last_id = 'x'",
        "UPDATE tallies SET until = 9223372036854775807 WHERE name = 'seed'",
        "UPDATE tallies SET until = -1 WHERE name = 'seed'",
        "UPDATE tallies SET name = 'nothing' WHERE name = 'seed'",
        "UPDATE tallies SET value = x'00' WHERE name = 'version'",
        "UPDATE tallies SET value = 77 WHERE name = 'status' AND value = 1",
        "UPDATE tallies SET count = count + 1 WHERE name = 'status' AND value = 1",
        "DELETE FROM tallies",
        "UPDATE summary SET points = 77",
        "UPDATE summary SET seconds = 9e99",
        "UPDATE tallies SET value = 0.125 WHERE name = 'temp'",
        "DELETE FROM tallies WHERE name = 'checksum'",
        ("INSERT INTO tallies WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT "
         "'seed', 1000 + 2 * i, 1000 + 2 * i, 1 FROM n"),
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i += is_under_valgrind() ? 4 : 1) {
        char name[16];
        snprintf(name, sizeof name, "%zu.db", i);
        const char *path = path_of(name);
        put_runs(path, 0, NUM_RUNS);
        keep(path, 0);
        execute(path, changes[i]);
        assert_summary_is_right(path);
    }
}

/* A store with a damaged run keeps nothing. */
static void test_damage_is_not_kept(void **state)
{
    (void)state;
    const char *path = path_of("s.db");
    ch_error err = {0};
    put_runs(path, 0, NUM_RUNS);
    execute(path, "UPDATE runs SET steps = -5 WHERE seed = 7");
    ch_store store = open_store(path, CH_STORE_WRITE);
    assert_int_equal(ch_totals_keep(&store, 0, &err), CH_ERROR_IO);
    assert_non_null(strstr(err.message, "column steps: -5"));
    put(&store, NUM_RUNS); /* the transaction has ended */
    ch_store_close(&store);
    assert_int_equal(num_kept(path), 0);
}

/* A summary under a lack of memory is whole or refused. */
static void test_lack_of_memory(void **state)
{
    (void)state;
    const char *path = path_of("s.db");
    ch_error err = {0};
    long failed = 0;
    put_runs(path, 0, NUM_RUNS);
    ch_store store = open_store(path, CH_STORE_WRITE);
    assert_failures_are_told(failed, ch_totals_keep(&store, 0, &err), err, (void)0);
    assert_true(failed >= 38); /* the tables of every setting's values */
    ch_store_close(&store);
    assert_int_equal(num_kept(path), NUM_RUNS);
    assert_summary_is_right(path);
}

int main(void)
{
    /* suites: valgrind */
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_kept_totals_are_used),
        STORE_TEST(test_changes_are_noticed),
        STORE_TEST(test_impossible_totals_are_ignored),
        STORE_TEST(test_damage_is_not_kept),
        STORE_TEST(test_lack_of_memory),
    };
    return cmocka_run_group_tests_name("store: totals", tests, NULL, NULL);
}
