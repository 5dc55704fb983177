/* update.inc.h — changes of weights by a product, in either precision; part of products_f32.c and products_f64.c.
 *
 *   W_ij += sum over l of A_li B_lj,   A [k][m], B [k][n], W [m][n] in double.
 *
 * A term l is a sample: A_li is its derivative by unit i, and B_lj its input j. The sum has the bits that product()
 * gives it. The weights of large layers do not fit the second cache, so that each is read and written once, row by row.
 */

enum {
    FEW_TERMS = 4,           /* with k this small, memory limits the speed */
    PART = VECTOR_BYTES / 8, /* numbers that fill a vector in double precision */
};

typedef double doubles __attribute__((vector_size(PART * 8)));
typedef real part __attribute__((vector_size(PART * CH_REAL_BYTES)));

/* gcc uses the instruction that widens four numbers only where they are written out, and that for eight numbers only
 * through its builtin. */
#if VECTOR_BYTES == 32 && CH_REAL_BYTES == 4
#define WIDENED(x) ((doubles){(double)(x)[0], (double)(x)[1], (double)(x)[2], (double)(x)[3]})
#elif defined __AVX512F__ && CH_REAL_BYTES == 4 && !defined __clang__
#define WIDENED(x) (doubles) __builtin_ia32_cvtps2pd512_mask(x, (doubles){0}, -1, 4)
#else
#define WIDENED(x) __builtin_convertvector(x, doubles)
#endif

/* What is done with the sums, as c_matrix says. */
typedef enum { TO_MASTER, TO_WEIGHTS, TO_VELOCITY } update_kind;

/* Weights [m][n] that sums are added to, in double and, by kind, rounded and with a velocity; else these are NULL. */
typedef struct {
    double *master;
    real *values, *velocity;
    size_t row, values_row; /* distances between rows: of master and velocity, and of values */
    real keep;
} weight_block;

static update_kind kind_of(const weight_block *to)
{
    return to->velocity != NULL ? TO_VELOCITY : to->values != NULL ? TO_WEIGHTS : TO_MASTER;
}

/* The part of a block that begins with row i and column j. `kind` is a compile-time constant. */
ALWAYS_INLINE weight_block block_from(update_kind kind, const weight_block *to, size_t i, size_t j)
{
    weight_block from = *to;
    from.master += i * to->row + j;
    if (kind == TO_VELOCITY) {
        from.velocity += i * to->row + j;
    }
    if (kind != TO_MASTER) {
        from.values += i * to->values_row + j;
    }
    return from;
}

/* Adds sums to the first `count` weights of a block, a whole number of vectors. The first two arguments are
 * compile-time constants. */
ALWAYS_INLINE void add_sums(update_kind kind, size_t count, const real *sums, const weight_block *to)
{
#pragma GCC unroll 8
    for (size_t c = 0; c < count; c += PART) {
        part change;
        doubles now;
        memcpy(&change, sums + c, sizeof change);
        if (kind == TO_VELOCITY) {
            part before;
            memcpy(&before, to->velocity + c, sizeof before);
            change = to->keep * before + change;
            memcpy(to->velocity + c, &change, sizeof change);
        }
        memcpy(&now, to->master + c, sizeof now);
        now += WIDENED(change);
        memcpy(to->master + c, &now, sizeof now);
        if (kind != TO_MASTER) {
            change = __builtin_convertvector(now, part);
            memcpy(to->values + c, &change, sizeof change);
        }
    }
}

/* Adds sums to the first `width` weights of a block, any number of them. */
static void add_some_sums(size_t width, const real *sums, const weight_block *to)
{
    const c_matrix row = {.values = to->values, .master = to->master, .velocity = to->velocity, .keep = to->keep};
    put_row(sums, width, &row, 0);
}

/* ---- few terms ---- */

/* The terms of a row whose factor is not 0. The others would add 0, which changes no number. With relu a factor is 0
 * about every second time. */
typedef struct {
    size_t num;
    const real *row[FEW_TERMS]; /* the term's row of B */
    real factor[FEW_TERMS];
} term_list;

static term_list list_terms(size_t k, const a_matrix *a, const b_matrix *b, size_t i, bool all)
{
    term_list terms = {.num = 0};
    for (size_t l = 0; l < k; l++) {
        const real factor = a->at[i * a->row + l * a->column];
        terms.row[terms.num] = b->at + l * b->row;
        terms.factor[terms.num] = factor;
        terms.num += all || factor != 0 ? 1 : 0;
    }
    return terms;
}

