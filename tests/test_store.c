/* test_store.c — the run store: runs are read as they were stored, by any condition. */
#include "sim/store/export.h"
#include "sim/store/results.h"
#include "tests/alloc_fail.h"
#include "tests/store_support.h"
#include "tests/valgrind_support.h"

#include <jansson.h>

/* ---- what goes in comes out ---- */

/* A change of these columns needs a new schema version and a migration from the present one. */
static void test_schema(void **state)
{
    (void)state;
    static const char *const columns =
        "id TEXT,model TEXT,data TEXT,chi REAL,dim INTEGER,teacher TEXT,train INTEGER,test INTEGER,loss TEXT,"
        "alpha REAL,batch INTEGER,temp REAL,rate REAL,dynamics TEXT,seed INTEGER,seed_data INTEGER,seed_init INTEGER,"
        "seed_batch INTEGER,max_steps INTEGER,max_updates INTEGER,max_seconds REAL,engine TEXT,record INTEGER,"
        "status TEXT,steps INTEGER,updates INTEGER,time REAL,weight_change REAL,weight_change_rel REAL,signal REAL,"
        "noise REAL,train_loss REAL,train_error REAL,unfitted INTEGER,min_margin REAL,test_error REAL,seconds REAL,"
        "version TEXT,results_version INTEGER,linear TEXT,width INTEGER,depth INTEGER,activation TEXT,kernel INTEGER,"
        "kernel_change REAL,kernel_alignment REAL,gradient_mean REAL,gradient_variance REAL,gradient_snr REAL,"
        "data_digest TEXT,reason TEXT,data_pool INTEGER,sampling TEXT,momentum REAL,weight_decay REAL,classes "
        "TEXT,normalise TEXT,label_noise REAL,spectrum REAL,teacher_axis INTEGER,teacher_error REAL,unfitted_distance "
        "REAL,density_chi REAL,density_error REAL,density_edge REAL,density_drift REAL,init TEXT,machine "
        "INTEGER,fluctuations INTEGER,burn_in INTEGER,"
        "curvature INTEGER,lambda_max REAL,lambda_max_error REAL,hessian_trace REAL,hessian_trace_error REAL,"
        "batch_sharpness REAL,batch_sharpness_error REAL";
    const char *path = path_of("s.db");
    make_store(path, 0);
    char *sql =
        sqlite3_mprintf("SELECT group_concat(name || ' ' || type) = %Q FROM pragma_table_info('runs')", columns);
    assert_int_equal(query(path, sql), 1);
    sqlite3_free(sql);
    assert_int_equal(query(path,
                           "SELECT group_concat(name || ' ' || type) = 'run TEXT,step INTEGER,time REAL,loss REAL,"
                           "unfitted INTEGER,signal REAL,noise REAL,test_error REAL,train_error REAL,min_margin REAL,"
                           "weight_change REAL,weight_change_rel REAL,kernel_change REAL,kernel_alignment REAL,"
                           "gradient_mean REAL,gradient_variance REAL,gradient_snr REAL,unfitted_distance REAL,"
                           "lambda_max REAL,lambda_max_error REAL,hessian_trace REAL,hessian_trace_error REAL,"
                           "batch_sharpness REAL,batch_sharpness_error REAL'"
                           " FROM pragma_table_info('points')"),
                     1);
    assert_int_equal(query(path, "PRAGMA application_id"), 0x6368746e);
    assert_int_equal(query(path, "PRAGMA user_version"), 18);
    assert_int_equal(query(path, "SELECT group_concat(name || ' ' || type) = 'run TEXT,layer INTEGER,rank INTEGER,"
                                 "variance REAL,variance_error REAL,flatness REAL,curvature REAL,drift REAL,cosine "
                                 "REAL' FROM pragma_table_info('fluctuations')"),
                     1);
}

