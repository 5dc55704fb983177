/* bench.h — what the parts of the bench share. */
#ifndef CH_BENCH_BENCH_H
#define CH_BENCH_BENCH_H

#include "core/core.h"
#include "tests/bench/hand_loop.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

/* Seconds of processor time, in which the time of other programs on the same core does not count. */
static inline double processor_time(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/** Chains of multiply-adds whose numbers stay in registers: no product of matrices can be faster. @return how many
 *  multiply-adds were done, of numbers in single precision */
double multiply_add_in_registers(size_t rounds);

/* Multiply-adds that the core can do in a second at present. */
static inline double peak_rate(void)
{
    const double started = processor_time(), done = multiply_add_in_registers(1 << 23);
    return done / (processor_time() - started);
}

/** The core's peak beside the rate of a matrix product; ends the bench where the two do not fit each other. */
void bench_peak(void);

/** Steps of SGD of networks, against a plain PyTorch loop and against the core's peak. */
void bench_networks(void);

/** Products of the Hessian against gradients. */
void bench_hessian(void);

/** What process 0 of a sweep that several processes share takes for a run. */
void bench_ranks(void);

/** The linearised twin's kernel against the core's peak, and a sweep on it. */
void bench_twin(void);

#endif
