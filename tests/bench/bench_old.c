/* bench_old.c — what the program does beside what an older build does, both as a user starts them: whole processes in
 * alternated pairs, in processor time. */
#include "bench.h"

#include "core/memory.h"
#include "data/npy_write.h"

#include <string.h>
#include <unistd.h>

enum { MOST_ARGUMENTS = 30, PAIRS = 5, NUM_IMAGES = 256 };

typedef struct {
    const char *row;
    const char *arguments[MOST_ARGUMENTS]; /* without the program */
} command;

static double time_command(const char *program, const command *of)
{
    const char *arguments[MOST_ARGUMENTS + 2] = {program};
    memcpy(arguments + 1, of->arguments, sizeof of->arguments);
    return run_program(arguments, NULL, NULL);
}

static void compare(const command *of)
{
    double own[PAIRS], ratio[PAIRS];
    for (size_t i = 0; i < PAIRS; i++) {
        double old = i % 2 == 0 ? time_command(bench_with.old, of) : 0;
        own[i] = time_command(bench_with.program, of);
        old = i % 2 == 0 ? old : time_command(bench_with.old, of);
        ratio[i] = old / own[i];
    }
    double low = ratio[0], high = ratio[0];
    for (size_t i = 1; i < PAIRS; i++) {
        low = fmin(low, ratio[i]);
        high = fmax(high, ratio[i]);
    }
    const double typical = median(own, PAIRS), over = median(ratio, PAIRS);
    page_row("%s | %.2f | %.2f | %.2f | %.2f … %.2f", of->row, typical, typical * over, over, low, high);
    summary_note(of->row, SUMMARY_OLD, over);
}

/* Images of random numbers, and their classes, as files of one's own. */
static void write_images(char *images, char *labels)
{
    ch_error err = {0};
    ch_random random;
    const size_t sizes[] = {NUM_IMAGES, 3, 32, 32}, count = (size_t)NUM_IMAGES * 3 * 32 * 32;
    float *inputs = ch_alloc(count, sizeof *inputs);
    int8_t classes[NUM_IMAGES];
    must(inputs != NULL ? CH_OK : ch_error_memory(&err, "images"), &err);
    ch_random_init(&random, 1, CH_STREAM_TRAIN_SAMPLES, 0);
    for (size_t i = 0; i < count; i++) {
        inputs[i] = (float)ch_random_u32(&random) * 0x1p-30F - 2;
    }
    for (size_t i = 0; i < NUM_IMAGES; i++) {
        classes[i] = (int8_t)(i % 2);
    }
    bench_temporary(images, ".npy");
    bench_temporary(labels, ".npy");
    must(ch_npy_write(images, CH_ELEMENT_F32, sizes, 4, inputs, &err), &err);
    must(ch_npy_write(labels, CH_ELEMENT_I8, sizes, 1, classes, &err), &err);
    free(inputs);
}

/* Steps at a margin that no sample reaches. */
#define ALL_UNFITTED "--alpha", "1e-6", "--rate", "1e-3", "--engine", "plain", "-j1"
#define MLP_STEPS    "run", "mlp", "--dim", "784", "--train", "1024", ALL_UNFITTED
#define FIT          "run", "perceptron", "-j1", "--chi", "0"

void bench_old(void)
{
    char images[CH_BENCH_PATH], labels[CH_BENCH_PATH];
    const command commands[] = {
        {"perceptron step, d = 128, P = 2¹⁴",
         {"run", "perceptron", "--dim", "128", "--train", "16384", "--temp", "2^-3", "--engine", "plain", "--max_steps",
          "2e7", "-j1"}},
        {"run to fitted, χ = 0, d = 128, P = 2¹⁴, T = 2⁻¹⁵",
         {FIT, "--dim", "128", "--train", "16384", "--temp", "2^-15"}},
        {"run to fitted, χ = 0, d = 16, P = 2¹⁴, T = κ/2", {FIT, "--dim", "16", "--train", "16384", "--temp", "2^-16"}},
        {"MLP step, B = 2", {MLP_STEPS, "--batch", "2", "--max_steps", "20000"}},
        {"MLP step, B = 16", {MLP_STEPS, "--batch", "16", "--max_steps", "5000"}},
        {"MLP step, B = 256", {MLP_STEPS, "--batch", "256", "--max_steps", "400"}},
        {"mnas step, h = 32, B = 64",
         {"run", "mnas", "--data", "file", "--data_file", images, "--data_labels", labels, "--classes", "0 vs 1",
          "--train", "128", "--width", "32", "--batch", "64", "--max_steps", "15", ALL_UNFITTED}},
        {"simple_cnn step, h = 16, B = 64",
         {"run", "simple_cnn", "--data", "file", "--data_file", images, "--data_labels", labels, "--classes", "0 vs 1",
          "--train", "128", "--width", "16", "--batch", "64", "--max_steps", "100", ALL_UNFITTED}},
        {"MLP to fitted, 784 Gaussian inputs, P = 2¹¹, T = 2⁻⁷",
         {"run", "mlp", "--dim", "784", "--train", "2048", "--batch", "16", "--temp", "2^-7", "-j1"}},
        {"MLP to fitted, MNIST, P = 2¹³, T = 2⁻⁷",
         {"run", "mlp", "--data", "mnist_parity", "--data_dir", bench_with.data, "--train", "8192", "--batch", "16",
          "--temp", "2^-7", "-j1"}},
    };
    const size_t num_commands = sizeof commands / sizeof *commands - (bench_with.data == NULL);
    if (bench_with.old == NULL) {
        page_say("No older build was named (`make bench OLD=PROGRAM`): none is compared.");
        return;
    }
    page_say("The program beside an older build, each a whole process on one thread, in processor time; medians of %d "
             "alternated pairs, and the least and largest of their ratios. Steps are of the plain engine.",
             PAIRS);
    write_images(images, labels);
    page_table("what | chiton, s | older, s | older over chiton | least … largest");
    for (size_t k = 0; k < num_commands; k++) {
        compare(&commands[k]);
    }
    (void)unlink(images);
    (void)unlink(labels);
}
