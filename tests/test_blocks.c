/* test_blocks.c — sweeps of several blocks in one file: how they are read, which runs they have, what is done once. */
#include "sim/sweep/plan.h"
#include "tests/program_support.h"

/* ---- reading ---- */

static ch_code read_plan(ch_plan *plan, const char *text, ch_error *error)
{
    write_text("b.yaml", text);
    ch_plan_init(plan);
    return ch_plan_read(plan, path_of("b.yaml"), error);
}

/* Writes the temperatures, P and seeds of all runs, "T/P/seed T/P/seed …". */
static void write_runs(const ch_plan *plan, char *text, size_t size)
{
    text[0] = '\0';
    for (uint64_t i = 0; i < plan->num_runs; i++) {
        ch_settings settings;
        const size_t length = strlen(text);
        ch_plan_get(plan, i, &settings);
        snprintf(text + length, size - length, "%s%g/%d/%d", i > 0 ? " " : "",
                 settings.rate > 0 ? -settings.rate : settings.temp, (int)settings.train, (int)settings.seed);
    }
}

/* A rate is written as a negative temperature. */
static void test_what_a_block_gives_goes_before_the_defaults(void **state)
{
    (void)state;
    static const struct {
        const char *text, *runs;
    } cases[] = {
        {"- {temp: 1, train: [4, 8]}\n- {temp: 2, train: 4, seed: 1..2}\n", "1/4/0 1/8/0 2/4/1 2/4/2"},
        {"sweeps: [{temp: 1, train: 4}]", "1/4/0"},
        {"defaults: {temp: 1, train: [4, 8]}\nsweeps:\n- {}\n- {train: 16}\n- {seed: 3, temp: 5}\n",
         "1/4/0 1/8/0 1/16/0 5/4/3 5/8/3"},
        {"sweeps:\n- {rate: 3}\n- {temp: 3}\ndefaults: {temp: 1, train: 4}\n", "-3/4/0 3/4/0"},
        {"defaults: {rate: 7, train: 4}\nsweeps: [{temp: 3}, {}]\n", "3/4/0 -7/4/0"},
        {"defaults: {zip: {temp: [1, 2], train: [4, 8]}}\nsweeps: [{}, {temp: 5, train: 6}, {seed: 1}]\n",
         "1/4/0 2/8/0 5/6/0 1/4/1 2/8/1"},
        {"defaults: {temp: 1, seed: 9}\nsweeps: [{zip: {temp: [1, 2], train: [4, 8]}}]\n", "1/4/9 2/8/9"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_plan plan;
        ch_error error = {0};
        char runs[256];
        if (read_plan(&plan, cases[i].text, &error) != CH_OK) {
            fail_msg("%s: %s", cases[i].text, error.message);
        }
        write_runs(&plan, runs, sizeof runs);
        assert_string_equal(runs, cases[i].runs);
        ch_plan_free(&plan);
        ch_plan_free(&plan); /* freeing twice is allowed */
    }
}

static void test_refusals_name_line_and_block(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"- {temp: 1}\n- name: hot\n  tem: 2\n", "b.yaml:3:3: block hot: unknown setting 'tem'"},
        {"- {temp: 1}\n- {temp: 1, temp: 2}\n", "b.yaml:2:13: block 2: temp is set twice"},
        {"- 3\n", "b.yaml:1:3: block 1: a sweep is a mapping of settings"},
        {"- {name: a}\n- {name: a}\n", "b.yaml:2:3: two blocks have the name 'a'"},
        {"- {name: [a]}\n", "b.yaml:1:10: name cannot be a list here"},
        {"sweeps: []\n", "b.yaml:1:9: sweeps is a list of mappings of settings to values, at least one"},
        {"sweeps: {temp: 1}\n", "b.yaml:1:9: sweeps is a list"},
        {"[]\n", "b.yaml:1:1: sweeps is a list"},
        {"defaults: {temp: 1}\n", "b.yaml:1:1: there are defaults but no sweeps"},
        {"defaults: 3\nsweeps: [{temp: 1}]\n", "b.yaml:1:11: block 1: defaults is a mapping"},
        {"sweeps: [{temp: 1}]\ndim: 8\n", "b.yaml:2:1: dim stands beside the blocks; put it under defaults"},
        {"sweeps: [{temp: 1}]\nsweeps: [{temp: 2}]\n", "b.yaml:2:1: sweeps is there twice"},
        {"defaults: {tem: 1}\nsweeps: [{temp: 1}]\n", "b.yaml:1:12: block 1: unknown setting 'tem'"},
        {"defaults: {zip: {temp: [1, 2], train: [4, 8]}}\nsweeps: [{name: x, train: 4}]\n",
         "b.yaml:1:17: block x: the block gives a part of the settings that vary together here"},
        {"defaults: {name: x}\nsweeps: [{temp: 1}]\n", "b.yaml:1:12: block 1: unknown setting 'name'"},
        {"{name: x, temp: 1}\n", "b.yaml:1:2: unknown setting 'name'"},
        {"- {seed_data: 0..9999999, seed_init: 0..9999999, seed_batch: 0..99999}\n"
         "- {seed_data: 0..9999999, seed_init: 0..9999999, seed_batch: 0..99999}\n",
         "the blocks have 2^64 runs or more"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_plan plan;
        ch_error error = {0};
        assert_int_equal(read_plan(&plan, cases[i].text, &error), CH_ERROR_INPUT);
        if (strstr(error.message, cases[i].part) == NULL) {
            fail_msg("'%s' lacks '%s'", error.message, cases[i].part);
        }
        ch_plan_free(&plan);
    }
}

