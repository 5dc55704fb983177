/* gram.c — rows of the Gram matrix, which are made when they are first used and stored while there is memory. */
#include "perceptron/gram.h"

#include "core/memory.h"
#include "data/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The most entries of the slab of rows, which are 16 MiB. */
enum { MOST_ENTRIES = 1 << 22 };
/* The choice of the stage counts the rows that a slab of so many entries holds. It was measured with entries of 16 bits
 * in 16 MiB. Results depend on when the stage changes, so that the number stays. */
enum { ASSUMED_ENTRIES = 1 << 23 };
/* One in so many samples is copied at most. */
enum { PACKED_SHARE = 4 };

/* Bound on the error of an entry, in quanta, of a sum of three parts, where |z| |z'| is at most CH_GRAM_MOST quanta:
 *   1/2                              the entry is rounded to a whole number;
 *   2^-53 (stride / 4 + 8) x CH_GRAM_MOST    z . z' is computed in double (multiply_four);
 *   2^-52 (stride / 16 + 8) x CH_GRAM_MOST   once w has moved by T z, a margin computed in double is off by up to
 *                                    2^-53 (stride / 16 + 4) T |z| |z'| more, both where the slack was computed and
 *                                    where it is computed again. */
static double bound_entry_error(size_t stride)
{
    return 0.5 + (0x1p-53 * ((double)stride / 4 + 8) + 0x1p-52 * ((double)stride / CH_ROW_LANES + 8)) * CH_GRAM_MOST;
}

bool ch_gram_init(ch_gram *self, const ch_sample_set *set, const ch_screen *screen, int threads)
{
    memset(self, 0, sizeof *self);
    self->set = set;
    self->screen = screen;
    self->threads = threads;
    /* The largest |z|^2 is a little less than CH_GRAM_MOST quanta, so that no rounded entry is over it. */
    self->quantum = screen->most_norm * screen->most_norm / CH_GRAM_MOST * (1 + 0x1p-10);
    self->entry_error = bound_entry_error(set->stride);
    self->slab_size = ch_gram_to_block(screen->num_samples);
    self->slab = ch_alloc_unset(self->slab_size, sizeof *self->slab);
    self->wide = ch_alloc_unset(set->stride, sizeof *self->wide);
    self->row_of = ch_alloc_unset(screen->num_samples, sizeof *self->row_of);
    self->row_place = ch_alloc_unset(self->slab_size / CH_GRAM_BLOCK, sizeof *self->row_place);
    self->row_count = ch_alloc_unset(self->slab_size / CH_GRAM_BLOCK, sizeof *self->row_count);
    return self->slab != NULL && self->wide != NULL && self->row_of != NULL && self->row_place != NULL &&
           self->row_count != NULL;
}

void ch_gram_free(ch_gram *self)
{
    free(self->packed);
    free(self->slab);
    free(self->wide);
    free(self->row_of);
    free(self->row_place);
    free(self->row_count);
    memset(self, 0, sizeof *self);
}

/* ---- memory ---- */

/* Room for all rows of all places, or `most` entries where that is less, but at least one row. */
static size_t wanted_slab(const ch_gram *self, size_t most)
{
    const size_t num = ch_gram_to_block(self->screen->num_samples);
    const size_t size = num < most / num ? num * num : most;
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
    return wanted_slab(self, ASSUMED_ENTRIES) / room;
}

size_t ch_gram_most_packed(const ch_gram *self)
{
    return self->screen->num_samples / PACKED_SHARE;
}

/* Enlarges the slab. Where memory is short the slab stays as it is. */
static void enlarge_slab(ch_gram *self)
{
    const size_t size = wanted_slab(self, MOST_ENTRIES);
    int32_t *slab = ch_alloc_unset(size, sizeof *slab);
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
    if (self->packed != NULL) {
        return;
    }
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

void ch_gram_copy_samples(ch_gram *self, size_t count)
{
    const size_t last = count < self->screen->num_samples ? count : self->screen->num_samples;
    for (; self->num_packed < last && self->num_packed < self->most_packed; self->num_packed++) {
        memcpy(self->packed + self->num_packed * self->set->stride,
               ch_sample_set_row(self->set, self->screen->order[self->num_packed]),
               self->set->stride * sizeof *self->packed);
    }
}

void ch_gram_set_count(ch_gram *self, size_t count)
{
    const size_t last = count < self->screen->num_samples ? count : self->screen->num_samples;
    self->count = count;
    ch_gram_copy_samples(self, count);
    for (; self->num_places < last; self->num_places++) {
        self->row_of[self->num_places] = 0;
    }
    if (count > self->row_room) {
        forget_rows(self);
    }
}

/* ---- entries ---- */

/* The products of four rows [stride] with a vector `wide` [stride], in double. Lane l of four sums the products l, l +
 * 4, l + 8, … in turn. Each is off by at most (stride / 4 + 2) 2^-53 |z| |z'|. */
static inline void multiply_four(const float *const rows[4], const double *wide, size_t stride, double products[4])
{
    ch_four sums[4] = {{0}};
    for (size_t i = 0; i < stride; i += 4) {
        const ch_four other = *(const ch_four *)(wide + i);
        for (size_t r = 0; r < 4; r++) {
            ch_four four;
            ch_widen(rows[r] + i, &four);
            sums[r] += four * other;
        }
    }
    for (size_t r = 0; r < 4; r++) {
        products[r] = (sums[r][0] + sums[r][2]) + (sums[r][1] + sums[r][3]);
    }
}

/* Makes the entries of the four places from `place` on. */
static inline void make_four(const ch_gram *self, int32_t *row, size_t place, double scale)
{
    const size_t last = self->screen->num_samples - 1;
    const float *rows[4];
    double products[4];
    for (size_t r = 0; r < 4; r++) {
        rows[r] = ch_gram_sample(self, place + r < last ? place + r : last);
    }
    multiply_four(rows, self->wide, self->set->stride, products);
    for (size_t r = 0; r < 4; r++) {
        row[place + r] = place + r <= last ? (int32_t)lrint(scale * products[r]) : 0;
    }
}

/* Makes the entries from place `from` to place `to` of the row of `sample`, and writes them to `row`. Both
 * places are at borders of blocks. */
static void make_entries(ch_gram *self, int32_t *row, const float *sample, size_t from, size_t to)
{
    const size_t stride = self->set->stride;
    const int threads = ch_threads_worth(self->threads, to - from, stride);
    const double scale = 1 / self->quantum;
    self->made += to - from;
    for (size_t i = 0; i < stride; i++) {
        self->wide[i] = (double)sample[i];
    }
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t place = from; place < to; place += 4) {
        make_four(self, row, place, scale);
    }
}

const int32_t *ch_gram_make_row(ch_gram *self, uint32_t place)
{
    if (self->row_of[place] == 0) {
        if ((self->num_rows + 1) * self->row_room > self->slab_size) {
            forget_rows(self);
        }
        self->row_place[self->num_rows] = place;
        self->row_count[self->num_rows] = 0;
        self->row_of[place] = (uint32_t)++self->num_rows;
    }
    const size_t index = self->row_of[place] - 1;
    int32_t *row = self->slab + index * self->row_room;
    if (self->row_count[index] < self->count) {
        make_entries(self, row, ch_gram_sample(self, place), self->row_count[index], self->count);
        self->row_count[index] = (uint32_t)self->count;
    }
    return row;
}
