/* test_program_files.c — the program on files of the user's own: training, sweeping, listing, fitting and plotting. */
#include "program_support.h"

#include <math.h>

enum { SAMPLES = 600, SIDE = 4 };

/* A number from 0 to 1 that follows a rule. */
static double number_of(size_t i, size_t k)
{
    const double x = sin(12.9898 * (double)(i + 1) + 78.233 * (double)(k + 1)) * 43758.5453;
    return x - floor(x);
}

/* Writes an NPY file of bytes. */
static void write_npy(const char *name, const char *shape, const uint8_t *numbers, size_t size)
{
    static char bytes[1 << 16];
    char header[128];
    snprintf(header, sizeof header, "{'descr': '|u1', 'fortran_order': False, 'shape': (%s), }\n", shape);
    const size_t length = strlen(header);
    memcpy(bytes, "\x93NUMPY\x01", 8);
    bytes[8] = (char)length;
    bytes[9] = 0;
    memcpy(bytes + 10, header, length);
    memcpy(bytes + 10 + length, numbers, size);
    write_file(path_of(name), bytes, 10 + length + size);
}

/* Images of 4 x 4 with the labels 0 to 9: pixel number `label` is bright. */
static void write_images(void)
{
    static uint8_t pixels[SAMPLES * SIDE * SIDE], labels[SAMPLES];
    for (size_t mu = 0; mu < SAMPLES; mu++) {
        labels[mu] = (uint8_t)(10 * number_of(mu, 99));
        for (size_t i = 0; i < SIDE * SIDE; i++) {
            pixels[mu * SIDE * SIDE + i] = (uint8_t)(100 * number_of(mu, i) + (i == labels[mu] ? 150 : 0));
        }
    }
    write_npy("x.npy", "600, 4, 4", pixels, sizeof pixels);
    write_npy("y.npy", "600,", labels, sizeof labels);
}

/* Two columns that a line through the origin divides, and their labels. */
static void write_table(void)
{
    FILE *file = fopen(path_of("t.csv"), "w");
    assert_non_null(file);
    fputs("u,v,side\n", file);
    for (size_t mu = 0; mu < 400; mu++) {
        const double u = 2 * number_of(mu, 0) - 1, v = 2 * number_of(mu, 1) - 1;
        fprintf(file, "%.9g,%.9g,%d\n", u, v, u > 0.5 * v ? 4 : -4);
    }
    fclose(file);
}

/* ---- training ---- */

static void test_run(void **state)
{
    (void)state;
    write_images();
    write_table();
    assert_succeeds(
        "run mlp --data_file x.npy --data_labels y.npy --classes '3 vs 7' --width 16 --depth 1 --train 64 --test 32"
        " --temp 2^-4 --json");
    json_t *run = json_loads(out, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(run, "data")), "file");
    assert_string_equal(json_string_value(json_object_get(run, "classes")), "3 vs 7");
    assert_string_equal(json_string_value(json_object_get(run, "normalise")), "pool");
    assert_string_equal(json_string_value(json_object_get(run, "status")), "fitted");
    assert_true(json_is_null(json_object_get(run, "dim")));
    assert_int_equal(strlen(json_string_value(json_object_get(run, "data_digest"))), 64);
    assert_in(json_real_value(json_object_get(run, "test_error")), 0, 0.2);
    json_decref(run);
    assert_succeeds(
        "run perceptron --data file --data_file t.csv --data_labels side --normalise none --train 200 --test 200"
        " --temp 1 --json");
    run = json_loads(out, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(run, "status")), "fitted");
    assert_true(json_is_null(json_object_get(run, "signal")));
    assert_true(json_is_null(json_object_get(run, "noise")));
    assert_in(json_real_value(json_object_get(run, "test_error")), 0, 0.05);
    json_decref(run);
    assert_succeeds("run simple_cnn --data_file x.npy --data_labels y.npy --classes 'even vs odd' --width 2 --train 16"
                    " --temp 2^-4 --max-steps 3");
}

/* Both engines of the perceptron train on samples without a teacher. */
static void test_engines(void **state)
{
    (void)state;
    static const char *const engines[] = {"plain", "fast"};
    write_table();
    for (size_t i = 0; i < 2; i++) {
        assert_succeeds(
            "run perceptron --data_file t.csv --data_labels side --normalise none --train 256 --test 100 --temp 1"
            " --engine %s --json",
            engines[i]);
        json_t *run = json_loads(out, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(run, "status")), "fitted");
        assert_int_equal(json_integer_value(json_object_get(run, "unfitted")), 0);
        assert_true(json_is_null(json_object_get(run, "signal")));
        json_decref(run);
    }
}

/* Requires that the command ends with a status and one line on standard error that has `says` in it, and prints nothing
 * else. */
static void assert_ends(int status, const char *line, const char *says)
{
    const int ended = chiton("%s", line);
    if (ended != status || strstr(err, says) == NULL) {
        fail_msg("%s: exit status %d, '%s' does not say '%s'", line, ended, err, says);
    }
    assert_ptr_equal(strstr(err, "chiton: "), err);
    assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1);
    assert_string_equal(out, "");
}

