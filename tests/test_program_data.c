/* test_program_data.c — `chiton data`: what it prints of image files, what it refuses, and how a fetch ends. */
#include "tests/program_support.h"

#include "tests/http_support.h"
#include "tests/images_support.h"

#include <jansson.h>

static void test_check(void **state)
{
    (void)state;
    make_subfolder("mnist");
    write_mnist("mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-labels-idx1-ubyte", 0, 23);
    assert_succeeds("data check mnist --data-dir .");
    assert_says(out, "folder          ./mnist\n");
    assert_says(out, "train-images-idx3-ubyte       missing\n");
    assert_says(out, "t10k-images-idx3-ubyte.gz           23 ");
    assert_says(out, "t10k-labels-idx1-ubyte              23           31  ");
    assert_says(out, "  no\n");
    assert_says(out, "2 of the 2 files that are there are not the originals");
    assert_says(out, "images          23\nclasses 0 to 9  3, 3, 3, 2, 2, 2, 2, 2, 2, 2\n");
    assert_says(out, "mnist_parity    12 of +1, 11 of -1\n");
}

static void test_check_json(void **state)
{
    (void)state;
    write_cifar("data_batch_1.bin", 0, 3);
    write_cifar("test_batch.bin.gz", 3, 4);
    assert_int_equal(setenv("CHITON_DATA", folder, 1), 0);
    assert_succeeds("data check cifar10 --json");
    json_t *report = json_loads(out, 0, NULL);
    assert_non_null(report);
    const json_t *files = json_object_get(report, "files");
    assert_int_equal(json_array_size(files), 6);
    const json_t *first = json_array_get(files, 0), *second = json_array_get(files, 1),
                 *last = json_array_get(files, 5);
    assert_string_equal(json_string_value(json_object_get(first, "name")), "data_batch_1.bin");
    assert_true(json_is_true(json_object_get(first, "found")));
    assert_int_equal(json_integer_value(json_object_get(first, "records")), 3);
    assert_int_equal(json_integer_value(json_object_get(first, "bytes")), 3 * CIFAR_RECORD);
    assert_true(json_is_false(json_object_get(first, "original")));
    assert_true(json_is_false(json_object_get(second, "found")));
    assert_string_equal(json_string_value(json_object_get(last, "name")), "test_batch.bin.gz");
    assert_int_equal(json_integer_value(json_object_get(report, "images")), 7);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(report, "classes"), 6)), 1);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(report, "classes"), 7)), 0);
    assert_int_equal(json_integer_value(json_object_get(report, "positive")), 5);
    assert_int_equal(json_integer_value(json_object_get(report, "negative")), 2);
    ch_image_pool pool;
    assert_int_equal(ch_image_pool_init(&pool, CH_IMAGES_CIFAR10, folder, NULL), CH_OK);
    assert_string_equal(json_string_value(json_object_get(report, "sha256")), pool.digest);
    ch_image_pool_free(&pool);
    json_decref(report);
    unsetenv("CHITON_DATA");
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
    unsetenv("CHITON_DATA");
    assert_ends(2, "data",
                "data takes check or fetch and one of mnist, cifar10, fashion_mnist and kmnist, but 0 arguments");
    assert_ends(2, "data check", "but 1 arguments");
    assert_ends(2, "data check mnist cifar10", "but 3 arguments");
    assert_ends(2, "data chek mnist", "data has no 'chek'; did you mean 'check'?");
    assert_ends(2, "data remove mnist", "data has no 'remove'; accepted is check, fetch or export");
    assert_ends(2, "data check mnits --data-dir .", "image set is 'mnits'; did you mean 'mnist'?");
    assert_ends(2, "data check svhn --data-dir .",
                "image set is 'svhn'; accepted is mnist, cifar10, fashion_mnist or kmnist");
    assert_ends(2, "data check mnist", "give --data-dir D or set CHITON_DATA");
    assert_ends(2, "data fetch mnist", "give --data-dir D or set CHITON_DATA");
    assert_ends(2, "data check mnist --data-dir ''", "give --data-dir D or set CHITON_DATA");
    assert_ends(2, "data check mnist --from http://x", "--from is of data fetch only");
    assert_ends(2, "data fetch mnist --json", "--json is of data check only");
    assert_ends(2, "data check mnist --dta-dir .", "did you mean '--data-dir'?");
    assert_ends(2, "data check mnist --data-dir .", "chiton data fetch mnist");
    assert_ends(2, "data check mnist --data-dir nowhere", "'nowhere' cannot be looked into");
    assert_int_equal(num_files(), 0);
    write_text("t10k-images-idx3-ubyte", "no images");
    write_text("t10k-labels-idx1-ubyte", "no labels");
    assert_ends(2, "data check mnist --data-dir .", "./t10k-images-idx3-ubyte starts with 0x6e6f2069");
    make_subfolder("data_batch_1.bin");
    assert_ends(1, "data check cifar10 --data-dir .", "data_batch_1.bin cannot be read: it is not a file");
}

