/* test_program_bisect.c — the program's sweeps that add temperatures until the border of divergence is known: what they
 * make, say, and end with. */
#include "program_support.h"

#include <math.h>

/* Full-batch gradient descent of a linear model on samples that none fits: a run diverges above T = C / alpha, with a C
 * that is the data set's own. */
#define LINEAR "--dim 2 --train 16 --batch full --label-noise 0.3 --loss mse --max-steps 300 --seed 0..2 "

enum { MOST_TEMPS = 64 };

/* The T of a store at one alpha, ascending, and how many of their runs diverged. */
typedef struct {
    size_t count;
    double temps[MOST_TEMPS];
    int runs[MOST_TEMPS], diverged[MOST_TEMPS];
} border_table;

static border_table table_at(const char *store, double alpha)
{
    border_table found = {0};
    char where[64];
    snprintf(where, sizeof where, "alpha = %.17g", alpha);
    ch_run_table table = read_store(path_of(store), where);
    for (size_t r = 0; r < table.count; r++) {
        const double temp = table.runs[r].settings.temp;
        size_t i = 0;
        while (i < found.count && found.temps[i] < temp) {
            i++;
        }
        if (i == found.count || found.temps[i] > temp) {
            assert_true(found.count < MOST_TEMPS);
            for (size_t k = found.count++; k > i; k--) {
                found.temps[k] = found.temps[k - 1];
                found.runs[k] = found.runs[k - 1];
                found.diverged[k] = found.diverged[k - 1];
            }
            found.temps[i] = temp;
            found.runs[i] = found.diverged[i] = 0;
        }
        found.runs[i]++;
        found.diverged[i] += table.runs[r].status == CH_DIVERGED;
    }
    ch_run_table_free(&table);
    return found;
}

/* The T with half of its runs diverged, of three, after which none has fewer; the T before it is within a factor. */
static double check_border(const char *store, double alpha, double factor)
{
    const border_table table = table_at(store, alpha);
    size_t hi = 0;
    while (hi < table.count && 2 * table.diverged[hi] < table.runs[hi]) {
        hi++;
    }
    assert_in((double)hi, 1, (double)table.count - 1);
    assert_in(table.temps[hi] / table.temps[hi - 1], 1, factor * (1 + 1e-9));
    assert_int_equal(table.diverged[0], 0); /* a border in any drawing of the data sets lies inside */
    assert_int_equal(table.diverged[table.count - 1], table.runs[table.count - 1]);
    for (size_t i = 0; i < table.count; i++) {
        assert_int_equal(table.runs[i], 3);
        assert_true(i < hi || 2 * table.diverged[i] >= table.runs[i]);
    }
    return table.temps[hi];
}

/* The border is found where the given T hold it, far above them, and far below. It is 1/alpha times the same number to
 * within two steps: at alpha = 16 the T begin at an odd power of 2^(1/2). A repetition makes nothing. */
static void test_found(void **state)
{
    (void)state;
    static const char line[] = "sweep perceptron " LINEAR "--alpha 2^-8,1,16,2^8 --temp 2^-5,2^-1,2^2 -o t.db "
                               "--bisect diverged";
    assert_succeeds(line);
    assert_says(out, "t.db: 36 runs, 0 were there, 36 done");
    assert_says(err, "border of divergence within a factor 1.2 in 0 of 4 groups\n");
    assert_says(err, "next: one temperature more in 4 groups, 12 runs, in ");
    assert_says(err, "border of divergence within a factor 1.2 in 4 of 4 groups\n");
    assert_says(out, "t.db: border of divergence within a factor 1.2 in all 4 groups; ");
    const double border = check_border("t.db", 1, 1.2);
    assert_in(border / (256 * check_border("t.db", 256, 1.2)), 1 / 1.2, 1.2);
    assert_in(border / (check_border("t.db", 1.0 / 256, 1.2) / 256), 1 / 1.2, 1.2);
    assert_in(border / (16 * check_border("t.db", 16, 1.2)), 1 / 1.2, 1.2);
    const size_t runs = count_runs(path_of("t.db"));
    assert_succeeds(line);
    assert_null(strstr(out, " 1 done"));
    assert_int_equal(count_of(out, " 0 done"), count_of(out, " done"));
    assert_int_equal(count_runs(path_of("t.db")), runs);
    if (!is_sanitized()) { /* a finer border goes on from there, by more of the same runs */
        assert_succeeds("%s=1.02", line);
        check_border("t.db", 256, 1.02);
        assert_true(count_runs(path_of("t.db")) > runs);
    }
}

/* A sweep that ended between two rounds, or in one, goes the way that it would have gone, and other runs in the store,
 * of the same groups too, change nothing. Rates, and blocks of a file, are searched as T and options are. */
