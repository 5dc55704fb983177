/* active.h — the active set: which samples are unfitted, known at every update by bounds on the margins. Private to
 * perceptron/.
 *
 * The bounded samples are those that the screening index does not rule out; every other sample is fitted. Late in a run
 * a list leaves out those that stay fitted for a while (perceptron/near.h). Of each of the others the slack (m_mu -
 * kappa) / T is kept, in units of the temperature T = eta / B, since an update by sample nu adds exactly the entry z_nu
 * . z_mu of the Gram matrix to it. Slacks and entries are 32-bit whole numbers of one quantum (perceptron/gram.h), so
 * that adding them makes no error, and the true slack is within `error` of the stored one, error = slack_error +
 * (number of entries added) x entry_error. A stored slack under -error is of an unfitted sample, one over error of a
 * fitted one. Between them the margin is computed anew in double, in the same order as by the plain engine, and
 * decides.
 */
#ifndef CH_ACTIVE_H
#define CH_ACTIVE_H

#include "perceptron/bits.h"
#include "perceptron/gram.h"
#include "perceptron/near.h"
#include "perceptron/perceptron.h"
#include "perceptron/screening.h"

struct ch_snapshot;

typedef struct {
    ch_perceptron *student;
    const ch_screen *screen;
    double temperature;  /* T */
    ch_gram gram;        /* its first gram.count places are the bounded samples; owned */
    ch_near near;        /* those of them whose slacks are kept; owned */
    double bound;        /* the bounded samples suffice while the bound of the screening index is at most this */
    double kappa_across; /* kappa / min |z_perp| */
    int32_t *slacks;     /* [P to whole blocks] in quanta: of the near samples, or of the bounded ones; owned */
    double error;        /* bound on the error of every slack, in quanta */
    double *reference;   /* [stride] the weights from which all slacks were computed last; owned */
    size_t rows_added;   /* rows added since then */
    size_t rows_left;    /* rows that may be added before it is looked how far the student has moved; > 0 */
    uint32_t recomputed; /* margins computed one at a time since then */
    /* [blocks + 1] ascending numbers of the blocks that have an unfitted sample, or had one that might be; owned */
    uint32_t *low_blocks;
    ch_bits *low_unfitted; /* [blocks + 1] the unfitted samples of each of them; owned */
    uint32_t num_low_blocks;
    /* [blocks + 1] indices, in low_blocks, of the blocks that have a slack closer to 0 than its error; owned */
    uint32_t *doubtful;
    uint32_t num_doubtful;
    uint32_t num_unfitted;
    double signal, noise2; /* s of the student, and r^2 or a little more */
    unsigned updates;      /* updates since the last test of whether fewer bounded samples would be enough */

    uint64_t computed, added; /* number of margins computed and of entries added since the beginning */
} ch_active_set;

/** Makes room for all that a run can need, without computing anything.
 *  @param student  its weights are what ch_active_set_update moves; borrowed
 *  @param screen   index of its training set; borrowed
 *  @return NULL when memory is short */
ch_active_set *ch_active_set_new(ch_perceptron *student, const ch_screen *screen) CH_MUST_CHECK;
void ch_active_set_free(ch_active_set *self);

/** Writes an active set that has begun into a snapshot; or reads it, in place of ch_active_set_begin, when the
 *  student's weights were read. Rows of the Gram matrix are not kept: they are made again with the same bits. */
void ch_active_set_exchange(ch_active_set *self, struct ch_snapshot *snapshot);

/** Computes the margins of all bounded samples at the student's w. Call it once, before all functions below it. */
void ch_active_set_begin(ch_active_set *self);

/** Number of Gram rows that memory holds while `count` samples are bounded. */
size_t ch_active_set_most_rows(const ch_active_set *self, size_t count);

/** Whether memory has copies of all bounded samples side by side while `count` samples are bounded. */
bool ch_active_set_is_packed(const ch_active_set *self, size_t count);

/** Whether the student's slacks can be computed to 2^-9 in double. They can not where margins are too many times T. */
bool ch_active_set_is_precise(const ch_active_set *self);

/** Number of unfitted samples at the student's w. */
static inline uint32_t ch_active_set_num_unfitted(const ch_active_set *self)
{
    return self->num_unfitted;
}

/** Place (perceptron/gram.h) of the unfitted sample of a rank, 0 <= rank < number of unfitted samples. Ranks go up with
 *  places. */
static inline uint32_t ch_active_set_place(const ch_active_set *self, uint32_t rank)
{
    const ch_bits *bits = self->low_unfitted;
    for (uint32_t count = 0; rank >= (count = ch_bits_count(*bits)); bits++) {
        rank -= count;
    }
    const uint32_t index = self->low_blocks[bits - self->low_unfitted] * CH_GRAM_BLOCK + ch_bits_place(*bits, rank);
    return self->near.is_used ? self->near.places[index] : index;
}

/** Places of all unfitted samples, ascending.
 *  @param places  out: [number of unfitted samples] */
void ch_active_set_list(const ch_active_set *self, uint32_t *places);

/** Whether the sample at a place is unfitted. */
bool ch_active_set_is_unfitted(const ch_active_set *self, uint32_t place);

/** Lists the places of unfitted samples that are not known yet, in the order of ch_bits_unsort within a block, and
 *  makes them known.
 *  @param known   [blocks of 64 places] bits of the known places, as perceptron/bits.h has them
 *  @param places  out: [number of unfitted samples]
 *  @return their number */
uint32_t ch_active_set_list_new(const ch_active_set *self, uint64_t *known, uint32_t *places);

/** Moves the student, w <- w + T sum z over `count` places, and brings the active set up to date.
 *  @return false when a weight is no longer finite */
bool ch_active_set_update(ch_active_set *self, const uint32_t *places, uint32_t count) CH_MUST_CHECK;

/** Adds the margins computed, entries made and entries added so far to `looked` and `bounded` of a run's work. */
void ch_active_set_add_work(const ch_active_set *self, ch_fast_work *work);

#endif
