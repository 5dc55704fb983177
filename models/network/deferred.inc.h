/* deferred.inc.h — an update of weights and the product with them that follows, in either precision; part of
 * products_f32.c and products_f64.c.
 *
 *   W += A B, with W in double, and then W X with W rounded.
 *
 * The weights of a large layer and their rounded copy do not stay in the caches from step to step. Here a block of
 * weights is changed and rounded into the first cache, where the product reads it. So the weights are read and written
 * once, and the rounded copy of the layer is neither. Sums are split at the columns at which product() splits them, so
 * that the bits are those of update() and product().
 */

enum { BLOCK_ROWS = LANES > TILE_ROWS ? LANES : TILE_ROWS }; /* rows of a block, at most */

/* The k terms of an update, for the columns of B and W that belong to a block. */
typedef struct {
    size_t k;
    a_matrix a;
    b_matrix b;
    bool takes_all;     /* for k <= FEW_TERMS: whether terms whose factor is 0 are added, too */
    const real *packed; /* for larger k: [panel][k][PANEL] the columns of B */
} block_terms;

/* Updates and rounds the rows first … first + num_rows of a block of n columns. */
static void update_rounded(size_t first, size_t num_rows, size_t n, const block_terms *terms, const weight_block *to)
{
    a_matrix a = terms->a;
    a.at += first * a.row;
    if (terms->k > FEW_TERMS) {
        update_columns(TO_WEIGHTS, num_rows, n, terms->k, &a, terms->packed, to);
        return;
    }
    for (size_t i = 0; i < num_rows; i++) {
        const term_list list = list_terms(terms->k, &a, &terms->b, i, terms->takes_all);
        const weight_block row = block_from(TO_WEIGHTS, to, i, 0);
        for (size_t j = 0; list.num == 0 && j < n; j++) {
            row.values[j] = (real)row.master[j];
        }
        update_row_of(TO_WEIGHTS, &list, n, &row);
    }
}

/* to [num_rows][width] = W X, or += where `adds`.
 * @param weights  [num_rows][n] a block of W, rows DEPTH_BLOCK apart
 * @param x        [n][width] */
static void multiply_panel(size_t num_rows, size_t n, const real *weights, size_t width, const real *x, bool adds,
                           real *to)
{
    const panel_sum over = {
        .a = {.at = weights, .row = DEPTH_BLOCK, .column = 1},
        .b = {.at = x, .row = width},
        .run = n,
        .num_runs = 1,
    };
    const c_matrix sums = {.values = to, .row = width, .add = adds};
    tile_of(num_rows, EVEN, &over, 0, width, &sums, 0);
}

void CH_PRODUCTS_(update_forward)(size_t m, size_t n, size_t k, a_matrix a, b_matrix b, double *master,
                                  const forward_product *next)
{
    real rounded[BLOCK_ROWS * DEPTH_BLOCK] __attribute__((aligned(CH_CACHE_LINE)));
    real packed[MOST_TERMS * DEPTH_BLOCK] __attribute__((aligned(CH_CACHE_LINE)));
    const size_t most_rows = next->samples > 0 ? LANES : TILE_ROWS, num_blocks = (m + most_rows - 1) / most_rows;
    block_terms terms = {.k = k, .a = a, .b = b, .packed = packed};
    terms.takes_all = k <= FEW_TERMS && !are_finite(k, n, &b);
    for (size_t l = 0; l < n; l += DEPTH_BLOCK, terms.b.at += DEPTH_BLOCK) {
        const size_t depth = ch_size_min(n - l, DEPTH_BLOCK);
        if (k > FEW_TERMS) {
            pack_columns(&terms.b, k, 0, depth, packed);
        }
        for (size_t t = 0; t < num_blocks; t++) {
            const size_t first = t * m / num_blocks, num_rows = (t + 1) * m / num_blocks - first;
            update_rounded(
                first, num_rows, depth, &terms,
                &(weight_block){
                    .master = master + first * n + l, .values = rounded, .row = n, .values_row = DEPTH_BLOCK});
            if (next->samples > 0) {
                multiply_few(next->samples, num_rows, depth, rounded, next->x + l, n, l > 0, next->to + first, m);
            } else {
                multiply_panel(num_rows, depth, rounded, next->width, next->x + l * next->width, l > 0,
                               next->to + first * next->width);
            }
        }
    }
}
