/* bench_growth.c — how the time of training grows with P, d, the number of temperatures and of threads: exponents of
 * power laws, fitted to the logarithms by least squares. */
#include "bench.h"

#include "core/available.h"

#include <gsl/gsl_fit.h>
#include <string.h>

enum { MOST_POINTS = 8, REPEATS = 3, MOST_VALUES = 10 };

typedef struct {
    const char *what;
    const char *values[MOST_VALUES][2]; /* settings of the sweep; the value of the varied one is NULL */
    const char *points[MOST_POINTS];    /* its values, */
    double sizes[MOST_POINTS];          /* and what they count as */
} growth;

/* Seconds of processor time of the sweep, in which the varied setting has a value. */
static double time_point(const growth *of, const char *value, const char *seed, double *wall, int threads)
{
    const char *values[MOST_VALUES + 1][2];
    size_t count = 0;
    for (size_t i = 0; i < MOST_VALUES && of->values[i][0] != NULL; i++) {
        values[count][0] = of->values[i][0];
        values[count++][1] = of->values[i][1] != NULL ? of->values[i][1] : value;
    }
    values[count][0] = "seed";
    values[count++][1] = seed;
    return bench_time_sweep((const char *const(*)[2])values, count, threads, NULL, wall);
}

/* The slope of the logarithm of the seconds over that of the sizes, and its standard error. */
static void fit_exponent(const double *sizes, const double *seconds, size_t count, double *exponent, double *error)
{
    double x[MOST_POINTS * REPEATS], y[MOST_POINTS * REPEATS], start, c00, c01, c11, squares;
    for (size_t i = 0; i < count; i++) {
        x[i] = log(sizes[i]);
        y[i] = log(seconds[i]);
    }
    (void)gsl_fit_linear(x, 1, y, 1, count, &start, exponent, &c00, &c01, &c11, &squares);
    *error = sqrt(c11);
}

static void show(const growth *of, const char *range, const double *sizes, const double *seconds, size_t count)
{
    double exponent, error, first[REPEATS], last[REPEATS];
    fit_exponent(sizes, seconds, count, &exponent, &error);
    memcpy(first, seconds, sizeof first);
    memcpy(last, seconds + count - REPEATS, sizeof last);
    page_row("%s | %s | %.3g | %.3g | **%.2f ± %.2f**", of->what, range, median(first, REPEATS), median(last, REPEATS),
             exponent, error);
}

static void bench_setting(const growth *of)
{
    static const char *const seeds[REPEATS] = {"0,1", "2,3", "4,5"};
    double sizes[MOST_POINTS * REPEATS], seconds[MOST_POINTS * REPEATS];
    size_t count = 0, num_points = 0;
    char range[64];
    for (; num_points < MOST_POINTS && of->points[num_points] != NULL; num_points++) {
        for (size_t r = 0; r < REPEATS; r++) {
            sizes[count] = of->sizes[num_points];
            seconds[count++] = time_point(of, of->points[num_points], seeds[r], NULL, 1);
        }
    }
    (void)snprintf(range, sizeof range, "%g … %g", of->sizes[0], of->sizes[num_points - 1]);
    show(of, range, sizes, seconds, count);
}

/* By the clock, as threads do not change the processor time. */
static void bench_thread_growth(void)
{
    static const growth sweep = {
        .what = "threads, by the clock",
        .values = {{"model", "perceptron"}, {"dim", "32"}, {"train", "2^9..2^12"}, {"temp", "2^-8..2^1"}},
    };
    const int most = ch_processors_available();
    double sizes[MOST_POINTS * REPEATS], seconds[MOST_POINTS * REPEATS];
    size_t count = 0;
    char range[32];
    for (int threads = 1; threads <= most && count < MOST_POINTS * REPEATS; threads *= 2) {
        for (size_t r = 0; r < REPEATS; r++) {
            sizes[count] = threads;
            (void)time_point(&sweep, NULL, "0..7", &seconds[count++], threads);
        }
    }
    (void)snprintf(range, sizeof range, "1 … %g", sizes[count - 1]);
    if (most > 1) {
        show(&sweep, range, sizes, seconds, count);
    }
}

void bench_growth(void)
{
    static const growth all[] = {
        {"P, perceptron, fast engine",
         {{"model", "perceptron"}, {"dim", "32"}, {"train", NULL}, {"temp", "2^-4"}, {"engine", "fast"}},
         {"1024", "2048", "4096", "8192", "16384"},
         {1024, 2048, 4096, 8192, 16384}},
        {"P, perceptron, plain engine",
         {{"model", "perceptron"}, {"dim", "32"}, {"train", NULL}, {"temp", "2^-4"}, {"engine", "plain"}},
         {"512", "1024", "2048", "4096"},
         {512, 1024, 2048, 4096}},
        {"d, perceptron, fast engine, P = 2¹³",
         {{"model", "perceptron"}, {"dim", NULL}, {"train", "8192"}, {"temp", "2^-4"}, {"engine", "fast"}},
         {"16", "32", "64", "128"},
         {16, 32, 64, 128}},
        {"number of T, perceptron, P = 2¹²",
         {{"model", "perceptron"}, {"dim", "32"}, {"train", "4096"}, {"temp", NULL}},
         {"0.09", "0.0625..0.125 x 2", "0.0625..0.125 x 4", "0.0625..0.125 x 8", "0.0625..0.125 x 16"},
         {1, 2, 4, 8, 16}},
        {"P, MLP 784–128×5–1, Gaussian inputs, B = 16",
         {{"model", "mlp"}, {"dim", "784"}, {"train", NULL}, {"temp", "2^-7"}, {"batch", "16"}},
         {"256", "512", "1024", "2048"},
         {256, 512, 1024, 2048}},
        {"P, its linearised twin, with the kernel",
         {{"model", "mlp"}, {"linear", "yes"}, {"dim", "784"}, {"train", NULL}, {"temp", "2^-7"}, {"batch", "16"}},
         {"512", "1024", "2048", "4096"},
         {512, 1024, 2048, 4096}},
    };
    page_say(
        "How processor time grows: exponents of power laws fitted over the range, with standard errors, from sweeps to "
        "the end with %d × 2 data sets at each point, one thread. An exponent is one of this range.",
        REPEATS);
    page_table("with | range | seconds, first | last | exponent");
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        bench_setting(&all[k]);
    }
    bench_thread_growth();
}
