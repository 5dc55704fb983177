/* store_process_support.h — child processes that use a store, for tests. */
#ifndef CH_TESTS_STORE_PROCESS_SUPPORT_H
#define CH_TESTS_STORE_PROCESS_SUPPORT_H

#include "tests/store_support.h"

#include <sys/wait.h>

/* In a child: whatever assertion fails there shows as its exit status. */
static inline pid_t start(void (*work)(int), int argument)
{
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        work(argument);
        _exit(0);
    }
    return child;
}

static inline void assert_done(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static inline void require(bool condition, const ch_error *err)
{
    if (!condition) {
        printf("child: %s\n", err->message); /* through cmocka's pipe or terminal, whatever the file limits */
        fflush(stdout);
        _exit(1);
    }
}

#endif
