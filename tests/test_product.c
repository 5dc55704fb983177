/* test_product.c — compares products of products.inc.h and transposes of transpose.inc.h with triple loops at odd
 * sizes, products of few samples and updates with those products bit by bit, and activations with the mathematics
 * library. It tests single precision; test_networks.c tests both. */
#include "core/core.h"
#include "tests/support.h"
#include "tests/valgrind_support.h"

#define CH_REAL       float
#define CH_REAL_BYTES 4
#include "models/architecture.h"
#include "models/network/products.inc.h"

#include "core/memory.h"
#include "models/network/activations.inc.h"
#include "models/network/transpose.inc.h"

#include <gsl/gsl_errno.h>

enum { MOST = 700 };

static ch_random stream;

static void fill(real *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        values[i] = (real)ch_random_u32(&stream) * 0x1p-31F - 1;
    }
}

/* The sum over k of A_ik B_kj.
 * @param size  out: the same sum of absolute values */
static double entry(const a_matrix *a, const real *b, size_t b_row, size_t depth, size_t i, size_t j, double *size)
{
    double sum = 0;
    *size = 0;
    for (size_t k = 0; k < depth; k++) {
        const double term = (double)a->at[i * a->row + k * a->column] * (double)b[k * b_row + j];
        sum += term;
        *size += fabs(term);
    }
    return sum;
}

typedef struct {
    size_t rows, columns, depth;
    bool is_transposed; /* whether A is stored by columns */
} shape;

/* Entries are right up to rounding, and nothing beside them is written. */
static void check_product(const shape *at, int kind)
{
    const size_t rows = at->rows, columns = at->columns, depth = at->depth, b_row = columns + 3, row = columns + 5;
    real *left = ch_alloc(rows * depth, sizeof *left), *b = ch_alloc(depth * b_row, sizeof *b);
    real *values = ch_alloc(rows * row, sizeof *values), *before = ch_alloc(rows * row, sizeof *before);
    double *master = ch_alloc(rows * row, sizeof *master), *master_before = ch_alloc(rows * row, sizeof *master);
    fill(left, rows * depth);
    fill(b, depth * b_row);
    fill(before, rows * row);
    memcpy(values, before, rows * row * sizeof *values);
    for (size_t i = 0; i < rows * row; i++) {
        master_before[i] = master[i] = 3 * (double)before[i] + 1e-9;
    }
    const a_matrix a = {.at = left, .row = at->is_transposed ? 1 : depth, .column = at->is_transposed ? rows : 1};
    c_matrix to = {.values = values, .row = row, .add = kind == 1};
    to.master = kind >= 2 ? master : NULL;
    to.values = kind == 3 ? NULL : values;
    product(rows, columns, depth, a, (b_matrix){.at = b, .row = b_row}, to);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < row; j++) {
            const size_t k = i * row + j;
            if (j >= columns) {
                assert_true(values[k] == before[k] && master[k] == master_before[k]);
                continue;
            }
            double size, wanted = entry(&a, b, b_row, depth, i, j, &size), got = 0;
            switch (kind) {
            case 0:
                got = (double)values[k];
                break;
            case 1:
                got = (double)values[k] - (double)before[k];
                break;
            default:
                got = master[k] - master_before[k];
                assert_true(values[k] == (kind == 3 ? before[k] : (real)master[k]));
            }
            const double error = ((double)depth + 4) * 0x1p-24 * (size + 1);
            assert_in(got - wanted, -error, error);
        }
    }
    free(left);
    free(b);
    free(values);
    free(before);
    free(master);
    free(master_before);
}

static void products_are_sums(void **state)
{
    (void)state;
    skip_under_valgrind();
    static const size_t sizes[] = {1, 2, 3, 5, 8, 13, 16, 17, 31, 32, 33, 48, 61, 100};
    static const size_t depths[] = {1, 2, 3, 16, 255, 256, 257, 600};
    enum { NUM_SIZES = sizeof sizes / sizeof *sizes, NUM_DEPTHS = sizeof depths / sizeof *depths };
    for (size_t i = 0; i < NUM_SIZES; i++) {
        for (size_t j = 0; j < NUM_SIZES; j += is_sanitized() ? 2 : 1) {
            for (size_t k = 0; k < NUM_DEPTHS; k++) {
                const shape at = {sizes[i], sizes[j], depths[k], (i + j + k) % 2 == 0};
                check_product(&at, (int)((i + 2 * j + k) % 4));
            }
        }
    }
    for (int kind = 0; kind < 4; kind++) { /* several blocks of rows */
        check_product(&(shape){513, 37, 300, false}, kind);
        check_product(&(shape){250, 1100, 2, true}, kind);
    }
}

