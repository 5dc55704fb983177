/* valgrind_support.h — makes tests shorter under valgrind, which takes fifty times as long as the native build.
 *
 * What valgrind sees and no sanitizer does is memory that is read before it is written. One pass through the code shows
 * that, so cases that repeat it with other numbers, that count, or that compare threads are left to the other builds.
 */
#ifndef CH_TESTS_VALGRIND_SUPPORT_H
#define CH_TESTS_VALGRIND_SUPPORT_H

#include "tests/support.h"

/* Whether `make check-valgrind` runs the test. */
static inline bool is_under_valgrind(void)
{
    return getenv("CHITON_VALGRIND") != NULL;
}

/* Ends a case as skipped under valgrind. Other cases of the same file, or of another one, read the same memory. */
#define skip_under_valgrind()                                                                                          \
    do {                                                                                                               \
        if (is_under_valgrind()) {                                                                                     \
            skip();                                                                                                    \
        }                                                                                                              \
    } while (0)

#endif
