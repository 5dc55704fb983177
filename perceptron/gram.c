/* gram.c — rows of the Gram matrix, which are made when they are first used and stored while there is memory. */
#include "perceptron/gram.h"

#include "core/memory.h"
#include "data/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The most entries of the slab of rows, which are 16 MiB. */
enum { MOST_ENTRIES = 1 << 23 };
/* One in so many samples is copied at most. */
enum { PACKED_SHARE = 4 };

/* Bound on the error of an entry, in quanta, of a sum of three parts, where |z| |z'| is at most INT16_MAX quanta:
 *   1/2                              the entry is rounded to a whole number;
 *   2^-24 (stride / 16 + 8) x INT16_MAX   z . z' is computed in single precision (ch_dot_single);
 *   2^-52 (stride / 16 + 8) x INT16_MAX   once w has moved by T z, a margin computed in double is off by up to
 *                                    2^-53 (stride / 16 + 4) T |z| |z'| more, both where the slack was computed and
 *                                    where it is computed again. */
static double bound_entry_error(size_t stride)
{
    const double sums = (double)stride / CH_ROW_LANES + 8;
    return 0.5 + (0x1p-24 + 0x1p-52) * sums * INT16_MAX;
}

bool ch_gram_init(ch_gram *self, const ch_sample_set *set, const ch_screen *screen, int threads)
{
    memset(self, 0, sizeof *self);
    self->set = set;
    self->screen = screen;
    self->threads = threads;
    /* The largest |z|^2 is a little less than INT16_MAX quanta, so that its rounded entry fits 16 bits. */
    self->quantum = screen->most_norm * screen->most_norm / INT16_MAX * (1 + 0x1p-10);
    self->entry_error = bound_entry_error(set->stride);
    self->slab_size = ch_gram_to_block(screen->num_samples);
    self->slab = ch_alloc_unset(self->slab_size / 2, sizeof *self->slab);
    self->row_of = ch_alloc_unset(screen->num_samples, sizeof *self->row_of);
    self->row_place = ch_alloc_unset(self->slab_size / CH_GRAM_BLOCK, sizeof *self->row_place);
    self->row_count = ch_alloc_unset(self->slab_size / CH_GRAM_BLOCK, sizeof *self->row_count);
    return self->slab != NULL && self->row_of != NULL && self->row_place != NULL && self->row_count != NULL;
}

void ch_gram_free(ch_gram *self)
{
    free(self->packed);
    free(self->slab);
    free(self->row_of);
    free(self->row_place);
    free(self->row_count);
    memset(self, 0, sizeof *self);
}

/* ---- memory ---- */

/* The number of entries of the slab after it is enlarged: room for all rows of all places, or MOST_ENTRIES where that
 * is less, but at least one row. */
static size_t wanted_slab(const ch_gram *self)
{
    const size_t num = ch_gram_to_block(self->screen->num_samples);
    const size_t size = num < MOST_ENTRIES / num ? num * num : MOST_ENTRIES;
    return size > num ? size : num;
}

/* The number of entries that a row of `count` entries has room for. It is a quarter more, so that the row can grow in
 * place. */
static size_t wanted_room(size_t count)
{
    return ch_gram_to_block(count + count / 4);
}

size_t ch_gram_most_rows(const ch_gram *self, size_t count)
{
    const size_t room = wanted_room(count) + CH_GRAM_BLOCK;
    return wanted_slab(self) / room;
}

size_t ch_gram_most_packed(const ch_gram *self)
{
    return self->screen->num_samples / PACKED_SHARE;
}

/* Enlarges the slab. Where memory is short the slab stays as it is. */
static void enlarge_slab(ch_gram *self)
{
    const size_t size = wanted_slab(self);
    int32_t *slab = ch_alloc_unset(size / 2, sizeof *slab);
    uint32_t *places = ch_alloc_unset(size / CH_GRAM_BLOCK, sizeof *places);
    uint32_t *counts = ch_alloc_unset(size / CH_GRAM_BLOCK, sizeof *counts);
    if (slab == NULL || places == NULL || counts == NULL) {
        free(slab);
        free(places);
        free(counts);
        return;
    }
    free(self->slab);
    free(self->row_place);
    free(self->row_count);
    self->slab = slab;
    self->row_place = places;
    self->row_count = counts;
    self->slab_size = size;
}