static void test_refusals(void **state)
{
    (void)state;
    static const char line[] = "run mlp --temp 1 --train 20 --width 4 --depth 1 ";
    write_images();
    write_table();
    static const struct {
        const char *more, *message;
    } cases[] = {
        {"--data_file none.npy", "none.npy cannot be read: No such file"},
        {"--data_file x.npy", "data_labels is not set, and x.npy names the samples alone"},
        {"--data_file x.npy --data_labels y.npy",
         "classes is larger vs smaller, but the data have 10 different labels, 0, 1,"},
        {"--data_file x.npy --data_labels y.npy --classes '3 vs 77'",
         "no sample would be -1: the labels there are are 0, 1,"},
        {"--data_file x.npy --data_labels y.npy --classes '3 versus 7'",
         "classes is '3 versus 7'; accepted is what is +1"},
        {"--data_file x.npy --data_labels y.npy --classes '3 vs 7' --test 600",
         "train is 20 and test is 600, but the file has "},
        {"--data_file t.csv",
         "data_labels is not set, but t.csv has 3 columns, u,v,side, none of which is called label"},
        {"--data_file t.csv --data_labels sides", "data_labels is 'sides', but t.csv has 3 columns, u,v,side"},
        {"--data file", "data_file is not set"},
        {"--data depleted --data_file x.npy", "data_file is x.npy, but data = depleted has no data_file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char whole[512];
        snprintf(whole, sizeof whole, "%s%s", line, cases[i].more);
        assert_ends(2, whole, cases[i].message);
    }
    assert_ends(2, "run simple_cnn --data_file t.csv --data_labels side --train 20 --temp 1 --max-steps 3",
                "t.csv holds vectors of 2 numbers, but model = simple_cnn takes images");
    assert_ends(2, "sweep mlp --data_file x.npy --data_labels y.npy --classes 'even vs 3' --train 900 --temp 1 -o s.db",
                "samples of the classes even vs 3 in x.npy");
    assert_false(exists(path_of("s.db")));
}

/* What is exported of a law is what networks learn from, and comes back from the files as it was; so the runs on it are
 * those on the law. */
static void test_export(void **state)
{
    (void)state;
    ch_own_pool pool;
    ch_examples wanted;
    ch_error failure = {0};
    const ch_data_law law = {.kind = CH_LAW_STRIPE, .dim = 5, .seed = 3};
    assert_succeeds("data export --data stripe --dim 5 --train 40 --test 7 --seed 3 -o s");
    assert_says(out, "s-x.npy, s-y.npy: 40 samples of 5 numbers\ns-test-x.npy, s-test-y.npy: 7 samples of 5 numbers\n");
    assert_int_equal(ch_examples_init_law(&wanted, &law, CH_STREAM_TRAIN_SAMPLES, 40, 1, NULL, NULL), CH_OK);
    char labels[160];
    snprintf(labels, sizeof labels, "%s", path_of("s-y.npy"));
    if (ch_own_pool_init(&pool, path_of("s-x.npy"), labels, &failure) != CH_OK) {
        fail_msg("%s", failure.message);
    }
    assert_int_equal(pool.count, 40);
    assert_int_equal(pool.dim, 5);
    assert_memory_equal(pool.numbers.numbers, wanted.inputs, 40 * 5 * sizeof(float));
    for (size_t mu = 0; mu < 40; mu++) {
        assert_int_equal(pool.labels[mu], wanted.labels[mu]);
    }
    ch_own_pool_free(&pool);
    ch_examples_free(&wanted);
    char head[128];
    FILE *file = fopen(path_of("s-x.npy"), "rb");
    assert_int_equal(fread(head, 1, sizeof head, file), sizeof head);
    fclose(file);
    /* as NumPy writes it: the numbers begin at a multiple of 64 bytes */
    assert_memory_equal(head, "\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (40, 5,), }", 70);
    assert_int_equal(head[127], '\n');
    write_images();
    assert_succeeds("data export --data_file x.npy --data_labels y.npy --classes '3 vs 7' --train 20 -o i");
    assert_says(out, "i-x.npy, i-y.npy: 20 samples of 1 x 4 x 4\n");
    assert_ends(2, "data export --data stripe --dim 5 --train 4 -o s", "s-x.npy is there already");
    assert_ends(2, "data export --data stripe --batch 2 -o t", "batch is given, but says nothing about samples");
    assert_ends(2, "data export --data stripe", "-o is missing");
    assert_ends(2, "data export --data stripe -o no/where",
                "no/where-x.npy cannot be made: the folder no does not exist");
}

/* ---- the way from a file to figures ---- */

static void test_sweep_to_plot(void **state)
{
    (void)state;
    write_table();
    static const char sweep[] =
        "sweep perceptron --data_file t.csv --data_labels side --normalise none --train 16,32,64,128"
        " --temp 0.25,1,4 --seed 0..2 --test 100 -o s.db";
    assert_succeeds("%s", sweep);
    assert_says(out, "s.db: 36 runs, 0 were there, 36 done");
    assert_says(out, "36 fitted");
    assert_succeeds("%s", sweep);
    assert_says(out, "36 were there, 0 done");
    assert_int_equal(rename(path_of("t.csv"), path_of("other.csv")), 0); /* its name and place are no part of a run */
    assert_succeeds(
        "sweep perceptron --data_file other.csv --data_labels 3 --normalise none --train 16 --temp 1 --seed 0"
        " --test 100 -o s.db");
    assert_says(out, "1 were there, 0 done");
    assert_succeeds(
        "sweep perceptron --data_file other.csv --data_labels 3 --train 16 --temp 1 --seed 0 --test 100 -o n.db");
    assert_says(out, "0 were there, 1 done"); /* normalised, which is another run */
    assert_succeeds("list s.db");
    assert_says(out, "file");
    assert_says(out, "larger vs smaller");
    assert_null(strstr(out, "teacher_axis")); /* which such data have not */
    assert_succeeds("fit s.db");
    assert_says(out, "data = file\n");
    assert_says(out, "gamma");
    assert_succeeds("fit s.db --json");
    json_t *fit = json_loads(out, 0, NULL);
    const json_t *exponents = json_object_get(fit, "exponents");
    size_t index;
    json_t *one;
    assert_true(json_array_size(exponents) >= 4);
    json_array_foreach(exponents, index, one)
    {
        assert_true(json_is_null(json_object_get(one, "theory"))); /* no theory is about such data */
    }
    json_decref(fit);
    assert_succeeds("plot s.db -o figures --format svg");
    assert_succeeds("export s.db --csv");
    assert_says(out, "larger vs smaller");
}

/* One number a sample, and a threshold that is not at the mean: no weight gives both classes their signs, and a run
 * without a budget ends before its first step. */
static void test_one_number(void **state)
{
    (void)state;
    static const char table[] = "x,label\n-1,0\n-0.5,0\n0.5,0\n1,1\n2,1\n-2,0\n";
    write_file(path_of("one.csv"), table, sizeof table - 1);
    assert_succeeds("run perceptron --data_file one.csv --train 6 --temp 1 --json");
    assert_says(out, "\"status\": \"stuck\"");
    assert_says(out, "two training samples exclude each other");
    assert_succeeds("run perceptron --data_file one.csv --train 6 --temp 1 --max_steps 8 --json");
    assert_says(out, "\"status\": \"budget\"");
    static const char divided[] = "x,label\n-1,0\n-0.5,0\n0.5,1\n1,1\n2,1\n-2,0\n";
    write_file(path_of("two.csv"), divided, sizeof divided - 1);
    assert_succeeds("run perceptron --data_file two.csv --train 6 --temp 1 --json");
    assert_says(out, "\"status\": \"fitted\"");
}

/* Rules of labels divide runs into groups. */
static void test_several_rules(void **state)
{
    (void)state;
    write_images();
    write_file(path_of("s.yaml"),
               "model: mlp\ndata_file: x.npy\ndata_labels: y.npy\nclasses: [even vs odd, \"0,1 vs rest\", even  vs "
               "odd]\nwidth: 8\n"
               "depth: 1\ntrain: [16, 32]\ntemp: 0.1\n",
               strlen("model: mlp\ndata_file: x.npy\ndata_labels: y.npy\nclasses: [even vs odd, \"0,1 vs rest\", even  "
                      "vs odd]\nwidth: 8\n"
                      "depth: 1\ntrain: [16, 32]\ntemp: 0.1\n"));
    assert_succeeds("sweep s.yaml -o s.db");
    assert_says(out, "s.db: 4 runs, 0 were there, 4 done");
    assert_succeeds("sweep s.yaml --classes '3 vs 7; 0,1 vs rest' -o s.db");
    assert_says(out, "s.db: 4 runs, 2 were there, 2 done");
    assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM runs WHERE classes = '3 vs 7'"), 2);
    assert_succeeds("list s.db");
    assert_says(out, "0,1 vs rest, 3 vs 7, even vs odd");
}

/* The program is not linked with libraries that few commands want and that take long to load. */
static void test_libraries(void **state)
{
    (void)state;
#ifdef __GLIBC__
    assert_int_equal(setenv("LD_TRACE_LOADED_OBJECTS", "1", 1), 0); /* the dynamic linker lists what it would load */
    assert_succeeds("--help");
    assert_int_equal(unsetenv("LD_TRACE_LOADED_OBJECTS"), 0);
    assert_says(out, "libgsl");
    assert_null(strstr(out, "libcurl"));
    assert_null(strstr(out, "libarchive"));
    assert_null(strstr(out, "libhdf5"));
#else
    skip();
#endif
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_run),        WITH_FOLDER(test_engines),       WITH_FOLDER(test_refusals),
        WITH_FOLDER(test_export),     WITH_FOLDER(test_sweep_to_plot), WITH_FOLDER(test_several_rules),
        WITH_FOLDER(test_one_number), WITH_FOLDER(test_libraries),
    };
    return cmocka_run_group_tests_name("program: files", tests, locate_program, NULL);
}
