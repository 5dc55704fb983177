/* test_kernel_file.c — kernel files: a kernel is read back to the last bit, and no other file is taken for it. */
#include "models/twin/kernel_file.h"

#include "alloc_fail.h"
#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char KEY[] = "mlp width 8, data sign of seed 3";
static char folder[] = "/tmp/chiton-kernel-XXXXXX";
static char *path;

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || (path = ch_kernel_file_path(folder, KEY)) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    free(path);
    return rmdir(folder); /* fails where a file was left behind */
}

static ch_kernel make_kernel(size_t num_train, size_t num_test)
{
    ch_kernel kernel;
    assert_int_equal(ch_kernel_init_unset(&kernel, num_train, num_test, NULL), CH_OK);
    for (size_t i = 0; i < num_train + num_test; i++) {
        for (size_t j = 0; j < num_train; j++) {
            float *row =
                i < num_train ? kernel.train + i * kernel.stride : kernel.test + (i - num_train) * kernel.stride;
            row[j] = (float)sin((double)(i * i + j * j) + 0.1 * (double)(i * j)); /* symmetric */
        }
    }
    return kernel;
}

static void write_kernel(size_t num_train, size_t num_test)
{
    ch_kernel kernel = make_kernel(num_train, num_test);
    assert_int_equal(ch_kernel_file_write(&kernel, path, KEY, NULL, NULL), CH_OK);
    ch_kernel_free(&kernel);
}

static size_t num_files(void)
{
    DIR *directory = opendir(folder);
    size_t num = 0;
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        num += entry->d_name[0] != '.';
    }
    closedir(directory);
    return num;
}

/* Reads the whole file. */
static uint8_t *slurp(size_t *size)
{
    struct stat about;
    FILE *file = fopen(path, "rb");
    assert_true(file != NULL && fstat(fileno(file), &about) == 0);
    *size = (size_t)about.st_size;
    uint8_t *bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void spill(const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* ---- what is there ---- */

static void assert_reads(size_t num_train, size_t num_test)
{
    ch_kernel kernel, wanted = make_kernel(70, 9);
    bool found = false;
    assert_int_equal(ch_kernel_file_read(&kernel, path, KEY, num_train, num_test, NULL, &found, NULL), CH_OK);
    assert_true(found && kernel.num_train == num_train && kernel.num_test == num_test);
    for (size_t j = 0; j < kernel.stride; j++) {
        for (size_t i = 0; i < num_train; i++) {
            assert_true(kernel.train[i * kernel.stride + j] ==
                        (j < num_train ? wanted.train[i * wanted.stride + j] : 0));
        }
        for (size_t i = 0; i < num_test; i++) {
            assert_true(kernel.test[i * kernel.stride + j] == (j < num_train ? wanted.test[i * wanted.stride + j] : 0));
        }
    }
    ch_kernel_free(&kernel);
    ch_kernel_free(&wanted);
}

static void reads_what_was_written(void **state)
{
    (void)state;
    write_kernel(70, 9);
    assert_int_equal(num_files(), 1);
    assert_reads(70, 9);
    assert_reads(70, 0);
    assert_reads(64, 9);
    assert_reads(63, 4);
    assert_reads(1, 1);
    write_kernel(5, 0);
    assert_reads(5, 0);
    write_kernel(70, 9); /* replaces another file */
    assert_reads(70, 9);
}

static void finds_only_what_is_there(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{71, 9}, {70, 10}, {71, 10}};
    ch_kernel kernel;
    bool found = true;
    write_kernel(70, 9);
    for (size_t k = 0; k < 3; k++) {
        found = true;
        assert_int_equal(ch_kernel_file_read(&kernel, path, KEY, sizes[k][0], sizes[k][1], NULL, &found, NULL), CH_OK);
        assert_true(!found && kernel.train == NULL);
    }
    found = true;
    unlink(path);
    assert_int_equal(ch_kernel_file_read(&kernel, path, KEY, 7, 0, NULL, &found, NULL), CH_OK);
    assert_true(!found && kernel.train == NULL);
}

static void keys_have_files_of_their_own(void **state)
{
    (void)state;
    char *other = ch_kernel_file_path(folder, "another key"), *same = ch_kernel_file_path(folder, KEY);
    assert_string_equal(same, path);
    assert_string_not_equal(other, path);
    /* The digest is that of `printf abc | sha256sum`. */
    char *known = ch_kernel_file_path("x", "abc");
    assert_string_equal(known, "x/kernel-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    free(known);
    free(other);
    free(same);
}

/* ---- what is not one ---- */

static ch_code refusal(const char *key)
{
    ch_kernel kernel;
    ch_error err = {0};
    bool found = true;
    const ch_code code = ch_kernel_file_read(&kernel, path, key, 7, 2, NULL, &found, &err);
    assert_true(code != CH_OK && !found && kernel.train == NULL && kernel.test == NULL);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "remove it"));
    return code;
}

static void damage_is_seen(void **state)
{
    (void)state;
    size_t size = 0;
    write_kernel(7, 2);
    uint8_t *bytes = slurp(&size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x10;
        spill(bytes, size);
        const ch_code code = refusal(KEY);
        /* in the part that says what the file is, CH_ERROR_INPUT is right too */
        assert_true(code == CH_ERROR_IO || i < 16 + 8 * 3 + sizeof KEY - 1);
        bytes[i] ^= 0x10;
    }
    for (size_t length = 0; length < size; length++) {
        spill(bytes, length);
        assert_int_equal(refusal(KEY), length < 40 ? CH_ERROR_INPUT : CH_ERROR_IO);
    }
    uint8_t *longer = calloc(size + 1, 1);
    memcpy(longer, bytes, size);
    spill(longer, size + 1);
    assert_int_equal(refusal(KEY), CH_ERROR_IO);
    free(longer);
    free(bytes);
}

