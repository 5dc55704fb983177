/* product.inc.h — products of matrices in either precision (CH_REAL, of CH_REAL_BYTES); part of network_body.h.
 *
 * Every entry of a product is one chain of multiply-adds in the order of the summed index (blocks of DEPTH_BLOCK are
 * chains of their own): its bits depend neither on the size of vectors nor on what else is computed with it.
 *
 * No library does this well here: batches are as small as 16 samples, sums go straight into the double-precision
 * weights, and the BLAS that systems ship often lacks kernels for the processor.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <tgmath.h>

/* Bytes of a vector register, and rows of a tile whose sums fill the registers, two vectors a row or one. */
#if defined __AVX512F__
#define VECTOR_BYTES 64
#define TILE_ROWS    12
#define NARROW_ROWS  16
#elif defined __AVX__
#define VECTOR_BYTES 32
#define TILE_ROWS    6
#define NARROW_ROWS  12
#elif defined __aarch64__
#define VECTOR_BYTES 16
#define TILE_ROWS    12
#define NARROW_ROWS  16
#else
#define VECTOR_BYTES 16
#define TILE_ROWS    6
#define NARROW_ROWS  12
#endif
#define LANES (VECTOR_BYTES / CH_REAL_BYTES)

typedef CH_REAL real;
typedef real vector __attribute__((vector_size(VECTOR_BYTES)));
/* As wide whole numbers as the vector's reals: all ones or zeros of a comparison, or the bits of the reals. */
typedef __typeof__((vector){0} == (vector){0}) mask;

enum {
    PANEL = 2 * LANES,      /* columns of a tile */
    DEPTH_BLOCK = 256,      /* a strip of B of that depth fits the first cache */
    ROW_BLOCK = 240,        /* that part of A the second */
    SHALLOW = 2,            /* so deep a product is bound by memory */
    SHALLOW_COLUMNS = 1024, /* and takes lines of that length */
    ROWS_TO_PACK = 48,      /* so many rows are worth a copy of the strip */
    MOST_TILE_ROWS = 16     /* what the switch below has */
};

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE vector load(const real *from)
{
    vector loaded;
    memcpy(&loaded, from, sizeof loaded);
    return loaded;
}

ALWAYS_INLINE void store(real *to, vector stored)
{
    memcpy(to, &stored, sizeof stored);
}

/* The first cache gets what is soon read. */
static inline void fetch_ahead(const void *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += CH_CACHE_LINE) {
        __builtin_prefetch((const char *)from + i);
    }
}

/* The left factor. Entry (i, k) is at[i row + k column]. With `places`, of groups of rows, row i starts at
 * places[i / group] + (i % group) row. With a `run`, entries jump after as many: k is (k / run) jump + (k % run) column
 * further. */
typedef struct {
    const real *at;
    size_t row, column;
    const size_t *places;
    size_t group;
    size_t run, jump;
} matrix;

/* The right factor, whose columns lie next to each other: row k starts at[k row], with `places` at[places[k]], where
 * rows of the left one lie next to each other. Of an open one a vector may be read beyond the last column. */
typedef struct {
    const real *at;
    size_t row;
    const size_t *places;
    bool is_open;
} lines;

/* Where a product goes, entry (i, j) to place i row + j: values = product, or values += product; or, where there are
 * master weights, master += product, and values, if there are any, the master rounded. */
typedef struct {
    real *values;
    double *master;
    size_t row;
    bool add;
} target;

/* A line of sums into its place. */
ALWAYS_INLINE void put_line(const real *restrict sums, size_t width, const target *to, size_t at)
{
    real *restrict values = to->values + at;
    double *restrict master = to->master + at;
    if (to->master == NULL) {
        for (size_t j = 0; j < width; j++) {
            values[j] = to->add ? values[j] + sums[j] : sums[j];
        }
    } else if (to->values == NULL) {
        for (size_t j = 0; j < width; j++) {
            master[j] += (double)sums[j];
        }
    } else {
        for (size_t j = 0; j < width; j++) {
            master[j] += (double)sums[j];
            values[j] = (real)master[j];
        }
    }
}

