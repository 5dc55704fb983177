/* bench.c — measures how fast chiton is, as ratios of times that are measured in one run.
 *
 * Machines are shared and noisy. So the programs that are compared run alternately, and the median of the ratios is
 * reported. */
#include "bench.h"
#include "hand_loop.h"

#include "chiton.h"
#include "core/clock.h"
#include "core/memory.h"
#include "perceptron/perceptron.h"
#include "perceptron/screening.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the plain engine against a hand-written loop ---- */

typedef struct {
    size_t dim, num_samples;
    double chi, rate;
} engine_point;

/* Nanoseconds for a step of the engine and of the hand-written loop, on the same data and the same random numbers. Both
 * must find the same t*. */
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

/* The bytes that one thread reads from memory in a second, in their order. Margins of samples that are not in a cache
 * cannot be computed faster than that. */
static double measure_bandwidth(void)
{
    enum { REPEATS = 5 };
    const size_t count = (size_t)1 << 26;
    float *numbers = ch_alloc(count, sizeof *numbers);
    if (numbers == NULL) {
        fputs("bench: no memory\n", stderr);
        exit(1);
    }
    double best = 0;
    volatile float sink = 0;
    for (int i = 0; i < REPEATS; i++) {
        const double started = ch_clock_now();
        float sums[64] = {0};
        for (size_t k = 0; k < count; k += 64) {
            for (size_t l = 0; l < 64; l++) {
                sums[l] += numbers[k + l];
            }
        }
        sink = sums[0];
        best = fmax(best, (double)(count * sizeof *numbers) / (ch_clock_now() - started));
    }
    (void)sink;
    free(numbers);
    return best;
}

typedef struct {
    size_t dim, num_samples, batch;
    double chi, temp, least;
} fast_point;

/* Seconds that a run of the plain engine takes. Where `scaled` is set, only the first `most` steps were timed, and the
 * time was scaled to `steps`. */
static double time_plain(const ch_perceptron_setup *setup, uint64_t most, uint64_t steps, bool *scaled)
{
    ch_error err = {0};
    ch_perceptron plain;
    const double started = ch_clock_now();
    must(ch_perceptron_init(&plain, setup, &err), &err);
    plain.learner.advance(&plain.learner, &(ch_limit){.steps = most, .updates = UINT64_MAX});
    const ch_progress progress = plain.learner.progress;
    ch_perceptron_free(&plain);
    const double seconds = ch_clock_now() - started;
    *scaled = progress.status == CH_RUNNING;
    return *scaled ? seconds * (double)steps / (double)progress.steps : seconds;
}

/* Seconds of one whole run of the fast engine, which borrows the screening index. */
static double time_fast(const ch_perceptron_setup *setup, const ch_screen *screen, ch_progress *progress,
                        ch_fast_work *work)
{
    ch_error err = {0};
    ch_fast_perceptron fast;
    const double started = ch_clock_now();
    must(ch_fast_perceptron_init(&fast, setup, screen, &err), &err);
    fast.student.learner.advance(&fast.student.learner, &(ch_limit){.steps = UINT64_MAX, .updates = UINT64_MAX});
    *progress = fast.student.learner.progress;
    *work = ch_fast_perceptron_work(&fast);
    ch_fast_perceptron_free(&fast);
    return ch_clock_now() - started;
}

