/* bits.h — which of 64 whole numbers are small, as the bits of a word.
 *
 * Eight vectors of eight lanes are compared side by side, and lane l of vector j leaves its bit where no shuffle is
 * needed to bring it there: 32 (l mod 2) + 8 (l / 2) + j, for the number in place 8 j + l.
 */
#ifndef CH_BITS_H
#define CH_BITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { CH_BITS_VECTORS = 8, CH_BITS_LANES = 8, CH_BITS_PLACES = 64 };

typedef uint64_t ch_bits;

/* Vectors of gcc and clang. */
typedef int32_t ch_lanes __attribute__((vector_size(32), may_alias));
typedef uint64_t ch_halves __attribute__((vector_size(16), may_alias));

/** What comparing one vector after the other has found. */
typedef struct {
    ch_lanes bit, found;
} ch_bits_finder;

static inline ch_bits_finder ch_bits_begin(void)
{
    return (ch_bits_finder){.bit = {1, 1, 1 << 8, 1 << 8, 1 << 16, 1 << 16, 1 << 24, 1 << 24}};
}

/** The next vector's numbers that are not over `most`. */
static inline void ch_bits_find(ch_bits_finder *self, ch_lanes numbers, int32_t most)
{
    self->found |= (numbers <= most) & self->bit;
    self->bit <<= 1;
}

static inline ch_bits ch_bits_end(const ch_bits_finder *self)
{
    ch_halves halves[2];
    memcpy(halves, &self->found, sizeof halves);
    halves[0] |= halves[1];
    return halves[0][0] | halves[0][1];
}

/** Those of 64 numbers that are not over `most`.
 *  @param numbers  [64], aligned as a vector */
static inline ch_bits ch_bits_up_to(const int32_t *numbers, int32_t most)
{
    const ch_lanes *vectors = (const ch_lanes *)numbers;
    ch_bits_finder finder = ch_bits_begin();
    for (size_t j = 0; j < CH_BITS_VECTORS; j++) {
        ch_bits_find(&finder, vectors[j], most);
    }
    return ch_bits_end(&finder);
}

static inline uint32_t ch_bits_count(ch_bits bits)
{
    return (uint32_t)__builtin_popcountll(bits);
}

/** Place of a bit, the lowest that is set. */
static inline uint32_t ch_bits_first(ch_bits bits)
{
    const uint32_t bit = (uint32_t)__builtin_ctzll(bits);
    return (bit & 7) << 3 | (bit >> 2 & 6) | bit >> 5;
}

/* Exchanges the bits under `mask` with those `shift` above them. */
static inline uint64_t ch_bits_swap(uint64_t bits, uint64_t mask, unsigned shift)
{
    const uint64_t differ = (bits ^ bits >> shift) & mask;
    return bits ^ differ ^ differ << shift;
}

/** The same with bit k for place k. */
static inline uint64_t ch_bits_in_order(ch_bits bits)
{
    /* numbers of bits, highest digit first: from l0 l2 l1 j2 j1 j0 to j2 j1 j0 l2 l1 l0 */
    bits = ch_bits_swap(bits, UINT64_C(0x00000000f0f0f0f0), 28); /* j2 l2 l1 l0 j1 j0 */
    bits = ch_bits_swap(bits, UINT64_C(0x0000cccc0000cccc), 14); /* j2 j1 l1 l0 l2 j0 */
    bits = ch_bits_swap(bits, UINT64_C(0x00aa00aa00aa00aa), 7);  /* j2 j1 j0 l0 l2 l1 */
    bits = ch_bits_swap(bits, UINT64_C(0x0c0c0c0c0c0c0c0c), 2);  /* j2 j1 j0 l2 l0 l1 */
    return ch_bits_swap(bits, UINT64_C(0x2222222222222222), 1);  /* j2 j1 j0 l2 l1 l0 */
}

/** Place of the bit of a rank, from 0, in the order of places. */
static inline uint32_t ch_bits_place(ch_bits bits, uint32_t rank)
{
    uint64_t left = ch_bits_in_order(bits);
    for (; rank > 0; rank--) {
        left &= left - 1;
    }
    return (uint32_t)__builtin_ctzll(left);
}

#endif
