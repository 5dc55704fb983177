/* test_program_kernels.c — kernel files of twins, through the program. */
#include "tests/images_support.h"
#include "tests/program_support.h"

#include <glob.h>

#define TWINS "mlp --linear yes --depth 2 --dim 12 --width 16 --test 40 "
#define SWEPT TWINS "--train 32,70 --temp 2^-9,2^-5 --seed 0,1 -j 2 "
#define ONE   TWINS "--train 70 --temp 2^-9 "

/* The kernel files of one of the test's folders. The paths are valid until the next call. */
static glob_t kernels_of(const char *name)
{
    static glob_t found;
    char pattern[160];
    globfree(&found);
    snprintf(pattern, sizeof pattern, "%s/*", path_of(name));
    assert_true(glob(pattern, 0, NULL, &found) != GLOB_ABORTED);
    return found;
}

/* The one kernel file of a folder. */
static const char *kernel_of(const char *name)
{
    const glob_t found = kernels_of(name);
    assert_int_equal(found.gl_pathc, 1);
    return found.gl_pathv[0];
}

static ino_t inode_of(const char *path)
{
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    return about.st_ino;
}

static void assert_ends(int status, const char *line, const char *words)
{
    const int ended = chiton("%s", line);
    if (ended != status || strstr(err, words) == NULL) {
        fail_msg("%s: exit status %d, '%s' does not say '%s'", line, ended, err, words);
    }
}

/* What a run prints, without its seconds. */
static char *results_of(const char *line)
{
    assert_succeeds("run %s", line);
    char *seconds = strstr(out, "\n  seconds "), *copy = strdup(out);
    assert_true(seconds != NULL && copy != NULL);
    char *cut = copy + (seconds - out), *end = strchr(cut + 1, '\n');
    memmove(cut, end, strlen(end) + 1);
    return copy;
}

static void assert_same_results(const char *line, const char *other)
{
    char *one = results_of(line), *two = results_of(other);
    assert_string_equal(one, two);
    free(one);
    free(two);
}

static void test_results_are_those_without(void **state)
{
    (void)state;
    assert_succeeds("sweep " SWEPT "-o plain.db");
    assert_int_equal(num_files(), 1); /* without the option there are no kernel files */
    assert_succeeds("sweep " SWEPT "-o made.db --kernel-cache k");
    const glob_t made = kernels_of("k");
    assert_int_equal(made.gl_pathc, 2); /* one for each seed, and for both P */
    const ino_t one = inode_of(made.gl_pathv[0]), other = inode_of(made.gl_pathv[1]);
    assert_succeeds("sweep " SWEPT "-o read.db --kernel-cache k");
    assert_same_content(path_of("plain.db"), path_of("made.db"));
    assert_same_content(path_of("plain.db"), path_of("read.db"));
    const glob_t read = kernels_of("k");
    assert_int_equal(read.gl_pathc, 2);
    /* the files are not written again */
    assert_true(inode_of(read.gl_pathv[0]) == one && inode_of(read.gl_pathv[1]) == other);
}

static void test_a_larger_kernel_serves_and_replaces_a_smaller(void **state)
{
    (void)state;
    const char *const less = TWINS "--train 40 --temp 2^-9", *const more = TWINS "--train 90 --temp 2^-9";
    char line[256];
    snprintf(line, sizeof line, "%s --kernel-cache k", less);
    assert_same_results(less, line); /* computes the kernels */
    const size_t small = size_of(kernel_of("k"));
    snprintf(line, sizeof line, "%s --kernel-cache k", more);
    assert_same_results(more, line);
    const size_t large = size_of(kernel_of("k"));
    assert_int_equal(large - small, 4 * (90 * (90 + 40) - 40 * (40 + 40)));
    const ino_t before = inode_of(kernel_of("k"));
    snprintf(line, sizeof line, "%s --kernel-cache k", less);
    assert_same_results(less, line); /* reads the kernels */
    assert_int_equal(inode_of(kernel_of("k")), before);
    assert_int_equal(size_of(kernel_of("k")), large);
}

/* The kernel of other images has another file. */
static void test_images_are_part_of_the_key(void **state)
{
    (void)state;
    static const char line[] = "simple_cnn --width 1 --linear yes --data mnist_parity --train 20 --test 5 --temp 2^-9";
    char cached[256];
    assert_int_equal(setenv("CHITON_DATA", folder, 1), 0);
    make_subfolder("mnist");
    write_mnist("mnist/t10k-images-idx3-ubyte", "mnist/t10k-labels-idx1-ubyte", 0, 40);
    snprintf(cached, sizeof cached, "%s --kernel-cache k", line);
    assert_same_results(line, cached);
    assert_same_results(line, cached);
    assert_int_equal(kernels_of("k").gl_pathc, 1);
    write_mnist("mnist/t10k-images-idx3-ubyte", "mnist/t10k-labels-idx1-ubyte", 1, 40);
    assert_same_results(line, cached);
    assert_int_equal(kernels_of("k").gl_pathc, 2);
    unsetenv("CHITON_DATA");
}

/* ---- what is not to be used ---- */

