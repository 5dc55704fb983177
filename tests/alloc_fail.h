/* alloc_fail.h — makes the k-th allocation fail, to prove that every function survives it. It works on Linux only.
 *
 * The program must be linked with ALLOC_FAIL_LDFLAGS of the Makefile (-Wl,--wrap=malloc and others). Allocations are
 * counted in the objects that are linked in, which are the library's and the test's. Allocations inside shared
 * libraries are not counted. */
#ifndef CH_TESTS_ALLOC_FAIL_H
#define CH_TESTS_ALLOC_FAIL_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>

/** Makes allocation number k from now fail, once. k counts from 0; for k < 0 none fails. The counts of allocations and
 *  bytes start again from 0. */
void alloc_fail_at(long k);

/** The number of allocations since the last alloc_fail_at, including those that failed. */
long alloc_count(void);

/** The number of bytes that these allocations asked for. */
size_t alloc_bytes(void);

/** Makes one allocation fail: the first of those from number k on whose way of calls has failed less than `most` times.
 *  A way is the list of functions that called one another down to the allocation. What a loop allocates in its
 *  hundredth round thus fails no more, since it failed in the first rounds, once with nothing to free of an earlier
 *  round and once with something. k = 0 forgets the ways that failed. */
void alloc_fail_by_way(long k, int most);

/** Counts an allocation of another allocator, e.g. SQLite's, and says whether it is to fail. */
bool alloc_fails(size_t size);

/** The number of the allocation that failed since alloc_fail_by_way, or -1. */
long alloc_failed(void);

/** Calls a function again and again, with its allocations failing in turn as by alloc_fail_by_way, until no allocation
 *  fails. Requires that every failure is reported, so that a function which goes on without its memory is found.
 *
 *  @param failed   long, out: the number of allocations that failed in turn
 *  @param call     expression of type ch_code that fills `err`
 *  @param err      ch_error
 *  @param release  frees what a failed call left, and is executed twice. What the last call made belongs to the caller.
 */
#define assert_failures_are_told(failed, call, err, release)                                                           \
    do {                                                                                                               \
        long told_at = -1;                                                                                             \
        for ((failed) = 0;; (failed)++) {                                                                              \
            (err) = (ch_error){0};                                                                                     \
            alloc_fail_by_way(told_at + 1, 12);                                                                        \
            const ch_code told_code = (call);                                                                          \
            told_at = alloc_failed();                                                                                  \
            alloc_fail_at(-1);                                                                                         \
            if (told_at < 0) {                                                                                         \
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
