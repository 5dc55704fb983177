/* bench_threads.c — two threads beside one, by the clock: whole commands as a user starts them, in alternated pairs. */
#include "bench.h"

#include "core/clock.h"

#include <string.h>
#include <unistd.h>

enum { MOST_ARGUMENTS = 30, MOST_PAIRS = 9 };

/* What stands among the arguments for the name of the store, and for the folder of images. */
static const char STORE[] = "STORE", DATA[] = "DATA";

typedef struct {
    const char *what;
    size_t pairs;
    bool keeps_store;                      /* the store was made before, and is only read */
    const char *arguments[MOST_ARGUMENTS]; /* without the program */
} thread_row;

static const thread_row rows[] = {
    {"768 runs of 1.5 ms",
     9,
     false,
     {"sweep", "perceptron", "--chi", "0,1", "--dim", "32", "--train", "2^9..2^11", "--temp", "2^-6..2^1", "--seed",
      "0..15", "-o", STORE}},
    {"6,000 runs of 60 µs",
     9,
     false,
     {"sweep", "perceptron", "--chi", "1", "--dim", "16", "--train", "128", "--temp", "2^-2..2^1", "--seed", "0..1499",
      "-o", STORE}},
    {"experiments/demo.yaml", 3, false, {"sweep", "experiments/demo.yaml", "-o", STORE}},
    {"published grid, one data set",
     1,
     false,
     {"sweep", "experiments/published-perceptron.yaml", "--seed", "0", "-o", STORE}},
    {"experiments/regimes-mnist-twin.yaml",
     3,
     false,
     {"sweep", "experiments/regimes-mnist-twin.yaml", "--skip-invalid", "--data-dir", DATA, "-o", STORE}},
    {"kernel of a twin, P = 8192",
     5,
     false,
     {"run", "mlp", "--linear", "yes", "--dim", "784", "--train", "8192", "--batch", "16", "--temp", "2^-7",
      "--max-steps", "1"}},
    {"fit of 4,928 runs, with phase diagrams", 5, true, {"fit", STORE, "--json"}},
};

/* The runs whose fit is a row. */
static const char *const phases[] = {
    "sweep",  "mlp",   "--width",  "16",        "--depth", "2",          "--dim",         "8",   "--train", "32,64",
    "--test", "200",   "--alpha",  "4^-4..4^6", "--temp",  "2^-10..2^3", "--max-updates", "200", "--batch", "4",
    "--seed", "0..15", "--kernel", "16",        "-o",      STORE};

_Static_assert(sizeof phases / sizeof *phases <= MOST_ARGUMENTS, "there is room for all arguments");

/* Runs the program with arguments in which the names are filled in.  @return seconds by the clock */
static double run_filled(const char *const *arguments, size_t count, const char *store, int threads)
{
    const char *filled[MOST_ARGUMENTS + 2] = {bench_with.program};
    char number[16];
    double wall = 0;
    for (size_t i = 0; i < count && arguments[i] != NULL; i++) {
        filled[i + 1] = arguments[i] == STORE ? store : arguments[i] == DATA ? bench_with.data : arguments[i];
    }
    (void)snprintf(number, sizeof number, "%d", threads);
    (void)setenv("OMP_NUM_THREADS", number, 1); /* for the program; OpenMP has read it for the bench */
    (void)run_program(filled, NULL, &wall);
    (void)unsetenv("OMP_NUM_THREADS");
    return wall;
}

static bool has_images(const thread_row *row)
{
    bool has = false;
    for (size_t i = 0; i < MOST_ARGUMENTS; i++) {
        has = has || row->arguments[i] == DATA;
    }
    return has;
}

static void show(const char *what, double *one, double *two, size_t pairs)
{
    double ratio[MOST_PAIRS];
    for (size_t i = 0; i < pairs; i++) {
        ratio[i] = one[i] / two[i];
    }
    page_row("%s | %.3g | %.3g | **%.2f** | %zu", what, median(one, pairs), median(two, pairs), median(ratio, pairs),
             pairs);
}

static void bench_row(const thread_row *row)
{
    double one[MOST_PAIRS], two[MOST_PAIRS];
    char store[CH_BENCH_PATH];
    bench_temporary(store, ".db");
    if (row->keeps_store) {
        (void)unlink(store); /* the program makes it */
        (void)run_filled(phases, sizeof phases / sizeof *phases, store, 2);
    }
    for (size_t i = 0; i < row->pairs; i++) {
        double *const seconds[] = {&one[i], &two[i]};
        for (int threads = 1; threads <= 2; threads++) {
            if (!row->keeps_store) {
                (void)unlink(store);
            }
            *seconds[threads - 1] = run_filled(row->arguments, MOST_ARGUMENTS, store, threads);
        }
    }
    (void)unlink(store);
    show(row->what, one, two, row->pairs);
}

/* Seconds that some threads take for the same multiply-adds each. */
static double compute(int threads)
{
    enum { ROUNDS = 1 << 24 };
    double done = 0;
    const double started = ch_clock_now();
#pragma omp parallel num_threads(threads) reduction(+ : done)
    done += multiply_add_in_registers(ROUNDS);
    return done > 0 ? ch_clock_now() - started : (double)NAN;
}

/* What the machine allows: threads that share nothing but its cores. */
static void bench_limit(void)
{
    double one[MOST_PAIRS], two[MOST_PAIRS];
    for (size_t i = 0; i < MOST_PAIRS; i++) {
        one[i] = 2 * compute(1);
        two[i] = compute(2);
    }
    show("multiply-adds in registers", one, two, MOST_PAIRS);
}

void bench_threads(void)
{
    page_say("Two threads beside one, by the clock, so that other programs on the machine count: whole commands, in "
             "alternated pairs. A ratio is to be at least 1.9, or that of multiply-adds in registers, which share "
             "nothing but the machine.");
    page_table("what | one thread, s | two, s | ratio | pairs");
    bench_limit();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (bench_with.data != NULL || !has_images(&rows[i])) {
            bench_row(&rows[i]);
        }
    }
}
