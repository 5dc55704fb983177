/* bench_sweeps.c — whole sweeps: their time, and that of short runs. */
#include "bench.h"

#include "chiton.h"
#include "core/clock.h"

#include <omp.h>
#include <unistd.h>

double bench_time_sweep(const char *const (*values)[2], size_t num_values, int threads, size_t *num_runs, double *wall)
{
    char path[CH_BENCH_PATH];
    bench_temporary(path, ".db");
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
    const double started = ch_clock_now(), processor_started = processor_time();
    must(ch_store_open(&store, path, CH_STORE_WRITE, &err), &err);
    must(ch_sweep_init(&sweep, &plan, &store, &err), &err);
    must(ch_sweep_run(&sweep, &store, threads, NULL, &err), &err);
    ch_sweep_free(&sweep);
    ch_store_close(&store);
    const double seconds = processor_time() - processor_started;
    if (wall != NULL) {
        *wall = ch_clock_now() - started;
    }
    if (num_runs != NULL) {
        *num_runs = plan.num_runs;
    }
    ch_plan_free(&plan);
    unlink(path);
    return seconds;
}

void bench_small_runs(void)
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
        double seconds = 0;
        (void)bench_time_sweep(values, 6, threads, &runs, &seconds);
        rate[i] = (double)runs / seconds;
    }
    page_say(
        "A sweep of %zu short runs at d = 16, P = 128 into a store, %d threads: **%.0f runs/s** by the clock (at least "
        "3,000).",
        runs, threads, median(rate, REPEATS));
}
