/* test_sweep_parts.c — parts of a sweep: every run in one of them, of equal expected cost, whatever a store has. */
#include "sim/sweep/sweep_private.h"
#include "tests/alloc_fail.h"
#include "tests/sweep_support.h"

/* Of every run of a plan: in which part it is, from 1; 0 where it is left out. */
static void find_parts(ch_plan *plan, uint64_t num_parts, ch_store *store, uint64_t *part_of)
{
    ch_error err = {0};
    memset(part_of, 0, plan->num_runs * sizeof *part_of);
    plan->num_parts = num_parts;
    for (plan->part = 1; plan->part <= num_parts; plan->part++) {
        ch_sweep sweep;
        if (ch_sweep_init(&sweep, plan, store, &err) != CH_OK) {
            fail_msg("%s", err.message);
        }
        assert_int_equal(sweep.counts.total, sweep.num_part_runs);
        assert_int_equal(sweep.counts.present + sweep.num_jobs, sweep.num_part_runs);
        for (size_t i = 0; i < sweep.num_part_runs; i++) {
            assert_int_equal(part_of[sweep.part_runs[i]], 0);
            part_of[sweep.part_runs[i]] = plan->part;
        }
        for (size_t i = 0; i < sweep.num_jobs; i++) {
            assert_int_equal(part_of[sweep.jobs[i].index], plan->part);
        }
        ch_sweep_free(&sweep);
    }
    plan->num_parts = 0;
}

/* The cost of the most costly part, over that of an average one.
 * @param longest  out: the same of the most costly run */
static double imbalance(const ch_plan *plan, uint64_t num_parts, const uint64_t *part_of, double *longest)
{
    double costs[32] = {0}, total = 0, most = 0;
    *longest = 0;
    for (uint64_t i = 0; i < plan->num_runs; i++) {
        ch_settings settings;
        ch_resolved resolved;
        ch_plan_get(plan, i, &settings);
        assert_int_equal(ch_settings_resolve(&settings, &resolved, NULL), CH_OK);
        const double cost = ch_train_cost(&resolved);
        costs[part_of[i]] += cost;
        *longest = cost > *longest ? cost : *longest;
    }
    for (uint64_t k = 1; k <= num_parts; k++) {
        total += costs[k];
        most = costs[k] > most ? costs[k] : most;
    }
    *longest /= total / (double)num_parts;
    return most / (total / (double)num_parts);
}

/* 640 runs on 16 data sets, whose costs range over orders of magnitude. */
static const char *const WIDE[] = {"model perceptron", "chi 0,1",      "dim 16", "train 2^6..2^13",
                                   "temp 2^-6..2^3",   "seed 0,1,2,3", NULL};

static void test_every_run_once(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {1, 2, 3, 7, 16, 30};
    ch_plan plan = make_plan(WIDE);
    uint64_t part_of[640];
    assert_int_equal(plan.num_runs, 640);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        find_parts(&plan, numbers[i], NULL, part_of);
        for (uint64_t k = 0; k < plan.num_runs; k++) {
            assert_in_range(part_of[k], 1, numbers[i]);
        }
        /* where runs are short against a part it is over the average by little, otherwise by less than a run */
        double longest = 0;
        const double most = imbalance(&plan, numbers[i], part_of, &longest);
        const double limit = longest < 0.3 ? 1.05 : 1 + longest;
        if (!(most < limit)) {
            fail_msg("of %d parts one costs %g of the average; the longest run %g", (int)numbers[i], most, longest);
        }
    }
    ch_plan_free(&plan);
}

/* Runs on one data set are in one part, where there are enough data sets for that. */
static void test_data_sets_stay_together(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron", "dim 8",      "train 64,128",
                                        "temp 0.5,1,2",     "seed 0..31", NULL};
    ch_plan plan = make_plan(lines);
    size_t num_groups = 0;
    plan.num_parts = 3;
    for (plan.part = 1; plan.part <= 3; plan.part++) {
        ch_sweep sweep;
        assert_int_equal(ch_sweep_init(&sweep, &plan, NULL, NULL), CH_OK);
        num_groups += sweep.num_groups;
        ch_sweep_free(&sweep);
    }
    assert_int_equal(num_groups, 32);
    ch_plan_free(&plan);
}

/* Ends a sweep once half of its runs are done. */
typedef struct {
    ch_stop flag;
    size_t count;
} half_way;

static void stop_half_way(void *context, const ch_watch_report *report)
{
    half_way *self = context;
    self->flag = report->done >= self->count;
}

