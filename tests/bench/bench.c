/* bench.c — how fast chiton is, as ratios measured in one run.
 *
 * Machines are shared and noisy: what is compared runs alternately, and the median of the ratios is what counts.
 */
#include "hand_loop.h"

#include "perceptron/perceptron.h"
#include "sim/sim.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(ch_code code, const ch_error *err)
{
    if (code != CH_OK) {
        fprintf(stderr, "bench: %s\n", err->message);
        exit(1);
    }
}

static double median(double *values, size_t count)
{
    gsl_sort(values, 1, count);
    return gsl_stats_median_from_sorted_data(values, 1, count);
}

/* ---- the plain engine against a hand-written loop ---- */

typedef struct {
    size_t dim, num_samples;
    double chi, rate;
} engine_point;

/* Nanoseconds a step of either, on the same data and the same random numbers: both must find the same t*. */
static void time_engine(const engine_point *point, uint64_t seed, double *plain, double *hand)
{
    const ch_data_law law = {.chi = point->chi, .dim = point->dim, .seed = seed};
    ch_error err = {0};
    ch_sample_set set;
    must(ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, point->num_samples, 1, NULL, &err), &err);
    const ch_perceptron_setup setup = {
        .train = &set,
        .num_samples = point->num_samples,
        .chi = point->chi,
        .kappa = 0x1p-15,
        .rate = point->rate,
        .batch = 2,
        .seed_batch = seed,
    };
    ch_perceptron model;
    must(ch_perceptron_init(&model, &setup, &err), &err);
    const ch_limit no_limit = {.steps = UINT64_MAX, .updates = UINT64_MAX};
    double started = ch_clock_now();
    model.learner.advance(&model.learner, &no_limit);
    const ch_progress progress = model.learner.progress;
    *plain = (ch_clock_now() - started) / (double)progress.steps * 1e9;
    ch_perceptron_free(&model);

    uint64_t steps = 0;
    double *weights = ch_alloc(set.stride, sizeof *weights);
    started = ch_clock_now();
    const uint64_t last =
        hand_loop(set.rows, point->num_samples, point->dim, point->rate, 0x1p-15, seed, weights, &steps);
    *hand = (ch_clock_now() - started) / (double)steps * 1e9;
    if (last != progress.last_update) {
        fprintf(stderr, "bench: the hand-written loop ended at step %llu, the engine at %llu\n",
                (unsigned long long)last, (unsigned long long)progress.last_update);
        exit(1);
    }
    free(weights);
    ch_sample_set_free(&set);
}

static void bench_engine(void)
{
    static const engine_point points[] = {{16, 1024, 0, 0.25}, {128, 1024, 0, 0.25}, {128, 16384, 1, 0.25}};
    enum { REPEATS = 41 };
    puts("plain engine against a hand-written loop, B = 2, one thread (at most 1.10)");
    puts("    d      P   engine ns/step   by hand ns/step   ratio");
    for (size_t k = 0; k < 3; k++) {
        double plain[REPEATS], hand[REPEATS], ratio[REPEATS];
        for (uint64_t i = 0; i < REPEATS; i++) {
            time_engine(&points[k], i, &plain[i], &hand[i]);
            ratio[i] = plain[i] / hand[i];
        }
        printf("%5zu %6zu %16.2f %17.2f %7.3f\n", points[k].dim, points[k].num_samples, median(plain, REPEATS),
               median(hand, REPEATS), median(ratio, REPEATS));
    }
}

/* ---- the fast engine against the plain one ---- */

typedef struct {
    size_t dim, num_samples, batch;
    double chi, temp;
} fast_point;

/* Seconds and steps of one run from w = 0, of at most `steps` steps. */
static double time_learner(ch_learner *learner, uint64_t steps, ch_progress *progress)
{
    const ch_limit limit = {.steps = steps, .updates = UINT64_MAX};
    const double started = ch_clock_now();
    learner->advance(learner, &limit);
    const double seconds = ch_clock_now() - started;
    *progress = learner->progress;
    learner->free(learner);
    return seconds;
}

static void time_fast(const fast_point *point)
{
    static const uint64_t MOST_PLAIN_STEPS = UINT64_C(1) << 27;
    const ch_data_law law = {.chi = point->chi, .dim = point->dim, .seed = 1};
    ch_error err = {0};
    ch_sample_set set;
    ch_reach reach;
    must(ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, point->num_samples, 1, NULL, &err), &err);
    must(ch_reach_init(&reach, &set, &err), &err);
    const ch_perceptron_setup setup = {
        .train = &set,
        .num_samples = point->num_samples,
        .chi = point->chi,
        .kappa = 0x1p-15,
        .rate = point->temp * (double)point->batch,
        .batch = point->batch,
        .seed_batch = 1,
    };
    ch_fast_perceptron fast;
    ch_perceptron plain;
    ch_progress of_fast, of_plain;
    must(ch_fast_perceptron_init(&fast, &setup, &reach, &err), &err);
    must(ch_perceptron_init(&plain, &setup, &err), &err);
    const double by_fast = time_learner(&fast.student.learner, UINT64_MAX, &of_fast);
    const double by_plain = time_learner(&plain.learner, MOST_PLAIN_STEPS, &of_plain);
    const double scaled = by_plain * (double)of_fast.last_update / (double)of_plain.steps;
    printf("%5g %5zu %8zu %6zu %10.3g %11.3g %9.3f %s%9.3g %8.1f\n", point->chi, point->dim, point->num_samples,
           point->batch, point->temp, (double)of_fast.last_update, by_fast, of_plain.status == CH_RUNNING ? "~" : " ",
           scaled, scaled / by_fast);
    ch_reach_free(&reach);
    ch_sample_set_free(&set);
}