static void compare_engines(const fast_point *point, double bandwidth)
{
    enum { REPEATS = 5, MOST_REPEATS = 101, MANY_REPEATS_UP_TO = 1024 };
    static const double PLAIN_SECONDS = 1.5;
    const ch_data_law law = {.chi = point->chi, .dim = point->dim, .seed = 1};
    ch_error err = {0};
    ch_sample_set set;
    ch_screen screen;
    must(ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, point->num_samples, 1, NULL, &err), &err);
    must(ch_screen_init(&screen, &set, NULL, &err), &err);
    ch_perceptron_setup setup = {
        .train = &set,
        .num_samples = point->num_samples,
        .chi = point->chi,
        .kappa = 0x1p-15,
        .rate = point->temp * (double)point->batch,
        .batch = point->batch,
    };
    bool scaled = false;
    const uint64_t first = 100000 / point->batch + 100;
    const double a_step = time_plain(&setup, first, first, &scaled) / (double)first;
    const uint64_t most = (uint64_t)(PLAIN_SECONDS / a_step);
    const size_t repeats = point->num_samples > MANY_REPEATS_UP_TO ? REPEATS : MOST_REPEATS;
    double ratio[MOST_REPEATS], by_fast[MOST_REPEATS], by_plain[MOST_REPEATS];
    double floors[MOST_REPEATS], margins[MOST_REPEATS], entries[MOST_REPEATS];
    for (uint64_t i = 0; i < repeats; i++) {
        ch_progress progress;
        ch_fast_work work;
        setup.seed_batch = i;
        by_fast[i] = time_fast(&setup, &screen, &progress, &work);
        by_plain[i] = time_plain(&setup, most, progress.steps, &scaled);
        ratio[i] = by_plain[i] / by_fast[i];
        const double updates = (double)progress.updates, bytes = 4.0 * (double)point->dim;
        margins[i] = (double)(work.drawn + work.looked) / updates;
        entries[i] = (double)work.bounded / updates;
        floors[i] = by_fast[i] * bandwidth / (updates * (margins[i] * bytes + entries[i] * 2));
    }
    printf("%5g %5zu %8zu %6zu %10.3g %9.3g %s%9.3g %8.2f %8g %9.1f %9.1f %7.2f\n", point->chi, point->dim,
           point->num_samples, point->batch, point->temp, median(by_fast, repeats), scaled ? "~" : " ",
           median(by_plain, repeats), median(ratio, repeats), point->least, median(margins, repeats),
           median(entries, repeats), median(floors, repeats));
    fflush(stdout);
    ch_screen_free(&screen);
    ch_sample_set_free(&set);
}

static void bench_fast(void)
{
    static const fast_point points[] = {
        {128, 1 << 14, 2, 0, 0x1p-7, 8},
        {128, 1 << 14, 2, 0, 0x1p-15, 8},
        {32, 1 << 16, 2, 0, 0x1p-7, 80},
        {32, 1 << 20, 2, 1, 0x1p-7, 500},
        {128, 1 << 17, 2, 3, 0x1p-7, 1},
        {128, 1 << 12, 1 << 12, 1, 0x1p-26, 5},
        {16, 1 << 10, 2, 0, 0x1p-2, 0.9},
        {128, 1 << 10, 2, 0, 0x1p-7, 0.9},
        {128, 1 << 10, 1, 1, 0x1p-20, 0.9},
        {128, 1 << 10, 64, 3, 1, 0.9},
        {32, 1 << 10, 1 << 10, 0, 0x1p-12, 0.9},
        {16, 1 << 8, 16, -0.5, 1, 0.9},
        {64, 1 << 8, 2, 1, 1, 0.9},
        {16, 1 << 6, 1, 3, 1, 0.9},
        {4, 1 << 5, 2, 0, 1, 0.9},
    };
    const double bandwidth = measure_bandwidth();
    printf("\nfast engine against the plain one, one thread, data and their order apart; medians of five runs\n"
           "(plain: ~ scaled up from what it does in 1.5 s; floor: times the seconds that the bytes of these margins\n"
           "and 2 of an entry of a row take at %.1f GB/s from memory: less than 1 is the caches' work)\n",
           bandwidth * 1e-9);
    puts("  chi     d        P      B       temp    fast s    plain s    ratio at least   margins   entries   floor");
    puts("                                                                            an update an update");
    for (size_t k = 0; k < sizeof points / sizeof *points; k++) {
        compare_engines(&points[k], bandwidth);
    }
}

/* ---- sweeps ---- */

/* Seconds of a whole sweep into a new store. */
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

/** `make bench` measures everything; `build/bench NAME` one of engine, fast, threads, runs, data, peak, networks,
 *  hessian, twin.
 */
int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*measure)(void);
    } parts[] = {
        {"engine", bench_engine},   {"fast", bench_fast}, {"threads", bench_threads}, {"runs", bench_small_runs},
        {"ranks", bench_ranks},     {"data", bench_data}, {"peak", bench_peak},       {"networks", bench_networks},
        {"hessian", bench_hessian}, {"twin", bench_twin},
    };
    gsl_set_error_handler_off();
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (argc < 2 || strcmp(argv[1], parts[i].name) == 0) {
            parts[i].measure();
        }
    }
    return 0;
}