/* No memory is allocated for sizes that do not fit the file. */
static void sizes_are_not_believed(void **state)
{
    (void)state;
    size_t size = 0;
    write_kernel(7, 2);
    uint8_t *bytes = slurp(&size);
    static const uint64_t absurd[] = {UINT64_MAX, UINT64_C(1) << 62, UINT64_C(1) << 31, 0};
    for (size_t field = 0; field < 3; field++) {
        for (size_t k = 0; k < 4; k++) {
            uint64_t before;
            memcpy(&before, bytes + 16 + 8 * field, sizeof before);
            memcpy(bytes + 16 + 8 * field, &absurd[k], sizeof before);
            spill(bytes, size);
            alloc_fail_at(-1);
            assert_int_equal(refusal(KEY), CH_ERROR_IO);
            assert_true(alloc_bytes() < 10000);
            memcpy(bytes + 16 + 8 * field, &before, sizeof before);
        }
    }
    free(bytes);
}

static void foreign_files_are_refused(void **state)
{
    (void)state;
    static const char text[] = "this is a text of some length, more than a header has, and no kernel at all";
    size_t size = 0;
    spill((const uint8_t *)text, sizeof text);
    assert_int_equal(refusal(KEY), CH_ERROR_INPUT);
    spill((const uint8_t *)text, 0);
    assert_int_equal(refusal(KEY), CH_ERROR_INPUT);
    write_kernel(7, 2);
    assert_int_equal(refusal("another key"), CH_ERROR_INPUT);
    assert_int_equal(refusal("mlp width 8, data sign of seed 4"), CH_ERROR_INPUT);
    uint8_t *bytes = slurp(&size);
    bytes[8] = 2; /* the version */
    spill(bytes, size);
    assert_int_equal(refusal(KEY), CH_ERROR_INPUT);
    bytes[8] = 1;
    for (size_t i = 0; i < 2; i++) { /* the bytes of a number in the opposite order */
        const uint8_t byte = bytes[12 + i];
        bytes[12 + i] = bytes[15 - i];
        bytes[15 - i] = byte;
    }
    spill(bytes, size);
    assert_int_equal(refusal(KEY), CH_ERROR_INPUT);
    free(bytes);
}

static void says_why_it_cannot(void **state)
{
    (void)state;
    ch_kernel kernel = make_kernel(7, 2), other;
    ch_error err = {0};
    ch_stop stop = 1;
    const ch_watch watch = {.stop = &stop};
    bool found = false;
    assert_int_equal(ch_kernel_file_write(&kernel, "/nowhere/at/all", KEY, NULL, &err), CH_ERROR_IO);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
    /* its path is that of a folder */
    assert_int_equal(ch_kernel_file_write(&kernel, folder, KEY, NULL, &err), CH_ERROR_IO);
    assert_int_equal(ch_kernel_file_read(&other, folder, KEY, 7, 2, NULL, &found, &err), CH_ERROR_IO);
    assert_non_null(strstr(err.message, folder));
    write_kernel(7, 2);
    ch_kernel_free(&kernel);
    kernel = make_kernel(70, 9);
    assert_int_equal(ch_kernel_file_write(&kernel, path, KEY, &watch, &err), CH_ERROR_INTERRUPTED);
    assert_int_equal(ch_kernel_file_read(&other, path, KEY, 7, 2, &watch, &found, &err), CH_ERROR_INTERRUPTED);
    assert_true(!found && other.train == NULL);
    assert_int_equal(num_files(), 1);
    assert_int_equal(ch_kernel_file_read(&other, path, KEY, 7, 2, NULL, &found, NULL), CH_OK); /* the old file */
    assert_true(found);
    ch_kernel_free(&other);
    ch_kernel_free(&kernel);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    write_kernel(7, 2);
    ch_kernel kernel = make_kernel(8, 3);
    alloc_fail_at(0); /* fails for the folder's name, which is needed only to sync the folder */
    assert_int_equal(ch_kernel_file_write(&kernel, path, KEY, NULL, NULL), CH_OK);
    assert_int_equal(alloc_count(), 1);
    alloc_fail_at(-1);
    assert_int_equal(num_files(), 1);
    ch_kernel_free(&kernel);
    bool found = true;
    ch_error err;
    long failed;
    assert_failures_are_told(failed, ch_kernel_file_read(&kernel, path, KEY, 7, 2, NULL, &found, &err), err,
                             assert_true(!found && kernel.train == NULL));
    assert_int_equal(failed, 4); /* the key, two of the kernel, and a row */
    assert_true(found && kernel.train != NULL);
    ch_kernel_free(&kernel);
}

int main(void)
{
    /* suites: valgrind */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_written),       cmocka_unit_test(finds_only_what_is_there),
        cmocka_unit_test(keys_have_files_of_their_own), cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(sizes_are_not_believed),       cmocka_unit_test(foreign_files_are_refused),
        cmocka_unit_test(says_why_it_cannot),           cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("kernel file", tests, make_folder, remove_folder);
}
