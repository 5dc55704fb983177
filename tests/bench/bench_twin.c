/* bench_twin.c — the linearised twin: its kernel against the core's peak of multiply-adds, and a sweep on it. */
#include "bench.h"

#include "core/memory.h"
#include "models/models.h"

#include <math.h>

enum { MOST_SAMPLES = 4096, BATCH = 16, DIM = 784 };

/* Multiply-adds for a kernel of P samples: P^2 / 2 for each input and output of a dense layer. */
static double kernel_products(const ch_architecture *architecture)
{
    double sum = 0;
    for (size_t l = 0; l < architecture->num_layers; l++) {
        sum += (double)(architecture->layers[l].fan_in + architecture->layers[l].out.channels);
    }
    return sum * MOST_SAMPLES * MOST_SAMPLES / 2;
}

static void make_kernel(ch_kernel *kernel, const ch_kernel_setup *setup)
{
    enum { REPEATS = 5 };
    ch_error err = {0};
    double seconds[REPEATS], peak[REPEATS];
    for (size_t i = 0; i < REPEATS; i++) {
        peak[i] = peak_rate();
        const double started = processor_time();
        must(ch_kernel_init(kernel, setup, &err), &err);
        seconds[i] = processor_time() - started;
        peak[i] = kernel_products(setup->architecture) / seconds[i] / peak[i];
        if (i + 1 < REPEATS) {
            ch_kernel_free(kernel);
        }
    }
    page_row("kernel, P = %d | %.2f | %.0f %% of peak (at least 60 %%)", MOST_SAMPLES, median(seconds, REPEATS),
             100 * median(peak, REPEATS));
}

/* P = 2^7 … 2^12, T = 2^-13 … 2^2 */
static void sweep(const ch_kernel *kernel, double width)
{
    double updates = 0, entries = 0;
    const double started = processor_time();
    for (size_t num = 128; num <= MOST_SAMPLES; num *= 2) {
        for (int e = -13; e <= 2; e++) {
            const ch_twin_setup setup = {
                .kernel = kernel,
                .num_samples = num,
                .kappa = 0x1p-15,
                .rate = ldexp(BATCH * width, e),
                .batch = BATCH,
                .norm_init = 1,
            };
            ch_twin model;
            ch_error err = {0};
            must(ch_twin_init(&model, &setup, &err), &err);
            model.learner.advance(&model.learner, &(ch_limit){.steps = UINT64_MAX, .updates = UINT64_MAX});
            updates += (double)model.learner.progress.updates;
            for (size_t mu = 0; mu < num; mu++) {
                entries += model.uses[mu] * (double)num;
            }
            ch_twin_free(&model);
        }
    }
    const double seconds = processor_time() - started;
    page_row("96 runs to the end, P to %d, B = %d | %.2f | %.0f updates, %.1f GB/s of kernel", MOST_SAMPLES, BATCH,
             seconds, updates, entries * sizeof(float) / seconds * 1e-9);
}

void bench_twin(void)
{
    const ch_network_spec spec = {CH_ARCH_MLP, 128, 5, CH_ACTIVATION_RELU, {DIM, 1, 1}};
    const ch_data_law law = {.dim = DIM};
    ch_error err = {0};
    ch_architecture architecture;
    ch_examples examples;
    ch_kernel kernel;
    must(ch_architecture_init(&architecture, &spec, &err), &err);
    must(ch_examples_init_law(&examples, &law, CH_STREAM_TRAIN_SAMPLES, MOST_SAMPLES, 1, NULL, &err), &err);
    double *weights = ch_alloc(architecture.num_weights, sizeof *weights);
    must(weights != NULL ? CH_OK : ch_error_memory(&err, "weights"), &err);
    ch_architecture_draw(&architecture, 1, weights);
    const ch_kernel_setup setup = {
        .architecture = &architecture,
        .weights = weights,
        .train = &examples,
        .bytes = ch_kernel_best_work(&architecture, MOST_SAMPLES, 0),
        .threads = 1,
    };
    page_say("The linearised twin of a multilayer perceptron, 5 layers of 128, 784 inputs, on one core.");
    page_table("part | s | rate");
    make_kernel(&kernel, &setup);
    sweep(&kernel, (double)spec.width);
    ch_kernel_free(&kernel);
    ch_examples_free(&examples);
    ch_architecture_free(&architecture);
    free(weights);
}
