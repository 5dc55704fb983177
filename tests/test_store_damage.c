/* test_store_damage.c — the run store when its file is damaged, its disk is full, or memory runs short. */
#include "tests/alloc_fail.h"
#include "tests/store_process_support.h"
#include "tests/support.h"

#include "sim/store/export.h"
#include "sim/store/store_private.h"
#include "sim/store/summary.h"

#include <signal.h>
#include <sys/resource.h>

/* ---- damage ---- */

static void test_truncated(void **state)
{
    (void)state;
    make_store(path_of("s.db"), 200);
    const size_t size = size_of(path_of("s.db"));
    const size_t lengths[] = {size - 1, size / 2, 4096, 4095, 512, 50};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        assert_int_equal(truncate(path_of("s.db"), (off_t)lengths[i]), 0);
        assert_refused(path_of("s.db"), CH_STORE_READ, CH_ERROR_IO, "damaged");
        assert_refused(path_of("s.db"), CH_STORE_WRITE, CH_ERROR_IO, "damaged");
    }
}

/* Every page but the first overwritten, one store at a time: each is noticed when it is read, or harmless. */
static void test_damaged_pages(void **state)
{
    (void)state;
    char junk[4096];
    memset(junk, 0xa5, sizeof junk);
    make_store(path_of("s.db"), 60);
    const size_t pages = size_of(path_of("s.db")) / sizeof junk;
    int noticed = 0;
    for (size_t page = 1; page < pages; page++) {
        char original[4096];
        FILE *file = fopen(path_of("s.db"), "r+b");
        assert_non_null(file);
        assert_int_equal(fseek(file, (long)(page * sizeof junk), SEEK_SET), 0);
        assert_int_equal(fread(original, 1, sizeof original, file), sizeof original);
        assert_int_equal(fseek(file, (long)(page * sizeof junk), SEEK_SET), 0);
        assert_int_equal(fwrite(junk, 1, sizeof junk, file), sizeof junk);
        assert_int_equal(fflush(file), 0);

        ch_store store;
        ch_run_table table = {0};
        ch_error err = {0};
        /* a page of the schema is noticed when the store is opened */
        const bool opens = ch_store_open(&store, path_of("s.db"), CH_STORE_READ, &err) == CH_OK;
        if (opens && ch_store_select(&store, NULL, true, &table, &err) == CH_OK) {
            assert_int_equal(table.count, 60); /* a page of the index of ids, which reading does not need */
        } else {
            assert_int_equal(err.code, CH_ERROR_IO);
            assert_non_null(strstr(err.message, "damaged"));
            noticed++;
        }
        ch_run_table_free(&table);
        ch_store_close(&store);

        assert_int_equal(fseek(file, (long)(page * sizeof junk), SEEK_SET), 0);
        assert_int_equal(fwrite(original, 1, sizeof original, file), sizeof original);
        assert_int_equal(fclose(file), 0);
    }
    assert_true(noticed > (int)pages / 2);
    assert_int_equal(count_runs(path_of("s.db")), 60);
}

/* Puts three runs of two layers into a store. */
static void make_store_with_layers(const char *path)
{
    ch_store store = open_store(path, CH_STORE_WRITE);
    for (uint64_t i = 0; i < 3; i++) {
        ch_point points[NUM_POINTS];
        double changes[2 * NUM_POINTS] = {0.5, 0.25};
        ch_run run = make_run(i, points);
        run.layer_changes = changes;
        run.num_layers = 2;
        assert_int_equal(ch_store_put(&store, &run, NULL), CH_OK);
    }
    ch_store_close(&store);
}

static void copy_file(const char *from, const char *to)
{
    static char bytes[1 << 20];
    FILE *file = fopen(from, "rb");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    assert_true(size < sizeof bytes);
    fclose(file);
    write_file(to, bytes, size);
}

/* What a reader of the store says. @param out  where an export goes */
static ch_code read_by(int reader, ch_store *store, FILE *out, ch_error *err)
{
    ch_run_table table = {0};
    json_t *summary = NULL;
    ch_code code = CH_OK;
    switch (reader) {
    case 0:
        code = ch_store_select(store, NULL, true, &table, err);
        assert_true(code != CH_OK || table.count == 3 - store->num_damaged);
        ch_run_table_free(&table);
        return code;
    case 1:
        return ch_store_export_json(store, NULL, out, err);
    case 2:
        return ch_store_export_csv(store, NULL, out, err);
    case 3:
        return ch_store_export_points(store, NULL, out, err);
    default:
        code = ch_store_summarise(store, &summary, err);
        assert_true(code != CH_OK ||
                    json_integer_value(json_object_get(summary, "runs")) == 3 - (json_int_t)store->num_damaged);
        json_decref(summary);
        return code;
    }
}
enum { NUM_READERS = 5 };

