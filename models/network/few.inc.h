/* few.inc.h — products of dense layers with few samples, in either precision; part of products_f32.c and
 * products_f64.c.
 *
 * A panel of so few samples would leave most lanes of its vectors empty. Here a lane belongs to a unit of the layer
 * instead of a sample. Samples are rows, X [s][n], and W is [m][n]. The sums have the bits that product() gives them.
 */

enum { FEW_VECTORS = 4 }; /* vectors of a row of W^T delta whose sums are in registers together */

/* ---- W X^T ---- */

/* Adds the products of LANES inputs, from input k on, to the sums of LANES units, for each sample.
 * @param row  where the rows of these units start */
ALWAYS_INLINE void add_square(size_t samples, const real *const *row, size_t k, const real *x, size_t in, vector *sums)
{
    vector square[LANES];
#pragma GCC unroll 16
    for (size_t i = 0; i < LANES; i++) {
        square[i] = load(row[i] + k);
    }
    transpose_vectors(square);
#pragma GCC unroll 16
    for (size_t i = 0; i < LANES; i++) {
#pragma GCC unroll 8
        for (size_t s = 0; s < samples; s++) {
            sums[s] += x[s * in + k + i] * square[i];
        }
    }
}

/* The same for one input. */
ALWAYS_INLINE void add_input(size_t samples, const real *const *row, size_t k, const real *x, size_t in, vector *sums)
{
    real weights[LANES];
    for (size_t i = 0; i < LANES; i++) {
        weights[i] = row[i][k];
    }
    const vector column = load(weights);
#pragma GCC unroll 8
    for (size_t s = 0; s < samples; s++) {
        sums[s] += x[s * in + k] * column;
    }
}

/* Adds the products of inputs first … next to the sums of LANES units. `samples` is a compile-time constant. */
ALWAYS_INLINE void add_inputs(size_t samples, const real *const *row, size_t first, size_t next, const real *x,
                              size_t in, vector *sums)
{
    size_t k = first;
    for (; k + LANES <= next; k += LANES) {
        add_square(samples, row, k, x, in, sums);
    }
    for (; k < next; k++) {
        add_input(samples, row, k, x, in, sums);
    }
}

/* Computes the sums of LANES units. `samples` is a compile-time constant. */
ALWAYS_INLINE void unit_sums(size_t samples, const real *const *row, const real *x, size_t in, vector *sums)
{
    for (size_t first = 0; first < in; first += DEPTH_BLOCK) {
        vector block[FEW_SAMPLES] = {0};
        add_inputs(samples, row, first, ch_size_min(in, first + DEPTH_BLOCK), x, in, block);
#pragma GCC unroll 8
        for (size_t s = 0; s < samples; s++) {
            sums[s] = first == 0 ? block[s] : sums[s] + block[s];
        }
    }
}

/* Where the rows of LANES units start. Lanes beyond the last of `count` units repeat it. */
ALWAYS_INLINE void find_rows(const real *weights, size_t row, size_t count, const real **start)
{
    for (size_t i = 0; i < LANES; i++) {
        start[i] = weights + ch_size_min(i, count - 1) * row;
    }
}

/* to [s][m] = X W^T. `samples` is a compile-time constant. */
ALWAYS_INLINE void units_of_samples(size_t samples, size_t m, size_t n, const real *weights, const real *x, real *to)
{
    for (size_t o = 0; o < m; o += LANES) {
        const real *row[LANES];
        vector sums[FEW_SAMPLES] = {0};
        find_rows(weights + o * n, n, m - o, row);
        unit_sums(samples, row, x, n, sums);
        for (size_t s = 0; s < samples; s++) {
            store_some(to + s * m + o, sums[s], m - o);
        }
    }
}

/* As units_of_samples of at most LANES units and DEPTH_BLOCK inputs, a block of a larger product.
 * @param weights  [num_units][n], rows DEPTH_BLOCK apart
 * @param x        [samples][n], rows `in` apart
 * @param adds     whether the sums are added
 * @param to       [samples][num_units], rows `out` apart */
