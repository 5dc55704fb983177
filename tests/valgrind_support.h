/* valgrind_support.h — which cases of a test are left out under valgrind. */
#ifndef CH_TESTS_VALGRIND_SUPPORT_H
#define CH_TESTS_VALGRIND_SUPPORT_H

#include "tests/support.h"

/* Ends a case here, as skipped, where `make check-valgrind` runs it. For cases that count or integrate: they read the
 * same memory thousands of times, and valgrind takes fifty times as long. Other cases of their file read it under
 * valgrind. */
#define skip_under_valgrind()                                                                                          \
    do {                                                                                                               \
        if (getenv("CHITON_VALGRIND") != NULL) {                                                                       \
            skip();                                                                                                    \
        }                                                                                                              \
    } while (0)

#endif
