/* minmax.h — the smaller and the larger of two sizes. */
#ifndef CH_MINMAX_H
#define CH_MINMAX_H

#include <stddef.h>

static inline size_t ch_size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t ch_size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

#endif
