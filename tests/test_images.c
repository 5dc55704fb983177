/* test_images.c — image files good and bad, and examples drawn from them. */
#include "data/data.h"
#include "data/gz.h"

#include "alloc_fail.h"
#include "images_support.h"
#include "support.h"

#include <gsl/gsl_cdf.h>
#include <string.h>

static ch_image_pool read_pool(ch_image_set set, const char *dir)
{
    ch_image_pool pool;
    ch_error err = {0};
    if (ch_image_pool_init(&pool, set, dir, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return pool;
}

/* Requires that the pool has the images first, first + 1, … of images_support.h. */
static void assert_images(const ch_image_pool *pool, size_t first, size_t count)
{
    const size_t dim = pool->shape.channels * pool->shape.rows * pool->shape.columns;
    assert_int_equal(pool->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pool->classes[i], (first + i) % 10);
        for (size_t k = 0; k < dim; k++) {
            assert_int_equal(pool->pixels[i * dim + k], pixel_of(first + i, k));
        }
    }
}

/* ---- what is read ---- */

static void mnist_plain_gzipped_and_dotted_are_the_same(void **state)
{
    (void)state;
    static const char *const names[][4] = {
        {"mnist/train-images-idx3-ubyte", "mnist/train-labels-idx1-ubyte", "mnist/t10k-images-idx3-ubyte",
         "mnist/t10k-labels-idx1-ubyte"},
        {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
         "t10k-labels-idx1-ubyte.gz"},
        {"MNIST/raw/train-images.idx3-ubyte", "MNIST/raw/train-labels-idx1-ubyte.gz",
         "MNIST/raw/t10k-images.idx3-ubyte", "MNIST/raw/t10k-labels.idx1-ubyte.gz"},
    };
    make_subfolder("mnist");
    make_subfolder("MNIST");
    make_subfolder("MNIST/raw");
    for (size_t k = 0; k < 3; k++) {
        write_mnist(names[k][0], names[k][1], 0, 7);
        write_mnist(names[k][2], names[k][3], 7, 4);
        ch_image_pool pool = read_pool(CH_IMAGES_MNIST, folder);
        assert_int_equal(pool.shape.channels, 1);
        assert_int_equal(pool.shape.rows, 28);
        assert_int_equal(pool.shape.columns, 28);
        assert_images(&pool, 0, 11);
        /* This digest is from another implementation of SHA-256. */
        assert_string_equal(pool.digest, "eaaea32c3ce5dcb73114264e9e23212abe554fb3f610ba714fbeb9bdffd9950a");
        ch_image_pool_free(&pool);
        ch_image_pool_free(&pool);
        for (size_t i = 0; i < 4; i++) {
            unlink(path_of(names[k][i]));
        }
    }
}

static void cifar_batches_in_order(void **state)
{
    (void)state;
    make_subfolder("cifar-10-batches-bin");
    write_cifar("cifar-10-batches-bin/test_batch.bin", 9, 2);
    write_cifar("cifar-10-batches-bin/data_batch_5.bin.gz", 4, 5);
    write_cifar("cifar-10-batches-bin/data_batch_2.bin", 0, 4);
    ch_image_pool pool = read_pool(CH_IMAGES_CIFAR10, folder);
    assert_int_equal(pool.shape.channels, 3);
    assert_int_equal(pool.shape.rows * pool.shape.columns, 1024);
    assert_images(&pool, 0, 11);
    assert_string_equal(pool.digest, "844f287981b15e64f6df7167d13e3d062e2aafadd54ee5e954ae73e4997b6071");
    ch_image_pool_free(&pool);
}

/* Files of one folder only are read: files of different origin are not mixed. */
static void first_folder_is_taken(void **state)
{
    (void)state;
    make_subfolder("cifar10");
    write_cifar("data_batch_1.bin", 0, 3);
    write_cifar("cifar10/data_batch_2.bin", 5, 4);
    ch_image_pool pool = read_pool(CH_IMAGES_CIFAR10, folder);
    assert_images(&pool, 5, 4);
    ch_image_pool_free(&pool);
    pool = read_pool(CH_IMAGES_CIFAR10, path_of("cifar10")); /* the folder itself is accepted too */
    assert_images(&pool, 5, 4);
    ch_image_pool_free(&pool);
}

/* Fashion-MNIST and KMNIST have the file names of MNIST: none of the three is taken for another. Whether an unpacked
 * file is the original is not known. */
static void sets_with_names_of_mnist(void **state)
{
    (void)state;
    ch_image_pool pool;
    ch_image_report report;
    ch_error err = {0};
    write_mnist("train-images-idx3-ubyte", "train-labels-idx1-ubyte", 0, 7);
    assert_int_equal(ch_image_pool_init(&pool, CH_IMAGES_FASHION_MNIST, folder, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "get them by chiton data fetch fashion_mnist"));
    make_subfolder("fashion_mnist");
    make_subfolder("KMNIST");
    make_subfolder("KMNIST/raw");
    write_mnist("fashion_mnist/t10k-images-idx3-ubyte.gz", "fashion_mnist/t10k-labels-idx1-ubyte", 20, 12);
    write_mnist("KMNIST/raw/train-images-idx3-ubyte", "KMNIST/raw/train-labels-idx1-ubyte", 40, 5);
    pool = read_pool(CH_IMAGES_FASHION_MNIST, folder);
    assert_images(&pool, 20, 12);
    const char *const digest = "ec47f058725b44ce38e4e0499eca3e8e8f43d3fcc84e0d27c7a1d913b4df3293";
    assert_string_equal(pool.digest, digest);
    ch_image_pool_free(&pool);
    pool = read_pool(CH_IMAGES_KMNIST, folder);
    assert_images(&pool, 40, 5);
    ch_image_pool_free(&pool);
    pool = read_pool(CH_IMAGES_MNIST, folder);
    assert_images(&pool, 0, 7);
    ch_image_pool_free(&pool);
    assert_int_equal(ch_image_report_make(&report, CH_IMAGES_FASHION_MNIST, folder, NULL), CH_OK);
    assert_true(report.files[2].found && report.files[2].is_known && !report.files[2].original);
    assert_true(report.files[3].found && !report.files[3].is_known && !report.files[3].original);
    assert_int_equal(report.positive, 6); /* the even classes */
    assert_string_equal(report.digest, digest);
}

static void report_of_a_part(void **state)
{
    (void)state;
    ch_image_report report;
    write_mnist("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte.gz", 0, 12);
    assert_int_equal(ch_image_report_make(&report, CH_IMAGES_MNIST, folder, NULL), CH_OK);
    assert_string_equal(report.folder, folder);
    assert_int_equal(report.num_files, 4);
    assert_string_equal(report.files[0].name, "train-images-idx3-ubyte");
    assert_false(report.files[0].found || report.files[1].found);
    assert_string_equal(report.files[3].name, "t10k-labels-idx1-ubyte.gz");
    assert_true(report.files[2].found && report.files[3].found);
    assert_int_equal(report.files[2].records, 12);
    assert_int_equal(report.files[3].records, 12);
    assert_int_equal(report.files[2].bytes, 16 + 12 * MNIST_PIXELS);
    assert_int_equal(report.files[3].bytes, size_of(path_of("t10k-labels-idx1-ubyte.gz")));
    assert_string_equal(report.files[2].md5, "bd4a572537fc5ecc3e9625af86c242d5");
    assert_false(report.files[2].original);
    assert_int_equal(report.count, 12);
    for (size_t c = 0; c < CH_NUM_CLASSES; c++) {
        assert_int_equal(report.per_class[c], c < 2 ? 2 : 1);
    }
    assert_int_equal(report.positive, 6);
    ch_image_pool pool = read_pool(CH_IMAGES_MNIST, folder);
    assert_string_equal(report.digest, pool.digest);
    ch_image_pool_free(&pool);
}

/* ---- what is refused ---- */

static void assert_pool_refused(ch_image_set set, ch_code code, const char *says)
{
    ch_image_pool pool;
    ch_error err = {0};
    assert_int_equal(ch_image_pool_init(&pool, set, folder, &err), code);
    if (strstr(err.message, says) == NULL) {
        fail_msg("'%s' does not say '%s'", err.message, says);
    }
    assert_null(pool.pixels);
    ch_image_pool_free(&pool);
}

static void nothing_is_there(void **state)
{
    (void)state;
    assert_pool_refused(CH_IMAGES_MNIST, CH_ERROR_INPUT,
                        "looked in mnist, ., MNIST/raw there for train-images-idx3-ubyte");
    assert_pool_refused(CH_IMAGES_MNIST, CH_ERROR_INPUT, "chiton data fetch mnist");
    assert_pool_refused(CH_IMAGES_CIFAR10, CH_ERROR_INPUT, "data_batch_1.bin, data_batch_2.bin");
    ch_image_pool pool;
    ch_error err = {0};
    assert_int_equal(ch_image_pool_init(&pool, CH_IMAGES_MNIST, path_of("nowhere"), &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "nowhere' cannot be looked into: No such file"));
    assert_non_null(strstr(err.message, "chiton data fetch mnist"));
    write_file(path_of("file"), "x", 1);
    assert_int_equal(ch_image_pool_init(&pool, CH_IMAGES_MNIST, path_of("file"), &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "is not a directory"));
    make_subfolder("cifar-10-batches-py");
    assert_pool_refused(CH_IMAGES_CIFAR10, CH_ERROR_INPUT, "is only the Python version of cifar10");
    assert_int_equal(rmdir(path_of("cifar-10-batches-py")), 0);
    make_subfolder("cifar10");
    write_file(path_of("cifar10/data_batch_1"), "x", 1);
    assert_pool_refused(CH_IMAGES_CIFAR10, CH_ERROR_INPUT, "is only the Python version of cifar10");
    assert_int_equal(rename(path_of("cifar10/data_batch_1"), path_of("cifar10/data_batch_1.mat")), 0);
    assert_pool_refused(CH_IMAGES_CIFAR10, CH_ERROR_INPUT, "is only the Matlab version of cifar10");
    assert_int_equal(rename(path_of("cifar10/data_batch_1.mat"), path_of("cifar-10-binary.tar.gz")), 0);
    assert_pool_refused(CH_IMAGES_CIFAR10, CH_ERROR_INPUT, "is only the packed archive of cifar10");
}

/* Web pages in place of files of both sets, plain and gzipped, some of them shorter than a record of images. */
static void web_pages(void **state)
{
    (void)state;
    static const char *const beginnings[] = {"<!DOCTYPE html>", "\n\r\t <html lang='en'>", "\xef\xbb\xbf<HTML>",
                                             "<?xml version='1.0'?>"};
    static const size_t sizes[] = {40, 2 * CIFAR_RECORD};
    static const char *const names[] = {"t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz", "data_batch_1.bin",
                                        "test_batch.bin.gz"};
    char page[2 * CIFAR_RECORD];
    write_mnist("spare", "t10k-labels-idx1-ubyte", 0, 3);
    for (size_t i = 0; i < 32; i++) {
        const char *name = names[i / 8], *beginning = beginnings[i % 4];
        memset(page, 'x', sizeof page);
        memcpy(page, beginning, strlen(beginning));
        write_image_bytes(name, page, sizes[i / 4 % 2]);
        assert_pool_refused(i < 16 ? CH_IMAGES_MNIST : CH_IMAGES_CIFAR10, CH_ERROR_INPUT,
                            "is a web page (HTML) in place of the file; fetch it again");
        assert_int_equal(unlink(path_of(name)), 0);
    }
}

/* Files that hold more than images of a set ever do are refused before they are read. */
static void files_beyond_the_bound(void **state)
{
    (void)state;
    size_t size = 0;
    uint8_t *bytes = make_idx_images(0, 3, &size);
    put_big_endian(bytes + 4, 1369569); /* the first number of images of 784 bytes that is over 2^30 bytes */
    write_image_bytes("t10k-images-idx3-ubyte.gz", bytes, size);
    write_mnist("spare", "t10k-labels-idx1-ubyte", 0, 3);
    assert_pool_refused(CH_IMAGES_MNIST, CH_ERROR_INPUT,
                        "announces 1369569 records of 784 bytes; accepted is a file of up to 1.07 GB, uncompressed");
    put_big_endian(bytes + 4, 1369568);
    write_image_bytes("t10k-images-idx3-ubyte.gz", bytes, size);
    assert_pool_refused(CH_IMAGES_MNIST, CH_ERROR_INPUT, "is truncated: it announces 1369568 records");
    free(bytes);
    write_file(path_of("data_batch_1.bin"), "", 0);
    assert_int_equal(truncate(path_of("data_batch_1.bin"), (off_t)CH_MOST_IMAGE_BYTES + 1), 0); /* takes no disk */
    assert_pool_refused(CH_IMAGES_CIFAR10, CH_ERROR_INPUT, "data_batch_1.bin holds more than 1.07 GB; accepted is");
}

/* Images that occur again, in one file and in two, with the same class and with another; and files that are not the
 * originals. */
static void images_that_occur_twice(void **state)
{
    (void)state;
    char sentence[320];
    write_cifar("data_batch_1.bin", 0, 12);
    ch_image_pool pool = read_pool(CH_IMAGES_CIFAR10, folder);
    assert_int_equal(pool.origin.num_repeated, 0);
    ch_image_origin_describe(&pool.origin, sentence, sizeof sentence);
    assert_string_equal(sentence, "the file that is there is not the original: results are of other images");
    ch_image_pool_free(&pool);
    size_t size = 0;
    uint8_t *bytes = make_cifar(5, 8, &size); /* images 5 to 12, of which all but the last are in the first file */
    bytes[2 * CIFAR_RECORD] = 1;              /* image 7 as class 1 */
    memcpy(bytes + 7 * CIFAR_RECORD, bytes, CIFAR_RECORD); /* image 5 for the third time, in place of image 12 */
    write_image_bytes("test_batch.bin", bytes, size);
    free(bytes);
    pool = read_pool(CH_IMAGES_CIFAR10, folder);
    assert_int_equal(pool.origin.num_images, 20);
    assert_int_equal(pool.origin.num_repeated, 8);
    assert_int_equal(pool.origin.num_opposed, 1);
    ch_image_origin_describe(&pool.origin, sentence, sizeof sentence);
    assert_string_equal(sentence, "2 of the 2 files that are there are not the originals: results are of other images; "
                                  "8 of the 20 images repeat an earlier one, 1 of them with another class");
    ch_image_pool_free(&pool);
    ch_image_origin_describe(&(ch_image_origin){.num_files = 6, .num_images = 60000}, sentence, sizeof sentence);
    assert_string_equal(sentence, "");
}

/* Images or labels of a good pair of files, damaged in one way. */
static void damaged_idx_files(void **state)
{
    (void)state;
    enum { COUNT = 3, IMAGES = 0, LABELS = 1, KEEP = -1 };
    static const struct {
        int file;     /* which file of the pair */
        size_t place; /* the place at which a 32-bit number is written; KEEP for none */
        uint32_t value;
        long growth; /* number of bytes that are added, or removed where it is negative */
        const char *says;
    } cases[] = {
        {IMAGES, 0, 0x801, 0, "starts with 0x00000801; an IDX file of images with 0x00000803"},
        {LABELS, 0, 0x803, 0, "starts with 0x00000803; an IDX file of labels with 0x00000801"},
        {LABELS, 0, 0xd0801, 0, "starts with 0x000d0801"},
        {IMAGES, 8, 27, 0, "has images of 27 x 28; accepted is 28 x 28"},
        {IMAGES, 12, UINT32_MAX, 0, "has images of 28 x 4294967295"},
        {IMAGES, 4, UINT32_MAX, 0,
         "announces 4294967295 records of 784 bytes; accepted is a file of up to 1.07 GB, uncompressed"},
        {IMAGES, 4, 0, 0, "is empty: it announces 0 records"},
        {IMAGES, 4, 2, 0, "has trailing bytes: it announces 2 records"},
        {IMAGES, (size_t)KEEP, 0, -1, "is truncated: it announces 3 records of 784 bytes, but 2351 bytes"},
        {IMAGES, (size_t)KEEP, 0, 1, "has trailing bytes: it announces 3 records"},
        {IMAGES, (size_t)KEEP, 0, -2353, "is truncated: 15 bytes of its header's 16 are there"},
        {IMAGES, (size_t)KEEP, 0, -2368, "is truncated: 0 bytes of its header's 16 are there"},
        {LABELS, (size_t)KEEP, 0, -1, "is truncated: it announces 3 records of 1 bytes, but 2 bytes"},
        {LABELS, (size_t)KEEP, 0, 1, "has trailing bytes"},
        {LABELS, 7, 0x03000a00, 0, "label 1 is 10; accepted is 0 to 9"},
    };
    static const char *const names[] = {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        uint8_t *bytes[2], spoilt[4000] = {0};
        size_t sizes[2];
        bytes[0] = make_idx_images(0, COUNT, &sizes[0]);
        bytes[1] = make_idx_labels(0, COUNT, &sizes[1]);
        const int file = cases[k].file;
        const size_t size = (size_t)((long)sizes[file] + cases[k].growth);
        memcpy(spoilt, bytes[file], size < sizes[file] ? size : sizes[file]);
        if (cases[k].place != (size_t)KEEP) {
            put_big_endian(spoilt + cases[k].place, cases[k].value);
        }
        for (int zipped = 0; zipped < 2; zipped++) {
            char name[64];
            snprintf(name, sizeof name, "%s%s", names[file], zipped != 0 ? ".gz" : "");
            write_image_bytes(name, spoilt, size);
            write_image_bytes(names[1 - file], bytes[1 - file], sizes[1 - file]);
            assert_pool_refused(CH_IMAGES_MNIST, CH_ERROR_INPUT, cases[k].says);
            unlink(path_of(name));
        }
        free(bytes[0]);
        free(bytes[1]);
    }
}

static void counts_that_differ_and_halves_of_pairs(void **state)
{
    (void)state;
    write_mnist("train-images-idx3-ubyte", "train-labels-idx1-ubyte", 0, 4);
    write_mnist("t10k-images-idx3-ubyte", "train-labels-idx1-ubyte", 0, 5);
    assert_pool_refused(CH_IMAGES_MNIST, CH_ERROR_INPUT,
                        "train-images-idx3-ubyte has 4 images, but train-labels-idx1-ubyte 5 labels");
    unlink(path_of("train-labels-idx1-ubyte"));
    unlink(path_of("train-images-idx3-ubyte"));
    assert_pool_refused(CH_IMAGES_MNIST, CH_ERROR_INPUT,
                        "t10k-images-idx3-ubyte is there without its labels, t10k-labels-idx1-ubyte");
    unlink(path_of("t10k-images-idx3-ubyte"));
    write_mnist("x", "t10k-labels-idx1-ubyte", 0, 5);
    assert_pool_refused(CH_IMAGES_MNIST, CH_ERROR_INPUT,
                        "t10k-labels-idx1-ubyte is there without its images, t10k-images-idx3-ubyte");
}

static void damaged_cifar_files(void **state)
{
    (void)state;
    size_t size = 0;
    uint8_t *bytes = make_cifar(0, 3, &size);
    write_image_bytes("data_batch_3.bin", bytes, size - 1);
    assert_pool_refused(
        CH_IMAGES_CIFAR10, CH_ERROR_INPUT,
        "data_batch_3.bin is truncated or has trailing bytes: after 2 records of 3073 bytes there are 3072");
    write_image_bytes("data_batch_3.bin", bytes, CIFAR_RECORD + 1);
    assert_pool_refused(CH_IMAGES_CIFAR10, CH_ERROR_INPUT, "after 1 records of 3073 bytes there are 1 bytes");
    write_image_bytes("data_batch_3.bin", bytes, 0);
    assert_pool_refused(CH_IMAGES_CIFAR10, CH_ERROR_INPUT, "data_batch_3.bin is empty");
    bytes[2 * CIFAR_RECORD] = 255;
    write_image_bytes("data_batch_3.bin", bytes, size);
    assert_pool_refused(CH_IMAGES_CIFAR10, CH_ERROR_INPUT, "label 2 is 255; accepted is 0 to 9");
    free(bytes);
}

static void damaged_gzip_streams(void **state)
{
    (void)state;
    uint8_t bytes[1 << 14];
    write_cifar("whole.gz", 0, 40);
    FILE *file = fopen(path_of("whole.gz"), "rb");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_in((double)size, 600, sizeof bytes - 1);
    write_file(path_of("test_batch.bin.gz"), bytes, size / 2);
    assert_pool_refused(CH_IMAGES_CIFAR10, CH_ERROR_INPUT,
                        "test_batch.bin.gz is truncated: its gzip stream has no end");
    /* all data are there, but the trailer is not complete */
    write_file(path_of("test_batch.bin.gz"), bytes, size - 4);
    assert_pool_refused(CH_IMAGES_CIFAR10, CH_ERROR_INPUT, "its gzip stream has no end");
    bytes[size - 6] ^= 1; /* changes the checksum */
    write_file(path_of("test_batch.bin.gz"), bytes, size);
    assert_pool_refused(CH_IMAGES_CIFAR10, CH_ERROR_INPUT,
                        "test_batch.bin.gz is damaged: its gzip stream is not valid");
}

static void unreadable_files(void **state)
{
    (void)state;
    make_subfolder("data_batch_1.bin");
    assert_pool_refused(CH_IMAGES_CIFAR10, CH_ERROR_IO, "data_batch_1.bin cannot be read: it is not a file");
    assert_int_equal(rmdir(path_of("data_batch_1.bin")), 0);
    assert_int_equal(symlink("nowhere", path_of("data_batch_1.bin")), 0);
    assert_pool_refused(CH_IMAGES_CIFAR10, CH_ERROR_IO, "data_batch_1.bin cannot be read: No such file");
    unlink(path_of("data_batch_1.bin"));
    write_cifar("data_batch_1.bin", 0, 1);
    assert_int_equal(chmod(path_of("data_batch_1.bin"), 0), 0);
    if (geteuid() != 0) {
        assert_pool_refused(CH_IMAGES_CIFAR10, CH_ERROR_IO, "data_batch_1.bin cannot be read: Permission denied");
    }
}

static void names_of_sets(void **state)
{
    (void)state;
    ch_image_set set = CH_IMAGES_MNIST;
    ch_error err = {0};
    assert_int_equal(ch_image_set_find("cifar10", &set, &err), CH_OK);
    assert_int_equal(set, CH_IMAGES_CIFAR10);
    assert_int_equal(ch_image_set_find("cifar", &set, &err), CH_ERROR_INPUT);
    assert_string_equal(err.message, "image set is 'cifar'; did you mean 'cifar10'?");
}

/* ---- the split ---- */

enum { POOL = 50 };

static ch_image_pool make_pool(ch_image_set set)
{
    if (set == CH_IMAGES_MNIST) {
        write_mnist("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 0, POOL);
    } else {
        write_cifar("test_batch.bin", 0, POOL);
    }
    return read_pool(set, folder);
}

typedef struct {
    ch_examples train, test;
} split;

static split split_of(const ch_image_pool *pool, uint64_t seed, size_t num_train, size_t num_test)
{
    split sets;
    ch_error err = {0};
    const ch_law_kind task = pool->set == CH_IMAGES_MNIST ? CH_LAW_MNIST_PARITY : CH_LAW_CIFAR_ANIMAL;
    if (ch_image_split(&sets.train, &sets.test, pool, task, seed, num_train, num_test, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return sets;
}

static void free_split(split *sets)
{
    ch_examples_free(&sets->train);
    ch_examples_free(&sets->test);
}

/* The number of the image that an example shows, from its first pixel and the scale of the task. */
static size_t image_of(const ch_examples *examples, size_t mu, double mean, double deviation)
{
    const double pixel = (double)ch_examples_input(examples, mu)[0] * deviation + mean;
    assert_in(pixel, round(pixel) - 1e-4, round(pixel) + 1e-4);
    return (size_t)round(pixel);
}

static void mnist_image_of_each(const ch_examples *examples, size_t *images)
{
    for (size_t mu = 0; mu < examples->num_samples; mu++) {
        images[mu] = image_of(examples, mu, 33.31002426147461, 78.56748962402344);
    }
}

static void assert_example(const ch_examples *examples, size_t mu, double mean, double deviation, const char *labels)
{
    const size_t image = image_of(examples, mu, mean, deviation);
    assert_int_equal(examples->labels[mu], labels[image % 10] == '+' ? 1 : -1);
    for (size_t i = 0; i < examples->dim; i++) {
        const double expected = (pixel_of(image, i) - mean) / deviation;
        assert_close((double)ch_examples_input(examples, mu)[i], expected, 1e-7);
    }
}

static void inputs_and_labels(void **state)
{
    (void)state;
    ch_image_pool mnist = make_pool(CH_IMAGES_MNIST), cifar = make_pool(CH_IMAGES_CIFAR10);
    split digits = split_of(&mnist, 3, 30, 20), things = split_of(&cifar, 3, 30, 20);
    assert_int_equal(digits.train.dim, 784);
    assert_int_equal(things.train.dim, 3072);
    assert_int_equal(things.test.shape.channels, 3);
    for (size_t mu = 0; mu < 30; mu++) {
        assert_example(&digits.train, mu, 33.31002426147461, 78.56748962402344, "+-+-+-+-+-");
        assert_example(&things.train, mu, 120.93118286132812, 64.14186196091406, "--++++++--");
    }
    for (size_t mu = 0; mu < 20; mu++) {
        assert_example(&digits.test, mu, 33.31002426147461, 78.56748962402344, "+-+-+-+-+-");
        assert_example(&things.test, mu, 120.93118286132812, 64.14186196091406, "--++++++--");
    }
    free_split(&digits);
    free_split(&things);
    ch_image_pool_free(&mnist);
    ch_image_pool_free(&cifar);
}

/* The test set is the same for every P. The first P training images are the same for every larger P. No image is in
 * both sets, and all images may be used. */
static void sets_are_nested_and_disjoint(void **state)
{
    (void)state;
    ch_image_pool pool = make_pool(CH_IMAGES_MNIST);
    split all = split_of(&pool, 9, POOL - 15, 15), fewer_tests = split_of(&pool, 9, 1, 6);
    const size_t row = all.train.dim * sizeof(float);
    for (size_t p = 1; p <= POOL - 15; p++) {
        split some = split_of(&pool, 9, p, 15);
        assert_int_equal(some.train.num_samples, p);
        assert_memory_equal(some.train.inputs, all.train.inputs, p * row);
        assert_memory_equal(some.train.labels, all.train.labels, p);
        assert_memory_equal(some.test.inputs, all.test.inputs, 15 * row);
        free_split(&some);
    }
    assert_memory_equal(fewer_tests.test.inputs, all.test.inputs, 6 * row);
    size_t images[POOL], seen[POOL] = {0};
    mnist_image_of_each(&all.train, images);
    mnist_image_of_each(&all.test, images + POOL - 15);
    for (size_t i = 0; i < POOL; i++) {
        assert_true(images[i] < POOL);
        seen[images[i]]++;
    }
    for (size_t i = 0; i < POOL; i++) {
        assert_int_equal(seen[i], 1);
    }
    split none = split_of(&pool, 9, POOL, 0);
    assert_int_equal(none.train.num_samples, POOL);
    assert_int_equal(none.test.num_samples, 0);
    assert_null(none.test.inputs);
    free_split(&none);
    free_split(&fewer_tests);
    free_split(&all);
    ch_image_pool_free(&pool);
}

/* Over seeds every image is equally often the first training image, and equally often in the test set: chi-square over
 * the images, false alarm 1e-5 each. For a test set of m of n images, the counts have the covariance m (n-m) / (n
 * (n-1)) [delta - 1/n] for each seed. */
static void every_image_is_equally_likely(void **state)
{
    (void)state;
    enum { SEEDS = 2000, TESTS = 10 };
    ch_image_pool pool = make_pool(CH_IMAGES_MNIST);
    double first[POOL] = {0}, tested[POOL] = {0}, chi2_first = 0, chi2_tested = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        split sets = split_of(&pool, seed, 1, TESTS);
        size_t images[TESTS];
        mnist_image_of_each(&sets.train, images);
        first[images[0]]++;
        mnist_image_of_each(&sets.test, images);
        for (size_t i = 0; i < TESTS; i++) {
            tested[images[i]]++;
        }
        free_split(&sets);
    }
    const double n = POOL, m = TESTS;
    for (size_t i = 0; i < POOL; i++) {
        chi2_first += pow(first[i] - SEEDS / n, 2) / (SEEDS / n);
        chi2_tested += pow(tested[i] - SEEDS * m / n, 2) / (SEEDS * m * (n - m) / (n * (n - 1)));
    }
    assert_true(gsl_cdf_chisq_Q(chi2_first, n - 1) > 1e-5);
    assert_true(gsl_cdf_chisq_Q(chi2_tested, n - 1) > 1e-5);
    assert_true(gsl_cdf_chisq_P(chi2_first, n - 1) > 1e-5);
    assert_true(gsl_cdf_chisq_P(chi2_tested, n - 1) > 1e-5);
    ch_image_pool_free(&pool);
}

static void refuses_more_than_there_is(void **state)
{
    (void)state;
    ch_image_pool pool = make_pool(CH_IMAGES_MNIST);
    static const struct {
        ch_law_kind task;
        size_t num_train, num_test;
        const char *says;
    } bad[] = {
        {CH_LAW_MNIST_PARITY, 41, 10, "train is 41 and test 10, but 50 samples of mnist are at hand"},
        {CH_LAW_MNIST_PARITY, 51, 0, "train is 51 and test 0, but 50 samples"},
        {CH_LAW_MNIST_PARITY, 1, SIZE_MAX, "but 50 samples"},
        {CH_LAW_MNIST_PARITY, 0, 10, "train is 0"},
        {CH_LAW_CIFAR_ANIMAL, 1, 1, "data is cifar_animal, but the images are mnist's"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        split sets;
        ch_error err = {0};
        assert_int_equal(
            ch_image_split(&sets.train, &sets.test, &pool, bad[i].task, 1, bad[i].num_train, bad[i].num_test, &err),
            CH_ERROR_INPUT);
        if (strstr(err.message, bad[i].says) == NULL) {
            fail_msg("'%s' does not say '%s'", err.message, bad[i].says);
        }
        assert_null(sets.train.inputs);
        free_split(&sets);
    }
    ch_image_pool_free(&pool);
}

/* A rule of labels takes some of the images; the rule of mnist_parity takes what mnist_parity takes. */
static void rules_of_labels(void **state)
{
    (void)state;
    ch_image_pool images = make_pool(CH_IMAGES_MNIST);
    ch_classes parity, some;
    ch_pool pool;
    ch_examples train, test, wanted, wanted_test;
    const ch_split some_images = {.seed = 9, .num_train = 12, .num_test = 6, .threads = 1};
    assert_int_equal(ch_classes_parse(&parity, "even vs odd", NULL), CH_OK);
    assert_int_equal(ch_classes_parse(&some, "3 vs 7,8", NULL), CH_OK);
    assert_int_equal(ch_pool_init_images(&pool, &images, CH_LAW_MNIST, &parity, NULL), CH_OK);
    assert_int_equal(ch_pool_split(&pool, &some_images, &train, &test, NULL), CH_OK);
    assert_int_equal(ch_image_split(&wanted, &wanted_test, &images, CH_LAW_MNIST_PARITY, 9, 12, 6, NULL), CH_OK);
    assert_memory_equal(train.inputs, wanted.inputs, 12 * MNIST_PIXELS * sizeof(float));
    assert_memory_equal(train.labels, wanted.labels, 12);
    assert_memory_equal(test.inputs, wanted_test.inputs, 6 * MNIST_PIXELS * sizeof(float));
    ch_examples_free(&train);
    ch_examples_free(&test);
    ch_examples_free(&wanted);
    ch_examples_free(&wanted_test);
    ch_pool_free(&pool);
    assert_int_equal(ch_pool_init_images(&pool, &images, CH_LAW_MNIST, &some, NULL), CH_OK);
    assert_int_equal(pool.num_eligible, images.per_class[3] + images.per_class[7] + images.per_class[8]);
    const ch_split all = {.seed = 9, .num_train = pool.num_eligible, .threads = 1};
    assert_int_equal(ch_pool_split(&pool, &all, &train, &test, NULL), CH_OK);
    size_t positive = 0;
    for (size_t k = 0; k < train.num_samples; k++) {
        positive += train.labels[k] > 0;
        const double pixel = (double)ch_examples_input(&train, k)[0] * 78.56748962402344 + 33.31002426147461;
        const int digit =
            (int)lround(pixel) % 10; /* image i of images_support.h has the first pixel i and the class i mod 10 */
        assert_int_equal(train.labels[k], digit == 3 ? 1 : digit == 7 || digit == 8 ? -1 : 0);
    }
    assert_int_equal(positive, images.per_class[3]);
    ch_examples_free(&train);
    ch_pool_free(&pool);
    ch_image_pool_free(&images);
}

/* ---- memory, and the real thing ---- */

static void survives_failing_allocations(void **state)
{
    (void)state;
    ch_image_pool good = make_pool(CH_IMAGES_MNIST);
    ch_error err;
    long failed;
    write_cifar("test_batch.bin.gz", 0, 5);
    make_subfolder("fashion_mnist");
    make_subfolder("kmnist");
    write_mnist("fashion_mnist/t10k-images-idx3-ubyte", "fashion_mnist/t10k-labels-idx1-ubyte", 0, 5);
    write_mnist("kmnist/t10k-images-idx3-ubyte", "kmnist/t10k-labels-idx1-ubyte", 0, 5);
    for (int set = 0; set < CH_NUM_IMAGE_SETS; set++) {
        ch_image_pool pool;
        assert_failures_are_told(failed, ch_image_pool_init(&pool, (ch_image_set)set, folder, &err), err,
                                 ch_image_pool_free(&pool));
        assert_true(failed >= 2);
        ch_image_pool_free(&pool);
    }
    split sets;
    assert_failures_are_told(failed,
                             ch_image_split(&sets.train, &sets.test, &good, CH_LAW_MNIST_PARITY, 1, 10, 5, &err), err,
                             free_split(&sets));
    assert_true(failed >= 6);
    free_split(&sets);
    ch_image_pool_free(&good);
}

/* The original files have the known numbers of images in each class, where CHITON_DATA has them. */
static void real_mnist(void **state)
{
    (void)state;
    static const size_t test_digits[] = {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009};
    static const size_t all_digits[] = {6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958};
    const char *dir = getenv("CHITON_DATA");
    ch_image_report report;
    if (dir == NULL || ch_image_report_make(&report, CH_IMAGES_MNIST, dir, NULL) != CH_OK) {
        skip();
    }
    size_t originals = 0;
    for (size_t i = 0; i < report.num_files; i++) {
        originals += report.files[i].original;
    }
    if (originals == 4) {
        assert_memory_equal(report.per_class, all_digits, sizeof all_digits);
    } else if (originals == 2 && report.count == 10000) {
        assert_memory_equal(report.per_class, test_digits, sizeof test_digits);
    } else {
        skip();
    }
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    /* suites: valgrind */
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(mnist_plain_gzipped_and_dotted_are_the_same),
        WITH_FOLDER(cifar_batches_in_order),
        WITH_FOLDER(first_folder_is_taken),
        WITH_FOLDER(report_of_a_part),
        WITH_FOLDER(nothing_is_there),
        WITH_FOLDER(web_pages),
        WITH_FOLDER(files_beyond_the_bound),
        WITH_FOLDER(images_that_occur_twice),
        WITH_FOLDER(damaged_idx_files),
        WITH_FOLDER(counts_that_differ_and_halves_of_pairs),
        WITH_FOLDER(damaged_cifar_files),
        WITH_FOLDER(damaged_gzip_streams),
        WITH_FOLDER(unreadable_files),
        cmocka_unit_test(names_of_sets),
        WITH_FOLDER(inputs_and_labels),
        WITH_FOLDER(sets_are_nested_and_disjoint),
        WITH_FOLDER(every_image_is_equally_likely),
        WITH_FOLDER(refuses_more_than_there_is),
        WITH_FOLDER(survives_failing_allocations),
        WITH_FOLDER(sets_with_names_of_mnist),
        WITH_FOLDER(rules_of_labels),
        cmocka_unit_test(real_mnist),
    };
    return cmocka_run_group_tests_name("images", tests, NULL, NULL);
}