/* Changes the first row of a block of n columns. The first two arguments are compile-time constants. */
ALWAYS_INLINE void update_row(update_kind kind, size_t num, const term_list *terms, size_t n, const weight_block *to)
{
    real sums[SHALLOW_COLUMNS] __attribute__((aligned(CH_CACHE_LINE)));
    for (size_t j = 0; j < n; j += SHALLOW_COLUMNS) {
        const size_t width = ch_size_min(n - j, SHALLOW_COLUMNS), whole = width / LANES * LANES;
        size_t c = 0;
        for (; c < whole; c += LANES) {
            vector sum = {0};
#pragma GCC unroll 4
            for (size_t t = 0; t < num; t++) {
                sum += terms->factor[t] * load(terms->row[t] + j + c);
            }
            store(sums + c, sum);
        }
        for (; c < width; c++) {
            sums[c] = 0;
#pragma GCC unroll 4
            for (size_t t = 0; t < num; t++) {
                sums[c] += terms->factor[t] * terms->row[t][j + c];
            }
        }
        c = 0;
        for (; c < whole; c += LANES) {
            const weight_block here = block_from(kind, to, 0, j + c);
            add_sums(kind, LANES, sums + c, &here);
        }
        const weight_block rest = block_from(kind, to, 0, j + c);
        add_some_sums(width - c, sums + c, &rest);
    }
}

ALWAYS_INLINE void update_row_of(update_kind kind, const term_list *terms, size_t n, const weight_block *to)
{
    switch (terms->num) {
    case 1:
        update_row(kind, 1, terms, n, to);
        break;
    case 2:
        update_row(kind, 2, terms, n, to);
        break;
    case 3:
        update_row(kind, 3, terms, n, to);
        break;
    case FEW_TERMS:
        update_row(kind, FEW_TERMS, terms, n, to);
        break;
    default: /* nothing is added */
        break;
    }
}

/* Whether all numbers of k rows are finite. Terms whose factor is 0 may be left out only then: 0 times infinity is NaN.
 */
static bool are_finite(size_t k, size_t n, const b_matrix *b)
{
    vector any = {0};
    real rest = 0;
    for (size_t l = 0; l < k; l++) {
        const real *row = b->at + l * b->row;
        size_t j = 0;
        for (; j + LANES <= n; j += LANES) {
            any += load(row + j) * 0;
        }
        for (; j < n; j++) {
            rest += row[j] * 0;
        }
    }
    for (size_t l = 0; l < LANES; l++) {
        rest += any[l];
    }
    return rest == 0;
}

static void update_by_few(size_t m, size_t n, size_t k, const a_matrix *a, const b_matrix *b, const weight_block *to)
{
    const bool all = to->velocity != NULL || !are_finite(k, n, b);
    for (size_t i = 0; i < m; i++) {
        const term_list terms = list_terms(k, a, b, i, all);
        weight_block row;
        switch (kind_of(to)) {
        case TO_MASTER:
            row = block_from(TO_MASTER, to, i, 0);
            update_row_of(TO_MASTER, &terms, n, &row);
            break;
        case TO_WEIGHTS:
            row = block_from(TO_WEIGHTS, to, i, 0);
            update_row_of(TO_WEIGHTS, &terms, n, &row);
            break;
        case TO_VELOCITY:
            row = block_from(TO_VELOCITY, to, i, 0);
            update_row_of(TO_VELOCITY, &terms, n, &row);
            break;
        }
    }
}

/* ---- more terms ----
 *
 * While the multiply-adds of a tile are made, the sums of the tile before are added to the weights: these operations
 * use other units of the processor, and the weights take long to come from memory.
 */

/* Rows of sums [row][PANEL] that wait to be added, and the weights that they are added to. */
typedef struct {
    const real *sums;
    size_t num_rows;
    weight_block to;
} waiting_rows;

ALWAYS_INLINE void add_waiting_row(update_kind kind, waiting_rows *waiting)
{
    add_sums(kind, PANEL, waiting->sums, &waiting->to);
    waiting->to = block_from(kind, &waiting->to, 1, 0);
    waiting->sums += PANEL;
    waiting->num_rows--;
}

/* Adds the products of term l to the sums of a tile. */
ALWAYS_INLINE void add_term(size_t num_rows, vector *left, vector *right, const real *a, const real *b)
{
    vector b_left = load(b), b_right = load(b + LANES);
    KEEP(b_left);
    KEEP(b_right);
#pragma GCC unroll 16
    for (size_t i = 0; i < num_rows; i++) {
        left[i] += a[i] * b_left;
        right[i] += a[i] * b_right;
    }
}

/* sums [row][PANEL] of a tile. The first two arguments are compile-time constants. */
ALWAYS_INLINE void update_tile(update_kind kind, size_t num_rows, size_t k, const real *a, size_t column, const real *b,
                               real *sums, waiting_rows waiting)
{
    vector left[TILE_ROWS] = {0}, right[TILE_ROWS] = {0};
    size_t l = 0;
    for (; l + 2 <= k && waiting.num_rows > 0; l += 2) {
        add_term(num_rows, left, right, a, b);
        add_waiting_row(kind, &waiting);
        add_term(num_rows, left, right, a + column, b + PANEL);
        a += 2 * column;
        b += 2 * PANEL;
    }
    for (; l < k; l++) {
        add_term(num_rows, left, right, a, b);
        a += column;
        b += PANEL;
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < num_rows; i++) {
        store(sums + i * PANEL, left[i]);
        store(sums + i * PANEL + LANES, right[i]);
    }
    while (waiting.num_rows > 0) {
        add_waiting_row(kind, &waiting);
    }
}

