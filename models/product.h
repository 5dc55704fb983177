/* product.h — products of matrices in either precision (CH_REAL, of CH_REAL_BYTES); part of network_body.h.
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

/* Bytes of a vector register, and rows of a tile whose sums fill the registers, two vectors a row. */
#if defined __AVX512F__
#define VECTOR_BYTES 64
#define TILE_ROWS    12
#elif defined __AVX__
#define VECTOR_BYTES 32
#define TILE_ROWS    6
#elif defined __aarch64__
#define VECTOR_BYTES 16
#define TILE_ROWS    12
#else
#define VECTOR_BYTES 16
#define TILE_ROWS    6
#endif
#define LANES (VECTOR_BYTES / CH_REAL_BYTES)

typedef CH_REAL real;
typedef real vector __attribute__((vector_size(VECTOR_BYTES)));

enum {
    PANEL = 2 * LANES,      /* columns of a tile */
    DEPTH_BLOCK = 256,      /* a strip of B of that depth fits the first cache */
    ROW_BLOCK = 240,        /* that part of A the second */
    SHALLOW = 2,            /* so deep a product is bound by memory */
    SHALLOW_COLUMNS = 1024, /* and takes lines of that length */
    ROWS_TO_PACK = 48,      /* so many rows are worth a copy of the strip */
    MOST_TILE_ROWS = 12     /* what the switch below has */
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

/* Entry (i, k) is at[i row + k column]. */
typedef struct {
    const real *at;
    size_t row, column;
} matrix;

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

/* A tile of `num_rows` x `vectors` LANES sums of A B, to sums [row][PANEL]; the first two arguments are constants. */
ALWAYS_INLINE void tile(size_t num_rows, size_t vectors, size_t depth, matrix a, const real *b, size_t b_row, real *to)
{
    vector left[MOST_TILE_ROWS] = {0}, right[MOST_TILE_ROWS] = {0};
    for (size_t k = 0; k < depth; k++) {
        const vector b_left = load(b + k * b_row), b_right = vectors > 1 ? load(b + k * b_row + LANES) : b_left;
#pragma GCC unroll 12
        for (size_t i = 0; i < num_rows; i++) {
            const real factor = a.at[i * a.row + k * a.column];
            left[i] += factor * b_left;
            if (vectors > 1) {
                right[i] += factor * b_right;
            }
        }
    }
#pragma GCC unroll 12
    for (size_t i = 0; i < num_rows; i++) {
        store(to + i * PANEL, left[i]);
        if (vectors > 1) {
            store(to + i * PANEL + LANES, right[i]);
        }
    }
}

#define TILE_CASE(n)                                                                                                   \
    case n:                                                                                                            \
        if (width > LANES) {                                                                                           \
            tile(n, 2, depth, a, b, b_row, sums);                                                                      \
        } else {                                                                                                       \
            tile(n, 1, depth, a, b, b_row, sums);                                                                      \
        }                                                                                                              \
        break;

static void tile_of(size_t num_rows, size_t depth, matrix a, const real *b, size_t b_row, size_t width,
                    const target *to, size_t at)
{
    real sums[MOST_TILE_ROWS * PANEL] __attribute__((aligned(CH_CACHE_LINE)));
    switch (num_rows) {
        TILE_CASE(1)
        TILE_CASE(2)
        TILE_CASE(3)
        TILE_CASE(4)
        TILE_CASE(5)
        TILE_CASE(6)
#if TILE_ROWS > 6
        TILE_CASE(7)
        TILE_CASE(8)
        TILE_CASE(9)
        TILE_CASE(10)
        TILE_CASE(11)
        TILE_CASE(12)
#endif
    }
    put_tile(sums, num_rows, width, to, at);
}

static inline size_t at_most(size_t n, size_t most)
{
    return n < most ? n : most;
}

/* Columns of B next to each other, zeros beyond them up to whole vectors. */
static void pack(const real *b, size_t b_row, size_t depth, size_t width, real *packed, size_t packed_row)
{
    for (size_t k = 0; k < depth; k++) {
        for (size_t j = 0; j < packed_row; j++) {
            packed[k * packed_row + j] = j < width ? b[k * b_row + j] : 0;
        }
    }
}

/* Rows of at most PANEL columns, in tiles of nearly equal height. */
static void product_strip(size_t num_rows, size_t depth, matrix a, const real *b, size_t b_row, size_t width,
                          const target *to, size_t at)
{
    real packed[DEPTH_BLOCK * PANEL] __attribute__((aligned(CH_CACHE_LINE)));
    if (width % LANES != 0 || (num_rows >= ROWS_TO_PACK && b_row > PANEL)) {
        const size_t packed_row = width > LANES ? PANEL : LANES;
        pack(b, b_row, depth, width, packed, packed_row);
        b = packed;
        b_row = packed_row;
    }
    const size_t num_tiles = (num_rows + TILE_ROWS - 1) / TILE_ROWS;
    for (size_t t = 0; t < num_tiles; t++) {
        const size_t first = t * num_rows / num_tiles, next = (t + 1) * num_rows / num_tiles;
        const matrix here = {a.at + first * a.row, a.row, a.column};
        tile_of(next - first, depth, here, b, b_row, width, to, at + first * to->row);
    }
}

/* The same for a depth of SHALLOW or less, row by row: it is memory that takes the time. */
static void shallow_product(size_t num_rows, size_t columns, size_t depth, matrix a, const real *b, size_t b_row,
                            const target *to)
{
    real sums[SHALLOW_COLUMNS] __attribute__((aligned(CH_CACHE_LINE)));
    for (size_t i = 0; i < num_rows; i++) {
        for (size_t j = 0; j < columns; j += SHALLOW_COLUMNS) {
            const size_t width = at_most(columns - j, SHALLOW_COLUMNS);
            for (size_t k = 0; k < depth; k++) {
                const real factor = a.at[i * a.row + k * a.column];
                const real *line = b + k * b_row + j;
                for (size_t l = 0; l < width; l++) {
                    sums[l] = k > 0 ? sums[l] + factor * line[l] : factor * line[l];
                }
            }
            put_line(sums, width, to, i * to->row + j);
        }
    }
}

/* A B, of num_rows x columns entries, summed over `depth`; B's rows are b_row apart, its columns next to each other. */
static void product(size_t num_rows, size_t columns, size_t depth, matrix a, const real *b, size_t b_row, target to)
{
    if (depth <= SHALLOW) {
        shallow_product(num_rows, columns, depth, a, b, b_row, &to);
        return;
    }
    for (size_t k = 0; k < depth; k += DEPTH_BLOCK) {
        for (size_t i = 0; i < num_rows; i += ROW_BLOCK) {
            const matrix here = {a.at + i * a.row + k * a.column, a.row, a.column};
            for (size_t j = 0; j < columns; j += PANEL) {
                product_strip(at_most(num_rows - i, ROW_BLOCK), at_most(depth - k, DEPTH_BLOCK), here,
                              b + k * b_row + j, b_row, at_most(columns - j, PANEL), &to, i * to.row + j);
            }
        }
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