/* ---- sweeping ---- */

static const char *const BLOCKS = "defaults: {model: perceptron, dim: 8, train: [16, 32], temp: 1}\n"
                                  "sweeps:\n"
                                  "- {name: some seeds, seed: 0..5}\n"
                                  "- {name: other seeds, seed: 4..9}\n"
                                  "- {name: hot, temp: [1, 4]}\n";
enum { BLOCK_RUNS = 12 + 12 + 4, DISTINCT_RUNS = 2 * 10 + 2 };

/* Runs that blocks share are done once, alone and in parts, and the store has what it has of the blocks one by one. */
static void test_shared_runs_are_done_once(void **state)
{
    (void)state;
    write_text("b.yaml", BLOCKS);
    assert_succeeds("sweep b.yaml -o b.db -j 2");
    assert_non_null(strstr(out, "b.db: 28 runs, 0 were there, 22 done in "));
    assert_non_null(strstr(out, "; 6 the same as others\n"));
    assert_int_equal(count_runs(path_of("b.db")), DISTINCT_RUNS);
    assert_succeeds("sweep b.yaml -o b.db");
    assert_non_null(strstr(out, "b.db: 28 runs, 28 were there, 0 done in "));
    assert_succeeds("sweep perceptron --dim 8 --train 16,32 --temp 1 --seed 0..9 -o one.db");
    assert_succeeds("sweep perceptron --dim 8 --train 16,32 --temp 1,4 -o one.db");
    assert_same_content(path_of("b.db"), path_of("one.db"));
    for (int k = 1; k <= 3; k++) {
        assert_succeeds("sweep b.yaml --part %d/3 -o part%d.db", k, k);
    }
    assert_int_equal(count_runs(path_of("part1.db")) + count_runs(path_of("part2.db")) +
                         count_runs(path_of("part3.db")),
                     DISTINCT_RUNS);
    assert_succeeds("merge parts.db part1.db part2.db part3.db");
    assert_same_content(path_of("b.db"), path_of("parts.db"));
}

/* A dry run counts each block, and the whole; an option is for every block. */
static void test_a_dry_run_tells_of_every_block(void **state)
{
    (void)state;
    write_text("b.yaml", BLOCKS);
    assert_succeeds("sweep perceptron --dim 8 --train 16,32 --temp 1 --seed 0..5 -o b.db");
    assert_succeeds("sweep b.yaml -o b.db --dry-run");
    const char *some = strstr(out, "block some seeds\n"), *other = strstr(out, "block other seeds\n");
    const char *hot = strstr(out, "block hot\n"), *all = strstr(out, "all blocks\n");
    assert_true(some != NULL && other > some && hot > other && all > hot);
    assert_non_null(strstr(some, "12 runs, 12 of them in the store already, 0 to do\n"));
    assert_non_null(strstr(other, "12 runs, 4 of them in the store already, 8 to do\n"));
    assert_non_null(strstr(other, "% of the expected cost\nmemory: a data set takes up to "));
    assert_non_null(strstr(hot, "temp            1, 2^2\n"));
    assert_non_null(strstr(hot, "4 runs, 2 of them in the store already, 2 to do\n"));
    assert_non_null(strstr(all, "28 runs, 18 of them in the store already, 10 to do\n"));
    assert_succeeds("sweep b.yaml --seed 3 --dry-run");
    assert_non_null(strstr(out, "all blocks\n8 runs, 0 of them in the store already, 4 the same as others, 4 to do\n"));
}

/* A combination that cannot be run is refused with its block, or counted over all blocks. */
static void test_what_cannot_be_run_names_its_block(void **state)
{
    (void)state;
    write_text("b.yaml", "defaults: {model: perceptron, dim: 8, train: 16, temp: 1}\n"
                         "sweeps: [{seed: 0..2}, {name: wide, batch: [2, 32]}, {name: wider, batch: 64}]\n");
    assert_int_equal(chiton("sweep b.yaml -o b.db"), 2);
    assert_non_null(strstr(err, "block wide: batch is 32, more than train = 16"));
    assert_false(exists(path_of("b.db")));
    assert_succeeds("sweep b.yaml -o b.db --skip-invalid --dry-run");
    assert_non_null(strstr(out, "all 1 combinations are left out, the first because batch is 64"));
    assert_non_null(strstr(strstr(out, "all blocks\n"), "left out: 2 of 6 combinations\n"));
    assert_succeeds("sweep b.yaml -o b.db --skip-invalid");
    assert_non_null(strstr(out, "b.db: 4 runs, 0 were there, 3 done in "));
    assert_int_equal(chiton("sweep b.yaml -o b.db --seed 0..3 --batch 2 --target gamma=0.1"), 2);
    assert_non_null(strstr(err, "--target takes a sweep of one block"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_what_a_block_gives_goes_before_the_defaults),
        STORE_TEST(test_refusals_name_line_and_block),
        STORE_TEST(test_shared_runs_are_done_once),
        STORE_TEST(test_a_dry_run_tells_of_every_block),
        STORE_TEST(test_what_cannot_be_run_names_its_block),
    };
    return cmocka_run_group_tests_name("blocks", tests, locate_program, NULL);
}
