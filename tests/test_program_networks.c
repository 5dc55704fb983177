/* test_program_networks.c — networks and their twins through the program. */
#include "tests/program_support.h"

#include <jansson.h>

#define SMALL "--depth 2 --dim 12 --test 128"

static json_t *run_json(const char *line)
{
    assert_succeeds("run %s --json", line);
    json_t *json = json_loads(out, 0, NULL);
    assert_non_null(json);
    return json;
}

static double number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_number(value)) {
        fail_msg("%s is no number", name);
    }
    return json_number_value(value);
}

/* The JSON text of a run without its seconds. */
static char *bits_of(const char *line)
{
    json_t *json = run_json(line);
    json_object_del(json, "seconds");
    char *text = json_dumps(json, JSON_SORT_KEYS);
    json_decref(json);
    return text;
}

static void test_a_run_has_all_observables(void **state)
{
    (void)state;
    static const char *const finite[] = {"weight_change",
                                         "weight_change_rel",
                                         "signal",
                                         "noise",
                                         "train_loss",
                                         "train_error",
                                         "min_margin",
                                         "test_error",
                                         "kernel_change",
                                         "gradient_mean",
                                         "gradient_variance",
                                         "gradient_snr",
                                         "unfitted",
                                         "time",
                                         "kernel_alignment",
                                         "rate"};
    json_t *run = run_json("mlp " SMALL " --train 64 --width 16 --temp 2^-8 --kernel 16 --record 2 --max-steps 20");
    for (size_t i = 0; i < sizeof finite / sizeof *finite; i++) {
        assert_true(isfinite(number(run, finite[i])));
    }
    assert_true(number(run, "rate") == 2.0 * 16 / 256); /* T B h */
    assert_int_equal(json_array_size(json_object_get(run, "layer_change")), 3);
    double square = 0;
    for (size_t i = 0; i < 3; i++) {
        square += pow(json_number_value(json_array_get(json_object_get(run, "layer_change"), i)), 2);
    }
    const double change = number(run, "weight_change");
    assert_true(fabs(sqrt(square) - change) <= 1e-12 * change);
    assert_true(json_is_null(json_object_get(run, "data_digest")));

    const json_t *points = json_object_get(run, "trajectory");
    const json_t *last = json_array_get(points, json_array_size(points) - 1);
    assert_true(json_array_size(points) >= 3);
    assert_int_equal(json_array_size(json_object_get(last, "layer_change")), 3);
    assert_true(number(last, "kernel_change") == number(run, "kernel_change"));
    assert_true(number(last, "weight_change") == change);
    json_decref(run);
}

/* Every dynamics and every loss works with a network and with a perceptron, until the end or the budget. */
static void test_every_dynamics_and_loss(void **state)
{
    (void)state;
    static const char *const models[] = {"mlp_bias " SMALL
                                         " --train 64 --width 16 --data sphere --temp 2^-10 --alpha 64",
                                         "perceptron --dim 12 --train 64 --chi 1 --temp 2^-10"};
    static const char *const dynamics[] = {"sgd", "gd", "flow", "unfitted", "sde"};
    static const char *const losses[] = {"hinge", "softhinge", "quadhinge", "mse"};
    for (size_t m = 0; m < 2; m++) {
        for (size_t d = 0; d < 5; d++) {
            for (size_t l = 0; l < 4; l++) {
                char line[256];
                snprintf(line, sizeof line, "%s --dynamics %s --loss %s --max-steps %d", models[m], dynamics[d],
                         losses[l], is_sanitized() ? 6 : 40);
                json_t *run = run_json(line);
                assert_string_equal(json_string_value(json_object_get(run, "loss")), losses[l]);
                assert_true(number(run, "weight_change") > 0);
                assert_true(number(run, "train_loss") >= 0);
                json_decref(run);
            }
        }
    }
}

static void test_threads_change_no_bit(void **state)
{
    (void)state;
    static const char *const lines[] = {"mlp " SMALL " --train 64 --width 16 --temp 2^-9 --kernel 16",
                                        "mlp " SMALL " --train 64 --width 16 --temp 2^-9 --dynamics gd --data stripe",
                                        "mlp " SMALL " --train 64 --width 16 --temp 2^-9 --linear yes"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char line[256];
        snprintf(line, sizeof line, "%s -j 1", lines[i]);
        char *one = bits_of(line);
        snprintf(line, sizeof line, "%s -j 3", lines[i]);
        char *three = bits_of(line);
        assert_string_equal(one, three);
        free(one);
        free(three);
    }
}

