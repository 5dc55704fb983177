/* product.inc.h — the product of two matrices in either precision; part of products_f32.c and products_f64.c.
 *
 * C is computed in tiles whose sums stay in the registers. A tile has at most PANEL columns. The columns of B that
 * belong to it are a panel: DEPTH_BLOCK rows of a panel fit the first cache.
 */
enum {
    ROW_BLOCK = 240,        /* rows of A that are used together: with DEPTH_BLOCK columns they fit the second cache */
    SHALLOW = 2,            /* with k this small, memory limits the speed of a product */
    SHALLOW_COLUMNS = 1024, /* entries of a row that such a product computes together */
    ROWS_TO_PACK = 48,      /* with m this large, copying a panel of B pays */
    MOST_TILE_ROWS = 16     /* rows of the largest tile that the switch below has */
};

/* In the loops below the pragma keeps the compiler from unrolling them whole where it knows the width: it would do so
 * before it looks for vectors, and then finds none. */

/* Moves weights by a velocity that gains a row of sums. */
ALWAYS_INLINE void move_row(const real *restrict sums, size_t width, const c_matrix *to, size_t at)
{
    real *restrict values = to->values + at, *restrict velocity = to->velocity + at;
    double *restrict master = to->master + at;
    if (to->add) {
#pragma GCC unroll 1
        for (size_t j = 0; j < width; j++) {
            velocity[j] += sums[j];
            master[j] += (double)sums[j];
            values[j] = (real)master[j];
        }
        return;
    }
    const real keep = to->keep;
#pragma GCC unroll 1
    for (size_t j = 0; j < width; j++) {
        const real now = keep * velocity[j] + sums[j];
        velocity[j] = now;
        master[j] += (double)now;
        values[j] = (real)master[j];
    }
}

/* Stores a row of sums into C, from place `at` on. */
ALWAYS_INLINE void put_row(const real *restrict sums, size_t width, const c_matrix *to, size_t at)
{
    if (to->velocity != NULL) {
        move_row(sums, width, to, at);
        return;
    }
    real *restrict values = to->values == NULL ? NULL : to->values + at;
    double *restrict master = to->master == NULL ? NULL : to->master + at;
    if (to->master == NULL) {
#pragma GCC unroll 1
        for (size_t j = 0; j < width; j++) {
            values[j] = to->add ? values[j] + sums[j] : sums[j];
        }
    } else if (to->values == NULL) {
#pragma GCC unroll 1
        for (size_t j = 0; j < width; j++) {
            master[j] += (double)sums[j];
        }
    } else {
#pragma GCC unroll 1
        for (size_t j = 0; j < width; j++) {
            master[j] += (double)sums[j];
            values[j] = (real)master[j];
        }
    }
}

/* Stores the first `width` columns of a tile of sums [row][PANEL] into C, from place `at` on. */
static void put_tile(const real *sums, size_t num_rows, size_t width, const c_matrix *to, size_t at)
{
    for (size_t i = 0; i < num_rows; i++, sums += PANEL, at += to->row) {
        if (width == PANEL) { /* the same with a length that the compiler knows */
            put_row(sums, PANEL, to, at);
        } else {
            put_row(sums, width, to, at);
        }
    }
}

/* The terms that are summed together: num_runs runs of A, of `run` entries each, times as many rows of a panel of B. */
typedef struct {
    a_matrix a;
    b_matrix b;
    size_t run, num_runs;
} panel_sum;

static inline size_t row_place(const a_matrix *a, size_t i)
{
    return a->places != NULL ? a->places[i / a->group] + i % a->group * a->row : i * a->row;
}

/* How a tile finds its numbers.
 *   EVEN        rows of A and of B at equal distances
 *   B_BY_PLACE  rows of B by their places, rows of A next to each other
 *   A_BY_PLACE  rows of A by their places */
typedef enum { EVEN, B_BY_PLACE, A_BY_PLACE } tile_kind;

/* Computes a tile: the sums of rows first … first + num_rows and of `vectors` x LANES columns. Rows of the result are
 * to_row apart. The first three arguments are compile-time constants. */
