/* test_store_guard.c — stores whose file is taken away or exchanged while it is open, stores that bring code along, and
 * runs that are deleted. */
#include "tests/alloc_fail.h"
#include "tests/store_support.h"

#include "sim/store/store_private.h"

/* ---- the file of an open store ---- */

static void copy(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb"); /* which keeps the inode of a file that is there */
    char block[4096];
    assert_non_null(in);
    assert_non_null(out);
    for (size_t length = 0; (length = fread(block, 1, sizeof block, in)) > 0;) {
        assert_int_equal(fwrite(block, 1, length, out), length);
    }
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

static void assert_same_bytes(const char *a, const char *b)
{
    FILE *left = fopen(a, "rb"), *right = fopen(b, "rb");
    assert_non_null(left);
    assert_non_null(right);
    int c = 0;
    do {
        c = fgetc(left);
        assert_int_equal(c, fgetc(right));
    } while (c != EOF);
    fclose(left);
    fclose(right);
}

/* Requires that no further run can be put in, that the check says so, and that closing leaves no log behind. */
static void assert_given_up(ch_store *store, const char *words)
{
    ch_point points[NUM_POINTS];
    const ch_run run = make_run(100, points);
    ch_error err = {0};
    assert_int_equal(ch_store_put(store, &run, &err), CH_ERROR_IO);
    if (strstr(err.message, words) == NULL) {
        fail_msg("'%s' does not say '%s'", err.message, words);
    }
    assert_int_equal(ch_store_check_file(store, &err), CH_ERROR_IO);
    ch_store_close(store);
    assert_false(exists(path_of("s.db-wal")));
    assert_false(exists(path_of("s.db-shm")));
}

static ch_store store_in_use(uint64_t num_runs)
{
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    for (uint64_t i = 0; i < num_runs; i++) {
        put(&store, i);
    }
    assert_int_equal(ch_store_check_file(&store, NULL), CH_OK);
    return store;
}

static void test_removed(void **state)
{
    (void)state;
    ch_store store = store_in_use(2);
    assert_int_equal(unlink(path_of("s.db")), 0);
    assert_given_up(&store, "was removed or moved");
    assert_false(exists(path_of("s.db")));
}

/* The file has all runs, under its new name and without a log. */
static void test_moved(void **state)
{
    (void)state;
    ch_store store = store_in_use(2);
    assert_int_equal(rename(path_of("s.db"), path_of("t.db")), 0);
    assert_given_up(&store, "was removed or moved");
    assert_true(is_whole(path_of("t.db")));
    assert_int_equal(count_runs(path_of("t.db")), 2);
}

static void test_replaced(void **state)
{
    (void)state;
    make_store(path_of("other.db"), 3);
    copy(path_of("other.db"), path_of("t.db"));
    ch_store store = store_in_use(2);
    assert_int_equal(rename(path_of("t.db"), path_of("s.db")), 0);
    assert_given_up(&store, "was replaced by another file");
    assert_same_bytes(path_of("s.db"), path_of("other.db"));
    assert_int_equal(count_runs(path_of("s.db")), 3);
}

/* Another program has made a store of the same name meanwhile, and writes to it: its log is not ours to remove. */
static void test_replaced_with_a_log(void **state)
{
    (void)state;
    ch_store store = store_in_use(2);
    assert_int_equal(unlink(path_of("s.db")), 0);
    assert_int_equal(unlink(path_of("s.db-wal")), 0);
    assert_int_equal(unlink(path_of("s.db-shm")), 0);
    ch_store other = store_in_use(3);
    ch_point points[NUM_POINTS];
    const ch_run run = make_run(100, points);
    assert_int_equal(ch_store_put(&store, &run, NULL), CH_ERROR_IO);
    ch_store_close(&store);
    assert_true(exists(path_of("s.db-wal")));
    put(&other, 3);
    ch_store_close(&other);
    assert_true(is_whole(path_of("s.db")));
    assert_int_equal(count_runs(path_of("s.db")), 4);
}

/* The inode stays: only the content tells. The other file may be larger or smaller, a store or not. */
static void test_overwritten(void **state)
{
    (void)state;
    const uint64_t sizes[] = {1, 60};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        make_store(path_of("other.db"), sizes[i]);
        ch_store store = store_in_use(20);
        copy(path_of("other.db"), path_of("s.db"));
        assert_given_up(&store, "was overwritten or emptied");
        assert_same_bytes(path_of("s.db"), path_of("other.db"));
        assert_int_equal(unlink(path_of("s.db")), 0);
        assert_int_equal(unlink(path_of("other.db")), 0);
    }
    write_file(path_of("notes"), "lecture notes\n", 14);
    ch_store store = store_in_use(2);
    copy(path_of("notes"), path_of("s.db"));
    assert_given_up(&store, "was overwritten or emptied");
    assert_same_bytes(path_of("s.db"), path_of("notes"));
}