static void test_round_trip(void **state)
{
    (void)state;
    ch_point points[NUM_POINTS];
    const char *path = path_of("s.db");
    ch_run run = make_run(7, points);
    run.settings.seed_batch = INT64_MAX;
    run.settings.max_steps = INT64_MAX - 1;
    run.settings.max_seconds = 0x1.fffffffffffffp+1023;
    run.settings.alpha = 0x1p-1074;
    run.settings.temp = 0x1.5555555555555p-2;
    run.steps = INT64_MAX;
    run.final.signal = INFINITY;
    run.final.noise = -INFINITY;
    run.final.test_error = NAN;
    run.final.min_margin = 0x1p-1074;
    run.final.train_loss = 9007199254740993.0;
    points[3].step = INT64_MAX;

    ch_store store = open_store(path, CH_STORE_WRITE);
    assert_int_equal(ch_store_put(&store, &run, NULL), CH_OK);
    ch_store_close(&store);
    assert_alone("s.db");

    /* Points are ordered by step, so that the one with the large step comes last. */
    const ch_point large = points[3];
    points[3] = points[4];
    points[4] = large;
    ch_run_table table = read_store(path, NULL);
    assert_int_equal(table.count, 1);
    assert_runs_equal(&table.runs[0], &run);
    ch_run_table_free(&table);
    ch_run_table_free(&table); /* freeing twice is allowed */
    assert_int_equal(query(path, "SELECT max_updates IS NULL AND test_error IS NULL AND max_steps = 9223372036854775806"
                                 " AND status = 'budget' AND model = 'perceptron' AND typeof(alpha) = 'real'"
                                 " AND results_version = 2 AND version = '" CH_VERSION "' FROM runs"),
                     1);
}

/* train = inf, and counts that a run does not have, are stored as NULL and read as they were. */
static void test_what_is_not_counted(void **state)
{
    (void)state;
    ch_point points[NUM_POINTS];
    const char *path = path_of("s.db");
    ch_run run = make_run(7, points);
    run.settings.train = 0;
    run.final.unfitted = CH_UNCOUNTED;
    for (size_t i = 0; i < NUM_POINTS; i++) {
        points[i].observed.unfitted = CH_UNCOUNTED;
    }
    ch_store store = open_store(path, CH_STORE_WRITE);
    assert_int_equal(ch_store_put(&store, &run, NULL), CH_OK);
    ch_store_close(&store);
    ch_run_table table = read_store(path, "train IS NULL AND unfitted IS NULL");
    assert_int_equal(table.count, 1);
    assert_runs_equal(&table.runs[0], &run);
    ch_run_table_free(&table);
    assert_int_equal(query(path, "SELECT count(*) FROM points WHERE unfitted IS NULL"), NUM_POINTS);
}

static void test_too_large_count(void **state)
{
    (void)state;
    ch_point points[NUM_POINTS];
    ch_error err = {0};
    ch_run run = make_run(0, points);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    points[4].step = (uint64_t)INT64_MAX + 1; /* it is refused only after the run itself has been inserted */
    assert_int_equal(ch_store_put(&store, &run, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "2^63"));
    put(&store, 1);
    ch_store_close(&store);
    assert_int_equal(count_runs(path_of("s.db")), 1);
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM points"), NUM_POINTS);
}

static void test_put_is_idempotent(void **state)
{
    (void)state;
    ch_point points[NUM_POINTS];
    char id[CH_ID_SIZE];
    bool found = true;
    const ch_run original = make_run(3, points);
    ch_run again = original;
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    ch_settings_id(&original.resolved, id);
    assert_int_equal(ch_store_has(&store, id, &found, NULL), CH_OK);
    assert_false(found);
    assert_int_equal(ch_store_put(&store, &original, NULL), CH_OK);
    assert_int_equal(ch_store_has(&store, id, &found, NULL), CH_OK);
    assert_true(found);
    again.seconds = 42;
    again.num_points = 2;
    assert_int_equal(ch_store_put(&store, &again, NULL), CH_OK);
    ch_store_close(&store);

    ch_run_table table = read_store(path_of("s.db"), NULL);
    assert_int_equal(table.count, 1);
    assert_int_equal(table.runs[0].num_points, NUM_POINTS);
    assert_runs_equal(&table.runs[0], &original);
    ch_run_table_free(&table);
}