/* Parts are those of the whole plan, whatever has been done of them. */
static void test_same_after_a_resume(void **state)
{
    (void)state;
    ch_plan plan = make_plan(MIXED);
    ch_sweep sweep;
    ch_error err = {0};
    uint64_t before[MIXED_RUNS], after[MIXED_RUNS];
    find_parts(&plan, 3, NULL, before);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    plan.part = 2;
    plan.num_parts = 3;
    assert_int_equal(ch_sweep_init(&sweep, &plan, &store, &err), CH_OK);
    const size_t count = sweep.num_jobs / 2;
    half_way half = {.count = count};
    const ch_watch watch = {.stop = &half.flag, .progress = stop_half_way, .context = &half};
    assert_int_equal(ch_sweep_run(&sweep, &store, 1, &watch, &err), CH_ERROR_INTERRUPTED);
    ch_sweep_free(&sweep);
    assert_true(count > 5);
    find_parts(&plan, 3, &store, after);
    assert_memory_equal(before, after, sizeof before);
    plan.part = 2;
    plan.num_parts = 3;
    assert_int_equal(ch_sweep_init(&sweep, &plan, &store, &err), CH_OK);
    assert_int_equal(sweep.counts.present, count);
    ch_sweep_free(&sweep);
    ch_store_close(&store);
    ch_plan_free(&plan);
}

/* Combinations that cannot be run are in no part. */
static void test_left_out(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron", "dim 8", "train 16,64,256", "batch 8,32,128", "temp 0.5,1",
                                        "seed 0,1",         NULL};
    ch_plan plan = make_plan(lines);
    uint64_t part_of[36];
    plan.skip_invalid = true;
    find_parts(&plan, 4, NULL, part_of);
    for (uint64_t i = 0; i < plan.num_runs; i++) {
        ch_settings settings;
        ch_resolved resolved;
        ch_plan_get(&plan, i, &settings);
        assert_int_equal(part_of[i] > 0, ch_settings_resolve(&settings, &resolved, NULL) == CH_OK);
    }
    ch_plan_free(&plan);
}

/* Where a look takes a sample of the runs, it is one of the part's. */
static void test_sample(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron", "dim 8",         "train 64",
                                        "temp 0.5,1,2,4",   "seed 0..14999", NULL};
    ch_plan plan = make_plan(lines);
    ch_sweep sweep;
    ch_error err = {0};
    plan.part = plan.num_parts = 2;
    assert_int_equal(ch_sweep_init_sample(&sweep, &plan, NULL, &err), CH_OK);
    assert_int_equal(sweep.counts.total, sweep.num_part_runs);
    assert_in_range(sweep.num_part_runs, 29000, 31000);
    assert_true(sweep.num_jobs == 20000 && fabs(sweep.part_share - 0.5) < 0.01);
    for (size_t i = 0; i < sweep.num_jobs; i++) {
        const uint64_t *index = &sweep.jobs[i].index;
        size_t low = 0, high = sweep.num_part_runs;
        while (high - low > 1) {
            const size_t middle = (low + high) / 2;
            *(sweep.part_runs[middle] <= *index ? &low : &high) = middle;
        }
        assert_int_equal(sweep.part_runs[low], *index);
    }
    ch_sweep_free(&sweep);
    ch_plan_free(&plan);
}

/* The stores of all parts, merged, are the store of the whole. */
static void test_merged_parts(void **state)
{
    (void)state;
    ch_plan plan = make_plan(MIXED);
    ch_merge_counts counts;
    ch_error err = {0};
    char names[3][128];
    const char *const from[] = {names[0], names[1], names[2]};
    for (plan.part = 0; plan.part <= 3; plan.part++) {
        ch_sweep sweep;
        char whole[128];
        snprintf(whole, sizeof whole, "%s", path_of("whole.db"));
        char *name = plan.part > 0 ? names[plan.part - 1] : whole;
        plan.num_parts = plan.part > 0 ? 3 : 0;
        snprintf(name, sizeof whole, "%s/%d.db", folder, (int)plan.part);
        ch_store store = open_store(name, CH_STORE_WRITE);
        assert_int_equal(ch_sweep_init(&sweep, &plan, &store, &err), CH_OK);
        assert_int_equal(ch_sweep_run(&sweep, &store, 1 + (int)plan.part % 2, NULL, &err), CH_OK);
        ch_sweep_free(&sweep);
        ch_store_close(&store);
    }
    assert_int_equal(ch_store_merge(path_of("all.db"), from, 3, false, NULL, &counts, &err), CH_OK);
    assert_int_equal(counts.added, MIXED_RUNS);
    assert_int_equal(counts.read, MIXED_RUNS);
    assert_same_content(path_of("all.db"), path_of("0.db"));
    const char *whole = path_of("0.db"); /* and merging that finds no conflict */
    assert_int_equal(ch_store_merge(path_of("all.db"), &whole, 1, false, NULL, &counts, &err), CH_OK);
    assert_int_equal(counts.added, 0);
    ch_plan_free(&plan);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {"",
                                          "1",
                                          "/",
                                          "1/",
                                          "/2",
                                          "0/4",
                                          "5/4",
                                          "-1/4",
                                          "+1/4",
                                          " 1/4",
                                          "1/4 ",
                                          "1.0/4",
                                          "1/0",
                                          "1//4",
                                          "1/1000001",
                                          "99999999999999999999/4",
                                          "1/99999999999999999999"};
    ch_plan plan;
    ch_error err = {0};
    ch_plan_init(&plan);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (ch_plan_set_part(&plan, refused[i], &err) != CH_ERROR_INPUT) {
            fail_msg("'%s' was accepted", refused[i]);
        }
        assert_non_null(strstr(err.message, "accepted is K/N"));
        assert_int_equal(plan.num_parts, 0);
    }
    assert_int_equal(ch_plan_set_part(&plan, "0012/1000000", &err), CH_OK);
    assert_true(plan.part == 12 && plan.num_parts == 1000000);
    ch_plan_free(&plan);
}

