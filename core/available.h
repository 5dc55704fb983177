/* available.h — how much memory can still be allocated. */
#ifndef CH_AVAILABLE_H
#define CH_AVAILABLE_H

#include <stddef.h>

/** Bytes that can be allocated now without taking memory from other programs.
 *
 *  On Linux this is what the system reports as available, or what the limits of the process's control groups (version
 *  2) leave where that is less. On other systems it is the physical memory, of which other programs may use a part. */
size_t ch_memory_available(void);

/** Bytes left under the limit of the control group at `folder`. This is its memory.max minus the memory of the group
 *  that the system cannot reclaim (`anon` in memory.stat).  @return SIZE_MAX where there is no limit */
size_t ch_memory_available_in_group(const char *folder);

#endif
