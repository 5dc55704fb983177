/* bits.h — sums of 64 whole numbers, and which of them are negative or small, as the bits of a 64-bit word. Private to
 * perceptron/.
 *
 * The 64 numbers are eight vectors of eight lanes; the number in place 8 j + l is in lane l of vector j. Bit k of a
 * word belongs to the number in place k.
 */
#ifndef CH_BITS_H
#define CH_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined __AVX2__ || defined __BMI2__
#include <immintrin.h>
#endif

enum { CH_BITS_VECTORS = 8, CH_BITS_LANES = 8, CH_BITS_PLACES = 64 };

typedef uint64_t ch_bits;

/* Eight 32-bit whole numbers, as gcc and clang have them. */
typedef int32_t ch_lanes __attribute__((vector_size(32), may_alias));

/** What is found in 64 numbers. */
typedef struct {
    ch_bits negative; /* the numbers under 0 */
    bool is_near;     /* whether a number is within the given distance of 0 */
} ch_bits_found;

/* ---- any processor ---- */

/* Two 64-bit whole numbers. */
typedef uint64_t ch_halves __attribute__((vector_size(16), may_alias));

/* In each lane the bit of a number of vector 0. The bit of the number in lane l of vector j has the index
 * 32 (l mod 2) + 8 floor(l / 2) + j, so that each comparison leaves its bits where they belong without a shuffle. */
static const ch_lanes CH_BITS_FIRST_VECTOR = {1, 1, 1 << 8, 1 << 8, 1 << 16, 1 << 16, 1 << 24, 1 << 24};

/* Exchanges the bits of `mask` with those that are `shift` higher. */
static inline uint64_t ch_bits_swap(uint64_t bits, uint64_t mask, unsigned shift)
{
    const uint64_t differ = (bits ^ bits >> shift) & mask;
    return bits ^ differ ^ differ << shift;
}

/* Puts bits that are at the indices of CH_BITS_FIRST_VECTOR in the order of places. Such an index has the binary digits
 * l0 l2 l1 j2 j1 j0, and is to have j2 j1 j0 l2 l1 l0. Each line exchanges two digits, the result of which stands
 * beside it. */
static inline ch_bits ch_bits_sort(uint64_t bits)
{
    bits = ch_bits_swap(bits, UINT64_C(0x00000000f0f0f0f0), 28); /* j2 l2 l1 l0 j1 j0 */
    bits = ch_bits_swap(bits, UINT64_C(0x0000cccc0000cccc), 14); /* j2 j1 l1 l0 l2 j0 */
    bits = ch_bits_swap(bits, UINT64_C(0x00aa00aa00aa00aa), 7);  /* j2 j1 j0 l0 l2 l1 */
    bits = ch_bits_swap(bits, UINT64_C(0x0c0c0c0c0c0c0c0c), 2);  /* j2 j1 j0 l2 l0 l1 */
    return ch_bits_swap(bits, UINT64_C(0x2222222222222222), 1);  /* j2 j1 j0 l2 l1 l0 */
}

/** Undoes ch_bits_sort: the place 8 j + l gets the bit 32 (l mod 2) + 8 floor(l / 2) + j. */
static inline uint64_t ch_bits_unsort(ch_bits bits)
{
    bits = ch_bits_swap(bits, UINT64_C(0x2222222222222222), 1);
    bits = ch_bits_swap(bits, UINT64_C(0x0c0c0c0c0c0c0c0c), 2);
    bits = ch_bits_swap(bits, UINT64_C(0x00aa00aa00aa00aa), 7);
    bits = ch_bits_swap(bits, UINT64_C(0x0000cccc0000cccc), 14);
    return ch_bits_swap(bits, UINT64_C(0x00000000f0f0f0f0), 28);
}

/** The place of a bit of ch_bits_unsort. */
static inline uint32_t ch_bits_unsorted_place(uint32_t bit)
{
    return (bit & 7) << 3 | (bit >> 2 & 6) | bit >> 5;
}

/* Puts the lanes together, and the bits in the order of places. */
static inline ch_bits ch_bits_gather(const ch_lanes *found)
{
    ch_halves halves[2];
    memcpy(halves, found, sizeof halves);
    halves[0] |= halves[1];
    return ch_bits_sort(halves[0][0] | halves[0][1]);
}

/** Finds which of 64 numbers are at most `most`.
 *  @param numbers  [64], aligned to 32 bytes */
