/* bench.h — what the parts of the bench share. */
#ifndef CH_BENCH_BENCH_H
#define CH_BENCH_BENCH_H

#include "core/core.h"
#include "tests/bench/hand_loop.h"
#include "tests/bench/page.h"
#include "tests/bench/process.h"
#include "tests/bench/summary.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/** What the bench was started with. */
typedef struct {
    const char *page;    /* page of Markdown that keeps what is found; NULL: it is printed only */
    const char *old;     /* an older build of the program; NULL: none is compared */
    const char *data;    /* folder of image data; NULL: none */
    const char *program; /* the program, which is beside the bench */
} bench_options;

extern bench_options bench_with;

static inline void must(ch_code code, const ch_error *err)
{
    if (code != CH_OK) {
        fprintf(stderr, "bench: %s\n", err->message);
        exit(1);
    }
}

/* The median of those that are not NaN, or NaN. Their order is lost. */
static inline double median(double *values, size_t count)
{
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(values[i])) {
            values[known++] = values[i];
        }
    }
    if (known == 0) {
        return (double)NAN;
    }
    gsl_sort(values, 1, known);
    return gsl_stats_median_from_sorted_data(values, 1, known);
}

/* Seconds of processor time, in which the time of other programs on the same core does not count. */
static inline double processor_time(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/** Chains of multiply-adds whose numbers stay in registers: no product of matrices can be faster. @return how many
 *  multiply-adds were done, of numbers in single or double precision */
double multiply_add_in_registers(size_t rounds);
double multiply_add_in_registers_f64(size_t rounds);

/* Multiply-adds in single precision that the core can do in a second at present. */
static inline double peak_rate(void)
{
    const double started = processor_time(), done = multiply_add_in_registers(1 << 23);
    return done / (processor_time() - started);
}

/** The bytes that one thread reads from memory in a second, in their order. */
double bench_bandwidth(void);

/** Makes a sweep into a new store, which is deleted.
 *  @param values    [num_values] names of settings and their values
 *  @param num_runs  out, may be NULL
 *  @param wall      out: seconds from start to end; may be NULL
 *  @return seconds of processor time of all threads */
double bench_time_sweep(const char *const (*values)[2], size_t num_values, int threads, size_t *num_runs, double *wall);

/** Makes a new name in the folder for temporary files.
 *  @param path    out [CH_BENCH_PATH]
 *  @param ending  e.g. ".npy" */
enum { CH_BENCH_PATH = 256 };
void bench_temporary(char *path, const char *ending);

/* ---- the parts ---- */

/** The machine: processor, caches, bandwidth, peak, compiler. */
void bench_machine(void);

/** The core's peak beside the rate of a matrix product; ends the bench where the two do not fit each other. */
void bench_peak(void);

/** Products of the sizes of a step of a multilayer perceptron, and a large one, beside OpenBLAS. */
void bench_products(void);

/** Steps of the perceptron's plain engine beside a hand-written loop and peers; the fast engine beside the plain one.
 */
void bench_engine(void);
void bench_fast(void);

/** Generation of data. */
void bench_data(void);

/** Whole commands on two threads beside one. */
void bench_threads(void);

/** Sweeps: short runs, and the published grid. */
void bench_small_runs(void);
void bench_grid(void);

/** What process 0 of a sweep that several processes share takes for a run. */
void bench_ranks(void);

/** Steps of SGD of networks, beside plain loops of peers and the core's peak. */
void bench_networks(void);

/** Samples that a network's fast engine tests late in training. */
void bench_idle(void);

/** Trainings from start to fitted, beside JAX. */
void bench_training(void);

/** Products of the Hessian against gradients. */
void bench_hessian(void);

/** The linearised twin's kernel against the core's peak, and a sweep on it. */
void bench_twin(void);

/** How processor time grows with P, d, the number of temperatures and threads. */
void bench_growth(void);

/** What the program does beside what an older build does. */
void bench_old(void);

#endif
