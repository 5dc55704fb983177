/* test_store_merge.c — stores merged into one, or read as one: every run once, conflicts named, whole or not at all. */
#include "tests/alloc_fail.h"
#include "tests/store_process_support.h"
#include "tests/support.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

/* Puts runs `first` to `end` - 1 into a store, each with two layers at every point. */
static void make_part(const char *path, uint64_t first, uint64_t end)
{
    ch_store store = open_store(path, CH_STORE_WRITE);
    for (uint64_t i = first; i < end; i++) {
        ch_point points[NUM_POINTS];
        double changes[2 * NUM_POINTS];
        ch_run run = make_run(i, points);
        for (size_t k = 0; k < 2 * NUM_POINTS; k++) {
            changes[k] = (double)(i + k) / 7;
        }
        run.layer_changes = changes;
        run.num_layers = 2;
        assert_int_equal(ch_store_put(&store, &run, NULL), CH_OK);
    }
    ch_store_close(&store);
}

/* Every byte of a file, as one number (FNV-1a). */
static uint64_t bytes_of(const char *path)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    for (int c = 0; (c = fgetc(file)) != EOF;) {
        hash = (hash ^ (uint64_t)c) * UINT64_C(0x100000001b3);
    }
    fclose(file);
    return hash;
}

/* Requires that two stores have the same rows in all tables, in any order. */
static void assert_same_rows(const char *one, const char *other)
{
    static const char *const tables[] = {"runs", "points", "layers"};
    for (size_t t = 0; t < 3; t++) {
        char *sql = sqlite3_mprintf("ATTACH '%q' AS other; CREATE TEMP TABLE wrong AS"
                                    " SELECT * FROM (SELECT * FROM main.%s EXCEPT SELECT * FROM other.%s)"
                                    " UNION ALL SELECT * FROM (SELECT * FROM other.%s EXCEPT SELECT * FROM main.%s);"
                                    " CREATE TEMP TABLE none (x CHECK (x = 0));"
                                    " INSERT INTO none SELECT count(*) FROM wrong",
                                    other, tables[t], tables[t], tables[t], tables[t]);
        execute(one, sql);
        sqlite3_free(sql);
    }
}

static ch_code merge_two(const char *into, const char *one, const char *other, ch_merge_counts *counts, ch_error *err)
{
    const char *const from[] = {one, other};
    return ch_store_merge(into, from, 2, false, NULL, counts, err);
}

/* Requires that merging one store fails with a sentence, and leaves no trace. */
static void assert_not_merged(const char *into, const char *from, ch_code code, const char *words)
{
    ch_merge_counts counts;
    ch_error err = {0};
    const bool was_there = exists(into);
    const long long before = was_there ? query(into, "SELECT count(*) FROM runs") : 0;
    assert_int_equal(ch_store_merge(into, &from, 1, false, NULL, &counts, &err), code);
    if (strstr(err.message, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, words);
    }
    assert_int_equal(exists(into), was_there);
    if (was_there) {
        assert_int_equal(query(into, "SELECT count(*) FROM runs"), before);
    }
}

/* ---- the same content ---- */

static void test_union(void **state)
{
    (void)state;
    ch_merge_counts counts;
    ch_error err = {0};
    make_part(path_of("all.db"), 0, 60);
    make_part(path_of("a.db"), 0, 35);
    make_part(path_of("b.db"), 20, 60);
    const uint64_t a = bytes_of(path_of("a.db")), b = bytes_of(path_of("b.db"));
    assert_int_equal(merge_two(path_of("new.db"), path_of("a.db"), path_of("b.db"), &counts, &err), CH_OK);
    assert_same_rows(path_of("new.db"), path_of("all.db"));
    assert_true(is_whole(path_of("new.db")));
    assert_alone("new.db");
    assert_int_equal(counts.present, 0);
    assert_int_equal(counts.read, 75);
    assert_int_equal(counts.added, 60);
    assert_int_equal(counts.points, 60 * NUM_POINTS);
    assert_int_equal(counts.layers, 60 * 2 * NUM_POINTS);
    /* once more: nothing is new */
    assert_int_equal(merge_two(path_of("new.db"), path_of("b.db"), path_of("b.db"), &counts, &err), CH_OK);
    assert_int_equal(counts.present, 60);
    assert_int_equal(counts.added, 0);
    assert_same_rows(path_of("new.db"), path_of("all.db"));
    assert_int_equal(bytes_of(path_of("a.db")), a);
    assert_int_equal(bytes_of(path_of("b.db")), b);
    assert_alone("a.db");
}