static void test_resumed(void **state)
{
    (void)state;
    static const char plan[] = "defaults: {model: perceptron, dim: 2, train: 16, batch: full, label_noise: 0.3, "
                               "loss: mse, max_steps: 300, seed: 0..2}\n"
                               "sweeps:\n"
                               "  - {name: small, alpha: [0.25, 0.5], rate: [1, 64]}\n"
                               "  - {name: large, alpha: 64, temp: 2^-8}\n";
    write_text("plan.yaml", plan);
    assert_succeeds("sweep plan.yaml -o whole.db --bisect diverged");
    assert_says(out, "whole.db: border of divergence within a factor 1.2 in all 3 groups; ");
    check_border("whole.db", 0.25, 1.2);
    check_border("whole.db", 0.5, 1.2);
    check_border("whole.db", 64, 1.2);
    assert_succeeds("sweep plan.yaml -o t.db");
    assert_succeeds("sweep perceptron " LINEAR "--alpha 0.25 --temp 0.3 -o t.db");
    execute(path_of("t.db"), "UPDATE runs SET steps = -5 WHERE temp = 0.3"); /* damaged: nobody reads it */
    assert_succeeds("sweep plan.yaml -o t.db --bisect diverged=2");
    assert_succeeds("sweep plan.yaml -o t.db --bisect diverged");
    assert_succeeds("delete t.db --where 'temp = 0.3'");
    assert_same_runs("whole.db", "t.db");
}

/* A dry run says what is to be done at most, and makes nothing; of a store that has all rounds it goes their way. */
static void test_dry_run(void **state)
{
    (void)state;
    static const char line[] = "sweep perceptron " LINEAR "--alpha 1,2 --temp 1,4,16 -o t.db --bisect diverged";
    assert_succeeds("%s --dry-run", line);
    assert_says(out, "18 runs, 0 of them in the store already, 18 to do\n");
    assert_says(out, "bisection adds at most 16 temperatures to each of 2 groups, or 96 runs\n");
    assert_int_equal(num_files(), 0);
    assert_succeeds("sweep perceptron " LINEAR "--alpha 1,2 --temp 1,4,16 --bisect diverged --limit 3 --dry-run");
    assert_says(out, "bisection adds at most 3 temperatures to each of 2 groups, or 18 runs\n");
    assert_succeeds("sweep perceptron " LINEAR "--alpha 1,2 --temp 1,4,16 -o t.db");
    assert_succeeds("%s --dry-run", line);
    assert_says(err, "next: one temperature more in 2 groups, 6 runs\n");
    assert_int_equal(count_runs(path_of("t.db")), 18);
    assert_succeeds(line);
    assert_succeeds("%s --dry-run", line);
    assert_says(out, "t.db: border of divergence within a factor 1.2 in all 2 groups; ");
    assert_null(strstr(out, "at most"));
    assert_succeeds("sweep perceptron " LINEAR "--alpha 1 --temp 1,4,16 -o one.db --bisect diverged");
    assert_says(out, "one.db: border of divergence within a factor 1.2 in the one group; ");
}

/* Exit status 1 where there is no border, or the limit comes before it. What was made is kept, and a larger limit goes
 * on. */
static void test_not_found(void **state)
{
    (void)state;
    assert_int_equal(chiton("sweep perceptron --dim 8 --train 32,64 --temp 1,2 --seed 0,1 -o t.db --bisect diverged "
                            "--limit 2"),
                     1);
    assert_says(err, "border of divergence within a factor 1.2 in 0 of 2 groups; 2 given up\n");
    assert_says(err, "chiton: border of divergence not found in 2 of 2 groups with as many temperatures as the limit "
                     "adds (a larger --limit goes on from here): train = 2^5: under half of the runs diverged up to "
                     "temp = 8; train = 2^6: under half");
    assert_int_equal(count_runs(path_of("t.db")), 16);
    static const char line[] = "sweep perceptron " LINEAR "--temp 2^-20,2^20 --alpha 1 -o s.db --bisect diverged";
    assert_int_equal(chiton("%s --limit 1", line), 1);
    assert_says(err, "not found in 1 of 1 group with as many temperatures as the limit adds (a larger --limit goes on "
                     "from here): all runs: between temp = 9.537e-07 and 1\n");
    assert_succeeds("%s --limit 9", line);
    check_border("s.db", 1, 1.2);
}

