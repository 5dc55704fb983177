/* available.h — how much memory there is to be had. */
#ifndef CH_AVAILABLE_H
#define CH_AVAILABLE_H

#include <stddef.h>

/** Bytes that can be allocated now without driving anything out of memory: on Linux what the system says is available,
 *  within the limits of the process's control groups (version 2); elsewhere the physical memory, of which others may
 *  use a part. */
size_t ch_memory_available(void);

/** Bytes left under the limit of the control group at `folder`: its memory.max less what the group holds that cannot be
 *  dropped (`anon` of memory.stat); SIZE_MAX where there is no limit. */
size_t ch_memory_available_in_group(const char *folder);

#endif