/* In the lazy limit, full-batch training of a network and of its twin agree. At alpha = 2^15 they differ by about the
 * relative change of the weights, 5e-4, and by single precision divided by kappa. */
static void test_a_twin_is_the_network(void **state)
{
    (void)state;
    json_t *network = run_json("mlp " SMALL " --train 64 --width 32 --data stripe --dynamics gd --temp 2^-18");
    json_t *twin =
        run_json("mlp " SMALL " --train 64 --width 32 --data stripe --dynamics gd --temp 2^-18 --linear yes");
    assert_true(fabs(number(network, "steps") / number(twin, "steps") - 1) < 0.05);
    assert_true(fabs(number(network, "weight_change") / number(twin, "weight_change") - 1) < 5e-3);
    assert_true(fabs(number(network, "test_error") - number(twin, "test_error")) < 0.05);
    assert_true(json_is_null(json_object_get(twin, "kernel_change")));
    json_decref(network);
    json_decref(twin);
}

/* A perceptron is its own twin. The two engines share no code but that of the data. */
static void test_a_perceptron_is_its_own_twin(void **state)
{
    (void)state;
    for (int chi = 0; chi <= 2; chi++) {
        char line[128];
        snprintf(line, sizeof line, "perceptron --chi %d --dim 16 --train 256 --dynamics gd --temp 2^-6", chi);
        json_t *engine = run_json(line);
        snprintf(line, sizeof line, "perceptron --chi %d --dim 16 --train 256 --dynamics gd --temp 2^-6 --linear yes",
                 chi);
        json_t *twin = run_json(line);
        assert_true(number(engine, "steps") == number(twin, "steps"));
        assert_true(fabs(number(engine, "weight_change") / number(twin, "weight_change") - 1) < 1e-5);
        json_decref(engine);
        json_decref(twin);
    }
}

/* A run that diverges is stored as diverged and never as fitted, and the sweep continues. */
static void test_divergence_does_not_end_a_sweep(void **state)
{
    (void)state;
    assert_succeeds("sweep mlp " SMALL " --train 64 --width 16 --temp 2^-9,2^4 --seed 0,1 -o a.db");
    assert_int_equal(query(path_of("a.db"), "SELECT count(*) FROM runs WHERE status = 'diverged' AND temp > 1"), 2);
    assert_int_equal(query(path_of("a.db"), "SELECT count(*) FROM runs WHERE status = 'fitted' AND temp < 1"), 2);
    assert_int_equal(query(path_of("a.db"), "SELECT count(*) FROM layers"), 3 * 4);
    assert_succeeds("sweep mlp " SMALL
                    " --train 64 --width 16 --temp 2^-9,2^4 --seed 0,1 -o a.db"); /* no run is left to do */
    assert_says(out, "4 were there, 0 done");
}

/* Runs with one kernel and with many kernels in one sweep: the store has what `run` prints. */
static void test_twins_share_kernels(void **state)
{
    (void)state;
    assert_succeeds("sweep mlp " SMALL
                    " --width 16 --linear yes --train 32,64 --temp 2^-9,2^-5 --seed 0..2 -o a.db -j 2");
    assert_int_equal(query(path_of("a.db"), "SELECT count(*) FROM runs WHERE status = 'fitted'"), 12);
    json_t *run = run_json("mlp " SMALL " --width 16 --linear yes --train 32 --temp 2^-5 --seed 1");
    char *sql = sqlite3_mprintf("SELECT weight_change = %!.17g AND updates = %d FROM runs WHERE train = 32 AND seed = 1"
                                " AND temp > 0.01",
                                number(run, "weight_change"), (int)number(run, "updates"));
    assert_int_equal(query(path_of("a.db"), sql), 1);
    sqlite3_free(sql);
    json_decref(run);
}