/* Samples of a plane, from files: a sweep with a fitted teacher, and what list, export and fit say of it. */
static void test_fitted_teacher(void **state)
{
    (void)state;
    assert_ends(2, "data export --data file --data-file t-x.npy --teacher fitted -o t", "accepted is axis or random");
    assert_succeeds("data export --chi 1 --dim 10 --train 500 -o t");
    assert_succeeds("sweep perceptron --data-file t-x.npy --data-labels t-y.npy --normalise none --teacher fitted "
                    "--train 64,128 --test 200 --temp 0.5,1 --seed 0..1 --record 1 -o s.db");
    assert_succeeds("list s.db");
    assert_says(out, "fitted");
    assert_succeeds("export s.db --json");
    json_t *runs = json_loads(out, 0, NULL);
    assert_int_equal(json_array_size(runs), 8);
    for (size_t i = 0; i < 8; i++) {
        const json_t *run = json_array_get(runs, i);
        const double signal = json_real_value(json_object_get(run, "signal"));
        const double noise = json_real_value(json_object_get(run, "noise"));
        assert_string_equal(json_string_value(json_object_get(run, "teacher")), "fitted");
        assert_true(signal > 2 * noise && noise > 0);
        assert_close(hypot(signal, noise), json_real_value(json_object_get(run, "weight_change")), 1e-9);
        assert_in(json_real_value(json_object_get(run, "teacher_error")), 0, 0);
        assert_true(json_is_real(json_object_get(run, "density_chi")));
        const json_t *first = json_array_get(json_object_get(run, "trajectory"), 0);
        assert_true(json_real_value(json_object_get(first, "unfitted_distance")) > 0);
    }
    json_decref(runs);
    assert_succeeds("export s.db --csv");
    assert_says(out, ",fitted,");
    assert_succeeds("fit s.db");
    assert_says(out, "effective χ: ");
    assert_says(out, "P = 2^7 (of the 17 % nearest;");
    assert_succeeds("fit s.db --json");
    json_t *report = json_loads(out, 0, NULL);
    const json_t *group = json_array_get(json_object_get(report, "groups"), 0);
    assert_string_equal(json_string_value(json_object_get(json_object_get(group, "group"), "teacher")), "fitted");
    const json_t *density = json_object_get(json_object_get(group, "effective_chi"), "density");
    assert_int_equal(json_integer_value(json_object_get(density, "runs")), 4);
    json_decref(report);
}

static void test_fetch_of_what_is_not_there_or_wrong(void **state)
{
    (void)state;
    char line[256];
    bypass_proxies();
    snprintf(line, sizeof line, "data fetch mnist --data-dir new --from file://%s", folder);
    assert_ends(1, line, "train-images-idx3-ubyte.gz cannot be fetched: ");
    write_text("train-images-idx3-ubyte.gz", "no images");
    assert_ends(1, line, "train-images-idx3-ubyte.gz is not the original: its MD5 is ");
    assert_int_equal(rmdir(path_of("new/mnist")), 0);
    assert_ends(1, "data fetch cifar10 --data-dir new --from http://127.0.0.1:1/", "Failed to connect");
    assert_int_equal(rmdir(path_of("new/cifar10")), 0);
    assert_ends(2, "data fetch mnist --data-dir a/b", "folder a/b cannot be made: the folder a does not exist\n");
    assert_ends(2, "data fetch mnist --data-dir train-images-idx3-ubyte.gz",
                "folder train-images-idx3-ubyte.gz/mnist cannot be made: train-images-idx3-ubyte.gz is no folder\n");
}

/* An interrupted fetch keeps the bytes that have arrived. */
static void test_interrupted_fetch(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    static char bytes[SIZE];
    memset(bytes, 7, sizeof bytes);
    write_file(path_of("train-images-idx3-ubyte.gz"), bytes, SIZE);
    server slow = start_server();
    char line[256];
    snprintf(line, sizeof line, "data fetch mnist --data-dir . --from http://127.0.0.1:%d/slow", slow.port);
    const pid_t child = start(line, &(surroundings){0});
    const char *part = path_of("mnist/train-images-idx3-ubyte.gz.part");
    for (int i = 0; i < 60000 && (!exists(part) || size_of(part) < SIZE / 2); i++) {
        wait_ms(10);
    }
    assert_int_equal(kill(child, SIGINT), 0);
    assert_int_equal(finish(child), 130);
    assert_says(err, "chiton: stopped; the same command goes on from ./mnist/train-images-idx3-ubyte.gz.part\n");
    assert_int_equal(size_of(part), SIZE / 2);
    stop_server(&slow);
}