ALWAYS_INLINE void units_of_block(size_t samples, size_t num_units, size_t n, const real *weights, const real *x,
                                  size_t in, bool adds, real *to, size_t out)
{
    const real *row[LANES];
    vector sums[FEW_SAMPLES] = {0};
    find_rows(weights, DEPTH_BLOCK, num_units, row);
    add_inputs(samples, row, 0, n, x, in, sums);
    for (size_t s = 0; s < samples; s++, to += out) {
        store_some(to, adds ? load_some(to, num_units) + sums[s] : sums[s], num_units);
    }
}

/* ---- delta W ---- */

/* Computes `width` columns of delta W, which take `vectors` vectors. The first two arguments are compile-time
 * constants.
 */
ALWAYS_INLINE void input_sums(size_t samples, size_t vectors, size_t width, size_t m, size_t n, const real *weights,
                              const real *delta, real *to)
{
    for (size_t first = 0; first < m; first += DEPTH_BLOCK) {
        const size_t next = ch_size_min(m, first + DEPTH_BLOCK);
        vector sums[FEW_SAMPLES][FEW_VECTORS] = {0};
        for (size_t o = first; o < next; o++) {
            const real *row = weights + o * n;
#pragma GCC unroll 4
            for (size_t v = 0; v < vectors; v++) {
                vector here = load_some(row + v * LANES, width - v * LANES);
                KEEP(here);
#pragma GCC unroll 8
                for (size_t s = 0; s < samples; s++) {
                    sums[s][v] += delta[s * m + o] * here;
                }
            }
        }
#pragma GCC unroll 8
        for (size_t s = 0; s < samples; s++) {
#pragma GCC unroll 4
            for (size_t v = 0; v < vectors; v++) {
                real *at = to + s * n + v * LANES;
                const size_t count = width - v * LANES;
                store_some(at, first == 0 ? sums[s][v] : load_some(at, count) + sums[s][v], count);
            }
        }
    }
}

/* to [s][n] = delta [s][m] W. `samples` is a compile-time constant. */
ALWAYS_INLINE void inputs_of_samples(size_t samples, size_t m, size_t n, const real *weights, const real *delta,
                                     real *to)
{
    size_t j = 0;
    for (; j + FEW_VECTORS * LANES <= n; j += FEW_VECTORS * LANES) {
        input_sums(samples, FEW_VECTORS, FEW_VECTORS * LANES, m, n, weights + j, delta, to + j);
    }
    for (; j + LANES <= n; j += LANES) {
        input_sums(samples, 1, LANES, m, n, weights + j, delta, to + j);
    }
    if (j < n) {
        input_sums(samples, 1, n - j, m, n, weights + j, delta, to + j);
    }
}

/* ---- any number of samples, up to FEW_SAMPLES ---- */

#define FEW_CASE(k, product_of, ...)                                                                                   \
    if ((k) < FEW_SAMPLES && samples == (k)) {                                                                         \
        product_of((k), __VA_ARGS__);                                                                                  \
        return;                                                                                                        \
    }

#define FEW_CASES(product_of, ...)                                                                                     \
    FEW_CASE(1, product_of, __VA_ARGS__)                                                                               \
    FEW_CASE(2, product_of, __VA_ARGS__)                                                                               \
    FEW_CASE(3, product_of, __VA_ARGS__)                                                                               \
    FEW_CASE(4, product_of, __VA_ARGS__)                                                                               \
    FEW_CASE(5, product_of, __VA_ARGS__)                                                                               \
    FEW_CASE(6, product_of, __VA_ARGS__)                                                                               \
    FEW_CASE(7, product_of, __VA_ARGS__)                                                                               \
    product_of(FEW_SAMPLES, __VA_ARGS__);

_Static_assert(FEW_SAMPLES <= 8, "every number of samples has a case");

void CH_PRODUCTS_(few_forward)(size_t samples, size_t m, size_t n, const real *weights, const real *x, real *to)
{
    FEW_CASES(units_of_samples, m, n, weights, x, to)
}

void CH_PRODUCTS_(few_below)(size_t samples, size_t m, size_t n, const real *weights, const real *delta, real *to)
{
    FEW_CASES(inputs_of_samples, m, n, weights, delta, to)
}

/* Does as units_of_block, for any number of samples up to FEW_SAMPLES. */
static void multiply_few(size_t samples, size_t num_units, size_t n, const real *weights, const real *x, size_t in,
                         bool adds, real *to, size_t out)
{
    FEW_CASES(units_of_block, num_units, n, weights, x, in, adds, to, out)
}
