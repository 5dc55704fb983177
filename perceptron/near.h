/* near.h — the bounded samples that can become unfitted while the student stays in a cylinder, and the rows of the Gram
 * matrix for them alone. Private to perceptron/.
 *
 * Late in a run the student's signal s = w . e grows slowly, and its part across the teacher, w_perp, moves about one
 * point for long. The cylinder has a centre c, whose signal is s_c, and a radius R: the student is in it while
 *   s_c <= s <= 2 s_0,  |w_perp - c_perp| <= R,
 * where s_0 is the signal when the cylinder was chosen. In it a sample z with v = z . e > 0 has the margin
 *   z . w = v s + z_perp . w_perp >= v s_c + z_perp . c_perp - R |z_perp| >= z . c - R |z|.
 * A sample for which the right-hand side is over kappa stays fitted, and nothing is kept of it. The others are the near
 * samples. The upper end of s only limits |w|, by which the rounding of margins and of s is bounded.
 */
#ifndef CH_NEAR_H
#define CH_NEAR_H

#include "perceptron/gram.h"

typedef struct {
    bool is_used;     /* whether there is a list; else every bounded sample is near */
    size_t count;     /* number of near samples, rounded up to whole blocks of CH_GRAM_BLOCK */
    size_t num;       /* number of near samples */
    uint32_t *places; /* [P] their places, ascending, `num` in use; owned */

    double *centre;             /* [stride] c; owned */
    double signal, most_signal; /* s_c, 2 s_0 */
    double radius2;             /* R^2 */
    double slip;                /* bound on the rounding of s - s_c in the cylinder */
    double reach;               /* R / (T max |z|) that is tried next */
    uint64_t age;               /* updates since a list was made, or since one was tried in vain */

    double *sum; /* [stride] sum of `num_sums` weights of the student since then; owned */
    size_t num_sums;

    int32_t *slab;       /* [slab_size] entries of rows, `count` each; owned */
    size_t slab_size;    /* number of entries; 0 before the first list, and where memory was short */
    size_t num_rows;     /* rows in the slab */
    uint32_t *row_of;    /* [P] index of a place's row plus 1; 0 without a row; owned */
    uint32_t *row_place; /* [slab_size / block] place of a row; owned */
} ch_near;

/** Makes room for everything but rows.  @return false when memory is short */
bool ch_near_init(ch_near *self, const ch_sample_set *set) CH_MUST_CHECK;
void ch_near_free(ch_near *self);

/** Returns to the state after ch_near_init: there is no list, and every bounded sample is near. */
void ch_near_reset(ch_near *self);

/* Adds the student's weights to `sum`. */
void ch_near_add_weights(ch_near *self, const double *weights, size_t stride);

/* Whether the student is in the cylinder. */
bool ch_near_contains(const ch_near *self, const double *weights, double signal, size_t stride);

/* A list is used up to so many updates. Without one, one is tried after so many. The student's weights are summed at
 * every CH_NEAR_SUM_UPDATES-th update. */
enum { CH_NEAR_LONG_UPDATES = 1 << 14, CH_NEAR_TRY_UPDATES = 1 << 13, CH_NEAR_SUM_UPDATES = 32 };

/** Counts an update, and says whether the next list is due.
 *  @param weights  [stride] w
 *  @param signal   s
 *  @return whether ch_near_choose is to be called: the student has left the cylinder, the list is old, or there was
 *  none for long */
static inline bool ch_near_is_due(ch_near *self, const double *weights, double signal, size_t stride)
{
    if (++self->age % CH_NEAR_SUM_UPDATES == 0) {
        ch_near_add_weights(self, weights, stride);
    }
    return self->is_used ? self->age >= CH_NEAR_LONG_UPDATES || !ch_near_contains(self, weights, signal, stride)
                         : self->age >= CH_NEAR_TRY_UPDATES;
}

/** Chooses a cylinder around where the student has been, and lists the near samples. Where the list is used, gram's
 *  count is set to the places that the screening index does not rule out in the cylinder. It is not used where it is
 *  not much shorter than gram's count, or where memory is short.
 *  @param weights      [stride] w
 *  @param signal       s
 *  @param temperature  T
 *  @param kappa        the margin from which on a sample is fitted */
void ch_near_choose(ch_near *self, ch_gram *gram, const double *weights, double signal, double temperature,
                    double kappa);

/** The row of a place: as ch_gram_row, but with entries for the near samples alone where there is a list.
 *  @return [count] entries in quanta; valid until the next call */
static inline const int32_t *ch_near_row(ch_near *self, ch_gram *gram, uint32_t place);

/* Makes a row of a list. */
const int32_t *ch_near_make_row(ch_near *self, ch_gram *gram, uint32_t place);

static inline const int32_t *ch_near_row(ch_near *self, ch_gram *gram, uint32_t place)
{
    if (!self->is_used) {
        return ch_gram_row(gram, place);
    }
    const uint32_t row = self->row_of[place];
    return row != 0 ? self->slab + (size_t)(row - 1) * self->count : ch_near_make_row(self, gram, place);
}

#endif
