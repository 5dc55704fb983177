/* bench_engine.c — a step of the perceptron's plain engine, beside a hand-written loop in C and a compiled loop in JAX.
 */
#include "bench.h"

#include "core/memory.h"
#include "perceptron/perceptron.h"

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
    double started = processor_time();
    model.learner.advance(&model.learner, &no_limit);
    const ch_progress progress = model.learner.progress;
    *plain = (processor_time() - started) / (double)progress.steps * 1e9;
    ch_perceptron_free(&model);

    uint64_t steps = 0;
    double *weights = ch_alloc(set.stride, sizeof *weights);
    started = processor_time();
    const uint64_t last =
        hand_loop(set.rows, point->num_samples, point->dim, point->rate, 0x1p-15, seed, weights, &steps);
    *hand = (processor_time() - started) / (double)steps * 1e9;
    if (last != progress.last_update) {
        fprintf(stderr, "bench: the hand-written loop ended at step %llu, the engine at %llu\n",
                (unsigned long long)last, (unsigned long long)progress.last_update);
        exit(1);
    }
    free(weights);
    ch_sample_set_free(&set);
}

/* Nanoseconds of a step in JAX, or NaN. Its time depends on d, not on whether samples are fitted. */
static double time_jax(peer *jax, const engine_point *point)
{
    double seconds = 0;
    (void)peer_ask(jax, &seconds, 1, "step perceptron 0 0 2 %zu 1 1 %zu 20000", point->dim, point->num_samples);
    return 1e9 * seconds;
}

void bench_engine(void)
{
    static const engine_point points[] = {{16, 1024, 0, 0.25}, {128, 1024, 0, 0.25}, {128, 16384, 1, 0.25}};
    static const char *const rows[] = {"perceptron step, d = 16, P = 2¹⁰", "perceptron step, d = 128, P = 2¹⁰",
                                       "perceptron step, d = 128, P = 2¹⁴"};
    enum { REPEATS = 41, JAX_REPEATS = 9 };
    peer jax;
    page_say(
        "Step of the plain engine, which computes all margins, B = 2, one thread; medians of %d runs to the end. "
        "The hand-written loop in C takes the same steps of the same random numbers to the same t*. The engine is to "
        "take at most 1.10 times as long.",
        REPEATS);
    peer_start(&jax, "jax_loop.py", "JAX");
    page_table("d | P | engine, ns a step | by hand, ns | JAX, ns | engine over hand | JAX over engine");
    for (size_t k = 0; k < 3; k++) {
        double plain[REPEATS], hand[REPEATS], ratio[REPEATS], in_jax[JAX_REPEATS], over[JAX_REPEATS];
        for (uint64_t i = 0; i < REPEATS; i++) {
            time_engine(&points[k], i, &plain[i], &hand[i]);
            ratio[i] = plain[i] / hand[i];
            if (i < JAX_REPEATS) {
                in_jax[i] = time_jax(&jax, &points[k]);
                over[i] = in_jax[i] / plain[i];
            }
        }
        const double over_hand = median(ratio, REPEATS), over_jax = median(over, JAX_REPEATS);
        const double own = median(plain, REPEATS);
        page_row("%zu | %zu | %.2f | %.2f | %s | %.3f | %s", points[k].dim, points[k].num_samples, own,
                 median(hand, REPEATS), page_number("%.0f", median(in_jax, JAX_REPEATS)), over_hand,
                 page_number("%.1f", over_jax));
        summary_note(rows[k], SUMMARY_SECONDS, 1e-9 * own);
        summary_note(rows[k], SUMMARY_HAND, 1 / over_hand);
        summary_note(rows[k], SUMMARY_JAX, over_jax);
    }
    peer_stop(&jax);
}