/* A perceptron that is asked for with linear = yes is another run than without, and is read back so. */
static void test_linear_of_a_perceptron(void **state)
{
    (void)state;
    ch_point points[NUM_POINTS];
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    ch_run run = make_run(0, points);
    assert_int_equal(ch_store_put(&store, &run, NULL), CH_OK);
    ch_settings_set(&run.settings, CH_SETTING_LINEAR, (ch_value){.count = CH_LINEAR_YES});
    assert_int_equal(ch_settings_resolve(&run.settings, &run.resolved, NULL), CH_OK);
    assert_int_equal(ch_store_put(&store, &run, NULL), CH_OK);
    ch_store_close(&store);
    ch_run_table table = read_store(path_of("s.db"), NULL);
    assert_int_equal(table.count, 2);
    assert_int_equal(table.runs[0].settings.linear + table.runs[1].settings.linear, CH_LINEAR_YES);
    ch_run_table_free(&table);
    execute(path_of("s.db"), "UPDATE runs SET linear = 'maybe' WHERE linear IS NOT NULL");
    ch_error err = {0};
    store = open_store(path_of("s.db"), CH_STORE_READ);
    assert_true(ch_store_select(&store, NULL, true, &table, &err) != CH_OK);
    assert_non_null(strstr(err.message, "linear"));
    ch_store_close(&store);
}

static void test_order_is_of_settings(void **state)
{
    (void)state;
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    for (uint64_t i = 0; i < 30; i++) {
        put(&store, i * 17 % 30);
    }
    ch_store_close(&store);
    make_store(path_of("t.db"), 30);
    assert_stores_equal(path_of("s.db"), path_of("t.db"));
    ch_run_table table = read_store(path_of("s.db"), NULL);
    for (size_t i = 1; i < table.count; i++) {
        const ch_settings *a = &table.runs[i - 1].settings;
        const ch_settings *b = &table.runs[i].settings;
        assert_true(a->train < b->train || (a->train == b->train && a->seed < b->seed));
    }
    ch_run_table_free(&table);
}

/* ---- conditions ---- */

/* Settings of a run drawn from an index: models and data of all kinds, so that columns are NULL in some runs; negative
 * and equal numbers; words. @return false where they make no run */
static bool draw_settings(uint64_t index, ch_resolved *resolved)
{
    uint64_t digits = index * UINT64_C(0x9E3779B97F4A7C15) >> 16; /* read from the end */
    const uint64_t bases[] = {4, 4, 3, 2, 2, 3, 2, 2, 2, 3};
    uint64_t digit[sizeof bases / sizeof *bases];
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        digit[i] = digits % bases[i];
        digits /= bases[i];
    }
    static const uint64_t models[] = {CH_ARCH_PERCEPTRON, CH_ARCH_MLP, CH_ARCH_MNAS, CH_ARCH_PERCEPTRON};
    static const uint64_t laws[] = {CH_LAW_DEPLETED, CH_LAW_SIGN, CH_LAW_RANDOM_SIGN, CH_LAW_STRIPE};
    static const double exponents[] = {-0.5, 0, 1.25};
    ch_settings settings;
    ch_settings_default(&settings);
    ch_settings_set(&settings, CH_SETTING_MODEL, (ch_value){.count = models[digit[0]]});
    ch_settings_set(&settings, CH_SETTING_DATA, (ch_value){.count = laws[digit[1]]});
    if (ch_setting_applies(&settings, CH_SETTING_CHI)) {
        ch_settings_set(&settings, CH_SETTING_CHI, (ch_value){.real = exponents[digit[2]]});
    }
    if (ch_setting_applies(&settings, CH_SETTING_TEACHER)) {
        ch_settings_set(&settings, CH_SETTING_TEACHER, (ch_value){.count = digit[3]});
    }
    ch_settings_set(&settings, CH_SETTING_BATCH, (ch_value){.count = 2 + digit[4]});
    ch_settings_set(&settings, CH_SETTING_TEMP, (ch_value){.real = pow(0.5, (double)digit[5])});
    ch_settings_set(&settings, CH_SETTING_MAX_STEPS, (ch_value){.count = 100 * digit[6]});
    ch_settings_set(&settings, CH_SETTING_MAX_SECONDS, (ch_value){.real = 0.5 * (double)digit[7]});
    ch_settings_set(&settings, CH_SETTING_SAMPLING, (ch_value){.count = digit[8]});
    ch_settings_set(&settings, CH_SETTING_SEED, (ch_value){.count = digit[9] * 100});
    return ch_settings_resolve(&settings, resolved, NULL) == CH_OK;
}