#define UPDATE_CASE(n)                                                                                                 \
    case n:                                                                                                            \
        update_tile(kind, n, k, a, column, b, sums, *waiting);                                                         \
        break;

ALWAYS_INLINE void update_tile_of(update_kind kind, size_t num_rows, size_t k, const real *a, size_t column,
                                  const real *b, real *sums, const waiting_rows *waiting)
{
    switch (num_rows) {
        UPDATE_CASE(1)
        UPDATE_CASE(2)
        UPDATE_CASE(3)
        UPDATE_CASE(4)
        UPDATE_CASE(5)
        UPDATE_CASE(6)
#if TILE_ROWS > 6
        UPDATE_CASE(7)
        UPDATE_CASE(8)
        UPDATE_CASE(9)
        UPDATE_CASE(10)
        UPDATE_CASE(11)
        UPDATE_CASE(12)
#endif
    }
}

/* Changes all rows of a block of n columns.
 * @param kind    a compile-time constant
 * @param packed  [panel][k][PANEL] those columns of B */
ALWAYS_INLINE void update_columns(update_kind kind, size_t m, size_t n, size_t k, const a_matrix *a, const real *packed,
                                  const weight_block *to)
{
    real sums[2][TILE_ROWS * PANEL] __attribute__((aligned(CH_CACHE_LINE)));
    const size_t num_tiles = (m + TILE_ROWS - 1) / TILE_ROWS;
    waiting_rows waiting = {.num_rows = 0};
    size_t turn = 0;
    for (size_t t = 0; t < num_tiles; t++) {
        const size_t first = t * m / num_tiles, num_rows = (t + 1) * m / num_tiles - first;
        for (size_t j = 0; j < n; j += PANEL, turn = 1 - turn) {
            update_tile_of(kind, num_rows, k, a->at + first, a->column, packed + j * k, sums[turn], &waiting);
            waiting = (waiting_rows){sums[turn], num_rows, block_from(kind, to, first, j)};
            for (; n - j < PANEL && waiting.num_rows > 0; waiting.num_rows--) {
                add_some_sums(n - j, waiting.sums, &waiting.to);
                waiting.to = block_from(kind, &waiting.to, 1, 0);
                waiting.sums += PANEL;
            }
        }
    }
    while (waiting.num_rows > 0) {
        add_waiting_row(kind, &waiting);
    }
}

/* Copies `columns` columns of B from column j on as [panel][k][PANEL], with zeros beyond the last. */
static void pack_columns(const b_matrix *b, size_t k, size_t j, size_t columns, real *packed)
{
    for (size_t p = 0; p < columns; p += PANEL) {
        pack(b->at + j + p, b->row, k, ch_size_min(columns - p, PANEL), packed + p * k, PANEL);
    }
}

static void update_by_tiles(size_t m, size_t n, size_t k, const a_matrix *a, const b_matrix *b, const weight_block *to)
{
    real packed[DEPTH_BLOCK * PANEL] __attribute__((aligned(CH_CACHE_LINE)));
    const size_t block = DEPTH_BLOCK / k * PANEL;
    for (size_t j = 0; j < n; j += block) {
        const size_t columns = ch_size_min(n - j, block);
        weight_block here;
        pack_columns(b, k, j, columns, packed);
        switch (kind_of(to)) {
        case TO_MASTER:
            here = block_from(TO_MASTER, to, 0, j);
            update_columns(TO_MASTER, m, columns, k, a, packed, &here);
            break;
        case TO_WEIGHTS:
            here = block_from(TO_WEIGHTS, to, 0, j);
            update_columns(TO_WEIGHTS, m, columns, k, a, packed, &here);
            break;
        case TO_VELOCITY:
            here = block_from(TO_VELOCITY, to, 0, j);
            update_columns(TO_VELOCITY, m, columns, k, a, packed, &here);
            break;
        }
    }
}

void CH_PRODUCTS_(update)(size_t m, size_t n, size_t k, a_matrix a, b_matrix b, c_matrix c)
{
    const weight_block to = {c.master, c.values, c.velocity, c.row, c.row, c.keep};
    if (k <= FEW_TERMS) {
        update_by_few(m, n, k, &a, &b, &to);
    } else if (k <= DEPTH_BLOCK) {
        update_by_tiles(m, n, k, &a, &b, &to);
    } else {
        product(m, n, k, a, b, c);
    }
}