static void test_emptied_and_cut(void **state)
{
    (void)state;
    ch_store store = store_in_use(2);
    assert_int_equal(truncate(path_of("s.db"), 0), 0);
    assert_given_up(&store, "was overwritten or emptied");
    assert_int_equal(size_of(path_of("s.db")), 0);
    assert_int_equal(unlink(path_of("s.db")), 0);

    make_store(path_of("s.db"), 60);
    store = open_store(path_of("s.db"), CH_STORE_WRITE);
    put(&store, 60);
    assert_int_equal(truncate(path_of("s.db"), (off_t)size_of(path_of("s.db")) - 4096), 0);
    ch_error err = {0};
    assert_int_equal(ch_store_check_file(&store, &err), CH_ERROR_IO);
    assert_non_null(strstr(err.message, "is damaged: its file was cut short"));
    ch_store_close(&store);
}

/* A VACUUM by another program makes the file smaller and moves its pages, and that is no harm. */
static void test_vacuumed(void **state)
{
    (void)state;
    make_store(path_of("s.db"), 200);
    const size_t size = size_of(path_of("s.db"));
    execute(path_of("s.db"), "DELETE FROM runs WHERE seed < 150");
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    put(&store, 200);
    execute(path_of("s.db"), "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
    assert_true(size_of(path_of("s.db")) < size / 2);
    put(&store, 201);
    ch_store_close(&store);
    assert_true(is_whole(path_of("s.db")));
    assert_int_equal(count_runs(path_of("s.db")), 52);
}

/* The log is taken into the file now and then, so that it does not grow without end. */
static void test_log_is_bounded(void **state)
{
    (void)state;
    ch_store store = store_in_use(0);
    for (uint64_t i = 0; i < 1500; i++) {
        put(&store, i);
    }
    assert_true(size_of(path_of("s.db")) > 200 * 4096);
    assert_true(size_of(path_of("s.db-wal")) < 2500 * 4120);
    ch_store_close(&store);
    assert_int_equal(count_runs(path_of("s.db")), 1500);
}

/* ---- stores that bring code along ---- */

static void test_triggers_do_not_run(void **state)
{
    (void)state;
    make_store(path_of("s.db"), 2);
    execute(path_of("s.db"), "CREATE TRIGGER foreign_trigger AFTER INSERT ON runs BEGIN DELETE FROM runs; END");
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    put(&store, 2);
    ch_store_close(&store);
    assert_int_equal(count_runs(path_of("s.db")), 3);
}

static void test_views_are_no_tables(void **state)
{
    (void)state;
    make_store(path_of("s.db"), 2);
    execute(path_of("s.db"), "ALTER TABLE runs RENAME TO hidden; CREATE VIEW runs AS SELECT * FROM hidden");
    assert_refused(path_of("s.db"), CH_STORE_READ, CH_ERROR_INPUT, "it has no tables runs and points");
    assert_refused(path_of("s.db"), CH_STORE_WRITE, CH_ERROR_INPUT, "it has no tables runs and points");
}

/* ---- deleting ---- */

static void test_delete(void **state)
{
    (void)state;
    ch_store_doomed doomed;
    ch_error err = {0};
    make_store(path_of("s.db"), 6);
    ch_store store = open_store(path_of("s.db"), CH_STORE_READ);
    assert_int_equal(ch_store_delete(&store, "seed < 2", &doomed, &err), CH_OK);
    assert_int_equal(doomed.runs, 2);
    assert_int_equal(doomed.points, 2 * NUM_POINTS);
    assert_int_equal(doomed.layers, 0);
    assert_int_equal(doomed.total, 6);
    ch_store_close(&store);
    assert_int_equal(count_runs(path_of("s.db")), 6); /* open to be read: counted alone */

    store = open_store(path_of("s.db"), CH_STORE_WRITE);
    assert_int_equal(ch_store_delete(&store, "seed <", &doomed, &err), CH_ERROR_INPUT);
    assert_int_equal(ch_store_delete(&store, "seed < 2; DROP TABLE runs", &doomed, &err), CH_ERROR_INPUT);
    assert_int_equal(ch_store_delete(&store, "seed < 2", &doomed, &err), CH_OK);
    assert_int_equal(doomed.runs, 2);
    assert_int_equal(doomed.points, 2 * NUM_POINTS);
    put(&store, 1); /* and a deleted run can come back */
    ch_store_close(&store);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM runs"), 5);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM points"), 5 * NUM_POINTS);
}

