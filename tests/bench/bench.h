/* bench.h — what the parts of the bench share. */
#ifndef CH_BENCH_BENCH_H
#define CH_BENCH_BENCH_H

#include "core/core.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <stdio.h>
#include <stdlib.h>

static inline void must(ch_code code, const ch_error *err)
{
    if (code != CH_OK) {
        fprintf(stderr, "bench: %s\n", err->message);
        exit(1);
    }
}

static inline double median(double *values, size_t count)
{
    gsl_sort(values, 1, count);
    return gsl_stats_median_from_sorted_data(values, 1, count);
}

/** Steps of SGD of networks, against a plain PyTorch loop and against the core's peak. */
void bench_networks(void);

#endif