/* A store of any older schema is read as it is: what it lacks is no conflict, and it stays at its version. */
static void test_older_versions(void **state)
{
    (void)state;
    ch_merge_counts counts;
    ch_error err = {0};
    make_store(path_of("whole.db"), 6);
    for (int version = 1; version < ch_store_schema_now().version; version += is_sanitized() ? 3 : 1) {
        make_store(path_of("old.db"), 6);
        age(path_of("old.db"), version);
        make_store(path_of("new.db"), 4);
        if (version < CH_SCHEMA_BOUNDARY) {
            execute(path_of("new.db"), "UPDATE runs SET unfitted_distance = 0.5");
        }
        const char *from = path_of("old.db");
        if (ch_store_merge(path_of("new.db"), &from, 1, false, NULL, &counts, &err) != CH_OK) {
            fail_msg("version %d: %s", version, err.message);
        }
        assert_int_equal(counts.added, 2);
        assert_int_equal(query(path_of("old.db"), "PRAGMA user_version"), version);
        assert_same_content(path_of("new.db"), path_of("whole.db"));
        assert_int_equal(query(path_of("new.db"), "SELECT count(unfitted_distance) FROM runs"),
                         version < CH_SCHEMA_BOUNDARY ? 4 : 6);
        /* and into an older store */
        from = path_of("whole.db");
        if (ch_store_merge(path_of("old.db"), &from, 1, false, NULL, &counts, &err) != CH_OK) {
            fail_msg("from version %d: %s", version, err.message);
        }
        assert_int_equal(query(path_of("old.db"), "PRAGMA user_version"), ch_store_schema_now().version);
        assert_int_equal(unlink(path_of("old.db")) + unlink(path_of("new.db")), 0);
    }
}

/* Rows that a run left behind which was deleted by another program do not come along, and make no conflict. */
static void test_orphans(void **state)
{
    (void)state;
    ch_merge_counts counts;
    ch_error err = {0};
    make_part(path_of("a.db"), 0, 8);
    make_part(path_of("b.db"), 0, 8);
    execute(path_of("b.db"), "DROP TRIGGER delete_run; UPDATE points SET loss = 7; DELETE FROM runs");
    make_part(path_of("c.db"), 0, 8);
    execute(path_of("c.db"), "DROP TRIGGER delete_run; DELETE FROM runs");
    const char *from = path_of("a.db");
    assert_int_equal(ch_store_merge(path_of("b.db"), &from, 1, false, NULL, &counts, &err), CH_OK);
    assert_same_rows(path_of("b.db"), path_of("a.db"));
    from = path_of("c.db");
    assert_int_equal(ch_store_merge(path_of("new.db"), &from, 1, false, NULL, &counts, &err), CH_OK);
    assert_int_equal(query(path_of("new.db"), "SELECT count(*) FROM points"), 0);
}

/* ---- conflicts ---- */

/* Makes one change in a copy of a store, and requires that merging it names what differs, or nothing. */
static void check_difference(const char *change, const char *words)
{
    ch_merge_counts counts;
    ch_error err = {0};
    make_part(path_of("a.db"), 0, 9);
    make_part(path_of("b.db"), 0, 12);
    execute(path_of("b.db"), change);
    if (words != NULL) {
        assert_not_merged(path_of("a.db"), path_of("b.db"), CH_ERROR_IO, words);
        assert_int_equal(merge_two(path_of("new.db"), path_of("a.db"), path_of("b.db"), &counts, &err), CH_ERROR_IO);
        assert_false(exists(path_of("new.db")));
    } else {
        const char *from = path_of("b.db");
        assert_int_equal(ch_store_merge(path_of("a.db"), &from, 1, false, NULL, &counts, &err), CH_OK);
        assert_int_equal(counts.added, 3);
    }
    assert_int_equal(unlink(path_of("a.db")) + unlink(path_of("b.db")), 0);
}