/* A sweep that asks for more images than there are makes no store, or leaves those runs out. */
static void test_sweep_beyond_the_images(void **state)
{
    (void)state;
    make_subfolder("mnist");
    write_mnist("mnist/t10k-images-idx3-ubyte", "mnist/t10k-labels-idx1-ubyte", 0, 23);
    static const char sweep[] = "sweep mlp --data mnist_parity --width 4 --depth 1 --train 4,8,20,100 --test 4"
                                " --batch 2,8 --temp 1 --max-steps 5 -o s.db";
    char line[512];
    snprintf(line, sizeof line, "%s --data-dir nowhere", sweep);
    assert_ends(2, line, "'nowhere' cannot be looked into");
    snprintf(line, sizeof line, "%s --data-dir nowhere --skip-invalid",
             sweep); /* no run is spared by leaving some out */
    assert_ends(2, line, "'nowhere' cannot be looked into");
    snprintf(line, sizeof line, "%s --data-dir .", sweep);
    assert_ends(2, line, "batch is 8, more than train = 4");
    snprintf(line, sizeof line, "%s --data-dir . --batch 2",
             "sweep mlp --data mnist_parity --train 20 --test 4 --temp 1 -o s.db");
    assert_ends(2, line, "mnist has 23 images");
    assert_false(exists(path_of("s.db")));
    assert_succeeds("%s --data-dir . --skip-invalid", sweep);
    assert_says(out, "left out: 5 of 8 combinations\n");
    assert_says(out, "\n  1 as in: batch is 8, more than train = 4");
    assert_says(out, "\n  4 as in: train is ");
    assert_says(out, "s.db: 3 runs, 0 were there, 3 done");
}

/* How often a text holds another. */
static size_t times_said(const char *text, const char *says)
{
    size_t count = 0;
    for (const char *at = strstr(text, says); at != NULL; at = strstr(at + 1, says)) {
        count++;
    }
    return count;
}

/* `data check`, a run and a sweep say once, in a line, that files are not the originals and that images repeat. */
static void test_origin_is_said(void **state)
{
    (void)state;
    static const char line[] =
        "images of mnist: 2 of the 2 files that are there are not the originals: results are of "
        "other images; 1 of the 30 images repeats an earlier one, 1 of them with another class\n";
    static const char settings[] = "--data mnist_parity --width 4 --depth 1 --train 4 --batch 2 --temp 1 --max-steps 5 "
                                   "--data-dir .";
    size_t size = 0;
    uint8_t *bytes = make_idx_images(0, 30, &size);
    memcpy(bytes + 16 + 29 * MNIST_PIXELS, bytes + 16, MNIST_PIXELS); /* the last image is the first, as a 9 */
    write_mnist("spare", "t10k-labels-idx1-ubyte", 0, 30);
    write_image_bytes("t10k-images-idx3-ubyte", bytes, size);
    free(bytes);
    assert_succeeds("data check mnist --data-dir .");
    assert_int_equal(times_said(out, strchr(line, '2')), 1);
    assert_succeeds("data check mnist --data-dir . --json");
    assert_says(out, "\"repeated\": 1,\n  \"opposed\": 1,");
    assert_succeeds("run mlp %s --json", settings);
    assert_string_equal(err, line);
    assert_succeeds("sweep mlp %s --seed 0..3 -o s.db --dry-run", settings);
    assert_int_equal(times_said(err, line), 1);
    assert_succeeds("sweep mlp %s --seed 0..3 -o s.db", settings);
    assert_int_equal(times_said(err, line), 1);
    assert_int_equal(times_said(out, "images of"), 0);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_check),
        WITH_FOLDER(test_check_json),
        WITH_FOLDER(test_refusals),
        WITH_FOLDER(test_fitted_teacher),
        WITH_FOLDER(test_fetch_of_what_is_not_there_or_wrong),
        WITH_FOLDER(test_interrupted_fetch),
        WITH_FOLDER(test_sweep_beyond_the_images),
        WITH_FOLDER(test_origin_is_said),
    };
    return cmocka_run_group_tests_name("program: data", tests, locate_program, NULL);
}
