/* test_program_groups.c — through the program: runs on other images, temperatures that differ by rounding, and what is
 * said where there are no exponents. */
#include "tests/images_support.h"
#include "tests/program_support.h"

#define SWEEP                                                                                                          \
    "sweep mlp --data mnist_parity --width 4 --depth 1 --train 8,16,32 --test 8 --temp 2^-6,2^-5 --max-updates 1000 "  \
    "--seed 0,1,2 -o s.db --data-dir %s"

/* Writes 64 images to DIR/mnist, whose labels begin with the class `label`. */
static void write_images(const char *dir, size_t label)
{
    char images[64], labels[64];
    size_t size = 0;
    make_subfolder(dir);
    snprintf(images, sizeof images, "%s/t10k-images-idx3-ubyte", dir);
    snprintf(labels, sizeof labels, "%s/t10k-labels-idx1-ubyte", dir);
    uint8_t *bytes = make_idx_images(0, 64, &size);
    write_image_bytes(images, bytes, size);
    free(bytes);
    bytes = make_idx_labels(label, 64, &size);
    write_image_bytes(labels, bytes, size);
    free(bytes);
}

static size_t times_said(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

/* A store with runs on MNIST and on the same images with other labels has two groups. List, table, CSV and the names of
 * figures tell which is which. With one set of images they do not speak of it. */
static void test_relabelled_images_are_another_group(void **state)
{
    (void)state;
    write_images("true", 0);
    write_images("other", 1);
    assert_succeeds(SWEEP, "true");
    assert_int_equal(query(path_of("s.db"), "SELECT min(data_pool) = 64 AND max(data_pool) = 64 FROM runs"), 1);
    assert_succeeds("fit s.db --json");
    assert_says(out, "two data sets share up to 50 % of their images, P = 2^5 of the 2^6 at hand");
    assert_succeeds("fit s.db");
    assert_null(strstr(out, "data_digest"));
    assert_succeeds("list s.db");
    assert_null(strstr(out, "data_digest"));
    assert_succeeds(SWEEP, "other");
    assert_succeeds("fit s.db");
    assert_int_equal(times_said(out, "data_digest = "), 2);
    assert_int_equal(times_said(out, "18 runs, 3 data sets"), 2);
    assert_succeeds("list s.db");
    assert_says(out, "data_digest     mnist_parity: ");
    assert_int_equal(times_said(out, "(18 runs)"), 2);
    assert_succeeds("fit s.db --csv");
    assert_says(out, ",data_digest\n");
    assert_succeeds("plot s.db -o figures --format svg");
    assert_int_equal(times_said(out, "data_digest"), times_said(out, "\n"));
}

/* --batch 3 with --temp 0.1 and with --rate 0.3 is one temperature: the same run, counted once, in list and fit. */
static void test_one_temperature_written_twice(void **state)
{
    (void)state;
    static const char *const given[] = {"--temp 0.1,0.2", "--rate 0.3,0.6"};
    for (size_t i = 0; i < 2; i++) {
        assert_succeeds("sweep perceptron --dim 8 --batch 3 --train 64,128 --seed 0,1 %s -o s.db", given[i]);
    }
    assert_int_equal(query(path_of("s.db"), "SELECT count(DISTINCT temp) FROM runs"), 4);
    assert_succeeds("list s.db");
    assert_says(out, "temp            0.1, 0.2\n");
    assert_says(out, "rate            0.3, 0.6\n");
    assert_succeeds("fit s.db");
    assert_says(out, "8 runs, 2 data sets, P = 2^6 … 2^7 (2), T = 0.1 … 0.2 (2)");
    assert_succeeds("export s.db --csv --where 'temp = 0.1'");
    assert_int_equal(times_said(out, "\n"), 1 + 8);
    assert_succeeds("fit s.db --where 'temp in (0.1, 0.2) and train >= 2^6'");
    assert_int_equal(chiton("fit s.db --where 'temp = 2^'"), 2);
    assert_says(err, "condition \"temp = 2^\" is not accepted");
}

/* Where there are no exponents the message names the reason, which is not that no onset was found. Where budgets ended
 * the runs, the sweep that it proposes has larger ones. */
static void test_why_there_are_no_exponents(void **state)
{
    (void)state;
    write_text("z.yaml",
               "model: perceptron\ndim: 16\nseed: 0..2\nzip:\n  train: [64, 128, 256]\n  temp: [0.5, 1, 2]\n");
    assert_int_equal(chiton("sweep z.yaml -o z.db"), 0);
    assert_int_equal(chiton("fit z.db"), 1);
    assert_says(err, "no exponent could be fitted to z.db (1 group): T and P vary together in the window");
    assert_int_equal(chiton("sweep perceptron --dim 16 --train 64,128 --temp 1,2 --max_updates 5 --seed 0..2 -o b.db"),
                     0);
    assert_int_equal(chiton("fit b.db"), 1);
    assert_says(err, "runs that a budget ended: 12 (raise the budgets)");
    assert_says(err, " --max_updates 50 -o STORE\n");
}

int main(void)
{
    /* suites: program */
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_relabelled_images_are_another_group),
        STORE_TEST(test_one_temperature_written_twice),
        STORE_TEST(test_why_there_are_no_exponents),
    };
    return cmocka_run_group_tests_name("program, groups", tests, locate_program, NULL);
}