ALWAYS_INLINE void tile(size_t num_rows, size_t vectors, tile_kind kind, const panel_sum *over, size_t first, real *to,
                        size_t to_row)
{
    vector left[MOST_TILE_ROWS] = {0}, right[MOST_TILE_ROWS] = {0};
    ptrdiff_t offset[MOST_TILE_ROWS]; /* from the first row; rows may lie in any order */
    const size_t start = row_place(&over->a, first), row = over->a.row, column = over->a.column;
    const size_t num_pointers = kind == EVEN ? (num_rows + 2) / 3 : 1;
    for (size_t i = 0; kind == A_BY_PLACE && i < num_rows; i++) {
        offset[i] = (ptrdiff_t)row_place(&over->a, first + i) - (ptrdiff_t)start;
    }
    const real *b = over->b.at;
    const size_t *place = over->b.places;
    for (size_t r = 0; r < over->num_runs; r++) {
        const real *a[(MOST_TILE_ROWS + 2) / 3];
        for (size_t i = 0; i < num_pointers; i++) {
            a[i] = over->a.at + start + r * over->a.jump + 3 * i * row;
            HIDE(a[i]);
        }
        for (size_t k = 0; k < over->run; k++) {
            if (kind == B_BY_PLACE) {
                b = over->b.at + *place++;
            }
            const vector b_left = load(b), b_right = vectors > 1 ? load(b + LANES) : b_left;
#pragma GCC unroll 16
            for (size_t i = 0; i < num_rows; i++) {
                const real factor = kind == A_BY_PLACE   ? a[0][offset[i]]
                                    : kind == B_BY_PLACE ? a[0][i]
                                                         : a[i / 3][i % 3 * row];
                left[i] += factor * b_left;
                if (vectors > 1) {
                    right[i] += factor * b_right;
                }
            }
            for (size_t i = 0; i < num_pointers; i++) {
                a[i] += column;
            }
            b += over->b.row;
        }
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < num_rows; i++) {
        store(to + i * to_row, left[i]);
        if (vectors > 1) {
            store(to + i * to_row + LANES, right[i]);
        }
    }
}

#define TILE_OF_KIND(n, kind)                                                                                          \
    if (n <= TILE_ROWS && width > LANES) {                                                                             \
        tile(n, 2, kind, over, first, direct, direct_row);                                                             \
    } else {                                                                                                           \
        tile(n, 1, kind, over, first, direct, direct_row);                                                             \
    }

#define TILE_CASE(n)                                                                                                   \
    case n:                                                                                                            \
        if (kind == EVEN) {                                                                                            \
            TILE_OF_KIND(n, EVEN)                                                                                      \
        } else if (kind == B_BY_PLACE) {                                                                               \
            TILE_OF_KIND(n, B_BY_PLACE)                                                                                \
        } else {                                                                                                       \
            TILE_OF_KIND(n, A_BY_PLACE)                                                                                \
        }                                                                                                              \
        break;

/* Computes a tile of any height and stores it into C, from place `at` on. */
static void tile_of(size_t num_rows, tile_kind kind, const panel_sum *over, size_t first, size_t width,
                    const c_matrix *to, size_t at)
{
    real sums[MOST_TILE_ROWS * PANEL] __attribute__((aligned(CH_CACHE_LINE)));
    /* a tile of whole vectors to which nothing is added is stored without a copy */
    const bool is_direct = width % LANES == 0 && to->master == NULL && !to->add;
    real *direct = is_direct ? to->values + at : sums;
    const size_t direct_row = is_direct ? to->row : PANEL;
    switch (num_rows) {
        TILE_CASE(1)
        TILE_CASE(2)
        TILE_CASE(3)
        TILE_CASE(4)
        TILE_CASE(5)
        TILE_CASE(6)
        TILE_CASE(7)
        TILE_CASE(8)
        TILE_CASE(9)
        TILE_CASE(10)
        TILE_CASE(11)
        TILE_CASE(12)
#if NARROW_ROWS > 12
        TILE_CASE(13)
        TILE_CASE(14)
        TILE_CASE(15)
        TILE_CASE(16)
#endif
    }
    if (!is_direct) {
        put_tile(sums, num_rows, width, to, at);
    }
}

/* Copies a panel of B, with zeros beyond its last column up to a whole vector. */
static void pack(const real *b, size_t b_row, size_t num_rows, size_t width, real *packed, size_t packed_row)
{
    for (size_t l = 0; l < num_rows; l++, b += b_row, packed += packed_row) {
        if (width == PANEL) {
            store(packed, load(b));
            store(packed + LANES, load(b + LANES));
        } else {
            memcpy(packed, b, width * sizeof *b);
            memset(packed + width, 0, (packed_row - width) * sizeof *b);
        }
    }
}

