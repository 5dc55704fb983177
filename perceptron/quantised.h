/* quantised.h — samples in 8 bits, by which most margins are known to be over kappa. Private to perceptron/.
 *
 * A sample is z = v e + z_perp, and the student w = s e + w_perp, with e the teacher. A row of the set takes 4 bytes an
 * entry. Here z_perp is stored as a vector k of whole numbers of 8 bits with a unit c, and w_perp as a vector j of
 * whole numbers of 16 bits with a unit c_w. With rest = z_perp - c k and left = w_perp - c_w j, the inequality of
 * Cauchy and Schwarz says for s >= 0 that
 *   w . z >= s v + c c_w k . j - (|rest| |w_perp| + c |k| |left| + rounding).
 * k . j is exact. For Gaussian inputs |rest| is at most some 0.014 of |z_perp|, so that under 1 % of the fitted samples
 * that noise could make unfitted are not recognised by this bound. Their margins are computed in double, as those of
 * all samples that may be unfitted: results do not depend on the bound. Time does, since a quarter of the bytes are
 * read.
 */
#ifndef CH_QUANTISED_H
#define CH_QUANTISED_H

#include "data/sample_set.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

/** Entries that are multiplied at once. */
enum { CH_QUANTISED_LANES = 16 };

/** The samples of a set in 8 bits. */
typedef struct ch_quantised {
    size_t stride;    /* entries of a row, as in the set; a multiple of CH_QUANTISED_LANES */
    int8_t *rows;     /* [P][stride] k of each sample, 0 beyond d; owned */
    float *along;     /* [P] v of each sample, rounded down; owned */
    double unit;      /* c */
    double most_rest; /* max |z_perp - c k| */
    double most_norm; /* max |z| */
    /* the largest |j|, so small that no sum of k . j overflows 32 bits; 0: no sample is recognised as fitted, since
     * rows are too long or entries are not finite */
    double most_level;
} ch_quantised;

/** Rounds the samples of a set. It takes stride + 4 bytes a sample.
 *  @param watch  its stop flag ends the work; may be NULL
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_quantised_init(ch_quantised *self, const ch_sample_set *set, const ch_watch *watch,
                          ch_error *err) CH_MUST_CHECK;
void ch_quantised_free(ch_quantised *self);

/** The student's weights in 16 bits, and what a margin takes beside them. */
typedef struct ch_quantised_weights {
    int16_t *across;      /* [stride] j; owned */
    double along;         /* s */
    double unit;          /* c c_w */
    double surely_fitted; /* kappa + the largest error of s v + c c_w k . j; infinite where no bound is known */
} ch_quantised_weights;

/** @param stride  entries of a row
 *  @return false when there is not enough memory */
bool ch_quantised_weights_init(ch_quantised_weights *self, size_t stride);
void ch_quantised_weights_free(ch_quantised_weights *self);

/** Rounds weights.
 *  @param weights  w [stride], 0 beyond d
 *  @param teacher  e [stride], 0 beyond d */
void ch_quantised_weights_set(ch_quantised_weights *self, const ch_quantised *samples, const double *weights,
                              const double *teacher, double kappa);

/** k . j of two vectors [stride], stride a multiple of CH_QUANTISED_LANES. */
static inline int32_t ch_quantised_dot(const int8_t *k, const int16_t *j, size_t stride)
{
#ifdef __AVX2__
    __m256i sums = _mm256_setzero_si256();
    for (size_t i = 0; i < stride; i += CH_QUANTISED_LANES) {
        const __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(k + i)));
        const __m256i products = _mm256_madd_epi16(wide, _mm256_loadu_si256((const __m256i *)(const void *)(j + i)));
        sums = _mm256_add_epi32(sums, products);
    }
    const __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    const __m128i two = _mm_add_epi32(half, _mm_unpackhi_epi64(half, half));
    return _mm_cvtsi128_si32(two) + _mm_extract_epi32(two, 1);
#else
    int32_t sum = 0;
    for (size_t i = 0; i < stride; i++) {
        sum += (int32_t)k[i] * (int32_t)j[i];
    }
    return sum;
#endif
}

/** Whether the margin of a sample, computed in double, is surely over kappa. */
static inline bool ch_quantised_is_fitted(const ch_quantised *samples, const ch_quantised_weights *weights,
                                          size_t sample)
{
    const int32_t across = ch_quantised_dot(samples->rows + sample * samples->stride, weights->across, samples->stride);
    const double margin = weights->along * (double)samples->along[sample] + weights->unit * (double)across;
    return margin > weights->surely_fitted;
}

#endif