/* Numbers of which about a third are 0, as derivatives are with relu. */
static void fill_with_zeros(real *values, size_t count)
{
    fill(values, count);
    for (size_t i = 0; i < count; i++) {
        values[i] = ch_random_below(&stream, 3) == 0 ? 0 : values[i];
    }
}

/* An update has the bits of a product that is added to the weights, whatever becomes of the sums. */
static void check_update(const shape *at, bool has_values, bool has_velocity)
{
    const size_t m = at->rows, n = at->columns, k = at->depth, count = m * n;
    real *a = ch_alloc(k * m, sizeof *a), *b = ch_alloc(k * n, sizeof *b);
    real *values[2], *velocity[2];
    double *master[2];
    fill_with_zeros(a, k * m);
    fill(b, k * n);
    for (int i = 0; i < 2; i++) {
        values[i] = ch_alloc(count, sizeof *values[i]);
        velocity[i] = ch_alloc(count, sizeof *velocity[i]);
        master[i] = ch_alloc(count, sizeof *master[i]);
        for (size_t j = 0; j < count; j++) {
            master[i][j] = 1 + (double)j / 3;
            values[i][j] = (real)master[i][j];
            velocity[i][j] = 1 / ((real)j + 1);
        }
        c_matrix to = {.master = master[i], .row = n, .keep = 0.75F};
        to.values = has_values ? values[i] : NULL;
        to.velocity = has_velocity ? velocity[i] : NULL;
        (i == 0 ? product : update)(m, n, k, (a_matrix){.at = a, .row = 1, .column = m}, (b_matrix){.at = b, .row = n},
                                    to);
    }
    for (size_t j = 0; j < count; j++) {
        assert_true(master[0][j] == master[1][j] && values[0][j] == values[1][j] && velocity[0][j] == velocity[1][j]);
    }
    for (int i = 0; i < 2; i++) {
        free(values[i]);
        free(velocity[i]);
        free(master[i]);
    }
    free(a);
    free(b);
}

static void updates_have_the_bits_of_products(void **state)
{
    (void)state;
    skip_under_valgrind();
    static const size_t sizes[] = {1, 5, 6, 7, 13, 16, 17, 40, 131}, depths[] = {1, 2, 3, 4, 5, 8, 16, 33, 257};
    enum { NUM_SIZES = sizeof sizes / sizeof *sizes, NUM_DEPTHS = sizeof depths / sizeof *depths };
    for (size_t i = 0; i < NUM_SIZES; i++) {
        for (size_t j = 0; j < NUM_SIZES; j++) {
            for (size_t k = 0; k < NUM_DEPTHS; k++) {
                const size_t kind = (i + 2 * j + k) % 3;
                check_update(&(shape){sizes[i], sizes[j], depths[k], true}, kind > 0, kind == 2);
            }
        }
    }
    check_update(&(shape){3, 1100, 2, true}, true, false);
}

/* A weight that meets an infinite input changes to NaN though its unit's derivative is 0. */
static void updates_keep_infinite_inputs(void **state)
{
    (void)state;
    enum { INPUTS = 20 };
    const real a[] = {0};
    real b[INPUTS] = {[3] = INFINITY, [18] = INFINITY}, values[INPUTS];
    double master[INPUTS] = {0};
    update(1, INPUTS, 1, (a_matrix){.at = a, .row = 1, .column = 1}, (b_matrix){.at = b, .row = INPUTS},
           (c_matrix){.values = values, .master = master, .row = INPUTS});
    for (size_t i = 0; i < INPUTS; i++) {
        assert_true(isnan(master[i]) == (i == 3 || i == 18));
    }
}