/* The order of a table is that of SQL's ORDER BY, also of runs that have all settings in common. */
static void test_order_is_that_of_sql(void **state)
{
    (void)state;
    const char *path = path_of("order.db");
    ch_error err = {0};
    uint64_t num_drawn = 0;
    ch_store store = open_store(path, CH_STORE_WRITE);
    for (uint64_t i = 1; i <= 600; i++) {
        ch_point points[NUM_POINTS];
        ch_run run = make_run(i, points);
        if (draw_settings(i, &run.resolved)) {
            run.num_points = 0;
            run.updates = i;
            assert_int_equal(ch_store_put(&store, &run, &err), CH_OK);
            num_drawn++;
        }
    }
    ch_store_close(&store);
    assert_true(num_drawn > 150);
    execute(path,
            "CREATE TEMP TABLE older AS SELECT * FROM runs;"
            "UPDATE older SET id = substr(id, 17) || substr(id, 1, 16), results_version = 1, updates = updates + 1000;"
            "INSERT INTO runs SELECT * FROM older;");

    store = open_store(path, CH_STORE_READ);
    ch_run_table table;
    sqlite3_stmt *sorted = NULL;
    char *sql = ch_store_select_runs_sql(NULL, true);
    assert_int_equal(ch_store_prepare(&store, sql, &sorted, &err), CH_OK);
    sqlite3_free(sql);
    assert_int_equal(ch_store_select(&store, NULL, false, &table, &err), CH_OK);
    assert_true(table.count > num_drawn);
    for (size_t i = 0; i < table.count; i++) {
        assert_int_equal(sqlite3_step(sorted), SQLITE_ROW);
        assert_string_equal(sqlite3_column_name(sorted, ch_store_column_results() + 2), "updates");
        assert_int_equal(table.runs[i].updates, sqlite3_column_int64(sorted, ch_store_column_results() + 2));
    }
    assert_int_equal(sqlite3_step(sorted), SQLITE_DONE);
    sqlite3_finalize(sorted);
    ch_run_table_free(&table);
    ch_store_close(&store);
}

static void test_conditions(void **state)
{
    (void)state;
    static const struct {
        const char *where;
        size_t count;
    } good[] = {{"1", 12},
                {"train >= 2048", 8},
                {"temp > 0.01 and status = 'fitted'", 4},
                {"max_steps is null", 12},
                {"0 -- nothing", 0},
                {"seed in (1, 2, 3)", 3},
                {"(1) or (1)", 12},
                {"seed > (select avg(seed) from runs)", 6}};
    make_store(path_of("s.db"), 12);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ch_run_table table = read_store(path_of("s.db"), good[i].where);
        assert_int_equal(table.count, good[i].count);
        ch_run_table_free(&table);
    }
}