/* What a result is stands in one column, however long the result's name. */
static void test_columns(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"\n  time ", "rate x steps"},
                                          {"\n  hessian_trace_error ", "standard error of hessian_trace"},
                                          {"\n  batch_sharpness_error ", "standard error of batch_sharpness"}};
    assert_succeeds("run mlp --dim 8 --depth 1 --width 4 --train 16 --temp 1 --max-steps 10 --curvature 1");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *row = strstr(out, rows[i][0]);
        assert_non_null(row);
        const char *help = strstr(row, rows[i][1]);
        assert_non_null(help);
        assert_int_equal(help - row, 41);
    }
    const char *table = strstr(out, "trajectory\n");
    assert_non_null(table);
    const char *title = strchr(table, '\n') + 1, *first = strchr(title, '\n') + 1;
    assert_int_equal(first - title, strchr(first, '\n') + 1 - first); /* numbers end under their names */
}

/* Fluctuations come from a sweep into the store, and from there into tables, JSON and figures. */

static void test_fluctuations(void **state)
{
    (void)state;
#define NOISY "mlp --dim 8 --depth 1 --width 4 --activation linear --loss mse --alpha 1 --train 40 --temp 0.05"
    assert_succeeds("sweep " NOISY " --max-steps 4000 --fluctuations 64 --seed 0..1 -o a.db");
    assert_int_equal(query(path_of("a.db"), "SELECT count(DISTINCT layer) FROM fluctuations"), 3);
    assert_int_equal(query(path_of("a.db"), "SELECT count(*) FROM runs WHERE burn_in = 2000"), 2);
    json_t *run = run_json(NOISY " --max-steps 4000 --fluctuations 64 --seed 1");
    const json_t *first = json_array_get(json_object_get(run, "fluctuation_spectrum"), 0);
    assert_non_null(first);
    char *sql = sqlite3_mprintf(
        "SELECT count(*) FROM fluctuations JOIN runs ON runs.id = run WHERE seed = 1 AND layer = "
        "0 AND rank = 1 AND variance = %!.17g AND flatness = %!.17g",
        json_real_value(json_object_get(first, "variance")), json_real_value(json_object_get(first, "flatness")));
    assert_int_equal(query(path_of("a.db"), sql), 1);
    sqlite3_free(sql);
    json_decref(run);
    assert_succeeds("fit a.db");
    assert_says(out, "2 runs with fluctuations");
    assert_succeeds("fit --json a.db");
    assert_says(out, "\"spectra\": [");
    assert_succeeds("fit --csv a.db");
    assert_says(out, "variance_flatness");
    assert_succeeds("export --json a.db");
    assert_says(out, "\"fluctuation_spectrum\":[");
    assert_succeeds("run " NOISY " --max-steps 4000 --fluctuations 64");
    assert_says(out, "variance_error");
    run = run_json(NOISY " --max-steps 4000 --max-updates 50 --fluctuations 64"); /* it ends before the snapshots */
    const json_t *none = json_object_get(run, "fluctuation_spectrum");
    assert_true(json_is_array(none) && json_array_size(none) == 0);
    json_decref(run);
    assert_succeeds("sweep " NOISY " --max-steps 400 --seed 0 -o b.db"); /* without them all is as it was */
    assert_int_equal(query(path_of("b.db"), "SELECT count(*) FROM fluctuations"), 0);
    assert_int_equal(query(path_of("b.db"), "SELECT fluctuations IS 0 AND burn_in IS NULL FROM runs"), 1);
    assert_succeeds("list b.db");
    assert_null(strstr(out, "burn_in"));
    assert_succeeds("list a.db");
    assert_says(out, "burn_in         2000\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_run_has_all_observables),
        STORE_TEST(test_columns),
        STORE_TEST(test_every_dynamics_and_loss),
        STORE_TEST(test_threads_change_no_bit),
        STORE_TEST(test_a_twin_is_the_network),
        STORE_TEST(test_a_perceptron_is_its_own_twin),
        STORE_TEST(test_divergence_does_not_end_a_sweep),
        STORE_TEST(test_twins_share_kernels),
        STORE_TEST(test_fluctuations),
    };
    return cmocka_run_group_tests_name("program, networks", tests, locate_program, NULL);
}
