/* bench_data.c — how fast data are made. */
#include "bench.h"

#include "core/clock.h"
#include "data/data.h"

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

void bench_data(void)
{
    enum { REPEATS = 9 };
    page_say("Data of the depleted law, million numbers a second (two threads: at least 100); medians of %d.", REPEATS);
    page_table("d | one thread | two threads");
    for (size_t dim = 16; dim <= 128; dim *= 8) {
        double one[REPEATS], two[REPEATS];
        for (size_t i = 0; i < REPEATS; i++) {
            one[i] = numbers_per_second(dim, 1) / 1e6;
            two[i] = numbers_per_second(dim, 2) / 1e6;
        }
        page_row("%zu | %.1f | %.1f", dim, median(one, REPEATS), median(two, REPEATS));
    }
}
