/* transpose.inc.h — transposing matrices in either precision; part of network.inc.h, layerwise.inc.h and products. */

#if defined __clang__ || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else /* older gcc */
#if CH_REAL_BYTES == 4
typedef int32_t indices __attribute__((vector_size(VECTOR_BYTES)));
#else
typedef int64_t indices __attribute__((vector_size(VECTOR_BYTES)));
#endif
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (indices){__VA_ARGS__})
#endif

/* a0 b0 a1 b1 …: interleaves the first halves of a and b, or their second halves */
#if LANES == 16
#define FIRST_HALVES(a, b)  SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define SECOND_HALVES(a, b) SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif LANES == 8
#define FIRST_HALVES(a, b)  SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define SECOND_HALVES(a, b) SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif LANES == 4
#define FIRST_HALVES(a, b)  SHUFFLE(a, b, 0, 4, 1, 5)
#define SECOND_HALVES(a, b) SHUFFLE(a, b, 2, 6, 3, 7)
#else
#define FIRST_HALVES(a, b)  SHUFFLE(a, b, 0, 2)
#define SECOND_HALVES(a, b) SHUFFLE(a, b, 1, 3)
#endif

#if defined __AVX__ && LANES == 8
/* Transposes LANES vectors of LANES numbers: within halves of vectors, where that is quicker, and then the halves. */
ALWAYS_INLINE void transpose_vectors(vector *square)
{
    vector pairs[LANES], fours[LANES];
#pragma GCC unroll 4
    for (size_t i = 0; i < LANES; i += 2) {
        pairs[i] = SHUFFLE(square[i], square[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        pairs[i + 1] = SHUFFLE(square[i], square[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
#pragma GCC unroll 2
    for (size_t i = 0; i < LANES; i += 4) {
        fours[i] = SHUFFLE(pairs[i], pairs[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        fours[i + 1] = SHUFFLE(pairs[i], pairs[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        fours[i + 2] = SHUFFLE(pairs[i + 1], pairs[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
        fours[i + 3] = SHUFFLE(pairs[i + 1], pairs[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < LANES / 2; i++) {
        square[i] = SHUFFLE(fours[i], fours[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        square[i + 4] = SHUFFLE(fours[i], fours[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}
#else
/* Transposes LANES vectors of LANES numbers. Interleaving vector i with vector i + LANES / 2, log2(LANES) times, is a
 * transposition. */
ALWAYS_INLINE void transpose_vectors(vector *square)
{
    vector mixed[LANES];
    for (size_t stride = 1; stride < LANES; stride *= 2) {
        for (size_t i = 0; i < LANES / 2; i++) {
            mixed[2 * i] = FIRST_HALVES(square[i], square[i + LANES / 2]);
            mixed[2 * i + 1] = SECOND_HALVES(square[i], square[i + LANES / 2]);
        }
        memcpy(square, mixed, sizeof mixed);
    }
}
#endif

/* Transposes LANES x LANES numbers: to[j to_row + i] = from[i from_row + j]. Rows of `from` beyond `num_from` count as
 * zeros; rows of `to` beyond `num_to` are not written. */
static void transpose_square(const real *from, size_t from_row, size_t num_from, real *to, size_t to_row, size_t num_to)
{
    vector square[LANES];
    for (size_t i = 0; i < LANES; i++) {
        square[i] = i < num_from ? load(from + i * from_row) : (vector){0};
    }
    transpose_vectors(square);
    for (size_t i = 0; i < num_to; i++) {
        store(to + i * to_row, square[i]);
    }
}

/* to [columns][to_row] = from [rows][from_row] transposed. The rows of `to` are filled up with zeros to whole vectors.
 */
static inline void transpose_to_lanes(const real *from, size_t from_row, size_t rows, size_t columns, real *to,
                                      size_t to_row)
{
    for (size_t i = 0; i < rows; i += LANES) {
        const size_t used = ch_size_min(rows - i, LANES);
        size_t j = 0;
        for (; j + LANES <= columns; j += LANES) {
            transpose_square(from + i * from_row + j, from_row, used, to + j * to_row + i, to_row, LANES);
        }
        for (; j < columns; j++) {
            for (size_t l = 0; l < LANES; l++) {
                to[j * to_row + i + l] = l < used ? from[(i + l) * from_row + j] : 0;
            }
        }
    }
}

/* to [columns][to_row] = from [rows][from_row] transposed. The rows of `from` consist of whole vectors. */
static inline void transpose_from_lanes(const real *from, size_t from_row, size_t rows, size_t columns, real *to,
                                        size_t to_row)
{
    for (size_t j = 0; j < columns; j += LANES) {
        const size_t used = ch_size_min(columns - j, LANES);
        size_t i = 0;
        for (; i + LANES <= rows; i += LANES) {
            transpose_square(from + i * from_row + j, from_row, LANES, to + j * to_row + i, to_row, used);
        }
        for (; i < rows; i++) {
            for (size_t l = 0; l < used; l++) {
                to[(j + l) * to_row + i] = from[i * from_row + j + l];
            }
        }
    }
}

/* to [columns][rows] = from [rows][from_row] transposed. */
static inline void transpose(const real *from, size_t from_row, size_t rows, size_t columns, real *to)
{
    const size_t whole_rows = rows / LANES * LANES, whole_columns = columns / LANES * LANES;
    for (size_t j = 0; j < whole_columns; j += LANES) {
        for (size_t i = 0; i < whole_rows; i += LANES) {
            transpose_square(from + i * from_row + j, from_row, LANES, to + j * rows + i, rows, LANES);
        }
    }
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = i < whole_rows ? whole_columns : 0; j < columns; j++) {
            to[j * rows + i] = from[i * from_row + j];
        }
    }
}