static void test_damage_is_refused(void **state)
{
    (void)state;
    char wanted[256];
    assert_succeeds("run " ONE "--kernel-cache k");
    const char *path = kernel_of("k");
    FILE *file = fopen(path, "r+b");
    assert_true(file != NULL && fseek(file, -100, SEEK_END) == 0);
    const int byte = fgetc(file) ^ 1;
    assert_true(fseek(file, -100, SEEK_END) == 0 && fputc(byte, file) == byte && fclose(file) == 0);
    snprintf(wanted, sizeof wanted, "chiton: the kernel file k/%s is damaged; remove it", strrchr(path, '/') + 1);
    assert_ends(1, "run " ONE "--kernel-cache k", wanted);
    assert_string_equal(out, "");
    assert_ends(1, "sweep " SWEPT "-o a.db --kernel-cache k", "is damaged; remove it, and the kernel will be computed");
    assert_int_equal(truncate(path, 50), 0);
    assert_ends(1, "run " ONE "--kernel-cache k", wanted);
    write_file(path, "no kernel", 9);
    assert_ends(2, "run " ONE "--kernel-cache k", "is no kernel file; remove it");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_ends(1, "run " ONE "--kernel-cache k", "chiton: cannot read the kernel file k/kernel-");
    assert_int_equal(rmdir(path), 0);
    assert_same_results(ONE, ONE "--kernel-cache k");
}

/* The kernel file of other settings is refused, as where a file was renamed. */
static void test_other_settings_are_refused(void **state)
{
    (void)state;
    char aside[192];
    assert_succeeds("run " ONE "--seed 1 --kernel-cache k");
    snprintf(aside, sizeof aside, "%s", path_of("aside"));
    assert_int_equal(rename(kernel_of("k"), aside), 0);
    assert_succeeds("run " ONE "--kernel-cache k");
    assert_int_equal(rename(aside, kernel_of("k")), 0);
    assert_ends(2, "run " ONE "--kernel-cache k", "is of other settings than its name says; remove it");
}

static void test_folders_that_are_none(void **state)
{
    (void)state;
    write_text("file", "");
    assert_ends(2, "run " ONE "--kernel-cache file", "chiton: file is no folder, and kernel files want one\n");
    assert_ends(2, "run " ONE "--kernel-cache ''", "chiton: the folder of kernel files has no name");
    assert_ends(2, "run " ONE "--kernel-cache file/k",
                "chiton: cannot make the folder file/k of kernel files: file is no folder\n");
    assert_ends(2, "sweep " SWEPT "-o a.db --kernel-cache not/there",
                "cannot make the folder not/there of kernel files: the folder not does not exist\n");
    assert_ends(2, "sweep " SWEPT "-o not/there.db --kernel-cache k", "the folder not does not exist\n");
    assert_ends(2, "run mlp --temp 1 --kernel-cache k", "kernel-cache is k, but there is no run with linear = yes");
    assert_ends(2, "sweep mlp --temp 1 -o a.db --kernel-cache k", "accepted is to leave it out");
    assert_ends(2, "sweep mlp --temp 1 --dry-run --kernel-cache k", "accepted is to leave it out");
    assert_succeeds("sweep mlp --linear no,yes --temp 1 --kernel-cache k --dry-run");
    assert_int_equal(num_files(), 1);
}

static void test_a_full_disk_is_said(void **state)
{
    (void)state;
    const int status = finish(start("run " ONE "--kernel-cache k", &(surroundings){.file_size = 20000}));
    assert_int_equal(status, 1);
    assert_says(err, "chiton: cannot write the kernel file k/kernel-");
    assert_says(err, "choose a folder with room");
    assert_int_equal(kernels_of("k").gl_pathc, 0); /* no file is left */
}

/* ---- two at once ---- */

static void test_two_processes_share_a_folder(void **state)
{
    (void)state;
    const surroundings quiet = {.out = "/dev/null", .err = "/dev/null"};
    assert_succeeds("sweep " SWEPT "-o plain.db");
    for (int round = 0; round < 5; round++) {
        const pid_t one = start("sweep " SWEPT "-o one.db --kernel-cache k", &quiet);
        const pid_t other = start("sweep " SWEPT "-o other.db --kernel-cache k", &quiet);
        int status = 0;
        assert_true(waitpid(one, &status, 0) == one && status == 0);
        assert_true(waitpid(other, &status, 0) == other && status == 0);
        assert_same_content(path_of("plain.db"), path_of("one.db"));
        assert_same_content(path_of("plain.db"), path_of("other.db"));
        const glob_t files = kernels_of("k");
        assert_int_equal(files.gl_pathc, 2);
        assert_int_equal(unlink(files.gl_pathv[0]) | unlink(files.gl_pathv[1]), 0);
        assert_int_equal(unlink(path_of("one.db")) | unlink(path_of("other.db")), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_results_are_those_without),  STORE_TEST(test_a_larger_kernel_serves_and_replaces_a_smaller),
        STORE_TEST(test_images_are_part_of_the_key), STORE_TEST(test_damage_is_refused),
        STORE_TEST(test_other_settings_are_refused), STORE_TEST(test_folders_that_are_none),
        STORE_TEST(test_a_full_disk_is_said),        STORE_TEST(test_two_processes_share_a_folder),
    };
    return cmocka_run_group_tests_name("program, kernels", tests, locate_program, NULL);
}
