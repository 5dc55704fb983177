/* products.inc.h — matrix products C = A B in the precision CH_REAL, which has CH_REAL_BYTES; a part of templates.
 *
 *   C_ij = sum over l of A_il B_lj,   A [m][k], B [k][n], C [m][n].
 *
 * An entry of C is one chain of multiply-adds in the order of l; every DEPTH_BLOCK terms begin a chain of their own.
 * Its bits therefore depend neither on the size of the vectors nor on what else is computed with it, and a sample has
 * the same bits in every batch.
 *
 * The products are compiled once for each precision, in products_f32.c and products_f64.c. They are the project's own,
 * as a sample's bits must not depend on its batch, and sums go straight into weights in double precision.
 * docs/performance.md has their speed beside OpenBLAS's, which is up to 1.5 times as fast in some of the shapes of a
 * step with 16 samples or more and 1.2 times in large squares, and slower in others.
 */
#include "models/network/vectors.inc.h"

enum {
    PANEL = 2 * LANES,          /* columns of a panel of B, which belong to a tile of sums in the registers */
    DEPTH_BLOCK = 256,          /* rows of a panel that are used together: they fit the first cache */
    FEW_UNITS_PAY = LANES >= 8, /* whether W X^T of few samples is faster with a unit in each lane, which takes
                                   transposed weights, than with a sample in each, which leaves lanes empty */
    FEW_SAMPLES = LANES / 2,    /* up to so many samples each lane has a unit, and with more samples a sample */
    MOST_TERMS = PANEL,         /* terms of an update that is made together with a product, at most */
};

/* The factor A. Entry (i, l) is at[i row + l column].
 *
 * Rows may lie in groups: with `places`, row i starts at places[i / group] + (i % group) row. Rows may consist of runs:
 * with `run`, entry l lies (l / run) jump + (l % run) column behind the start of its row. */
typedef struct {
    const real *at;
    size_t row, column;   /* distances between neighbours */
    const size_t *places; /* where groups of rows start; NULL: rows are `row` apart */
    size_t group;         /* rows of a group */
    size_t run, jump;     /* entries of a run, and the distance from run to run; run 0: a row is one run */
} a_matrix;

/* The factor B. The entries of a row lie next to each other. Row l starts at at[l row], or with `places` at
 * at[places[l]]; the rows of A must then lie next to each other. */
typedef struct {
    const real *at;
    size_t row;
    const size_t *places;
    bool is_open; /* a vector may be read beyond the last column */
} b_matrix;

/* Where the product C goes: entry (i, j) to place i row + j.
 *   master NULL:      values = C, or values += C where `add`
 *   values NULL:      master += C
 *   both:             master += C, values = master rounded
 *   all three:        velocity = keep x velocity + C, master += velocity; or where `add`, velocity += C, master += C;
 *                     in both cases values = master rounded */
typedef struct {
    real *values;
    double *master;
    size_t row;
    bool add;
    real *velocity; /* NULL: there is none */
    real keep;
} c_matrix;

/* C goes to values, or is added to them. Rows are `row` apart. */
static inline c_matrix into(real *values, size_t row)
{
    return (c_matrix){.values = values, .row = row};
}

static inline c_matrix added_to(real *values, size_t row)
{
    return (c_matrix){.values = values, .row = row, .add = true};
}

/* The product of weights W [m][n] with samples. */
typedef struct {
    size_t samples; /* FEW_SAMPLES or fewer; 0: the samples are a panel */
    size_t width;   /* its columns */
    const real *x;  /* [samples][n], or the panel [n][width] */
    real *to;       /* out: [samples][m], or [m][width] */
} forward_product;

#if CH_REAL_BYTES == 4
#define CH_PRODUCTS_(verb) ch_products_##verb
#else
#define CH_PRODUCTS_(verb) ch_products_f64_##verb
#endif

void CH_PRODUCTS_(product)(size_t m, size_t n, size_t k, a_matrix a, b_matrix b, c_matrix c);
void CH_PRODUCTS_(update)(size_t m, size_t n, size_t k, a_matrix a, b_matrix b, c_matrix c);
void CH_PRODUCTS_(update_forward)(size_t m, size_t n, size_t k, a_matrix a, b_matrix b, double *master,
                                  const forward_product *next);
void CH_PRODUCTS_(few_forward)(size_t samples, size_t m, size_t n, const real *weights, const real *x, real *to);
void CH_PRODUCTS_(few_below)(size_t samples, size_t m, size_t n, const real *weights, const real *delta, real *to);

/* C = A B; k is a whole number of A's runs. */
static inline void product(size_t m, size_t n, size_t k, a_matrix a, b_matrix b, c_matrix c)
{
    CH_PRODUCTS_(product)(m, n, k, a, b, c);
}

/* W += A B, and what else c_matrix says, with the bits of product(). A lies by columns; C has a master, of which
 * `values`, if there are any, are the rounded numbers, and `add` is not set. */
static inline void update(size_t m, size_t n, size_t k, a_matrix a, b_matrix b, c_matrix c)
{
    CH_PRODUCTS_(update)(m, n, k, a, b, c);
}

/* W += A B in double, of k <= MOST_TERMS terms, and then the product with W rounded; with the bits of both. A lies by
 * columns. */
static inline void update_forward(size_t m, size_t n, size_t k, a_matrix a, b_matrix b, double *master,
                                  const forward_product *next)
{
    CH_PRODUCTS_(update_forward)(m, n, k, a, b, master, next);
}

/* to [samples][m] = X W^T, of X [samples][n] and W [m][n], with the bits of product(); for FEW_SAMPLES or fewer. */
static inline void few_forward(size_t samples, size_t m, size_t n, const real *weights, const real *x, real *to)
{
    CH_PRODUCTS_(few_forward)(samples, m, n, weights, x, to);
}

/* to [samples][n] = delta [samples][m] W, with the bits of product(); for FEW_SAMPLES or fewer. */
static inline void few_below(size_t samples, size_t m, size_t n, const real *weights, const real *delta, real *to)
{
    CH_PRODUCTS_(few_below)(samples, m, n, weights, delta, to);
}