void ch_gram_make_room(ch_gram *self)
{
    enlarge_slab(self);
    const size_t most = ch_gram_most_packed(self);
    self->packed = ch_alloc_unset(most * self->set->stride, sizeof *self->packed);
    self->most_packed = self->packed != NULL ? most : 0;
}

/* Empties the slab, and divides it into rows for the places that are in use now. */
static void forget_rows(ch_gram *self)
{
    for (size_t row = 0; row < self->num_rows; row++) {
        self->row_of[self->row_place[row]] = 0;
    }
    self->num_rows = 0;
    const size_t room = wanted_room(self->count);
    self->row_room = room < self->slab_size ? room : self->slab_size;
}

void ch_gram_set_count(ch_gram *self, size_t count)
{
    const size_t last = count < self->screen->num_samples ? count : self->screen->num_samples;
    self->count = count;
    for (; self->num_packed < last && self->num_packed < self->most_packed; self->num_packed++) {
        memcpy(self->packed + self->num_packed * self->set->stride,
               ch_sample_set_row(self->set, self->screen->order[self->num_packed]),
               self->set->stride * sizeof *self->packed);
    }
    for (; self->num_places < last; self->num_places++) {
        self->row_of[self->num_places] = 0;
    }
    if (count > self->row_room) {
        forget_rows(self);
    }
}

/* ---- entries ---- */

/* The entry of a place in the row of `sample`.
 * @param scale  1 / quantum */
static inline int16_t make_entry(const ch_gram *self, const float *sample, size_t place, float scale)
{
    if (place >= self->screen->num_samples) {
        return 0;
    }
    return (int16_t)lrintf(scale * ch_dot_single(ch_gram_sample(self, place), sample, self->set->stride));
}

/* One word of the row of `sample`, which holds two entries in the layout of ch_gram_row. */
static inline int32_t make_pair(const ch_gram *self, const float *sample, size_t word, float scale)
{
    const size_t place = word / CH_GRAM_LANES * 2 * CH_GRAM_LANES + word % CH_GRAM_LANES;
    const uint16_t low = (uint16_t)make_entry(self, sample, place, scale);
    const uint16_t high = (uint16_t)make_entry(self, sample, place + CH_GRAM_LANES, scale);
    return (int32_t)((uint32_t)high << 16 | low);
}

/* Makes the entries from place `from` to place `to` of the row of `sample`, and writes them to `pairs`. Both places are
 * at borders of blocks. */
static void make_entries(ch_gram *self, int32_t *pairs, const float *sample, size_t from, size_t to)
{
    const float scale = (float)(1 / self->quantum);
    const int threads = ch_threads_worth(self->threads, to - from, self->set->stride);
    self->made += to - from;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t word = from / 2; word < to / 2; word++) {
        pairs[word] = make_pair(self, sample, word, scale);
    }
}

const int32_t *ch_gram_row(ch_gram *self, uint32_t place)
{
    if (self->row_of[place] == 0) {
        if ((self->num_rows + 1) * self->row_room > self->slab_size) {
            forget_rows(self);
        }
        self->row_place[self->num_rows] = place;
        self->row_count[self->num_rows] = 0;
        self->row_of[place] = (uint32_t)++self->num_rows;
    }
    const size_t row = self->row_of[place] - 1;
    int32_t *pairs = self->slab + row * self->row_room / 2;
    if (self->row_count[row] < self->count) {
        make_entries(self, pairs, ch_gram_sample(self, place), self->row_count[row], self->count);
        self->row_count[row] = (uint32_t)self->count;
    }
    return pairs;
}
