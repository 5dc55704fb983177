/* alloc_fail.h — makes the k-th allocation fail, to prove that every function survives it. Linux only.
 *
 * The program must be linked with ALLOC_FAIL_LDFLAGS of the Makefile (-Wl,--wrap=malloc and its kin): calls made from
 * the objects linked in, the library's and the test's, are counted; those inside shared libraries are not.
 */
#ifndef CH_TESTS_ALLOC_FAIL_H
#define CH_TESTS_ALLOC_FAIL_H

#include "core/error.h"

#include <stddef.h>

/** Lets the k-th allocation from now fail, once, counted from 0; never for k < 0. Restarts the count. */
void alloc_fail_at(long k);

/** Allocations asked for since the last alloc_fail_at, failed ones too. */
long alloc_count(void);

/** Bytes asked for since then. */
size_t alloc_bytes(void);

/** Lets every allocation of a call fail in its turn, then none, and asserts that each failure is told: a call that goes
 *  on as if it had its memory is found out.
 *
 *  @param failed   long, out: how many allocations failed in their turns
 *  @param call     expression of type ch_code that fills `err`
 *  @param err      ch_error
 *  @param release  what frees that which a failed call left; done twice. What the last call made is the caller's. */
#define assert_failures_are_told(failed, call, err, release)                                                           \
    do {                                                                                                               \
        for ((failed) = 0;; (failed)++) {                                                                              \
            (err) = (ch_error){0};                                                                                     \
            alloc_fail_at(failed);                                                                                     \
            const ch_code told_code = (call);                                                                          \
            const long told_count = alloc_count();                                                                     \
            alloc_fail_at(-1);                                                                                         \
            if (told_count <= (failed)) {                                                                              \
                assert_int_equal(told_code, CH_OK);                                                                    \
                break;                                                                                                 \
            }                                                                                                          \
            assert_int_equal(told_code, CH_ERROR_MEMORY);                                                              \
            assert_int_equal((err).code, CH_ERROR_MEMORY);                                                             \
            release;                                                                                                   \
            release;                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