/* The last lines say between which T each border lies, also where another group has none. */
static void test_borders_are_told(void **state)
{
    (void)state;
    static const char line[] = "sweep perceptron " LINEAR "--alpha 1,16 --temp 2^-1,2^2 -o t.db --bisect diverged";
    assert_succeeds(line);
    const double hi = check_border("t.db", 16, 1.2);
    const border_table table = table_at("t.db", 16);
    size_t i = 0;
    while (table.temps[i] < hi) {
        i++;
    }
    char expected[128];
    snprintf(expected, sizeof expected, "\nalpha = 2^4: the border lies between temp = %.4g and %.4g\n",
             table.temps[i - 1], hi);
    assert_says(out, expected);
    assert_int_equal(count_of(out, "the border lies between"), 2);
}

/* A T at which all runs failed is not tried again and again. */
static void test_failed_runs(void **state)
{
    (void)state;
    static const char line[] = "sweep perceptron " LINEAR "--temp 2^-20,2^20 --alpha 1 -o t.db --bisect diverged "
                               "--on-error continue";
    assert_int_equal(chiton("%s --limit 1", line), 1);
    execute(path_of("t.db"), "INSERT INTO failures (id, reason, results_version) SELECT id, 'planted', results_version "
                             "FROM runs WHERE temp = 1; DELETE FROM runs WHERE temp = 1");
    assert_int_equal(chiton("%s --limit 9", line), 1);
    assert_says(err, "not found in 1 of 1 group: all runs: between temp = 9.537e-07 and 1.049e+06, and all runs at the "
                     "next one, temp = 1, failed\n");
    assert_int_equal(count_runs(path_of("t.db")), 6);
}

/* A group whose next T is not accepted is given up, and the other goes on. */
static void test_end_of_the_range(void **state)
{
    (void)state;
    write_text("plan.yaml", "defaults: {model: perceptron, dim: 2, train: 16, max_steps: 3000, seed: 0..2}\n"
                            "sweeps:\n"
                            "  - {name: never, temp: 1e287}\n"
                            "  - {name: linear, alpha: 1, batch: full, label_noise: 0.3, loss: mse, temp: 2^-6}\n");
    assert_int_equal(chiton("sweep plan.yaml -o t.db --bisect diverged --limit 100"), 1);
    assert_says(err, "chiton: border of divergence not found in 1 of 2 groups: block never: under half of the runs "
                     "diverged up to temp = ");
    assert_says(err, " is not accepted\n");
    assert_says(out, "block linear: the border lies between temp = ");
    assert_null(strstr(out, "in all "));
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"--bisect converged",
         "--bisect is 'converged'; accepted is diverged, the border above which half of the runs"},
        {"--bisect diverged=1", "--bisect is 'diverged=1'; accepted is"},
        {"--bisect diverged=nan", "--bisect is 'diverged=nan'; accepted is"},
        {"--bisect diverged=3", "from 1.001 to 2, as diverged=1.1; 1.2 is usual"},
        {"--bisect diverged1.1", "--bisect is 'diverged1.1'; accepted is"},
        {"--bisect diverged --limit 0", "limit is 0 temperatures that are added to a group; accepted are 1 to 1000"},
        {"--bisect diverged --part 1/2", "--bisect does not go with --part: which T are added is seen from all parts"},
        {"--bisect diverged --target gamma=1", "--target and --bisect do not go together"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(chiton("sweep perceptron --dim 8 --train 32 --temp 1,2 -o t.db %s", cases[i][0]), 2);
        assert_says(err, cases[i][1]);
        assert_string_equal(out, "");
    }
    write_text("zip.yaml", "model: perceptron\ndim: 8\nzip:\n  train: [32, 64]\n  temp: [1, 2]\n");
    assert_int_equal(chiton("sweep zip.yaml -o t.db --bisect diverged"), 2);
    assert_says(err, "temp varies together with train under zip, so that temperatures cannot be added");
    write_text("zip.yaml", "model: perceptron\ndim: 8\ntemp: 1\nzip:\n  train: [32, 64]\n  seed: [1, 2]\n");
    assert_int_equal(chiton("sweep zip.yaml -o t.db --bisect diverged"), 2);
    assert_says(err, "seed varies together with train under zip");
    assert_int_equal(num_files(), 1);
}

#define BISECT_TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)

int main(void)
{
    /* suites: program */
    const struct CMUnitTest tests[] = {
        BISECT_TEST(test_found),
        BISECT_TEST(test_resumed),
        BISECT_TEST(test_dry_run),
        BISECT_TEST(test_not_found),
        BISECT_TEST(test_borders_are_told),
        BISECT_TEST(test_failed_runs),
        BISECT_TEST(test_end_of_the_range),
        BISECT_TEST(test_refusals),
    };
    return cmocka_run_group_tests_name("program and bisections", tests, locate_program, NULL);
}
