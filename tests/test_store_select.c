/* test_store_select.c — a large store is read by several threads as by one: the same runs in the same order, the same
 * failures. */
#include "tests/alloc_fail.h"
#include "tests/store_support.h"
#include "tests/support.h"
#include "tests/valgrind_support.h"

#include <omp.h>

/* Enough for three threads. */
enum { NUM_RUNS = 6500 };

#define LARGE_TEST(name) cmocka_unit_test_setup_teardown(name, make_large_store, remove_large_store)

/* The names of all columns of table `runs` but id and seed.  @return to be released with sqlite3_free */
static char *other_columns(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT group_concat('\"' || name || '\"') FROM pragma_table_info('runs') "
                                        "WHERE name NOT IN ('id', 'seed')",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    char *columns = sqlite3_mprintf("%s", sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return columns;
}

/* Makes a store of NUM_RUNS runs of three kinds, which lie in the file in another order than that of their settings. */
static int make_large_store(void **state)
{
    if (make_folder(state) != 0) {
        return -1;
    }
    make_store(path_of("s.db"), 3);
    char *columns = other_columns(path_of("s.db"));
    char *sql = sqlite3_mprintf(
        "CREATE TEMP TABLE kinds AS SELECT * FROM runs; DELETE FROM runs; DELETE FROM points;"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        "INSERT INTO runs (id, seed, %s) SELECT printf('%%016x', n.i * 40503 %% 65537), n.i * 40503 %% 65537, %s "
        "FROM n JOIN kinds ON kinds.seed = n.i %% 3",
        NUM_RUNS, columns, columns);
    execute(path_of("s.db"), sql);
    sqlite3_free(sql);
    sqlite3_free(columns);
    return 0;
}

static int remove_large_store(void **state)
{
    omp_set_num_threads(omp_get_num_procs());
    return remove_folder(state);
}

/* What reading the store gives. */
typedef struct {
    ch_code code;
    ch_error err, damage;
    uint64_t num_damaged;
    ch_run_table table;
} outcome;

static outcome read_by(int threads, const char *where, bool skips_damaged)
{
    outcome got = {0};
    ch_store store = open_store(path_of("s.db"), CH_STORE_READ);
    store.skips_damaged = skips_damaged;
    omp_set_num_threads(threads);
    got.code = ch_store_select(&store, where, true, &got.table, &got.err);
    got.num_damaged = store.num_damaged;
    got.damage = store.damage;
    ch_store_close(&store);
    return got;
}

/* Requires that two and three threads give what one does.
 * @return what one gives, without its runs */
static outcome compare_threads(const char *where, bool skips_damaged)
{
    outcome one = read_by(1, where, skips_damaged);
    for (int threads = 2; threads <= 3; threads++) {
        outcome several = read_by(threads, where, skips_damaged);
        assert_int_equal(several.code, one.code);
        assert_string_equal(several.err.message, one.err.message);
        assert_int_equal(several.num_damaged, one.num_damaged);
        assert_string_equal(several.damage.message, one.damage.message);
        assert_int_equal(several.table.count, one.table.count);
        for (size_t i = 0; i < one.table.count; i++) {
            assert_runs_equal(&several.table.runs[i], &one.table.runs[i]);
        }
        ch_run_table_free(&several.table);
    }
    const outcome result = {one.code, one.err, one.damage, one.num_damaged, {.count = one.table.count}};
    ch_run_table_free(&one.table);
    return result;
}

static void test_all(void **state)
{
    (void)state;
    assert_int_equal(compare_threads(NULL, false).table.count, NUM_RUNS);
}

static void test_condition(void **state)
{
    (void)state;
    assert_int_equal(compare_threads("status = 'fitted' -- of seeds 0, 3, ...", false).table.count, NUM_RUNS / 3);
    assert_int_equal(compare_threads("rowid <= 100 OR rowid > 6490", false).table.count, 110);
    assert_int_equal(compare_threads("seed < 0", false).table.count, 0);
    assert_int_equal(compare_threads("sed < 0", false).code, CH_ERROR_INPUT);
    assert_int_equal(compare_threads("seed = 0) OR (1", false).code, CH_ERROR_INPUT);
}

/* Runs of the same settings and different ids are ordered by their ids, whichever part they lie in. */
static void test_same_settings(void **state)
{
    (void)state;
    execute(path_of("s.db"), "UPDATE runs SET seed = 7, train = 1024, updates = rowid WHERE rowid % 500 = 1");
    assert_int_equal(compare_threads("seed = 7", false).table.count, 13);
}

/* Rows are missing everywhere: the parts are not full. Where most are missing, there is one part. */
static void test_missing_rows(void **state)
{
    (void)state;
    execute(path_of("s.db"), "DELETE FROM runs WHERE rowid < 50 OR rowid % 3 = 0 OR rowid BETWEEN 2100 AND 2200");
    assert_int_equal(compare_threads(NULL, false).table.count, query(path_of("s.db"), "SELECT count(*) FROM runs"));
    execute(path_of("s.db"), "DELETE FROM runs WHERE rowid BETWEEN 100 AND 6400");
    assert_int_equal(compare_threads(NULL, false).table.count, query(path_of("s.db"), "SELECT count(*) FROM runs"));
}

/* A damaged run in any part; of several, the first one in the file is told. */
static void test_damage(void **state)
{
    (void)state;
    execute(path_of("s.db"), "UPDATE runs SET rate = 'x' WHERE rowid = 6000");
    assert_int_equal(compare_threads(NULL, false).code, CH_ERROR_IO);
    assert_int_equal(compare_threads(NULL, true).table.count, NUM_RUNS - 1);
    execute(path_of("s.db"),
            "UPDATE runs SET chi = 'y' WHERE rowid IN (3000, 3001); UPDATE runs SET dim = -1 WHERE rowid = 1");
    const outcome told = compare_threads(NULL, false);
    assert_non_null(strstr(told.err.message, "column dim"));
    const outcome skipped = compare_threads(NULL, true);
    assert_int_equal(skipped.num_damaged, 4);
    assert_int_equal(skipped.table.count, NUM_RUNS - 4);
    assert_non_null(strstr(skipped.damage.message, "column dim"));
}

/* Any allocation of this program that fails is told, or one thread reads all; nothing is lost or freed twice. */
static void test_memory_runs_short(void **state)
{
    (void)state;
    skip_under_valgrind();
    ch_run_table table = {0};
    ch_store store = open_store(path_of("s.db"), CH_STORE_READ);
    omp_set_num_threads(2);
    int told = 0, managed = 0;
    for (long k = 0, failed = 0; failed >= 0; k = failed + 1) {
        ch_error err = {0};
        alloc_fail_by_way(k, 2);
        const ch_code code = ch_store_select(&store, "rowid % 100 = 0", false, &table, &err);
        failed = alloc_failed();
        alloc_fail_at(-1);
        assert_true(code == CH_OK || (code == CH_ERROR_MEMORY && err.code == code));
        assert_int_equal(table.count, code == CH_OK ? NUM_RUNS / 100 : 0);
        told += code != CH_OK;
        managed += failed >= 0 && code == CH_OK;
        ch_run_table_free(&table);
    }
    assert_true(told >= 10);
    assert_int_equal(managed, 1);
    ch_store_close(&store);
}

int main(void)
{
    /* suites: thread */
    const struct CMUnitTest tests[] = {
        LARGE_TEST(test_all),          LARGE_TEST(test_condition), LARGE_TEST(test_same_settings),
        LARGE_TEST(test_missing_rows), LARGE_TEST(test_damage),    LARGE_TEST(test_memory_runs_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
