/* bench_grid.c — the published grid of the perceptron, one of its five data sets, as a user makes it, and what a plain
 * loop would take for the same steps. */
#include "bench.h"

#include "core/available.h"
#include "perceptron/perceptron.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

static const char EXPERIMENT[] = "experiments/published-perceptron.yaml";

/* Makes the grid with a program.
 * @return seconds of processor time of all threads */
static double make_grid(const char *program, const char *store, double *wall)
{
    char threads[16];
    (void)snprintf(threads, sizeof threads, "-j%d", ch_processors_available());
    const char *const arguments[] = {program, "sweep", EXPERIMENT, "--seed", "0", "-o", store, threads, NULL};
    (void)unlink(store); /* the program makes it */
    return run_program(arguments, NULL, wall);
}

/* Seconds of a step of the plain engine. */
static double plain_step(size_t dim, size_t num_samples)
{
    enum { STEPS = 1 << 20 };
    const ch_data_law law = {.dim = dim, .seed = 1};
    ch_error err = {0};
    ch_sample_set set;
    ch_perceptron model;
    must(ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, num_samples, 1, NULL, &err), &err);
    const ch_perceptron_setup setup = {
        .train = &set, .num_samples = num_samples, .kappa = 0x1p-15, .rate = 1, .batch = 2};
    must(ch_perceptron_init(&model, &setup, &err), &err);
    const double started = processor_time();
    model.learner.advance(&model.learner, &(ch_limit){.steps = STEPS, .updates = UINT64_MAX});
    const double seconds = (processor_time() - started) / (double)model.learner.progress.steps;
    ch_perceptron_free(&model);
    ch_sample_set_free(&set);
    return seconds;
}

/* Seconds that a plain loop would take for all steps of the store's runs. */
static double plain_estimate(const char *store, size_t *num_runs)
{
    enum { NUM_DIMS = 4, NUM_TRAINS = 5, FIRST_DIM = 16, FIRST_TRAIN = 1024 };
    char output[CH_BENCH_PATH];
    double steps[NUM_DIMS][NUM_TRAINS] = {{0}}, seconds = 0;
    bench_temporary(output, ".json");
    (void)run_program((const char *const[]){bench_with.program, "export", store, "--json", NULL}, output, NULL);
    json_t *runs = json_load_file(output, 0, NULL);
    *num_runs = json_array_size(runs);
    for (size_t i = 0; i < *num_runs; i++) {
        const json_t *run = json_array_get(runs, i);
        const double dim = json_number_value(json_object_get(run, "dim"));
        const double train = json_number_value(json_object_get(run, "train"));
        steps[(size_t)log2(dim / FIRST_DIM)][(size_t)log2(train / FIRST_TRAIN)] +=
            json_number_value(json_object_get(run, "steps"));
    }
    json_decref(runs);
    (void)unlink(output);
    for (size_t i = 0; i < NUM_DIMS; i++) {
        for (size_t k = 0; k < NUM_TRAINS; k++) {
            seconds += steps[i][k] * plain_step((size_t)FIRST_DIM << i, (size_t)FIRST_TRAIN << k);
        }
    }
    return seconds;
}

void bench_grid(void)
{
    static const char row[] = "published grid, one data set";
    char store[CH_BENCH_PATH];
    size_t num_runs = 0;
    double wall = 0, old = NAN;
    bench_temporary(store, ".db");
    if (bench_with.old != NULL) {
        old = make_grid(bench_with.old, store, NULL);
    }
    const double own = make_grid(bench_with.program, store, &wall);
    const double plain = plain_estimate(store, &num_runs);
    (void)unlink(store);
    page_say(
        "The [published grid](published-perceptron.md) of the perceptron, one of its five data sets, by `chiton sweep "
        "%s --seed 0` on %d threads. *Plain loop*: the steps of all runs times what the plain engine, which computes "
        "every margin, takes for a step at this d and P.",
        EXPERIMENT, ch_processors_available());
    page_table("runs | core-seconds | by the clock, s | older build, core-seconds | older over chiton | plain loop, "
               "core-seconds | plain loop over chiton");
    page_row("%zu | %.1f | %.1f | %s | %s | %.3g | %.0f", num_runs, own, wall, page_number("%.1f", old),
             page_number("%.2f", old / own), plain, plain / own);
    summary_note(row, SUMMARY_SECONDS, own);
    summary_note(row, SUMMARY_OLD, old / own);
    summary_note(row, SUMMARY_HAND, plain / own);
}
