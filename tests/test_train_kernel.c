/* test_train_kernel.c — kernels of twins as training sets: keys of their files, memory, failing allocations. */
#include "core/available.h"
#include "sim/train_kernel.h"

#include "core/memory.h"
#include "models/network/precision.h"
#include "models/tangent/layerwise.h"
#include "sim/train.h"
#include "sim/train_set.h"
#include "tests/alloc_fail.h"
#include "tests/store_support.h"
#include "tests/support.h"
#include "tests/train_support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>

/* ---- keys ---- */

static void assert_keys(const char *one, const char *other, bool same)
{
    const ch_resolved a = resolved_of(one), b = resolved_of(other);
    char *left = ch_train_kernel_key(&a), *right = ch_train_kernel_key(&b);
    assert_true(left != NULL && right != NULL);
    if ((strcmp(left, right) == 0) != same) {
        fail_msg("%s and %s: %s", one, other, left);
    }
    /* Two sets of a process never have the same file. */
    const ch_train_key set = ch_train_key_of(&a), set_too = ch_train_key_of(&b);
    assert_true((ch_train_key_compare(&set, &set_too) == 0) == same);
    free(left);
    free(right);
}

#define TWIN "model=mlp linear=yes temp=1 train=100 "

static void test_keys_have_what_entries_depend_on(void **state)
{
    (void)state;
    static const char *const differ[] = {"width=7",     "depth=4",     "activation=gelu", "data=sphere",
                                         "chi=0.1",     "dim=127",     "teacher=random",  "test=3",
                                         "seed_data=1", "seed_init=1", "seed=1",          "data=random_sign"};
    static const char *const same[] = {"train=3",         "alpha=2",      "batch=7",       "rate=3",
                                       "dynamics=gd",     "seed_batch=1", "max_steps=100", "max_updates=7",
                                       "max_seconds=0.5", "engine=fast",  "record=7",      "dynamics=unfitted"};
    for (size_t i = 0; i < sizeof differ / sizeof *differ; i++) {
        char text[160];
        snprintf(text, sizeof text, TWIN "%s", differ[i]);
        assert_keys("model=mlp linear=yes temp=1 train=100", text, false);
    }
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        char text[160];
        snprintf(text, sizeof text, "model=mlp linear=yes %s%s", strncmp(same[i], "rate", 4) == 0 ? "" : "temp=1 ",
                 same[i]);
        assert_keys("model=mlp linear=yes temp=1 train=100", text, true);
    }
    assert_keys(TWIN "chi=0.1", TWIN "chi=0.10000000000000002", false); /* values that differ in the last bit */
    assert_keys(TWIN "dim=64", "model=mlp_bias linear=yes temp=1 dim=64", false);
    assert_keys("model=perceptron linear=yes temp=1", "model=perceptron linear=yes temp=1 alpha=3", true);
}

static void test_keys_of_images_have_their_digest(void **state)
{
    (void)state;
    ch_resolved resolved = resolved_of(TWIN "data=mnist_parity data_dir=x");
    const ch_settings *settings = &resolved.settings;
    memset(resolved.settings.data_digest, 'a', sizeof settings->data_digest - 1);
    char *key = ch_train_kernel_key(&resolved);
    char wanted[128];
    snprintf(wanted, sizeof wanted, "data_digest=%s\n", settings->data_digest);
    assert_non_null(strstr(key, wanted));
    assert_null(strstr(key, "chi="));
    assert_null(strstr(key, "data_dir="));
    free(key);
}

/* ---- memory ---- */

/* All memory that is asked for while a set is made is accounted for, apart from the workspaces of threads. Where test
 * samples have a part of the kernel, which is made after the other part, the workspace is allocated twice. Where there
 * are none, half of it is not used. */
