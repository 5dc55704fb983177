/* test_program_target.c — the program's sweeps that add data sets until intervals are narrow: what they make, say, and
 * end with. */
#include "program_support.h"

#include <jansson.h>
#include <math.h>

/* Two P and two T on data sets of a tenth of a millisecond. */
#define TINY "sweep perceptron --dim 8 --train 2^5,2^7 --temp 1,2"

/* The half-width of an exponent's interval in a store, as `fit --json` has it. */
static double width_in(const char *store, const char *name)
{
    double width = NAN;
    assert_succeeds("fit %s --json", store);
    json_t *report = json_loads(out, 0, NULL);
    assert_non_null(report);
    const json_t *exponents = json_object_get(report, "exponents");
    for (size_t i = 0; i < json_array_size(exponents); i++) {
        const json_t *one = json_array_get(exponents, i), *interval = json_object_get(one, "ci95");
        if (strcmp(json_string_value(json_object_get(one, "name")), name) == 0) {
            width =
                (json_number_value(json_array_get(interval, 1)) - json_number_value(json_array_get(interval, 0))) / 2;
        }
    }
    json_decref(report);
    return width;
}

/* A sweep reaches its target in three rounds: 10 data sets, what they are expected to need, and fresh ones that confirm
 * it. The store has then the runs of a longer list of seeds, and the same command finds nothing to do. */
static void test_reached(void **state)
{
    (void)state;
    assert_succeeds(TINY " --seed 0..9 -o t.db --target gamma=0.15");
    assert_says(err, "chi = 0, dim = 8: with 10 data sets gamma = ");
    assert_says(err, "target 0.15: not reached, 11 data sets are expected to do\n");
    assert_says(err, "next: 3 more data sets, 13 in all (seed 10 … 12), 12 runs, in ");
    assert_says(err, "to confirm it: 7 more data sets, 20 in all (seed 13 … 19), 28 runs, in ");
    assert_says(err, "with 20 data sets gamma = ");
    assert_says(out, "t.db: 40 runs, 0 were there, 40 done");
    assert_says(out, "t.db: target reached with 20 data sets (seed 0 … 19)\n");
    assert_in(width_in("t.db", "gamma"), 0.05, 0.15);
    assert_succeeds(TINY " --seed 0..19 -o plain.db");
    assert_same_runs("t.db", "plain.db");
    assert_succeeds(TINY " --seed 0..9 -o t.db --target gamma=0.15");
    assert_int_equal(count_of(out, " 0 done"), 3);
    assert_says(out, "t.db: target reached with 20 data sets (seed 0 … 19)\n");
    /* a dry run goes the same way, and makes nothing */
    assert_succeeds(TINY " --seed 0..9 -o t.db --target gamma=0.15 --dry-run");
    assert_says(out, "t.db: target reached with 20 data sets (seed 0 … 19)\n");
    assert_succeeds(TINY " --seed 0..9 -o new.db --target gamma=0.15 --dry-run");
    assert_says(out, "40 runs, 0 of them in the store already, 40 to do\n");
    assert_says(out, "this round has 10 data sets; target ends at 160, or 640 runs, at the latest\n");
    assert_int_equal(access(path_of("new.db"), F_OK), -1);
    assert_succeeds(TINY " --target gamma=0.15 --dry-run");
}

/* A sweep that was ended between two rounds, or in one, goes the way that it would have gone. Other runs in the store,
 * of the same group too, change nothing. */
static void test_resumed(void **state)
{
    (void)state;
    assert_succeeds(TINY " --seed 0..9 -o whole.db --target gamma=0.15");
    assert_succeeds(TINY " --seed 0..11 -o t.db");
    assert_succeeds("sweep perceptron --dim 8 --train 2^6 --temp 4 --seed 100..104 -o t.db");
    assert_succeeds(TINY " --chi 1 -o t.db");
    assert_succeeds(TINY " --seed 0..9 -o t.db --target gamma=0.15");
    assert_says(out, "t.db: 40 runs, 40 were there, 0 done");
    assert_says(out, "t.db: 52 runs, 48 were there, 4 done");
    assert_says(out, "t.db: target reached with 20 data sets (seed 0 … 19)\n");
    assert_null(strstr(err, "chi = 1"));
    assert_succeeds("delete t.db --where 'chi = 1 OR seed >= 100'");
    assert_same_runs("whole.db", "t.db");
}

/* Two groups, a relative target beside another, fewer data sets than ten at first, and seed_data in the place of seed.
 */
