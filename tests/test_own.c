/* test_own.c — samples of the user's own files: what is read, and what training sets are made of them. */
#include "data/data.h"

#include "alloc_fail.h"
#include "store_support.h"
#include "support.h"

/* Writes an NPY file of version 1. @param size  of the numbers, in bytes */
static void write_npy(const char *name, const char *type, const char *shape, const void *numbers, size_t size)
{
    static char bytes[1 << 16];
    char header[128];
    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }\n", type, shape);
    const size_t length = strlen(header);
    memcpy(bytes, "\x93NUMPY\x01", 8);
    bytes[8] = (char)(length & 0xff);
    bytes[9] = (char)(length >> 8);
    memcpy(bytes + 10, header, length);
    memcpy(bytes + 10 + length, numbers, size);
    write_file(path_of(name), bytes, 10 + length + size);
}

static ch_own_pool read_pool(const char *file, const char *labels)
{
    ch_own_pool pool;
    ch_error err = {0};
    if (ch_own_pool_init(&pool, file, labels, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return pool;
}

static void assert_unread(const char *file, const char *labels, const char *part)
{
    ch_own_pool pool;
    ch_error err = {0};
    assert_int_equal(ch_own_pool_init(&pool, file, labels, &err), CH_ERROR_INPUT);
    if (strstr(err.message, part) == NULL) {
        fail_msg("\"%s\" is not in: %s", part, err.message);
    }
    assert_null(pool.labels);
    assert_null(pool.numbers.numbers);
}

enum { COUNT = 40, ROWS = 2, COLUMNS = 3, DIM = ROWS * COLUMNS };

/* Image mu has the label mu mod 4 and the pixels 3 mu + i. */
static void write_images(void)
{
    uint8_t pixels[COUNT * DIM];
    int32_t labels[COUNT];
    for (size_t mu = 0; mu < COUNT; mu++) {
        labels[mu] = (int32_t)(mu % 4);
        for (size_t i = 0; i < DIM; i++) {
            pixels[mu * DIM + i] = (uint8_t)(3 * mu + i);
        }
    }
    write_npy("x.npy", "|u1", "40, 2, 3", pixels, sizeof pixels);
    write_npy("y.npy", "<i4", "40,", labels, sizeof labels);
}

/* Digests were made by another implementation of SHA-256, of the same numbers. They are those of any format. */
static void test_one_digest(void **state)
{
    (void)state;
    float inputs[COUNT * DIM];
    FILE *table = fopen(path_of("t.csv"), "w");
    write_images();
    for (size_t i = 0; i < COUNT * DIM; i++) {
        inputs[i] = (float)(i / DIM * 3 + i % DIM);
    }
    write_npy("f.npy", "<f4", "40, 1, 2, 3", inputs, sizeof inputs);
    for (size_t mu = 0; mu < COUNT; mu++) {
        for (size_t i = 0; i < DIM; i++) {
            fprintf(table, "%zu,", 3 * mu + i);
        }
        fprintf(table, "%zu\n", mu % 4);
    }
    fclose(table);
    ch_own_pool bytes = read_pool(path_of("x.npy"), path_of("y.npy"));
    ch_own_pool floats = read_pool(path_of("f.npy"), path_of("y.npy"));
    assert_int_equal(bytes.count, COUNT);
    assert_int_equal(bytes.dim, DIM);
    assert_true(bytes.shape.channels == 1 && bytes.shape.rows == ROWS && bytes.shape.columns == COLUMNS);
    assert_int_equal(bytes.counts->count, 4);
    assert_string_equal(bytes.digest, "48cc912336446e2498cbb4603da058a66d5bc2ef65f7cd8cf2b289b4f7215451");
    assert_string_equal(floats.digest, bytes.digest);
    double wide[COUNT * DIM];
    for (size_t i = 0; i < COUNT * DIM; i++) {
        wide[i] = (double)inputs[i];
    }
    write_npy("d.npy", "<f8", "40, 1, 2, 3", wide, sizeof wide);
    ch_own_pool doubles = read_pool(path_of("d.npy"), path_of("y.npy"));
    assert_string_equal(doubles.digest, bytes.digest);
    ch_own_pool_free(&doubles);
    wide[7] += 0x1p-40; /* single precision does not hold this */
    write_npy("d.npy", "<f8", "40, 1, 2, 3", wide, sizeof wide);
    doubles = read_pool(path_of("d.npy"), path_of("y.npy"));
    assert_string_equal(doubles.digest, "0526be8a1bdda01f84a80853c330f3283ea54f2315e1b9fa66f94f77e8180904");
    ch_own_pool_free(&doubles);
    ch_own_pool vectors = read_pool(path_of("t.csv"), "-1"); /* of another shape, and so of another digest */
    assert_true(vectors.shape.channels == DIM && vectors.shape.rows == 1 && vectors.shape.columns == 1);
    assert_string_equal(vectors.digest, "504a3450bc5cff2c2de4e91866554bfaee0a7d5a3ac34170cae796be382ee159");
    for (size_t i = 0; i < COUNT * DIM; i++) {
        assert_true(ch_array_real(&vectors.numbers, i) == (double)inputs[i]);
    }
    ch_own_pool_free(&bytes);
    ch_own_pool_free(&bytes);
    ch_own_pool_free(&floats);
    ch_own_pool_free(&vectors);
}

static void test_refusals(void **state)
{
    (void)state;
    static const float one[4] = {1, 2, NAN, 4};
    static const double large[2] = {1, 1e300}, half[3] = {1, 2.5, 3}, three[3] = {1, 2, 3};
    static const uint8_t numbers[2 * 32 * 32 * 3] = {0};
    static const uint64_t top[3] = {0, 1, UINT64_MAX};
    write_images();
    write_npy("three.npy", "<f8", "3,", three, sizeof three);
    assert_unread(path_of("x.npy"), path_of("three.npy"), "has 3 labels, but ");
    assert_unread(path_of("x.npy"), NULL, "data_labels is not set, and ");
    assert_unread(path_of("three.npy"), NULL,
                  "three.npy names the samples alone; accepted is a file of labels"); /* [n] */
    assert_unread(path_of("x.npy"), path_of("none.npy"), "none.npy cannot be read: No such file");
    write_npy("half.npy", "<f8", "3,", half, sizeof half);
    assert_unread(path_of("three.npy"), path_of("half.npy"), "half.npy: label number 1 is 2.5; accepted are integers");
    write_npy("wide.npy", "<f8", "1, 3", three, sizeof three);
    assert_unread(path_of("three.npy"), path_of("wide.npy"),
                  "wide.npy has labels of shape 1 x …; accepted are 3 labels");
    write_npy("top.npy", "<u8", "3,", top, sizeof top);
    assert_unread(path_of("three.npy"), path_of("top.npy"),
                  "label number 2 is 1.8446744073709552e+19; accepted are integers from");
    write_npy("nan.npy", "<f4", "2, 2", one, sizeof one);
    write_npy("two.npy", "<f8", "2,", three, 16);
    assert_unread(path_of("nan.npy"), path_of("two.npy"), "nan.npy: number 0 of sample 1 is nan; accepted are finite");
    write_npy("large.npy", "<f8", "2,", large, sizeof large);
    assert_unread(path_of("large.npy"), path_of("two.npy"),
                  "number 0 of sample 1 is 1e+300, which single precision does not hold");
    write_npy("last.npy", "|u1", "2, 32, 32, 3", numbers, sizeof numbers);
    assert_unread(
        path_of("last.npy"), path_of("two.npy"),
        "images of 32 channels; accepted is [n][channels][rows][columns], as numpy.moveaxis(x, 3, 1) makes it");
}

/* ---- pools ---- */

static ch_pool open_pool(const ch_own_pool *own, const char *classes, ch_normalise normalise)
{
    ch_classes rule;
    ch_pool pool;
    ch_error err = {0};
    assert_int_equal(ch_classes_parse(&rule, classes, NULL), CH_OK);
    if (ch_pool_init_own(&pool, own, &rule, normalise, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return pool;
}

/* Inputs, normalised in each way, against the definition; mean and deviation are over the eligible samples alone. */
static void test_normalise(void **state)
{
    (void)state;
    write_images();
    ch_own_pool own = read_pool(path_of("x.npy"), path_of("y.npy"));
    for (ch_normalise normalise = CH_NORMALISE_NONE; normalise <= CH_NORMALISE_POOL; normalise++) {
        double sums[2][DIM] = {{0}}, count = 0, all[2] = {0};
        ch_pool pool = open_pool(&own, "0 vs 3", normalise);
        const ch_split split = {.seed = 5, .num_train = 14, .num_test = 6, .threads = 1};
        ch_examples train, test;
        assert_int_equal(pool.num_eligible, 20);
        assert_int_equal(ch_pool_split(&pool, &split, &train, &test, NULL), CH_OK);
        for (size_t mu = 0; mu < COUNT; mu++) {
            for (size_t i = 0; i < DIM && (mu % 4 == 0 || mu % 4 == 3); i++) {
                const double number = (double)(3 * mu + i);
                sums[0][i] += number;
                sums[1][i] += number * number;
                all[0] += number;
                all[1] += number * number;
                count += 1.0 / DIM;
            }
        }
        for (size_t k = 0; k < 20; k++) {
            const float *input = k < 14 ? ch_examples_input(&train, k) : ch_examples_input(&test, k - 14);
            const int label = k < 14 ? train.labels[k] : test.labels[k - 14];
            /* The first number tells which image it is, if the differences between images are put back. */
            double mean = 0, deviation = 1;
            size_t mu = COUNT;
            for (size_t i = 0; i < DIM; i++) {
                if (normalise == CH_NORMALISE_FEATURE) {
                    mean = sums[0][i] / count;
                    deviation = sqrt(sums[1][i] / count - mean * mean);
                } else if (normalise == CH_NORMALISE_POOL) {
                    mean = all[0] / (DIM * count);
                    deviation = sqrt(all[1] / (DIM * count) - mean * mean);
                }
                mu = i == 0 ? (size_t)lround(((double)input[0] * deviation + mean) / 3) : mu;
                assert_in((double)input[i] * deviation + mean, (double)(3 * mu + i) - 1e-4,
                          (double)(3 * mu + i) + 1e-4);
            }
            assert_int_equal(label, mu % 4 == 0 ? 1 : mu % 4 == 3 ? -1 : 0);
        }
        ch_examples_free(&train);
        ch_examples_free(&test);
        ch_pool_free(&pool);
        ch_pool_free(&pool);
    }
    ch_own_pool_free(&own);
}

/* A feature that is the same in all samples becomes 0. */
static void test_constant_feature(void **state)
{
    (void)state;
    static const double numbers[] = {5, 1, 5, 2, 5, 3}, labels[] = {0, 1, 1};
    write_npy("x.npy", "<f8", "3, 2", numbers, sizeof numbers);
    write_npy("y.npy", "<f8", "3, 1", labels, sizeof labels);
    ch_own_pool own = read_pool(path_of("x.npy"), path_of("y.npy"));
    ch_pool pool = open_pool(&own, "larger vs smaller", CH_NORMALISE_FEATURE);
    const ch_split split = {.num_train = 3, .threads = 1};
    ch_examples train, test;
    double sum = 0;
    assert_int_equal(ch_pool_split(&pool, &split, &train, &test, NULL), CH_OK);
    for (size_t mu = 0; mu < 3; mu++) {
        assert_true(ch_examples_input(&train, mu)[0] == 0);
        sum += (double)ch_examples_input(&train, mu)[1];
    }
    assert_in(sum, -1e-6, 1e-6);
    ch_examples_free(&train);
    ch_pool_free(&pool);
    ch_own_pool_free(&own);
}

/* A linear student's rows are the same samples as the examples, z = y x / sqrt(d); a smaller set begins a larger one;
 * one sample is never in both sets; threads change nothing. */
static void test_split(void **state)
{
    (void)state;
    write_images();
    ch_own_pool own = read_pool(path_of("x.npy"), path_of("y.npy"));
    ch_pool pool = open_pool(&own, "even vs odd", CH_NORMALISE_NONE);
    const ch_split split = {.seed = 3, .num_train = 30, .num_test = 10, .threads = 2};
    const ch_split less = {.seed = 3, .num_train = 9, .num_test = 10, .threads = 1};
    const ch_split other = {.seed = 4, .num_train = 9, .num_test = 10, .threads = 1};
    ch_examples train, test, few, few_test, others, others_test;
    ch_sample_set rows, test_rows;
    bool seen[COUNT] = {false};
    assert_int_equal(ch_pool_split(&pool, &split, &train, &test, NULL), CH_OK);
    assert_int_equal(ch_pool_split(&pool, &less, &few, &few_test, NULL), CH_OK);
    assert_int_equal(ch_pool_split(&pool, &other, &others, &others_test, NULL), CH_OK);
    assert_int_equal(ch_pool_split_rows(&pool, &split, &rows, &test_rows, NULL), CH_OK);
    assert_memory_equal(few.inputs, train.inputs, 9 * DIM * sizeof(float));
    assert_memory_equal(few_test.inputs, test.inputs, 10 * DIM * sizeof(float));
    assert_memory_not_equal(others.inputs, train.inputs, 9 * DIM * sizeof(float));
    for (size_t k = 0; k < COUNT; k++) {
        const ch_examples *set = k < 30 ? &train : &test;
        const float *input = ch_examples_input(set, k < 30 ? k : k - 30);
        const float *row = k < 30 ? ch_sample_set_row(&rows, k) : ch_sample_set_row(&test_rows, k - 30);
        const size_t mu = (size_t)lroundf(input[0]) / 3;
        assert_false(seen[mu]);
        seen[mu] = true;
        const int label = mu % 2 == 0 ? 1 : -1;
        assert_int_equal(set->labels[k < 30 ? k : k - 30], label);
        for (size_t i = 0; i < rows.stride; i++) {
            const double wanted = i < DIM ? label * (double)(3 * mu + i) / sqrt(DIM) : 0;
            assert_in((double)row[i], wanted - 1e-5, wanted + 1e-5);
        }
    }
    for (size_t i = 0; i < rows.stride; i++) {
        assert_true(rows.teacher[i] == 0);
    }
    ch_examples_free(&train);
    ch_examples_free(&test);
    ch_error err = {0};
    const ch_split many = {.num_train = 31, .num_test = 10, .threads = 1};
    assert_int_equal(ch_pool_split(&pool, &many, &train, &test, &err), CH_ERROR_INPUT);
    ch_examples_free(&few);
    ch_examples_free(&few_test);
    ch_examples_free(&others);
    ch_examples_free(&others_test);
    ch_sample_set_free(&rows);
    ch_sample_set_free(&test_rows);
    ch_pool_free(&pool);
    ch_own_pool_free(&own);
}

static void test_memory(void **state)
{
    (void)state;
    char file[200], labels[200];
    ch_own_pool own;
    ch_pool pool;
    ch_examples train, test;
    ch_sample_set rows, test_rows;
    ch_classes rule;
    ch_error err;
    long failed = 0;
    const ch_split split = {.num_train = 10, .num_test = 5, .threads = 1};
    write_images();
    snprintf(file, sizeof file, "%s", path_of("x.npy"));
    snprintf(labels, sizeof labels, "%s", path_of("y.npy"));
    assert_failures_are_told(failed, ch_own_pool_init(&own, file, labels, &err), err, ch_own_pool_free(&own));
    assert_true(failed >= 5);
    assert_int_equal(ch_classes_parse(&rule, "0 vs rest", NULL), CH_OK);
    assert_failures_are_told(failed, ch_pool_init_own(&pool, &own, &rule, CH_NORMALISE_FEATURE, &err), err,
                             ch_pool_free(&pool));
    assert_true(failed >= 4);
    assert_failures_are_told(failed, ch_pool_split(&pool, &split, &train, &test, &err), err,
                             (ch_examples_free(&train), ch_examples_free(&test)));
    assert_true(failed >= 4);
    assert_failures_are_told(failed, ch_pool_split_rows(&pool, &split, &rows, &test_rows, &err), err,
                             (ch_sample_set_free(&rows), ch_sample_set_free(&test_rows)));
    assert_true(failed >= 4);
    ch_examples_free(&train);
    ch_examples_free(&test);
    ch_sample_set_free(&rows);
    ch_sample_set_free(&test_rows);
    ch_pool_free(&pool);
    ch_own_pool_free(&own);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_one_digest), WITH_FOLDER(test_refusals),         WITH_FOLDER(test_normalise),
        WITH_FOLDER(test_split),      WITH_FOLDER(test_constant_feature), WITH_FOLDER(test_memory),
    };
    return cmocka_run_group_tests_name("own data", tests, NULL, NULL);
}