/* A cell of one run, the one with seed 1, holds what its column may not: every reader names table, run and column, or
 * leaves the run out and reads the other two. */
static void assert_cell_is_noticed(const char *edit, const char *table, const char *column)
{
    enum { SUMMARY = NUM_READERS - 1, CSV = 2 };
    char expected[160], quickly[512];
    copy_file(path_of("whole.db"), path_of("s.db"));
    snprintf(quickly, sizeof quickly, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; %s", edit);
    execute(path_of("s.db"), quickly);
    snprintf(expected, sizeof expected, ", column %s: ", column);
    FILE *sink = fopen("/dev/null", "w");
    assert_non_null(sink);
    for (int reader = 0; reader < NUM_READERS; reader++) {
        const bool looks = strcmp(table, "runs") == 0 || (reader != SUMMARY && reader != CSV);
        for (int skips = 0; skips < 2; skips++) {
            ch_error err = {0};
            ch_store store = open_store(path_of("s.db"), CH_STORE_READ);
            store.skips_damaged = skips != 0;
            const ch_code code = read_by(reader, &store, sink, &err);
            const ch_error *said = skips ? &store.damage : &err;
            if (code != (looks && !skips ? CH_ERROR_IO : CH_OK) || store.num_damaged != (looks && skips ? 1 : 0)) {
                fail_msg("%s: reader %d gives %d (%s)", edit, reader, (int)code, err.message);
            }
            if (looks && (strstr(said->message, "damaged") == NULL || strstr(said->message, table) == NULL ||
                          strstr(said->message, expected) == NULL || strstr(said->message, "run ") == NULL)) {
                fail_msg("%s: reader %d says %s", edit, reader, said->message);
            }
            ch_store_close(&store);
        }
    }
    assert_int_equal(fclose(sink), 0);
    assert_int_equal(unlink(path_of("s.db")), 0);
}

static void test_cells(void **state)
{
    (void)state;
#define RUN    " WHERE seed = 1"
#define OF_RUN " WHERE run = (SELECT id FROM runs WHERE seed = 1)"
    static const struct {
        const char *edit, *table, *column;
    } cases[] = {
        {"UPDATE runs SET status = 'running'" RUN, "runs", "status"},
        {"UPDATE runs SET status = NULL" RUN, "runs", "status"},
        {"UPDATE runs SET model = 'x'" RUN, "runs", "model"},
        {"UPDATE runs SET data = NULL" RUN, "runs", "data"},
        {"UPDATE runs SET data = x'ff'" RUN, "runs", "data"},
        {"UPDATE runs SET train = -5" RUN, "runs", "train"},
        {"UPDATE runs SET train = 9000000000000000000" RUN, "runs", "train"},
        {"UPDATE runs SET train = 1e300" RUN, "runs", "train"},
        {"UPDATE runs SET dim = 0" RUN, "runs", "dim"},
        {"UPDATE runs SET dim = NULL" RUN, "runs", "dim"},
        {"UPDATE runs SET dim = 'many'" RUN, "runs", "dim"},
        {"UPDATE runs SET dim = 2.5" RUN, "runs", "dim"},
        {"UPDATE runs SET temp = -1" RUN, "runs", "temp"},
        {"UPDATE runs SET temp = 9e999" RUN, "runs", "temp"},
        {"UPDATE runs SET temp = NULL" RUN, "runs", "temp"},
        {"UPDATE runs SET chi = x'00'" RUN, "runs", "chi"},
        {"UPDATE runs SET steps = -1" RUN, "runs", "steps"},
        {"UPDATE runs SET unfitted = 'a'" RUN, "runs", "unfitted"},
        {"UPDATE runs SET test_error = 'b'" RUN, "runs", "test_error"},
        {"UPDATE runs SET results_version = 4294967296" RUN, "runs", "results_version"},
        {"UPDATE runs SET data_digest = hex(zeroblob(100))" RUN, "runs", "data_digest"},
        {"UPDATE runs SET data_pool = -1" RUN, "runs", "data_pool"},
        {"UPDATE runs SET version = CAST(x'61ff' AS TEXT)" RUN, "runs", "version"},
        {"UPDATE runs SET version = hex(zeroblob(100000))" RUN, "runs", "version"},
        {"UPDATE points SET step = -3" OF_RUN " AND step = 101", "points", "step"},
        {"UPDATE points SET loss = 'x'" OF_RUN " AND step = 101", "points", "loss"},
        {"UPDATE points SET unfitted = 1.5" OF_RUN " AND step = 101", "points", "unfitted"},
        {"UPDATE layers SET layer = -6148914691236517206" OF_RUN " AND layer = 1", "layers", "layer"},
        {"UPDATE layers SET layer = 9000000000000000000" OF_RUN " AND layer = 1 AND step = 101", "layers", "layer"},
        {"UPDATE layers SET layer = 2" OF_RUN " AND layer = 1", "layers", "layer"},
        {"UPDATE layers SET step = 7" OF_RUN " AND step = 101", "layers", "step"},
        {"UPDATE layers SET weight_change = 'x'" OF_RUN " AND step = 101 AND layer = 0", "layers", "weight_change"},
        {"DELETE FROM layers" OF_RUN " AND step = 401 AND layer = 1", "layers", "layer"},
        {"DELETE FROM layers" OF_RUN " AND step = 1", "layers", "step"},
    };
    make_store_with_layers(path_of("whole.db"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_cell_is_noticed(cases[i].edit, cases[i].table, cases[i].column);
    }
}

/* A page of table `layers` alone is damaged: the run that it belongs to is left out, the others are read. */
static void test_skipped_page(void **state)
{
    (void)state;
    char junk[4096];
    memset(junk, 0xa5, sizeof junk);
    make_store_with_layers(path_of("s.db"));
    const long long page = query(path_of("s.db"), "SELECT rootpage FROM sqlite_master WHERE name = 'layers'");
    FILE *file = fopen(path_of("s.db"), "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)((page - 1) * (long long)sizeof junk), SEEK_SET), 0);
    assert_int_equal(fwrite(junk, 1, sizeof junk, file), sizeof junk);
    assert_int_equal(fclose(file), 0);
    ch_error err = {0};
    ch_run_table table;
    ch_store store = open_store(path_of("s.db"), CH_STORE_READ);
    store.skips_damaged = true;
    assert_int_equal(ch_store_select(&store, NULL, true, &table, &err), CH_OK);
    assert_int_equal(table.count, 0); /* all three lie on that page */
    assert_int_equal(store.num_damaged, 3);
    ch_run_table_free(&table);
    assert_int_equal(ch_store_select(&store, NULL, false, &table, &err), CH_OK);
    assert_int_equal(table.count, 3);
    ch_run_table_free(&table);
    ch_store_close(&store);
}

/* What a file brings along to be executed is not: a view or a virtual table in the place of a table, a trigger. */
static void test_foreign_schema(void **state)
{
    (void)state;
    make_store(path_of("s.db"), 2);
    execute(path_of("s.db"), "ALTER TABLE runs RENAME TO others; CREATE VIEW runs AS SELECT * FROM others");
    assert_refused(path_of("s.db"), CH_STORE_READ, CH_ERROR_INPUT, "no chiton store");
    assert_int_equal(unlink(path_of("s.db")), 0);
    make_store(path_of("s.db"), 2);
    execute(path_of("s.db"), "ALTER TABLE layers RENAME TO others; CREATE VIEW layers AS SELECT * FROM others");
    assert_refused(path_of("s.db"), CH_STORE_READ, CH_ERROR_IO, "prohibited");
    assert_int_equal(unlink(path_of("s.db")), 0);
    make_store(path_of("s.db"), 2);
    execute(path_of("s.db"), "DROP TABLE points; CREATE VIRTUAL TABLE points USING fts5 (run, step)");
    assert_refused(path_of("s.db"), CH_STORE_READ, CH_ERROR_INPUT, "no chiton store");
}

/* ---- a disk that fills ---- */

static void test_full_database(void **state)
{
    (void)state;
    ch_error err = {0};
    uint64_t count = 0;
    ch_code code = CH_OK;
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    assert_int_equal(sqlite3_exec(store.db, "PRAGMA max_page_count = 20", NULL, NULL, NULL), SQLITE_OK);
    for (; code == CH_OK && count < 10000; count++) {
        ch_point points[NUM_POINTS];
        const ch_run run = make_run(count, points);
        code = ch_store_put(&store, &run, &err);
    }
    assert_int_equal(code, CH_ERROR_IO);
    assert_non_null(strstr(err.message, "disk is full"));
    ch_store_close(&store);
    assert_int_equal(count_runs(path_of("s.db")), count - 1);
}

/* Files end at 300 kB: the log meets the limit first. */
static void fill_disk(int limit)
{
    ch_store store;
    ch_run_table table;
    ch_error err = {0};
    size_t count = 0;
    ch_code code = CH_OK;
    signal(SIGXFSZ, SIG_IGN);
    require(setrlimit(RLIMIT_FSIZE, &(struct rlimit){(rlim_t)limit, (rlim_t)limit}) == 0, &err);
    require(ch_store_open(&store, path_of("s.db"), CH_STORE_WRITE, &err) == CH_OK, &err);
    while (code == CH_OK) {
        ch_point points[NUM_POINTS];
        const ch_run run = make_run(count, points);
        code = ch_store_put(&store, &run, &err);
        count += code == CH_OK;
    }
    require(code == CH_ERROR_IO && strstr(err.message, "cannot be read or written") != NULL, &err);
    ch_store_close(&store);
    require(count > 10, &err);
    require(ch_store_open(&store, path_of("s.db"), CH_STORE_READ, &err) == CH_OK, &err);
    require(ch_store_select(&store, NULL, true, &table, &err) == CH_OK, &err);
    require(table.count == count, &err);
    ch_run_table_free(&table);
    ch_store_close(&store);
}

static void test_full_disk(void **state)
{
    (void)state;
    assert_done(start(fill_disk, 300000));
    assert_true(is_whole(path_of("s.db")));
    assert_true(count_runs(path_of("s.db")) > 10);
}

/* A store is made, or there is no file. */
static void create_on_full_disk(int limit)
{
    ch_store store;
    ch_error err = {0};
    signal(SIGXFSZ, SIG_IGN);
    require(setrlimit(RLIMIT_FSIZE, &(struct rlimit){(rlim_t)limit, (rlim_t)limit}) == 0, &err);
    if (ch_store_open(&store, path_of("s.db"), CH_STORE_WRITE, &err) == CH_OK) {
        ch_store_close(&store);
        require(exists(path_of("s.db")), &err);
    } else {
        require(err.code == CH_ERROR_IO && !exists(path_of("s.db")), &err);
    }
}

static void test_create_on_full_disk(void **state)
{
    (void)state;
    int left = 0;
    for (int limit = 0; limit < 80000; limit += 1000) {
        assert_done(start(create_on_full_disk, limit));
        left += exists(path_of("s.db"));
        if (exists(path_of("s.db"))) {
            assert_int_equal(count_runs(path_of("s.db")), 0);
            assert_int_equal(unlink(path_of("s.db")), 0);
        }
        assert_alone("s.db");
    }
    assert_true(left > 0 && left < 80);
}

/* ---- memory that runs short: allocations fail in turn, SQLite's and ours ---- */

static sqlite3_mem_methods memory;

static void *failing_malloc(int size)
{
    return alloc_fails((size_t)size) ? NULL : memory.xMalloc(size);
}

static void *failing_realloc(void *old, int size)
{
    return alloc_fails((size_t)size) ? NULL : memory.xRealloc(old, size);
}

static void install_failing_memory(void)
{
    sqlite3_mem_methods methods;
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory);
    methods = memory;
    methods.xMalloc = failing_malloc;
    methods.xRealloc = failing_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

static ch_code write_and_read(const char *path, ch_error *err)
{
    ch_store store;
    ch_point points[NUM_POINTS];
    ch_run_table table = {0};
    const ch_run run = make_run(5, points);
    ch_code code = ch_store_open(&store, path, CH_STORE_WRITE, err);
    if (code != CH_OK) {
        assert_false(exists(path));
        return code;
    }
    code = ch_store_put(&store, &run, err);
    if (code == CH_OK) {
        code = ch_store_select(&store, "seed = 5", true, &table, err);
    }
    if (code == CH_OK) {
        assert_int_equal(table.count, 1);
        assert_runs_equal(&table.runs[0], &run);
    }
    ch_run_table_free(&table);
    ch_store_close(&store);
    return code;
}

static void test_memory_runs_short(void **state)
{
    (void)state;
    const long step = is_sanitized() ? 4 : 1;
    int failures = 0;
    for (long k = 0, failed = 0; failed >= 0; k = failed + step) {
        ch_error err = {0};
        const sqlite3_int64 used = sqlite3_memory_used();
        alloc_fail_by_way(k, 2);
        const ch_code code = write_and_read(path_of("s.db"), &err);
        failed = alloc_failed();
        alloc_fail_at(-1);
        if (code != CH_OK) {
            assert_int_equal(code, CH_ERROR_MEMORY);
            assert_non_null(strstr(err.message, "memory"));
            failures++;
        }
        if (exists(path_of("s.db"))) {
            assert_true(count_runs(path_of("s.db")) <= 1);
            assert_int_equal(unlink(path_of("s.db")), 0);
        }
        assert_int_equal(sqlite3_memory_used(), used);
    }
    assert_true(failures > 20 / step);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_truncated),    STORE_TEST(test_damaged_pages),       STORE_TEST(test_cells),
        STORE_TEST(test_skipped_page), STORE_TEST(test_foreign_schema),      STORE_TEST(test_full_database),
        STORE_TEST(test_full_disk),    STORE_TEST(test_create_on_full_disk), STORE_TEST(test_memory_runs_short),
    };
    install_failing_memory();
    return cmocka_run_group_tests_name("store damage", tests, NULL, NULL);
}
