/* margins.c — margins kept up to date by rows of the kernel. */
#include "models/twin/margins.h"

#include <stdlib.h>
#include <string.h>

/* Four doubles, four floats and four words of bits, of gcc and clang. */
typedef double four __attribute__((vector_size(32), may_alias));
typedef float four_single __attribute__((vector_size(16), may_alias));
typedef int64_t four_bits __attribute__((vector_size(32), may_alias));
enum { BLOCK = 64, LANES = 4, VECTORS = BLOCK / LANES };
_Static_assert((int)BLOCK == (int)CH_KERNEL_LANES, "rows are padded to whole blocks");
/* Rows added in one pass. */
enum { MOST_ROWS = 4 };
/* Blocks that a row is fetched ahead of the sums, and entries of a cache line. */
enum { AHEAD = 32, LINE = CH_CACHE_LINE / sizeof(float) };

static uint32_t place_of(unsigned bit)
{
    return LANES * (bit % VECTORS) + bit / VECTORS;
}

bool ch_followed_init(ch_followed *self, size_t num_samples, double threshold)
{
    memset(self, 0, sizeof *self);
    self->num_samples = num_samples;
    self->num_blocks = (num_samples + BLOCK - 1) / BLOCK;
    self->threshold = threshold;
    self->margins = ch_alloc(self->num_blocks * BLOCK, sizeof *self->margins);
    self->unfitted = ch_alloc(self->num_blocks, sizeof *self->unfitted);
    if (self->margins == NULL || self->unfitted == NULL) {
        ch_followed_free(self);
        return false;
    }
    for (unsigned bit = 0; bit < BLOCK; bit++) {
        const size_t sample = (self->num_blocks - 1) * BLOCK + place_of(bit);
        self->last_block |= (uint64_t)(sample < num_samples) << bit;
    }
    memset(self->unfitted, 0xff, self->num_blocks * sizeof *self->unfitted);
    self->unfitted[self->num_blocks - 1] = self->last_block;
    self->num_unfitted = (uint32_t)num_samples;
    return true;
}

void ch_followed_free(ch_followed *self)
{
    free(self->margins);
    free(self->unfitted);
    memset(self, 0, sizeof *self);
}

/* ---- sums and comparisons ---- */

/* The margins of one block that are not m >= threshold, as they come vector by vector. */
typedef struct {
    four_bits bit, found;
} finder;

static inline finder begin_finding(void)
{
    return (finder){.bit = {1, INT64_C(1) << 16, INT64_C(1) << 32, INT64_C(1) << 48}};
}

static inline void find(finder *self, four margins, double threshold)
{
    self->found |= ~(four_bits)(margins >= threshold) & self->bit;
    self->bit <<= 1;
}

static inline uint64_t end_finding(const finder *self)
{
    return (uint64_t)((self->found[0] | self->found[1]) | (self->found[2] | self->found[3]));
}

/* m += rows over one block; returns the bits of the unfitted. Inlined for each number of rows. */
__attribute__((always_inline)) static inline uint64_t add_block(double *margins, const float *const *rows, size_t first,
                                                                uint32_t count, double threshold)
{
    four *sums = (four *)(margins + first);
    finder unfitted = begin_finding();
    for (size_t j = 0; j < VECTORS; j++) {
        four sum = sums[j];
        for (uint32_t i = 0; i < count; i++) {
            sum += __builtin_convertvector(*(const four_single *)(rows[i] + first + LANES * j), four);
        }
        sums[j] = sum;
        find(&unfitted, sum, threshold);
    }
    return end_finding(&unfitted);
}

static void set_unfitted(ch_followed *self, size_t block, uint64_t bits)
{
    bits &= block + 1 == self->num_blocks ? self->last_block : UINT64_MAX;
    self->unfitted[block] = bits;
    self->num_unfitted += (uint32_t)__builtin_popcountll(bits);
}

static inline void fetch(const float *entries)
{
    for (size_t k = 0; k < BLOCK; k += LINE) {
        __builtin_prefetch(entries + k);
    }
}

__attribute__((always_inline)) static inline void add_pass(ch_followed *self, const float *const *rows, uint32_t count)
{
    for (size_t b = 0; b < AHEAD && b < self->num_blocks; b++) {
        for (uint32_t i = 0; i < count; i++) {
            fetch(rows[i] + b * BLOCK);
        }
    }
    self->num_unfitted = 0;
    for (size_t b = 0; b < self->num_blocks; b++) {
        for (uint32_t i = 0; i < count && b + AHEAD < self->num_blocks; i++) {
            fetch(rows[i] + (b + AHEAD) * BLOCK);
        }
        set_unfitted(self, b, add_block(self->margins, rows, b * BLOCK, count, self->threshold));
    }
}

void ch_followed_add_rows(ch_followed *self, const ch_kernel *kernel, const uint32_t *samples, uint32_t count)
{
    for (uint32_t done = 0; done < count;) {
        const float *rows[MOST_ROWS];
        const uint32_t number = count - done < MOST_ROWS ? count - done : MOST_ROWS;
        for (uint32_t i = 0; i < number; i++) {
            rows[i] = ch_kernel_row(kernel, samples[done + i]);
        }
        switch (number) {
        case 1:
            add_pass(self, rows, 1);
            break;
        case 2:
            add_pass(self, rows, 2);
            break;
        case 3:
            add_pass(self, rows, 3);
            break;
        default:
            add_pass(self, rows, MOST_ROWS);
        }
        done += number;
    }
}

void ch_followed_add_sum(ch_followed *self, const double *sum)
{
    self->num_unfitted = 0;
    for (size_t b = 0; b < self->num_blocks; b++) {
        four *sums = (four *)(self->margins + b * BLOCK);
        const four *more = (const four *)(sum + b * BLOCK);
        finder unfitted = begin_finding();
        for (size_t j = 0; j < VECTORS; j++) {
            sums[j] += more[j];
            find(&unfitted, sums[j], self->threshold);
        }
        set_unfitted(self, b, end_finding(&unfitted));
    }
}

/* ---- which ---- */

uint32_t ch_followed_sample(const ch_followed *self, uint32_t rank)
{
    size_t block = 0;
    for (uint32_t count = 0; rank >= (count = (uint32_t)__builtin_popcountll(self->unfitted[block])); block++) {
        rank -= count;
    }
    uint64_t bits = self->unfitted[block];
    for (; rank > 0; rank--) {
        bits &= bits - 1;
    }
    return (uint32_t)(block * BLOCK) + place_of((unsigned)__builtin_ctzll(bits));
}

uint32_t ch_followed_list(const ch_followed *self, const uint64_t *bits, uint32_t *samples)
{
    uint32_t count = 0;
    for (size_t b = 0; b < self->num_blocks; b++) {
        for (uint64_t left = bits[b]; left != 0; left &= left - 1) {
            samples[count++] = (uint32_t)(b * BLOCK) + place_of((unsigned)__builtin_ctzll(left));
        }
    }
    return count;
}