/* Sums of few samples have the bits of the same samples' products in panels. */
static void few_samples_have_the_bits_of_panels(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 3, 8, 17, 33, 130, 300};
    enum { NUM_SIZES = sizeof sizes / sizeof *sizes, MOST_SIZE = 300 };
    real *weights = ch_alloc(MOST_SIZE * MOST_SIZE, sizeof *weights);
    real x[FEW_SAMPLES * MOST_SIZE], got[FEW_SAMPLES * MOST_SIZE], wanted[FEW_SAMPLES * MOST_SIZE];
    fill(weights, MOST_SIZE * MOST_SIZE);
    for (size_t i = 0; i < NUM_SIZES * NUM_SIZES * FEW_SAMPLES; i++) {
        const size_t samples = i % FEW_SAMPLES + 1;
        const size_t m = sizes[i / FEW_SAMPLES % NUM_SIZES], n = sizes[i / FEW_SAMPLES / NUM_SIZES];
        real *turned = ch_alloc(m * n, sizeof *turned);
        for (size_t j = 0; j < m * n; j++) {
            turned[j % n * m + j / n] = weights[j];
        }
        fill_with_zeros(x, samples * MOST_SIZE);
        few_forward(samples, m, n, weights, x, got);
        product(samples, m, n, (a_matrix){.at = x, .row = n, .column = 1}, (b_matrix){.at = turned, .row = m},
                into(wanted, m));
        for (size_t j = 0; j < samples * m; j++) {
            assert_true(got[j] == wanted[j]);
        }
        few_below(samples, m, n, weights, x, got);
        product(samples, n, m, (a_matrix){.at = x, .row = m, .column = 1}, (b_matrix){.at = weights, .row = n},
                into(wanted, n));
        for (size_t j = 0; j < samples * n; j++) {
            assert_true(got[j] == wanted[j]);
        }
        free(turned);
    }
    free(weights);
}

static void assert_same(const real *values, const real *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_true(values[i] == wanted[i] || (isnan(values[i]) && isnan(wanted[i])));
    }
}

/* An update made together with a product has the bits of both, one after the other, also where an input is infinite:
 * then terms whose factor is 0 count. */
static void updates_with_products_have_their_bits(void **state)
{
    (void)state;
    static const size_t rows[] = {1, 7, 12, 16, 33, 130}, columns[] = {1, 16, 40, 256, 300, 700};
    static const size_t terms[] = {1, 3, 4, 5, MOST_TERMS - 1, MOST_TERMS},
                        samples[] = {1, 3, FEW_SAMPLES, LANES, PANEL};
    enum { NUM = 6, NUM_SAMPLES = 5, MOST_ROWS = 130 };
    static real a[MOST_TERMS * MOST_ROWS], b[MOST_TERMS * MOST], x[PANEL * MOST];
    static real values[MOST_ROWS * MOST], got[PANEL * MOST_ROWS], wanted[PANEL * MOST_ROWS];
    static double master[MOST_ROWS * MOST], master_wanted[MOST_ROWS * MOST];
    const size_t step = is_under_valgrind() ? 101 : is_sanitized() ? 7 : 1;
    for (size_t i = 0; i < NUM * NUM * NUM * NUM_SAMPLES; i += step) {
        const size_t m = rows[i % NUM], n = columns[i / NUM % NUM], k = terms[i / NUM / NUM % NUM];
        const size_t count = samples[i / NUM / NUM / NUM];
        const a_matrix left = {.at = a, .row = 1, .column = m};
        const b_matrix right = {.at = b, .row = n};
        fill_with_zeros(a, k * m);
        fill(b, k * n);
        b[0] = i % 5 == 0 ? INFINITY : b[0];
        fill(x, count * n);
        fill(values, m * n);
        for (size_t j = 0; j < m * n; j++) {
            master[j] = master_wanted[j] = (double)values[j] * 1.1;
            values[j] = (real)master[j];
        }
        update(m, n, k, left, right, (c_matrix){.values = values, .master = master_wanted, .row = n});
        if (count <= FEW_SAMPLES) {
            few_forward(count, m, n, values, x, wanted);
            update_forward(m, n, k, left, right, master, &(forward_product){.samples = count, .x = x, .to = got});
        } else {
            product(m, count, n, (a_matrix){.at = values, .row = n, .column = 1}, (b_matrix){.at = x, .row = count},
                    into(wanted, count));
            update_forward(m, n, k, left, right, master, &(forward_product){.width = count, .x = x, .to = got});
        }
        for (size_t j = 0; j < m * n; j++) {
            assert_true(master[j] == master_wanted[j] || (isnan(master[j]) && isnan(master_wanted[j])));
        }
        assert_same(got, wanted, m * count);
    }
}