static void test_several(void **state)
{
    (void)state;
    assert_succeeds(TINY " --chi 0,1 --seed_data 3,5 -o t.db --target gamma=200%%,b=3");
    assert_int_equal(count_of(err, "with 10 data sets"), 4);
    assert_int_equal(count_of(err, "target 200 %: reached"), 4);
    assert_int_equal(count_of(err, "target 3: reached"), 4);
    assert_says(err, "to confirm it: 5 more data sets, 15 in all (seed_data 14 … 18), 40 runs, in ");
    assert_says(out, "t.db: target reached with 15 data sets (seed_data 3 … 18)\n");
}

/* Exit status 1 where the target is not reached: at the limit, or where data sets cannot help. What was made is kept.
 */
static void test_not_reached(void **state)
{
    (void)state;
    assert_int_equal(chiton(TINY " --seed 0..9 -o t.db --target gamma=0.05,b=9 --limit 22"), 1);
    assert_says(err, "chiton: target not reached with 22 data sets, the limit (a larger --limit goes on from here): "
                     "gamma = ");
    assert_says(err, ", target 0.05 (chi = 0, dim = 8)\n");
    assert_null(strstr(out, "target reached"));
    assert_succeeds("list t.db");
    assert_says(out, "runs            88\n");
    assert_succeeds(TINY " --seed 0..9 -o t.db --target gamma=0.05 --limit 22 --dry-run");
    assert_says(err, "target not reached with 22 data sets");
    /* one P makes no gamma: no data set is added for it */
    assert_int_equal(chiton("sweep perceptron --dim 8 --train 2^5 --temp 1,2 --seed 0..9 -o one.db --target gamma=1"),
                     1);
    assert_says(err, "gamma without an interval, target 1: given up, as there is no such number; chiton fit --details");
    assert_says(err, "chiton: target not reached with 10 data sets: gamma without an interval, target 1 (chi = 0, dim");
    /* a T_c outside of the sampled T */
    assert_int_equal(chiton(TINY " --seed 0..9 -o t.db --target tc_onset=5%%"), 1);
    assert_says(err, "there is no such number; chiton fit --details says why; 2 outside the sampled T\n");
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"--target gama=0.1", "target: fit has no number 'gama'; accepted are delta, gamma,"},
        {"--target gamma", "target: 'gamma' is not accepted: a name and half the length of its 95 % interval is"},
        {"--target gamma=0", "as gamma=0.01, or as a share of the number, as gamma=5%"},
        {"--target gamma=1,gamma=2", "target: gamma is named twice"},
        {"--target gamma=1 --part 1/2", "--target does not go with --part: whether it is reached is seen from all"},
        {"--target gamma=1 --limit 9", "limit is 9 data sets; accepted are 10 or more"},
        {"--target gamma=1 --limit 0", "limit is 0 data sets; accepted are 10 or more"},
        {"--target gamma=1 --seed 0..19 --limit 12", "limit is 12 data sets; accepted are 20 or more"},
        {"--target gamma=1 --seed 9223372036854775800", "seed: 159 data sets more would have seeds over 2^63 - 1"},
        {"--target gamma=1 --limit 9000000", "this sweep has 36000000 runs, more than 10000000; say --yes"},
        {"--limit 20", "--limit = 20 has no meaning without --target or --bisect"},
        {"--target gamma=1 --train inf --max-steps 9", "--target needs runs that are fitted, and with train = inf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* a --train of the case itself takes the place of this one */
        const char *train = strstr(cases[i][0], "--train") == NULL ? "--train 2^5,2^7" : "";
        assert_int_equal(chiton("sweep perceptron --dim 8 %s --temp 1,2 -o t.db %s", train, cases[i][0]), 2);
        assert_says(err, cases[i][1]);
        assert_string_equal(out, "");
    }
    write_text("zip.yaml", "model: perceptron\ndim: 8\ntemp: [1, 2]\nzip:\n  train: [32, 64]\n  seed: [0, 1]\n");
    assert_int_equal(chiton("sweep zip.yaml -o t.db --target gamma=1"), 2);
    assert_says(err, "seed varies together with train under zip, so that data sets cannot be added");
    assert_int_equal(num_files(), 1);
    assert_int_equal(chiton("selftest --target gama=1"), 2);
    assert_says(err, "target: fit has no number 'gama'");
}

#define TARGET_TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)

int main(void)
{
    /* suites: program */
    const struct CMUnitTest tests[] = {
        TARGET_TEST(test_reached),     TARGET_TEST(test_resumed),  TARGET_TEST(test_several),
        TARGET_TEST(test_not_reached), TARGET_TEST(test_refusals),
    };
    return cmocka_run_group_tests_name("program and targets", tests, locate_program, NULL);
}