static void bench_fast(void)
{
    static const fast_point points[] = {
        {128, 1 << 14, 2, 0, 0x1p-7}, {128, 1 << 14, 2, 0, 0x1p-15}, {32, 1 << 16, 2, 0, 0x1p-7},
        {32, 1 << 20, 2, 1, 0x1p-7},  {128, 1 << 17, 2, 3, 0x1p-7},  {128, 1 << 12, 1 << 12, 1, 0x1p-26},
    };
    puts("\nfast engine against the plain one, one thread, data and their order apart");
    puts("(plain: seconds for as many steps; ~: scaled up from its first 2^27)");
    puts("  chi     d        P      B       temp       steps    fast s   plain s    ratio");
    for (size_t k = 0; k < sizeof points / sizeof *points; k++) {
        time_fast(&points[k]);
    }
}

/* ---- sweeps ---- */

/* Seconds of a whole sweep into a fresh store. */
static double time_sweep(const char *const (*values)[2], size_t num_values, int threads, size_t *num_runs)
{
    char path[] = "/tmp/chiton-bench-XXXXXX";
    const int file = mkstemp(path);
    if (file < 0) {
        perror("bench: /tmp");
        exit(1);
    }
    close(file);
    ch_error err = {0};
    ch_plan plan;
    ch_store store;
    ch_sweep sweep;
    ch_plan_init(&plan);
    for (size_t i = 0; i < num_values; i++) {
        size_t setting = 0;
        must(ch_settings_find(values[i][0], &setting, &err), &err);
        must(ch_plan_set(&plan, setting, values[i][1], &err), &err);
    }
    const double started = ch_clock_now();
    must(ch_store_open(&store, path, CH_STORE_WRITE, &err), &err);
    must(ch_sweep_init(&sweep, &plan, &store, &err), &err);
    must(ch_sweep_run(&sweep, &store, threads, NULL, &err), &err);
    ch_sweep_free(&sweep);
    ch_store_close(&store);
    const double seconds = ch_clock_now() - started;
    *num_runs = plan.num_runs;
    ch_plan_free(&plan);
    unlink(path);
    return seconds;
}

static void bench_threads(void)
{
    static const char *const values[][2] = {
        {"model", "perceptron"}, {"chi", "0,1"},        {"dim", "32"},
        {"train", "2^9..2^11"},  {"temp", "2^-6..2^1"}, {"seed", "0..15"},
    };
    enum { REPEATS = 9 };
    double ratio[REPEATS];
    size_t runs = 0;
    for (size_t i = 0; i < REPEATS; i++) {
        const double one = time_sweep(values, 6, 1, &runs);
        ratio[i] = one / time_sweep(values, 6, 2, &runs);
    }
    printf("\nsweep of %zu runs, one thread over two (at least 1.9)\n  ratio %.3f\n", runs, median(ratio, REPEATS));
}

static void bench_small_runs(void)
{
    static const char *const values[][2] = {
        {"model", "perceptron"}, {"chi", "1"},          {"dim", "16"},
        {"train", "128"},        {"temp", "2^-2..2^1"}, {"seed", "0..2999"},
    };
    enum { REPEATS = 5 };
    double rate[REPEATS];
    size_t runs = 0;
    const int threads = omp_get_max_threads();
    for (size_t i = 0; i < REPEATS; i++) {
        const double seconds = time_sweep(values, 6, threads, &runs);
        rate[i] = (double)runs / seconds;
    }
    printf("\nsweep and store of %zu runs at d = 16, P = 128, %d threads (at least 3,000 runs/s)\n  %.0f runs/s\n",
           runs, threads, median(rate, REPEATS));
}

/* ---- data ---- */

static double numbers_per_second(size_t dim, int threads)
{
    const ch_data_law law = {.chi = 1, .dim = dim, .seed = 1};
    const size_t num_samples = 10000000 / dim;
    ch_error err = {0};
    ch_sample_set set;
    const double started = ch_clock_now();
    must(ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, num_samples, threads, NULL, &err), &err);
    const double seconds = ch_clock_now() - started;
    ch_sample_set_free(&set);
    return (double)(num_samples * dim) / seconds;
}

static void bench_data(void)
{
    enum { REPEATS = 9 };
    puts("\ndata generation, million numbers a second (two threads: at least 100)");
    for (size_t dim = 16; dim <= 128; dim *= 8) {
        double one[REPEATS], two[REPEATS];
        for (size_t i = 0; i < REPEATS; i++) {
            one[i] = numbers_per_second(dim, 1) / 1e6;
            two[i] = numbers_per_second(dim, 2) / 1e6;
        }
        printf("  d = %-4zu one thread %6.1f   two threads %6.1f\n", dim, median(one, REPEATS), median(two, REPEATS));
    }
}

int main(void)
{
    gsl_set_error_handler_off();
    bench_engine();
    bench_fast();
    bench_threads();
    bench_small_runs();
    bench_data();
    return 0;
}
