/* alloc_fail.h — makes the k-th allocation fail, to prove that every function survives it. Linux only.
 *
 * The program must be linked with ALLOC_FAIL_LDFLAGS of the Makefile (-Wl,--wrap=malloc and its kin): calls made from
 * the objects linked in, the library's and the test's, are counted; those inside shared libraries are not.
 */
#ifndef CH_TESTS_ALLOC_FAIL_H
#define CH_TESTS_ALLOC_FAIL_H

#include <stddef.h>

/** Lets the k-th allocation from now fail, once, counted from 0; never for k < 0. Restarts the count. */
void alloc_fail_at(long k);

/** Allocations asked for since the last alloc_fail_at, failed ones too. */
long alloc_count(void);

/** Bytes asked for since then. */
size_t alloc_bytes(void);

#endif