static void test_memory(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron", "dim 8", "train 16,32", "temp 1", "seed 0,1,2", NULL};
    ch_plan plan = make_plan(lines);
    ch_sweep sweep;
    ch_error err;
    long failed = 0;
    plan.part = 2;
    plan.num_parts = 3;
    assert_failures_are_told(failed, ch_sweep_init(&sweep, &plan, NULL, &err), err, ch_sweep_free(&sweep));
    assert_true(failed > 8);
    ch_sweep_free(&sweep);
    ch_plan_free(&plan);
}

/* A plan's runs are found among others: with another T, another results version, and combinations left out. */
static void test_select(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron", "dim 8",     "train 2,16",  "batch 2,4",
                                        "temp 1",           "seed 0..2", "max_steps 9", NULL};
    static const char *const more[] = {"model perceptron", "dim 8",     "train 16",    "batch 2,4",
                                       "temp 1,2",         "seed 0..4", "max_steps 9", NULL};
    ch_plan plan = make_plan(lines), wider = make_plan(more);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    ch_run_table table;
    ch_error err = {0};
    long failed = 0;
    bool is_whole = true;
    plan.skip_invalid = true; /* batch = 4 with train = 2 */
    assert_int_equal(ch_sweep_select(&plan, &store, &is_whole, &table, &err), CH_OK);
    assert_true(table.count == 0 && !is_whole);
    assert_int_equal(sweep_into(&store, &wider, 2, NULL).code, CH_OK);
    assert_int_equal(ch_sweep_select(&plan, &store, &is_whole, &table, &err), CH_OK);
    assert_true(table.count == 6 && !is_whole);
    ch_run_table_free(&table);
    assert_int_equal(sweep_into(&store, &plan, 2, NULL).code, CH_OK);
    assert_int_equal(ch_sweep_select(&plan, &store, &is_whole, &table, &err), CH_OK);
    assert_true(table.count == 9 && is_whole);
    for (size_t i = 0; i < table.count; i++) {
        const ch_settings *settings = &table.runs[i].settings;
        assert_true(settings->temp == 1 && settings->seed <= 2 && settings->batch <= settings->train);
    }
    ch_run_table_free(&table);
    assert_failures_are_told(failed, ch_sweep_select(&plan, &store, &is_whole, &table, &err), err,
                             ch_run_table_free(&table));
    assert_true(failed >= 3 && table.count == 9);
    ch_run_table_free(&table);
    ch_store_close(&store);
    execute(path_of("s.db"), "UPDATE runs SET results_version = 1 WHERE seed = 0");
    store = open_store(path_of("s.db"), CH_STORE_READ);
    assert_int_equal(ch_sweep_select(&plan, &store, &is_whole, &table, &err), CH_OK);
    assert_true(table.count == 6 && !is_whole);
    ch_run_table_free(&table);
    ch_store_close(&store);
    plan.skip_invalid = false;
    ch_plan_free(&plan);
    ch_plan_free(&wider);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_run_once),
        cmocka_unit_test(test_data_sets_stay_together),
        STORE_TEST(test_same_after_a_resume),
        cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_sample),
        STORE_TEST(test_merged_parts),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_memory),
        STORE_TEST(test_select),
    };
    return cmocka_run_group_tests_name("parts of a sweep", tests, NULL, NULL);
}