static void test_memory_is_what_is_asked_for(void **state)
{
    (void)state;
    skip_under_valgrind();
    static const char *const texts[] = {
        "model=mlp linear=yes temp=1 train=3000 dim=20 width=8 depth=2",
        "model=mlp_bias linear=yes temp=1 train=2500 dim=50 width=32 depth=3",
        "model=mlp linear=yes temp=1 train=2500 test=1500 dim=20 width=8 depth=2",
        "model=perceptron linear=yes temp=1 train=3001 dim=100",
    };
    const double overhead = 8192, pages = 4 << 21; /* rows are rounded up to huge pages */
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const ch_resolved resolved = resolved_of(texts[i]);
        const ch_network_spec spec = ch_settings_network(&resolved.settings);
        const size_t num_train = (size_t)resolved.settings.train;
        ch_architecture architecture;
        ch_train_set set;
        assert_int_equal(ch_architecture_init(&architecture, &spec, NULL), CH_OK);
        const double workspace = 2 * ((double)ch_passes_bytes(&architecture, false, 32) + (256 << 10));
        const double side = (double)ch_layerwise_bytes(&architecture, num_train);
        const double bytes = (double)ch_train_set_bytes(&resolved, num_train, resolved.settings.engine);
        alloc_fail_at(-1);
        assert_int_equal(ch_train_set_init(&set, &resolved, NULL, num_train, 1, NULL, NULL), CH_OK);
        const double asked = (double)alloc_bytes();
        assert_in(asked, bytes - side, bytes + (resolved.settings.test > 0 ? side : 0) + workspace + overhead + pages);
        assert_int_equal(set.kernel.num_train, num_train);
        ch_train_set_free(&set);
        ch_architecture_free(&architecture);
    }
}

/* The least memory that suffices is less than the memory that makes a kernel fastest, which includes the kernel itself.
 */
static void test_least_memory(void **state)
{
    (void)state;
    const ch_resolved resolved = resolved_of("model=mlp linear=yes temp=1 train=65 test=10");
    const size_t least = ch_train_kernel_least_bytes(&resolved, 65), best = ch_train_kernel_bytes(&resolved, 65);
    assert_true(least < best);
    assert_true(least > ch_kernel_bytes(65, 10) + ch_examples_bytes(65, 128) + ch_examples_bytes(10, 128));
    assert_int_equal(ch_kernel_bytes(65, 10), 4 * 75 * 128);
    assert_true(ch_train_kernel_least_bytes(&resolved, SIZE_MAX / 8) == SIZE_MAX);
    assert_true(ch_train_kernel_bytes(&resolved, SIZE_MAX / 8) == SIZE_MAX);
}

/* The message names the largest P that is accepted. */
static void test_what_does_not_fit_is_refused(void **state)
{
    (void)state;
    const ch_resolved resolved = resolved_of("model=mlp linear=yes temp=1 train=2000 test=100");
    for (uint64_t train = 1; train <= 2000; train += is_under_valgrind() ? 370 : 37) {
        const size_t bytes = ch_train_kernel_least_bytes(&resolved, (size_t)train);
        ch_error err = {0};
        char words[64];
        assert_int_equal(ch_train_kernel_check_memory(&resolved, train, bytes, CH_ERROR_INPUT, &err), CH_OK);
        const ch_code code = ch_train_kernel_check_memory(&resolved, 2001, bytes, CH_ERROR_INPUT, &err);
        assert_int_equal(code, CH_ERROR_INPUT);
        snprintf(words, sizeof words, "accepted is train up to %d, which fits the ", (int)train);
        assert_non_null(strstr(err.message, words));
        assert_non_null(strstr(err.message, "train is 2001 and test is 100: "));
        assert_non_null(strstr(err.message, "that this machine has"));
    }
    ch_error err = {0};
    assert_int_equal(ch_train_kernel_check_memory(&resolved, 5, 100, CH_ERROR_MEMORY, &err), CH_ERROR_MEMORY);
    assert_non_null(strstr(err.message, "accepted is a smaller test or width"));
    assert_non_null(strstr(err.message, "that are free"));
}

/* A kernel that fits the machine but not its free memory is refused before anything is made. The raised flag would
 * otherwise end the making. */