static void test_conflicts(void **state)
{
    (void)state;
    check_difference("UPDATE runs SET weight_change = 8.5 WHERE seed = 4",
                     "1 run of one id differs between the stores: run ");
    check_difference("UPDATE runs SET weight_change = 8.5 WHERE seed = 4", " has weight_change = 8.5 in ");
    check_difference("UPDATE runs SET steps = 1 WHERE seed = 4", " has steps = 1 in ");
    check_difference("UPDATE runs SET status = 'diverged' WHERE seed = 4", "\"diverged\"");
    check_difference("UPDATE runs SET test_error = NULL WHERE seed = 4", " has test_error = NULL in ");
    check_difference("UPDATE points SET signal = 1 WHERE step = 104", " has signal = 1 in ");
    check_difference("DELETE FROM layers WHERE run = (SELECT id FROM runs WHERE seed = 4)",
                     " has fewer rows of table layers in ");
    check_difference("DELETE FROM layers WHERE run = (SELECT id FROM runs WHERE seed = 4);"
                     " DELETE FROM points WHERE run = (SELECT id FROM runs WHERE seed = 4)",
                     " has fewer rows of table points in ");
    check_difference("UPDATE layers SET weight_change = -1 WHERE step = 404 AND layer = 1", " has weight_change = -1");
    check_difference("UPDATE runs SET noise = noise + 1", "9 runs of one id differ between the stores: ");
    check_difference("UPDATE runs SET noise = noise + 1", "; and so on; no store was changed");
    /* no difference: how a run was made, columns that came later, and what a clock ended */
    check_difference("UPDATE runs SET seconds = seconds + 1, version = '9.9', machine = 1", NULL);
    check_difference("UPDATE runs SET kernel_change = 0.5, reason = 'vanished'", NULL);
    check_difference("UPDATE runs SET max_seconds = 1, steps = 1, updates = 1 WHERE status = 'budget'", NULL);
    check_difference("UPDATE runs SET max_seconds = 1, steps = 1, updates = 1 WHERE status = 'fitted'", " has ");
}

/* ---- stores that are refused ---- */

static void test_refused(void **state)
{
    (void)state;
    ch_merge_counts counts;
    ch_error err = {0};
    make_part(path_of("a.db"), 0, 5);
    make_part(path_of("b.db"), 5, 9);
    write_file(path_of("text"), "no store", 8);
    assert_int_equal(link(path_of("a.db"), path_of("link.db")), 0);
    assert_not_merged(path_of("a.db"), path_of("a.db"), CH_ERROR_INPUT, "accepted are other stores");
    assert_not_merged(path_of("a.db"), path_of("link.db"), CH_ERROR_INPUT, "accepted are other stores");
    assert_not_merged(path_of("new.db"), path_of("none.db"), CH_ERROR_INPUT, "No such file");
    assert_not_merged(path_of("a.db"), path_of("text"), CH_ERROR_INPUT, "is no chiton store");
    assert_not_merged(path_of("none/new.db"), path_of("a.db"), CH_ERROR_INPUT, "cannot be made");
    /* the second is refused before anything is made of the first */
    assert_int_equal(merge_two(path_of("new.db"), path_of("a.db"), path_of("text"), &counts, &err), CH_ERROR_INPUT);
    assert_false(exists(path_of("new.db")));
    assert_int_equal(chmod(path_of("b.db"), 0444), 0);
    assert_not_merged(path_of("b.db"), path_of("a.db"), CH_ERROR_INPUT, "read-only");
    set_user_version(path_of("a.db"), ch_store_schema_now().version + 1);
    assert_not_merged(path_of("new.db"), path_of("a.db"), CH_ERROR_INPUT, "newer version");
}

static void test_damaged(void **state)
{
    (void)state;
    ch_merge_counts counts;
    ch_error err = {0};
    make_part(path_of("a.db"), 0, 5);
    make_part(path_of("b.db"), 3, 9);
    execute(path_of("b.db"), "UPDATE layers SET layer = layer + 5 WHERE step = 107");
    assert_not_merged(path_of("a.db"), path_of("b.db"), CH_ERROR_IO, "damaged: table layers");
    assert_not_merged(path_of("new.db"), path_of("b.db"), CH_ERROR_IO, "damaged: table layers");
    const char *from = path_of("b.db");
    assert_int_equal(ch_store_merge(path_of("a.db"), &from, 1, true, NULL, &counts, &err), CH_OK);
    assert_int_equal(counts.added, 3);
    assert_int_equal(counts.num_damaged, 1);
    assert_non_null(strstr(counts.damage.message, "table layers"));
    assert_int_equal(query(path_of("a.db"), "SELECT count(*) FROM runs WHERE seed = 7"), 0);
    assert_int_equal(count_runs(path_of("a.db")), 8);
}

/* ---- endings ---- */

