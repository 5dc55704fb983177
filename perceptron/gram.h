/* gram.h — rows of the Gram matrix z . z' of samples in the order of their keys, made at first use and kept.
 *
 * An entry is a whole number of quanta, in 16 bits; a quantum is as small as the largest |z|^2 allows. What memory does
 * not hold is made again when it is wanted: it decides how long that takes, never what comes out.
 */
#ifndef CH_GRAM_H
#define CH_GRAM_H

#include "perceptron/perceptron.h"

/** Entries come in whole blocks; those beyond the P samples are 0. */
enum { CH_GRAM_BLOCK = 64, CH_GRAM_LANES = 8 };

static inline size_t ch_gram_to_block(size_t count)
{
    return (count + CH_GRAM_BLOCK - 1) / CH_GRAM_BLOCK * CH_GRAM_BLOCK;
}

/** The sample of k-th least key has place k. */
typedef struct {
    const ch_sample_set *set; /* borrowed */
    const ch_reach *reach;    /* of its first samples; borrowed */
    int threads;
    double quantum;     /* an entry stands for quantum x entry */
    double entry_error; /* most that an entry is off by, in quanta: also by how much more z . w is off in double for
                           having moved by one */
    size_t count;       /* places in use: entries of a row, whole blocks */
    uint64_t made;      /* entries made so far */

    float *packed; /* [most_packed][stride] samples of the first `num_packed` places, one after the other; owned */
    size_t num_packed, most_packed;

    /* all rows share one slab, which is emptied when it is full */
    int32_t *slab;    /* [slab_size / 2] pairs of entries; owned */
    size_t slab_size; /* entries */
    size_t row_room;  /* entries from row to row */
    size_t num_rows;
    uint32_t *row_of; /* [P] row of a place, plus 1; 0 when there is none; the first `num_places` are set; owned */
    size_t num_places;
    uint32_t *row_place; /* [slab_size / block] place of a row; owned */
    uint32_t *row_count; /* [slab_size / block] entries of a row that are made; owned */
} ch_gram;

/** Room for one row.  @return false when memory is short */
bool ch_gram_init(ch_gram *self, const ch_sample_set *set, const ch_reach *reach, int threads) CH_MUST_CHECK;
void ch_gram_free(ch_gram *self);

/** Takes the memory that makes it fast, as far as there is some: at most 16 MiB for rows and a quarter of the samples'.
 */
void ch_gram_make_room(ch_gram *self);

/** Rows that memory will hold while `count` places are in use. */
size_t ch_gram_most_rows(const ch_gram *self, size_t count);

/** Samples that will be kept together. */
size_t ch_gram_most_packed(const ch_gram *self);

/** The first `count` places are in use from now on, a whole number of blocks. */
void ch_gram_set_count(ch_gram *self, size_t count);

/** Row of a place [count / 2]: in word 8 i + l the entry of place 16 i + l as its low half, and that of place
 *  16 i + 8 + l as its high one, so that shifts alone spread them over vectors of eight. Good until the next call. */
const int32_t *ch_gram_row(ch_gram *self, uint32_t place);

/** The sample of a place [stride]. */
static inline const float *ch_gram_sample(const ch_gram *self, size_t place)
{
    if (place < self->num_packed) {
        return self->packed + place * self->set->stride;
    }
    return ch_sample_set_row(self->set, self->reach->order[place]);
}

#endif
