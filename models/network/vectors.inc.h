/* vectors.inc.h — vectors of the precision CH_REAL, which has CH_REAL_BYTES; part of the templates that the files
 * *_f32.c and *_f64.c include.
 */
#include "core/memory.h"
#include "core/minmax.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <tgmath.h>

/* Bytes of a vector register. Rows of a tile whose sums fill the registers: TILE_ROWS with two vectors in a row,
 * NARROW_ROWS with one. */
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
/* Integers as wide as the vector's reals: a comparison gives all ones or zeros; a cast gives the bits of the reals. */
typedef __typeof__((vector){0} == (vector){0}) mask;

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

/* Loads the first `count` numbers of a vector, with zeros behind them. */
ALWAYS_INLINE vector load_some(const real *from, size_t count)
{
    vector some = {0};
    if (count >= LANES) {
        return load(from);
    }
    memcpy(&some, from, count * sizeof *from);
    return some;
}

ALWAYS_INLINE void store_some(real *to, vector some, size_t count)
{
    if (count >= LANES) {
        store(to, some);
    } else {
        memcpy(to, &some, count * sizeof *to);
    }
}

/* Asks for memory that is soon read to come into the first cache. */
static inline void fetch_ahead(const void *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += CH_CACHE_LINE) {
        __builtin_prefetch((const char *)from + i);
    }
}

/* Keeps the compiler from computing all pointers from one. From a pointer of its own, three rows are reached by the
 * addressing modes of an instruction; twelve distances from one pointer would need more registers than there are. */
#define HIDE(pointer) __asm__("" : "+r"(pointer))

/* Keeps the compiler from reading a vector again at each use of it. */
#if defined __AVX__
#define KEEP(loaded) __asm__("" : "+x"(loaded))
#else
#define KEEP(loaded) (void)(loaded)
#endif