static void test_stopped(void **state)
{
    (void)state;
    ch_merge_counts counts;
    ch_error err = {0};
    ch_stop stop = 1;
    const ch_watch watch = {.stop = &stop};
    make_part(path_of("a.db"), 0, 5);
    make_part(path_of("b.db"), 3, 9);
    const char *from = path_of("b.db");
    assert_int_equal(ch_store_merge(path_of("a.db"), &from, 1, false, &watch, &counts, &err), CH_ERROR_INTERRUPTED);
    assert_int_equal(count_runs(path_of("a.db")), 5);
    assert_int_equal(ch_store_merge(path_of("new.db"), &from, 1, false, &watch, &counts, &err), CH_ERROR_INTERRUPTED);
    assert_false(exists(path_of("new.db")));
    assert_alone("new.db");
}

enum { NUM_OLD = 20, NUM_RUNS = 150 };

static void merge_in_child(int limit)
{
    ch_merge_counts counts;
    ch_error err = {0};
    const char *from = path_of("b.db");
    if (limit > 0) {
        signal(SIGXFSZ, SIG_IGN);
        require(setrlimit(RLIMIT_FSIZE, &(struct rlimit){(rlim_t)limit, (rlim_t)limit}) == 0, &err);
        require(ch_store_merge(path_of("a.db"), &from, 1, false, NULL, &counts, &err) == CH_ERROR_IO, &err);
        require(strstr(err.message, "full") != NULL || strstr(err.message, "written") != NULL, &err);
        return;
    }
    require(ch_store_merge(path_of("a.db"), &from, 1, false, NULL, &counts, &err) == CH_OK, &err);
}

/* Where the file cannot grow, none of the runs is there afterwards. */
static void test_full_disk(void **state)
{
    (void)state;
    make_part(path_of("b.db"), 0, NUM_RUNS);
    for (int round = 0; round < 3; round++) {
        make_part(path_of("a.db"), 0, NUM_OLD);
        const int limit = (int)size_of(path_of("a.db")) + 50000 * round + 4096;
        assert_done(start(merge_in_child, limit));
        assert_true(is_whole(path_of("a.db")));
        assert_int_equal(count_runs(path_of("a.db")), NUM_OLD);
        assert_int_equal(unlink(path_of("a.db")), 0);
    }
}

/* Ends the process, as SIGKILL from outside does, once so many runs were taken. */
static void kill_at(void *context, const ch_watch_report *report)
{
    const int *run = context;
    if (report->done == (uint64_t)*run) {
        kill(getpid(), SIGKILL);
    }
}

static void merge_until(int run)
{
    ch_merge_counts counts;
    ch_error err = {0};
    const char *from = path_of("b.db");
    const ch_watch watch = {.progress = kill_at, .context = &run};
    require(ch_store_merge(path_of("a.db"), &from, 1, false, &watch, &counts, &err) == CH_OK, &err);
}

/* Requires that a killed merge has put in all runs or none, and that repeating it completes it. */
static void check_killed(size_t before, bool may_be_done)
{
    size_t there = 0;
    if (exists(path_of("a.db"))) { /* perhaps not yet a store, which opening it to write makes of it */
        make_part(path_of("a.db"), 0, 0);
        there = count_runs(path_of("a.db"));
    }
    if (there != before && !(may_be_done && there == NUM_RUNS)) {
        fail_msg("%zu runs are there, of %zu before and %d to come", there, before, NUM_RUNS);
    }
    merge_in_child(0);
    assert_true(is_whole(path_of("a.db")));
    assert_same_rows(path_of("a.db"), path_of("b.db"));
    assert_alone("a.db");
    assert_int_equal(unlink(path_of("a.db")), 0);
}

static void test_killed_within(void **state)
{
    (void)state;
    static const int runs[] = {1, NUM_OLD + 1, NUM_RUNS / 2, NUM_RUNS};
    make_part(path_of("b.db"), 0, NUM_RUNS);
    for (size_t i = 0; i < 2 * sizeof runs / sizeof *runs; i++) {
        const bool is_new = i % 2 == 1;
        int status = 0;
        if (!is_new) {
            make_part(path_of("a.db"), 0, NUM_OLD);
        }
        assert_true(waitpid(start(merge_until, runs[i / 2]), &status, 0) > 0);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        check_killed(is_new ? 0 : NUM_OLD, false);
    }
}

