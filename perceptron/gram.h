/* gram.h — rows of the Gram matrix z_nu . z_mu, made when first used and stored while memory lasts. Private to
 * perceptron/.
 *
 * Rows and columns are in the order of the screening index: the sample order[k] has place k. An entry is a 32-bit whole
 * number of quanta, of which the largest |z|^2 of the set has CH_GRAM_MOST at most. A row that memory does not hold is
 * made again when it is wanted, with the same bits: memory decides how long that takes, never what comes out.
 */
#ifndef CH_GRAM_H
#define CH_GRAM_H

#include "perceptron/perceptron.h"
#include "perceptron/screening.h"

/** Rows are made in whole blocks of places. Places beyond the P samples have entries of 0. */
enum { CH_GRAM_BLOCK = 64 };

/** No entry is larger, up or down. */
enum { CH_GRAM_MOST = 1 << 22 };

/** `count` rounded up to a whole number of blocks. */
static inline size_t ch_gram_to_block(size_t count)
{
    return (count + CH_GRAM_BLOCK - 1) / CH_GRAM_BLOCK * CH_GRAM_BLOCK;
}

typedef struct {
    const ch_sample_set *set; /* borrowed */
    const ch_screen *screen;  /* index of its first samples; borrowed */
    int threads;
    double quantum;     /* z_nu . z_mu is quantum x entry, up to the error below */
    double entry_error; /* bound on |z_nu . z_mu / quantum - entry|, and on how much the rounding of a margin in double
                           grows, in quanta, when w moves by T z */
    /* number of places in use, which is the number of entries of a row; a multiple of CH_GRAM_BLOCK */
    size_t count;
    uint64_t made; /* number of entries made since the beginning */

    double *wide;  /* [stride] the sample whose row is being made; owned */
    float *packed; /* [most_packed][stride] copies of the samples of the first `num_packed` places; owned */
    size_t num_packed, most_packed;

    /* All rows share one slab of memory. When it is full it is emptied. */
    int32_t *slab;    /* [slab_size] entries; owned */
    size_t slab_size; /* number of entries that the slab has room for */
    size_t row_room;  /* number of entries from the start of one row to the start of the next */
    size_t num_rows;
    /* [P] index of a place's row plus 1; 0 without a row; only the first `num_places` are set; owned */
    uint32_t *row_of;
    size_t num_places;
    uint32_t *row_place; /* [slab_size / block] place of a row; owned */
    uint32_t *row_count; /* [slab_size / block] entries of a row that are made; owned */
} ch_gram;

/** Makes rows that have room for one row only, and no copies of samples.  @return false when memory is short */
bool ch_gram_init(ch_gram *self, const ch_sample_set *set, const ch_screen *screen, int threads) CH_MUST_CHECK;
void ch_gram_free(ch_gram *self);

/** Allocates the memory that makes it fast: at most 16 MiB for rows, and copies of a quarter of the samples. Where
 *  memory is short, it works without. A second call does nothing. */
void ch_gram_make_room(ch_gram *self);

/** Number of rows that memory is taken to hold while `count` places are in use, where the stage of a run is chosen. */
size_t ch_gram_most_rows(const ch_gram *self, size_t count);

/** Number of samples that the memory of ch_gram_make_room has copies of. */
size_t ch_gram_most_packed(const ch_gram *self);

/** Copies the samples of the first `count` places next to each other, as far as there is room, so that ch_gram_sample
 *  reads them faster. Rows and the number of places in use stay as they are. */
void ch_gram_copy_samples(ch_gram *self, size_t count);

/** Sets the number of places in use. They are the first `count`.
 *  @param count  a multiple of CH_GRAM_BLOCK */
void ch_gram_set_count(ch_gram *self, size_t count);

/** As ch_gram_row, for a row that may have to be made first. */
const int32_t *ch_gram_make_row(ch_gram *self, uint32_t place);

/** The row of a place: entries of all places in use [count]. Borrowed until the next call. */
static inline const int32_t *ch_gram_row(ch_gram *self, uint32_t place)
{
    const uint32_t row = self->row_of[place];
    if (row != 0 && self->row_count[row - 1] >= self->count) {
        return self->slab + (size_t)(row - 1) * self->row_room;
    }
    return ch_gram_make_row(self, place);
}

/** The sample of a place: [stride], borrowed. */
static inline const float *ch_gram_sample(const ch_gram *self, size_t place)
{
    if (place < self->num_packed) {
        return self->packed + place * self->set->stride;
    }
    return ch_sample_set_row(self->set, self->screen->order[place]);
}

#endif