static void transposes_are_exact(void **state)
{
    (void)state;
    static real from[MOST * MOST / 4], there[MOST * MOST], back[MOST * MOST / 4];
    static const size_t sizes[] = {1, 2, 7, 15, 16, 17, 31, 32, 40, 65};
    enum { NUM_SIZES = sizeof sizes / sizeof *sizes };
    for (size_t k = 0; k < NUM_SIZES * NUM_SIZES; k++) {
        const size_t rows = sizes[k / NUM_SIZES], columns = sizes[k % NUM_SIZES];
        const size_t lanes = (rows + LANES - 1) / LANES * LANES;
        fill(from, rows * columns);
        fill(there, columns * lanes);
        transpose_to_lanes(from, columns, rows, columns, there, lanes);
        for (size_t i = 0; i < lanes; i++) {
            for (size_t j = 0; j < columns; j++) {
                assert_true(there[j * lanes + i] == (i < rows ? from[i * columns + j] : 0));
            }
        }
        fill(back, rows * columns + 1);
        const real beyond = back[rows * columns];
        transpose_from_lanes(there, lanes, columns, rows, back, columns);
        assert_memory_equal(back, from, rows * columns * sizeof *from);
        assert_true(back[rows * columns] == beyond);
    }
}

/* phi and phi' in double, by their definitions. */
static double phi(ch_activation activation, double z)
{
    const double u = sqrt(2 / M_PI) * (z + 0.044715 * z * z * z);
    switch (activation) {
    case CH_ACTIVATION_RELU:
        return fmax(0, z);
    case CH_ACTIVATION_GELU:
        return z / 2 * (1 + tanh(u));
    case CH_ACTIVATION_LINEAR:
        return z;
    default:
        return z / (1 + exp(-z));
    }
}

static void activations_are_right(void **state)
{
    (void)state;
    static real z[2003], values[2003], slopes[2003];
    for (int a = 0; ch_activation_name((uint64_t)a) != NULL; a++) {
        const ch_activation activation = (ch_activation)a;
        const double norm = ch_activation_norm(activation), h = 1e-5;
        for (size_t i = 0; i < 2003; i++) {
            z[i] = ((real)i - 1001.3F) * 0.01F * (i % 10 == 0 ? 20 : 1);
            slopes[i] = 3;
        }
        activate(activation, z, values, 2003);
        multiply_by_slope(activation, 2, z, slopes, 2003);
        for (size_t i = 0; i < 2003; i++) {
            const double x = (double)z[i], slope = (phi(activation, x + h) - phi(activation, x - h)) / (2 * h);
            const double error = 4e-7 * (fabs(x) < 1 ? 1 : fabs(x));
            assert_in((double)values[i] * norm - phi(activation, x), -error, error);
            assert_in((double)slopes[i] * norm / 6 - slope, -4e-6, 4e-6);
        }
        z[0] = z[2002] = NAN;
        activate(activation, z, values, 2003);
        assert_true(isnan(values[0]) && isnan(values[2002]) && !isnan(values[1]));
    }
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    ch_random_init(&stream, 1, CH_STREAM_INIT, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_sums),
        cmocka_unit_test(updates_have_the_bits_of_products),
        cmocka_unit_test(updates_keep_infinite_inputs),
        cmocka_unit_test(few_samples_have_the_bits_of_panels),
        cmocka_unit_test(updates_with_products_have_their_bits),
        cmocka_unit_test(transposes_are_exact),
        cmocka_unit_test(activations_are_right),
    };
    return cmocka_run_group_tests_name("product", tests, NULL, NULL);
}