/* The same at any moment, also while the store is made, committed or closed. */
static void test_killed_anywhere(void **state)
{
    (void)state;
    enum { ROUNDS = 8 };
    make_part(path_of("b.db"), 0, NUM_RUNS);
    for (int round = 0; round < ROUNDS; round++) {
        const bool is_new = round % 2 == 1;
        if (!is_new) {
            make_part(path_of("a.db"), 0, NUM_OLD);
        }
        const pid_t child = start(merge_in_child, 0);
        nanosleep(&(struct timespec){.tv_nsec = 1000L * (500 + 200L * round * round)}, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        check_killed(is_new ? 0 : NUM_OLD, true);
    }
}

static void test_memory(void **state)
{
    (void)state;
    ch_merge_counts counts;
    ch_store store;
    ch_error err;
    long failed = 0;
    char a[128], b[128], new[128]; /* path_of gives only the last four names */
    snprintf(a, sizeof a, "%s", path_of("a.db"));
    snprintf(b, sizeof b, "%s", path_of("b.db"));
    snprintf(new, sizeof new, "%s", path_of("new.db"));
    const char *const from[] = {a, b};
    make_part(a, 0, 3);
    make_part(b, 2, 5);
    assert_failures_are_told(failed, ch_store_merge(new, from, 2, false, NULL, &counts, &err), err,
                             assert_false(exists(new)));
    assert_true(failed > 10);
    assert_int_equal(count_runs(new), 5);
    assert_failures_are_told(failed, ch_store_open_joined(&store, from, 2, false, NULL, &err), err,
                             ch_store_close(&store));
    assert_true(failed > 10);
    ch_store_close(&store);
}

/* ---- several stores as one ---- */

static void test_joined(void **state)
{
    (void)state;
    ch_store store;
    ch_run_table table, all;
    ch_error err = {0};
    make_part(path_of("a.db"), 0, 7);
    make_part(path_of("b.db"), 5, 12);
    make_part(path_of("all.db"), 0, 12);
    const char *const paths[] = {path_of("a.db"), path_of("b.db"), path_of("a.db")};
    const uint64_t before = bytes_of(paths[0]);
    assert_int_equal(ch_store_open_joined(&store, paths, 3, false, NULL, &err), CH_OK);
    assert_int_equal(ch_store_select(&store, NULL, true, &table, &err), CH_OK);
    assert_int_equal(sqlite3_exec(store.db, "DELETE FROM runs", NULL, NULL, NULL), SQLITE_READONLY);
    ch_store_close(&store);
    all = read_store(path_of("all.db"), NULL);
    assert_int_equal(table.count, 12);
    for (size_t i = 0; i < all.count; i++) {
        assert_runs_equal(&table.runs[i], &all.runs[i]);
    }
    ch_run_table_free(&table);
    ch_run_table_free(&all);
    assert_int_equal(bytes_of(paths[0]), before);
    execute(paths[1], "UPDATE runs SET noise = 0");
    assert_int_equal(ch_store_open_joined(&store, paths, 3, false, NULL, &err), CH_ERROR_IO);
    assert_non_null(strstr(err.message, "2 runs of one id differ between the stores"));
    ch_store_close(&store);
    execute(paths[1], "UPDATE points SET step = 'x' WHERE step = 110");
    assert_int_equal(ch_store_open_joined(&store, &paths[1], 2, true, NULL, &err), CH_ERROR_IO);
    ch_store_close(&store);
}

static void test_joined_skips(void **state)
{
    (void)state;
    ch_store store;
    ch_run_table table;
    ch_error err = {0};
    make_part(path_of("a.db"), 0, 7);
    make_part(path_of("b.db"), 7, 12);
    execute(path_of("b.db"), "UPDATE runs SET steps = -1 WHERE seed > 9");
    const char *const paths[] = {path_of("a.db"), path_of("b.db")};
    assert_int_equal(ch_store_open_joined(&store, paths, 2, true, NULL, &err), CH_OK);
    assert_int_equal(store.num_damaged, 2);
    assert_non_null(strstr(store.damage.message, "b.db is damaged: table runs"));
    assert_int_equal(ch_store_select(&store, NULL, true, &table, &err), CH_OK);
    assert_int_equal(table.count, 10);
    ch_run_table_free(&table);
    ch_store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_union),           STORE_TEST(test_older_versions), STORE_TEST(test_orphans),
        STORE_TEST(test_conflicts),       STORE_TEST(test_refused),        STORE_TEST(test_damaged),
        STORE_TEST(test_stopped),         STORE_TEST(test_full_disk),      STORE_TEST(test_killed_within),
        STORE_TEST(test_killed_anywhere), STORE_TEST(test_memory),         STORE_TEST(test_joined),
        STORE_TEST(test_joined_skips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