static void test_what_is_not_free_is_not_taken(void **state)
{
    (void)state;
    ch_resolved resolved = resolved_of("model=mlp linear=yes temp=1");
    ch_train_set set;
    ch_stop stop = 1;
    const ch_watch watch = {.stop = &stop};
    ch_error err = {0};
    const size_t limit = ch_memory_limit();
    resolved.settings.train = 1;
    for (uint64_t step = UINT64_C(1) << 40; step > 0; step /= 2) {
        const size_t bytes = ch_train_kernel_least_bytes(&resolved, (size_t)(resolved.settings.train + step));
        resolved.settings.train += bytes < limit ? step : 0;
    }
    resolved.settings.train -= resolved.settings.train / 1000 + 1; /* the run takes a little beside its kernel */
    assert_int_equal(ch_admit(&resolved, &err), CH_OK);
    assert_int_equal(ch_train_set_init(&set, &resolved, NULL, (size_t)resolved.settings.train, 1, &watch, &err),
                     CH_ERROR_MEMORY);
    assert_non_null(strstr(err.message, "accepted is train up to "));
    assert_true(set.num_samples == 0);
}

/* ---- failing ---- */

static void assert_allocations_are_survived(const ch_resolved *resolved, ch_sources *sources, long least)
{
    ch_train_set set;
    ch_error err = {0};
    long failed = 0;
    for (;; failed++) {
        alloc_fail_at(failed);
        const ch_code code = ch_train_set_init(&set, resolved, sources, 70, 1, NULL, &err);
        alloc_fail_at(-1);
        if (code == CH_OK) {
            break;
        }
        assert_int_equal(code, CH_ERROR_MEMORY);
        assert_true(set.kernel.train == NULL && set.train.inputs == NULL && set.num_samples == 0);
        ch_train_set_free(&set);
    }
    assert_true(failed >= least);
    assert_true(set.norm_init > 0);
    ch_train_set_free(&set);
    ch_train_set_free(&set);
}

static void test_failing_allocations_are_survived(void **state)
{
    (void)state;
    const ch_resolved resolved = resolved_of("model=mlp linear=yes temp=1 train=70 test=9 dim=5 width=6 depth=2");
    ch_sources none = {0}, kept = {.kernel_folder = folder};
    assert_allocations_are_survived(&resolved, &none, 8);
    assert_allocations_are_survived(&resolved, &kept, 8); /* the last call writes the file */
    assert_allocations_are_survived(&resolved, &kept, 4); /* and these calls read it */
}

static void test_a_flag_ends_it(void **state)
{
    (void)state;
    const ch_resolved resolved = resolved_of("model=mlp linear=yes temp=1 train=70 dim=5 width=6 depth=2");
    ch_sources kept = {.kernel_folder = folder};
    ch_stop stop = 1;
    const ch_watch watch = {.stop = &stop};
    ch_train_set set;
    assert_int_equal(ch_train_set_init(&set, &resolved, &kept, 70, 1, &watch, NULL), CH_ERROR_INTERRUPTED);
    assert_true(set.kernel.train == NULL && set.num_samples == 0);
    stop = 0;
    assert_int_equal(ch_train_set_init(&set, &resolved, &kept, 70, 1, &watch, NULL), CH_OK);
    ch_train_set_free(&set);
    stop = 1;
    assert_int_equal(ch_train_set_init(&set, &resolved, &kept, 70, 1, &watch, NULL), CH_ERROR_INTERRUPTED);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_have_what_entries_depend_on),
        cmocka_unit_test(test_keys_of_images_have_their_digest),
        cmocka_unit_test(test_memory_is_what_is_asked_for),
        cmocka_unit_test(test_least_memory),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
        cmocka_unit_test(test_what_is_not_free_is_not_taken),
        STORE_TEST(test_failing_allocations_are_survived),
        STORE_TEST(test_a_flag_ends_it),
    };
    return cmocka_run_group_tests_name("train kernel", tests, NULL, NULL);
}
