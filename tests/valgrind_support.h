/* valgrind_support.h — skips cases of a test that take too long under valgrind. */
#ifndef CH_TESTS_VALGRIND_SUPPORT_H
#define CH_TESTS_VALGRIND_SUPPORT_H

#include "tests/support.h"

/* Ends a case as skipped where `make check-valgrind` runs it. It is for cases that count or integrate: they read the
 * same memory thousands of times, for which valgrind takes fifty times as long. Other cases of the same file read that
 * memory under valgrind. */
#define skip_under_valgrind()                                                                                          \
    do {                                                                                                               \
        if (getenv("CHITON_VALGRIND") != NULL) {                                                                       \
            skip();                                                                                                    \
        }                                                                                                              \
    } while (0)

#endif
