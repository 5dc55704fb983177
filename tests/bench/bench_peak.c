/* bench_peak.c — the core's peak of multiply-adds beside the rates of matrix products on the same core.
 *
 * The peak is the rate of chains of multiply-adds whose numbers stay in registers. A product of matrices
 * does the same work and loads its factors besides: it can be no faster, and it is only little slower, even where the
 * matrices are much larger than the caches. A peak that is far from the rate of the faster product, of a large one and
 * of one whose matrices fit the second cache, is therefore measured wrongly. Whoever shares the
 * caches slows the product and not the chains, so the best of several repeats is taken of either, of more on a busy
 * machine.
 */
#include "bench.h"

#define CH_REAL       float
#define CH_REAL_BYTES 4
#include "core/memory.h"
#include "models/network/products.inc.h"

enum { LARGE = 2000, SMALL = 480, SMALL_DEPTH = 240, PEAK_REPEATS = 9, MOST_REPEATS = 60 };
static const double MOST_OVER_PRODUCT = 1.5;

#define CHAIN_REAL     float
#define CHAIN_VECTOR   vector_f32
#define CHAIN_FUNCTION multiply_add_in_registers
#include "chains.inc.h"

#define CHAIN_REAL     double
#define CHAIN_VECTOR   vector_f64
#define CHAIN_FUNCTION multiply_add_in_registers_f64
#include "chains.inc.h"

static double peak_rate_f64(void)
{
    const double started = processor_time(), done = multiply_add_in_registers_f64(1 << 23);
    return done / (processor_time() - started);
}

/* Multiply-adds in a second of C = A B, of size × depth and depth × size numbers, each product made so often that it
 * takes some milliseconds. */
static double product_rate(size_t size, size_t depth, const real *left, const real *right, real *result)
{
    const double operations = (double)size * (double)size * (double)depth;
    const size_t repeats = 1 + (size_t)(1e9 / operations);
    const double started = processor_time();
    for (size_t i = 0; i < repeats; i++) {
        product(size, size, depth, (a_matrix){.at = left, .row = depth, .column = 1},
                (b_matrix){.at = right, .row = size}, into(result, size));
    }
    return (double)repeats * operations / (processor_time() - started);
}

void bench_peak(void)
{
    const size_t count = (size_t)LARGE * LARGE;
    real *left = ch_alloc(count, sizeof *left), *right = ch_alloc(count, sizeof *right);
    real *result = ch_alloc(count, sizeof *result);
    double peak = 0, peak_f64 = 0, large = 0, small = 0;
    if (left == NULL || right == NULL || result == NULL) {
        fputs("bench: no memory\n", stderr);
        exit(1);
    }
    for (size_t i = 0; i < count; i++) {
        left[i] = (real)(i % 31) / 31;
        right[i] = (real)(i % 29) / 29;
    }
    for (size_t i = 0; i < PEAK_REPEATS || (i < MOST_REPEATS && peak > MOST_OVER_PRODUCT * fmax(large, small)); i++) {
        peak = fmax(peak, peak_rate());
        peak_f64 = fmax(peak_f64, peak_rate_f64());
        large = fmax(large, product_rate(LARGE, LARGE, left, right, result));
        small = fmax(small, product_rate(SMALL, SMALL_DEPTH, left, right, result));
    }
    free(left);
    free(right);
    free(result);
    const double of_product = fmax(large, small), over_product = peak / of_product;
    const double peak_flops = 2e-9 * peak, product_flops = 2e-9 * of_product;
    page_say(
        "The core's peak, by chains of multiply-adds in registers, beside chiton's products of %d × %d matrices, and "
        "of %d × %d and %d × %d ones, which fit the second cache; the best of %d or more. The bench ends where the "
        "ratio of the peak to the faster product is not between 1 and %g.",
        LARGE, LARGE, SMALL, SMALL_DEPTH, SMALL_DEPTH, SMALL, PEAK_REPEATS, MOST_OVER_PRODUCT);
    page_table(
        "peak, single, GFLOP/s | peak, double | large product, single | product in the cache | peak over the faster");
    page_row("%.1f | %.1f | %.1f | %.1f | %.2f", peak_flops, 2e-9 * peak_f64, 2e-9 * large, 2e-9 * small, over_product);
    if (!(over_product >= 1)) {
        fprintf(
            stderr,
            "bench: the peak, %.1f GFLOP/s, is less than the %.1f GFLOP/s that a matrix product reaches: the chains "
            "in bench_peak.c do not keep the core busy, so that shares of the peak would come out too large\n",
            peak_flops, product_flops);
        exit(1);
    }
    if (!(over_product <= MOST_OVER_PRODUCT)) {
        fprintf(stderr,
                "bench: the peak, %.1f GFLOP/s, is more than %g times the %.1f GFLOP/s that a matrix product reaches: "
                "either the compiler has merged chains in bench_peak.c, so that shares of the peak would come out too "
                "small, or the product is slow on this processor\n",
                peak_flops, MOST_OVER_PRODUCT, product_flops);
        exit(1);
    }
}
