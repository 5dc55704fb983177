/* bench_fast.c — the perceptron's fast engine beside the plain one. */
#include "bench.h"

#include "perceptron/perceptron.h"
#include "perceptron/screening.h"

typedef struct {
    size_t dim, num_samples, batch;
    double chi, temp, least;
    const char *row; /* of the summary, or NULL */
} fast_point;

/* Seconds that a run of the plain engine takes. Where `scaled` is set, only the first `most` steps were timed, and the
 * time was scaled to `steps`. */
static double time_plain(const ch_perceptron_setup *setup, uint64_t most, uint64_t steps, bool *scaled)
{
    ch_error err = {0};
    ch_perceptron plain;
    const double started = processor_time();
    must(ch_perceptron_init(&plain, setup, &err), &err);
    plain.learner.advance(&plain.learner, &(ch_limit){.steps = most, .updates = UINT64_MAX});
    const ch_progress progress = plain.learner.progress;
    ch_perceptron_free(&plain);
    const double seconds = processor_time() - started;
    *scaled = progress.status == CH_RUNNING;
    return *scaled ? seconds * (double)steps / (double)progress.steps : seconds;
}

/* Seconds of one whole run of the fast engine, which borrows the screening index. */
static double time_fast(const ch_perceptron_setup *setup, const ch_screen *screen, ch_progress *progress,
                        ch_fast_work *work)
{
    ch_error err = {0};
    ch_fast_perceptron fast;
    const double started = processor_time();
    must(ch_fast_perceptron_init(&fast, setup, screen, &err), &err);
    fast.student.learner.advance(&fast.student.learner, &(ch_limit){.steps = UINT64_MAX, .updates = UINT64_MAX});
    *progress = fast.student.learner.progress;
    *work = ch_fast_perceptron_work(&fast);
    ch_fast_perceptron_free(&fast);
    return processor_time() - started;
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
    const double own = median(by_fast, repeats), over = median(ratio, repeats), floor = median(floors, repeats);
    page_row("%g | %zu | %zu | %zu | %.3g | %.3g | %s%.3g | %.2f | %g | %.1f | %.1f | %s", point->chi, point->dim,
             point->num_samples, point->batch, point->temp, own, scaled ? "≈ " : "", median(by_plain, repeats), over,
             point->least, median(margins, repeats), median(entries, repeats),
             page_number("%.2f", isfinite(floor) ? floor : (double)NAN));
    if (point->row != NULL) {
        summary_note(point->row, SUMMARY_SECONDS, own);
        summary_note(point->row, SUMMARY_HAND, over);
        summary_note(point->row, SUMMARY_LIMIT, 1 / floor);
    }
    ch_screen_free(&screen);
    ch_sample_set_free(&set);
}

void bench_fast(void)
{
    static const fast_point points[] = {
        {128, 1 << 14, 2, 0, 0x1p-7, 8, "run to fitted, χ = 0, d = 128, P = 2¹⁴, T = 2⁻⁷"},
        {128, 1 << 14, 2, 0, 0x1p-15, 8, "run to fitted, χ = 0, d = 128, P = 2¹⁴, T = 2⁻¹⁵"},
        {32, 1 << 16, 2, 0, 0x1p-7, 80, NULL},
        {32, 1 << 20, 2, 1, 0x1p-7, 500, NULL},
        {128, 1 << 17, 2, 3, 0x1p-7, 1, NULL},
        {128, 1 << 12, 1 << 12, 1, 0x1p-26, 5, NULL},
        {16, 1 << 10, 2, 0, 0x1p-2, 0.9, NULL},
        {128, 1 << 10, 2, 0, 0x1p-7, 0.9, NULL},
        {128, 1 << 10, 1, 1, 0x1p-20, 0.9, NULL},
        {128, 1 << 10, 64, 3, 1, 0.9, NULL},
        {32, 1 << 10, 1 << 10, 0, 0x1p-12, 0.9, NULL},
        {16, 1 << 8, 16, -0.5, 1, 0.9, NULL},
        {64, 1 << 8, 2, 1, 1, 0.9, NULL},
        {16, 1 << 6, 1, 3, 1, 0.9, NULL},
        {4, 1 << 5, 2, 0, 1, 0.9, NULL},
    };
    const double bandwidth = bench_bandwidth();
    page_say(
        "Seconds of whole runs of the perceptron to fitted, one thread, data and their order apart; medians of five "
        "runs. ≈: scaled up from what the plain engine does in 1.5 s. *Margins* are those computed anew for an "
        "update, *entries* those brought up to date by an entry of a Gram row. *Floor* is the time over that which "
        "the bytes of these margins (4 d each) and entries (2 each) take at %.1f GB/s from memory: less than 1 is "
        "the caches' work.",
        bandwidth * 1e-9);
    page_table("χ | d | P | B | T | fast, s | plain, s | ratio | at least | margins | entries | floor");
    for (size_t k = 0; k < sizeof points / sizeof *points; k++) {
        compare_engines(&points[k], bandwidth);
    }
}