/* What the shell of SQLite does, where foreign keys are off unless they are asked for. */
static void test_delete_in_the_shell(void **state)
{
    (void)state;
    make_store(path_of("s.db"), 4);
    execute(path_of("s.db"), "DELETE FROM runs WHERE seed = 2");
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM points"), 3 * NUM_POINTS);
    execute(path_of("s.db"), "PRAGMA foreign_keys = ON; DELETE FROM runs WHERE seed = 3");
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM points"), 2 * NUM_POINTS);
}

/* A store of the second schema had no trigger: points of deleted runs stayed, and the run could not come back. */
static void test_orphans(void **state)
{
    (void)state;
    make_store(path_of("s.db"), 4);
    age(path_of("s.db"), 2);
    execute(path_of("s.db"), "DELETE FROM runs WHERE seed = 2");
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM points"), 4 * NUM_POINTS);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    put(&store, 2);
    ch_store_close(&store);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM points"), 4 * NUM_POINTS);
    execute(path_of("s.db"), "DELETE FROM runs WHERE seed = 2");
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM points"), 3 * NUM_POINTS);

    execute(path_of("s.db"), "DROP TRIGGER delete_run; DELETE FROM runs WHERE seed = 3");
    store = open_store(path_of("s.db"), CH_STORE_WRITE);
    put(&store, 3);
    ch_store_close(&store);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM points"), 3 * NUM_POINTS);
}

/* Nothing is deleted where memory runs short. */
static void test_delete_without_memory(void **state)
{
    (void)state;
    bool spared = false;
    int failures = 0;
    for (long k = 0; !spared; k++) {
        make_store(path_of("s.db"), 4);
        ch_store_doomed doomed;
        ch_error err = {0};
        ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
        alloc_fail_at(k);
        const ch_code code = ch_store_delete(&store, "seed < 2", &doomed, &err);
        spared = alloc_count() <= k;
        alloc_fail_at(-1);
        ch_store_close(&store);
        if (code != CH_OK) {
            assert_int_equal(code, CH_ERROR_MEMORY);
            failures++;
        }
        assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM points"), (code == CH_OK ? 2 : 4) * NUM_POINTS);
    }
    assert_true(failures >= 2);
}

int main(void)
{
    /* suites: program */
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_removed),
        STORE_TEST(test_moved),
        STORE_TEST(test_replaced),
        STORE_TEST(test_replaced_with_a_log),
        STORE_TEST(test_overwritten),
        STORE_TEST(test_emptied_and_cut),
        STORE_TEST(test_vacuumed),
        STORE_TEST(test_log_is_bounded),
        STORE_TEST(test_triggers_do_not_run),
        STORE_TEST(test_views_are_no_tables),
        STORE_TEST(test_delete),
        STORE_TEST(test_delete_in_the_shell),
        STORE_TEST(test_orphans),
        STORE_TEST(test_delete_without_memory),
    };
    return cmocka_run_group_tests_name("store guard", tests, NULL, NULL);
}