/* Computes rows first … first + num_rows of C and at most PANEL columns, in tiles of nearly equal height. */
static void product_panel(panel_sum over, size_t first, size_t num_rows, size_t width, const c_matrix *to, size_t at)
{
    real packed[DEPTH_BLOCK * PANEL] __attribute__((aligned(CH_CACHE_LINE)));
    const bool copy_pays = num_rows >= ROWS_TO_PACK && over.b.row > PANEL;
    if (over.b.places == NULL && (copy_pays || (width % LANES != 0 && !over.b.is_open))) {
        const size_t packed_row = width > LANES ? PANEL : LANES;
        pack(over.b.at, over.b.row, over.run * over.num_runs, width, packed, packed_row);
        over.b = (b_matrix){.at = packed, .row = packed_row};
    }
    /* groups of rows that nearly fill a tile, or more, get tiles of their own */
    const size_t tile_rows = width > LANES ? TILE_ROWS : NARROW_ROWS;
    const bool is_grouped = over.a.places != NULL && over.a.group >= TILE_ROWS / 2;
    const tile_kind kind = over.b.places != NULL                  ? B_BY_PLACE
                           : over.a.places != NULL && !is_grouped ? A_BY_PLACE
                                                                  : EVEN;
    for (size_t i = 0; i < num_rows;) {
        const size_t most = is_grouped ? over.a.group - (first + i) % over.a.group : num_rows;
        const size_t together = ch_size_min(num_rows - i, most);
        const size_t num_tiles = (together + tile_rows - 1) / tile_rows;
        for (size_t t = 0; t < num_tiles; t++) {
            const size_t from = i + t * together / num_tiles, next = i + (t + 1) * together / num_tiles;
            tile_of(next - from, kind, &over, first + from, width, to, at + from * to->row);
        }
        i += together;
    }
}

/* The product for k <= SHALLOW, row by row: it is limited by memory, so that tiles gain nothing. */
static void shallow_product(size_t m, size_t n, size_t k, const a_matrix *a, const b_matrix *b, const c_matrix *to)
{
    real sums[SHALLOW_COLUMNS] __attribute__((aligned(CH_CACHE_LINE)));
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j += SHALLOW_COLUMNS) {
            const size_t width = ch_size_min(n - j, SHALLOW_COLUMNS);
            for (size_t c = 0; c < width; c++) {
                sums[c] = a->at[i * a->row] * b->at[j + c];
            }
            for (size_t l = 1; l < k; l++) {
                const real factor = a->at[i * a->row + l * a->column];
                const real *row = b->at + l * b->row + j;
                for (size_t c = 0; c < width; c++) {
                    sums[c] += factor * row[c];
                }
            }
            put_row(sums, width, to, i * to->row + j);
        }
    }
}

/* The terms that are summed together from term l on: at most DEPTH_BLOCK, whole runs or a part of one. */
static panel_sum panel_sum_from(const a_matrix *a, const b_matrix *b, size_t k, size_t l)
{
    const size_t run = a->run > 0 ? a->run : k, within = l % run;
    panel_sum over = {.a = *a, .b = *b, .run = ch_size_min(run - within, DEPTH_BLOCK), .num_runs = 1};
    if (over.run == run) {
        over.num_runs = ch_size_min((k - l) / run, DEPTH_BLOCK / run);
    }
    over.a.at += l / run * a->jump + within * a->column;
    over.b.at += b->places == NULL ? l * b->row : 0;
    over.b.places = b->places != NULL ? b->places + l : NULL;
    return over;
}

void CH_PRODUCTS_(product)(size_t m, size_t n, size_t k, a_matrix a, b_matrix b, c_matrix c)
{
    if (k <= SHALLOW && a.places == NULL && a.run == 0 && b.places == NULL) {
        shallow_product(m, n, k, &a, &b, &c);
        return;
    }
    for (size_t l = 0; l < k;) {
        const panel_sum over = panel_sum_from(&a, &b, k, l);
        for (size_t i = 0; i < m; i += ROW_BLOCK) {
            for (size_t j = 0; j < n; j += PANEL) {
                panel_sum here = over;
                here.b.at += j;
                product_panel(here, i, ch_size_min(m - i, ROW_BLOCK), ch_size_min(n - j, PANEL), &c, i * c.row + j);
            }
        }
        l += over.run * over.num_runs;
        c.add = true;
    }
}