/* A tile of sums [row][PANEL], of which the first `width` columns count. */
static void put_tile(const real *sums, size_t num_rows, size_t width, const target *to, size_t at)
{
    for (size_t i = 0; i < num_rows; i++, sums += PANEL, at += to->row) {
        if (width == PANEL) { /* the same, of a constant length */
            put_line(sums, PANEL, to, at);
        } else {
            put_line(sums, width, to, at);
        }
    }
}

/* What a strip of a product is summed over: num_runs runs of A, `run` long, against rows of B. */
typedef struct {
    matrix a;
    lines b;
    size_t run, num_runs;
} strip;

static inline size_t row_place(const matrix *a, size_t i)
{
    return a->places != NULL ? a->places[i / a->group] + i % a->group * a->row : i * a->row;
}

/* Keeps the compiler from making one pointer of several: rows i, i + 1, i + 2 are all within reach of one, and there
 * are not registers enough for twelve distances. */
#define HIDE(pointer) __asm__("" : "+r"(pointer))

/* How a tile finds its numbers: rows of A and of B at equal distances; rows of B by their places, those of A next to
 * each other, which leaves registers for the places; rows of A by theirs. */
typedef enum { EVEN, B_BY_PLACE, A_BY_PLACE } tile_kind;

/* The sums of rows first … first + num_rows and `vectors` LANES columns, to places to_row apart; the first three
 * arguments are constants. */