static inline ch_bits ch_bits_up_to(const int32_t *numbers, int32_t most)
{
    const ch_lanes *vectors = (const ch_lanes *)numbers;
    ch_lanes bit = CH_BITS_FIRST_VECTOR, found = {0};
    for (size_t j = 0; j < CH_BITS_VECTORS; j++) {
        found |= (vectors[j] <= most) & bit;
        bit <<= 1;
    }
    return ch_bits_gather(&found);
}

/* ch_bits_add in the vectors that any processor has. */
static inline ch_bits_found ch_bits_add_anywhere(int32_t *numbers, const int32_t *row, int32_t near)
{
    ch_lanes *sums = (ch_lanes *)numbers;
    const ch_lanes *terms = (const ch_lanes *)row;
    ch_lanes bit = CH_BITS_FIRST_VECTOR, found = {0}, close = {0};
    for (size_t j = 0; j < CH_BITS_VECTORS; j++) {
        sums[j] += terms[j];
        found |= (sums[j] < 0) & bit;
        close |= (sums[j] <= near) & (sums[j] >= -near);
        bit <<= 1;
    }
    ch_halves halves[2];
    memcpy(halves, &close, sizeof halves);
    halves[0] |= halves[1];
    return (ch_bits_found){.negative = ch_bits_gather(&found), .is_near = (halves[0][0] | halves[0][1]) != 0};
}

/* ---- processors with AVX2 ---- */

#ifdef __AVX2__
/* The signs of the 32-bit numbers of four vectors, in their order. */
static inline uint32_t ch_bits_signs(const __m256i v[4])
{
    const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
    /* Packing goes by halves of the vectors: word 4 h + j holds half h of vector j. */
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return (uint32_t)_mm256_movemask_epi8(_mm256_permutevar8x32_epi32(bytes, order));
}

/** Adds a row to 64 numbers. No sum may be out of the range of the type, nor be the least number of it.
 *  @param numbers  [64], aligned to 32 bytes
 *  @param row      [64], aligned to 32 bytes
 *  @param near     distance from 0, >= 0
 *  @return what is found in the sums */
static inline ch_bits_found ch_bits_add(int32_t *numbers, const int32_t *row, int32_t near)
{
    __m256i sums[CH_BITS_VECTORS], least = _mm256_set1_epi32(INT32_MAX);
    for (size_t j = 0; j < CH_BITS_VECTORS; j++) {
        __m256i *place = (__m256i *)(void *)numbers + j;
        sums[j] = _mm256_add_epi32(_mm256_load_si256(place), _mm256_load_si256((const __m256i *)(const void *)row + j));
        _mm256_store_si256(place, sums[j]);
        least = _mm256_min_epi32(least, _mm256_abs_epi32(sums[j]));
    }
    const __m256i far = _mm256_cmpgt_epi32(least, _mm256_set1_epi32(near));
    return (ch_bits_found){
        .negative = ch_bits_signs(sums) | (uint64_t)ch_bits_signs(sums + 4) << 32,
        .is_near = _mm256_movemask_epi8(far) != -1,
    };
}
#else
static inline ch_bits_found ch_bits_add(int32_t *numbers, const int32_t *row, int32_t near)
{
    return ch_bits_add_anywhere(numbers, row, near);
}
#endif

/* ---- sets of places ---- */

/** Number of bits that are set. */
static inline uint32_t ch_bits_count(ch_bits bits)
{
    return (uint32_t)__builtin_popcountll(bits);
}

/** The lowest place of a set; at least one bit is set. */
static inline uint32_t ch_bits_first(ch_bits bits)
{
    return (uint32_t)__builtin_ctzll(bits);
}

/** Whether a place is in the set. */
static inline bool ch_bits_has(ch_bits bits, uint32_t place)
{
    return (bits >> place & 1) != 0;
}

/** The place of a rank in a set, by ascending place; 0 <= rank < number of bits set. */
static inline uint32_t ch_bits_place(ch_bits bits, uint32_t rank)
{
#ifdef __BMI2__
    return (uint32_t)__builtin_ctzll(_pdep_u64(UINT64_C(1) << rank, bits));
#else
    for (; rank > 0; rank--) {
        bits &= bits - 1;
    }
    return (uint32_t)__builtin_ctzll(bits);
#endif
}

#endif
