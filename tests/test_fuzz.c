/* test_fuzz.c — gives every target of fuzzing the bytes of its corpus, and of each piece that they begin with. */
#define _GNU_SOURCE 1 /* asprintf, memfd_create */
/* the targets are no library of the tests' own */
#include "tests/fuzz/http.c"
#include "tests/fuzz/states.c"
#include "tests/fuzz/stores.c"
#include "tests/fuzz/targets.c"
#include "tests/support.h"

#include <dirent.h>
#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <string.h>

enum { MOST_BYTES = 1 << 16, MOST_PIECES = 8 };

/* Runs a target on a file, and on shorter and shorter beginnings of it. */
static void replay(const fuzz_target *target, const char *path)
{
    static uint8_t bytes[MOST_BYTES];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    assert_int_equal(fclose(file), 0);
    for (size_t piece = 0; piece < MOST_PIECES; piece++) {
        target->run(bytes, size - size * piece / MOST_PIECES);
    }
}

static void test_corpora(void **state)
{
    (void)state;
    for (const fuzz_target *target = fuzz_targets; target->name != NULL; target++) {
        char folder[128], path[512];
        size_t count = 0;
        snprintf(folder, sizeof folder, "tests/fuzz/%s", target->name);
        DIR *entries = opendir(folder);
        if (entries == NULL) {
            fail_msg("%s: tests run in the project's folder", folder);
        }
        for (const struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
            if (entry->d_name[0] != '.') {
                snprintf(path, sizeof path, "%s/%.255s", folder, entry->d_name);
                replay(target, path);
                count++;
            }
        }
        closedir(entries);
        assert_true(count > 0);
    }
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_corpora)};
    return cmocka_run_group_tests_name("fuzzing's corpora", tests, NULL, NULL);
}