ALWAYS_INLINE void tile(size_t num_rows, size_t vectors, tile_kind kind, const strip *over, size_t first, real *to,
                        size_t to_row)
{
    vector left[MOST_TILE_ROWS] = {0}, right[MOST_TILE_ROWS] = {0};
    ptrdiff_t offset[MOST_TILE_ROWS]; /* rows may lie in any order */
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
        tile(n, 2, kind, over, first, sums, PANEL);                                                                    \
    } else {                                                                                                           \
        tile(n, 1, kind, over, first, put, put_row);                                                                   \
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

static void tile_of(size_t num_rows, tile_kind kind, const strip *over, size_t first, size_t width, const target *to,
                    size_t at)
{
    real sums[MOST_TILE_ROWS * PANEL] __attribute__((aligned(CH_CACHE_LINE)));
    /* one vector of columns that nothing is added to goes where it belongs */
    const bool is_put = width == LANES && to->master == NULL && !to->add;
    real *put = is_put ? to->values + at : sums;
    const size_t put_row = is_put ? to->row : PANEL;
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
    if (!is_put) {
        put_tile(sums, num_rows, width, to, at);
    }
}

static inline size_t at_most(size_t n, size_t most)
{
    return n < most ? n : most;
}

/* Columns of B next to each other, zeros beyond them up to whole vectors. */
static void pack(const real *b, size_t b_row, size_t depth, size_t width, real *packed, size_t packed_row)
{
    for (size_t k = 0; k < depth; k++, b += b_row, packed += packed_row) {
        if (width == PANEL) {
            store(packed, load(b));
            store(packed + LANES, load(b + LANES));
        } else {
            memcpy(packed, b, width * sizeof *b);
            memset(packed + width, 0, (packed_row - width) * sizeof *b);
        }
    }
}

/* Rows first … first + num_rows and at most PANEL columns, in tiles of nearly equal height. */
static void product_strip(strip over, size_t first, size_t num_rows, size_t width, const target *to, size_t at)
{
    real packed[DEPTH_BLOCK * PANEL] __attribute__((aligned(CH_CACHE_LINE)));
    const bool is_worth_it = num_rows >= ROWS_TO_PACK && over.b.row > PANEL;
    if (over.b.places == NULL && (is_worth_it || (width % LANES != 0 && !over.b.is_open))) {
        const size_t packed_row = width > LANES ? PANEL : LANES;
        pack(over.b.at, over.b.row, over.run * over.num_runs, width, packed, packed_row);
        over.b = (lines){.at = packed, .row = packed_row};
    }
    /* groups that fill a tile, or nearly, have tiles of their own */
    const size_t tile_rows = width > LANES ? TILE_ROWS : NARROW_ROWS;
    const bool is_grouped = over.a.places != NULL && over.a.group >= TILE_ROWS / 2;
    const tile_kind kind = over.b.places != NULL                  ? B_BY_PLACE
                           : over.a.places != NULL && !is_grouped ? A_BY_PLACE
                                                                  : EVEN;
    for (size_t i = 0; i < num_rows;) {
        const size_t most = is_grouped ? over.a.group - (first + i) % over.a.group : num_rows;
        const size_t together = at_most(num_rows - i, most);
        const size_t num_tiles = (together + tile_rows - 1) / tile_rows;
        for (size_t t = 0; t < num_tiles; t++) {
            const size_t from = i + t * together / num_tiles, next = i + (t + 1) * together / num_tiles;
            tile_of(next - from, kind, &over, first + from, width, to, at + from * to->row);
        }
        i += together;
    }
}

/* The same for a depth of SHALLOW or less, row by row: it is memory that takes the time. */
static void shallow_product(size_t num_rows, size_t columns, size_t depth, const matrix *a, const lines *b,
                            const target *to)
{
    real sums[SHALLOW_COLUMNS] __attribute__((aligned(CH_CACHE_LINE)));
    for (size_t i = 0; i < num_rows; i++) {
        for (size_t j = 0; j < columns; j += SHALLOW_COLUMNS) {
            const size_t width = at_most(columns - j, SHALLOW_COLUMNS);
            for (size_t l = 0; l < width; l++) {
                sums[l] = a->at[i * a->row] * b->at[j + l];
            }
            for (size_t k = 1; k < depth; k++) {
                const real factor = a->at[i * a->row + k * a->column];
                const real *line = b->at + k * b->row + j;
                for (size_t l = 0; l < width; l++) {
                    sums[l] += factor * line[l];
                }
            }
            put_line(sums, width, to, i * to->row + j);
        }
    }
}

/* What is summed over from k on, of `depth`: at most DEPTH_BLOCK, whole runs or a part of one. */
static strip strip_from(const matrix *a, const lines *b, size_t depth, size_t k)
{
    const size_t run = a->run > 0 ? a->run : depth, within = k % run;
    strip over = {.a = *a, .b = *b, .run = at_most(run - within, DEPTH_BLOCK), .num_runs = 1};
    if (over.run == run) {
        over.num_runs = at_most((depth - k) / run, DEPTH_BLOCK / run);
    }
    over.a.at += k / run * a->jump + within * a->column;
    over.b.at += b->places == NULL ? k * b->row : 0;
    over.b.places = b->places != NULL ? b->places + k : NULL;
    return over;
}

/* A B, of num_rows x columns entries, summed over `depth`, a whole number of A's runs. */
static void product(size_t num_rows, size_t columns, size_t depth, matrix a, lines b, target to)
{
    if (depth <= SHALLOW && a.places == NULL && a.run == 0 && b.places == NULL) {
        shallow_product(num_rows, columns, depth, &a, &b, &to);
        return;
    }
    for (size_t k = 0; k < depth;) {
        const strip over = strip_from(&a, &b, depth, k);
        for (size_t i = 0; i < num_rows; i += ROW_BLOCK) {
            for (size_t j = 0; j < columns; j += PANEL) {
                strip here = over;
                here.b.at += j;
                product_strip(here, i, at_most(num_rows - i, ROW_BLOCK), at_most(columns - j, PANEL), &to,
                              i * to.row + j);
            }
        }
        k += over.run * over.num_runs;
        to.add = true;
    }
}

static inline target into(real *values, size_t row)
{
    return (target){.values = values, .row = row};
}

static inline target added_to(real *values, size_t row)
{
    return (target){.values = values, .row = row, .add = true};
}
