/* store_support.h — makes a folder for every test and imaginary runs, and compares stores. */
#ifndef CH_TESTS_STORE_SUPPORT_H
#define CH_TESTS_STORE_SUPPORT_H

#include "chiton.h"
#include "sim/store/store_private.h"

#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { NUM_POINTS = 5 };

static char folder[64]; /* the folder of this test; it is removed after the test */

static inline const char *path_of(const char *name)
{
    static char paths[4][128];
    static int next = 0;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static inline int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/chiton-test-store-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : chmod(folder, 0755);
}

static inline int remove_folder(void **state)
{
    (void)state;
    (void)chmod(folder, 0755);
    return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline bool exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

static inline size_t size_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return (size_t)status.st_size;
}

static inline void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* The integer that a query with a single value gives. */
static inline long long query(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const long long value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

static inline void execute(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
    sqlite3_close(db);
}

static inline bool is_whole(const char *path)
{
    return query(path, "SELECT count(*) = 1 AND max(integrity_check) = 'ok' FROM pragma_integrity_check") == 1;
}

/* Makes run number `index` of an imaginary sweep. Its trajectory is in `points`. */
static inline ch_run make_run(uint64_t index, ch_point points[NUM_POINTS])
{
    const double x = (double)index + 1.0 / 3.0;
    ch_run run = {.status = index % 3 == 0   ? CH_FITTED
                            : index % 3 == 1 ? CH_BUDGET
                                             : CH_DIVERGED,
                  .steps = 1000 * index,
                  .updates = 10 * index,
                  .time = 0.1 * x,
                  .final = {.train_loss = x / 7,
                            .train_error = 1e-300 * x,
                            .unfitted = index,
                            .min_margin = -x,
                            .weight_change = sqrt(x),
                            .weight_change_rel = sqrt(x) / 11,
                            .signal = x / 3,
                            .noise = x / 5,
                            .test_error = 1 / x},
                  .seconds = 1e-6 * x,
                  .points = points,
                  .num_points = NUM_POINTS};
    ch_settings_default(&run.settings);
    ch_settings_set(&run.settings, CH_SETTING_MODEL, (ch_value){.count = CH_ARCH_PERCEPTRON});
    ch_settings_set(&run.settings, CH_SETTING_RATE, (ch_value){.real = 0.1});
    ch_settings_set(&run.settings, CH_SETTING_TRAIN, (ch_value){.count = UINT64_C(1024) << index % 3});
    ch_settings_set(&run.settings, CH_SETTING_SEED, (ch_value){.count = index});
    assert_int_equal(ch_settings_resolve(&run.settings, &run.resolved, NULL), CH_OK);
    const ch_observation none = ch_observation_none(); /* the quantities that only networks have */
    run.final.kernel_change = run.final.kernel_alignment = run.final.gradient_mean = none.kernel_change;
    run.final.gradient_variance = run.final.gradient_snr = none.kernel_change;
    for (size_t i = 0; i < NUM_POINTS; i++) {
        points[i] = (ch_point){.step = i * 100 + index,
                               .time = 0.1 * (double)i,
                               .observed = {.train_loss = x / (double)(i + 1),
                                            .unfitted = 99 - i,
                                            .signal = sqrt(2.0 * (double)i),
                                            .noise = 0.1,
                                            .test_error = i == 2 ? NAN : 0.3}};
    }
    return run;
}

static inline ch_store open_store(const char *path, ch_store_mode mode)
{
    ch_store store;
    ch_error err = {0};
    if (ch_store_open(&store, path, mode, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return store;
}

static inline void put(ch_store *store, uint64_t index)
{
    ch_point points[NUM_POINTS];
    const ch_run run = make_run(index, points);
    ch_error err = {0};
    if (ch_store_put(store, &run, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

static inline void make_store(const char *path, uint64_t num_runs)
{
    ch_store store = open_store(path, CH_STORE_WRITE);
    for (uint64_t i = 0; i < num_runs; i++) {
        put(&store, i);
    }
    ch_store_close(&store);
}

static inline ch_run_table read_store(const char *path, const char *where)
{
    ch_run_table table;
    ch_error err = {0};
    ch_store store = open_store(path, CH_STORE_READ);
    if (ch_store_select(&store, where, true, &table, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    ch_store_close(&store);
    return table;
}

static inline size_t count_runs(const char *path)
{
    ch_run_table table = read_store(path, NULL);
    const size_t count = table.count;
    ch_run_table_free(&table);
    return count;
}

static inline void assert_refused(const char *path, ch_store_mode mode, ch_code code, const char *words)
{
    ch_store store;
    ch_error err = {0};
    assert_int_equal(ch_store_open(&store, path, mode, &err), code);
    assert_int_equal(err.code, code);
    if (strstr(err.message, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, words);
    }
    ch_store_close(&store); /* closing is allowed after a failed open */
}

/* Requires equal bits, or that both are NaN. */
static inline void assert_real(double a, double b)
{
    if (!(isnan(a) && isnan(b)) && memcmp(&a, &b, sizeof a) != 0) {
        fail_msg("%a is not %a", a, b);
    }
}

static inline void assert_points_equal(const ch_run *a, const ch_run *b)
{
    assert_int_equal(a->num_points, b->num_points);
    for (size_t i = 0; i < a->num_points; i++) {
        assert_int_equal(a->points[i].step, b->points[i].step);
        assert_real(a->points[i].time, b->points[i].time);
        assert_int_equal(a->points[i].observed.unfitted, b->points[i].observed.unfitted);
        assert_real(a->points[i].observed.train_loss, b->points[i].observed.train_loss);
        assert_real(a->points[i].observed.signal, b->points[i].observed.signal);
        assert_real(a->points[i].observed.noise, b->points[i].observed.noise);
        assert_real(a->points[i].observed.test_error, b->points[i].observed.test_error);
    }
}

static inline void assert_runs_equal(const ch_run *a, const ch_run *b)
{
    for (size_t i = 0; i < ch_settings_count; i++) {
        const ch_value x = ch_settings_get(&a->settings, i);
        const ch_value y = ch_settings_get(&b->settings, i);
        if (ch_settings_table[i].type == CH_TYPE_RULE) {
            assert_string_equal(x.text, y.text);
        } else {
            assert_memory_equal(&x, &y, sizeof x);
        }
    }
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->steps, b->steps);
    assert_int_equal(a->updates, b->updates);
    assert_real(a->time, b->time);
    assert_int_equal(a->final.unfitted, b->final.unfitted);
    assert_real(a->final.train_loss, b->final.train_loss);
    assert_real(a->final.train_error, b->final.train_error);
    assert_real(a->final.min_margin, b->final.min_margin);
    assert_real(a->final.weight_change, b->final.weight_change);
    assert_real(a->final.weight_change_rel, b->final.weight_change_rel);
    assert_real(a->final.signal, b->final.signal);
    assert_real(a->final.noise, b->final.noise);
    assert_real(a->final.test_error, b->final.test_error);
    assert_real(a->seconds, b->seconds);
    assert_points_equal(a, b);
}

static inline void assert_stores_equal(const char *one, const char *other)
{
    ch_run_table a = read_store(one, NULL);
    ch_run_table b = read_store(other, NULL);
    assert_int_equal(a.count, b.count);
    for (size_t i = 0; i < a.count; i++) {
        assert_runs_equal(&a.runs[i], &b.runs[i]);
    }
    ch_run_table_free(&a);
    ch_run_table_free(&b);
}

/* Requires that two stores are equal in all columns but the wall-clock time of the runs. */
static inline void assert_same_content(const char *one, const char *other)
{
    ch_run_table a = read_store(one, NULL);
    ch_run_table b = read_store(other, NULL);
    assert_int_equal(a.count, b.count);
    for (size_t i = 0; i < a.count; i++) {
        a.runs[i].seconds = b.runs[i].seconds;
        assert_runs_equal(&a.runs[i], &b.runs[i]);
    }
    ch_run_table_free(&a);
    ch_run_table_free(&b);
}

/* Requires that a closed store is a single file, without the files that SQLite keeps beside an open one. */
static inline void assert_alone(const char *name)
{
    char log[64];
    snprintf(log, sizeof log, "%s-wal", name);
    assert_false(exists(path_of(log)));
    snprintf(log, sizeof log, "%s-shm", name);
    assert_false(exists(path_of(log)));
    snprintf(log, sizeof log, "%s-journal", name);
    assert_false(exists(path_of(log)));
}

static inline void set_user_version(const char *path, int version)
{
    char *sql = sqlite3_mprintf("PRAGMA user_version = %d", version);
    execute(path, sql);
    sqlite3_free(sql);
}

/* Takes from a store what the schemas after `version` brought. */
static inline void age(const char *path, int version)
{
    const ch_store_schema schema = ch_store_schema_now();
    if (version < CH_SCHEMA_DELETION) {
        execute(path, "DROP TRIGGER delete_run");
    }
    if (version < CH_SCHEMA_STATES) {
        execute(path, "DROP TRIGGER delete_checkpoint");
    }
    if (version < CH_SCHEMA_WEIGHTS) {
        execute(path, "DROP TRIGGER delete_fluctuations");
    }
    if (version < CH_SCHEMA_TOTALS) {
        execute(path, "DROP TRIGGER forget_deleted_run; DROP TRIGGER forget_changed_run; DROP TRIGGER forget_new_point;"
                      "DROP TRIGGER forget_deleted_point; DROP TRIGGER forget_changed_point");
    }
    for (size_t t = 0; t < schema.num_tables; t++) {
        const ch_store_table *table = &schema.tables[t];
        char *sql = NULL;
        if (table->since > version) {
            sql = sqlite3_mprintf("DROP TABLE %s", table->name);
            execute(path, sql);
            sqlite3_free(sql);
            continue;
        }
        for (size_t i = 0; i < ch_store_num_columns(table); i++) {
            const ch_store_column column = ch_store_column_at(table, i);
            if (column.since > version) {
                sql = sqlite3_mprintf("ALTER TABLE %s DROP COLUMN \"%w\"", table->name, column.name);
                execute(path, sql);
                sqlite3_free(sql);
            }
        }
    }
    set_user_version(path, version);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

#endif