static void test_bad_conditions(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "trian > 5",
                                      "\"trian\" > 5",
                                      "train >",
                                      "1; drop table runs",
                                      "1); drop table runs; --",
                                      "1) or (1",
                                      "1) --",
                                      "1) /*",
                                      "1 /*",
                                      "(1",
                                      "1)",
                                      "'",
                                      "1 limit 1",
                                      "1 order by seed",
                                      "1 group by seed",
                                      "1 union select 1",
                                      "select 1",
                                      "seed, 1",
                                      "seed = ?",
                                      "seed = :seed",
                                      "count(*) > 1",
                                      "abs(-9223372036854775807 - 1)",
                                      "nosuch(1)"};
    make_store(path_of("s.db"), 12);
    ch_store store = open_store(path_of("s.db"), CH_STORE_READ);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ch_run_table table;
        ch_error err = {0};
        if (ch_store_select(&store, bad[i], false, &table, &err) != CH_ERROR_INPUT) {
            fail_msg("accepted: %s", bad[i]);
        }
        assert_non_null(strstr(err.message, "is not accepted: "));
        assert_int_equal(table.count, 0);
    }
    ch_store_close(&store);
    assert_int_equal(count_runs(path_of("s.db")), 12);
}

/* ---- the one table of observables ---- */

/* The places of observables count up without gaps, so that every column is found, and their versions do not go down. */
static void test_places_of_observables(void **state)
{
    (void)state;
    int since = 0;
    for (size_t i = 0; i < ch_points_count(); i++) {
        const ch_result row = ch_point_result_at(i);
        assert_non_null(row.name);
        assert_true(row.since >= since);
        since = row.since;
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(ch_point_result_at(k).name, row.name);
        }
    }
    for (size_t i = 0; i < ch_shown_count(); i++) {
        assert_int_equal(ch_shown_at(i).type, CH_RESULT_REAL);
    }
}

/* What was not measured is not stored: every observable of ch_observation_none becomes NULL. */
static void test_nothing_measured(void **state)
{
    (void)state;
    const ch_observation none = ch_observation_none();
    for (size_t i = 0; i < ch_observables_count; i++) {
        const char *member = (const char *)&none + ch_observables_table[i].offset;
        uint64_t count = 0;
        double real = 0;
        memcpy(&count, member, sizeof count);
        memcpy(&real, member, sizeof real);
        assert_true(ch_observables_table[i].is_count ? count == CH_UNCOUNTED : isnan(real));
    }
    assert_null(none.layer_change);
    assert_int_equal(none.num_layers, 0);
}

/* ---- exports ---- */

static ch_code export_to(ch_store *store, const char *path, ch_error *err)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    const ch_code code = ch_store_export_json(store, NULL, out, err);
    assert_int_equal(fclose(out), 0);
    return code;
}

/* Where an allocation fails during an export, the export is reported as failed, whichever allocation it is. */
static void test_json_is_whole_or_refused(void **state)
{
    (void)state;
    skip_under_valgrind();
    long failed = 0;
    ch_error err;
    make_store(path_of("s.db"), 2);
    ch_store store = open_store(path_of("s.db"), CH_STORE_READ);
    /* functions of this program, so that jansson's allocations are counted and can fail */
    json_set_alloc_funcs(malloc, free);
    assert_failures_are_told(failed, export_to(&store, path_of("runs.json"), &err), err, (void)0);
    assert_true(failed >= 238);
    json_t *runs = json_load_file(path_of("runs.json"), 0, NULL);
    assert_int_equal(json_array_size(runs), 2);
    json_decref(runs);
    ch_store_close(&store);
}

int main(void)
{
    /* suites: valgrind */
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_schema),
        STORE_TEST(test_round_trip),
        STORE_TEST(test_what_is_not_counted),
        STORE_TEST(test_too_large_count),
        STORE_TEST(test_put_is_idempotent),
        STORE_TEST(test_linear_of_a_perceptron),
        STORE_TEST(test_order_is_of_settings),
        STORE_TEST(test_order_is_that_of_sql),
        STORE_TEST(test_places_of_observables),
        STORE_TEST(test_nothing_measured),
        STORE_TEST(test_json_is_whole_or_refused),
        STORE_TEST(test_conditions),
        STORE_TEST(test_bad_conditions),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
