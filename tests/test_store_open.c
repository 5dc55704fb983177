/* test_store_open.c — opening a run store: files that are no store, stores of other versions, files and folders that
 * may only be read. */
#define _GNU_SOURCE 1 /* asprintf */
#include "tests/store_process_support.h"

#include "sim/store/store_private.h"

/* ---- files that are no store, or not one to write ---- */

static void test_no_store(void **state)
{
    (void)state;
    char junk[5000];
    memset(junk, 'x', sizeof junk);
    assert_refused(path_of("none.db"), CH_STORE_READ, CH_ERROR_INPUT, "No such file");
    assert_false(exists(path_of("none.db")));
    assert_refused("", CH_STORE_WRITE, CH_ERROR_INPUT, "empty");
    assert_refused(folder, CH_STORE_READ, CH_ERROR_INPUT, "directory");
    assert_refused(folder, CH_STORE_WRITE, CH_ERROR_INPUT, "directory");
    assert_refused(path_of("no/such/s.db"), CH_STORE_WRITE, CH_ERROR_INPUT, "does not exist");
    assert_int_equal(mkfifo(path_of("pipe"), 0644), 0);
    assert_refused(path_of("pipe"), CH_STORE_WRITE, CH_ERROR_INPUT, "regular file");

    const size_t sizes[] = {1, 99, sizeof junk};
    for (size_t i = 0; i < 3; i++) {
        write_file(path_of("junk"), junk, sizes[i]);
        assert_refused(path_of("junk"), CH_STORE_READ, CH_ERROR_INPUT, "no chiton store");
        assert_refused(path_of("junk"), CH_STORE_WRITE, CH_ERROR_INPUT, "no chiton store");
        assert_int_equal(size_of(path_of("junk")), sizes[i]);
    }
    execute(path_of("other.db"), "PRAGMA journal_mode = WAL; CREATE TABLE runs (id)");
    assert_refused(path_of("other.db"), CH_STORE_READ, CH_ERROR_INPUT, "no chiton store");
    assert_refused(path_of("other.db"), CH_STORE_WRITE, CH_ERROR_INPUT, "no chiton store");
    assert_int_equal(query(path_of("other.db"), "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
}

static void test_empty_file(void **state)
{
    (void)state;
    write_file(path_of("s.db"), "", 0);
    assert_refused(path_of("s.db"), CH_STORE_READ, CH_ERROR_INPUT, "no chiton store");
    assert_int_equal(size_of(path_of("s.db")), 0);
    make_store(path_of("s.db"), 2);
    assert_int_equal(count_runs(path_of("s.db")), 2);
}

/* Names that SQLite would take for something else than a file. */
static void test_names(void **state)
{
    (void)state;
    static const char *const names[] = {":memory:", "file:a?mode=memory", "100%41 #1?.db", "-s.db"};
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        make_store(names[i], 3);
        assert_true(exists(names[i]));
        assert_int_equal(count_runs(names[i]), 3);
    }
    assert_int_equal(chdir(before), 0);
}

static void test_newer_version(void **state)
{
    (void)state;
    char sql[64];
    make_store(path_of("s.db"), 1);
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", ch_store_schema_now().version + 1);
    execute(path_of("s.db"), sql);
    assert_refused(path_of("s.db"), CH_STORE_READ, CH_ERROR_INPUT, "newer version");
    assert_refused(path_of("s.db"), CH_STORE_WRITE, CH_ERROR_INPUT, "newer version");
}

/* Stores of the schemas before are read as they are, and brought to this one when they are opened to be written. */
static void assert_version_is_read(int version)
{
    make_store(path_of("new.db"), 3);
    make_store(path_of("old.db"), 3);
    age(path_of("old.db"), version);
    const size_t size = size_of(path_of("old.db"));

    ch_run_table old =
        read_store(path_of("old.db"), "linear IS NULL AND train >= 1024 AND sampling = 'independent' AND momentum = 0");
    ch_run_table new = read_store(path_of("new.db"), NULL);
    assert_int_equal(old.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_memory_equal(&old.runs[i].settings, &new.runs[i].settings, sizeof(ch_settings));
        assert_true(old.runs[i].final.signal == new.runs[i].final.signal);
        assert_int_equal(old.runs[i].num_points, NUM_POINTS);
        assert_true(version > 1 || isnan(old.runs[i].points[0].observed.weight_change));
        assert_int_equal(old.runs[i].reason, CH_CAUSE_NONE);
    }
    ch_run_table_free(&old);
    ch_run_table_free(&new);
    assert_int_equal(query(path_of("old.db"), "PRAGMA user_version"), version);
    assert_int_equal(size_of(path_of("old.db")), size);

    ch_store store = open_store(path_of("old.db"), CH_STORE_WRITE);
    put(&store, 3);
    put(&store, 1); /* is there */
    ch_store_close(&store);
    assert_int_equal(count_runs(path_of("old.db")), 4);
    assert_int_equal(query(path_of("old.db"), "SELECT count(*) FROM runs WHERE sampling = 'independent'"), 4);
    assert_int_equal(query(path_of("old.db"), "PRAGMA user_version"), ch_store_schema_now().version);
    char *sql = sqlite3_mprintf("ATTACH %Q AS new", path_of("new.db"));
    sqlite3 *db = NULL;
    sqlite3_stmt *same = NULL;
    assert_int_equal(sqlite3_open(path_of("old.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db,
                           "SELECT (SELECT group_concat(name || type) FROM pragma_table_info('runs', 'main')) ="
                           " (SELECT group_concat(name || type) FROM pragma_table_info('runs', 'new'))"
                           " AND (SELECT group_concat(name || type) FROM pragma_table_info('points', 'main')) ="
                           " (SELECT group_concat(name || type) FROM pragma_table_info('points', 'new'))",
                           -1, &same, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(same), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(same, 0), 1); /* so that SELECT * merges them */
    sqlite3_finalize(same);
    sqlite3_close(db);
    sqlite3_free(sql);
}

static void test_older_versions(void **state)
{
    (void)state;
    for (int version = 1; version < ch_store_schema_now().version; version++) {
        assert_version_is_read(version);
        assert_int_equal(unlink(path_of("old.db")), 0);
        assert_int_equal(unlink(path_of("new.db")), 0);
    }
}

/* ---- a pretended next version ---- */

#define NEXT_VERSION (ch_store_schema_now().version + 1)

/* The columns of a table, and one more that the next version brings. */
static size_t num_next(int table)
{
    return ch_store_schema_now().tables[table].num_more() + 1;
}

static ch_store_column next_column(int table, size_t index)
{
    const ch_store_table now = ch_store_schema_now().tables[table];
    return index < now.num_more() ? now.more(index) : (ch_store_column){"next", "REAL", NEXT_VERSION, NULL};
}

static size_t num_next_runs(void)
{
    return num_next(CH_STORE_RUNS);
}

static ch_store_column next_runs(size_t index)
{
    return next_column(CH_STORE_RUNS, index);
}

static size_t num_next_points(void)
{
    return num_next(CH_STORE_POINTS);
}

static ch_store_column next_points(size_t index)
{
    return next_column(CH_STORE_POINTS, index);
}

static size_t num_next_layers(void)
{
    return num_next(CH_STORE_LAYERS);
}

static ch_store_column next_layers(size_t index)
{
    return next_column(CH_STORE_LAYERS, index);
}

/* The next version: a further column in every table, and a further table. */
static ch_store_schema next_schema(void)
{
    static const ch_store_column first[] = {{"run", "TEXT NOT NULL", 0, NULL}};
    static ch_store_table next[CH_STORE_NUM_TABLES + 1];
    const ch_store_schema now = ch_store_schema_now();
    memcpy(next, now.tables, sizeof *next * CH_STORE_NUM_TABLES);
    next[CH_STORE_RUNS].num_more = num_next_runs;
    next[CH_STORE_RUNS].more = next_runs;
    next[CH_STORE_POINTS].num_more = num_next_points;
    next[CH_STORE_POINTS].more = next_points;
    next[CH_STORE_LAYERS].num_more = num_next_layers;
    next[CH_STORE_LAYERS].more = next_layers;
    next[CH_STORE_NUM_TABLES] = (ch_store_table){.name = "spectra",
                                                 .since = NEXT_VERSION,
                                                 .first = first,
                                                 .num_first = 1,
                                                 .num_more = num_next_layers,
                                                 .more = next_layers,
                                                 .key = "(run)"};
    return (ch_store_schema){.tables = next,
                             .num_tables = CH_STORE_NUM_TABLES + 1,
                             .statements = now.statements,
                             .num_statements = now.num_statements,
                             .version = NEXT_VERSION};
}

/* A store with two runs, their points, and layers of one of them. */
static void make_store_with_layers(const char *path)
{
    ch_point points[NUM_POINTS];
    double changes[NUM_POINTS * 3];
    ch_run run = make_run(2, points);
    for (size_t i = 0; i < NUM_POINTS * 3; i++) {
        changes[i] = 1.0 / (double)(i + 1);
    }
    run.layer_changes = changes;
    run.num_layers = 3;
    ch_store store = open_store(path, CH_STORE_WRITE);
    put(&store, 1);
    assert_int_equal(ch_store_put(&store, &run, NULL), CH_OK);
    ch_store_close(&store);
}

/* What must be intact: all of it, read as a number. */
static const char *const CONTENT = "SELECT (SELECT count(*) FROM runs) = 2 AND (SELECT sum(steps) FROM runs) = 3000"
                                   " AND (SELECT count(*) FROM points) = 10"
                                   " AND (SELECT count(*) FROM points WHERE loss IS NULL) = 0";

static void migrate_to_next(const char *path, int from, size_t num_layers)
{
    const ch_store_schema next = next_schema();
    char *sql = ch_store_migrate_sql(&next, from);
    assert_int_equal(query(path, CONTENT), 1);
    execute(path, sql);
    sqlite3_free(sql);
    assert_int_equal(query(path, "PRAGMA user_version"), NEXT_VERSION);
    assert_int_equal(query(path, CONTENT), 1);
    assert_int_equal(query(path, "SELECT count(*) FROM layers WHERE weight_change > 0 AND next IS NULL"), num_layers);
    assert_int_equal(query(path, "SELECT count(*) FROM points WHERE next IS NULL"), 2 * NUM_POINTS);
    assert_int_equal(query(path, "SELECT count(*) FROM runs WHERE next IS NULL AND gradient_snr IS NULL"), 2);
    assert_int_equal(query(path, "SELECT count(next) FROM spectra"), 0);

    /* and every table has the columns of one that is made new, in the same order */
    sqlite3 *db = NULL;
    sql = ch_store_create_sql(&next);
    assert_int_equal(sqlite3_open(path_of("made.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    sqlite3_free(sql);
    for (size_t t = 0; t < next.num_tables; t++) {
        sql = sqlite3_mprintf("SELECT sum((cid + 1) * (length(name) * 1000 + unicode(name) * 7 + unicode(substr(name, "
                              "-1)))) FROM pragma_table_info(%Q)",
                              next.tables[t].name);
        assert_int_equal(query(path, sql), query(path_of("made.db"), sql));
        sqlite3_free(sql);
    }
    unlink(path_of("made.db"));
}

static void test_next_version_takes_over_the_present(void **state)
{
    (void)state;
    make_store_with_layers(path_of("s.db"));
    migrate_to_next(path_of("s.db"), NEXT_VERSION - 1, NUM_POINTS * 3);
}

static void test_next_version_takes_over_the_first(void **state)
{
    (void)state;
    make_store_with_layers(path_of("s.db"));
    age(path_of("s.db"), 1);
    migrate_to_next(path_of("s.db"), 1, 0);
}

/* A store of the present version, read through the views of the next: its layers are there, what it lacks is NULL. */
static void test_next_version_reads_the_present(void **state)
{
    (void)state;
    sqlite3 *db = NULL;
    sqlite3_stmt *same = NULL;
    const ch_store_schema next = next_schema();
    char *sql = ch_store_view_sql(&next, NEXT_VERSION - 1);
    make_store_with_layers(path_of("s.db"));
    assert_int_equal(sqlite3_open(path_of("s.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT (SELECT count(*) FROM layers WHERE weight_change > 0 AND next IS NULL)"
                                        " + 100 * (SELECT count(*) FROM points WHERE next IS NULL)"
                                        " + 10000 * (SELECT count(*) FROM runs WHERE next IS NULL)"
                                        " + (SELECT count(next) FROM spectra)",
                                        -1, &same, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(same), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(same, 0), 3 * NUM_POINTS + 200 * NUM_POINTS + 20000);
    sqlite3_finalize(same);
    sqlite3_close(db);
    sqlite3_free(sql);
}

/* The layers' weight changes come back, look by look. */
static void test_layers(void **state)
{
    (void)state;
    ch_point points[NUM_POINTS];
    ch_run run = make_run(2, points);
    double changes[NUM_POINTS * 3];
    for (size_t i = 0; i < NUM_POINTS * 3; i++) {
        changes[i] = 1.0 / (double)(i + 1);
    }
    run.layer_changes = changes;
    run.num_layers = 3;
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    assert_int_equal(ch_store_put(&store, &run, NULL), CH_OK);
    ch_store_close(&store);
    ch_run_table table = read_store(path_of("s.db"), NULL);
    assert_int_equal(table.runs[0].num_layers, 3);
    assert_memory_equal(table.runs[0].layer_changes, changes, sizeof changes);
    ch_run_table_free(&table);
    execute(path_of("s.db"), "DELETE FROM layers WHERE layer = 1 AND step = 2");
    ch_error err = {0};
    store = open_store(path_of("s.db"), CH_STORE_READ);
    assert_int_equal(ch_store_select(&store, NULL, true, &table, &err), CH_ERROR_IO);
    assert_non_null(strstr(err.message, "is damaged"));
    ch_store_close(&store);
}

static void test_read_only_file(void **state)
{
    (void)state;
    make_store(path_of("s.db"), 3);
    assert_int_equal(chmod(path_of("s.db"), 0444), 0);
    assert_refused(path_of("s.db"), CH_STORE_WRITE, CH_ERROR_INPUT, "read-only");
    assert_int_equal(count_runs(path_of("s.db")), 3);
}

/* As a user who may not write there: root may write everywhere. */
static void read_as_other(int expected)
{
    ch_store store;
    ch_run_table table;
    ch_error err = {.message = "not allowed"};
    require(geteuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0), &err);
    const char *path = path_of("100%41 #1?.db"); /* the name passes through a URI on the way */
    require(ch_store_open(&store, path, CH_STORE_WRITE, &err) == CH_ERROR_INPUT, &err);
    require(strstr(err.message, "read-only") != NULL, &err);
    require(ch_store_open(&store, path, CH_STORE_READ, &err) == CH_OK, &err);
    require(ch_store_select(&store, NULL, true, &table, &err) == CH_OK, &err);
    require((int)table.count == expected, &err);
    ch_run_table_free(&table);
    ch_store_close(&store);
}

static void test_read_only_folder(void **state)
{
    (void)state;
    const char *path = path_of("100%41 #1?.db");
    make_store(path, 3);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    assert_done(start(read_as_other, 3));

    /* a store in log mode, which SQLite would have make two files beside it */
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(chmod(path, 0644), 0);
    execute(path, "PRAGMA journal_mode = WAL");
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    assert_done(start(read_as_other, 3));
}

/* A log without its -shm file, in a folder where SQLite may not make one: the log may hold runs. */
static void refuse_log(int unused)
{
    ch_store store;
    ch_error err = {.message = "not allowed"};
    (void)unused;
    require(geteuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0), &err);
    require(ch_store_open(&store, path_of("s.db"), CH_STORE_READ, &err) == CH_ERROR_INPUT, &err);
    require(strstr(err.message, "s.db-wal, which needs a file") != NULL, &err);
    require(strstr(err.message, "may not be written") != NULL, &err);
    require(strstr(err.message, "copy the store and its log") != NULL, &err);
}

static void test_log_in_read_only_folder(void **state)
{
    (void)state;
    make_store(path_of("s.db"), 0);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    put(&store, 0);
    char *line = NULL;
    assert_true(asprintf(&line, "cd %s && cp s.db t && cp s.db-wal t-wal", folder) > 0);
    assert_int_equal(system(line), 0);
    free(line);
    ch_store_close(&store);
    assert_int_equal(rename(path_of("t"), path_of("s.db")), 0);
    assert_int_equal(rename(path_of("t-wal"), path_of("s.db-wal")), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    assert_done(start(refuse_log, 0));
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(count_runs(path_of("s.db")), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_no_store),
        STORE_TEST(test_empty_file),
        STORE_TEST(test_names),
        STORE_TEST(test_newer_version),
        STORE_TEST(test_older_versions),
        STORE_TEST(test_next_version_takes_over_the_present),
        STORE_TEST(test_next_version_takes_over_the_first),
        STORE_TEST(test_next_version_reads_the_present),
        STORE_TEST(test_layers),
        STORE_TEST(test_read_only_file),
        STORE_TEST(test_read_only_folder),
        STORE_TEST(test_log_in_read_only_folder),
    };
    return cmocka_run_group_tests_name("opening of stores", tests, NULL, NULL);
}
