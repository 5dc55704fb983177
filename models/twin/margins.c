/* margins.c — adds rows of the kernel to the margins of a twin, and finds the unfitted samples. */
#include "models/twin/margins.h"

#include "core/buffers.h"
#include "core/memory.h"
#include "core/snapshot.h"

#include <string.h>

/* Vectors of four doubles, of four floats, and of four words of bits. They are extensions of gcc and clang. */
typedef double four __attribute__((vector_size(32), may_alias));
typedef float four_single __attribute__((vector_size(16), may_alias));
typedef int64_t four_bits __attribute__((vector_size(32), may_alias));
enum { BLOCK = 64, LANES = 4, VECTORS = BLOCK / LANES };
_Static_assert((int)BLOCK == (int)CH_KERNEL_LANES, "rows are padded to whole blocks");
/* At most this many rows are added in one pass over the margins. */
enum { MOST_ROWS = 4 };
/* AHEAD: entries are fetched from memory this many blocks before they are added. LINE: entries of a cache line. */
enum { AHEAD = 32, LINE = CH_CACHE_LINE / sizeof(float) };

/* The place in its block of the sample that a bit of the block's word stands for (margins.h). */
static uint32_t place_of(unsigned bit)
{
    return LANES * (bit % VECTORS) + bit / VECTORS;
}

/* ---- memory ---- */

static ch_buffer_list buffers_of(const ch_margins *self)
{
    return (ch_buffer_list){{
        CH_BUFFER(self->values, self->num_blocks * BLOCK),
        CH_BUFFER(self->unfitted, self->num_blocks),
    }};
}

bool ch_margins_init(ch_margins *self, size_t num_samples, double threshold)
{
    memset(self, 0, sizeof *self);
    self->num_samples = num_samples;
    self->num_blocks = (num_samples + BLOCK - 1) / BLOCK;
    self->threshold = threshold;
    const ch_buffer_list buffers = buffers_of(self);
    if (!ch_buffers_alloc(&buffers)) {
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

void ch_margins_free(ch_margins *self)
{
    const ch_buffer_list buffers = buffers_of(self);
    ch_buffers_free(&buffers);
    memset(self, 0, sizeof *self);
}

void ch_margins_exchange(ch_margins *self, ch_snapshot *snapshot)
{
    ch_snapshot_begin(snapshot, "margins");
    ch_snapshot_array(snapshot, self->values, self->num_blocks * BLOCK, sizeof *self->values);
    ch_snapshot_array(snapshot, self->unfitted, self->num_blocks, sizeof *self->unfitted);
    ch_snapshot_end(snapshot);
    ch_snapshot_require(snapshot, (self->unfitted[self->num_blocks - 1] & ~self->last_block) == 0);
    self->num_unfitted = 0;
    for (size_t b = 0; b < self->num_blocks; b++) {
        self->num_unfitted += (uint32_t)__builtin_popcountll(self->unfitted[b]);
    }
}

/* ---- adding rows ---- */

/* Collects the bits of the unfitted samples of one block, those with !(m >= threshold), vector by vector. */
typedef struct {
    four_bits bit, found;
} finder;

/* Lane k of the vectors has bits 16 k to 16 k + 15, one for each vector. */
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

/* Adds rows to the margins of the block that begins at sample `first`. Returns the bits of its unfitted samples. The
 * function is inlined, so that the compiler makes a loop for each number of rows. */
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

/* Sets the word of a block and counts its bits. Bits of samples beyond P are cleared. */
static void set_unfitted(ch_margins *self, size_t block, uint64_t bits)
{
    bits &= block + 1 == self->num_blocks ? self->last_block : UINT64_MAX;
    self->unfitted[block] = bits;
    self->num_unfitted += (uint32_t)__builtin_popcountll(bits);
}

/* Begins to fetch the entries of a block from memory. */
static inline void fetch(const float *entries)
{
    for (size_t k = 0; k < BLOCK; k += LINE) {
        __builtin_prefetch(entries + k);
    }
}

/* Adds `count` rows in one pass over the margins. */
__attribute__((always_inline)) static inline void add_pass(ch_margins *self, const float *const *rows, uint32_t count)
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
        set_unfitted(self, b, add_block(self->values, rows, b * BLOCK, count, self->threshold));
    }
}

void ch_margins_add_rows(ch_margins *self, const ch_kernel *kernel, const uint32_t *samples, uint32_t count)
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

void ch_margins_add_sum(ch_margins *self, const double *sum)
{
    self->num_unfitted = 0;
    for (size_t b = 0; b < self->num_blocks; b++) {
        four *sums = (four *)(self->values + b * BLOCK);
        const four *more = (const four *)(sum + b * BLOCK);
        finder unfitted = begin_finding();
        for (size_t j = 0; j < VECTORS; j++) {
            sums[j] += more[j];
            find(&unfitted, sums[j], self->threshold);
        }
        set_unfitted(self, b, end_finding(&unfitted));
    }
}

/* ---- which samples are unfitted ---- */

uint32_t ch_margins_sample(const ch_margins *self, uint32_t rank)
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

uint32_t ch_margins_list(const ch_margins *self, const uint64_t *bits, uint32_t *samples)
{
    uint32_t count = 0;
    for (size_t b = 0; b < self->num_blocks; b++) {
        for (uint64_t left = bits[b]; left != 0; left &= left - 1) {
            samples[count++] = (uint32_t)(b * BLOCK) + place_of((unsigned)__builtin_ctzll(left));
        }
    }
    return count;
}
