/* pages_support.h — a folder for a test's figures, what a page says, and the program's `plot` in a shell. */
#ifndef CH_TESTS_PAGES_SUPPORT_H
#define CH_TESTS_PAGES_SUPPORT_H

#include "cli/cli.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[256];

static inline int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/chiton-plots.XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static inline int remove_directory(void **state)
{
    char command[300];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command) == 0 ? 0 : -1;
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

/* ---- pages in the folder ---- */

static inline void remove_page(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_int_equal(unlink(path), 0);
}

/* Reads a file of the test's directory as a string to be freed; NULL when it is missing. */
static inline char *read_page(const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    char *text = calloc(1, 1 << 22);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 22) - 1, file) > 0);
    fclose(file);
    return text;
}

/* Requires that a page has all texts of one list and none of another. Both lists end with NULL. */
static inline void check_page(const char *name, const char *const *says, const char *const *lacks)
{
    char *text = read_page(name);
    if (text == NULL) {
        fail_msg("%s was not drawn", name);
        return;
    }
    assert_non_null(strstr(text, "</svg>"));
    for (; *says != NULL; says++) {
        if (strstr(text, *says) == NULL) {
            fail_msg("%s does not say \"%s\"", name, *says);
        }
    }
    for (; *lacks != NULL; lacks++) {
        if (strstr(text, *lacks) != NULL) {
            fail_msg("%s says \"%s\"", name, *lacks);
        }
    }
    free(text);
}

static const char *const nothing[] = {NULL};

/* ---- the program ---- */

static inline void make_store(const ch_run_table *table)
{
    char path[300];
    ch_store store;
    ch_error err = {0};
    snprintf(path, sizeof path, "%s/s", directory);
    if (ch_store_open(&store, path, CH_STORE_WRITE, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    for (size_t r = 0; r < table->count; r++) {
        if (ch_store_put(&store, &table->runs[r], &err) != CH_OK) {
            fail_msg("%s", err.message);
        }
    }
    ch_store_close(&store);
}

/* Runs a shell line with $C for the program and $D for the test's directory.
 * @param said  out: what it printed, on both streams
 * @return the exit status */
static inline int shell(const char *line, char *said, size_t size)
{
    const char *program = getenv("CHITON");
    char command[2048];
    snprintf(command, sizeof command, "C='%s' D='%s'; { %s ; } 2>&1", program != NULL ? program : "build/chiton",
             directory, line);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    said[fread(said, 1, size - 1, pipe)] = '\0';
    const int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static inline void expect(const char *line, int status, const char *says)
{
    static char said[1 << 16];
    const int got = shell(line, said, sizeof said);
    if (got != status || strstr(said, says) == NULL) {
        fail_msg("%s: exit %d, expected %d and \"%s\"; it said: %s", line, got, status, says, said);
    }
}

#endif
