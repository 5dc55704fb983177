/* available.h — the memory and the processors that the process may use. */
#ifndef CH_AVAILABLE_H
#define CH_AVAILABLE_H

#include <stddef.h>

/** Bytes that the process can have at most, whatever else is in use: the physical memory, or what is less of the limits
 *  of its control groups (versions 1 and 2), of its address space (RLIMIT_AS) and of its batch job (core/job.h). */
size_t ch_memory_limit(void);

/** Bytes that can be allocated now without taking memory from other programs.
 *
 *  On Linux this is what the system reports as available, or what is less of that which the process's control groups
 *  (versions 1 and 2), its address space and its batch job leave. On other systems it is the physical memory, of which
 *  other programs may use a part. */
size_t ch_memory_available(void);

/** The same for each of several processes of one program on this machine, which share equally what the limits of the
 *  system and of their common control groups leave. Limits of the process itself and of its share of a batch job are
 *  not divided.
 *  @param num_processes  >= 1 */
size_t ch_memory_available_to(size_t num_processes);

/** Number of processors for threads: the least of those of the process's affinity, of the quota of its control groups,
 *  rounded up, and of its batch job (core/job.h); at least 1. */
int ch_processors_available(void);

/** How many of `wanted` threads, the calling one among them, the process can have. It is found by starting them and
 *  ending them again, which takes some hundredths of a millisecond each. Where not all can be started the answer is
 *  half of those that can: memory for data is then left, and other threads, such as the one that keeps a sweep's
 *  claims, can still be started.
 *  @return at least 1 */
int ch_threads_available(int wanted);

/** The limit of the control group at `folder`: its memory.max, or memory.limit_in_bytes in version 1.
 *  @return SIZE_MAX where there is no limit */
size_t ch_memory_limit_of_group(const char *folder);

/** Bytes left under the limit of the control group at `folder`: the limit minus the memory of the group that the system
 *  cannot reclaim (`anon`, or in version 1 `total_rss`, in memory.stat).  @return SIZE_MAX where there is no limit */
size_t ch_memory_available_in_group(const char *folder);

/** Processors that the quota of the control group at `folder` is worth, rounded up: cpu.max, or cpu.cfs_quota_us over
 *  cpu.cfs_period_us in version 1.  @return SIZE_MAX where there is no quota */
size_t ch_processors_in_group(const char *folder);

#endif
