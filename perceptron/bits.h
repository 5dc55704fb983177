/* bits.h — which of 64 whole numbers are at most a given one, as the bits of a 64-bit word. Private to perceptron/.
 *
 * The 64 numbers are eight vectors of eight lanes, the number in place 8 j + l in lane l of vector j. Its bit has the
 * index 32 (l mod 2) + 8 floor(l / 2) + j: so each comparison of a vector leaves its bits where they belong, and no
 * shuffle is needed.
 */
#ifndef CH_BITS_H
#define CH_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { CH_BITS_VECTORS = 8, CH_BITS_LANES = 8, CH_BITS_PLACES = 64 };

typedef uint64_t ch_bits;

/* Vectors, as gcc and clang have them: eight 32-bit whole numbers, and two 64-bit ones. */
typedef int32_t ch_lanes __attribute__((vector_size(32), may_alias));
typedef uint64_t ch_halves __attribute__((vector_size(16), may_alias));

/** The state of a search that is given one vector after the other. */
typedef struct {
    ch_lanes bit;   /* in each lane the bit of the next vector's number */
    ch_lanes found; /* the bits of the numbers found so far, spread over the lanes */
} ch_bits_finder;

static inline ch_bits_finder ch_bits_begin(void)
{
    return (ch_bits_finder){.bit = {1, 1, 1 << 8, 1 << 8, 1 << 16, 1 << 16, 1 << 24, 1 << 24}};
}

/** Finds the numbers of the next vector that are at most `most`. */
static inline void ch_bits_find(ch_bits_finder *self, ch_lanes numbers, int32_t most)
{
    self->found |= (numbers <= most) & self->bit;
    self->bit <<= 1;
}

/** All that was found: the lanes put together. */
static inline ch_bits ch_bits_end(const ch_bits_finder *self)
{
    ch_halves halves[2];
    memcpy(halves, &self->found, sizeof halves);
    halves[0] |= halves[1];
    return halves[0][0] | halves[0][1];
}

/** Finds which of 64 numbers are at most `most`.
 *  @param numbers  [64], aligned to 32 bytes */
static inline ch_bits ch_bits_up_to(const int32_t *numbers, int32_t most)
{
    const ch_lanes *vectors = (const ch_lanes *)numbers;
    ch_bits_finder finder = ch_bits_begin();
    for (size_t j = 0; j < CH_BITS_VECTORS; j++) {
        ch_bits_find(&finder, vectors[j], most);
    }
    return ch_bits_end(&finder);
}

/** Number of bits that are set. */
static inline uint32_t ch_bits_count(ch_bits bits)
{
    return (uint32_t)__builtin_popcountll(bits);
}

/** Place of the number whose bit is the lowest that is set; at least one bit is. */
static inline uint32_t ch_bits_first(ch_bits bits)
{
    const uint32_t bit = (uint32_t)__builtin_ctzll(bits);
    return (bit & 7) << 3 | (bit >> 2 & 6) | bit >> 5;
}

/** Whether the number in a place is among those found. */
static inline bool ch_bits_has(ch_bits bits, uint32_t place)
{
    return (bits >> ((place & 1) << 5 | (place & 6) << 2 | place >> 3) & 1) != 0;
}

/* Exchanges the bits of `mask` with those that are `shift` higher. */
static inline uint64_t ch_bits_swap(uint64_t bits, uint64_t mask, unsigned shift)
{
    const uint64_t differ = (bits ^ bits >> shift) & mask;
    return bits ^ differ ^ differ << shift;
}

/** The same set with bit k for place k. */
static inline uint64_t ch_bits_in_order(ch_bits bits)
{
    /* The index of a bit has the binary digits l0 l2 l1 j2 j1 j0, and is to have j2 j1 j0 l2 l1 l0. Each line exchanges
     * two digits, the result of which stands beside it. */
    bits = ch_bits_swap(bits, UINT64_C(0x00000000f0f0f0f0), 28); /* j2 l2 l1 l0 j1 j0 */
    bits = ch_bits_swap(bits, UINT64_C(0x0000cccc0000cccc), 14); /* j2 j1 l1 l0 l2 j0 */
    bits = ch_bits_swap(bits, UINT64_C(0x00aa00aa00aa00aa), 7);  /* j2 j1 j0 l0 l2 l1 */
    bits = ch_bits_swap(bits, UINT64_C(0x0c0c0c0c0c0c0c0c), 2);  /* j2 j1 j0 l2 l0 l1 */
    return ch_bits_swap(bits, UINT64_C(0x2222222222222222), 1);  /* j2 j1 j0 l2 l1 l0 */
}

/** Place of the number of a rank among those found, by ascending place; 0 <= rank < number of bits set. */
static inline uint32_t ch_bits_place(ch_bits bits, uint32_t rank)
{
    uint64_t left = ch_bits_in_order(bits);
    for (; rank > 0; rank--) {
        left &= left - 1;
    }
    return (uint32_t)__builtin_ctzll(left);
}

#endif
